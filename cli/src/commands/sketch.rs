//! `gradsieve sketch`: gradients (n × p) → sketches (n × K), in one pass and in memory
//! that does not grow with either.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use gradsieve::store::Codec;
use gradsieve::{Kind, Sketch};
use half::f16;

use super::escaped::escaped;
use super::given::{Given, Use};
use super::numbers::whole;
use super::paths::{destination, source};
use super::rows::{ProjectionArguments, Rows};
use super::sketch_file::SketchFile;
use super::{CommandError, console};
use gradsieve_io::files::{Destination, Dtype, FileError, Source, refuse_overwrite};
use gradsieve_io::store::{StoreError, StoreWriter, is_store};

pub(super) const LONG_ABOUT: &str = "\
Project gradients to a few hundred numbers a sample.

Reads an n × p matrix of gradients, a sample a row, and writes the n × K matrix of their sketches. Dot products \
of sketches estimate dot products of gradients without bias, so a sketch can stand for its gradient in every other \
command (there without --dim). Sketches can be compared if --projection, --dim, --seed, --repeat, --mask-len, --shapes and the \
number of columns are the same, and so is the order of the parameters: use the same for training and target gradients. \
A .safetensors file and a store carry these settings: gradsieve info shows them, and gradsieve influence refuses files whose settings differ. An array \
has the exact norms of its gradients, and a .npy its settings, too, beside it in FILE.measures.safetensors: keep the two together. Without it, \
sketches in a .npy cannot be told from gradients (see --holds).

A store, DIRECTORY.store, is for sketches by the million, and for those to come: --append adds rows, a crash loses none that were committed, every \
segment has a checksum, and each row keeps the exact norms of its gradient. A store has one writer at a time: --append waits for another to end. Its rows take 4K bytes (f32), 2K (f16, bf16: a scale a row, so \
tiny gradients keep their digits), K (int8), K/2 (4-bit), K/4 (2-bit) or K/8 (1-bit).

The matrix streams past: two mebibytes of buffers and K numbers, whatever its size. f64 is rounded to f32. \
Rows with NaN or infinite entries are named on standard error; their sketches have such entries, too.";

const EXAMPLES: &str = "\
Examples:
  gradsieve sketch grads.npy -o sketches.npy --dim 512 --seed 7
  gradsieve sketch run.safetensors#grads -o sketches.safetensors --dim 2048 --repeat 4 --dtype f16
  gradsieve sketch embeddings.npy -o sketches.safetensors --projection rademacher
  gradsieve sketch huge.npy -o sketches.npy --projection mask --mask-len 1000000
  gradsieve sketch mlp.npy -o sketches.npy --projection factgrass --shapes 32x64,32,10x32,10
  gradsieve sketch monday.npy -o run.store --dtype f16
  gradsieve sketch tuesday.npy -o run.store --dtype f16 --append
  gradsieve sketch wednesday.npy -o run.store --dtype f16 --append --wait 3600
  zcat grads.npy.gz | gradsieve sketch - -o sketches.npy --dim 512";

/// Arguments of `sketch`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub struct SketchArguments {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment here would become help")]
    pub given: Given,

    /// Gradients, n × p: FILE.npy, FILE.safetensors#TENSOR or -
    #[arg(value_parser = source())]
    pub grads: Source,

    /// Where the sketches go, n × K: FILE.npy, FILE.safetensors (tensor "sketch", with
    /// the settings), DIRECTORY.store, or - for a .npy on standard output
    #[arg(short, long, value_name = "FILE", value_parser = destination())]
    pub output: Destination,

    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment here would become help")]
    pub projection: ProjectionArguments,

    /// Type of the numbers written; f16 halves a file, but holds nothing above 65504 and
    /// little below 0.00006 there. bf16, int8, 4-bit, 2-bit and 1-bit are for stores
    #[arg(long, value_enum, default_value_t = SketchDtype::F32)]
    pub dtype: SketchDtype,

    /// Add the rows to a store that exists; its samples are numbered on
    #[arg(long)]
    pub append: bool,

    /// How long --append waits for another writer of the store, which standard error
    /// names, before it gives up
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = whole::<u32>)]
    pub wait: u32,
}

/// Types that sketches are written in.
#[allow(missing_docs, reason = "doc comments here would become help, and say the names again")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SketchDtype {
    F32,
    F16,
    Bf16,
    Int8,
    #[value(name = "4-bit")]
    FourBits,
    #[value(name = "2-bit")]
    TwoBits,
    #[value(name = "1-bit")]
    OneBit,
}

