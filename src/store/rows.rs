//! The store: rows of K numbers in a codec, each with its sample's id, its group and the
//! exact measures of its gradient.
//!
//! A score is ⟨row, query⟩ in the order of [`gradsieve_kernels::score`], times the row's
//! scale; its error, beside the codec's, stands there. The layout of the groups does,
//! too.

use super::codec::{Codec, Scale, Stored, groups_of, power};
use super::queries::{Packed, Queries};
use super::top_k::{Entry, TopK};
use crate::error::{Error, Field, check_length};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, FRAME, Place, State, StateKind, Walk, place, slice};
use core::ops::Range;
use gradsieve_kernels::score::float::score_sealed;
use gradsieve_kernels::score::int8::{self, score_int8_sealed};
use gradsieve_kernels::score::sign::{self, score_sign_sealed};
use gradsieve_kernels::score::{GROUP, float};
use gradsieve_kernels::{Certain, Summary, cannot_happen};
use half::slice::HalfBitsSliceExt;
use half::{bf16, f16};

/// Rows of sketches of one kind in the caller's buffer of [`Store::words`] `u64`s.
///
/// Beside its numbers a row takes 32 bytes (id, group, L1, squared L2, maximum) and its
/// codec's scale: [`Store::bytes`]. Rows are taken in groups of sixteen, so the capacity
/// is a multiple of that. Memory that begins on a cache line is scored fastest.
///
/// ```
/// use gradsieve::store::{Codec, Entry, Queries, Store, TopK};
/// # use gradsieve::{Layout, Repeat, Sjlt, Sketch, Sketcher};
///
/// const K: usize = 64;
/// let mut memory = [0; Store::words(100, K, Codec::Int8)]; // 11 KiB
/// let mut store = Store::new(Codec::Int8, K, &mut memory)?;
/// # type Sketching = Sketcher<Sjlt, [f32; K]>;
/// # fn sketch_of(sample: u64, sketcher: &mut Sketching) -> Result<Sketch<'_>, gradsieve::Error> {
/// #     sketcher.segment(0, &core::array::from_fn::<f32, 1000, _>(|i| (i as f32 * sample as f32).sin()))?;
/// #     sketcher.finish()
/// # }
/// let mut sketcher = Sketcher::new(Sjlt::new(K, 7, Repeat::One)?, Layout::flat(1000)?, [0.0; K])?;
/// for sample in 1..=100 {
///     store.append(sample, &sketch_of(sample, &mut sketcher)?)?;
/// }
///
/// let target = sketch_of(42, &mut sketcher)?;
/// let mut scratch = [0.0; Queries::floats(Codec::Int8, 1, K)];
/// let queries = Queries::new(Codec::Int8, target.id, target.values, &mut scratch)?;
/// let mut memory = [Entry::default(); 3];
/// let mut top = [TopK::new(&mut memory)];
/// store.top(&queries, &mut [0.0; 64], &mut top)?;
/// let [top] = top;
/// assert_eq!(top.into_sorted()[0].id, 42);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct Store<'m> {
    codec: Codec,
    width: usize,
    len: usize,
    id: Option<SketchId>,
    /// Coordinates of each gradient.
    coordinates: u64,
    pub(super) parts: Parts<'m>,
}

/// The memory of a store, by what it holds. All but the first are as long as there is
/// room for rows, or empty where the codec has no such.
#[derive(Debug)]
pub(super) struct Parts<'m> {
    /// The numbers, in groups of sixteen rows.
    pub(super) groups: &'m mut [u64],
    pub(super) ids: &'m mut [u64],
    pub(super) l1: &'m mut [f64],
    pub(super) l2_squared: &'m mut [f64],
    pub(super) max: &'m mut [f32],
    /// The samples' groups, which are classes, sensors or clients.
    pub(super) labels: &'m mut [u32],
    /// Int8's scales.
    pub(super) factors: &'m mut [f32],
    /// The scales of signs.
    pub(super) halves: &'m mut [f16],
    pub(super) exponents: &'m mut [i8],
}

/// A row that was read back.
#[derive(Clone, Copy, Debug)]
pub struct Row<'v> {
    /// The sample.
    pub id: u64,
    /// Its sketch: the numbers as the codec kept them, the measures exact.
    pub sketch: Sketch<'v>,
}

