//! The published verdicts on an emulated 32-bit RISC-V, and the firmware's run, which
//! ends in the state that it ends in on the Cortex-M.

use anyhow::ensure;
use clap::ArgMatches;

use crate::check::{Check, root};
use crate::cross::{self, RISCV32IMAC};
use crate::images::{built, emulated};
use crate::step::{Step, no_arguments};
use crate::targets::reason;

/// When the emulated image is given up, in seconds.
const LIMIT: u32 = 300;
/// Where it is said in which state the firmware ends.
const PAGE: &str = "examples/cortex-m/README.md";

pub(crate) const STEP: Step = Step {
    name: "riscv32",
    about: "The published verdicts and the firmware's last state on a 32-bit RISC-V",
    in_ci: true,
    arguments: no_arguments,
    run,
};

fn run(check: &Check, _: &ArgMatches) -> anyhow::Result<()> {
    let set_up = cross::ready(&RISCV32IMAC).and_then(|ready| Ok((ready, cross::system_riscv32()?)));
    let (ready, qemu) = match set_up {
        Ok(both) => both,
        Err(error) => {
            check.skip("the published verdicts on a 32-bit RISC-V", reason(&error));
            return Ok(());
        }
    };
    let image = built(&ready, "tests/riscv32", &[])?.join("riscv32-verdicts");
    let qemu = qemu.args(["-bios", "none"]);
    let printed = emulated(qemu, "virt", None, &image).limited(LIMIT).read()?;
    print!("{printed}");
    let state = printed.lines().last().unwrap_or_default();
    let page = std::fs::read_to_string(root().join(PAGE))?;
    ensure!(page.lines().any(|line| line == state), "{PAGE} has another state");
    Ok(())
}
