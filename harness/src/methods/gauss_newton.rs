//! The mean Gauss–Newton matrix of a set, written out: (1/n) Σ_i Σ_c p_c ∇(−ln p_c)∇(−ln
//! p_c)ᵀ. Of softmax regression it is the Hessian.
//!
//! *Memory*: p² of `f64`, and 64·C rows of p. *Cost*: C·n·p², so small models only.

use nalgebra::DMatrix;

use crate::data::Dataset;
use crate::model::{Mlp, ModelError, Scratch};

/// Samples whose factors are multiplied at once.
const SAMPLES: usize = 64;

/// The matrix, p × p.
///
/// # Errors
/// A set of another shape than the model.
pub fn gauss_newton(model: &Mlp<f64>, set: &Dataset) -> Result<DMatrix<f64>, ModelError> {
    let (p, classes) = (model.parameters().len(), model.classes());
    let mut scratch = Scratch::default();
    let mut matrix = DMatrix::zeros(p, p);
    let samples: Vec<(&[f32], u32)> = set.samples().collect();
    for samples in samples.chunks(SAMPLES) {
        let mut factors = DMatrix::<f64>::zeros(p, samples.len() * classes);
        for (number, mut column) in factors.column_iter_mut().enumerate() {
            let ((x, _), class) = (samples[number / classes], (number % classes) as u32);
            let probability = libm::exp(-model.loss(x, class, &mut scratch)?);
            let weight = libm::sqrt(probability / set.len() as f64);
            model.add_gradient(x, class, weight, &mut scratch, column.as_mut_slice())?;
        }
        matrix.gemm(1.0, &factors, &factors.transpose(), 1.0);
    }
    Ok(matrix)
}

#[cfg(test)]
mod tests {
    use super::super::ascent::tests::learnt;
    use super::*;
    use crate::model::Curvature;

    #[test]
    fn its_products_are_those_of_the_model() {
        let (model, _, set, _) = learnt();
        let matrix = gauss_newton(&model, &set).unwrap();
        let p = model.parameters().len();
        let direction: Vec<f64> = (0..p).map(|i| (i % 5) as f64 - 2.0).collect();
        let mut expected = vec![0.0; p];
        let share = 1.0 / set.len() as f64;
        for (x, label) in set.samples() {
            let scratch = &mut Scratch::default();
            model
                .add_product(Curvature::GaussNewton, x, label, share, &direction, scratch, &mut expected)
                .unwrap();
        }
        let found = &matrix * nalgebra::DVector::from_vec(direction);
        let largest = expected.iter().fold(0.0, |m: f64, e| m.max(e.abs()));
        assert!(largest > 0.0);
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-12 * largest, "{found} {expected}");
        }
    }
}
