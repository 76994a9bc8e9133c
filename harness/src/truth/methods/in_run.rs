//! In-run Shapley values for each target: Σ_t [η_t v_t·g − (η_t²/2) g·w_t] over the steps
//! that held the sample, with v_t the target's gradient *at that step* and w_t = H_t^v
//! Σ_j g_j.

use gradsieve::influence::InRunShapley;

use super::super::error::{TruthError, core};
use super::super::evidence::{Evidence, Quantity};
use super::scored::Scored;

pub(super) fn first(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    let path = evidence.path()?;
    let (n, m) = (evidence.train.len(), evidence.target_count());
    let mut scores = vec![0.0; m * n];
    let bytes = size_of_val(&scores[..]);
    let mut runs: Vec<InRunShapley<_>> = scores.chunks_exact_mut(n).map(InRunShapley::new).collect();
    for (t, step) in path.steps().iter().enumerate().skip(path.first_step(evidence.removal)) {
        let model = path.model_before(t);
        let gradients = evidence.rows_of(&model, evidence.train, &step.batch, Quantity::Loss)?;
        let test = evidence.target_rows(&model)?;
        let batch: Vec<_> = step.batch.iter().copied().zip(gradients.sketches()).collect();
        for (run, target) in runs.iter_mut().zip(test.sketches()) {
            run.observe_step(step.rate, &target, None, &batch).map_err(core("in-run Shapley"))?;
        }
    }
    Ok(Scored { scores, bytes })
}
