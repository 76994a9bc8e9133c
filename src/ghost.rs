//! Ghost products: exact dot products and squared norms of per-sample gradients from the
//! factors of their linear layers. No gradient is formed and nothing is projected.
//!
//! The gradient of a linear layer with input *a* and output gradient *b* is b aᵀ; applied
//! at T positions, Σₜ bₜ aₜᵀ. Then
//!
//! ⟨g, g′⟩ = Σₜ Σₜ′ (aₜ·a′ₜ′)(bₜ·b′ₜ′), and ‖g‖² is the same of g with itself.
//!
//! One position costs D + K products where the gradient has D·K entries (D, K the layer's
//! two widths). Many positions cost T·T′·(D + K), and from some T on it is cheaper to
//! form the gradients, piece by piece: [`Route`] says when.
//!
//! *Order*: layers in order of the gradient; in a layer g's positions, and for each of
//! them g′'s. Each dot is canonical ([`mod@gradsieve_kernels::dot`]) and in `f64`, as are
//! products of them and sums. A norm takes each pair of positions once, twice its value:
//! for each t those before t, then t itself. Where gradients are formed, an entry is a
//! sum of rounded products in `f32` in the order of positions, and the canonical dots of
//! pieces of 256 entries are added in `f64`. So the bits are the same everywhere; the two
//! routes differ by rounding.
//!
//! *Error*: |computed − exact| ≤ (142 + T + T′)·2⁻²⁴·Σₜ Σₜ′ (|aₜ|·|a′ₜ′|)(|bₜ|·|b′ₜ′|) to
//! first order, by either route.
//!
//! Source: ghost clipping (Goodfellow 2015; Li et al. 2022); In-Run Data Shapley (Wang et
//! al. 2024) for dot products of a batch and for the comparison of costs.
//!
//! ```
//! use gradsieve::ghost::{self, LayerGradient};
//! use gradsieve::{Layer, Sequence};
//!
//! let layer = Layer::new(0, 2, 3);
//! // Sample x went through the layer once, y at two positions; both have a bias gradient that is no product.
//! let x = Sequence::new(&layer, 1, &[1.0_f32, 2.0, 3.0], &[1.0_f32, -1.0])?;
//! let y = Sequence::new(&layer, 2, &[1.0, 0.0, 1.0, 0.0, 2.0, 0.0], &[0.5, 0.5, 3.0, 1.0])?;
//! let x = [LayerGradient::Linear(x), LayerGradient::Plain(&[1.0, -1.0])];
//! let y = [LayerGradient::Linear(y), LayerGradient::Plain(&[3.5, 1.5])];
//! assert_eq!(ghost::dot(&x, &y)?, 4.0 * 0.0 + 4.0 * 2.0 + 2.0);
//! # Ok::<(), gradsieve::Error>(())
//! ```
//!
//! May import `gradient`, `memory` and `error`.

use crate::error::{Error, check_length};
use crate::gradient::{Layer, PIECE, Sequence};
use crate::memory::Memory;
use gradsieve_kernels::Element;
use gradsieve_kernels::{Certain, cannot_happen};

/// One layer of a sample's gradient.
///
/// ```
/// use gradsieve::ghost::{LayerGradient, dot};
/// use gradsieve::{Layer, Sequence};
///
/// // A weight matrix of 1 × 2 in its factors, and its bias.
/// let x = [
///     LayerGradient::Linear(Sequence::new(&Layer::new(0, 1, 2), 1, &[3.0_f32, 4.0], &[2.0_f32])?),
///     LayerGradient::Plain(&[2.0]),
/// ];
/// assert_eq!(dot(&x, &x)?, 4.0 * 25.0 + 4.0);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LayerGradient<'a, T, U = T> {
    /// A linear layer's weights, in factors.
    Linear(Sequence<'a, T, U>),
    /// Any other layer, or a bias: the gradient itself.
    Plain(&'a [T]),
}

impl<T: Element, U: Element> LayerGradient<'_, T, U> {
    /// Whether the two are gradients of one layer, as far as can be seen.
    fn fits(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Linear(x), Self::Linear(y)) => x.shape() == y.shape(),
            (Self::Plain(x), Self::Plain(y)) => x.len() == y.len(),
            _ => false,
        }
    }
}

/// How a linear layer's products are computed: the one of the two that needs fewer
/// multiplications.
///
/// ```
/// use gradsieve::Layer;
/// use gradsieve::ghost::Route;
///
/// let layer = Layer::new(0, 512, 512);
/// // One position a sample: factors are far smaller than the matrix. Thousands: it is.
/// assert_eq!(Route::of_products(&layer, [8, 8], [8, 8]), Route::Ghost);
/// assert_eq!(Route::of_products(&layer, [8 * 4096; 2], [8, 8]), Route::Formed);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    /// From the factors.
    Ghost,
    /// From gradients that are formed, a piece at a time.
    Formed,
}

