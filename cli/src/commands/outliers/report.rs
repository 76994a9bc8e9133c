//! What is said of the scores: which samples are flagged, and why.

use gradsieve::outlier::threshold;
use serde::Serialize;

use super::arguments::DetectorName;
use super::calibration::{Calibration, LEAST};
use super::plan::Choice;
use super::scorer::{Scored, Scores};
use crate::commands::escaped::escaped;
use crate::commands::rows::Rows;
use crate::commands::{CommandError, console};
use gradsieve_harness::measures;
use gradsieve_io::files::Label;

/// What is said of rows without a score.
pub(in crate::commands) const CONSEQUENCE: &str = "flagged as outliers, with an infinite score";

/// The false-alarm rate that is told of.
const SUGGESTED_RATE: f64 = 0.01;

/// What is printed as JSON: of one detector an object, of several one with a list.
#[derive(Serialize)]
#[serde(untagged)]
pub(in crate::commands) enum Report<'a> {
    One(&'a Found<'a>),
    Several { rows: usize, detectors: &'a [Found<'a>] },
}

impl<'a> Report<'a> {
    /// Of what detectors have found in so many rows.
    pub(in crate::commands) const fn of(found: &'a [Found<'a>], rows: usize) -> Self {
        match found {
            [one] => Self::One(one),
            detectors => Self::Several { rows, detectors },
        }
    }
}

/// What a detector has found.
#[derive(Clone, Serialize)]
pub(in crate::commands) struct Found<'a> {
    detector: DetectorName,
    /// Not where it stands beside other detectors.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<usize>,
    flagged: Vec<Flagged<'a>>,
    threshold: f64,
    /// Those with NaN or infinite entries, or such a loss.
    non_finite: Vec<usize>,
    /// Those that are finite and too large for `f32`, or for the score.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    out_of_range: Vec<usize>,
    /// Of all rows, in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    scores: Option<&'a [f64]>,
}

/// A flagged sample.
#[derive(Clone, Serialize)]
pub(in crate::commands) struct Flagged<'a> {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Label>,
    score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    p: Option<f64>,
}

impl<'a> Found<'a> {
    /// Which samples of a detector are flagged, the most suspicious first.
    ///
    /// # Errors
    /// Scores that a rate cannot be kept of.
    pub(in crate::commands) fn new(
        scored: &Scored,
        choice: Choice,
        rows: &Rows,
        ids: Option<&'a [Label]>,
        is_alone: bool,
    ) -> Result<Self, CommandError> {
        let (detector, Scores { values, beyond }) = (scored.detector, &scored.scores);
        let finite: Vec<f64> = values.iter().copied().filter(|score| score.is_finite()).collect();
        let infinite: Vec<usize> = (0..values.len()).filter(|&row| !values[row].is_finite()).collect();
        let calibration = match choice {
            Choice::FalseAlarms(rate) if !finite.is_empty() => {
                Some(calibrate(&finite, rate, detector, rows)?)
            }
            _ => None,
        };
        let most = match (choice, &calibration) {
            (Choice::FalseAlarms(rate), Some(calibration)) => calibration.threshold(rate),
            (Choice::Contamination(share), _) if !finite.is_empty() => {
                threshold(&finite, share).map_err(CommandError::core(rows.name()))?
            }
            _ => f64::INFINITY,
        };
        let budget = match choice {
            Choice::Top(count) => count.min(values.len()),
            _ => infinite.len() + finite.iter().filter(|&&score| score > most).count(),
        };
        // Within what there is, so nothing is refused.
        let mut order = measures::flagged(values, values.len()).unwrap_or_default();
        let threshold = match choice {
            // The largest score that is not flagged.
            Choice::Top(_) => order.get(budget).map_or(f64::NEG_INFINITY, |&row| values[row]),
            _ => most,
        };
        order.truncate(budget);
        let p = |score: f64| calibration.map(|of| if score.is_finite() { of.p_value(score) } else { 0.0 });
        let flagged = order.into_iter().map(|index| Flagged {
            index,
            id: ids.map(|ids| &ids[index]),
            score: values[index],
            p: p(values[index]),
        });
        let flagged = flagged.collect();
        let is_beyond = |row: &usize| rows.is_out_of_range(*row) || beyond.binary_search(row).is_ok();
        let (out_of_range, non_finite): (Vec<usize>, Vec<usize>) = infinite.into_iter().partition(is_beyond);
        let rows = is_alone.then_some(values.len());
        Ok(Self { detector, rows, flagged, threshold, non_finite, out_of_range, scores: None })
    }

    /// The same, with the scores of all rows.
    pub(super) fn with_scores(&self, scores: &'a [f64]) -> Self {
        Self { scores: Some(scores), ..self.clone() }
    }

    /// Says which rows are finite and have no score.
    pub(super) fn remark_beyond(&self, rows: &Rows) {
        let beyond = self.out_of_range.iter().copied().filter(|&row| !rows.is_out_of_range(row));
        rows.remark_beyond(&beyond.collect::<Vec<_>>(), self.detector.name(), CONSEQUENCE);
    }

