//! Which samples are visited.

use super::number::VisitNumber;
use crate::error::Error;
use crate::memory::Memory;
use crate::state::{FRAME, Header, Number as _, StateKind, open};

/// Bytes of the settings at rest.
const SETTINGS: usize = 24;

/// Samples of consecutive ids: all, or a shard's.
///
/// ```
/// use gradsieve::f16;
/// use gradsieve::visits::VisitsSettings;
///
/// const SETTINGS: VisitsSettings = VisitsSettings { first: 0, samples: 60_000 };
/// // 60,000 `f16` and as many `u16`.
/// assert_eq!(SETTINGS.memory::<f16>().others, 60_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct VisitsSettings {
    /// The lowest id.
    pub first: u64,
    /// How many samples there are.
    pub samples: usize,
}

impl VisitsSettings {
    /// What the state needs: as many numbers, and as many counts of `u16`, as `others`.
    #[must_use]
    pub const fn memory<T: VisitNumber>(&self) -> Memory {
        let body = self.samples.saturating_mul(size_of::<T>() + size_of::<u16>());
        let bytes_at_rest = body.saturating_add(FRAME + SETTINGS);
        Memory { others: self.samples, bytes_at_rest, ..Memory::NONE }
    }

    /// The settings of [`Visits`](super::Visits) at rest of any kind, and bytes of a
    /// number: 2 of an `f16`, 4 of an `f32`. For buffers to
    /// [`restore`](crate::State::restore) it into.
    ///
    /// ```
    /// use gradsieve::State;
    /// use gradsieve::visits::{Visits, VisitsSettings, Worst};
    ///
    /// let settings = VisitsSettings { first: 100, samples: 3 };
    /// let worst = Visits::<Worst, f32, _, _>::new(settings, [0.0; 3], [0; 3])?;
    /// let mut bytes = vec![0; settings.memory::<f32>().bytes_at_rest];
    /// worst.to_bytes(&mut bytes)?;
    /// assert_eq!(VisitsSettings::read(&bytes)?, (settings, 4));
    /// # Ok::<(), gradsieve::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Magic`], [`Error::Version`], [`Error::Truncated`] or [`Error::Corrupt`]
    /// if the bytes are no state, or not such a one; [`Error::Mismatch`] if they are of
    /// another kind.
    pub fn read(bytes: &[u8]) -> Result<(Self, usize), Error> {
        const KINDS: [StateKind; 3] = [StateKind::Mean, StateKind::MeanRank, StateKind::Worst];
        let kind = Header::peek(bytes)?.kind;
        let known = KINDS.into_iter().find(|known| *known as u16 == kind);
        let (_, mut reader) = open(known.unwrap_or(StateKind::Mean), bytes)?;
        let len = reader.left().saturating_add(FRAME);
        let settings = Self { first: u64::take(&mut reader)?, samples: usize::take(&mut reader)? };
        let number = u32::take(&mut reader)? as usize;
        let memory = match number {
            2 => settings.memory::<half::f16>(),
            4 => settings.memory::<f32>(),
            _ => return Err(Error::Corrupt),
        };
        let fits = memory.bytes_at_rest == len && settings.check().is_ok();
        if fits { Ok((settings, number)) } else { Err(Error::Corrupt) }
    }

    /// Refuses ids beyond 64 bits.
    pub(super) const fn check(&self) -> Result<(), Error> {
        match self.first.checked_add(self.samples as u64) {
            Some(_) => Ok(()),
            None => Err(Error::Setting { name: "first", expected: "such that every id fits in 64 bits" }),
        }
    }

    /// Where a sample stands.
    pub(super) fn place(&self, id: u64) -> Result<usize, Error> {
        let place = id.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        let end = self.first.saturating_add(self.samples as u64);
        place.filter(|&place| place < self.samples).ok_or(Error::Id { first: self.first, end, found: id })
    }
}
