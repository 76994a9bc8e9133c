//! What was chosen where the command line does not say, against the rows as they are; and
//! said on standard error.

use super::plan::Search;
use crate::commands::console;
use crate::commands::rows::Rows;

/// Leaves out suggested detectors that these rows do not suit: they may be sketches
/// without their gradients' norms.
pub(super) fn leave_out(search: &mut Search, rows: &Rows) {
    if search.is_suggested && search.detectors.len() > 1 && rows.require_norms().is_err() {
        search.detectors.retain(|detector| !detector.takes_norms());
    }
}

/// Says which detectors were chosen, why, and what they look at.
pub(super) fn remark(search: &Search, rows: &Rows) {
    if !search.is_suggested {
        return;
    }
    let names = search.detectors.iter().map(|detector| detector.name()).collect::<Vec<_>>().join(",");
    let why = match (&search.groups, &search.loss) {
        (Some(_), Some(_)) => "as groups and losses are given",
        (Some(_), None) => "as groups are given; --loss LOSSES finds more wrong labels",
        (None, Some(_)) => "as losses are given, and no --groups, with which direction finds more",
        (None, None) => "as nothing but gradients is given; with --groups LABELS direction finds more",
    };
    let at = match rows.matrix() {
        Some(matrix) if rows.is_projected() => {
            format!("sketches of {} numbers (--dim {0}) of {} columns", rows.width(), matrix.cols())
        }
        Some(matrix) => format!("all {} columns", matrix.cols()),
        None => format!("sketches of {} numbers, as stored", rows.width()),
    };
    let looks = search.detectors.iter().any(|detector| !detector.needs_no_sketch());
    let at = if looks { format!(", on {at}") } else { String::new() };
    console::remark(format!("chosen: --detector {names}, {why}{at}"));
}
