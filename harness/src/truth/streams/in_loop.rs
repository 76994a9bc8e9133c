//! Training that judges each sample before it is used, and leaves out what it does not
//! trust.
//!
//! A share of the labels is wrong. The same network is trained on the same samples in the
//! same order, and each time another policy says which of them the steps leave out:
//! [`POLICIES`]. The figure is the accuracy on samples that no model was trained on.

use super::super::context::Context;
use super::super::error::{TruthError, core};
use super::super::jobs::run_jobs;
use super::super::ledger::Ledger;
use super::super::settings::Settings;
use super::super::tally::{Tally, Whose};
use super::found;
use super::policies::{Decision, POLICIES, Policy};
use super::scorer::Scope;
use super::stream::Recorder;
use super::tasks::{StreamTask, TASKS};
use super::trainer::Trainer;
use crate::data::Dataset;

/// Samples of which some have a wrong label, to be trained on with a guard.
#[derive(Clone, Copy, Debug)]
pub struct Guarded<'a> {
    /// Network, steps, epochs and sketches.
    pub settings: &'a Settings,
    /// What is trained on.
    pub set: &'a Dataset,
    /// Which labels are wrong.
    pub wrong: &'a [bool],
    /// The share that a policy is to leave out: the true one, unless nobody knows it.
    pub share: f64,
    /// What no model is trained on.
    pub test: &'a Dataset,
    /// The seed of network, order and sketches.
    pub seed: u64,
}

/// A run under a policy, as it went.
#[derive(Clone, Debug)]
pub struct GuardedRun {
    /// Test accuracy after each epoch.
    pub accuracies: Vec<f64>,
    /// Which sample came, and what was decided, visit by visit: as many in each epoch as
    /// there are samples.
    pub visits: Vec<(usize, Decision)>,
}

impl Guarded<'_> {
    /// Trains under a policy. `step` is told of each epoch.
    ///
    /// # Errors
    /// Settings out of their range; training that diverges.
    pub fn train(&self, policy: &Policy, mut step: impl FnMut()) -> Result<GuardedRun, TruthError> {
        let Self { settings, set, wrong, share, test, seed } = *self;
        let mut trainer = Trainer::new(settings, set, seed)?;
        let width = settings.dim.unwrap_or(64);
        let mut recorder = Recorder::new(&trainer.model, width, Vec::new(), seed)?;
        let samples = set.len() * settings.epochs;
        let scope = Scope { groups: set.classes() as u32, width, samples, seed };
        let mut guard = (policy.make)(&scope, share).map_err(core("a policy"))?;
        let mut run = GuardedRun { accuracies: Vec::new(), visits: Vec::with_capacity(samples) };
        for _ in 0..settings.epochs {
            trainer.epoch(set, |i, reading, gradient| {
                let seen = recorder.see(set.labels()[i], reading.loss, gradient)?;
                let decision = guard.decide(&seen, wrong[i]).map_err(core("a policy"))?;
                run.visits.push((i, decision));
                Ok(decision.keeps)
            })?;
            run.accuracies.push(trainer.model.accuracy(test)?);
            step();
        }
        Ok(run)
    }
}

impl GuardedRun {
    /// For each epoch the shares of wrong and of right labels that were left out.
    #[must_use]
    pub fn left_out(&self, wrong: &[bool]) -> Vec<[f64; 2]> {
        let epochs = self.visits.chunks(wrong.len().max(1));
        epochs.map(|epoch| [true, false].map(|of| share_of(epoch, wrong, of))).collect()
    }
}

/// The share that was left out of the visits to samples whose label is wrong, or to the
/// others.
fn share_of(visits: &[(usize, Decision)], wrong: &[bool], of: bool) -> f64 {
    let (mut all, mut left) = (0, 0);
    for (_, decision) in visits.iter().filter(|(sample, _)| wrong[*sample] == of) {
        all += 1;
        left += usize::from(!decision.keeps);
    }
    left as f64 / f64::max(all.into(), 1.0)
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
    share: f64,
    policy: &Policy,
    seed: u64,
) -> Result<[f64; 3], TruthError> {
    let (test, mut set) = task.draw(settings.test_samples, settings.train_samples, seed)?;
    let wrong = set.flip_labels(share, seed)?.mask;
    let guarded = Guarded { settings, set: &set, wrong: &wrong, share, test: &test, seed };
    let run = guarded.train(policy, || ())?;
    let [left_wrong, left_right] = run.left_out(&wrong).last().copied().unwrap_or_default();
    Ok([run.accuracies.last().copied().unwrap_or_default(), left_wrong, left_right])
}

#[cfg(test)]
mod tests {
    use super::super::super::settings::Experiment;
    use super::*;

    fn run_of(name: &str, wrong: f64) -> (GuardedRun, Vec<bool>) {
        let settings = Settings { train_samples: 400, test_samples: 400, ..Settings::of(Experiment::Loop) };
        let (test, mut set) = TASKS[0].draw(400, 400, 3).unwrap();
        let mask = set.flip_labels(wrong, 3).unwrap().mask;
        let policy = POLICIES.iter().find(|policy| policy.name == name).unwrap();
        let settings = &Settings { epochs: 10, ..settings };
        let guarded = Guarded { settings, set: &set, wrong: &mask, share: wrong, test: &test, seed: 3 };
        (guarded.train(policy, || ()).unwrap(), mask)
    }

    #[test]
    fn shares_are_of_the_wrong_and_of_the_right_apart_and_by_epoch() {
        let (ceiling, wrong) = run_of("ceiling", 0.3);
        assert_eq!(ceiling.left_out(&wrong), [[1.0, 0.0]; 10]);
        let (all, wrong) = run_of("all", 0.3);
        assert_eq!(all.left_out(&wrong), [[0.0, 0.0]; 10]);
        assert_eq!(all.accuracies.len(), 10);
    }

    #[test]
    fn a_sieve_in_the_loop_leaves_out_as_much_as_it_is_told_and_says_why() {
        let (run, wrong) = run_of("sieve", 0.4);
        // Past the warm-up and the epochs in which the network learns.
        let late = &run.visits[run.visits.len() / 2..];
        let left = late.iter().filter(|(_, decision)| !decision.keeps).count() as f64 / late.len() as f64;
        assert!((left - 0.4).abs() < 0.04, "{left}");
        let [found, lost] = *run.left_out(&wrong).last().unwrap();
        assert!(found > 0.8 && lost < 0.15, "{found} {lost}");
        let (mute, left) = late
            .iter()
            .filter(|(_, d)| !d.keeps)
            .fold((0, 0), |(mute, left), (_, d)| (mute + usize::from(d.reasons.is_empty()), left + 1));
        assert!(2 * mute < left, "{mute} of {left} without a reason");
    }
}
