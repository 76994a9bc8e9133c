//! The rows that can be among the k largest scores, with a stated probability: the
//! certified form of a first look at rows of few bits.
//!
//! A row's score in few bits is an unbiased estimate of ⟨φ, q⟩. Where rotated numbers are
//! about normal, its error is, too, with the standard deviation
//!
//! σ = ‖q‖·√(‖x̂‖² − ‖φ‖²)/√(K − 1),
//!
//! x̂ being the row as it is stored (RaBitQ, Gao & Long 2024). ‖φ‖² is taken to be the
//! exact squared norm of the gradient, and ‖x̂‖²/‖φ‖² − 1 what levels of normal numbers
//! lose ([`crate::budget`]): .5708 with 1 bit, .1348 with 2, .0096 with 4. Of a 1-bit row
//! ‖x̂‖² is known, K·scale², and it is believed where it is larger. A row is a candidate
//! if its estimate plus ε·σ is not below the k-th largest estimate minus ε·σ.
//!
//! So a row that belongs to the k largest is missed if an estimate is too low by more
//! than ε deviations, or the k-th largest bound too high: with ε = 1.9 one in thirty-five
//! by normal errors, with 3 one in 740, with 4 one in 30,000. Rounding the query to int8
//! adds less than 1 % to σ and is left out. What is promised is about ⟨φ, q⟩ of sketches;
//! what the projection lost stays lost.
//!
//! *Cost*: two passes of [`Store::score`] over the rows.

use super::codec::Codec;
use super::queries::Queries;
use super::rows::Store;
use super::shortlist::{PART, Shortlist};
use super::top_k::{Entry, TopK};
use crate::error::{Error, Field, check_length};
use crate::memory::Buffer;
use gradsieve_kernels::{Certain, cannot_happen};

/// What is asked of [`Store::candidates`].
///
/// ```
/// use gradsieve::store::Certainty;
///
/// // A row that belongs to the largest is missed once in about 740 times.
/// let certainty = Certainty { norm: 12.5, deviations: 3.0 };
/// assert!(certainty.deviations > 1.9);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Certainty {
    /// ‖q‖, the Euclidean norm of the query's K numbers.
    pub norm: f64,
    /// ε: how many standard deviations an estimate may be off.
    pub deviations: f64,
}

