//! Moments and the Cholesky factor of their damped second moment: the one state of ridge,
//! TRAK, self-influence and Mahalanobis. A [`Policy`] says in what they differ.
//!
//! A policy may bound what one observation does (`clip`): a row longer than so many times
//! the running median of norms enters scaled down to that. Before sixteen rows were seen
//! there is no median, and long rows that came first may have made it. When there is one,
//! or it falls, sums that rows within the limit could not have made are scaled down as a
//! whole.

use super::clip::{Clip, Norms, check as check_clip, exponent, two_to};
use super::factor::{CopyFrom as _, WORST_CONDITION, ill_conditioned};
use super::{Centre, Factor, Moments, MomentsSettings, Split, Sums, Weights, triangle};
use crate::error::Error;
use crate::memory::{Buffer, Memory};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, FRAME, Number, Place, State, StateKind, Walk, open, place};
use crate::statistics::Clock;
use gradsieve_kernels::{Certain, double, squared_norm};

/// In what the methods of a damped second moment differ. Their settings implement it.
///
/// ```
/// use gradsieve::influence::RidgeSettings;
/// use gradsieve::moments::{Policy, Weights};
///
/// let settings = RidgeSettings { damping: 0.5, ..RidgeSettings::new(2) };
/// // Of ten observations whose mean eigenvalue is 3.
/// assert_eq!(settings.weights(10.0, 3.0), Weights { scale: 1.0, ridge: 1.5 });
/// ```
pub trait Policy: Copy {
    /// What the second moment is taken about.
    const CENTRE: Centre;
    /// What the damping or shrinkage may be.
    const STRENGTH: Strength;
    /// What a state is at rest.
    const KIND: StateKind;
    /// What is kept of the norms of rows: [`Norms`] if there may be a
    /// [`clip`](Self::clip), [`Unclipped`](super::Unclipped) if there is none.
    type Clip: Clip;
    /// Whether a strength of 0 is the limit of ever smaller ones, which a singular matrix
    /// has, too: solutions of least norm.
    const LEAST_NORM: bool = false;

    /// K.
    fn width(&self) -> usize;

    /// The damping or shrinkage, as it stands in the bytes of a state.
    fn strength(&self) -> f32;

    /// How many times the running median of norms a row may be long: longer ones are
    /// scaled down to that. None takes rows as they are.
    fn clip(&self) -> Option<f32> {
        None
    }

    /// Samples after which what was observed counts half; none forgets nothing.
    fn half_life(&self) -> Option<u32> {
        None
    }

    /// What is factorised: scale·(second moment) + ridge·I, of so many observations and
    /// this mean eigenvalue of their second moment.
    fn weights(&self, count: f64, mean_eigenvalue: f64) -> Weights;
}

/// What a damping or a shrinkage is called, and what it may be.
///
/// ```
/// use gradsieve::moments::Strength;
///
/// assert_eq!((Strength::DAMPING.name, Strength::DAMPING.zero), ("damping", false));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strength {
    /// The name of the setting.
    pub name: &'static str,
    /// The largest that it may be.
    pub most: f32,
    /// Whether it may be 0.
    pub zero: bool,
    /// These bounds, in words.
    pub expected: &'static str,
}

impl Strength {
    /// A damping: finite and above 0.
    pub const DAMPING: Self =
        Self { name: "damping", most: f32::MAX, zero: false, expected: "finite and above 0" };

    const fn check(&self, strength: f32) -> Result<(), Error> {
        if (strength > 0.0 || (self.zero && strength == 0.0)) && strength <= self.most {
            Ok(())
        } else {
            Err(Error::Setting { name: self.name, expected: self.expected })
        }
    }
}

/// Moments, and once it is fitted the factor that the settings ask for.
///
/// Observe every sketch, [`fit`](Self::fit), and then score sketches or solve for
/// targets, by the traits of the methods: [`Detector`](crate::outlier::Detector),
/// [`Solver`](crate::influence::Solver). The examples stand with their settings.
///
/// *Memory*: K² + 5K numbers of `f64` at most, and 1 KiB in the state itself if the
/// method clips; the factor and scratch stand behind the moments in their buffer.
#[derive(Debug)]
pub struct SecondMoment<P: Policy, B> {
    settings: P,
    moments: Moments<B>,
    clip: P::Clip,
    /// Of the last fit: what was factorised, and its condition number.
    fit: Option<Fit>,
}

/// What was factorised.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Fit {
    weights: Weights,
    condition: f64,
    /// When it was.
    ticks: u64,
    /// Whether the moments are still those that were factorised.
    is_current: bool,
}

