//! Projections by name: those of the core's one list, but for the gradient itself, which
//! is what there is without `--dim`.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use gradsieve::Kind;

/// Reads a projection's name.
pub(super) fn kind() -> impl TypedValueParser<Value = Kind> {
    let projections = Kind::ALL.iter().filter(|&&kind| kind != Kind::Exact);
    PossibleValuesParser::new(projections.map(|kind| kind.name()))
        .try_map(|name| Kind::from_name(&name).ok_or("expected a projection"))
}

/// The names of those that a claim holds for, as a sentence has them.
pub(super) fn names(holds: impl Fn(Kind) -> bool) -> String {
    let names: Vec<&str> = Kind::ALL.iter().filter(|&&kind| holds(kind)).map(|kind| kind.name()).collect();
    match names.as_slice() {
        [names @ .., last] if !names.is_empty() => format!("{} or {last}", names.join(", ")),
        names => names.concat(),
    }
}

/// Whether it projects layer by layer, and so must know them.
pub(super) const fn takes_layers(kind: Kind) -> bool {
    matches!(kind, Kind::Logra | Kind::FactGrass | Kind::Plan)
}

/// Whether a coordinate may go to several places.
pub(super) const fn takes_repeat(kind: Kind) -> bool {
    matches!(kind, Kind::Sjlt | Kind::Mask | Kind::FactGrass)
}
