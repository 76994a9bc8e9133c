//! Programs of crates.io that a step needs: as they are installed, or compiled once.

use std::path::PathBuf;

use crate::cross::tools;
use crate::program::Program;

/// The program `name` of a crate of the same name, found on the machine or compiled into
/// the folder of tools. An error says why it could not be had within the seconds.
pub(crate) fn installed(name: &str, arguments: &[&str], seconds: u32) -> anyhow::Result<PathBuf> {
    let own = tools().join("bin").join(name);
    for program in [PathBuf::from(name), own.clone()] {
        if Program::new(&program).arg("--version").read().is_ok() {
            return Ok(program);
        }
    }
    println!("compiling {name}");
    // Compiled quickly rather than well: it runs for seconds.
    let cargo = Program::cargo().args(["install", "--locked", "--quiet", name]).args(arguments);
    let cargo = cargo.arg("--root").arg(tools()).env("CARGO_TARGET_DIR", tools().join("target"));
    let profile = [("OPT_LEVEL", "0"), ("LTO", "off"), ("CODEGEN_UNITS", "16"), ("DEBUG", "false")];
    let cargo = profile
        .iter()
        .fold(cargo, |cargo, (key, value)| cargo.env(format!("CARGO_PROFILE_RELEASE_{key}"), value));
    cargo.limited(seconds).read()?;
    std::fs::remove_dir_all(tools().join("target"))?;
    Ok(own)
}
