//! Norm and class-conditional direction: a sample is anomalous if its gradient is long,
//! or points away from those of its group.
//!
//! s = max(z, 0) + 2·d/d̄, where z standardises ln‖g‖ by the running mean and deviation
//! over all samples, and d = 1 − cos(φ, u_g) is the distance from the mean direction u_g
//! of the sample's group (its given class, its sensor, its client); d̄ is the mean of d
//! over all that was observed. Σ cos(φ, u_g) over a group is the length of its summed
//! directions S_g = Σ φ/‖φ‖, so d̄ = 1 − Σ_g‖S_g‖/n is about the final u_g without a
//! second pass, and merging adds the S_g. The order of arrival enters by the running
//! median alone, to which gradients far from it are held, and without a `clip` not at
//! all.
//!
//! *No sample owns the statistic.* A gradient longer than eight running medians of norms
//! counts in the mean and deviation of ln‖g‖ as if it were as long as that, one shorter
//! than an eighth of the median likewise; either counts the less among the directions of
//! its group the further it is from there (`clip`). On the digits that costs nothing
//! (AUROC over five seeds .9944, without it .9942; `docs/src/results/breakdown.md`).
//! Without it, each direction counts the same, whatever its length, and ln‖g‖ as it is.
//! Either way a group whose gradients are of ordinary length, and for the greater part
//! alike and poisoned, points to the poison.
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
//! *Where it is ahead of the plain loss*: on flipped labels that the network has
//! memorised (AUROC .857, the loss .805). Where it has not, the loss is ahead: .937 to
//! .894 for new samples that meet a network converged on clean data, .876 to .835 after
//! one clean epoch (held-out tasks, K = 64; `docs/results/direction-regimes_*.csv`).
//!
//! Source: this project; the length of the summed directions is the mean resultant length
//! of directional statistics (Mardia & Jupp 2000).
//!
//! *Memory*: K numbers of `f32` a group, and some 1.2 KiB. *Cost*: four passes over K
//! numbers an observation, three a score. *Error*: an entry of S_g has a relative error
//! of at most n_g·2⁻²⁴, in practice about √n_g·2⁻²⁴; past 2²⁴ observations of a group new
//! ones count less and less: merge fresh states, or reset.

use super::Detector;
use crate::error::{Error, check_length};
use crate::memory::{Buffer, Memory};
use crate::moments::{Bounds, Clip, Norms, added, check_clip};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, FRAME, Place, State, StateKind, Walk, place, slice};
use core::ops::Range;
use gradsieve_kernels::{Certain, axpy, dot, squared_norm};

/// What the detector keeps apart.
///
/// ```
/// use gradsieve::DirectionSettings;
///
/// const SETTINGS: DirectionSettings = DirectionSettings::new(10, 64);
/// assert_eq!(SETTINGS.memory().f32s, 10 * 64);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DirectionSettings {
    /// Number of groups; 1 if the samples have none. Ids are below it.
    pub groups: u32,
    /// K.
    pub width: usize,
    /// How many times the running median of norms a gradient may be long, or the median
    /// that of a gradient, before it counts as if it were so long; none observes
    /// gradients as they are.
    pub clip: Option<f32>,
}

impl DirectionSettings {
    /// The usual settings for so many groups and sketches of `width`: gradients that
    /// count as at most eight times as long as the median, and at least an eighth.
    #[must_use]
    pub const fn new(groups: u32, width: usize) -> Self {
        Self { groups, width, clip: Some(8.0) }
    }

    /// What the state needs: K `f32` a group.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        let f32s = self.width.saturating_mul(self.groups as usize);
        let others = FRAME + 64 + if self.clip.is_some() { Norms::BYTES } else { 0 };
        Memory { f32s, bytes_at_rest: f32s.saturating_mul(4).saturating_add(others), ..Memory::NONE }
    }

    /// Refuses settings, and buffers of `found` numbers, that do not fit.
    const fn check(&self, found: usize) -> Result<(), Error> {
        if self.groups == 0 {
            return Err(Error::Setting { name: "groups", expected: "at least 1" });
        }
        if self.width == 0 {
            return Err(Error::Width { multiple: 1, found: 0 });
        }
        if let Err(error) = check_clip(self.clip) {
            return Err(error);
        }
        check_length(self.memory().f32s, found)
    }
}

