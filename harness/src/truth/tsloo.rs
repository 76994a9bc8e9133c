//! Trajectory-specific leave-one-out: what would the losses of the targets be at the end
//! of the *same* run, batch by batch, without one sample's gradient in its last batch, or
//! in all of them?
//!
//! truth(z, v) = ℓ_v(θ_T without z) − ℓ_v(θ_T): positive where the sample helps, in nats.
//! The figure is Spearman's correlation over the training samples, mean over the targets.
//! The question has one answer even for a network, since nothing is drawn anew.

use std::collections::BTreeMap;

use super::context::Context;
use super::correlation::spearmans;
use super::error::TruthError;
use super::evidence::Evidence;
use super::jobs::run_jobs;
use super::methods::Needs;
use super::tally::{Tally, timed, transposed};
use super::target::Target;
use super::task::Task;
use crate::model::{Removal, Trajectory};

const MEASURE: &str = "Spearman, mean over targets";

pub(super) fn run(context: &Context<'_>, task: &Task, tally: &mut Tally) -> Result<(), TruthError> {
    let path = Trajectory::record(&task.train, &task.config)?;
    let model = path.model();
    tally.accuracies.push(model.accuracy(&task.test)?);
    let all: Vec<usize> = (0..task.train.len()).collect();
    let target = context.settings.target;
    let ends = target.values(path.end(), &task.test)?;
    // Scores that do not depend on the removal serve both.
    let mut known = BTreeMap::new();
    let fitted = context.fitted(task, &model)?;
    for &removal in &context.settings.removals {
        let share = context.settings.share;
        let mut what = format!("tsloo, {}", removal.name());
        if share < 1.0 {
            what += &format!(", a share of {share}");
        }
        if target != Target::Samples {
            what += &format!(", {}", target.name());
        }
        let mut ledger = context.ledger(&task.key(context.settings, &what))?;
        let stage = format!("{} {}", removal.name(), task.seed);
        let clock = std::time::Instant::now();
        let changes = run_jobs(&stage, &all, &mut ledger, context.watch, |i| {
            let values =
                target.values(&path.reweighted(&task.train, i, 1.0 - share, removal)?, &task.test)?;
            Ok(values.iter().zip(&ends).map(|(without, with)| without - with).collect())
        })?;
        tally.truth_seconds += clock.elapsed().as_secs_f64();
        tally.retrainings += changes.len();
        let truth = transposed(&changes);
        let evidence =
            Evidence { trajectory: Some(&path), removal, ..context.evidence(task, &model, fitted.as_ref()) };
        let mut title = match removal {
            Removal::LastEpoch => "last-epoch removals",
            Removal::AllEpochs => "removals from all epochs",
        }
        .to_owned();
        if share < 1.0 {
            title += &format!(" of a share of {share}");
        }
        if target != Target::Samples {
            title += &format!(", {}", target.name());
        }
        context.each_method(&evidence, |method, whose, evidence| {
            let Some(score) = method.pairs else { return Ok(()) };
            let (scored, seconds) = match known.get(whose.name) {
                Some(known) => Clone::clone(known),
                None => timed(|| score(evidence))?,
            };
            let figures = spearmans(&scored.scores, &truth, task.train.len())?;
            tally.add_mean(&title, MEASURE, whose, &figures, seconds, scored.bytes);
            let residual = method.residual.map_or(Ok(None), |residual| residual(evidence))?;
            if let Some(residual) = residual {
                tally.residual(&title, MEASURE, whose.name, residual);
            }
            if method.needs != Needs::Trajectory {
                known.insert(whose.name.to_owned(), (scored, seconds));
            }
            Ok(())
        })?;
    }
    Ok(())
}
