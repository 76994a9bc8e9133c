//! Running first and second moments of sketches, and what their inverse does to a vector.
//!
//! Detectors and influence methods that weigh a gradient by how the others lie share this
//! module: the uncentred second moment C = GᵀG/n (self-influence, ridge influence) and
//! the covariance about the running mean (Mahalanobis). Sums are kept in `f64`, as packed
//! lower triangles, row by row, so that row *i* is a contiguous slice of *i* + 1 numbers;
//! the Cholesky factor L Lᵀ = A has the same shape.
//!
//! The project has a dense linear algebra crate at hand (nalgebra), and tests this module
//! against it; it is not used here, because its factorisation needs a heap or a size
//! known to the compiler, twice the memory, and code that can panic.
//!
//! *Range*: sketches of any finite size. A product of two `f32` is exact in `f64` and no
//! sum of 2⁶⁴ of them leaves it.
//!
//! *Error*: after n observations an entry's relative error is at most n·2⁻⁵³ of the sum
//! of the magnitudes. The covariance is the second moment less that of the mean, so where
//! the mean is m times as long as a deviation, m² times that. The factorisation's
//! backward error is that of `f64` Cholesky; condition numbers from 10¹² on are refused.
//!
//! *Forgetting*: with a half-life what was observed counts half after so many samples, by
//! a [`Clock`]. Sums are scaled by powers of two, which costs no precision. *Merging*
//! adds sums that are rounded: another order of merging gives other last bits.
//!
//! *Cost*: K²/2 multiply–adds an observation, K³/6 a factorisation, K²/2 a whitening, K²
//! a solution, in `f64`.
//!
//! May import `sketch`, `state`, `statistics` and `error`; knows nothing of detectors,
//! influence or stores.

mod clip;
mod factor;
mod second_moment;
mod sums;

pub(crate) use clip::check as check_clip;
pub use clip::{Clip, Norms, Unclipped};
pub use factor::{Factor, triangle};
pub(crate) use second_moment::Said;
pub use second_moment::{Policy, SecondMoment, Strength};
pub use sums::Weights;

use crate::error::{Error, check_length};
use crate::memory::{Buffer, Memory};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, FRAME, Place, State, StateKind, Walk, place};
use crate::statistics::Clock;
use clip::two_to;
pub(crate) use factor::factorise;
use factor::trace;
use gradsieve_kernels::{Certain, double};
pub(crate) use sums::Sums;

/// What weighs less than this part of a sample is nothing.
const FORGOTTEN: f64 = 1.0 / (1_u128 << 64) as f64;

/// What the second moment is taken about.
///
/// ```
/// use gradsieve::moments::{Centre, Moments, MomentsSettings};
///
/// const ABOUT_ZERO: MomentsSettings = MomentsSettings::new(Centre::Zero, 2);
/// let moments = Moments::<[f64; ABOUT_ZERO.memory().f64s]>::owned(ABOUT_ZERO)?;
/// assert!(moments.mean().eq([0.0, 0.0])); // and so it stays
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Centre {
    /// About zero: GᵀG/n.
    Zero,
    /// About the running mean: the covariance (divided by n).
    Mean,
}

/// What moments are taken of.
///
/// ```
/// use gradsieve::moments::{Centre, MomentsSettings, triangle};
///
/// const SETTINGS: MomentsSettings = MomentsSettings::new(Centre::Mean, 64);
/// assert_eq!(SETTINGS.memory().f64s, 64 + triangle(64));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MomentsSettings {
    /// What the second moment is taken about.
    pub centre: Centre,
    /// K.
    pub width: usize,
    /// Samples after which what was observed counts half; none forgets nothing.
    pub half_life: Option<u32>,
}

impl MomentsSettings {
    /// Moments that forget nothing.
    #[must_use]
    pub const fn new(centre: Centre, width: usize) -> Self {
        Self { centre, width, half_life: None }
    }

    /// What the state needs: K·(K + 1)/2 `f64`, and K for a mean.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        Memory { f64s: self.numbers(), bytes_at_rest: self.body().saturating_add(FRAME), ..Memory::NONE }
    }

    const fn numbers(&self) -> usize {
        self.means().saturating_add(triangle(self.width))
    }

    const fn means(&self) -> usize {
        match self.centre {
            Centre::Zero => 0,
            Centre::Mean => self.width,
        }
    }

    /// Refuses settings, and a buffer of `found` numbers that has not so many `more` than
    /// they need.
    const fn check(&self, more: usize, found: usize) -> Result<Clock, Error> {
        match check_length(self.numbers().saturating_add(more), found) {
            Ok(()) => Clock::new(self.half_life),
            Err(error) => Err(error),
        }
    }

    /// Bytes of the body.
    const fn body(&self) -> usize {
        self.numbers().saturating_mul(8).saturating_add(48)
    }
}

