//! Norm and class-conditional direction: a sample is anomalous if its gradient is long,
//! or points away from those of its group.
//!
//! s = max(z, 0) + 2·d/d̄, where z is how many robust scales ln‖g‖ lies above the median
//! ([`Scale`](crate::statistics::Scale)), and d = 1 − cos(φ, u_g) is the distance from
//! the mean direction u_g of the sample's group (its given class, its sensor, its
//! client); d̄ is the mean of d over all that was observed. Σ cos(φ, u_g) over a group is
//! the length of its summed directions S_g = Σ φ/‖φ‖, so d̄ = 1 − Σ_g‖S_g‖/n is about the
//! final u_g without a second pass.
//!
//! *Merging is exact*: counts and sums are integers, so states merge to the same bits in
//! any order and any tree, and with a half-life where their clocks agree. The order of
//! arrival enters by the running median alone, to which directions of gradients far from
//! it are held, and without a `clip` not at all.
//!
//! *No sample owns the statistic.* Each is one count among the norms. Each direction
//! counts the same, whatever the gradient's length, and those of gradients longer than
//! eight running medians, or shorter than an eighth of one, the less the further they are
//! from there (`clip`). A group whose gradients are of ordinary length, and for the
//! greater part alike and poisoned, points to the poison.
//!
//! Neither part suffices. Mean AUROC over five seeds on the digits (MLP 64-64-10, K =
//! 512, given label as group), for norm / direction / this: 20 % label flips at
//! convergence .905 / .961 / .983; noise on the input .763 / .964 / .947; a random
//! direction .490 / 1.000 / 1.000; gradients ten times as long .750 / .491 / .622. Some
//! forty ways to join the two were tried: those ahead in the mean over ten corruptions
//! (by up to .01) square the parts or take up short gradients as well as long ones, and
//! lose .003 to .05 on flips. Dividing by d̄ is as good as standardising d, whose running
//! deviation would depend on the order. Where the loss is at hand, or a decision is
//! wanted in the stream, a [`Sieve`](crate::Sieve) does better.
//!
//! *Where it is ahead of the plain loss*: on flipped labels that the network has
//! memorised (AUROC .857, the loss .805). Where it has not, the loss is ahead: .937 to
//! .894 for new samples that meet a network converged on clean data, .876 to .835 after
//! one clean epoch (held-out tasks, K = 64; `docs/results/direction-regimes_*.csv`).
//!
//! Source: this project; the length of the summed directions is the mean resultant length
//! of directional statistics (Mardia & Jupp 2000).
//!
//! *Memory*: K + 1 numbers of `i64` a group, and some 1.1 KiB. *Cost*: K multiply–adds
//! for the sketch's length, K for a cosine or an addition, K for the length of what has
//! grown. *Error*: a cosine's is at most 2⁻²³·√K, whatever the number of observations;
//! past 2³² of a group sums stop.

use super::Detector;
use crate::error::{Error, check_length};
use crate::memory::{Buffer, Memory};
use crate::moments::{added, check_clip};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, FRAME, Number, State, StateKind, Walk, open, place};
use crate::statistics::{Clock, Directions, Grid, Ray, Scale, WHOLE, number};

/// ‖g‖²: a quarter of an octave of ‖g‖ a cell from 4·10⁻⁹ to 10⁶, four octaves beyond.
const NORMS: Grid = Grid { fineness: 1, fine: (-56, 40), coarse: 8, end: 256 };

/// Observations before the median is trusted.
const ENOUGH: u64 = 16;

/// Mean distances below this do not count as such: a tenth of a percent.
const FLOOR: f32 = 1e-3;

/// What the detector keeps apart.
///
/// ```
/// use gradsieve::DirectionSettings;
///
/// const SETTINGS: DirectionSettings = DirectionSettings::new(10, 64);
/// assert_eq!(SETTINGS.memory().i64s, 10 * (64 + 1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct DirectionSettings {
    /// Number of groups; 1 if the samples have none. Ids are below it.
    pub groups: u32,
    /// K.
    pub width: usize,
    /// How many times the running median of norms a gradient may be long, or the median
    /// that of a gradient, before its direction counts less; none sums directions as they
    /// are.
    pub clip: Option<f32>,
    /// Samples after which what was observed counts half; none forgets nothing.
    pub half_life: Option<u32>,
}

impl DirectionSettings {
    /// The usual settings for so many groups and sketches of `width`: directions of
    /// gradients beyond eight medians count less, and nothing is forgotten.
    #[must_use]
    pub const fn new(groups: u32, width: usize) -> Self {
        Self { groups, width, clip: Some(8.0), half_life: None }
    }

