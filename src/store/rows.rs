//! The store: rows of K numbers in a codec, each with its sample's id, its group and the
//! exact measures of its gradient.
//!
//! A score is ⟨row, query⟩ in the order of [`gradsieve_kernels::score`], times the row's
//! scale; its error, beside the codec's, stands there. The layout of the groups does,
//! too.

use super::codec::{Codec, Form, Scale, Stored, groups_of, power};
use super::columns::{Column, EXPONENTS, FACTORS, HALVES, IDS, L1, L2_SQUARED, LABELS, MAX, StoreSettings};
use super::queries::{Packed, Queries};
use super::top_k::{Entry, TopK};
use crate::error::{Error, Field, check_length};
use crate::memory::Buffer;
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, Place, State, StateKind, Walk, place};
use bytemuck::Pod;
use core::ops::Range;
use gradsieve_kernels::score::bits::{self, score_bits_sealed};
use gradsieve_kernels::score::float::{scale_sealed, score_sealed};
use gradsieve_kernels::score::int8::{self, score_int8_sealed};
use gradsieve_kernels::score::{GROUP, float};
use gradsieve_kernels::{Certain, Summary, cannot_happen};
use half::slice::HalfBitsSliceExt;
use half::{bf16, f16};

/// Rows of sketches of one kind.
///
/// Beside its numbers a row takes 32 bytes (id, group, L1, squared L2, maximum) and its
/// codec's scale. Memory that begins on a cache line is scored fastest.
///
/// ```
/// use gradsieve::store::{Codec, Entry, Queries, QueriesSettings, Store, StoreSettings};
/// use gradsieve::store::{TopK, TopKSettings};
/// # use gradsieve::{Key, Layout, Repeat, Sjlt, Sketch, Sketcher};
///
/// const K: usize = 64;
/// const STORE: StoreSettings = StoreSettings { codec: Codec::Int8, width: K, rows: 100 };
/// let mut store = Store::new(STORE, [0; STORE.memory().others])?; // 11 KiB
/// # type Sketching = Sketcher<Sjlt, [f32; K]>;
/// # fn sketch_of(sample: u64, sketcher: &mut Sketching) -> Result<Sketch<'_>, gradsieve::Error> {
/// #     sketcher.segment(0, &core::array::from_fn::<f32, 1000, _>(|i| (i as f32 * sample as f32).sin()))?;
/// #     sketcher.finish()
/// # }
/// let mut sketcher = Sketcher::new(Sjlt::new(K, Key::seed(7), Repeat::One)?, Layout::flat(1000)?, [0.0; K])?;
/// for sample in 1..=100 {
///     store.append(sample, &sketch_of(sample, &mut sketcher)?)?;
/// }
///
/// let target = sketch_of(42, &mut sketcher)?;
/// const QUERY: QueriesSettings = QueriesSettings { codec: Codec::Int8, width: K, count: 1 };
/// let mut query = Queries::new(QUERY, [0.0; QUERY.memory().f32s])?;
/// query.pack(target.id, target.values)?;
/// let mut top = [TopK::new(TopKSettings { k: 3 }, [Entry::default(); 3])?];
/// store.top(&query, &mut [0.0; 64], &mut top)?;
/// let [mut top] = top;
/// assert_eq!(top.sorted().next().unwrap().id, 42);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct Store<B> {
    settings: StoreSettings,
    len: usize,
    id: Option<SketchId>,
    /// Coordinates of each gradient.
    coordinates: u64,
    memory: B,
}

/// A row that was read back.
///
/// ```
/// use gradsieve::store::{Codec, Row, Store, StoreSettings};
/// # use gradsieve::{Exact, Layout, Projector, Sketch};
/// # let id = Exact::new(2).id(Layout::flat(2)?.id());
/// # let values = [3.0, -4.0];
/// # let sketch = Sketch::from_parts(id, &values, gradsieve_kernels::summarize(&values))?;
///
/// const STORE: StoreSettings = StoreSettings { codec: Codec::Int8, width: 2, rows: 1 };
/// let mut store = Store::new(STORE, [0; STORE.memory().others])?;
/// store.append(7, &sketch)?; // of the gradient (3, −4)
/// let mut values = [0.0; 2];
/// let Row { id, sketch } = store.get(0, &mut values)?;
/// assert_eq!((id, sketch.values), (7, &[95.0 / 127.0 * 4.0, -4.0][..])); // 3 is no code
/// assert_eq!(sketch.measures.l2_squared, 25.0); // exact
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Row<'v> {
    /// The sample.
    pub id: u64,
    /// Its sketch: the numbers as the codec kept them, the measures exact.
    pub sketch: Sketch<'v>,
}

