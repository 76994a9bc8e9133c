//! The Cholesky factor of a packed symmetric matrix, in `f64`, and how well it is
//! conditioned.

use super::clip::{exponent, two_to};
use crate::error::{Error, check_length};
use gradsieve_kernels::double::{self, Real};
use gradsieve_kernels::{Certain, cannot_happen};

/// Numbers in a packed lower triangle of `width` rows.
#[must_use]
pub const fn triangle(width: usize) -> usize {
    width.saturating_mul(width.saturating_add(1)) / 2
}

/// The largest condition number with which a solution means something: beyond it the
/// rounding of the second moment itself shows.
pub(super) const WORST_CONDITION: f64 = 1e12;

/// The Cholesky factor L of a symmetric positive definite matrix A = L Lᵀ.
///
/// ```
/// use gradsieve::moments::Factor;
///
/// // L of A = [[4, 2], [2, 2]], row by row.
/// let factor = Factor::from_packed(2, &[2.0, 1.0, 1.0])?;
/// let mut x = [8.0, 6.0];
/// factor.solve(&mut x)?;
/// assert_eq!(x, [1.0, 2.0]); // A⁻¹x
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Factor<'f> {
    lower: &'f [f64],
}

impl<'f> Factor<'f> {
    /// A factor that [`Moments::factor`](super::Moments::factor) wrote.
    ///
    /// # Errors
    /// [`Error::Length`] if `lower` is not [`triangle`]`(width)` long.
    pub const fn from_packed(width: usize, lower: &'f [f64]) -> Result<Self, Error> {
        match check_length(triangle(width), lower.len()) {
            Ok(()) => Ok(Self { lower }),
            Err(error) => Err(error),
        }
    }

    /// Replaces x by L⁻¹x, so that dot products of such vectors are xᵀA⁻¹y.
    ///
    /// # Errors
    /// [`Error::Length`] if `x` is not K long, and then it is as it was.
    pub fn whiten(&self, x: &mut [f64]) -> Result<(), Error> {
        self.forward(1.0, x, |entry| entry, |_| ())
    }

    /// Replaces x by `size`·L⁻¹x, each entry rounded once it was shown to `visit`.
    fn forward<T: Real>(
        &self,
        size: f64,
        x: &mut [T],
        round: impl Fn(f64) -> T,
        mut visit: impl FnMut(f64),
    ) -> Result<(), Error> {
        check_length(self.lower.len(), triangle(x.len()))?;
        for (i, row) in rows(self.lower).enumerate() {
            let (Some((done, [entry, ..])), Some((&diagonal, row))) =
                (x.split_at_mut_checked(i), row.split_last())
            else {
                cannot_happen!("a triangle has as many rows as x has numbers, and none is empty");
                break;
            };
            let whitened = ((*entry).into() * size - double::dot(row, done)?) / diagonal;
            *entry = round(whitened);
            visit(whitened);
        }
        Ok(())
    }

    /// Replaces x by A⁻¹x.
    ///
    /// # Errors
    /// As [`Factor::whiten`].
    pub fn solve(&self, x: &mut [f64]) -> Result<(), Error> {
        self.whiten(x)?;
        let mut lower = self.lower;
        for i in (0..x.len()).rev() {
            let (before, row) = lower.split_at_checked(triangle(i)).certain();
            lower = before;
            let (Some((rest, [entry, ..])), Some((&diagonal, row))) =
                (x.split_at_mut_checked(i), row.split_last())
            else {
                cannot_happen!("a triangle has as many rows as x has numbers, and none is empty");
                break;
            };
            *entry /= diagonal;
            double::axpy(-*entry, row, rest)?;
        }
        Ok(())
    }

    /// xᵀA⁻¹x of a vector `scale`·x that was brought near 1; `x` becomes L⁻¹x, but for a
    /// power of two, and rounded.
    pub(super) fn quadratic(&self, scale: f64, x: &mut [f32]) -> Result<f64, Error> {
        // What stands in x shall stay near 1, whatever the size of L.
        let size = self.lower.first().map_or(1.0, |&first| two_to(exponent(first)));
        let mut square = 0.0;
        self.forward(size, x, |entry| entry as f32, |entry| square += entry * entry)?;
        let unit = scale * size;
        Ok(square / unit / unit)
    }

    /// An estimate of ‖A⁻¹‖₁, from below and seldom by more than a factor of 3 (Hager
    /// 1984; Higham 1988, with his second start for matrices that are blind to the first,
    /// such as those with two columns alike). `x` and `y` are K numbers of scratch each.
    fn inverse_norm(&self, x: &mut [f64], y: &mut [f64]) -> Result<f64, Error> {
        x.fill(1.0 / x.len().max(1) as f64);
        let mut norm = 0.0;
        for _ in 0..5 {
            y.copy_from(x);
            self.solve(y)?;
            norm = y.iter().map(|y| y.abs()).sum();
            y.iter_mut().for_each(|y| *y = if *y < 0.0 { -1.0 } else { 1.0 });
            self.solve(y)?;
            let along = double::dot(y, x)?;
            let (place, most) = y.iter().enumerate().fold((0, 0.0), |(place, most), (i, y)| {
                if y.abs() > most { (i, y.abs()) } else { (place, most) }
            });
            if most <= along {
                break;
            }
            x.fill(0.0);
            x.iter_mut().skip(place).take(1).for_each(|x| *x = 1.0);
        }
        let last = x.len().saturating_sub(1).max(1) as f64;
        for (i, x) in x.iter_mut().enumerate() {
            let size = 1.0 + i as f64 / last;
            *x = if i % 2 == 0 { size } else { -size };
        }
        self.solve(x)?;
        let other = 2.0 / 3.0 * x.iter().map(|x| x.abs()).sum::<f64>() / x.len().max(1) as f64;
        Ok(libm::fmax(norm, other))
    }
}

