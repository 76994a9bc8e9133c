//! What a file of numbers over visits holds.

use std::path::Path;

use gradsieve_io::files::Dtype;
use gradsieve_io::visits::{VisitsFormat, VisitsReader};
use serde::Serialize;

use crate::commands::escaped::escaped;
use crate::commands::{CommandError, console, state_file};

/// What is printed as JSON.
#[derive(Serialize)]
struct VisitsInfo {
    file: String,
    kind: &'static str,
    state: String,
    bytes: u64,
    number: Dtype,
    samples: u64,
    visited: u64,
}

/// Tells what the file holds, block by block.
///
/// # Errors
/// One that is damaged; a sentence that names it.
pub(super) fn run(path: &Path, kind: u16, json: bool) -> Result<(), CommandError> {
    let file = path.display().to_string();
    let mut reader = VisitsReader::open(path)?;
    let format = reader.format();
    let mut visited = 0;
    while let Some(block) = reader.next_block()? {
        for id in block.ids() {
            visited += u64::from(block.get(id).map_err(CommandError::core(&file))?.is_some());
        }
    }
    let VisitsFormat { number, samples, .. } = format;
    let (state, bytes) = (state_file::named(kind), format.file_bytes());
    if json {
        let kind = "state";
        return console::print_json(&VisitsInfo { file, kind, state, bytes, number, samples, visited });
    }
    let size = console::bytes(usize::try_from(bytes).unwrap_or(usize::MAX));
    console::print(format!("{}: {state}, {size}, whole", escaped(&file)))?;
    console::print(format!("  {samples} samples in {number}, {visited} of them visited"))
}
