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
//! Settings are small `Copy` values; the running state lives in a buffer, borrowed or
//! owned, whose size `memory()` of the settings gives. A sketch with NaN or infinite
//! entries is refused with [`Error::NonFinite`] by `observe` and `score` alike and leaves
//! the state as it was: the caller decides what to do with such a sample (the program
//! flags it).
//!
//! May import `sketch`, `state`, `moments` and `error`; knows nothing of influence or
//! stores.

mod direction;
mod forest;
mod mahalanobis;
mod norm;
mod second_moment;
mod self_influence;
mod threshold;

pub use direction::{Direction, DirectionSettings};
pub use forest::{Forest, ForestSettings, Node};
pub use mahalanobis::{Mahalanobis, MahalanobisSettings};
pub use norm::{L1, L2};
pub use second_moment::Deviation;
pub use self_influence::{SelfInfluence, SelfInfluenceSettings};
pub use threshold::threshold;

use crate::error::Error;
use crate::sketch::Sketch;

/// Takes sketches in, and gives sketches an anomaly score; larger means more anomalous.
///
/// Code that is generic over detectors observes, fits, and scores:
///
/// ```
/// use gradsieve::outlier::{Detector, Direction, DirectionSettings, L2};
/// use gradsieve::{Error, Sketch};
///
/// /// The place of the most anomalous sketch.
/// fn oddest<D: Detector>(detector: &mut D, sketches: &[Sketch<'_>]) -> Result<Option<usize>, Error> {
///     for sketch in sketches {
///         detector.observe(sketch)?;
///     }
///     detector.fit()?;
///     let mut scratch = vec![0.0; detector.scratch()];
///     let mut best = (None, f64::NEG_INFINITY);
///     for (place, sketch) in sketches.iter().enumerate() {
///         let score = detector.score(sketch, &mut scratch)?;
///         if score > best.1 {
///             best = (Some(place), score);
///         }
///     }
///     Ok(best.0)
/// }
///
/// # use gradsieve::{Exact, Layout, Projector};
/// # let id = Exact::new(2).id(Layout::flat(2)?.id());
/// # let values = [[1.0, 0.1], [1.0, 0.2], [-3.0, 0.0], [1.0, -0.1]];
/// # let sketches = values.each_ref().map(|x| {
/// #     Sketch::from_parts(id, x, gradsieve_kernels::summarize(x)).unwrap()
/// # });
/// let settings = DirectionSettings::new(1, 2);
/// let mut direction = Direction::new(settings, vec![0; settings.memory().i64s])?;
/// assert_eq!(oddest(&mut direction, &sketches)?, Some(2));
/// assert_eq!(oddest(&mut L2, &sketches)?, Some(2));
/// # Ok::<(), gradsieve::Error>(())
/// ```
pub trait Detector {
    /// Takes a sketch in.
    ///
    /// # Errors
    /// [`Error::NonFinite`] if the gradient has non-finite entries; [`Error::Length`];
    /// [`Error::Mismatch`] if the sketch is of another kind than those observed;
    /// [`Error::Group`]; [`Error::Full`] if a detector that keeps sketches has no room.
    /// The state is as it was.
    fn observe(&mut self, sketch: &Sketch<'_>) -> Result<(), Error>;

    /// Makes ready for scoring what was observed. Detectors that score in the stream have
    /// nothing to do here.
    ///
    /// # Errors
    /// [`Error::TooFew`] without observations; [`Error::NotPositiveDefinite`].
    fn fit(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// The anomaly score of a sketch, as the state stands. The state stays as it is, so
    /// several readers can score at a time, each with its own scratch of
    /// [`scratch`](Self::scratch) `f32` or more.
    ///
    /// # Errors
    /// As [`observe`](Self::observe) but for [`Error::Full`]; [`Error::NotFitted`];
    /// [`Error::Length`] if the scratch is too short.
    fn score(&self, sketch: &Sketch<'_>, scratch: &mut [f32]) -> Result<f64, Error>;

    /// Takes in all that `other` has observed. Scores change with the next
    /// [`fit`](Self::fit), if the detector has one.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the two observed different kinds of sketch;
    /// [`Error::Length`] or [`Error::Setting`] if their settings differ; [`Error::Full`].
    /// The state is as it was.
    fn merge(&mut self, other: &Self) -> Result<(), Error>
    where
        Self: Sized;

    /// Forgets everything.
    fn reset(&mut self);

    /// `f32` of scratch that a score needs.
    fn scratch(&self) -> usize {
        0
    }
}
