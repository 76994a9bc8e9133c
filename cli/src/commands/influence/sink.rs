//! Where influence goes as it is computed: into a matrix that checkpoints add to, or
//! straight to its places.

use gradsieve::store::{Entry, TopK, TopKSettings};

use super::best::{RankedSample, RankedTarget};
use super::output::Output;
use crate::commands::CommandError;
use crate::commands::rows::{filled, zeros};

/// What takes parts of influence in, training row after training row.
pub(super) trait Sink {
    /// Takes in a part for each training sample and each target; both rise.
    /// `parts(i, j, out)` writes those of `trains[i]` and the samples behind it on
    /// `targets[j]`.
    fn take(
        &mut self,
        trains: &[usize],
        targets: &[usize],
        parts: &dyn Fn(usize, usize, &mut [f64]),
    ) -> Result<(), CommandError>;

    /// A training sample that has no influence.
    fn non_finite_train(&mut self, train: usize);

    /// A target that nothing has influence on.
    fn non_finite_target(&mut self, target: usize);

    /// The training samples and the targets that are not finite.
    fn non_finite(&self) -> [Vec<usize>; 2];
}

/// Training samples that are looked at together.
const SOME: usize = 32;

/// The indices that are flagged.
pub(super) fn flagged(flags: &[bool]) -> Vec<usize> {
    (0..flags.len()).filter(|&index| flags[index]).collect()
}

/// Influence that goes row after row to the output, and to the most helpful and the most
/// harmful samples of each target: nothing else of it is kept.
///
/// Only where a sample's influence has one part, so with one checkpoint; and for an
/// output, where all targets are scored in one pass over the training rows.
pub(super) struct Streamed<'m> {
    /// The most helpful and the most harmful of each target, the latter by their
    /// influence's magnitude; empty if nobody asks.
    best: Vec<[TopK<&'m mut [Entry]>; 2]>,
    writer: Option<Output<'m>>,
    /// What each training sample's influence is multiplied by; nothing if that is 1.
    factors: Option<&'m [f64]>,
    /// A row of the output; NaN where a target is not finite.
    row: Vec<f64>,
    /// The next row of the output.
    next: usize,
    non_finite_train: Vec<bool>,
    non_finite_target: Vec<bool>,
}

impl<'m> Streamed<'m> {
    /// Memory for the `top` most helpful and most harmful of each of so many targets.
    pub(super) fn memory(file: &str, top: usize, targets: usize) -> Result<Vec<Entry>, CommandError> {
        zeros(file, top.saturating_mul(2).saturating_mul(targets))
    }

    /// Nothing taken in yet. `memory` is empty where nobody asks for the best.
    pub(super) fn new(
        trains: usize,
        targets: usize,
        top: Option<usize>,
        mut memory: &'m mut [Entry],
        writer: Option<Output<'m>>,
        factors: Option<&'m [f64]>,
    ) -> Result<Self, CommandError> {
        let mut best = Vec::new();
        if let Some(top) = top {
            let mut next = || {
                let (entries, rest) = std::mem::take(&mut memory).split_at_mut(top);
                memory = rest;
                TopK::new(TopKSettings { k: top }, entries).map_err(CommandError::core("the scores"))
            };
            for _ in 0..targets {
                best.push([next()?, next()?]);
            }
        }
        const WHOSE: &str = "the scores";
        let (row, next) = (filled(WHOSE, targets, f64::NAN)?, 0);
        let (non_finite_train, non_finite_target) = (zeros(WHOSE, trains)?, zeros(WHOSE, targets)?);
        Ok(Self { best, writer, factors, row, next, non_finite_train, non_finite_target })
    }

