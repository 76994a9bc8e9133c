//! The rows that are worth an exact score, by counting signs: a fast first look at 1-bit
//! rows.
//!
//! Two rows' signs differ in d of K places. Where both are about normal, as projections
//! make them, E d/K = angle/π (Goemans & Williamson 1995; Charikar 2002), so cos(π·d/K)
//! estimates their cosine, with a standard deviation of at most π/2·K^−½ where they are
//! about orthogonal. A score is the cosine times both norms: the row's is in its scale,
//! mean|x|, and the query's is the same for all. So rows are ranked by scale·cos(π·d/K).
//! Times Σ|qᵢ| that is an estimate of the score ⟨row, query⟩ itself, exact where all
//! signs agree or none does. (Ranking by d alone would forget that a short row's score is
//! small.)
//!
//! What a shortlist leaves out is lost: it is for the largest of many scores, and keeps
//! several times as many as are wanted. The smallest scores are the largest of −query.
//! Where numbers are far from normal (a 1-bit SJLT much wider than a tenth of the
//! gradient), signs are noise, here as there.
//!
//! *Recall*: behind a projection to K = 512 numbers, a list of twice as many as are
//! wanted has .96 to .98 of the largest `f32` scores, one of five times as many .99
//! (gradients of digits; `docs/src/results/sketches.md`).
//!
//! *Memory*: K/8 bytes a query, 4 a row and query of a tile, 16 an entry. *Cost*: with
//! VPOPCNTDQ counts come at about the speed of a read of the rows; a few operations a row
//! and query, and O(log m) for a row that gets on the list of m, if only for a while;
//! then for each row kept the scores of the sixteen of its group.

use super::codec::{Codec, groups_of, power};
use super::queries::Queries;
use super::rows::Store;
use super::top_k::{Entry, TopK};
use crate::error::{Error, Field, check_length};
use crate::sketch::SketchId;
use core::ops::Range;
use gradsieve_kernels::score::GROUP;
use gradsieve_kernels::score::hamming::{self, hamming_sealed};
use gradsieve_kernels::{Certain, widen};

/// The signs of queries, against rows of [`Codec::Sign`].
#[derive(Clone, Copy, Debug)]
pub struct Signs<'q> {
    id: SketchId,
    packed: hamming::Queries<'q>,
}

impl<'q> Signs<'q> {
    /// `u32`s of scratch that so many queries take.
    #[must_use]
    pub const fn words(queries: usize, width: usize) -> usize {
        hamming::Queries::sealed_len(queries, width)
    }

    /// Takes the signs of the queries of `values`, query after query of K numbers each,
    /// which belong to sketches of `id`. A zero counts as positive.
    ///
    /// # Errors
    /// [`Error::Width`] if `id` has no width; [`Error::Length`] if `values` is not whole
    /// queries or `scratch` not [`Signs::words`] long; [`Error::Setting`] if rows cannot
    /// be so wide; [`Error::NonFinite`].
    pub fn new(id: SketchId, values: &[f32], scratch: &'q mut [u32]) -> Result<Self, Error> {
        let width = id.width;
        if width == 0 {
            return Err(Error::Width { multiple: 1, found: 0 });
        }
        if width > Codec::Sign.widest() {
            return Err(Error::Setting { name: "width", expected: "at most the codec's widest row" });
        }
        check_length(Self::words(values.len() / width, width), scratch.len())?;
        if !values.iter().all(|value| value.is_finite()) {
            return Err(Error::NonFinite);
        }
        Ok(Self { id, packed: hamming::Queries::sealed(values, width, scratch)? })
    }

    /// How many queries there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.packed.count()
    }

    /// What they belong to.
    #[must_use]
    pub const fn id(&self) -> SketchId {
        self.id
    }
}

