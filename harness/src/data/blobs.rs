//! Isotropic Gaussian blobs: one a class, N(centre, spread²·I), centres drawn uniformly
//! from [−10, 10]^dim. The same distribution as scikit-learn's `make_blobs`.

use super::dataset::Dataset;
use super::error::DataError;
use super::random::{Purpose, generator, normal, uniform};

/// `samples` points of `dim` features; sample i belongs to class i mod `classes`.
///
/// # Errors
/// No sample, no feature, fewer than two classes; a spread that is negative or not
/// finite.
pub fn blobs(
    samples: usize,
    classes: usize,
    dim: usize,
    spread: f64,
    seed: u64,
) -> Result<Dataset, DataError> {
    if !(spread >= 0.0 && spread.is_finite()) {
        return Err(DataError::Range {
            what: "spread",
            found: spread,
            expected: "a finite number that is not negative",
        });
    }
    let mut rng = generator(seed, Purpose::Generate);
    let centres: Vec<f64> =
        (0..classes.saturating_mul(dim)).map(|_| 20.0 * uniform(&mut rng) - 10.0).collect();
    let mut features = Vec::new();
    let mut labels = Vec::new();
    for i in 0..samples {
        let class = i % classes.max(1);
        for centre in centres.iter().skip(class * dim).take(dim) {
            features.push((centre + spread * normal(&mut rng)) as f32);
        }
        labels.push(class as u32);
    }
    Dataset::new("blobs", features, labels, dim, classes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_of_a_class_scatter_around_one_centre_by_the_spread() {
        let set = blobs(3_000, 3, 2, 0.5, 8).unwrap();
        assert_eq!(set.class_counts(), [1_000; 3]);
        for class in 0..3 {
            let column: Vec<f64> =
                set.samples().filter(|s| s.1 == class).map(|s| f64::from(s.0[0])).collect();
            let mean = column.iter().sum::<f64>() / 1_000.0;
            let variance = column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 1_000.0;
            assert!((-10.1..10.1).contains(&mean));
            // Six standard errors of a variance over 1,000 draws: 6·0.25·√(2/1000).
            assert!((variance - 0.25).abs() < 0.068, "{variance}");
        }
    }

    #[test]
    fn blobs_are_a_function_of_their_seed_and_refuse_bad_arguments() {
        assert_eq!(blobs(20, 2, 3, 1.0, 1).unwrap(), blobs(20, 2, 3, 1.0, 1).unwrap());
        assert_ne!(blobs(20, 2, 3, 1.0, 1).unwrap(), blobs(20, 2, 3, 1.0, 2).unwrap());
        for (n, c, d, s) in [(0, 2, 2, 1.0), (9, 1, 2, 1.0), (9, 0, 2, 1.0), (9, 2, 0, 1.0), (9, 2, 2, -1.0)]
        {
            assert!(blobs(n, c, d, s, 0).is_err(), "{n} {c} {d} {s}");
        }
    }
}
