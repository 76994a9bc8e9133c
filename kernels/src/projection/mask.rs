//! Which mask ([`mod@crate::mask`]), and what it keeps.

use crate::certain::Certain;
use crate::hash::{self, Stream};
use crate::key::Key;
use crate::projection::sjlt::{BLOCK, Repeat, Sjlt};
use core::num::NonZeroU16;

/// Separates this mask's hash stream from every other use of a key.
const STREAM: u64 = 0x4D41_534B_2D33_3200;

/// Which mask, and the SJLT behind it.
///
/// ```
/// use core::num::NonZero;
/// use gradsieve_kernels::sjlt::Repeat;
/// use gradsieve_kernels::{Key, Mask, mask};
///
/// let one_in_ten = Mask::new(Key::seed(7), Repeat::One, NonZero::new(10).unwrap());
/// let mut out = [0.0; 32];
/// // Of 320 coordinates 32 are kept.
/// mask(one_in_ten, 0, 1.0, &[1.0_f32; 320], &mut out)?;
/// assert_eq!(out.iter().map(|x| x.abs()).sum::<f32>() as u32 % 2, 0);
/// # Ok::<(), gradsieve_kernels::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mask {
    stream: Stream,
    every: NonZeroU16,
    sjlt: Sjlt,
}

impl Mask {
    /// The projection of a key that keeps one block in `every`.
    #[must_use]
    pub const fn new(key: Key, repeat: Repeat, every: NonZeroU16) -> Self {
        Self { stream: key.stream(STREAM), every, sjlt: Sjlt::new(key, repeat) }
    }

    /// *m*: of so many blocks one is kept.
    #[must_use]
    pub const fn every(self) -> NonZeroU16 {
        self.every
    }

    /// The SJLT of what is kept.
    #[must_use]
    pub const fn sjlt(self) -> Sjlt {
        self.sjlt
    }

    /// Coordinates of a stratum.
    #[inline(always)]
    const fn stratum(self) -> u64 {
        BLOCK as u64 * self.every.get() as u64
    }

    /// Where in stratum number `t` the kept block begins.
    #[inline(always)]
    const fn kept(self, t: u64) -> u64 {
        BLOCK as u64 * hash::below(self.stream.word(t) >> 32, 32, self.every.get() as u64)
    }
}

/// The parts of a segment that are kept, in order, each with its offset: at most one
/// block a stratum.
pub(crate) struct Kept<'a, T> {
    pub(crate) projection: Mask,
    /// Number of the next stratum, and its first coordinate's place in the segment; the
    /// first stratum may have begun `before` it.
    t: u64,
    place: usize,
    before: u64,
    offset: u64,
    pub(crate) x: &'a [T],
}

impl<'a, T> Kept<'a, T> {
    pub(crate) fn new(projection: Mask, offset: u64, x: &'a [T]) -> Self {
        let (t, before) = (offset / projection.stratum(), offset % projection.stratum());
        Self { projection, t, place: 0, before, offset, x }
    }

    /// Where in the segment the kept block begins of the stratum that is `ahead` after
    /// the next; it need not be there.
    #[inline(always)]
    pub(crate) fn place_of_later(&self, ahead: u16) -> usize {
        let projection = self.projection;
        let place =
            u64::from(ahead) * projection.stratum() + projection.kept(self.t.wrapping_add(ahead.into()));
        self.place.wrapping_add(place as usize)
    }

    /// A loop's `next`.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Option<(u64, &'a [T])> {
        loop {
            if self.place >= self.x.len() {
                return None;
            }
            // The kept block, counted from where the segment enters the stratum; what
            // lies before that is not there.
            let kept = self.projection.kept(self.t);
            let first = kept.saturating_sub(self.before) as usize;
            let end = (kept + BLOCK as u64).saturating_sub(self.before) as usize;
            let here = self.x.get(self.place..).certain();
            // The segment may end before the kept block does, or before it begins.
            let piece = here.get(first..end.min(here.len())).unwrap_or(&[]);
            let offset = self.offset.wrapping_add((self.place + first) as u64);
            self.place += (self.projection.stratum() - self.before) as usize;
            self.before = 0;
            self.t = self.t.wrapping_add(1);
            if !piece.is_empty() {
                return Some((offset, piece));
            }
        }
    }
}
