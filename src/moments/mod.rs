//! Running first and second moments of sketches, and what their inverse does to a vector.
//!
//! Detectors and influence methods that weigh a gradient by how the others lie share this
//! room: the uncentred second moment C = GᵀG/n (self-influence, ridge influence) and the
//! covariance about the running mean (Mahalanobis). Matrices are symmetric and kept as
//! packed lower triangles of `f32`, row by row, so that row *i* is a contiguous slice of
//! *i* + 1 numbers; the Cholesky factor L L ᵀ = A has the same shape.
//!
//! The project has a dense linear algebra crate at hand (nalgebra), and tests this room
//! against it; it is not used here, because its factorisation needs a heap or a size
//! known to the compiler, twice the memory, and code that can panic.
//!
//! *Error*: sums run in `f32`, so after n observations an entry's relative error is at
//! most n·2⁻²⁴, and about √n·2⁻²⁴ in practice; past 2²⁴ observations of one scale new
//! ones no longer count: merge fresh states, or reset. Squares of numbers below 10⁻¹⁹
//! underflow. The factorisation's backward error is that of `f32` Cholesky with `f64`
//! divisions and roots; with the damping of the methods here the condition number is at
//! most about 10·K.
//!
//! *Cost*: K²/2 multiply–adds an observation, K³/6 a factorisation, K²/2 a whitening, K²
//! a solution.
//!
//! May import `sketch`, `state` and `error`; knows nothing of detectors, influence or
//! stores.

mod damped;

pub(crate) use damped::Damped;

use crate::error::{Error, check_length};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, FRAME, Reader, State, StateKind, Walk, declared, place, read_body, slice};
use gradsieve_kernels::{axpy, dot, squared_norm};

/// Numbers in a packed lower triangle of `width` rows.
#[must_use]
pub const fn triangle(width: usize) -> usize {
    width * (width + 1) / 2
}

/// What the second moment is taken about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Centre {
    /// About zero: GᵀG/n.
    Zero,
    /// About the running mean: the covariance (divided by n).
    Mean,
}

/// Running moments of sketches, in lent memory of [`Moments::floats`] numbers.
#[derive(Debug)]
pub struct Moments<'m> {
    centre: Centre,
    width: usize,
    count: u64,
    id: Option<SketchId>,
    /// The running mean; stays zero if the centre is.
    mean: &'m mut [f32],
    /// Σ (φ − centre)(φ − centre)ᵀ, packed.
    second: &'m mut [f32],
    scratch: &'m mut [f32],
}

impl<'m> Moments<'m> {
    /// Numbers of `f32` that moments of `width` need.
    #[must_use]
    pub const fn floats(width: usize) -> usize {
        2 * width + triangle(width)
    }

    /// No observations yet; `memory` is set to zero.
    ///
    /// # Errors
    /// [`Error::Length`] if `memory` is not [`Moments::floats`] long.
    pub fn new(centre: Centre, width: usize, memory: &'m mut [f32]) -> Result<Self, Error> {
        let found = memory.len();
        check_length(Self::floats(width), found)?;
        memory.fill(0.0);
        let split = memory.split_at_mut_checked(width).and_then(|(mean, rest)| {
            let (scratch, second) = rest.split_at_mut_checked(width)?;
            Some((mean, scratch, second))
        });
        let Some((mean, scratch, second)) = split else {
            return Err(Error::Length { expected: Self::floats(width), found });
        };
        Ok(Self { centre, width, count: 0, id: None, mean, second, scratch })
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.count = 0;
        self.id = None;
        self.mean.fill(0.0);
        self.second.fill(0.0);
    }

    /// K.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Observations so far.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The running mean; zeros if the centre is zero.
    #[must_use]
    pub const fn mean(&self) -> &[f32] {
        self.mean
    }

    /// Refuses a sketch that cannot stand beside those observed.
    pub(crate) fn check(&self, sketch: &Sketch<'_>) -> Result<(), Error> {
        check_length(self.width, sketch.values.len())?;
        sketch.check_finite()?;
        self.id.map_or(Ok(()), |id| id.check(&sketch.id))
    }

    /// Takes a sketch in.
    ///
    /// # Errors
    /// [`Error::NonFinite`], [`Error::Length`] or [`Error::Mismatch`]; the state is as it
    /// was.
    pub fn observe(&mut self, sketch: &Sketch<'_>) -> Result<(), Error> {
        self.check(sketch)?;
        self.id = Some(sketch.id);
        self.count += 1;
        match self.centre {
            Centre::Zero => add_outer(1.0, sketch.values, self.second),
            Centre::Mean => {
                // Welford: with δ = φ − mean before, mean += δ/n and the sum of squares
                // grows by (n−1)/n·δδᵀ.
                let n = self.count as f64;
                difference(sketch.values, self.mean, self.scratch);
                axpy((1.0 / n) as f32, self.scratch, self.mean)?;
                add_outer(((n - 1.0) / n) as f32, self.scratch, self.second)
            }
        }
    }

