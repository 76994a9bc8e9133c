//! Fairness: does training with FairIF's weights close the gap between groups, and at
//! what price?
//!
//! The groups are the digits below 5 and those from 5 on. A share of the training samples
//! that show *high* digits has another label, drawn from the other nine, so high digits
//! fare worse; with a share of 0 the gap is what the digits have by themselves. The run
//! is recorded; its end, half of the test samples and their groups give every training
//! sample a weight ([`FairIf`]); the same run is replayed, batch by batch, with the
//! weights. What is told is of the other half: the gap of mean losses, in nats, that of
//! accuracies, and the accuracy of all. Beside the two models stands a control: the same
//! weights, dealt to the samples at random.
//!
//! *Cost*: three runs, and FairIF's C·n·p² + p³/6.

use rand::seq::SliceRandom as _;

use super::context::Context;
use super::error::TruthError;
use super::tally::{Tally, Whose};
use super::task::Task;
use crate::data::Dataset;
use crate::data::random::{Purpose, generator};
use crate::methods::{FairIf, group_gaps};
use crate::model::{Mlp, Trajectory};

pub(super) fn run(context: &Context<'_>, task: &Task, tally: &mut Tally) -> Result<(), TruthError> {
    let train = flipped(&task.train, context.settings.flip, task.seed)?;
    let half = task.test.len() / 2;
    let validation = task.test.subset(&(0..half).collect::<Vec<_>>())?;
    let test = task.test.subset(&(half..task.test.len()).collect::<Vec<_>>())?;
    let clock = std::time::Instant::now();
    let path = Trajectory::record(&train, &task.config)?;
    tally.accuracies.push(path.model().accuracy(&test)?);
    tally.truth_seconds += clock.elapsed().as_secs_f64();

    let clock = std::time::Instant::now();
    let weights = FairIf::default().weights(path.end(), &train, &validation, &groups(&validation))?;
    let seconds = clock.elapsed().as_secs_f64();
    let mut dealt = weights.clone();
    dealt.shuffle(&mut generator(task.seed, Purpose::Permute));
    tally.retrainings += 2;
    // H and its factor, and the samples' effects on two gaps.
    let p = path.end().parameters().len();
    let bytes = 8 * (2 * p * p + 2 * train.len());
    let lines = [
        ("before", "every sample weighs the same", path.end().clone(), 0.0, 0),
        (
            "fairif",
            "weights that close the gaps to first order",
            path.weighted(&train, &weights)?,
            seconds,
            bytes,
        ),
        ("dealt", "the same weights, dealt at random", path.weighted(&train, &dealt)?, 0.0, 0),
    ];
    for (name, about, model, seconds, bytes) in lines {
        let whose = Whose { name, about };
        for (title, measure, figure) in figures(&model, &test)? {
            tally.add(title, measure, &whose, figure, seconds, bytes);
        }
    }
    Ok(())
}

/// 0 for digits of the lower half, 1 for those of the upper.
fn groups(set: &Dataset) -> Vec<usize> {
    let half = set.classes() as u32 / 2;
    set.labels().iter().map(|&label| usize::from(label >= half)).collect()
}

/// The set with a share of its high digits' labels flipped.
fn flipped(train: &Dataset, share: f64, seed: u64) -> Result<Dataset, TruthError> {
    let mut other = train.clone();
    other.flip_labels(share, seed)?;
    let labels = other.labels().iter().zip(train.labels()).zip(groups(train));
    let labels = labels.map(|((&flipped, &label), group)| if group == 1 { flipped } else { label });
    Ok(train.clone().with_labels(labels.collect())?)
}

type Figure = (&'static str, &'static str, f64);

/// What is told of a model, on samples that no weight was made from.
fn figures(model: &Mlp<f64>, test: &Dataset) -> Result<[Figure; 3], TruthError> {
    let groups = groups(test);
    let gaps = group_gaps(model, test, &groups)?;
    let predictions = model.rounded().predictions(test)?;
    let share = |counts: &dyn Fn(usize) -> bool| {
        let of: Vec<usize> = (0..test.len()).filter(|&i| counts(groups[i])).collect();
        let right = of.iter().filter(|&&i| predictions[i] == test.labels()[i]).count();
        right as f64 / of.len() as f64
    };
    let gap = gaps.iter().fold(f64::NEG_INFINITY, |most, gap| gap.max(most))
        - gaps.iter().fold(f64::INFINITY, |least, gap| gap.min(least));
    let [low, high] = [0, 1].map(|group| share(&|of| of == group));
    Ok([
        ("gap between low and high digits", "difference of mean losses, nats", gap),
        (
            "gap between low and high digits, in what is read right",
            "difference of accuracies",
            (low - high).abs(),
        ),
        ("all test samples", "accuracy", share(&|_| true)),
    ])
}
