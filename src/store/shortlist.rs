//! The rows that are worth an exact score, by counting signs: a fast first look at 1-bit
//! rows.
//!
//! Rows and queries are rotated before their signs are taken, which makes them about
//! normal. Two rows' signs differ in d of K places, and E d/K = angle/π (Goemans &
//! Williamson 1995; Charikar 2002), so cos(π·d/K) estimates their cosine, with a standard
//! deviation of at most π/2·K^−½ where they are about orthogonal. A score is the cosine
//! times both norms: the row's is in its scale, ‖x‖²/‖x‖₁, and the query's is the same
//! for all. So rows are ranked by scale·cos(π·d/K). Times Σ|qᵢ| that is an estimate of
//! the score ⟨row, query⟩ itself, exact where all signs agree or none does. (Ranking by d
//! alone would forget that a short row's score is small.)
//!
//! What a shortlist leaves out is lost: it is for the largest of many scores, and keeps
//! several times as many as are wanted. The smallest scores are the largest of −query.
//!
//! *Recall*: behind a projection to K = 512 numbers, a list of twice as many as are
//! wanted has .98 of the largest `f32` scores, one of five times as many .99; at K =
//! 4,096 it is .998 and 1.000 (gradients of digits; `docs/src/results/sketches.md`).
//!
//! *Memory*: K/8 bytes a query, 4 a row and query of a tile, 16 an entry. *Cost*: with
//! VPOPCNTDQ counts come at about the speed of a read of the rows; a few operations a row
//! and query, and O(log m) for a row that gets on the list of m, if only for a while;
//! then for each row kept the scores of the sixteen of its group.

use super::codec::{Codec, exponent_of, power};
use super::columns::{EXPONENTS, HALVES};
use super::queries::{Queries, check_queries, query_of};
use super::rows::Store;
use super::top_k::{Entry, TopK, TopKSettings};
use crate::error::{Error, Field, check_length};
use crate::memory::{Buffer, Memory};
use crate::sketch::SketchId;
use core::ops::Range;
use gradsieve_kernels::rotation::rotated;
use gradsieve_kernels::score::GROUP;
use gradsieve_kernels::score::hamming::{self, hamming_sealed};
use gradsieve_kernels::{Certain, max_abs, widen};
use half::f16;
use half::slice::HalfBitsSliceExt;

/// How many queries there are room for.
///
/// ```
/// use gradsieve::store::SignsSettings;
///
/// const SETTINGS: SignsSettings = SignsSettings { width: 64, count: 8 };
/// assert_eq!(SETTINGS.memory().others, 8 * 2 + 2); // two words a query, and which bits count
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SignsSettings {
    /// K.
    pub width: usize,
    /// Queries, at most.
    pub count: usize,
}

impl SignsSettings {
    /// What they need: `u32` as `others`.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        Memory { others: self.packed(self.count), ..Memory::NONE }
    }

    /// Numbers that the signs of `count` queries take.
    const fn packed(&self, count: usize) -> usize {
        hamming::Queries::sealed_len(count, self.width)
    }

    /// Refuses settings, and a buffer of `found` numbers, that do not fit.
    const fn check(&self, found: usize) -> Result<(), Error> {
        match Codec::OneBit.check_width(self.width) {
            Ok(()) => check_length(self.memory().others, found),
            Err(error) => Err(error),
        }
    }
}

/// The signs of queries, against rows of [`Codec::OneBit`].
///
/// ```
/// use gradsieve::store::{Codec, Signs, SignsSettings, Store, StoreSettings};
/// # use gradsieve::{Exact, Layout, Projector, Sketch};
/// # let id = Exact::new(2).id(Layout::flat(2)?.id());
/// # let values = [3.0, -4.0];
/// # let sketch = Sketch::from_parts(id, &values, gradsieve_kernels::summarize(&values))?;
///
/// const STORE: StoreSettings = StoreSettings { codec: Codec::OneBit, width: 2, rows: 1 };
/// let mut store = Store::new(STORE, [0; STORE.memory().others])?;
/// store.append(7, &sketch)?; // of the gradient (3, −4)
///
/// const SIGNS: SignsSettings = SignsSettings { width: 2, count: 2 };
/// let mut signs = Signs::new(SIGNS, [0; SIGNS.memory().others])?;
/// signs.pack(id, &[1.5, -2.0, -1.5, 2.0])?; // alike and opposite
/// let mut differences = [0; 2];
/// store.differences(&signs, &mut differences)?;
/// assert_eq!(differences, [0, 2]);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Signs<B> {
    settings: SignsSettings,
    id: Option<SketchId>,
    count: usize,
    buffer: B,
}

