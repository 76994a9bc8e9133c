//! `gradsieve outliers`: gradients → an anomaly score a sample, and the samples that lie
//! above the contamination quantile.
//!
//! | file | what |
//! |---|---|
//! | `arguments` | what the command line says |
//! | `plan` | the same, checked |
//! | `members` | samples in their groups, those apart that are alone in theirs |

mod arguments;
mod members;
mod plan;

use std::collections::BTreeMap;

pub use arguments::{DetectorName, OutliersArguments};
use members::Members;
use plan::Plan;

use gradsieve::outlier::{
    Detector, Direction, DirectionSettings, Forest, ForestSettings, L1, L2, Mahalanobis, MahalanobisSettings,
    Node, SelfInfluence, SelfInfluenceSettings, threshold,
};
use gradsieve::{Error, Key};
use serde::Serialize;

use super::escaped::escaped;
use super::paths::remark_output;
use super::rows::{EXACT_COLUMNS, Rows, check_matrix_width, reserved, zeros};
use super::{CommandError, console};
use gradsieve_harness::measures;
use gradsieve_io::files::{ArrayWriter, Destination, Dtype, Groups, read_groups};

pub(super) const LONG_ABOUT: &str = "\
Score samples by how anomalous their gradients are, and flag the worst.

Harmful samples (mislabelled, corrupted, poisoned) are outliers among the gradients at the end of training; no validation data is \
needed. Prints the flagged samples, the most suspicious first, as indices of rows that count from 0.

A larger score is more anomalous; scores of different detectors cannot be compared. Flagged is what lies above \
the threshold: the quantile of the finite scores that leaves the share --contamination above it. Samples with NaN \
or infinite gradients are flagged too, whatever the detector; their score is infinite.

l1 and l2 are exact and need no sketch. The others look at sketches of --dim numbers; without --dim \
at the gradients themselves, up to 4096 columns. The matrix may be a file of sketches that \
gradsieve sketch wrote. Unless their sketches fit in 256 MiB, direction, mahalanobis and self-influence read the file twice.";

/// The most bytes of sketches that a forest is grown on.
const FOREST_BYTES: usize = 1 << 30;

/// What is printed as JSON.
#[derive(Debug, Serialize)]
struct Report {
    detector: DetectorName,
    rows: usize,
    flagged: Vec<Flagged>,
    threshold: f64,
    /// Those with NaN or infinite entries.
    non_finite: Vec<usize>,
    /// Those that are finite and too large for `f32`, or for the score.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    out_of_range: Vec<usize>,
}

/// A flagged sample.
#[derive(Debug, Serialize)]
struct Flagged {
    index: usize,
    score: f64,
}

/// Runs the command.
pub(super) fn run(arguments: OutliersArguments) -> Result<(), CommandError> {
    let plan = Plan::new(arguments)?;
    let detector = plan.detector;
    let mut rows = if detector.needs_no_sketch() {
        Rows::open_measures(&plan.grads, plan.projection.holds)?
    } else {
        Rows::open(&plan.grads, &plan.projection)?
    };
    let name = rows.name().to_owned();
    if detector.takes_second_moments() {
        check_matrix_width(&rows, detector.name())?;
    } else if plan.projection.dim.is_none() && rows.width() > EXACT_COLUMNS {
        let (what, columns) = (detector.name(), rows.width());
        return Err(CommandError::TooWide { file: name, what, limit: EXACT_COLUMNS, columns });
    }
    let groups = plan.groups.as_ref().map(|source| read_groups(source, rows.name(), rows.count()));
    let groups = groups.transpose()?;
    let output = plan.output.as_ref();
    let about = BTreeMap::from([("gradsieve.detector".to_owned(), detector.name().to_owned())]);
    let create = |to| ArrayWriter::create_named(to, "scores", &[rows.count()], Dtype::F64, &about);
    output.into_iter().for_each(remark_output);
    let writer = output.map(create).transpose()?;

    let scores = scores(&plan, &mut rows, groups)?;
    if let Some(mut writer) = writer {
        writer.write_f64(&scores.values)?;
        writer.finish()?;
    }
    let report = report(&plan, &scores, &rows).map_err(CommandError::core(&name))?;
    remark(&rows, &report);
    if plan.json {
        console::print_json(&report)
    } else if output != Some(&Destination::Stdout) {
        print(&name, &report)
    } else {
        Ok(())
    }
}

