//! Seeded label flips: the damage whose truth is known.
//!
//! round(f·n) samples, drawn without replacement, each get a label drawn uniformly from
//! the *other* C − 1 classes.

use rand::RngExt;

use super::dataset::{Dataset, check_fraction, rounded_share};
use super::error::DataError;
use super::random::{Purpose, generator};

/// What a call of [`Dataset::flip_labels`] changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flips {
    /// For each sample of the set whether its label was flipped, n.
    pub mask: Vec<bool>,
    /// The flipped samples, rising.
    pub indices: Vec<usize>,
    /// Every sample's label before the flips, n.
    pub original: Vec<u32>,
}

impl Dataset {
    /// Flips round(`fraction`·n) labels, each to another class that is drawn uniformly,
    /// and records the truth in [`Dataset::flipped`] (in place of what was known before).
    /// A pure function of the set, the fraction and the seed.
    ///
    /// # Errors
    /// A fraction outside 0 to 1.
    pub fn flip_labels(&mut self, fraction: f64, seed: u64) -> Result<Flips, DataError> {
        check_fraction("fraction of labels to flip", fraction)?;
        let (samples, classes) = (self.len(), self.classes() as u32);
        let mut rng = generator(seed, Purpose::Flip);
        let mut indices =
            rand::seq::index::sample(&mut rng, samples, rounded_share(fraction, samples)).into_vec();
        indices.sort_unstable();
        let (labels, truth) = self.labels_and_truth_mut();
        let original = labels.to_vec();
        let mut mask = vec![false; samples];
        for &i in &indices {
            let step = rng.random_range(1..classes);
            labels[i] = (labels[i] + step) % classes;
            mask[i] = true;
        }
        *truth = Some(mask.clone());
        Ok(Flips { mask, indices, original })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(n: usize, classes: usize) -> Dataset {
        let labels = (0..n).map(|i| (i * i % classes) as u32).collect();
        Dataset::new("set", vec![0.0; n], labels, 1, classes).unwrap()
    }

    proptest! {
        #[test]
        fn exactly_the_rounded_share_changes_and_the_mask_tells_which(
            n in 1usize..200, classes in 2usize..6, fraction in 0.0f64..=1.0, seed: u64
        ) {
            let clean = set(n, classes);
            let mut damaged = clean.clone();
            let flips = damaged.flip_labels(fraction, seed).unwrap();
            prop_assert_eq!(flips.indices.len(), (fraction * n as f64 + 0.5).floor() as usize);
            prop_assert_eq!(&flips.original[..], clean.labels());
            for i in 0..n {
                prop_assert_eq!(damaged.labels()[i] != clean.labels()[i], flips.mask[i]);
                prop_assert_eq!(flips.indices.contains(&i), flips.mask[i]);
            }
            prop_assert_eq!(damaged.flipped().unwrap(), &flips.mask[..]);
        }
    }

    #[test]
    fn flips_are_a_function_of_their_seed() {
        let flips = |seed| set(100, 3).flip_labels(0.2, seed).unwrap();
        assert_eq!(flips(1), flips(1));
        assert_ne!(flips(1), flips(2));
    }

    #[test]
    fn every_other_class_is_drawn_about_equally_often() {
        let n = 9_000;
        let mut set = Dataset::new("zeros", vec![0.0; n], vec![0; n], 1, 4).unwrap();
        set.flip_labels(1.0, 3).unwrap();
        let counts = set.class_counts();
        assert_eq!(counts[0], 0);
        // Binomial(9000, 1/3): standard deviation 44.7; six of them.
        for &count in &counts[1..] {
            assert!(count.abs_diff(3_000) < 269, "{counts:?}");
        }
    }

    #[test]
    fn a_fraction_that_is_none_is_refused() {
        for fraction in [-0.1, 1.1, f64::NAN] {
            assert!(set(10, 2).flip_labels(fraction, 0).is_err());
        }
    }
}
