//! The plain ways to make a score a decision: its rank among earlier scores.

use gradsieve::Error;

use super::scorer::{Judgement, Scorer};
use super::stream::Seen;

/// Scores that a rank is taken among.
const AMONG: usize = 300;

/// Ranks a score among the first of the stream: a threshold that is set once.
pub(super) struct FirstScores<S> {
    inner: S,
    scores: Vec<f64>,
}

/// Ranks a score among the last of the stream.
pub(super) struct LastScores<S> {
    inner: S,
    scores: std::collections::VecDeque<f64>,
}

impl<S> FirstScores<S> {
    pub(super) const fn new(inner: S) -> Self {
        Self { inner, scores: Vec::new() }
    }
}

impl<S> LastScores<S> {
    pub(super) const fn new(inner: S) -> Self {
        Self { inner, scores: std::collections::VecDeque::new() }
    }
}

/// (1 + how many are as high)/(n + 1).
fn p<'a>(score: f64, among: impl ExactSizeIterator<Item = &'a f64>) -> Option<f64> {
    let n = among.len();
    let above = among.filter(|other| **other >= score).count();
    Some((1 + above) as f64 / (n + 1) as f64)
}

impl<S: Scorer> Scorer for FirstScores<S> {
    fn judge(&mut self, seen: &Seen<'_>) -> Result<Judgement, Error> {
        let judgement = self.inner.judge(seen)?;
        if self.scores.len() < AMONG {
            self.scores.push(judgement.score);
            return Ok(Judgement { p: Some(1.0), ..judgement });
        }
        Ok(Judgement { p: p(judgement.score, self.scores.iter()), ..judgement })
    }

    fn observe(&mut self, seen: &Seen<'_>) -> Result<(), Error> {
        self.inner.observe(seen)
    }
}

impl<S: Scorer> Scorer for LastScores<S> {
    fn judge(&mut self, seen: &Seen<'_>) -> Result<Judgement, Error> {
        let judgement = self.inner.judge(seen)?;
        let p = p(judgement.score, self.scores.iter());
        self.scores.push_back(judgement.score);
        if self.scores.len() > AMONG {
            self.scores.pop_front();
        }
        Ok(Judgement { p, ..judgement })
    }

    fn observe(&mut self, seen: &Seen<'_>) -> Result<(), Error> {
        self.inner.observe(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_counts_ties_against_the_sample_and_is_never_zero() {
        let p = |score| p(score, [1.0, 2.0, 2.0, 3.0].iter());
        assert_eq!(p(4.0), Some(0.2));
        assert_eq!(p(2.0), Some(0.8));
        assert_eq!(p(0.0), Some(1.0));
    }
}