/// `copy_from_slice` without a panic.
pub(super) trait CopyFrom {
    fn copy_from(&mut self, from: &[f64]);
}

impl CopyFrom for [f64] {
    fn copy_from(&mut self, from: &[f64]) {
        for (to, from) in self.iter_mut().zip(from) {
            *to = *from;
        }
    }
}

/// Replaces a packed matrix by its factor, and returns an estimate of its condition
/// number in the 1-norm. `x` and `y` are K numbers of scratch each.
///
/// # Errors
/// [`Error::NotPositiveDefinite`]; [`Error::IllConditioned`] from 10¹² on. `packed` then
/// holds nothing of use.
pub(crate) fn factorise(packed: &mut [f64], x: &mut [f64], y: &mut [f64]) -> Result<f64, Error> {
    let norm = norm(packed, x);
    cholesky(packed)?;
    let condition = norm * Factor { lower: packed }.inverse_norm(x, y)?;
    if condition < WORST_CONDITION {
        return Ok(condition);
    }
    Err(ill_conditioned(condition))
}

/// That a condition number, 1 at least, is too large.
pub(super) fn ill_conditioned(condition: f64) -> Error {
    let decades = if condition.is_finite() { libm::floor(libm::log10(condition)) as u32 } else { 308 };
    Error::IllConditioned { decades }
}

/// The 1-norm of a packed symmetric matrix.
pub(super) fn norm(packed: &[f64], sums: &mut [f64]) -> f64 {
    sums.fill(0.0);
    for (i, row) in rows(packed).enumerate() {
        let mut own = 0.0;
        for (entry, sum) in row.iter().zip(sums.iter_mut()).take(i) {
            *sum += entry.abs();
            own += entry.abs();
        }
        own += row.last().map_or(0.0, |entry| entry.abs());
        sums.iter_mut().skip(i).take(1).for_each(|sum| *sum += own);
    }
    sums.iter().fold(0.0, |most, &sum| libm::fmax(most, sum))
}

/// Rows whose entries are found together: as often are the rows above read less than once
/// a row.
const TOGETHER: usize = 8;

/// Replaces a packed matrix by its Cholesky factor, some rows at a time.
fn cholesky(packed: &mut [f64]) -> Result<(), Error> {
    let (mut rest, mut before, mut start) = (packed.len(), 0_usize, 0);
    while rest > 0 {
        let len = (triangle(before.saturating_add(TOGETHER)) - triangle(before)).min(rest);
        let (done, block) = packed.split_at_mut_checked(start).certain();
        let block = block.get_mut(..len).certain();
        for (j, above) in rows(done).enumerate() {
            rows_mut_from(block, before).for_each(|row| entry(row, j, above));
        }
        let mut own = 0;
        for i in before.. {
            let (done, rest) = block.split_at_mut_checked(own).certain();
            // Behind the last row there is nothing.
            let Some(row) = rest.get_mut(..=i) else { break };
            (before..).zip(rows_from(done, before)).for_each(|(j, above)| entry(row, j, above));
            pivot(row)?;
            own += i + 1;
        }
        (rest, before, start) = (rest - len, before.saturating_add(TOGETHER), start + len);
    }
    Ok(())
}

/// Finds entry `j` of a row of the factor, from those before it and row `j` above.
fn entry(row: &mut [f64], j: usize, above: &[f64]) {
    let (Some((row, [entry, ..])), Some((&diagonal, above))) =
        (row.split_at_mut_checked(j), above.split_last())
    else {
        cannot_happen!("a row is longer than those above, and none is empty");
        return;
    };
    *entry = (*entry - double::dot(above, row).certain()) / diagonal;
}

/// Finds the last entry of a row of the factor from those before it.
fn pivot(row: &mut [f64]) -> Result<(), Error> {
    let Some((diagonal, row)) = row.split_last_mut() else {
        cannot_happen!("no row is empty");
        return Ok(());
    };
    let square = *diagonal - double::dot(row, row)?;
    // What is left of a pivot that cancels this far is rounding.
    if square.is_nan() || square <= *diagonal * f64::EPSILON * 16.0 || square.is_infinite() {
        return Err(Error::NotPositiveDefinite);
    }
    *diagonal = libm::sqrt(square);
    Ok(())
}

/// The rows of a packed lower triangle.
pub(super) fn rows(packed: &[f64]) -> impl Iterator<Item = &[f64]> {
    rows_from(packed, 0)
}

/// The sum of a triangle's diagonal.
pub(super) fn trace(packed: &[f64]) -> f64 {
    rows(packed).filter_map(|row| row.last()).sum()
}

/// Those behind so many rows, which `packed` begins with.
fn rows_from(mut packed: &[f64], before: usize) -> impl Iterator<Item = &[f64]> {
    (before..).map_while(move |before| {
        let (row, rest) = packed.split_at_checked(before.saturating_add(1))?;
        packed = rest;
        Some(row)
    })
}

/// The rows of a packed lower triangle.
pub(super) fn rows_mut(packed: &mut [f64]) -> impl Iterator<Item = &mut [f64]> {
    rows_mut_from(packed, 0)
}

/// Those behind so many rows, which `packed` begins with.
fn rows_mut_from(mut packed: &mut [f64], before: usize) -> impl Iterator<Item = &mut [f64]> {
    (before..).map_while(move |before| {
        let (row, rest) = core::mem::take(&mut packed).split_at_mut_checked(before.saturating_add(1))?;
        packed = rest;
        Some(row)
    })
}
