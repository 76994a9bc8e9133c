//! What comes in: the layout of a gradient, and its exact measures.
//!
//! A gradient is a vector of p coordinates, numbered over the whole model. It arrives in
//! *segments* `(offset, &[T])` in any order, or as *outer products* `(layer, a, b)`: the
//! gradient of a linear layer's weights is b aᵀ, where *a* is what went into the layer
//! and *b* the loss gradient of what came out, and it is never multiplied out. A layer
//! that is applied at several positions has the gradient Σₜ bₜ aₜᵀ: a [`Sequence`].
//!
//! A [`Layout`] names the layers and their places. Two gradients can be compared only if
//! their layouts are the same, so every sketch carries the layout's id.
//!
//! May import nothing of the core but `error`.

use crate::error::{Error, check_length};
use core::ops::Range;
use gradsieve_kernels::hash::{key, mix};
use gradsieve_kernels::{Accumulator, Certain, Element, Summary, Tame, cannot_happen};

/// One layer's place in the gradient: a row-major matrix of `outputs` × `inputs` entries
/// from coordinate `offset` on.
///
/// A bias is a layer with one input. A parameter that is no matrix is a layer with one
/// input, too.
///
/// ```
/// use gradsieve::Layer;
///
/// // A linear layer of 64 inputs and 10 outputs, and its bias behind it.
/// let (weights, bias) = (Layer::new(0, 10, 64), Layer::new(640, 10, 1));
/// assert_eq!(weights.checked_len(), Some(bias.offset));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Layer {
    /// The coordinate of its first entry.
    pub offset: u64,
    /// Rows: the layer's output width.
    pub outputs: u64,
    /// Columns: the layer's input width.
    pub inputs: u64,
}

impl Layer {
    /// A weight matrix of `outputs` × `inputs` from coordinate `offset` on.
    #[must_use]
    pub const fn new(offset: u64, outputs: u64, inputs: u64) -> Self {
        Self { offset, outputs, inputs }
    }

    /// Entries of the layer, if that fits in 64 bits.
    #[must_use]
    pub const fn checked_len(&self) -> Option<u64> {
        self.outputs.checked_mul(self.inputs)
    }

    /// One past the last coordinate of a layer that a layout has.
    pub(crate) fn end(&self) -> u64 {
        self.offset.saturating_add(self.checked_len().unwrap_or(0))
    }
}

/// The table of a model's layers, in rising order of offset. Gaps are allowed (frozen
/// layers).
///
/// ```
/// use gradsieve::{Layer, Layout};
///
/// let layout = Layout::new(&[Layer::new(0, 10, 64), Layer::new(1000, 10, 1)])?;
/// assert_eq!((layout.end(), layout.len()), (1010, 650)); // between them, 360 are frozen
/// assert_ne!(layout.id(), Layout::flat(1010)?.id());
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    id: LayoutId,
    end: u64,
    len: u64,
    /// The trace of its layers.
    trace: Trace,
}

/// What tells, but for a chance of 2⁻³², whether segments cover a layout, each coordinate
/// once, in whatever order they come and wherever they are cut.
///
/// It is Σ mark(end) − mark(start) over the segments, modulo 2³², where a mark is a hash
/// of a coordinate. Where one segment ends and another begins the marks cancel, so it
/// depends only on how often each coordinate is one where more segments end than begin,
/// or fewer. These are the layout's own only if the segments are a cover of it: from left
/// to right, none of them can end where it does but at the layer's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trace(u32);

impl Trace {
    pub(crate) const fn new() -> Self {
        Self(0)
    }

    /// With the coordinates from `start` to below `end`.
    pub(crate) const fn with(self, start: u64, end: u64) -> Self {
        Self(self.0.wrapping_add(mark(end)).wrapping_sub(mark(start)))
    }
}

/// The hash of a coordinate: the finaliser of MurmurHash3 (Appleby 2008), two products of
/// 32 bits, since small cores pay for it twice a segment.
const fn mark(coordinate: u64) -> u32 {
    let (low, high) = (coordinate as u32, (coordinate >> 32) as u32);
    let word = low ^ high.wrapping_mul(0x9E37_79B1);
    let word = (word ^ (word >> 16)).wrapping_mul(0x85EB_CA6B);
    let word = (word ^ (word >> 13)).wrapping_mul(0xC2B2_AE35);
    word ^ (word >> 16)
}

/// A hash of a layout. Equal layouts have equal ids; different ones differ but for a
/// chance of 2⁻⁶⁴.
///
/// ```
/// use gradsieve::{Layout, LayoutId};
///
/// let id = Layout::flat(650)?.id();
/// assert_eq!(LayoutId::from_bits(id.to_bits()), id);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LayoutId(u64);

