//! One pass over a file: pieces of rows in, finished sketches out.

use gradsieve::{Buffer, Error, Kind, Projector, Sketch, SketchId, Sketcher, Summary};

use super::file::{Held, Input, Rows};
use super::limits::{filled, zeros};
use crate::commands::CommandError;
use crate::commands::console::Progress;
use gradsieve_io::files::{PIECE_ALIGNMENT, Piece};
use gradsieve_io::store::StoreReader;

/// What is done with each row's sketch.
type Visit<'v> = dyn FnMut(usize, &Sketch<'_>) -> Result<(), CommandError> + 'v;

impl Rows {
    /// One pass in which `observe(row, sketch)` takes in every sample that it does not
    /// refuse as not finite.
    ///
    /// # Errors
    /// As [`Rows::pass`]; what else `observe` refuses; [`CommandError::NothingFinite`] if
    /// it took in none.
    pub(in crate::commands) fn observe(
        &mut self,
        what: &str,
        mut observe: impl FnMut(usize, &Sketch<'_>) -> Result<(), Error>,
    ) -> Result<(), CommandError> {
        let name = self.name().to_owned();
        let mut seen = false;
        self.pass(what, |row, sketch| match observe(row, sketch) {
            Ok(()) => {
                seen = true;
                Ok(())
            }
            Err(Error::NonFinite) => Ok(()),
            Err(error) => Err(CommandError::core(&name)(error)),
        })?;
        if seen { Ok(()) } else { Err(self.nothing_finite()) }
    }

    /// What is said after a pass in which no row was finite.
    pub(in crate::commands) fn nothing_finite(&self) -> CommandError {
        let file = self.name().to_owned();
        match self.out_of_range.first_key_value() {
            Some((&row, &column)) => CommandError::OutOfRange { file, row, column },
            None => CommandError::NothingFinite { file, rows: self.count() },
        }
    }

    /// One pass over all samples: calls `visit(row, sketch)` in order. `what` is said of
    /// a pass that takes long.
    ///
    /// # Errors
    /// The first of `visit`; what went wrong with reading; too little memory for one
    /// sketch.
    pub fn pass(
        &mut self,
        what: &str,
        mut visit: impl FnMut(usize, &Sketch<'_>) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        self.pass_to(what, &mut visit)
    }

    /// The same, compiled once: what is below holds every projection and format.
    fn pass_to(&mut self, what: &str, visit: &mut Visit<'_>) -> Result<(), CommandError> {
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
        self.stream(&mut |row, sketch| {
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
    fn stream(&mut self, visit: &mut Visit<'_>) -> Result<(), CommandError> {
        let name = self.name.clone();
        let out_of_range = &mut self.out_of_range;
        let (matrix, projection, sketches) = match &mut self.input {
            Input::Array { matrix, projection, sketches } => (matrix, projection, sketches),
            Input::Store { reader, id } => return stored(reader, *id, visit),
        };
        let columns = matrix.cols();
        let values = zeros(&name, projection.id().width)?;
        let layout = projection.layout();
        let core = |error| CommandError::core(&name)(error);
        let passed = projection.with(|projector| {
            let mut sketcher = Sketcher::new(projector, layout, values).map_err(core)?;
            let mut beyond = Beyond::default();
            matrix.for_each_piece(|row, column, piece| {
                take_in(&mut sketcher, column, piece, &mut beyond).map_err(core)?;
                if column + piece.len() < columns {
                    return Ok(());
                }
                let mut sketch = sketcher.finish().map_err(core)?;
                if let Some(column) = std::mem::take(&mut beyond).column_of(sketch.measures.non_finite) {
                    out_of_range.insert(row, column);
                }
                if let Some(summary) = sketches.as_ref().and_then(|sketches| sketches.summary(row, columns)) {
                    sketch.measures = summary;
                }
                let refused = |error| match (error, out_of_range.get(&row)) {
                    (CommandError::Core { file, error: Error::NonFinite }, Some(&column)) => {
                        CommandError::OutOfRange { file, row, column }
                    }
                    (error, _) => error,
                };
                visit(row, &sketch).map_err(refused)
            })
        });
        passed.map_err(core)?
    }
}

/// One pass over a store, sample by sample. One that has no row was not finite, and has a
/// sketch that says so.
fn stored(reader: &StoreReader, id: SketchId, visit: &mut Visit<'_>) -> Result<(), CommandError> {
    let nan = filled(&reader.name(), id.width, f32::NAN)?;
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

/// Whether a sketch is that of a finite gradient and finite itself. Without a projection
/// the two are one, and the values need no look.
pub(in crate::commands) fn is_finite(sketch: &Sketch<'_>) -> bool {
    if sketch.id.kind == Kind::Exact {
        sketch.measures.non_finite == 0
    } else {
        sketch.check_finite().is_ok()
    }
}

/// Takes a piece in, in the format that the file has.
fn take_in<P: Projector, B: Buffer<f32>>(
    sketcher: &mut Sketcher<P, B>,
    column: usize,
    piece: Piece<'_>,
    beyond: &mut Beyond,
) -> Result<(), Error> {
    match piece {
        Piece::F16(x) => sketcher.segment(column as u64, x),
        Piece::Bf16(x) => sketcher.segment(column as u64, x),
        Piece::F32(x) => sketcher.segment(column as u64, x),
        Piece::F64(x) => {
            let mut rounded = [0.0; PIECE_ALIGNMENT];
            for (i, x) in x.chunks(PIECE_ALIGNMENT).enumerate() {
                let rounded = &mut rounded[..x.len()];
                Piece::F64(x).copy_to_f32(rounded);
                beyond.look_at(column + i * PIECE_ALIGNMENT, x, rounded);
                sketcher.segment((column + i * PIECE_ALIGNMENT) as u64, rounded)?;
            }
            Ok(())
        }
    }
}

/// Entries of a row that are finite in `f64` and not in `f32`.
#[derive(Default)]
struct Beyond {
    /// The first one's column.
    first: Option<usize>,
    count: u64,
}

impl Beyond {
    /// Looks at a stretch of the row from `column` on, and at what it was rounded to.
    fn look_at(&mut self, column: usize, wide: &[f64], rounded: &[f32]) {
        if rounded.iter().all(|x| x.is_finite()) {
            return;
        }
        for (at, (wide, rounded)) in wide.iter().zip(rounded).enumerate() {
            if wide.is_finite() && !rounded.is_finite() {
                self.first.get_or_insert(column + at);
                self.count += 1;
            }
        }
    }

    /// The column of the first, if all entries that are not finite are of this kind.
    fn column_of(self, non_finite: u64) -> Option<usize> {
        self.first.filter(|_| self.count == non_finite)
    }
}
