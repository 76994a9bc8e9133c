//! The decision in the stream: is this sample, by what came before it, to be left out?
//!
//! A [`Sieve`] judges each sketch as it comes, flags it at the rate that the settings
//! state, says which part of it stands out, and learns it. It lives in the training loop:
//! judge, skip or step, observe.
//!
//! *The score.* With the sample's loss ℓ:
//!
//! s = max(z_ℓ, 0)² + d/d̄ + max(|z_r|, |z_h|, 2) − 2,
//!
//! and without: s = max(z_g, 0)² + 2·d/d̄ + max(−z_g − 1, |z_h|, 2) − 2. Each z is a
//! number of robust scales from the median ([`Scale`]): of ln ℓ, of ln‖g‖, of
//! ln‖g‖₁/‖g‖₂ (h: on how many coordinates the gradient lies), and of ln‖g‖ less that
//! which the loss explains (r): of a cross-entropy, ln(1 − e^−ℓ). d = 1 − cos(φ, S_g) is
//! the distance from the summed directions of the sample's group, and d̄ the mean of what
//! d was for the samples learnt, each before it was.
//!
//! The residual z_r is what makes the difference: per sample, length and loss are nearly
//! proportional, so a gradient that is scaled, blank, noisy or damaged leaves the line,
//! though it may be neither long nor short among the others.
//!
//! *The p-value* is the rank of s in a histogram of the scores before it, of which older
//! ones count less. It holds for a stream as it comes: of a clean one about a share α has
//! p ≤ α. A sieve that learns is no frozen scorer, so this is measured, not proven.
//!
//! *Guards* see what a score cannot: gradients of zero, and near duplicates of one of the
//! last samples by one-bit sketches. Each has a p-value of its own; the verdict's is the
//! least, weighed so that the rate stays.
//!
//! *No sample owns the state.* Each is a count in histograms and a direction of length 1,
//! and flagged ones are not learnt.
//!
//! *Merging* adds integers: states that forget nothing merge to the same bits in any
//! order and any tree, states with a half-life where their clocks agree.
//!
//! *Cost* beside the sketch: 2·K multiply–adds to judge, for the sketch's length and the
//! cosine; K to observe, for the length of the sum, and K additions. What a sample's own
//! numbers come to is found once and goes from one to the other in the verdict.
//! *Memory*: [`SieveSettings::bytes`].
//!
//! Source: this project; the score's parts were chosen on two sets of streams of three
//! tasks each, its rates and ranking measured on others (`docs/src/results/streams.md`).
//!
//! May import `statistics`, `sketch`, `memory`, `state` and `error`; knows nothing of
//! detectors, influence or stores.

mod at_rest;
mod counts;
mod grids;
mod groups;
mod measured;
mod recent;
mod score;
mod settings;
mod verdict;
mod words;

pub use settings::{Groups, Guards, LossKind, Rate, SieveSettings};
pub use verdict::{Alarm, Reasons, Verdict};

use crate::error::{Error, check_length};
use crate::memory::Buffer;
use crate::sketch::{Sketch, SketchId};
use crate::statistics::{
    Clock, Directions, Discoveries, Histogram, Jumper, Ray, Scale, position_of, rank_at, rounded, toss,
};
use counts::Counts;
use gradsieve_kernels::Certain;
use grids::{LOSSES, NORMS, RESIDUALS, SCORES, SHAPES};
use measured::Measured;
use score::Parts;
use verdict::Found;

/// What a distance of 1 is, in integers.
const DISTANCE: u32 = 1 << 23;

/// The share of a small rate that the score has where duplicates are looked for.
const SCORE: f32 = 0.8;

/// What that guard takes of the score's rate at most.
const GUARDED: f32 = 0.005;

/// The share of that guard: shares come to more than 1, as guards speak of few samples.
const DUPLICATE: f32 = 0.4;

/// The share of the guard against gradients of zero.
const ZERO: f32 = 0.7;

/// Warm-ups after which bets on changes begin.
const STEADY: u64 = 4;

/// What a score counts of itself among those before it, in units of its weight: older
/// ones count less, so that it stands for fewer.
const OWN: f32 = 2.0 / 3.0;

