//! Sketches, and what they belong to, at rest.

use super::{FRAME, StateKind, open, to_bytes};
use crate::error::{Error, check_length};
use crate::sketch::{Sketch, SketchId};

impl SketchId {
    /// Bytes of it at rest.
    pub const BYTES_AT_REST: usize = FRAME;

    /// What a projector's sketches are labelled with, as bytes: enough to make the
    /// projector again.
    ///
    /// # Errors
    /// [`Error::Length`] if `to` is shorter than [`SketchId::BYTES_AT_REST`].
    pub fn to_bytes(&self, to: &mut [u8]) -> Result<usize, Error> {
        to_bytes(StateKind::SketchId, Some(*self), to, |_| {})
    }

    /// What was written.
    ///
    /// # Errors
    /// As [`State::restore`](crate::State::restore).
    pub fn from_bytes(from: &[u8]) -> Result<Self, Error> {
        let (id, body) = open(StateKind::SketchId, from)?;
        body.exactly(0)?;
        id.ok_or(Error::Corrupt)
    }
}

impl<'m> Sketch<'m> {
    /// Bytes of a sketch of `width` numbers at rest.
    #[must_use]
    pub const fn bytes_at_rest(width: usize) -> usize {
        width.saturating_mul(4).saturating_add(FRAME + 48)
    }

    /// Writes the sketch to the front of `to`, and returns how many bytes it took.
    ///
    /// # Errors
    /// [`Error::Length`] if `to` is shorter than
    /// [`Sketch::bytes_at_rest`](crate::Sketch::bytes_at_rest); nothing was written.
    pub fn to_bytes(&self, to: &mut [u8]) -> Result<usize, Error> {
        to_bytes(StateKind::Sketch, Some(self.id), to, |to| {
            to.u32(self.group);
            to.zeros(4);
            to.f64(self.measures.l1);
            to.f64(self.measures.l2_squared);
            to.f32(self.measures.max);
            to.zeros(4);
            to.u64(self.measures.non_finite);
            to.u64(self.measures.count);
            to.f32s(self.values);
        })
    }

    /// The sketch that was written, its numbers in `memory`.
    ///
    /// # Errors
    /// As [`State::restore`](crate::State::restore); [`Error::Length`] if `memory` is not
    /// K long. Nothing was written.
    pub fn from_bytes(from: &[u8], memory: &'m mut [f32]) -> Result<Self, Error> {
        let (id, mut body) = open(StateKind::Sketch, from)?;
        let id = id.ok_or(Error::Corrupt)?;
        let group = body.u32()?;
        body.skip(4)?;
        let (l1, l2_squared, max) = (body.f64()?, body.f64()?, body.f32()?);
        body.skip(4)?;
        let (non_finite, count) = (body.u64()?, body.u64()?);
        check_length(id.width, memory.len())?;
        body.exactly(memory.len().saturating_mul(4))?;
        body.f32s(memory)?;
        let measures = gradsieve_kernels::Summary { l1, l2_squared, max, non_finite, count };
        Ok(Self { id, values: memory, measures, group })
    }
}