    /// Says by which threshold samples are flagged where nothing was said of it, and how
    /// many another one would flag.
    pub(in crate::commands) fn remark_choice(&self, scored: &Scored, choice: Choice) {
        let Choice::Contamination(share) = choice else { return };
        let (count, least) = (self.flagged.len(), console::significant(self.threshold));
        let name = self.detector.name();
        let other = match Calibration::fit(&scored.scores.values) {
            Some(calibration) => {
                let most = calibration.threshold(SUGGESTED_RATE);
                let above = scored.scores.values.iter().filter(|&&score| score > most).count();
                let most = console::significant(most);
                format!(
                    "--false-alarms {SUGGESTED_RATE} would flag {above}, above {most}, of clean samples about one in a hundred"
                )
            }
            None => "there are too few scores that differ for --false-alarms".to_owned(),
        };
        console::remark(format!(
            "chosen: --contamination {share}, by {name} {count} above {least}, however many are bad; {other}"
        ));
    }

    /// What the detector has flagged, in a line.
    fn line(&self, file: &str, rows: usize, choice: Choice) -> String {
        let (count, name) = (self.flagged.len(), self.detector.name());
        let least = console::significant(self.threshold);
        let file = escaped(&file);
        match choice {
            Choice::Top(_) => format!("{file}: the {count} most suspicious of {rows} samples by {name}"),
            Choice::Contamination(_) => {
                format!("{file}: {count} of {rows} samples flagged by {name} (score above {least})")
            }
            Choice::FalseAlarms(rate) => format!(
                "{file}: {count} of {rows} samples flagged by {name} at a false-alarm rate of {rate}: of clean ones about {:.1} would be (score above {least})",
                rate * rows as f64
            ),
        }
    }
}

/// What clean scores look like.
fn calibrate(
    finite: &[f64],
    rate: f64,
    detector: DetectorName,
    rows: &Rows,
) -> Result<Calibration, CommandError> {
    let refuse = |expected: String, found: String| {
        Err(CommandError::Argument { argument: "--false-alarms", expected, found })
    };
    let (count, file) = (finite.len(), rows.name());
    if count < LEAST {
        let expected = format!("at least {LEAST} rows with a finite score, to calibrate by");
        return refuse(expected, format!("{count} in {file}"));
    }
    let least = 0.1 / count as f64;
    if rate < least {
        return refuse(format!("at least {least:.1e}, a tenth of one in {count} rows"), rate.to_string());
    }
    match Calibration::fit(finite) {
        Some(calibration) => Ok(calibration),
        None => refuse(
            format!("scores of {} that differ in the middle, to calibrate by", detector.name()),
            format!("equal ones of most rows of {file}"),
        ),
    }
}

/// For people.
///
/// # Errors
/// Standard output.
pub(super) fn print(
    file: &str,
    choice: Choice,
    found: &[Found<'_>],
    scored: &[Scored],
    ids: Option<&[Label]>,
) -> Result<(), CommandError> {
    let rows = scored.first().map_or(0, |one| one.scores.values.len());
    for one in found {
        console::print(one.line(file, rows, choice))?;
    }
    let id = |row: usize| ids.map(|ids| escaped(&ids[row].text()));
    let head = |columns: &[&'static str]| {
        let mut header = vec!["sample"];
        header.extend(ids.map(|_| "id"));
        header.extend(columns);
        console::table(&header)
    };
    if let [one] = found {
        if one.flagged.is_empty() {
            return Ok(());
        }
        let has_p = one.flagged.iter().any(|flagged| flagged.p.is_some());
        let mut table = head(if has_p { &["p", "score"] } else { &["score"] });
        for &Flagged { index, score, p, .. } in &one.flagged {
            let numbers = p.into_iter().chain([score]).map(console::significant);
            table.add_row([index.to_string()].into_iter().chain(id(index)).chain(numbers));
        }
        return console::print(table);
    }
    // Those first that most detectors flag, then by how far before others.
    let mut places: Vec<(usize, usize)> = vec![(0, 0); rows];
    for one in found {
        for (place, flagged) in one.flagged.iter().enumerate() {
            let (times, sum) = &mut places[flagged.index];
            (*times, *sum) = (*times + 1, *sum + place);
        }
    }
    let mut flagged: Vec<usize> = (0..rows).filter(|&row| places[row].0 > 0).collect();
    if flagged.is_empty() {
        return Ok(());
    }
    flagged.sort_by_key(|&row| (std::cmp::Reverse(places[row].0), places[row].1, row));
    let marks: Vec<Vec<bool>> = found.iter().map(|one| one.marks(rows)).collect();
    let mut table = head(&found.iter().map(|one| one.detector.name()).collect::<Vec<_>>());
    for row in flagged {
        let scores = scored.iter().zip(&marks).map(|(one, marks)| {
            let mark = if marks[row] { "*" } else { " " };
            format!("{}{mark}", console::significant(one.scores.values[row]))
        });
        table.add_row([row.to_string()].into_iter().chain(id(row)).chain(scores));
    }
    console::print(table)?;
    console::print("* flagged by this detector")
}

impl Found<'_> {
    /// Above which score rows are flagged.
    pub(in crate::commands) const fn threshold(&self) -> f64 {
        self.threshold
    }

    /// Of each row whether it is flagged.
    pub(in crate::commands) fn marks(&self, rows: usize) -> Vec<bool> {
        let mut marks = vec![false; rows];
        self.flagged.iter().for_each(|flagged| marks[flagged.index] = true);
        marks
    }
}
