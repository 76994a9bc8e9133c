//! A uniform sample of a stream that is longer than the memory: of the samples offered,
//! those n whose hashes of (seed, id) are largest.
//!
//! Every subset of n samples is as likely as any other, over seeds. What is kept is a
//! function of the samples offered alone: not of their order, not of how a stream was cut
//! into parts that were merged, and offering samples anew changes nothing but their
//! gradients. (Known as bottom-k or consistent sampling; with a fresh random number a
//! sample it would be Vitter's reservoir, 1985.)
//!
//! *Memory*: the store's. *Cost*: a hash for a sample that is not kept. One that is costs
//! a pass over the ids, and two when another goes for it; of N samples about n·(1 +
//! ln(N/n)) are.

use super::codec::Codec;
use super::rows::Store;
use crate::error::{Error, Field};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, FRAME, State, StateKind, Walk, place};
use gradsieve_kernels::{Certain, hash};

/// Keeps a uniform sample of what it is offered, as many rows as its store has room for.
///
/// An id is kept once, with the sketch that was offered last.
#[derive(Debug)]
pub struct Reservoir<'m> {
    seed: u64,
    offered: u64,
    store: Store<'m>,
    /// The row that goes next, if that is known.
    last: Option<usize>,
}

/// Separates the reservoir's hash from every other use of the hash.
const STREAM: u64 = 0x5245_5345_5256_4F49;

impl<'m> Reservoir<'m> {
    /// Bytes of a reservoir of `rows` rows at rest.
    #[must_use]
    pub const fn bytes_at_rest(rows: usize, width: usize, codec: Codec) -> usize {
        Store::body(rows, width, codec).saturating_add(FRAME + 16)
    }

    /// Nothing offered yet. Rows that the store has are forgotten.
    #[must_use]
    pub const fn new(seed: u64, mut store: Store<'m>) -> Self {
        store.reset();
        Self { seed, offered: 0, store, last: None }
    }

    /// Forgets everything.
    pub const fn reset(&mut self) {
        self.offered = 0;
        self.store.reset();
        self.last = None;
    }

    /// The seed.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// Samples offered so far, repeated ones as often as they were.
    #[must_use]
    pub const fn offered(&self) -> u64 {
        self.offered
    }

    /// The rows kept, in no particular order.
    #[must_use]
    pub const fn store(&self) -> &Store<'m> {
        &self.store
    }

    /// The rows kept, as a store of their own.
    #[must_use]
    pub fn into_store(self) -> Store<'m> {
        self.store
    }

    /// Offers a sample. Returns whether it is kept for now.
    ///
    /// # Errors
    /// [`Error::NonFinite`], [`Error::Length`] or [`Error::Mismatch`] for the sketch,
    /// kept or not. Nothing has changed.
    pub fn offer(&mut self, id: u64, sketch: &Sketch<'_>) -> Result<bool, Error> {
        self.store.check(sketch)?;
        let place = self.place(id);
        match place {
            Place::None => {}
            Place::New => self.store.append(id, sketch)?,
            Place::Row(row) => {
                self.store.replace(row, id, sketch)?;
                self.last = None;
            }
        }
        self.offered = self.offered.saturating_add(1);
        Ok(place != Place::None)
    }

    /// Offers all rows that `other` keeps: what is kept then are those that one reservoir
    /// would keep of both streams, if `other` has room for as many itself.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the seeds, codecs, widths or kinds of sketch differ;
    /// nothing has changed.
    pub fn merge(&mut self, other: &Reservoir<'_>) -> Result<(), Error> {
        if self.seed != other.seed {
            return Err(Error::Mismatch(Field::StateSettings));
        }
        self.store.check_merge(&other.store)?;
        for (row, &id) in other.store.ids().iter().enumerate() {
            match self.place(id) {
                Place::None => {}
                Place::New => self.store.append_row(&other.store, row)?,
                Place::Row(to) => {
                    self.store.copy_row(to, &other.store, row)?;
                    self.last = None;
                }
            }
        }
        self.offered = self.offered.saturating_add(other.offered);
        Ok(())
    }

    fn place(&mut self, id: u64) -> Place {
        let key = hash::key(self.seed, STREAM);
        let ids = self.store.ids();
        let rank = |row: usize| hash::word(key, ids.get(row).copied().certain());
        place(&self.store, rank, &mut self.last, id, hash::word(key, id))
    }
}

impl State for Reservoir<'_> {
    const KIND: StateKind = StateKind::Reservoir;

    fn sketch_id(&self) -> Option<SketchId> {
        self.store.id()
    }
}

impl Body for Reservoir<'_> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        walk.setting(walk.state().seed)?;
        walk.number(place!(offered))?;
        walk.nested(place!(store))?;
        walk.load_with(|reservoir| reservoir.last = None);
        Ok(())
    }
}

/// Where a sample goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    None,
    /// Behind the rows.
    New,
    Row(usize),
}

/// Where a sample of that rank goes, in a store that keeps the largest ranks, the lower
/// id first among equals, and each id once. `last` remembers the row that comes last.
pub(super) fn place(
    store: &Store<'_>,
    rank: impl Fn(usize) -> u64,
    last: &mut Option<usize>,
    id: u64,
    own: u64,
) -> Place {
    let ids = store.ids();
    let goes_before = |row: usize| {
        let theirs = rank(row);
        own > theirs || (own == theirs && ids.get(row).is_some_and(|&other| id <= other))
    };
    if store.is_full() {
        let order = |row: usize| (rank(row), core::cmp::Reverse(ids.get(row)));
        let row = last.or_else(|| (0..ids.len()).min_by_key(|&row| order(row)));
        *last = row;
        if !row.is_some_and(goes_before) {
            return Place::None;
        }
    }
    match ids.iter().position(|&other| other == id) {
        Some(row) if goes_before(row) => Place::Row(row),
        Some(_) => Place::None,
        None if store.is_full() => last.map_or(Place::None, Place::Row),
        None => Place::New,
    }
}