    /// Takes in all that `other` has observed (Chan, Golub & LeVeque 1979).
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the two observed different kinds of sketch,
    /// [`Error::Setting`] if their centres differ, [`Error::Length`] if their widths do;
    /// the state is as it was.
    pub fn merge(&mut self, other: &Moments<'_>) -> Result<(), Error> {
        check_length(self.width, other.width)?;
        if self.centre != other.centre {
            return Err(Error::Setting { name: "centre", expected: "the same as the other state's" });
        }
        if let (Some(id), Some(other)) = (self.id, other.id) {
            id.check(&other)?;
        }
        if other.count == 0 {
            return Ok(());
        }
        let (n, m) = (self.count as f64, other.count as f64);
        axpy(1.0, other.second, self.second)?;
        if self.centre == Centre::Mean {
            difference(other.mean, self.mean, self.scratch);
            axpy((m / (n + m)) as f32, self.scratch, self.mean)?;
            add_outer((n * m / (n + m)) as f32, self.scratch, self.second)?;
        }
        self.id = self.id.or(other.id);
        self.count += other.count;
        Ok(())
    }

    /// The mean eigenvalue of the second moment: its trace over n·K. 0 without
    /// observations.
    #[must_use]
    pub fn mean_eigenvalue(&self) -> f64 {
        let trace: f64 = rows(self.second).filter_map(|row| row.last()).map(|&entry| f64::from(entry)).sum();
        if self.count == 0 { 0.0 } else { trace / (self.count as f64 * self.width as f64) }
    }

    /// Row `i` of the second moment plus `ridge`·I, in `f64`.
    pub(crate) fn row(&self, i: usize, ridge: f64, out: &mut [f64]) {
        let scale = 1.0 / self.count.max(1) as f64;
        for (j, out) in out.iter_mut().enumerate() {
            let place = if j < i { triangle(i) + j } else { triangle(j) + i };
            let sum = self.second.get(place).copied().map_or(0.0, f64::from);
            *out = scale * sum + if i == j { ridge } else { 0.0 };
        }
    }

    /// Writes the Cholesky factor of `scale`·(second moment) + `ridge`·I to `factor`,
    /// [`triangle`]`(K)` numbers.
    ///
    /// # Errors
    /// [`Error::TooFew`] without observations; [`Error::Length`];
    /// [`Error::NotPositiveDefinite`], and then `factor` holds nothing of use.
    pub fn factor<'f>(&self, scale: f64, ridge: f64, factor: &'f mut [f32]) -> Result<Factor<'f>, Error> {
        if self.count == 0 {
            return Err(Error::TooFew { needed: 1, found: 0 });
        }
        check_length(self.second.len(), factor.len())?;
        let scale = scale / self.count as f64;
        for (row, second) in rows_mut(factor).zip(rows(self.second)) {
            for (entry, &sum) in row.iter_mut().zip(second) {
                *entry = (scale * f64::from(sum)) as f32;
            }
            if let (Some(entry), Some(&sum)) = (row.last_mut(), second.last()) {
                *entry = (scale * f64::from(sum) + ridge) as f32;
            }
        }
        cholesky(factor)?;
        Factor::from_packed(self.width, factor)
    }
}

impl Moments<'_> {
    /// Bytes of moments of `width` at rest.
    #[must_use]
    pub const fn bytes_at_rest(centre: Centre, width: usize) -> usize {
        FRAME + Self::body(centre, width)
    }

    /// Bytes of the body.
    const fn body(centre: Centre, width: usize) -> usize {
        let mean = match centre {
            Centre::Zero => 0,
            Centre::Mean => width,
        };
        mean.saturating_add(triangle(width)).saturating_mul(4).saturating_add(24)
    }

    /// Reads a body behind which stand so many bytes.
    pub(crate) fn read_part(
        &mut self,
        id: Option<SketchId>,
        from: &mut Reader<'_>,
        behind: usize,
    ) -> Result<(), Error> {
        read_body(self, id, from, behind)
    }
}

impl Body for Moments<'_> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        let (centre, width) = (walk.state().centre, walk.state().width);
        walk.setting(centre == Centre::Mean)?;
        walk.zeros(7)?;
        walk.width(width)?;
        let count = walk.number(place!(count))?;
        walk.require_id(width, count > 0)?;
        if centre == Centre::Mean {
            walk.all(slice!(mean))?;
        }
        walk.all(slice!(second))?;
        let id = walk.id();
        walk.load_with(|moments| moments.id = id);
        Ok(())
    }
}

