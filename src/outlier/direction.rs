//! Norm and class-conditional direction: a sample is anomalous if its gradient is long,
//! or points away from those of its group.
//!
//! s = max(z, 0) + 2·d/d̄, where z standardises ln‖g‖ by the running mean and deviation
//! over all samples, and d = 1 − cos(φ, u_g) is the distance from the mean direction u_g
//! of the sample's group (its given class, its sensor, its client); d̄ is the mean of d
//! over all that was observed. No order of arrival enters: Σ cos(φ, u_g) over a group is
//! the length of its summed directions S_g = Σ φ/‖φ‖, so d̄ = 1 − Σ_g‖S_g‖/n is about the
//! final u_g without a second pass, and merging adds the S_g.
//!
//! Neither part suffices. Mean AUROC over five seeds on the digits (MLP 64-64-10, K =
//! 512, given label as group), for norm / direction / this: 20 % label flips at
//! convergence .905 / .961 / .983; noise on the input .763 / .964 / .947; a random
//! direction .490 / 1.000 / 1.000; gradients ten times as long .750 / .491 / .622. Some
//! forty ways to join the two were tried: those ahead in the mean over ten corruptions
//! (by up to .01) square the parts or take up short gradients as well as long ones, and
//! lose .003 to .05 on flips. Dividing by d̄ is as good as standardising d, whose running
//! deviation would depend on the order.
//!
//! *Where it is ahead of the plain loss*: on flipped labels that the network has memorised
//! (AUROC .857, the loss .805). Where it has not, the loss is ahead: .937 to .894 for new
//! samples that meet a network converged on clean data, .876 to .835 after one clean
//! epoch (held-out tasks, K = 64; `docs/results/direction-regimes_*.csv`).
//!
//! Source: this project; the length of the summed directions is the mean resultant length
//! of directional statistics (Mardia & Jupp 2000).
//!
//! *Memory*: K numbers of `f32` a group in the caller's hands ([`Direction::floats`]),
//! and [`Direction::BYTES`]. *Cost*: four passes over K numbers an observation, three a
//! score. *Error*: an entry of S_g has a relative error of at most n_g·2⁻²⁴, in practice
//! about √n_g·2⁻²⁴; past 2²⁴ observations of a group new ones count less and less: merge
//! fresh states, or reset.

use super::Detector;
use crate::error::{Error, check_length};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, FRAME, State, StateKind, Walk, declared, place, slice};
use gradsieve_kernels::{axpy, dot, squared_norm};

/// What the detector keeps apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DirectionSettings {
    /// Number of groups; 1 if the samples have none. Ids are below it.
    pub groups: u32,
    /// K.
    pub width: usize,
}

/// Scores sketches by norm and class-conditional direction. Streaming: observe and score
/// in any order, merge at will.
///
/// A gradient of zero has neither a logarithm nor a direction: it is counted, otherwise
/// ignored, and scores 0, which is the least score. A sketch of zeros whose gradient is
/// not (all of it cancelled) has a norm, but no direction: it counts as ordinary, d = d̄.
/// So does a sketch of a group of which nothing was observed: there, the norm decides
/// alone.
#[derive(Debug)]
pub struct Direction<'m> {
    settings: DirectionSettings,
    id: Option<SketchId>,
    /// Observations, those of zero gradients among them.
    count: u64,
    log_norm: Spread,
    directions: Directions<'m>,
}

/// Deviations and distances below this do not count as such: a tenth of a percent.
const FLOOR: f64 = 1e-3;

impl<'m> Direction<'m> {
    /// Bytes beside the caller's memory.
    pub const BYTES: usize = size_of::<Self>();

    /// Numbers of `f32` that `groups` groups of sketches of `width` need.
    #[must_use]
    pub const fn floats(groups: u32, width: usize) -> usize {
        width.saturating_mul(groups as usize)
    }

    /// Bytes of the state at rest.
    #[must_use]
    pub const fn bytes_at_rest(groups: u32, width: usize) -> usize {
        Self::floats(groups, width).saturating_mul(4).saturating_add(FRAME + 64)
    }

