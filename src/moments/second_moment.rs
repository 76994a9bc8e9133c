//! Moments and the Cholesky factor of their damped second moment: the one state of ridge,
//! TRAK, self-influence and Mahalanobis. A [`Policy`] says in what they differ.

use super::{Centre, Factor, Moments, MomentsSettings, Split, triangle, write_factor};
use crate::error::{Error, check_length};
use crate::memory::{Buffer, Memory};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, FRAME, Place, State, StateKind, Walk, place};

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

    /// K.
    fn width(&self) -> usize;

    /// The damping or shrinkage, as it stands in the bytes of a state.
    fn strength(&self) -> f32;

    /// What is factorised: scale·(second moment) + ridge·I, of so many observations and
    /// this mean eigenvalue of their second moment.
    fn weights(&self, count: f64, mean_eigenvalue: f64) -> Weights;
}

/// The weights of a damped second moment. Their example is that of [`Policy`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// What the second moment is multiplied by.
    pub scale: f64,
    /// What is added to its diagonal.
    pub ridge: f64,
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
/// *Memory*: K² + 3K numbers of `f32`; the factor stands behind the moments in their
/// buffer.
#[derive(Debug)]
pub struct SecondMoment<P, B> {
    settings: P,
    moments: Moments<B>,
    fitted: bool,
}

impl<P: Policy> SecondMoment<P, ()> {
    /// What a method of this policy needs; half the bytes at rest before the first fit.
    pub(crate) const fn memory(width: usize) -> Memory {
        let settings = MomentsSettings { centre: P::CENTRE, width };
        let factor = triangle(width).saturating_mul(4);
        Memory {
            f32s: settings.memory().f32s.saturating_add(triangle(width)),
            bytes_at_rest: factor.saturating_add(settings.body()).saturating_add(FRAME + 8),
            ..Memory::NONE
        }
    }
}

impl<P: Policy, const N: usize> SecondMoment<P, [f32; N]> {
    /// No observations yet, in an array of its own. `width` and `strength` are those of
    /// the settings, which the compiler does not ask a trait for.
    pub(crate) const fn owned_with(settings: P, width: usize, strength: f32) -> Result<Self, Error> {
        if let Err(error) = P::STRENGTH.check(strength) {
            return Err(error);
        }
        match check_length(SecondMoment::<P, ()>::memory(width).f32s, N) {
            Ok(()) => {
                let moments = Moments::over(MomentsSettings { centre: P::CENTRE, width }, [0.0; N]);
                Ok(Self { settings, moments, fitted: false })
            }
            Err(error) => Err(error),
        }
    }
}

impl<P: Policy, B: Buffer<f32>> SecondMoment<P, B> {
    /// No observations yet; the buffer is set to zero.
    ///
    /// # Errors
    /// [`Error::Setting`] for a damping or shrinkage that the method does not allow;
    /// [`Error::Length`] if the buffer is not as long as the settings' memory.
    pub fn new(settings: P, mut buffer: B) -> Result<Self, Error> {
        P::STRENGTH.check(settings.strength())?;
        let width = settings.width();
        check_length(SecondMoment::<P, ()>::memory(width).f32s, buffer.as_ref().len())?;
        buffer.as_mut().fill(0.0);
        let moments = Moments::over(MomentsSettings { centre: P::CENTRE, width }, buffer);
        Ok(Self { settings, moments, fitted: false })
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

    /// Takes a sketch into the moments; what was fitted stays as it is until the next
    /// [`fit`](Self::fit).
    ///
    /// # Errors
    /// As [`Moments::observe`].
    pub fn observe(&mut self, sketch: &Sketch<'_>) -> Result<(), Error> {
        self.moments.observe(sketch)
    }

    /// Takes in all that `other` has observed; what was fitted stays as it is.
    ///
    /// # Errors
    /// As [`Moments::merge`].
    pub fn merge<C: Buffer<f32>>(&mut self, other: &SecondMoment<P, C>) -> Result<(), Error> {
        self.moments.merge(&other.moments)
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.moments.reset();
        self.fitted = false;
    }

    /// Factorises what the settings ask for, as the moments stand.
    ///
    /// # Errors
    /// [`Error::TooFew`] without observations; [`Error::NotPositiveDefinite`] if all of
    /// them were zero, or the same about their mean, or if without damping they span
    /// fewer than K dimensions.
    pub fn fit(&mut self) -> Result<(), Error> {
        self.fitted = false;
        let count = self.moments.count();
        let Weights { scale, ridge } = self.settings.weights(count as f64, self.moments.mean_eigenvalue());
        let Split { second, rest: factor, .. } = self.moments.split_mut();
        write_factor(second, count, scale, ridge, factor)?;
        self.fitted = true;
        Ok(())
    }

    /// The factor, for a sketch that can stand beside those observed.
    fn factor(&self, sketch: &Sketch<'_>) -> Result<Factor<'_>, Error> {
        if !self.fitted {
            return Err(Error::NotFitted);
        }
        self.moments.check(sketch)?;
        Factor::from_packed(self.moments.width(), self.moments.split().rest)
    }

    /// xᵀA⁻¹x, where x is the sketch less the centre, and A what was factorised.
    /// `scratch` is K numbers at least.
    pub(crate) fn quadratic(&self, sketch: &Sketch<'_>, scratch: &mut [f32]) -> Result<f64, Error> {
        let factor = self.factor(sketch)?;
        let (expected, found) = (sketch.values.len(), scratch.len());
        let x = scratch.get_mut(..expected).ok_or(Error::Length { expected, found })?;
        for ((to, &from), &mean) in x.iter_mut().zip(sketch.values).zip(self.moments.mean()) {
            *to = from - mean;
        }
        factor.quadratic(x)
    }

    /// Solves for a target into `out`, K numbers.
    pub(crate) fn solve_into(&self, target: &Sketch<'_>, out: &mut [f32]) -> Result<(), Error> {
        let factor = self.factor(target)?;
        check_length(target.values.len(), out.len())?;
        out.iter_mut().zip(target.values).for_each(|(to, &from)| *to = from);
        factor.solve(out)
    }
}

impl<P: Policy, B: Buffer<f32>> Body for SecondMoment<P, B> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        walk.setting(walk.state().settings.strength().to_bits())?;
        let fitted = walk.number(place!(fitted))?;
        walk.zeros(3)?;
        walk.nested(place!(moments))?;
        let factor = Place {
            get: |state: &Self| state.moments.split().rest,
            get_mut: |state: &mut Self| state.moments.split_mut().rest,
        };
        if fitted { walk.all(factor) } else { Ok(()) }
    }
}

impl<P: Policy, B: Buffer<f32>> State for SecondMoment<P, B> {
    const KIND: StateKind = P::KIND;

    fn sketch_id(&self) -> Option<SketchId> {
        self.moments.id
    }
}
