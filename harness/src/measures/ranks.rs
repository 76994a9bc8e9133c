//! Mid-ranks: 1 for the smallest; equal values share the mean of the ranks they cover.

use super::error::{MeasureError, check_numbers};

/// The mid-rank of each value, 1 to n.
///
/// # Errors
/// A value that is NaN.
pub fn mid_ranks(values: &[f64]) -> Result<Vec<f64>, MeasureError> {
    check_numbers(values)?;
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    // −0 and 0 are equal here, though total_cmp tells them apart: they stand side by
    // side.
    for group in order.chunk_by(|&i, &j| values[i] == values[j]) {
        let rank = before as f64 + (group.len() + 1) as f64 / 2.0;
        for &i in group {
            ranks[i] = rank;
        }
        before += group.len();
    }
    Ok(ranks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_the_mean_of_their_ranks() {
        let ranks = mid_ranks(&[2.0, f64::INFINITY, 0.0, 2.0, -0.0, 2.0]).unwrap();
        assert_eq!(ranks, [4.0, 6.0, 1.5, 4.0, 1.5, 4.0]);
        assert_eq!(mid_ranks(&[1.0, f64::NAN]), Err(MeasureError::NotANumber { index: 1 }));
        assert_eq!(mid_ranks(&[]), Ok(vec![]));
    }
}