impl State for Moments<'_> {
    const KIND: StateKind = StateKind::Moments;

    fn sketch_id(&self) -> Option<SketchId> {
        self.id
    }

    declared!();
}

/// The Cholesky factor L of a symmetric positive definite matrix A = L Lᵀ.
#[derive(Clone, Copy, Debug)]
pub struct Factor<'f> {
    lower: &'f [f32],
}

impl<'f> Factor<'f> {
    /// A factor that [`Moments::factor`] wrote.
    ///
    /// # Errors
    /// [`Error::Length`] if `lower` is not [`triangle`]`(width)` long.
    pub const fn from_packed(width: usize, lower: &'f [f32]) -> Result<Self, Error> {
        match check_length(triangle(width), lower.len()) {
            Ok(()) => Ok(Self { lower }),
            Err(error) => Err(error),
        }
    }

    /// Replaces x by L⁻¹x, so that dot products of such vectors are xᵀA⁻¹y.
    ///
    /// # Errors
    /// [`Error::Length`] if `x` is not K long, and then it holds nothing of use.
    pub fn whiten(&self, x: &mut [f32]) -> Result<(), Error> {
        check_length(self.lower.len(), triangle(x.len()))?;
        for (i, row) in rows(self.lower).enumerate() {
            let (Some((done, [entry, ..])), Some((&diagonal, row))) =
                (x.split_at_mut_checked(i), row.split_last())
            else {
                break;
            };
            *entry = ((f64::from(*entry) - dot(row, done)?) / f64::from(diagonal)) as f32;
        }
        Ok(())
    }

    /// Replaces x by A⁻¹x.
    ///
    /// # Errors
    /// As [`Factor::whiten`].
    pub fn solve(&self, x: &mut [f32]) -> Result<(), Error> {
        self.whiten(x)?;
        let mut lower = self.lower;
        for i in (0..x.len()).rev() {
            let Some((before, row)) = lower.split_at_checked(triangle(i)) else { break };
            lower = before;
            let (Some((rest, [entry, ..])), Some((&diagonal, row))) =
                (x.split_at_mut_checked(i), row.split_last())
            else {
                break;
            };
            *entry = (f64::from(*entry) / f64::from(diagonal)) as f32;
            axpy(-*entry, row, rest)?;
        }
        Ok(())
    }

    /// xᵀA⁻¹x; `x` becomes L⁻¹x.
    ///
    /// # Errors
    /// As [`Factor::whiten`].
    pub fn quadratic(&self, x: &mut [f32]) -> Result<f64, Error> {
        self.whiten(x)?;
        Ok(squared_norm(x))
    }
}

/// The rows of a packed lower triangle.
fn rows(mut packed: &[f32]) -> impl Iterator<Item = &[f32]> {
    (1..).map_while(move |len| {
        let (row, rest) = packed.split_at_checked(len)?;
        packed = rest;
        Some(row)
    })
}

/// The rows of a packed lower triangle.
fn rows_mut(mut packed: &mut [f32]) -> impl Iterator<Item = &mut [f32]> {
    (1..).map_while(move |len| {
        let (row, rest) = core::mem::take(&mut packed).split_at_mut_checked(len)?;
        packed = rest;
        Some(row)
    })
}

/// Adds `weight`·x xᵀ to a packed triangle.
fn add_outer(weight: f32, x: &[f32], packed: &mut [f32]) -> Result<(), Error> {
    for (row, &entry) in rows_mut(packed).zip(x) {
        let Some(x) = x.get(..row.len()) else { break };
        axpy(weight * entry, x, row)?;
    }
    Ok(())
}

fn difference(x: &[f32], y: &[f32], out: &mut [f32]) {
    for ((out, x), y) in out.iter_mut().zip(x).zip(y) {
        *out = x - y;
    }
}

/// Replaces a packed matrix by its Cholesky factor, row by row.
fn cholesky(packed: &mut [f32]) -> Result<(), Error> {
    let mut start = 0;
    let mut len = 1;
    while let Some((done, rest)) = packed.split_at_mut_checked(start) {
        let Some(row) = rest.get_mut(..len) else { break };
        for (j, above) in rows(done).enumerate() {
            let (Some((row, [entry, ..])), Some((&diagonal, above))) =
                (row.split_at_mut_checked(j), above.split_last())
            else {
                break;
            };
            *entry = ((f64::from(*entry) - dot(above, row)?) / f64::from(diagonal)) as f32;
        }
        let Some((diagonal, row)) = row.split_last_mut() else { break };
        let square = f64::from(*diagonal) - squared_norm(row);
        *diagonal = libm::sqrt(square) as f32;
        // A NaN or a root that vanishes in f32 is as bad as a negative square.
        if diagonal.is_nan() || *diagonal <= 0.0 {
            return Err(Error::NotPositiveDefinite);
        }
        start += len;
        len += 1;
    }
    Ok(())
}
