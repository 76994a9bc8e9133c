//! Directions in whole numbers, and their sums: the same in whatever order they are
//! added, on a core without floating point of its own, too.
//!
//! A *direction* is some numbers x and a [`Factor`] f: entry *i* is f·xᵢ, cut to a whole
//! number of 32 bits. A *sum* of directions, each times a weight, has 64 bits an entry.
//! Its length and its product with a direction are taken from entries that are shifted
//! right until sums of 64 bits hold them.
//!
//! Sums wrap at 64 bits: who adds sees to it that they do not. *Error*: none, but for
//! what is cut.

use crate::dispatch::run;
use crate::error::{Error, same_length};
use crate::kernel::Kernel;
use crate::level::Level;
use crate::simd::Simd;

mod sealed {
    use crate::simd::Simd;

    pub trait Sealed: Copy {
        /// An entry of a direction.
        fn whole(self, x: f32) -> i32;

        /// Sixteen of them.
        #[allow(private_bounds, reason = "sealed")]
        #[inline(always)]
        fn whole_16<S: Simd>(self, _: S, x: &[f32; 16]) -> [i32; 16] {
            x.map(|x| self.whole(x))
        }
    }
}

/// What the numbers of a direction are multiplied by: an `f32` where their products are
/// in its range, an `f64` where they may not be. Nobody else implements it.
pub trait Factor: sealed::Sealed {}

impl Factor for f32 {}

impl sealed::Sealed for f32 {
    #[inline(always)]
    fn whole(self, x: f32) -> i32 {
        (x * self) as i32
    }

    #[allow(private_bounds, reason = "sealed")]
    #[inline(always)]
    fn whole_16<S: Simd>(self, s: S, x: &[f32; 16]) -> [i32; 16] {
        s.cut(s.mul(s.load(x), s.splat(self)))
    }
}

impl Factor for f64 {}

impl sealed::Sealed for f64 {
    #[inline(always)]
    fn whole(self, x: f32) -> i32 {
        (f64::from(x) * self) as f32 as i32
    }
}

/// Adds `weight` times a direction to a sum. Returns a number that has every bit that the
/// magnitude of an entry of the sum has, where −1 counts as 0, −2 as 1, and so on.
///
/// ```
/// use gradsieve_kernels::direction;
///
/// let mut sum = [0, 4];
/// assert_eq!(direction::add(10.0_f32, &[0.5, -0.25], 2, &mut sum), Ok(10));
/// assert_eq!(sum, [10, 0]);
/// ```
///
/// # Errors
/// [`Error::Length`] if the two differ; the sum is as it was.
#[inline]
pub fn add(factor: impl Factor, x: &[f32], weight: i32, sum: &mut [i64]) -> Result<u64, Error> {
    add_with(Level::best(), factor, x, weight, sum)
}

/// [`add`] on a given level.
///
/// # Errors
/// As [`add`].
#[inline]
pub fn add_with(
    level: Level,
    factor: impl Factor,
    x: &[f32],
    weight: i32,
    sum: &mut [i64],
) -> Result<u64, Error> {
    same_length(x.len(), sum.len())?;
    Ok(run(level, Add { factor, x, weight, sum }))
}

/// Σ directionᵢ·(sumᵢ shifted right by `shift`, of which the lower 32 bits count).
///
/// ```
/// use gradsieve_kernels::direction;
///
/// let product = direction::product(10.0_f32, &[0.5, -0.25], &[8, -4], 1);
/// assert_eq!(product, Ok(5 * 4 + 2 * 2));
/// ```
///
/// # Errors
/// [`Error::Length`] if the two differ.
#[inline]
pub fn product(factor: impl Factor, x: &[f32], sum: &[i64], shift: u32) -> Result<i64, Error> {
    product_with(Level::best(), factor, x, sum, shift)
}

/// [`product`] on a given level.
///
/// # Errors
/// As [`product`].
#[inline]
pub fn product_with(
    level: Level,
    factor: impl Factor,
    x: &[f32],
    sum: &[i64],
    shift: u32,
) -> Result<i64, Error> {
    same_length(x.len(), sum.len())?;
    Ok(run(level, Product { factor, x, sum, shift: shift & 63 }))
}

/// Σ (sumᵢ shifted right by `shift`, of which the lower 32 bits count)².
///
/// ```
/// assert_eq!(gradsieve_kernels::direction::squares(&[6, -8], 1), 3 * 3 + 4 * 4);
/// ```
#[inline]
#[must_use]
pub fn squares(sum: &[i64], shift: u32) -> u64 {
    squares_with(Level::best(), sum, shift)
}

/// [`squares`] on a given level.
#[inline]
#[must_use]
pub fn squares_with(level: Level, sum: &[i64], shift: u32) -> u64 {
    run(level, Squares { sum, shift: shift & 63 })
}

