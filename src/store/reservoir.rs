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
use super::columns::StoreSettings;
use super::rows::Store;
use crate::error::{Error, Field};
use crate::memory::{Buffer, Memory};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, FRAME, State, StateKind, Walk, place};
use gradsieve_kernels::{Certain, hash};

/// What the sample is, and how its rows are stored.
///
/// ```
/// use gradsieve::store::{Codec, ReservoirSettings, StoreSettings};
///
/// const SETTINGS: ReservoirSettings =
///     ReservoirSettings { seed: 7, codec: Codec::Int8, width: 64, rows: 100 };
/// const STORE: StoreSettings = StoreSettings { codec: Codec::Int8, width: 64, rows: 100 };
/// assert_eq!(SETTINGS.memory().others, STORE.memory().others);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct ReservoirSettings {
    /// Decides which samples are kept.
    pub seed: u64,
    /// How the numbers of a row are stored.
    pub codec: Codec,
    /// K.
    pub width: usize,
    /// n, the rows that are kept.
    pub rows: usize,
}

impl ReservoirSettings {
    /// What the state needs: `u64` as `others`, those of its store.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        let bytes_at_rest = self.store().body().saturating_add(FRAME + 16);
        Memory { bytes_at_rest, ..self.store().memory() }
    }

    const fn store(&self) -> StoreSettings {
        let &Self { codec, width, rows, .. } = self;
        StoreSettings { codec, width, rows }
    }
}

/// Keeps a uniform sample of what it is offered.
///
/// An id is kept once, with the sketch that was offered last.
///
/// ```
/// use gradsieve::store::{Codec, Reservoir, ReservoirSettings};
/// # use gradsieve::{Exact, Layout, Projector, Sketch};
/// # fn sketch_of(values: &[f32; 2]) -> Result<Sketch<'_>, gradsieve::Error> {
/// #     let id = Exact::new(2).id(Layout::flat(2)?.id());
/// #     Sketch::from_parts(id, values, gradsieve_kernels::summarize(values))
/// # }
///
/// const SETTINGS: ReservoirSettings =
///     ReservoirSettings { seed: 7, codec: Codec::F16, width: 2, rows: 10 };
/// let mut reservoir = Reservoir::new(SETTINGS, [0; SETTINGS.memory().others])?;
/// for sample in 0..1000_u16 {
///     let gradient = [f32::from(sample), 1.0];
///     reservoir.offer(sample.into(), &sketch_of(&gradient)?)?;
/// }
/// assert_eq!((reservoir.offered(), reservoir.store().len()), (1000, 10));
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct Reservoir<B> {
    seed: u64,
    offered: u64,
    store: Store<B>,
    /// The row that goes next, if that is known.
    last: Option<usize>,
}

/// Separates the reservoir's hash from every other use of the hash.
const STREAM: u64 = 0x5245_5345_5256_4F49;

impl<const N: usize> Reservoir<[u64; N]> {
    /// Nothing offered yet, in an array of its own: for `static` cells, too.
    ///
    /// # Errors
    /// As [`new`](Reservoir::new).
    pub const fn owned(settings: ReservoirSettings) -> Result<Self, Error> {
        match Store::owned(settings.store()) {
            Ok(store) => Ok(Self { seed: settings.seed, offered: 0, store, last: None }),
            Err(error) => Err(error),
        }
    }
}

impl<B> Reservoir<B> {
    /// Forgets everything.
    pub const fn reset(&mut self) {
        self.offered = 0;
        self.store.reset();
        self.last = None;
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> ReservoirSettings {
        let StoreSettings { codec, width, rows } = self.store.settings();
        ReservoirSettings { seed: self.seed, codec, width, rows }
    }

    /// Samples offered so far, repeated ones as often as they were.
    #[must_use]
    pub const fn offered(&self) -> u64 {
        self.offered
    }

    /// The rows kept, in no particular order.
    #[must_use]
    pub const fn store(&self) -> &Store<B> {
        &self.store
    }

    /// The rows kept, as a store of their own.
    #[must_use]
    pub fn into_store(self) -> Store<B> {
        self.store
    }
}

impl<B: Buffer<u64>> Reservoir<B> {
    /// Nothing offered yet.
    ///
    /// # Errors
    /// As [`Store::new`].
    pub fn new(settings: ReservoirSettings, memory: B) -> Result<Self, Error> {
        let store = Store::new(settings.store(), memory)?;
        Ok(Self { seed: settings.seed, offered: 0, store, last: None })
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
    pub fn merge(&mut self, other: &Reservoir<impl Buffer<u64>>) -> Result<(), Error> {
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

impl<B: Buffer<u64>> State for Reservoir<B> {
    const KIND: StateKind = StateKind::Reservoir;

    fn sketch_id(&self) -> Option<SketchId> {
        self.store.id()
    }
}

impl<B: Buffer<u64>> Body for Reservoir<B> {
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
    store: &Store<impl Buffer<u64>>,
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
