//! What a sketch says of its sample, whatever came before: found once, by judging, and
//! learnt by observing.

use super::recent;
use super::settings::{LossKind, SieveSettings};
use crate::sketch::Sketch;
use crate::statistics::{Normaliser, position};

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

    /// Of a finite sketch.
    pub(super) fn of(settings: &SieveSettings, sketch: &Sketch<'_>) -> Self {
        let square = sketch.measures.l2_squared;
        Self {
            factor: Normaliser::of(sketch.values),
            signs: if settings.guards.duplicates > 0 { recent::signs(sketch.values) } else { 0 },
            square: position(square),
            shape: shape(sketch).map(position),
            residual: sketch.loss.map(|loss| position(residual(settings.loss, loss, square))),
        }
    }
}

/// ‖g‖₁²/‖g‖₂²: from 1 of a single coordinate to their number; none where it was not
/// measured, and of zero.
fn shape(sketch: &Sketch<'_>) -> Option<f64> {
    let measures = sketch.measures;
    let ratio = measures.l1 * measures.l1 / measures.l2_squared;
    (measures.l2_squared > 0.0 && ratio.is_finite()).then_some(ratio)
}

/// ‖g‖² by what the loss explains of it, up to a factor.
fn residual(kind: LossKind, loss: f32, square: f64) -> f64 {
    let loss = if loss > 0.0 { loss } else { LEAST_LOSS };
    let explained = match kind {
        LossKind::CrossEntropy => {
            let wrong = f64::from(-libm::expm1f(-loss));
            wrong * wrong
        }
        LossKind::Squared => f64::from(loss),
    };
    square / explained
}
