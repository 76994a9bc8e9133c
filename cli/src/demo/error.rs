//! What can go wrong in a demonstration.

use gradsieve_harness::data::DataError;
use gradsieve_harness::measures::MeasureError;
use gradsieve_harness::model::ModelError;
use gradsieve_harness::truth::TruthError;

/// Why a demonstration could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// The data set could not be made, read or divided.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The model could not be trained.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A measure could not be taken.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// Training that leaves samples out could not be run.
    #[error(transparent)]
    Loop(#[from] TruthError),
    /// The core refused a sketch or a detector.
    #[error("{what}: {error}")]
    Core {
        /// What was being done.
        what: &'static str,
        /// The core's own error.
        error: gradsieve::Error,
    },
    /// Every gradient was non-finite or zero, so there is nothing to score.
    #[error("none of the {samples} gradients is finite; a lower learning rate may help")]
    NothingFinite {
        /// How many there were.
        samples: usize,
    },
}

/// Names what was being done when the core refused.
pub(super) fn core(what: &'static str) -> impl Fn(gradsieve::Error) -> DemoError {
    move |error| DemoError::Core { what, error }
}