impl<const N: usize> Signs<[u32; N]> {
    /// No queries yet, in an array of its own: for `static` cells, too.
    ///
    /// # Errors
    /// As [`new`](Signs::new).
    pub const fn owned(settings: SignsSettings) -> Result<Self, Error> {
        match settings.check(N) {
            Ok(()) => Ok(Self::over(settings, [0; N])),
            Err(error) => Err(error),
        }
    }
}

impl<B> Signs<B> {
    const fn over(settings: SignsSettings, buffer: B) -> Self {
        Self { settings, id: None, count: 0, buffer }
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> SignsSettings {
        self.settings
    }

    /// How many queries there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// What they belong to; `None` before any are packed.
    #[must_use]
    pub const fn id(&self) -> Option<SketchId> {
        self.id
    }
}

impl<B: Buffer<u32>> Signs<B> {
    /// No queries yet.
    ///
    /// # Errors
    /// [`Error::Width`] without a width; [`Error::Setting`] if rows cannot be so wide;
    /// [`Error::Length`] if the buffer is not as long as [`SignsSettings::memory`] says.
    pub fn new(settings: SignsSettings, buffer: B) -> Result<Self, Error> {
        settings.check(buffer.as_ref().len())?;
        Ok(Self::over(settings, buffer))
    }

    /// Rotates the queries of `values` and takes their signs in the place of those
    /// before, query after query of K numbers each, which belong to sketches of `id`. A
    /// zero counts as positive.
    ///
    /// # Errors
    /// As [`Queries::pack`]. The signs are as they were.
    pub fn pack(&mut self, id: SketchId, values: &[f32]) -> Result<(), Error> {
        let SignsSettings { width, count: capacity } = self.settings;
        let count = check_queries(id, values, width, capacity)?;
        let packed = self.buffer.as_mut().get_mut(..self.settings.packed(count)).certain();
        // Blocks of a query follow each other: its power of two is found with the first.
        let mut factor = 1.0;
        hamming::Queries::sealed_blocks(count, width, packed, |query, block| {
            let query = query_of(values, width, query);
            if block == 0 {
                factor = power(-exponent_of(max_abs(query)));
            }
            rotated(query, factor, block)
        })?;
        (self.id, self.count) = (Some(id), count);
        Ok(())
    }

    fn packed(&self) -> Result<hamming::Queries<'_>, Error> {
        let packed = self.buffer.as_ref().get(..self.settings.packed(self.count)).certain();
        Ok(hamming::Queries::from_packed(packed, self.settings.width, self.count)?)
    }
}

/// How long a list is.
///
/// ```
/// use gradsieve::store::ShortlistSettings;
///
/// assert_eq!(ShortlistSettings { rows: 50 }.memory().others, 50);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ShortlistSettings {
    /// Rows, at most.
    pub rows: usize,
}

impl ShortlistSettings {
    /// What the list needs: an [`Entry`] a row as `others`.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        Memory { others: self.rows, ..Memory::NONE }
    }
}