/// The bits of a number's magnitude; of a negative number those that are 0.
///
/// ```
/// use gradsieve_kernels::direction::magnitude;
///
/// assert_eq!([magnitude(5), magnitude(-1), magnitude(-6)], [5, 0, 5]);
/// ```
#[inline(always)]
#[must_use]
pub const fn magnitude(x: i64) -> u64 {
    (x ^ (x >> 63)) as u64
}

/// Adds `weight` times an entry of a direction to one of a sum. Returns its
/// [`magnitude`].
#[inline(always)]
const fn added(entry: &mut i64, x: i32, weight: i32) -> u64 {
    // A product of 32 bits each fits.
    *entry = entry.wrapping_add(x as i64 * weight as i64);
    magnitude(*entry)
}

struct Add<'a, F> {
    factor: F,
    x: &'a [f32],
    weight: i32,
    sum: &'a mut [i64],
}

impl<F: Factor> Kernel for Add<'_, F> {
    type Output = u64;

    #[inline(always)]
    fn scalar(self) -> u64 {
        let Self { factor, x, weight, sum } = self;
        x.iter().zip(sum).fold(0, |bits, (x, entry)| bits | added(entry, factor.whole(*x), weight))
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) -> u64 {
        let Self { factor, x, weight, sum } = self;
        let ((groups, x), (sums, sum)) = (x.as_chunks(), sum.as_chunks_mut::<16>());
        let mut bits = [0; 16];
        for (group, entries) in groups.iter().zip(sums) {
            let whole = factor.whole_16(s, group);
            for (i, entry) in entries.iter_mut().enumerate() {
                bits[i] |= added(entry, whole[i], weight);
            }
        }
        let bits = bits.into_iter().fold(0, |all, bits| all | bits);
        bits | Self { factor, x, weight, sum }.scalar()
    }
}

struct Product<'a, F> {
    factor: F,
    x: &'a [f32],
    sum: &'a [i64],
    shift: u32,
}

impl<F: Factor> Product<'_, F> {
    #[inline(always)]
    fn with(self, shifted: impl Fn(i64) -> i32) -> i64 {
        let pairs = self.x.iter().zip(self.sum);
        pairs.fold(0, |product: i64, (x, entry)| {
            product.wrapping_add(i64::from(self.factor.whole(*x)) * i64::from(shifted(*entry)))
        })
    }

    #[inline(always)]
    fn with_16<S: Simd>(self, s: S, shifted: impl Fn(i64) -> i32) -> i64 {
        let Self { factor, x, sum, shift } = self;
        let ((groups, x), (sums, sum)) = (x.as_chunks(), sum.as_chunks::<16>());
        let mut products = [0_i64; 16];
        for (group, entries) in groups.iter().zip(sums) {
            let whole = factor.whole_16(s, group);
            for (i, entry) in entries.iter().enumerate() {
                products[i] = products[i].wrapping_add(i64::from(whole[i]) * i64::from(shifted(*entry)));
            }
        }
        let rest = Self { factor, x, sum, shift }.with(shifted);
        products.into_iter().fold(rest, i64::wrapping_add)
    }
}

impl<F: Factor> Kernel for Product<'_, F> {
    type Output = i64;

    #[inline(always)]
    fn scalar(self) -> i64 {
        let shift = self.shift;
        if shift < 32 { self.with(|x| near(x, shift)) } else { self.with(|x| far(x, shift)) }
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) -> i64 {
        let shift = self.shift;
        if shift < 32 {
            self.with_16(s, |x| (x as u64 >> shift) as i32)
        } else {
            self.with_16(s, |x| far(x, shift))
        }
    }
}

struct Squares<'a> {
    sum: &'a [i64],
    shift: u32,
}

impl Squares<'_> {
    #[inline(always)]
    fn with(self, shifted: impl Fn(i64) -> i32) -> u64 {
        self.sum.iter().fold(0, |squares: u64, entry| {
            let entry = i64::from(shifted(*entry));
            squares.wrapping_add((entry * entry) as u64)
        })
    }
}

impl Kernel for Squares<'_> {
    type Output = u64;

    #[inline(always)]
    fn scalar(self) -> u64 {
        let shift = self.shift;
        if shift < 32 { self.with(|x| near(x, shift)) } else { self.with(|x| far(x, shift)) }
    }

    #[inline(always)]
    fn vector<S: Simd>(self, _: S) -> u64 {
        let shift = self.shift;
        if shift < 32 { self.with(|x| (x as u64 >> shift) as i32) } else { self.with(|x| far(x, shift)) }
    }
}

/// The lower 32 bits of a number shifted right by less than 32, in words of 32 bits.
#[inline(always)]
const fn near(x: i64, by: u32) -> i32 {
    let (high, low) = ((x >> 32) as u32, x as u32);
    (low >> (by & 31) | high << 1 << (31 - (by & 31))) as i32
}

/// The same of a number shifted right by 32 or more.
#[inline(always)]
const fn far(x: i64, by: u32) -> i32 {
    ((x >> 32) as i32) >> (by & 31)
}
