//! The standard library of a target, for Debian's compiler.

use std::path::Path;

use super::apt;
use super::compiler::Compiler;
use super::place::tools;
use super::target::{Library, Target};

/// Puts the library where the compiler looks for it, unless it is there.
pub(super) fn make(compiler: &Compiler, target: &Target) -> anyhow::Result<()> {
    let library = compiler.library(target);
    if library.is_dir() {
        return Ok(());
    }
    if let Some(architecture) = target.debian
        && let Err(error) = take(compiler, target, architecture)
    {
        println!("Debian's library for {} could not be had, and is built: {error:#}", target.name);
    }
    if library.is_dir() { Ok(()) } else { build(compiler, target) }
}

/// Takes Debian's package of another architecture, which must be of the compiler's
/// version.
fn take(compiler: &Compiler, target: &Target, architecture: &str) -> anyhow::Result<()> {
    let folder = tools().join("library");
    clear(&folder)?;
    let package = format!("libstd-rust-web-dev={}", compiler.version()?);
    let package = apt::download_elsewhere(architecture, None, &package, &folder)?;
    apt::unpack(&package, &folder)?;
    let from = folder.join("usr/lib/rustlib").join(target.triple);
    let to = compiler.sysroot.join("lib/rustlib").join(target.triple);
    clear(&to)?;
    std::fs::remove_dir(&to)?;
    std::fs::rename(from, to)?;
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

/// Lets cargo build the library from its sources, by building an empty crate.
///
/// All that the library depends on lies beside its sources, so no registry is asked.
fn build(compiler: &Compiler, target: &Target) -> anyhow::Result<()> {
    println!("building the standard library for {}", target.triple);
    let folder = tools().join("library");
    clear(&folder)?;
    std::fs::create_dir_all(folder.join("src"))?;
    let manifest = "[package]\nname = \"nothing\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
    std::fs::write(folder.join("Cargo.toml"), manifest)?;
    std::fs::write(folder.join("src/lib.rs"), "#![no_std]\n")?;
    let crates: &[&str] = match target.library {
        Library::Core => {
            &["-Zbuild-std=core,alloc,compiler_builtins", "-Zbuild-std-features=compiler-builtins-mem"]
        }
        Library::Std => &["-Zbuild-std=std,panic_unwind,panic_abort,test"],
        Library::Wasi => &["-Zbuild-std=std,panic_abort,test"],
    };
    let vendored = compiler.sysroot.join("lib/rustlib/src/rust/library/vendor");
    // With bitcode: an image with `lto = "fat"` asks for it.
    let cargo = compiler.cargo().env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Cembed-bitcode=yes");
    cargo
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .args(["build", "--quiet", "--release", "--offline", "--target", target.triple])
        .args(crates)
        .args(["--config", "source.crates-io.replace-with=\"vendored\""])
        .arg("--config")
        .arg(format!("source.vendored.directory=\"{}\"", vendored.display()))
        .folder(&folder)
        .read()?;
    let made = folder.join("target").join(target.triple).join("release/deps");
    let unfinished = folder.join("lib");
    std::fs::create_dir_all(&unfinished)?;
    for entry in std::fs::read_dir(made)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(".rlib") && !name.starts_with("libnothing") {
            std::fs::copy(&path, unfinished.join(name))?;
        }
    }
    let library = compiler.library(target);
    if let Some(parent) = library.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::rename(unfinished, library)?;
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

/// An empty folder.
fn clear(folder: &Path) -> anyhow::Result<()> {
    if folder.is_dir() {
        std::fs::remove_dir_all(folder)?;
    }
    Ok(std::fs::create_dir_all(folder)?)
}
