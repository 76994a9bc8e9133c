//! A factor of an outer product, measured and folded to a few numbers in one pass: a
//! count sketch with hashed signs and fixed places. Some fifteen instructions an entry on
//! a core without vectors, and no `f64`: for factors that are too short for a dense
//! projection to pay.
//!
//! A factor of *n* entries becomes *k* = 1, 2, 4 or 8 numbers; or, with *k* = *n*, up to
//! [`KEPT`], stays what it is. Word *t* of the hash stream serves the 32 entries from
//! 32·*t* on: entry *i* of those has its sign flipped if bit *i* of the word is set. It
//! goes to lane *i* mod 8, in order; then the upper lanes are added to the lower,
//! 8→4→2→1, until *k* are left.
//!
//! *Unbiased*: E⟨Cx, Cy⟩ = ⟨x, y⟩ over keys. *Variance* of ⟨Cx, Cy⟩: Σ (xᵢ²yⱼ² +
//! xᵢyᵢxⱼyⱼ) over pairs of entries whose numbers are congruent modulo *k*. Where entries
//! look alike that is a *k*-th part of all pairs, (‖x‖²‖y‖² + ⟨x, y⟩²)/k; where few
//! residues carry the factor it is up to *k* times as much. It is 0 if *k* = *n*.
//!
//! The measures ([`Tame`]) are summed in the same eight lanes, which are added up after
//! each 512 entries and begin anew: 64 additions a lane at most, three of lanes, one for
//! each 512 entries and one rounding of a square, so that relative errors are at most
//! 76·2⁻²⁴ of 4,096 entries.
//!
//! Sources: count sketch (Charikar, Chen & Farach-Colton 2002); that places are fixed is
//! this project's, so that sums stay in registers.

use crate::dispatch::run;
use crate::element::Element;
use crate::error::Error;
use crate::hash::Stream;
use crate::kernel::Kernel;
use crate::key::Key;
use crate::level::Level;
use crate::simd::Simd;
use crate::wide::{NOTED, SMALL};

/// The most entries that a factor may have to stay what it is.
pub const KEPT: usize = 32;

/// The most entries whose measures are taken in `f32`.
pub const LONGEST: usize = 4096;

/// Entries after which the lanes of the measures are added up.
const PIECE: usize = 512;

/// Entries that share one word of the hash.
const BLOCK: usize = 32;

/// Lanes, and the most numbers that a factor is folded to.
const LANES: usize = 8;

/// Separates this use of a key from all others.
const STREAM: u64 = u64::from_be_bytes(*b"FOLD-32\0");

/// How a factor is folded.
///
/// ```
/// use gradsieve_kernels::{Fold, Key, fold};
///
/// let fold_of_24 = Fold::new(24, 4, Key::seed(7)).ok_or("no such fold")?;
/// let mut out = [0.0; 4];
/// let measures = fold(&fold_of_24, &[1.0_f32; 24], false, &mut out)?;
/// assert!(out.iter().all(|sum| sum.abs() <= 6.0 && sum % 2.0 == 0.0));
/// assert_eq!(measures.map(|measures| measures.l1), Some(24.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fold {
    width: u8,
    kept: bool,
    words: Stream,
    /// Signs of word 0, which are all that short factors need.
    first: u32,
}

/// The measures of a factor, of those that `f32` holds.
///
/// ```
/// use gradsieve_kernels::{Tame, tame};
///
/// let expected = Tame { l1: 7.0, l2_squared: 25.0, max: 4.0 };
/// assert_eq!(tame(&[3.0_f32, -4.0], false), Some(expected));
/// assert_eq!(tame(&[1e30_f32], false), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tame {
    /// Σ |xᵢ|.
    pub l1: f32,
    /// Σ xᵢ².
    pub l2_squared: f32,
    /// max |xᵢ|.
    pub max: f32,
}

impl Fold {
    /// Of one entry, which stays what it is.
    pub const NONE: Self = Self { width: 1, kept: true, words: Key::seed(0).words(), first: 0 };

    /// Of `entries` to `width` numbers, drawn by `key`. None unless `width` is 1, 2, 4 or
    /// 8, or `entries` itself and at most [`KEPT`].
    #[must_use]
    pub const fn new(entries: u64, width: usize, key: Key) -> Option<Self> {
        let kept = width as u64 == entries && width <= KEPT;
        if width == 0 || !(kept || width <= LANES && width.is_power_of_two()) {
            return None;
        }
        let words = key.stream(STREAM);
        Some(Self { width: width as u8, kept, words, first: words.word(0) as u32 })
    }

