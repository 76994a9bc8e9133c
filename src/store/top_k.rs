//! The k largest scores of a stream, in fixed memory: proponents, or the most anomalous
//! samples. (For opponents, push −score.)
//!
//! A total order decides: larger score first, lower id first among equals. So what is
//! kept does not depend on the order of arrival, nor on how a stream was cut into parts
//! that were merged.
//!
//! *Memory*: 16 bytes an entry. *Cost*: a comparison for a score that is not among the k,
//! else O(log k).

use crate::error::Error;
use crate::memory::Memory;
use crate::sketch::SketchId;
use crate::state::{Body, FRAME, State, StateKind, Walk, place, slice};
use gradsieve_kernels::{Certain, cannot_happen};

/// A score and whose it is.
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

/// The k largest entries pushed so far, in a buffer of k entries. Pushing an id twice
/// keeps it twice.
///
/// ```
/// use gradsieve::store::{Entry, TopK};
///
/// let mut memory = [Entry::default(); 2];
/// let mut top = TopK::new(&mut memory);
/// for (id, score) in [(0, 0.5), (1, 2.0), (2, -1.0), (3, 2.0)] {
///     top.push(Entry { id, score })?;
/// }
/// assert_eq!(top.into_sorted(), [Entry { id: 1, score: 2.0 }, Entry { id: 3, score: 2.0 }]);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct TopK<'m> {
    /// The first `len` are a heap: no entry stands before its parent, so the root is the
    /// last of the k.
    entries: &'m mut [Entry],
    len: usize,
}

impl<'m> TopK<'m> {
    /// What the k largest need: k [`Entry`] as `others`.
    #[must_use]
    pub const fn memory(k: usize) -> Memory {
        let bytes_at_rest = k.saturating_mul(16).saturating_add(FRAME + 16);
        Memory { others: k, bytes_at_rest, ..Memory::NONE }
    }

    /// Nothing yet; k is the length of `memory`.
    #[must_use]
    pub const fn new(memory: &'m mut [Entry]) -> Self {
        Self { entries: memory, len: 0 }
    }

    /// The first `len` entries of `memory`, which an earlier one of these left there.
    pub(super) fn filled(memory: &'m mut [Entry], len: usize) -> Self {
        let len = len.min(memory.len());
        Self { entries: memory, len }
    }

    /// Brings the entries kept into the order of their ids, the lowest first, and forgets
    /// the heap. Ids are below 2⁵³.
    pub(super) fn sort_by_id(&mut self) {
        let len = self.len;
        for i in 0..len {
            // What is sorted by is a score, so the two change their roles.
            if let Some(entry) = self.entries.get(i).copied() {
                self.len = i + 1;
                self.rise(Entry { id: entry.score.to_bits(), score: -(entry.id as f64) });
            }
        }
        for entry in TopK::filled(self.entries, len).into_sorted_mut() {
            *entry = Entry { id: -entry.score as u64, score: f64::from_bits(entry.id) };
        }
    }

    /// Forgets everything.
    pub const fn reset(&mut self) {
        self.len = 0;
    }

    /// k.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.entries.len()
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

    /// The entries kept, in no particular order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        self.entries.get(..self.len).certain()
    }

    /// The entry that the next better one will displace; `None` while there is room.
    #[must_use]
    pub fn last(&self) -> Option<&Entry> {
        if self.len < self.capacity() { None } else { self.entries().first() }
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
        if self.len < self.capacity() {
            self.len += 1;
            self.rise(entry);
            return Ok(None);
        }
        match self.last().copied() {
            Some(last) if entry.is_before(&last) => {
                sink(self.entries, entry);
                Ok(Some(last))
            }
            _ => Ok(Some(entry)),
        }
    }

    /// Takes in all that `other` keeps: what is kept then are the k largest of both
    /// streams, if `other` keeps k or more itself.
    pub fn merge(&mut self, other: &TopK<'_>) {
        for &entry in other.entries() {
            let pushed = self.push(entry);
            cannot_happen!(pushed.is_err(), "an entry that is kept has a score");
        }
    }

    /// The entries kept, the largest first.
    #[must_use]
    pub fn into_sorted(self) -> &'m [Entry] {
        self.into_sorted_mut()
    }

    fn into_sorted_mut(self) -> &'m mut [Entry] {
        let heap = self.entries.get_mut(..self.len).certain();
        let mut len = heap.len();
        // The root is the last of those that remain: it changes places with the one at
        // the end.
        while let Some((end, rest)) = heap.get_mut(..len).and_then(<[Entry]>::split_last_mut) {
            if let Some(root) = rest.first() {
                let moved = core::mem::replace(end, *root);
                sink(rest, moved);
            }
            len -= 1;
        }
        heap
    }

    /// Puts an entry at the end of the heap and lets it rise to its place.
    fn rise(&mut self, entry: Entry) {
        let mut hole = self.len.saturating_sub(1);
        while hole > 0 {
            let parent = (hole - 1) / 2;
            match self.entries.get(parent).copied() {
                Some(above) if above.is_before(&entry) => put(self.entries, hole, above),
                _ => break,
            }
            hole = parent;
        }
        put(self.entries, hole, entry);
    }
}

impl State for TopK<'_> {
    const KIND: StateKind = StateKind::TopK;

    /// Scores, which do not know of what they are.
    fn sketch_id(&self) -> Option<SketchId> {
        None
    }
}

impl Body for TopK<'_> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        walk.setting(walk.state().capacity() as u64)?;
        let len = walk.number(place!(len))?;
        walk.records(slice!(entries), 0..len, |cursor, entry: &mut Entry| {
            cursor.number(&mut entry.id)?;
            cursor.number(&mut entry.score)?;
            cursor.require(!entry.score.is_nan(), Error::Corrupt)
        })
    }
}

/// Puts an entry in the root's place and lets it sink to its own.
fn sink(heap: &mut [Entry], entry: Entry) {
    let mut hole = 0;
    loop {
        let child = hole * 2 + 1;
        let index = match (heap.get(child), heap.get(child + 1)) {
            (Some(left), Some(right)) => child + usize::from(left.is_before(right)),
            _ => child,
        };
        let Some(below) = heap.get(index).copied() else { break };
        if !entry.is_before(&below) {
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