impl LayoutId {
    /// The id as a number, for storage.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The id of that number.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

/// Separates the layouts' hash from every other use of the hash.
const STREAM: u64 = 0x4C41_594F_5554_0000;

impl Layout {
    /// The layout of these layers.
    ///
    /// # Errors
    /// [`Error::Layer`] with the index of the first layer that is empty, overlaps its
    /// predecessor, stands out of order or ends beyond 64 bits; with index 0 if there is
    /// none.
    pub const fn new(layers: &[Layer]) -> Result<Self, Error> {
        if layers.is_empty() {
            return Err(Error::Layer { index: 0 });
        }
        let mut layout = Self::begin(layers.len());
        let mut rest = layers;
        let mut index = 0;
        while let [layer, later @ ..] = rest {
            layout = match layout.followed_by(layer) {
                Some(layout) => layout,
                None => return Err(Error::Layer { index }),
            };
            rest = later;
            index += 1;
        }
        Ok(layout)
    }

    /// The beginning of a layout of so many layers.
    pub(crate) const fn begin(layers: usize) -> Self {
        Self { id: LayoutId(key(layers as u64, STREAM)), end: 0, len: 0, trace: Trace::new() }
    }

    /// With one more layer, unless it is empty, overlaps its predecessor, stands out of
    /// order or ends beyond 64 bits.
    pub(crate) const fn followed_by(self, layer: &Layer) -> Option<Self> {
        let Some(size) = layer.checked_len() else { return None };
        let Some(end) = layer.offset.checked_add(size) else { return None };
        if size == 0 || layer.offset < self.end {
            return None;
        }
        let id = mix(self.id.0 ^ mix(layer.offset)).wrapping_add(layer.outputs);
        let id = LayoutId(mix(mix(id) ^ layer.inputs));
        Some(Self { id, end, len: self.len + size, trace: self.trace.with(layer.offset, end) })
    }

    /// The layout of a gradient that is one vector of `len` coordinates, of which nothing
    /// else is known.
    ///
    /// # Errors
    /// [`Error::Layer`] if `len` is zero.
    pub const fn flat(len: u64) -> Result<Self, Error> {
        Self::new(&[Layer::new(0, len, 1)])
    }

    /// The layout's id.
    #[must_use]
    pub const fn id(&self) -> LayoutId {
        self.id
    }

    /// Coordinates that a complete gradient has: the sum over the layers.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a layout is never empty")]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// One past the last coordinate.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.end
    }

    /// What segments that cover its layers leave.
    pub(crate) const fn trace(&self) -> Trace {
        self.trace
    }

    /// Refuses a segment that reaches beyond the layout.
    pub(crate) const fn check(&self, offset: u64, len: u64) -> Result<(), Error> {
        match offset.checked_add(len) {
            Some(found) if found <= self.end => Ok(()),
            Some(found) => Err(Error::OutsideLayout { end: self.end, found }),
            None => Err(Error::OutsideLayout { end: self.end, found: u64::MAX }),
        }
    }
}

/// The weight gradient Σₜ bₜ aₜᵀ of a linear layer that was applied at T positions (the
/// words of a text, the places of an image, the steps of a recurrent network), in its
/// factors. One position is an outer product.
///
/// ```
/// use gradsieve::{Layer, Sequence};
///
/// // A layer of two inputs and one output at three positions.
/// let (a, b) = ([1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0], [0.1_f32, 0.2, 0.3]);
/// let gradient = Sequence::new(&Layer::new(0, 1, 2), 3, &a, &b)?;
/// assert_eq!((gradient.positions(), gradient.shape()), (3, (1, 2)));
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sequence<'a, T, U = T> {
    outputs: usize,
    inputs: usize,
    positions: usize,
    a: &'a [T],
    b: &'a [U],
}

impl<'a, T: Element, U: Element> Sequence<'a, T, U> {
    /// The gradient of `layer` from its inputs `a` (`positions` × `inputs`, by rows) and
    /// the loss gradients of its outputs `b` (`positions` × `outputs`, by rows).
    ///
    /// # Errors
    /// [`Error::Setting`] if there is no position; [`Error::Layer`] with index 0 if the
    /// layer is empty; [`Error::Length`] if `a` or `b` is not of that shape.
    pub fn new(layer: &Layer, positions: usize, a: &'a [T], b: &'a [U]) -> Result<Self, Error> {
        if positions == 0 {
            return Err(Error::Setting { name: "positions", expected: "at least 1" });
        }
        if layer.checked_len().is_none_or(|len| len == 0) {
            return Err(Error::Layer { index: 0 });
        }
        let fits = |width: u64, found: usize| {
            let expected = width.checked_mul(positions as u64).and_then(|n| usize::try_from(n).ok());
            check_length(expected.unwrap_or(usize::MAX), found)
        };
        fits(layer.inputs, a.len())?;
        fits(layer.outputs, b.len())?;
        // Neither is larger than a slice that is there.
        Ok(Self { outputs: layer.outputs as usize, inputs: layer.inputs as usize, positions, a, b })
    }