    /// How many numbers a factor is folded to.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width as usize
    }

    /// To which number an entry goes, and whether its sign is flipped.
    #[must_use]
    pub const fn place(&self, entry: u64) -> (usize, bool) {
        if self.kept {
            return (entry as usize, false);
        }
        let i = entry % BLOCK as u64;
        ((i & (self.width as u64 - 1)) as usize, self.signs(entry / BLOCK as u64) >> i & 1 == 1)
    }

    /// The signs of a block.
    #[inline(always)]
    const fn signs(&self, block: u64) -> u32 {
        if block == 0 { self.first } else { self.words.word(block) as u32 }
    }
}

/// Folds a factor to `out`, whose numbers it replaces, and measures it: behind `x` stands
/// a 1, if it is `biased`. The measures are those of [`tame`]. The same on every level.
///
/// # Errors
/// [`Error::Length`] if `out` is not as long as the fold is wide, or the factor not as
/// long as one that stays what it is; `out` is as it was.
#[inline]
pub fn fold<T: Element>(fold: &Fold, x: &[T], biased: bool, out: &mut [f32]) -> Result<Option<Tame>, Error> {
    fold_with(Level::best(), fold, x, biased, out)
}

/// [`fold()`] on a given level.
///
/// # Errors
/// As [`fold()`].
#[inline]
pub fn fold_with<T: Element>(
    level: Level,
    fold: &Fold,
    x: &[T],
    biased: bool,
    out: &mut [f32],
) -> Result<Option<Tame>, Error> {
    let (width, entries) = (fold.width(), x.len() + usize::from(biased));
    if out.len() != width || (fold.kept && entries != width) {
        let found = if out.len() == width { entries } else { out.len() };
        return Err(Error::Length { expected: width, found });
    }
    let lanes = run(level, SumUp { fold: Some(fold), x, biased });
    if fold.kept {
        out.iter_mut().zip(x).for_each(|(out, x)| *out = x.widen());
        out.iter_mut().skip(x.len()).for_each(|out| *out = 1.0);
    } else {
        lanes.fold_to(out);
    }
    Ok(lanes.tame(entries))
}

/// The measures of a factor, behind which stands a 1 if it is `biased`. None if it has
/// more than [`LONGEST`] entries, if some are not finite, or if the largest magnitude is
/// 2³⁰ or more, or below 2⁻⁴⁰ and not 0: those are for [`crate::summarize`].
#[inline]
#[must_use]
pub fn tame<T: Element>(x: &[T], biased: bool) -> Option<Tame> {
    tame_with(Level::best(), x, biased)
}

/// [`tame`] on a given level.
#[inline]
#[must_use]
pub fn tame_with<T: Element>(level: Level, x: &[T], biased: bool) -> Option<Tame> {
    let entries = x.len() + usize::from(biased);
    if entries > LONGEST {
        return None;
    }
    run(level, SumUp { fold: None, x, biased }).tame(entries)
}

/// Lanes that are summed side by side, so that registers hold them, where there are no
/// wide vectors.
const ABREAST: usize = 4;

/// Numbers that a target without vectors keeps once, and one with them for each lane.
const OWN: usize = if cfg!(any(target_feature = "sse2", target_feature = "neon", target_feature = "simd128"))
{
    ABREAST
} else {
    1
};

/// The signs of entries to come: those of lane *i* begin at its word's lowest bit, or at
/// bit *i* of the only word.
#[derive(Clone, Copy)]
struct Signs<const EACH: usize>([u32; EACH]);

/// What is summed: of a fold, in lanes.
struct Lanes {
    folded: [f32; LANES],
    l1: f32,
    l2_squared: f32,
    /// The largest entry's bits, doubled: without its sign, ordered as magnitudes are.
    max: u32,
}

/// A factor that is summed up, its signs flipped by `fold` or left.
struct SumUp<'a, T> {
    fold: Option<&'a Fold>,
    x: &'a [T],
    biased: bool,
}

impl<T: Element> Kernel for SumUp<'_, T> {
    type Output = Lanes;

    #[inline(always)]
    fn scalar(self) -> Lanes {
        self.lanes::<ABREAST, OWN>()
    }

    #[inline(always)]
    fn vector<S: Simd>(self, _: S) -> Lanes {
        self.lanes::<LANES, LANES>()
    }
}