/// Running moments of sketches.
///
/// ```
/// use gradsieve::moments::{Centre, Moments, MomentsSettings};
/// # use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// const SETTINGS: MomentsSettings = MomentsSettings::new(Centre::Mean, 2);
/// let mut moments = Moments::<[f64; SETTINGS.memory().f64s]>::owned(SETTINGS)?;
/// # let id = Exact::new(2).id(Layout::flat(2)?.id());
/// for values in [[1.0, 2.0], [3.0, 6.0]] {
///     # let sketch = Sketch::from_parts(id, &values, gradsieve_kernels::summarize(&values))?;
///     moments.observe(&sketch)?;
/// }
/// assert!(moments.mean().eq([2.0, 4.0]));
/// // The variances are 1 and 4.
/// assert_eq!(moments.mean_eigenvalue(), 2.5);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct Moments<B> {
    settings: MomentsSettings,
    clock: Clock,
    count: u64,
    /// What all observations count by now; 0 where nothing is forgotten, and each counts
    /// 1.
    weight: f64,
    id: Option<SketchId>,
    /// At least as long as the settings say, as every constructor checks: what stands
    /// behind belongs to who made it longer.
    buffer: B,
}

/// The parts of the buffer of moments.
struct Split<T> {
    /// Σ φ; empty if the centre is zero.
    sum: T,
    /// Σ φ φᵀ, packed.
    second: T,
    /// What stands behind.
    rest: T,
}

impl<const N: usize> Moments<[f64; N]> {
    /// No observations yet, in an array of its own.
    ///
    /// # Errors
    /// [`Error::Length`] if the array is not as long as [`MomentsSettings::memory`] says;
    /// [`Error::Setting`] of a half-life out of range.
    pub const fn owned(settings: MomentsSettings) -> Result<Self, Error> {
        match settings.check(0, N) {
            Ok(clock) => Ok(Self::over(settings, clock, [0.0; N])),
            Err(error) => Err(error),
        }
    }
}

impl<B> Moments<B> {
    /// No observations yet, in a buffer of zeros that is long enough.
    const fn over(settings: MomentsSettings, clock: Clock, buffer: B) -> Self {
        Self { settings, clock, count: 0, weight: 0.0, id: None, buffer }
    }

    /// K.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.settings.width
    }

    /// Observations so far.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The clock by which they forget.
    #[must_use]
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// What all observations count by now: as many as there were, if nothing is
    /// forgotten; 0 if there were none, or if less than 2⁻⁶⁴ of a sample is left.
    #[must_use]
    pub const fn weight(&self) -> f64 {
        if self.settings.half_life.is_none() { self.count as f64 } else { self.weight }
    }

    /// What sums are divided by.
    const fn divisor(&self) -> f64 {
        let weight = self.weight();
        if weight > 0.0 { weight } else { 1.0 }
    }
}

impl<B: Buffer<f64>> Moments<B> {
    /// No observations yet; the buffer is set to zero.
    ///
    /// # Errors
    /// [`Error::Length`] if the buffer is not as long as [`MomentsSettings::memory`]
    /// says; [`Error::Setting`] of a half-life out of range.
    pub fn new(settings: MomentsSettings, buffer: B) -> Result<Self, Error> {
        Self::before(settings, 0, buffer)
    }

    /// [`Moments::new`] in the front of a buffer that has so many numbers more.
    pub(crate) fn before(settings: MomentsSettings, more: usize, mut buffer: B) -> Result<Self, Error> {
        let clock = settings.check(more, buffer.as_ref().len())?;
        buffer.as_mut().fill(0.0);
        Ok(Self::over(settings, clock, buffer))
    }

    fn split(&self) -> Split<&[f64]> {
        let (sum, rest) = self.buffer.as_ref().split_at_checked(self.settings.means()).certain();
        let (second, rest) = rest.split_at_checked(triangle(self.settings.width)).certain();
        Split { sum, second, rest }
    }

    fn split_mut(&mut self) -> Split<&mut [f64]> {
        let settings = self.settings;
        let (sum, rest) = self.buffer.as_mut().split_at_mut_checked(settings.means()).certain();
        let (second, rest) = rest.split_at_mut_checked(triangle(settings.width)).certain();
        Split { sum, second, rest }
    }

    /// What stands behind the moments in their buffer.
    pub(crate) fn rest(&self) -> &[f64] {
        self.split().rest
    }

    /// What stands behind the moments in their buffer.
    pub(crate) fn rest_mut(&mut self) -> &mut [f64] {
        self.split_mut().rest
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        (self.count, self.weight) = (0, 0.0);
        self.clock.reset();
        self.id = None;
        let Split { sum, second, .. } = self.split_mut();
        sum.fill(0.0);
        second.fill(0.0);
    }

