//! Corruption streams: samples that come one after another, of which a share is corrupt,
//! and who finds them.
//!
//! Streams are made of three tasks that are not alike. A kind of corruption damages the
//! input, the label or the gradient of a twentieth of the samples. They meet a model that
//! has memorised them, one that has converged on other and clean samples or has seen
//! those once, or one that is being trained on them. Each scorer judges each sample by
//! what came before it, and observes it then. The first twentieth of a stream does not
//! count.
//!
//! | file | what |
//! |---|---|
//! | `tasks` | the tasks: [`TASKS`] |
//! | `corruptions` | the kinds of corruption: [`CORRUPTIONS`] |
//! | `regimes` | which model the samples meet: [`Regime`]; makes [`Streams`] |
//! | `trainer` | training that shows each sample before it is used |
//! | `stream` | what is seen of the samples: [`Stream`] |
//! | `scorer` | what it is to judge: [`Scorer`] |
//! | `scorers` | who judges: [`SCORERS`], **the list that a new scorer joins** |
//! | `in_stream` | the loss, and the core's detectors as scorers |
//! | `by_sieve` | the sieve as one |
//! | `ranks` | the plain ways to make a score a decision |
//! | `visits` | one number a sample that was met in every epoch: [`VISITED`] |
//! | `judged` | what a scorer said, and what that is worth |
//! | `policies` | who decides in the loop: [`POLICIES`], **the list that a new policy joins** |
//! | `in_loop` | training that leaves out what it does not trust: [`Guarded`] |
//! | `found` | figures as they come, seed by seed: [`StreamLine`], [`LoopLine`] |
//!
//! A gradient that is damaged is judged so, while the step of a model in training takes
//! the gradient as it was: the streams of these kinds differ from the clean one in what
//! is judged alone.

mod by_sieve;
mod corruptions;
mod found;
pub(super) mod in_loop;
mod in_stream;
mod judged;
mod policies;
mod ranks;
mod regimes;
mod scorer;
mod scorers;
mod stream;
mod tasks;
mod trainer;
mod visits;

pub use corruptions::{CORRUPTIONS, Corruption, Placement};
pub use found::{CLEAN_STREAM, LoopLine, StreamLine};
pub use in_loop::{Guarded, GuardedRun};
pub use judged::RATES;
pub use policies::{Decision, POLICIES, Policy};
pub use regimes::{Regime, StreamPlan, Streams};
pub use scorer::{Judgement, Scope, Scorer};
pub use scorers::{SCORERS, Scoring};
pub use stream::{Seen, Stream};
pub use tasks::{StreamTask, TASKS};
pub use visits::{VISITED, Visited};

use std::time::Instant;

use super::context::Context;
use super::error::TruthError;
use super::jobs::run_jobs;
use super::ledger::Ledger;
use super::settings::Settings;
use super::tally::{Tally, Whose};
use crate::methods::out_of_fold;
use crate::model::{Mlp, TrainConfig};
use crate::threads::on_all_cores;
use crate::watch::Watch;
use found::mean;
use judged::{FIGURES, Figures, judge};
use regimes::{model_of_others, streams};

const MEASURE: &str = "AUROC, mean over kinds of corruption and tasks";

/// The streams of a seed: each task, regime and corruption, clean ones first.
fn plans(settings: &Settings, seed: u64) -> Vec<StreamPlan<'_>> {
    let mut plans = Vec::new();
    for regime in Regime::ALL {
        for task in TASKS {
            let corruptions = std::iter::once(None).chain(CORRUPTIONS.iter().map(Some));
            plans.extend(corruptions.map(|corruption| StreamPlan {
                settings,
                task,
                regime,
                corruption,
                seed,
            }));
        }
    }
    plans
}

