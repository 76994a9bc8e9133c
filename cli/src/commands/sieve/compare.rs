//! The settings of two sieves, by the names of the options that say them.

use gradsieve::{Guards, LossKind, Rate, SieveSettings};

/// What an option says in two settings.
pub(in crate::commands) struct Compared {
    pub(in crate::commands) option: &'static str,
    pub(in crate::commands) one: String,
    pub(in crate::commands) other: String,
}

/// All settings but for the width and the groups. A rate has the option of the other's.
pub(in crate::commands) fn compare(one: &SieveSettings, other: &SieveSettings) -> [Compared; 7] {
    let compared = |option, text: &dyn Fn(&SieveSettings) -> String| Compared {
        option,
        one: text(one),
        other: text(other),
    };
    [
        compared("--loss-kind", &|settings| match settings.loss {
            LossKind::CrossEntropy => "cross-entropy".to_owned(),
            LossKind::Squared => "squared".to_owned(),
        }),
        compared(rate(other.rate).0, &|settings| {
            let (option, share) = rate(settings.rate);
            format!("{option} {share}")
        }),
        compared("--half-life", &|settings| {
            settings.half_life.map_or("none".to_owned(), |samples| samples.to_string())
        }),
        compared("--guards", &|settings| guard_names(settings.guards)),
        compared("--change", &|settings| settings.change.to_string()),
        compared("--warm-up", &|settings| settings.warm_up.to_string()),
        compared("--learn-flagged", &|settings| settings.learn_flagged.to_string()),
    ]
}

/// What guards are called on the command line.
fn guard_names(guards: Guards) -> String {
    let Guards { zero, short, duplicates } = guards;
    let names = [("zero", zero), ("short", short), ("duplicate", duplicates > 0)];
    let names: Vec<&str> = names.into_iter().filter_map(|(name, is_on)| is_on.then_some(name)).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(",") }
}

/// A rate as the command line has it.
const fn rate(rate: Rate) -> (&'static str, f32) {
    match rate {
        Rate::FalseAlarms(share) => ("--false-alarms", share),
        Rate::FalseDiscoveries(share) => ("--false-discoveries", share),
    }
}
