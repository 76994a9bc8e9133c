//! The published vectors and verdicts on an emulated Cortex-M4F, and instructions and
//! bytes of stack beside their goals.

use clap::ArgMatches;

use crate::check::Check;
use crate::cross::{self, THUMBV7EM};
use crate::images::{M4F, built, emulated};
use crate::step::{Step, no_arguments};
use crate::targets::reason;

/// The image.
const IMAGE: &str = "cortex-m-vectors";
/// One instruction takes 1024 nanoseconds.
pub(crate) const CLOCK: u32 = 10;
/// When the emulated image is given up, in seconds.
pub(crate) const LIMIT: u32 = 300;

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
    let image = built(&ready, "tests/cortex_m", &["--bin", IMAGE])?.join(IMAGE);
    let printed = emulated(qemu, M4F, Some(CLOCK), &image).limited(LIMIT).read()?;
    for line in printed.lines().filter(|line| !line.starts_with("ok ")) {
        println!("{line}");
    }
    Ok(())
}
