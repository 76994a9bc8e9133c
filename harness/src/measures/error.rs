//! When a measure is undefined.

/// An error of this room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MeasureError {
    /// Two slices that belong together differ in length.
    #[error("{found} values beside {expected} scores given, expected one for each")]
    Length {
        /// The length of the other slice.
        found: usize,
        /// The number of scores.
        expected: usize,
    },
    /// A score is NaN and has no rank.
    #[error("the score of sample {index} is not a number, expected one that can be ranked (infinities can)")]
    NotANumber {
        /// The first such sample.
        index: usize,
    },
    /// All samples are positive, or none is.
    #[error("{positives} of {samples} samples are positive, expected some and not all")]
    OneClass {
        /// Positive samples.
        positives: usize,
        /// All samples.
        samples: usize,
    },
    /// A correlation of fewer than two pairs, or with a constant.
    #[error(
        "a rank correlation of {samples} pairs in which one side is constant is undefined, expected two values that differ on each side"
    )]
    Constant {
        /// The number of pairs.
        samples: usize,
    },
    /// More flags than samples.
    #[error("{budget} flags for {samples} samples asked for, expected no more than there are")]
    Budget {
        /// Flags asked for.
        budget: usize,
        /// Samples there are.
        samples: usize,
    },
}

pub(super) fn check_length(found: usize, expected: usize) -> Result<(), MeasureError> {
    if found != expected {
        return Err(MeasureError::Length { found, expected });
    }
    Ok(())
}

pub(super) fn check_numbers(scores: &[f64]) -> Result<(), MeasureError> {
    match scores.iter().position(|s| s.is_nan()) {
        Some(index) => Err(MeasureError::NotANumber { index }),
        None => Ok(()),
    }
}

/// The number of positive and of negative samples, both at least 1.
pub(super) fn check_two_classes(truth: &[bool]) -> Result<(usize, usize), MeasureError> {
    let positives = truth.iter().filter(|&&t| t).count();
    let samples = truth.len();
    if positives == 0 || positives == samples {
        return Err(MeasureError::OneClass { positives, samples });
    }
    Ok((positives, samples - positives))
}