impl SketchDtype {
    /// How a store keeps them.
    const fn codec(self) -> Codec {
        match self {
            Self::F32 => Codec::F32,
            Self::F16 => Codec::F16,
            Self::Bf16 => Codec::Bf16,
            Self::Int8 => Codec::Int8,
            Self::FourBits => Codec::FourBits,
            Self::TwoBits => Codec::TwoBits,
            Self::OneBit => Codec::OneBit,
        }
    }
}

/// The width without `--dim`.
const DIM: usize = 512;

/// What is to be done, checked before a file is opened.
struct Plan {
    grads: Source,
    projection: ProjectionArguments,
    output: Output,
}

/// Where sketches go, and as what.
enum Output {
    Array { to: Destination, dtype: Dtype },
    Store { to: Destination, directory: PathBuf, codec: Codec, append: Option<Duration> },
}

impl Plan {
    /// The plan of a command line.
    ///
    /// # Errors
    /// [`CommandError::Argument`] by the name of the argument that does not suit the
    /// others; an output that is the input; a store as the input.
    fn new(arguments: SketchArguments) -> Result<Self, CommandError> {
        let SketchArguments { given, grads, output, projection, dtype, append, wait } = arguments;
        refuse_overwrite(&output, &[&grads])?;
        if let Source::Store(_) = grads {
            return Err(FileError::Store { file: grads.to_string() }.into());
        }
        let projection = ProjectionArguments { dim: projection.dim.or(Some(DIM)), ..projection };
        given.refuse_unread(projection.uses(&[]))?;
        let without = "a new output".to_owned();
        given.refuse_unread([Use {
            option: "--wait",
            is_read: append,
            by: "--append beside it".to_owned(),
            found: without,
        }])?;
        let append = append.then_some(Duration::from_secs(wait.into()));
        Ok(Self { grads, projection, output: Output::new(output, dtype, append)? })
    }
}

impl Output {
    /// Rows are added if `append` says how long to wait for that.
    fn new(to: Destination, dtype: SketchDtype, append: Option<Duration>) -> Result<Self, CommandError> {
        if let Destination::Path(path) = &to
            && is_store(path)
        {
            let directory = path.clone();
            return Ok(Self::Store { to, directory, codec: dtype.codec(), append });
        }
        let refuse = |argument, expected: &str, found: String| {
            Err(CommandError::Argument { argument, expected: expected.to_owned(), found })
        };
        if append.is_some() {
            return refuse("--append", "a DIRECTORY.store as --output", to.to_string());
        }
        let dtype = match dtype {
            SketchDtype::F32 => Dtype::F32,
            SketchDtype::F16 => Dtype::F16,
            other => {
                let expected = "f32 or f16, or a DIRECTORY.store as --output";
                return refuse("--dtype", expected, other.codec().name().to_owned());
            }
        };
        Ok(Self::Array { to, dtype })
    }
}

/// Runs the command.
pub(super) fn run(arguments: SketchArguments) -> Result<(), CommandError> {
    let Plan { grads, projection, output } = Plan::new(arguments)?;
    let mut rows = Rows::open(&grads, &projection)?;
    match output {
        Output::Array { to, dtype } => array(&to, dtype, &projection, &mut rows),
        Output::Store { to, directory, codec, append } => {
            let writer = open_store(&to, &directory, codec, append, &rows)?;
            store(&to, writer, &projection, &mut rows)
        }
    }
}

/// Writes the sketches as an array.
fn array(
    to: &Destination,
    dtype: Dtype,
    projection: &ProjectionArguments,
    rows: &mut Rows,
) -> Result<(), CommandError> {
    let (count, width) = (rows.count(), rows.width());
    let settings = rows.settings().to_metadata();
    let mut file = SketchFile::create(to, [count, width], dtype, settings)?;
    let mut non_finite = Vec::new();
    let mut losses = Losses::default();
    rows.pass("sketching", |row, sketch| {
        if sketch.check_finite().is_err() {
            non_finite.push(row);
        } else if dtype == Dtype::F16 {
            losses.look_at(sketch);
        }
        file.push(sketch)
    })?;
    file.finish()?;
    rows.remark_non_finite(&non_finite, "so their sketches are not finite");
    losses.remark(&to.to_string());
    if *to != Destination::Stdout {
        let made = made(rows, projection);
        console::print(format!("{}: {count} sketches of {width} {dtype} each, {made}", escaped(to)))?;
    }
    Ok(())
}

