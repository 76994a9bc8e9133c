//! Whether a step stretches what it should shrink: bounds of η·λ_max(H), and what the
//! later steps did to a row.
//!
//! η·λ_max is at most η·Σ‖h‖², H's trace, and at least every quotient η·‖F w‖²/‖w‖².
//! Where the trace is at most 2 the step is proved stable and nothing else is computed.

use super::{Blocks, Rows, Step};
use crate::error::Error;
use gradsieve_kernels::{Certain, axpy, dot, max_abs, squared_norm};

/// What a step says about the stability of the product. I − ηH shrinks every vector, or
/// leaves it as long as it was, exactly if η·λ_max(H) ≤ 2.
///
/// ```
/// use gradsieve::influence::dvemb::Stability;
///
/// let unknown = Stability { at_least: 1.5, at_most: 3.0, growth: 1.0 };
/// assert!(!unknown.is_stable() && !unknown.is_unstable());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stability {
    /// A number that η·λ_max(H) is not below.
    pub at_least: f64,
    /// A number that η·λ_max(H) is not above.
    pub at_most: f64,
    /// The most that all later steps together have stretched one of the vectors that went
    /// through them: the rows of this step in a [`Propagator`](super::Propagator); in an
    /// [`Adjoint`](super::Adjoint) the targets, this step included. Above 1 only if one
    /// of those steps was unstable (or by a rounding).
    pub growth: f64,
}

impl Stability {
    /// Whether the step surely shrinks or keeps every vector.
    #[must_use]
    pub fn is_stable(&self) -> bool {
        self.at_most <= 2.0
    }

    /// Whether the step surely stretches some vector. Neither may be known.
    #[must_use]
    pub fn is_unstable(&self) -> bool {
        self.at_least > 2.0
    }
}

/// Power iterations where the trace proves nothing. Eight, from the longest row, find
/// 9/10 of λ_max unless many eigenvalues crowd below it.
const ROUNDS: usize = 8;

/// η times the largest of the blocks' traces.
pub(super) fn at_most(blocks: Blocks<'_>, step: &Step<'_>, factors: &Rows) -> f64 {
    let eta = f64::from(step.learning_rate);
    if blocks.is_one() {
        return eta * factors.squares;
    }
    let rows = || step.factors().chunks_exact(blocks.width().max(1));
    let trace = |(first, width): (usize, usize)| -> f64 {
        rows().filter_map(|row| row.get(first..first + width)).map(squared_norm).sum()
    };
    eta * blocks.iter().map(trace).fold(0.0, f64::max)
}

/// η times the largest Rayleigh quotient that power iterations find in any block.
/// `scratch` has room for two rows.
pub(super) fn at_least(blocks: Blocks<'_>, step: &Step<'_>, scratch: &mut [f32]) -> Result<f64, Error> {
    let mut best = 0.0;
    let eta = f64::from(step.learning_rate);
    for (first, width) in blocks.iter() {
        let rows = || {
            let rows = step.factors().chunks_exact(blocks.width().max(1));
            rows.filter_map(move |row| row.get(first..first + width))
        };
        let (w, rest) = scratch.split_at_mut_checked(width).certain();
        let next = rest.get_mut(..width).certain();
        let longest = |best: Option<(f64, _)>, row| {
            let norm = squared_norm(row);
            if best.is_none_or(|(most, _)| norm > most) { Some((norm, row)) } else { best }
        };
        // A step without rows has no curvature.
        let Some((_, start)) = rows().fold(None, longest) else { continue };
        normalise(start, w);
        for _ in 0..ROUNDS {
            next.fill(0.0);
            let mut quotient = 0.0;
            for row in rows() {
                let along = dot(row, w)?;
                quotient += along * along;
                axpy(along as f32, row, next)?;
            }
            quotient /= squared_norm(w);
            if quotient > best {
                best = quotient;
            }
            if eta * best > 2.0 {
                break;
            }
            normalise(next, w);
        }
    }
    Ok(eta * best)
}

/// `to` = `from` with a largest magnitude of 1, so that nothing overflows; zeros stay
/// zeros.
fn normalise(from: &[f32], to: &mut [f32]) {
    let most = max_abs(from);
    let scale = if most > 0.0 && most.is_finite() { 1.0 / most } else { 0.0 };
    for (to, from) in to.iter_mut().zip(from) {
        *to = scale * from;
    }
}

/// The most by which any row has grown: `after` is scale·P·before, row by row. Infinite
/// if `after` has left `f32`. Rows whose squares are too small or too large for `f32` say
/// nothing.
pub(super) fn growth(width: usize, scale: f32, before: &[f32], after: &[f32]) -> f64 {
    let width = width.max(1);
    let square = f64::from(scale) * f64::from(scale);
    let mut most = 0.0;
    for (before, after) in before.chunks_exact(width).zip(after.chunks_exact(width)) {
        let (was, is) = (square * squared_norm(before), squared_norm(after));
        if !is.is_finite() {
            return f64::INFINITY;
        }
        if was > SMALLEST && was.is_finite() && is > most * was {
            most = is / was;
        }
    }
    libm::sqrt(most)
}

/// The squared norms that targets begin with.
pub(super) fn begun(norms: &mut [f32], targets: &[f32], width: usize) {
    for (norm, target) in norms.iter_mut().zip(targets.chunks_exact(width.max(1))) {
        *norm = squared_norm(target) as f32;
    }
}

/// The most by which a target has grown since its squared norm was the one given.
pub(super) fn grown(norms: &[f32], targets: &[f32], width: usize) -> f64 {
    let mut most = 0.0;
    for (target, &norm) in targets.chunks_exact(width.max(1)).zip(norms) {
        let (was, is) = (f64::from(norm), squared_norm(target));
        if was > SMALLEST && was.is_finite() && is > most * was {
            most = is / was;
        }
    }
    libm::sqrt(most)
}

/// The largest ‖F w‖²/‖w‖² of one block over the targets w, or `best` if that is larger.
pub(super) fn most_along(
    along: &[f32],
    targets: &[f32],
    width: usize,
    first: usize,
    columns: usize,
    mut best: f64,
) -> f64 {
    let width = width.max(1);
    let count = (targets.len() / width).max(1);
    for (q, target) in targets.chunks_exact(width).enumerate() {
        let length = squared_norm(target.get(first..first + columns).certain());
        let square: f64 = along.iter().skip(q).step_by(count).map(|&x| f64::from(x) * f64::from(x)).sum();
        if length > SMALLEST && length.is_finite() && square > best * length {
            best = square / length;
        }
    }
    best
}

/// Squares of `f32` sum up to this with hardly any underflow.
pub(super) const SMALLEST: f64 = 1e-30;

/// Numbers beyond this may overflow when another of their kind is added.
pub(super) const LARGEST: f64 = f32::MAX as f64 / 4.0;
