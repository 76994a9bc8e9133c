//! The dense Rademacher projection, made on the fly: every one of *k* outputs is the sum
//! of all inputs with signs of its own.
//!
//! out\[j\] += Σᵢ sᵢⱼ·xᵢ with independent fair signs from a hash of (seed, i, j), so
//! nothing is stored and a gradient may arrive in segments. The caller multiplies by
//! [`Rademacher::scale`] = 1/√k when the gradient is complete.
//!
//! Coordinates are taken in groups of [`GROUP`] = 32, aligned to multiples of 32 in the
//! whole gradient. Word number g·k/2 + m of the hash stream serves group g and the
//! outputs 2m (its lower 32 bits) and 2m + 1 (its upper 32 bits): 64 signs a word. Nibble
//! q of an output's 32 bits serves the four inputs x₀..x₃ of the group's q-th four, whose
//! sum is
//!
//! t_q = ±(((±x₀ ± x₁) ± x₂) + x₃)
//!
//! where bit b = 0, 1, 2 of the nibble, if set, gives x_b the other sign than x₃, and bit
//! 3, if set, flips the sign of the whole sum. (A bijection of four fair bits: the four
//! signs are fair and independent.) A group adds
//!
//! out\[j\] += ((t₀ + t₁) + (t₂ + t₃)) + ((t₄ + t₅) + (t₆ + t₇))
//!
//! in rising order of groups. Every operation is rounded once. There are only sixteen
//! values that t_q can take, so they are tabulated once a group and looked up for every
//! output (the mailman's method, or that of the four Russians): 32 inputs cost an output
//! eight look-ups and eight additions.
//!
//! *Where a gradient is cut*: inputs of a group that are not there count as +0. A segment
//! that begins and ends on multiples of 32 gives the bits of the whole. A cut inside a
//! group makes two groups with zeros of it, which is another rounding, and costs a
//! group's work twice. A [`Carry`] in the caller's hands takes that away: it holds the
//! incomplete group back (at most 31 numbers) until the segments that follow in order
//! complete it, and then every cut gives the bits of the whole.
//!
//! *Unbiased*: E⟨Rx, Ry⟩ = ⟨x, y⟩ over seeds. *Variance* of ⟨Rx, Ry⟩: (‖x‖²‖y‖² + ⟨x, y⟩²
//! − 2Σxᵢ²yᵢ²)/k. Tails are light whatever the gradient, which is what the *k* additions
//! an element buy; where time counts, take the [`mod@crate::sjlt`].
//!
//! *Error* of an output against the exact sum: at most (7 + ⌈p/32⌉)·2⁻²⁴·Σ|xᵢ|, and about
//! √(p/32)·2⁻²⁴·‖x‖ in practice.
//!
//! The width is a multiple of [`WIDTH_MULTIPLE`] = 16: eight words of the hash, and one
//! vector of sixteen lanes, so that no instruction set is left with a rest.
//!
//! Sources: Achlioptas 2003 (±1 projections); Liberty & Zucker 2009 (the mailman
//! algorithm); Arlazarov et al. 1970 (the four Russians); Park et al. 2023 (TRAK) for its
//! use on gradients.

use crate::dispatch::{Kernel, run};
use crate::element::Element;
use crate::error::{Error, same_length};
use crate::hash::{self, GOLDEN};
use crate::level::Level;
use crate::simd::Simd;

/// Coordinates that are summed together before an output is touched.
pub const GROUP: usize = 32;

/// What a width must be a multiple of.
pub const WIDTH_MULTIPLE: usize = 16;

/// Separates this projection's hash stream from every other use of a seed.
const STREAM: u64 = 0x5241_4445_4D41_4348;

/// Which projection: the key of its hash stream and its width *k*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rademacher {
    key: u64,
    width: usize,
}

impl Rademacher {
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

    /// The hash state that belongs to the first two outputs of `group`; adding [`GOLDEN`]
    /// leads to the next word.
    #[inline(always)]
    const fn state(self, group: u64) -> u64 {
        let counter = group.wrapping_mul(self.width as u64 / 2);
        self.key.wrapping_add(counter.wrapping_add(1).wrapping_mul(GOLDEN))
    }
}

/// 1/√k, correctly rounded in `f64` or nearly so, then to `f32`; *k* is positive.
pub(crate) const fn one_over_root(k: usize) -> f32 {
    // An integer root, and a few steps of Newton's method: no square root is in `core`.
    let k = k as u64;
    let root = k.isqrt() as f64;
    let mut steps = 0;
    let mut root = if root > 0.0 { root } else { 1.0 };
    while steps < 4 {
        root = 0.5 * (root + k as f64 / root);
        steps += 1;
    }
    (1.0 / root) as f32
}

