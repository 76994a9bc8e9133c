//! A file of gradients or a store of sketches, opened.

use std::collections::BTreeMap;

use gradsieve::{SketchId, Summary};

use super::arguments::{Holds, ProjectionArguments};
use super::projection::Projection;
use super::settings::SketchSettings;
use crate::commands::{CommandError, console};
use gradsieve_io::files::{Matrix, Measures, Source};
use gradsieve_io::store::StoreReader;

/// A file of gradients, one sample a row, that is read as sketches; or a store of
/// sketches.
#[derive(Debug)]
pub struct Rows {
    pub(super) input: Input,
    pub(super) name: String,
    pub(super) held: Held,
    /// Rows that are finite in the file and not in `f32`, and the first such column.
    pub(super) out_of_range: BTreeMap<usize, usize>,
}

/// Where sketches come from.
#[derive(Debug)]
pub(super) enum Input {
    /// Gradients, through a projection; or sketches, as they are.
    Array { matrix: Matrix, projection: Projection, sketches: Option<Box<Sketches>> },
    /// Sketches of one kind.
    Store { reader: StoreReader, id: SketchId },
}

/// What is known of an array that holds sketches.
#[derive(Debug)]
pub(super) struct Sketches {
    /// How they were made, if the file says it.
    pub(super) settings: Option<SketchSettings>,
    /// Of their gradients, if the file carries them.
    pub(super) measures: Option<Measures>,
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
    /// [`ProjectionArguments::projection`]; a store without rows; sketches that would be
    /// projected again.
    pub fn open(source: &Source, arguments: &ProjectionArguments) -> Result<Self, CommandError> {
        if let Source::Store(path) = source {
            return Self::store(StoreReader::open(path)?);
        }
        Self::of_matrix(Matrix::open(source)?, arguments)
    }

    /// [`Rows::open`], where gradients of so many columns have the width that `width`
    /// says if the arguments say none.
    ///
    /// # Errors
    /// As [`Rows::open`].
    pub(in crate::commands) fn open_to_width(
        source: &Source,
        arguments: &ProjectionArguments,
        width: impl Fn(usize) -> Option<usize>,
    ) -> Result<Self, CommandError> {
        if let Source::Store(_) = source {
            return Self::open(source, arguments);
        }
        let matrix = Matrix::open(source)?;
        let is_sketch = Sketches::of(&matrix, arguments.holds)?.is_some();
        let dim = arguments.dim.or_else(|| if is_sketch { None } else { width(matrix.cols()) });
        Self::of_matrix(matrix, &ProjectionArguments { dim, ..arguments.clone() })
    }

    /// [`Rows::open`] of targets: an array of one dimension is a single one.
    ///
    /// # Errors
    /// As [`Rows::open`].
    pub fn open_targets(source: &Source, arguments: &ProjectionArguments) -> Result<Self, CommandError> {
        match source {
            Source::Store(_) => Self::open(source, arguments),
            _ => Self::of_matrix(Matrix::open_targets(source)?, arguments),
        }
    }

    fn of_matrix(matrix: Matrix, arguments: &ProjectionArguments) -> Result<Self, CommandError> {
        let sketches = Sketches::of(&matrix, arguments.holds)?;
        if let (Some(_), Some(dim)) = (&sketches, arguments.dim) {
            let columns = matrix.cols();
            return Err(CommandError::Argument {
                argument: "--dim",
                expected: "gradients to project (--holds gradients projects what it is given)".to_owned(),
                found: format!(
                    "{dim} with {}, which holds sketches of {columns} numbers already",
                    matrix.name()
                ),
            });
        }
        let projection = arguments.projection(matrix.cols())?;
        Ok(Self::array(matrix, projection, sketches))
    }

    /// These rows, which were opened by `arguments`, beside a store: gradients go through
    /// its projection, `of_store`, unless they are sketches already, as their file or
    /// `--holds` says. Where neither does, and they could be either, they are refused.
    ///
    /// # Errors
    /// As [`ProjectionArguments::projection`]; rows that could be either.
    pub(in crate::commands) fn beside(
        self,
        arguments: &ProjectionArguments,
        of_store: &ProjectionArguments,
    ) -> Result<Self, CommandError> {
        let is_sketch = matches!(self.input, Input::Store { .. } | Input::Array { sketches: Some(_), .. });
        if is_sketch || arguments == of_store {
            return Ok(self);
        }
        match self.input {
            Input::Array { matrix, .. } => {
                if of_store.dim == Some(matrix.cols()) && arguments.holds.is_none() {
                    return Err(CommandError::Argument {
                        argument: "--holds",
                        expected: format!(
                            "sketches or gradients: {} has as many columns as the store's sketches have, and does not say which it holds",
                            matrix.name()
                        ),
                        found: "neither".to_owned(),
                    });
                }
                let projection = of_store.projection(matrix.cols())?;
                Ok(Self::array(matrix, projection, None))
            }
            Input::Store { .. } => Ok(self),
        }
    }