/// Rows of a store that are worth an exact score, in a buffer of as many entries as
/// there shall be at most.
///
/// ```
/// use gradsieve::store::{Codec, Entry, Queries, Shortlist, Signs, Store, TopK};
/// # use gradsieve::{Layout, Rademacher, Sketch, Sketcher};
///
/// const K: usize = 256;
/// let mut memory = [0; Store::words(500, K, Codec::Sign)]; // 34 KiB
/// let mut store = Store::new(Codec::Sign, K, &mut memory)?;
/// # type Sketching = Sketcher<Rademacher, [f32; K]>;
/// # fn sketch_of(sample: u64, sketcher: &mut Sketching) -> Result<Sketch<'_>, gradsieve::Error> {
/// #     sketcher.segment(0, &core::array::from_fn::<f32, 1000, _>(|i| (i as f32 * sample as f32).sin()))?;
/// #     sketcher.finish()
/// # }
/// let mut sketcher = Sketcher::new(Rademacher::new(K, 7)?, Layout::flat(1000)?, [0.0; K])?;
/// for sample in 1..=500 {
///     store.append(sample, &sketch_of(sample, &mut sketcher)?)?;
/// }
///
/// let target = sketch_of(42, &mut sketcher)?;
///
/// // The fifty of whose signs most agree with the target's, weighted with how long they are …
/// let mut words = [0; Signs::words(1, K)];
/// let signs = Signs::new(target.id, target.values, &mut words)?;
/// let mut memory = [Entry::default(); 50];
/// let mut list = [Shortlist::new(&mut memory)];
/// store.shortlist(&signs, &mut [0; 64], &mut list)?;
///
/// // … and of those the three with the largest scores.
/// let mut scratch = [0.0; Queries::floats(Codec::Sign, 1, K)];
/// let query = Queries::new(Codec::Sign, target.id, target.values, &mut scratch)?;
/// let mut memory = [Entry::default(); 3];
/// let mut top = TopK::new(&mut memory);
/// let [list] = list;
/// store.top_of(&list, &query, &mut top)?;
/// assert_eq!(top.into_sorted()[0].id, 42);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct Shortlist<'m> {
    memory: &'m mut [Entry],
    len: usize,
}

impl<'m> Shortlist<'m> {
    /// An empty list of at most as many rows as `memory` has entries.
    #[must_use]
    pub const fn new(memory: &'m mut [Entry]) -> Self {
        Self { memory, len: 0 }
    }

    /// The rows on the list, by number, lowest first: `id` is a row's number in the
    /// store, `score` is its scale·cos(π·d/K).
    #[must_use]
    pub fn rows(&self) -> &[Entry] {
        self.memory.get(..self.len).certain()
    }
}

