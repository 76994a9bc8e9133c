//! Rows of results as a Parquet table, whatever its columns are.

use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as PhysicalType};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::destination::Output;
use super::parquet::failed;
use super::{Cell, CellKind, Destination, FileError};

/// Rows are written in groups of so many.
const GROUP_ROWS: usize = 1 << 17;

/// Writes a `.parquet` file of named columns.
pub struct ParquetTable {
    name: String,
    file: SerializedFileWriter<Output>,
    columns: Vec<Column>,
}

/// The cells of a column that are not written yet.
enum Column {
    Whole(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Flag(Vec<bool>),
    Text(Vec<ByteArray>),
}

impl ParquetTable {
    /// Whether this build has the feature `parquet`.
    pub const IS_BUILT_IN: bool = true;

    /// Begins the table.
    ///
    /// # Errors
    /// As for every [`Destination`].
    pub fn create(destination: &Destination, columns: &[(&str, CellKind)]) -> Result<Self, FileError> {
        let output = destination.create()?;
        let name = output.name().to_owned();
        let schema = schema(columns).map_err(failed(&name))?;
        let file = SerializedFileWriter::new(output, Arc::new(schema), Arc::default());
        let columns = columns.iter().map(|(_, kind)| Column::new(*kind)).collect();
        Ok(Self { file: file.map_err(failed(&name))?, name, columns })
    }

    /// Adds a row: a cell for each column, of its kind.
    ///
    /// # Errors
    /// Other cells than the columns have; the disk.
    pub fn push(&mut self, row: &[Cell<'_>]) -> Result<(), FileError> {
        let is_row = row.len() == self.columns.len();
        if !is_row || !self.columns.iter_mut().zip(row).all(|(column, cell)| column.push(*cell)) {
            let error = ParquetError::General("a row is not of the columns".to_owned());
            return Err(failed(&self.name)(error));
        }
        if self.columns.first().is_some_and(|column| column.len() >= GROUP_ROWS) {
            self.flush().map_err(failed(&self.name))?;
        }
        Ok(())
    }

    /// Writes the rows held.
    fn flush(&mut self) -> Result<(), ParquetError> {
        if self.columns.first().is_none_or(|column| column.len() == 0) {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        for column in &mut self.columns {
            let mut writer = group
                .next_column()?
                .ok_or_else(|| ParquetError::General("there is no such column".to_owned()))?;
            column.write(writer.untyped())?;
            writer.close()?;
        }
        group.close().map(drop)
    }

    /// Ends the table, and puts the file in its place.
    ///
    /// # Errors
    /// The disk.
    pub fn finish(mut self) -> Result<(), FileError> {
        self.flush().map_err(failed(&self.name))?;
        self.file.into_inner().map_err(failed(&self.name))?.finish()
    }
}

impl Column {
    const fn new(kind: CellKind) -> Self {
        match kind {
            CellKind::Whole => Self::Whole(Vec::new()),
            CellKind::Float => Self::Float(Vec::new()),
            CellKind::Double => Self::Double(Vec::new()),
            CellKind::Flag => Self::Flag(Vec::new()),
            CellKind::Text => Self::Text(Vec::new()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Whole(cells) => cells.len(),
            Self::Float(cells) => cells.len(),
            Self::Double(cells) => cells.len(),
            Self::Flag(cells) => cells.len(),
            Self::Text(cells) => cells.len(),
        }
    }

    /// Adds a cell, if it is of this kind.
    fn push(&mut self, cell: Cell<'_>) -> bool {
        match (self, cell) {
            // Parquet has unsigned numbers as the signed ones of the same bits.
            (Self::Whole(cells), Cell::Whole(cell)) => cells.push(cell.cast_signed()),
            (Self::Float(cells), Cell::Float(cell)) => cells.push(cell),
            (Self::Double(cells), Cell::Double(cell)) => cells.push(cell),
            (Self::Flag(cells), Cell::Flag(cell)) => cells.push(cell),
            (Self::Text(cells), Cell::Text(cell)) => cells.push(ByteArray::from(cell)),
            _ => return false,
        }
        true
    }

    /// Writes the cells, and forgets them.
    fn write(&mut self, to: &mut ColumnWriter<'_>) -> Result<(), ParquetError> {
        match (self, to) {
            (Self::Whole(cells), ColumnWriter::Int64ColumnWriter(to)) => {
                to.write_batch(&std::mem::take(cells), None, None)
            }
            (Self::Float(cells), ColumnWriter::FloatColumnWriter(to)) => {
                to.write_batch(&std::mem::take(cells), None, None)
            }
            (Self::Double(cells), ColumnWriter::DoubleColumnWriter(to)) => {
                to.write_batch(&std::mem::take(cells), None, None)
            }
            (Self::Flag(cells), ColumnWriter::BoolColumnWriter(to)) => {
                to.write_batch(&std::mem::take(cells), None, None)
            }
            (Self::Text(cells), ColumnWriter::ByteArrayColumnWriter(to)) => {
                to.write_batch(&std::mem::take(cells), None, None)
            }
            _ => return Err(ParquetError::General("a column is not of its type".to_owned())),
        }
        .map(drop)
    }
}

fn schema(columns: &[(&str, CellKind)]) -> Result<Type, ParquetError> {
    let field = |&(name, kind): &(&str, CellKind)| {
        let (physical, logical) = match kind {
            CellKind::Whole => {
                let unsigned = LogicalType::integer(64, false);
                (PhysicalType::INT64, Some(unsigned))
            }
            CellKind::Float => (PhysicalType::FLOAT, None),
            CellKind::Double => (PhysicalType::DOUBLE, None),
            CellKind::Flag => (PhysicalType::BOOLEAN, None),
            CellKind::Text => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
        };
        let field = Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::REQUIRED)
            .with_logical_type(logical)
            .build()?;
        Ok(Arc::new(field))
    };
    let fields = columns.iter().map(field).collect::<Result<_, ParquetError>>()?;
    Type::group_type_builder("rows").with_fields(fields).build()
}
