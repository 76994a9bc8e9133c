//! A verdict as words, for a queue between tasks or a program in another language.

use super::measured::Measured;
use super::verdict::{Found, Reasons, Verdict};
use crate::error::Error;
use crate::statistics::Normaliser;

/// Bits of the third word. The reasons stand in its upper half.
const FLAGGED: u32 = 1;
const HAS_DISTANCE: u32 = 1 << 1;
const HAS_SHAPE: u32 = 1 << 2;
const HAS_RESIDUAL: u32 = 1 << 3;
const IS_TAME: u32 = 1 << 4;
const IS_WILD: u32 = 1 << 5;

impl Verdict {
    /// Words of [`Verdict::to_words`].
    pub const WORDS: usize = 14;

    /// All that a verdict holds, as numbers without gaps: what
    /// [`observe`](super::Sieve::observe) needs can cross a queue or another language.
    /// The last word checks the others. They are for the same version of this crate, not
    /// for files.
    ///
    /// ```
    /// use gradsieve::{Error, Sieve, SieveSettings, Verdict};
    /// # use gradsieve::{Exact, Layout, Projector, Sketch};
    ///
    /// let settings = SieveSettings::new(4);
    /// let mut sieve = Sieve::new(settings, vec![0; settings.memory().i64s])?;
    /// # let id = Exact::new(4).id(Layout::flat(4)?.id());
    /// # let values = [0.5, -0.25, 0.0, 2.0];
    /// # let sketch = Sketch::from_parts(id, &values, gradsieve_kernels::summarize(&values))?;
    /// let mut words = sieve.judge(&sketch)?.to_words();
    /// sieve.observe(&sketch, &Verdict::from_words(&words)?)?;
    /// words[0] ^= 1;
    /// assert_eq!(Verdict::from_words(&words), Err(Error::Corrupt));
    /// # Ok::<(), gradsieve::Error>(())
    /// ```
    #[must_use]
    pub fn to_words(&self) -> [u32; Self::WORDS] {
        let Found { rank, distance, nearest, own } = self.found;
        let (form, factor) = match own.factor {
            None => (0, 0),
            Some(Normaliser::Tame(factor)) => (IS_TAME, u64::from(factor.to_bits())),
            Some(Normaliser::Wild(factor)) => (IS_WILD, factor.to_bits()),
        };
        let bit = |is_so: bool, bit: u32| if is_so { bit } else { 0 };
        let flags = u32::from(self.reasons.bits()) << 16
            | bit(self.flagged, FLAGGED)
            | bit(distance.is_some(), HAS_DISTANCE)
            | bit(own.shape.is_some(), HAS_SHAPE)
            | bit(own.residual.is_some(), HAS_RESIDUAL)
            | form;
        let signs = own.signs as u64;
        let words = [
            self.p.to_bits(),
            self.score.to_bits(),
            flags,
            rank.to_bits(),
            distance.unwrap_or(0.0).to_bits(),
            nearest,
            factor as u32,
            (factor >> 32) as u32,
            signs as u32,
            (signs >> 32) as u32,
            own.square as u32,
            own.shape.unwrap_or(0) as u32,
            own.residual.unwrap_or(0) as u32,
        ];
        // The last one stays.
        let mut all = [check(&words); Self::WORDS];
        all.iter_mut().zip(words).for_each(|(to, word)| *to = word);
        all
    }

    /// The verdict of such words.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if they are not what [`to_words`](Self::to_words) made.
    pub fn from_words(words: &[u32; Self::WORDS]) -> Result<Self, Error> {
        let [checked @ .., sum] = words;
        if check(checked) != *sum {
            return Err(Error::Corrupt);
        }
        let [p, score, flags, rank, distance, nearest, f0, f1, s0, s1, square, shape, residual] = *checked;
        let factor = u64::from(f0) | u64::from(f1) << 32;
        let factor = match flags & (IS_TAME | IS_WILD) {
            0 => None,
            IS_TAME => Some(Normaliser::Tame(f32::from_bits(f0))),
            _ => Some(Normaliser::Wild(f64::from_bits(factor))),
        };
        let own = Measured {
            factor,
            signs: (u64::from(s0) | u64::from(s1) << 32) as i64,
            square: square as i32,
            shape: (flags & HAS_SHAPE > 0).then_some(shape as i32),
            residual: (flags & HAS_RESIDUAL > 0).then_some(residual as i32),
        };
        let distance = (flags & HAS_DISTANCE > 0).then_some(f32::from_bits(distance));
        Ok(Self {
            p: f32::from_bits(p),
            score: f32::from_bits(score),
            flagged: flags & FLAGGED > 0,
            reasons: Reasons::from_bits((flags >> 16) as u16),
            found: Found { rank: f32::from_bits(rank), distance, nearest, own },
        })
    }
}

/// The word that checks the others: FNV-1a by words, which small cores have in a few
/// instructions each. Another word in one place is another sum.
fn check(words: &[u32]) -> u32 {
    words.iter().fold(0x811C_9DC5, |sum, word| (sum ^ word).wrapping_mul(0x0100_0193))
}
