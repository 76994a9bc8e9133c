//! sketches → anomaly scores: outlier gradient analysis (Chhabra et al., arXiv
//! 2405.03869) in fixed memory. One file a detector.
//!
//! The idea: in the influence −vᵀH⁻¹g of a sample the first factors are common to all
//! samples, so harmful ones stand out among the g themselves, and no validation data is
//! needed. **A larger score means more anomalous.** Scores are comparable within one
//! detector only.
//!
//! A batch-mean gradient is not a per-sample gradient: a detector that is fed means finds
//! odd batches, not odd samples.
//!
//! Settings are small `Copy` values; the running state lives in memory that the caller
//! lends, whose size a `const fn` gives. A sketch with NaN or infinite entries is refused
//! with [`Error::NonFinite`] by `observe` and `score` alike and leaves the state as it
//! was: the caller decides what to do with such a sample (the program flags it).
//!
//! May import `sketch`, `state`, `moments` and `error`; knows nothing of influence or
//! stores.

mod direction;
mod forest;
mod mahalanobis;
mod norm;
mod self_influence;
mod threshold;

pub use direction::{Direction, DirectionSettings};
pub use forest::{Forest, ForestSettings, Node};
pub use mahalanobis::Mahalanobis;
pub use norm::{L1, L2};
pub use self_influence::SelfInfluence;
pub use threshold::threshold;

use crate::error::Error;
use crate::sketch::Sketch;

/// Gives a sketch an anomaly score; larger means more anomalous.
pub trait Detector {
    /// The anomaly score of a sketch, as the state stands. Scores nothing in: the state's
    /// observations stay as they are (a detector may use memory of its own as scratch,
    /// hence `&mut`).
    ///
    /// # Errors
    /// [`Error::NonFinite`] if the gradient has non-finite entries; [`Error::NotFitted`];
    /// [`Error::Mismatch`] if the sketch is of another kind than those observed;
    /// [`Error::Group`].
    fn score(&mut self, sketch: &Sketch<'_>) -> Result<f64, Error>;
}
