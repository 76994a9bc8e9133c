//! Training with a guard in the loop: each sample is judged before it is used, what is
//! flagged is skipped, and training goes on. Against every sample, the loss as the guard,
//! and the ceiling.

use serde::Serialize;

use super::error::DemoError;
use super::settings::{Settings, Source};
use gradsieve_harness::data::Dataset;
use gradsieve_harness::truth::{
    Experiment, Guarded, GuardedRun, POLICIES, Policy, Settings as TruthSettings, TASKS,
};
use gradsieve_harness::{Watch, on_all_cores};

/// The policies that are shown, by name.
const SHOWN: [&str; 4] = ["all", "loss", "sieve", "ceiling"];

/// The one whose decisions are told one by one.
const TOLD: &str = "sieve";

/// Fewest samples that there is a stream of.
const LEAST: usize = 20;

/// Samples of the second task, and as many to test on.
const TUMOURS: usize = 1000;

/// How many of the samples that were left out first are shown.
const FIRST: usize = 16;

/// Training with a guard on one task.
#[derive(Clone, Debug, Serialize)]
pub struct LoopOutcome {
    /// Name of the data set.
    pub data: String,
    /// Training samples.
    pub train_samples: usize,
    /// Test samples.
    pub test_samples: usize,
    /// Epochs.
    pub epochs: usize,
    /// How many training labels are wrong.
    pub flips: usize,
    /// The share of the samples that a guard is to leave out.
    pub rate: f64,
    /// One entry a policy, in the order of the table.
    pub policies: Vec<LoopPolicy>,
    /// What the sieve said of the stream itself.
    pub alarms: Vec<LoopAlarm>,
    /// What it left out, by reason: a visit may have several.
    pub left_out: Vec<LeftOut>,
    /// Every visit to a sample, in order, as the sieve judged it.
    #[serde(skip)]
    pub visits: Vec<Visit>,
    /// The samples that it left out first.
    #[serde(skip)]
    pub first: Vec<LoopSuspect>,
    /// Width and height of the pictures, if the samples are pictures.
    #[serde(skip)]
    pub picture: Option<(usize, usize)>,
    /// Names of the classes.
    #[serde(skip)]
    pub class_names: Vec<String>,
}

/// How one policy did.
#[derive(Clone, Debug, Serialize)]
pub struct LoopPolicy {
    /// Short name.
    pub name: &'static str,
    /// One line on what it is.
    pub about: &'static str,
    /// Test accuracy after training.
    pub accuracy: f64,
    /// Test accuracy after each epoch.
    pub accuracies: Vec<f64>,
    /// The share of the wrong labels that each epoch left out.
    pub wrong_left_out: Vec<f64>,
    /// The share of the right labels that it left out.
    pub right_left_out: Vec<f64>,
}

/// The sieve said that the stream itself stands out.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LoopAlarm {
    /// At which visit, from 0.
    pub index: usize,
    /// `change` or `flood`.
    pub kind: &'static str,
}

/// How often the sieve left a sample out for a reason.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LeftOut {
    /// The reason; `none` of visits in which no part stood out by itself.
    pub reason: &'static str,
    /// Visits to samples with a wrong label.
    pub wrong: usize,
    /// Visits to others.
    pub right: usize,
}

/// A visit to a sample, as the sieve judged it.
#[derive(Clone, Copy, Debug)]
pub struct Visit {
    /// The p-value.
    pub p: f64,
    /// Whether the step used it.
    pub keeps: bool,
    /// Whether its label is wrong.
    pub wrong: bool,
}

/// A sample that was left out.
#[derive(Clone, Debug)]
pub struct LoopSuspect {
    /// Its index among the training samples.
    pub index: usize,
    /// At which visit, from 0.
    pub visit: usize,
    /// The p-value.
    pub p: f64,
    /// What stood out.
    pub reasons: String,
    /// The label as given.
    pub given: u32,
    /// The label before flipping.
    pub original: u32,
    /// The features: pixels in 0..1 where the set has pictures.
    pub features: Vec<f32>,
}

/// What one task is made of.
struct Task {
    settings: TruthSettings,
    set: Dataset,
    test: Dataset,
    /// Labels before any flips.
    original: Vec<u32>,
    /// Which labels are wrong.
    wrong: Vec<bool>,
}

