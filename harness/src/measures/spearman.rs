//! Spearman's rank correlation: Pearson's correlation of the mid-ranks,
//! Σ(a − ā)(b − b̄)/√(Σ(a − ā)²·Σ(b − b̄)²). −1 to 1.

use super::error::{MeasureError, check_length};
use super::ranks::mid_ranks;

/// The rank correlation of two slices of one length.
///
/// # Errors
/// Lengths that differ; a NaN (its index in the slice it stands in); a side without two
/// different values.
pub fn spearman(x: &[f64], y: &[f64]) -> Result<f64, MeasureError> {
    check_length(y.len(), x.len())?;
    let (a, b) = (mid_ranks(x)?, mid_ranks(y)?);
    let mean = (x.len() + 1) as f64 / 2.0;
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(&b) {
        ab += (a - mean) * (b - mean);
        aa += (a - mean) * (a - mean);
        bb += (b - mean) * (b - mean);
    }
    if aa == 0.0 || bb == 0.0 {
        return Err(MeasureError::Constant { samples: x.len() });
    }
    // One root for each, since the product of two long sums of squares could lose its
    // last digits.
    Ok((ab / libm::sqrt(aa) / libm::sqrt(bb)).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_rising_map_leaves_it_alone_and_a_falling_one_turns_it_round(
            pairs in prop::collection::vec((-9i8..9, -9i8..9), 3..40)
        ) {
            let (x, y): (Vec<f64>, Vec<f64>) = pairs.iter().map(|&(a, b)| (f64::from(a), f64::from(b))).unzip();
            if let Ok(rho) = spearman(&x, &y) {
                let risen: Vec<f64> = y.iter().map(|v| (v / 3.0).exp()).collect();
                let fallen: Vec<f64> = y.iter().map(|v| -v * v * v).collect();
                prop_assert!((spearman(&x, &risen).unwrap() - rho).abs() < 1e-12);
                prop_assert!((spearman(&x, &fallen).unwrap() + rho).abs() < 1e-12);
                prop_assert!((spearman(&y, &x).unwrap() - rho).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn without_ties_it_is_one_less_the_share_of_squared_distances() {
        // 1 − 6Σd²/(n(n²−1)), d = (0, 1, −1, 0, 0).
        let rho = spearman(&[1.0, 2.0, 3.0, 4.0, 5.0], &[10.0, 30.0, 20.0, 40.0, 50.0]).unwrap();
        assert!((rho - 0.9).abs() < 1e-15);
    }

    #[test]
    fn a_constant_side_is_an_error() {
        assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), Err(MeasureError::Constant { samples: 2 }));
        assert_eq!(spearman(&[], &[]), Err(MeasureError::Constant { samples: 0 }));
        assert!(spearman(&[1.0], &[1.0, 2.0]).is_err());
        assert!(spearman(&[1.0, f64::NAN], &[1.0, 2.0]).is_err());
    }
}
