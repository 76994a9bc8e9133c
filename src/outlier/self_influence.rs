//! Self-influence: s = φᵀ(C + λI)⁻¹φ, where C = ΦᵀΦ/n is the uncentred second moment of
//! the sketches observed and λ = damping · mean eigenvalue of C.
//!
//! How much a sample moves its own loss, in units of how much the others do: mislabelled
//! and rare samples are high. Scale: of order K for an ordinary sample, at most n.
//! Source: influence functions with the empirical Fisher (Koh & Liang 2017; arXiv
//! 2405.03869 compares against it).
//!
//! *Memory*: K² + 5K numbers of `f64` at most, 1 KiB, and K `f32` of scratch.
//! *Cost*: [`crate::moments`].

use super::Deviation;
use crate::error::Error;
use crate::memory::Memory;
use crate::moments::{Centre, Norms, Policy, Said, SecondMoment, Strength, Weights};
use crate::state::StateKind;

/// How self-influence is damped.
///
/// ```
/// use gradsieve::outlier::SelfInfluenceSettings;
///
/// const SETTINGS: SelfInfluenceSettings =
///     SelfInfluenceSettings { damping: 0.5, ..SelfInfluenceSettings::new(64) };
/// assert_eq!((SETTINGS.memory().f64s, SETTINGS.memory().scratch), (64 * 64 + 4 * 64, 64));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct SelfInfluenceSettings {
    /// λ, in units of the mean eigenvalue of the second moment.
    pub damping: f32,
    /// K.
    pub width: usize,
    /// How many times the running median of norms a row may be long before it is scaled
    /// down to that as it is observed; none observes rows as they are.
    pub clip: Option<f32>,
    /// Samples after which what was observed counts half; none forgets nothing.
    pub half_life: Option<u32>,
}

impl SelfInfluenceSettings {
    /// The usual settings for sketches of `width`: a damping of 0.1, rows of
    /// at most eight times the median's length.
    #[must_use]
    pub const fn new(width: usize) -> Self {
        Self { damping: 0.1, width, clip: Some(8.0), half_life: None }
    }

    /// What the state needs: K² + 5K `f64` at most, and K `f32` of scratch a score. Half
    /// the bytes at rest before the first fit.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        Memory { scratch: self.width, ..SecondMoment::<Self, ()>::memory(self.width, self.clip.is_some()) }
    }
}

impl SelfInfluenceSettings {
    /// The settings of a state at rest, of whatever program: so that one can be made that
    /// restores it.
    ///
    /// ```
    /// use gradsieve::State;
    /// use gradsieve::outlier::{SelfInfluence, SelfInfluenceSettings};
    ///
    /// let settings = SelfInfluenceSettings { clip: None, ..SelfInfluenceSettings::new(2) };
    /// let detector = SelfInfluence::new(settings, vec![0.0; settings.memory().f64s])?;
    /// let mut bytes = vec![0; settings.memory().bytes_at_rest];
    /// let written = detector.to_bytes(&mut bytes)?;
    /// assert_eq!(SelfInfluenceSettings::read(&bytes[..written])?, settings);
    /// # Ok::<(), gradsieve::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Magic`], [`Error::Version`], [`Error::Truncated`] or [`Error::Corrupt`]
    /// if the bytes are no state, or not that of such settings; [`Error::Mismatch`] if
    /// they are of another kind.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let Said { strength, clip, width, half_life } = SecondMoment::<Self, ()>::said(bytes)?;
        Ok(Self { damping: strength, width, clip, half_life })
    }
}

impl Default for SelfInfluenceSettings {
    /// The usual settings for sketches of 512 numbers.
    fn default() -> Self {
        Self::new(512)
    }
}

impl Policy for SelfInfluenceSettings {
    const CENTRE: Centre = Centre::Zero;
    const STRENGTH: Strength = Strength::DAMPING;
    const KIND: StateKind = StateKind::SelfInfluence;
    type Clip = Norms;

    fn width(&self) -> usize {
        self.width
    }

    fn strength(&self) -> f32 {
        self.damping
    }

    fn clip(&self) -> Option<f32> {
        self.clip
    }

    fn half_life(&self) -> Option<u32> {
        self.half_life
    }

    fn weights(&self, _count: f64, mean_eigenvalue: f64) -> Weights {
        Weights { scale: 1.0, ridge: f64::from(self.damping) * mean_eigenvalue }
    }
}

/// Scores sketches by their self-influence.
///
/// Observe all sketches (or a stream), [`fit`](SecondMoment::fit), then score.
///
/// ```
/// use gradsieve::outlier::{Detector, SelfInfluence, SelfInfluenceSettings};
/// # use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// const SETTINGS: SelfInfluenceSettings = SelfInfluenceSettings::new(2);
/// let mut detector = SelfInfluence::<[f64; SETTINGS.memory().f64s]>::owned(SETTINGS)?;
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
pub type SelfInfluence<B> = SecondMoment<SelfInfluenceSettings, B>;

impl<const N: usize> SelfInfluence<[f64; N]> {
    /// No observations yet, in an array of its own: for `static` cells, too.
    ///
    /// # Errors
    /// As [`new`](SecondMoment::new).
    pub const fn owned(settings: SelfInfluenceSettings) -> Result<Self, Error> {
        Self::owned_with(settings, settings.width, settings.damping, settings.clip, settings.half_life)
    }
}

impl Deviation for SelfInfluenceSettings {}