impl<'m> Store<'m> {
    /// `u64`s that `rows` rows need, rounded up to whole groups of sixteen.
    #[must_use]
    pub const fn words(rows: usize, width: usize, codec: Codec) -> usize {
        rows.div_ceil(GROUP).saturating_mul(Self::group_words(width, codec))
    }

    /// Bytes of the memory that `rows` rows need.
    #[must_use]
    pub const fn bytes(rows: usize, width: usize, codec: Codec) -> usize {
        Self::words(rows, width, codec).saturating_mul(8)
    }

    /// `u64`s of a group of sixteen rows and all that belongs to them.
    const fn group_words(width: usize, codec: Codec) -> usize {
        // Id, L1 and squared L2 are one each, maximum and label half of one; sixteen
        // scales are whole ones whatever the codec.
        const BESIDE: usize = 4 * GROUP;
        (codec.group_bytes(width) / 8).saturating_add(BESIDE + codec.scale_bytes() * GROUP / 8)
    }

    /// An empty store with room for as many rows as `memory` holds:
    /// 16·⌊`memory.len()`/[`Store::words`]`(16, …)`⌋.
    ///
    /// # Errors
    /// [`Error::Width`] without a width; [`Error::Setting`] if the codec cannot have rows
    /// so wide; [`Error::Length`] if there is no room for sixteen.
    pub fn new(codec: Codec, width: usize, memory: &'m mut [u64]) -> Result<Self, Error> {
        if width == 0 {
            return Err(Error::Width { multiple: 1, found: 0 });
        }
        if width > codec.widest() {
            return Err(Error::Setting { name: "width", expected: "at most the codec's widest row" });
        }
        let (expected, found) = (Self::group_words(width, codec), memory.len());
        let count = found / expected.max(1);
        if count == 0 {
            return Err(Error::Length { expected, found });
        }
        let parts = Parts::of(codec, width, count, memory).ok_or(Error::Length { expected, found })?;
        Ok(Self { codec, width, len: 0, id: None, coordinates: 0, parts })
    }

    /// Forgets all rows.
    pub const fn reset(&mut self) {
        self.len = 0;
        self.id = None;
        self.coordinates = 0;
    }