impl Route {
    /// The route of the dot products of all of one batch with all of another.
    ///
    /// `positions` are those of all samples of a batch together. With B₁ and B₂ samples
    /// of T positions each, that is: form the gradients when B₁B₂T²(D + K) ≥ (B₁ +
    /// B₂)·T·D·K + B₁B₂·D·K.
    #[must_use]
    pub const fn of_products(layer: &Layer, positions: [u64; 2], samples: [u64; 2]) -> Self {
        let entries = wide(layer.outputs, layer.inputs);
        let ghost = wide(positions[0], positions[1]).saturating_mul(widths(layer));
        let forming = (positions[0] as u128 + positions[1] as u128).saturating_mul(entries);
        let products = wide(samples[0], samples[1]).saturating_mul(entries);
        Self::cheaper(ghost, forming.saturating_add(products))
    }

    /// The route of the squared norm of one gradient over T positions: form it when T(T +
    /// 1)/2·(D + K) ≥ T·D·K + D·K.
    #[must_use]
    pub const fn of_norm(layer: &Layer, positions: u64) -> Self {
        let pairs = positions as u128 * (positions as u128 + 1) / 2;
        let entries = wide(layer.outputs, layer.inputs);
        let formed = (positions as u128 + 1).saturating_mul(entries);
        Self::cheaper(pairs.saturating_mul(widths(layer)), formed)
    }

    const fn cheaper(ghost: u128, formed: u128) -> Self {
        if ghost >= formed { Self::Formed } else { Self::Ghost }
    }
}

const fn wide(x: u64, y: u64) -> u128 {
    x as u128 * y as u128
}

const fn widths(layer: &Layer) -> u128 {
    layer.outputs as u128 + layer.inputs as u128
}

