//! Which options the command line names, and the refusal of those that nothing reads.
//!
//! An option that does nothing is a misunderstanding, and its user should hear of it. So
//! each command lists its options that only some projection, method or detector reads,
//! and refuses those that were given in vain.

use std::collections::BTreeSet;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::CommandError;

/// The options that the command line names; what has its default is not among them.
///
/// The first field of a command's arguments: fields take what they read out of what clap
/// has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given(BTreeSet<String>);

/// When an option is read.
pub(super) struct Use {
    /// As on the command line.
    pub(super) option: &'static str,
    /// Whether it is read here.
    pub(super) is_read: bool,
    /// What reads it.
    pub(super) by: String,
    /// What was said beside it.
    pub(super) found: String,
}

impl Given {
    /// Refuses the first option that was given and is not read.
    ///
    /// # Errors
    /// [`CommandError::Argument`], which names the option and what it belongs to.
    pub(super) fn refuse_unread(&self, uses: impl IntoIterator<Item = Use>) -> Result<(), CommandError> {
        let unread = |one: &Use| !one.is_read && self.has(one.option);
        match uses.into_iter().find(unread) {
            None => Ok(()),
            Some(Use { option, by, found, .. }) => {
                Err(CommandError::Argument { argument: option, expected: by, found })
            }
        }
    }

    /// Whether an option was given. clap knows it by its field's name.
    pub(super) fn has(&self, option: &str) -> bool {
        self.0.contains(&option.trim_start_matches('-').replace('-', "_"))
    }
}

impl FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |id: &&clap::Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
        Ok(Self(matches.ids().filter(given).map(|id| id.as_str().to_owned()).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Given {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        given: Given,
        #[arg(long, default_value_t = 0)]
        mask_len: u32,
    }

    #[test]
    fn an_option_with_its_default_was_not_given_and_the_same_value_said_was() {
        let line = |arguments: &[&str]| Line::parse_from([&["line"], arguments].concat());
        assert!(!line(&[]).given.has("--mask-len"));
        let said = line(&["--mask-len", "0"]);
        assert!(said.given.has("--mask-len") && said.mask_len == 0);
    }

    #[test]
    fn only_what_was_given_and_is_not_read_is_refused() {
        let given = Given(BTreeSet::from(["seed".to_owned()]));
        let seed = |is_read| Use {
            option: "--seed",
            is_read,
            by: "--dim beside it".to_owned(),
            found: "none".to_owned(),
        };
        let dim = Use { option: "--dim", is_read: false, by: "sketches".to_owned(), found: "l2".to_owned() };
        assert!(given.refuse_unread([dim, seed(true)]).is_ok());
        let refusal = given.refuse_unread([seed(false)]).unwrap_err();
        assert_eq!(refusal.to_string(), "--seed: expected --dim beside it, found none");
    }
}
