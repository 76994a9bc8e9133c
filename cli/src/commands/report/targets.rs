//! Who helps and who harms the targets that are shown.

use std::collections::BTreeSet;

use super::contents::{contents, of};
use super::plan::{Aim, How};
use super::wanted::Wanted;
use crate::commands::given::Given;
use crate::commands::influence::{
    InfluenceArguments, InfluenceDtype, RankedSample, RankedTarget, best, has_matrix,
};
use crate::commands::inputs::refuse;
use crate::commands::outliers::Search;
use crate::commands::rows::Rows;
use crate::commands::{CommandError, InfluenceMethod, console};
use gradsieve::store::{Entry, TopK, TopKSettings};
use gradsieve_io::files::{Matrix, check_rows};
use gradsieve_report::{Content, Target};

/// Targets that are shown if nothing is said.
const FIRST: usize = 6;

/// The targets that are shown, who helps and harms each, and what the targets look like.
pub(super) struct Aimed {
    found: Vec<RankedTarget>,
    contents: Vec<Content>,
    /// How influence was measured, for the page.
    pub(super) note: String,
}

impl Aimed {
    /// Computes or reads the influence of the rows on the targets.
    ///
    /// # Errors
    /// Files that cannot be read, or that do not fit; targets that are not there.
    pub(super) fn new(aim: &Aim, search: &Search, rows: &Rows) -> Result<Self, CommandError> {
        let (found, count, of, note) = match &aim.how {
            How::Method(target, method) => {
                let named = method.filter(|&method| method != InfluenceMethod::Auto);
                let method = named.unwrap_or_else(|| suited(rows));
                let is_of_rows = !method.takes_checkpoints() && !method.is_along_a_run();
                if !is_of_rows || matches!(method, InfluenceMethod::Gif | InfluenceMethod::EkFac) {
                    let expected = "dot, cosine, ridge, datainf, lissa, cg or arnoldi; of other methods --influence takes what gradsieve influence wrote";
                    return refuse("--method", expected, method.name());
                }
                let width =
                    if rows.is_projected() { Some(rows.width()) } else { search.projection(None).dim };
                let found = best(InfluenceArguments {
                    given: Given::default(),
                    train: vec![search.grads().clone()],
                    trajectory: None,
                    principal: None,
                    eigen: None,
                    target: vec![target.clone()],
                    factors: Vec::new(),
                    samples: None,
                    lr: Vec::new(),
                    one_minus_p: Vec::new(),
                    subtasks: None,
                    ids: None,
                    target_ids: None,
                    method,
                    damping: None,
                    lambda: None,
                    keep: None,
                    coordinates: Vec::new(),
                    layers: Vec::new(),
                    passes: None,
                    tolerance: None,
                    step: None,
                    accept_inexact: false,
                    projection: search.projection(width),
                    output: None,
                    dtype: InfluenceDtype::F32,
                    top: Some(aim.beside),
                    json: false,
                })?;
                let count = found.len();
                (found, count, target.to_string(), format!("Influence by {}.", method.name()))
            }
            How::File(source) => {
                let mut matrix = Matrix::open(source)?;
                check_rows(rows.name(), rows.count(), &source.to_string(), matrix.rows())?;
                let count = matrix.cols();
                let found = of_matrix(&mut matrix, &chosen(aim, count, &source.to_string())?, aim.beside)?;
                let about = matrix
                    .metadata()
                    .get("gradsieve.method")
                    .map_or(String::new(), |method| format!(" by {method}"));
                (found, count, source.to_string(), format!("Influence{about}, of {source}."))
            }
        };
        let targets = chosen(aim, count, &of)?;
        let mut found = found;
        let mut shown = Vec::new();
        for &target in &targets {
            let place = found.iter().position(|one| one.index == target);
            shown.extend(place.map(|place| found.swap_remove(place)));
        }
        let wanted = Wanted { rows: &targets.iter().copied().collect(), count, of: &of, ids: None };
        let seen = contents(&aim.see, &wanted)?;
        let contents = shown.iter().map(|target| self::of(&seen, target.index)).collect();
        Ok(Self { found: shown, contents, note })
    }

