//! The blocked subsampled randomised Hadamard transform: a gradient of any length becomes
//! *k* numbers, after its coordinates have been mixed.
//!
//! Coordinates are taken in blocks of [`BLOCK`] = 1,024, aligned to multiples of it in
//! the whole gradient. A block is
//!
//! 1. given random signs: bit *i* mod 64 of word ⌊*i*/64⌋ of the hash stream, if set,
//!    flips coordinate *i* (coordinates that are not there count as +0, and have signs,
//!    too),
//! 2. transformed in place: [`mod@crate::hadamard`],
//! 3. projected by the [`mod@crate::sjlt`] with one repetition, as coordinates of the
//!    same numbers.
//!
//! So R = S·H·D, and the caller multiplies by [`Srht::SCALE`] = 1/√1024 = 1/32 when the
//! gradient is complete, which is exact. The transform spreads whatever a block holds
//! over all of its 1,024 places: what reaches the SJLT is never carried by few blocks of
//! 32, which is where the SJLT alone has heavy tails.
//!
//! *Unbiased*: E⟨Rx, Ry⟩ = ⟨x, y⟩ over seeds. *Variance* of ⟨Rx, Ry⟩: at most (‖x‖²‖y‖² +
//! ⟨x, y⟩²)/k, as the SJLT's, for HD/32 keeps inner products. *Tails* are light unless k
//! is above some thousands and few blocks of 1,024 carry the gradient. *Error* of an
//! output: at most (10 + n)·2⁻²⁴ times the sum, over the n ≈ p/k transformed elements
//! that reach it, of the magnitudes of all coordinates in the element's block. An entry
//! above 3·10³⁵ may overflow, for the transform of a block is as large as its sum.
//!
//! *Where a gradient is cut*: a segment that begins and ends on multiples of 1,024 gives
//! the bits of the whole. A cut inside a block makes two blocks of it, each with zeros
//! where the other has numbers: the transform is linear, so that is another rounding and
//! nothing else, but a whole block's work for each piece. [`srht_outer`] writes the rows
//! of an outer product side by side into the block, so that they are no cuts.
//!
//! *Cost*: ten additions an element for the transform, then the SJLT. *Memory*: 4 KiB of
//! stack for the block, and some hundred bytes. 1,024 and not 4,096, the transform's best
//! length: 16 KiB are too much for a microcontroller's stack, and a cut costs four times
//! as much.
//!
//! Sources: Ailon & Chazelle 2009 (randomised Hadamard transforms before sparse
//! projections); Tropp 2011 (SRHT). The blocked form with an SJLT in the place of the
//! subsampling is this project's.

use crate::dispatch::{Kernel, run};
use crate::dot::AHEAD;
use crate::element::Element;
use crate::error::Error;
use crate::hash;
use crate::level::Level;
use crate::simd::Simd;
use crate::sjlt::Repeat;
use crate::{Sjlt, hadamard, sjlt};

/// Coordinates that are transformed together.
pub const BLOCK: usize = 1024;

/// A block in rows of sixteen.
const ROWS: usize = BLOCK / 16;

/// Separates this projection's signs from every other use of a seed.
const STREAM: u64 = 0x5352_4854_2D31_3032;

/// Which blocked SRHT: the keys of its signs and of its SJLT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Srht {
    key: u64,
    sjlt: Sjlt,
}

impl Srht {
    /// 1/√1024: what the finished outputs are multiplied by.
    pub const SCALE: f32 = 1.0 / 32.0;

    /// The projection of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { key: hash::key(seed, STREAM), sjlt: Sjlt::new(seed, Repeat::One) }
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
    fn signs(self, start: u64) -> [u16; ROWS] {
        let mut signs = [0; ROWS];
        for (counter, signs) in (start / 64..).zip(signs.as_chunks_mut::<4>().0) {
            let word = hash::word(self.key, counter);
            *signs = [word as u16, (word >> 16) as u16, (word >> 32) as u16, (word >> 48) as u16];
        }
        signs
    }
}

/// Adds the projection of `scale`·x, the coordinates `offset..offset + x.len()` of a
/// gradient, to `out`. Each product is rounded to `f32` first; a scale of 1 changes
/// nothing.
///
/// # Errors
/// [`Error::Width`] as [`Srht::check_width`]; [`Error::Offset`] if the end of the last
/// coordinate's block exceeds 64 bits. `out` is as it was.
#[inline]
pub fn srht<T: Element>(
    projection: Srht,
    offset: u64,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) -> Result<(), Error> {
    srht_with(Level::best(), projection, offset, scale, x, out)
}

/// [`srht`] on a given level.
///
/// # Errors
/// As [`srht`].
#[inline]
pub fn srht_with<T: Element>(
    level: Level,
    projection: Srht,
    offset: u64,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) -> Result<(), Error> {
    check(projection, offset, x.len(), out.len())?;
    run(level, Project { projection, offset, rows: Rows { a: x, b: &[scale], taken: 0 }, out });
    Ok(())
}