/// Judges a stream of sketches.
///
/// ```
/// use gradsieve::{Groups, Reasons, Sieve, SieveSettings};
/// # use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// const SETTINGS: SieveSettings = SieveSettings { groups: Groups::Fixed(2), ..SieveSettings::new(4) };
/// let mut sieve = Sieve::<[i64; SETTINGS.memory().i64s]>::owned(SETTINGS)?;
/// # let id = Exact::new(4).id(Layout::flat(4)?.id());
/// # let mut skipped = 0;
/// for i in 0..500 {
///     // Your backward pass; the class is known, and so is the loss.
///     let (class, size) = (i % 2, 1.0 + (i * 7 % 13) as f32);
///     let sign = if class == 0 { 1.0 } else { -1.0 };
///     let mut gradient = [sign * size, 0.1 * size, 0.2, (i * 11 % 17) as f32 * 0.02];
///     if i == 400 {
///         gradient.iter_mut().for_each(|entry| *entry *= -50.0);
///     }
///     # let sketch = Sketch::from_parts(id, &gradient, gradsieve_kernels::summarize(&gradient))?;
///     let sketch = sketch.in_group(class).with_loss(0.1 * size);
///     let verdict = sieve.judge(&sketch)?;
///     if verdict.flagged {
///         println!("{i}: p = {}, {}", verdict.p, verdict.reasons); // skip the step
///         # skipped += 1;
///     }
///     if let Some(alarm) = sieve.observe(&sketch, &verdict)? {
///         println!("{i}: {}", alarm.name());
///     }
///     # if i == 400 { assert!(verdict.flagged && verdict.reasons.has(Reasons::DIRECTION), "{verdict:?}") }
/// }
/// # assert!(skipped < 20);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct Sieve<B> {
    settings: SieveSettings,
    id: Option<SketchId>,
    clock: Clock,
    counts: Counts,
    /// The directions; behind them ids of growing groups, and the ring of last samples.
    directions: Directions<B>,
    /// Σ d of samples learnt, in units of 2⁻³¹, and what they count.
    distances: u64,
    distances_weight: u64,
    norms: Scale<{ NORMS.cells() }>,
    losses: Scale<{ LOSSES.cells() }>,
    residuals: Scale<{ RESIDUALS.cells() }>,
    shapes: Scale<{ SHAPES.cells() }>,
    scores: Histogram<{ SCORES.cells() }>,
    /// What samples count whose nearest duplicate differs in 0, 1, … signs.
    near: [u32; recent::NEAR as usize + 1],
    discoveries: Discoveries,
    jumper: Jumper,
}

/// Whether a sieve can be relied on.
///
/// Its example is that of [`Sieve::health`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Health {
    /// Too few samples to flag any.
    WarmingUp,
    /// As it should be.
    Ready,
    /// What was learnt has been forgotten: nothing came for eight half-lives.
    Stale,
    /// Counts have come to their end, and no longer tell new samples from old ones.
    Saturated,
}

impl SieveSettings {
    /// Bytes of the state and its buffer.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.memory().bytes().saturating_add(size_of::<Sieve<[i64; 0]>>())
    }
}

impl<const N: usize> Sieve<[i64; N]> {
    /// Nothing observed yet, in an array of its own: for `static` cells, too.
    ///
    /// # Errors
    /// As [`new`](Sieve::new); [`Error::Setting`] of growing groups, whose array has to be
    /// prepared by [`new`](Sieve::new).
    pub const fn owned(settings: SieveSettings) -> Result<Self, Error> {
        if let Groups::Growing(_) = settings.groups {
            return Err(Error::Setting { name: "groups", expected: "fixed, for a constant state" });
        }
        match settings.check(N) {
            Ok((clock, discoveries)) => Ok(Self::over(settings, clock, discoveries, [0; N])),
            Err(error) => Err(error),
        }
    }
}

impl<B> Sieve<B> {
    /// Nothing observed yet, in a buffer of zeros that is as long as it has to be.
    const fn over(settings: SieveSettings, clock: Clock, discoveries: Discoveries, buffer: B) -> Self {
        Self {
            settings,
            id: None,
            clock,
            counts: Counts::NONE,
            directions: Directions::over(settings.groups.most(), settings.width, buffer),
            distances: 0,
            distances_weight: 0,
            norms: Scale::of(&NORMS),
            losses: Scale::of(&LOSSES),
            residuals: Scale::of(&RESIDUALS),
            shapes: Scale::of(&SHAPES),
            scores: Histogram::of(&SCORES),
            near: [0; recent::NEAR as usize + 1],
            discoveries,
            jumper: Jumper::NEW,
        }
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> SieveSettings {
        self.settings
    }

    /// Samples observed so far.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.counts.seen
    }

    /// How many of them were flagged.
    #[must_use]
    pub const fn flagged(&self) -> u64 {
        self.counts.flagged
    }

