//! The core and the kernels without an operating system: they compile for a Cortex-M4F,
//! and an image of the core links only if no panic can be reached from its functions.

use anyhow::{bail, ensure};
use clap::ArgMatches;

use crate::check::{Check, root, target};
use crate::cross::{self, Ready, THUMBV7EM};
use crate::program::{Program, printed, tail};
use crate::step::{Step, no_arguments};
use crate::targets::reason;

pub(crate) const STEP: Step = Step {
    name: "bare",
    about: "Core and kernels without an operating system, and no panic in them that can be reached",
    in_ci: true,
    arguments: no_arguments,
    run,
};

fn run(check: &Check, _: &ArgMatches) -> anyhow::Result<()> {
    let ready = match cross::ready(&THUMBV7EM) {
        Ok(ready) => ready,
        Err(error) => {
            check.skip("the core on thumbv7em-none-eabihf", reason(&error));
            return Ok(());
        }
    };
    build(&ready).args(["-p", "gradsieve-kernels", "-p", "gradsieve"]).read()?;
    println!("core and kernels compile for {}", ready.target.triple);
    image(&ready).read()?;
    println!("an image of the core links without a panic");
    let planted = image(&ready).args(["--features", "planted"]).output()?;
    ensure!(!planted.status.success(), "the image links with a planted panic: the check is blind");
    let text = printed(&planted);
    if !text.contains("a_panic_can_be_reached") {
        bail!("the image with a planted panic fails for another reason\n{}", tail(&text));
    }
    println!("and with a planted panic it does not link");
    Ok(())
}

fn build(ready: &Ready) -> Program {
    let cargo = ready.cargo("-D warnings").env("CARGO_TARGET_DIR", target().join("cross"));
    cargo.args(["build", "--locked", "--release", "--target", ready.target.triple])
}

/// The image, which is a workspace of its own: its release profile is another one.
fn image(ready: &Ready) -> Program {
    build(ready).env("CARGO_TARGET_DIR", target().join("no_panic")).folder(root().join("tests/no_panic"))
}