/// Adds the projection of `scale`·x, the coordinates `offset..offset + x.len()` of a
/// gradient, to `out`, which is *k* long. Each product is rounded to `f32` first; a scale
/// of 1 changes nothing.
///
/// # Errors
/// [`Error::Length`] if `out` is not *k* long; [`Error::Offset`] if the last coordinate's
/// number exceeds 64 bits. `out` is as it was.
#[inline]
pub fn rademacher<T: Element>(
    projection: Rademacher,
    offset: u64,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) -> Result<(), Error> {
    rademacher_with(Level::best(), projection, offset, scale, x, out)
}

/// [`rademacher`] on a given level.
///
/// # Errors
/// As [`rademacher`].
#[inline]
pub fn rademacher_with<T: Element>(
    level: Level,
    projection: Rademacher,
    offset: u64,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) -> Result<(), Error> {
    same_length(projection.width, out.len())?;
    check_end(offset, x.len())?;
    run(level, Project { projection, offset, scale, x, out });
    Ok(())
}

/// Adds the projections of the same coordinates of several gradients: row b of `out` (*k*
/// elements) gets that of `xs[b]`. The bits are those of [`rademacher`] with a scale of
/// 1, gradient by gradient; the signs are made once for all of them.
///
/// # Errors
/// [`Error::Length`] if the gradients differ in length, or `out` is not *k* times their
/// number long; [`Error::Offset`]. `out` is as it was.
#[inline]
pub fn rademacher_batch<T: Element>(
    projection: Rademacher,
    offset: u64,
    xs: &[&[T]],
    out: &mut [f32],
) -> Result<(), Error> {
    rademacher_batch_with(Level::best(), projection, offset, xs, out)
}

/// [`rademacher_batch`] on a given level.
///
/// # Errors
/// As [`rademacher_batch`].
pub fn rademacher_batch_with<T: Element>(
    level: Level,
    projection: Rademacher,
    offset: u64,
    xs: &[&[T]],
    out: &mut [f32],
) -> Result<(), Error> {
    same_length(xs.len().saturating_mul(projection.width), out.len())?;
    let length = xs.first().map_or(0, |x| x.len());
    for x in xs {
        same_length(length, x.len())?;
    }
    check_end(offset, length)?;
    let width = projection.width.max(1);
    for (xs, out) in xs.chunks(BATCH).zip(out.chunks_mut(width.saturating_mul(BATCH))) {
        run(level, ProjectBatch { projection, offset, xs, out });
    }
    Ok(())
}

/// Gradients whose tables are held at once: sixteen times 512 bytes.
const BATCH: usize = 16;

fn check_end(offset: u64, length: usize) -> Result<(), Error> {
    match offset.checked_add(length as u64) {
        Some(_) => Ok(()),
        None => Err(Error::Offset),
    }
}

/// The scalar text.
fn definition<T: Element>(projection: Rademacher, mut offset: u64, scale: f32, mut x: &[T], out: &mut [f32]) {
    while let Some((inputs, group, later)) = next_group(offset, scale, x) {
        add_group(projection, group, &inputs, out);
        offset += (x.len() - later.len()) as u64;
        x = later;
    }
}

/// The scaled inputs of the group that `offset` lies in, with zeros where there are none;
/// the group's number; and the inputs of later groups.
#[inline(always)]
fn next_group<T: Element>(offset: u64, scale: f32, x: &[T]) -> Option<([f32; GROUP], u64, &[T])> {
    if x.is_empty() {
        return None;
    }
    let first = (offset % GROUP as u64) as usize;
    let (now, later) = x.split_at_checked(GROUP - first).unwrap_or((x, &[]));
    let mut inputs = [0.0; GROUP];
    for (input, x) in inputs.iter_mut().skip(first).zip(now) {
        *input = scale * x.widen();
    }
    Some((inputs, offset / GROUP as u64, later))
}

/// The scalar text for one group.
fn add_group(projection: Rademacher, group: u64, inputs: &[f32; GROUP], out: &mut [f32]) {
    let mut tables = [[0.0; 16]; 8];
    for (table, four) in tables.iter_mut().zip(inputs.as_chunks::<4>().0) {
        *table = signed_sums(*four);
    }
    let mut state = projection.state(group);
    for pair in out.as_chunks_mut::<2>().0 {
        let word = hash::mix(state);
        state = state.wrapping_add(GOLDEN);
        for (out, signs) in pair.iter_mut().zip([word as u32, (word >> 32) as u32]) {
            let t = |q: usize| tables[q][(signs >> (4 * q)) as usize % 16];
            *out += ((t(0) + t(1)) + (t(2) + t(3))) + ((t(4) + t(5)) + (t(6) + t(7)));
        }
    }
}

