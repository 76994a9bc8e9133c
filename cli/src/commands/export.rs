//! `gradsieve export`: a store of sketches → an array or a table for other programs.

use std::path::{Path, PathBuf};

use clap::Args;
use gradsieve::store::Row;

use super::escaped::escaped;
use super::paths::destination;
use super::sketch_file::SketchFile;
use super::{CommandError, console};
use gradsieve_io::files::{Destination, Dtype, ParquetWriter, TableRow};
use gradsieve_io::store::StoreReader;

pub(super) const LONG_ABOUT: &str = "\
Write a store of sketches as an array or a table for other programs.

The ending of FILE says which: .npy, .safetensors (tensor \"sketch\", with the settings of the projection), or .parquet (a row with the columns id, \
group, l1, l2_squared, max and sketch, a list of K floats). In an array row i is sample i; samples whose gradients were not finite have no row \
in the store, and NaN in the array. Numbers are written as f32, as exact as the store's codec has kept them.";

const EXAMPLES: &str = "\
Examples:
  gradsieve export run.store -o sketches.npy
  gradsieve export run.store -o sketches.parquet";

/// Arguments of `export`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ExportArguments {
    /// The store: a directory that gradsieve sketch made
    pub store: PathBuf,

    /// Where the sketches go: FILE.npy, FILE.safetensors, FILE.parquet or - for a .npy on
    /// standard output
    #[arg(short, long, value_name = "FILE", value_parser = destination())]
    pub output: Destination,
}

/// Runs the command.
pub(super) fn run(arguments: &ExportArguments) -> Result<(), CommandError> {
    let store = StoreReader::open(&arguments.store)?;
    console::remark_torn(&store);
    let Some(id) = store.id() else {
        return Err(CommandError::EmptyStore { store: store.name() });
    };
    let mut progress =
        console::Progress::new(format!("exporting {}", store.name()), store.manifest().rows() as usize);
    let mut done = 0;
    let mut sink = Sink::create(&arguments.output, &store, id.width)?;
    store.for_each_row(|row| {
        sink.push(&row)?;
        done += 1;
        progress.reach(done);
        Ok::<(), CommandError>(())
    })?;
    sink.finish()?;
    if arguments.output != Destination::Stdout {
        let (rows, samples) = (store.manifest().rows(), store.manifest().samples);
        console::print(format!(
            "{}: {rows} sketches of {} numbers, of {samples} samples",
            escaped(&arguments.output),
            id.width
        ))?;
    }
    Ok(())
}

/// Where rows go.
enum Sink {
    /// Sample by sample.
    Array {
        file: Box<SketchFile>,
        next: u64,
        samples: u64,
        missing: Vec<f32>,
    },
    Table(Box<ParquetWriter>),
}

impl Sink {
    fn create(output: &Destination, store: &StoreReader, width: usize) -> Result<Self, CommandError> {
        let settings = &store.manifest().sketch;
        if let Destination::Path(path) = output
            && Path::new(path).extension().is_some_and(|extension| extension == "parquet")
        {
            return Ok(Self::Table(Box::new(ParquetWriter::create(output, settings)?)));
        }
        let samples = store.manifest().samples;
        let shape = [samples as usize, width];
        let file = Box::new(SketchFile::create(output, shape, Dtype::F32, settings.clone())?);
        Ok(Self::Array { file, next: 0, samples, missing: vec![f32::NAN; width] })
    }

    fn push(&mut self, row: &Row<'_>) -> Result<(), CommandError> {
        match self {
            Self::Array { file, next, missing, .. } => {
                for _ in *next..row.id {
                    file.push_missing(missing)?;
                }
                *next = row.id + 1;
                file.push(&row.sketch)?;
            }
            Self::Table(writer) => {
                let measures = row.sketch.measures;
                writer.push(TableRow {
                    id: row.id,
                    group: row.sketch.group,
                    l1: measures.l1,
                    l2_squared: measures.l2_squared,
                    max: measures.max,
                    sketch: row.sketch.values,
                })?;
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<(), CommandError> {
        match self {
            Self::Array { mut file, next, samples, missing } => {
                for _ in next..samples {
                    file.push_missing(&missing)?;
                }
                file.finish()?;
            }
            Self::Table(writer) => writer.finish()?,
        }
        Ok(())
    }
}
