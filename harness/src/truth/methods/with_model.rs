//! The methods that need a model and not only gradients: [`crate::methods`].

use super::super::error::TruthError;
use super::super::evidence::Evidence;
use super::scored::{Scored, all_pairs};
use crate::methods::{self, Ascent, Lava, Rule};

type Outcome = Result<Scored, TruthError>;

/// Steps of unlearning: few and small, so that one target's share is not drowned by what
/// it breaks.
const GRADIENT: Ascent = Ascent { steps: 5, rate: 0.01, rule: Rule::Gradient };
const ADAM: Ascent = Ascent { steps: 5, rate: 1e-4, rule: Rule::Adam };

pub(super) fn forward_inf(evidence: &Evidence<'_>) -> Outcome {
    let model = evidence.model.widened();
    let mut scores = Vec::with_capacity(evidence.train.len() * evidence.test.len());
    for j in 0..evidence.test.len() {
        scores.extend(methods::forward_inf(&model, evidence.train, evidence.test, &[j], GRADIENT)?);
    }
    Ok(Scored { scores, bytes: 8 * model.parameters().len() })
}

pub(super) fn untrac(evidence: &Evidence<'_>) -> Outcome {
    let model = evidence.model.widened();
    let (n, m) = (evidence.train.len(), evidence.test.len());
    let mut rows = Vec::with_capacity(n);
    for i in 0..n {
        rows.push(methods::untrac(&model, evidence.train, &[i], evidence.test, ADAM)?);
    }
    let scores = all_pairs(m, n, |j, i| Ok::<_, TruthError>(rows[i][j]))?;
    Ok(Scored { scores, bytes: 24 * model.parameters().len() })
}

pub(super) fn untrac_inverse(evidence: &Evidence<'_>) -> Outcome {
    let model = evidence.model.widened();
    let parts: Vec<Vec<usize>> = (0..evidence.train.len()).map(|i| vec![i]).collect();
    let mut scores = Vec::with_capacity(parts.len() * evidence.test.len());
    for j in 0..evidence.test.len() {
        scores.extend(methods::untrac_inverse(&model, evidence.train, &parts, evidence.test, &[j], ADAM)?);
    }
    Ok(Scored { scores, bytes: 24 * model.parameters().len() })
}

/// The negative of the value against the test samples, whose labels are right: larger is
/// more suspicious.
pub(super) fn lava(evidence: &Evidence<'_>) -> Outcome {
    let values = methods::lava(evidence.train, evidence.test, Lava::default())?;
    let bytes = 8 * (evidence.train.len() * evidence.test.len());
    Ok(Scored { scores: values.into_iter().map(|value| -value).collect(), bytes })
}
