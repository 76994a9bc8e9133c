//! The parts of a score, and which of them stand out.

use super::verdict::Reasons;

/// How far a part may stand out before it counts, in scales.
const ORDINARY: f32 = 2.0;

/// The largest number of scales that is told apart.
const MOST: f32 = 1e4;

/// What a part of the score must be for the part to be a reason, beside a third of the
/// largest.
const REASON: f32 = 1.0;

/// The parts of a score.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    /// z of the loss, if there is one.
    pub(super) loss: Option<f32>,
    /// d/d̄.
    pub(super) standing: f32,
    /// |z| of ‖g‖₁/‖g‖₂.
    pub(super) shape: f32,
    /// z of ‖g‖, or of what the loss leaves of it.
    pub(super) length: f32,
}

impl Parts {
    /// The parts from z-scores of any size. What cannot be told of short gradients is
    /// left out.
    pub(super) const fn new(loss: Option<f32>, standing: f32, shape: f32, length: f32, short: bool) -> Self {
        let length = if length < 0.0 && !short { 0.0 } else { length.clamp(-MOST, MOST) };
        let loss = match loss {
            Some(loss) => Some(loss.clamp(-MOST, MOST)),
            None => None,
        };
        Self { loss, standing, shape: shape.abs().min(MOST), length }
    }

    /// s.
    pub(super) fn score(self) -> f32 {
        self.each().iter().map(|(_, part)| part).sum::<f32>() - self.overlap() + self.weight()
    }

    /// What d/d̄ weighs.
    const fn weight(self) -> f32 {
        if self.loss.is_some() { 1.0 } else { 2.0 }
    }

    /// Of length and shape, the larger alone counts.
    fn overlap(self) -> f32 {
        let [_, _, (_, length), (_, shape)] = self.each();
        if length < shape { length } else { shape }
    }

    /// Each part of the score, and the reason that it is.
    const fn each(self) -> [(Reasons, f32); 4] {
        let direction = (Reasons::DIRECTION, self.weight() * (self.standing - 1.0));
        let shape = (Reasons::SHAPE, over(self.shape));
        match self.loss {
            Some(loss) => {
                let side = if self.length < 0.0 { Reasons::SHORT } else { Reasons::LENGTH };
                [(Reasons::LOSS, squared(loss)), direction, (side, over(self.length.abs())), shape]
            }
            None => [
                (Reasons::LENGTH, squared(self.length)),
                direction,
                (Reasons::SHORT, over(-self.length - 1.0)),
                shape,
            ],
        }
    }

    /// The parts that stand out.
    pub(super) fn reasons(self) -> Reasons {
        let each = self.each();
        let largest =
            each.iter().fold(0.0, |largest, (_, part)| if *part > largest { *part } else { largest });
        each.iter().fold(Reasons::NONE, |reasons, &(reason, part)| {
            reasons.and_if(part >= REASON && 3.0 * part >= largest, reason)
        })
    }
}

/// The square of what is above 0.
const fn squared(z: f32) -> f32 {
    if z > 0.0 { z * z } else { 0.0 }
}

/// What is above the ordinary.
const fn over(z: f32) -> f32 {
    if z > ORDINARY { z - ORDINARY } else { 0.0 }
}