/// Bytes of what is said of a fit at rest, before its factor.
const FIT: usize = 32;

/// Solving one system: the parts of the buffer behind the moments.
struct Parts<T> {
    factor: T,
    scratch: [T; 3],
}

/// What is added to a singular matrix, as part of its trace, so that its directions fall
/// apart: eigenvalues of 10 times this and more are there, of a thousandth and less are
/// not.
const APART: f64 = 1e-9;

/// What may be left of a target between the two, as part of its length.
const BETWEEN: f64 = 1e-3;

/// A target of which no more than this part is along directions that are there has
/// nothing along them but rounding.
const NOTHING: f64 = 1e-7;

impl<P: Policy> SecondMoment<P, ()> {
    /// What a method of this policy needs, with a clip or without; half the bytes at rest
    /// before the first fit.
    pub(crate) const fn memory(width: usize, clips: bool) -> Memory {
        let settings = MomentsSettings::new(P::CENTRE, width);
        let factor = triangle(width).saturating_mul(8);
        Memory {
            f64s: settings.numbers().saturating_add(more(width)),
            bytes_at_rest: factor
                .saturating_add(settings.body())
                .saturating_add(FRAME + 48 + if clips { Norms::BYTES } else { 0 }),
            ..Memory::NONE
        }
    }
}

/// What the bytes of a state say of its settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said {
    pub(crate) strength: f32,
    pub(crate) clip: Option<f32>,
    pub(crate) width: usize,
    pub(crate) half_life: Option<u32>,
}

impl<P: Policy> SecondMoment<P, ()> {
    /// The settings of a state at rest, which [`Body::body`] writes.
    ///
    /// # Errors
    /// [`Error::Magic`], [`Error::Version`], [`Error::Truncated`] or [`Error::Corrupt`]
    /// if the bytes are no state, or not that of such settings; [`Error::Mismatch`] if
    /// they are of another kind.
    pub(crate) fn said(bytes: &[u8]) -> Result<Said, Error> {
        let (_, mut from) = open(P::KIND, bytes)?;
        let len = from.left().saturating_add(FRAME);
        let strength = f32::take(&mut from)?;
        let fitted = bool::take(&mut from)?;
        from.skip(3)?;
        let clip = f32::take(&mut from)?;
        let clip = (clip > 0.0).then_some(clip);
        from.skip(if clip.is_some() { 4 + Norms::BYTES } else { 4 })?;
        from.skip(8)?;
        let (width, half_life) = (usize::take(&mut from)?, u32::take(&mut from)?);
        let half_life = (half_life > 0).then_some(half_life);
        let most = Self::memory(width, clip.is_some()).bytes_at_rest;
        // Without the factor, and what is said of it.
        let least = most.saturating_sub(triangle(width).saturating_mul(8).saturating_add(FIT));
        let is_whole = len == if fitted { most } else { least };
        let valid = P::STRENGTH.check(strength).and(check_clip(clip)).and(Clock::new(half_life).map(drop));
        if is_whole && valid.is_ok() {
            Ok(Said { strength, clip, width, half_life })
        } else {
            Err(Error::Corrupt)
        }
    }
}

/// Numbers behind the moments: the factor, and three vectors of scratch.
const fn more(width: usize) -> usize {
    triangle(width).saturating_add(width.saturating_mul(3))
}

impl<P: Policy, const N: usize> SecondMoment<P, [f64; N]> {
    /// No observations yet, in an array of its own. `width`, `strength`, `clip` and
    /// `half_life` are those of the settings, which the compiler does not ask a trait
    /// for.
    pub(crate) const fn owned_with(
        settings: P,
        width: usize,
        strength: f32,
        clip: Option<f32>,
        half_life: Option<u32>,
    ) -> Result<Self, Error> {
        if let Err(error) = P::STRENGTH.check(strength) {
            return Err(error);
        }
        if let Err(error) = check_clip(clip) {
            return Err(error);
        }
        let of = MomentsSettings { centre: P::CENTRE, width, half_life };
        match of.check(more(width), N) {
            Ok(clock) => {
                let moments = Moments::over(of, clock, [0.0; N]);
                Ok(Self { settings, moments, clip: P::Clip::NONE, fit: None })
            }
            Err(error) => Err(error),
        }
    }
}

