//! Which blocked SRHT ([`mod@crate::srht`]), and the rows that it takes.

use super::sjlt::{self, Repeat, Sjlt};
use crate::element::Element;
use crate::error::Error;
use crate::hash::Stream;
use crate::key::Key;

/// Coordinates that are transformed together.
pub const BLOCK: usize = 1024;

/// A block in rows of sixteen.
pub(crate) const ROWS: usize = BLOCK / 16;

/// Separates this projection's signs from every other use of a key.
const STREAM: u64 = 0x5352_4854_2D31_3032;

/// Which blocked SRHT: its signs and its SJLT.
///
/// ```
/// use gradsieve_kernels::{Key, Srht, srht};
///
/// let mut out = [0.0; 32];
/// srht(Srht::new(Key::seed(7)), 0, 1.0, &[1.0_f32], &mut out)?;
/// out.iter_mut().for_each(|x| *x *= Srht::SCALE);
/// assert!(out.iter().any(|x| *x != 0.0));
/// # Ok::<(), gradsieve_kernels::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Srht {
    pub(crate) signs: Stream,
    pub(crate) sjlt: Sjlt,
}

impl Srht {
    /// 1/√1024: what the finished outputs are multiplied by.
    pub const SCALE: f32 = 1.0 / 32.0;

    /// The projection of a key.
    #[must_use]
    pub const fn new(key: Key) -> Self {
        Self { signs: key.stream(STREAM), sjlt: Sjlt::new(key, Repeat::One) }
    }

    /// Whether `width` outputs fit this projection.
    ///
    /// # Errors
    /// [`Error::Width`] unless `width` is a positive multiple of 32 with at most 2²⁷
    /// blocks.
    pub const fn check_width(self, width: usize) -> Result<(), Error> {
        self.sjlt.check_width(width)
    }

    /// The signs of the block that begins at coordinate `start`, sixteen a number.
    #[inline(always)]
    pub(crate) fn signs(self, start: u64) -> [u16; ROWS] {
        let mut signs = [0; ROWS];
        for (counter, signs) in (start / 64..).zip(signs.as_chunks_mut::<4>().0) {
            let word = self.signs.word(counter);
            *signs = [word as u16, (word >> 16) as u16, (word >> 32) as u16, (word >> 48) as u16];
        }
        signs
    }
}

/// Blocks are whole, so the last coordinate's block has to fit in 64 bits, too.
pub(crate) fn check(projection: Srht, offset: u64, length: usize, width: usize) -> Result<(), Error> {
    sjlt::check(projection.sjlt, offset, length.saturating_add(BLOCK), width)
}

/// The rows b₀·a, b₁·a, … of a matrix that is not written out, and how much of it is
/// taken: whole rows, and entries of the next. A segment is a single row.
pub(crate) struct Rows<'a, T, U> {
    pub(crate) a: &'a [T],
    pub(crate) b: &'a [U],
    pub(crate) taken: usize,
}

impl<'a, T: Element, U: Element> Rows<'a, T, U> {
    /// Takes what is left of a row, `most` entries at most: their scale, and the entries.
    #[inline(always)]
    pub(crate) fn take(&mut self, most: usize) -> Option<(f32, &'a [T])> {
        let (scale, below) = self.b.split_first()?;
        let left = self.a.get(self.taken..)?;
        let piece = left.get(..most).unwrap_or(left);
        self.taken += piece.len();
        if piece.len() == left.len() {
            (self.b, self.taken) = (below, 0);
        }
        Some((scale.widen(), piece))
    }

    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.a.is_empty() || self.b.is_empty()
    }
}
