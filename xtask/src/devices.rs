//! What a device's loop costs on four kinds of core: bytes of flash, for speed and for
//! size, and instructions a sample, beside those of the training.

use anyhow::Context;
use clap::ArgMatches;

use crate::check::{Check, root, target};
use crate::cross::{self, RISCV32IMAC, Ready, THUMBV6M, THUMBV7EM, THUMBV8M};
use crate::program::Program;
use crate::size::{NOTHING, build, weight};
use crate::step::{Step, no_arguments};
use crate::targets::reason;

pub(crate) const STEP: Step = Step {
    name: "devices",
    about: "Flash and instructions of a device's loop on M0+, M4F, M33 and 32-bit RISC-V",
    in_ci: false,
    arguments: no_arguments,
    run,
};

/// A core, its target, and the emulated board that runs its code, if there is one whose
/// timer counts. A Cortex-M4 has all instructions of a Cortex-M0+.
const CORES: &[(&str, &cross::Target, Option<&str>)] = &[
    ("Cortex-M0+", &THUMBV6M, Some("mps2-an386")),
    ("Cortex-M4F", &THUMBV7EM, Some("mps2-an386")),
    ("Cortex-M33", &THUMBV8M, Some("mps2-an505")),
    ("riscv32imac", &RISCV32IMAC, None),
];
/// What is linked, and the image of it.
const IMAGES: &[(&str, &str)] = &[
    ("sketcher and sieve", "device_sieve"),
    ("and a store", "device_store"),
    ("and in-run Shapley values", "device_influence"),
];
/// When an image is given up, in seconds.
const LIMIT: u32 = 300;

fn run(check: &Check, _: &ArgMatches) -> anyhow::Result<()> {
    println!("core,what,flash for speed,flash for size");
    let mut instructions = vec!["core,network,training,sketch and sieve,stack".to_owned()];
    for (core, kind, board) in CORES {
        let ready = match cross::ready(kind) {
            Ok(ready) => ready,
            Err(error) => {
                check.skip(&format!("the device's loop on {core}"), reason(&error));
                continue;
            }
        };
        let (fast, small) = (build(&ready, "3", "fast")?, build(&ready, "\"s\"", "small")?);
        for (what, image) in IMAGES {
            let bytes = [&fast, &small].map(|folder| {
                let all = weight(&folder.join(image))?.constant;
                anyhow::Ok(all - weight(&folder.join(NOTHING))?.constant)
            });
            let [fast, small] = bytes;
            println!("{core},{what},{},{}", fast?, small?);
        }
        match board {
            Some(board) => instructions.extend(measured(&ready, core, board)?),
            None => check.skip(&format!("instructions on {core}"), "its image has no counter"),
        }
    }
    println!("\n{}", instructions.join("\n"));
    Ok(())
}

/// Instructions a sample of two networks.
fn measured(ready: &Ready, core: &str, board: &str) -> anyhow::Result<Vec<String>> {
    let (folder, triple) = (target().join("cortex_m"), ready.target.triple);
    let build = ready.cargo("-D warnings").args(["build", "--locked", "--release", "--bin", "device"]);
    let build = build.args(["--target", triple]).env("CARGO_TARGET_DIR", &folder);
    build.folder(root().join("tests/cortex_m")).read()?;
    // An instruction takes 128 nanoseconds: the timer holds five million of them.
    let qemu = cross::system_arm()?.args(["-M", board, "-nographic", "-monitor", "none", "-serial", "none"]);
    let qemu = qemu.args(["-icount", "shift=7", "-semihosting-config", "enable=on,target=native"]);
    let image = folder.join(triple).join("release/device");
    let printed = Program::limited(qemu.arg("-kernel").arg(image), LIMIT).read()?;
    let (mut rows, mut network, mut training) = (Vec::new(), "", "");
    for line in printed.lines() {
        let mut words = line.split_whitespace().rev();
        match line.split_whitespace().next() {
            Some("training") => training = words.nth(1).context("no count")?,
            Some("sketch") => {
                let words: Vec<_> = line.split_whitespace().filter(|word| *word != "missed").collect();
                let [.., count, _, stack] = words.as_slice() else { continue };
                rows.push(format!("{core},{network},{training},{count},{stack}"));
            }
            Some(first) if line.contains("of sketcher and sieve") => network = first,
            _ => {}
        }
    }
    Ok(rows)
}
