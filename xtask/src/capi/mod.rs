//! The C library: its header is what cbindgen makes of the source, its symbols have one
//! prefix, its tests and examples compile without a warning as C99 and C++11 and run,
//! under sanitizers too, CMake and pkg-config find it, it builds for bare targets, and on
//! a Cortex-M4F its tests print what they print here.

mod board;
mod elsewhere;
mod header;
mod packages;
mod place;
mod programs;

use anyhow::ensure;
use clap::{Arg, ArgAction, ArgMatches};

use crate::check::Check;
use crate::program::Program;
use crate::step::Step;
use crate::targets::reason;

pub(crate) const STEP: Step = Step {
    name: "capi",
    about: "The C library: header, symbols, tests in C and C++, packages, bare targets, a board",
    in_ci: true,
    arguments: |command| {
        let write = Arg::new("write").long("write").action(ArgAction::SetTrue);
        command
            .arg(write.help("Writes the header anew, and does no more"))
            .after_help("Example:\n  cargo xtask capi --write")
    },
    run,
};

fn run(check: &Check, given: &ArgMatches) -> anyhow::Result<()> {
    if given.get_flag("write") {
        return Ok(std::fs::write(place::committed(), header::made_header()?)?);
    }
    match header::made_header() {
        Ok(made) => ensure!(
            made == std::fs::read_to_string(place::committed())?,
            "the header is not what cbindgen makes of the source: `cargo xtask capi --write` mends it"
        ),
        Err(error) => check.skip("whether the C header is that of the source", reason(&error)),
    }
    let cargo = Program::cargo().args(["build", "--quiet", "--locked", "-p", "gradsieve-capi"]);
    cargo.read()?;
    if cfg!(target_os = "linux") {
        header::symbols()?;
        programs::programs(check)?;
        packages::packages(check)?;
        elsewhere::compiled(check)?;
    } else {
        check.skip("the tests of the C library", "its libraries are known for Linux alone");
    }
    board::bare(check)
}
