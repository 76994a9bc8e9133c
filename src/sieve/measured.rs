//! What a sketch says of its sample, whatever came before: found once, by judging, and
//! learnt by observing.

use super::recent;
use super::settings::{LossKind, SieveSettings};
use crate::sketch::Sketch;
use crate::statistics::{Normaliser, position, position_of};
use gradsieve_kernels::Summary;

/// The loss that is taken for one of zero, for gradients that are too long even for it:
/// the last bit of a probability in `f32`.
const LEAST_LOSS: f32 = 1.0 / (1 << 24) as f32;

/// Positions are logarithms ([`position`]).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    /// What makes the sketch a direction; none of one of zero.
    pub(super) factor: Option<Normaliser>,
    /// Its signs, if duplicates are looked for.
    pub(super) signs: i64,
    /// The position of ‖g‖²,
    pub(super) square: i32,
    /// of ‖g‖₁²/‖g‖₂², where both were measured,
    pub(super) shape: Option<i32>,
    /// and of ‖g‖² by what the loss explains, where there is one.
    pub(super) residual: Option<i32>,
}

impl Measured {
    /// Of a sketch with numbers that are none.
    pub(super) const NOTHING: Self =
        Self { factor: None, signs: 0, square: position(0.0), shape: None, residual: None };

    /// Of a sketch; none of one that is not finite, or whose gradient or loss is not.
    pub(super) fn of(settings: &SieveSettings, sketch: &Sketch<'_>) -> Option<Self> {
        let Summary { l1, l2_squared, non_finite, .. } = sketch.measures;
        let is_finite = non_finite == 0 && finite(l2_squared) && sketch.loss.is_none_or(f32::is_finite);
        if !is_finite {
            return None;
        }
        let factor = Normaliser::of(sketch.values).ok()?;
        let square = position(l2_squared);
        // From 0 of a single coordinate to the logarithm of their number.
        let shape = positive(l2_squared) && finite(l1);
        Some(Self {
            factor,
            signs: if settings.guards.duplicates > 0 { recent::signs(sketch.values) } else { 0 },
            square,
            shape: shape.then(|| 2 * position(l1) - square),
            residual: sketch.loss.map(|loss| square - explained(settings.loss, loss)),
        })
    }
}

/// Whether a number is finite, by its bits: small cores have no `f64`.
const fn finite(x: f64) -> bool {
    x.to_bits() >> 52 & 0x7FF < 0x7FF
}

/// Whether a number that is finite is above 0.
pub(super) const fn positive(x: f64) -> bool {
    x.to_bits() as i64 > 0
}

/// The position of what the loss explains of ‖g‖², up to a factor.
fn explained(kind: LossKind, loss: f32) -> i32 {
    let loss = if loss > 0.0 { loss } else { LEAST_LOSS };
    match kind {
        LossKind::CrossEntropy => 2 * position_of(-libm::expm1f(-loss)),
        LossKind::Squared => position_of(loss),
    }
}
