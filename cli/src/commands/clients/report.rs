//! What is said of the weights.

use serde::Serialize;

use super::arguments::RuleName;
use crate::commands::escaped::escaped;
use crate::commands::{CommandError, console};
use gradsieve_io::files::Label;

/// What is said of rows that are not finite.
pub(super) const CONSEQUENCE: &str = "the weight of such a client is 0, and it counts among the hostile";

/// What is printed as JSON: of one rule an object, of several one with a list.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Report<'a> {
    One(&'a Weighed<'a>),
    Several { clients: usize, rules: &'a [Weighed<'a>] },
}

impl<'a> Report<'a> {
    /// Of what rules say of so many clients.
    pub(super) const fn of(found: &'a [Weighed<'a>], clients: usize) -> Self {
        match found {
            [one] => Self::One(one),
            rules => Self::Several { clients, rules },
        }
    }
}

/// What a rule says of each row.
#[derive(Serialize)]
pub(super) struct Weighed<'a> {
    pub(super) rule: RuleName,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hostile: Option<usize>,
    pub(super) clients: usize,
    pub(super) dim: usize,
    pub(super) kept: Vec<usize>,
    pub(super) weights: Vec<f64>,
    /// Those with NaN or infinite entries.
    pub(super) non_finite: &'a [usize],
    /// Those that are finite, but too large for `f32`, or whose sketch is.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) out_of_range: &'a [usize],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ids: Option<&'a [Label]>,
}

/// For people.
///
/// # Errors
/// Standard output.
pub(super) fn print(file: &str, found: &[Weighed<'_>], ids: Option<&[Label]>) -> Result<(), CommandError> {
    for one in found {
        let (file, rule) = (escaped(&file), one.rule.name());
        let hostile = match one.hostile {
            Some(hostile) if one.rule.takes_hostile() => format!(", {hostile} of whom may be hostile"),
            _ => String::new(),
        };
        console::print(format!(
            "{file}: {rule} keeps {} of {} clients{hostile}",
            one.kept.len(),
            one.clients
        ))?;
    }
    let mut header = vec!["client"];
    header.extend(ids.map(|_| "id"));
    header.extend(found.iter().map(|one| one.rule.name()));
    let mut table = console::table(&header);
    for row in 0..found.first().map_or(0, |one| one.clients) {
        let id = ids.map(|ids| escaped(&ids[row].text()).to_string());
        let weights = found.iter().map(|one| console::significant(one.weights[row]));
        table.add_row([row.to_string()].into_iter().chain(id).chain(weights));
    }
    console::print(table)
}