/// Rows of a store that are worth an exact score.
///
/// ```
/// use gradsieve::store::{Codec, Entry, Queries, QueriesSettings, Shortlist, ShortlistSettings};
/// use gradsieve::store::{Signs, SignsSettings, Store, StoreSettings, TopK, TopKSettings};
/// # use gradsieve::{Key, Layout, Rademacher, Sketch, Sketcher};
///
/// const K: usize = 256;
/// const STORE: StoreSettings = StoreSettings { codec: Codec::OneBit, width: K, rows: 500 };
/// let mut store = Store::new(STORE, [0; STORE.memory().others])?; // 34 KiB
/// # type Sketching = Sketcher<Rademacher, [f32; K]>;
/// # fn sketch_of(sample: u64, sketcher: &mut Sketching) -> Result<Sketch<'_>, gradsieve::Error> {
/// #     sketcher.segment(0, &core::array::from_fn::<f32, 1000, _>(|i| (i as f32 * sample as f32).sin()))?;
/// #     sketcher.finish()
/// # }
/// let mut sketcher = Sketcher::new(Rademacher::new(K, Key::seed(7))?, Layout::flat(1000)?, [0.0; K])?;
/// for sample in 1..=500 {
///     store.append(sample, &sketch_of(sample, &mut sketcher)?)?;
/// }
///
/// let target = sketch_of(42, &mut sketcher)?;
///
/// // The fifty of whose signs most agree with the target's, weighted with how long they are …
/// const SIGNS: SignsSettings = SignsSettings { width: K, count: 1 };
/// let mut signs = Signs::new(SIGNS, [0; SIGNS.memory().others])?;
/// signs.pack(target.id, target.values)?;
/// let mut list = [Shortlist::new(ShortlistSettings { rows: 50 }, [Entry::default(); 50])?];
/// store.shortlist(&signs, &mut [0; 64], &mut list)?;
///
/// // … and of those the three with the largest scores.
/// const QUERY: QueriesSettings = QueriesSettings { codec: Codec::OneBit, width: K, count: 1 };
/// let mut query = Queries::new(QUERY, [0.0; QUERY.memory().f32s])?;
/// query.pack(target.id, target.values)?;
/// let mut top = TopK::new(TopKSettings { k: 3 }, [Entry::default(); 3])?;
/// let [list] = list;
/// store.top_of(&list, &query, &mut top)?;
/// assert_eq!(top.sorted().next().unwrap().id, 42);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct Shortlist<B> {
    /// While it is filled a heap, then in the order of the rows.
    rows: TopK<B>,
}

impl<const N: usize> Shortlist<[Entry; N]> {
    /// An empty list, in an array of its own: for `static` cells, too.
    ///
    /// # Errors
    /// As [`new`](Shortlist::new).
    pub const fn owned(settings: ShortlistSettings) -> Result<Self, Error> {
        match TopK::owned(TopKSettings { k: settings.rows }) {
            Ok(rows) => Ok(Self { rows }),
            Err(error) => Err(error),
        }
    }
}

impl<B> Shortlist<B> {
    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> ShortlistSettings {
        ShortlistSettings { rows: self.rows.settings().k }
    }
}

impl<B: Buffer<Entry>> Shortlist<B> {
    /// An empty list.
    ///
    /// # Errors
    /// [`Error::Length`] if the buffer is not as long as [`ShortlistSettings::memory`]
    /// says.
    pub fn new(settings: ShortlistSettings, buffer: B) -> Result<Self, Error> {
        Ok(Self { rows: TopK::new(TopKSettings { k: settings.rows }, buffer)? })
    }

    /// The rows on the list, by number, lowest first: `id` is a row's number in the
    /// store, `score` is its scale·cos(π·d/K).
    #[must_use]
    pub fn rows(&self) -> &[Entry] {
        self.rows.entries()
    }
}

impl<B> Shortlist<B> {
    /// What it is made of.
    pub(super) const fn rows_mut(&mut self) -> &mut TopK<B> {
        &mut self.rows
    }
}

impl<B: Buffer<u64>> Store<B> {
    /// `differences[q·n + r]`: in how many of K signs row r and query q, rotated, differ,
    /// for all n rows.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the rows are not of [`Codec::OneBit`] or belong to another
    /// kind of sketch than the queries; [`Error::Length`] if there are not as many
    /// differences as rows times queries. Nothing was written.
    pub fn differences(&self, signs: &Signs<impl Buffer<u32>>, differences: &mut [u32]) -> Result<(), Error> {
        self.differences_rows(0..self.len(), signs, differences)
    }

