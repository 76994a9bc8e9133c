//! A dense Gaussian projection, made on the fly: every one of *k* outputs is the sum of
//! all inputs times normal numbers of its own.
//!
//! out\[j\] += Σᵢ gᵢⱼ·xᵢ with independent gᵢⱼ from a hash of (seed, i, j), so nothing is
//! stored and a gradient may arrive in any split. The caller multiplies by
//! [`Gaussian::scale`] = 1/√k when the gradient is complete.
//!
//! **What gᵢⱼ is.** Sixteen fair bits, four nibbles: g = t₀ + t₁ + t₂ + t₃, where t_q is
//! entry *n* mod 8 of row *q* of [`TABLES`], *n* the q-th nibble, with a minus if *n* is
//! 8 or more. So g takes 65,536 values, each as likely. The tables were fitted: the
//! moments up to the seventh are those of N(0, 1), to three parts in 10⁸ (variance 1,
//! kurtosis 3, sixth moment 15; the eighth is 0.6 % low), and the distribution function
//! is nowhere further than 7·10⁻⁴ from the normal one, 2.3·10⁻⁴ in the mean square. The
//! largest |g| is 4.33, which a normal number exceeds once in 67,000 times. There is no
//! logarithm or root in it, so it is the same everywhere. What a projection's variance
//! rests on is the fourth moment, and what the variance of that rests on the eighth: no
//! estimate from sketches can tell it from a normal one before some 10⁵ of them.
//!
//! Word number i·k/4 + 8b + m of the hash stream serves input i and, for the outputs from
//! 32·b on, those of numbers 2m, 2m + 1 (bits 0..16 and 32..48) and 16 + 2m, 16 + 2m + 1
//! (bits 16..32 and 48..64). An input adds
//!
//! out\[j\] += (t₀x + t₁x) + (t₂x + t₃x)
//!
//! in rising order of inputs; every operation is rounded once. The products t_q·x are
//! sixteen a table, made once an input, and looked up for every output.
//!
//! Where a gradient is cut changes no bit. *Unbiased*: E⟨Rx, Ry⟩ = ⟨x, y⟩ over seeds.
//! *Variance* of ⟨Rx, Ry⟩: (‖x‖²‖y‖² + ⟨x, y⟩²)/k, whatever the gradient; the tails are
//! those of a χ² with k degrees of freedom. *Error* of an output: at most 2⁻²⁴·(13·Σ|xᵢ| +
//! p·Σ|gᵢⱼxᵢ|), and about √p·2⁻²⁴·‖x‖ in practice. An entry above 7·10³⁷ may overflow.
//! *Cost*: four look-ups and four additions an input and output, and a word of the hash
//! for four; the [`mod@crate::rademacher`] costs a quarter of each, for 32 inputs at
//! once, and has a smaller variance.
//!
//! Sources: Johnson & Lindenstrauss 1984; Dasgupta & Gupta 2003 (normal entries). The sum
//! of fitted tables is this project's.

use crate::dispatch::{Kernel, run};
use crate::element::Element;
use crate::error::{Error, same_length};
use crate::hash::{self, GOLDEN};
use crate::level::Level;
use crate::rademacher::one_over_root;
use crate::simd::Simd;

pub use crate::spec::gaussian::TABLES;

/// What a width must be a multiple of.
pub const WIDTH_MULTIPLE: usize = 32;

/// The tables with their second halves, the negative ones.
const SIGNED: [[f32; 16]; 4] = {
    let mut signed = [[0.0; 16]; 4];
    let mut n = 0;
    while n < 64 {
        let magnitude = TABLES[n / 16][n % 8];
        signed[n / 16][n % 16] = if n % 16 < 8 { magnitude } else { -magnitude };
        n += 1;
    }
    signed
};

/// Separates this projection's hash stream from every other use of a seed.
const STREAM: u64 = 0x4741_5553_5349_414E;

/// Which projection: the key of its hash stream and its width *k*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gaussian {
    key: u64,
    width: usize,
}

impl Gaussian {
    /// The projection to `width` outputs that belongs to `seed`.
    ///
    /// # Errors
    /// [`Error::Width`] unless `width` is a positive multiple of [`WIDTH_MULTIPLE`].
    pub const fn new(width: usize, seed: u64) -> Result<Self, Error> {
        if width == 0 || !width.is_multiple_of(WIDTH_MULTIPLE) {
            return Err(Error::Width { multiple: WIDTH_MULTIPLE, found: width });
        }
        Ok(Self { key: hash::key(seed, STREAM), width })
    }