    /// The codec.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// K.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Rows that there is room for.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.parts.ids.len()
    }

    /// Rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no rows.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether there is no room for another row.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.len >= self.capacity()
    }

    /// What all rows are sketches of; `None` without rows.
    #[must_use]
    pub const fn id(&self) -> Option<SketchId> {
        self.id
    }

    /// The samples, row by row.
    #[must_use]
    pub fn ids(&self) -> &[u64] {
        self.parts.ids.get(..self.len).certain()
    }

    /// The samples' groups, row by row.
    #[must_use]
    pub fn groups(&self) -> &[u32] {
        self.parts.labels.get(..self.len).certain()
    }

    /// The exact squared norms of the gradients, row by row.
    #[must_use]
    pub fn squared_norms(&self) -> &[f64] {
        self.parts.l2_squared.get(..self.len).certain()
    }

    /// Adds a row: sample `id` and its sketch. Costs about 2K steps.
    ///
    /// # Errors
    /// [`Error::Full`]; [`Error::NonFinite`], [`Error::Length`] or [`Error::Mismatch`]
    /// for the sketch. The store is as it was.
    pub fn append(&mut self, id: u64, sketch: &Sketch<'_>) -> Result<(), Error> {
        self.check(sketch)?;
        if self.is_full() {
            return Err(Error::Full { capacity: self.capacity() });
        }
        if self.len.is_multiple_of(GROUP) {
            // What fills up a group is zero, whatever the memory held.
            let group = groups_of(&(self.len..self.len + 1), self.codec, self.width);
            self.parts.groups.get_mut(group).certain().fill(0);
        }
        self.write(self.len, id, sketch)?;
        self.len += 1;
        self.id = Some(sketch.id);
        self.coordinates = sketch.measures.count;
        Ok(())
    }

    /// Puts sample `id` and its sketch in the place of row `row`.
    ///
    /// # Errors
    /// [`Error::Row`]; [`Error::NonFinite`], [`Error::Length`] or [`Error::Mismatch`] for
    /// the sketch. The store is as it was.
    pub fn replace(&mut self, row: usize, id: u64, sketch: &Sketch<'_>) -> Result<(), Error> {
        self.check(sketch)?;
        self.check_row(row)?;
        self.write(row, id, sketch)
    }

    /// Adds all rows of `other`, whose width and codec are the same; bit for bit, nothing
    /// is rounded anew.
    ///
    /// # Errors
    /// [`Error::Full`] if there is not room for all; [`Error::Mismatch`] if the rows
    /// belong to different kinds of sketch, codecs or widths. The store is as it was.
    pub fn merge(&mut self, other: &Store<'_>) -> Result<(), Error> {
        self.check_merge(other)?;
        if other.len > self.capacity() - self.len {
            return Err(Error::Full { capacity: self.capacity() });
        }
        for row in 0..other.len {
            self.append_row(other, row)?;
        }
        Ok(())
    }

    /// Refuses a store whose rows cannot stand beside these.
    pub(super) fn check_merge(&self, other: &Store<'_>) -> Result<(), Error> {
        if self.codec != other.codec {
            return Err(Error::Mismatch(Field::Codec));
        }
        if self.width != other.width {
            return Err(Error::Mismatch(Field::Width));
        }
        let (Some(id), Some(theirs)) = (self.id, other.id) else { return Ok(()) };
        id.check(&theirs)?;
        if self.coordinates == other.coordinates { Ok(()) } else { Err(Error::Mismatch(Field::Layout)) }
    }

    /// Adds a row of a store that was checked; there is room.
    pub(super) fn append_row(&mut self, other: &Store<'_>, row: usize) -> Result<(), Error> {
        if self.is_full() {
            return Err(Error::Full { capacity: self.capacity() });
        }
        if self.len.is_multiple_of(GROUP) {
            let group = groups_of(&(self.len..self.len + 1), self.codec, self.width);
            self.parts.groups.get_mut(group).certain().fill(0);
        }
        self.copy_row(self.len, other, row)?;
        self.len += 1;
        self.id = other.id;
        self.coordinates = other.coordinates;
        Ok(())
    }

    /// Copies a row of a store that was checked.
    pub(super) fn copy_row(&mut self, to: usize, other: &Store<'_>, from: usize) -> Result<(), Error> {
        self.codec.copy(other.parts.groups, from, self.parts.groups, to, self.width)?;
        self.parts.copy(to, &other.parts, from);
        Ok(())
    }

    /// Reads a row, its numbers into `values`, K of them. Costs about 2K steps.
    ///
    /// # Errors
    /// [`Error::Row`]; [`Error::Length`].
    pub fn get<'v>(&self, row: usize, values: &'v mut [f32]) -> Result<Row<'v>, Error> {
        self.check_row(row)?;
        check_length(self.width, values.len())?;
        let id = self.id.ok_or(Error::Row { rows: 0, found: row })?;
        self.codec.take(self.parts.groups, row, self.parts.scale(row), values)?;
        let measures = Summary {
            l1: at(self.parts.l1, row),
            l2_squared: at(self.parts.l2_squared, row),
            max: at(self.parts.max, row),
            non_finite: 0,
            count: self.coordinates,
        };
        let sketch = Sketch::from_parts(id, values, measures)?.in_group(at(self.parts.labels, row));
        Ok(Row { id: at(self.parts.ids, row), sketch })
    }

    /// Hands over one row after the other: to a detector's `observe`, say. `values` is
    /// scratch of K numbers.
    ///
    /// # Errors
    /// [`Error::Length`], and whatever `take` refuses a row with; rows before that were
    /// handed over.
    pub fn for_each(
        &self,
        values: &mut [f32],
        mut take: impl FnMut(Row<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        check_length(self.width, values.len())?;
        for row in 0..self.len {
            take(self.get(row, values)?)?;
        }
        Ok(())
    }

    /// `scores[q·n + r]` = ⟨row r, query q⟩ for all n rows.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if rows and queries belong to different kinds of sketch or
    /// codecs; [`Error::Length`] if there are not as many scores as rows times queries.
    /// Nothing was written.
    pub fn score(&self, queries: &Queries<'_>, scores: &mut [f32]) -> Result<(), Error> {
        self.score_rows(0..self.len, queries, scores)
    }

    /// `scores[q·n + r − rows.start]` = ⟨row r, query q⟩ for the n rows of `rows`, which
    /// begins with a whole group: at a multiple of sixteen.
    ///
    /// # Errors
    /// As [`Store::score`]; [`Error::Row`] if there are no such rows, [`Error::Setting`]
    /// if they begin within a group.
    pub fn score_rows(
        &self,
        rows: Range<usize>,
        queries: &Queries<'_>,
        scores: &mut [f32],
    ) -> Result<(), Error> {
        let packed = self.check_queries(queries)?;
        self.check_rows(&rows)?;
        check_length(queries.count().saturating_mul(rows.len()), scores.len())?;
        if scores.is_empty() {
            return Ok(());
        }
        let n = rows.len();
        let groups = groups_of(&rows, self.codec, self.width);
        let groups: &[u64] = self.parts.groups.get(groups).certain();
        match packed {
            Packed::Floats(packed) => match self.codec {
                Codec::F16 => score_floats::<f16>(groups, packed, scores)?,
                Codec::Bf16 => score_floats::<bf16>(groups, packed, scores)?,
                _ => score_floats::<f32>(groups, packed, scores)?,
            },
            Packed::Int8(packed) => {
                let scales = self.parts.factors.get(rows.clone()).certain();
                let rows = int8::Rows { codes: bytemuck::must_cast_slice(groups), scales };
                score_int8_sealed(rows, packed, scores)?;
            }
            Packed::Signs(packed) => {
                let scales = self.parts.halves.get(rows.clone()).certain();
                let rows = sign::Rows { words: bytemuck::must_cast_slice(groups), scales };
                score_sign_sealed(rows, packed, scores)?;
            }
        }
        // Some codecs have none.
        let exponents = self.parts.exponents.get(rows).unwrap_or_default();
        if !exponents.is_empty() {
            for scores in scores.chunks_mut(n.max(1)) {
                for (score, exponent) in scores.iter_mut().zip(exponents) {
                    *score *= power(*exponent);
                }
            }
        }
        Ok(())
    }

    /// Pushes every row's score for query q to `tops[q]`, some rows at a time, so that
    /// not all scores need to be in memory. `scratch` holds the scores of sixteen rows
    /// for every query at least; with some hundreds of rows it is fastest.
    ///
    /// Returns how many scores were left out because they are NaN, which needs products
    /// that overflow `f32`.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if rows and queries belong to different kinds of sketch or
    /// codecs; [`Error::Length`] if there are not as many `tops` as queries, or `scratch`
    /// is too short. Nothing was pushed.
    pub fn top(
        &self,
        queries: &Queries<'_>,
        scratch: &mut [f32],
        tops: &mut [TopK<'_>],
    ) -> Result<usize, Error> {
        self.check_queries(queries)?;
        check_length(queries.count(), tops.len())?;
        if tops.is_empty() {
            return Ok(0);
        }
        let tile = scratch.len() / tops.len() / GROUP * GROUP;
        if tile == 0 {
            let expected = GROUP.saturating_mul(tops.len());
            return Err(Error::Length { expected, found: scratch.len() });
        }
        let mut left_out = 0;
        for start in (0..self.len).step_by(tile) {
            let rows = start..self.len.min(start + tile);
            let scratch = scratch.get_mut(..rows.len() * tops.len()).certain();
            self.score_rows(rows.clone(), queries, scratch)?;
            let ids = self.parts.ids.get(rows.clone()).certain();
            for (scores, top) in scratch.chunks(rows.len().max(1)).zip(tops.iter_mut()) {
                left_out += push_all(top, ids, scores);
            }
        }
        Ok(left_out)
    }

    /// Refuses a sketch that cannot stand beside the rows.
    pub(super) fn check(&self, sketch: &Sketch<'_>) -> Result<(), Error> {
        check_length(self.width, sketch.values.len())?;
        sketch.check_finite()?;
        let Some(id) = self.id else { return Ok(()) };
        id.check(&sketch.id)?;
        // A complete gradient has the coordinates of its layout.
        if self.coordinates == sketch.measures.count { Ok(()) } else { Err(Error::Mismatch(Field::Layout)) }
    }

    fn check_row(&self, row: usize) -> Result<(), Error> {
        if row < self.len { Ok(()) } else { Err(Error::Row { rows: self.len, found: row }) }
    }

    /// Refuses rows that there are not, and such as begin within a group.
    pub(super) fn check_rows(&self, rows: &Range<usize>) -> Result<(), Error> {
        if rows.end > self.len || rows.start > rows.end {
            return Err(Error::Row { rows: self.len, found: rows.end });
        }
        if rows.start.is_multiple_of(GROUP) {
            Ok(())
        } else {
            Err(Error::Setting {
                name: "rows",
                expected: "a range that starts at a multiple of the group of 16",
            })
        }
    }

    pub(super) fn check_queries<'q>(&self, queries: &Queries<'q>) -> Result<Packed<'q>, Error> {
        let packed = queries.packed_for(self.codec)?;
        self.check_sketch(&queries.id())?;
        Ok(packed)
    }

    /// Refuses queries that belong to another kind of sketch than the rows.
    pub(super) fn check_sketch(&self, queries: &SketchId) -> Result<(), Error> {
        match self.id {
            Some(id) => id.check(queries),
            None if self.width != queries.width => Err(Error::Mismatch(Field::Width)),
            None => Ok(()),
        }
    }

    /// Writes a row that was checked.
    fn write(&mut self, row: usize, id: u64, sketch: &Sketch<'_>) -> Result<(), Error> {
        let scale = self.codec.put(sketch.values, row, self.parts.groups)?;
        self.parts.write(row, id, sketch, scale);
        Ok(())
    }
}