    /// The running mean, K numbers; zeros if the centre is zero.
    pub fn mean(&self) -> impl Iterator<Item = f64> {
        let (sum, weight) = (self.split().sum, self.divisor());
        (0..self.settings.width).map(move |i| sum.get(i).map_or(0.0, |sum| sum / weight))
    }

    /// Refuses a sketch that cannot stand beside those observed.
    pub(crate) fn check(&self, sketch: &Sketch<'_>) -> Result<(), Error> {
        check_length(self.settings.width, sketch.values.len())?;
        sketch.check_finite()?;
        self.id.map_or(Ok(()), |id| id.check(&sketch.id))
    }

    /// Takes a sketch in.
    ///
    /// # Errors
    /// [`Error::NonFinite`], [`Error::Length`] or [`Error::Mismatch`]; [`Error::Full`]
    /// after 2⁶⁴ − 1 observations. The state is as it was.
    pub fn observe(&mut self, sketch: &Sketch<'_>) -> Result<(), Error> {
        self.check(sketch)?;
        self.add(sketch, 1.0).map(|_| ())
    }

    /// Takes a sketch in that was checked, as if it were `length` times as long. Returns
    /// how often all sums were halved before.
    fn add(&mut self, sketch: &Sketch<'_>, length: f64) -> Result<u32, Error> {
        self.count = added(self.count, 1)?;
        self.id = Some(sketch.id);
        let halvings = self.clock.tick();
        self.halve(halvings);
        let share = self.clock.share();
        self.weight += if self.settings.half_life.is_none() { 0.0 } else { share };
        let width = self.settings.width;
        let Split { sum, second, .. } = self.split_mut();
        if !sum.is_empty() {
            double::axpy(share * length, sketch.values, sum)?;
        }
        double::add_outers(&[share * length * length], width, sketch.values, second)?;
        Ok(halvings)
    }

    /// Moves the clock on to a later tick, as for samples that went elsewhere: what was
    /// observed counts less then, and moments whose clocks agree can be merged. Returns
    /// how often all sums were halved.
    pub fn advance(&mut self, ticks: u64) -> u32 {
        let halvings = self.clock.advance(ticks);
        self.halve(halvings);
        halvings
    }

    /// Halves all sums, so many times, until nothing is left.
    fn halve(&mut self, times: u32) {
        if times == 0 {
            return;
        }
        let part = two_to(-(times.min(1000) as i32));
        let part = if self.weight * part < FORGOTTEN { 0.0 } else { part };
        self.weight *= part;
        let Split { sum, second, .. } = self.split_mut();
        sum.iter_mut().chain(second).for_each(|sum| *sum *= part);
    }

    /// Takes in all that `other` has observed: the sums add up.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the two observed different kinds of sketch, or their clocks
    /// do not agree, [`Error::Setting`] if their centres differ,
    /// [`Error::Length`] if their widths do, [`Error::Full`] if they have 2⁶⁴
    /// observations or more; the state is as it was.
    pub fn merge<C: Buffer<f64>>(&mut self, other: &Moments<C>) -> Result<(), Error> {
        let count = self.check_merge(other)?;
        self.add_all(other, count, 1.0)
    }

    /// Refuses moments that cannot be taken in. Returns how many observations there are
    /// then.
    fn check_merge<C: Buffer<f64>>(&self, other: &Moments<C>) -> Result<u64, Error> {
        check_length(self.settings.width, other.settings.width)?;
        if self.settings.centre != other.settings.centre {
            return Err(Error::Setting { name: "centre", expected: "the same as the other state's" });
        }
        if let (Some(id), Some(other)) = (self.id, other.id) {
            id.check(&other)?;
        }
        self.clock.check(&other.clock)?;
        added(self.count, other.count)
    }

    /// Takes in moments that were checked, as if they were `length` times as long.
    fn add_all<C: Buffer<f64>>(&mut self, other: &Moments<C>, count: u64, length: f64) -> Result<(), Error> {
        self.clock.merge(&other.clock)?;
        self.count = count;
        self.weight += other.weight;
        let (own, theirs) = (self.split_mut(), other.split());
        double::axpy(length, theirs.sum, own.sum)?;
        double::axpy(length * length, theirs.second, own.second)?;
        self.id = self.id.or(other.id);
        Ok(())
    }

    /// Makes all that was observed `length` times as long.
    fn shrink(&mut self, length: f64) {
        let Split { sum, second, .. } = self.split_mut();
        sum.iter_mut().for_each(|sum| *sum *= length);
        second.iter_mut().for_each(|sum| *sum *= length * length);
    }

