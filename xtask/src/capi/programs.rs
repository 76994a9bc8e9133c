//! The tests and examples in C, on this machine.

use std::ffi::OsStr;
use std::path::Path;

use anyhow::{Context, ensure};

use super::place::{are_there, folder};
use crate::check::{Check, root, target};
use crate::crates::short;
use crate::program::Program;

/// What Rust's library asks of the system's.
pub(super) const LIBRARIES: &[&str] = &["-lgcc_s", "-lpthread", "-ldl", "-lm"];
pub(super) const WARNINGS: &[&str] = &["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g"];
const SANITIZERS: &[&str] = &["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

/// C programs whose output must be that of a file.
pub(super) const OUTPUTS: &[(&str, &str)] = &[
    ("detectors", "capi/tests/golden/detectors.csv"),
    ("kronecker", "capi/tests/golden/kronecker.csv"),
    ("packets", "tests/golden/packets.hex"),
    ("stores", "capi/tests/golden/stores.csv"),
    ("verdicts", "tests/golden/verdicts.csv"),
];

/// Compiles and runs the tests and examples, as both languages.
pub(super) fn programs(check: &Check) -> anyhow::Result<()> {
    if !are_there(check, &["gcc", "g++"], "the tests of the C library") {
        return Ok(());
    }
    let mut sources = Vec::new();
    for place in ["tests", "examples"] {
        for entry in std::fs::read_dir(folder().join(place))? {
            sources.push(entry?.path());
        }
    }
    sources.retain(|path| path.extension() == Some(OsStr::new("c")));
    sources.sort();
    ensure!(!sources.is_empty(), "no C programs");
    let debug = target().join("debug");
    let (fixed, shared) = (debug.join("libgradsieve.a"), debug.join("libgradsieve.so"));
    for source in &sources {
        compile_and_run(source, "c99", &[], &fixed)?;
        compile_and_run(source, "c++11", &[], &shared)?;
        compile_and_run(source, "c99", SANITIZERS, &fixed)?;
        println!("{}: C99, C++11, sanitizers", short(source));
    }
    Ok(())
}

fn compile_and_run(source: &Path, standard: &str, more: &[&str], library: &Path) -> anyhow::Result<()> {
    let name = source.file_stem().and_then(OsStr::to_str).context("a program without a name")?;
    let folder = target().join("capi");
    std::fs::create_dir_all(&folder)?;
    let program = folder.join(format!("{name}-{standard}{}", if more.is_empty() { "" } else { "-sane" }));
    let (compiler, language) = if standard.starts_with("c++") { ("g++", "c++") } else { ("gcc", "c") };
    let places = format!("-Wl,-rpath,{}", target().join("debug").display());
    let compile = Program::new(compiler).arg(format!("-std={standard}")).args(WARNINGS).args(more);
    let compile =
        compile.args(["-x", language]).arg("-I").arg(super::place::folder().join("include")).arg(source);
    compile.args(["-x", "none"]).arg(library).arg(places).args(LIBRARIES).arg("-o").arg(&program).read()?;
    // The shared library's own name is another than its file's.
    link_by_name(library)?;
    let printed = Program::new(&program).limited(60).read()?;
    if let Some((_, file)) = OUTPUTS.iter().find(|(of, _)| *of == name) {
        ensure!(printed == std::fs::read_to_string(root().join(file))?, "{name} does not print {file}");
    }
    Ok(())
}

/// Puts a link beside the shared library by which programs find it at run time.
fn link_by_name(library: &Path) -> anyhow::Result<()> {
    if library.extension() != Some(OsStr::new("so")) {
        return Ok(());
    }
    let printed = Program::new("objdump").arg("-p").arg(library).read()?;
    let name = printed.lines().find_map(|line| line.trim().strip_prefix("SONAME"));
    let link = library.with_file_name(name.context("the shared library has no name of its own")?.trim());
    if link.symlink_metadata().is_err() {
        std::os::unix::fs::symlink(library.file_name().context("a library without a name")?, link)?;
    }
    Ok(())
}
