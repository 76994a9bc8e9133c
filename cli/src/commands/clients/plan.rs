//! What is to be done, checked before a file is opened.

use super::arguments::{ClientsArguments, RuleName};
use crate::commands::CommandError;
use crate::commands::given::{Given, Use};
use crate::commands::inputs::{refuse, refuse_inputs, refuse_json_beside};
use crate::commands::rows::ProjectionArguments;
use gradsieve_io::files::{Destination, Source};

/// A command line that makes sense.
pub(super) struct Plan {
    pub(super) given: Given,
    pub(super) updates: Source,
    /// Each once.
    pub(super) rules: Vec<RuleName>,
    pub(super) hostile: Option<usize>,
    pub(super) keep: Option<usize>,
    pub(super) norm: Option<f64>,
    pub(super) server: Option<Source>,
    pub(super) ids: Option<Source>,
    pub(super) output: Option<Destination>,
    pub(super) aggregate: Option<Destination>,
    pub(super) projection: ProjectionArguments,
    pub(super) json: bool,
}

impl Plan {
    /// The plan of a command line.
    ///
    /// # Errors
    /// [`CommandError::Argument`] by the name of the argument that does not suit the
    /// others; an output that is an input.
    pub(super) fn new(arguments: ClientsArguments) -> Result<Self, CommandError> {
        arguments.given.refuse_unread(uses(&arguments))?;
        let ClientsArguments { given, updates, rule: rules, hostile, keep, norm, .. } = arguments;
        let ClientsArguments { server, ids, output, aggregate, projection, json, .. } = arguments;
        if let Some(place) = (1..rules.len()).find(|&place| rules[..place].contains(&rules[place])) {
            return refuse("--rule", "each rule once", format!("{} twice", rules[place].name()));
        }
        if let (Some(rule), None) = (rules.iter().find(|rule| rule.takes_hostile()), hostile) {
            let expected = format!("how many clients may be hostile, for {}", rule.name());
            return refuse("--hostile", expected, "none");
        }
        if rules.contains(&RuleName::FlTrust) && server.is_none() {
            return refuse("--rule", "--server beside fltrust, an update that the server trusts", "none");
        }
        if let Some(norm) = norm.filter(|norm| !(norm.is_finite() && *norm > 0.0)) {
            return refuse("--norm", "a finite number above 0", norm.to_string());
        }
        if aggregate.is_some() && rules.len() > 1 {
            return refuse("--aggregate", "one rule, whose weights it has", rules.len().to_string());
        }
        if aggregate.is_some() && updates == Source::Stdin {
            return refuse("--aggregate", "updates in a file, which can be read again", "standard input");
        }
        if aggregate.is_some() && matches!(updates, Source::Store(_)) {
            return refuse("--aggregate", "whole updates, in an array", "a store of sketches");
        }
        if let Some(Destination::Stdout) = aggregate {
            return refuse("--aggregate", "the name of a file", "standard output");
        }
        refuse_json_beside(json, output.as_ref(), "the weights to go to a file, as in -o weights.npy")?;
        let inputs = [("UPDATES", Some(&updates)), ("--server", server.as_ref()), ("--ids", ids.as_ref())];
        refuse_inputs(&inputs, output.as_ref())?;
        refuse_inputs(&inputs, aggregate.as_ref())?;
        if let (Some(Destination::Path(one)), Some(Destination::Path(other))) = (&output, &aggregate)
            && one == other
        {
            return refuse("--aggregate", "another file than --output", one.display().to_string());
        }
        Ok(Self {
            given,
            updates,
            rules,
            hostile,
            keep,
            norm,
            server,
            ids,
            output,
            aggregate,
            projection,
            json,
        })
    }
}

/// When each option is read.
fn uses(arguments: &ClientsArguments) -> impl Iterator<Item = Use> + use<> {
    let ClientsArguments { rule: rules, projection, updates, .. } = arguments;
    let names = rules.iter().map(|rule| rule.name()).collect::<Vec<_>>().join(",");
    let of_rule = |option, rule: RuleName| Use {
        option,
        is_read: rules.contains(&rule),
        by: format!("--rule {}, which alone looks at it", rule.name()),
        found: names.clone(),
    };
    [
        of_rule("--keep", RuleName::MultiKrum),
        of_rule("--norm", RuleName::Clip),
        of_rule("--server", RuleName::FlTrust),
        Use {
            option: "--dim",
            is_read: !matches!(updates, Source::Store(_)),
            by: "updates to project".to_owned(),
            found: format!("{} with a store of sketches", projection.dim.unwrap_or(0)),
        },
    ]
    .into_iter()
}
