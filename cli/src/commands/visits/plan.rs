//! What is to be done, checked before a file is read.

use std::path::PathBuf;

use super::arguments::VisitsArguments;
use super::epoch::Epoch;
use crate::commands::CommandError;
use crate::commands::inputs::{refuse, refuse_inputs, refuse_json_beside};
use gradsieve_io::files::{Destination, Dtype, Source};
use gradsieve_io::visits::{KeptName, VisitsFormat};

/// Samples without --samples, as ids name them, at most: or sixteen times the rows.
const SAMPLES: u64 = 1 << 24;

/// The most samples.
const MOST_SAMPLES: u64 = 1 << 40;

/// A command line that makes sense.
pub(super) struct Plan {
    pub(super) epochs: Vec<Epoch>,
    kept: Option<KeptName>,
    number: Option<Dtype>,
    samples: Option<u64>,
    pub(super) state: Option<PathBuf>,
    pub(super) skips: bool,
    pub(super) output: Option<Destination>,
    pub(super) top: usize,
    pub(super) json: bool,
}

impl Plan {
    /// The plan of a command line.
    ///
    /// # Errors
    /// [`CommandError::Argument`] by the name of the argument that does not suit the
    /// others; an output that is an input.
    pub(super) fn new(arguments: VisitsArguments) -> Result<Self, CommandError> {
        let VisitsArguments { scores, ids, kind, number, samples, state, output, top, json, .. } = arguments;
        if scores.is_empty() && state.is_none() {
            return refuse("SCORES", "files of scores, or --state to read", "none");
        }
        if let Some(found) = ids.len().checked_sub(scores.len()).filter(|&more| more > 0 && ids.len() > 1) {
            let found = format!("{found} more");
            return refuse("--ids", "one for all SCORES, or one for each", found);
        }
        if scores.is_empty() && !ids.is_empty() {
            return refuse("--ids", "SCORES beside it", "none");
        }
        if ids.len() > 1 && ids.len() < scores.len() {
            let expected = format!("one for all SCORES, or one for each of the {}", scores.len());
            return refuse("--ids", expected, ids.len().to_string());
        }
        if let Some(found) = samples.filter(|&samples| samples == 0 || samples > MOST_SAMPLES) {
            return refuse("--samples", format!("from 1 to {MOST_SAMPLES}"), found.to_string());
        }
        refuse_json_beside(json, output.as_ref(), "the numbers to go to a file, as in -o scores.csv")?;
        for (argument, source) in scores.iter().map(|s| ("SCORES", s)).chain(ids.iter().map(|s| ("--ids", s)))
        {
            if *source == Source::Stdin {
                return refuse(argument, "a file, for it may be read twice", "standard input");
            }
        }
        let state_file = state.clone().map(Source::Npy);
        let inputs: Vec<(&str, Option<&Source>)> =
            scores.iter().chain(&ids).chain(&state_file).map(|source| ("SCORES", Some(source))).collect();
        refuse_inputs(&inputs, output.as_ref())?;
        let ids_of = |place: usize| if ids.len() == 1 { ids.first() } else { ids.get(place) }.cloned();
        let epochs = scores.into_iter().enumerate();
        Ok(Self {
            epochs: epochs.map(|(place, scores)| Epoch { scores, ids: ids_of(place) }).collect(),
            kept: kind.map(|kind| kind.kept()),
            number: number.map(|number| number.dtype()),
            samples,
            state,
            skips: arguments.skip_non_finite,
            output,
            top,
            json,
        })
    }

    /// What is kept, of how many samples: as `before` says, which stands in `--state`, or
    /// the command line, or the scores.
    ///
    /// # Errors
    /// [`CommandError::Argument`] if they do not agree; scores that cannot be read, or of
    /// samples beyond.
    pub(super) fn format(&self, before: Option<VisitsFormat>) -> Result<VisitsFormat, CommandError> {
        let mut most = (0, 0);
        for epoch in &self.epochs {
            let limit = before.map(|before| before.samples).or(self.samples);
            let (rows, samples) = epoch.check(limit)?;
            most = (most.0.max(rows), most.1.max(samples));
        }
        let Some(before) = before else {
            let (rows, samples) = most;
            if self.samples.is_none() && samples > SAMPLES.max(rows.saturating_mul(16)) {
                let expected = format!("it, as --ids names sample {} and there are {rows} rows", samples - 1);
                return refuse("--samples", expected, "none");
            }
            return Ok(VisitsFormat {
                kept: self.kept.unwrap_or(KeptName::Mean),
                number: self.number.unwrap_or(Dtype::F32),
                samples: self.samples.unwrap_or(samples),
            });
        };
        let name = self.state.as_ref().map_or_else(String::new, |path| path.display().to_string());
        let agree = |argument, expected: String, found: Option<String>| match found {
            Some(found) if found != expected => refuse(argument, format!("{expected}, as {name} has"), found),
            _ => Ok(()),
        };
        agree("--kind", before.kept.name().to_owned(), self.kept.map(|kept| kept.name().to_owned()))?;
        agree("--number", before.number.to_string(), self.number.map(|number| number.to_string()))?;
        agree("--samples", before.samples.to_string(), self.samples.map(|samples| samples.to_string()))?;
        Ok(before)
    }
}
