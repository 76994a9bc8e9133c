//! Making a target ready.

use std::sync::Mutex;

use anyhow::{Context, ensure};

use super::compiler::Compiler;
use super::place::tools;
use super::target::{Library, Runner, Target};
use super::{apt, emulator, library, wasi};
use crate::program::Program;

/// A target that can be compiled for, and whose programs can be run if it has a runner.
pub(crate) struct Ready {
    /// The target.
    pub(crate) target: &'static Target,
    compiler: Compiler,
    runner: Option<String>,
    rustflags: String,
}

impl Ready {
    /// Cargo with the compiler, linker and runner of the target, for `--target` of its
    /// triple.
    ///
    /// What is built goes into a folder of its own: another compiler would build anew
    /// what this machine's has built.
    pub(crate) fn cargo(&self, rustflags: &str) -> Program {
        let triple = self.target.triple;
        let name = triple.to_uppercase().replace(['-', '.'], "_");
        let variable = |of: &str| format!("CARGO_TARGET_{name}_{of}");
        let flags = format!("{} {rustflags}", self.rustflags);
        // The flags of the environment would hide those of the target.
        let mut cargo = self.compiler.cargo().without("RUSTFLAGS").env(variable("RUSTFLAGS"), flags.trim());
        if let Some(linker) = self.target.linker {
            let c_compiler = format!("CC_{}", triple.replace('-', "_"));
            cargo = cargo.env(variable("LINKER"), linker).env(c_compiler, linker);
        }
        if let Some(runner) = &self.runner {
            cargo = cargo.env(variable("RUNNER"), runner);
        }
        cargo
    }

    /// The compiler's own words about its version.
    pub(crate) fn version(&self) -> anyhow::Result<String> {
        Ok(Program::new(&self.compiler.rustc).arg("-V").read()?.trim().to_owned())
    }
}

/// Makes a target ready. An error says what this machine lacks.
pub(crate) fn ready(target: &'static Target) -> anyhow::Result<Ready> {
    // Package managers and half-made libraries bear one at a time.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().map_err(|_| anyhow::anyhow!("another set-up ended in a panic"))?;
    ensure!(cfg!(all(target_arch = "x86_64", target_os = "linux")), "this machine is not x86-64 Linux");
    apt::install(target.packages)?;
    let runner = command(&target.runner)?;
    let mut rustflags = target.rustflags.to_owned();
    let compiler = match Compiler::own_with(target)? {
        Some(own) => own,
        None => {
            let debian = Compiler::debian()?;
            library::make(&debian, target)?;
            if target.library == Library::Wasi {
                let object = wasi::complete(&debian, target)?;
                rustflags = format!("{rustflags} -Clink-arg={}", object.display());
            }
            debian
        }
    };
    let ready = Ready { target, compiler, runner, rustflags };
    try_out(&ready).with_context(|| format!("a first program for {}", target.triple))?;
    Ok(ready)
}

/// The command in front of a program, once it can be run.
fn command(runner: &Runner) -> anyhow::Result<Option<String>> {
    Ok(match runner {
        Runner::None => None,
        Runner::Native { loader, libraries } => Some(format!("{loader} --library-path {libraries}")),
        Runner::Qemu { architecture, libraries } => {
            Some(format!("{} -L {libraries}", emulator::user(architecture)?.display()))
        }
        Runner::Node => Some(wasi::runner()?),
    })
}

/// Compiles a small program and runs it, or a small library where programs need more.
fn try_out(ready: &Ready) -> anyhow::Result<()> {
    let folder = tools().join("first");
    std::fs::create_dir_all(folder.join("src"))?;
    let hosted = ready.runner.is_some();
    let manifest = "[package]\nname = \"first\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
    std::fs::write(folder.join("Cargo.toml"), manifest)?;
    std::fs::write(folder.join("src/lib.rs"), "#![no_std]\npub fn one() -> f32 { 1.0 }\n")?;
    std::fs::write(folder.join("src/main.rs"), "fn main() { assert!(first::one() > 0.0); }\n")?;
    let what: &[&str] = if hosted { &["run"] } else { &["build", "--lib"] };
    let cargo = ready.cargo("").args(what).args(["--quiet", "--offline", "--target", ready.target.triple]);
    cargo.env("CARGO_TARGET_DIR", folder.join("target")).folder(&folder).read()?;
    Ok(())
}
