//! What is said of the numbers.

use std::collections::BTreeMap;
use std::path::Path;

use gradsieve::store::{Entry, TopK, TopKSettings};
use gradsieve_io::files::Dtype;
use gradsieve_io::visits::{KeptName, VisitsFormat};
use serde::Serialize;

use super::epoch::Tally;
use crate::commands::rows::zeros;
use crate::commands::{CommandError, console};

/// The numbers of all samples, seen one after the other.
pub(super) struct Seen {
    top: TopK<Vec<Entry>>,
    /// The visits to those at the top, by id.
    visits: BTreeMap<u64, u16>,
    visited: u64,
    least: u16,
    most: u16,
}

impl Seen {
    /// None yet; `top` is how many of the largest are told.
    ///
    /// # Errors
    /// Too little memory.
    pub(super) fn new(top: usize, format: &VisitsFormat) -> Result<Self, CommandError> {
        const NAME: &str = "--top";
        let k = top.min(usize::try_from(format.samples).unwrap_or(usize::MAX));
        let entries = zeros(NAME, k)?;
        let top = TopK::new(TopKSettings { k }, entries).map_err(CommandError::core(NAME))?;
        Ok(Self { top, visits: BTreeMap::new(), visited: 0, least: u16::MAX, most: 0 })
    }

    /// The next sample that was visited.
    ///
    /// # Errors
    /// None: numbers are finite.
    pub(super) fn push(&mut self, id: u64, (score, visits): (f32, u16)) -> Result<(), gradsieve::Error> {
        self.visited += 1;
        (self.least, self.most) = (self.least.min(visits), self.most.max(visits));
        let displaced = self.top.push(Entry { id, score: score.into() })?;
        self.visits.insert(id, visits);
        displaced.map(|entry| self.visits.remove(&entry.id));
        Ok(())
    }

    /// What is said of them.
    pub(super) fn report(mut self, format: VisitsFormat, tally: Tally, has_state: bool) -> Report {
        let visits = &self.visits;
        let top = self.top.sorted().map(|&Entry { id, score }| Top {
            id,
            score: score as f32,
            visits: visits.get(&id).copied().unwrap_or_default(),
        });
        Report {
            kind: format.kept,
            number: format.number,
            samples: format.samples,
            visited: self.visited,
            least_visits: if self.visited == 0 { 0 } else { self.least },
            most_visits: self.most,
            observed: tally.observed,
            skipped: tally.skipped,
            top: top.collect(),
            state_bytes: has_state.then(|| format.file_bytes()),
        }
    }
}

/// What is printed as JSON.
#[derive(Serialize)]
pub(super) struct Report {
    kind: KeptName,
    number: Dtype,
    samples: u64,
    visited: u64,
    /// Of those visited.
    least_visits: u16,
    most_visits: u16,
    observed: u64,
    skipped: u64,
    top: Vec<Top>,
    /// Of a state that was read or written.
    #[serde(skip_serializing_if = "Option::is_none")]
    state_bytes: Option<u64>,
}

/// A sample with one of the largest numbers.
#[derive(Serialize)]
struct Top {
    id: u64,
    score: f32,
    visits: u16,
}

impl Report {
    /// For people.
    ///
    /// # Errors
    /// Standard output.
    pub(super) fn print(&self, state: Option<&Path>) -> Result<(), CommandError> {
        let Self { visited, samples, least_visits, most_visits, .. } = self;
        let times = match (least_visits, most_visits) {
            (1, 1) => "once".to_owned(),
            (least, most) if least == most => format!("{most} times"),
            (least, most) => format!("{least} to {most} times"),
        };
        console::print(format!("{visited} of {samples} samples visited, {times}"))?;
        if self.skipped > 0 {
            console::print(format!("left out, as NaN or infinite: {}", self.skipped))?;
        }
        if !self.top.is_empty() {
            let what = match self.kind {
                KeptName::Mean => "mean",
                KeptName::MeanRank => "mean rank",
                KeptName::Worst => "worst",
            };
            let mut table = console::table(&["sample", what, "visits"]);
            for Top { id, score, visits } in &self.top {
                table.add_row([id.to_string(), console::significant((*score).into()), visits.to_string()]);
            }
            console::print(table)?;
        }
        let (Some(state), Some(bytes)) = (state, self.state_bytes) else { return Ok(()) };
        let bytes = console::bytes(usize::try_from(bytes).unwrap_or(usize::MAX));
        console::print(format!("state: {}, {bytes}, {}", state.display(), self.number))
    }
}