/// ⟨x, y⟩ of two samples' gradients, over all layers.
///
/// *Cost*: the cheaper of the two routes for each linear layer ([`Route::of_products`]
/// with one sample each), p products for the others; two kilobytes of stack.
///
/// # Errors
/// [`Error::LayerMismatch`] with the index of the first layer that the two do not share.
pub fn dot<T: Element, U: Element>(
    x: &[LayerGradient<'_, T, U>],
    y: &[LayerGradient<'_, T, U>],
) -> Result<f64, Error> {
    let mut out = [0.0];
    products(&[x], &[y], &mut [0.0; memory(1, 1).scratch], &mut out)?;
    Ok(out.iter().sum())
}

/// ‖x‖² of a sample's gradient, over all layers. Never negative: where everything cancels
/// but for rounding, it is 0.
///
/// *Cost*: the cheaper of the two routes for each linear layer ([`Route::of_norm`]), p
/// products for the others; a kilobyte of stack.
#[must_use]
pub fn squared_norm<T: Element, U: Element>(x: &[LayerGradient<'_, T, U>]) -> f64 {
    let mut total = 0.0;
    for layer in x {
        total += match layer {
            LayerGradient::Linear(x) => match Route::of_norm(&shape(x), x.positions() as u64) {
                Route::Ghost => ghost_norm(x),
                Route::Formed => formed_norm(x),
            },
            LayerGradient::Plain(x) => gradsieve_kernels::squared_norm(x),
        };
    }
    total
}

/// What [`products`] of batches of `x` and `y` samples need: scratch for a piece of each
/// sample's gradient.
#[must_use]
pub const fn memory(x: usize, y: usize) -> Memory {
    Memory { scratch: x.saturating_add(y).saturating_mul(PIECE), ..Memory::NONE }
}

/// ⟨xᵢ, yⱼ⟩ of all samples of two batches, over all layers: `out` has a row for each of
/// `xs` and a column for each of `ys`.
///
/// *Cost*: the cheaper of the two routes for each linear layer ([`Route::of_products`]),
/// p products a pair for the others. `scratch` is as long as [`memory`] says; what it
/// holds is of no concern. Where both take the same routes, the bits are those of
/// [`dot`].
///
/// # Errors
/// [`Error::Length`] if `scratch` or `out` is of another length; [`Error::LayerMismatch`]
/// with the index of a layer that two of the samples do not share. `out` is as it was.
pub fn products<T: Element, U: Element>(
    xs: &[&[LayerGradient<'_, T, U>]],
    ys: &[&[LayerGradient<'_, T, U>]],
    scratch: &mut [f32],
    out: &mut [f64],
) -> Result<(), Error> {
    check_length(memory(xs.len(), ys.len()).scratch, scratch.len())?;
    check_length(xs.len().saturating_mul(ys.len()), out.len())?;
    let Some(&first) = xs.first() else { return Ok(()) };
    for sample in xs.iter().chain(ys) {
        let differs = first.iter().zip(*sample).position(|(x, y)| !x.fits(y));
        let missing = (first.len() != sample.len()).then(|| first.len().min(sample.len()));
        if let Some(index) = differs.or(missing) {
            return Err(Error::LayerMismatch { index });
        }
    }
    out.fill(0.0);
    for (index, layer) in first.iter().enumerate() {
        let layers =
            |samples: &'_ [&'_ [LayerGradient<'_, T, U>]]| (samples.len(), positions(samples, index));
        let ((xn, xt), (yn, yt)) = (layers(xs), layers(ys));
        let formed = match layer {
            LayerGradient::Linear(x) => {
                let route = Route::of_products(&shape(x), [xt, yt], [xn as u64, yn as u64]);
                (route == Route::Formed).then(|| x.entries())
            }
            LayerGradient::Plain(_) => None,
        };
        match formed {
            Some(entries) => formed_products(xs, ys, index, entries, scratch, out),
            None => pair_products(xs, ys, index, out),
        }
    }
    Ok(())
}

/// Positions of one layer over a batch.
fn positions<T: Element, U: Element>(samples: &[&[LayerGradient<'_, T, U>]], index: usize) -> u64 {
    let of = |sample: &&[LayerGradient<'_, T, U>]| match sample.get(index) {
        Some(LayerGradient::Linear(x)) => x.positions() as u64,
        Some(LayerGradient::Plain(_)) => 0,
        None => {
            cannot_happen!("every sample has as many layers, as has been checked");
            0
        }
    };
    samples.iter().map(of).fold(0, u64::saturating_add)
}

/// Adds one layer's products, pair by pair: from factors, or those of plain gradients.
fn pair_products<T: Element, U: Element>(
    xs: &[&[LayerGradient<'_, T, U>]],
    ys: &[&[LayerGradient<'_, T, U>]],
    index: usize,
    out: &mut [f64],
) {
    let mut out = out.iter_mut();
    for x in xs {
        for (y, out) in ys.iter().zip(&mut out) {
            *out += match (x.get(index), y.get(index)) {
                (Some(LayerGradient::Linear(x)), Some(LayerGradient::Linear(y))) => ghost_dot(x, y),
                (Some(LayerGradient::Plain(x)), Some(LayerGradient::Plain(y))) => plain_dot(x, y),
                _ => {
                    cannot_happen!("the samples' layers fit each other, as has been checked");
                    0.0
                }
            };
        }
    }
}

/// Adds one layer's products from formed gradients: a piece of every sample's, then all
/// pairs' dots of that piece.
fn formed_products<T: Element, U: Element>(
    xs: &[&[LayerGradient<'_, T, U>]],
    ys: &[&[LayerGradient<'_, T, U>]],
    index: usize,
    entries: u64,
    memory: &mut [f32],
    out: &mut [f64],
) {
    let mut start = 0;
    while start < entries {
        let length = (PIECE as u64).min(entries - start) as usize;
        for (sample, piece) in xs.iter().chain(ys).zip(memory.chunks_exact_mut(PIECE)) {
            let (Some(LayerGradient::Linear(x)), Some(piece)) = (sample.get(index), piece.get_mut(..length))
            else {
                cannot_happen!("every sample has a linear layer there, and a piece of the scratch");
                return;
            };
            x.form(start, piece);
        }
        let (x, y) = memory.split_at_checked(xs.len() * PIECE).certain();
        let mut out = out.iter_mut();
        for x in x.chunks_exact(PIECE) {
            for (y, out) in y.chunks_exact(PIECE).zip(&mut out) {
                let (x, y) = (x.get(..length).certain(), y.get(..length).certain());
                *out += plain_dot(x, y);
            }
        }
        start += length as u64;
    }
}

/// The layer of a sequence, as far as its shape goes.
fn shape<T: Element, U: Element>(x: &Sequence<'_, T, U>) -> Layer {
    let (outputs, inputs) = x.shape();
    Layer::new(0, outputs as u64, inputs as u64)
}

/// Σₜ Σₜ′ (aₜ·a′ₜ′)(bₜ·b′ₜ′).
fn ghost_dot<T: Element, U: Element>(x: &Sequence<'_, T, U>, y: &Sequence<'_, T, U>) -> f64 {
    let mut total = 0.0;
    for (a, b) in x.factors() {
        for (c, d) in y.factors() {
            total += plain_dot(a, c) * plain_dot(b, d);
        }
    }
    total
}

/// Σₜ (Σₜ′﹤ₜ 2·(aₜ·aₜ′)(bₜ·bₜ′) + ‖aₜ‖²‖bₜ‖²), and not below 0.
pub(crate) fn ghost_norm<T: Element, U: Element>(x: &Sequence<'_, T, U>) -> f64 {
    let mut total = 0.0;
    for (t, (a, b)) in x.factors().enumerate() {
        for (c, d) in x.factors().take(t) {
            total += 2.0 * (plain_dot(a, c) * plain_dot(b, d));
        }
        total += gradsieve_kernels::squared_norm(a) * gradsieve_kernels::squared_norm(b);
    }
    // A NaN stays one.
    if total < 0.0 { 0.0 } else { total }
}

/// The squared norm of the gradient, formed piece by piece.
fn formed_norm<T: Element, U: Element>(x: &Sequence<'_, T, U>) -> f64 {
    let mut total = 0.0;
    let _never_fails = x.pieces::<PIECE>(0, |_, piece| {
        total += gradsieve_kernels::squared_norm(piece);
        Ok(())
    });
    total
}

/// The canonical dot of two slices, of one length as has been seen to.
fn plain_dot<T: Element, U: Element>(x: &[T], y: &[U]) -> f64 {
    gradsieve_kernels::dot(x, y).certain()
}
