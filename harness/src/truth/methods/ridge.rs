//! Ridge influence: the inverse of the damped empirical Fisher.

use gradsieve::influence::{Ridge, RidgeSettings};

use super::super::error::{TruthError, core};
use super::super::evidence::{Evidence, Quantity};
use super::scored::Scored;

pub(super) fn pairs(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    let test = evidence.target_rows(evidence.model)?;
    score(evidence, |ridge, train| {
        let mut solution = vec![0.0; train.width()];
        let mut scores = Vec::with_capacity(train.len() * test.len());
        for target in test.sketches() {
            let target = ridge.solve(&target, &mut solution)?;
            for sketch in train.sketches() {
                scores.push(target.score_one(&sketch)?);
            }
        }
        Ok(scores)
    })
}

pub(super) fn own(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    score(evidence, |ridge, train| {
        let mut solution = vec![0.0; train.width()];
        train.sketches().map(|sketch| ridge.solve(&sketch, &mut solution)?.score_one(&sketch)).collect()
    })
}

fn score(
    evidence: &Evidence<'_>,
    scores: impl FnOnce(&mut Ridge<Vec<f64>>, &super::super::evidence::Rows) -> Result<Vec<f64>, gradsieve::Error>,
) -> Result<Scored, TruthError> {
    let train = evidence.rows(evidence.model, evidence.train, Quantity::Loss)?;
    let usual = RidgeSettings::new(train.width());
    let settings = RidgeSettings { damping: evidence.damping.unwrap_or(usual.damping), ..usual };
    let memory = vec![0.0; settings.memory().f64s];
    let bytes = size_of_val(&memory[..]);
    let mut ridge = Ridge::new(settings, memory).map_err(core("ridge"))?;
    for sketch in train.sketches() {
        ridge.observe(&sketch).map_err(core("ridge"))?;
    }
    ridge.fit().map_err(core("ridge"))?;
    Ok(Scored { scores: scores(&mut ridge, &train).map_err(core("ridge"))?, bytes })
}
