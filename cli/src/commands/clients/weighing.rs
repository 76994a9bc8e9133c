//! The rules at work.

use gradsieve::clients::{
    Bulyan, Client, Dnc, FlTrust, FoolsGold, GeometricMedian, Krum, MultiKrum, NormClip, Round, Rule,
};
use gradsieve::{Error, Sketch};

use super::arguments::RuleName;
use super::plan::Plan;
use crate::commands::CommandError;
use crate::commands::inputs::refuse;
use crate::commands::rows::zeros;

/// A round in memory of its own.
pub(super) type Held = Round<Vec<f32>, Vec<Client>>;

/// The weights of a rule, in the order of [`Round::clients`].
///
/// # Errors
/// What the rule refuses, by the argument that it is about.
pub(super) fn weights(
    rule: RuleName,
    plan: &Plan,
    file: &str,
    round: &Held,
    server: Option<Sketch<'_>>,
) -> Result<Vec<f64>, CommandError> {
    // The plan has seen that it is there for the rules that look at it.
    let hostile = plan.hostile.unwrap_or(0);
    let found = match (rule, server) {
        (RuleName::Krum, _) => by(&Krum { hostile }, file, round)?,
        (RuleName::MultiKrum, _) => by(&MultiKrum { hostile, keep: plan.keep }, file, round)?,
        (RuleName::Bulyan, _) => by(&Bulyan { hostile }, file, round)?,
        (RuleName::GeometricMedian, _) => by(&GeometricMedian::new(), file, round)?,
        (RuleName::Dnc, _) => by(&Dnc { hostile }, file, round)?,
        (RuleName::FlTrust, Some(server)) => by(&FlTrust { server }, file, round)?,
        (RuleName::FlTrust, None) => Err(Error::Setting { name: "server", expected: "an update" }),
        (RuleName::FoolsGold, _) => by(&FoolsGold, file, round)?,
        (RuleName::Clip, _) => by(&NormClip { most: plan.norm }, file, round)?,
    };
    match found {
        Ok(weights) => Ok(weights),
        Err(Error::TooFew { needed, found }) => {
            let of = if rule.takes_hostile() {
                format!("{} with {hostile} of {} hostile", rule.name(), round.count())
            } else {
                rule.name().to_owned()
            };
            refuse("--rule", format!("at least {needed} finite updates for {of}"), found.to_string())
        }
        Err(Error::Setting { name: "hostile", expected }) => {
            refuse("--hostile", expected, format!("{hostile} of {}", round.count()))
        }
        Err(Error::Setting { name: "keep", expected }) => {
            refuse("--keep", expected, plan.keep.unwrap_or(0).to_string())
        }
        Err(Error::Setting { name: "server", expected }) => refuse("--server", expected, "none such"),
        Err(Error::NonFinite) if rule == RuleName::FlTrust => {
            refuse("--server", "an update of finite numbers", "NaN or infinite ones")
        }
        Err(error) => Err(CommandError::core(&format!("{file}: {}", rule.name()))(error)),
    }
}

/// What a rule says; the outer error is too little memory.
fn by(rule: &impl Rule, file: &str, round: &Held) -> Result<Result<Vec<f64>, Error>, CommandError> {
    let mut memory = zeros(file, rule.needs(&round.settings()).f64s)?;
    let mut weights = zeros(file, round.count())?;
    Ok(rule.weigh(round, &mut memory, &mut weights).map(|_| weights))
}