    /// Σ ‖φ‖² about zero.
    fn trace(&self) -> f64 {
        trace(self.split().second)
    }

    /// The mean eigenvalue of the second moment: its trace over K. 0 without
    /// observations, and where what is left about the mean is rounding.
    #[must_use]
    pub fn mean_eigenvalue(&self) -> f64 {
        let about_zero = self.trace() / self.divisor();
        let trace = about_zero - self.mean().map(|mean| mean * mean).sum::<f64>();
        // Of squares in f64, after many additions.
        let additions = libm::fmin(self.count as f64, 1e6);
        let is_rounding = trace <= about_zero * additions * f64::EPSILON;
        if is_rounding { 0.0 } else { trace / self.settings.width as f64 }
    }

    /// Writes row `i` of the second moment about zero plus `ridge`·I to what stands
    /// behind the moments, as row `place` there.
    pub(crate) fn row_behind(&mut self, i: usize, ridge: f64, place: usize) {
        let (width, weight) = (self.settings.width, self.divisor());
        let Split { second, rest, .. } = self.split_mut();
        for (j, out) in rest.iter_mut().skip(place * width).take(width).enumerate() {
            let at = if j < i { triangle(i) + j } else { triangle(j) + i };
            *out = second.get(at).copied().certain() / weight + if i == j { ridge } else { 0.0 };
        }
    }

    /// Writes the Cholesky factor of `scale`·(second moment) + `ridge`·I to `factor`,
    /// [`triangle`]`(K)` numbers. `scratch` is 2·K numbers.
    ///
    /// # Errors
    /// [`Error::TooFew`] without observations; [`Error::Length`];
    /// [`Error::NotPositiveDefinite`] or [`Error::IllConditioned`], and then `factor`
    /// holds nothing of use.
    pub fn factor<'f>(
        &self,
        scale: f64,
        ridge: f64,
        factor: &'f mut [f64],
        scratch: &mut [f64],
    ) -> Result<Factor<'f>, Error> {
        let width = self.settings.width;
        let Split { sum, second, .. } = self.split();
        let (x, y) = halves(width, scratch)?;
        Sums { weight: self.weight(), sum, second }.write_factor(Weights { scale, ridge }, factor, x, y)?;
        Factor::from_packed(width, factor)
    }
}

/// Two slices of `width` numbers.
fn halves(width: usize, scratch: &mut [f64]) -> Result<(&mut [f64], &mut [f64]), Error> {
    let (expected, found) = (width.saturating_mul(2), scratch.len());
    let both = scratch.get_mut(..expected).ok_or(Error::Length { expected, found })?;
    Ok(both.split_at_mut_checked(width).certain())
}

/// The sum of two numbers of observations.
pub(crate) const fn added(count: u64, other: u64) -> Result<u64, Error> {
    match count.checked_add(other) {
        Some(sum) => Ok(sum),
        None => Err(Error::Full { capacity: usize::MAX }),
    }
}

/// Terms of one size that sums in `f32` count: the next may be lost.
const F32_TERMS: u64 = 1 << 24;

/// The sum of two numbers of observations whose sums are `f32`.
pub(crate) const fn added_in_f32(count: u64, other: u64) -> Result<u64, Error> {
    match count.checked_add(other) {
        Some(sum) if sum <= F32_TERMS => Ok(sum),
        _ => Err(Error::Full { capacity: F32_TERMS as usize }),
    }
}

/// Whether a number in bytes can be the count of a sum that is `f32`.
pub(crate) const fn is_count_in_f32(count: f32) -> bool {
    let whole = count as u64;
    whole as f32 == count && whole <= F32_TERMS
}

impl<B: Buffer<f64>> Body for Moments<B> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        let MomentsSettings { centre, width, .. } = walk.state().settings;
        walk.setting(centre == Centre::Mean)?;
        walk.zeros(7)?;
        walk.width(width)?;
        walk.nested(place!(clock))?;
        let count = walk.number(place!(count))?;
        let weight = walk.value(walk.state().weight)?;
        walk.require(weight.is_finite() && weight >= 0.0, Error::Corrupt)?;
        walk.load_with(|state| state.weight = weight);
        walk.require_id(width, count > 0)?;
        walk.all(Place { get: |state| state.split().sum, get_mut: |state| state.split_mut().sum })?;
        walk.all(Place { get: |state| state.split().second, get_mut: |state| state.split_mut().second })?;
        let id = walk.id();
        walk.load_with(|moments| moments.id = id);
        Ok(())
    }
}

impl<B: Buffer<f64>> State for Moments<B> {
    const KIND: StateKind = StateKind::Moments;

    fn sketch_id(&self) -> Option<SketchId> {
        self.id
    }
}
