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
use super::columns::StoreSettings;
use super::reservoir::{Place, place};
use super::rows::Store;
use crate::error::{Error, check_length};
use crate::memory::{Buffer, Memory};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, FRAME, State, StateKind, Walk, place, slice};
use gradsieve_kernels::{Certain, cannot_happen};

/// How many rows are kept, and how they are stored.
///
/// ```
/// use gradsieve::store::{Codec, LargestSettings};
///
/// const SETTINGS: LargestSettings = LargestSettings { codec: Codec::Int8, width: 64, rows: 100 };
/// assert_eq!(SETTINGS.memory().f64s, 100);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct LargestSettings {
    /// How the numbers of a row are stored.
    pub codec: Codec,
    /// K.
    pub width: usize,
    /// Rows that are kept.
    pub rows: usize,
}

impl LargestSettings {
    /// What the state needs: `u64` as `others`, those of its store, and an `f64` a row.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        let (store, f64s) = (self.store(), self.rows);
        let bytes_at_rest = store.body().saturating_add(f64s.saturating_mul(8)).saturating_add(FRAME);
        Memory { f64s, bytes_at_rest, ..store.memory() }
    }

    const fn store(&self) -> StoreSettings {
        let &Self { codec, width, rows } = self;
        StoreSettings { codec, width, rows }
    }
}

/// Keeps the rows with the largest scores of what it is offered.
///
/// ```
/// use gradsieve::store::{Codec, Largest, LargestSettings};
/// # use gradsieve::{Exact, Layout, Projector, Sketch};
/// # fn sketch_of(values: &[f32; 2]) -> Result<Sketch<'_>, gradsieve::Error> {
/// #     let id = Exact::new(2).id(Layout::flat(2)?.id());
/// #     Sketch::from_parts(id, values, gradsieve_kernels::summarize(values))
/// # }
///
/// const SETTINGS: LargestSettings = LargestSettings { codec: Codec::F16, width: 2, rows: 1 };
/// let memory = [0; SETTINGS.memory().others];
/// let mut largest = Largest::new(SETTINGS, memory, [0.0; SETTINGS.memory().f64s])?;
/// for (sample, score) in [(0, 0.5), (1, 3.0), (2, -1.0)] {
///     let gradient = [score as f32, 1.0];
///     largest.offer(sample, &sketch_of(&gradient)?, score)?;
/// }
/// assert_eq!((largest.store().ids(), largest.scores()), (&[1][..], &[3.0][..]));
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct Largest<B, S> {
    store: Store<B>,
    scores: S,
    /// The row that goes next, if that is known.
    last: Option<usize>,
}

impl<const W: usize, const N: usize> Largest<[u64; W], [f64; N]> {
    /// Nothing offered yet, in arrays of its own: for `static` cells, too.
    ///
    /// # Errors
    /// As [`new`](Largest::new).
    pub const fn owned(settings: LargestSettings) -> Result<Self, Error> {
        match (Store::owned(settings.store()), check_length(settings.rows, N)) {
            (Ok(store), Ok(())) => Ok(Self { store, scores: [0.0; N], last: None }),
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }
}

impl<B, S> Largest<B, S> {
    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> LargestSettings {
        let StoreSettings { codec, width, rows } = self.store.settings();
        LargestSettings { codec, width, rows }
    }

    /// Forgets everything.
    pub const fn reset(&mut self) {
        self.store.reset();
        self.last = None;
    }

    /// The rows kept, in no particular order.
    #[must_use]
    pub const fn store(&self) -> &Store<B> {
        &self.store
    }
}

impl<B: Buffer<u64>, S: Buffer<f64>> Largest<B, S> {
    /// Nothing offered yet: `memory` is for the rows, `scores` has one for each.
    ///
    /// # Errors
    /// As [`Store::new`], with [`LargestSettings::memory`].
    pub fn new(settings: LargestSettings, memory: B, scores: S) -> Result<Self, Error> {
        let store = Store::new(settings.store(), memory)?;
        check_length(settings.rows, scores.as_ref().len())?;
        Ok(Self { store, scores, last: None })
    }

    /// The scores of the rows kept, row by row.
    #[must_use]
    pub fn scores(&self) -> &[f64] {
        self.scores.as_ref().get(..self.store.len()).certain()
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
    pub fn merge(&mut self, other: &Largest<impl Buffer<u64>, impl Buffer<f64>>) -> Result<(), Error> {
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
        let Some(place) = self.scores.as_mut().get_mut(row) else {
            cannot_happen!("there is a score for each row that the store has room for");
            return;
        };
        *place = score;
        self.last = None;
    }

    fn place(&mut self, id: u64, score: f64) -> Place {
        let scores = self.scores.as_ref();
        let rank_of = |row: usize| rank(scores.get(row).copied().certain());
        place(&self.store, rank_of, &mut self.last, id, rank(score))
    }
}

impl<B: Buffer<u64>, S: Buffer<f64>> State for Largest<B, S> {
    const KIND: StateKind = StateKind::Largest;

    fn sketch_id(&self) -> Option<SketchId> {
        self.store.id()
    }
}

impl<B: Buffer<u64>, S: Buffer<f64>> Body for Largest<B, S> {
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
