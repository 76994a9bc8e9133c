//! Data value embedding, by the core's adjoint form: the targets are known here, so no
//! matrix is needed, and the scores are those of the embeddings.

use gradsieve::influence::dvemb::{Adjoint, AdjointSettings, Blocks, Curvature, Step};

use super::super::error::{TruthError, core};
use super::super::evidence::{Evidence, Quantity};
use super::scored::Scored;

/// The exact generalised Gauss–Newton matrix of each step.
pub(super) fn gauss_newton(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    walk_back(evidence, true)
}

/// The paper's form: the empirical Fisher of each step.
pub(super) fn fisher(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    walk_back(evidence, false)
}

fn walk_back(evidence: &Evidence<'_>, exact: bool) -> Result<Scored, TruthError> {
    let path = evidence.path()?;
    let (n, m) = (evidence.train.len(), evidence.target_count());
    let test = evidence.target_rows(evidence.model)?;
    let steps = path.steps().get(path.first_step(evidence.removal)..).unwrap_or_default();
    let largest = steps.iter().map(|step| step.batch.len()).max().unwrap_or(0);
    let rows = if exact { largest * evidence.model.classes() } else { largest };
    let ends = [test.width()];
    let blocks = Blocks::new(&ends).map_err(core("data value embedding"))?;
    let settings = AdjointSettings { blocks, targets: m, rows };
    let (bytes, memory) = (settings.memory().bytes(), vec![0.0; settings.memory().f32s]);
    let mut adjoint =
        Adjoint::new(settings, test.id, &test.values, memory).map_err(core("data value embedding"))?;
    let mut scores = vec![0.0; m * n];
    let mut of_step = vec![0.0; largest * m];
    for (t, step) in (0..path.steps().len()).zip(path.steps()).rev().take(steps.len()) {
        let model = path.model_before(t);
        let gradients = evidence.rows_of(&model, evidence.train, &step.batch, Quantity::Loss)?;
        let factors;
        let curvature = if exact {
            factors = evidence.rows_of(&model, evidence.train, &step.batch, Quantity::Pseudo)?;
            Curvature::Factors(&factors.values)
        } else {
            Curvature::EmpiricalFisher
        };
        let learning_rate = step.rate as f32;
        let taken = Step { id: gradients.id, learning_rate, gradients: &gradients.values, curvature };
        let of_step = &mut of_step[..step.batch.len() * m];
        adjoint.step(&taken, of_step).map_err(core("data value embedding"))?;
        for (&i, row) in step.batch.iter().zip(of_step.chunks_exact(m)) {
            for (j, &score) in row.iter().enumerate() {
                scores[j * n + i] += f64::from(score);
            }
        }
    }
    Ok(Scored { scores, bytes })
}

#[cfg(test)]
mod tests {
    use super::super::adjoint::pull_back;
    use super::*;
    use crate::data::blobs;
    use crate::model::{self, Removal, TrainConfig, Trajectory};

    #[test]
    fn the_cores_scores_are_those_of_targets_pulled_back_in_f64() {
        let train = blobs(40, 3, 5, 2.0, 1).unwrap();
        let test = blobs(7, 3, 5, 2.0, 2).unwrap();
        let config = TrainConfig { hidden: vec![6], epochs: 3, batch_size: 9, ..TrainConfig::default() };
        let path = Trajectory::record(&train, &config).unwrap();
        let model = path.model();
        for removal in [Removal::LastEpoch, Removal::AllEpochs] {
            let evidence = Evidence {
                trajectory: Some(&path),
                removal,
                ..Evidence::new(&train, &test, &model, &config)
            };
            let exact = pull_back(&evidence, Some(model::Curvature::GaussNewton)).unwrap();
            let paper = pull_back(&evidence, None).unwrap();
            for (core, oracle) in [(gauss_newton(&evidence), exact), (fisher(&evidence), paper)] {
                let core = core.unwrap().scores;
                assert_eq!(core.len(), 7 * 40);
                let largest = oracle.scores.iter().fold(0.0, |m: f64, s| m.max(s.abs()));
                assert!(largest > 0.0);
                for (found, expected) in core.iter().zip(&oracle.scores) {
                    assert!((found - expected).abs() < 1e-4 * largest, "{found} {expected}");
                }
            }
        }
    }
}