impl Default for DirectionSettings {
    /// [`DirectionSettings::new`] of one group and 512 numbers.
    fn default() -> Self {
        Self::new(1, 512)
    }
}

/// Scores sketches by norm and class-conditional direction. Streaming: observe and score
/// in any order, merge at will.
///
/// A gradient of zero has neither a logarithm nor a direction: it is counted, otherwise
/// ignored, and scores 0, which is the least score. A sketch of zeros whose gradient is
/// not (all of it cancelled) has a norm, but no direction: it counts as ordinary, d = d̄.
/// So does a sketch of a group of which nothing was observed: there, the norm decides
/// alone.
///
/// A state that owns its array can be made at compile time:
///
/// ```
/// use gradsieve::outlier::{Detector, Direction, DirectionSettings};
/// use std::sync::Mutex;
/// # use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// const SETTINGS: DirectionSettings = DirectionSettings::new(2, 4);
/// static DETECTOR: Mutex<Direction<[f32; SETTINGS.memory().f32s]>> =
///     Mutex::new(match Direction::owned(SETTINGS) {
///         Ok(detector) => detector,
///         Err(_) => panic!("the array is as long as the settings say"),
///     });
///
/// # let id = Exact::new(4).id(Layout::flat(4)?.id());
/// # let values = [1.0, 2.0, 3.0, 4.0];
/// # let sketch = Sketch::from_parts(id, &values, gradsieve_kernels::summarize(&values))?;
/// let mut detector = DETECTOR.lock().unwrap();
/// detector.observe(&sketch.in_group(1))?;
/// println!("{}", detector.score(&sketch.in_group(1), &mut [])?);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct Direction<B> {
    settings: DirectionSettings,
    id: Option<SketchId>,
    /// Observations, those of zero gradients among them.
    count: u64,
    norms: Norms,
    log_norm: Spread,
    directions: Directions<B>,
}

/// Deviations and distances below this do not count as such: a tenth of a percent.
const FLOOR: f64 = 1e-3;

impl<const N: usize> Direction<[f32; N]> {
    /// No observations yet, in an array of its own: for `static` cells, too.
    ///
    /// # Errors
    /// As [`new`](Direction::new).
    pub const fn owned(settings: DirectionSettings) -> Result<Self, Error> {
        match settings.check(N) {
            Ok(()) => Ok(Self::over(settings, [0.0; N])),
            Err(error) => Err(error),
        }
    }
}

impl<B> Direction<B> {
    /// No observations yet, in a buffer of zeros that is as long as it has to be.
    const fn over(settings: DirectionSettings, sums: B) -> Self {
        let directions = Directions { width: settings.width, sums, lengths: 0.0, weight: 0.0 };
        Self { settings, id: None, count: 0, norms: Norms::NONE, log_norm: Spread::NONE, directions }
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
}

impl<B: Buffer<f32>> Direction<B> {
    /// No observations yet; the buffer is set to zero.
    ///
    /// # Errors
    /// [`Error::Setting`] without groups, [`Error::Width`] without a width;
    /// [`Error::Length`] if the buffer is not as long as [`DirectionSettings::memory`]
    /// says.
    pub fn new(settings: DirectionSettings, mut buffer: B) -> Result<Self, Error> {
        settings.check(buffer.as_ref().len())?;
        buffer.as_mut().fill(0.0);
        Ok(Self::over(settings, buffer))
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

    /// Between which squared norms gradients count as they are; none if all do.
    fn bounds(&self) -> Option<Bounds> {
        self.norms.bounds(self.settings.clip?)
    }

    /// The spread of ln‖g‖, made anew from the histogram of norms if gradients within the
    /// bounds could not have it: if it is of some that came before there were bounds, or
    /// while they were elsewhere.
    fn held_spread(&self, bounds: Option<Bounds>) -> Spread {
        let Some(bounds) = bounds else { return self.log_norm };
        let mut held = Spread::NONE;
        for (middle, count) in self.norms.middles() {
            held.merge(Spread { count, mean: half_log(bounds.counts_as(middle)), squares: 0.0 });
        }
        if self.log_norm.is_far_from(&held) { held } else { self.log_norm }
    }

    /// What the directions summed within `before` count by `bounds`, each: less than 1 if
    /// for the greater part they are of gradients that would hardly count now.
    fn held_weight(&self, before: Option<Bounds>, bounds: Option<Bounds>) -> f64 {
        let weight = |bounds: Option<Bounds>, square| bounds.map_or(1.0, |bounds| bounds.weight(square));
        let (mut summed, mut counts) = (0.0, 0.0);
        for (middle, count) in self.norms.middles() {
            let weighed = count as f64 * weight(before, middle);
            summed += weighed;
            counts += weighed * weight(bounds, middle);
        }
        if 2.0 * counts < summed { counts / summed } else { 1.0 }
    }
}

impl<B: Buffer<f32>> Detector for Direction<B> {
    fn observe(&mut self, sketch: &Sketch<'_>) -> Result<(), Error> {
        self.check(sketch)?;
        self.count = added(self.count, 1)?;
        self.id = Some(sketch.id);
        let square = sketch.measures.l2_squared;
        if square > 0.0 {
            let bounds = self.bounds();
            self.log_norm.observe(half_log(bounds.map_or(square, |bounds| bounds.counts_as(square))));
            self.directions.observe(sketch, bounds.map_or(1.0, |bounds| bounds.weight(square)))?;
            if self.settings.clip.is_some() && self.norms.observe(square) {
                let now = self.bounds();
                self.log_norm = self.held_spread(now);
                self.directions.scale(self.held_weight(bounds, now));
            }
        }
        Ok(())
    }

