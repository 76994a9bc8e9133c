//! A walk over a state's body, in the order of its bytes.
//!
//! A state declares its body once, in [`Body::body`]. The same walk writes the body,
//! checks bytes against it, and loads them: nothing can be written in one order and read
//! in another. Bytes are checked to the last before the first is loaded, so a state that
//! refuses some is as it was.

use super::numbers::{Number, Reader, Writer};
use crate::error::{Error, Field};
use crate::sketch::SketchId;
use core::ops::Range;

/// What is declared once of a state, or of a part that several states have.
pub trait Body: Sized {
    /// Walks over the body in the order of its bytes.
    ///
    /// # Errors
    /// What is wrong with bytes that are read.
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error>;
}

/// Where a part of a state lies: how it is seen, and how it is changed.
///
/// Made by `place!` and `slice!`.
#[derive(Debug)]
pub(crate) struct Place<S, T: ?Sized> {
    pub(crate) get: fn(&S) -> &T,
    pub(crate) get_mut: fn(&mut S) -> &mut T,
}

/// The [`Place`] of a field: `place!(log_norm.count)`.
macro_rules! place {
    ($($field:tt).+) => {
        $crate::state::Place { get: |state| &state.$($field).+, get_mut: |state| &mut state.$($field).+ }
    };
}

/// The [`Place`] of what a field holds as a slice: a borrowed one, an array, a
/// [`Buffer`](crate::Buffer).
macro_rules! slice {
    ($($field:tt).+) => {
        $crate::state::Place {
            get: |state| state.$($field).+.as_ref(),
            get_mut: |state| state.$($field).+.as_mut(),
        }
    };
}

pub(crate) use {place, slice};

/// Writes numbers, or reads them in the same order.
#[derive(Debug)]
pub(crate) enum Cursor<'w, 'b> {
    /// Writes.
    Write(&'w mut Writer<'b>),
    /// Reads.
    Read(&'w mut Reader<'b>),
}

impl<'b> Cursor<'_, 'b> {
    /// A number; reading replaces it.
    pub(crate) fn number<N: Number>(&mut self, number: &mut N) -> Result<(), Error> {
        match self {
            Self::Write(to) => number.put(to),
            Self::Read(from) => *number = N::take(from)?,
        }
        Ok(())
    }

    /// A number that must be the same in the bytes: a setting.
    pub(crate) fn same<N: Number + PartialEq>(&mut self, own: N, field: Field) -> Result<(), Error> {
        let mut found = own;
        self.number(&mut found)?;
        if found == own { Ok(()) } else { Err(Error::Mismatch(field)) }
    }

    /// Bytes that say nothing.
    pub(crate) fn zeros(&mut self, len: usize) -> Result<(), Error> {
        match self {
            Self::Write(to) => {
                to.zeros(len);
                Ok(())
            }
            Self::Read(from) => from.skip(len),
        }
    }

    /// Refuses bytes of which something does not hold. It holds of what is written.
    pub(crate) fn require(&self, holds: bool, error: Error) -> Result<(), Error> {
        match self {
            Self::Read(_) if !holds => Err(error),
            _ => Ok(()),
        }
    }

    fn reborrow(&mut self) -> Cursor<'_, 'b> {
        match self {
            Self::Write(to) => Cursor::Write(to),
            Self::Read(from) => Cursor::Read(from),
        }
    }
}

/// A walk over the body of a state. What it passes first, stands first in the bytes.
#[derive(Debug)]
pub struct Walk<'w, 'b, S> {
    id: Option<SketchId>,
    /// Whether settings that say how scores are made may differ from those in the bytes.
    carries: bool,
    state: Access<'w, S>,
    cursor: Cursor<'w, 'b>,
}