    /// Completes the output. Returns the best of each target, if anybody asked.
    pub(super) fn finish(mut self) -> Result<Option<Vec<RankedTarget>>, CommandError> {
        let trains = self.non_finite_train.len();
        if let Some(mut writer) = self.writer.take() {
            skip_to(&mut writer, &mut self.next, trains, self.row.len())?;
            writer.finish()?;
        }
        if self.best.is_empty() {
            return Ok(None);
        }
        let sorted = |mut top: TopK<&mut [Entry]>, sign: f64| {
            let sample =
                |entry: &Entry| RankedSample { index: entry.id as usize, influence: sign * entry.score };
            top.sorted().map(sample).collect()
        };
        let targets = self.best.into_iter().enumerate().map(|(index, [helpful, harmful])| RankedTarget {
            index,
            proponents: sorted(helpful, 1.0),
            opponents: sorted(harmful, -1.0),
        });
        Ok(Some(targets.collect()))
    }
}

/// Rows without influence, as far as row `to`.
fn skip_to(writer: &mut Output<'_>, next: &mut usize, to: usize, targets: usize) -> Result<(), CommandError> {
    if *next < to {
        let nan = vec![f64::NAN; targets];
        (*next..to).try_for_each(|_| writer.write(&nan))?;
        *next = to;
    }
    Ok(())
}

/// Keeps a score above zero, if it is among the largest; `least` is what it takes to be.
fn keep(top: &mut TopK<&mut [Entry]>, least: &mut f64, id: usize, score: f64) -> Result<(), CommandError> {
    // NaN is neither above nor below zero.
    if score > 0.0 && score >= *least {
        top.push(Entry { id: id as u64, score }).map_err(|error| CommandError::core("the scores")(error))?;
        *least = top.last().map_or(0.0, |last| last.score);
    }
    Ok(())
}

impl Sink for Streamed<'_> {
    fn take(
        &mut self,
        trains: &[usize],
        targets: &[usize],
        parts: &dyn Fn(usize, usize, &mut [f64]),
    ) -> Result<(), CommandError> {
        let factors = self.factors;
        let influences = |i: usize, j: usize, trains: &[usize], out: &mut [f64]| {
            parts(i, j, out);
            // As if it had been added to zero, and so never −0.
            out.iter_mut().for_each(|part| *part += 0.0);
            if let Some(factors) = factors {
                out.iter_mut().zip(trains).for_each(|(part, &train)| *part *= factors[train]);
            }
        };
        for (j, &target) in targets.iter().enumerate() {
            let Some(tops) = self.best.get_mut(target) else { break };
            let mut least = tops.each_ref().map(|top| top.last().map_or(0.0, |last| last.score));
            for (some, trains) in trains.chunks(SOME).enumerate() {
                let mut memory = [0.0; SOME];
                let found = &mut memory[..trains.len()];
                influences(some * SOME, j, trains, found);
                // Hardly any is among the best: all are looked at together, which vectors
                // can do.
                let any = |any, x: &f64| any | (*x >= least[0]) | (-*x >= least[1]);
                if found.iter().fold(false, any) {
                    for (&train, &influence) in trains.iter().zip(&*found) {
                        keep(&mut tops[0], &mut least[0], train, influence)?;
                        keep(&mut tops[1], &mut least[1], train, -influence)?;
                    }
                }
            }
        }
        if let Some(writer) = &mut self.writer {
            for (i, &train) in trains.iter().enumerate() {
                skip_to(writer, &mut self.next, train, self.row.len())?;
                for (j, &target) in targets.iter().enumerate() {
                    influences(i, j, &[train], &mut self.row[target..=target]);
                }
                writer.write(&self.row)?;
                self.next += 1;
            }
        }
        Ok(())
    }

    fn non_finite_train(&mut self, train: usize) {
        self.non_finite_train[train] = true;
    }

    fn non_finite_target(&mut self, target: usize) {
        self.non_finite_target[target] = true;
    }

    fn non_finite(&self) -> [Vec<usize>; 2] {
        [flagged(&self.non_finite_train), flagged(&self.non_finite_target)]
    }
}
