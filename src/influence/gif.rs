//! Generalised influence: the update after a sample is left out, restricted to an index
//! set J of coordinates (Lyu et al. 2024, "Deeper Understanding of Black-box Predictions
//! via Generalized Influence Functions").
//!
//! What would move only the coordinates of J and come closest to H δ = g in least squares
//! is δ_J = (H_{J·} H_{·J})⁻¹ H_{J·} g; the influence is v_J·δ_J. With J all coordinates
//! that is vᵀH⁻¹g. H = C + λI, C = ΦᵀΦ/n the second moment of the rows observed, λ =
//! damping · mean eigenvalue of C. Positive is helpful. Scale: n times the change when a
//! sample is left out.
//!
//! J picks coordinates of the *rows*: parameters with [`Exact`](crate::Exact), and
//! columns of a sketch that keeps layers apart.
//!
//! *Memory*: [`Moments::floats`] numbers of `f32` and |J|·(K + |J| + 1) of `f64`; K of
//! `f32` a target. *Cost*: K²/2 an observation, |J|²K/2 +
//! |J|³/6 a fit, in `f64` because the condition number of the normal equations is the square of H's; |J|² + |J|K a target; K a pair.

use super::solver::Solver;
use super::targets::Targets;
use crate::dense::{cholesky, dot as dot_double, solve};
use crate::error::{Error, check_length};
use crate::moments::{Centre, Moments, triangle};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Reader, State, StateKind, Writer, check_setting};

/// The training side: observe every row of the curvature, [`fit`](Self::fit), then
/// prepare targets.
#[derive(Debug)]
pub struct Gif<'m> {
    damping: f32,
    indices: &'m [usize],
    moments: Moments<'m>,
    /// H_{J·}, |J| rows of K.
    rows: &'m mut [f64],
    /// The Cholesky factor of H_{J·} H_{·J}.
    normal: &'m mut [f64],
    scratch: &'m mut [f64],
    fitted: bool,
}

impl<'m> Gif<'m> {
    /// The usual damping: a tenth of the mean eigenvalue.
    pub const DAMPING: f32 = 0.1;

    /// Numbers of `f32` that the state needs for sketches of `width`.
    #[must_use]
    pub const fn floats(width: usize) -> usize {
        Moments::floats(width)
    }

    /// Numbers of `f64` that the state needs for sketches of `width` and so many indices.
    #[must_use]
    pub const fn doubles(width: usize, indices: usize) -> usize {
        indices.saturating_mul(width.saturating_add(indices).saturating_add(1))
    }

    /// No observations yet. `indices` is J, rising; `damping` is in units of the mean
    /// eigenvalue, and may be 0.
    ///
    /// # Errors
    /// [`Error::Length`] if a memory is not as long as it must be; [`Error::Setting`]
    /// unless `damping` is finite and not negative, and J is a rising, non-empty list of
    /// coordinates below `width`.
    pub fn new(
        damping: f32,
        indices: &'m [usize],
        width: usize,
        floats: &'m mut [f32],
        doubles: &'m mut [f64],
    ) -> Result<Self, Error> {
        let rising = indices.is_sorted_by(|a, b| a < b);
        if !damping.is_finite()
            || damping < 0.0
            || !rising
            || indices.last().is_none_or(|&last| last >= width)
        {
            return Err(Error::Setting {
                name: "indices",
                expected: "rising, below the width, with a damping that is finite and not negative",
            });
        }
        let (expected, found) = (Self::doubles(width, indices.len()), doubles.len());
        check_length(expected, found)?;
        let split = doubles.split_at_mut_checked(indices.len() * width).and_then(|(rows, rest)| {
            let (normal, scratch) = rest.split_at_mut_checked(indices.len() * indices.len())?;
            Some((rows, normal, scratch))
        });
        let Some((rows, normal, scratch)) = split else { return Err(Error::Length { expected, found }) };
        let moments = Moments::new(Centre::Zero, width, floats)?;
        Ok(Self { damping, indices, moments, rows, normal, scratch, fitted: false })
    }

    /// Takes in a row of the curvature: a training sketch (empirical Fisher), or a factor
    /// of the Gauss–Newton matrix.
    ///
    /// # Errors
    /// As [`Moments::observe`].
    pub fn observe(&mut self, row: &Sketch<'_>) -> Result<(), Error> {
        self.moments.observe(row)
    }

    /// Takes in all that `other` has observed.
    ///
    /// # Errors
    /// As [`Moments::merge`].
    pub fn merge(&mut self, other: &Gif<'_>) -> Result<(), Error> {
        self.moments.merge(&other.moments)
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.moments.reset();
        self.fitted = false;
    }

