//! Seeded randomness with the same bits on every machine.
//!
//! ChaCha with 8 rounds, one stream for each purpose, so that drawing more for one never
//! moves another; normal draws by Box and Muller's formula √(−2 ln u)·cos 2πv in f64 with
//! `libm`, since the system's logarithm differs between machines.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a stream of random numbers is for. Two purposes never share numbers, even with
/// one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Making a synthetic data set.
    Generate = 1,
    /// Splitting into train and test.
    Split = 2,
    /// Flipping labels.
    Flip = 3,
    /// A model's first parameters.
    Initialise = 4,
    /// The order of samples in an epoch.
    Shuffle = 5,
    /// Random subsets of a training set.
    Subset = 6,
    /// Random orders in which samples join a step.
    Permute = 7,
    /// Labels drawn from a model's prediction.
    Label = 8,
    /// Copies of a model.
    Copy = 9,
    /// Hostile gradients.
    Poison = 10,
    /// Samples drawn from a data set, each a little other than its source.
    Draw = 11,
    /// Damage to the samples and gradients of a stream.
    Corrupt = 12,
    /// Scores that mean nothing.
    Baseline = 13,
    /// Figures drawn again, for how far their mean may be off.
    Resample = 14,
}

/// The generator for a seed and a purpose.
pub fn generator(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(purpose as u64);
    rng
}

/// A draw from [0, 1), a multiple of 2⁻⁵³.
pub fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    rng.random::<f64>()
}

/// A draw from the standard normal distribution.
pub fn normal(rng: &mut ChaCha8Rng) -> f64 {
    // 1 − u lies in (0, 1], so the logarithm is finite.
    let radius = libm::sqrt(-2.0 * libm::log(1.0 - uniform(rng)));
    radius * libm::cos(core::f64::consts::TAU * uniform(rng))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_different_numbers_for_different_purposes() {
        let a = uniform(&mut generator(7, Purpose::Split));
        let b = uniform(&mut generator(7, Purpose::Flip));
        assert_ne!(a, b);
        assert_eq!(a, uniform(&mut generator(7, Purpose::Split)));
    }

    #[test]
    fn normal_draws_have_the_moments_of_a_standard_normal() {
        let mut rng = generator(1, Purpose::Generate);
        let n = 100_000;
        let draws: Vec<f64> = (0..n).map(|_| normal(&mut rng)).collect();
        let moment = |k: i32| draws.iter().map(|x| x.powi(k)).sum::<f64>() / f64::from(n);
        // Six standard errors each: sqrt(Var[x^k]/n), Var = 1, 2, 15, 96.
        assert!(moment(1).abs() < 0.019);
        assert!((moment(2) - 1.0).abs() < 0.027);
        assert!(moment(3).abs() < 0.074);
        assert!((moment(4) - 3.0).abs() < 0.19);
    }
}
