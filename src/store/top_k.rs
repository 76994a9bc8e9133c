//! The k largest scores of a stream, in fixed memory: proponents, or the most anomalous
//! samples. (For opponents, push −score.)
//!
//! A total order decides: larger score first, lower id first among equals. So what is
//! kept does not depend on the order of arrival, nor on how a stream was cut into parts
//! that were merged.
//!
//! *Memory*: 16 bytes an entry. *Cost*: a comparison for a score that is not among the k,
//! else O(log k).

use crate::error::{Error, check_length};
use crate::memory::{Buffer, Memory};
use crate::sketch::SketchId;
use crate::state::{Body, FRAME, State, StateKind, Walk, place, slice};
use gradsieve_kernels::{Certain, cannot_happen};

/// A score and whose it is.
///
/// ```
/// use gradsieve::store::Entry;
///
/// // What fills a buffer of entries before the first is pushed.
/// assert_eq!([Entry::default(); 2], [Entry { id: 0, score: 0.0 }; 2]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Entry {
    /// The sample.
    pub id: u64,
    /// Its score.
    pub score: f64,
}

impl Entry {
    /// Whether it stands before `other`. Scores are numbers, never NaN. Without branches:
    /// in a heap nobody could foretell them.
    fn is_before(&self, other: &Self) -> bool {
        (self.score > other.score) | ((self.score == other.score) & (self.id < other.id))
    }
}

/// How many entries are kept.
///
/// ```
/// use gradsieve::store::TopKSettings;
///
/// assert_eq!(TopKSettings { k: 10 }.memory().others, 10);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct TopKSettings {
    /// Entries, at most.
    pub k: usize,
}

impl TopKSettings {
    /// What the state needs: k [`Entry`] as `others`.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        let bytes_at_rest = self.k.saturating_mul(16).saturating_add(FRAME + 16);
        Memory { others: self.k, bytes_at_rest, ..Memory::NONE }
    }
}

/// The k largest entries pushed so far. Pushing an id twice keeps it twice.
///
/// ```
/// use gradsieve::store::{Entry, TopK, TopKSettings};
///
/// const SETTINGS: TopKSettings = TopKSettings { k: 2 };
/// let mut top = TopK::new(SETTINGS, [Entry::default(); SETTINGS.memory().others])?;
/// for (id, score) in [(0, 0.5), (1, 2.0), (2, -1.0), (3, 2.0)] {
///     top.push(Entry { id, score })?;
/// }
/// assert!(top.sorted().eq(&[Entry { id: 1, score: 2.0 }, Entry { id: 3, score: 2.0 }]));
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct TopK<B> {
    settings: TopKSettings,
    /// The first `len` are a heap: no entry stands before its parent, so the root is the
    /// last of the k.
    entries: B,
    len: usize,
}

impl<const N: usize> TopK<[Entry; N]> {
    /// Nothing yet, in an array of its own: for `static` cells, too.
    ///
    /// # Errors
    /// As [`new`](TopK::new).
    pub const fn owned(settings: TopKSettings) -> Result<Self, Error> {
        match check_length(settings.k, N) {
            Ok(()) => Ok(Self::over(settings, [Entry { id: 0, score: 0.0 }; N])),
            Err(error) => Err(error),
        }
    }
}

impl<B> TopK<B> {
    const fn over(settings: TopKSettings, entries: B) -> Self {
        Self { settings, entries, len: 0 }
    }

    /// Forgets everything.
    pub const fn reset(&mut self) {
        self.len = 0;
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> TopKSettings {
        self.settings
    }

    /// Entries kept: k, or fewer if fewer were pushed.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no entries.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<B: Buffer<Entry>> TopK<B> {
    /// Nothing yet; what the buffer holds does not matter.
    ///
    /// # Errors
    /// [`Error::Length`] if there are not k entries.
    pub fn new(settings: TopKSettings, buffer: B) -> Result<Self, Error> {
        check_length(settings.k, buffer.as_ref().len())?;
        Ok(Self::over(settings, buffer))
    }

    /// The entries kept, in no particular order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        self.entries.as_ref().get(..self.len).certain()
    }

    fn entries_mut(&mut self) -> &mut [Entry] {
        self.entries.as_mut().get_mut(..self.len).certain()
    }

    /// The entry that the next better one will displace; `None` while there is room.
    #[must_use]
    pub fn last(&self) -> Option<&Entry> {
        if self.len < self.settings.k { None } else { self.entries().first() }
    }