/// The sum of four inputs with the signs of each nibble.
fn signed_sums([a, b, c, d]: [f32; 4]) -> [f32; 16] {
    let mut sums = [0.0; 16];
    for (nibble, sum) in (0_u32..).zip(&mut sums) {
        let flip = |x: f32, bit: u32| f32::from_bits(x.to_bits() ^ ((nibble >> bit & 1) << 31));
        *sum = flip(((flip(a, 0) + flip(b, 1)) + flip(c, 2)) + d, 3);
    }
    sums
}

struct Project<'a, T> {
    projection: Rademacher,
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
        let Self { projection, mut offset, scale, mut x, out } = self;
        let out = out.as_chunks_mut::<16>().0;
        let signs = Signs::new(s);
        while let Some((inputs, group, later)) = next_group_of_vectors(s, offset, scale, x) {
            let tables = signs.tables(s, &inputs);
            let mut state = s.hash_state(projection.state(group));
            for out in &mut *out {
                let words = s.hash_words(&mut state);
                s.store(s.add(s.load(out), look_up_group(s, &tables, words)), out);
            }
            offset += (x.len() - later.len()) as u64;
            x = later;
        }
    }
}

struct ProjectBatch<'a, T> {
    projection: Rademacher,
    offset: u64,
    /// At most [`BATCH`].
    xs: &'a [&'a [T]],
    out: &'a mut [f32],
}

impl<T: Element> Kernel for ProjectBatch<'_, T> {
    type Output = ();

    #[inline(always)]
    fn define(self) {
        for (x, out) in self.xs.iter().zip(self.out.chunks_mut(self.projection.width.max(1))) {
            definition(self.projection, self.offset, 1.0, x, out);
        }
    }

    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) {
        let Self { projection, mut offset, xs, out } = self;
        let out = out.as_chunks_mut::<16>().0;
        let signs = Signs::new(s);
        let mut tables = [[s.splat(0.0); 8]; BATCH];
        let length = xs.first().map_or(0, |x| x.len());
        let vectors = projection.width / 16;
        let mut done = 0;
        while done < length {
            let mut taken = 0;
            let group = offset / GROUP as u64;
            for (table, x) in tables.iter_mut().zip(xs) {
                let x = x.get(done..).unwrap_or_default();
                let Some((inputs, _, later)) = next_group_of_vectors(s, offset, 1.0, x) else { return };
                *table = signs.tables(s, &inputs);
                taken = x.len() - later.len();
            }
            let mut state = s.hash_state(projection.state(group));
            for at in 0..vectors {
                let words = s.hash_words(&mut state);
                for (i, tables) in tables.iter().enumerate().take(xs.len()) {
                    let Some(out) = out.get_mut(at + i * vectors) else { continue };
                    s.store(s.add(s.load(out), look_up_group(s, tables, words)), out);
                }
            }
            offset += taken as u64;
            done += taken;
        }
    }
}

/// [`next_group`], a whole group by vectors.
#[inline(always)]
fn next_group_of_vectors<S: Simd, T: Element>(
    s: S,
    offset: u64,
    scale: f32,
    x: &[T],
) -> Option<([f32; GROUP], u64, &[T])> {
    let Some((now, later)) = x.split_first_chunk::<GROUP>().filter(|_| offset.is_multiple_of(GROUP as u64))
    else {
        return next_group(offset, scale, x);
    };
    let mut inputs = [0.0; GROUP];
    for (input, x) in inputs.as_chunks_mut::<16>().0.iter_mut().zip(now.as_chunks().0) {
        s.store(s.mul(s.splat(scale), T::load(s, x)), input);
    }
    Some((inputs, offset / GROUP as u64, later))
}

/// The sums of eight tables, looked up with the nibbles of `words`, as a tree.
#[inline(always)]
fn look_up_group<S: Simd>(s: S, tables: &[S::F; 8], words: S::F) -> S::F {
    let [a, b, c, d, e, f, g, h] = *tables;
    let low = s.add(
        s.add(s.look_up_odd::<0>(a, words), s.look_up_odd::<4>(b, words)),
        s.add(s.look_up_odd::<8>(c, words), s.look_up_odd::<12>(d, words)),
    );
    let high = s.add(
        s.add(s.look_up_odd::<16>(e, words), s.look_up_odd::<20>(f, words)),
        s.add(s.look_up_odd::<24>(g, words), s.look_up_odd::<28>(h, words)),
    );
    s.add(low, high)
}

/// The signs of a nibble's four bits as lanes of ±1: lane *n* of the *b*-th is −1 where
/// bit *b* of *n* is set.
struct Signs<S: Simd>([S::F; 4]);

impl<S: Simd> Signs<S> {
    #[inline(always)]
    fn new(s: S) -> Self {
        const LANES: [[f32; 16]; 4] = {
            let mut lanes = [[1.0; 16]; 4];
            let mut n = 0;
            while n < 64 {
                if ((n % 16) >> (n / 16)) & 1 == 1 {
                    lanes[n / 16][n % 16] = -1.0;
                }
                n += 1;
            }
            lanes
        };
        Self([s.load(&LANES[0]), s.load(&LANES[1]), s.load(&LANES[2]), s.load(&LANES[3])])
    }

