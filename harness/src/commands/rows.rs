//! A file of gradients as a stream of finished sketches: what every command reads.
//!
//! Pieces of rows go through the projection as they come from the disk, so memory is K numbers, however long a row is.
//! f16, bf16 and f32 go in as they are; f64 is rounded to f32 piece by piece.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use gradsieve::{
    Element, Error, Exact, Gaussian, Kind, Layout, LayoutId, Mask, Projector, Rademacher, Repeat, Sjlt,
    Sketch, SketchId, Srht, Summary,
};
use gradsieve_kernels::summary::Accumulator;
use gradsieve_kernels::widen;

use super::CommandError;
use super::console::{self, Progress};
use crate::files::{Matrix, PIECE_ALIGNMENT, Piece, Source, check_columns};
use crate::store::StoreReader;

/// How gradients are projected: the same for every command, so that results can be compared.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectionArguments {
    /// Numbers a sketch, K: a multiple of 32 times --repeat (of 16 for rademacher). More numbers, smaller error: about √(2/K) of a squared norm. Without it, the
    /// command sketch takes 512, and the others work on the gradients themselves
    #[arg(long, value_name = "K")]
    pub dim: Option<usize>,

    /// How gradients become K numbers
    #[arg(long, value_enum, default_value_t = ProjectionKind::Sjlt)]
    pub projection: ProjectionKind,

    /// Columns that --projection mask keeps, about: one block of 32 in every COLUMNS/LENGTH
    #[arg(long, value_name = "LENGTH")]
    pub mask_len: Option<usize>,

    /// Seed of the projection; only sketches of one seed can be compared
    #[arg(long, default_value_t = 0)]
    pub seed: u64,

    /// Places that each coordinate goes to; 2 or 4 suit gradients that few coordinates carry (embeddings), for 2 or 4
    /// times the work. For sjlt and mask
    #[arg(long, value_enum, default_value = "1")]
    pub repeat: Repetitions,
}

/// Projections by name.
#[allow(missing_docs, reason = "these comments are help, and the names say themselves")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ProjectionKind {
    /// Sparse, the fastest; for dense gradients
    #[default]
    Sjlt,
    /// Dense ±1: the smallest errors, in time that grows with K
    Rademacher,
    /// Dense and normal, to compare with theory; slower still
    Gaussian,
    /// Mixes 1,024 columns at a time first; where few columns carry the gradient
    Srht,
    /// Reads only --mask-len columns, in blocks of 32; loses what lies elsewhere
    Mask,
}

impl ProjectionKind {
    /// Its name, as files of sketches have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sjlt => "sjlt",
            Self::Rademacher => "rademacher",
            Self::Gaussian => "gaussian",
            Self::Srht => "srht",
            Self::Mask => "mask",
        }
    }
}

/// How many places a coordinate goes to.
#[allow(missing_docs, reason = "doc comments here would become help, and say the names again")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Repetitions {
    #[default]
    #[value(name = "1")]
    One,
    #[value(name = "2")]
    Two,
    #[value(name = "4")]
    Four,
}

impl Repetitions {
    /// As the core calls it.
    #[must_use]
    pub const fn repeat(self) -> Repeat {
        match self {
            Self::One => Repeat::One,
            Self::Two => Repeat::Two,
            Self::Four => Repeat::Four,
        }
    }

    /// As a number.
    #[must_use]
    pub const fn count(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
        }
    }
}

