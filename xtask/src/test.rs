//! The tests, by the command that the README names.

use anyhow::Context;
use clap::ArgMatches;

use crate::check::{Check, root};
use crate::program::Program;
use crate::step::{Step, no_arguments};

pub(crate) const STEP: Step =
    Step { name: "test", about: "The README's test command", in_ci: true, arguments: no_arguments, run };

fn run(_: &Check, _: &ArgMatches) -> anyhow::Result<()> {
    let readme = std::fs::read_to_string(root().join("README.md"))?;
    let command = command(&readme).context("README.md names no test command")?;
    Program::cargo().args(command.split_whitespace().skip(1)).show()
}

/// The first line that is a `cargo test`.
fn command(readme: &str) -> Option<&str> {
    let first = |line: &&str| *line == "cargo test" || line.starts_with("cargo test ");
    readme.lines().find(first).map(|line| line.split('#').next().unwrap_or(line).trim())
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn the_command_ends_where_its_comment_begins() {
        assert_eq!(command("text\ncargo test --locked  # all of them\n"), Some("cargo test --locked"));
    }

    #[test]
    fn a_sentence_about_the_command_is_not_the_command() {
        assert_eq!(command("Run cargo test.\ncargo tester\n"), None);
    }
}
