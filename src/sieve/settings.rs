//! What a sieve keeps apart, at which rate it flags, and what it forgets.

use crate::error::{Error, check_length};
use crate::memory::Memory;
use crate::state::FRAME;
use crate::statistics::{Clock, Directions, Discoveries};

/// Which groups samples may belong to.
///
/// ```
/// use gradsieve::{Groups, SieveSettings};
///
/// let classes = SieveSettings { groups: Groups::Fixed(10), ..SieveSettings::new(64) };
/// let clients = SieveSettings { groups: Groups::Growing(10), ..SieveSettings::new(64) };
/// assert!(classes.memory().i64s < clients.memory().i64s);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Groups {
    /// So many, whose ids are below their number.
    Fixed(u32),
    /// Any ids, the first so many of which have a direction of their own. Samples of
    /// later ones are judged without one, and their verdict says so.
    Growing(u32),
}

impl Groups {
    /// How many have a direction, at most.
    pub(super) const fn most(self) -> usize {
        match self {
            Self::Fixed(groups) | Self::Growing(groups) => groups as usize,
        }
    }
}

/// At which rate samples are flagged.
///
/// ```
/// use gradsieve::Rate;
///
/// assert!(Rate::FalseAlarms(0.01).check().is_ok());
/// assert!(Rate::FalseDiscoveries(1.5).check().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Rate {
    /// Flagged if p ≤ α: of a clean stream, about a share α. Of a stream in which more is
    /// wrong than that, about the worst α.
    FalseAlarms(f32),
    /// At most a share α of the flags are false, in the mean, whatever the samples depend
    /// on ([`Discoveries`]). The price is that little is flagged.
    FalseDiscoveries(f32),
}

impl Rate {
    /// Refuses a rate that is none.
    ///
    /// # Errors
    /// [`Error::Setting`] if it is not above 0 and below 1.
    pub const fn check(self) -> Result<(), Error> {
        match self {
            Self::FalseAlarms(alpha) if alpha > 0.0 && alpha < 1.0 => Ok(()),
            Self::FalseAlarms(_) => {
                Err(Error::Setting { name: "false_alarms", expected: "above 0 and below 1" })
            }
            Self::FalseDiscoveries(alpha) => match Discoveries::new(alpha) {
                Ok(_) => Ok(()),
                Err(error) => Err(error),
            },
        }
    }

    /// α.
    pub(super) const fn alpha(self) -> f32 {
        match self {
            Self::FalseAlarms(alpha) | Self::FalseDiscoveries(alpha) => alpha,
        }
    }
}

/// What the losses that are lent with sketches are: how long a gradient of such a loss is
/// expected to be.
///
/// ```
/// use gradsieve::{LossKind, SieveSettings};
///
/// assert_eq!(SieveSettings::new(64).loss, LossKind::CrossEntropy);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum LossKind {
    /// −ln p of the given class: ‖g‖ is about proportional to 1 − p.
    #[default]
    CrossEntropy,
    /// A squared error: ‖g‖ is about proportional to the loss's square root.
    Squared,
}

/// What is looked for beside what the score measures.
///
/// ```
/// use gradsieve::Guards;
///
/// assert_eq!(Guards::ALL, Guards { zero: true, short: true, duplicates: 64 });
/// assert_eq!(Guards { zero: true, ..Guards::NONE }.duplicates, 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Guards {
    /// Gradients of zero.
    pub zero: bool,
    /// Gradients that are too short, or shorter than their loss explains.
    pub short: bool,
    /// Near duplicates of one of so many last samples; 0 looks for none.
    pub duplicates: u32,
}

impl Guards {
    /// All guards.
    pub const ALL: Self = Self { zero: true, short: true, duplicates: 64 };

    /// None.
    pub const NONE: Self = Self { zero: false, short: false, duplicates: 0 };
}