impl ProjectionArguments {
    /// The projection of gradients of `columns` entries; none without `--dim`.
    ///
    /// # Errors
    /// [`CommandError::Argument`] if the width or another argument does not fit the projection.
    pub fn projection(&self, columns: usize) -> Result<Projection, CommandError> {
        use ProjectionKind as Of;
        let name = self.projection.name();
        let argument = |argument, expected: String, found: String| {
            Err(CommandError::Argument { argument, expected, found })
        };
        if let (Some(length), true) = (self.mask_len, self.projection != Of::Mask) {
            return argument(
                "--mask-len",
                "--projection mask beside it".to_owned(),
                format!("{length} with {name}"),
            );
        }
        let Some(dim) = self.dim else {
            if self.projection != Of::Sjlt {
                let expected = "--dim beside it, the numbers to project to".to_owned();
                return argument("--projection", expected, format!("{name} without it"));
            }
            return Ok(Projection::Exact(Exact::new(columns)));
        };
        let repeats = matches!(self.projection, Of::Sjlt | Of::Mask);
        if !repeats && self.repeat != Repetitions::One {
            let expected = format!("1 with --projection {name}");
            return argument("--repeat", expected, self.repeat.count().to_string());
        }
        let projection = match self.projection {
            Of::Sjlt => Sjlt::new(dim, self.seed, self.repeat.repeat()).map(Projection::Sjlt),
            Of::Rademacher => Rademacher::new(dim, self.seed).map(Projection::Rademacher),
            Of::Gaussian => Gaussian::new(dim, self.seed).map(Projection::Gaussian),
            Of::Srht => Srht::new(dim, self.seed).map(Projection::Srht),
            Of::Mask => {
                let every = self.mask_every(columns)?;
                Mask::new(dim, self.seed, self.repeat.repeat(), every).map(Projection::Mask)
            }
        };
        projection.or_else(|error| {
            let multiple = if let Error::Width { multiple, .. } = error { multiple } else { 32 };
            let expected = match multiple {
                multiple if dim > 0 && dim.is_multiple_of(multiple) => format!("at most {}", multiple << 27),
                multiple if repeats && multiple > 32 => {
                    format!("a positive multiple of {multiple} (32 times --repeat)")
                }
                multiple => format!("a positive multiple of {multiple}"),
            };
            argument("--dim", expected, dim.to_string())
        })
    }

    /// These, or those of the store among `sources` if these name no width: so that gradients can be compared with it.
    ///
    /// # Errors
    /// As [`StoreReader::open`].
    pub(super) fn or_of_store(&self, sources: [&Source; 2]) -> Result<Self, CommandError> {
        let store = sources.into_iter().find_map(|source| match source {
            Source::Store(path) => Some(path),
            _ => None,
        });
        let (Some(path), None) = (store, self.dim) else { return Ok(*self) };
        let reader = StoreReader::open(path)?;
        let text = |key: &str| {
            reader
                .manifest()
                .sketch
                .get(&format!("{}{key}", SketchSettings::PREFIX))
                .map_or("", String::as_str)
        };
        let kind = ProjectionKind::from_str(text("projection"), false);
        let repeat = Repetitions::from_str(text("repeat"), false);
        Ok(match (kind, repeat, text("dim").parse(), text("seed").parse()) {
            // What a mask keeps is not said by a number of columns.
            (Ok(projection), Ok(repeat), Ok(dim), Ok(seed)) if projection != ProjectionKind::Mask => {
                Self { dim: Some(dim), projection, mask_len: None, seed, repeat }
            }
            _ => *self,
        })
    }

    /// Of how many blocks the mask keeps one.
    fn mask_every(&self, columns: usize) -> Result<u16, CommandError> {
        let refuse = |expected: String, found: String| {
            Err(CommandError::Argument { argument: "--mask-len", expected, found })
        };
        let Some(length) = self.mask_len else {
            return refuse(
                "the number of columns to keep, for --projection mask".to_owned(),
                "none".to_owned(),
            );
        };
        let least = columns / usize::from(u16::MAX) + 1;
        if !(least..=columns).contains(&length) {
            return refuse(format!("{least} to {columns}, of {columns} columns"), length.to_string());
        }
        Ok(u16::try_from(columns / length).unwrap_or(u16::MAX))
    }
}

/// The widest sketches whose second moments are taken: matrices of 1 GiB.
const MATRIX_WIDTH: usize = 16_384;

/// The most columns without a projection where matrices of columns² are needed.
pub(super) const EXACT_COLUMNS: usize = 4096;

/// Refuses sketches too wide for `what`, which takes their second moments: memory grows as K², time as n·K² + K³.
///
/// # Errors
/// [`CommandError::TooWide`] without a projection, [`CommandError::Argument`] with one.
pub(super) fn check_matrix_width(rows: &Rows, what: &'static str) -> Result<(), CommandError> {
    let width = rows.width();
    match rows.is_exact() {
        true if width > EXACT_COLUMNS => Err(CommandError::TooWide {
            file: rows.name().to_owned(),
            what,
            limit: EXACT_COLUMNS,
            columns: width,
        }),
        _ if width > MATRIX_WIDTH => Err(CommandError::Argument {
            argument: "--dim",
            expected: format!("at most {MATRIX_WIDTH} for {what}, whose memory grows as its square"),
            found: width.to_string(),
        }),
        _ => Ok(()),
    }
}

