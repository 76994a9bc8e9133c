//! Leave-one-out at the optimum of softmax regression: the losses of the targets at the
//! optimum without one sample, less those with it.
//!
//! Positive where the sample helps, in nats. The figures are Pearson's and Spearman's
//! correlations over the training samples, means over the targets. For networks the same
//! question is mostly about chance: there the other truths are better.

use super::context::Context;
use super::correlation::{pearsons, spearmans};
use super::error::TruthError;
use super::evidence::Evidence;
use super::jobs::run_jobs;
use super::optimum::Optimum;
use super::tally::{Tally, timed, transposed};
use super::task::Task;

pub(super) fn run(context: &Context<'_>, task: &Task, tally: &mut Tally) -> Result<(), TruthError> {
    let decay = context.settings.decay;
    let clock = std::time::Instant::now();
    let optimum = Optimum::find(&task.train, decay)?;
    let model = optimum.model().rounded();
    tally.accuracies.push(model.accuracy(&task.test)?);
    let all: Vec<usize> = (0..task.train.len()).collect();
    let ends = optimum.model().losses(&task.test)?;
    let mut ledger =
        context.ledger(&task.key(context.settings, &format!("loo at the optimum, decay {decay}")))?;
    let stage = format!("without one {}", task.seed);
    let changes = run_jobs(&stage, &all, &mut ledger, context.watch, |i| {
        let losses = optimum.without(i)?.losses(&task.test)?;
        Ok(losses.iter().zip(&ends).map(|(without, with)| without - with).collect())
    })?;
    tally.truth_seconds += clock.elapsed().as_secs_f64();
    tally.retrainings += changes.len();
    let truth = transposed(&changes);
    let fitted = context.fitted(task, &model)?;
    let evidence = Evidence { decay, ..context.evidence(task, &model, fitted.as_ref()) };
    context.each_method(&evidence, |method, whose, evidence| {
        let Some(score) = method.pairs else { return Ok(()) };
        let (scored, seconds) = timed(|| score(evidence))?;
        let n = task.train.len();
        let figures = [
            ("Pearson, mean over targets", pearsons(&scored.scores, &truth, n)?),
            ("Spearman, mean over targets", spearmans(&scored.scores, &truth, n)?),
        ];
        for (measure, targets) in figures {
            tally.add_mean("leave-one-out at the optimum", measure, whose, &targets, seconds, scored.bytes);
        }
        Ok(())
    })
}
