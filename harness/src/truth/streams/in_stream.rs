//! The loss, and any detector of the core, as scorers of a stream.

use gradsieve::{Detector, Error};

use super::scorer::{Judgement, Scorer};
use super::stream::Seen;

/// The loss of a sample.
pub(super) struct Loss;

impl Scorer for Loss {
    fn judge(&mut self, seen: &Seen<'_>) -> Result<Judgement, Error> {
        Ok(Judgement::score(seen.loss))
    }

    fn observe(&mut self, _: &Seen<'_>) -> Result<(), Error> {
        Ok(())
    }
}

/// A detector in a stream: fitted anew after every hundred samples, if it has to be.
pub(super) struct InStream<D> {
    detector: D,
    scratch: Vec<f32>,
    observed: usize,
}

/// Samples between fits.
const REFIT: usize = 100;

impl<D: Detector> InStream<D> {
    pub(super) fn new(detector: D) -> Self {
        let scratch = vec![0.0; detector.scratch()];
        Self { detector, scratch, observed: 0 }
    }
}

impl<D: Detector> Scorer for InStream<D> {
    /// A gradient that is not finite is as suspicious as can be. Before the first fit all
    /// are alike.
    fn judge(&mut self, seen: &Seen<'_>) -> Result<Judgement, Error> {
        match self.detector.score(&seen.sketch, &mut self.scratch) {
            Ok(score) => Ok(Judgement::score(score)),
            Err(Error::NonFinite) => Ok(Judgement::score(f64::INFINITY)),
            Err(Error::NotFitted | Error::TooFew { .. }) => Ok(Judgement::score(0.0)),
            Err(error) => Err(error),
        }
    }

    fn observe(&mut self, seen: &Seen<'_>) -> Result<(), Error> {
        match self.detector.observe(&seen.sketch) {
            Ok(()) => self.observed += 1,
            Err(Error::NonFinite) => return Ok(()),
            Err(error) => return Err(error),
        }
        if !self.observed.is_multiple_of(REFIT) {
            return Ok(());
        }
        match self.detector.fit() {
            // It goes on with what it was fitted to before.
            Ok(()) | Err(Error::TooFew { .. } | Error::NotPositiveDefinite) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