impl<P: Policy, B: Buffer<f64>> SecondMoment<P, B> {
    /// No observations yet; the buffer is set to zero.
    ///
    /// # Errors
    /// [`Error::Setting`] for a damping, a shrinkage, a clip or a half-life that the
    /// method does not allow; [`Error::Length`] if the buffer is not as long as the
    /// settings' memory.
    pub fn new(settings: P, buffer: B) -> Result<Self, Error> {
        P::STRENGTH.check(settings.strength())?;
        check_clip(settings.clip())?;
        let (width, half_life) = (settings.width(), settings.half_life());
        let of = MomentsSettings { centre: P::CENTRE, width, half_life };
        let moments = Moments::before(of, more(of.width), buffer)?;
        Ok(Self { settings, moments, clip: P::Clip::NONE, fit: None })
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> P {
        self.settings
    }

    /// The moments.
    #[must_use]
    pub const fn moments(&self) -> &Moments<B> {
        &self.moments
    }

    /// An estimate of the condition number of what was factorised, in the 1-norm: from
    /// below, and seldom by more than a factor of 3. None before the first fit.
    #[must_use]
    pub fn condition(&self) -> Option<f64> {
        self.fit.map(|fit| fit.condition)
    }

    /// Whether the last fit found the matrix singular: without damping, gradients that
    /// span fewer than K dimensions. Solutions are then those of least norm, by the
    /// pseudo-inverse, to which those with ever smaller dampings come on every gradient
    /// that was observed. Directions with an eigenvalue below 10⁻¹² of the trace count as
    /// missing.
    #[must_use]
    pub fn is_singular(&self) -> bool {
        self.settings.strength() == 0.0 && self.fit.is_some_and(|fit| fit.weights.ridge > 0.0)
    }

    /// Takes a sketch into the moments; what was fitted stays as it is until the next
    /// [`fit`](Self::fit).
    ///
    /// # Errors
    /// As [`Moments::observe`].
    pub fn observe(&mut self, sketch: &Sketch<'_>) -> Result<(), Error> {
        self.moments.check(sketch)?;
        let square = if self.settings.clip().is_some() { squared_norm(sketch.values) } else { 0.0 };
        let length = match self.limit() {
            Some(limit) if square > limit => libm::sqrt(limit / square),
            _ => 1.0,
        };
        let halvings = self.moments.add(sketch, length)?;
        self.moved();
        let clock = self.moments.clock();
        if let Some(norms) = self.clip.norms_mut() {
            norms.halve(halvings);
            if norms.observe(square, clock) {
                self.hold();
            }
        }
        Ok(())
    }

    /// Moves the clock on to a later tick, as for samples that went elsewhere: what was
    /// observed counts less then, and states whose clocks agree can be merged. What was
    /// fitted stays.
    pub fn advance(&mut self, ticks: u64) {
        let halvings = self.moments.advance(ticks);
        if let Some(norms) = self.clip.norms_mut() {
            norms.halve(halvings);
        }
    }

    /// Whether the last fit is of what is forgotten for the better part: more than a
    /// half-life has passed since. Never where nothing is forgotten.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        let clock = self.moments.clock();
        let since = self.fit.map_or(0, |fit| clock.ticks().saturating_sub(fit.ticks));
        clock.half_life().is_some_and(|half_life| since > u64::from(half_life))
    }

    /// The largest squared norm that a row may have; none if it may have any.
    fn limit(&self) -> Option<f64> {
        self.clip.norms()?.limit(self.settings.clip()?, self.moments.clock())
    }

    /// The moments are no longer those that were factorised.
    fn moved(&mut self) {
        if let Some(fit) = &mut self.fit {
            fit.is_current = false;
        }
    }

    /// Scales down sums that rows within the limit could not have made: those of rows
    /// which came before there was a limit, or while it was higher.
    fn hold(&mut self) {
        let limit = self.limit();
        if let Some(length) = self.too_long(limit) {
            self.moments.shrink(length);
        }
    }

    /// How many times as long the sums may be, if rows within the limit could not have
    /// made them.
    fn too_long(&self, limit: Option<f64>) -> Option<f64> {
        let most = self.clip.norms()?.most(limit?, self.moments.clock());
        let trace = self.moments.trace();
        (trace > most).then(|| libm::sqrt(most / trace))
    }

    /// Takes in all that `other` has observed; what was fitted stays as it is.
    ///
    /// # Errors
    /// As [`Moments::merge`].
    pub fn merge<C: Buffer<f64>>(&mut self, other: &SecondMoment<P, C>) -> Result<(), Error> {
        let count = self.moments.check_merge(&other.moments)?;
        let mut clip = self.clip.clone();
        if let (Some(norms), Some(others)) = (clip.norms_mut(), other.clip.norms()) {
            norms.merge(others);
        }
        // Each by the limit of both, or the longer sums would drown the others.
        let clock = self.moments.clock();
        let limit = self.settings.clip().and_then(|factor| clip.norms()?.limit(factor, clock));
        if let Some(length) = self.too_long(limit) {
            self.moments.shrink(length);
        }
        self.moments.add_all(&other.moments, count, other.too_long(limit).unwrap_or(1.0))?;
        self.clip = clip;
        self.moved();
        Ok(())
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.moments.reset();
        self.clip = P::Clip::NONE;
        self.fit = None;
    }

