//! Two interleaved half circles with Gaussian noise.
//!
//! Class 0 lies on (cos t, sin t), class 1 on (1 − cos t, ½ − sin t), t evenly spaced
//! from 0 to π at both ends; every coordinate gets N(0, noise²) added; the rows are
//! shuffled. The same curves as scikit-learn's `make_moons`.

use rand::seq::SliceRandom;

use super::dataset::Dataset;
use super::error::DataError;
use super::random::{Purpose, generator, normal};

/// `samples` points, half of them (rounded down) in class 0; `noise` is the standard
/// deviation.
///
/// # Errors
/// Fewer than two samples; a noise that is negative or not finite.
pub fn moons(samples: usize, noise: f64, seed: u64) -> Result<Dataset, DataError> {
    if samples < 2 {
        return Err(DataError::Range {
            what: "number of samples",
            found: samples as f64,
            expected: "at least 2",
        });
    }
    if !(noise >= 0.0 && noise.is_finite()) {
        return Err(DataError::Range {
            what: "noise",
            found: noise,
            expected: "a finite number that is not negative",
        });
    }
    let mut rng = generator(seed, Purpose::Generate);
    let outer = samples / 2;
    let mut order: Vec<usize> = (0..samples).collect();
    order.shuffle(&mut rng);
    let mut features = Vec::new();
    let mut labels = Vec::new();
    for i in order {
        let (class, place, places) = if i < outer { (0, i, outer) } else { (1, i - outer, samples - outer) };
        let t = core::f64::consts::PI * place as f64 / (places - 1).max(1) as f64;
        let (cos, sin) = (libm::cos(t), libm::sin(t));
        let (x, y) = if class == 0 { (cos, sin) } else { (1.0 - cos, 0.5 - sin) };
        features.push((x + noise * normal(&mut rng)) as f32);
        features.push((y + noise * normal(&mut rng)) as f32);
        labels.push(class);
    }
    Dataset::new("moons", features, labels, 2, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_noise_each_point_lies_on_its_half_circle() {
        let set = moons(101, 0.0, 4).unwrap();
        assert_eq!(set.class_counts(), [50, 51]);
        for (point, class) in set.samples() {
            let (x, y) = if class == 0 { (point[0], point[1]) } else { (1.0 - point[0], 0.5 - point[1]) };
            assert!((x.hypot(y) - 1.0).abs() < 1e-6);
            assert!(y > -1e-6);
        }
    }

    #[test]
    fn noise_moves_the_points_by_its_standard_deviation() {
        let set = moons(4_000, 0.1, 4).unwrap();
        let mut squares = 0.0;
        for (point, class) in set.samples() {
            let (x, y) = if class == 0 { (point[0], point[1]) } else { (1.0 - point[0], 0.5 - point[1]) };
            squares += (f64::from(x).hypot(f64::from(y)) - 1.0).powi(2);
        }
        let deviation = (squares / 4_000.0).sqrt();
        assert!((deviation - 0.1).abs() < 0.007, "{deviation}");
    }

    #[test]
    fn moons_are_a_function_of_their_seed_and_refuse_bad_arguments() {
        assert_eq!(moons(50, 0.2, 1).unwrap(), moons(50, 0.2, 1).unwrap());
        assert_ne!(moons(50, 0.2, 1).unwrap(), moons(50, 0.2, 2).unwrap());
        assert!(moons(1, 0.1, 0).is_err());
        assert!(moons(10, -0.1, 0).is_err());
        assert!(moons(10, f64::NAN, 0).is_err());
    }
}
