//! Writes the published vectors, `tests/vectors/*.json`, by the definition alone:
//! `cargo run -p gradsieve-kernels --example vectors`. Run it when a kernel is new; for a
//! kernel that is published, its answers never change.

use gradsieve_vectors::{Answers, FAMILIES, Memory, write};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors");
    let mut memory = Memory::new();
    for family in &FAMILIES {
        let mut text = String::new();
        write(family, Answers::Spec, &mut memory, &mut text)?;
        std::fs::write(folder.join(family.name).with_extension("json"), &text)?;
        println!("{}.json: {} kernels, {} bytes", family.name, family.kernels.len(), text.len());
    }
    Ok(())
}
