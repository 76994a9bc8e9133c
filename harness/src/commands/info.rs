//! `gradsieve info`: what a file holds, from its header alone.

use clap::Args;

use super::{CommandError, console};
use crate::files::{FileKind, Source, TensorInfo, info};

pub(super) const LONG_ABOUT: &str = "\
Tell what an array file holds: its format and, of each array, the type, the shape and the bytes; and the settings that \
gradsieve sketch wrote into a .safetensors file. Reads the header only.";

const EXAMPLES: &str = "\
Examples:
  gradsieve info grads.npy
  gradsieve info model.safetensors
  gradsieve info model.safetensors#layer.weight --json";

/// Arguments of `info`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct InfoArguments {
    /// FILE.npy, FILE.safetensors, FILE.safetensors#TENSOR or -
    pub file: Source,

    /// Print JSON: {"file", "kind", "tensors": [{"name", "dtype", "shape", "bytes", "fortran_order"}], "metadata"}
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub(super) fn run(arguments: &InfoArguments) -> Result<(), CommandError> {
    let about = info(&arguments.file)?;
    if arguments.json {
        return console::print_json(&about);
    }
    let kind = match about.kind {
        FileKind::Npy => "NumPy array (.npy)".to_owned(),
        FileKind::Safetensors => format!("{} tensors (.safetensors)", about.tensors.len()),
    };
    console::print(format!("{}: {kind}", about.file))?;
    for tensor in &about.tensors {
        let name = tensor.name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        console::print(format!(
            "  {name}{} {}, {} bytes{}",
            tensor.dtype,
            tensor.shape,
            tensor.bytes,
            meaning(tensor)
        ))?;
    }
    for (key, text) in &about.metadata {
        console::print(format!("  {key} = {text}"))?;
    }
    Ok(())
}

/// What the shape says to the other commands.
fn meaning(tensor: &TensorInfo) -> String {
    let float = ["f16", "bf16", "f32", "f64"].contains(&tensor.dtype.as_str());
    match *tensor.shape.0.as_slice() {
        [rows, columns] if tensor.fortran_order && rows > 1 && columns > 1 => {
            "; in Fortran order, which the other commands refuse".to_owned()
        }
        [rows, columns] if float => {
            format!("; as gradients: {rows} samples (rows) × {columns} parameters (columns)")
        }
        [count] => format!("; {count} values, as scores or groups have"),
        _ => String::new(),
    }
}
