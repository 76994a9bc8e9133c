//! The published vectors and verdicts on an emulated Cortex-M4F, and instructions and
//! bytes of stack beside their goals.

use std::path::Path;

use clap::ArgMatches;

use crate::check::{Check, root, target};
use crate::cross::{self, THUMBV7EM};
use crate::program::Program;
use crate::step::{Step, no_arguments};
use crate::targets::reason;

/// The image.
const IMAGE: &str = "cortex-m-vectors";
/// When the emulated image is given up, in seconds.
const LIMIT: u32 = 300;

pub(crate) const STEP: Step = Step {
    name: "cortex-m",
    about: "The published vectors and verdicts on a Cortex-M4F, with instructions and stack",
    in_ci: true,
    arguments: no_arguments,
    run,
};

fn run(check: &Check, _: &ArgMatches) -> anyhow::Result<()> {
    let set_up = cross::ready(&THUMBV7EM).and_then(|ready| Ok((ready, cross::system_arm()?)));
    let (ready, qemu) = match set_up {
        Ok(both) => both,
        Err(error) => {
            check.skip("the published vectors on a Cortex-M4F", reason(&error));
            return Ok(());
        }
    };
    let folder = target().join("cortex_m");
    let triple = ready.target.triple;
    let build = ready.cargo("-D warnings").args([
        "build",
        "--locked",
        "--release",
        "--target",
        triple,
        "--bin",
        IMAGE,
    ]);
    build.env("CARGO_TARGET_DIR", &folder).folder(root().join("tests/cortex_m")).read()?;
    let printed = emulated(qemu, &folder.join(triple).join("release").join(IMAGE)).read()?;
    for line in printed.lines().filter(|line| !line.starts_with("ok ")) {
        println!("{line}");
    }
    Ok(())
}

/// An image on the emulated board.
pub(crate) fn emulated(qemu: Program, image: &Path) -> Program {
    // One instruction takes 1024 nanoseconds of the board's time, so its timer counts
    // them.
    let board = ["-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none"];
    let board = qemu.args(board).args(["-icount", "shift=10"]);
    board.args(["-semihosting-config", "enable=on,target=native", "-kernel"]).arg(image).limited(LIMIT)
}