impl<const N: usize> Store<[u64; N]> {
    /// No rows yet, in an array of its own: for `static` cells, too.
    ///
    /// # Errors
    /// As [`new`](Store::new).
    pub const fn owned(settings: StoreSettings) -> Result<Self, Error> {
        match settings.check(N) {
            Ok(()) => Ok(Self::over(settings, [0; N])),
            Err(error) => Err(error),
        }
    }
}

impl<B> Store<B> {
    /// No rows yet, in memory that is as long as it has to be.
    pub(super) const fn over(settings: StoreSettings, memory: B) -> Self {
        Self { settings, len: 0, id: None, coordinates: 0, memory }
    }

    /// Forgets all rows.
    pub const fn reset(&mut self) {
        self.len = 0;
        self.id = None;
        self.coordinates = 0;
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> StoreSettings {
        self.settings
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
        self.len >= self.settings.rows
    }

    /// What all rows are sketches of; `None` without rows.
    #[must_use]
    pub const fn id(&self) -> Option<SketchId> {
        self.id
    }
}

impl<B: Buffer<u64>> Store<B> {
    /// No rows yet; the memory is left as it is.
    ///
    /// # Errors
    /// [`Error::Width`] without a width; [`Error::Setting`] if the codec cannot have rows
    /// so wide; [`Error::Length`] if the memory is not as long as
    /// [`StoreSettings::memory`] says.
    pub fn new(settings: StoreSettings, memory: B) -> Result<Self, Error> {
        settings.check(memory.as_ref().len())?;
        Ok(Self::over(settings, memory))
    }

    /// The samples, row by row.
    #[must_use]
    pub fn ids(&self) -> &[u64] {
        self.column(&IDS).get(..self.len).certain()
    }

    /// The samples' groups, row by row.
    #[must_use]
    pub fn groups(&self) -> &[u32] {
        self.column(&LABELS).get(..self.len).certain()
    }

    /// The exact squared norms of the gradients, row by row.
    #[must_use]
    pub fn squared_norms(&self) -> &[f64] {
        self.column(&L2_SQUARED).get(..self.len).certain()
    }

