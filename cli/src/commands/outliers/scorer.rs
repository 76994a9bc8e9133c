//! Detectors at work on the rows of a file: all see each row in one pass, and those that
//! have to learn first in another.

use gradsieve::outlier::{
    Detector, Direction, DirectionSettings, Forest, ForestSettings, L1, L2, Mahalanobis, MahalanobisSettings,
    Node, SelfInfluence, SelfInfluenceSettings,
};
use gradsieve::statistics::{Grid, Scale};
use gradsieve::{Error, Key, Sketch};

use super::arguments::DetectorName;
use super::members::Members;
use super::plan::Search;
use crate::commands::CommandError;
use crate::commands::rows::{Rows, reserved, zeros};
use gradsieve_io::files::Groups;

/// The most bytes of sketches that a forest is grown on.
const FOREST_BYTES: usize = 1 << 30;

/// In which cells losses are counted: sixteen an octave.
const LOSSES: Grid = Grid { fineness: 4, fine: (-40, 16), coarse: 16, end: 128 };

/// A score for each row.
#[derive(Default)]
pub(in crate::commands) struct Scores {
    /// Infinite if the gradient is not finite, or the loss where it is looked at.
    pub(in crate::commands) values: Vec<f64>,
    /// Rows whose gradient is finite though their score is not.
    pub(super) beyond: Vec<usize>,
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

/// What a detector says of all rows.
pub(in crate::commands) struct Scored {
    pub(in crate::commands) detector: DetectorName,
    pub(in crate::commands) scores: Scores,
}

/// The losses of the rows.
pub(in crate::commands) struct Losses {
    values: Vec<f64>,
    scale: Box<Scale<{ LOSSES.cells() }>>,
}

impl Losses {
    pub(super) fn new(values: Vec<f64>) -> Result<Self, Error> {
        let mut scale = Box::new(Scale::new(&LOSSES)?);
        values.iter().filter(|loss| loss.is_finite()).for_each(|&loss| scale.observe(loss, 1));
        Ok(Self { values, scale })
    }

    /// The loss of each row.
    pub(in crate::commands) fn values(&self) -> &[f64] {
        &self.values
    }

    fn finite(&self, row: usize) -> Option<f64> {
        self.values.get(row).copied().filter(|loss| loss.is_finite())
    }

    /// How many robust scales the logarithm of a loss lies above the median.
    fn standardised(&self, loss: f64) -> f64 {
        f64::from(self.scale.standardise(loss))
    }
}

/// A detector, and what it has found.
pub(super) struct Scorer<'a> {
    pub(super) detector: DetectorName,
    pub(super) scores: Scores,
    scratch: Vec<f32>,
    work: Work<'a>,
}

