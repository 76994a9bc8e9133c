//! `examples/arduino` and `examples/zephyr`, as far as they go without the tools of
//! either: the sketch, and the module with its sample, compiled against stand-ins and
//! run; the module's settings read by kconfiglib.

use anyhow::ensure;

use super::packages;
use super::place::are_there;
use super::programs::{LIBRARIES, WARNINGS};
use crate::check::{Check, root, target};
use crate::environment::python;
use crate::program::Program;
use crate::targets::reason;

/// Every so many readings of the stand-in's sensor is a glitch, and so many there are.
const GLITCH: usize = 97;
const READINGS: usize = 4000;
/// From here on every glitch is to be left out.
const LEARNT: usize = 2000;

/// Both.
pub(super) fn compiled(check: &Check) -> anyhow::Result<()> {
    if are_there(check, &["g++"], "the Arduino sketch") {
        arduino()?;
    }
    if are_there(check, &["cmake"], "the Zephyr module") {
        let build = packages::built(&root().join("examples/zephyr/check"), "zephyr", &[])?;
        let printed = Program::new(build.join("sample")).limited(60).read()?;
        ensure!(printed.starts_with("done: "), "the sample for Zephyr is refused something\n{printed}");
        print!("the Zephyr sample, without Zephyr: {printed}");
    }
    match python("kconfig", "kconfiglib, yaml", &["kconfiglib", "pyyaml"]) {
        Ok(python) => {
            print!("{}", Program::new(python).arg("examples/zephyr/check/kconfig.py").read()?);
        }
        Err(error) => check.skip("the settings of the Zephyr module", reason(&error)),
    }
    Ok(())
}

/// Compiles the sketch as C++ and runs it over a made sensor.
fn arduino() -> anyhow::Result<()> {
    let folder = root().join("examples/arduino");
    let program = target().join("capi/arduino");
    let compile = Program::new("g++").arg("-std=c++17").args(WARNINGS);
    let compile = compile.arg("-I").arg(folder.join("src")).arg("-I").arg(folder.join("check"));
    let compile = compile.arg(folder.join("check/main.cpp")).arg(target().join("debug/libgradsieve.a"));
    compile.args(LIBRARIES).arg("-o").arg(&program).read()?;
    let printed = Program::new(&program).limited(60).read()?;
    let left_out =
        |reading: usize| printed.lines().any(|line| line == format!("left out: reading {reading}"));
    let missed: Vec<_> =
        (LEARNT..READINGS).filter(|reading| reading.is_multiple_of(GLITCH) && !left_out(*reading)).collect();
    ensure!(missed.is_empty(), "the Arduino sketch learns glitches: {missed:?}\n{printed}");
    let others =
        printed.lines().count() - (1..READINGS / GLITCH + 1).filter(|i| left_out(i * GLITCH)).count();
    println!(
        "the Arduino sketch, without Arduino: every late glitch left out, and {others} others of {READINGS}"
    );
    Ok(())
}