    /// Adds a row: sample `id` and its sketch. Costs about 2K steps.
    ///
    /// # Errors
    /// [`Error::Full`]; [`Error::NonFinite`], [`Error::Length`] or [`Error::Mismatch`]
    /// for the sketch. The store is as it was.
    pub fn append(&mut self, id: u64, sketch: &Sketch<'_>) -> Result<(), Error> {
        self.check(sketch)?;
        if self.is_full() {
            return Err(Error::Full { capacity: self.settings.rows });
        }
        self.open_group();
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
    pub fn merge(&mut self, other: &Store<impl Buffer<u64>>) -> Result<(), Error> {
        self.check_merge(other)?;
        if other.len > self.settings.rows - self.len {
            return Err(Error::Full { capacity: self.settings.rows });
        }
        for row in 0..other.len {
            self.append_row(other, row)?;
        }
        Ok(())
    }

    /// Refuses a store whose rows cannot stand beside these.
    pub(super) fn check_merge(&self, other: &Store<impl Buffer<u64>>) -> Result<(), Error> {
        if self.settings.codec != other.settings.codec {
            return Err(Error::Mismatch(Field::Codec));
        }
        if self.settings.width != other.settings.width {
            return Err(Error::Mismatch(Field::Width));
        }
        let (Some(id), Some(theirs)) = (self.id, other.id) else { return Ok(()) };
        id.check(&theirs)?;
        if self.coordinates == other.coordinates { Ok(()) } else { Err(Error::Mismatch(Field::Layout)) }
    }

    /// Adds a row of a store that was checked; there is room.
    pub(super) fn append_row(&mut self, other: &Store<impl Buffer<u64>>, row: usize) -> Result<(), Error> {
        if self.is_full() {
            return Err(Error::Full { capacity: self.settings.rows });
        }
        self.open_group();
        self.copy_row(self.len, other, row)?;
        self.len += 1;
        self.id = other.id;
        self.coordinates = other.coordinates;
        Ok(())
    }

    /// Fills the group that the next row begins, if it does, with zeros: what fills up a
    /// group is zero, whatever the memory held.
    fn open_group(&mut self) {
        if self.len.is_multiple_of(GROUP) {
            let group = self.groups_of(&(self.len..self.len + 1));
            self.numbers_mut().get_mut(group).certain().fill(0);
        }
    }

    /// Copies a row of a store that was checked.
    pub(super) fn copy_row(
        &mut self,
        to: usize,
        other: &Store<impl Buffer<u64>>,
        from: usize,
    ) -> Result<(), Error> {
        let StoreSettings { codec, width, .. } = self.settings;
        codec.copy(other.numbers(), from, self.numbers_mut(), to, width)?;
        self.set(&IDS, to, other.at(&IDS, from));
        self.set(&L1, to, other.at(&L1, from));
        self.set(&L2_SQUARED, to, other.at(&L2_SQUARED, from));
        self.set(&MAX, to, other.at(&MAX, from));
        self.set(&LABELS, to, other.at(&LABELS, from));
        self.set_scale(to, other.scale(from));
        Ok(())
    }

    /// Reads a row, its numbers into `values`, K of them. Costs about 2K steps.
    ///
    /// # Errors
    /// [`Error::Row`]; [`Error::Length`].
    pub fn get<'v>(&self, row: usize, values: &'v mut [f32]) -> Result<Row<'v>, Error> {
        self.check_row(row)?;
        check_length(self.settings.width, values.len())?;
        let id = self.id.ok_or(Error::Row { rows: 0, found: row })?;
        self.settings.codec.take(self.numbers(), row, self.scale(row), values)?;
        let measures = Summary {
            l1: self.at(&L1, row),
            l2_squared: self.at(&L2_SQUARED, row),
            max: self.at(&MAX, row),
            non_finite: 0,
            count: self.coordinates,
        };
        let sketch = Sketch::from_parts(id, values, measures)?.in_group(self.at(&LABELS, row));
        Ok(Row { id: self.at(&IDS, row), sketch })
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
        check_length(self.settings.width, values.len())?;
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
    /// Nothing was written. [`Error::Range`] if a score is finite and beyond `f32`: it is
    /// infinite, and the others are written.
    pub fn score(&self, queries: &Queries<impl Buffer<f32>>, scores: &mut [f32]) -> Result<(), Error> {
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
        queries: &Queries<impl Buffer<f32>>,
        scores: &mut [f32],
    ) -> Result<(), Error> {
        self.write_scores(rows, queries, scores)?;
        if all_finite(scores) { Ok(()) } else { Err(Error::Range { what: "a score" }) }
    }

    /// [`Store::score_rows`], with infinities where a score is no number of `f32`.
    pub(super) fn write_scores(
        &self,
        rows: Range<usize>,
        queries: &Queries<impl Buffer<f32>>,
        scores: &mut [f32],
    ) -> Result<(), Error> {
        let packed = self.check_queries(queries)?;
        self.check_rows(&rows)?;
        check_length(queries.count().saturating_mul(rows.len()), scores.len())?;
        if scores.is_empty() {
            return Ok(());
        }
        let n = rows.len();
        let groups: &[u64] = self.numbers().get(self.groups_of(&rows)).certain();
        let exponents = || self.column(&EXPONENTS).get(rows.clone()).certain();
        match packed {
            Packed::Floats(packed) => match self.settings.codec {
                Codec::F16 => score_floats::<f16>(groups, packed, exponents(), scores)?,
                Codec::Bf16 => score_floats::<bf16>(groups, packed, exponents(), scores)?,
                _ => score_sealed(<f32 as Stored>::of(groups), packed, scores)?,
            },
            Packed::Int8(packed) => {
                let scales = self.column(&FACTORS).get(rows.clone()).certain();
                let rows = int8::Rows { codes: bytemuck::must_cast_slice(groups), scales };
                score_int8_sealed(rows, packed, scores)?;
            }
            Packed::Bits(packed, of_queries) => {
                let scales = self.column(&HALVES).get(rows.clone()).certain().reinterpret_cast();
                let rows = bits::Rows { words: bytemuck::must_cast_slice(groups), scales };
                score_bits_sealed(rows, packed, scores)?;
                for (scores, of_query) in scores.chunks_mut(n.max(1)).zip(of_queries) {
                    for (score, exponent) in scores.iter_mut().zip(exponents()) {
                        let powers = f64::from(power(*exponent)) * f64::from(power(*of_query));
                        *score = (f64::from(*score) * powers) as f32;
                    }
                }
            }
        }
        Ok(())
    }