enum Work<'a> {
    /// Scores each row as it comes.
    Norm(&'static dyn Detector),
    Loss(&'a Losses),
    /// Observes all rows, then scores them.
    Learner {
        detector: Box<dyn Detector>,
        members: Members<'a>,
        losses: Option<&'a Losses>,
        seen: bool,
    },
    /// Keeps all sketches, and scores them at the end.
    Forest {
        seed: u64,
        values: Vec<f32>,
        finite: Vec<(bool, bool)>,
    },
}

impl<'a> Scorer<'a> {
    /// A detector that has seen no row.
    ///
    /// # Errors
    /// Too little memory.
    pub(super) fn new(
        detector: DetectorName,
        search: &Search,
        rows: &Rows,
        groups: Option<&'a Groups>,
        losses: Option<&'a Losses>,
    ) -> Result<Self, CommandError> {
        let (width, count, name) = (rows.width(), rows.count(), rows.name());
        let core = |error| CommandError::core(name)(error);
        let learner = |detector, members, losses| Work::Learner { detector, members, losses, seen: false };
        let work = match detector {
            DetectorName::L1 => Work::Norm(&L1),
            DetectorName::L2 => Work::Norm(&L2),
            DetectorName::Loss => match losses {
                Some(losses) => Work::Loss(losses),
                None => return Err(super::plan::no_losses()),
            },
            DetectorName::Forest => {
                check_forest(rows)?;
                let finite = reserved(name, count)?;
                Work::Forest { seed: draws(search.projection.drawn_by()), values: Vec::new(), finite }
            }
            DetectorName::Mahalanobis => {
                let settings = MahalanobisSettings { clip: search.clip, ..MahalanobisSettings::new(width) };
                let detector = Mahalanobis::new(settings, zeros::<f64>(name, settings.memory().f64s)?);
                learner(Box::new(detector.map_err(core)?), Members::of(None), None)
            }
            DetectorName::SelfInfluence => {
                let settings =
                    SelfInfluenceSettings { clip: search.clip, ..SelfInfluenceSettings::new(width) };
                let detector = SelfInfluence::new(settings, zeros::<f64>(name, settings.memory().f64s)?);
                learner(Box::new(detector.map_err(core)?), Members::of(None), None)
            }
            DetectorName::Direction => {
                let count = groups.map_or(1, |groups| groups.labels().len() as u32);
                let settings =
                    DirectionSettings { clip: search.clip, ..DirectionSettings::new(count, width) };
                let detector = Direction::new(settings, zeros::<i64>(name, settings.memory().i64s)?);
                learner(Box::new(detector.map_err(core)?), Members::with_lone(groups, width), losses)
            }
        };
        let scratch = match &work {
            Work::Norm(detector) => zeros(name, detector.scratch())?,
            Work::Learner { detector, .. } => zeros(name, detector.scratch())?,
            _ => Vec::new(),
        };
        let scores = Scores { values: reserved(name, count)?, beyond: Vec::new() };
        Ok(Self { detector, scores, scratch, work })
    }

    /// Whether it scores rows in a pass of their own.
    pub(super) const fn learns(&self) -> bool {
        matches!(self.work, Work::Learner { .. })
    }

    /// Takes a row in, in the first pass.
    ///
    /// # Errors
    /// What the detector refuses, but for what is not finite.
    pub(super) fn observe(&mut self, row: usize, sketch: &Sketch<'_>) -> Result<(), Error> {
        let is_finite = sketch.measures.non_finite == 0;
        match &mut self.work {
            Work::Norm(detector) => {
                let score = finite(detector.score(sketch, &mut self.scratch))?;
                self.scores.push(score, is_finite);
            }
            Work::Loss(losses) => {
                let loss = losses.finite(row);
                self.scores.push(loss.filter(|_| is_finite), false);
            }
            Work::Learner { detector, members, seen, .. } => {
                if finite(detector.observe(&members.place(row, sketch)))?.is_some() {
                    members.count(row, sketch);
                    *seen = true;
                }
            }
            Work::Forest { values, finite, .. } => {
                let is_sketch = sketch.check_finite().is_ok();
                finite.push((is_sketch, is_finite));
                if is_sketch {
                    values.extend_from_slice(sketch.values);
                }
            }
        }
        Ok(())
    }

    /// After the first pass.
    ///
    /// # Errors
    /// No row was finite; a matrix that has no inverse.
    pub(super) fn fit(&mut self, rows: &Rows) -> Result<(), CommandError> {
        match &mut self.work {
            Work::Norm(_) | Work::Loss(_) => Ok(()),
            Work::Learner { seen: false, .. } => Err(rows.nothing_finite()),
            Work::Learner { detector, members, .. } => {
                let what = match self.detector {
                    DetectorName::Mahalanobis => "the Mahalanobis distance",
                    other => other.name(),
                };
                let file = rows.name().to_owned();
                detector.fit().map_err(|error| CommandError::NotFitted { file, what, error })?;
                members.fit();
                Ok(())
            }
            Work::Forest { seed, values, finite } => {
                if values.is_empty() {
                    return Err(rows.nothing_finite());
                }
                grow(*seed, values, finite, rows, &mut self.scores).map_err(CommandError::core(rows.name()))
            }
        }
    }

    /// Scores a row, in the second pass.
    ///
    /// # Errors
    /// What the detector refuses, but for what is not finite.
    pub(super) fn score(&mut self, row: usize, sketch: &Sketch<'_>) -> Result<(), Error> {
        let Work::Learner { detector, members, losses, .. } = &self.work else { return Ok(()) };
        let mut is_finite = sketch.measures.non_finite == 0;
        let placed = members.place(row, sketch);
        let mut score = finite(detector.score(&placed, &mut self.scratch))?;
        if let (Some(losses), Some(of_gradient)) = (losses, score) {
            score = match losses.finite(row) {
                Some(loss) => {
                    let length = length(detector.as_ref(), members, &placed)?;
                    Some(of_gradient + (losses.standardised(loss) - length).max(0.0))
                }
                None => None,
            };
        }
        if let Some(losses) = losses {
            is_finite = is_finite && losses.finite(row).is_some();
        }
        self.scores.push(score, is_finite);
        Ok(())
    }
}

/// What a gradient's length adds to its direction's score: a sketch without a direction
/// has that, and 2.
fn length(detector: &dyn Detector, members: &Members<'_>, placed: &Sketch<'_>) -> Result<f64, Error> {
    let lone = Sketch { values: members.zeros(), ..*placed };
    Ok((detector.score(&lone, &mut [])? - 2.0).max(0.0))
}

/// What was found; nothing of what is not finite.
fn finite<T>(found: Result<T, Error>) -> Result<Option<T>, Error> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::NonFinite) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The seed of a forest's draws: the projection's, or what its secret key makes of the
/// name, as the forest's state carries its seed.
fn draws(key: Key) -> u64 {
    key.public().unwrap_or_else(|| key.stream(u64::from_be_bytes(*b"FOREST\0\0")).word(0))
}

/// A forest is grown on all sketches at once, so they are held in memory.
fn check_forest(rows: &Rows) -> Result<(), CommandError> {
    let (width, count) = (rows.width(), rows.count());
    let bytes = count as u128 * width as u128 * size_of::<f32>() as u128;
    if bytes <= FOREST_BYTES as u128 {
        return Ok(());
    }
    let what = format!(
        "{count} sketches of {width} numbers, of which a forest takes 1 GiB; a smaller --dim needs less"
    );
    Err(CommandError::Memory { file: rows.name().to_owned(), what, bytes })
}

/// Grows a forest on the sketches of finite rows, and scores all rows. Of each row
/// `finite` says whether it has a sketch, and whether its gradient is finite.
fn grow(
    seed: u64,
    values: &[f32],
    finite: &[(bool, bool)],
    rows: &Rows,
    scores: &mut Scores,
) -> Result<(), Error> {
    let settings = ForestSettings { seed, ..ForestSettings::new(0, rows.width()) };
    let memory = settings.memory();
    let mut forest = Forest::new(settings, vec![Node::EMPTY; memory.others], vec![0.0; memory.f32s])?;
    forest.grow(rows.id(), values)?;
    let mut sketches = values.chunks_exact(rows.width());
    for &(is_sketch, is_finite) in finite {
        let sketch = is_sketch.then(|| sketches.next()).flatten();
        scores.push(sketch.map(|sketch| forest.score_row(sketch)).transpose()?, is_finite);
    }
    Ok(())
}
