//! What is kept of a recorded run's gradients before they are projected, fitted to the
//! run.

use super::eigen::Coordinates;
use super::principal::Directions;

/// What was fitted.
pub(super) enum Kept {
    Principal(Directions),
    Eigen(Coordinates),
}

impl Kept {
    /// Numbers that are kept of a gradient.
    pub(super) fn columns(&self) -> usize {
        match self {
            Self::Principal(directions) => directions.columns(),
            Self::Eigen(coordinates) => coordinates.columns(),
        }
    }

    /// Those of a gradient that is written out.
    pub(super) fn row(&self, gradient: &[f32]) -> Vec<f32> {
        match self {
            Self::Principal(directions) => directions.row(gradient),
            Self::Eigen(coordinates) => coordinates.row(gradient),
        }
    }
}
