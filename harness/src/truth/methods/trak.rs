//! TRAK over models that are trained alike, with seeds of their own.

use gradsieve::influence::{Trak, TrakScore, TrakSettings};

use super::super::error::{TruthError, core};
use super::super::evidence::{Evidence, Quantity};
use super::scored::Scored;
use crate::model::{Mlp, TrainConfig, train};

pub(super) fn one(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    pairs(evidence, 1)
}

pub(super) fn fifth(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    pairs(evidence, evidence.ensemble.div_ceil(5))
}

pub(super) fn all(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    pairs(evidence, evidence.ensemble)
}

/// How a sample explains itself, one model.
pub(super) fn own(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    let train = evidence.rows(evidence.model, evidence.train, Quantity::Margin)?;
    let mut memory = vec![0.0; TrakSettings::new(train.width()).memory().f64s];
    let bytes = size_of_val(&memory[..]);
    let mut trak = fitted(evidence, &train, &mut memory)?;
    let mut solution = vec![0.0; train.width()];
    let mut scores = Vec::with_capacity(train.len());
    for (sketch, &loss) in train.sketches().zip(&train.losses) {
        let target = trak.solve(&sketch, &mut solution).map_err(core("TRAK"))?;
        let product = target.score_one(&sketch).map_err(core("TRAK"))?;
        scores.push(product * one_minus_p(loss));
    }
    Ok(Scored { scores, bytes })
}

fn pairs(evidence: &Evidence<'_>, models: usize) -> Result<Scored, TruthError> {
    let n = evidence.train.len();
    let mut scores = vec![TrakScore::new(); n * evidence.test.len()];
    let mut bytes = 0;
    for number in 0..models {
        let model = member(evidence, number)?;
        let train = evidence.rows(&model, evidence.train, Quantity::Margin)?;
        let test = evidence.rows(&model, evidence.test, Quantity::Margin)?;
        let mut memory = vec![0.0; TrakSettings::new(train.width()).memory().f64s];
        bytes = size_of_val(&memory[..]) + size_of_val(&scores[..]);
        let mut trak = fitted(evidence, &train, &mut memory)?;
        let mut solution = vec![0.0; train.width()];
        for (target, scores) in test.sketches().zip(scores.chunks_exact_mut(n)) {
            let target = trak.solve(&target, &mut solution).map_err(core("TRAK"))?;
            for ((sketch, &loss), score) in train.sketches().zip(&train.losses).zip(scores) {
                let product = target.score_one(&sketch).map_err(core("TRAK"))?;
                score.observe(product, one_minus_p(loss)).map_err(core("TRAK"))?;
            }
        }
    }
    Ok(Scored { scores: scores.iter().map(TrakScore::score).collect(), bytes })
}

/// The model itself, or another that is trained like it.
pub(super) fn member(evidence: &Evidence<'_>, number: usize) -> Result<Mlp, TruthError> {
    if number == 0 {
        return Ok(evidence.model.clone());
    }
    let seed = evidence.config.seed.wrapping_add(7_919 * number as u64);
    Ok(train(evidence.train, &TrainConfig { seed, ..evidence.config.clone() }, |_| {})?.model)
}

fn fitted<'m>(
    evidence: &Evidence<'_>,
    train: &super::super::evidence::Rows,
    memory: &'m mut [f64],
) -> Result<Trak<&'m mut [f64]>, TruthError> {
    let usual = TrakSettings::new(train.width());
    let settings = TrakSettings { damping: evidence.damping.unwrap_or(usual.damping), ..usual };
    let mut trak = Trak::new(settings, memory).map_err(core("TRAK"))?;
    for sketch in train.sketches() {
        trak.observe(&sketch).map_err(core("TRAK"))?;
    }
    trak.fit().map_err(core("TRAK"))?;
    Ok(trak)
}

/// 1 − p from the loss −ln p.
fn one_minus_p(loss: f64) -> f64 {
    -libm::expm1(-loss)
}
