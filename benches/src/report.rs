//! What a race shows: a line as each contest ends, the table, the JSON, and figures.

use crate::contest::{Hall, Outcome, Result, Role, Target};
use crate::machine::Footprint;
use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Map, Value, json};

/// A table with a line for every level, and one for every variant.
#[must_use]
pub fn table(hall: &Hall) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header([
        "kernel",
        "dtype",
        "shape",
        "level",
        "ns",
        "GB/s",
        "of limit",
        "target",
        "best peer",
        "its fraction",
    ]);
    for column in [4, 5, 6, 9] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for outcome in hall.outcomes() {
        let (widest, best_peer) = (widest(outcome), best_peer(outcome));
        for result in outcome.results.iter().filter(|result| result.role != Role::Peer) {
            let first = widest.is_some_and(|widest| widest.name == result.name);
            let (peer, fraction) = match best_peer {
                Some(peer) if first => (peer.name.clone(), format!("{:.2}", peer.fraction)),
                _ => Default::default(),
            };
            table.add_row([
                outcome.kernel.to_owned(),
                outcome.dtype.clone(),
                outcome.shape.clone(),
                if result.right { result.name.clone() } else { format!("{} (WRONG)", result.name) },
                nanoseconds(result.seconds),
                format!("{:.1}", outcome.bytes as f64 / result.seconds * 1e-9),
                format!("{:.2}", result.fraction),
                if first { verdict(outcome.target, result) } else { String::new() },
                peer,
                fraction,
            ]);
        }
    }
    table.to_string()
}

/// A list with an object for every level.
#[must_use]
pub fn json(hall: &Hall) -> Value {
    let levels = hall.outcomes().iter().flat_map(|outcome| {
        let by_name = |role: fn(Role) -> bool| -> Map<String, Value> {
            let results = outcome.results.iter().filter(|result| role(result.role) && result.right);
            results.map(|result| (result.name.clone(), json!(result.fraction))).collect()
        };
        let peers = by_name(|role| role == Role::Peer);
        let variants = by_name(|role| role == Role::Variant);
        let wrong: Vec<_> = outcome.results.iter().filter(|r| !r.right).map(|r| r.name.clone()).collect();
        let ours = outcome.results.iter().filter(|result| matches!(result.role, Role::Ours(_)));
        ours.map(move |result| {
            json!({
                "kernel": outcome.kernel,
                "dtype": outcome.dtype,
                "shape": outcome.shape,
                "level": result.name,
                "fraction": result.fraction,
                "peers": peers,
                "variants": variants,
                "wrong": wrong,
                "seconds": result.seconds,
                "bytes_per_second": outcome.bytes as f64 / result.seconds,
                "limit": { "loop": outcome.limit.name, "seconds": outcome.limit.seconds,
                           "bytes_per_second": outcome.bytes as f64 / outcome.limit.seconds },
                "target": match outcome.target {
                    Target::Fraction(fraction) if fraction.is_finite() => json!({ "fraction": fraction }),
                    Target::Nanoseconds(nanoseconds) => json!({ "seconds": nanoseconds * 1e-9 }),
                    _ => Value::Null,
                },
            })
        })
    });
    levels.collect()
}

/// What is said of a contest as soon as it is over.
#[must_use]
pub fn line(outcome: &Outcome) -> String {
    let mut line = format!("{} {} {}:", outcome.kernel, outcome.dtype, outcome.shape);
    if let Some(ours) = widest(outcome) {
        line +=
            &format!(" {} {} ns, {:.2} of the limit", ours.name, nanoseconds(ours.seconds), ours.fraction);
    }
    if let Some(peer) = best_peer(outcome) {
        line += &format!("; {} {:.2}", peer.name, peer.fraction);
    }
    line
}

/// The columns of a race's [figures](crate::figures::Figures).
///
/// `ours` and `peer` are fractions of the limit; `widest` is `yes` on the widest level's
/// row, which alone has a peer.
pub const COLUMNS: [&str; 13] = [
    "kernel",
    "format",
    "shape",
    "memory",
    "level",
    "widest",
    "ns",
    "GB/s",
    "ours",
    "goal",
    "peer",
    "which peer",
    "peer ns",
];