    /// `differences[q·n + r − rows.start]`: the same for the n rows of `rows`, which
    /// begins with a whole group: at a multiple of sixteen.
    ///
    /// # Errors
    /// As [`Store::differences`]; [`Error::Row`] if there are no such rows,
    /// [`Error::Setting`] if they begin within a group.
    pub fn differences_rows(
        &self,
        rows: Range<usize>,
        signs: &Signs<impl Buffer<u32>>,
        differences: &mut [u32],
    ) -> Result<(), Error> {
        self.check_signs(signs)?;
        self.check_rows(&rows)?;
        check_length(signs.count().saturating_mul(rows.len()), differences.len())?;
        if differences.is_empty() {
            return Ok(());
        }
        let groups = self.numbers().get(self.groups_of(&rows)).certain();
        Ok(hamming_sealed(bytemuck::must_cast_slice(groups), signs.packed()?, differences)?)
    }

    /// Fills `lists[q]` anew with the rows whose scale·cos(π·d/K) with query q is
    /// largest, as many as it has room for; of equal ones the first rows. `scratch` holds
    /// the differences of sixteen rows for every query at least; with some hundreds of
    /// rows it is fastest.
    ///
    /// # Errors
    /// [`Error::Mismatch`] as for [`Store::differences`]; [`Error::Length`] if there are
    /// not as many lists as queries, or `scratch` is too short. The lists are as they
    /// were.
    pub fn shortlist(
        &self,
        signs: &Signs<impl Buffer<u32>>,
        scratch: &mut [u32],
        lists: &mut [Shortlist<impl Buffer<Entry>>],
    ) -> Result<(), Error> {
        self.check_signs(signs)?;
        check_length(signs.count(), lists.len())?;
        if lists.is_empty() {
            return Ok(());
        }
        let tile = scratch.len() / lists.len() / GROUP * GROUP;
        if tile == 0 {
            let expected = GROUP.saturating_mul(lists.len());
            return Err(Error::Length { expected, found: scratch.len() });
        }
        for list in lists.iter_mut() {
            list.rows.reset();
        }
        for start in (0..self.len()).step_by(tile) {
            let rows = start..self.len().min(start + tile);
            let scratch = scratch.get_mut(..rows.len() * lists.len()).certain();
            self.differences_rows(rows.clone(), signs, scratch)?;
            for first in rows.clone().step_by(PART) {
                let scales = self.scales_from(first)?;
                for (differences, list) in scratch.chunks(rows.len().max(1)).zip(lists.iter_mut()) {
                    let part = differences.get(first - start..).certain();
                    list.offer(first, part, &scales, self.settings().width);
                }
            }
        }
        for list in lists {
            list.rows.sort_by_id();
        }
        Ok(())
    }

    /// Pushes the scores of the rows on `list` to `top`, each with its sample's id: exact
    /// ones, with the bits of [`Store::score`] for that query. There must be one query.
    /// The store may be another than the one that made the list, if its rows stand in the
    /// same order: a wider codec's.
    ///
    /// Returns how many scores were left out because they are finite and beyond `f32`.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if rows and query belong to different kinds of sketch or
    /// codecs; [`Error::Length`] if there is not one query; [`Error::Row`] if the list
    /// names a row that there is not. Nothing was pushed.
    pub fn top_of(
        &self,
        list: &Shortlist<impl Buffer<Entry>>,
        query: &Queries<impl Buffer<f32>>,
        top: &mut TopK<impl Buffer<Entry>>,
    ) -> Result<usize, Error> {
        self.check_queries(query)?;
        check_length(1, query.count())?;
        if let Some(last) = list.rows().last().filter(|last| last.id >= self.len() as u64) {
            return Err(Error::Row {
                rows: self.len(),
                found: usize::try_from(last.id).unwrap_or(usize::MAX),
            });
        }
        let (mut left_out, mut scores) = (0, [0.0; GROUP]);
        // The rows that are scored: none yet.
        let mut group = 0..0;
        for entry in list.rows() {
            let row = usize::try_from(entry.id).unwrap_or(usize::MAX);
            if !group.contains(&row) {
                let start = row / GROUP * GROUP;
                group = start..self.len().min(start + GROUP);
                let scores = scores.get_mut(..group.len()).certain();
                self.write_scores(group.clone(), query, scores)?;
            }
            let score = scores.get(row - group.start).copied().certain();
            let id = self.ids().get(row).copied().certain();
            if score.is_infinite() || top.push(Entry { id, score: score.into() }).is_err() {
                left_out += 1;
            }
        }
        Ok(left_out)
    }

