//! One pass over two vectors: their dot product, both squared norms, and the L1 norm of
//! the first.
//!
//! What a cosine needs. Each of the four sums is canonical, and so has the bits that
//! [`crate::dot()`], [`crate::squared_norm`] and [`crate::l1_norm`] give; the vectors are
//! read once.

use crate::dispatch::{Kernel, run};
use crate::dot::{self, AHEAD, load_at, load_from, rows, short_sums, vector_sums};
use crate::element::Element;
use crate::error::{Error, same_length};
use crate::level::Level;
use crate::norm::{self, Magnitude, Square};
use crate::simd::Simd;
use crate::sum::{self, LANES, NO_TERMS, tiles};

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
    Pair::of(sum::sums(x.len(), tiles(x).zip(tiles(y)), |(x, y), lanes| {
        *lanes = [NO_TERMS; 4];
        for (x, y) in x.chunks(LANES).zip(y.chunks(LANES)) {
            let [dot, x_squared, y_squared, x_l1] = lanes.each_mut().map(|lanes| lanes.as_flattened_mut());
            let lanes = dot.iter_mut().zip(x_squared).zip(y_squared).zip(x_l1);
            for ((((dot, x_squared), y_squared), x_l1), (x, y)) in lanes.zip(x.iter().zip(y)) {
                let (x, y) = (x.widen(), y.widen());
                *dot += x * y;
                *x_squared += x * x;
                *y_squared += y * y;
                *x_l1 += x.abs();
            }
        }
    }))
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
    fn define(self) -> Pair {
        definition(self.x, self.y)
    }

    /// The four sums one after the other: together they have too many lanes for the
    /// registers.
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
        let (x, y) = (self.x, self.y.get(..self.x.len()).unwrap_or_default());
        if x.len() <= LANES {
            let first = |x, y| step(s, x, y, [s.splat(0.0); 4]);
            return Pair::of(short_sums(
                s,
                x.len(),
                #[inline(always)]
                |i| first(load_at(s, x, i), load_at(s, y, i)),
                #[inline(always)]
                |i| first(load_from(s, x, i), load_from(s, y, i)),
            ));
        }
        Pair::of(vector_sums(
            s,
            x.len(),
            paired::<S, T, U>(),
            #[inline(always)]
            |tile, whole| lanes(s, rows(x, tile.clone(), whole), rows(y, tile, whole)),
        ))
    }
}

/// Which of the four sums are taken of elements loaded in pairs.
#[inline(always)]
fn paired<S: Simd, T: Element, U: Element>() -> [bool; 4] {
    if S::ROOMY { [false; 4] } else { [T::PAIRED && U::PAIRED, T::PAIRED, U::PAIRED, T::PAIRED] }
}

/// The lanes of one tile's sums: side by side if there is room for their sixteen
/// registers, else one after the other, in which case only the first has to fetch the
/// tile.
#[inline(always)]
fn lanes<S: Simd, T: Element, U: Element>(
    s: S,
    x: (&[[T; LANES]], &[T]),
    y: (&[[U; LANES]], &[U]),
) -> [[[S::F; 2]; 2]; 4] {
    if !S::ROOMY {
        let (x_squared, y_squared) = (norm::lanes(s, x, Square), norm::lanes(s, y, Square));
        return [dot::lanes(s, x, y), x_squared, y_squared, norm::lanes(s, x, Magnitude)];
    }
    let mut lanes = [[s.splat(0.0); 4]; 4];
    let ((x, x_rest), (y, y_rest)) = (x, y);
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
    let mut sums = [[[s.splat(0.0); 2]; 2]; 4];
    for (i, sum) in sums.iter_mut().enumerate() {
        *sum = [[a[i], b[i]], [c[i], d[i]]];
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
