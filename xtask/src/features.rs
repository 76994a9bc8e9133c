//! The core's features compile for the cores of devices: each without the others for one
//! of them, all together for the rest. `cargo test` has their tests.

use anyhow::Context;
use clap::ArgMatches;

use crate::check::{Check, root, target};
use crate::crates::packages;
use crate::cross::{self, RISCV32IMAC, THUMBV6M, THUMBV7EM, THUMBV8M};
use crate::step::{Step, no_arguments};
use crate::targets::reason;

pub(crate) const STEP: Step = Step {
    name: "features",
    about: "The core's features compile for devices, each alone and all together",
    in_ci: true,
    arguments: no_arguments,
    run,
};

fn run(check: &Check, _: &ArgMatches) -> anyhow::Result<()> {
    let features = features()?;
    let apart: Vec<&str> = features.iter().map(String::as_str).collect();
    let together = [&*features.join(",")];
    let kinds: [(_, &[&str]); _] =
        [(&THUMBV7EM, &apart), (&THUMBV6M, &together), (&THUMBV8M, &together), (&RISCV32IMAC, &together)];
    for (kind, given) in kinds {
        let ready = match cross::ready(kind) {
            Ok(ready) => ready,
            Err(error) => {
                check.skip(&format!("the features on {}", kind.triple), reason(&error));
                continue;
            }
        };
        for features in given {
            let cargo = ready.cargo("-D warnings").env("CARGO_TARGET_DIR", target().join("cross"));
            let cargo = cargo.args(["check", "--locked", "--release", "--target", kind.triple]);
            cargo.args(["-p", "gradsieve", "--features", features]).read()?;
        }
        println!("{}: {}", kind.triple, given.join("; "));
    }
    Ok(())
}

/// The features that the core has.
fn features() -> anyhow::Result<Vec<String>> {
    let packages = packages(root())?;
    let core = packages.iter().find(|package| package["name"] == "gradsieve").context("no core")?;
    let features = core["features"].as_object().context("a core without features")?;
    Ok(features.keys().cloned().collect())
}
