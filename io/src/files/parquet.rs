//! Rows of sketches as a Parquet table: for data frames and query engines.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parquet::column::writer::ColumnWriter;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::destination::Output;
use super::{Destination, FileError, TableRow};

const SCHEMA: &str = "message sketches {
    required int64 id (INTEGER(64, false));
    required int32 group (INTEGER(32, false));
    required double l1;
    required double l2_squared;
    required float max;
    required group sketch (LIST) { repeated group list { required float element; } }
}";

/// Rows are written in groups of about so many bytes.
const GROUP_BYTES: usize = 16 << 20;

/// Writes a `.parquet` file with the columns `id`, `group`, `l1`, `l2_squared`, `max` and
/// `sketch`, a list of K floats.
pub struct ParquetWriter {
    name: String,
    file: SerializedFileWriter<Output>,
    held: Columns,
}

#[derive(Default)]
struct Columns {
    id: Vec<i64>,
    group: Vec<i32>,
    l1: Vec<f64>,
    l2_squared: Vec<f64>,
    max: Vec<f32>,
    sketch: Vec<f32>,
}

impl ParquetWriter {
    /// Whether this build has the feature `parquet`.
    pub const IS_BUILT_IN: bool = true;

    /// Begins the table; `metadata` becomes texts of the file, by key.
    ///
    /// # Errors
    /// As for every [`Destination`].
    pub fn create(destination: &Destination, metadata: &BTreeMap<String, String>) -> Result<Self, FileError> {
        let output = destination.create()?;
        let name = output.name().to_owned();
        let texts = metadata.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect();
        let properties = WriterProperties::builder()
            // Sketches are noise to a dictionary.
            .set_dictionary_enabled(false)
            .set_key_value_metadata(Some(texts))
            .build();
        let schema = parse_message_type(SCHEMA).map_err(failed(&name))?;
        let file = SerializedFileWriter::new(output, Arc::new(schema), Arc::new(properties));
        Ok(Self { file: file.map_err(failed(&name))?, name, held: Columns::default() })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// The disk.
    pub fn push(&mut self, row: TableRow<'_>) -> Result<(), FileError> {
        let held = &mut self.held;
        // Parquet has unsigned numbers as the signed ones of the same bits.
        held.id.push(row.id.cast_signed());
        held.group.push(row.group.cast_signed());
        held.l1.push(row.l1);
        held.l2_squared.push(row.l2_squared);
        held.max.push(row.max);
        held.sketch.extend_from_slice(row.sketch);
        if size_of_val(held.sketch.as_slice()) >= GROUP_BYTES { self.flush() } else { Ok(()) }
    }

    /// Writes the rows held.
    fn flush(&mut self) -> Result<(), FileError> {
        self.try_flush().map_err(failed(&self.name))
    }

    fn try_flush(&mut self) -> Result<(), ParquetError> {
        let held = std::mem::take(&mut self.held);
        let Some(width) = held.sketch.len().checked_div(held.id.len()) else { return Ok(()) };
        // A list's first number begins a row (0), its others go on with it (1); none is
        // missing.
        let repetition: Vec<i16> = (0..held.sketch.len()).map(|i| i16::from(i % width.max(1) > 0)).collect();
        let definition = vec![1; held.sketch.len()];
        let mut group = self.file.next_row_group()?;
        let mut number = 0;
        while let Some(mut column) = group.next_column()? {
            match (column.untyped(), number) {
                (ColumnWriter::Int64ColumnWriter(to), 0) => to.write_batch(&held.id, None, None)?,
                (ColumnWriter::Int32ColumnWriter(to), 1) => to.write_batch(&held.group, None, None)?,
                (ColumnWriter::DoubleColumnWriter(to), 2) => to.write_batch(&held.l1, None, None)?,
                (ColumnWriter::DoubleColumnWriter(to), 3) => to.write_batch(&held.l2_squared, None, None)?,
                (ColumnWriter::FloatColumnWriter(to), 4) => to.write_batch(&held.max, None, None)?,
                (ColumnWriter::FloatColumnWriter(to), _) => {
                    to.write_batch(&held.sketch, Some(&definition), Some(&repetition))?
                }
                _ => return Err(ParquetError::General("a column is not of its type".to_owned())),
            };
            column.close()?;
            number += 1;
        }
        group.close().map(drop)
    }

    /// Ends the table, and puts the file in its place.
    ///
    /// # Errors
    /// The disk.
    pub fn finish(mut self) -> Result<(), FileError> {
        self.flush()?;
        self.file.into_inner().map_err(failed(&self.name))?.finish()
    }
}

/// What went wrong with the table, by its name.
pub(super) fn failed(name: &str) -> impl Fn(ParquetError) -> FileError + use<> {
    let name = name.to_owned();
    move |error| FileError::io(&name, "write", io::Error::other(error))
}