    /// As [`Detector::score`]; the score is 0 or more. [`Error::NotFitted`] before the
    /// first observation.
    fn score(&self, sketch: &Sketch<'_>, _scratch: &mut [f32]) -> Result<f64, Error> {
        self.check(sketch)?;
        if self.count == 0 {
            return Err(Error::NotFitted);
        }
        let Some(log_norm) = log_norm(sketch) else { return Ok(0.0) };
        let deviations = self.log_norm.standardise(log_norm);
        let length = if deviations > 0.0 { deviations } else { 0.0 };
        Ok(length + 2.0 * self.directions.relative_distance(sketch)?)
    }

    /// As [`Detector::merge`]. Which of two takes in the other does not matter but for
    /// the last bits of ln‖g‖'s mean and deviation.
    fn merge(&mut self, other: &Self) -> Result<(), Error> {
        check_length(self.settings.width, other.settings.width)?;
        if self.settings != other.settings {
            return Err(Error::Setting {
                name: "groups, width, clip",
                expected: "the same as the other state's",
            });
        }
        if let (Some(id), Some(other)) = (self.id, other.id) {
            id.check(&other)?;
        }
        let count = added(self.count, other.count)?;
        let mut norms = self.norms.clone();
        norms.merge(&other.norms);
        // Each by the bounds of both.
        let bounds = self.settings.clip.and_then(|factor| norms.bounds(factor));
        self.directions.scale(self.held_weight(self.bounds(), bounds));
        self.directions.merge(&other.directions, other.held_weight(other.bounds(), bounds))?;
        self.log_norm = self.held_spread(bounds);
        self.log_norm.merge(other.held_spread(bounds));
        self.norms = norms;
        self.count = count;
        self.id = self.id.or(other.id);
        Ok(())
    }

    fn reset(&mut self) {
        self.id = None;
        self.count = 0;
        self.norms = Norms::NONE;
        self.log_norm = Spread::NONE;
        self.directions.reset();
    }
}

impl<B: Buffer<f32>> State for Direction<B> {
    const KIND: StateKind = StateKind::Direction;

    fn sketch_id(&self) -> Option<SketchId> {
        self.id
    }
}

impl<B: Buffer<f32>> Body for Direction<B> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        let DirectionSettings { groups, width, clip } = walk.state().settings;
        walk.setting(groups)?;
        walk.setting(clip.map_or(0, f32::to_bits))?;
        walk.width(width)?;
        let count = walk.number(place!(count))?;
        walk.require_id(width, count > 0)?;
        walk.number(place!(log_norm.count))?;
        walk.number(place!(log_norm.mean))?;
        walk.number(place!(log_norm.squares))?;
        walk.number(place!(directions.lengths))?;
        walk.number(place!(directions.weight))?;
        walk.all(slice!(directions.sums))?;
        if clip.is_some() {
            walk.all(Place {
                get: |state: &Self| state.norms.counts(),
                get_mut: |state| state.norms.counts_mut(),
            })?;
            walk.load_with(|state| state.norms.rank());
        }
        let id = walk.id();
        walk.load_with(|state| state.id = id);
        Ok(())
    }
}