    /// *k*: outputs.
    #[must_use]
    pub const fn width(self) -> usize {
        self.width
    }

    /// 1/√k: what the finished outputs are multiplied by.
    #[must_use]
    pub const fn scale(self) -> f32 {
        one_over_root(self.width)
    }

    /// The hash state that belongs to the first outputs of input `i`; adding [`GOLDEN`]
    /// leads to the next word, and behind the last word of an input stands the first of
    /// the next.
    #[inline(always)]
    const fn state(self, i: u64) -> u64 {
        let counter = i.wrapping_mul(self.width as u64 / 4);
        self.key.wrapping_add(counter.wrapping_add(1).wrapping_mul(GOLDEN))
    }
}

/// Adds the projection of `scale`·x, the coordinates `offset..offset + x.len()` of a
/// gradient, to `out`, which is *k* long. Each product is rounded to `f32` first; a scale
/// of 1 changes nothing.
///
/// # Errors
/// [`Error::Length`] if `out` is not *k* long; [`Error::Offset`] if the last coordinate's
/// number exceeds 64 bits. `out` is as it was.
#[inline]
pub fn gaussian<T: Element>(
    projection: Gaussian,
    offset: u64,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) -> Result<(), Error> {
    gaussian_with(Level::best(), projection, offset, scale, x, out)
}

/// [`gaussian`] on a given level.
///
/// # Errors
/// As [`gaussian`].
#[inline]
pub fn gaussian_with<T: Element>(
    level: Level,
    projection: Gaussian,
    offset: u64,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) -> Result<(), Error> {
    same_length(projection.width, out.len())?;
    if offset.checked_add(x.len() as u64).is_none() {
        return Err(Error::Offset);
    }
    run(level, Project { projection, offset, scale, x, out });
    Ok(())
}

/// The scalar text.
fn definition<T: Element>(projection: Gaussian, offset: u64, scale: f32, x: &[T], out: &mut [f32]) {
    let mut state = projection.state(offset);
    for x in x {
        let x = scale * x.widen();
        let tables = SIGNED.map(|table| table.map(|entry| entry * x));
        for out in out.as_chunks_mut::<32>().0 {
            let (low, high) = out.split_at_mut(16);
            for (low, high) in low.as_chunks_mut::<2>().0.iter_mut().zip(high.as_chunks_mut::<2>().0) {
                let word = hash::mix(state);
                state = state.wrapping_add(GOLDEN);
                low[0] += entry(&tables, word as u16);
                high[0] += entry(&tables, (word >> 16) as u16);
                low[1] += entry(&tables, (word >> 32) as u16);
                high[1] += entry(&tables, (word >> 48) as u16);
            }
        }
    }
}

/// g·x, from the products of the tables with x.
fn entry(tables: &[[f32; 16]; 4], bits: u16) -> f32 {
    let t = |q: usize| tables[q][usize::from(bits >> (4 * q)) % 16];
    (t(0) + t(1)) + (t(2) + t(3))
}

struct Project<'a, T> {
    projection: Gaussian,
    offset: u64,
    scale: f32,
    x: &'a [T],
    out: &'a mut [f32],
}

impl<T: Element> Kernel for Project<'_, T> {
    type Output = ();

    #[inline(always)]
    fn define(self) {
        definition(self.projection, self.offset, self.scale, self.x, self.out);
    }

    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) {
        let Self { projection, offset, scale, x, out } = self;
        let out = out.as_chunks_mut::<16>().0.as_chunks_mut::<2>().0;
        let [a, b, c, d] = &SIGNED;
        let (a, b, c, d) = (s.load(a), s.load(b), s.load(c), s.load(d));
        let mut state = s.hash_state(projection.state(offset));
        for x in x {
            let x = s.splat(scale * x.widen());
            let (a, b, c, d) = (s.mul(a, x), s.mul(b, x), s.mul(c, x), s.mul(d, x));
            for [low, high] in &mut *out {
                let words = s.hash_words(&mut state);
                let term = s.add(
                    s.add(s.look_up_odd::<0>(a, words), s.look_up_odd::<4>(b, words)),
                    s.add(s.look_up_odd::<8>(c, words), s.look_up_odd::<12>(d, words)),
                );
                s.store(s.add(s.load(low), term), low);
                let term = s.add(
                    s.add(s.look_up_odd::<16>(a, words), s.look_up_odd::<20>(b, words)),
                    s.add(s.look_up_odd::<24>(c, words), s.look_up_odd::<28>(d, words)),
                );
                s.store(s.add(s.load(high), term), high);
            }
        }
    }
}
