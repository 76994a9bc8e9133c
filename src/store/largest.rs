//! The rows with the largest scores of a stream that is longer than the memory: the most
//! anomalous samples with their gradients, say.
//!
//! The total order is that of [`TopK`](super::TopK): larger score first, lower id first
//! among equals. What is kept is a function of what was offered alone, not of the order
//! or of how a stream was cut into parts that were merged. An id is kept once, with its
//! largest score.
//!
//! *Memory*: the store's, and 8 bytes a row. *Cost*: a comparison for a sample that is
//! not kept. One that is costs a pass over the ids, and one over the scores when another
//! goes for it.

use super::codec::Codec;
use super::reservoir::{Place, place};
use super::rows::Store;
use crate::error::{Error, check_length};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, FRAME, State, StateKind, Walk, place, slice};
use gradsieve_kernels::{Certain, cannot_happen};

/// Keeps the rows with the largest scores of what it is offered, as many as its store has
/// room for.
#[derive(Debug)]
pub struct Largest<'m> {
    store: Store<'m>,
    scores: &'m mut [f64],
    /// The row that goes next, if that is known.
    last: Option<usize>,
}

impl<'m> Largest<'m> {
    /// Bytes of `rows` rows and their scores at rest.
    #[must_use]
    pub const fn bytes_at_rest(rows: usize, width: usize, codec: Codec) -> usize {
        Store::body(rows, width, codec).saturating_add(rows.saturating_mul(8)).saturating_add(FRAME)
    }

    /// Nothing offered yet. Rows that the store has are forgotten.
    ///
    /// # Errors
    /// [`Error::Length`] if there is not a score for each row that the store has room
    /// for.
    pub fn new(mut store: Store<'m>, scores: &'m mut [f64]) -> Result<Self, Error> {
        check_length(store.capacity(), scores.len())?;
        store.reset();
        Ok(Self { store, scores, last: None })
    }

    /// Forgets everything.
    pub const fn reset(&mut self) {
        self.store.reset();
        self.last = None;
    }

    /// The rows kept, in no particular order.
    #[must_use]
    pub const fn store(&self) -> &Store<'m> {
        &self.store
    }

    /// The scores of the rows kept, row by row.
    #[must_use]
    pub fn scores(&self) -> &[f64] {
        self.scores.get(..self.store.len()).certain()
    }

    /// Offers a sample. Returns whether it is kept for now.
    ///
    /// # Errors
    /// [`Error::NonFinite`] if the score is NaN (infinite ones have their place);
    /// [`Error::NonFinite`], [`Error::Length`] or [`Error::Mismatch`] for the sketch,
    /// kept or not. Nothing has changed.
    pub fn offer(&mut self, id: u64, sketch: &Sketch<'_>, score: f64) -> Result<bool, Error> {
        self.store.check(sketch)?;
        if score.is_nan() {
            return Err(Error::NonFinite);
        }
        let row = match self.place(id, score) {
            Place::None => return Ok(false),
            Place::New => {
                self.store.append(id, sketch)?;
                self.store.len() - 1
            }
            Place::Row(row) => {
                self.store.replace(row, id, sketch)?;
                row
            }
        };
        self.keep(row, score);
        Ok(true)
    }

    /// Offers all rows that `other` keeps: what is kept then are the largest of both
    /// streams, if `other` has room for as many itself.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the codecs, widths or kinds of sketch differ; nothing has
    /// changed.
    pub fn merge(&mut self, other: &Largest<'_>) -> Result<(), Error> {
        self.store.check_merge(&other.store)?;
        for (from, (&id, &score)) in other.store.ids().iter().zip(other.scores()).enumerate() {
            let row = match self.place(id, score) {
                Place::None => continue,
                Place::New => {
                    self.store.append_row(&other.store, from)?;
                    self.store.len() - 1
                }
                Place::Row(row) => {
                    self.store.copy_row(row, &other.store, from)?;
                    row
                }
            };
            self.keep(row, score);
        }
        Ok(())
    }

    fn keep(&mut self, row: usize, score: f64) {
        let Some(place) = self.scores.get_mut(row) else {
            cannot_happen!("there is a score for each row that the store has room for");
            return;
        };
        *place = score;
        self.last = None;
    }

    fn place(&mut self, id: u64, score: f64) -> Place {
        let scores = &*self.scores;
        let rank_of = |row: usize| rank(scores.get(row).copied().certain());
        place(&self.store, rank_of, &mut self.last, id, rank(score))
    }
}

impl State for Largest<'_> {
    const KIND: StateKind = StateKind::Largest;

    fn sketch_id(&self) -> Option<SketchId> {
        self.store.id()
    }
}

impl Body for Largest<'_> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        let len = walk.nested_with(place!(store), Store::walk_rows)?;
        walk.records(slice!(scores), 0..len, |cursor, score: &mut f64| {
            cursor.number(score)?;
            cursor.require(!score.is_nan(), Error::Corrupt)
        })?;
        walk.load_with(|largest| largest.last = None);
        Ok(())
    }
}

/// The bits of a number, arranged so that they rise with it; −0 is 0.
const fn rank(score: f64) -> u64 {
    let bits = (score + 0.0).to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}