    /// The rows that are shown beside targets.
    pub(super) fn rows(&self) -> impl Iterator<Item = usize> + '_ {
        let all = self.found.iter().flat_map(|target| target.proponents.iter().chain(&target.opponents));
        all.map(|sample| sample.index)
    }

    /// For the page, with what there is to see of the rows.
    pub(super) fn targets(self, content: impl Fn(usize) -> Content) -> Vec<Target> {
        let ranked = |samples: Vec<RankedSample>| {
            let one = |RankedSample { index: row, influence }| gradsieve_report::Ranked {
                row,
                influence,
                content: content(row),
            };
            samples.into_iter().map(one).collect()
        };
        let pairs = self.found.into_iter().zip(self.contents);
        pairs
            .map(|(RankedTarget { index, proponents, opponents }, content)| Target {
                name: index.to_string(),
                content,
                helpful: ranked(proponents),
                harmful: ranked(opponents),
            })
            .collect()
    }
}

/// The method that suits, which is said.
fn suited(rows: &Rows) -> InfluenceMethod {
    let (method, why) = if has_matrix(rows.count(), rows.width()) {
        (InfluenceMethod::Ridge, "the curvature of the final gradients says most about the loss of a target")
    } else {
        (InfluenceMethod::Dot, "ridge takes a matrix of the square of so many rows or columns")
    };
    console::remark(format!("chosen: --method {}: {why}", method.name()));
    method
}

/// The numbers of the targets that are shown, of `count` in `file`.
fn chosen(aim: &Aim, count: usize, file: &str) -> Result<Vec<usize>, CommandError> {
    if aim.targets.is_empty() {
        return Ok((0..count.min(FIRST)).collect());
    }
    if let Some(target) = aim.targets.iter().find(|&&target| target >= count) {
        return refuse(
            "--targets",
            format!("numbers below {count}, the targets of {file}"),
            target.to_string(),
        );
    }
    let mut seen = BTreeSet::new();
    Ok(aim.targets.iter().copied().filter(|&target| seen.insert(target)).collect())
}

/// Who helps and harms each of the targets in the columns of a matrix.
fn of_matrix(matrix: &mut Matrix, targets: &[usize], most: usize) -> Result<Vec<RankedTarget>, CommandError> {
    let name = matrix.name().to_owned();
    let core = |error| CommandError::core(&name)(error);
    let mut best = Vec::new();
    for _ in targets {
        let new = || TopK::new(TopKSettings { k: most }, vec![Entry::default(); most]).map_err(core);
        best.push([new()?, new()?]);
    }
    let mut values = Vec::new();
    matrix.for_each_piece(|row, column, piece| {
        values.resize(piece.len(), 0.0);
        piece.copy_to_f32(&mut values);
        for (&target, [helpful, harmful]) in targets.iter().zip(&mut best) {
            let Some(&value) = target.checked_sub(column).and_then(|place| values.get(place)) else {
                continue;
            };
            let (id, score) = (row as u64, f64::from(value));
            // NaN is neither above nor below zero.
            if score > 0.0 {
                helpful.push(Entry { id, score }).map_err(core)?;
            } else if score < 0.0 {
                harmful.push(Entry { id, score: -score }).map_err(core)?;
            }
        }
        Ok::<(), CommandError>(())
    })?;
    let sorted = |top: &mut TopK<Vec<Entry>>, sign: f64| {
        let sample = |entry: &Entry| RankedSample { index: entry.id as usize, influence: sign * entry.score };
        top.sorted().map(sample).collect()
    };
    let ranked = |(&index, [helpful, harmful]): (&usize, &mut [TopK<Vec<Entry>>; 2])| RankedTarget {
        index,
        proponents: sorted(helpful, 1.0),
        opponents: sorted(harmful, -1.0),
    };
    Ok(targets.iter().zip(&mut best).map(ranked).collect())
}
