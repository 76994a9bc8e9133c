//! (C + λI)⁻¹φ for many φ at once, where C = ΦᵀΦ/n is the second moment of n rows of K
//! numbers and λ = 0.1 of its mean eigenvalue.
//!
//! Up to K = n it is the core's [`Ridge`] that solves, as a device would. For wider rows
//! its K² numbers say no more than the n × n matrix G = ΦΦᵀ, so that is taken instead
//! (Woodbury's identity): (C + λI)⁻¹φ = (φ − Φᵀ(G + nλI)⁻¹Φφ)/λ, in time that grows with
//! K and not with K³.

use gradsieve::Sketch;
use gradsieve::influence::{Ridge, RidgeSettings};
use gradsieve::moments::{Factor, triangle};
use gradsieve_kernels::matrix::{add_products, product};
use nalgebra::{Cholesky, DMatrix};

use super::super::error::{TruthError, core};
use super::super::evidence::Rows;

/// The solution for each query of K numbers, query after query.
pub(super) fn solve(rows: &Rows, queries: &[f32]) -> Result<Vec<f32>, TruthError> {
    if rows.width() <= rows.len() { by_ridge(rows, queries) } else { by_samples(rows, queries) }
        .map_err(core("ridge influence"))
}

fn by_ridge(rows: &Rows, queries: &[f32]) -> Result<Vec<f32>, gradsieve::Error> {
    let width = rows.width();
    let settings = RidgeSettings::new(width);
    let mut memory = vec![0.0; settings.memory().f64s];
    let mut ridge = Ridge::new(settings, &mut memory)?;
    rows.sketches().try_for_each(|sketch| ridge.observe(&sketch))?;
    ridge.fit()?;
    let mut solutions = vec![0.0; queries.len()];
    let measures = rows.measures.first().copied().ok_or(gradsieve::Error::TooFew { needed: 1, found: 0 })?;
    for (query, solution) in queries.chunks_exact(width).zip(solutions.chunks_exact_mut(width)) {
        ridge.solve(&Sketch::from_parts(rows.id, query, measures)?, solution)?;
    }
    Ok(solutions)
}

fn by_samples(rows: &Rows, queries: &[f32]) -> Result<Vec<f32>, gradsieve::Error> {
    let (n, width) = (rows.len(), rows.width());
    let count = queries.len() / width;
    let mut gram = vec![0.0; n * n];
    product(width, &rows.values, &rows.values, &mut gram)?;
    let trace: f64 = (0..n).map(|i| f64::from(gram[i * n + i])).sum();
    // The trace of C is that of G over n, and λ its tenth over K.
    let ridge = f64::from(RidgeSettings::new(width).damping) * trace / (n * width) as f64;
    let factor = packed_factor(&gram, n, n as f64 * ridge).ok_or(gradsieve::Error::NotPositiveDefinite)?;
    let factor = Factor::from_packed(n, &factor)?;

    let mut weights = gram;
    weights.clear();
    weights.resize(count * n, 0.0);
    product(width, queries, &rows.values, &mut weights)?;
    let mut weights: Vec<f64> = weights.into_iter().map(f64::from).collect();
    weights.chunks_exact_mut(n).try_for_each(|weights| factor.solve(weights))?;
    let by_sample: Vec<f32> = (0..n * count).map(|at| weights[at % count * n + at / count] as f32).collect();
    let mut spanned = vec![0.0; queries.len()];
    add_products(n, &by_sample, &rows.values, &mut spanned)?;
    for (value, query) in spanned.iter_mut().zip(queries) {
        *value = ((f64::from(*query) - f64::from(*value)) / ridge) as f32;
    }
    Ok(spanned)
}

/// The Cholesky factor of a symmetric matrix of `n` rows and a ridge, as the core packs
/// it.
fn packed_factor(matrix: &[f32], n: usize, ridge: f64) -> Option<Vec<f64>> {
    let entry = |i: usize, j: usize| f64::from(matrix[i * n + j]) + if i == j { ridge } else { 0.0 };
    let factor = Cholesky::new(DMatrix::from_fn(n, n, entry))?;
    let lower = factor.l_dirty();
    let mut packed = Vec::with_capacity(triangle(n));
    for i in 0..n {
        packed.extend((0..=i).map(|j| lower[(i, j)]));
    }
    Some(packed)
}

#[cfg(test)]
mod tests {
    use gradsieve::{Key, Layout, Projector as _, Rademacher, Summary};

    use super::*;
    use crate::data::random::{Purpose, generator, normal};

    #[test]
    fn samples_and_coordinates_lead_to_one_solution() {
        let (n, width) = (40, 96);
        let mut rng = generator(5, Purpose::Generate);
        // Directions that fall off, as gradients' do.
        let mut draw = |count: usize| -> Vec<f32> {
            (0..count * width).map(|at| (normal(&mut rng) / (1.0 + (at % width) as f64)) as f32).collect()
        };
        let (values, queries) = (draw(n), draw(5));
        let layout = Layout::flat(1000).unwrap();
        let measures = Summary { l1: 1.0, l2_squared: 1.0, max: 1.0, non_finite: 0, count: 1000 };
        let id = Rademacher::new(width, Key::seed(1)).unwrap().id(layout.id());
        let rows = Rows { id, values, measures: vec![measures; n], losses: vec![0.0; n] };
        let (one, other) = (by_ridge(&rows, &queries).unwrap(), by_samples(&rows, &queries).unwrap());
        let norm: f32 = one.iter().map(|x| x * x).sum();
        let error: f32 = one.iter().zip(&other).map(|(x, y)| (x - y) * (x - y)).sum();
        assert!(error < 1e-6 * norm, "{error:e} of {norm:e}");
    }
}
