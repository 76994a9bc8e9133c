//! FairIF: weights of the training samples that close the gap between groups of
//! validation samples, and training with them.
//!
//! With L_k the mean loss of group k, L̄ the mean over groups and G_k = L_k − L̄ the
//! gaps, to first order weights 1 + ε change them by A ε, A_ki = −(1/n)(∇L_k − ∇L̄)ᵀ(H +
//! λI)⁻¹g_i: the influence of a sample's weight (θ moves by −(1/n) H⁻¹ Σ ε_i g_i). The
//! smallest weights that close the gaps solve min ‖G + Aε‖² + ρ‖ε‖², ε = −Aᵀ(AAᵀ +
//! ρI)⁻¹G; ρ is [`FairIf::ridge`] times the mean diagonal of AAᵀ. Weights below 0 become
//! 0.
//!
//! H is the mean Gauss–Newton matrix over the training samples, λ = damping · its mean
//! eigenvalue. A weight above 1 is that of a sample that helps the groups that fare
//! worse. Source: Wang et al. 2022, "Understanding Instance-Level Impact of Fairness
//! Constraints" and FairIF; the source closes gaps of rates, whose smooth stand-in here
//! is the loss.
//!
//! *Cost*: p³/6 and C·n·p² for H, so small models only.

use nalgebra::{Cholesky, DMatrix, DVector};

use super::gauss_newton::gauss_newton;
use crate::data::Dataset;
use crate::model::{Mlp, ModelError, Scratch};

/// Settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FairIf {
    /// λ in units of H's mean eigenvalue.
    pub damping: f64,
    /// ρ in units of the mean diagonal of AAᵀ.
    pub ridge: f64,
}

impl Default for FairIf {
    /// A tenth, and a hundredth.
    fn default() -> Self {
        Self { damping: 0.1, ridge: 0.01 }
    }
}

/// G_k = L_k − L̄ for each group of `groups`, one group number a sample of `validation`.
///
/// # Errors
/// A group number for not every sample; a group without samples.
pub fn group_gaps(model: &Mlp<f64>, validation: &Dataset, groups: &[usize]) -> Result<Vec<f64>, ModelError> {
    let sizes = sizes(validation, groups)?;
    let mut means = vec![0.0; sizes.len()];
    for (loss, &group) in model.losses(validation)?.iter().zip(groups) {
        means[group] += loss / sizes[group] as f64;
    }
    let mean = means.iter().sum::<f64>() / means.len() as f64;
    Ok(means.iter().map(|m| m - mean).collect())
}

impl FairIf {
    /// The weight of every training sample, at least 0; around 1.
    ///
    /// # Errors
    /// As [`group_gaps`]; a training set of another shape; settings that are not
    /// positive.
    pub fn weights(
        &self,
        model: &Mlp<f64>,
        train: &Dataset,
        validation: &Dataset,
        groups: &[usize],
    ) -> Result<Vec<f64>, ModelError> {
        let positive = |what, found: f64| {
            let expected = "a positive number";
            if found > 0.0 && found.is_finite() {
                Ok(())
            } else {
                Err(ModelError::Range { what, found, expected })
            }
        };
        positive("damping", self.damping)?;
        positive("ridge", self.ridge)?;
        let gaps = DVector::from_vec(group_gaps(model, validation, groups)?);
        let solved = self.solved(model, train, &centred_gradients(model, validation, groups)?)?;
        let n = train.len() as f64;
        let mut scratch = Scratch::default();
        let mut effects = DMatrix::zeros(gaps.len(), train.len());
        for (i, (x, label)) in train.samples().enumerate() {
            let mut gradient = vec![0.0; model.parameters().len()];
            model.add_gradient(x, label, -1.0 / n, &mut scratch, &mut gradient)?;
            effects.set_column(i, &solved.tr_mul(&DVector::from_vec(gradient)));
        }
        let mut square = &effects * effects.transpose();
        let ridge = self.ridge * square.trace() / gaps.len() as f64;
        (0..gaps.len()).for_each(|k| square[(k, k)] += ridge);
        let Some(factor) = Cholesky::new(square) else { return Ok(vec![1.0; train.len()]) };
        let weights = effects.tr_mul(&factor.solve(&gaps));
        Ok(weights.iter().map(|w| (1.0 - w).max(0.0)).collect())
    }

    /// (H + λI)⁻¹ times the columns of `right`.
    fn solved(
        &self,
        model: &Mlp<f64>,
        train: &Dataset,
        right: &DMatrix<f64>,
    ) -> Result<DMatrix<f64>, ModelError> {
        let p = model.parameters().len();
        let mut matrix = gauss_newton(model, train)?;
        let damping = (self.damping * matrix.trace() / p as f64).max(f64::MIN_POSITIVE);
        (0..p).for_each(|k| matrix[(k, k)] += damping);
        let refused = ModelError::Range { what: "damping", found: self.damping, expected: "a larger one" };
        Ok(Cholesky::new(matrix).ok_or(refused)?.solve(right))
    }
}