/// A score for each row.
#[derive(Default)]
struct Scores {
    /// Infinite if the gradient is not finite.
    values: Vec<f64>,
    /// Rows whose gradient is finite though their score is not.
    beyond: Vec<usize>,
}

impl Scores {
    /// Adds the next row's; none if it could not be computed of a gradient that is not
    /// finite, or too large.
    fn push(&mut self, score: Option<f64>, is_finite: bool) {
        let score = score.filter(|score| score.is_finite());
        if score.is_none() && is_finite {
            self.beyond.push(self.values.len());
        }
        self.values.push(score.unwrap_or(f64::INFINITY));
    }
}

/// A score for each row.
fn scores(plan: &Plan, rows: &mut Rows, groups: Option<Groups>) -> Result<Scores, CommandError> {
    let (width, name) = (rows.width(), rows.name().to_owned());
    match plan.detector {
        DetectorName::L1 => score_all(&L1, rows, &Members::of(None)),
        DetectorName::L2 => score_all(&L2, rows, &Members::of(None)),
        DetectorName::Forest => forest(rows, draws(plan.projection.drawn_by())),
        DetectorName::Mahalanobis => {
            let settings = MahalanobisSettings { clip: plan.clip, ..MahalanobisSettings::new(width) };
            let detector = Mahalanobis::new(settings, zeros(&name, settings.memory().f64s)?);
            let mut detector = detector.map_err(CommandError::core(&name))?;
            observe_and_score(&mut detector, rows, Members::of(None), "the Mahalanobis distance")
        }
        DetectorName::SelfInfluence => {
            let settings = SelfInfluenceSettings { clip: plan.clip, ..SelfInfluenceSettings::new(width) };
            let detector = SelfInfluence::new(settings, zeros(&name, settings.memory().f64s)?);
            let mut detector = detector.map_err(CommandError::core(&name))?;
            observe_and_score(&mut detector, rows, Members::of(None), "self-influence")
        }
        DetectorName::Direction => {
            let count = groups.as_ref().map_or(1, |groups| groups.labels().len() as u32);
            let settings = DirectionSettings { clip: plan.clip, ..DirectionSettings::new(count, width) };
            let detector = Direction::new(settings, zeros(&name, settings.memory().i64s)?);
            let mut detector = detector.map_err(CommandError::core(&name))?;
            observe_and_score(&mut detector, rows, Members::with_lone(groups.as_ref(), width), "direction")
        }
    }
}

/// The score of every row, once all finite ones were observed. `what` is the score's
/// name.
fn observe_and_score<D: Detector>(
    detector: &mut D,
    rows: &mut Rows,
    mut members: Members<'_>,
    what: &'static str,
) -> Result<Scores, CommandError> {
    rows.prepare_passes()?;
    rows.observe("observing", |row, sketch| {
        detector.observe(&members.place(row, sketch))?;
        members.count(row, sketch);
        Ok(())
    })?;
    let not_fitted = |error| CommandError::NotFitted { file: rows.name().to_owned(), what, error };
    detector.fit().map_err(not_fitted)?;
    members.fit();
    score_all(detector, rows, &members)
}

/// The score of every row.
fn score_all(
    detector: &dyn Detector,
    rows: &mut Rows,
    members: &Members<'_>,
) -> Result<Scores, CommandError> {
    let name = rows.name().to_owned();
    let mut scores = Scores { values: reserved(&name, rows.count())?, beyond: Vec::new() };
    let mut scratch = zeros(&name, detector.scratch())?;
    rows.pass("scoring", |row, sketch| {
        let score = match detector.score(&members.place(row, sketch), &mut scratch) {
            Ok(score) => Some(score),
            Err(Error::NonFinite) => None,
            Err(error) => return Err(CommandError::core(&name)(error)),
        };
        scores.push(score, sketch.measures.non_finite == 0);
        Ok(())
    })?;
    Ok(scores)
}

/// The seed of a forest's draws: the projection's, or what its secret key makes of the
/// name, as the forest's state carries its seed.
fn draws(key: Key) -> u64 {
    key.public().unwrap_or_else(|| key.stream(u64::from_be_bytes(*b"FOREST\0\0")).word(0))
}