    /// What the state needs: K + 1 `i64` a group.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        let i64s = Directions::<()>::memory(self.groups as usize, self.width);
        // The lengths of directions are found again.
        let sums = self.width.saturating_mul(self.groups as usize).saturating_mul(8);
        let others = FRAME + 48 + 4 * NORMS.cells();
        Memory { i64s, bytes_at_rest: sums.saturating_add(others), ..Memory::NONE }
    }

    /// The settings of a state at rest, of whatever program: so that one can be made that
    /// restores it.
    ///
    /// ```
    /// use gradsieve::{Direction, DirectionSettings, State};
    ///
    /// let settings = DirectionSettings { clip: None, ..DirectionSettings::new(3, 32) };
    /// let direction = Direction::new(settings, vec![0; settings.memory().i64s])?;
    /// let mut bytes = vec![0; settings.memory().bytes_at_rest];
    /// let written = direction.to_bytes(&mut bytes)?;
    /// assert_eq!(DirectionSettings::read(&bytes[..written])?, settings);
    /// # Ok::<(), gradsieve::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Magic`], [`Error::Version`], [`Error::Truncated`] or [`Error::Corrupt`]
    /// if the bytes are no state, or not that of such settings; [`Error::Mismatch`] if
    /// they are of another kind.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let (_, mut from) = open(StateKind::Direction, bytes)?;
        let len = from.left().saturating_add(FRAME);
        let (groups, clip) = (u32::take(&mut from)?, f32::take(&mut from)?);
        let (width, half_life) = (usize::take(&mut from)?, u32::take(&mut from)?);
        let settings = Self {
            groups,
            width,
            clip: (clip > 0.0).then_some(clip),
            half_life: (half_life > 0).then_some(half_life),
        };
        let memory = settings.memory();
        let is_whole = memory.bytes_at_rest == len && settings.check(memory.i64s).is_ok();
        if is_whole { Ok(settings) } else { Err(Error::Corrupt) }
    }

    /// Refuses settings, and buffers of `found` numbers, that do not fit.
    const fn check(&self, found: usize) -> Result<Clock, Error> {
        if self.groups == 0 {
            return Err(Error::Setting { name: "groups", expected: "at least 1" });
        }
        if self.width == 0 {
            return Err(Error::Width { multiple: 1, found: 0 });
        }
        if let Err(error) = check_clip(self.clip) {
            return Err(error);
        }
        if let Err(error) = check_length(self.memory().i64s, found) {
            return Err(error);
        }
        Clock::new(self.half_life)
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
/// static DETECTOR: Mutex<Direction<[i64; SETTINGS.memory().i64s]>> =
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
    clock: Clock,
    /// Observations, those of zero gradients among them.
    count: u64,
    norms: Scale<{ NORMS.cells() }>,
    directions: Directions<B>,
}

impl<const N: usize> Direction<[i64; N]> {
    /// No observations yet, in an array of its own: for `static` cells, too.
    ///
    /// # Errors
    /// As [`new`](Direction::new).
    pub const fn owned(settings: DirectionSettings) -> Result<Self, Error> {
        match settings.check(N) {
            Ok(clock) => Ok(Self::over(settings, clock, [0; N])),
            Err(error) => Err(error),
        }
    }
}

impl<B> Direction<B> {
    /// No observations yet, in a buffer of zeros that is as long as it has to be.
    const fn over(settings: DirectionSettings, clock: Clock, sums: B) -> Self {
        let directions = Directions::over(settings.groups as usize, settings.width, sums);
        Self { settings, id: None, clock, count: 0, norms: Scale::of(&NORMS), directions }
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

    /// The clock by which it forgets.
    #[must_use]
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// Whether counts or sums have come to their end, so that new observations count
    /// less: after 2³² of a group or of a length.
    #[must_use]
    pub fn is_saturated(&self) -> bool {
        self.directions.is_saturated() || self.norms.counts().is_saturated()
    }
}

impl<B: Buffer<i64>> Direction<B> {
    /// No observations yet; the buffer is set to zero.
    ///
    /// # Errors
    /// [`Error::Setting`] without groups, or of a setting out of range, [`Error::Width`]
    /// without a width; [`Error::Length`] if the buffer is not as long as
    /// [`DirectionSettings::memory`] says.
    pub fn new(settings: DirectionSettings, mut buffer: B) -> Result<Self, Error> {
        let clock = settings.check(buffer.as_ref().len())?;
        buffer.as_mut().fill(0);
        Ok(Self::over(settings, clock, buffer))
    }

    /// Moves the clock on to a later tick, as for samples that went elsewhere: what was
    /// observed counts less then, and states whose clocks agree can be merged.
    pub fn advance(&mut self, ticks: u64) {
        let halvings = self.clock.advance(ticks);
        self.halve(halvings);
    }

    fn halve(&mut self, times: u32) {
        if times > 0 {
            self.norms.halve(times);
            self.directions.halve(times);
        }
    }

    /// Refuses a sketch that cannot stand beside those observed.
    fn check(&self, sketch: &Sketch<'_>) -> Result<(), Error> {
        check_length(self.settings.width, sketch.values.len())?;
        sketch.check_finite()?;
        // Finite entries, but a squared norm that is not.
        if !sketch.measures.l2_squared.is_finite() {
            return Err(Error::NonFinite);
        }
        if sketch.group >= self.settings.groups {
            return Err(Error::Group { groups: self.settings.groups as usize, found: sketch.group });
        }
        self.id.map_or(Ok(()), |id| id.check(&sketch.id))
    }