/// A projection that is chosen at run time.
#[derive(Clone, Copy, Debug)]
pub enum Projection {
    /// None.
    Exact(Exact),
    /// Blocked SJLT.
    Sjlt(Sjlt),
    /// Dense ±1.
    Rademacher(Rademacher),
    /// Dense and normal.
    Gaussian(Gaussian),
    /// Mixed, then SJLT.
    Srht(Srht),
    /// Masked, then SJLT.
    Mask(Mask),
    /// Nothing is kept but the exact measures of each gradient: sketches of no numbers, for the norms.
    Measures,
}

impl Projection {
    /// What ids and refusals of no numbers are those of.
    const NOTHING: Exact = Exact::new(0);

    /// Its name, as files of sketches have it.
    const fn name(&self) -> &'static str {
        match self {
            Self::Exact(_) => "none",
            Self::Sjlt(_) => ProjectionKind::Sjlt.name(),
            Self::Rademacher(_) => ProjectionKind::Rademacher.name(),
            Self::Gaussian(_) => ProjectionKind::Gaussian.name(),
            Self::Srht(_) => ProjectionKind::Srht.name(),
            Self::Mask(_) => ProjectionKind::Mask.name(),
            Self::Measures => "measures",
        }
    }
}

/// The same of whichever projector it is; something else of none.
macro_rules! of_each {
    ($projection:expr, $projector:ident => $what:expr, $nothing:expr) => {
        match $projection {
            Projection::Exact($projector) => $what,
            Projection::Sjlt($projector) => $what,
            Projection::Rademacher($projector) => $what,
            Projection::Gaussian($projector) => $what,
            Projection::Srht($projector) => $what,
            Projection::Mask($projector) => $what,
            Projection::Measures => $nothing,
        }
    };
}

impl Projector for Projection {
    fn id(&self, layout: LayoutId) -> SketchId {
        of_each!(self, projector => projector.id(layout), Self::NOTHING.id(layout))
    }

    fn width(&self) -> usize {
        of_each!(self, projector => projector.width(), 0)
    }

    fn project<T: Element>(&self, offset: u64, x: &[T], out: &mut [f32]) -> Result<(), Error> {
        of_each!(self, projector => projector.project(offset, x, out), Ok(()))
    }

    fn project_scaled<T: Element>(
        &self,
        offset: u64,
        scale: f32,
        x: &[T],
        out: &mut [f32],
    ) -> Result<(), Error> {
        of_each!(self, projector => projector.project_scaled(offset, scale, x, out), Ok(()))
    }

    fn finish(&self, out: &mut [f32]) {
        of_each!(self, projector => projector.finish(out), ());
    }
}

/// What must be the same for two files of sketches to be compared: what `gradsieve sketch` writes beside a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SketchSettings(Vec<(&'static str, String)>);

impl SketchSettings {
    const KEYS: [&str; 5] = ["projection", "dim", "seed", "repeat", "columns"];
    /// All else that the projection was set to; not written where there is nothing else, which is `NO_SETTINGS`.
    const SETTINGS: &str = "settings";
    const NO_SETTINGS: &str = "0";
    const PREFIX: &str = "gradsieve.";

    /// As `.safetensors` keeps it.
    #[must_use]
    pub fn to_metadata(&self) -> BTreeMap<String, String> {
        let said = self.0.iter().filter(|(key, value)| *key != Self::SETTINGS || value != Self::NO_SETTINGS);
        said.map(|(key, value)| (format!("{}{key}", Self::PREFIX), value.clone())).collect()
    }

    /// The settings of a file of sketches; none if the file does not carry them.
    #[must_use]
    pub fn from_metadata(metadata: &BTreeMap<String, String>) -> Option<Self> {
        let get = |key| Some((key, metadata.get(&format!("{}{key}", Self::PREFIX))?.clone()));
        let mut all = Self::KEYS.into_iter().map(get).collect::<Option<Vec<_>>>()?;
        all.push(get(Self::SETTINGS).unwrap_or((Self::SETTINGS, Self::NO_SETTINGS.to_owned())));
        Some(Self(all))
    }

    /// What is not the same: a key, and the value of each.
    fn difference<'a>(&'a self, other: &'a Self) -> Option<(&'static str, &'a str, &'a str)> {
        let mut pairs = self.0.iter().zip(&other.0);
        pairs.find(|(one, other)| one != other).map(|(one, other)| (one.0, one.1.as_str(), other.1.as_str()))
    }
}