    /// T.
    #[must_use]
    pub const fn positions(&self) -> usize {
        self.positions
    }

    /// Rows and columns of the gradient: the layer's output and input width.
    #[must_use]
    pub const fn shape(&self) -> (usize, usize) {
        (self.outputs, self.inputs)
    }

    /// Entries of the gradient.
    pub(crate) const fn entries(&self) -> u64 {
        (self.outputs as u64).saturating_mul(self.inputs as u64)
    }

    /// The factors (aₜ, bₜ), position by position.
    pub fn factors(&self) -> impl Iterator<Item = (&'a [T], &'a [U])> + Clone {
        // Never zero, as `new` has seen to; the optimiser does not know that.
        self.a.chunks_exact(self.inputs.max(1)).zip(self.b.chunks_exact(self.outputs.max(1)))
    }

    /// Writes the entries `start..start + piece.len()` of the gradient, by rows: for each
    /// the rounded products bₜ·aₜ, added to 0 in the order of positions.
    pub(crate) fn form(&self, mut start: u64, mut piece: &mut [f32]) {
        piece.fill(0.0);
        let inputs = (self.inputs as u64).max(1);
        while !piece.is_empty() {
            let (row, column) = ((start / inputs) as usize, (start % inputs) as usize);
            let length = (self.inputs - column).min(piece.len());
            let (now, later) = core::mem::take(&mut piece).split_at_mut_checked(length).certain();
            for (a, b) in self.factors() {
                let (Some(a), Some(b)) = (a.get(column..column + now.len()), b.get(row)) else {
                    cannot_happen!("the piece lies in the layer");
                    return;
                };
                let _equal_lengths = gradsieve_kernels::axpy(b.widen(), a, now);
            }
            start += now.len() as u64;
            piece = later;
        }
    }

    /// Hands the gradient to `take` piece by piece, with each piece's first coordinate: N
    /// entries on the stack, which end on multiples of N in the whole gradient. `offset`
    /// is the layer's.
    pub(crate) fn pieces<const N: usize>(
        &self,
        offset: u64,
        mut take: impl FnMut(u64, &[f32]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut memory = [0.0; N];
        let mut start = 0;
        while start < self.entries() {
            let at = offset.saturating_add(start);
            let room = N as u64 - at.checked_rem(N as u64).unwrap_or(0);
            let length = room.min(self.entries() - start);
            let piece = memory.get_mut(..length as usize).certain();
            self.form(start, piece);
            take(at, piece)?;
            start += length;
        }
        Ok(())
    }
}

/// Entries of a gradient that are formed at a time for its measures and products: a
/// kilobyte on the stack.
pub(crate) const PIECE: usize = 256;

/// And for a projector: no projection takes more coordinates together, so none of their
/// groups is cut. Four kilobytes.
pub(crate) const LONG_PIECE: usize = 1024;

/// Outer products whose measures are added in `f32` before the sums move to `f64`.
const FEW: u32 = 64;

/// What the measures of an outer product may be so that `f32` holds them: 2⁻⁹⁶ to 2⁹⁶.
const HELD: Range<f32> = f32::from_bits((127 - 96) << 23)..f32::from_bits((127 + 96) << 23);

/// The exact measures of a gradient, gathered as it arrives: L1 norm, squared L2 norm,
/// largest magnitude, count of non-finite entries. Errors: [`gradsieve_kernels::norm`];
/// of outer products see [`Measures::add_outer`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Measures {
    segments: Accumulator,
    outer_products: Summary,
    /// L1 norm and squared L2 norm of the last few outer products, and how many they are.
    few: (f32, f32, u32),
}

impl Measures {
    pub(crate) const fn new() -> Self {
        let none = Summary { l1: 0.0, l2_squared: 0.0, max: 0.0, non_finite: 0, count: 0 };
        Self { segments: Accumulator::new(), outer_products: none, few: (0.0, 0.0, 0) }
    }

    /// Forgets all that was taken in. What no segment has touched is left as it is.
    pub(crate) const fn reset(&mut self) {
        if !self.segments.is_empty() {
            self.segments = Accumulator::new();
        }
        self.outer_products = Summary { l1: 0.0, l2_squared: 0.0, max: 0.0, non_finite: 0, count: 0 };
        self.few = (0.0, 0.0, 0);
    }

    pub(crate) fn add<T: Element>(&mut self, x: &[T]) {
        self.segments.add(x);
    }

