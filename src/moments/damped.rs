//! Moments and the Cholesky factor of their damped second moment: what ridge, TRAK,
//! self-influence and Mahalanobis have in common.

use super::{Centre, Factor, Moments, triangle};
use crate::error::{Error, check_length};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, FRAME, Reader, State, Walk, Writer, place, read_body, slice, write_body};

/// Moments, and once it is fitted the factor of scale·(second moment) + ridge·I. The
/// setting, a damping or a shrinkage, is what the method makes the two numbers from.
#[derive(Debug)]
pub(crate) struct Damped<'m> {
    setting: f32,
    moments: Moments<'m>,
    factor: &'m mut [f32],
    fitted: bool,
}

impl<'m> Damped<'m> {
    /// Numbers of `f32` that it needs.
    pub(crate) const fn floats(width: usize) -> usize {
        Moments::floats(width) + triangle(width)
    }

    /// Bytes at rest, at most; half before the first fit.
    pub(crate) const fn bytes_at_rest(centre: Centre, width: usize) -> usize {
        triangle(width)
            .saturating_mul(4)
            .saturating_add(Moments::body(centre, width))
            .saturating_add(FRAME + 8)
    }

    /// No observations yet, in memory of [`Damped::floats`].
    pub(crate) fn new(
        setting: f32,
        centre: Centre,
        width: usize,
        memory: &'m mut [f32],
    ) -> Result<Self, Error> {
        let (expected, found) = (Self::floats(width), memory.len());
        check_length(expected, found)?;
        let Some((moments, factor)) = memory.split_at_mut_checked(Moments::floats(width)) else {
            return Err(Error::Length { expected, found });
        };
        Ok(Self { setting, moments: Moments::new(centre, width, moments)?, factor, fitted: false })
    }

    /// The setting.
    pub(crate) fn setting(&self) -> f64 {
        f64::from(self.setting)
    }

    /// The moments.
    pub(crate) const fn moments(&self) -> &Moments<'m> {
        &self.moments
    }

    /// Takes a sketch into the moments; the factor stays as it is.
    pub(crate) fn observe(&mut self, sketch: &Sketch<'_>) -> Result<(), Error> {
        self.moments.observe(sketch)
    }

    /// Takes in all that `other` has observed; the factor stays as it is.
    pub(crate) fn merge(&mut self, other: &Damped<'_>) -> Result<(), Error> {
        self.moments.merge(&other.moments)
    }

    /// Forgets everything.
    pub(crate) fn reset(&mut self) {
        self.moments.reset();
        self.fitted = false;
    }

    /// Factorises `scale`·(second moment) + `ridge`·I as it stands.
    pub(crate) fn fit(&mut self, scale: f64, ridge: f64) -> Result<(), Error> {
        self.fitted = false;
        self.moments.factor(scale, ridge, self.factor)?;
        self.fitted = true;
        Ok(())
    }

    /// The factor, for a sketch that can stand beside those observed.
    pub(crate) fn factor(&self, sketch: &Sketch<'_>) -> Result<Factor<'_>, Error> {
        if !self.fitted {
            return Err(Error::NotFitted);
        }
        self.moments.check(sketch)?;
        Factor::from_packed(self.moments.width(), self.factor)
    }

    /// Solves for a target into `memory`, K numbers.
    pub(crate) fn solve(&self, target: &Sketch<'_>, memory: &mut [f32]) -> Result<(), Error> {
        let factor = self.factor(target)?;
        check_length(target.values.len(), memory.len())?;
        memory.iter_mut().zip(target.values).for_each(|(to, &from)| *to = from);
        factor.solve(memory)
    }

    /// What the sketches were.
    pub(crate) fn sketch_id(&self) -> Option<SketchId> {
        self.moments.sketch_id()
    }

    /// Writes the body of a state.
    pub(crate) fn write(&self, to: &mut Writer<'_>) {
        write_body(self, self.sketch_id(), to);
    }

    /// Reads the body of a state.
    pub(crate) fn read(&mut self, id: Option<SketchId>, from: &mut Reader<'_>) -> Result<(), Error> {
        read_body(self, id, from, 0)
    }
}

impl Body for Damped<'_> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        walk.setting(walk.state().setting.to_bits())?;
        let fitted = walk.number(place!(fitted))?;
        walk.zeros(3)?;
        walk.nested(place!(moments))?;
        if fitted { walk.all(slice!(factor)) } else { Ok(()) }
    }
}