/// ∇L_k − ∇L̄ for each group, as columns.
fn centred_gradients(
    model: &Mlp<f64>,
    validation: &Dataset,
    groups: &[usize],
) -> Result<DMatrix<f64>, ModelError> {
    let sizes = sizes(validation, groups)?;
    let mut columns = DMatrix::zeros(model.parameters().len(), sizes.len());
    let mut scratch = Scratch::default();
    for ((x, label), &group) in validation.samples().zip(groups) {
        let weight = 1.0 / sizes[group] as f64;
        model.add_gradient(x, label, weight, &mut scratch, columns.column_mut(group).as_mut_slice())?;
    }
    let mean = columns.column_mean();
    columns.column_iter_mut().for_each(|mut column| column -= &mean);
    Ok(columns)
}

/// The samples of each group.
pub(super) fn sizes(validation: &Dataset, groups: &[usize]) -> Result<Vec<usize>, ModelError> {
    if groups.len() != validation.len() {
        let (found, expected) = (groups.len(), validation.len());
        return Err(ModelError::Length { what: "groups of validation samples", found, expected });
    }
    let mut sizes = vec![0; groups.iter().max().map_or(0, |most| most + 1)];
    groups.iter().for_each(|&group| sizes[group] += 1);
    match sizes.iter().position(|&size| size == 0) {
        Some(empty) => Err(ModelError::Range {
            what: "number of a group without samples",
            found: empty as f64,
            expected: "samples in every group",
        }),
        None => Ok(sizes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::blobs;
    use crate::model::{TrainConfig, Trajectory};

    /// Blobs of which four in ten training samples of the third class are labelled as the
    /// first: the group that fares worse.
    fn unequal() -> (Dataset, Dataset, Vec<usize>, Vec<bool>) {
        let whole = blobs(240, 3, 2, 1.0, 4).unwrap();
        let (first, last): (Vec<usize>, Vec<usize>) = ((0..160).collect(), (160..240).collect());
        let (train, validation) = (whole.subset(&first).unwrap(), whole.subset(&last).unwrap());
        let groups = validation.labels().iter().map(|&label| usize::from(label == 2)).collect();
        let wrong: Vec<bool> = (0..160).map(|i| train.labels()[i] == 2 && i % 5 < 2).collect();
        let labels = train.labels().iter().zip(&wrong).map(|(&label, &wrong)| if wrong { 0 } else { label });
        let labels = labels.collect();
        (train.with_labels(labels).unwrap(), validation, groups, wrong)
    }

    #[test]
    fn training_with_the_weights_narrows_the_gap_between_groups() {
        let (train, validation, groups, wrong) = unequal();
        let config = TrainConfig { hidden: vec![], epochs: 60, batch_size: 16, ..TrainConfig::default() };
        let path = Trajectory::record(&train, &config).unwrap();
        let before = group_gaps(path.end(), &validation, &groups).unwrap();
        assert!(before[1] > 0.0, "the mislabelled class fares worse: {before:?}");
        assert!((before[0] + before[1]).abs() < 1e-12);
        let weights = FairIf::default().weights(path.end(), &train, &validation, &groups).unwrap();
        let fair = path.weighted(&train, &weights).unwrap();
        let after = group_gaps(&fair, &validation, &groups).unwrap();
        assert!(after[1].abs() < 0.7 * before[1], "{before:?} {after:?}");
        let mean = |which: &dyn Fn(usize) -> bool| {
            let of: Vec<f64> = (0..train.len()).filter(|&i| which(i)).map(|i| weights[i]).collect();
            of.iter().sum::<f64>() / of.len() as f64
        };
        assert!(mean(&|i| wrong[i]) < mean(&|i| !wrong[i]));
        assert!(mean(&|i| train.labels()[i] == 2) > 1.0);
    }

    #[test]
    fn groups_that_do_not_fit_are_refused() {
        let (train, validation, mut groups, _) = unequal();
        let config = TrainConfig { hidden: vec![], epochs: 1, ..TrainConfig::default() };
        let model = Trajectory::record(&train, &config).unwrap().end().clone();
        let fair = FairIf::default();
        assert!(fair.weights(&model, &train, &validation, &groups[1..]).is_err());
        assert!(FairIf { ridge: 0.0, ..fair }.weights(&model, &train, &validation, &groups).is_err());
        groups.iter_mut().for_each(|group| *group = 1);
        assert!(fair.weights(&model, &train, &validation, &groups).is_err());
    }
}