/// Adds the projection of the outer product b aᵀ, rows side by side from coordinate
/// `offset` on, each product rounded to `f32`: the bits of [`srht`] of the matrix written
/// out.
///
/// # Errors
/// As [`srht`].
#[inline]
pub fn srht_outer<T: Element, U: Element>(
    projection: Srht,
    offset: u64,
    a: &[T],
    b: &[U],
    out: &mut [f32],
) -> Result<(), Error> {
    srht_outer_with(Level::best(), projection, offset, a, b, out)
}

/// [`srht_outer`] on a given level.
///
/// # Errors
/// As [`srht`].
#[inline]
pub fn srht_outer_with<T: Element, U: Element>(
    level: Level,
    projection: Srht,
    offset: u64,
    a: &[T],
    b: &[U],
    out: &mut [f32],
) -> Result<(), Error> {
    let length = a.len().checked_mul(b.len()).ok_or(Error::Offset)?;
    check(projection, offset, length, out.len())?;
    run(level, Project { projection, offset, rows: Rows { a, b, taken: 0 }, out });
    Ok(())
}

/// Blocks are whole, so the last coordinate's block has to fit in 64 bits, too.
fn check(projection: Srht, offset: u64, length: usize, width: usize) -> Result<(), Error> {
    sjlt::check(projection.sjlt, offset, length.saturating_add(BLOCK), width)
}

/// The rows b₀·a, b₁·a, … of a matrix that is not written out, and how much of it is
/// taken: whole rows, and entries of the next. A segment is a single row.
struct Rows<'a, T, U> {
    a: &'a [T],
    b: &'a [U],
    taken: usize,
}

impl<'a, T: Element, U: Element> Rows<'a, T, U> {
    /// Takes what is left of a row, `most` entries at most: their scale, and the entries.
    #[inline(always)]
    fn take(&mut self, most: usize) -> Option<(f32, &'a [T])> {
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
    fn is_empty(&self) -> bool {
        self.a.is_empty() || self.b.is_empty()
    }
}

/// The scalar text.
fn definition<T: Element, U: Element>(
    projection: Srht,
    mut offset: u64,
    mut rows: Rows<'_, T, U>,
    out: &mut [f32],
) {
    while !rows.is_empty() {
        let start = offset - offset % BLOCK as u64;
        let mut block = [0.0; BLOCK];
        let mut free = block.get_mut((offset - start) as usize..).unwrap_or_default();
        while let (false, Some((scale, piece))) = (free.is_empty(), rows.take(free.len())) {
            let Some((now, later)) = free.split_at_mut_checked(piece.len()) else { return };
            for (to, x) in now.iter_mut().zip(piece) {
                *to = scale * x.widen();
            }
            offset += piece.len() as u64;
            free = later;
        }
        for (i, x) in block.iter_mut().enumerate() {
            let word = hash::word(projection.key, (start + i as u64) / 64);
            *x = f32::from_bits(x.to_bits() ^ ((word >> (i % 64)) as u32) << 31);
        }
        hadamard::definition(&mut block);
        sjlt::definition(projection.sjlt, start, 1.0, &block, out);
    }
}

struct Project<'a, T, U> {
    projection: Srht,
    offset: u64,
    rows: Rows<'a, T, U>,
    out: &'a mut [f32],
}

impl<T: Element, U: Element> Kernel for Project<'_, T, U> {
    type Output = ();

    #[inline(always)]
    fn define(self) {
        definition(self.projection, self.offset, self.rows, self.out);
    }

    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) {
        let Self { projection, mut offset, mut rows, out } = self;
        let out = out.as_chunks_mut::<16>().0.as_chunks_mut::<2>().0;
        let mut block = Block([[0.0; 16]; ROWS]);
        while !rows.is_empty() {
            let first = (offset % BLOCK as u64) as usize;
            let start = offset - first as u64;
            let (before, mut free) = block.0.as_flattened_mut().split_at_mut(first);
            before.fill(0.0);
            while let (false, Some((scale, piece))) = (free.is_empty(), rows.take(free.len())) {
                let Some((now, later)) = free.split_at_mut_checked(piece.len()) else { return };
                write_scaled(s, scale, piece, now);
                offset += piece.len() as u64;
                free = later;
            }
            free.fill(0.0);
            hadamard::transform::<S, true>(s, &mut block.0, &projection.signs(start));
            let mut state = projection.sjlt.state(start / sjlt::BLOCK as u64);
            for x in block.0.as_flattened().as_chunks().0 {
                sjlt::one_block::<S, f32, 1, false>(s, &mut state, 1.0, x, out);
            }
        }
    }
}

/// A block on the stack, where no register's load crosses a cache line.
#[repr(align(64))]
struct Block([[f32; 16]; ROWS]);

/// to ← `scale`·x; both have one length.
#[inline(always)]
fn write_scaled<S: Simd, T: Element>(s: S, scale: f32, x: &[T], to: &mut [f32]) {
    let lanes = s.splat(scale);
    let (x, behind) = x.as_chunks::<16>();
    let (to, rest) = to.as_chunks_mut::<16>();
    for (x, to) in x.iter().zip(to) {
        s.prefetch(x, AHEAD);
        s.store(s.mul(lanes, T::load(s, x)), to);
    }
    for (x, to) in behind.iter().zip(rest) {
        *to = scale * x.widen();
    }
}
