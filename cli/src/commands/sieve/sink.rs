//! Where verdicts go, row by row.

use std::collections::BTreeMap;

use gradsieve::sieve::Verdict;

use crate::commands::CommandError;
use crate::commands::result_file::ResultFile;
use gradsieve_io::files::{Cell, CellKind, Destination, Label};

/// A file of verdicts that is under way.
pub(super) struct Sink(ResultFile);

impl Sink {
    /// Begins a file of so many verdicts, in the format that its name asks for.
    ///
    /// # Errors
    /// As [`ResultFile::create`].
    pub(super) fn create(to: &Destination, rows: usize, has_ids: bool) -> Result<Self, CommandError> {
        let mut columns = vec![("index", CellKind::Whole)];
        columns.extend(has_ids.then_some(("id", CellKind::Text)));
        columns.extend([("p", CellKind::Float), ("score", CellKind::Float)]);
        columns.extend([("flagged", CellKind::Flag), ("reasons", CellKind::Text)]);
        ResultFile::create(to, &columns, "verdicts", &[rows, 3], &BTreeMap::new()).map(Self)
    }

    /// Appends the next row's verdict.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn push(
        &mut self,
        index: usize,
        id: Option<&Label>,
        verdict: &Verdict,
    ) -> Result<(), CommandError> {
        let Verdict { p, score, flagged, reasons, .. } = *verdict;
        match &mut self.0 {
            ResultFile::Table(table) => {
                let (id, reasons) = (id.map(Label::text), reasons.to_string());
                let mut cells = vec![Cell::Whole(index as u64)];
                cells.extend(id.as_deref().map(Cell::Text));
                cells.extend([Cell::Float(p), Cell::Float(score), Cell::Flag(flagged), Cell::Text(&reasons)]);
                table.push(&cells)
            }
            ResultFile::Array(writer) => Ok(writer.write(&[p, score, f32::from(u8::from(flagged))])?),
        }
    }

    /// Completes the file, and puts it in its place.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn finish(self) -> Result<(), CommandError> {
        self.0.finish()
    }
}
