//! What a report tells of.

use crate::content::Content;

/// A report on samples, which are rows that count from 0.
#[derive(Debug, Default)]
pub struct Report<'a> {
    /// What stands at the top.
    pub title: &'a str,
    /// How the scores came about, a sentence each.
    pub notes: Vec<String>,
    /// What each row is called; none for its number.
    pub ids: Option<&'a [String]>,
    /// Whether the number of a row means something where it has a name, too.
    pub is_numbered: bool,
    /// What each detector says of all rows. The first one decides the order; without any
    /// the page is empty.
    pub scorings: Vec<Scoring<'a>>,
    /// The label of each row.
    pub labels: Option<Classes<'a>>,
    /// What a model says instead, in the numbers of `labels`.
    pub predicted: Option<&'a [u32]>,
    /// The loss of each row; those that are not finite are not shown.
    pub losses: Option<&'a [f64]>,
    /// p-values in the order of a stream.
    pub stream: Option<Stream<'a>>,
    /// What else is told of each row that is shown.
    pub facts: Vec<Fact<'a>>,
    /// The rows that are shown, the most suspicious first.
    pub shown: Vec<Shown>,
    /// Targets, and who helps and harms them.
    pub targets: Vec<Target>,
}

/// What a detector says of all rows.
#[derive(Clone, Debug)]
pub struct Scoring<'a> {
    /// The detector's name.
    pub name: &'a str,
    /// A score for each row: a larger one is more suspicious, and one that is not finite
    /// the most.
    pub scores: &'a [f64],
    /// Of each row whether it is flagged: so many of the first in the order of scores.
    pub flagged: Vec<bool>,
    /// Above which score rows are flagged.
    pub threshold: Option<f64>,
    /// Which share of clean rows has so large a score.
    pub p: Option<Vec<f64>>,
}

/// Labels of rows.
#[derive(Clone, Debug)]
pub struct Classes<'a> {
    /// The class of each row; what has no name is without a label.
    pub of: &'a [u32],
    /// What the classes are called.
    pub names: Vec<String>,
}

/// p-values in the order in which samples came.
#[derive(Clone, Copy, Debug)]
pub struct Stream<'a> {
    /// The p-values; those that are NaN are left out.
    pub p: &'a [f64],
    /// What each is of, as in `row` or `visit`.
    pub of: &'a str,
}

/// A number for each row.
#[derive(Clone, Copy, Debug)]
pub struct Fact<'a> {
    /// What the number is.
    pub name: &'a str,
    /// The number of each row; NaN for none.
    pub values: &'a [f64],
}

/// A row that is shown.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The row.
    pub row: usize,
    /// What there is to see of it.
    pub content: Content,
}

/// A target, and who helps and harms it.
#[derive(Clone, Debug)]
pub struct Target {
    /// What it is called.
    pub name: String,
    /// What there is to see of it.
    pub content: Content,
    /// The rows that help most, the most helpful first.
    pub helpful: Vec<Ranked>,
    /// The rows that harm most, the most harmful first.
    pub harmful: Vec<Ranked>,
}

/// A row of influence.
#[derive(Clone, Debug)]
pub struct Ranked {
    /// The row.
    pub row: usize,
    /// Its influence on the target: positive helps.
    pub influence: f64,
    /// What there is to see of it.
    pub content: Content,
}

/// The `most` rows with the largest scores, the most suspicious first: those whose score
/// is not finite before all others, and of equal ones the first.
///
/// ```
/// assert_eq!(gradsieve_report::worst(&[1.0, f64::INFINITY, 2.0, 2.0], 3), [1, 2, 3]);
/// ```
#[must_use]
pub fn worst(scores: &[f64], most: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    let key = |row: usize| if scores[row].is_finite() { scores[row] } else { f64::INFINITY };
    order.sort_by(|&one, &other| key(other).total_cmp(&key(one)).then(one.cmp(&other)));
    order.truncate(most);
    order
}

impl<'a> Report<'a> {
    /// The detector that decides the order.
    pub(crate) fn first(&self) -> Option<&Scoring<'a>> {
        self.scorings.first()
    }

    /// Rows.
    pub(crate) fn count(&self) -> usize {
        self.first().map_or(0, |first| first.scores.len())
    }

    /// What a row is called.
    pub(crate) fn name(&self, row: usize) -> String {
        self.ids.and_then(|ids| ids.get(row)).cloned().unwrap_or_else(|| row.to_string())
    }

    /// What the class of a row is called, if it has one.
    pub(crate) fn label(&self, row: usize) -> Option<&str> {
        let labels = self.labels.as_ref()?;
        labels.name(*labels.of.get(row)?)
    }

    /// What a model calls a row.
    pub(crate) fn prediction(&self, row: usize) -> Option<&str> {
        self.labels.as_ref()?.name(*self.predicted?.get(row)?)
    }

    /// Whether a model calls a row something else.
    pub(crate) fn differs(&self, row: usize) -> bool {
        matches!((self.label(row), self.prediction(row)), (Some(given), Some(predicted)) if given != predicted)
    }
}

impl Classes<'_> {
    /// What a class is called.
    pub(crate) fn name(&self, class: u32) -> Option<&str> {
        self.names.get(class as usize).map(String::as_str)
    }
}

impl Scoring<'_> {
    /// How many rows are flagged.
    pub(crate) fn flags(&self) -> usize {
        self.flagged.iter().filter(|&&flagged| flagged).count()
    }
}
