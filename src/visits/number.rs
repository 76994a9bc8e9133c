//! Numbers of 16 and 32 bits, and rounding to them from `f64`.

use crate::state::Number;
use crate::statistics::uniform;
use gradsieve_kernels::Element;
use half::f16;

/// Separates the hash that rounds from every other use of the hash.
const STREAM: u64 = 0x5649_5349_5453_0000;

/// A format that a number over visits is kept in: [`struct@f16`] or `f32`. Nobody else
/// implements it.
///
/// ```
/// use gradsieve::f16;
/// use gradsieve::visits::VisitNumber;
///
/// assert_eq!((f16::LARGEST, f16::SIGNIFICANT), (65_504.0, 11));
/// ```
#[allow(private_bounds, reason = "sealed by what it is at rest")]
pub trait VisitNumber: Element + Default + Number {
    /// The largest number.
    const LARGEST: f64;

    /// Significant binary digits.
    const SIGNIFICANT: i32;

    /// The exponent of the smallest positive number, a power of two.
    const LEAST: i32;
}

impl VisitNumber for f16 {
    const LARGEST: f64 = 65_504.0;
    const SIGNIFICANT: i32 = 11;
    const LEAST: i32 = -24;
}

impl VisitNumber for f32 {
    const LARGEST: f64 = f32::MAX as f64;
    const SIGNIFICANT: i32 = 24;
    const LEAST: i32 = -149;
}

/// The nearest number, ties to even; none beyond the largest.
pub(super) fn nearest<T: VisitNumber>(x: f64) -> Option<T> {
    round(x, libm::rint)
}

/// The number below or above, up with the probability that makes the mean over ids the
/// number itself; none beyond the largest. What the format holds stays as it is.
pub(super) fn dithered<T: VisitNumber>(x: f64, id: u64, visits: u16) -> Option<T> {
    round(x, |units| libm::floor(units + uniform(STREAM + u64::from(visits), id)))
}

/// A number in units of its last place, made whole by `whole`.
fn round<T: VisitNumber>(x: f64, whole: impl Fn(f64) -> f64) -> Option<T> {
    let exponent = (x.to_bits() >> 52 & 0x7FF) as i32 - 1023;
    let last = (exponent - (T::SIGNIFICANT - 1)).max(T::LEAST);
    let unit = f64::from_bits(((last + 1023) as u64) << 52);
    // A power of two: neither the quotient nor the product is rounded.
    (x.abs() <= T::LARGEST).then(|| T::narrow((whole(x / unit) * unit) as f32))
}
