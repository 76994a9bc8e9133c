//! Where scores go, by the ending of a name.

use std::collections::BTreeMap;

use super::arguments::DetectorName;
use super::report::{Found, Report};
use super::scorer::Scored;
use crate::commands::CommandError;
use crate::commands::paths::remark_output;
use crate::commands::table_file::{TableFile, ends_in, is_table, or_endings};
use gradsieve_io::files::{ArrayWriter, Cell, CellKind, Destination, Dtype, FileError, Label, Output};

/// A file of scores that is under way.
pub(super) enum Sink {
    Array(Box<ArrayWriter>),
    Table(TableFile),
    Json { name: String, output: Output },
}

impl Sink {
    /// Begins a file of the scores of so many rows.
    ///
    /// # Errors
    /// As for every [`Destination`]; an ending that says no format.
    pub(super) fn create(
        to: &Destination,
        rows: usize,
        detectors: &[DetectorName],
        has_ids: bool,
    ) -> Result<Self, CommandError> {
        if ends_in(to, "json") {
            return Ok(Self::Json { name: to.to_string(), output: to.create()? });
        }
        if is_table(to) {
            let mut columns = vec![("index", CellKind::Whole)];
            columns.extend(has_ids.then_some(("id", CellKind::Text)));
            match detectors {
                [_] => columns.push(("score", CellKind::Double)),
                several => columns.extend(several.iter().map(|one| (one.name(), CellKind::Double))),
            }
            columns.push(("flagged", CellKind::Flag));
            return Ok(Self::Table(TableFile::create(to, &columns)?));
        }
        remark_output(to);
        let names: Vec<&str> = detectors.iter().map(|detector| detector.name()).collect();
        let about = BTreeMap::from([("gradsieve.detector".to_owned(), names.join(","))]);
        let shape = if let [_] = detectors { vec![rows] } else { vec![rows, detectors.len()] };
        let writer = ArrayWriter::create_named(to, "scores", &shape, Dtype::F64, &about);
        let writer = writer.map_err(or_endings(".csv, .parquet, .json, .npy or .safetensors"))?;
        Ok(Self::Array(Box::new(writer)))
    }

    /// Writes all scores, and puts the file in its place.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn write(
        self,
        scored: &[Scored],
        found: &[Found<'_>],
        ids: Option<&[Label]>,
    ) -> Result<(), CommandError> {
        let rows = scored.first().map_or(0, |one| one.scores.values.len());
        match self {
            Self::Array(mut writer) => {
                let mut row_of = Vec::with_capacity(scored.len());
                for row in 0..rows {
                    row_of.clear();
                    row_of.extend(scored.iter().map(|one| one.scores.values[row]));
                    writer.write_f64(&row_of)?;
                }
                Ok(writer.finish()?)
            }
            Self::Table(mut table) => {
                let marks: Vec<Vec<bool>> = found.iter().map(|one| one.marks(rows)).collect();
                for row in 0..rows {
                    let id = ids.map(|ids| ids[row].text());
                    let mut cells = vec![Cell::Whole(row as u64)];
                    cells.extend(id.as_deref().map(Cell::Text));
                    cells.extend(scored.iter().map(|one| Cell::Double(one.scores.values[row])));
                    cells.push(Cell::Flag(marks.iter().any(|marks| marks[row])));
                    table.push(&cells)?;
                }
                table.finish()
            }
            Self::Json { name, mut output } => {
                let all: Vec<Found<'_>> = found
                    .iter()
                    .zip(scored)
                    .map(|(one, scored)| one.with_scores(&scored.scores.values))
                    .collect();
                let failed = |cause: serde_json::Error| FileError::Io {
                    file: name.clone(),
                    action: "write",
                    cause: cause.into(),
                };
                serde_json::to_writer_pretty(&mut output, &Report::of(&all, rows)).map_err(failed)?;
                output.write(b"\n")?;
                Ok(output.finish()?)
            }
        }
    }
}
