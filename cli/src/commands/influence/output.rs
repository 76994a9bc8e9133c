//! The file of influence that is under way: an array of all pairs, or a table with a
//! column for each target.

use std::collections::BTreeMap;

use super::plan::Plan;
use crate::commands::CommandError;
use crate::commands::inputs::refuse;
use crate::commands::paths::remark_output;
use crate::commands::table_file::{TableFile, is_table, or_endings};
use gradsieve_io::files::{ArrayWriter, Cell, CellKind, Destination, Dtype, FileError, Label};

/// Targets that a table has at most.
pub(super) const TABLE_TARGETS: usize = 4096;

/// What the samples and the targets are called; nothing where rows have no names.
#[derive(Default)]
pub(super) struct Names {
    pub(super) trains: Option<Vec<Label>>,
    pub(super) targets: Option<Vec<Label>>,
}

/// Takes rows of influence in, sample after sample.
pub(super) enum Output<'a> {
    Array(Box<ArrayWriter>),
    Table {
        table: Box<TableFile>,
        file: String,
        ids: Option<&'a [Label]>,
        targets: usize,
        dtype: Dtype,
        next: usize,
    },
}

impl<'a> Output<'a> {
    /// Begins the file of a plan.
    ///
    /// # Errors
    /// As for every [`Destination`]; an ending that says no format; a table of more than
    /// [`TABLE_TARGETS`] targets.
    pub(super) fn create(
        plan: &Plan,
        to: &Destination,
        trains: usize,
        targets: usize,
        names: &'a Names,
    ) -> Result<Self, CommandError> {
        let dtype = plan.results.dtype;
        if !is_table(to) {
            let about = BTreeMap::from([("gradsieve.method".to_owned(), plan.method.name().to_owned())]);
            remark_output(to);
            let writer = ArrayWriter::create_named(to, "influence", &[trains, targets], dtype, &about);
            let writer = writer.map_err(or_endings(".npy, .safetensors, .csv, .parquet or .json"))?;
            return Ok(Self::Array(Box::new(writer)));
        }
        if targets > TABLE_TARGETS {
            let expected = format!(
                "a .npy or .safetensors file for more than {TABLE_TARGETS} targets, which are columns of a table"
            );
            return refuse("--output", expected, format!("{to} with {targets}"));
        }
        let kind = if dtype == Dtype::F64 { CellKind::Double } else { CellKind::Float };
        let of_targets: Vec<String> = match (&names.targets, targets) {
            (Some(names), _) if names.len() == targets => {
                names.iter().map(|name| format!("influence on {}", name.text())).collect()
            }
            (_, 1) => vec!["influence".to_owned()],
            _ => (0..targets).map(|target| format!("influence on {target}")).collect(),
        };
        let ids = names.trains.as_deref();
        let mut columns = vec![("index", CellKind::Whole)];
        columns.extend(ids.map(|_| ("id", CellKind::Text)));
        columns.extend(of_targets.iter().map(|name| (&name[..], kind)));
        let table = Box::new(TableFile::create(to, &columns)?);
        Ok(Self::Table { table, file: to.to_string(), ids, targets, dtype, next: 0 })
    }

    /// Appends whole rows.
    ///
    /// # Errors
    /// The disk; an influence that is finite and leaves the type.
    pub(super) fn write(&mut self, influences: &[f64]) -> Result<(), CommandError> {
        let (table, file, ids, targets, dtype, next) = match self {
            Self::Array(writer) => return Ok(writer.write_f64(influences)?),
            Self::Table { table, file, ids, targets, dtype, next } => {
                (table, file, ids, *targets, *dtype, next)
            }
        };
        if let Some(at) = influences.iter().position(|&influence| !dtype.holds(influence)) {
            let index = (*next * targets.max(1) + at) as u64;
            let (file, value) = (file.clone(), influences[at]);
            return Err(FileError::OutOfType { file, value, index, dtype }.into());
        }
        for row in influences.chunks_exact(targets.max(1)) {
            let id = ids.map(|ids| ids[*next].text());
            let mut cells = Vec::with_capacity(targets + 2);
            cells.push(Cell::Whole(*next as u64));
            cells.extend(id.as_deref().map(Cell::Text));
            cells.extend(row.iter().map(|&influence| match dtype {
                Dtype::F64 => Cell::Double(influence),
                _ => Cell::Float(influence as f32),
            }));
            table.push(&cells)?;
            *next += 1;
        }
        Ok(())
    }

    /// Completes the file, and puts it in its place.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn finish(self) -> Result<(), CommandError> {
        match self {
            Self::Array(writer) => Ok(writer.finish()?),
            Self::Table { table, .. } => table.finish(),
        }
    }
}
