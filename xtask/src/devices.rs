//! What a device's loop costs on four kinds of core: bytes of flash, for speed and for
//! size, and instructions a sample, beside those of the training.

use anyhow::Context;
use clap::ArgMatches;

use crate::check::Check;
use crate::cross::{self, RISCV32IMAC, Ready, THUMBV6M, THUMBV7EM, THUMBV8M};
use crate::images::{M4F, built, emulated};
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
    ("Cortex-M0+", &THUMBV6M, Some(M4F)),
    ("Cortex-M4F", &THUMBV7EM, Some(M4F)),
    ("Cortex-M33", &THUMBV8M, Some("mps2-an505")),
    ("riscv32imac", &RISCV32IMAC, None),
];
/// What is linked, and the image of it.
const IMAGES: &[(&str, &str)] = &[
    ("sketcher and sieve", "device_sieve"),
    ("and a store", "device_store"),
    ("and in-run Shapley values", "device_influence"),
];
/// An instruction takes 128 nanoseconds: the timer holds five million of them.
const CLOCK: u32 = 7;
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
    let image = built(ready, "tests/cortex_m", &["--bin", "device"])?.join("device");
    let qemu = emulated(cross::system_arm()?, board, Some(CLOCK), &image);
    let printed = qemu.limited(LIMIT).read()?;
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