/// Refuses two files of sketches that say that they were made differently.
///
/// # Errors
/// [`CommandError::Sketches`].
pub(super) fn check_settings(first: &Rows, rows: &Rows) -> Result<(), CommandError> {
    let of = |rows: &Rows| SketchSettings::from_metadata(rows.matrix()?.metadata());
    let [one, other] = [first, rows].map(of);
    let (Some(one), Some(other)) = (one, other) else { return Ok(()) };
    check_same([(first, &one), (rows, &other)])
}

/// Refuses two files of sketches whose settings differ.
fn check_same([(first, one), (rows, other)]: [(&Rows, &SketchSettings); 2]) -> Result<(), CommandError> {
    match one.difference(other) {
        None => Ok(()),
        Some((what, expected, found)) => Err(CommandError::Sketches {
            file: rows.name().to_owned(),
            first: first.name().to_owned(),
            what,
            expected: expected.to_owned(),
            found: found.to_owned(),
        }),
    }
}

/// A file of gradients, one sample a row, that is read as sketches; or a store of sketches.
#[derive(Debug)]
pub struct Rows {
    input: Input,
    name: String,
    held: Held,
}

/// Where sketches come from.
#[derive(Debug)]
enum Input {
    /// Gradients, through a projection.
    Array { matrix: Matrix, projection: Projection, layout: Layout },
    /// Sketches of one kind.
    Store { reader: StoreReader, id: SketchId },
}

/// What a pass leaves for the next one.
#[derive(Debug)]
enum Held {
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
    /// The gradients that `source` names, through the projection of these arguments; a store's sketches as they are.
    ///
    /// # Errors
    /// As [`Matrix::open`], [`StoreReader::open`] and [`ProjectionArguments::projection`]; a store without rows.
    pub fn open(source: &Source, arguments: &ProjectionArguments) -> Result<Self, CommandError> {
        if let Source::Store(path) = source {
            return Self::store(StoreReader::open(path)?);
        }
        let matrix = Matrix::open(source)?;
        let projection = arguments.projection(matrix.cols())?;
        Self::array(matrix, projection)
    }