impl<B: Buffer<u64>> Store<B> {
    /// Fills `list` anew with the rows whose inner product with the query can be among
    /// the k largest, and returns how many there are. If they are more than the list has
    /// room for, it has the most promising ones, and nothing is certain. `lower` is
    /// scratch that keeps k entries, and says so what k is. There must be one query.
    ///
    /// [`Store::top_of`] then scores the list, in a store of a wider codec whose rows
    /// stand in the same order.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the rows are not of few bits, or belong to another kind of
    /// sketch or codec than the query; [`Error::Length`] if there is not one query;
    /// [`Error::Setting`] if the norm or the deviations are negative or no numbers. The
    /// list is as it was.
    ///
    /// ```
    /// use gradsieve::store::{
    ///     Certainty, Codec, Entry, Queries, QueriesSettings, Shortlist, ShortlistSettings, Store,
    ///     StoreSettings, TopK, TopKSettings,
    /// };
    /// # use gradsieve::{Exact, Layout, Projector, Sketch};
    /// # let id = Exact::new(64).id(Layout::flat(64)?.id());
    /// # let rows: [[f32; 64]; 20] = core::array::from_fn(|r| core::array::from_fn(|i| ((r * 64 + i) as f32).sin()));
    /// # let sketch = |r: usize| Sketch::from_parts(id, &rows[r], gradsieve_kernels::summarize(&rows[r]));
    ///
    /// const STORE: StoreSettings = StoreSettings { codec: Codec::FourBits, width: 64, rows: 20 };
    /// let mut store = Store::new(STORE, [0; STORE.memory().others])?;
    /// for r in 0..20 {
    ///     store.append(r as u64, &sketch(r)?)?;
    /// }
    /// const QUERY: QueriesSettings = QueriesSettings { codec: Codec::FourBits, width: 64, count: 1 };
    /// let mut query = Queries::new(QUERY, [0.0; QUERY.memory().f32s])?;
    /// query.pack(id, &rows[7])?;
    ///
    /// let norm = gradsieve_kernels::squared_norm(&rows[7]).sqrt();
    /// let mut lower = TopK::new(TopKSettings { k: 1 }, [Entry::default(); 1])?;
    /// let mut list = Shortlist::new(ShortlistSettings { rows: 5 }, [Entry::default(); 5])?;
    /// let found = store.candidates(&query, Certainty { norm, deviations: 3.0 }, &mut lower, &mut list)?;
    /// assert!(found <= 5 && list.rows().iter().any(|row| row.id == 7));
    /// # Ok::<(), gradsieve::Error>(())
    /// ```
    pub fn candidates(
        &self,
        query: &Queries<impl Buffer<f32>>,
        certainty: Certainty,
        lower: &mut TopK<impl Buffer<Entry>>,
        list: &mut Shortlist<impl Buffer<Entry>>,
    ) -> Result<usize, Error> {
        let Certainty { norm, deviations } = certainty;
        let codec = self.settings().codec;
        let lost = codec.lost_by_levels().ok_or(Error::Mismatch(Field::Codec))?;
        self.check_queries(query)?;
        check_length(1, query.count())?;
        let is_size = |x: f64| x >= 0.0 && x.is_finite();
        if !is_size(norm) || !is_size(deviations) {
            return Err(Error::Setting { name: "certainty", expected: "a norm and deviations of 0 or more" });
        }
        let spread = deviations * norm / libm::sqrt(self.settings().width.saturating_sub(1).max(1) as f64);
        lower.reset();
        self.each_estimate(query, lost, spread, |entry, half| {
            push(lower, Entry { score: entry.score - half, ..entry });
        })?;
        let threshold = lower.last().map_or(f64::NEG_INFINITY, |last| last.score);
        list.rows_mut().reset();
        let mut found = 0_usize;
        self.each_estimate(query, lost, spread, |entry, half| {
            let score = entry.score + half;
            if score >= threshold {
                found = found.saturating_add(1);
                push(list.rows_mut(), Entry { score, ..entry });
            }
        })?;
        list.rows_mut().sort_by_id();
        Ok(found)
    }

    /// Hands over each row's number and estimate, and how far that may be off.
    fn each_estimate(
        &self,
        query: &Queries<impl Buffer<f32>>,
        lost: f64,
        spread: f64,
        mut take: impl FnMut(Entry, f64),
    ) -> Result<(), Error> {
        let width = self.settings().width as f64;
        let is_one_bit = self.settings().codec == Codec::OneBit;
        for first in (0..self.len()).step_by(PART) {
            let rows = first..self.len().min(first + PART);
            let mut scores = [0.0; PART];
            let scores = scores.get_mut(..rows.len()).certain();
            self.write_scores(rows.clone(), query, scores)?;
            let norms = self.squared_norms().get(rows.clone()).certain();
            let each = rows.zip(scores).zip(norms.iter().zip(self.scales_from(first)?));
            for ((row, score), (norm, scale)) in each {
                let mut lost = norm * lost;
                if is_one_bit {
                    lost = lost.max(width * f64::from(scale) * f64::from(scale) - norm);
                }
                let half = spread * libm::sqrt(lost);
                take(Entry { id: row as u64, score: f64::from(*score) }, half);
            }
        }
        Ok(())
    }
}

/// Takes an entry in whose score is a number, or infinite.
fn push(top: &mut TopK<impl Buffer<Entry>>, entry: Entry) {
    let pushed = top.push(entry);
    cannot_happen!(pushed.is_err(), "a score less or more its bound is no NaN");
}