/// Trains with each guard on the demonstration's own samples and, if they are the digits,
/// on tumours; on nothing where there are too few samples for a stream. `share` is what
/// is to be left out.
pub(super) fn loops(
    settings: &Settings,
    set: &Dataset,
    test: &Dataset,
    original: &[u32],
    share: f64,
    watch: &dyn Watch,
) -> Result<Vec<LoopOutcome>, DemoError> {
    // A guard that is to leave out nothing, or all, is none.
    if set.len() < LEAST || !(share > 0.0 && share < 1.0) {
        return Ok(Vec::new());
    }
    let of_loop = TruthSettings::of(Experiment::Loop);
    let of_loop = TruthSettings { epochs: of_loop.epochs.min(settings.training.epochs), ..of_loop };
    let training = &settings.training;
    let mut tasks = vec![Task {
        settings: TruthSettings {
            hidden: training.hidden.clone(),
            learning_rate: training.learning_rate,
            ..of_loop.clone()
        },
        set: set.clone(),
        test: test.clone(),
        original: original.to_vec(),
        wrong: set.flipped().map_or_else(|| vec![false; set.len()], <[bool]>::to_vec),
    }];
    if let (Source::Digits, Some(tumours)) =
        (&settings.source, TASKS.iter().find(|task| task.name == "cancer"))
    {
        let (test, mut set) = tumours.draw(TUMOURS, TUMOURS, settings.seed)?;
        let flips = set.flip_labels(share, settings.seed)?;
        tasks.push(Task { settings: of_loop, set, test, original: flips.original, wrong: flips.mask });
    }
    let policies: Vec<&Policy> = POLICIES.iter().filter(|policy| SHOWN.contains(&policy.name)).collect();
    let runs = tasks.len() * policies.len();
    let epochs = tasks.first().map_or(0, |task| task.settings.epochs);
    watch.begin("training with a guard", (runs * epochs) as u64);
    let runs = on_all_cores(runs, |number| {
        let (task, policy) = (&tasks[number / policies.len()], policies[number % policies.len()]);
        let Task { settings: how, set, test, wrong, .. } = task;
        let guarded = Guarded { settings: how, set, wrong, share, test, seed: settings.seed };
        guarded.train(policy, || watch.step())
    });
    watch.end();
    let runs = runs.into_iter().collect::<Result<Vec<_>, _>>()?;
    let each = tasks.iter().zip(runs.chunks(policies.len()));
    Ok(each.map(|(task, runs)| outcome(task, share, &policies, runs)).collect())
}

fn outcome(task: &Task, rate: f64, policies: &[&Policy], runs: &[GuardedRun]) -> LoopOutcome {
    let Task { settings, set, test, wrong, .. } = task;
    let mut outcome = LoopOutcome {
        data: set.name().to_owned(),
        train_samples: set.len(),
        test_samples: test.len(),
        epochs: settings.epochs,
        flips: wrong.iter().filter(|wrong| **wrong).count(),
        rate,
        policies: Vec::new(),
        alarms: Vec::new(),
        left_out: Vec::new(),
        visits: Vec::new(),
        first: Vec::new(),
        picture: set.picture(),
        class_names: set.class_names().to_vec(),
    };
    for (policy, run) in policies.iter().zip(runs) {
        let left_out = run.left_out(wrong);
        outcome.policies.push(LoopPolicy {
            name: policy.name,
            about: policy.about,
            accuracy: run.accuracies.last().copied().unwrap_or(f64::NAN),
            accuracies: run.accuracies.clone(),
            wrong_left_out: left_out.iter().map(|[wrong, _]| *wrong).collect(),
            right_left_out: left_out.iter().map(|[_, right]| *right).collect(),
        });
        if policy.name == TOLD {
            tell(&mut outcome, task, run);
        }
    }
    outcome
}

/// What was decided, visit by visit.
fn tell(outcome: &mut LoopOutcome, task: &Task, run: &GuardedRun) {
    let mut shown = vec![false; task.set.len()];
    for (visit, &(sample, decision)) in run.visits.iter().enumerate() {
        let (p, wrong) = (decision.p.unwrap_or(1.0), task.wrong[sample]);
        outcome.visits.push(Visit { p, keeps: decision.keeps, wrong });
        outcome.alarms.extend(decision.alarm.map(|alarm| LoopAlarm { index: visit, kind: alarm.name() }));
        if decision.keeps {
            continue;
        }
        let silent = decision.reasons.is_empty().then_some("none");
        for reason in decision.reasons.names().chain(silent) {
            count(&mut outcome.left_out, reason, wrong);
        }
        if outcome.first.len() < FIRST && !core::mem::replace(&mut shown[sample], true) {
            outcome.first.push(LoopSuspect {
                index: sample,
                visit,
                p,
                reasons: decision.reasons.to_string(),
                given: task.set.labels()[sample],
                original: task.original[sample],
                features: task.set.row(sample).unwrap_or_default().to_vec(),
            });
        }
    }
    outcome.left_out.sort_by_key(|left| core::cmp::Reverse(left.wrong + left.right));
}

fn count(left_out: &mut Vec<LeftOut>, reason: &'static str, wrong: bool) {
    let at = left_out.iter().position(|left| left.reason == reason).unwrap_or_else(|| {
        left_out.push(LeftOut { reason, wrong: 0, right: 0 });
        left_out.len() - 1
    });
    let left = &mut left_out[at];
    *if wrong { &mut left.wrong } else { &mut left.right } += 1;
}
