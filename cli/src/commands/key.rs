//! `gradsieve key`: makes a secret key for projections, and tells keys apart.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use gradsieve::Key;
use serde::Serialize;

use super::escaped::escaped;
use super::{CommandError, console, key_file};

pub(super) const LONG_ABOUT: &str = "\
Make a secret key for projections, or tell which key a file holds.

Whoever knows what a projection is drawn by can make gradients that the sketches do not see. A seed is public: files carry it, \
and small ones are guessed. Where samples or clients may be hostile, draw the projection by a secret key of 128 bits, --key FILE of the other commands. \
Sketches and stores carry the key's fingerprint, never the key. Without the file its sketches cannot be compared with new ones: keep a copy.";

const EXAMPLES: &str = "\
Examples:
  gradsieve key new run.key
  gradsieve sketch grads.npy -o run.store --dim 512 --key run.key
  gradsieve key show run.key                          the fingerprint that run.store carries";

/// Arguments of `key`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct KeyArguments {
    /// What to do with a key
    #[command(subcommand)]
    pub what: KeyCommand,
}

/// What `key` does.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key of the system's random bytes, in a new file that its owner alone can
    /// read
    New(KeyFile),
    /// Print the fingerprint of a key
    Show(KeyFile),
}

/// The file of a key.
#[derive(Args, Debug)]
pub struct KeyFile {
    /// The file: 32 hexadecimal digits in a line, or 16 bytes
    pub file: PathBuf,

    /// Print JSON: {"file", "fingerprint"}
    #[arg(long)]
    pub json: bool,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Shown {
    file: String,
    fingerprint: String,
}

/// Runs the command.
pub(super) fn run(arguments: &KeyArguments) -> Result<(), CommandError> {
    let (given, key) = match &arguments.what {
        KeyCommand::New(given) => (given, key_file::make(&given.file)),
        KeyCommand::Show(given) => (given, key_file::read(&given.file)),
    };
    let file = given.file.display().to_string();
    let key: Key = key.map_err(|why| CommandError::Key { file: file.clone(), why })?;
    let fingerprint = key.fingerprint();
    if given.json {
        return console::print_json(&Shown { file, fingerprint: fingerprint.to_string() });
    }
    console::print(format!("{}: {fingerprint}", escaped(&file)))
}
