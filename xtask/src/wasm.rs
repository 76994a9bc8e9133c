//! The page of `examples/wasm`: its module reaches the published verdicts, has no more
//! bytes than it says, and trains in a browser.

use std::path::Path;

use anyhow::{Context, ensure};
use clap::ArgMatches;

use crate::check::{Check, root, target};
use crate::cross::{self, Ready, WASM};
use crate::program::Program;
use crate::step::{Step, no_arguments};
use crate::targets::reason;

pub(crate) const STEP: Step = Step {
    name: "wasm",
    about: "The page that trains and sieves: published verdicts, bytes, and a run in Chromium",
    in_ci: true,
    arguments: no_arguments,
    run,
};

/// Bytes of the module at most, the networks and the stream among them.
const MOST: u64 = 40_000;
const MODULE: &str = "gradsieve_wasm_example.wasm";
/// When the page is given up, in seconds.
const LIMIT: u32 = 120;

fn run(check: &Check, _: &ArgMatches) -> anyhow::Result<()> {
    let ready = match cross::ready(&WASM) {
        Ok(ready) => ready,
        Err(error) => {
            check.skip("the page of examples/wasm", reason(&error));
            return Ok(());
        }
    };
    let folder = root().join("examples/wasm");
    let place = target().join("wasm");
    std::fs::create_dir_all(&place)?;
    build(&ready, &folder, &["--features", "verdicts"], &place.join("verdicts.wasm"))?;
    build(&ready, &folder, &[], &place.join(MODULE))?;
    let bytes = std::fs::metadata(place.join(MODULE))?.len();
    println!("{}: {bytes} bytes", place.join(MODULE).display());
    ensure!(bytes <= MOST, "the module has {bytes} bytes, more than {MOST}");

    if Program::new("node").arg("--version").read().is_err() {
        check.skip("the page of examples/wasm, run", "there is no node");
        return Ok(());
    }
    let published = root().join("tests/golden/verdicts.csv");
    let verdicts = Program::new("node").arg(folder.join("verdicts.mjs"));
    print!("{}", verdicts.arg(place.join("verdicts.wasm")).arg(published).limited(LIMIT).read()?);

    let chromium = "chromium";
    if Program::new(chromium).arg("--version").read().is_err() {
        check.skip("the page of examples/wasm in a browser", "there is no chromium");
        return Ok(());
    }
    std::fs::copy(folder.join("index.html"), place.join("index.html")).context("the page")?;
    let page = Program::new("node").arg(folder.join("page.mjs")).arg(&place).arg(chromium);
    print!("{}", page.limited(LIMIT).read()?);
    Ok(())
}

/// Builds the module, and puts it in its place.
fn build(ready: &Ready, folder: &Path, features: &[&str], to: &Path) -> anyhow::Result<()> {
    let target = target().join("wasm/cargo");
    let cargo = ready.cargo("-D warnings").env("CARGO_TARGET_DIR", &target).folder(folder);
    cargo.args(["build", "--locked", "--release", "--target", WASM.triple]).args(features).read()?;
    std::fs::copy(target.join(WASM.triple).join("release").join(MODULE), to)?;
    Ok(())
}