    /// How many of them were not finite.
    #[must_use]
    pub const fn non_finite(&self) -> u64 {
        self.counts.non_finite
    }

    /// The clock by which it forgets.
    #[must_use]
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// The scores so far, of which older ones count less: what a threshold on a frozen
    /// sieve is found by.
    #[must_use]
    pub const fn scores(&self) -> &Histogram<{ SCORES.cells() }> {
        &self.scores
    }
}

impl<B: Buffer<i64>> Sieve<B> {
    /// Nothing observed yet; what the buffer holds does not matter.
    ///
    /// # Errors
    /// [`Error::Setting`] or [`Error::Width`] of a setting out of range;
    /// [`Error::Length`] if the buffer is not as long as [`SieveSettings::memory`] says.
    pub fn new(settings: SieveSettings, buffer: B) -> Result<Self, Error> {
        let (clock, discoveries) = settings.check(buffer.as_ref().len())?;
        let mut sieve = Self::over(settings, clock, discoveries, buffer);
        sieve.reset();
        Ok(sieve)
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.id = None;
        self.clock.reset();
        self.counts = Counts::NONE;
        self.directions.reset();
        (self.distances, self.distances_weight) = (0, 0);
        self.norms.reset();
        self.losses.reset();
        self.residuals.reset();
        self.shapes.reset();
        self.scores.reset();
        self.near = [0; recent::NEAR as usize + 1];
        self.discoveries.reset();
        self.jumper = Jumper::NEW;
        groups::clear(self.behind_mut().0);
        self.behind_mut().1.fill(0);
    }

    /// The ids of growing groups, and the ring of last samples.
    fn behind(&self) -> (&[i64], &[i64]) {
        self.directions.rest().split_at_checked(self.settings.ids()).certain()
    }

    /// The ids of growing groups, and the ring of last samples.
    fn behind_mut(&mut self) -> (&mut [i64], &mut [i64]) {
        let ids = self.settings.ids();
        self.directions.rest_mut().split_at_mut_checked(ids).certain()
    }

    /// The ids of growing groups that have a direction, in rising order; nothing of fixed
    /// ones.
    pub fn groups(&self) -> impl Iterator<Item = u32> {
        groups::used(self.behind().0)
    }

    /// Whether it can be relied on.
    ///
    /// ```
    /// use gradsieve::sieve::Health;
    /// use gradsieve::{Sieve, SieveSettings};
    ///
    /// let settings = SieveSettings { half_life: Some(100), ..SieveSettings::new(8) };
    /// let mut sieve = Sieve::new(settings, vec![0; settings.memory().i64s])?;
    /// assert_eq!(sieve.health(), Health::WarmingUp);
    /// # Ok::<(), gradsieve::Error>(())
    /// ```
    #[must_use]
    pub fn health(&self) -> Health {
        let scales = self.norms.counts().is_saturated() | self.losses.counts().is_saturated();
        let others = self.residuals.counts().is_saturated() | self.shapes.counts().is_saturated();
        if scales | others | self.directions.is_saturated() {
            Health::Saturated
        } else if self.counts.seen < u64::from(self.settings.warm_up) {
            Health::WarmingUp
        } else if self.counts.weight < u64::from(self.clock.weight()) {
            Health::Stale
        } else {
            Health::Ready
        }
    }

    /// Moves the clock on to a later tick, as for samples that other devices saw: what
    /// was learnt counts less then, and states whose clocks agree can be merged.
    ///
    /// ```
    /// use gradsieve::{Sieve, SieveSettings};
    ///
    /// let settings = SieveSettings { half_life: Some(100), ..SieveSettings::new(8) };
    /// let mut sieve = Sieve::new(settings, vec![0; settings.memory().i64s])?;
    /// sieve.advance(250);
    /// assert_eq!(sieve.clock().period(), 2);
    /// # Ok::<(), gradsieve::Error>(())
    /// ```
    pub fn advance(&mut self, ticks: u64) {
        let halvings = self.clock.advance(ticks);
        self.halve(halvings);
    }

    /// Halves all that was learnt, so many times.
    fn halve(&mut self, times: u32) {
        if times == 0 {
            return;
        }
        self.directions.halve(times);
        self.norms.halve(times);
        self.losses.halve(times);
        self.residuals.halve(times);
        self.shapes.halve(times);
        self.scores.halve(times);
        self.near.iter_mut().for_each(|count| *count = count.checked_shr(times).unwrap_or(0));
        let Counts { weight, zeros, .. } = &mut self.counts;
        for sum in [weight, zeros, &mut self.distances, &mut self.distances_weight] {
            *sum = sum.checked_shr(times).unwrap_or(0);
        }
    }