/// Bytes of a store's body before the numbers.
const FRONT: usize = 64;

impl Store<'_> {
    /// Bytes of a store of `rows` rows at rest.
    #[must_use]
    pub const fn bytes_at_rest(rows: usize, width: usize, codec: Codec) -> usize {
        Self::body(rows, width, codec).saturating_add(FRAME)
    }

    /// Bytes of the body.
    pub(super) const fn body(rows: usize, width: usize, codec: Codec) -> usize {
        let groups = rows.div_ceil(GROUP).saturating_mul(codec.group_bytes(width));
        let beside = rows.saturating_mul(32 + codec.scale_bytes());
        groups.saturating_add(beside).saturating_add(FRONT)
    }

    /// Declares the body, and returns how many rows it has.
    pub(super) fn walk_rows(walk: &mut Walk<'_, '_, Self>) -> Result<usize, Error> {
        let (codec, width, capacity) = (walk.state().codec, walk.state().width, walk.state().capacity());
        walk.same(codec as u8, Field::Codec)?;
        walk.zeros(7)?;
        walk.width(width)?;
        let len = walk.number(place!(len))?;
        walk.number(place!(coordinates))?;
        walk.zeros(32)?;
        walk.require_id(width, len > 0)?;
        walk.require(len <= capacity, Error::Full { capacity })?;
        let groups = groups_of(&(0..len), codec, width);
        match codec {
            Codec::F32 | Codec::Sign => walk.numbers(cast_groups::<u32>(), units::<u32>(&groups))?,
            Codec::F16 | Codec::Bf16 => walk.numbers(cast_groups::<u16>(), units::<u16>(&groups))?,
            Codec::Int8 => walk.numbers(cast_groups::<u8>(), units::<u8>(&groups))?,
        }
        walk.numbers(slice!(parts.ids), 0..len)?;
        walk.numbers(slice!(parts.l1), 0..len)?;
        walk.numbers(slice!(parts.l2_squared), 0..len)?;
        walk.numbers(slice!(parts.max), 0..len)?;
        walk.numbers(slice!(parts.labels), 0..len)?;
        let scales = |has: bool| 0..if has { len } else { 0 };
        walk.numbers(slice!(parts.factors), scales(codec.has_factors()))?;
        walk.numbers(slice!(parts.halves), scales(codec.has_halves()))?;
        walk.numbers(slice!(parts.exponents), scales(codec.has_exponents()))?;
        let id = walk.id();
        walk.load_with(|store| store.id = id);
        Ok(len)
    }
}

