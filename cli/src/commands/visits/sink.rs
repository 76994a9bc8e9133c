//! Where numbers go, by the ending of a name.

use std::collections::BTreeMap;

use crate::commands::CommandError;
use crate::commands::result_file::ResultFile;
use gradsieve_io::files::{Cell, CellKind, Destination};
use gradsieve_io::visits::VisitsFormat;

const COLUMNS: [(&str, CellKind); 3] =
    [("id", CellKind::Whole), ("score", CellKind::Float), ("visits", CellKind::Whole)];

/// A file of numbers that is under way.
pub(super) struct Sink(ResultFile);

impl Sink {
    /// Begins a file of the numbers of all samples.
    ///
    /// # Errors
    /// As [`ResultFile::create`].
    pub(super) fn create(to: &Destination, format: &VisitsFormat) -> Result<Self, CommandError> {
        let about = BTreeMap::from([("gradsieve.visits".to_owned(), format.kept.name().to_owned())]);
        let shape = [usize::try_from(format.samples).unwrap_or(usize::MAX)];
        ResultFile::create(to, &COLUMNS, "scores", &shape, &about).map(Self)
    }

    /// Appends the next sample: its number and its visits, if it had any.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn push(&mut self, id: u64, number: Option<(f32, u16)>) -> Result<(), CommandError> {
        match (&mut self.0, number) {
            (ResultFile::Array(writer), number) => {
                Ok(writer.write(&[number.map_or(f32::NAN, |(score, _)| score)])?)
            }
            (ResultFile::Table(table), Some((score, visits))) => {
                table.push(&[Cell::Whole(id), Cell::Float(score), Cell::Whole(visits.into())])
            }
            (ResultFile::Table(_), None) => Ok(()),
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