    /// Refuses a sketch that cannot stand beside those observed.
    fn check(&self, sketch: &Sketch<'_>) -> Result<(), Error> {
        check_length(self.settings.width, sketch.values.len())?;
        match self.settings.groups {
            Groups::Fixed(groups) if sketch.group >= groups => {
                return Err(Error::Group { groups: groups as usize, found: sketch.group });
            }
            _ => {}
        }
        self.id.map_or(Ok(()), |id| id.check(&sketch.id))
    }

    /// Where the directions of a group stand; none of a growing one that has none yet.
    fn place(&self, group: u32) -> Option<usize> {
        match self.settings.groups {
            Groups::Fixed(_) => Some(group as usize),
            Groups::Growing(_) => groups::place(self.behind().0, group),
        }
    }

    /// What is to be left out, by what came before.
    ///
    /// The state stays as it is, so that several samples, as of a batch, can be judged
    /// before they are observed.
    ///
    /// # Errors
    /// [`Error::Length`]; [`Error::Mismatch`] if the sketch is of another kind than those
    /// observed; [`Error::Group`] of a fixed number of groups. A sketch that is not
    /// finite is no error: its verdict says so.
    pub fn judge(&self, sketch: &Sketch<'_>) -> Result<Verdict, Error> {
        self.check(sketch)?;
        let Some(own) = Measured::of(&self.settings, sketch) else { return Ok(Verdict::NON_FINITE) };
        let ray = own.factor.map(|factor| Ray::along(sketch.values, factor));
        let place = self.place(sketch.group);
        let distance = ray.zip(place).and_then(|(ray, place)| self.directions.distance(place, ray));
        let parts = self.parts(sketch, &own, distance);
        let (score, uniform) = (parts.score(), toss(self.counts.seen));
        let rank = self.rank(score, uniform);

        let Guards { zero, duplicates, .. } = self.settings.guards;
        let mut p = if duplicates > 0 { (rank / SCORE).min(rank + GUARDED) } else { rank };
        let mut reasons = parts.reasons();
        if let Groups::Growing(most) = self.settings.groups {
            let is_full = place.is_none() && self.groups().count() == most as usize;
            reasons = reasons.and_if(is_full, Reasons::GROUP);
        }
        if zero && is_zero(sketch) {
            reasons = reasons.and(Reasons::ZERO);
            p = p.min(self.share(0, self.counts.zeros, uniform) / ZERO);
        }
        let mut nearest = u32::MAX;
        if duplicates > 0 && ray.is_some() {
            nearest = recent::nearest(self.behind().1, self.counts.recent, own.signs);
            if nearest <= recent::near(self.settings.width) {
                reasons = reasons.and(Reasons::DUPLICATE);
                p = p.min(self.nearness(nearest, uniform) / DUPLICATE);
            }
        }
        let p = p.min(1.0);
        let is_warm = self.counts.seen >= u64::from(self.settings.warm_up);
        let flagged = is_warm
            && match self.settings.rate {
                Rate::FalseAlarms(alpha) => p <= alpha,
                Rate::FalseDiscoveries(_) => self.discoveries.would_flag(f64::from(p)),
            };
        Ok(Verdict { p, score, flagged, reasons, found: Found { rank, distance, nearest, own } })
    }

    /// The rank of a score in the stream so far; 1 before there was any.
    fn rank(&self, score: f32, uniform: f32) -> f32 {
        if self.scores.total() == 0 {
            return 1.0;
        }
        rank_at(&self.scores, position_of(score), OWN * self.clock.fine_weight() as f32, uniform)
    }

    /// A smoothed rank among finite samples, where so many are before a sample, and so
    /// many equal it.
    fn share(&self, before: u64, equal: u64, uniform: f32) -> f32 {
        let own = OWN * self.clock.weight() as f32;
        (rounded(before) + uniform * (rounded(equal) + own)) / (rounded(self.counts.weight) + own)
    }

    /// The rank of how near a duplicate is.
    fn nearness(&self, nearest: u32, uniform: f32) -> f32 {
        let up_to =
            |end: u32| self.near.iter().take(end as usize).map(|&count| u64::from(count)).sum::<u64>();
        let nearer = up_to(nearest);
        self.share(nearer, up_to(nearest.saturating_add(1)) - nearer, uniform)
    }

