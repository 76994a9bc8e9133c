//! Flipped labels found by self-scores: the area under the ROC curve.

use super::context::Context;
use super::error::TruthError;
use super::evidence::Evidence;
use super::tally::{Tally, timed};
use super::task::Task;
use crate::measures::auroc;
use crate::model::Trajectory;

pub(super) fn run(context: &Context<'_>, task: &Task, tally: &mut Tally) -> Result<(), TruthError> {
    let mut task = task.clone();
    let flips = task.train.flip_labels(context.settings.flip, task.seed)?;
    let path = Trajectory::record(&task.train, &task.config)?;
    let model = path.model();
    tally.accuracies.push(model.accuracy(&task.test)?);
    let fitted = context.fitted(&task, &model)?;
    let evidence = Evidence { trajectory: Some(&path), ..context.evidence(&task, &model, fitted.as_ref()) };
    context.each_method(&evidence, |method, whose, evidence| {
        let Some(score) = method.own else { return Ok(()) };
        let (scored, seconds) = timed(|| score(evidence))?;
        let figure = auroc(&scored.scores, &flips.mask)?;
        tally.add("flipped labels", "AUROC of self-scores", whose, figure, seconds, scored.bytes);
        Ok(())
    })
}
