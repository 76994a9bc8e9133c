//! Clippy over the workspace: libraries, programs, tests, benches and examples; over what
//! has no standard library, as other targets test it; then over the Python package and
//! the fuzz targets, which are workspaces of their own.

use anyhow::Context;
use clap::ArgMatches;

use crate::check::{Check, root, target};
use crate::program::Program;
use crate::step::{Step, no_arguments};

pub(crate) const STEP: Step =
    Step { name: "lint", about: "Clippy has nothing to say", in_ci: true, arguments: no_arguments, run };

fn run(_: &Check, _: &ArgMatches) -> anyhow::Result<()> {
    let clippy = |what: &[&str], unlinked: &[String]| {
        let clippy = Program::cargo().arg("clippy").args(what).args(["--all-targets", "--locked"]);
        clippy.args(unlinked).args(["--", "-D", "warnings"])
    };
    clippy(&["--workspace", "--all-features"], &unlinked()?).show()?;
    // Among all features, a test that needs one of them would not be seen.
    clippy(&WITHOUT_STD, &unlinked()?).show()?;
    // What they have in common is checked once, in one folder.
    let apart = |folder| clippy(&[], &[]).folder(root().join(folder)).env("CARGO_TARGET_DIR", target());
    apart("python").show()?;
    // Nothing is linked, so the fuzzer's library, which takes half a minute of C++, is
    // said to be there.
    apart("fuzz").env("CUSTOM_LIBFUZZER_PATH", "./libFuzzer.a").show()
}

/// The packages that are tested on every target, where they have no default features.
pub(crate) const WITHOUT_STD: [&str; 4] = ["-p", "gradsieve-kernels", "-p", "gradsieve"];

/// What cargo is told when nothing is linked: not to compile the C code of a peer of the
/// benches, which takes minutes.
pub(crate) fn unlinked() -> anyhow::Result<[String; 2]> {
    let version = Program::new("rustc").arg("-vV").read()?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    Ok(["--config".to_owned(), format!("target.{host}.numkong.rustc-flags=\"\"")])
}