/// The numbers of a store as units of its codec.
fn cast_groups<'m, T: bytemuck::Pod>() -> Place<Store<'m>, [T]> {
    Place {
        get: |store| bytemuck::must_cast_slice(store.parts.groups),
        get_mut: |store| bytemuck::must_cast_slice_mut(store.parts.groups),
    }
}

/// A range of `u64`s in smaller units.
const fn units<T>(words: &Range<usize>) -> Range<usize> {
    let each = size_of::<u64>() / size_of::<T>();
    words.start * each..words.end * each
}

impl Body for Store<'_> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        Self::walk_rows(walk).map(|_| ())
    }
}

impl State for Store<'_> {
    const KIND: StateKind = StateKind::Store;

    fn sketch_id(&self) -> Option<SketchId> {
        self.id
    }
}

/// Pushes the scores of rows whose samples are `ids`; returns how many are NaN.
fn push_all(top: &mut TopK<'_>, ids: &[u64], scores: &[f32]) -> usize {
    let mut left_out = 0;
    // What lies below the last entry need not be looked at twice.
    let mut bound = top.last().map_or(f64::NEG_INFINITY, |last| last.score);
    for (id, score) in ids.iter().zip(scores) {
        let score = f64::from(*score);
        if score < bound {
            continue;
        }
        if top.push(Entry { id: *id, score }).is_err() {
            left_out += 1;
        }
        bound = top.last().map_or(f64::NEG_INFINITY, |last| last.score);
    }
    left_out
}

