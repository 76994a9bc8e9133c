//! What can be wrong with a model or its training.

/// An error of this room.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// Two lengths that must agree do not.
    #[error("{what}: {found} given, expected {expected}")]
    Length {
        /// Which length.
        what: &'static str,
        /// The length given.
        found: usize,
        /// The length expected.
        expected: usize,
    },
    /// A label is not below the number of classes.
    #[error("label {label} given, expected less than {classes}, the number of classes")]
    Label {
        /// The label given.
        label: u32,
        /// The number of classes.
        classes: usize,
    },
    /// A layer has no inputs or no outputs, or fewer than two classes come out at the
    /// end.
    #[error("a model of widths {widths:?} asked for, expected at least 1 everywhere and 2 at the end")]
    Widths {
        /// Inputs, hidden widths, classes.
        widths: Vec<usize>,
    },
    /// A setting lies outside its range.
    #[error("{what} is {found}, expected {expected}")]
    Range {
        /// Which setting.
        what: &'static str,
        /// The value given.
        found: f64,
        /// The range expected, in words.
        expected: &'static str,
    },
    /// The loss of a mini-batch is not finite: the learning rate is too large for the
    /// data.
    #[error(
        "training diverged in epoch {epoch}: the loss is not finite, expected a smaller learning rate than {learning_rate}"
    )]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
        /// Its learning rate.
        learning_rate: f32,
    },
}

pub(super) fn check_length(what: &'static str, found: usize, expected: usize) -> Result<(), ModelError> {
    if found != expected {
        return Err(ModelError::Length { what, found, expected });
    }
    Ok(())
}
