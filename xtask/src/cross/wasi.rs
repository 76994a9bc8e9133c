//! Programs of WebAssembly: the C library under Rust's, and Node, which runs them.

use std::path::PathBuf;

use super::apt;
use super::compiler::Compiler;
use super::place::tools;
use super::target::Target;
use crate::check::root;
use crate::program::Program;

/// The command in front of a program.
///
/// Node 20 collects garbage while such a program runs, because its memory counts against
/// a limit, and then loses track of a function that waits for the program's end: about
/// one run in seventy ended with a segmentation fault after all tests had passed. Without
/// incremental marking the collection is done when the memory is made, before the program
/// runs.
pub(super) fn runner() -> anyhow::Result<String> {
    if Program::new("node").arg("--version").read().is_err() {
        apt::install(&["nodejs"])?;
    }
    let script = root().join("xtask/wasi/run.mjs");
    Ok(format!("node --no-warnings --no-incremental-marking {}", script.display()))
}

/// Puts Debian's C library where the compiler looks for it, and compiles what it lacks.
pub(super) fn complete(compiler: &Compiler, target: &Target) -> anyhow::Result<PathBuf> {
    let place = compiler.library(target).join("self-contained");
    if !place.join("libc.a").is_file() {
        let folder = tools().join("wasi");
        let packages = folder.join("packages");
        for package in apt::download(&packages, &["wasi-libc"])? {
            apt::unpack(&package, &folder)?;
        }
        std::fs::create_dir_all(&place)?;
        for name in ["crt1-command.o", "crt1-reactor.o", "libc.a"] {
            std::fs::copy(folder.join("usr/lib/wasm32-wasi").join(name), place.join(name))?;
        }
        std::fs::remove_dir_all(folder)?;
    }
    let object = tools().join("wasi-missing.o");
    let words = ["--crate-name=missing", "--crate-type=lib", "--emit=obj", "-Copt-level=s", "-Cpanic=abort"];
    Program::new(&compiler.rustc)
        .args(words)
        .args(["--edition=2024", "--target", target.triple])
        .arg(root().join("xtask/wasi/missing.rs"))
        .arg("-o")
        .arg(&object)
        .read()?;
    Ok(object)
}