/// ln‖g‖; `None` for a gradient of zero.
fn log_norm(sketch: &Sketch<'_>) -> Option<f64> {
    let squared = sketch.measures.l2_squared;
    if squared > 0.0 { Some(half_log(squared)) } else { None }
}

/// ln x of x².
fn half_log(squared: f64) -> f64 {
    0.5 * libm::log(squared)
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
        self.count = self.count.saturating_add(other.count);
        self.mean += apart * share;
        self.squares += other.squares + apart * apart * n * share;
    }

    fn deviation(&self) -> f64 {
        libm::sqrt(self.squares / self.count.max(1) as f64)
    }

    /// Deviations above the mean; 0 if nothing was observed.
    fn standardise(&self, x: f64) -> f64 {
        if self.count == 0 {
            return 0.0;
        }
        let deviation = self.deviation();
        (x - self.mean) / if deviation > FLOOR { deviation } else { FLOOR }
    }

    /// Whether the two cannot be of the same numbers, each of which is at most half a bin
    /// of norms away in the other.
    fn is_far_from(&self, other: &Self) -> bool {
        let apart = libm::fmax((self.mean - other.mean).abs(), (self.deviation() - other.deviation()).abs());
        apart.is_nan() || apart > Norms::HALF_A_BIN
    }
}

/// The summed directions S_g of all groups.
#[derive(Debug)]
struct Directions<B> {
    width: usize,
    /// S_g, group by group.
    sums: B,
    /// Σ_g ‖S_g‖, kept up to date.
    lengths: f64,
    /// What the directions summed count: 1 each, less where they are clipped.
    weight: f64,
}

impl<B: Buffer<f32>> Directions<B> {
    fn reset(&mut self) {
        self.sums.as_mut().fill(0.0);
        (self.lengths, self.weight) = (0.0, 0.0);
    }

    /// Where S_g of a group stands; the group was checked.
    const fn place(&self, group: u32) -> Range<usize> {
        let start = self.width.saturating_mul(group as usize);
        start..start.saturating_add(self.width)
    }

    fn observe(&mut self, sketch: &Sketch<'_>, weight: f64) -> Result<(), Error> {
        let Some(length) = length(sketch.values) else { return Ok(()) };
        let place = self.place(sketch.group);
        let sum = self.sums.as_mut().get_mut(place).certain();
        let before = libm::sqrt(squared_norm(sum));
        axpy((weight / length) as f32, sketch.values, sum)?;
        self.lengths += libm::sqrt(squared_norm(sum)) - before;
        self.weight += weight;
        Ok(())
    }

    /// Takes in others, each of which counts `weight` of what it did.
    fn merge(&mut self, other: &Self, weight: f64) -> Result<(), Error> {
        axpy(weight as f32, other.sums.as_ref(), self.sums.as_mut())?;
        self.weight += weight * other.weight;
        self.measure();
        Ok(())
    }

    /// Has each direction count `weight` of what it did.
    fn scale(&mut self, weight: f64) {
        if weight < 1.0 {
            self.sums.as_mut().iter_mut().for_each(|sum| *sum *= weight as f32);
            self.weight *= weight;
            self.measure();
        }
    }

    fn measure(&mut self) {
        self.lengths = 0.0;
        for sum in self.sums.as_ref().chunks(self.width.max(1)) {
            self.lengths += libm::sqrt(squared_norm(sum));
        }
    }

    /// d/d̄; 1 where there is no direction to compare.
    fn relative_distance(&self, sketch: &Sketch<'_>) -> Result<f64, Error> {
        let sum = self.sums.as_ref().get(self.place(sketch.group)).certain();
        let (Some(own), Some(common)) = (length(sketch.values), length(sum)) else { return Ok(1.0) };
        let product = if is_tame(own) { dot(sketch.values, sum)? } else { wide_dot(sketch.values, sum) };
        // Rounding may take the cosine of equal directions beyond 1.
        let distance = 1.0 - product / (own * common);
        let distance = if distance > 0.0 { distance } else { 0.0 };
        let mean = 1.0 - self.lengths / self.weight;
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
