//! One check or chore: its name, its arguments, and the function that does it.

use clap::ArgMatches;

use crate::check::Check;

/// A subcommand of `cargo xtask`.
pub(crate) struct Step {
    /// The subcommand.
    pub(crate) name: &'static str,
    /// What it does, in one sentence.
    pub(crate) about: &'static str,
    /// Whether the whole check runs it.
    pub(crate) in_ci: bool,
    /// Adds the arguments of the step, and examples, to its subcommand.
    pub(crate) arguments: fn(clap::Command) -> clap::Command,
    /// Does it. An error is a failure; what cannot be done here is told to the [`Check`].
    pub(crate) run: fn(&Check, &ArgMatches) -> anyhow::Result<()>,
}

impl Step {
    /// The subcommand with its arguments.
    pub(crate) fn command(&self) -> clap::Command {
        (self.arguments)(clap::Command::new(self.name).about(self.about))
    }

    /// What the step is given where nothing is asked of it: the defaults of its
    /// arguments.
    pub(crate) fn defaults(&self) -> anyhow::Result<ArgMatches> {
        Ok(self.command().try_get_matches_from([self.name])?)
    }
}

/// For steps without arguments.
pub(crate) fn no_arguments(command: clap::Command) -> clap::Command {
    command
}