    /// No observations yet; `memory` is set to zero.
    ///
    /// # Errors
    /// [`Error::Setting`] without groups, [`Error::Width`] without a width;
    /// [`Error::Length`] if `memory` is not [`Direction::floats`] long.
    pub fn new(settings: DirectionSettings, memory: &'m mut [f32]) -> Result<Self, Error> {
        if settings.groups == 0 {
            return Err(Error::Setting { name: "groups", expected: "at least 1" });
        }
        if settings.width == 0 {
            return Err(Error::Width { multiple: 1, found: 0 });
        }
        check_length(Self::floats(settings.groups, settings.width), memory.len())?;
        let directions = Directions { width: settings.width, sums: memory, lengths: 0.0, count: 0 };
        let mut new = Self { settings, id: None, count: 0, log_norm: Spread::NONE, directions };
        new.reset();
        Ok(new)
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.id = None;
        self.count = 0;
        self.log_norm = Spread::NONE;
        self.directions.sums.fill(0.0);
        self.directions.lengths = 0.0;
        self.directions.count = 0;
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> DirectionSettings {
        self.settings
    }

    /// Observations so far.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Takes a sketch in.
    ///
    /// # Errors
    /// [`Error::NonFinite`], [`Error::Group`], [`Error::Length`] or [`Error::Mismatch`];
    /// the state is as it was.
    pub fn observe(&mut self, sketch: &Sketch<'_>) -> Result<(), Error> {
        self.check(sketch)?;
        self.id = Some(sketch.id);
        self.count += 1;
        if let Some(log_norm) = log_norm(sketch) {
            self.log_norm.observe(log_norm);
            self.directions.observe(sketch)?;
        }
        Ok(())
    }

    /// Takes in all that `other` has observed. Which of two takes in the other does not
    /// matter but for the last bits of ln‖g‖'s mean and deviation.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the two observed different kinds of sketch;
    /// [`Error::Length`] or [`Error::Setting`] if their widths or numbers of groups
    /// differ. The state is as it was.
    pub fn merge(&mut self, other: &Direction<'_>) -> Result<(), Error> {
        check_length(self.settings.width, other.settings.width)?;
        if self.settings != other.settings {
            return Err(Error::Setting { name: "groups, width", expected: "the same as the other state's" });
        }
        if let (Some(id), Some(other)) = (self.id, other.id) {
            id.check(&other)?;
        }
        self.directions.merge(&other.directions)?;
        self.log_norm.merge(other.log_norm);
        self.count += other.count;
        self.id = self.id.or(other.id);
        Ok(())
    }

    /// Refuses a sketch that cannot stand beside those observed.
    fn check(&self, sketch: &Sketch<'_>) -> Result<(), Error> {
        check_length(self.settings.width, sketch.values.len())?;
        sketch.check_finite()?;
        // Finite entries, but a squared norm beyond `f32`.
        if !sketch.measures.l2_squared.is_finite() {
            return Err(Error::NonFinite);
        }
        if sketch.group >= self.settings.groups {
            return Err(Error::Group { groups: self.settings.groups as usize, found: sketch.group });
        }
        self.id.map_or(Ok(()), |id| id.check(&sketch.id))
    }
}

impl Detector for Direction<'_> {
    /// As [`Detector::score`]; the score is 0 or more. [`Error::NotFitted`] before the
    /// first observation.
    fn score(&mut self, sketch: &Sketch<'_>) -> Result<f64, Error> {
        self.check(sketch)?;
        if self.count == 0 {
            return Err(Error::NotFitted);
        }
        let Some(log_norm) = log_norm(sketch) else { return Ok(0.0) };
        let deviations = self.log_norm.standardise(log_norm);
        let length = if deviations > 0.0 { deviations } else { 0.0 };
        Ok(length + 2.0 * self.directions.relative_distance(sketch)?)
    }
}

impl State for Direction<'_> {
    const KIND: StateKind = StateKind::Direction;

    fn sketch_id(&self) -> Option<SketchId> {
        self.id
    }

    declared!();
}

impl Body for Direction<'_> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        let DirectionSettings { groups, width } = walk.state().settings;
        walk.setting(groups)?;
        walk.zeros(4)?;
        walk.width(width)?;
        let count = walk.number(place!(count))?;
        walk.require_id(width, count > 0)?;
        walk.number(place!(log_norm.count))?;
        walk.number(place!(log_norm.mean))?;
        walk.number(place!(log_norm.squares))?;
        walk.number(place!(directions.lengths))?;
        walk.number(place!(directions.count))?;
        walk.all(slice!(directions.sums))?;
        let id = walk.id();
        walk.load_with(|state| state.id = id);
        Ok(())
    }
}

