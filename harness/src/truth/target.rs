//! What the truth is about: each test sample's loss, or one number of the whole test set:
//! utility, fairness, robustness.
//!
//! The digits have no groups of people. What stands for them is the stroke: digits with
//! more ink than the test set's median are one group, the others the other; and the good
//! outcome is a digit from 5 on. Inputs are attacked within 0.1 of each pixel, in five
//! steps.

use serde::Serialize;

use super::error::TruthError;
use crate::data::Dataset;
use crate::methods::targets::{Attack, Criterion, Objective, fairness, robustness, utility};
use crate::model::Mlp;

const ATTACK: Attack = Attack { epsilon: 0.1, steps: 5, range: (0.0, 1.0) };

/// A kind of target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Each test sample's loss.
    #[default]
    Samples,
    /// The mean loss.
    Utility,
    /// The gap of demographic parity.
    Parity,
    /// The gap of equal opportunity.
    Opportunity,
    /// The mean loss of adversarial inputs.
    Robustness,
}

impl Target {
    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Samples => "samples",
            Self::Utility => "utility",
            Self::Parity => "parity",
            Self::Opportunity => "opportunity",
            Self::Robustness => "robustness",
        }
    }

    /// How many numbers there are.
    pub(super) fn count(self, test: &Dataset) -> usize {
        if self == Self::Samples { test.len() } else { 1 }
    }

    /// The numbers at a model.
    pub(super) fn values(self, model: &Mlp<f64>, test: &Dataset) -> Result<Vec<f64>, TruthError> {
        match self.objective(model, test)? {
            None => Ok(model.losses(test)?),
            Some(objective) => Ok(vec![objective.value]),
        }
    }

    /// The number of the whole set, with its gradient; none if there is one for each
    /// sample.
    pub(super) fn objective(self, model: &Mlp<f64>, test: &Dataset) -> Result<Option<Objective>, TruthError> {
        let gap = |criterion| {
            let good: Vec<u32> = (test.classes() as u32 / 2..test.classes() as u32).collect();
            fairness(model, test, &groups(test), &good, criterion)
        };
        Ok(match self {
            Self::Samples => None,
            Self::Utility => Some(utility(model, test)?),
            Self::Parity => Some(gap(Criterion::DemographicParity)?),
            Self::Opportunity => Some(gap(Criterion::EqualOpportunity)?),
            Self::Robustness => Some(robustness(model, test, ATTACK)?),
        })
    }
}

/// 1 for samples whose features sum up to more than the median, 0 for the others.
fn groups(test: &Dataset) -> Vec<usize> {
    let ink: Vec<f64> = test.samples().map(|(x, _)| x.iter().map(|&value| f64::from(value)).sum()).collect();
    let mut sorted = ink.clone();
    sorted.sort_by(f64::total_cmp);
    let median = sorted.get((sorted.len().max(1) - 1) / 2).copied().unwrap_or(0.0);
    ink.into_iter().map(|ink| usize::from(ink > median)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::digits;

    #[test]
    fn half_of_the_digits_have_more_ink_than_the_median() {
        let set = digits().unwrap().subset(&(0..100).collect::<Vec<_>>()).unwrap();
        let bold: usize = groups(&set).iter().sum();
        assert!((45..=50).contains(&bold), "{bold}");
    }
}
