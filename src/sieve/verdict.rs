//! What a sieve says of a sample.

use super::measured::Measured;
use core::fmt;

/// Why a sample stands out: the parts that spoke. Several may have.
///
/// ```
/// use gradsieve::Reasons;
///
/// let reasons = Reasons::LOSS.and(Reasons::DIRECTION);
/// assert!(reasons.has(Reasons::LOSS) && !reasons.has(Reasons::ZERO));
/// assert_eq!(reasons.to_string(), "direction loss");
/// assert!(reasons.names().eq(["direction", "loss"]));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reasons(u16);

/// The names, in the order of their bits.
const NAMES: [&str; 9] =
    ["length", "direction", "loss", "shape", "short", "zero", "duplicate", "group", "non-finite"];

impl Reasons {
    /// Nothing stands out.
    pub const NONE: Self = Self(0);
    /// The gradient is longer than others, or than its loss explains.
    pub const LENGTH: Self = Self(1);
    /// It points away from those of its group: as with a wrong label.
    pub const DIRECTION: Self = Self(1 << 1);
    /// The loss is larger than others.
    pub const LOSS: Self = Self(1 << 2);
    /// It lies on unusually few or many coordinates (‖g‖₁/‖g‖₂): as with noise, blanks or
    /// damaged bits.
    pub const SHAPE: Self = Self(1 << 3);
    /// It is shorter than others, or than its loss explains.
    pub const SHORT: Self = Self(1 << 4);
    /// It is zero.
    pub const ZERO: Self = Self(1 << 5);
    /// It is nearly that of one of the last samples.
    pub const DUPLICATE: Self = Self(1 << 6);
    /// Its group came when all directions were taken: it was judged without one.
    pub const GROUP: Self = Self(1 << 7);
    /// It, its sketch or its loss has NaN or infinite numbers.
    pub const NON_FINITE: Self = Self(1 << 8);

    /// These and others.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These, and others if it is so.
    #[must_use]
    pub(super) const fn and_if(self, is_so: bool, other: Self) -> Self {
        if is_so { self.and(other) } else { self }
    }

    /// Whether all of `other` are among them.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// As a number: what C has. Bit by bit as the constants stand here.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The reasons of such bits, as [`bits`](Self::bits) gives them; bits that no reason
    /// has are left out.
    ///
    /// ```
    /// # use gradsieve::Reasons;
    /// assert_eq!(Reasons::from_bits(3), Reasons::LENGTH.and(Reasons::DIRECTION));
    /// ```
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits & ((1 << NAMES.len()) - 1))
    }

    /// Their names.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.iter().enumerate().filter(move |(bit, _)| self.0 >> bit & 1 == 1).map(|(_, name)| *name)
    }
}

impl fmt::Display for Reasons {
    /// Their names, with a space between.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name) in self.names().enumerate() {
            f.write_str(if place == 0 { "" } else { " " })?;
            f.write_str(name)?;
        }
        Ok(())
    }
}

/// What a sieve says of a sample, by what came before it.
///
/// Its example is that of [`Sieve`](crate::Sieve).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// The rank of the score in the stream so far, as a share: small is odd. Of a clean
    /// stream about a share α of samples has p ≤ α; the rate was measured, as the sieve
    /// learns while it judges (`docs/src/results/streams.md`). 0 of a sample that is not
    /// finite, 1 before there was anything to compare with.
    pub p: f32,
    /// Larger is odder. Scores of one sieve can be compared over a stream, also while
    /// gradients shrink. `f32::MAX` of a sample that is not finite.
    pub score: f32,
    /// Whether it is to be left out, at the rate that the settings state.
    pub flagged: bool,
    /// Which parts stand out. They may without the sample being flagged.
    pub reasons: Reasons,
    /// What `observe` need not find again.
    pub(super) found: Found,
}

impl Verdict {
    /// That of a sample with numbers that are none.
    pub(super) const NON_FINITE: Self = Self {
        p: 0.0,
        score: f32::MAX,
        flagged: true,
        reasons: Reasons::NON_FINITE,
        found: Found { rank: 1.0, distance: None, nearest: u32::MAX, own: Measured::NOTHING },
    };
}

/// What judging found out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Found {
    /// The rank of the score alone.
    pub(super) rank: f32,
    /// d; none without a direction to compare with.
    pub(super) distance: Option<f32>,
    /// Bits in which the sketch differs from its nearest duplicate, if they are few.
    pub(super) nearest: u32,
    /// What the sketch says of its sample.
    pub(super) own: Measured,
}

/// Something about the stream itself.
///
/// ```
/// use gradsieve::Alarm;
///
/// assert_eq!(Alarm::Change.name(), "change");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Alarm {
    /// Scores are no longer what they were: the data, the model or a client has changed.
    Change,
    /// So many samples were flagged that flagged ones are learnt for a while.
    Flood,
}

impl Alarm {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Flood => "flood",
        }
    }
}

/// Their names, with a space between.
#[cfg(feature = "defmt")]
impl defmt::Format for Reasons {
    fn format(&self, to: defmt::Formatter<'_>) {
        for (place, name) in self.names().enumerate() {
            defmt::write!(to, "{=str}{=str}", if place == 0 { "" } else { " " }, name);
        }
    }
}

/// What the user sees of it.
#[cfg(feature = "defmt")]
impl defmt::Format for Verdict {
    fn format(&self, to: defmt::Formatter<'_>) {
        let Self { p, score, flagged, reasons, .. } = *self;
        defmt::write!(to, "p {=f32}, score {=f32}, flagged {=bool}: {}", p, score, flagged, reasons);
    }
}

/// A sequence of their names.
#[cfg(feature = "serde")]
impl serde::Serialize for Reasons {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.names())
    }
}

/// What the user sees of it. It cannot be read back: what `observe` needs is found by
/// judging alone.
#[cfg(feature = "serde")]
impl serde::Serialize for Verdict {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut fields = to.serialize_struct("Verdict", 4)?;
        fields.serialize_field("p", &self.p)?;
        fields.serialize_field("score", &self.score)?;
        fields.serialize_field("flagged", &self.flagged)?;
        fields.serialize_field("reasons", &self.reasons)?;
        fields.end()
    }
}
