//! A file of gradients or a store of sketches, opened.

use gradsieve::{SketchId, Summary};

use super::arguments::ProjectionArguments;
use super::projection::Projection;
use super::settings::SketchSettings;
use crate::commands::{CommandError, console};
use gradsieve_io::files::{Matrix, Source};
use gradsieve_io::store::StoreReader;

/// A file of gradients, one sample a row, that is read as sketches; or a store of
/// sketches.
#[derive(Debug)]
pub struct Rows {
    pub(super) input: Input,
    pub(super) name: String,
    pub(super) held: Held,
}

/// Where sketches come from.
#[derive(Debug)]
pub(super) enum Input {
    /// Gradients, through a projection.
    Array { matrix: Matrix, projection: Projection },
    /// Sketches of one kind.
    Store { reader: StoreReader, id: SketchId },
}

/// What a pass leaves for the next one.
#[derive(Debug)]
pub(super) enum Held {
    /// Nothing: every pass reads the file.
    Nothing,
    /// Nothing yet: the next pass keeps all sketches.
    Wanted,
    /// All sketches, row after row, and the measures of their gradients.
    All(Vec<f32>, Vec<Summary>),
}

/// The most bytes of sketches that are kept from one pass to the next.
const HELD_BYTES: usize = 256 << 20;

impl Rows {
    /// The gradients that `source` names, through the projection of these arguments; a
    /// store's sketches as they are.
    ///
    /// # Errors
    /// As [`Matrix::open`], [`StoreReader::open`] and
    /// [`ProjectionArguments::projection`]; a store without rows.
    pub fn open(source: &Source, arguments: &ProjectionArguments) -> Result<Self, CommandError> {
        if let Source::Store(path) = source {
            return Self::store(StoreReader::open(path)?);
        }
        let matrix = Matrix::open(source)?;
        let projection = arguments.projection(matrix.cols())?;
        Ok(Self::array(matrix, projection))
    }

    /// [`Rows::open`] of what is to be compared with a store: gradients go through its
    /// projection, `of_store`, unless they are sketches already, as a `.safetensors` file
    /// says.
    pub(in crate::commands) fn open_beside(
        source: &Source,
        arguments: &ProjectionArguments,
        of_store: &ProjectionArguments,
    ) -> Result<Self, CommandError> {
        let rows = Self::open(source, arguments)?;
        let is_sketch =
            rows.matrix().is_none_or(|matrix| SketchSettings::from_metadata(matrix.metadata()).is_some());
        if is_sketch || arguments == of_store {
            return Ok(rows);
        }
        match rows.input {
            Input::Array { matrix, .. } => {
                let projection = of_store.projection(matrix.cols())?;
                Ok(Self::array(matrix, projection))
            }
            Input::Store { .. } => Ok(rows),
        }
    }

    /// The gradients that `source` names, of which nothing but the measures is wanted.
    ///
    /// # Errors
    /// As [`Rows::open`].
    pub fn open_measures(source: &Source) -> Result<Self, CommandError> {
        match source {
            Source::Store(path) => Self::store(StoreReader::open(path)?),
            _ => {
                let matrix = Matrix::open(source)?;
                let projection = Projection::measures(matrix.cols());
                let projection = projection.map_err(CommandError::core(matrix.name()))?;
                Ok(Self::array(matrix, projection))
            }
        }
    }

    fn array(matrix: Matrix, projection: Projection) -> Self {
        let name = matrix.name().to_owned();
        Self { input: Input::Array { matrix, projection }, name, held: Held::Nothing }
    }

    fn store(reader: StoreReader) -> Result<Self, CommandError> {
        console::remark_torn(&reader);
        let name = reader.name();
        let Some(id) = reader.id() else { return Err(CommandError::EmptyStore { store: name }) };
        Ok(Self { input: Input::Store { reader, id }, name, held: Held::Nothing })
    }

    /// Makes ready for more than one pass: keeps the sketches if they are few, else sees
    /// that the file can be read again.
    ///
    /// # Errors
    /// The sketches are many, and the file is a stream.
    pub fn prepare_passes(&mut self) -> Result<(), CommandError> {
        self.prepare_passes_within(HELD_BYTES)
    }

    /// The same, where few means at most `bytes`.
    pub(in crate::commands) fn prepare_passes_within(&mut self, most: usize) -> Result<(), CommandError> {
        let bytes = self.count().checked_mul(self.width()).and_then(|floats| floats.checked_mul(4));
        if bytes.is_some_and(|bytes| bytes <= most) {
            self.held = Held::Wanted;
            return Ok(());
        }
        match &self.input {
            Input::Array { matrix, .. } => Ok(matrix.require_passes()?),
            Input::Store { .. } => Ok(()),
        }
    }

    /// The file, as the user named it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The array of gradients; none if this is a store.
    #[must_use]
    pub const fn matrix(&self) -> Option<&Matrix> {
        match &self.input {
            Input::Array { matrix, .. } => Some(matrix),
            Input::Store { .. } => None,
        }
    }

    /// The store of sketches; none if this is an array.
    #[must_use]
    pub const fn reader(&self) -> Option<&StoreReader> {
        match &self.input {
            Input::Array { .. } => None,
            Input::Store { reader, .. } => Some(reader),
        }
    }

    /// Samples n.
    #[must_use]
    pub fn count(&self) -> usize {
        match &self.input {
            Input::Array { matrix, .. } => matrix.rows(),
            Input::Store { reader, .. } => reader.manifest().samples as usize,
        }
    }

    /// K, or p without a projection.
    #[must_use]
    pub fn width(&self) -> usize {
        match &self.input {
            Input::Array { projection, .. } => projection.id().width,
            Input::Store { id, .. } => id.width,
        }
    }

    /// What the sketches are labelled with.
    #[must_use]
    pub fn id(&self) -> SketchId {
        match &self.input {
            Input::Array { projection, .. } => projection.id(),
            Input::Store { id, .. } => *id,
        }
    }

    /// Whether these are gradients as they are, without a projection.
    pub(in crate::commands) fn is_exact(&self) -> bool {
        matches!(&self.input, Input::Array { projection, .. } if projection.is_exact())
    }

    /// How the sketches are made.
    #[must_use]
    pub fn settings(&self) -> SketchSettings {
        match &self.input {
            Input::Array { matrix, projection, .. } => {
                SketchSettings::new(projection.name(), &self.id(), matrix.cols())
            }
            Input::Store { reader, .. } => {
                SketchSettings::from_metadata(&reader.manifest().sketch).unwrap_or_default()
            }
        }
    }
}