fn score_floats<T: Stored>(
    groups: &[u64],
    queries: float::Packed<'_>,
    scores: &mut [f32],
) -> Result<(), Error> {
    Ok(score_sealed(T::of(groups), queries, scores)?)
}

/// An entry of a part that every codec has; there is one.
fn at<T: Copy + Default>(part: &[T], row: usize) -> T {
    part.get(row).copied().certain()
}

/// An entry of a part that some codecs have.
fn at_if_any<T: Copy + Default>(part: &[T], row: usize) -> T {
    if part.is_empty() { T::default() } else { at(part, row) }
}

fn set<T>(part: &mut [T], row: usize, value: T) {
    cannot_happen!(row >= part.len(), "the row was checked");
    set_if_any(part, row, value);
}

fn set_if_any<T>(part: &mut [T], row: usize, value: T) {
    if let Some(place) = part.get_mut(row) {
        *place = value;
    }
}

impl<'m> Parts<'m> {
    /// Divides the memory of `count` groups of sixteen rows, of which each part takes
    /// whole `u64`s.
    fn of(codec: Codec, width: usize, count: usize, memory: &'m mut [u64]) -> Option<Self> {
        let mut rest = memory;
        let mut next = |bytes: usize| -> Option<&'m mut [u64]> {
            let (part, later) =
                core::mem::take(&mut rest).split_at_mut_checked((bytes / 8).checked_mul(count)?)?;
            rest = later;
            Some(part)
        };
        let has = |yes: bool, bytes: usize| if yes { bytes * GROUP } else { 0 };
        Some(Self {
            groups: next(codec.group_bytes(width))?,
            ids: next(8 * GROUP)?,
            l1: bytemuck::must_cast_slice_mut(next(8 * GROUP)?),
            l2_squared: bytemuck::must_cast_slice_mut(next(8 * GROUP)?),
            max: bytemuck::must_cast_slice_mut(next(4 * GROUP)?),
            labels: bytemuck::must_cast_slice_mut(next(4 * GROUP)?),
            factors: bytemuck::must_cast_slice_mut(next(has(codec.has_factors(), 4))?),
            halves: bytemuck::must_cast_slice_mut::<u64, u16>(next(has(codec.has_halves(), 2))?)
                .reinterpret_cast_mut(),
            exponents: bytemuck::must_cast_slice_mut(next(has(codec.has_exponents(), 1))?),
        })
    }

    fn scale(&self, row: usize) -> Scale {
        Scale {
            exponent: at_if_any(self.exponents, row),
            factor: at_if_any(self.factors, row),
            half: at_if_any(self.halves, row),
        }
    }

    fn write(&mut self, row: usize, id: u64, sketch: &Sketch<'_>, scale: Scale) {
        set(self.ids, row, id);
        set(self.l1, row, sketch.measures.l1);
        set(self.l2_squared, row, sketch.measures.l2_squared);
        set(self.max, row, sketch.measures.max);
        set(self.labels, row, sketch.group);
        set_if_any(self.factors, row, scale.factor);
        set_if_any(self.halves, row, scale.half);
        set_if_any(self.exponents, row, scale.exponent);
    }

    /// All of a row but its numbers.
    fn copy(&mut self, to: usize, other: &Parts<'_>, from: usize) {
        set(self.ids, to, at(other.ids, from));
        set(self.l1, to, at(other.l1, from));
        set(self.l2_squared, to, at(other.l2_squared, from));
        set(self.max, to, at(other.max, from));
        set(self.labels, to, at(other.labels, from));
        set_if_any(self.factors, to, at_if_any(other.factors, from));
        set_if_any(self.halves, to, at_if_any(other.halves, from));
        set_if_any(self.exponents, to, at_if_any(other.exponents, from));
    }
}
