//! One pass over two vectors: their dot product, both squared norms, and the L1 norm of the first.
//!
//! What a cosine needs. Each of the four sums is canonical, and so has the bits that [`crate::dot()`],
//! [`crate::squared_norm`] and [`crate::l1_norm`] give; the vectors are read once.

use crate::dispatch::{Kernel, run};
use crate::dot::{self, AHEAD, fold_lanes};
use crate::element::Element;
use crate::error::{Error, same_length};
use crate::level::Level;
use crate::norm::{self, Magnitude, Square};
use crate::simd::Simd;
use crate::sum::{LANES, TILE, fold};

/// The joint measures of two vectors x and y.
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
    Ok(run(level, Both { x, y }))
}

/// The scalar text.
fn definition<T: Element, U: Element>(x: &[T], y: &[U]) -> Pair {
    let mut total = Pair::default();
    for (x, y) in x.chunks(TILE).zip(y.chunks(TILE)) {
        let mut lanes = [[0.0_f32; LANES]; 4];
        for (x, y) in x.chunks(LANES).zip(y.chunks(LANES)) {
            let [dot, x_squared, y_squared, x_l1] = &mut lanes;
            let lanes = dot.iter_mut().zip(x_squared).zip(y_squared).zip(x_l1);
            for ((((dot, x_squared), y_squared), x_l1), (x, y)) in lanes.zip(x.iter().zip(y)) {
                let (x, y) = (x.widen(), y.widen());
                *dot += x * y;
                *x_squared += x * x;
                *y_squared += y * y;
                *x_l1 += x.abs();
            }
        }
        total.add_tile(lanes.map(fold));
    }
    total
}

impl Pair {
    #[inline(always)]
    fn add_tile(&mut self, [dot, x_squared, y_squared, x_l1]: [f32; 4]) {
        self.dot += f64::from(dot);
        self.x_squared += f64::from(x_squared);
        self.y_squared += f64::from(y_squared);
        self.x_l1 += f64::from(x_l1);
    }
}

struct Both<'a, T, U> {
    x: &'a [T],
    y: &'a [U],
}

impl<T: Element, U: Element> Kernel for Both<'_, T, U> {
    type Output = Pair;

    #[inline(always)]
    fn define(self) -> Pair {
        definition(self.x, self.y)
    }

    /// The four sums one after the other: together they have too many lanes for the registers.
    #[inline(always)]
    fn serial(self) -> Pair {
        Pair {
            dot: dot::serial(self.x, self.y),
            x_squared: norm::serial(self.x, Square),
            y_squared: norm::serial(self.y, Square),
            x_l1: norm::serial(self.x, Magnitude),
        }
    }

    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) -> Pair {
        let mut total = Pair::default();
        for (x, y) in self.x.chunks(TILE).zip(self.y.chunks(TILE)) {
            total.add_tile(tile(s, x, y));
        }
        total
    }
}

/// One tile's sums: side by side if there is room for their sixteen registers, else one after the other, in which case
/// only the first has to fetch the tile.
#[inline(always)]
fn tile<S: Simd, T: Element, U: Element>(s: S, x: &[T], y: &[U]) -> [f32; 4] {
    if !S::ROOMY {
        let (x_squared, y_squared) = (norm::tile(s, x, Square), norm::tile(s, y, Square));
        return [dot::tile(s, x, y), x_squared, y_squared, norm::tile(s, x, Magnitude)];
    }
    let mut lanes = [[s.splat(0.0); 4]; 4];
    let (x, x_rest) = x.as_chunks::<LANES>();
    let (y, y_rest) = y.as_chunks::<LANES>();
    for (x, y) in x.iter().zip(y) {
        // f32 is read no faster than the hardware fetches it by itself.
        if size_of::<T>() < 4 || size_of::<U>() < 4 {
            s.prefetch(x, AHEAD);
            s.prefetch(y, AHEAD);
        }
        for ((lane, x), y) in lanes.iter_mut().zip(x.as_chunks().0).zip(y.as_chunks().0) {
            *lane = step(s, T::load(s, x), U::load(s, y), *lane);
        }
    }
    for ((lane, x), y) in lanes.iter_mut().zip(x_rest.chunks(16)).zip(y_rest.chunks(16)) {
        *lane = step(s, T::load_part(s, x), U::load_part(s, y), *lane);
    }
    let [a, b, c, d] = lanes;
    let mut sums = [0.0; 4];
    for (i, sum) in sums.iter_mut().enumerate() {
        *sum = fold_lanes(s, [a[i], b[i], c[i], d[i]]);
    }
    sums
}

/// Adds sixteen elements to the lanes of the four sums.
#[inline(always)]
fn step<S: Simd>(s: S, x: S::F, y: S::F, [dot, x_squared, y_squared, x_l1]: [S::F; 4]) -> [S::F; 4] {
    [
        s.add(dot, s.mul(x, y)),
        s.add(x_squared, s.mul(x, x)),
        s.add(y_squared, s.mul(y, y)),
        s.add(x_l1, s.abs(x)),
    ]
}
