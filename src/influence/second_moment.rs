//! Solvers by a damped second moment: A⁻¹φ_v for a target's sketch φ_v.

use super::precision::{Precision, round};
use super::solver::Solver;
use super::targets::Targets;
use crate::error::{Error, check_length};
use crate::memory::Buffer;
use crate::moments::{Policy, SecondMoment};
use crate::sketch::Sketch;

/// Settings of a second moment that stands for a curvature: those of
/// [`Ridge`](super::Ridge) and [`Trak`](super::Trak), whose examples show it.
pub trait Curvature: Policy {}

impl<P: Curvature, B: Buffer<f64>> SecondMoment<P, B> {
    /// Solves for one target into `out`, K numbers of `f32` or `f64`: A⁻¹φ_v. Targets
    /// that stand one after the other are [`Targets`] together. `f64` is for where
    /// [`condition`](Self::condition) is above 10⁴: [`Precision`] says why.
    ///
    /// # Errors
    /// [`Error::NotFitted`]; [`Error::Length`]; [`Error::Mismatch`] or
    /// [`Error::NonFinite`] for the target; [`Error::NotSolved`] if what is left after
    /// one refinement is more than rounding; [`Error::Range`] if the solution leaves the
    /// range of its format. Where the matrix [is singular](Self::is_singular),
    /// [`Error::IllConditioned`] if the target lies along directions that are neither
    /// there nor missing. `out` is as it was.
    pub fn solve<'t, T: Precision>(
        &mut self,
        target: &Sketch<'_>,
        out: &'t mut [T],
    ) -> Result<Targets<'t, T>, Error> {
        check_length(target.values.len(), out.len())?;
        self.solve_with(target, |x| round(x, out))?;
        Targets::new(target.id, out)
    }
}

impl<P: Curvature, B: Buffer<f64>> Solver for SecondMoment<P, B> {
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