    /// Factorises what the settings ask for, as the moments stand. If nothing was
    /// observed, or all of it was zero, an earlier fit stands. Where the damping is so
    /// small that the matrix cannot be factorised, below 10⁻¹²·K, the state is not
    /// fitted.
    ///
    /// # Errors
    /// [`Error::TooFew`] without observations; [`Error::NotPositiveDefinite`] if all of
    /// them were zero, or the same about their mean; [`Error::IllConditioned`] if the
    /// damping is so small that solutions would be rounding.
    pub fn fit(&mut self) -> Result<(), Error> {
        let weight = self.moments.weight();
        let mean_eigenvalue = self.moments.mean_eigenvalue();
        if weight == 0.0 {
            return Err(Error::TooFew { needed: 1, found: 0 });
        }
        if mean_eigenvalue <= 0.0 {
            return Err(Error::NotPositiveDefinite);
        }
        let mut weights = self.settings.weights(weight, mean_eigenvalue);
        let has_limit = P::LEAST_NORM && self.settings.strength() == 0.0;
        self.fit = None;
        let width = self.moments.width() as f64;
        let (sums, Parts { factor, scratch: [x, y, _] }) = self.parts_mut();
        let mut condition = sums.write_factor(weights, factor, x, y);
        if has_limit && condition.is_err() {
            weights.ridge = APART * weights.scale * mean_eigenvalue * width;
            condition = sums.write_factor(weights, factor, x, y);
        }
        self.fit = Some(Fit {
            weights,
            condition: condition?,
            ticks: self.moments.clock().ticks(),
            is_current: true,
        });
        Ok(())
    }

    fn parts_mut(&mut self) -> (Sums<'_>, Parts<&mut [f64]>) {
        let (weight, width) = (self.moments.weight(), self.moments.width());
        let Split { sum, second, rest } = self.moments.split_mut();
        let (factor, rest) = rest.split_at_mut_checked(triangle(width)).certain();
        let (x, rest) = rest.split_at_mut_checked(width).certain();
        let (y, rest) = rest.split_at_mut_checked(width).certain();
        let z = rest.get_mut(..width).certain();
        (Sums { weight, sum, second }, Parts { factor, scratch: [x, y, z] })
    }

    fn factor(&self) -> &[f64] {
        self.moments.rest().get(..triangle(self.moments.width())).certain()
    }

    fn factor_mut(&mut self) -> &mut [f64] {
        let width = self.moments.width();
        self.moments.rest_mut().get_mut(..triangle(width)).certain()
    }

    /// Refuses a sketch that cannot stand beside those observed, and one that comes too
    /// early.
    fn check(&self, sketch: &Sketch<'_>) -> Result<Fit, Error> {
        let fit = self.fit.ok_or(Error::NotFitted)?;
        self.moments.check(sketch)?;
        Ok(fit)
    }

    /// xᵀA⁻¹x, where x is the sketch less the centre, and A what was factorised.
    /// `scratch` is K numbers at least.
    pub(crate) fn quadratic(&self, sketch: &Sketch<'_>, scratch: &mut [f32]) -> Result<f64, Error> {
        self.check(sketch)?;
        let (expected, found) = (sketch.values.len(), scratch.len());
        let x = scratch.get_mut(..expected).ok_or(Error::Length { expected, found })?;
        let centred = || sketch.values.iter().zip(self.moments.mean()).map(|(&x, mean)| f64::from(x) - mean);
        let largest = centred().fold(0.0, |most, x| libm::fmax(most, x.abs()));
        if largest == 0.0 {
            return Ok(0.0);
        }
        let scale = two_to(-exponent(largest));
        for (to, from) in x.iter_mut().zip(centred()) {
            *to = (from * scale) as f32;
        }
        let score = Factor::from_packed(expected, self.factor())?.quadratic(scale, x)?;
        if score.is_finite() { Ok(score) } else { Err(Error::Range { what: "the score" }) }
    }