    /// [`Rows::open`] of what is to be compared with a store: gradients go through its projection, `of_store`, unless they are sketches
    /// already, as a `.safetensors` file says.
    pub(super) fn open_beside(
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
                Self::array(matrix, projection)
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
            _ => Self::array(Matrix::open(source)?, Projection::Measures),
        }
    }

    fn array(matrix: Matrix, projection: Projection) -> Result<Self, CommandError> {
        let layout = Layout::flat(matrix.cols() as u64).map_err(CommandError::core(matrix.name()))?;
        let name = matrix.name().to_owned();
        Ok(Self { input: Input::Array { matrix, projection, layout }, name, held: Held::Nothing })
    }

    fn store(reader: StoreReader) -> Result<Self, CommandError> {
        console::remark_torn(&reader);
        let name = reader.name();
        let Some(id) = reader.id() else { return Err(CommandError::EmptyStore { store: name }) };
        Ok(Self { input: Input::Store { reader, id }, name, held: Held::Nothing })
    }

    /// Makes ready for more than one pass: keeps the sketches if they are few, else sees that the file can be read again.
    ///
    /// # Errors
    /// The sketches are many, and the file is a stream.
    pub fn prepare_passes(&mut self) -> Result<(), CommandError> {
        self.prepare_passes_within(HELD_BYTES)
    }

    /// The same, where few means at most `bytes`.
    pub(super) fn prepare_passes_within(&mut self, most: usize) -> Result<(), CommandError> {
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
            Input::Array { projection, .. } => projection.width(),
            Input::Store { id, .. } => id.width,
        }
    }

    /// What the sketches are labelled with.
    #[must_use]
    pub fn id(&self) -> SketchId {
        match &self.input {
            Input::Array { projection, layout, .. } => projection.id(layout.id()),
            Input::Store { id, .. } => *id,
        }
    }

    /// Whether these are gradients as they are, without a projection.
    pub(super) const fn is_exact(&self) -> bool {
        matches!(self.input, Input::Array { projection: Projection::Exact(_), .. })
    }

    /// How the sketches are made.
    #[must_use]
    pub fn settings(&self) -> SketchSettings {
        let (matrix, projection) = match &self.input {
            Input::Array { matrix, projection, .. } => (matrix, projection),
            Input::Store { reader, .. } => {
                return SketchSettings::from_metadata(&reader.manifest().sketch)
                    .unwrap_or_else(|| SketchSettings(Vec::new()));
            }
        };
        let id = self.id();
        let (kind, repeat) = (projection.name().to_owned(), repetitions(id.repeat));
        let columns = matrix.cols().to_string();
        let values = [kind, id.width.to_string(), id.seed.to_string(), repeat.to_string(), columns];
        let last = (SketchSettings::SETTINGS, id.settings.to_string());
        SketchSettings(SketchSettings::KEYS.into_iter().zip(values).chain([last]).collect())
    }

    /// One pass in which `observe(row, sketch)` takes in every sample that it does not refuse as not finite.
    ///
    /// # Errors
    /// As [`Rows::pass`]; what else `observe` refuses; [`CommandError::NothingFinite`] if it took in none.
    pub(super) fn observe(
        &mut self,
        what: &str,
        mut observe: impl FnMut(usize, &Sketch<'_>) -> Result<(), Error>,
    ) -> Result<(), CommandError> {
        let (name, count) = (self.name().to_owned(), self.count());
        let mut seen = false;
        self.pass(what, |row, sketch| match observe(row, sketch) {
            Ok(()) => {
                seen = true;
                Ok(())
            }
            Err(Error::NonFinite) => Ok(()),
            Err(error) => Err(CommandError::core(&name)(error)),
        })?;
        if seen { Ok(()) } else { Err(CommandError::NothingFinite { file: name, rows: count }) }
    }

    /// One pass over all samples: calls `visit(row, sketch)` in order. `what` is said of a pass that takes long.
    ///
    /// # Errors
    /// The first of `visit`; what went wrong with reading; too little memory for one sketch.
    pub fn pass(
        &mut self,
        what: &str,
        mut visit: impl FnMut(usize, &Sketch<'_>) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        let (id, width, count) = (self.id(), self.width(), self.count());
        let name = self.name().to_owned();
        let mut progress = Progress::new(format!("{what} {name}"), count);
        if let Held::All(values, measures) = &self.held {
            for (row, (values, &measures)) in values.chunks_exact(width.max(1)).zip(measures).enumerate() {
                let sketch = Sketch::from_parts(id, values, measures).map_err(CommandError::core(&name))?;
                visit(row, &sketch)?;
                progress.reach(row + 1);
            }
            return Ok(());
        }
        let mut keep = matches!(self.held, Held::Wanted).then(|| (Vec::new(), Vec::new()));
        self.stream(|row, sketch| {
            if let Some((values, measures)) = &mut keep {
                values.extend_from_slice(sketch.values);
                measures.push(sketch.measures);
            }
            visit(row, sketch)?;
            progress.reach(row + 1);
            Ok(())
        })?;
        if let Some((values, measures)) = keep {
            self.held = Held::All(values, measures);
        }
        Ok(())
    }

    /// Reads the file, and finishes a sketch at the end of each row.
    fn stream(
        &mut self,
        mut visit: impl FnMut(usize, &Sketch<'_>) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        let (id, name) = (self.id(), self.name.clone());
        let (matrix, projection) = match &mut self.input {
            Input::Array { matrix, projection, .. } => (matrix, *projection),
            Input::Store { reader, id } => return stored(reader, *id, visit),
        };
        let columns = matrix.cols();
        let mut values = zeros(&name, projection.width())?;
        let mut measures = Accumulator::new();
        matrix.for_each_piece(|row, column, piece| {
            if column == 0 {
                if !matches!(projection, Projection::Exact(_)) {
                    values.fill(0.0);
                }
                measures = Accumulator::new();
            }
            take_in(projection, column, piece, &mut values, &mut measures)
                .map_err(CommandError::core(&name))?;
            if column + piece.len() < columns {
                return Ok(());
            }
            projection.finish(&mut values);
            let sketch = Sketch::from_parts(id, &values, measures.summary());
            visit(row, &sketch.map_err(CommandError::core(&name))?)
        })
    }
}

/// One pass over a store, sample by sample. One that has no row was not finite, and has a sketch that says so.
fn stored(
    reader: &StoreReader,
    id: SketchId,
    mut visit: impl FnMut(usize, &Sketch<'_>) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let nan = vec![f32::NAN; id.width];
    let measures = Summary { l1: f64::NAN, l2_squared: f64::NAN, max: 0.0, non_finite: 1, count: 1 };
    let missing = Sketch::from_parts(id, &nan, measures).map_err(CommandError::core(&reader.name()))?;
    let mut next = 0;
    reader.for_each_row(|row| {
        for sample in next..row.id {
            visit(sample as usize, &missing)?;
        }
        next = row.id + 1;
        visit(row.id as usize, &row.sketch)
    })?;
    (next..reader.manifest().samples).try_for_each(|sample| visit(sample as usize, &missing))
}

/// Refuses two files whose rows cannot be compared.
///
/// # Errors
/// Other columns, or sketches that were made differently.
pub(super) fn check_pair(first: &Rows, rows: &Rows) -> Result<(), CommandError> {
    if let (Some(one), Some(other)) = (first.matrix(), rows.matrix()) {
        check_columns(one, other)?;
        return check_settings(first, rows);
    }
    let made = |rows: &Rows| {
        let said = rows.matrix().filter(|_| rows.is_exact()).map(Matrix::metadata);
        said.and_then(SketchSettings::from_metadata)
            .map_or_else(|| (rows.settings(), true), |said| (said, false))
    };
    let ((one, known), (other, other_known)) = (made(first), made(rows));
    check_same([(first, &one), (rows, &other)])?;
    // A file's word for how its sketches were made is no id.
    if known && other_known {
        first.id().check(&rows.id()).map_err(CommandError::core(rows.name()))?;
    }
    Ok(())
}

const fn repetitions(repeat: Repeat) -> u8 {
    match repeat {
        Repeat::One => 1,
        Repeat::Two => 2,
        Repeat::Four => 4,
    }
}

/// Whether a sketch is that of a finite gradient and finite itself. Without a projection the two are one, and the values need no
/// look.
pub(super) fn is_finite(sketch: &Sketch<'_>) -> bool {
    if sketch.id.kind == Kind::Exact {
        sketch.measures.non_finite == 0
    } else {
        sketch.check_finite().is_ok()
    }
}

/// What the core's sketcher does with a segment. (A sketcher keeps its memory until its gradient is finished, and pieces of
/// many gradients come here through one closure.)
fn take_in(
    projection: Projection,
    column: usize,
    piece: Piece<'_>,
    values: &mut [f32],
    measures: &mut Accumulator,
) -> Result<(), Error> {
    match piece {
        Piece::F16(x) => tiles(projection, column, x, values, measures),
        Piece::Bf16(x) => tiles(projection, column, x, values, measures),
        Piece::F32(x) => tiles(projection, column, x, values, measures),
        Piece::F64(x) => {
            let mut rounded = [0.0; PIECE_ALIGNMENT];
            for (i, x) in x.chunks(PIECE_ALIGNMENT).enumerate() {
                let rounded = &mut rounded[..x.len()];
                Piece::F64(x).copy_to_f32(rounded);
                tiles(projection, column + i * PIECE_ALIGNMENT, rounded, values, measures)?;
            }
            Ok(())
        }
    }
}

/// Tile by tile, so that the second of the two passes finds the tile in the nearest cache.
fn tiles<T: Element>(
    projection: Projection,
    column: usize,
    x: &[T],
    values: &mut [f32],
    measures: &mut Accumulator,
) -> Result<(), Error> {
    for (i, tile) in x.chunks(PIECE_ALIGNMENT).enumerate() {
        let start = column + i * PIECE_ALIGNMENT;
        match projection {
            // Each value comes once, so what it would be added to is zero.
            Projection::Exact(_) => widen(tile, &mut values[start..start + tile.len()])?,
            _ => projection.project(start as u64, tile, values)?,
        }
        measures.add(tile);
    }
    Ok(())
}

/// Memory for `count` numbers, or an error where the allocator has none.
pub(super) fn zeros<T: Clone + Default>(file: &str, count: usize) -> Result<Vec<T>, CommandError> {
    let mut zeros = Vec::new();
    zeros.try_reserve_exact(count).map_err(|_| CommandError::Memory {
        file: file.to_owned(),
        what: format!("{count} numbers"),
        bytes: count as u128 * size_of::<T>() as u128,
    })?;
    zeros.resize(count, T::default());
    Ok(zeros)
}