/// Of what, and how, sketches were made.
fn made(rows: &Rows, projection: &ProjectionArguments) -> String {
    let columns = rows
        .matrix()
        .map_or_else(String::new, |matrix| format!("of {} {} columns, ", matrix.cols(), matrix.dtype()));
    let kind = match projection.projection {
        Kind::Sjlt => String::new(),
        other => format!("projection {}, ", other.name()),
    };
    format!("{columns}{kind}{}, repeat {}", projection.drawn_by().fingerprint(), projection.repeat.count())
}

/// Opens a store: a new one, or one that exists, to add rows.
fn open_store(
    to: &Destination,
    directory: &Path,
    codec: Codec,
    append: Option<Duration>,
    rows: &Rows,
) -> Result<StoreWriter, CommandError> {
    let settings = rows.settings().to_metadata();
    let Some(wait) = append else {
        return Ok(StoreWriter::create(directory, codec, rows.id(), settings)?);
    };
    let writer = wait_for(wait, || StoreWriter::append(directory, rows.id(), &settings))?;
    if writer.codec() == codec {
        return Ok(writer);
    }
    Err(CommandError::Argument {
        argument: "--dtype",
        expected: format!("{}, as the rows in {to}", writer.codec().name()),
        found: codec.name().to_owned(),
    })
}

/// Opens a store as soon as nobody else writes to it, or gives up after `wait`.
fn wait_for(
    wait: Duration,
    open: impl Fn() -> Result<StoreWriter, StoreError>,
) -> Result<StoreWriter, CommandError> {
    const POLL: Duration = Duration::from_millis(50);
    let (begun, mut told) = (Instant::now(), false);
    loop {
        match open() {
            Err(StoreError::InUse { store, holder }) if begun.elapsed() < wait => {
                if !told {
                    console::remark(format!("{store}: waiting for {holder}, which writes to it"));
                    told = true;
                }
                thread::sleep(POLL);
            }
            outcome => return Ok(outcome?),
        }
    }
}

/// Writes the sketches into a store.
fn store(
    to: &Destination,
    mut writer: StoreWriter,
    projection: &ProjectionArguments,
    rows: &mut Rows,
) -> Result<(), CommandError> {
    let codec = writer.codec();
    let before = writer.samples();
    let mut non_finite = Vec::new();
    rows.pass("sketching", |row, sketch| {
        if sketch.check_finite().is_err() {
            non_finite.push(row);
            writer.skip();
            return Ok(());
        }
        Ok(writer.push(sketch)?)
    })?;
    let manifest = writer.finish()?;
    rows.remark_non_finite(&non_finite, "they have a number in the store, and no row");
    let added = manifest.samples - before - non_finite.len() as u64;
    let (all, width) = (manifest.rows(), rows.width());
    let made = made(rows, projection);
    let all = if added == all { String::new() } else { format!(" more, {all} in all,") };
    let to = escaped(to);
    console::print(format!("{to}: {added} sketches{all} of {width} {} each, {made}", codec.name()))
}

/// What f16 cannot hold.
#[derive(Default)]
struct Losses {
    /// Rows with a value that becomes infinite.
    overflowed: usize,
    /// Rows that have no value in f16's normal range, but some other than zero.
    vanished: usize,
}

impl Losses {
    fn look_at(&mut self, sketch: &Sketch<'_>) {
        let max = sketch.values.iter().fold(0.0_f32, |max, value| max.max(value.abs()));
        self.overflowed += usize::from(f16::from_f32(max).is_infinite());
        self.vanished += usize::from(max > 0.0 && max < f16::MIN_POSITIVE.to_f32());
    }

    fn remark(&self, file: &str) {
        let advice = "scale the gradients first, or write f32";
        if self.overflowed > 0 {
            let rows = rows(self.overflowed);
            console::remark(format!(
                "{file}: {rows} values too large for f16, which became infinite; {advice}"
            ));
        }
        if self.vanished > 0 {
            let rows = rows(self.vanished);
            console::remark(format!(
                "{file}: {rows} only values too small for f16's full precision; {advice}"
            ));
        }
    }
}

fn rows(count: usize) -> String {
    if count == 1 { "1 row has".to_owned() } else { format!("{count} rows have") }
}
