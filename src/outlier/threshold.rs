//! From scores to a decision: the contamination quantile of the training scores. A sample
//! is flagged if its score lies above it.
//!
//! Defined as in scikit-learn, where a sample is an outlier if its `score_samples`, the
//! negative of our score, lies below the contamination quantile (`numpy.percentile`,
//! linear interpolation).

use crate::error::Error;

/// The threshold that flags the fraction `contamination` of `scores`: **flagged is score
/// > threshold**, never equal.
///
/// With n scores in falling order, the one at place `contamination`·(n − 1), counted from
/// 0, between two places their linear interpolation. Of 250 distinct scores a
/// contamination of 0.1 flags 25; ties at the threshold are not flagged.
///
/// Needs no memory and leaves the scores where they are: two order statistics are found
/// by bisection over the 2⁶⁴ bit patterns, in at most 65 passes.
///
/// # Errors
/// [`Error::Setting`] unless 0 ≤ `contamination` ≤ 1; [`Error::TooFew`] without scores;
/// [`Error::NonFinite`] if one is NaN or infinite.
pub fn threshold(scores: &[f64], contamination: f64) -> Result<f64, Error> {
    if !(0.0..=1.0).contains(&contamination) {
        return Err(Error::Setting { name: "contamination", expected: "in [0, 1]" });
    }
    if !scores.iter().all(|score| score.is_finite()) {
        return Err(Error::NonFinite);
    }
    let Some(last) = scores.len().checked_sub(1) else {
        return Err(Error::TooFew { needed: 1, found: 0 });
    };
    let place = contamination * last as f64;
    let whole = place as usize;
    let part = place - whole as f64;
    let (upper, lower) = neighbours(scores, whole);
    // As NumPy does it: from whichever end is nearer, so that both ends are met exactly.
    Ok(if part < 0.5 { upper + (lower - upper) * part } else { lower - (lower - upper) * (1.0 - part) })
}

/// The scores at places `place` and `place + 1` in falling order; twice the last if there
/// is none behind it.
fn neighbours(scores: &[f64], place: usize) -> (f64, f64) {
    // The least key that at most `place` keys lie above.
    let (mut low, mut high) = (0, u64::MAX);
    while low < high {
        let middle = low + (high - low) / 2;
        if scores.iter().filter(|&&score| key(score) > middle).count() > place {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let mut not_below = 0;
    let mut next: Option<u64> = None;
    for &score in scores {
        let key = key(score);
        if key >= low {
            not_below += 1;
        } else if next.is_none_or(|next| key > next) {
            next = Some(key);
        }
    }
    let upper = score(low);
    // Behind it stands an equal one, or the greatest below.
    (upper, if not_below > place + 1 { upper } else { next.map_or(upper, score) })
}

const SIGN: u64 = 1 << 63;

/// The bits of a score, arranged so that they rise with it.
const fn key(score: f64) -> u64 {
    let bits = score.to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

/// The score of a key.
const fn score(key: u64) -> f64 {
    f64::from_bits(if key & SIGN == 0 { !key } else { key & !SIGN })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_numpy_s_percentiles() {
        // -numpy.percentile(-numpy.array(scores), 100 * contamination)
        let scores = [3.0, -1.0, 4.0, 1.5, -5.0, 9.0, 2.0, 6.0, 4.0];
        for (contamination, expected) in [
            (0.0, 9.0),
            (0.05, 7.8),
            (0.125, 6.0),
            (0.25, 4.0),
            (0.3, 4.0),
            (0.4, 3.8),
            (0.9, -1.8),
            (1.0, -5.0),
        ] {
            let found = threshold(&scores, contamination).unwrap();
            assert!((found - expected).abs() < 1e-12, "{contamination}: {found} instead of {expected}");
        }
    }

    #[test]
    fn between_two_scores_the_bits_are_numpy_s() {
        for (contamination, expected) in
            [(0.6, 0.339_999_999_999_999_97), (0.7, 0.28), (0.9, 0.159_999_999_999_999_98)]
        {
            assert_eq!(threshold(&[0.1, 0.7], contamination), Ok(expected));
        }
    }

    #[test]
    fn a_tenth_of_250_scores_is_25_of_them() {
        let scores: [f64; 250] = core::array::from_fn(|index| ((index * 97) % 250) as f64);
        let threshold = threshold(&scores, 0.1).unwrap();
        assert_eq!(scores.iter().filter(|&&score| score > threshold).count(), 25);
    }

    #[test]
    fn what_has_no_quantile_is_refused() {
        assert_eq!(threshold(&[], 0.1), Err(Error::TooFew { needed: 1, found: 0 }));
        assert_eq!(threshold(&[1.0, f64::NAN], 0.1), Err(Error::NonFinite));
        for contamination in [-0.1, 1.1, f64::NAN] {
            assert!(matches!(
                threshold(&[1.0], contamination),
                Err(Error::Setting { name: "contamination", .. })
            ));
        }
        assert_eq!(threshold(&[1.0], 0.5), Ok(1.0));
    }
}