    /// The measures of b aᵀ from those of its factors, since |b aᵀ|₁ = |b|₁·|a|₁ and so
    /// on: O(inputs + outputs). Behind `a` stands a 1, if it is `biased`; `tame` are the
    /// measures of both as `f32` holds them, if it does.
    ///
    /// Each product is rounded to `f32` and added in `f32`, and every 64 of them in
    /// `f64`. Where `f32` does not hold the factors' measures, or their product is not
    /// from 2⁻⁹⁶ to 2⁹⁶, it is taken and added in `f64`. So to the factors' errors come
    /// one rounding of the product, and 63 at most of the sum: in all below 220·2⁻²⁴ of a
    /// norm, some 10⁻⁶ if layers are few.
    #[inline]
    pub(crate) fn add_outer<T: Element, U: Element>(
        &mut self,
        a: &[T],
        b: &[U],
        biased: bool,
        tame: [Option<Tame>; 2],
    ) {
        let ones = u8::from(biased);
        let total = &mut self.outer_products;
        if let [Some(x), Some(y)] = tame {
            let (l1, l2_squared) = (x.l1 * y.l1, x.l2_squared * y.l2_squared);
            let is_held = HELD.contains(&l1) && HELD.contains(&l2_squared);
            if is_held || x.max == 0.0 || y.max == 0.0 {
                let (few_l1, few_l2, few) = self.few;
                self.few = (few_l1 + l1, few_l2 + l2_squared, few + 1);
                let max = x.max * y.max;
                total.max = if max > total.max { max } else { total.max };
                let count = (a.len() as u64).saturating_add(ones.into()).saturating_mul(b.len() as u64);
                total.count = total.count.saturating_add(count);
                if self.few.2 == FEW {
                    self.close();
                }
                return;
            }
        }
        self.add_wide(a, b, ones);
    }

    /// Moves what is in `f32` to `f64`.
    fn close(&mut self) {
        let (l1, l2_squared, _) = self.few;
        self.outer_products.l1 += f64::from(l1);
        self.outer_products.l2_squared += f64::from(l2_squared);
        self.few = (0.0, 0.0, 0);
    }

    /// The measures of b aᵀ where `f32` does not hold them.
    #[cold]
    #[inline(never)]
    fn add_wide<T: Element, U: Element>(&mut self, a: &[T], b: &[U], ones: u8) {
        let (mut a, b) = (gradsieve_kernels::summarize(a), gradsieve_kernels::summarize(b));
        let one = f64::from(ones);
        (a.l1, a.l2_squared, a.count) = (a.l1 + one, a.l2_squared + one, a.count.saturating_add(ones.into()));
        a.max = if a.max > one as f32 { a.max } else { one as f32 };
        let total = &mut self.outer_products;
        total.l1 += a.l1 * b.l1;
        total.l2_squared += a.l2_squared * b.l2_squared;
        let max = a.max * b.max;
        if max > total.max {
            total.max = max;
        }
        // A product is non-finite where a factor is.
        let finite = (a.count - a.non_finite).saturating_mul(b.count - b.non_finite);
        let count = a.count.saturating_mul(b.count);
        total.count = total.count.saturating_add(count);
        total.non_finite = total.non_finite.saturating_add(count - finite);
        // And where two finite factors overflow. How often is not worth a pass: one is
        // enough to flag the sample.
        if count == finite && !max.is_finite() {
            total.non_finite = total.non_finite.saturating_add(1);
        }
    }

    /// The measures of a layer's gradient that was not formed: how many entries it has,
    /// all of them finite, and its squared norm. The L1 norm and the maximum of the whole
    /// gradient are unknown from here on: NaN.
    pub(crate) fn add_unformed(&mut self, count: u64, l2_squared: f64) {
        let total = &mut self.outer_products;
        total.l1 = f64::NAN;
        total.l2_squared += l2_squared;
        total.max = f32::NAN;
        total.count = total.count.saturating_add(count);
    }

    pub(crate) fn summary(&self) -> Summary {
        let ((l1, l2_squared, _), outer) = (self.few, self.outer_products);
        let (l1, l2_squared) = (f64::from(l1), f64::from(l2_squared));
        if self.segments.is_empty() && outer.l1 == 0.0 && outer.l2_squared == 0.0 {
            // Without an addition in `f64`.
            return Summary { l1, l2_squared, ..outer };
        }
        let segments = self.segments.summary();
        Summary {
            l1: segments.l1 + (outer.l1 + l1),
            l2_squared: segments.l2_squared + (outer.l2_squared + l2_squared),
            max: if segments.max > outer.max { segments.max } else { outer.max },
            non_finite: segments.non_finite.saturating_add(outer.non_finite),
            count: segments.count.saturating_add(outer.count),
        }
    }
}
