//! Training that judges each sample before it is used, and leaves out what it does not
//! trust.
//!
//! A share of the labels is wrong. The same network is trained on the same samples in the
//! same order, and each time another policy says which of them the steps leave out:
//! [`POLICIES`]. The figure is the accuracy on samples that no model was trained on.

use std::collections::VecDeque;

use gradsieve::{Error, Rate};

use super::super::context::Context;
use super::super::error::{TruthError, core};
use super::super::jobs::run_jobs;
use super::super::ledger::Ledger;
use super::super::settings::Settings;
use super::super::tally::{Tally, Whose};
use super::by_sieve::Question;
use super::found;
use super::scorer::{Scope, Scorer};
use super::scorers;
use super::stream::{Recorder, Seen};
use super::tasks::{StreamTask, TASKS};
use super::trainer::Trainer;

/// Decides which samples a step leaves out.
trait Guard {
    /// Whether to use a sample whose label is wrong or is not. Only the ceiling looks at
    /// that.
    fn keeps(&mut self, seen: &Seen<'_>, wrong: bool) -> Result<bool, Error>;
}

type Made = Result<Box<dyn Guard>, Error>;

/// A policy of the table.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Short name.
    pub name: &'static str,
    /// One line on what it is.
    pub about: &'static str,
    make: fn(&Scope, f64) -> Made,
}

/// All of them, in the order of the tables. This is the one place to add another.
pub const POLICIES: &[Policy] = &[
    Policy { name: "all", about: "every sample is used", make: |_, _| Ok(Box::new(All)) },
    Policy {
        name: "loss",
        about: "leaves out the top share by loss",
        make: |scope, share| Ok(Box::new(TopShare::new(scorers::loss(scope)?, share))),
    },
    Policy {
        name: "direction",
        about: "leaves out the top share by direction",
        make: |scope, share| Ok(Box::new(TopShare::new(scorers::direction(scope)?, share))),
    },
    Policy {
        name: "sieve",
        about: "leaves out what the sieve flags at that rate",
        make: |scope, share| Ok(Box::new(Flagged::new(scope, share)?)),
    },
    Policy { name: "ceiling", about: "leaves out the wrong ones", make: |_, _| Ok(Box::new(Ceiling)) },
];

struct All;

impl Guard for All {
    fn keeps(&mut self, _: &Seen<'_>, _: bool) -> Result<bool, Error> {
        Ok(true)
    }
}

struct Ceiling;

impl Guard for Ceiling {
    fn keeps(&mut self, _: &Seen<'_>, wrong: bool) -> Result<bool, Error> {
        Ok(!wrong)
    }
}

/// Leaves out what the sieve flags. Its rate is the true share, as for the others, and
/// its half-life a tenth of the run.
struct Flagged(Box<dyn Scorer>);

impl Flagged {
    fn new(scope: &Scope, share: f64) -> Result<Self, Error> {
        let half_life = u32::try_from((scope.samples / 10).clamp(16, 1 << 22)).ok();
        let rate = Rate::FalseAlarms(share as f32);
        Ok(Self(scorers::by_sieve(Question { rate, half_life, ..Question::USUAL }, scope)?))
    }
}

impl Guard for Flagged {
    fn keeps(&mut self, seen: &Seen<'_>, _: bool) -> Result<bool, Error> {
        let judgement = self.0.judge(seen)?;
        self.0.observe(seen)?;
        Ok(judgement.flagged != Some(true))
    }
}

/// Leaves out what scores above all but a share of the last 500. The share is the true
/// one, which nobody knows outside an experiment.
struct TopShare {
    scorer: Box<dyn Scorer>,
    share: f64,
    last: VecDeque<f64>,
}

/// Scores that the top share is taken of.
const LAST: usize = 500;

impl TopShare {
    fn new(scorer: Box<dyn Scorer>, share: f64) -> Self {
        Self { scorer, share, last: VecDeque::with_capacity(LAST + 1) }
    }
}

impl Guard for TopShare {
    fn keeps(&mut self, seen: &Seen<'_>, _: bool) -> Result<bool, Error> {
        let score = self.scorer.judge(seen)?.score;
        self.scorer.observe(seen)?;
        let above = self.last.iter().filter(|last| **last >= score).count();
        let keeps = self.last.len() < LAST || above as f64 >= self.share * LAST as f64;
        self.last.push_back(score);
        if self.last.len() > LAST {
            self.last.pop_front();
        }
        Ok(keeps)
    }
}

