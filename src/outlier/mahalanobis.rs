//! Squared Mahalanobis distance on the sketch: s = (φ − μ)ᵀ Σ_α⁻¹ (φ − μ), with the
//! running mean μ and the covariance Σ shrunk towards a multiple of the identity, Σ_α =
//! (1 − α)Σ + α·(tr Σ/K)·I.
//!
//! The centred sister of self-influence. Scale: of order K for an ordinary sample.
//! Sources: Mahalanobis 1936; shrinkage after Ledoit & Wolf 2004, with a fixed α.
//!
//! *Memory*: K² + 5K numbers of `f64` at most, 1 KiB, and K `f32` of scratch.
//! *Cost*: [`crate::moments`].

use super::Deviation;
use crate::error::Error;
use crate::memory::Memory;
use crate::moments::{Centre, Norms, Policy, Said, SecondMoment, Strength, Weights};
use crate::state::StateKind;

/// How the covariance is shrunk.
///
/// ```
/// use gradsieve::outlier::MahalanobisSettings;
///
/// const SETTINGS: MahalanobisSettings =
///     MahalanobisSettings { shrinkage: 0.5, ..MahalanobisSettings::new(64) };
/// assert_eq!((SETTINGS.memory().f64s, SETTINGS.memory().scratch), (64 * 64 + 5 * 64, 64));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct MahalanobisSettings {
    /// α: how far the covariance is shrunk towards a multiple of the identity.
    pub shrinkage: f32,
    /// K.
    pub width: usize,
    /// How many times the running median of norms a row may be long before it is scaled
    /// down to that as it is observed; none observes rows as they are.
    pub clip: Option<f32>,
    /// Samples after which what was observed counts half; none forgets nothing.
    pub half_life: Option<u32>,
}

impl MahalanobisSettings {
    /// The usual settings for sketches of `width`: a shrinkage of 0.1, rows of
    /// at most eight times the median's length.
    #[must_use]
    pub const fn new(width: usize) -> Self {
        Self { shrinkage: 0.1, width, clip: Some(8.0), half_life: None }
    }

    /// What the state needs: K² + 5K `f64` at most, and K `f32` of scratch a score. Half
    /// the bytes at rest before the first fit.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        Memory { scratch: self.width, ..SecondMoment::<Self, ()>::memory(self.width, self.clip.is_some()) }
    }
}

impl MahalanobisSettings {
    /// The settings of a state at rest, of whatever program: so that one can be made that
    /// restores it.
    ///
    /// ```
    /// use gradsieve::State;
    /// use gradsieve::outlier::{Mahalanobis, MahalanobisSettings};
    ///
    /// let settings = MahalanobisSettings { clip: None, ..MahalanobisSettings::new(2) };
    /// let detector = Mahalanobis::new(settings, vec![0.0; settings.memory().f64s])?;
    /// let mut bytes = vec![0; settings.memory().bytes_at_rest];
    /// let written = detector.to_bytes(&mut bytes)?;
    /// assert_eq!(MahalanobisSettings::read(&bytes[..written])?, settings);
    /// # Ok::<(), gradsieve::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Magic`], [`Error::Version`], [`Error::Truncated`] or [`Error::Corrupt`]
    /// if the bytes are no state, or not that of such settings; [`Error::Mismatch`] if
    /// they are of another kind.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let Said { strength, clip, width, half_life } = SecondMoment::<Self, ()>::said(bytes)?;
        Ok(Self { shrinkage: strength, width, clip, half_life })
    }
}

impl Default for MahalanobisSettings {
    /// The usual settings for sketches of 512 numbers.
    fn default() -> Self {
        Self::new(512)
    }
}

impl Policy for MahalanobisSettings {
    const CENTRE: Centre = Centre::Mean;
    const STRENGTH: Strength =
        Strength { name: "shrinkage", most: 1.0, zero: false, expected: "above 0, and at most 1" };
    const KIND: StateKind = StateKind::Mahalanobis;
    type Clip = Norms;

    fn width(&self) -> usize {
        self.width
    }

    fn strength(&self) -> f32 {
        self.shrinkage
    }

    fn clip(&self) -> Option<f32> {
        self.clip
    }

    fn half_life(&self) -> Option<u32> {
        self.half_life
    }

    fn weights(&self, _count: f64, mean_eigenvalue: f64) -> Weights {
        let shrinkage = f64::from(self.shrinkage);
        Weights { scale: 1.0 - shrinkage, ridge: shrinkage * mean_eigenvalue }
    }
}

/// Scores sketches by their squared Mahalanobis distance.
///
/// Observe all sketches (or a stream), [`fit`](SecondMoment::fit), then score.
///
/// ```
/// use gradsieve::outlier::{Detector, Mahalanobis, MahalanobisSettings};
/// # use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// const SETTINGS: MahalanobisSettings = MahalanobisSettings::new(2);
/// let mut detector = Mahalanobis::<[f64; SETTINGS.memory().f64s]>::owned(SETTINGS)?;
/// # let id = Exact::new(2).id(Layout::flat(2)?.id());
/// # let values = [[1.0, 0.1], [-1.0, 0.2], [0.9, -0.1], [0.1, 3.0]];
/// # let sketches = values.each_ref().map(|x| {
/// #     Sketch::from_parts(id, x, gradsieve_kernels::summarize(x)).unwrap()
/// # });
/// for sketch in &sketches {
///     detector.observe(sketch)?;
/// }
/// detector.fit()?;
/// let mut scratch = [0.0; SETTINGS.memory().scratch];
/// // The last one points where no other does.
/// assert!(detector.score(&sketches[3], &mut scratch)? > detector.score(&sketches[0], &mut scratch)?);
/// # Ok::<(), gradsieve::Error>(())
/// ```
pub type Mahalanobis<B> = SecondMoment<MahalanobisSettings, B>;

impl<const N: usize> Mahalanobis<[f64; N]> {
    /// No observations yet, in an array of its own: for `static` cells, too.
    ///
    /// # Errors
    /// As [`new`](SecondMoment::new).
    pub const fn owned(settings: MahalanobisSettings) -> Result<Self, Error> {
        Self::owned_with(settings, settings.width, settings.shrinkage, settings.clip, settings.half_life)
    }
}

impl Deviation for MahalanobisSettings {}