    /// Takes an entry in. Returns the one that is not, or no longer, among the k; `None`
    /// while there was room.
    ///
    /// # Errors
    /// [`Error::NonFinite`] if the score is NaN (infinite ones have their place); nothing
    /// has changed.
    pub fn push(&mut self, entry: Entry) -> Result<Option<Entry>, Error> {
        if entry.score.is_nan() {
            return Err(Error::NonFinite);
        }
        if self.len < self.settings.k {
            self.len += 1;
            rise(self.entries_mut(), entry, Entry::is_before);
            return Ok(None);
        }
        match self.last().copied() {
            Some(last) if entry.is_before(&last) => {
                sink(self.entries_mut(), entry, Entry::is_before);
                Ok(Some(last))
            }
            _ => Ok(Some(entry)),
        }
    }

    /// Takes in all that `other` keeps: what is kept then are the k largest of both
    /// streams, if `other` keeps k or more itself.
    pub fn merge(&mut self, other: &TopK<impl Buffer<Entry>>) {
        for &entry in other.entries() {
            let pushed = self.push(entry);
            cannot_happen!(pushed.is_err(), "an entry that is kept has a score");
        }
    }

    /// The entries kept, the largest first. Costs O(k log k). Pushing may go on
    /// afterwards.
    pub fn sorted(&mut self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator {
        let entries = self.entries_mut();
        sort(entries, Entry::is_before);
        // The last at the root is a heap again.
        entries.reverse();
        entries.iter().rev()
    }

    /// Brings the entries kept into the order of their ids, the lowest first, and forgets
    /// the heap: nothing may be pushed before a reset.
    pub(super) fn sort_by_id(&mut self) {
        let is_before = |a: &Entry, b: &Entry| a.id < b.id;
        let entries = self.entries_mut();
        for end in 1..=entries.len() {
            let heap = entries.get_mut(..end).certain();
            if let Some(entry) = heap.last().copied() {
                rise(heap, entry, is_before);
            }
        }
        sort(entries, is_before);
    }
}

impl<B: Buffer<Entry>> State for TopK<B> {
    const KIND: StateKind = StateKind::TopK;

    /// Scores, which do not know of what they are.
    fn sketch_id(&self) -> Option<SketchId> {
        None
    }
}

impl<B: Buffer<Entry>> Body for TopK<B> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        walk.setting(walk.state().settings.k as u64)?;
        let len = walk.number(place!(len))?;
        walk.records(slice!(entries), 0..len, |cursor, entry: &mut Entry| {
            cursor.number(&mut entry.id)?;
            cursor.number(&mut entry.score)?;
            cursor.require(!entry.score.is_nan(), Error::Corrupt)
        })
    }
}

/// Sorts a heap, whose root stands behind all others, by what it was made with.
fn sort(heap: &mut [Entry], is_before: impl Fn(&Entry, &Entry) -> bool + Copy) {
    let mut len = heap.len();
    // The root is the last of those that remain: it changes places with the one at the
    // end.
    while let Some((end, rest)) = heap.get_mut(..len).and_then(<[Entry]>::split_last_mut) {
        if let Some(root) = rest.first() {
            let moved = core::mem::replace(end, *root);
            sink(rest, moved, is_before);
        }
        len -= 1;
    }
}

/// Puts an entry at the end of a heap, whose last place is free, and lets it rise to its
/// own.
fn rise(heap: &mut [Entry], entry: Entry, is_before: impl Fn(&Entry, &Entry) -> bool) {
    let mut hole = heap.len().saturating_sub(1);
    while hole > 0 {
        let parent = (hole - 1) / 2;
        match heap.get(parent).copied() {
            Some(above) if is_before(&above, &entry) => put(heap, hole, above),
            _ => break,
        }
        hole = parent;
    }
    put(heap, hole, entry);
}

/// Puts an entry in the root's place and lets it sink to its own.
fn sink(heap: &mut [Entry], entry: Entry, is_before: impl Fn(&Entry, &Entry) -> bool) {
    let mut hole = 0;
    loop {
        let child = hole * 2 + 1;
        let index = match (heap.get(child), heap.get(child + 1)) {
            (Some(left), Some(right)) => child + usize::from(is_before(left, right)),
            _ => child,
        };
        let Some(below) = heap.get(index).copied() else { break };
        if !is_before(&entry, &below) {
            break;
        }
        put(heap, hole, below);
        hole = index;
    }
    put(heap, hole, entry);
}

fn put(heap: &mut [Entry], index: usize, entry: Entry) {
    cannot_happen!(index >= heap.len(), "a hole lies within the heap");
    if let Some(place) = heap.get_mut(index) {
        *place = entry;
    }
}