impl Store<'_> {
    /// `differences[q·n + r]`: in how many of K signs row r and query q differ, for all n
    /// rows.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the rows are not of [`Codec::Sign`] or belong to another
    /// kind of sketch than the queries; [`Error::Length`] if there are not as many
    /// differences as rows times queries. Nothing was written.
    pub fn differences(&self, signs: &Signs<'_>, differences: &mut [u32]) -> Result<(), Error> {
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
        signs: &Signs<'_>,
        differences: &mut [u32],
    ) -> Result<(), Error> {
        self.check_signs(signs)?;
        self.check_rows(&rows)?;
        check_length(signs.count().saturating_mul(rows.len()), differences.len())?;
        if differences.is_empty() {
            return Ok(());
        }
        let groups = groups_of(&rows, Codec::Sign, self.width());
        let groups: &[u64] = self.parts.groups.get(groups).certain();
        Ok(hamming_sealed(bytemuck::must_cast_slice(groups), signs.packed, differences)?)
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
        signs: &Signs<'_>,
        scratch: &mut [u32],
        lists: &mut [Shortlist<'_>],
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
            list.len = 0;
        }
        for start in (0..self.len()).step_by(tile) {
            let rows = start..self.len().min(start + tile);
            let scratch = scratch.get_mut(..rows.len() * lists.len()).certain();
            self.differences_rows(rows.clone(), signs, scratch)?;
            for first in rows.clone().step_by(PART) {
                let scales = self.scales_from(first)?;
                for (differences, list) in scratch.chunks(rows.len().max(1)).zip(lists.iter_mut()) {
                    let part = differences.get(first - start..).certain();
                    list.offer(first, part, &scales, self.width());
                }
            }
        }
        for list in lists {
            let mut top = TopK::filled(list.memory, list.len);
            top.sort_by_id();
        }
        Ok(())
    }

    /// Pushes the scores of the rows on `list` to `top`, each with its sample's id: exact
    /// ones, with the bits of [`Store::score`] for that query. There must be one query.
    /// The store may be another than the one that made the list, if its rows stand in the
    /// same order: a wider codec's.
    ///
    /// Returns how many scores were left out because they are NaN, which needs products
    /// that overflow `f32`.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if rows and query belong to different kinds of sketch or
    /// codecs; [`Error::Length`] if there is not one query; [`Error::Row`] if the list
    /// names a row that there is not. Nothing was pushed.
    pub fn top_of(
        &self,
        list: &Shortlist<'_>,
        query: &Queries<'_>,
        top: &mut TopK<'_>,
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
                self.score_rows(group.clone(), query, scores)?;
            }
            let score = scores.get(row - group.start).copied().certain();
            let id = self.ids().get(row).copied().certain();
            if top.push(Entry { id, score: score.into() }).is_err() {
                left_out += 1;
            }
        }
        Ok(left_out)
    }

    fn check_signs(&self, signs: &Signs<'_>) -> Result<(), Error> {
        if self.codec() != Codec::Sign {
            return Err(Error::Mismatch(Field::Codec));
        }
        self.check_sketch(&signs.id)
    }

    /// The scales of some rows.
    fn scales_from(&self, first: usize) -> Result<[f32; PART], Error> {
        let mut scales = [0.0; PART];
        let rows = first..self.len().min(first + PART);
        let halves = self.parts.halves.get(rows.clone()).certain();
        widen(halves, scales.get_mut(..halves.len()).certain())?;
        for (scale, exponent) in scales.iter_mut().zip(self.parts.exponents.get(rows).certain()) {
            *scale *= power(*exponent);
        }
        Ok(scales)
    }
}

/// Rows that are estimated at a time, on the stack.
const PART: usize = 64;

impl Shortlist<'_> {
    /// Offers rows from `first` on, in rising order, at most [`PART`] of them.
    fn offer(&mut self, first: usize, differences: &[u32], scales: &[f32; PART], width: usize) {
        let mut estimates = [f32::NEG_INFINITY; PART];
        let inverse = 1.0 / width as f32;
        for ((to, d), scale) in estimates.iter_mut().zip(differences).zip(scales) {
            *to = scale * cosine(*d, inverse);
        }
        let mut top = TopK::filled(self.memory, self.len);
        let mut bound = bound_of(&top);
        for (some, first) in estimates.as_chunks::<GROUP>().0.iter().zip((first as u64..).step_by(GROUP)) {
            // Mostly none: then there is one branch for all.
            if some.iter().fold(0, |above, estimate| above + u32::from(*estimate > bound)) == 0 {
                continue;
            }
            for (row, estimate) in (first..).zip(some) {
                // An equal one has a lower number, and so is before it.
                if *estimate > bound {
                    // Cannot fail: scales and cosines are numbers.
                    let _ = top.push(Entry { id: row, score: f64::from(*estimate) });
                    bound = bound_of(&top);
                }
            }
        }
        self.len = top.len();
    }
}

/// What a row has to be above to get on a list: scores there are numbers of `f32`.
fn bound_of(top: &TopK<'_>) -> f32 {
    match top.last() {
        Some(last) => last.score as f32,
        None if top.capacity() == 0 => f32::INFINITY,
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
