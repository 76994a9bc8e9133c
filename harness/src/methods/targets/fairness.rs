//! Fairness between groups: the gap between the group that gets the good outcome most and
//! the one that gets it least.
//!
//! With s(x) = Σ_c p_c(x) over the classes c that are good outcomes, and r_k the mean of
//! s over group k, the gap is max_k r_k − min_k r_k, 0 to 1, and v = ∇r_max − ∇r_min with
//! ∇s = −Σ_c p_c ∇ℓ(x, c). For two groups that is |r_0 − r_1|. **Demographic parity**
//! takes the mean over all of a group, **equal opportunity** over those of it whose label
//! is a good outcome. Rates of decisions have no gradient; those of probabilities are
//! their smooth stand-in. At equal rates there is no gap, and the gradient is one of the
//! two that the kink has.
//!
//! *Cost*: a gradient and a forward pass for each sample of the two groups and good
//! class. Sources: Chhabra et al. 2023 for influence on such gaps; Dwork et al. 2012,
//! Hardt et al. 2016, arXiv 1610.02413, for the criteria.

use super::super::fairif::sizes;
use super::Objective;
use crate::data::Dataset;
use crate::model::{Mlp, ModelError, Scratch};

/// Whose rates are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Criterion {
    /// All samples of a group.
    DemographicParity,
    /// Those of them whose label is a good outcome.
    EqualOpportunity,
}

/// The gap between `groups`, one group number a sample of `set`, and its gradient; `good`
/// are the classes that are good outcomes.
///
/// # Errors
/// A group number for not every sample; a group without samples that count; a class that
/// the model does not have; a set of another shape.
pub fn fairness(
    model: &Mlp<f64>,
    set: &Dataset,
    groups: &[usize],
    good: &[u32],
    criterion: Criterion,
) -> Result<Objective, ModelError> {
    let counts = |label: u32| criterion == Criterion::DemographicParity || good.contains(&label);
    let mut scratch = Scratch::default();
    let mut rates = vec![0.0; sizes(set, groups)?.len()];
    let mut counted = vec![0usize; rates.len()];
    for ((x, label), &group) in set.samples().zip(groups) {
        if counts(label) {
            counted[group] += 1;
            for &class in good {
                rates[group] += libm::exp(-model.loss(x, class, &mut scratch)?);
            }
        }
    }
    if let Some(empty) = counted.iter().position(|&count| count == 0) {
        let (found, expected) = (empty as f64, "samples with a good outcome in every group");
        return Err(ModelError::Range {
            what: "number of a group without samples that count",
            found,
            expected,
        });
    }
    rates.iter_mut().zip(&counted).for_each(|(rate, &count)| *rate /= count as f64);
    let place = |better: fn(f64, f64) -> bool| {
        (1..rates.len()).fold(0, |best, k| if better(rates[k], rates[best]) { k } else { best })
    };
    let (most, least) = (place(|a, b| a > b), place(|a, b| a < b));
    let mut gradient = vec![0.0; model.parameters().len()];
    for (group, sign) in [(most, 1.0), (least, -1.0)] {
        let share = sign / counted[group] as f64;
        let members = set.samples().zip(groups).filter(|((_, label), g)| **g == group && counts(*label));
        for ((x, _), _) in members {
            for &class in good {
                let probability = libm::exp(-model.loss(x, class, &mut scratch)?);
                model.add_gradient(x, class, -share * probability, &mut scratch, &mut gradient)?;
            }
        }
    }
    Ok(Objective { value: rates[most] - rates[least], gradient })
}

#[cfg(test)]
mod tests {
    use super::super::super::ascent::tests::learnt;
    use super::super::tests::assert_gradient;
    use super::*;

    const BOTH: [Criterion; 2] = [Criterion::DemographicParity, Criterion::EqualOpportunity];

    #[test]
    fn its_gradient_is_that_of_the_gap_between_the_extreme_groups() {
        let (model, _, set, _) = learnt();
        for (number, good) in [(2, &[0][..]), (2, &[1, 2]), (3, &[2])] {
            let groups: Vec<usize> = (0..set.len()).map(|i| i / 3 % number).collect();
            for criterion in BOTH {
                let gap = |m: &Mlp<f64>| fairness(m, &set, &groups, good, criterion).unwrap();
                let objective = gap(&model);
                assert!((0.0..=1.0).contains(&objective.value));
                assert_gradient(&objective, &model, 1e-6, |m| gap(m).value);
            }
        }
    }

    #[test]
    fn the_gap_is_that_of_rates_counted_by_hand() {
        let (model, _, set, _) = learnt();
        let groups: Vec<usize> = (0..set.len()).map(|i| i % 2).collect();
        for criterion in BOTH {
            let mut rate = [0.0; 2];
            for (group, rate) in rate.iter_mut().enumerate() {
                let parity = criterion == Criterion::DemographicParity;
                let mut p = Vec::new();
                for (i, (x, label)) in set.samples().enumerate() {
                    if i % 2 == group && (parity || label == 1) {
                        p.push((-model.loss(x, 1, &mut Scratch::default()).unwrap()).exp());
                    }
                }
                *rate = p.iter().sum::<f64>() / p.len() as f64;
            }
            let gap = fairness(&model, &set, &groups, &[1], criterion).unwrap().value;
            assert!((gap - (rate[0] - rate[1]).abs()).abs() < 1e-14);
        }
    }

    #[test]
    fn groups_and_classes_that_do_not_fit_are_refused() {
        let (model, _, set, _) = learnt();
        let groups: Vec<usize> = set.labels().iter().map(|&label| usize::from(label == 2)).collect();
        let of = |groups: &[usize], good: &[u32], criterion| {
            fairness(&model, &set, groups, good, criterion).map(|objective| objective.value)
        };
        assert!(of(&groups, &[2], Criterion::DemographicParity).is_ok());
        assert!(of(&groups, &[2], Criterion::EqualOpportunity).is_err(), "nobody of the other group counts");
        assert!(of(&groups, &[3], Criterion::DemographicParity).is_err());
        assert!(of(&groups[1..], &[2], Criterion::DemographicParity).is_err());
    }
}
