//! Divide and conquer (DnC): leaves out the f clients that reach furthest along the
//! direction in which the updates vary most.
//!
//! With the mean μ of the updates and the first right singular vector v of the rows
//! xᵢ − μ, the score of a client is ⟨xᵢ − μ, v⟩². The published rule draws a part of the
//! coordinates, several times, and keeps whom it kept each time; here the sketch stands
//! for the part, and there is one. v comes from the first eigenvector of the n×n products
//! of the rows.
//!
//! *Known holes*: hostile updates that differ in direction among themselves, or keep
//! within the variance of the honest ones. And scores are right to about 2⁻⁵² of the
//! largest: where one update is 10⁸ times as far out as others differ, the order of the
//! others is rounding.
//!
//! Source: Shejwalkar & Houmansadr, "Manipulating the Byzantine", NDSS 2021.
//!
//! *Memory*: n² + 3K + 2n `f64`. *Cost*: n²·K multiply–adds, and 6·n³.

use super::Rule;
use super::round::{Finite, RoundSettings, parts};
use super::scores::keep_lowest;
use crate::dense::eigen;
use crate::error::Error;
use crate::memory::Memory;
use gradsieve_kernels::Certain;
use gradsieve_kernels::double::{axpy, dot};

/// Keeps the n − f clients that reach least along the direction of largest variance.
///
/// ```
/// use gradsieve::clients::{Dnc, RoundSettings};
///
/// const RULE: Dnc = Dnc { hostile: 6 };
/// const ROUND: RoundSettings = RoundSettings { clients: 20, width: 64 };
/// assert_eq!(RULE.memory(&ROUND).f64s, 400 + 3 * 64 + 2 * 20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Dnc {
    /// f: how many clients may be hostile, and are left out. There are to be 2f + 1 at
    /// least.
    pub hostile: usize,
}

impl Dnc {
    /// What a call needs for such a round: n² + 3K + 2n `f64s`.
    #[must_use]
    pub const fn memory(&self, round: &RoundSettings) -> Memory {
        round.f64s(1, 3, 2)
    }
}

impl Rule for Dnc {
    fn needs(&self, round: &RoundSettings) -> Memory {
        self.memory(round)
    }

    fn weigh_finite(
        &self,
        finite: &Finite<'_>,
        memory: &mut [f64],
        weights: &mut [f64],
    ) -> Result<(), Error> {
        let n = finite.len();
        let hostile = finite.hostile(self.hostile, 2, 1)?;
        let (products, memory) = parts(memory, n.saturating_mul(n));
        let (values, memory) = parts(memory, n);
        let (scratch, memory) = parts(memory, n);
        let (mean, memory) = parts(memory, finite.width());
        let (own, memory) = parts(memory, finite.width());
        let (other, _) = parts(memory, finite.width());
        mean.fill(0.0);
        for row in finite.rows() {
            axpy(1.0, row, mean).certain();
        }
        mean.iter_mut().for_each(|mean| *mean /= n.max(1) as f64);
        centred_products(finite, mean, own, other, products);
        eigen(n, products, values, scratch)?;
        // v, but for its length: the rows in the proportions of its left vector. Clients
        // that agree have equal scores then, to the bit.
        let direction = other;
        direction.fill(0.0);
        for (row, along) in finite.rows().zip(&*products) {
            centre(row, mean, own);
            axpy(*along, own, direction).certain();
        }
        for (row, score) in finite.rows().zip(scratch.iter_mut()) {
            centre(row, mean, own);
            let along = dot(own, direction).certain();
            *score = along * along;
        }
        keep_lowest(scratch, n.saturating_sub(hostile), weights);
        Ok(())
    }
}

/// x − μ.
fn centre(x: &[f32], mean: &[f64], to: &mut [f64]) {
    for ((to, x), mean) in to.iter_mut().zip(x).zip(mean) {
        *to = f64::from(*x) - mean;
    }
}

/// ⟨xᵢ − μ, xⱼ − μ⟩ of all pairs, row after row. `own` and `other` are K numbers of
/// scratch each.
fn centred_products(
    finite: &Finite<'_>,
    mean: &[f64],
    own: &mut [f64],
    other: &mut [f64],
    products: &mut [f64],
) {
    for (x, to) in finite.rows().zip(products.chunks_exact_mut(finite.len().max(1))) {
        centre(x, mean, own);
        for (y, to) in finite.rows().zip(to) {
            centre(y, mean, other);
            *to = dot(own, other).certain();
        }
    }
}