    /// [`signed_sums`] of each four: products with ±1 are exact, so they may be fused.
    #[inline(always)]
    fn tables(&self, s: S, inputs: &[f32; GROUP]) -> [S::F; 8] {
        let mut tables = [s.splat(0.0); 8];
        for (table, [a, b, c, d]) in tables.iter_mut().zip(inputs.as_chunks::<4>().0) {
            let sum = s.mul(s.splat(*a), self.0[0]);
            let sum = s.mul_exact_add(s.splat(*b), self.0[1], sum);
            let sum = s.mul_exact_add(s.splat(*c), self.0[2], sum);
            *table = s.mul(s.add(sum, s.splat(*d)), self.0[3]);
        }
        tables
    }
}

/// The incomplete group of a gradient that arrives in segments: with it, where a gradient
/// is cut changes no bit.
///
/// Segments that follow one another in order fill the group, and it is added when it is
/// complete, or when a segment comes that lies elsewhere, or by [`Carry::finish`]. A few
/// words and 32 numbers, in the caller's hands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Carry {
    /// The inputs that are held back: coordinates `next - held..next`, all of one group.
    inputs: [f32; GROUP],
    held: usize,
    next: u64,
}

impl Default for Carry {
    fn default() -> Self {
        Self::new()
    }
}

impl Carry {
    /// Nothing held back.
    #[must_use]
    pub const fn new() -> Self {
        Self { inputs: [0.0; GROUP], held: 0, next: 0 }
    }

    /// [`rademacher`] of a segment, but for the group that it leaves incomplete at its
    /// end.
    ///
    /// # Errors
    /// As [`rademacher`]; `out` and the carry are as they were.
    #[inline]
    pub fn add<T: Element>(
        &mut self,
        projection: Rademacher,
        offset: u64,
        scale: f32,
        x: &[T],
        out: &mut [f32],
    ) -> Result<(), Error> {
        self.add_with(Level::best(), projection, offset, scale, x, out)
    }

    /// [`Carry::add`] on a given level.
    ///
    /// # Errors
    /// As [`Carry::add`].
    pub fn add_with<T: Element>(
        &mut self,
        level: Level,
        projection: Rademacher,
        mut offset: u64,
        scale: f32,
        x: &[T],
        out: &mut [f32],
    ) -> Result<(), Error> {
        same_length(projection.width, out.len())?;
        check_end(offset, x.len())?;
        if x.is_empty() {
            return Ok(());
        }
        if offset != self.next {
            self.finish_with(level, projection, out)?;
        }
        // First the rest of a group that has begun, then whole groups, then the beginning
        // of another.
        let missing = (offset.wrapping_neg() % GROUP as u64) as usize;
        let (before, x) = x.split_at_checked(missing).unwrap_or((x, &[]));
        self.hold(offset, scale, before);
        if before.len() == missing {
            self.finish_with(level, projection, out)?;
        }
        offset += before.len() as u64;
        let (groups, behind) = x.split_at_checked(x.len() - x.len() % GROUP).unwrap_or((x, &[]));
        run(level, Project { projection, offset, scale, x: groups, out });
        self.hold(offset + groups.len() as u64, scale, behind);
        Ok(())
    }

    /// Adds what is held back. A later segment that would have completed the group begins
    /// a new one with zeros.
    ///
    /// # Errors
    /// [`Error::Length`] if `out` is not *k* long; the carry is as it was.
    #[inline]
    pub fn finish(&mut self, projection: Rademacher, out: &mut [f32]) -> Result<(), Error> {
        self.finish_with(Level::best(), projection, out)
    }

    /// [`Carry::finish`] on a given level.
    ///
    /// # Errors
    /// As [`Carry::finish`].
    pub fn finish_with(
        &mut self,
        level: Level,
        projection: Rademacher,
        out: &mut [f32],
    ) -> Result<(), Error> {
        same_length(projection.width, out.len())?;
        let x = self.inputs.get(..self.held).unwrap_or_default();
        let offset = self.next.wrapping_sub(self.held as u64);
        run(level, Project { projection, offset, scale: 1.0, x, out });
        self.held = 0;
        Ok(())
    }

    /// Holds inputs back that follow those which are held; together they are less than a
    /// group or complete one.
    fn hold<T: Element>(&mut self, offset: u64, scale: f32, x: &[T]) {
        for (input, x) in self.inputs.iter_mut().skip(self.held).zip(x) {
            *input = scale * x.widen();
        }
        self.held += x.len();
        self.next = offset + x.len() as u64;
    }
}
