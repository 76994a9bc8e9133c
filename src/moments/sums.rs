//! Sums of observations as a system of equations A x = v, A = scale·(second moment) +
//! ridge·I: its factor, its products, and its solutions.

use super::factor::{Factor, WORST_CONDITION, factorise, ill_conditioned, norm, rows, rows_mut, trace};
use crate::error::{Error, check_length};
use gradsieve_kernels::double::{self, Real};

/// The weights of a damped second moment. Their example is that of [`Policy`](super::Policy).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// What the second moment is multiplied by.
    pub scale: f64,
    /// What is added to its diagonal.
    pub ridge: f64,
}

/// A residual ‖v − A x‖ above this part of ‖A‖·‖x‖ + ‖v‖ is not a solution.
const RESIDUAL: f64 = 1e-12;

/// Sums of what was observed, and about which mean.
#[derive(Clone, Copy)]
pub(crate) struct Sums<'m> {
    /// What the observations count.
    pub(super) weight: f64,
    /// Their sum; nothing if the second moment is about zero.
    pub(super) sum: &'m [f64],
    /// The sum of their outer products: a packed lower triangle.
    pub(super) second: &'m [f64],
}

impl<'m> Sums<'m> {
    /// A symmetric matrix that is no moment: a packed lower triangle, which counts once.
    pub(crate) const fn of_matrix(packed: &'m [f64]) -> Self {
        Self { weight: 1.0, sum: &[], second: packed }
    }

    /// The sum of what stands on the diagonal.
    pub(crate) fn trace(&self) -> f64 {
        trace(self.second)
    }

    /// An upper bound of the condition number of a matrix with these eigenvalues that has
    /// `ridge` as well, added to each. `scratch` is K numbers.
    ///
    /// # Errors
    /// [`Error::IllConditioned`].
    pub(crate) fn condition_beside(&self, ridge: f64, scratch: &mut [f64]) -> Result<f64, Error> {
        let condition = norm(self.second, scratch) / ridge + 1.0;
        if condition < WORST_CONDITION { Ok(condition) } else { Err(ill_conditioned(condition)) }
    }

    /// Writes the Cholesky factor of A, and returns its condition number. `x` and `y` are
    /// K numbers of scratch each.
    pub(crate) fn write_factor(
        &self,
        weights: Weights,
        factor: &mut [f64],
        x: &mut [f64],
        y: &mut [f64],
    ) -> Result<f64, Error> {
        let Self { weight, sum, second } = *self;
        if weight == 0.0 {
            return Err(Error::TooFew { needed: 1, found: 0 });
        }
        check_length(second.len(), factor.len())?;
        let mean = |i: usize| sum.get(i).map_or(0.0, |sum| sum / weight);
        for (i, (row, second)) in rows_mut(factor).zip(rows(second)).enumerate() {
            for (j, (entry, &sum)) in row.iter_mut().zip(second).enumerate() {
                *entry = weights.scale * (sum / weight - mean(i) * mean(j));
            }
            if let Some(entry) = row.last_mut() {
                *entry += weights.ridge;
            }
        }
        factorise(factor, x, y)
    }

    /// `out` = A·x.
    fn multiply(&self, weights: Weights, x: &[f64], out: &mut [f64]) -> Result<(), Error> {
        let scale = weights.scale / self.weight;
        out.fill(0.0);
        for (i, row) in rows(self.second).enumerate() {
            let (Some((before, [entry, ..])), Some((&diagonal, row)), Some((known, [own, ..]))) =
                (out.split_at_mut_checked(i), row.split_last(), x.split_at_checked(i))
            else {
                return Err(Error::Length { expected: i + 1, found: x.len().min(out.len()) });
            };
            *entry += double::dot(row, known)? + diagonal * own;
            double::axpy(*own, row, before)?;
        }
        let along = if self.sum.is_empty() { 0.0 } else { double::dot(self.sum, x)? / self.weight };
        for (i, (out, x)) in out.iter_mut().zip(x).enumerate() {
            *out = scale * (*out - self.sum.get(i).map_or(0.0, |sum| sum * along)) + weights.ridge * x;
        }
        Ok(())
    }

    /// Solves A x = v by the factor of A, and once more for what that left. `trace` is
    /// that of the second moment, `x`, and `left` and `product`, which are scratch, are K
    /// numbers each.
    ///
    /// # Errors
    /// [`Error::NotSolved`] if what is left even so is no rounding.
    pub(crate) fn solve<T: Real>(
        &self,
        weights: Weights,
        trace: f64,
        factor: &Factor<'_>,
        v: &[T],
        [x, left, product]: [&mut [f64]; 3],
    ) -> Result<(), Error> {
        let length = |x: &[f64]| Ok::<_, Error>(libm::sqrt(double::dot(x, x)?));
        x.iter_mut().zip(v).for_each(|(to, &from)| *to = from.into());
        let whole = length(x)?;
        factor.solve(x)?;
        let mut remainder = |x: &[f64], left: &mut [f64]| {
            self.multiply(weights, x, product)?;
            for ((left, &v), product) in left.iter_mut().zip(v).zip(product.iter()) {
                *left = v.into() - product;
            }
            Ok::<_, Error>(())
        };
        remainder(x, left)?;
        factor.solve(left)?;
        double::axpy(1.0, left, x)?;
        remainder(x, left)?;
        let residual = length(left)?;
        let size = weights.scale * trace + weights.ridge;
        if residual.is_nan() || residual > RESIDUAL * (size * length(x)? + whole) {
            return Err(Error::NotSolved);
        }
        Ok(())
    }
}