    /// Pushes every row's score for query q to `tops[q]`, some rows at a time, so that
    /// not all scores need to be in memory. `scratch` holds the scores of sixteen rows
    /// for every query at least; with some hundreds of rows it is fastest.
    ///
    /// Returns how many scores were left out because they are finite and beyond `f32`.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if rows and queries belong to different kinds of sketch or
    /// codecs; [`Error::Length`] if there are not as many `tops` as queries, or `scratch`
    /// is too short. Nothing was pushed.
    pub fn top(
        &self,
        queries: &Queries<impl Buffer<f32>>,
        scratch: &mut [f32],
        tops: &mut [TopK<impl Buffer<Entry>>],
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
            self.write_scores(rows.clone(), queries, scratch)?;
            let ids = self.column(&IDS).get(rows.clone()).certain();
            for (scores, top) in scratch.chunks(rows.len().max(1)).zip(tops.iter_mut()) {
                left_out += push_all(top, ids, scores);
            }
        }
        Ok(left_out)
    }

    /// Refuses a sketch that cannot stand beside the rows.
    pub(super) fn check(&self, sketch: &Sketch<'_>) -> Result<(), Error> {
        check_length(self.settings.width, sketch.values.len())?;
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

    pub(super) fn check_queries<'q>(
        &self,
        queries: &'q Queries<impl Buffer<f32>>,
    ) -> Result<Packed<'q>, Error> {
        let packed = queries.packed_for(self.settings.codec)?;
        self.check_sketch(queries.id(), queries.settings().width)?;
        Ok(packed)
    }

    /// Refuses queries of `width` numbers that belong to another kind of sketch than the
    /// rows.
    pub(super) fn check_sketch(&self, queries: Option<SketchId>, width: usize) -> Result<(), Error> {
        match (self.id, queries) {
            (Some(id), Some(queries)) => id.check(&queries),
            _ if self.settings.width != width => Err(Error::Mismatch(Field::Width)),
            _ => Ok(()),
        }
    }

    /// Writes a row that was checked.
    fn write(&mut self, row: usize, id: u64, sketch: &Sketch<'_>) -> Result<(), Error> {
        let codec = self.settings.codec;
        let scale = codec.put(sketch.values, row, self.numbers_mut())?;
        self.set(&IDS, row, id);
        self.set(&L1, row, sketch.measures.l1);
        self.set(&L2_SQUARED, row, sketch.measures.l2_squared);
        self.set(&MAX, row, sketch.measures.max);
        self.set(&LABELS, row, sketch.group);
        self.set_scale(row, scale);
        Ok(())
    }

    /// The numbers of all rows, in groups of sixteen.
    pub(super) fn numbers(&self) -> &[u64] {
        self.memory.as_ref().get(self.settings.numbers()).certain()
    }

    fn numbers_mut(&mut self) -> &mut [u64] {
        self.memory.as_mut().get_mut(self.settings.numbers()).certain()
    }

    /// Where the groups of some rows stand among the numbers.
    pub(super) const fn groups_of(&self, rows: &Range<usize>) -> Range<usize> {
        groups_of(rows, self.settings.codec, self.settings.width)
    }

    /// A column; empty if the codec has none such.
    pub(super) fn column<T: Pod>(&self, column: &Column<T>) -> &[T] {
        let place = self.settings.column(column);
        bytemuck::must_cast_slice(self.memory.as_ref().get(place).certain())
    }

    fn column_mut<T: Pod>(&mut self, column: &Column<T>) -> &mut [T] {
        let place = self.settings.column(column);
        bytemuck::must_cast_slice_mut(self.memory.as_mut().get_mut(place).certain())
    }

    /// A row's entry in a column that the codec has.
    fn at<T: Pod + Default>(&self, column: &Column<T>, row: usize) -> T {
        self.column(column).get(row).copied().certain()
    }

    fn set<T: Pod>(&mut self, column: &Column<T>, row: usize, value: T) {
        let column = self.column_mut(column);
        cannot_happen!(row >= column.len(), "the row was checked");
        if let Some(place) = column.get_mut(row) {
            *place = value;
        }
    }

    /// A row's scale: each codec has some of the columns, and uses no more of it.
    fn scale(&self, row: usize) -> Scale {
        let codec = self.settings.codec;
        Scale {
            exponent: if codec.has_exponents() { self.at(&EXPONENTS, row) } else { 0 },
            factor: if codec.has_factors() { self.at(&FACTORS, row) } else { 0.0 },
            half: f16::from_bits(if codec.has_halves() { self.at(&HALVES, row) } else { 0 }),
        }
    }

    fn set_scale(&mut self, row: usize, scale: Scale) {
        let codec = self.settings.codec;
        if codec.has_exponents() {
            self.set(&EXPONENTS, row, scale.exponent);
        }
        if codec.has_factors() {
            self.set(&FACTORS, row, scale.factor);
        }
        if codec.has_halves() {
            self.set(&HALVES, row, scale.half.to_bits());
        }
    }

    /// Declares the body, and returns how many rows it has.
    pub(super) fn walk_rows(walk: &mut Walk<'_, '_, Self>) -> Result<usize, Error> {
        let StoreSettings { codec, width, rows: capacity } = walk.state().settings;
        walk.same(codec as u8, Field::Codec)?;
        walk.zeros(7)?;
        walk.width(width)?;
        let len = walk.number(place!(len))?;
        walk.number(place!(coordinates))?;
        walk.zeros(32)?;
        walk.require_id(width, len > 0)?;
        walk.require(len <= capacity, Error::Full { capacity })?;
        let groups = groups_of(&(0..len), codec, width);
        match codec.form() {
            Form::F32 | Form::Bits(_) => walk.numbers(cast_groups::<B, u32>(), units::<u32>(&groups))?,
            Form::F16 | Form::Bf16 => walk.numbers(cast_groups::<B, u16>(), units::<u16>(&groups))?,
            Form::Int8 => walk.numbers(cast_groups::<B, u8>(), units::<u8>(&groups))?,
        }
        walk.numbers(column!(IDS), 0..len)?;
        walk.numbers(column!(L1), 0..len)?;
        walk.numbers(column!(L2_SQUARED), 0..len)?;
        walk.numbers(column!(MAX), 0..len)?;
        walk.numbers(column!(LABELS), 0..len)?;
        let scales = |has: bool| 0..if has { len } else { 0 };
        walk.numbers(column!(FACTORS), scales(codec.has_factors()))?;
        walk.numbers(column!(HALVES), scales(codec.has_halves()))?;
        walk.numbers(column!(EXPONENTS), scales(codec.has_exponents()))?;
        let id = walk.id();
        walk.load_with(|store| store.id = id);
        Ok(len)
    }
}

