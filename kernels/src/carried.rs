//! A dot product that is under way.

use crate::sum::WIDE;

/// The dot product of two vectors that come in pieces, in order: 128 bytes, and the bits
/// of [`dot`](crate::dot()) of the whole. But pieces that are gone cannot be taken again:
/// if a partial sum overflows `f32` the product is an infinity or a NaN, and products
/// below 2⁻¹²⁶ lose bits. Where the vectors are there whole, [`Carried::finish_whole`] is
/// right whatever their size.
///
/// ```
/// use gradsieve_kernels::{dot, dot::Carried, sum::TILE};
/// let (x, y) = ([0.1_f32; 3 * TILE + 5], [0.2_f32; 3 * TILE + 5]);
/// let mut carried = Carried::new();
/// carried.add(&x[..2 * TILE], &y[..2 * TILE])?;
/// assert_eq!(carried.finish(&x[2 * TILE..], &y[2 * TILE..]), dot(&x, &y));
/// # Ok::<(), gradsieve_kernels::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct Carried {
    pub(crate) wide: [f64; WIDE],
}

impl Carried {
    /// No terms yet: every lane is −0, which leaves what is added to it as it is, and
    /// which no sum of lanes is that began at +0.
    #[must_use]
    pub const fn new() -> Self {
        Self { wide: [-0.0; WIDE] }
    }

    /// Whether a tile was taken in.
    #[inline(always)]
    pub(crate) const fn begun(&self) -> bool {
        self.wide[0].to_bits() != (-0.0_f64).to_bits()
    }
}

impl Default for Carried {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Carried {
    /// Whether the bits are the same: no terms are not terms whose sum is zero.
    fn eq(&self, other: &Self) -> bool {
        self.wide.map(f64::to_bits) == other.wide.map(f64::to_bits)
    }
}

impl Eq for Carried {}