/// A state that bytes are written from or checked against, or one that they are loaded
/// into.
#[derive(Debug)]
enum Access<'w, S> {
    Shared(&'w S),
    Exclusive(&'w mut S),
}

impl<'w, 'b, S> Walk<'w, 'b, S> {
    /// Writes the body of a state.
    pub(super) const fn write(state: &'w S, id: Option<SketchId>, to: &'w mut Writer<'b>) -> Self {
        Self { id, carries: false, state: Access::Shared(state), cursor: Cursor::Write(to) }
    }

    /// Checks bytes, and leaves the state as it is.
    pub(super) const fn check(state: &'w S, id: Option<SketchId>, from: &'w mut Reader<'b>) -> Self {
        Self { id, carries: false, state: Access::Shared(state), cursor: Cursor::Read(from) }
    }

    /// Loads bytes that were checked.
    pub(super) const fn load(state: &'w mut S, id: Option<SketchId>, from: &'w mut Reader<'b>) -> Self {
        Self { id, carries: false, state: Access::Exclusive(state), cursor: Cursor::Read(from) }
    }

    /// The same walk, on which settings carry over.
    pub(super) const fn carrying(mut self, carries: bool) -> Self {
        self.carries = carries;
        self
    }
}

impl<S> Walk<'_, '_, S> {
    /// The state: where bytes are read, as it stands before the walk or is loaded by now.
    pub(crate) fn state(&self) -> &S {
        match &self.state {
            Access::Shared(state) => state,
            Access::Exclusive(state) => state,
        }
    }

    /// What the sketches were, as the header says.
    pub(crate) const fn id(&self) -> Option<SketchId> {
        self.id
    }

    /// A number that must be the same in the bytes: a setting.
    pub(crate) fn same<N: Number + PartialEq>(&mut self, own: N, field: Field) -> Result<(), Error> {
        self.cursor.same(own, field)
    }

    /// A setting of the state.
    pub(crate) fn setting<N: Number + PartialEq>(&mut self, own: N) -> Result<(), Error> {
        self.same(own, Field::StateSettings)
    }

    /// A setting that says how scores are made of what was observed, and not what that
    /// was: where settings carry over, the bytes may have another, and the state keeps
    /// its own. Returns whether it is the one in the bytes.
    pub(crate) fn own_setting<N: Number + PartialEq>(&mut self, own: N) -> Result<bool, Error> {
        let is_same = self.value(own)? == own;
        self.require(is_same || self.carries, Error::Mismatch(Field::StateSettings))?;
        Ok(is_same)
    }

    /// How many of something the state has room for: where settings carry over, the bytes
    /// may have fewer. Returns how many they have.
    pub(crate) fn room(&mut self, own: u32) -> Result<u32, Error> {
        let found = self.value(own)?;
        let fits = found == own || self.carries && found < own;
        self.require(fits, Error::Mismatch(Field::StateSettings))?;
        Ok(found)
    }

    /// Bytes of what the state does not take.
    pub(crate) fn skip(&mut self, len: usize) -> Result<(), Error> {
        self.cursor.zeros(len)
    }

    /// The width of the state.
    pub(crate) fn width(&mut self, own: usize) -> Result<(), Error> {
        self.same(own as u64, Field::Width)
    }

    /// Bytes that say nothing.
    pub(crate) fn zeros(&mut self, len: usize) -> Result<(), Error> {
        self.cursor.zeros(len)
    }

    /// Refuses bytes of which something does not hold. It holds of what is written.
    pub(crate) fn require(&self, holds: bool, error: Error) -> Result<(), Error> {
        self.cursor.require(holds, error)
    }

    /// Refuses sketches of another width, and observations without sketches.
    pub(crate) fn require_id(&self, width: usize, observed: bool) -> Result<(), Error> {
        let holds = self.id.map_or(!observed, |id| id.width == width);
        self.require(holds, Error::Corrupt)
    }

    /// A number of the state. Returns the one in the bytes.
    pub(crate) fn number<N: Number>(&mut self, place: Place<S, N>) -> Result<N, Error> {
        let mut number = *(place.get)(self.state());
        self.cursor.number(&mut number)?;
        self.load_with(|state| *(place.get_mut)(state) = number);
        Ok(number)
    }

    /// A number of the state that is finite, as it always is. Returns the one in the
    /// bytes.
    pub(crate) fn finite(&mut self, place: Place<S, f64>) -> Result<f64, Error> {
        let number = self.number(place)?;
        self.require(number.is_finite(), Error::Corrupt)?;
        Ok(number)
    }

    /// A number that is made from the state, and that the state is made from again by
    /// [`load_with`](Self::load_with). Returns the one in the bytes.
    pub(crate) fn value<N: Number>(&mut self, mut own: N) -> Result<N, Error> {
        self.cursor.number(&mut own)?;
        Ok(own)
    }

    /// Changes the state, where bytes are loaded.
    pub(crate) fn load_with(&mut self, change: impl FnOnce(&mut S)) {
        if let Access::Exclusive(state) = &mut self.state {
            change(state);
        }
    }

    /// Some of a slice of numbers. Bytes with more than the slice has room for are
    /// corrupt.
    pub(crate) fn numbers<N: Number>(
        &mut self,
        place: Place<S, [N]>,
        range: Range<usize>,
    ) -> Result<(), Error> {
        match (&mut self.state, &mut self.cursor) {
            (Access::Shared(state), cursor) => {
                let part = (place.get)(state).get(range).ok_or(Error::Corrupt)?;
                match cursor {
                    Cursor::Write(to) => N::put_all(part, to),
                    Cursor::Read(from) => {
                        from.skip(part.len().checked_mul(N::BYTES).ok_or(Error::Corrupt)?)?
                    }
                }
                Ok(())
            }
            (Access::Exclusive(state), Cursor::Read(from)) => {
                N::take_all((place.get_mut)(state).get_mut(range).ok_or(Error::Corrupt)?, from)
            }
            (Access::Exclusive(_), Cursor::Write(_)) => Ok(()),
        }
    }

    /// All numbers of a slice whose length the settings decide.
    pub(crate) fn all<N: Number>(&mut self, place: Place<S, [N]>) -> Result<(), Error> {
        let len = (place.get)(self.state()).len();
        self.numbers(place, 0..len)
    }

    /// Some of a slice of numbers that are finite, as they always are.
    pub(crate) fn finite_numbers<N: Number + Into<f64>>(
        &mut self,
        place: Place<S, [N]>,
        range: Range<usize>,
    ) -> Result<(), Error> {
        self.records(place, range, |cursor, number| {
            cursor.number(number)?;
            cursor.require((*number).into().is_finite(), Error::Corrupt)
        })
    }

    /// Some of a slice of records, each declared by `fields`.
    pub(crate) fn records<R: Copy>(
        &mut self,
        place: Place<S, [R]>,
        range: Range<usize>,
        mut fields: impl FnMut(&mut Cursor<'_, '_>, &mut R) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let cursor = &mut self.cursor;
        match &mut self.state {
            Access::Shared(state) => {
                let part = (place.get)(state).get(range).ok_or(Error::Corrupt)?;
                part.iter().try_for_each(|record| fields(cursor, &mut { *record }))
            }
            Access::Exclusive(state) => {
                let part = (place.get_mut)(state).get_mut(range).ok_or(Error::Corrupt)?;
                part.iter_mut().try_for_each(|record| fields(cursor, record))
            }
        }
    }

    /// The body of a state within this one.
    pub(crate) fn nested<T: Body>(&mut self, place: Place<S, T>) -> Result<(), Error> {
        self.nested_with(place, T::body)
    }

    /// What `body` declares of a state within this one. Returns what it does.
    pub(crate) fn nested_with<T, R>(
        &mut self,
        place: Place<S, T>,
        body: impl FnOnce(&mut Walk<'_, '_, T>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let state = match &mut self.state {
            Access::Shared(state) => Access::Shared((place.get)(state)),
            Access::Exclusive(state) => Access::Exclusive((place.get_mut)(state)),
        };
        body(&mut Walk { id: self.id, carries: self.carries, state, cursor: self.cursor.reborrow() })
    }
}
