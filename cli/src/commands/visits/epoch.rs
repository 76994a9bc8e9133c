//! The scores of an epoch: a row a visit.

use crate::commands::rows::reserved;
use crate::commands::{CommandError, console};
use gradsieve::Error;
use gradsieve_io::files::{Dtype, FileError, Matrix, Piece, Source, read_sample_ids};
use gradsieve_io::visits::{Block, KeptName, VisitsFormat};

/// Columns of what `gradsieve sieve` writes: p, score, flagged.
const VERDICT: usize = 3;

/// A file of scores, and of the samples that they are of.
pub(super) struct Epoch {
    pub(super) scores: Source,
    pub(super) ids: Option<Source>,
}

/// What became of an epoch's rows, or of several epochs'.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) observed: u64,
    pub(super) skipped: u64,
}

impl Epoch {
    /// Checks the shape and the samples, and tells rows, and one more than the highest
    /// sample. All samples are below `limit`.
    ///
    /// # Errors
    /// A file that is no column of scores; a sample beyond `limit`.
    pub(super) fn check(&self, limit: Option<u64>) -> Result<(u64, u64), CommandError> {
        let scores = self.open()?;
        let ids = self.read_ids(&scores)?;
        let rows = scores.rows() as u64;
        let most = ids.as_ref().map_or(rows, |ids| ids.iter().max().map_or(0, |&id| id.saturating_add(1)));
        match limit.filter(|&limit| most > limit) {
            None => Ok((rows, most)),
            Some(limit) => Err(self.refuse(
                format!("samples below {limit}, as --samples or --state says"),
                format!("sample {}", most - 1),
            )),
        }
    }

    /// Has a block observe the visits to its samples.
    ///
    /// # Errors
    /// Scores that are not finite, unless they are to be skipped, or that leave the
    /// format; the disk.
    pub(super) fn observe(
        &self,
        block: &mut Block,
        format: &VisitsFormat,
        skips: bool,
        tally: &mut Tally,
    ) -> Result<(), CommandError> {
        let (mut scores, own) = (self.open()?, block.ids());
        let ids = self.read_ids(&scores)?;
        let is_rank = format.kept == KeptName::MeanRank;
        let is_verdict = scores.cols() == VERDICT;
        let column = usize::from(is_verdict && !is_rank);
        let sorted = (is_rank && !is_verdict).then(|| self.sorted(&mut scores, column)).transpose()?;
        scores.for_each_piece(|row, _, piece| {
            let id = ids.as_ref().map_or(row as u64, |ids| ids[row]);
            if !own.contains(&id) {
                return Ok(());
            }
            let score = value(piece, column);
            if !is_score(score, is_verdict) {
                tally.skipped += 1;
                return if skips { Ok(()) } else { Err(self.non_finite(row, score)) };
            }
            let said = sorted.as_ref().map_or(score, |sorted| share_above(sorted, score));
            tally.observed += 1;
            block.observe(id, said).map_err(|error| self.explain(error, row, score, format))
        })
    }

    /// All scores that are finite, in rising order.
    fn sorted(&self, scores: &mut Matrix, column: usize) -> Result<Vec<f64>, CommandError> {
        let mut sorted = reserved(scores.name(), scores.rows())?;
        scores.for_each_piece(|_, _, piece| {
            // What is not finite has its own refusal.
            sorted.extend(Some(value(piece, column)).filter(|score| score.is_finite()));
            Ok::<(), CommandError>(())
        })?;
        sorted.sort_unstable_by(f64::total_cmp);
        Ok(sorted)
    }

    fn open(&self) -> Result<Matrix, CommandError> {
        let scores = Matrix::open_column(&self.scores)?;
        match scores.cols() {
            1 | VERDICT => Ok(scores),
            found => Err(self.refuse(
                "a score for each sample, or the three columns that gradsieve sieve writes".to_owned(),
                format!("{found} columns"),
            )),
        }
    }

    fn read_ids(&self, scores: &Matrix) -> Result<Option<Vec<u64>>, CommandError> {
        let read = |ids| read_sample_ids(ids, scores.name(), scores.rows());
        Ok(self.ids.as_ref().map(read).transpose()?)
    }

    fn non_finite(&self, row: usize, score: f64) -> CommandError {
        self.refuse(
            "finite scores (--skip-non-finite leaves out the others)".to_owned(),
            format!("{} in row {row}", console::significant(score)),
        )
    }

    /// What the core refused, for the person at the shell.
    fn explain(&self, error: Error, row: usize, score: f64, format: &VisitsFormat) -> CommandError {
        let found = format!("{} in row {row}", console::significant(score));
        match (error, format.number) {
            (Error::Range { .. }, Dtype::F16) => {
                self.refuse("scores up to 65504, or --number f32".to_owned(), found)
            }
            (Error::Range { .. }, _) => self.refuse("scores within the range of f32".to_owned(), found),
            (Error::Setting { .. }, _) => self.refuse("p between 0 and 1".to_owned(), found),
            (Error::Full { capacity }, _) => self
                .refuse(format!("at most {capacity} visits to a sample"), format!("one more in row {row}")),
            (error, _) => CommandError::core(&format!("{}: row {row}", self.scores))(error),
        }
    }

    fn refuse(&self, expected: String, found: String) -> CommandError {
        FileError::Step { file: self.scores.to_string(), expected, found }.into()
    }
}

/// The share of sorted scores that are larger, half of the ties with it.
fn share_above(sorted: &[f64], score: f64) -> f64 {
    let below = sorted.partition_point(|&other| other < score);
    let up_to = sorted.partition_point(|&other| other <= score);
    let above = (sorted.len() - up_to) as f64 + (up_to - below) as f64 / 2.0;
    above / sorted.len() as f64
}

/// Whether a number is a score. Of a verdict on what is not finite it is the largest of
/// `f32`.
fn is_score(score: f64, is_verdict: bool) -> bool {
    score.is_finite() && !(is_verdict && score == f64::from(f32::MAX))
}

/// A value of a row.
fn value(row: Piece<'_>, column: usize) -> f64 {
    match row {
        Piece::F16(values) => values[column].to_f64(),
        Piece::Bf16(values) => values[column].to_f64(),
        Piece::F32(values) => values[column].into(),
        Piece::F64(values) => values[column],
    }
}