/// The [`Place`] of a column.
macro_rules! column {
    ($column:ident) => {
        Place { get: |store| store.column(&$column), get_mut: |store| store.column_mut(&$column) }
    };
}

use column;

/// The numbers of a store as units of its codec.
fn cast_groups<B: Buffer<u64>, T: Pod>() -> Place<Store<B>, [T]> {
    Place {
        get: |store| bytemuck::must_cast_slice(store.numbers()),
        get_mut: |store| bytemuck::must_cast_slice_mut(store.numbers_mut()),
    }
}

/// A range of `u64`s in smaller units.
const fn units<T>(words: &Range<usize>) -> Range<usize> {
    let each = size_of::<u64>() / size_of::<T>();
    words.start * each..words.end * each
}

impl<B: Buffer<u64>> Body for Store<B> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        Self::walk_rows(walk).map(|_| ())
    }
}

impl<B: Buffer<u64>> State for Store<B> {
    const KIND: StateKind = StateKind::Store;

    fn sketch_id(&self) -> Option<SketchId> {
        self.id
    }
}

/// Pushes the scores of rows whose samples are `ids`; returns how many are not finite.
fn push_all(top: &mut TopK<impl Buffer<Entry>>, ids: &[u64], scores: &[f32]) -> usize {
    let mut left_out = 0;
    // What lies below the last entry need not be looked at twice.
    let mut bound = top.last().map_or(f64::NEG_INFINITY, |last| last.score);
    for (id, score) in ids.iter().zip(scores) {
        let score = f64::from(*score);
        if score < bound && score > f64::NEG_INFINITY {
            continue;
        }
        if score.is_infinite() || top.push(Entry { id: *id, score }).is_err() {
            left_out += 1;
            continue;
        }
        bound = top.last().map_or(f64::NEG_INFINITY, |last| last.score);
    }
    left_out
}

fn score_floats<T: Stored>(
    groups: &[u64],
    queries: float::Packed<'_>,
    exponents: &[i8],
    scores: &mut [f32],
) -> Result<(), Error> {
    score_sealed(T::of(groups), queries, scores)?;
    Ok(scale_sealed(T::of(groups), queries, exponents, scores)?)
}

/// Whether all scores are numbers. Sixteen at a time, so that vectors can look.
fn all_finite(scores: &[f32]) -> bool {
    let (groups, rest) = scores.as_chunks::<GROUP>();
    let finite = |all: bool, score: &f32| all & score.is_finite();
    groups.iter().all(|group| group.iter().fold(true, finite)) && rest.iter().fold(true, finite)
}