/// Makes each stream of a seed and hands it to `act`, on all cores; returns what `act`
/// makes of them.
///
/// # Errors
/// Samples that a task cannot give; training that diverges; what `act` cannot do.
pub fn each_stream(
    settings: &Settings,
    seed: u64,
    watch: &dyn Watch,
    act: impl Fn(&StreamPlan<'_>, &Streams) -> Result<Vec<f64>, TruthError> + Sync,
) -> Result<Vec<Vec<f64>>, TruthError> {
    let plans = plans(settings, seed);
    // One model serves all kinds of corruption.
    let each = CORRUPTIONS.len() + 1;
    let models = on_all_cores(plans.len() / each, |at| model_of_others(&plans[at * each]));
    let models: Vec<Option<Mlp>> = models.into_iter().collect::<Result<_, _>>()?;
    let numbers: Vec<usize> = (0..plans.len()).collect();
    run_jobs(&format!("streams, seed {seed}"), &numbers, &mut Ledger::none(), watch, |number| {
        let plan = &plans[number];
        act(plan, &streams(plan, models[number / each].as_ref())?)
    })
}

/// Whose figures a stream of the regime has, in their order: name, and one line.
fn judges(regime: Regime, settings: &Settings) -> Vec<Judge> {
    let wanted = |name: &str| settings.methods.is_empty() || settings.methods.iter().any(|wish| wish == name);
    let one_pass = SCORERS.iter().filter(|scoring| wanted(scoring.name)).map(Judge::OnePass);
    let visits = VISITED.iter().filter(|visited| regime.has_visits() && wanted(visited.name));
    one_pass.chain(visits.map(Judge::Visits)).collect()
}

enum Judge {
    OnePass(&'static Scoring),
    Visits(&'static Visited),
}

impl Judge {
    const fn whose(&self) -> Whose<'static> {
        match self {
            Self::OnePass(scoring) => Whose { name: scoring.name, about: scoring.about },
            Self::Visits(visited) => Whose { name: visited.name, about: visited.about },
        }
    }

    fn figures(&self, plan: &StreamPlan<'_>, made: &Streams, folds: &[f64]) -> Result<Figures, TruthError> {
        match self {
            Self::OnePass(scoring) => {
                Ok(Figures::of(&judge(&made.judged, scoring.make, plan.seed)?, &made.judged.truth()))
            }
            Self::Visits(visited) => {
                let visits = made.visits.as_ref().unwrap_or(&made.judged);
                Ok(Figures::of_scores(&visited.scores(visits, folds, plan.seed)?, &visits.corrupt))
            }
        }
    }

    fn bytes(&self, settings: &Settings) -> usize {
        match self {
            Self::OnePass(scoring) => scoring.bytes(&Scope {
                groups: 10,
                width: settings.dim.unwrap_or_default(),
                samples: settings.train_samples,
                seed: 0,
            }),
            // One number a sample.
            Self::Visits(_) => settings.train_samples * size_of::<f32>(),
        }
    }
}

pub(super) fn run(context: &Context<'_>, seed: u64, tally: &mut Tally) -> Result<(), TruthError> {
    let settings = context.settings;
    let numbers = each_stream(settings, seed, context.watch, |plan, made| {
        let judges = judges(plan.regime, settings);
        let needs_folds = judges.iter().any(|judge| judge.whose().name == "out-of-fold loss");
        let folds = if needs_folds {
            out_of_fold(
                &made.set,
                &TrainConfig { epochs: plan.regime.epochs(settings), ..settings.training(seed) },
            )?
        } else {
            Vec::new()
        };
        let right = made.judged.margins.iter().filter(|margin| **margin > 0.0).count();
        let mut numbers = vec![right as f64 / made.judged.len() as f64];
        for judge in judges {
            let clock = Instant::now();
            numbers.extend(judge.figures(plan, made, &folds)?.numbers());
            numbers.push(clock.elapsed().as_secs_f64());
        }
        Ok(numbers)
    })?;
    let plans = plans(settings, seed);
    let clean = |plan: &StreamPlan<'_>| plan.regime == Regime::Converged && plan.corruption.is_none();
    let accuracies = plans.iter().zip(&numbers).filter(|(plan, _)| clean(plan));
    tally.accuracies.extend(accuracies.map(|(_, numbers)| numbers[0]));
    for regime in Regime::ALL {
        for (at, judge) in judges(regime, settings).iter().enumerate() {
            let (mut figures, mut seconds) = (Vec::new(), 0.0);
            for (plan, numbers) in plans.iter().zip(&numbers).filter(|(plan, _)| plan.regime == regime) {
                let mine = &numbers[1 + at * (FIGURES + 1)..1 + (at + 1) * (FIGURES + 1)];
                let mut of_seed = [f64::NAN; FIGURES];
                of_seed.copy_from_slice(&mine[..FIGURES]);
                found::add(&mut tally.streams, plan, judge.whose().name, of_seed);
                if plan.corruption.is_some_and(|corruption| corruption.counts) {
                    figures.push(mine[0]);
                }
                seconds += mine[FIGURES];
            }
            let figure = mean(figures.into_iter());
            tally.add(regime.name(), MEASURE, &judge.whose(), figure, seconds, judge.bytes(settings));
        }
    }
    Ok(())
}
