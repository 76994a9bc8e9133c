//! What can go wrong when truth is computed.

use std::path::PathBuf;

use crate::data::DataError;
use crate::measures::MeasureError;
use crate::model::ModelError;

/// Why an experiment could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TruthError {
    /// The data set could not be made, read or divided.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A model could not be trained.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A measure could not be taken.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// The core refused a sketch or a method.
    #[error("{what}: {error}")]
    Core {
        /// What was being done.
        what: &'static str,
        /// The core's own error.
        error: gradsieve::Error,
    },
    /// A setting that cannot be met.
    #[error("{what}: expected {expected}, found {found}")]
    Setting {
        /// Which setting.
        what: &'static str,
        /// What would do.
        expected: String,
        /// What was given.
        found: String,
    },
    /// An optimum was not reached.
    #[error(
        "training to the optimum stopped at a gradient of {gradient:e} after {rounds} rounds, expected at most {expected:e}; more weight decay may help"
    )]
    NotConverged {
        /// The largest entry of the gradient there.
        gradient: f64,
        /// What was wanted.
        expected: f64,
        /// How often it was improved.
        rounds: usize,
    },
    /// A file of finished retrainings cannot be used.
    #[error("{}: {reason}", .path.display())]
    Cache {
        /// Which file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

/// Names what was being done when the core refused.
pub(super) fn core(what: &'static str) -> impl Fn(gradsieve::Error) -> TruthError {
    move |error| TruthError::Core { what, error }
}
