//! What a sketch says of its sample, whatever came before: found once, by judging, and
//! learnt by observing.

use super::recent;
use super::score::{residual, shape};
use super::settings::SieveSettings;
use crate::sketch::Sketch;
use crate::statistics::{Normaliser, position};

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