/// How a sieve judges and learns. Its memory follows from it.
///
/// ```
/// use gradsieve::{Groups, Guards, SieveSettings};
///
/// // Ten classes, 64 numbers a sketch, all guards: all in all below 8 KiB.
/// const LARGE: SieveSettings = SieveSettings { groups: Groups::Fixed(10), ..SieveSettings::new(64) };
/// assert!(LARGE.bytes() < 8192);
/// // Four classes, 32 numbers, no duplicates: below 3 KiB.
/// const SMALL: SieveSettings = SieveSettings {
///     groups: Groups::Fixed(4),
///     guards: Guards { duplicates: 0, ..Guards::ALL },
///     ..SieveSettings::new(32)
/// };
/// assert!(SMALL.bytes() < 3072);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct SieveSettings {
    /// K.
    pub width: usize,
    /// Classes, sensors or clients whose directions are kept apart.
    pub groups: Groups,
    /// What the losses are.
    pub loss: LossKind,
    /// When a sample is flagged.
    pub rate: Rate,
    /// At which level a change of the stream raises an alarm: the probability that a
    /// stream that does not change ever has one.
    pub change: f32,
    /// Samples after which what was learnt counts half; none forgets nothing. A model
    /// that trains has a stream that changes: a tenth of the run is a good choice.
    pub half_life: Option<u32>,
    /// What is looked for besides.
    pub guards: Guards,
    /// Whether flagged samples are learnt, too. If not, and so many are flagged that the
    /// stream itself must have changed, they are for a while all the same.
    pub learn_flagged: bool,
    /// Samples before the first can be flagged.
    pub warm_up: u32,
}

impl SieveSettings {
    /// The usual settings for sketches of `width`: one group, 1 % false alarms, all
    /// guards, nothing forgotten, 64 samples of warm-up.
    #[must_use]
    pub const fn new(width: usize) -> Self {
        Self {
            width,
            groups: Groups::Fixed(1),
            loss: LossKind::CrossEntropy,
            rate: Rate::FalseAlarms(0.01),
            change: 0.01,
            half_life: None,
            guards: Guards::ALL,
            learn_flagged: false,
            warm_up: 64,
        }
    }

    /// What the state needs beside itself: `i64`.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        let i64s = self.sums().saturating_add(self.ids()).saturating_add(self.guards.duplicates as usize);
        // The lengths of directions are found again.
        let numbers = i64s.saturating_sub(self.groups.most()).saturating_mul(8);
        let bytes_at_rest = numbers.saturating_add(super::grids::FIXED).saturating_add(FRAME);
        Memory { i64s, bytes_at_rest, ..Memory::NONE }
    }

    /// Integers of the directions.
    pub(super) const fn sums(&self) -> usize {
        Directions::<()>::memory(self.groups.most(), self.width)
    }

    /// Integers of the ids of growing groups.
    pub(super) const fn ids(&self) -> usize {
        match self.groups {
            Groups::Fixed(_) => 0,
            Groups::Growing(most) => most as usize,
        }
    }

    /// Refuses settings, and buffers of `found` integers, that do not fit.
    pub(super) const fn check(&self, found: usize) -> Result<(Clock, Discoveries), Error> {
        if self.groups.most() == 0 {
            return Err(Error::Setting { name: "groups", expected: "at least 1" });
        }
        if self.width == 0 {
            return Err(Error::Width { multiple: 1, found: 0 });
        }
        if !(self.change > 0.0 && self.change < 1.0) {
            return Err(Error::Setting { name: "change", expected: "above 0 and below 1" });
        }
        if self.warm_up < 16 {
            return Err(Error::Setting { name: "warm_up", expected: "at least 16 samples" });
        }
        if let Err(error) = self.rate.check() {
            return Err(error);
        }
        if let Err(error) = check_length(self.memory().i64s, found) {
            return Err(error);
        }
        match (Clock::new(self.half_life), Discoveries::new(self.rate.alpha())) {
            (Ok(clock), Ok(discoveries)) => Ok((clock, discoveries)),
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }
}

impl Default for SieveSettings {
    /// [`SieveSettings::new`] of 64 numbers.
    fn default() -> Self {
        Self::new(64)
    }
}