/// A forest is grown on all sketches at once, so they are held in memory.
fn forest(rows: &mut Rows, seed: u64) -> Result<Scores, CommandError> {
    let (width, count, name) = (rows.width(), rows.count(), rows.name().to_owned());
    let bytes = count as u128 * width as u128 * size_of::<f32>() as u128;
    if bytes > FOREST_BYTES as u128 {
        let what = format!(
            "{count} sketches of {width} numbers, of which a forest takes 1 GiB; a smaller --dim needs less"
        );
        return Err(CommandError::Memory { file: name, what, bytes });
    }
    let mut values = Vec::new();
    let mut finite = reserved(&name, count)?;
    rows.pass("sketching", |_, sketch| {
        let is_finite = sketch.check_finite().is_ok();
        finite.push((is_finite, sketch.measures.non_finite == 0));
        if is_finite {
            values.extend_from_slice(sketch.values);
        }
        Ok(())
    })?;
    if values.is_empty() {
        return Err(CommandError::NothingFinite { file: name, rows: count });
    }
    let settings = ForestSettings { seed, ..ForestSettings::new(0, width) };
    let memory = settings.memory();
    let forest = Forest::new(settings, vec![Node::EMPTY; memory.others], vec![0.0; memory.f32s]);
    let mut forest = forest.map_err(CommandError::core(&name))?;
    forest.grow(rows.id(), &values).map_err(CommandError::core(&name))?;
    let mut sketches = values.chunks_exact(width);
    let mut scores = Scores { values: reserved(&name, count)?, beyond: Vec::new() };
    for (is_finite, is_finite_gradient) in finite {
        let sketch = is_finite.then(|| sketches.next()).flatten();
        let score = sketch.map(|sketch| forest.score_row(sketch)).transpose();
        scores.push(score.map_err(CommandError::core(&name))?, is_finite_gradient);
    }
    Ok(scores)
}

/// Which samples are flagged, the most suspicious first.
fn report(plan: &Plan, scores: &Scores, rows: &Rows) -> Result<Report, Error> {
    let Scores { values, beyond } = scores;
    let finite: Vec<f64> = values.iter().copied().filter(|score| score.is_finite()).collect();
    let threshold = if finite.is_empty() { f64::INFINITY } else { threshold(&finite, plan.contamination)? };
    let infinite = (0..values.len()).filter(|&row| !values[row].is_finite());
    let is_beyond = |row: &usize| rows.is_out_of_range(*row) || beyond.binary_search(row).is_ok();
    let (out_of_range, non_finite): (Vec<usize>, Vec<usize>) = infinite.partition(is_beyond);
    let budget =
        non_finite.len() + out_of_range.len() + finite.iter().filter(|&&score| score > threshold).count();
    // Within what there is, so nothing is refused.
    let flagged = measures::flagged(values, budget).unwrap_or_default();
    let flagged = flagged.into_iter().map(|index| Flagged { index, score: values[index] }).collect();
    Ok(Report { detector: plan.detector, rows: values.len(), flagged, threshold, non_finite, out_of_range })
}

/// Says which rows have an infinite score, and why.
fn remark(rows: &Rows, report: &Report) {
    const CONSEQUENCE: &str = "flagged as outliers, with an infinite score";
    let (in_file, beyond): (Vec<usize>, Vec<usize>) =
        report.out_of_range.iter().partition(|&&row| rows.is_out_of_range(row));
    rows.remark_non_finite(&[&report.non_finite[..], &in_file].concat(), CONSEQUENCE);
    rows.remark_beyond(&beyond, report.detector.name(), CONSEQUENCE);
}

/// For people.
fn print(file: &str, report: &Report) -> Result<(), CommandError> {
    console::print(format!(
        "{}: {} of {} samples flagged by {} (score above {})",
        escaped(&file),
        report.flagged.len(),
        report.rows,
        report.detector.name(),
        console::significant(report.threshold)
    ))?;
    if report.flagged.is_empty() {
        return Ok(());
    }
    let mut table = console::table(&["sample", "score"]);
    for flagged in &report.flagged {
        table.add_row([flagged.index.to_string(), console::significant(flagged.score)]);
    }
    console::print(table)
}