impl<T: Element> SumUp<'_, T> {
    /// SIDE lanes side by side, with EACH words of signs and maxima.
    #[inline(always)]
    fn lanes<const SIDE: usize, const EACH: usize>(self) -> Lanes {
        let mut lanes = Lanes { folded: [0.0; LANES], l1: 0.0, l2_squared: 0.0, max: 0 };
        let (mut left, mut block) = (self.x, 0);
        loop {
            let (piece, more) = left.split_at_checked(PIECE).unwrap_or((left, &[]));
            let is_last = more.is_empty() && !(self.biased && piece.len() == PIECE);
            self.piece::<SIDE, EACH>(piece, block, self.biased && is_last, &mut lanes);
            if is_last {
                return lanes;
            }
            (left, block) = (more, block + (PIECE / BLOCK) as u64);
        }
    }

    /// Takes in the entries from a block on, and the 1 behind them, if there is one.
    #[inline(always)]
    fn piece<const SIDE: usize, const EACH: usize>(
        &self,
        x: &[T],
        block: u64,
        has_one: bool,
        lanes: &mut Lanes,
    ) {
        let (groups, rest) = x.as_chunks::<SIDE>();
        let last: [f32; SIDE] = core::array::from_fn(|i| match rest.get(i) {
            Some(x) => x.widen(),
            None if has_one && i == rest.len() => 1.0,
            None => 0.0,
        });
        let count = groups.len() + usize::from(has_one || !rest.is_empty());
        let (mut magnitudes, mut squares, mut largest) = ([0.0; LANES], [0.0; LANES], [0; EACH]);
        for part in 0..LANES / SIDE {
            let to = part * SIDE;
            let folded = core::array::from_fn(|i| lanes.folded[(to + i) % LANES]);
            let mut sums = Part { folded, magnitudes: [0.0; SIDE], squares: [0.0; SIDE] };
            let (mut of_block, mut at, mut max) = (Signs::<EACH>::new(0), part, largest);
            while at < count {
                if at % (BLOCK / SIDE) == part {
                    let block = block + (at / (BLOCK / SIDE)) as u64;
                    let word = self.fold.map_or(0, |fold| fold.signs(block));
                    of_block = Signs::new(word >> to);
                }
                let group = match groups.get(at) {
                    Some(group) => core::array::from_fn(|i| group[i].widen()),
                    None => last,
                };
                for (i, x) in group.iter().enumerate() {
                    max[i % EACH] = max[i % EACH].max(x.to_bits() << 1);
                }
                sums.add(group, of_block);
                of_block = of_block.next();
                at += LANES / SIDE;
            }
            largest = max;
            for (all, own) in [
                (&mut lanes.folded, sums.folded),
                (&mut magnitudes, sums.magnitudes),
                (&mut squares, sums.squares),
            ] {
                all.iter_mut().skip(to).zip(own).for_each(|(to, own)| *to = own);
            }
        }
        lanes.l1 += sum(magnitudes);
        lanes.l2_squared += sum(squares);
        lanes.max = largest.into_iter().fold(lanes.max, u32::max);
    }
}

impl Lanes {
    /// The folded lanes, of which as many are left as `out` is long: 1, 2, 4 or 8.
    #[inline(always)]
    fn fold_to(&self, out: &mut [f32]) {
        let [a, b, c, d, e, f, g, h] = self.folded;
        let [low, high] = [[a, b, c, d], [e, f, g, h]];
        match out {
            [one] => *one = sum(self.folded),
            [even, odd] => {
                *even = (low[0] + high[0]) + (low[2] + high[2]);
                *odd = (low[1] + high[1]) + (low[3] + high[3]);
            }
            [a, b, c, d] => {
                let four = [a, b, c, d].into_iter().zip(low.into_iter().zip(high));
                four.for_each(|(out, (low, high))| *out = low + high);
            }
            eight => eight.iter_mut().zip(self.folded).for_each(|(out, lane)| *out = lane),
        }
    }

    /// The measures of so many entries.
    #[inline(always)]
    fn tame(&self, entries: usize) -> Option<Tame> {
        let max = f32::from_bits(self.max >> 1);
        let is_held = (SMALL..NOTED).contains(&max) || max == 0.0;
        let (l1, l2_squared) = (self.l1, self.l2_squared);
        (is_held && entries <= LONGEST).then_some(Tame { l1, l2_squared, max })
    }
}

/// All eight lanes: 8→4→2→1.
#[inline(always)]
fn sum([a, b, c, d, e, f, g, h]: [f32; LANES]) -> f32 {
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// Lanes that are summed side by side.
struct Part<const SIDE: usize> {
    folded: [f32; SIDE],
    magnitudes: [f32; SIDE],
    squares: [f32; SIDE],
}

impl<const SIDE: usize> Part<SIDE> {
    #[inline(always)]
    fn add<const EACH: usize>(&mut self, x: [f32; SIDE], signs: Signs<EACH>) {
        for (i, x) in x.into_iter().enumerate() {
            self.magnitudes[i] += x.abs();
            self.squares[i] += x * x;
            self.folded[i] += f32::from_bits(x.to_bits() ^ signs.of(i));
        }
    }
}

impl<const EACH: usize> Signs<EACH> {
    #[inline(always)]
    fn new(word: u32) -> Self {
        Self(core::array::from_fn(|i| word >> i))
    }

    /// The sign's bit for the entry of a lane, set if it is to be flipped.
    #[inline(always)]
    const fn of(self, lane: usize) -> u32 {
        (self.0[lane % EACH] >> (lane / EACH)) << 31
    }

    /// Those of the entries after eight.
    #[inline(always)]
    fn next(self) -> Self {
        Self(self.0.map(|word| word >> LANES))
    }
}