    /// Between which squared norms directions count whole, if there is a median by now.
    fn bounds(&self) -> Option<Bounds> {
        let clip = f64::from(self.settings.clip?);
        if self.norms.total() < ENOUGH * u64::from(self.clock.weight()) {
            return None;
        }
        let (median, square) = (number(self.norms.location_at()), clip * clip);
        Some(Bounds { least: median / square, most: median * square })
    }

    /// Has the directions summed count less if, by the median that there is now, for the
    /// greater part they are of gradients that would hardly count: if long ones came
    /// first.
    fn hold(&mut self, before: Option<Bounds>) {
        let Some(now) = self.bounds() else { return };
        if before.is_some_and(|before| before.most <= now.most) {
            return;
        }
        let (mut summed, mut counts) = (0.0, 0.0);
        for (cell, &count) in self.norms.counts().counts().iter().enumerate() {
            let (from, width) = NORMS.bounds(cell);
            let middle = number(from + width / 2);
            let weighed = f64::from(count) * before.map_or(1.0, |before| before.weight(middle));
            summed += weighed;
            counts += weighed * now.weight(middle);
        }
        if 2.0 * counts < summed {
            self.directions.scale((f64::from(WHOLE) * counts / summed) as u32);
        }
    }
}

/// Between which squared norms directions count whole.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    least: f64,
    most: f64,
}

impl Bounds {
    /// What the direction of a gradient of this squared norm counts: 1 within the bounds,
    /// and beyond them the less the further it is from there.
    fn weight(self, square: f64) -> f64 {
        libm::sqrt(libm::fmin(libm::fmin(self.most / square, square / self.least), 1.0))
    }
}

impl<B: Buffer<i64>> Detector for Direction<B> {
    fn observe(&mut self, sketch: &Sketch<'_>) -> Result<(), Error> {
        self.check(sketch)?;
        self.count = added(self.count, 1)?;
        self.id = Some(sketch.id);
        let halvings = self.clock.tick();
        self.halve(halvings);
        let square = sketch.measures.l2_squared;
        if square > 0.0 {
            let bounds = self.bounds();
            if let Some(ray) = Ray::of(sketch.values) {
                let share = bounds.map_or(1.0, |bounds| bounds.weight(square));
                let weight = (f64::from(self.clock.fine_weight()) * share) as u32;
                self.directions.observe(sketch.group as usize, ray, weight);
            }
            self.norms.observe(square, self.clock.weight());
            self.hold(bounds);
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
        if sketch.measures.l2_squared <= 0.0 {
            return Ok(0.0);
        }
        let length = self.norms.standardise(sketch.measures.l2_squared);
        let length = if length > 0.0 { length } else { 0.0 };
        let ray = Ray::of(sketch.values);
        let distance = ray.and_then(|ray| self.directions.distance(sketch.group as usize, ray));
        let mean = self.directions.mean_distance();
        let mean = if mean > FLOOR { mean } else { FLOOR };
        let relative = distance.map_or(1.0, |distance| distance / mean);
        Ok(f64::from(length + 2.0 * relative))
    }

    /// As [`Detector::merge`], exactly: the same bits in any order and any tree.
    /// [`Error::Mismatch`] of [`Field::Clock`](crate::Field::Clock) if one has forgotten
    /// more half-lives than the other.
    fn merge(&mut self, other: &Self) -> Result<(), Error> {
        check_length(self.settings.width, other.settings.width)?;
        if self.settings != other.settings {
            return Err(Error::Setting {
                name: "groups, width, clip, half_life",
                expected: "the same as the other state's",
            });
        }
        if let (Some(id), Some(other)) = (self.id, other.id) {
            id.check(&other)?;
        }
        let count = added(self.count, other.count)?;
        self.clock.merge(&other.clock)?;
        self.directions.merge(&other.directions)?;
        self.norms.merge(&other.norms)?;
        self.count = count;
        self.id = self.id.or(other.id);
        Ok(())
    }

    fn reset(&mut self) {
        self.id = None;
        self.clock.reset();
        self.count = 0;
        self.norms.reset();
        self.directions.reset();
    }
}

impl<B: Buffer<i64>> State for Direction<B> {
    const KIND: StateKind = StateKind::Direction;

    fn sketch_id(&self) -> Option<SketchId> {
        self.id
    }
}

impl<B: Buffer<i64>> Body for Direction<B> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        let DirectionSettings { groups, width, clip, .. } = walk.state().settings;
        let groups = walk.room(groups)?;
        walk.setting(clip.map_or(0, f32::to_bits))?;
        walk.width(width)?;
        walk.nested(place!(clock))?;
        let count = walk.number(place!(count))?;
        walk.require_id(width, count > 0)?;
        walk.nested(place!(norms))?;
        walk.nested_with(place!(directions), |walk| Directions::walk(walk, groups as usize))?;
        let id = walk.id();
        walk.load_with(|state| state.id = id);
        Ok(())
    }
}
