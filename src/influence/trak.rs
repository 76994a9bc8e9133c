//! TRAK: [1/M Σ_m φ_m(v)ᵀ(Φ_mᵀΦ_m + λ_m I)⁻¹φ_m(z)] · [1/M Σ_m (1 − p_m(z))], over M
//! models or checkpoints m.
//!
//! φ is the sketch of the gradient of the *margin* f = ln(p/(1 − p)), p being the
//! probability of the sample's own label, and not of the loss; 1 − p = −∂ℓ/∂f of the
//! train sample comes from the caller. Positive is helpful, which is TRAK's own sign: it
//! predicts by how much the sample raises the target's margin, and a higher margin is a
//! lower loss. (Gradients of the loss are −(1 − p)·φ: from them, without the second
//! bracket, comes the ridge influence over n, in which each sample is weighed by its
//! own 1 − p.)
//!
//! Scale: margin, to first order what leaving the sample out costs. λ = damping · mean
//! eigenvalue of ΦᵀΦ; the source has none, and 0 is allowed. Where the matrix is singular
//! that is the limit of ever smaller dampings, which the pseudo-inverse gives
//! ([`SecondMoment::is_singular`]). Source: Park et al. 2023.
//!
//! *Memory*: K² + 4K numbers of `f64` a model ([`TrakSettings::memory`]), of which one is
//! needed at a time; K a target; 24 bytes a pair. *Cost*: [`crate::moments`], then K a
//! pair and model. *Error*: as [`crate::moments`]; condition numbers from 10¹² on are
//! refused.

use super::second_moment::Curvature;
use super::summed;
use crate::error::Error;
use crate::memory::Memory;
use crate::moments::{Centre, Policy, SecondMoment, Strength, Unclipped, Weights, added};
use crate::sketch::SketchId;
use crate::state::{Body, FRAME, State, StateKind, Walk, place};

/// What [`Trak`] is told.
///
/// ```
/// use gradsieve::influence::TrakSettings;
///
/// const SETTINGS: TrakSettings = TrakSettings { damping: 0.1, ..TrakSettings::new(64) };
/// assert_eq!(SETTINGS.memory().f64s, 64 * 64 + 4 * 64);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrakSettings {
    /// K.
    pub width: usize,
    /// λ in units of the mean eigenvalue of ΦᵀΦ; may be 0, and is then the limit of ever
    /// smaller ones.
    pub damping: f32,
}

impl TrakSettings {
    /// A tenth of the mean eigenvalue.
    #[must_use]
    pub const fn new(width: usize) -> Self {
        Self { width, damping: 0.1 }
    }

    /// The second moment and its factor. At rest a state is half as large before the
    /// first fit.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        SecondMoment::<Self, ()>::memory(self.width, false)
    }
}

impl Policy for TrakSettings {
    const CENTRE: Centre = Centre::Zero;
    const STRENGTH: Strength =
        Strength { zero: true, expected: "finite and not negative", ..Strength::DAMPING };
    const KIND: StateKind = StateKind::Trak;
    type Clip = Unclipped;
    const LEAST_NORM: bool = true;

    fn width(&self) -> usize {
        self.width
    }

    fn strength(&self) -> f32 {
        self.damping
    }

    fn weights(&self, count: f64, mean_eigenvalue: f64) -> Weights {
        Weights { scale: count, ridge: f64::from(self.damping) * count * mean_eigenvalue }
    }
}

impl Default for TrakSettings {
    /// [`TrakSettings::new`] of 512 numbers.
    fn default() -> Self {
        Self::new(512)
    }
}

