//! An experiment from its settings to its outcome.

use std::path::PathBuf;

use super::breakdown::DETECTORS;
use super::context::Context;
use super::error::TruthError;
use super::methods::{METHODS, Method};
use super::outcome::Outcome;
use super::settings::{Experiment, Settings};
use super::sketches::PROJECTIONS;
use super::tally::Tally;
use super::target::Target;
use super::task::Task;
use super::{breakdown, brittleness, fairness, flips, lds, loo, shapley, sketches, streams, tsloo};
use crate::watch::Watch;

/// Runs an experiment. A pure function of the settings, but for the times in the outcome.
/// Finished retrainings are kept in `cache`, if it is given, and those that are there are
/// not repeated.
///
/// # Errors
/// Settings outside their range; an unknown method, or one that says nothing in the
/// experiment; training that diverges; a cache that cannot be used.
pub fn run(settings: &Settings, cache: Option<PathBuf>, watch: &dyn Watch) -> Result<Outcome, TruthError> {
    settings.check()?;
    let context = Context { settings, watch, methods: methods(settings)?, cache };
    let mut tally = Tally::default();
    for seed in (0..settings.seeds).map(|more| settings.seed.wrapping_add(more)) {
        // Streams are of tasks of their own.
        match settings.experiment {
            Experiment::Streams => streams::run(&context, seed, &mut tally),
            Experiment::Loop => streams::in_loop::run(&context, seed, &mut tally),
            experiment => {
                let task = Task::new(settings, seed)?;
                tally.shape = Some([task.train.dim(), task.train.classes()]);
                of_task(experiment, &context, &task, &mut tally)
            }
        }?;
    }
    Ok(Outcome {
        settings: settings.clone(),
        accuracy: tally.accuracies.iter().sum::<f64>() / tally.accuracies.len().max(1) as f64,
        shape: tally.shape,
        retrainings: tally.retrainings,
        truth_seconds: tally.truth_seconds,
        sketches: core::mem::take(&mut tally.sketches),
        breakdown: core::mem::take(&mut tally.breakdown),
        streams: core::mem::take(&mut tally.streams),
        in_loop: core::mem::take(&mut tally.in_loop),
        panels: tally.finish(),
    })
}

fn of_task(
    experiment: Experiment,
    context: &Context<'_>,
    task: &Task,
    tally: &mut Tally,
) -> Result<(), TruthError> {
    match experiment {
        Experiment::Tsloo => tsloo::run(context, task, tally),
        Experiment::Loo => loo::run(context, task, tally),
        Experiment::Lds => lds::run(context, task, tally),
        Experiment::Brittleness => brittleness::run(context, task, tally),
        Experiment::Flips => flips::run(context, task, tally),
        Experiment::Shapley => shapley::run(context, task, tally),
        Experiment::Fairness => fairness::run(context, task, tally),
        Experiment::Sketches => sketches::run(context, task, tally),
        Experiment::Breakdown => breakdown::run(context, task, tally),
        Experiment::Streams | Experiment::Loop => Ok(()),
    }
}

fn methods(settings: &Settings) -> Result<Vec<&'static Method>, TruthError> {
    let known: Vec<&Method> = METHODS.iter().filter(|method| method.applies(settings.experiment)).collect();
    let known: Vec<&Method> =
        known.into_iter().filter(|m| settings.target == Target::Samples || !m.of_samples).collect();
    let (optimizer, decay) = (&settings.optimizer, settings.weight_decay);
    let known: Vec<&Method> = known.into_iter().filter(|method| method.is_of(optimizer, decay)).collect();
    let names: Vec<&str> = match settings.experiment {
        Experiment::Sketches => PROJECTIONS.iter().map(|projection| projection.name).collect(),
        Experiment::Streams => streams::SCORERS
            .iter()
            .map(|scoring| scoring.name)
            .chain(streams::VISITED.iter().map(|visited| visited.name))
            .collect(),
        Experiment::Loop => streams::POLICIES.iter().map(|policy| policy.name).collect(),
        Experiment::Breakdown => DETECTORS.iter().map(|form| form.name).collect(),
        _ => known.iter().map(|method| method.name).collect(),
    };
    if let Some(unknown) = settings.methods.iter().find(|name| !names.contains(&name.as_str())) {
        return Err(TruthError::Setting {
            what: "method",
            expected: if names.is_empty() {
                format!("none in the experiment {}, which has its own", settings.experiment.name())
            } else {
                names.join(", ")
            },
            found: unknown.clone(),
        });
    }
    let wanted = |name: &str| settings.methods.is_empty() || settings.methods.iter().any(|wish| wish == name);
    Ok(known.into_iter().filter(|method| wanted(method.name)).collect())
}
