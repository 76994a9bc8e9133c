//! Pearson's correlation Σ(x − x̄)(y − ȳ)/√(Σ(x − x̄)²·Σ(y − ȳ)²), −1 to 1.

use super::error::{MeasureError, check_length, check_numbers};

/// The correlation of two slices of one length.
///
/// # Errors
/// Lengths that differ; a NaN (its index in the slice it stands in), or an infinity,
/// whose distances are NaN; a side without two different values.
pub fn pearson(x: &[f64], y: &[f64]) -> Result<f64, MeasureError> {
    check_length(y.len(), x.len())?;
    let (x, y) = (centred(x)?, centred(y)?);
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (a, b) in x.iter().zip(&y) {
        xy += a * b;
        xx += a * a;
        yy += b * b;
    }
    if xx == 0.0 || yy == 0.0 {
        return Err(MeasureError::Constant { samples: x.len() });
    }
    Ok((xy / libm::sqrt(xx) / libm::sqrt(yy)).clamp(-1.0, 1.0))
}

/// The distances from the mean, in units of the largest, so that no square under- or
/// overflows.
fn centred(x: &[f64]) -> Result<Vec<f64>, MeasureError> {
    let mean = x.iter().map(|v| v / x.len() as f64).sum::<f64>();
    let distances: Vec<f64> = x.iter().map(|v| v - mean).collect();
    check_numbers(&distances)?;
    let largest = distances.iter().fold(0.0, |largest: f64, d| largest.max(d.abs()));
    let spread = x.iter().any(|v| *v != x[0]);
    Ok(distances.into_iter().map(|d| if spread { d / largest } else { 0.0 }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_correlates_fully_and_a_square_about_its_middle_not_at_all() {
        let x = [1e-200, 2e-200, 3e-200, 4e-200, 5e-200];
        let line: Vec<f64> = x.iter().map(|x| 7.0 - 3e200 * x).collect();
        assert!((pearson(&x, &line).unwrap() + 1.0).abs() < 1e-12);
        assert!(pearson(&x, &[4.0, 1.0, 0.0, 1.0, 4.0]).unwrap().abs() < 1e-12);
        // By hand: x̄ = 2, ȳ = 3; Σ = 4, squares 2 and 14.
        let r = pearson(&[1.0, 2.0, 3.0], &[2.0, 1.0, 6.0]).unwrap();
        assert!((r - 4.0 / 28.0f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn what_has_no_correlation_is_an_error() {
        assert_eq!(pearson(&[0.1; 3], &[1.0, 2.0, 3.0]), Err(MeasureError::Constant { samples: 3 }));
        assert_eq!(pearson(&[], &[]), Err(MeasureError::Constant { samples: 0 }));
        assert!(pearson(&[1.0], &[1.0, 2.0]).is_err());
        assert_eq!(pearson(&[1.0, f64::NAN], &[1.0, 2.0]), Err(MeasureError::NotANumber { index: 0 }));
        assert!(pearson(&[1.0, f64::INFINITY], &[1.0, 2.0]).is_err());
    }
}