    /// The gradients that `source` names, of which nothing but the measures is wanted.
    ///
    /// # Errors
    /// As [`Rows::open`]; sketches that do not carry the norms of their gradients.
    pub fn open_measures(source: &Source, holds: Option<Holds>) -> Result<Self, CommandError> {
        match source {
            Source::Store(path) => Self::store(StoreReader::open(path)?),
            _ => {
                let matrix = Matrix::open(source)?;
                let projection = Projection::measures(matrix.cols());
                let projection = projection.map_err(CommandError::core(matrix.name()))?;
                let sketches = Sketches::of(&matrix, holds)?;
                let rows = Self::array(matrix, projection, sketches);
                rows.require_norms()?;
                Ok(rows)
            }
        }
    }

    /// Refuses sketches that do not carry the norms of their gradients.
    ///
    /// # Errors
    /// [`CommandError::NoNorms`].
    pub(in crate::commands) fn require_norms(&self) -> Result<(), CommandError> {
        match &self.input {
            Input::Array { sketches: Some(sketches), .. } if sketches.measures.is_none() => {
                Err(CommandError::NoNorms { file: self.name.clone() })
            }
            _ => Ok(()),
        }
    }

    fn array(matrix: Matrix, projection: Projection, sketches: Option<Box<Sketches>>) -> Self {
        let name = matrix.name().to_owned();
        let input = Input::Array { matrix, projection, sketches };
        Self { input, name, held: Held::Nothing, out_of_range: BTreeMap::new() }
    }

    fn store(reader: StoreReader) -> Result<Self, CommandError> {
        console::remark_torn(&reader);
        let name = reader.name();
        let Some(id) = reader.id() else { return Err(CommandError::EmptyStore { store: name }) };
        let input = Input::Store { reader, id };
        Ok(Self { input, name, held: Held::Nothing, out_of_range: BTreeMap::new() })
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

    /// Whether these are gradients that go through a projection.
    pub(in crate::commands) fn is_projected(&self) -> bool {
        matches!(&self.input, Input::Array { projection, .. } if !projection.is_exact())
    }

    /// Whether these are gradients as they are, without a projection.
    pub(in crate::commands) fn is_exact(&self) -> bool {
        matches!(&self.input, Input::Array { projection, .. } if projection.is_exact())
    }

    /// How the sketches of an array were made, as it says: nothing if it holds gradients,
    /// and no settings if it holds sketches that do not say.
    pub(super) const fn sketches(&self) -> Option<Option<&SketchSettings>> {
        match &self.input {
            Input::Array { sketches: Some(sketches), .. } => Some(sketches.settings.as_ref()),
            _ => None,
        }
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

impl Sketches {
    /// What `matrix` says of its sketches; nothing if it holds gradients.
    fn of(matrix: &Matrix, holds: Option<Holds>) -> Result<Option<Box<Self>>, CommandError> {
        let settings = SketchSettings::from_metadata(matrix.metadata());
        let is_sketch = match holds {
            None => settings.is_some(),
            Some(holds) => holds == Holds::Sketches,
        };
        if !is_sketch {
            return Ok(None);
        }
        let measures = if settings.is_some() { matrix.measures()? } else { None };
        Ok(Some(Box::new(Self { settings, measures })))
    }

    /// The measures of the gradient whose sketch is row `row`.
    pub(super) fn summary(&self, row: usize, columns: usize) -> Option<Summary> {
        let Measures { l1, l2_squared, max, non_finite } = self.measures.as_ref()?;
        Some(Summary {
            l1: *l1.get(row)?,
            l2_squared: *l2_squared.get(row)?,
            max: *max.get(row)?,
            non_finite: *non_finite.get(row)?,
            count: columns as u64,
        })
    }
}
