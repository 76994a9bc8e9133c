//! The training loops of `examples/frameworks`: each compiles, and prints the table of
//! its README.

use anyhow::ensure;
use clap::ArgMatches;

use crate::check::{Check, root, target};
use crate::program::Program;
use crate::step::{Step, no_arguments};

pub(crate) const STEP: Step = Step {
    name: "frameworks",
    about: "The loops of candle and burn print what their README says (many minutes)",
    in_ci: false,
    arguments: no_arguments,
    run,
};

fn run(_: &Check, _: &ArgMatches) -> anyhow::Result<()> {
    let folder = root().join("examples/frameworks");
    let readme = std::fs::read_to_string(folder.join("README.md"))?;
    let rows = readme.lines().filter(|line| line.starts_with("| ")).skip(1);
    let expected: Vec<_> = rows.map(|row| numbers(row, '|')).collect();
    for name in ["candle", "burn"] {
        let cargo = Program::cargo().env("CARGO_TARGET_DIR", target().join("frameworks")).folder(&folder);
        let cargo =
            cargo.args(["run", "--quiet", "--locked", "--release", "--features", name, "--bin", name]);
        let printed = cargo.read()?;
        print!("{name}\n{printed}");
        let found: Vec<_> = printed.lines().skip(1).map(|line| numbers(line, ' ')).collect();
        ensure!(found == expected, "{name} does not print the table of its README");
    }
    Ok(())
}

/// The numbers of a line.
fn numbers(line: &str, between: char) -> Vec<String> {
    let words = line.split(between).map(|word| word.trim().trim_end_matches(" %"));
    words.filter(|word| word.starts_with(|first: char| first.is_ascii_digit())).map(str::to_owned).collect()
}
