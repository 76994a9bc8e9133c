//! `gradsieve outliers`: gradients → an anomaly score a sample, and the samples that lie
//! above the contamination quantile.
//!
//! | file | what |
//! |---|---|
//! | `arguments` | what the command line says |
//! | `plan` | the same, checked |

mod arguments;
mod plan;

use std::collections::BTreeMap;

pub use arguments::{DetectorName, OutliersArguments};
use plan::Plan;

use gradsieve::outlier::{
    Detector, Direction, DirectionSettings, Forest, ForestSettings, L1, L2, Mahalanobis, MahalanobisSettings,
    Node, SelfInfluence, SelfInfluenceSettings, threshold,
};
use gradsieve::{Error, Sketch};
use serde::Serialize;

use super::escaped::escaped;
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
    non_finite: Vec<usize>,
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
        Rows::open_measures(&plan.grads)?
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
    let writer = output.map(create).transpose()?;

    let scores = scores(&plan, &mut rows, groups)?;
    if let Some(mut writer) = writer {
        writer.write_f64(&scores)?;
        writer.finish()?;
    }
    let report = report(detector, &scores, plan.contamination).map_err(CommandError::core(&name))?;
    console::remark_non_finite(&name, &report.non_finite, "flagged as outliers, with an infinite score");
    if plan.json {
        console::print_json(&report)
    } else if output != Some(&Destination::Stdout) {
        print(&name, &report)
    } else {
        Ok(())
    }
}

/// A score for each row; infinite if the gradient is not finite.
fn scores(plan: &Plan, rows: &mut Rows, groups: Option<Groups>) -> Result<Vec<f64>, CommandError> {
    let (width, name) = (rows.width(), rows.name().to_owned());
    match plan.detector {
        DetectorName::L1 => score_all(&L1, rows, None),
        DetectorName::L2 => score_all(&L2, rows, None),
        DetectorName::Forest => forest(rows, plan.projection.seed),
        DetectorName::Mahalanobis => {
            let settings = MahalanobisSettings::new(width);
            let detector = Mahalanobis::new(settings, zeros(&name, settings.memory().f32s)?);
            let mut detector = detector.map_err(CommandError::core(&name))?;
            observe_and_score(&mut detector, rows, None, "the Mahalanobis distance")
        }
        DetectorName::SelfInfluence => {
            let settings = SelfInfluenceSettings::new(width);
            let detector = SelfInfluence::new(settings, zeros(&name, settings.memory().f32s)?);
            let mut detector = detector.map_err(CommandError::core(&name))?;
            observe_and_score(&mut detector, rows, None, "self-influence")
        }
        DetectorName::Direction => {
            let count = groups.as_ref().map_or(1, |groups| groups.labels().len() as u32);
            let settings = DirectionSettings { groups: count, width };
            let detector = Direction::new(settings, zeros(&name, settings.memory().f32s)?);
            let mut detector = detector.map_err(CommandError::core(&name))?;
            observe_and_score(&mut detector, rows, groups.as_ref(), "direction")
        }
    }
}

/// The sketch of row `row` with its group.
fn in_group<'m>(sketch: &Sketch<'m>, row: usize, groups: Option<&Groups>) -> Sketch<'m> {
    let group = groups.and_then(|groups| groups.of().get(row)).copied().unwrap_or(0);
    sketch.in_group(group)
}

/// The score of every row, once all finite ones were observed. `what` is the score's
/// name.
fn observe_and_score<D: Detector>(
    detector: &mut D,
    rows: &mut Rows,
    groups: Option<&Groups>,
    what: &'static str,
) -> Result<Vec<f64>, CommandError> {
    rows.prepare_passes()?;
    rows.observe("observing", |row, sketch| detector.observe(&in_group(sketch, row, groups)))?;
    let not_fitted = |error| CommandError::NotFitted { file: rows.name().to_owned(), what, error };
    detector.fit().map_err(not_fitted)?;
    score_all(detector, rows, groups)
}

/// The score of every row.
fn score_all(
    detector: &dyn Detector,
    rows: &mut Rows,
    groups: Option<&Groups>,
) -> Result<Vec<f64>, CommandError> {
    let name = rows.name().to_owned();
    let mut scores = reserved(&name, rows.count())?;
    let mut scratch = zeros(&name, detector.scratch())?;
    rows.pass("scoring", |row, sketch| {
        scores.push(match detector.score(&in_group(sketch, row, groups), &mut scratch) {
            // A norm may overflow though no entry does.
            Ok(score) if score.is_finite() => score,
            Ok(_) | Err(Error::NonFinite) => f64::INFINITY,
            Err(error) => return Err(CommandError::core(&name)(error)),
        });
        Ok(())
    })?;
    Ok(scores)
}

/// A forest is grown on all sketches at once, so they are held in memory.
fn forest(rows: &mut Rows, seed: u64) -> Result<Vec<f64>, CommandError> {
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
        finite.push(sketch.check_finite().is_ok());
        if sketch.check_finite().is_ok() {
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
    let mut score = |finite: bool| match finite.then(|| sketches.next()).flatten() {
        Some(sketch) => forest.score_row(sketch).map_err(CommandError::core(&name)),
        None => Ok(f64::INFINITY),
    };
    finite.into_iter().map(&mut score).collect()
}

/// Which samples are flagged, the most suspicious first.
fn report(detector: DetectorName, scores: &[f64], contamination: f64) -> Result<Report, Error> {
    let finite: Vec<f64> = scores.iter().copied().filter(|score| score.is_finite()).collect();
    let threshold = if finite.is_empty() { f64::INFINITY } else { threshold(&finite, contamination)? };
    let non_finite: Vec<usize> = (0..scores.len()).filter(|&i| !scores[i].is_finite()).collect();
    let budget = non_finite.len() + finite.iter().filter(|&&score| score > threshold).count();
    // Within what there is, so nothing is refused.
    let flagged = measures::flagged(scores, budget).unwrap_or_default();
    let flagged = flagged.into_iter().map(|index| Flagged { index, score: scores[index] }).collect();
    Ok(Report { detector, rows: scores.len(), flagged, threshold, non_finite })
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
