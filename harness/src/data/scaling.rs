//! Standardisation: x ↦ (x − mean)/deviation for each feature, in f64, fitted on one set
//! and applied to others, so that nothing of a test set leaks into training.

use super::dataset::Dataset;
use super::error::DataError;

/// A feature-wise affine map.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaling {
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

impl Scaling {
    /// The map that gives each feature of `set` zero mean and unit (population) variance.
    /// A constant feature is only centred.
    pub fn standard(set: &Dataset) -> Self {
        let n = set.len() as f64;
        let mut mean = vec![0.0; set.dim()];
        for (row, _) in set.samples() {
            mean.iter_mut().zip(row).for_each(|(m, &x)| *m += f64::from(x) / n);
        }
        let mut variance = vec![0.0; set.dim()];
        for (row, _) in set.samples() {
            for ((v, m), &x) in variance.iter_mut().zip(&mean).zip(row) {
                let distance = f64::from(x) - m;
                *v += distance * distance / n;
            }
        }
        // The mean of n equal f32 values is off by a few roundings; what is left is not a
        // spread.
        let deviation = variance
            .iter()
            .zip(&mean)
            .map(|(&v, m)| if v > 1e-24 * m * m { libm::sqrt(v) } else { 1.0 })
            .collect();
        Self { mean, deviation }
    }

    /// Applies the map to every row of `set`.
    ///
    /// # Errors
    /// Another number of features than the map was fitted on; a result that overflows f32
    /// (the set is then unchanged).
    pub fn apply(&self, set: &mut Dataset) -> Result<(), DataError> {
        if set.dim() != self.mean.len() {
            return Err(DataError::Length { what: "features", found: set.dim(), expected: self.mean.len() });
        }
        let dim = set.dim();
        let scaled: Vec<f32> = set
            .features()
            .iter()
            .enumerate()
            .map(|(at, &x)| ((f64::from(x) - self.mean[at % dim]) / self.deviation[at % dim]) as f32)
            .collect();
        if let Some(at) = scaled.iter().position(|x| !x.is_finite()) {
            return Err(DataError::NotFinite { row: at / dim, column: at % dim, value: scaled[at] });
        }
        set.features_mut().copy_from_slice(&scaled);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standardised_features_have_zero_mean_and_unit_variance_and_constants_become_zero() {
        let features = vec![1.0, 0.1, 2.0, 0.1, 6.0, 0.1];
        let mut set = Dataset::new("set", features, vec![0, 1, 0], 2, 2).unwrap();
        Scaling::standard(&set).apply(&mut set).unwrap();
        let column: Vec<f32> = set.samples().map(|(row, _)| row[0]).collect();
        assert!(column.iter().sum::<f32>().abs() < 1e-6);
        assert!((column.iter().map(|x| x * x).sum::<f32>() / 3.0 - 1.0).abs() < 1e-6);
        assert!(set.samples().all(|(row, _)| row[1].abs() < 1e-6));
    }

    #[test]
    fn another_number_of_features_is_refused() {
        let two = Dataset::new("two", vec![0.0; 4], vec![0, 1], 2, 2).unwrap();
        let mut one = Dataset::new("one", vec![0.0; 2], vec![0, 1], 1, 2).unwrap();
        assert!(Scaling::standard(&two).apply(&mut one).is_err());
    }
}
