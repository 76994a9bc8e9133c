//! The compiler for other targets.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use super::apt;
use super::place::folder_made;
use super::target::Target;
use crate::program::Program;

/// The lowest version of Debian's compiler that is of use: this one reads the code.
const OLDEST: &str = "1.95";

/// A compiler with its library, and what cargo is to be told of it.
pub(crate) struct Compiler {
    /// Where its `bin` and `lib` are.
    pub(super) sysroot: PathBuf,
    /// The compiler itself.
    pub(crate) rustc: PathBuf,
}

impl Compiler {
    fn at(sysroot: PathBuf) -> Self {
        Self { rustc: sysroot.join("bin/rustc"), sysroot }
    }

    /// This machine's compiler, if it has the target's library.
    pub(super) fn own_with(target: &Target) -> anyhow::Result<Option<Self>> {
        let sysroot = Program::new("rustc").args(["--print", "sysroot"]).read()?;
        let own = Self::at(PathBuf::from(sysroot.trim()));
        Ok(own.library(target).is_dir().then_some(own))
    }

    /// Debian's compiler, unpacked.
    pub(super) fn debian() -> anyhow::Result<Self> {
        let usable = |version: &Option<String>| version.as_deref().is_some_and(|version| version >= OLDEST);
        let mut version = apt::candidate("rustc-web")?;
        if !usable(&version) {
            apt::update()?;
            version = apt::candidate("rustc-web")?;
        }
        ensure!(usable(&version), "no rustc-web of {OLDEST} or later among Debian's packages: {version:?}");
        let version = version.context("no rustc-web")?;
        let name = format!("rust-{}", version.replace(['+', '~', ':'], "-"));
        let sysroot = folder_made(&name, |folder| unpack(folder, &version))?;
        std::fs::write(sysroot.join("version"), &version)?;
        Ok(Self::at(sysroot))
    }

    /// Where the library of a target is.
    pub(super) fn library(&self, target: &Target) -> PathBuf {
        self.sysroot.join("lib/rustlib").join(target.triple).join("lib")
    }

    /// The version of Debian's package.
    pub(super) fn version(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.sysroot.join("version"))?)
    }

    /// Cargo with this compiler.
    pub(crate) fn cargo(&self) -> Program {
        Program::cargo().env("RUSTC", &self.rustc).env("RUSTDOC", self.sysroot.join("bin/rustdoc"))
    }
}

/// Lays Debian's packages out as rustup lays out a toolchain.
fn unpack(folder: &Path, version: &str) -> anyhow::Result<()> {
    println!("unpacking rustc-web {version}");
    let library = first_with(&apt::depends(&format!("libstd-rust-web-dev={version}"))?, "libstd-rust-web-")?;
    let llvm = first_with(&apt::depends(&format!("{library}={version}"))?, "libllvm")?;
    let ours = ["rustc-web", "libstd-rust-web-dev", &library, "rust-web-src"];
    let mut names: Vec<_> = ours.iter().map(|name| format!("{name}={version}")).collect();
    names.push(llvm.clone());
    let (packages, files) = (folder.join("packages"), folder.join("files"));
    std::fs::create_dir_all(&files)?;
    for package in apt::download(&packages, &names)? {
        let name = package.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("rust-web-src") {
            // Of hundreds of megabytes of sources, the library's alone.
            apt::unpack_part(&package, &files, "./usr/src/rustc-*/library")?;
        } else {
            apt::unpack(&package, &files)?;
        }
    }
    let shell = r#"set -e
        mkdir -p lib && mv files/usr/bin bin && mv files/usr/lib/rustlib lib/rustlib
        mv files/usr/lib/x86_64-linux-gnu/*.so* lib/
        rm -rf lib/rustlib/src && mkdir -p lib/rustlib/src/rust
        mv files/usr/src/rustc-*/library lib/rustlib/src/rust/library
        rm -rf files packages"#;
    Program::new("sh").args(["-c", shell]).folder(folder).read()?;
    // The older form of the entry: it serves the search of the libraries' libraries too.
    apt::install(&["patchelf"])?;
    for program in ["rustc", "rustdoc"] {
        let words = ["--force-rpath", "--set-rpath", "$ORIGIN/../lib"];
        Program::new("patchelf").args(words).arg(folder.join("bin").join(program)).read()?;
    }
    let rustc = || Program::new(folder.join("bin/rustc")).arg("-V").read();
    if rustc().is_err() {
        // For what its LLVM depends on.
        apt::install(&[&llvm])?;
        rustc()?;
    }
    bring_linker(folder)
}

/// The first name in a list of dependencies that begins so.
fn first_with(depends: &str, start: &str) -> anyhow::Result<String> {
    let names = depends.split([',', '|']).filter_map(|entry| entry.split_whitespace().next());
    let found = names.into_iter().find(|name| name.starts_with(start));
    Ok(found.with_context(|| format!("no dependency {start}"))?.to_owned())
}

/// Bare metal and WebAssembly are linked by `rust-lld`, which comes with rustup's
/// toolchain.
fn bring_linker(folder: &Path) -> anyhow::Result<()> {
    let place = "lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld";
    let own = Program::new("rustc").args(["--print", "sysroot"]).read()?;
    let own = Path::new(own.trim()).join(place);
    let link = folder.join(place);
    if let Some(parent) = link.parent() {
        std::fs::create_dir_all(parent)?;
    }
    if link.exists() {
        return Ok(());
    }
    ensure!(own.is_file(), "this machine's Rust has no rust-lld");
    std::os::unix::fs::symlink(own, link)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::first_with;

    #[test]
    fn a_dependency_is_found_by_its_beginning() {
        let depends = "libc6 (>= 2.36), libllvm22 (>= 1:22), libstd-rust-web-1.96 (= 1.96.0)";
        assert_eq!(first_with(depends, "libllvm").unwrap(), "libllvm22");
        assert_eq!(first_with(depends, "libstd-rust-web-").unwrap(), "libstd-rust-web-1.96");
    }
}