pub(in super::super) fn run(context: &Context<'_>, seed: u64, tally: &mut Tally) -> Result<(), TruthError> {
    let settings = context.settings;
    let mut cells: Vec<(&StreamTask, f64, &Policy)> = Vec::new();
    let wanted = |name: &str| settings.methods.is_empty() || settings.methods.iter().any(|wish| wish == name);
    for task in TASKS {
        for &wrong in &settings.wrong {
            let policies = POLICIES.iter().filter(|policy| wanted(policy.name));
            cells.extend(policies.map(|policy| (task, wrong, policy)));
        }
    }
    let numbers: Vec<usize> = (0..cells.len()).collect();
    let stage = format!("in the loop, seed {seed}");
    let found = run_jobs(&stage, &numbers, &mut Ledger::none(), context.watch, |number| {
        let clock = std::time::Instant::now();
        let (task, wrong, policy) = cells[number];
        let mut figures = trained(settings, task, wrong, policy, seed)?.to_vec();
        figures.push(clock.elapsed().as_secs_f64());
        Ok(figures)
    })?;
    for (&(task, wrong, policy), figures) in cells.iter().zip(&found) {
        let &[accuracy, skipped_wrong, skipped_right, seconds] = figures.as_slice() else { continue };
        let title = format!("{}, {} % wrong labels", task.name, 100.0 * wrong);
        let whose = Whose { name: policy.name, about: policy.about };
        if policy.name == POLICIES[0].name {
            tally.accuracies.push(accuracy);
        }
        tally.add(&title, "test accuracy after training", &whose, accuracy, seconds, 0);
        found::add_to_loop(
            &mut tally.in_loop,
            task.name,
            wrong,
            policy.name,
            [accuracy, skipped_wrong, skipped_right],
        );
    }
    Ok(())
}

/// Trains under a policy: the accuracy after it, and which shares of wrong and of right
/// labels the last epoch left out.
fn trained(
    settings: &Settings,
    task: &StreamTask,
    wrong: f64,
    policy: &Policy,
    seed: u64,
) -> Result<[f64; 3], TruthError> {
    let (test, mut set) = task.draw(settings.test_samples, settings.train_samples, seed)?;
    let flips = set.flip_labels(wrong, seed)?;
    let mut trainer = Trainer::new(settings, &set, seed)?;
    let width = settings.dim.unwrap_or(64);
    let mut recorder = Recorder::new(&trainer.model, width, Vec::new(), seed)?;
    let scope = Scope { groups: set.classes() as u32, width, samples: set.len() * settings.epochs, seed };
    let mut guard = (policy.make)(&scope, wrong).map_err(core("a policy"))?;
    let mut skipped = vec![false; set.len()];
    for _ in 0..settings.epochs {
        trainer.epoch(&set, |i, reading, gradient| {
            let seen = recorder.see(set.labels()[i], reading.loss, gradient)?;
            let keeps = guard.keeps(&seen, flips.mask[i]).map_err(core("a policy"))?;
            skipped[i] = !keeps;
            Ok(keeps)
        })?;
    }
    let share = |of: bool| share_of(&skipped, &flips.mask, of);
    Ok([trainer.model.accuracy(&test)?, share(true), share(false)])
}

/// The share that was left out of those whose label is wrong, or of the others.
fn share_of(skipped: &[bool], wrong: &[bool], of: bool) -> f64 {
    let all = wrong.iter().filter(|wrong| **wrong == of).count();
    let left = skipped.iter().zip(wrong).filter(|(skipped, wrong)| **skipped && **wrong == of).count();
    left as f64 / all.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_wrong_and_of_the_right_apart() {
        let (skipped, wrong) = ([true, false, true, false], [true, true, false, false]);
        assert_eq!(share_of(&skipped, &wrong, true), 0.5);
        assert_eq!(share_of(&skipped, &wrong, false), 0.5);
        assert_eq!(share_of(&skipped, &[true; 4], false), 0.0);
    }
}