    fn check_signs(&self, signs: &Signs<impl Buffer<u32>>) -> Result<(), Error> {
        if self.settings().codec != Codec::OneBit {
            return Err(Error::Mismatch(Field::Codec));
        }
        self.check_sketch(signs.id, signs.settings.width)
    }

    /// The scales of some rows.
    pub(super) fn scales_from(&self, first: usize) -> Result<[f32; PART], Error> {
        let mut scales = [0.0; PART];
        let rows = first..self.len().min(first + PART);
        let halves = self.column(&HALVES).get(rows.clone()).certain().reinterpret_cast();
        widen::<f16>(halves, scales.get_mut(..halves.len()).certain())?;
        for (scale, exponent) in scales.iter_mut().zip(self.column(&EXPONENTS).get(rows).certain()) {
            *scale = (*scale * power(*exponent)).min(f32::MAX);
        }
        Ok(scales)
    }
}

/// Rows that are estimated at a time, on the stack.
pub(super) const PART: usize = 64;

impl<B: Buffer<Entry>> Shortlist<B> {
    /// Offers rows from `first` on, in rising order, at most [`PART`] of them.
    fn offer(&mut self, first: usize, differences: &[u32], scales: &[f32; PART], width: usize) {
        let mut estimates = [f32::NEG_INFINITY; PART];
        let inverse = 1.0 / width as f32;
        for ((to, d), scale) in estimates.iter_mut().zip(differences).zip(scales) {
            *to = scale * cosine(*d, inverse);
        }
        let mut bound = bound_of(&self.rows);
        for (some, first) in estimates.as_chunks::<GROUP>().0.iter().zip((first as u64..).step_by(GROUP)) {
            // Mostly none: then there is one branch for all.
            if some.iter().fold(0, |above, estimate| above + u32::from(*estimate > bound)) == 0 {
                continue;
            }
            for (row, estimate) in (first..).zip(some) {
                // An equal one has a lower number, and so is before it.
                if *estimate > bound {
                    // Cannot fail: scales and cosines are numbers.
                    let _ = self.rows.push(Entry { id: row, score: f64::from(*estimate) });
                    bound = bound_of(&self.rows);
                }
            }
        }
    }
}

/// What a row has to be above to get on a list: scores there are numbers of `f32`.
fn bound_of(top: &TopK<impl Buffer<Entry>>) -> f32 {
    match top.last() {
        Some(last) => last.score as f32,
        None if top.settings().k == 0 => f32::INFINITY,
        None => f32::NEG_INFINITY,
    }
}

/// cos(π·d/K) = sin(π/2·u) with u = 1 − 2d/K, by three terms of its series: within .005,
/// and falling with d all the way.
fn cosine(d: u32, inverse: f32) -> f32 {
    use core::f32::consts::FRAC_PI_2;
    const CUBED: f32 = -FRAC_PI_2 * FRAC_PI_2 * FRAC_PI_2 / 6.0;
    const TO_THE_FIFTH: f32 = FRAC_PI_2 * FRAC_PI_2 * FRAC_PI_2 * FRAC_PI_2 * FRAC_PI_2 / 120.0;
    // A conversion of signed integers is one instruction where there are only 128 bits.
    let u = 1.0 - 2.0 * d.cast_signed() as f32 * inverse;
    let squared = u * u;
    u * (FRAC_PI_2 + squared * (CUBED + squared * TO_THE_FIFTH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cosine_is_one_but_for_half_a_percent_and_falls_with_the_distance() {
        for width in [1, 7, 64, 512, 4096] {
            let mut before = f32::INFINITY;
            for d in 0..=width {
                let found = cosine(d, 1.0 / width as f32);
                let exact = libm::cos(core::f64::consts::PI * f64::from(d) / f64::from(width));
                assert!((f64::from(found) - exact).abs() < 0.005, "{d} of {width}: {found}, not {exact}");
                assert!(found < before, "{d} of {width}");
                before = found;
            }
        }
    }
}
