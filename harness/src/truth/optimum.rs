//! Softmax regression at its optimum, with and without single samples: the one model
//! whose leave-one-out is a matter of samples alone.
//!
//! The objective is L(θ) = (1/n) Σ_i ℓ_i(θ) + (α/2)‖θ‖², strictly convex, in f64. Leaving
//! sample i out drops its term and keeps 1/n, so the others are not rescaled. The full
//! optimum is found by Newton's method; from there each leave-one-out by θ ← θ −
//! H⁻¹∇L₋ᵢ(θ) with the full optimum's Hessian H, whose error shrinks in each round by
//! about the sample's share of H. Both stop when no entry of the gradient is above
//! `TOLERANCE`: the path does not matter, only the optimum.

use nalgebra::{Cholesky, DVector, Dyn};

use super::error::TruthError;
use crate::data::Dataset;
use crate::methods::gauss_newton;
use crate::model::{Mlp, Scratch};

/// The largest entry of the gradient at what counts as an optimum.
const TOLERANCE: f64 = 1e-11;

const ROUNDS: usize = 500;

/// The optimum of a set, and what is needed to find those without single samples.
#[derive(Debug)]
pub struct Optimum<'a> {
    set: &'a Dataset,
    decay: f64,
    model: Mlp<f64>,
    hessian: Cholesky<f64, Dyn>,
}

impl<'a> Optimum<'a> {
    /// Trains softmax regression on `set` to the optimum for the decay α.
    ///
    /// # Errors
    /// A decay that is not positive; an optimum that is not reached.
    pub fn find(set: &'a Dataset, decay: f64) -> Result<Self, TruthError> {
        if !(decay > 0.0 && decay.is_finite()) {
            return Err(TruthError::Setting {
                what: "weight decay of an optimum",
                expected: "a positive number".to_owned(),
                found: decay.to_string(),
            });
        }
        let mut start = Mlp::new(set.dim(), &[], set.classes(), 0)?;
        start.parameters_mut().fill(0.0);
        let mut model = start.widened();
        let mut sum = vec![0.0; model.parameters().len()];
        for _ in 0..ROUNDS {
            let hessian = hessian(set, decay, &model)?;
            let slope = gradient(set, decay, &model, None, &mut sum)?;
            if slope <= TOLERANCE {
                return Ok(Self { set, decay, model, hessian });
            }
            newton_step(set, decay, &mut model, &hessian, &sum)?;
        }
        let slope = gradient(set, decay, &model, None, &mut sum)?;
        Err(TruthError::NotConverged { gradient: slope, expected: TOLERANCE, rounds: ROUNDS })
    }

    /// The model at the optimum.
    pub fn model(&self) -> &Mlp<f64> {
        &self.model
    }

    /// The model at the optimum without sample `left_out`.
    ///
    /// # Errors
    /// An optimum that is not reached.
    pub fn without(&self, left_out: usize) -> Result<Mlp<f64>, TruthError> {
        let mut model = self.model.clone();
        let mut sum = vec![0.0; model.parameters().len()];
        let mut slope = f64::INFINITY;
        for _ in 0..ROUNDS {
            slope = gradient(self.set, self.decay, &model, Some(left_out), &mut sum)?;
            if slope <= TOLERANCE {
                return Ok(model);
            }
            let step = self.hessian.solve(&DVector::from_column_slice(&sum));
            model.parameters_mut().iter_mut().zip(step.iter()).for_each(|(w, s)| *w -= s);
        }
        Err(TruthError::NotConverged { gradient: slope, expected: TOLERANCE, rounds: ROUNDS })
    }
}

/// ∇L into `sum`; returns its largest entry.
fn gradient(
    set: &Dataset,
    decay: f64,
    model: &Mlp<f64>,
    left_out: Option<usize>,
    sum: &mut [f64],
) -> Result<f64, TruthError> {
    let mut scratch = Scratch::default();
    sum.fill(0.0);
    for (i, (x, label)) in set.samples().enumerate() {
        if Some(i) != left_out {
            model.add_gradient(x, label, 1.0 / set.len() as f64, &mut scratch, sum)?;
        }
    }
    for (sum, w) in sum.iter_mut().zip(model.parameters()) {
        *sum += decay * w;
    }
    Ok(sum.iter().fold(0.0, |largest: f64, g| if g.is_nan() { f64::INFINITY } else { largest.max(g.abs()) }))
}

fn objective(set: &Dataset, decay: f64, model: &Mlp<f64>) -> Result<f64, TruthError> {
    let squares: f64 = model.parameters().iter().map(|w| w * w).sum();
    Ok(model.losses(set)?.iter().sum::<f64>() / set.len() as f64 + decay / 2.0 * squares)
}

/// A Newton step, halved until the objective does not rise.
fn newton_step(
    set: &Dataset,
    decay: f64,
    model: &mut Mlp<f64>,
    hessian: &Cholesky<f64, Dyn>,
    gradient: &[f64],
) -> Result<(), TruthError> {
    let step = hessian.solve(&DVector::from_column_slice(gradient));
    let (before, begin) = (objective(set, decay, model)?, model.parameters().to_vec());
    let mut share = 1.0;
    loop {
        for ((w, b), s) in model.parameters_mut().iter_mut().zip(&begin).zip(step.iter()) {
            *w = b - share * s;
        }
        // Near the optimum the objective stands still but for roundings.
        if objective(set, decay, model)? <= before + 1e-12 * before.abs() || share < 1e-6 {
            return Ok(());
        }
        share /= 2.0;
    }
}

/// H + αI: for softmax regression the Gauss–Newton matrix is the Hessian.
fn hessian(set: &Dataset, decay: f64, model: &Mlp<f64>) -> Result<Cholesky<f64, Dyn>, TruthError> {
    let mut matrix = gauss_newton(model, set)?;
    matrix.iter_mut().step_by(model.parameters().len() + 1).for_each(|diagonal| *diagonal += decay);
    Cholesky::new(matrix).ok_or(TruthError::Setting {
        what: "Hessian of softmax regression",
        expected: "a positive definite matrix".to_owned(),
        found: "one that is not".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::blobs;

    #[test]
    fn without_a_sample_is_the_optimum_of_the_rest_with_the_weights_unchanged() {
        let set = blobs(30, 3, 2, 1.5, 4).unwrap();
        let optimum = Optimum::find(&set, 0.01).unwrap();
        for left_out in [0, 7, 29] {
            let found = optimum.without(left_out).unwrap();
            // The same optimum from scratch: n − 1 samples, whose mean and decay are both
            // n/(n − 1) of what is wanted.
            let kept: Vec<usize> = (0..30).filter(|&i| i != left_out).collect();
            let rest = set.subset(&kept).unwrap();
            let from_scratch = Optimum::find(&rest, 0.01 * 30.0 / 29.0).unwrap();
            for (a, b) in found.parameters().iter().zip(from_scratch.model().parameters()) {
                assert!((a - b).abs() < 1e-8, "{a} {b}");
            }
            assert_ne!(found.parameters(), optimum.model().parameters());
        }
        assert!(Optimum::find(&set, 0.0).is_err());
    }
}
