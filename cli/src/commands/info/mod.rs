//! `gradsieve info`: what a file holds, from its header alone; of a state at rest, from
//! all of it.

mod state;
mod visits;

use std::collections::BTreeMap;

use clap::Args;
use gradsieve::state::Header;
use serde::Serialize;

use super::escaped::escaped;
use super::paths::source;
use super::{CommandError, console, state_file};
use gradsieve_io::files::{FileKind, Source, TensorInfo, info};
use gradsieve_io::store::StoreReader;
use gradsieve_io::visits::KeptName;

pub(super) const LONG_ABOUT: &str = "\
Tell what an array file holds: its format and, of each array, the type, the shape and the bytes; and the settings that \
gradsieve sketch wrote into a .safetensors file or a store. Reads the header only; of a store, the first segment, too. \
Of a state at rest, as gradsieve sieve --save-state and devices write them: what it is of, and what its sketches were; of a sieve \
its settings and counts, too; of numbers over visits how many samples were visited. The state is checked from the first byte to the last.";

const EXAMPLES: &str = "\
Examples:
  gradsieve info grads.npy
  gradsieve info model.safetensors
  gradsieve info run.store
  gradsieve info monday.state
  gradsieve info model.safetensors#layer.weight --json
  gradsieve info runs/quickstart                       what bergson build has written";

/// Arguments of `info`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct InfoArguments {
    /// FILE.npy, FILE.safetensors, FILE.safetensors#TENSOR, DIRECTORY.store, a directory
    /// that bergson wrote, a state at rest, or -
    #[arg(value_parser = source())]
    pub file: Source,

    /// Print JSON: {"file", "kind", "tensors": [{"name", "dtype", "shape", "bytes",
    /// "fortran_order"}], "metadata"}; of a store {"file", "kind", "codec", "rows",
    /// "samples", "bytes", "torn_bytes", "metadata"}; of a state {"file", "kind",
    /// "state", "bytes", "sketch"}, and of a sieve "settings", "rows", "flagged",
    /// "non_finite", "groups" and "health"
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub(super) fn run(arguments: &InfoArguments) -> Result<(), CommandError> {
    if let Source::Store(path) = &arguments.file {
        return store(arguments, &StoreReader::open(path)?);
    }
    if let Source::Npy(path) = &arguments.file
        && let Some(header) = state_file::peek(path)
    {
        return match header {
            Ok(Header { kind, .. }) if KeptName::of(kind).is_some() => {
                visits::run(path, kind, arguments.json)
            }
            _ => state::run(path, arguments.json),
        };
    }
    let about = info(&arguments.file)?;
    if arguments.json {
        return console::print_json(&about);
    }
    let kind = match about.kind {
        FileKind::Npy => "NumPy array (.npy)".to_owned(),
        FileKind::Npz => format!("{} arrays (.npz)", about.tensors.len()),
        FileKind::Bergson => {
            format!("gradients of {} modules side by side (bergson)", about.tensors.len())
        }
        FileKind::Safetensors => format!("{} tensors (.safetensors)", about.tensors.len()),
    };
    console::print(format!("{}: {kind}", escaped(&about.file)))?;
    // Many at a time: a file may have a million.
    for some in about.tensors.chunks(1024) {
        let lines: Vec<String> = some.iter().map(line).collect();
        console::print(lines.join("\n"))?;
    }
    for (key, text) in &about.metadata {
        console::print(format!("  {} = {}", escaped(key), escaped(text)))?;
    }
    Ok(())
}

/// What is printed of a store as JSON.
#[derive(Serialize)]
struct StoreInfo<'a> {
    file: String,
    kind: &'static str,
    codec: &'static str,
    rows: u64,
    samples: u64,
    bytes: u64,
    torn_bytes: u64,
    metadata: &'a BTreeMap<String, String>,
}

/// The same, of a store.
fn store(arguments: &InfoArguments, store: &StoreReader) -> Result<(), CommandError> {
    let manifest = store.manifest();
    let about = StoreInfo {
        file: store.name(),
        kind: "store",
        codec: store.codec().name(),
        rows: manifest.rows(),
        samples: manifest.samples,
        bytes: manifest.bytes(),
        torn_bytes: store.torn(),
        metadata: &manifest.sketch,
    };
    if arguments.json {
        return console::print_json(&about);
    }
    let StoreInfo { file, codec, rows, samples, bytes, .. } = &about;
    console::print(format!(
        "{}: store of {rows} sketches in {codec}, of {samples} samples, {bytes} bytes",
        escaped(file)
    ))?;
    for (key, text) in about.metadata {
        console::print(format!("  {} = {}", escaped(key), escaped(text)))?;
    }
    console::remark_torn(store);
    Ok(())
}

/// A tensor as a line.
fn line(tensor: &TensorInfo) -> String {
    let name = tensor.name.as_ref().map(|name| format!("{}: ", escaped(name))).unwrap_or_default();
    let (dtype, shape, bytes) = (escaped(&tensor.dtype), &tensor.shape, tensor.bytes);
    format!("  {name}{dtype} {shape}, {bytes} bytes{}", meaning(tensor))
}

/// What the shape says to the other commands.
fn meaning(tensor: &TensorInfo) -> String {
    let float = ["f16", "bf16", "f32", "f64"].contains(&tensor.dtype.as_str());
    match *tensor.shape.0.as_slice() {
        [rows, columns] if float => {
            let order = if tensor.fortran_order { ", in Fortran order" } else { "" };
            format!("; as gradients: {rows} samples (rows) × {columns} parameters (columns){order}")
        }
        [count] => format!("; {count} values, as scores or groups have"),
        _ => String::new(),
    }
}
