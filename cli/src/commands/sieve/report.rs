//! What is said of a stream that was judged.

use std::collections::BTreeMap;

use gradsieve::sieve::{Alarm, Health, Verdict};
use gradsieve::{Rate, Reasons, SieveSettings};
use serde::Serialize;

use crate::commands::escaped::escaped;
use crate::commands::{CommandError, console};
use gradsieve_io::files::Label;

/// What is said of rows that are not finite.
pub(super) const CONSEQUENCE: &str = "flagged, with the reason non-finite";

/// What is printed as JSON.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) rows: usize,
    pub(super) flagged: Vec<Flagged>,
    pub(super) alarms: Vec<Raised>,
    /// Bytes at rest.
    state_bytes: usize,
    /// Bytes while it judges.
    memory_bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    false_alarms: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    false_discoveries: Option<f32>,
    half_life: Option<u32>,
    dim: usize,
    /// Those with NaN or infinite entries, or such a loss.
    pub(super) non_finite: Vec<usize>,
    /// Those that are finite, but too large for `f32`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    out_of_range: Vec<usize>,
    health: &'static str,
}

/// A sample to be left out.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Flagged {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Label>,
    p: f32,
    score: f32,
    reasons: Vec<&'static str>,
}

/// An alarm, and the sample that raised it.
#[derive(Debug, Serialize)]
pub(super) struct Raised {
    index: usize,
    kind: &'static str,
}

impl Report {
    /// Of no row yet.
    pub(super) const fn new(settings: &SieveSettings) -> Self {
        let (false_alarms, false_discoveries) = match settings.rate {
            Rate::FalseAlarms(share) => (Some(share), None),
            Rate::FalseDiscoveries(share) => (None, Some(share)),
        };
        Self {
            rows: 0,
            flagged: Vec::new(),
            alarms: Vec::new(),
            state_bytes: 0,
            memory_bytes: settings.bytes(),
            false_alarms,
            false_discoveries,
            half_life: settings.half_life,
            dim: settings.width,
            non_finite: Vec::new(),
            out_of_range: Vec::new(),
            health: "",
        }
    }

    /// Adds the next row's verdict, and the alarm that it raised.
    pub(super) fn push(&mut self, id: Option<&Label>, verdict: &Verdict, alarm: Option<Alarm>) {
        let index = self.rows;
        let &Verdict { p, score, flagged, reasons, .. } = verdict;
        if flagged {
            let reasons = reasons.names().collect();
            self.flagged.push(Flagged { index, id: id.cloned(), p, score, reasons });
        }
        if reasons.has(Reasons::NON_FINITE) {
            self.non_finite.push(index);
        }
        self.alarms.extend(alarm.map(|alarm| Raised { index, kind: alarm.name() }));
        self.rows += 1;
    }

    /// After the last row.
    pub(super) fn finish(
        &mut self,
        state_bytes: usize,
        health: Health,
        is_out_of_range: impl Fn(usize) -> bool,
    ) {
        (self.state_bytes, self.health) = (state_bytes, health_name(health));
        let non_finite = std::mem::take(&mut self.non_finite);
        (self.out_of_range, self.non_finite) = non_finite.into_iter().partition(|&row| is_out_of_range(row));
    }

    /// For people, with the `top` samples that stand out most.
    pub(super) fn print(&self, file: &str, settings: &SieveSettings, top: usize) -> Result<(), CommandError> {
        let (flagged, rows) = (self.flagged.len(), self.rows);
        let meaning = match settings.rate {
            Rate::FalseAlarms(share) => format!(
                "a false-alarm rate of {share}: of a clean stream about {:.1} of {rows} would be",
                f64::from(share) * rows as f64
            ),
            Rate::FalseDiscoveries(share) => {
                format!(
                    "a false-discovery rate of {share}: at most that share of the flags is false, in the mean"
                )
            }
        };
        console::print(format!("{}: {flagged} of {rows} samples flagged, at {meaning}", escaped(&file)))?;
        if flagged > 0 {
            console::print(self.by_reason())?;
            if top > 0 {
                console::print(self.worst(top))?;
            }
        }
        for Raised { index, kind } in &self.alarms {
            console::print(format!("alarm at sample {index}: {kind}"))?;
        }
        let forgets =
            settings.half_life.map_or("nothing".to_owned(), |samples| format!("half in {samples} samples"));
        let (memory, at_rest) = (console::bytes(self.memory_bytes), console::bytes(self.state_bytes));
        console::print(format!("state: {memory}, {at_rest} at rest, forgets {forgets}, {}", self.health))
    }

    /// How many were flagged for each reason; one may have several.
    fn by_reason(&self) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for reason in self.flagged.iter().flat_map(|flagged| &flagged.reasons) {
            *counts.entry(reason).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        let counts: Vec<String> = counts.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        format!(
            "reasons: {}",
            if counts.is_empty() { "none stands out".to_owned() } else { counts.join(", ") }
        )
    }

    /// The `top` that stand out most, as a table.
    fn worst(&self, top: usize) -> String {
        let mut worst: Vec<&Flagged> = self.flagged.iter().collect();
        worst.sort_by(|one, other| one.p.total_cmp(&other.p).then(other.score.total_cmp(&one.score)));
        let has_ids = worst.iter().any(|flagged| flagged.id.is_some());
        let mut header = vec!["sample"];
        header.extend(has_ids.then_some("id"));
        header.extend(["p", "score", "reasons"]);
        let mut table = console::table(&header);
        for Flagged { index, id, p, score, reasons } in worst.into_iter().take(top) {
            let id = id.as_ref().map(|id| escaped(&id.text()).to_string());
            let [p, score] = [*p, *score].map(|number| console::significant(f64::from(number)));
            table.add_row([index.to_string()].into_iter().chain(id).chain([p, score, reasons.join(" ")]));
        }
        table.to_string()
    }
}

/// What is said of a state.
pub(in crate::commands) const fn health_name(health: Health) -> &'static str {
    match health {
        Health::WarmingUp => "warming-up",
        Health::Ready => "ready",
        Health::Stale => "stale",
        Health::Saturated => "saturated",
        _ => "unknown",
    }
}