/// A contest's rows of figures: one a level whose answer was right, from the scalar text
/// to the widest.
#[must_use]
pub fn rows(outcome: &Outcome) -> Vec<[String; COLUMNS.len()]> {
    let (memory, shape) = place(&outcome.shape);
    let (widest, peer) = (widest(outcome), best_peer(outcome));
    let ours = outcome.results.iter().filter(|result| result.right && matches!(result.role, Role::Ours(_)));
    ours.map(|result| {
        let first = widest.is_some_and(|widest| widest.name == result.name);
        let of_peer = |text: fn(&Result) -> String| peer.filter(|_| first).map_or_else(String::new, text);
        [
            outcome.kernel.to_owned(),
            outcome.dtype.clone(),
            shape.to_owned(),
            memory.to_owned(),
            result.name.clone(),
            if first { "yes".to_owned() } else { String::new() },
            nanoseconds(result.seconds),
            format!("{:.1}", outcome.bytes as f64 / result.seconds * 1e-9),
            format!("{:.2}", result.fraction),
            if first { verdict(outcome.target, result) } else { String::new() },
            of_peer(|peer| format!("{:.2}", peer.fraction)),
            of_peer(|peer| peer.name.clone()),
            of_peer(|peer| nanoseconds(peer.seconds)),
        ]
    })
    .collect()
}

/// The memory that a shape names first, and the rest of it.
fn place(shape: &str) -> (&str, &str) {
    let (first, rest) = shape.split_once(", ").unwrap_or((shape, ""));
    let is_memory = Footprint::ALL.iter().any(|memory| memory.name() == first);
    if is_memory { (first, rest) } else { ("", shape) }
}

/// The best right answer that isn't ours.
fn best_peer(outcome: &Outcome) -> Option<&Result> {
    let peers = outcome.results.iter().filter(|result| result.role == Role::Peer && result.right);
    peers.max_by(|a, b| a.fraction.total_cmp(&b.fraction))
}

/// The widest level, which targets are about.
fn widest(outcome: &Outcome) -> Option<&Result> {
    outcome.results.iter().rfind(|result| matches!(result.role, Role::Ours(_)))
}

/// The target, and whether it was reached (to the two digits that it is given in).
fn verdict(target: Target, result: &Result) -> String {
    let mark = |met: bool| if met { "met" } else { "missed" };
    match target {
        Target::Fraction(goal) if goal.is_finite() => {
            format!("{goal:.2} {}", mark((100.0 * result.fraction).round() >= 100.0 * goal))
        }
        Target::Nanoseconds(goal) => format!("{goal} ns {}", mark(result.seconds <= goal * 1e-9)),
        _ => String::new(),
    }
}

fn nanoseconds(seconds: f64) -> String {
    let nanoseconds = seconds * 1e9;
    if nanoseconds < 1000.0 { format!("{nanoseconds:.1}") } else { format!("{nanoseconds:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_parted_into_memory_and_the_rest() {
        assert_eq!(place("L2"), ("L2", ""));
        assert_eq!(place("DRAM, k = 512, s = 1"), ("DRAM", "k = 512, s = 1"));
        assert_eq!(place("n = 256"), ("", "n = 256"));
        assert_eq!(place("32 rows, L2"), ("", "32 rows, L2"));
    }

    #[test]
    fn only_the_widest_level_has_a_peer_and_wrong_answers_have_no_row() {
        let result = |name: &str, role, seconds, right| Result {
            name: name.to_owned(),
            role,
            seconds,
            fraction: 1e-6 / seconds,
            right,
        };
        let ours = Role::Ours(gradsieve_kernels::Level::SCALAR);
        let outcome = Outcome {
            kernel: "dot",
            dtype: "float32".to_owned(),
            shape: "L1".to_owned(),
            bytes: 1000,
            target: Target::Fraction(0.5),
            limit: result("read", Role::Limit, 1e-6, true),
            results: vec![
                result("scalar", ours, 4e-6, true),
                result("broken", ours, 1e-6, false),
                result("avx2", ours, 2e-6, true),
                result("theirs", Role::Peer, 3e-6, true),
                result("wrong", Role::Peer, 1e-6, false),
            ],
        };
        let found = rows(&outcome);
        let expected = [
            ["dot", "float32", "", "L1", "scalar", "", "4000", "0.2", "0.25", "", "", "", ""],
            [
                "dot", "float32", "", "L1", "avx2", "yes", "2000", "0.5", "0.50", "0.50 met", "0.33",
                "theirs", "3000",
            ],
        ];
        assert_eq!(found, expected);
        assert_eq!(line(&outcome), "dot float32 L1: avx2 2000 ns, 0.50 of the limit; theirs 0.33");
    }
}
