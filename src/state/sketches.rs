//! Sketches, and what they belong to, at rest.

use super::numbers::Number;
use super::{Cursor, FRAME, StateKind, open, to_bytes};
use crate::error::{Error, check_length};
use crate::memory::Memory;
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
    /// What a sketch of `width` numbers needs: as many `f32`.
    #[must_use]
    pub const fn memory(width: usize) -> Memory {
        let bytes_at_rest = width.saturating_mul(4).saturating_add(FRAME + 48);
        Memory { f32s: width, bytes_at_rest, ..Memory::NONE }
    }

    /// Writes the sketch to the front of `to`, and returns how many bytes it took.
    ///
    /// # Errors
    /// [`Error::Length`] if `to` is shorter than [`Sketch::memory`] says; nothing was
    /// written.
    pub fn to_bytes(&self, to: &mut [u8]) -> Result<usize, Error> {
        to_bytes(StateKind::Sketch, Some(self.id), to, |to| {
            // Writing refuses nothing.
            let _ = front(&mut Cursor::Write(to), &mut { self.group }, &mut { self.loss }, &mut {
                self.measures
            });
            f32::put_all(self.values, to);
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
        let (mut group, mut loss, mut measures) = (0, None, gradsieve_kernels::Summary::default());
        front(&mut Cursor::Read(&mut body), &mut group, &mut loss, &mut measures)?;
        check_length(id.width, memory.len())?;
        body.exactly(memory.len().saturating_mul(4))?;
        f32::take_all(memory, &mut body)?;
        Ok(Self { id, values: memory, measures, group, loss })
    }
}

/// What stands before the numbers.
fn front(
    cursor: &mut Cursor<'_, '_>,
    group: &mut u32,
    loss: &mut Option<f32>,
    measures: &mut gradsieve_kernels::Summary,
) -> Result<(), Error> {
    let (mut has_loss, mut lent) = (loss.is_some(), loss.unwrap_or(0.0));
    cursor.number(group)?;
    cursor.number(&mut lent)?;
    cursor.number(&mut measures.l1)?;
    cursor.number(&mut measures.l2_squared)?;
    cursor.number(&mut measures.max)?;
    cursor.number(&mut has_loss)?;
    cursor.zeros(3)?;
    *loss = has_loss.then_some(lent);
    cursor.number(&mut measures.non_finite)?;
    cursor.number(&mut measures.count)
}
