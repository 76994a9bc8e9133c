//! What a scorer said of a stream, and what that is worth.

use super::super::error::{TruthError, core};
use super::scorer::{Judgement, Scope};
use super::scorers::Made;
use super::stream::Stream;
use crate::measures::{auroc, average_precision};

/// The nominal rates at which false alarms are counted.
pub const RATES: [f64; 3] = [0.05, 0.01, 0.001];

/// Samples of a window in which they are counted, too.
const WINDOW: usize = 300;

/// Figures of a scorer on a stream; NaN where there is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figures {
    pub(super) auroc: f64,
    pub(super) precision: f64,
    /// The share of the corrupt ones with p ≤ .01.
    pub(super) detected: f64,
    /// The share of the others with p at most each of [`RATES`].
    pub(super) false_alarms: [f64; 3],
    /// The same at 5 % in the window of 300 where it is highest.
    pub(super) worst_window: f64,
    /// Of what is flagged, the share that is not corrupt; 0 if nothing is.
    pub(super) false_discoveries: f64,
    /// 1 if the scorer said anywhere that the stream had changed, 0 if nowhere.
    pub(super) change: f64,
}

/// How many numbers [`Figures`] are.
pub(super) const FIGURES: usize = 9;

impl Figures {
    pub(super) const NAMES: [&str; FIGURES] = [
        "AUROC",
        "average precision",
        "detected at 1 %",
        "false alarms at 5 %",
        "false alarms at 1 %",
        "false alarms at 0.1 %",
        "worst window at 5 %",
        "false discoveries",
        "change alarms",
    ];

    pub(super) const fn numbers(self) -> [f64; FIGURES] {
        let [five, one, tenth] = self.false_alarms;
        [
            self.auroc,
            self.precision,
            self.detected,
            five,
            one,
            tenth,
            self.worst_window,
            self.false_discoveries,
            self.change,
        ]
    }

    /// Of scores alone.
    pub(super) fn of_scores(scores: &[f64], truth: &[bool]) -> Self {
        Self {
            // Without corrupt samples, or with none but such, there is no ranking.
            auroc: auroc(scores, truth).unwrap_or(f64::NAN),
            precision: average_precision(scores, truth).unwrap_or(f64::NAN),
            detected: f64::NAN,
            false_alarms: [f64::NAN; 3],
            worst_window: f64::NAN,
            false_discoveries: f64::NAN,
            change: f64::NAN,
        }
    }

    /// Of all that was said. The first twentieth is passed over: there a scorer knows
    /// nothing yet.
    pub(super) fn of(judged: &[Judgement], truth: &[bool]) -> Self {
        let begin = judged.len() / 20;
        let (judged, truth) = (&judged[begin..], &truth[begin..]);
        let scores: Vec<f64> = judged.iter().map(|judgement| judgement.score).collect();
        let mut figures = Self::of_scores(&scores, truth);
        let p: Option<Vec<f64>> = judged.iter().map(|judgement| judgement.p).collect();
        if let Some(p) = p {
            figures.detected = share(&p, truth, true, 0.01);
            figures.false_alarms = RATES.map(|rate| share(&p, truth, false, rate));
            let windows = p.chunks_exact(WINDOW).zip(truth.chunks_exact(WINDOW));
            let rates = windows.map(|(p, truth)| share(p, truth, false, RATES[0]));
            figures.worst_window = rates.filter(|rate| !rate.is_nan()).fold(f64::NAN, f64::max);
        }
        let flags: Option<Vec<bool>> = judged.iter().map(|judgement| judgement.flagged).collect();
        if let Some(flags) = flags {
            let flagged = flags.iter().filter(|flag| **flag).count();
            let wrong = flags.iter().zip(truth).filter(|(flag, truth)| **flag && !**truth).count();
            figures.false_discoveries = wrong as f64 / flagged.max(1) as f64;
        }
        if judged.iter().any(|judgement| judgement.alarm.is_some()) {
            figures.change = f64::from(u8::from(judged.iter().any(|j| j.alarm == Some(true))));
        }
        figures
    }
}

/// The share with p at most `rate` of those that are corrupt, or of the others.
fn share(p: &[f64], truth: &[bool], corrupt: bool, rate: f64) -> f64 {
    let of_kind = p.iter().zip(truth).filter(|(_, truth)| **truth == corrupt);
    let (mut all, mut below) = (0.0, 0.0);
    for (p, _) in of_kind {
        all += 1.0;
        below += f64::from(u8::from(*p <= rate));
    }
    below / all
}

/// What a scorer says of each sample of a stream, in one pass: judged first, observed
/// then.
///
/// # Errors
/// A stream that it is not made for.
pub(super) fn judge(
    stream: &Stream,
    make: fn(&Scope) -> Made,
    seed: u64,
) -> Result<Vec<Judgement>, TruthError> {
    let scope = Scope { groups: stream.groups, width: stream.id.width, samples: stream.len(), seed };
    let mut scorer = make(&scope).map_err(core("a scorer"))?;
    let judged = stream.seen().map(|seen| {
        let judgement = scorer.judge(&seen)?;
        scorer.observe(&seen).map(|()| judgement)
    });
    judged.collect::<Result<_, _>>().map_err(core("a scorer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_the_honest_and_detection_is_of_the_corrupt() {
        // Twenty samples, of which the first is passed over.
        let p = |i: usize| if i < 3 { 0.005 } else { 0.5 };
        let judged: Vec<Judgement> =
            (0..20).map(|i| Judgement { p: Some(p(i)), ..Judgement::score(1.0 - p(i)) }).collect();
        let truth: Vec<bool> = (0..20).map(|i| i == 2 || i == 10).collect();
        let figures = Figures::of(&judged, &truth);
        assert_eq!(figures.detected, 0.5);
        assert_eq!(figures.false_alarms, [1.0 / 17.0, 1.0 / 17.0, 0.0]);
        assert!(figures.worst_window.is_nan() && figures.false_discoveries.is_nan());
        assert!(figures.change.is_nan());
    }

    #[test]
    fn a_scorer_without_p_values_has_a_ranking_and_no_rates() {
        let judged: Vec<Judgement> = (0..20).map(|i| Judgement::score(f64::from(i))).collect();
        let truth: Vec<bool> = (0..20).map(|i| i > 17).collect();
        let figures = Figures::of(&judged, &truth);
        assert_eq!((figures.auroc, figures.precision), (1.0, 1.0));
        assert!(figures.detected.is_nan() && figures.false_alarms[0].is_nan());
    }
}
