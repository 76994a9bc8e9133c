//! Losses under models that have not seen the sample: a wrong label cannot have been
//! learned by heart.
//!
//! loss_i = ℓ(z_i; θ_f), with θ_f trained on all folds but the one that i is in. A larger
//! one is more suspicious. Source: confident learning (Northcutt, Jiang and Chuang 2021)
//! takes its probabilities in this way.

use crate::data::Dataset;
use crate::model::{ModelError, TrainConfig, train};
use crate::threads::on_all_cores;

/// Parts that a set is cut into.
pub const FOLDS: usize = 4;

/// Most epochs of a model that is to judge samples it has not seen: past them it learns
/// the damage of the others by heart.
pub const FOLD_EPOCHS: usize = 20;

/// The loss of each sample under a model that was trained as `config` says, but for at
/// most [`FOLD_EPOCHS`], on three quarters of `set` without it.
///
/// ```
/// use gradsieve_harness::data::moons;
/// use gradsieve_harness::methods::out_of_fold;
/// use gradsieve_harness::model::TrainConfig;
///
/// let config = TrainConfig { hidden: vec![8], ..TrainConfig::default() };
/// let mut set = moons(200, 0.05, 1)?;
/// let wrong = set.flip_labels(0.1, 1)?.mask;
/// let losses = out_of_fold(&set, &config)?;
/// let mean = |of: bool| {
///     let of: Vec<f64> = losses.iter().zip(&wrong).filter(|(_, w)| **w == of).map(|(l, _)| *l).collect();
///     of.iter().sum::<f64>() / of.len() as f64
/// };
/// assert!(mean(true) > 2.0 * mean(false));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A single sample; a setting outside its range; training that diverges.
pub fn out_of_fold(set: &Dataset, config: &TrainConfig) -> Result<Vec<f64>, ModelError> {
    let expected = "at least 2, to be judged by one another";
    let too_few = |_| ModelError::Range { what: "samples", found: set.len() as f64, expected };
    let count = FOLDS.min(set.len());
    let config = TrainConfig { epochs: config.epochs.min(FOLD_EPOCHS), ..config.clone() };
    let folds = on_all_cores(count, |fold| -> Result<_, ModelError> {
        let (out, rest): (Vec<usize>, Vec<usize>) = (0..set.len()).partition(|i| i % count == fold);
        let model = train(&set.subset(&rest).map_err(too_few)?, &config, |_| ())?.model;
        let losses = model.losses(&set.subset(&out).map_err(too_few)?)?;
        Ok((out, losses))
    });
    let mut losses = vec![0.0; set.len()];
    for fold in folds {
        let (out, found) = fold?;
        out.into_iter().zip(found).for_each(|(i, loss)| losses[i] = loss);
    }
    Ok(losses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::moons;

    #[test]
    fn no_sample_has_a_part_in_the_model_that_judges_it() {
        let config = TrainConfig { hidden: vec![4], epochs: 3, ..TrainConfig::default() };
        let set = moons(40, 0.1, 2).unwrap();
        let mut labels = set.labels().to_vec();
        labels[7] = 1 - labels[7];
        let altered = set.clone().with_labels(labels).unwrap();
        let (before, after) = (out_of_fold(&set, &config), out_of_fold(&altered, &config));
        let (before, after) = (before.unwrap(), after.unwrap());
        for (i, (before, after)) in before.iter().zip(&after).enumerate() {
            // Those of the sample's fold are judged by a model that it had no part in.
            let is_same = before.to_bits() == after.to_bits();
            assert_eq!(is_same, i % FOLDS == 7 % FOLDS && i != 7, "{i}");
        }
    }
}