    /// Factorises H_{J·} H_{·J} as it stands.
    ///
    /// # Errors
    /// [`Error::TooFew`] without observations; [`Error::NotPositiveDefinite`] if the
    /// columns of H for J are not independent: a larger damping is needed.
    pub fn fit(&mut self) -> Result<(), Error> {
        self.fitted = false;
        if self.moments.count() == 0 {
            return Err(Error::TooFew { needed: 1, found: 0 });
        }
        let (width, count) = (self.moments.width(), self.indices.len());
        let ridge = f64::from(self.damping) * self.moments.mean_eigenvalue();
        for (row, &index) in self.rows.chunks_exact_mut(width.max(1)).zip(self.indices) {
            self.moments.row(index, ridge, row);
        }
        let rows = || self.rows.chunks_exact(width.max(1));
        for (to, row) in self.normal.chunks_exact_mut(count.max(1)).zip(rows()) {
            for (to, other) in to.iter_mut().zip(rows()) {
                *to = dot_double(row, other);
            }
        }
        cholesky(count, self.normal)?;
        self.fitted = true;
        Ok(())
    }

    /// Solves for one target into `out`, K numbers: H_{·J} (H_{J·} H_{·J})⁻¹ v_J. Targets
    /// that stand one after the other are [`Targets`] together.
    ///
    /// # Errors
    /// [`Error::NotFitted`]; [`Error::Length`]; [`Error::Mismatch`] or
    /// [`Error::NonFinite`] for the target, and then `out` is as it was;
    /// [`Error::NonFinite`] if the solution leaves the range of `f32`.
    pub fn solve<'t>(&mut self, target: &Sketch<'_>, out: &'t mut [f32]) -> Result<Targets<'t>, Error> {
        if !self.fitted {
            return Err(Error::NotFitted);
        }
        self.moments.check(target)?;
        let width = self.moments.width();
        check_length(width, out.len())?;
        for (to, &index) in self.scratch.iter_mut().zip(self.indices) {
            *to = target.values.get(index).copied().map_or(0.0, f64::from);
        }
        solve(self.indices.len(), self.normal, self.scratch);
        for (column, to) in out.iter_mut().enumerate() {
            let mut sum = 0.0;
            for (row, weight) in self.rows.chunks_exact(width.max(1)).zip(&*self.scratch) {
                sum += weight * row.get(column).copied().unwrap_or(0.0);
            }
            *to = sum as f32;
        }
        Targets::new(target.id, out)
    }
}

impl Gif<'_> {
    /// Bytes of the state at rest, at most: before the first fit without the rows and the
    /// factor, which are 8·|J|·K + 4·|J|·(|J| + 1).
    #[must_use]
    pub const fn bytes_at_rest(width: usize, indices: usize) -> usize {
        let fitted = indices.saturating_mul(width).saturating_add(triangle(indices));
        let numbers = fitted.saturating_add(indices).saturating_mul(8);
        Moments::bytes_at_rest(Centre::Zero, width).saturating_add(numbers).saturating_add(16)
    }

    /// Numbers of the rows and of the factor's lower triangle.
    const fn doubles_at_rest(&self) -> usize {
        self.rows.len().saturating_add(triangle(self.indices.len()))
    }
}

impl Solver for Gif<'_> {
    fn observe(&mut self, row: &Sketch<'_>) -> Result<(), Error> {
        Self::observe(self, row)
    }

    fn end_pass(&mut self) -> Result<bool, Error> {
        self.fit().map(|()| true)
    }

    fn solve<'t>(&mut self, target: &Sketch<'_>, out: &'t mut [f32]) -> Result<Targets<'t>, Error> {
        Self::solve(self, target, out)
    }

    fn reset(&mut self) {
        Self::reset(self);
    }
}

impl State for Gif<'_> {
    const KIND: StateKind = StateKind::Gif;

    fn sketch_id(&self) -> Option<SketchId> {
        self.moments.sketch_id()
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.f32(self.damping);
        to.u8(u8::from(self.fitted));
        to.zeros(3);
        to.count(self.indices.len());
        self.indices.iter().for_each(|&index| to.count(index));
        self.moments.write(to);
        if self.fitted {
            to.f64s(self.rows);
            for (i, row) in self.normal.chunks_exact(self.indices.len().max(1)).enumerate() {
                to.f64s(row.get(..=i).unwrap_or_default());
            }
        }
    }

    fn read(&mut self, id: Option<SketchId>, from: &mut Reader<'_>) -> Result<(), Error> {
        check_setting(self.damping.to_bits() == from.u32()?)?;
        let fitted = from.flag()?;
        from.skip(3)?;
        check_setting(from.u64()? == self.indices.len() as u64)?;
        for &index in self.indices {
            check_setting(from.u64()? == index as u64)?;
        }
        let behind = if fitted { self.doubles_at_rest().saturating_mul(8) } else { 0 };
        self.moments.read_part(id, from, behind)?;
        self.fitted = fitted;
        if fitted {
            from.f64s(self.rows)?;
            for (i, row) in self.normal.chunks_exact_mut(self.indices.len().max(1)).enumerate() {
                from.f64s(row.get_mut(..=i).unwrap_or_default())?;
            }
        }
        Ok(())
    }
}