/// ln‖g‖; `None` for a gradient of zero.
fn log_norm(sketch: &Sketch<'_>) -> Option<f64> {
    let squared = sketch.measures.l2_squared;
    if squared > 0.0 { Some(0.5 * libm::log(squared)) } else { None }
}

/// Running mean and variance of a number (Welford 1962; Chan, Golub & LeVeque 1979).
#[derive(Clone, Copy, Debug)]
struct Spread {
    count: u64,
    mean: f64,
    /// Σ (x − mean)².
    squares: f64,
}

impl Spread {
    const NONE: Self = Self { count: 0, mean: 0.0, squares: 0.0 };

    fn observe(&mut self, x: f64) {
        self.merge(Self { count: 1, mean: x, squares: 0.0 });
    }

    fn merge(&mut self, other: Self) {
        if other.count == 0 {
            return;
        }
        let (n, m) = (self.count as f64, other.count as f64);
        let (apart, share) = (other.mean - self.mean, m / (n + m));
        self.count += other.count;
        self.mean += apart * share;
        self.squares += other.squares + apart * apart * n * share;
    }

    /// Deviations above the mean; 0 if nothing was observed.
    fn standardise(&self, x: f64) -> f64 {
        if self.count == 0 {
            return 0.0;
        }
        let deviation = libm::sqrt(self.squares / self.count as f64);
        (x - self.mean) / if deviation > FLOOR { deviation } else { FLOOR }
    }
}

/// The summed directions S_g of all groups.
#[derive(Debug)]
struct Directions<'m> {
    width: usize,
    /// S_g, group by group.
    sums: &'m mut [f32],
    /// Σ_g ‖S_g‖, kept up to date.
    lengths: f64,
    /// Directions summed.
    count: u64,
}

impl Directions<'_> {
    fn observe(&mut self, sketch: &Sketch<'_>) -> Result<(), Error> {
        let Some(length) = length(sketch.values) else { return Ok(()) };
        let start = self.width.saturating_mul(sketch.group as usize);
        let sum = self.sums.get_mut(start..).and_then(|sums| sums.get_mut(..self.width));
        let Some(sum) = sum else { return Ok(()) };
        let before = libm::sqrt(squared_norm(sum));
        axpy((1.0 / length) as f32, sketch.values, sum)?;
        self.lengths += libm::sqrt(squared_norm(sum)) - before;
        self.count += 1;
        Ok(())
    }

    fn merge(&mut self, other: &Directions<'_>) -> Result<(), Error> {
        axpy(1.0, other.sums, self.sums)?;
        self.count += other.count;
        self.lengths = 0.0;
        for sum in self.sums.chunks(self.width.max(1)) {
            self.lengths += libm::sqrt(squared_norm(sum));
        }
        Ok(())
    }

    /// d/d̄; 1 where there is no direction to compare.
    fn relative_distance(&self, sketch: &Sketch<'_>) -> Result<f64, Error> {
        let start = self.width.saturating_mul(sketch.group as usize);
        let sum = self.sums.get(start..).and_then(|sums| sums.get(..self.width)).unwrap_or_default();
        let (Some(own), Some(common)) = (length(sketch.values), length(sum)) else { return Ok(1.0) };
        let product = if is_tame(own) { dot(sketch.values, sum)? } else { wide_dot(sketch.values, sum) };
        // Rounding may take the cosine of equal directions beyond 1.
        let distance = 1.0 - product / (own * common);
        let distance = if distance > 0.0 { distance } else { 0.0 };
        let mean = 1.0 - self.lengths / self.count as f64;
        Ok(distance / if mean > FLOOR { mean } else { FLOOR })
    }
}

/// Whether the squares of a vector of this length neither overflow nor underflow in `f32`
/// to any effect.
const fn is_tame(length: f64) -> bool {
    1e-15 < length && length < 1e15
}

/// ‖φ‖; `None` if it is too small to have a direction in `f32`.
fn length(values: &[f32]) -> Option<f64> {
    let length = libm::sqrt(squared_norm(values));
    let length = if is_tame(length) { length } else { libm::sqrt(wide_dot(values, values)) };
    if length >= f64::from(f32::MIN_POSITIVE) { Some(length) } else { None }
}

/// The dot product in `f64`, one after the other: slow, and for numbers whose products
/// `f32` cannot hold.
fn wide_dot(x: &[f32], y: &[f32]) -> f64 {
    let mut total = 0.0;
    for (&x, &y) in x.iter().zip(y) {
        total += f64::from(x) * f64::from(y);
    }
    total
}
