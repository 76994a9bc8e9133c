//! The values of the number formats, and rounding to them.
//!
//! | format | sign | exponent | fraction | smallest normal |
//! |---|---|---|---|---|
//! | `f32` | 1 | 8 | 23 | 2⁻¹²⁶ |
//! | `f16` | 1 | 5 | 10 | 2⁻¹⁴ |
//! | `bf16` | 1 | 8 | 7 | 2⁻¹²⁶ |

use crate::element::Element;
use half::{bf16, f16};

/// A number format of a gradient: its value in `f32`, and the nearest to one.
///
/// ```
/// use gradsieve_kernels::spec::format::Format;
/// use half::bf16;
///
/// assert_eq!(bf16::nearest(1.0 + 1.0 / 256.0).value(), 1.0); // a tie, to even
/// ```
pub trait Format: Element {
    /// The same value in `f32`; exact.
    fn value(self) -> f32;
    /// The nearest value of this format, ties to even; an infinity for what is too large.
    fn nearest(x: f32) -> Self;
}

impl Format for f32 {
    fn value(self) -> f32 {
        self
    }
    fn nearest(x: f32) -> Self {
        x
    }
}

impl Format for f16 {
    fn value(self) -> f32 {
        let bits = self.to_bits();
        let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 0x3FF));
        let magnitude = match exponent {
            31 if fraction == 0.0 => f32::INFINITY,
            31 => f32::NAN,
            0 => fraction * power_of_two(-24) as f32,
            _ => (1024.0 + fraction) * power_of_two(exponent - 25) as f32,
        };
        if bits >> 15 == 1 { -magnitude } else { magnitude }
    }
    fn nearest(x: f32) -> Self {
        if x.is_nan() { Self::NAN } else { Self::from_bits(nearest(x, 10, -14, 0x7C00)) }
    }
}

impl Format for bf16 {
    fn value(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }
    fn nearest(x: f32) -> Self {
        if x.is_nan() { Self::NAN } else { Self::from_bits(nearest(x, 7, -126, 0x7F80)) }
    }
}

/// The bits of the value nearest to x, ties to even, in a format of 16 bits that has so
/// many fraction bits, the smallest normal number 2^`least`, and this infinity.
fn nearest(x: f32, fraction_bits: i32, least: i32, infinity: u32) -> u16 {
    // Values of the format that are as large as x lie 2^(exponent − fraction_bits) apart.
    let exponent = ((x.to_bits() >> 23 & 0xFF) as i32 - 127).max(least);
    let steps = round(f64::from(x.abs()) / power_of_two(exponent - fraction_bits)) as u32;
    // Counted up from zero, the bits of a magnitude are the numbers of the values.
    let number = ((exponent - least) as u32) << fraction_bits;
    let bits = number.saturating_add(steps).min(infinity);
    (x.to_bits() >> 31 << 15 | bits) as u16
}

/// 2ⁿ, for a normal number.
fn power_of_two(n: i32) -> f64 {
    f64::from_bits(((n + 1023) as u64) << 52)
}

/// The nearest integer, ties to even: above 2⁵² there are no others.
pub(super) fn round(x: f64) -> f64 {
    const ALL_INTEGERS: f64 = (1_u64 << 52) as f64;
    if x < 0.0 { x - ALL_INTEGERS + ALL_INTEGERS } else { x + ALL_INTEGERS - ALL_INTEGERS }
}
