//! One pass over two vectors: their dot product, both squared norms, and the L1 norm of
//! the first.
//!
//! What a cosine needs. Each of the four sums is canonical, and so has the bits that
//! [`crate::dot()`], [`crate::squared_norm`] and [`crate::l1_norm`] give; the vectors are
//! read once.

use crate::dispatch::run;
use crate::element::Element;
use crate::error::{Error, same_length};
use crate::kernel::Kernel;
use crate::level::Level;
use crate::simd::Simd;
use crate::{scalar, vector, wide};

/// The joint measures of two vectors x and y.
///
/// ```
/// use gradsieve_kernels::{Pair, pair};
///
/// let expected = Pair { dot: 3.0, x_squared: 25.0, y_squared: 1.0, x_l1: 7.0 };
/// assert_eq!(pair(&[3.0_f32, -4.0], &[1.0_f32, 0.0])?, expected);
/// # Ok::<(), gradsieve_kernels::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pair {
    /// Σ xᵢ·yᵢ.
    pub dot: f64,
    /// Σ xᵢ².
    pub x_squared: f64,
    /// Σ yᵢ².
    pub y_squared: f64,
    /// Σ |xᵢ|.
    pub x_l1: f64,
}

/// The joint measures of two slices of one length.
///
/// # Errors
/// [`Error::Length`] if the lengths differ.
#[inline]
pub fn pair<T: Element, U: Element>(x: &[T], y: &[U]) -> Result<Pair, Error> {
    pair_with(Level::best(), x, y)
}

/// [`pair`] on a given level.
///
/// # Errors
/// As [`pair`].
#[inline]
pub fn pair_with<T: Element, U: Element>(level: Level, x: &[T], y: &[U]) -> Result<Pair, Error> {
    same_length(x.len(), y.len())?;
    let narrow = run(level, Both { x, y });
    Ok(Pair {
        dot: wide::dot(narrow.dot, x, y),
        x_squared: wide::dot(narrow.x_squared, x, x),
        y_squared: wide::dot(narrow.y_squared, y, y),
        x_l1: wide::l1_norm(narrow.x_l1, x),
    })
}

impl Pair {
    #[inline(always)]
    const fn of([dot, x_squared, y_squared, x_l1]: [f64; 4]) -> Self {
        Self { dot, x_squared, y_squared, x_l1 }
    }
}

struct Both<'a, T, U> {
    x: &'a [T],
    y: &'a [U],
}

impl<T: Element, U: Element> Kernel for Both<'_, T, U> {
    type Output = Pair;

    #[inline(always)]
    fn scalar(self) -> Pair {
        Pair::of(scalar::pair::pair(self.x, self.y))
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) -> Pair {
        Pair::of(vector::pair::pair(s, self.x, self.y))
    }
}