    /// Solves for a target, and hands the solution over: by the factor, and once more for
    /// what that left. Where rows came after the fit, what was factorised is gone, and
    /// the factor alone solves.
    pub(crate) fn solve_with(
        &mut self,
        target: &Sketch<'_>,
        take: impl FnOnce(&[f64]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Fit { weights, is_current, .. } = self.check(target)?;
        let is_singular = self.is_singular();
        let trace = self.moments.trace() / self.moments.divisor();
        let (sums, Parts { factor, scratch: [x, left, product] }) = self.parts_mut();
        let factor = Factor::from_packed(x.len(), factor)?;
        x.iter_mut().zip(target.values).for_each(|(to, &from)| *to = f64::from(from));
        if is_singular {
            least_norm(&factor, weights.ridge, x, left, product)?;
            return take(x);
        }
        if is_current {
            sums.solve(weights, trace, &factor, target.values, [&mut *x, left, product])?;
        } else {
            factor.solve(x)?;
        }
        take(x)
    }
}

/// Replaces v by A⁺v, where the factor is that of A + δI. With B = (A + δI)⁻¹, (δB)³
/// keeps of a vector what lies along directions that A does not have, and nothing of the
/// others.
fn least_norm(
    factor: &Factor<'_>,
    apart: f64,
    v: &mut [f64],
    own: &mut [f64],
    missing: &mut [f64],
) -> Result<(), Error> {
    let length = |x: &[f64]| Ok::<_, Error>(libm::sqrt(double::dot(x, x)?));
    // x less its part along missing directions.
    let keep = |x: &mut [f64], missing: &mut [f64]| {
        missing.copy_from(x);
        for _ in 0..3 {
            factor.solve(missing)?;
            missing.iter_mut().for_each(|x| *x *= apart);
        }
        Ok::<_, Error>(double::axpy(-1.0, missing, x)?)
    };
    let whole = length(v)?;
    keep(v, missing)?;
    own.copy_from(v);
    keep(own, missing)?;
    // What a second time takes away is neither there nor missing.
    if length(missing)? > BETWEEN * whole {
        return Err(ill_conditioned(WORST_CONDITION));
    }
    if length(own)? <= NOTHING * whole {
        v.fill(0.0);
        return Ok(());
    }
    // x ← B(v + δx), whose limit is A⁺v: after three times (δ/σ)³ of it is left.
    v.fill(0.0);
    for _ in 0..3 {
        v.iter_mut().zip(&*own).for_each(|(x, own)| *x = own + apart * *x);
        factor.solve(v)?;
    }
    keep(v, missing)
}

impl<P: Policy, B: Buffer<f64>> Body for SecondMoment<P, B> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        let settings = walk.state().settings;
        let width = settings.width();
        let is_same = walk.own_setting(settings.strength().to_bits())?;
        let fit = walk.state().fit;
        let fitted = walk.value(fit.is_some())?;
        // 1 where rows came after the fit.
        let moved = walk.value(fit.is_some_and(|fit| !fit.is_current))?;
        walk.zeros(2)?;
        walk.setting(settings.clip().map_or(0, f32::to_bits))?;
        walk.zeros(4)?;
        if settings.clip().is_some() {
            walk.all(Place {
                get: |state: &Self| state.clip.norms().map_or(&[][..], Norms::counts),
                get_mut: |state| state.clip.norms_mut().map_or(&mut [][..], Norms::counts_mut),
            })?;
            walk.load_with(|state| state.clip.norms_mut().into_iter().for_each(Norms::rank));
        }
        walk.nested(place!(moments))?;
        if !fitted || !is_same {
            walk.load_with(|state| state.fit = None);
            // What was fitted was so by another strength.
            return walk.skip(if fitted { FIT.saturating_add(triangle(width).saturating_mul(8)) } else { 0 });
        }
        let own = fit.unwrap_or(Fit {
            weights: Weights { scale: 0.0, ridge: 0.0 },
            condition: 0.0,
            ticks: 0,
            is_current: false,
        });
        let scale = walk.value(own.weights.scale)?;
        let ridge = walk.value(own.weights.ridge)?;
        let condition = walk.value(own.condition)?;
        let ticks = walk.value(own.ticks)?;
        walk.load_with(|state| {
            state.fit = Some(Fit { weights: Weights { scale, ridge }, condition, ticks, is_current: !moved });
        });
        walk.all(Place { get: |state: &Self| state.factor(), get_mut: |state: &mut Self| state.factor_mut() })
    }
}

impl<P: Policy, B: Buffer<f64>> State for SecondMoment<P, B> {
    const KIND: StateKind = P::KIND;

    fn sketch_id(&self) -> Option<SketchId> {
        self.moments.id
    }
}
