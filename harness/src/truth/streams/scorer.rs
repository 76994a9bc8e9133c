//! What it is to judge samples one after another.

use gradsieve::Error;

use super::stream::Seen;

/// Judges samples one after another.
pub trait Scorer {
    /// What is to be said of a sample by what was observed before it.
    ///
    /// # Errors
    /// A sample of another kind than the scorer was made for.
    fn judge(&mut self, seen: &Seen<'_>) -> Result<Judgement, Error>;

    /// Learns from a sample.
    ///
    /// # Errors
    /// As [`judge`](Self::judge).
    fn observe(&mut self, seen: &Seen<'_>) -> Result<(), Error>;
}

/// What is said of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// Larger is more suspicious; never NaN.
    pub score: f64,
    /// The share of honest samples that would look as suspicious, if the scorer says.
    pub p: Option<f64>,
    /// Whether the sample is to be left out, if the scorer decides.
    pub flagged: Option<bool>,
    /// Whether the stream has changed, if the scorer watches for that.
    pub alarm: Option<bool>,
}

impl Judgement {
    /// A score and nothing else; NaN is as suspicious as can be.
    #[must_use]
    pub const fn score(score: f64) -> Self {
        let score = if score.is_nan() { f64::INFINITY } else { score };
        Self { score, p: None, flagged: None, alarm: None }
    }
}

/// What a scorer is made for.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// Groups of samples.
    pub groups: u32,
    /// Numbers a sketch.
    pub width: usize,
    /// How many will be judged.
    pub samples: usize,
    /// Seed of what a scorer draws.
    pub seed: u64,
}
