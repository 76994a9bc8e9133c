//! The samples of a search: their rows and what is known of them, opened and scored.

use super::chosen;
use super::defaults;
use super::plan::Search;
use super::report::{CONSEQUENCE, Found};
use super::scorer::{Losses, Scored, Scorer};
use crate::commands::CommandError;
use crate::commands::losses::losses;
use crate::commands::rows::{EXACT_COLUMNS, Rows, check_matrix_width};
use gradsieve_io::files::{Groups, Label, read_groups, read_ids};

/// Rows, and what is known of them.
pub(in crate::commands) struct Samples {
    pub(in crate::commands) rows: Rows,
    pub(in crate::commands) groups: Option<Groups>,
    pub(in crate::commands) ids: Option<Vec<Label>>,
    pub(in crate::commands) losses: Option<Losses>,
    /// Rows whose gradients are not finite, once they are scored.
    non_finite: Vec<usize>,
}

impl Samples {
    /// Opens the files of a search, and says what was chosen where it named nothing.
    ///
    /// # Errors
    /// Files that cannot be read, that do not fit, or that the detectors do not suit.
    pub(in crate::commands) fn open(search: &mut Search) -> Result<Self, CommandError> {
        let rows = open_rows(search)?;
        let (name, count) = (rows.name().to_owned(), rows.count());
        let groups = search.groups.as_ref().map(|source| read_groups(source, &name, count)).transpose()?;
        let ids = search.ids.as_ref().map(|source| read_ids(source, &name, count)).transpose()?;
        let losses = search.loss.as_ref().map(|source| losses(source, &rows, CONSEQUENCE)).transpose()?;
        let losses = losses.map(Losses::new).transpose().map_err(CommandError::core(&name))?;
        chosen::remark(search, &rows);
        Ok(Self { rows, groups, ids, losses, non_finite: Vec::new() })
    }

    /// Has all detectors score all rows, in one pass, or in two if one of them learns
    /// first.
    ///
    /// # Errors
    /// Rows that cannot be read or scored.
    pub(in crate::commands) fn score(&mut self, search: &Search) -> Result<Vec<Scored>, CommandError> {
        let Self { rows, groups, losses, non_finite, .. } = self;
        let new = |&detector| Scorer::new(detector, search, rows, groups.as_ref(), losses.as_ref());
        let mut scorers = search.detectors.iter().map(new).collect::<Result<Vec<_>, _>>()?;
        let name = rows.name().to_owned();
        let learns = scorers.iter().any(Scorer::learns);
        if learns {
            rows.prepare_passes()?;
        }
        let core = |error| CommandError::core(&name)(error);
        rows.pass(if learns { "observing" } else { "scoring" }, |row, sketch| {
            if sketch.measures.non_finite > 0 {
                non_finite.push(row);
            }
            scorers.iter_mut().try_for_each(|scorer| scorer.observe(row, sketch)).map_err(core)
        })?;
        scorers.iter_mut().try_for_each(|scorer| scorer.fit(rows))?;
        if learns {
            rows.pass("scoring", |row, sketch| {
                scorers.iter_mut().try_for_each(|scorer| scorer.score(row, sketch)).map_err(core)
            })?;
        }
        Ok(scorers.into_iter().map(|Scorer { detector, scores, .. }| Scored { detector, scores }).collect())
    }

    /// Says which rows have no score, and why.
    pub(in crate::commands) fn remark(&self, found: &[Found<'_>]) {
        self.rows.remark_non_finite(&self.non_finite, CONSEQUENCE);
        found.iter().for_each(|found| found.remark_beyond(&self.rows));
    }
}

/// The rows, as the detectors want them.
fn open_rows(search: &mut Search) -> Result<Rows, CommandError> {
    if search.detectors.iter().all(|detector| detector.needs_no_sketch()) {
        return Rows::open_measures(&search.grads, search.projection.holds);
    }
    let width = |columns| (search.is_suggested && columns > defaults::WIDTH).then_some(defaults::WIDTH);
    let rows = Rows::open_to_width(&search.grads, &search.projection, width)?;
    chosen::leave_out(search, &rows);
    if search.detectors.iter().any(|detector| detector.takes_norms()) {
        rows.require_norms()?;
    }
    for detector in search.detectors.iter().filter(|detector| !detector.needs_no_sketch()) {
        if detector.takes_second_moments() {
            check_matrix_width(&rows, detector.name())?;
        } else if !rows.is_projected() && rows.width() > EXACT_COLUMNS {
            let (file, what, columns) = (rows.name().to_owned(), detector.name(), rows.width());
            return Err(CommandError::TooWide { file, what, limit: EXACT_COLUMNS, columns });
        }
    }
    Ok(rows)
}
