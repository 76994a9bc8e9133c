//! What comes in: the layout of a gradient, and its exact measures.
//!
//! A gradient is a vector of p coordinates, numbered over the whole model. It arrives in *segments* `(offset, &[T])` in any
//! order, or as *outer products* `(layer, a, b)`: the gradient of a linear layer's weights is b aᵀ, where *a* is what went
//! into the layer and *b* the loss gradient of what came out, and it is never multiplied out.
//!
//! A [`Layout`] names the layers and their places. Two gradients can be compared only if their layouts are the same, so
//! every sketch carries the layout's id.
//!
//! May import nothing of the core but `error`.

use crate::error::Error;
use gradsieve_kernels::hash::{key, mix};
use gradsieve_kernels::{Accumulator, Element, Summary};

/// One layer's place in the gradient: a row-major matrix of `outputs` × `inputs` entries from coordinate `offset` on.
///
/// A bias is a layer with one input. A parameter that is no matrix is a layer with one input, too.
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
}

/// The table of a model's layers, in rising order of offset. Gaps are allowed (frozen layers).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    id: LayoutId,
    end: u64,
    len: u64,
}

/// A hash of a layout. Equal layouts have equal ids; different ones differ but for a chance of 2⁻⁶⁴.
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
    /// [`Error::Layer`] with the index of the first layer that is empty, overlaps its predecessor, stands out of order or ends
    /// beyond 64 bits; with index 0 if there is none.
    pub const fn new(layers: &[Layer]) -> Result<Self, Error> {
        if layers.is_empty() {
            return Err(Error::Layer { index: 0 });
        }
        let mut id = key(layers.len() as u64, STREAM);
        let mut end: u64 = 0;
        let mut len: u64 = 0;
        let mut rest = layers;
        let mut index = 0;
        while let [layer, later @ ..] = rest {
            let Some(size) = layer.checked_len() else { return Err(Error::Layer { index }) };
            let Some(next) = layer.offset.checked_add(size) else { return Err(Error::Layer { index }) };
            if size == 0 || layer.offset < end {
                return Err(Error::Layer { index });
            }
            id = mix(id ^ mix(layer.offset)).wrapping_add(layer.outputs);
            id = mix(mix(id) ^ layer.inputs);
            end = next;
            len += size;
            rest = later;
            index += 1;
        }
        Ok(Self { id: LayoutId(id), end, len })
    }

    /// The layout of a gradient that is one vector of `len` coordinates, of which nothing else is known.
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

    /// Refuses a segment that reaches beyond the layout.
    pub(crate) const fn check(&self, offset: u64, len: u64) -> Result<(), Error> {
        let found = offset.saturating_add(len);
        if found > self.end { Err(Error::OutsideLayout { end: self.end, found }) } else { Ok(()) }
    }
}

/// The exact measures of a gradient, gathered as it arrives: L1 norm, squared L2 norm, largest magnitude, count of non-finite
/// entries. Errors: [`gradsieve_kernels::norm`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Measures {
    segments: Accumulator,
    outer_products: Summary,
}

impl Measures {
    pub(crate) const fn new() -> Self {
        let none = Summary { l1: 0.0, l2_squared: 0.0, max: 0.0, non_finite: 0, count: 0 };
        Self { segments: Accumulator::new(), outer_products: none }
    }

    pub(crate) fn add<T: Element>(&mut self, x: &[T]) {
        self.segments.add(x);
    }

    /// The measures of b aᵀ from those of its factors, since |b aᵀ|₁ = |b|₁·|a|₁ and so on, each product rounded once.
    pub(crate) fn add_outer<T: Element, U: Element>(&mut self, a: &[T], b: &[U]) {
        let (a, b) = (gradsieve_kernels::summarize(a), gradsieve_kernels::summarize(b));
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
        // And where two finite factors overflow. How often is not worth a pass: one is enough to flag the sample.
        if count == finite && !max.is_finite() {
            total.non_finite = total.non_finite.saturating_add(1);
        }
    }

    pub(crate) fn summary(&self) -> Summary {
        let (a, b) = (self.segments.summary(), self.outer_products);
        Summary {
            l1: a.l1 + b.l1,
            l2_squared: a.l2_squared + b.l2_squared,
            max: if a.max > b.max { a.max } else { b.max },
            non_finite: a.non_finite.saturating_add(b.non_finite),
            count: a.count.saturating_add(b.count),
        }
    }
}