/// One model's training side: observe every training sketch, [`fit`](SecondMoment::fit), then
/// prepare targets.
///
/// ```
/// use gradsieve::influence::{Trak, TrakScore, TrakSettings};
/// use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// let id = Exact::new(2).id(Layout::flat(2)?.id());
/// let margins = [[1.0, 0.0], [0.5, 0.5], [-1.0, 2.0_f32]];
/// let margins = margins.each_ref().map(|x| Sketch::from_parts(id, x, gradsieve_kernels::summarize(x)).unwrap());
///
/// const SETTINGS: TrakSettings = TrakSettings::new(2);
/// let mut buffer = [0.0; SETTINGS.memory().f64s];
/// let mut model = Trak::new(SETTINGS, &mut buffer)?;
/// margins.iter().try_for_each(|margin| model.observe(margin))?;
/// model.fit()?;
/// let mut solution = [0.0; 2];
/// let target = model.solve(&margins[0], &mut solution)?;
/// let mut score = TrakScore::new();
/// score.observe(target.score_one(&margins[1])?, 0.25)?; // 1 − p of sample 1 is a quarter
/// assert!(score.score() > 0.0);
/// # Ok::<(), gradsieve::Error>(())
/// ```
pub type Trak<B> = SecondMoment<TrakSettings, B>;

impl<const N: usize> Trak<[f64; N]> {
    /// No observations yet, in an array of its own: for `static` cells, too.
    ///
    /// # Errors
    /// As [`new`](SecondMoment::new).
    pub const fn owned(settings: TrakSettings) -> Result<Self, Error> {
        Self::owned_with(settings, settings.width, settings.damping, None, None)
    }
}

impl Curvature for TrakSettings {}

/// The step from products to TRAK's score: the running influence of one train sample on
/// one target, over models. Its example is that of [`Trak`].
///
/// ```
/// use gradsieve::influence::TrakScore;
///
/// let mut pair = TrakScore::new();
/// // Of two models: what the target's solution says of the sample, and its 1 − p there.
/// pair.observe(2.0, 0.5)?;
/// pair.observe(1.0, 0.25)?;
/// assert_eq!(pair.score(), 1.5 * 0.375); // the mean of each
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TrakScore {
    products: f64,
    one_minus_ps: f64,
    models: u64,
}

impl TrakScore {
    /// No models yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { products: 0.0, one_minus_ps: 0.0, models: 0 }
    }

    /// Adds a model: what [`Targets::score`](super::Targets::score) says of the pair, and
    /// 1 − p of the train sample there.
    ///
    /// # Errors
    /// [`Error::NonFinite`] if `product` is not finite; [`Error::Setting`] unless
    /// `one_minus_p` is in [0, 1]; [`Error::Range`] if the sum is none of `f64`;
    /// [`Error::Full`] past 2⁶⁴ models. The state is as it was.
    pub fn observe(&mut self, product: f64, one_minus_p: f64) -> Result<(), Error> {
        if !product.is_finite() {
            return Err(Error::NonFinite);
        }
        if !(0.0..=1.0).contains(&one_minus_p) {
            return Err(Error::Setting { name: "one_minus_p", expected: "in [0, 1]" });
        }
        self.merge(&Self { products: product, one_minus_ps: one_minus_p, models: 1 })
    }

    /// Adds the models of `other`, which are none of this one's.
    ///
    /// # Errors
    /// [`Error::Range`] if the sum is none of `f64`; [`Error::Full`] past 2⁶⁴ models. The
    /// state is as it was.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        let models = added(self.models, other.models)?;
        self.products = summed(self.products, other.products)?;
        self.one_minus_ps += other.one_minus_ps;
        self.models = models;
        Ok(())
    }

    /// The influence over all models so far; 0 without any.
    #[must_use]
    pub const fn score(&self) -> f64 {
        if self.models == 0 {
            return 0.0;
        }
        let models = self.models as f64;
        (self.products / models) * (self.one_minus_ps / models)
    }
}

impl TrakScore {
    /// What the state needs beside itself: nothing, but for its bytes at rest.
    pub const MEMORY: Memory = Memory { bytes_at_rest: FRAME + 24, ..Memory::NONE };
}

impl State for TrakScore {
    const KIND: StateKind = StateKind::TrakScore;

    /// Sums of numbers, which do not know where they came from.
    fn sketch_id(&self) -> Option<SketchId> {
        None
    }
}

impl Body for TrakScore {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        walk.finite(place!(products))?;
        let one_minus_ps = walk.number(place!(one_minus_ps))?;
        // Numbers between 0 and 1 sum to no more than there are, rounded or not.
        let models = walk.number(place!(models))?;
        walk.require((0.0..=models as f64).contains(&one_minus_ps), Error::Corrupt)
    }
}
