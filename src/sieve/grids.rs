//! In which cells a sieve counts, and how many bytes that takes at rest.

use super::recent;
use crate::statistics::Grid;

/// ‖g‖²: two octaves a cell from 2·10⁻¹⁰ to 65,536 of ‖g‖.
pub(super) const NORMS: Grid = Grid { fineness: -1, fine: (-64, 32), coarse: 32, end: 256 };
/// The loss: an octave a cell.
pub(super) const LOSSES: Grid = Grid { fineness: 0, fine: (-40, 8), coarse: 16, end: 56 };
/// ‖g‖² by what the loss explains: half an octave a cell.
pub(super) const RESIDUALS: Grid = Grid { fineness: 1, fine: (-14, 14), coarse: 121, end: 256 };
/// ‖g‖₁²/‖g‖₂², which is 1 or more: a quarter of an octave a cell.
pub(super) const SHAPES: Grid = Grid { fineness: 2, fine: (0, 16), coarse: 16, end: 32 };
/// Scores: a sixteenth of an octave a cell.
pub(super) const SCORES: Grid = Grid { fineness: 4, fine: (-1, 7), coarse: 6, end: 31 };

/// Bytes of what does not depend on the settings, at rest.
pub(super) const FIXED: usize = 4
    * (NORMS.cells() + LOSSES.cells() + RESIDUALS.cells() + SHAPES.cells() + SCORES.cells())
    + 4 * (recent::NEAR as usize + 1)
    + 180;
