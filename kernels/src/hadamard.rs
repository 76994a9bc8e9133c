//! The Walsh–Hadamard transform, in place, unnormalised, in natural (Hadamard) order: x ←
//! Hx, where H has the entry (−1)^popcount(i AND j) and the length *n* is a power of two.
//!
//! Defined as log₂ *n* stages, *h* = 1, 2, 4, …, *n*/2 in this order: of every two
//! elements that lie *h* apart in a block of 2*h*, the first becomes their sum and the
//! second their difference, one rounding each. Vectors do the same butterflies in the
//! same order for each element, and only differ in how many stages they do between a load
//! and a store: so the bits agree whatever the radix. HH = *n*·I: applied twice and
//! divided by *n*, it gives the input back. The error of an element is at most log₂
//! *n*·2⁻²⁴·Σ|xᵢ|·(1 + 2⁻²⁰) while nothing overflows (subnormal sums are exact).
//!
//! Costs *n* log₂ *n* additions and no memory. Vectors run depth first through the data:
//! sixteen registers (256 elements) from the four stages in a register on; radix 16 up to
//! 4,096 elements, which stay in the nearest cache; radix 8 above, because sixteen rows
//! that lie 16 KiB apart fall into one set of that cache, which has fewer ways.
//!
//! Sources: Fino & Algazi 1976; Andoni et al. 2015 (FFHT) for the use of registers.

use crate::dispatch::run;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::level::Level;
use crate::simd::Simd;
use crate::{scalar, vector};

/// Transforms `x` in place.
///
/// # Errors
/// [`Error::Width`] if the length is not a power of two; its `multiple` is then the next
/// one. `x` is as it was. One element is its own transform.
#[inline]
pub fn hadamard(x: &mut [f32]) -> Result<(), Error> {
    hadamard_with(Level::best(), x)
}

/// [`hadamard`] on a given level.
///
/// # Errors
/// As [`hadamard`].
#[inline]
pub fn hadamard_with(level: Level, x: &mut [f32]) -> Result<(), Error> {
    if !x.len().is_power_of_two() {
        let multiple = x.len().checked_next_power_of_two().unwrap_or(1);
        return Err(Error::Width { multiple, found: x.len() });
    }
    run(level, Hadamard { x });
    Ok(())
}

struct Hadamard<'a> {
    x: &'a mut [f32],
}

impl Kernel for Hadamard<'_> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::hadamard::transform(self.x);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::hadamard::hadamard(s, self.x);
    }
}