    /// The parts of a finite sketch's score.
    fn parts(&self, sketch: &Sketch<'_>, own: &Measured, distance: Option<f32>) -> Parts {
        let standing = distance.map_or(1.0, |distance| distance / self.mean_distance());
        let shape = own.shape.map_or(0.0, |shape| self.shapes.standardise_at(shape));
        let (loss, length) = match sketch.loss.zip(own.residual) {
            Some((loss, residual)) => {
                let loss = self.losses.standardise_at(position_of(loss));
                (Some(loss), self.residuals.standardise_at(residual))
            }
            None => (None, self.norms.standardise_at(own.square)),
        };
        // A loss that was rounded to zero does not tell how short a gradient may be.
        let short = self.settings.guards.short && sketch.loss.is_none_or(|loss| loss > 0.0);
        Parts::new(loss, standing, shape, length, short)
    }

    /// d̄: 1 before there was any.
    fn mean_distance(&self) -> f32 {
        const LEAST: f32 = 1e-3;
        if self.distances_weight == 0 {
            return 1.0;
        }
        let mean = rounded(self.distances) / (rounded(self.distances_weight) * DISTANCE as f32);
        if mean > LEAST { mean } else { LEAST }
    }

    /// Takes a sample in that was judged, and says whether the stream itself stands out.
    /// What `judge` found out of the sample is in its verdict, and not found again: each
    /// sketch is observed with the verdict on it.
    ///
    /// # Errors
    /// As [`judge`](Self::judge). The state is as it was.
    pub fn observe(&mut self, sketch: &Sketch<'_>, verdict: &Verdict) -> Result<Option<Alarm>, Error> {
        self.check(sketch)?;
        self.id = Some(sketch.id);
        let halvings = self.clock.tick();
        self.halve(halvings);
        self.counts.seen = self.counts.seen.saturating_add(1);
        self.counts.flagged = self.counts.flagged.saturating_add(u64::from(verdict.flagged));
        if verdict.reasons.has(Reasons::NON_FINITE) {
            self.counts.non_finite = self.counts.non_finite.saturating_add(1);
            return Ok(None);
        }
        let is_warm = self.counts.seen > u64::from(self.settings.warm_up);
        if is_warm && let Rate::FalseDiscoveries(_) = self.settings.rate {
            self.discoveries.count(verdict.flagged);
        }
        // Ranks of a sieve that learns are not quite uniform, so the bet has to win twice
        // as much, on a scale of logarithms, as it would have to on p-values.
        let is_steady = self.counts.seen > STEADY * u64::from(self.settings.warm_up);
        let level = self.settings.change * self.settings.change;
        let change = is_steady && self.jumper.bet(verdict.found.rank, level);
        self.calibrate(sketch, verdict);
        let (learns, flood) = self.counts.learns(verdict.flagged && !self.settings.learn_flagged);
        if learns {
            self.learn(sketch, &verdict.found);
        }
        Ok(if change {
            Some(Alarm::Change)
        } else if flood {
            Some(Alarm::Flood)
        } else {
            None
        })
    }

    /// Counts what p-values are made of: all finite samples, flagged or not.
    fn calibrate(&mut self, sketch: &Sketch<'_>, verdict: &Verdict) {
        let weight = self.clock.weight();
        self.counts.weight = self.counts.weight.saturating_add(u64::from(weight));
        if is_zero(sketch) {
            self.counts.zeros = self.counts.zeros.saturating_add(u64::from(weight));
        }
        // The first scores are of a sieve that knew nothing.
        if self.counts.seen > u64::from(self.settings.warm_up / 2) {
            let cell = self.scores.add_at(position_of(verdict.score), self.clock.fine_weight());
            self.counts.scored = self.counts.scored.saturating_add(1);
            // Scores of a sieve that knew less count less: whatever is forgotten besides,
            // half at each doubling of their number until a half-life does so.
            let forgets =
                self.settings.half_life.is_some_and(|half_life| self.counts.scored >= half_life.into());
            let doubled = self.counts.scored.is_power_of_two() && self.counts.scored >= 64 && !forgets;
            if doubled || self.scores.count(cell) > u32::MAX / 2 {
                self.scores.halve(1);
            }
        }
        if verdict.found.own.factor.is_some() && !self.behind().1.is_empty() {
            if let Some(count) = self.near.get_mut(verdict.found.nearest as usize) {
                *count = count.saturating_add(weight);
            }
            let (recent, signs) = (self.counts.recent, verdict.found.own.signs);
            recent::push(self.behind_mut().1, recent, signs);
            self.counts.recent = recent.saturating_add(1);
        }
    }

