//! QEMU: for single programs of other architectures, and for boards.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use super::apt;
use super::place::folder_made;
use crate::program::Program;

/// The emulator of single programs for an architecture.
///
/// Version 7 multiplies two `f32` into an `f64` wrongly on s390x, and knows fewer
/// processors of Arm: an installed one that is older than 8 is not taken.
pub(super) fn user(architecture: &str) -> anyhow::Result<PathBuf> {
    let name = format!("qemu-{architecture}");
    if is_new(Path::new(&name)) {
        return Ok(PathBuf::from(name));
    }
    let folder = folder_made("qemu-user", |folder| {
        let packages = folder.join("packages");
        std::fs::create_dir_all(&packages)?;
        let package = apt::download_elsewhere("amd64", Some("bookworm-backports"), "qemu-user", &packages)?;
        for architecture in ["aarch64", "arm", "s390x"] {
            apt::unpack_part(&package, folder, &format!("./usr/bin/qemu-{architecture}"))?;
        }
        Ok(std::fs::remove_dir_all(packages)?)
    })?;
    let program = folder.join("usr/bin").join(name);
    ensure!(is_new(&program), "{} is older than version 8, or does not run", program.display());
    Ok(program)
}

fn is_new(program: &Path) -> bool {
    let Ok(said) = Program::new(program).arg("--version").read() else { return false };
    let major = said.split_once("version ").and_then(|(_, rest)| rest.split('.').next()?.parse::<u32>().ok());
    major.is_some_and(|major| major >= 8)
}

/// The emulator of Arm boards.
pub(crate) fn system_arm() -> anyhow::Result<Program> {
    system("qemu-system-arm", "qemu-system-arm")
}

/// The emulator of 32-bit RISC-V boards: later Debians have a package of its own for it.
pub(crate) fn system_riscv32() -> anyhow::Result<Program> {
    const PROGRAM: &str = "qemu-system-riscv32";
    let own = "qemu-system-riscv";
    let has_own = apt::candidate(own).is_ok_and(|version| version.is_some());
    system(if has_own { own } else { "qemu-system-misc" }, PROGRAM)
}

/// An emulator of boards: as it is installed, or Debian's package and the libraries
/// that it lacks here, unpacked. An installation can be refused where there are parts of
/// another version.
fn system(package: &str, program: &str) -> anyhow::Result<Program> {
    let runs = |qemu: Program| qemu.arg("--version").read().is_ok();
    if runs(Program::new(program)) {
        return Ok(Program::new(program));
    }
    let folder = folder_made(package, |folder| {
        let is_needed = |name: &String| name.starts_with("lib") || name == package;
        let mut names = apt::would_install(package);
        if names.is_err() {
            apt::update()?;
            names = apt::would_install(package);
        }
        let names: Vec<_> = names?.into_iter().filter(is_needed).collect();
        let packages = folder.join("packages");
        for package in apt::download(&packages, &names)? {
            apt::unpack(&package, folder)?;
        }
        Ok(std::fs::remove_dir_all(packages)?)
    })?;
    let unpacked = || {
        let libraries = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"];
        let libraries = libraries.map(|part| folder.join(part).display().to_string()).join(":");
        Program::new(folder.join("usr/bin").join(program)).env("LD_LIBRARY_PATH", libraries)
    };
    unpacked().arg("--version").read().context("the unpacked emulator does not run")?;
    Ok(unpacked())
}