    /// Learns what samples are like.
    fn learn(&mut self, sketch: &Sketch<'_>, found: &Found) {
        let (weight, own) = (self.clock.weight(), found.own);
        if let Some(loss) = sketch.loss {
            self.losses.observe_at(position_of(loss), weight);
        }
        if is_zero(sketch) {
            return;
        }
        self.norms.observe_at(own.square, weight);
        if let Some(shape) = own.shape {
            self.shapes.observe_at(shape, weight);
        }
        let residual = own.residual.filter(|_| sketch.loss.is_some_and(|loss| loss > 0.0));
        if let Some(residual) = residual {
            self.residuals.observe_at(residual, weight);
        }
        let Some(factor) = own.factor else { return };
        let ray = Ray::along(sketch.values, factor);
        let whole = self.clock.fine_weight();
        if let Some(distance) = found.distance {
            // Below 2²⁵.
            let units = u64::from((distance * DISTANCE as f32) as u32) * u64::from(whole);
            self.distances = self.distances.saturating_add(units);
            self.distances_weight = self.distances_weight.saturating_add(u64::from(whole));
        }
        if let Some(place) = self.place_or_new(sketch.group) {
            self.directions.observe(place, ray, whole);
        }
    }

    /// Where the directions of a group stand, which may be new.
    fn place_or_new(&mut self, group: u32) -> Option<usize> {
        if let Some(place) = self.place(group) {
            return Some(place);
        }
        let place = groups::place_of_new(self.behind().0, group)?;
        groups::insert(self.behind_mut().0, place, group);
        self.directions.insert(place);
        Some(place)
    }

    /// Takes in all that `other` has learnt: counts and sums add up. What belongs to one
    /// stream alone begins anew: the bet on changes, and the last samples.
    ///
    /// # Errors
    /// [`Error::Setting`] if their settings differ; [`Error::Mismatch`] if they observed
    /// different kinds of sketch, or of [`Field::Clock`](crate::Field::Clock) if one has
    /// forgotten more half-lives than the other; [`Error::Full`] if growing groups have
    /// no room for those of both. The state is as it was.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        if self.settings != other.settings {
            return Err(Error::Setting { name: "settings", expected: "the same as the other state's" });
        }
        if let (Some(id), Some(other)) = (self.id, other.id) {
            id.check(&other)?;
        }
        self.clock.check(&other.clock)?;
        self.check_groups(other)?;
        other.groups().for_each(|group| {
            self.place_or_new(group);
        });
        self.add_all(other)
    }

    /// Refuses a state whose groups have no room beside the own.
    fn check_groups(&self, other: &Self) -> Result<(), Error> {
        let new = other.groups().filter(|group| self.place(*group).is_none()).count();
        let capacity = self.settings.ids();
        if self.groups().count() + new > capacity { Err(Error::Full { capacity }) } else { Ok(()) }
    }

    /// Takes in a state that was checked, and whose groups are known.
    fn add_all(&mut self, other: &Self) -> Result<(), Error> {
        match self.settings.groups {
            Groups::Fixed(groups) => {
                (0..groups as usize).for_each(|place| self.directions.add(place, &other.directions, place));
            }
            Groups::Growing(_) => {
                for (from, group) in other.groups().enumerate() {
                    let place = self.place(group).certain();
                    self.directions.add(place, &other.directions, from);
                }
            }
        }
        self.directions.add_weight(&other.directions);
        self.norms.merge(&other.norms)?;
        self.losses.merge(&other.losses)?;
        self.residuals.merge(&other.residuals)?;
        self.shapes.merge(&other.shapes)?;
        self.scores.merge(&other.scores)?;
        self.clock.merge(&other.clock)?;
        for (count, other) in self.near.iter_mut().zip(other.near) {
            *count = count.saturating_add(other);
        }
        self.distances = self.distances.saturating_add(other.distances);
        self.distances_weight = self.distances_weight.saturating_add(other.distances_weight);
        self.counts.merge(other.counts);
        self.discoveries.merge(other.discoveries);
        self.jumper = Jumper::NEW;
        self.behind_mut().1.fill(0);
        self.id = self.id.or(other.id);
        Ok(())
    }
}

/// Whether the gradient was one of zero.
const fn is_zero(sketch: &Sketch<'_>) -> bool {
    !measured::positive(sketch.measures.l2_squared)
}
