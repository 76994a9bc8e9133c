//! A sieve at rest. Settings are checked where a state is restored, and read where one is
//! to be made of bytes alone.

use super::Sieve;
use super::counts::Counts;
use super::groups;
use super::settings::{Groups, Guards, LossKind, Rate, SieveSettings};
use crate::error::Error;
use crate::memory::Buffer;
use crate::sketch::SketchId;
use crate::state::{Body, FRAME, Number, Place, State, StateKind, Walk, open, place, slice};
use crate::statistics::Directions;

/// Walks over the settings, which must be the same in the bytes where they do not carry
/// over. What [`SieveSettings::read`] reads, in the same order. Returns how many groups
/// the bytes have directions of.
fn settings<S>(walk: &mut Walk<'_, '_, S>, settings: &SieveSettings) -> Result<usize, Error> {
    let (growing, groups) = match settings.groups {
        Groups::Fixed(groups) => (false, groups),
        Groups::Growing(groups) => (true, groups),
    };
    walk.width(settings.width)?;
    let groups = walk.room(groups)?;
    walk.own_setting(settings.rate.alpha().to_bits())?;
    walk.own_setting(settings.change.to_bits())?;
    walk.setting(settings.guards.duplicates)?;
    walk.own_setting(settings.warm_up)?;
    walk.setting(growing)?;
    walk.setting(settings.loss == LossKind::Squared)?;
    walk.own_setting(matches!(settings.rate, Rate::FalseDiscoveries(_)))?;
    walk.own_setting(settings.guards.zero)?;
    walk.own_setting(settings.guards.short)?;
    walk.own_setting(settings.learn_flagged)?;
    walk.zeros(6)?;
    Ok(groups as usize)
}

impl SieveSettings {
    /// The settings of a state at rest, of whatever program: so that one can be made that
    /// restores it.
    ///
    /// ```
    /// use gradsieve::{Groups, Sieve, SieveSettings, State};
    ///
    /// let settings = SieveSettings { groups: Groups::Growing(3), ..SieveSettings::new(32) };
    /// let sieve = Sieve::new(settings, vec![0; settings.memory().i64s])?;
    /// let mut bytes = vec![0; settings.memory().bytes_at_rest];
    /// let written = sieve.to_bytes(&mut bytes)?;
    ///
    /// let settings = SieveSettings::read(&bytes[..written])?;
    /// let mut other = Sieve::new(settings, vec![0; settings.memory().i64s])?;
    /// other.restore(&bytes[..written])?;
    /// # assert_eq!(other.settings(), sieve.settings());
    /// # Ok::<(), gradsieve::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Magic`], [`Error::Version`], [`Error::Truncated`] or [`Error::Corrupt`]
    /// if the bytes are no state, or not that of a sieve of these settings;
    /// [`Error::Mismatch`] if they are of another kind.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let (_, mut reader) = open(StateKind::Sieve, bytes)?;
        let len = reader.left().saturating_add(FRAME);
        let from = &mut reader;
        let (width, groups) = (usize::take(from)?, u32::take(from)?);
        let (rate, change) = (f32::take(from)?, f32::take(from)?);
        let (duplicates, warm_up) = (u32::take(from)?, u32::take(from)?);
        let (growing, squared, discoveries) = (bool::take(from)?, bool::take(from)?, bool::take(from)?);
        let (zero, short, learn_flagged) = (bool::take(from)?, bool::take(from)?, bool::take(from)?);
        from.skip(6)?;
        let half_life = u32::take(from)?;
        let settings = Self {
            width,
            groups: if growing { Groups::Growing(groups) } else { Groups::Fixed(groups) },
            loss: if squared { LossKind::Squared } else { LossKind::CrossEntropy },
            rate: if discoveries { Rate::FalseDiscoveries(rate) } else { Rate::FalseAlarms(rate) },
            change,
            half_life: (half_life > 0).then_some(half_life),
            guards: Guards { zero, short, duplicates },
            learn_flagged,
            warm_up,
        };
        let memory = settings.memory();
        if memory.bytes_at_rest == len && settings.check(memory.i64s).is_ok() {
            Ok(settings)
        } else {
            Err(Error::Corrupt)
        }
    }
}

impl<B: Buffer<i64>> State for Sieve<B> {
    const KIND: StateKind = StateKind::Sieve;

    fn sketch_id(&self) -> Option<SketchId> {
        self.id
    }
}

impl<B: Buffer<i64>> Body for Sieve<B> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        let settings = walk.state().settings;
        let groups = self::settings(walk, &settings)?;
        walk.nested(place!(clock))?;
        let seen = walk.nested_with(place!(counts), Counts::walk)?;
        walk.require_id(settings.width, seen > 0)?;
        walk.number(place!(distances))?;
        walk.number(place!(distances_weight))?;
        walk.nested(place!(discoveries))?;
        walk.nested(place!(jumper))?;
        walk.all(slice!(near))?;
        walk.nested(place!(norms))?;
        walk.nested(place!(losses))?;
        walk.nested(place!(residuals))?;
        walk.nested(place!(shapes))?;
        walk.nested(place!(scores))?;
        walk.nested_with(place!(directions), |walk| Directions::walk(walk, groups))?;
        let ids = Place { get: |state: &Self| state.behind().0, get_mut: |state| state.behind_mut().0 };
        let (len, mut before) = (groups.min(settings.ids()), None);
        walk.load_with(|state| groups::clear(state.behind_mut().0));
        walk.records(ids, 0..len, |cursor, id| {
            cursor.number(id)?;
            let holds = groups::follows(before.replace(*id), *id);
            cursor.require(holds, Error::Corrupt)
        })?;
        walk.all(Place { get: |state: &Self| state.behind().1, get_mut: |state| state.behind_mut().1 })?;
        let id = walk.id();
        walk.load_with(|state| state.id = id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use crate::error::Field;
    use crate::gradient::Layout;
    use crate::sketch::{Exact, Projector, Sketch};
    use std::vec;
    use std::vec::Vec;

    fn at_rest(settings: SieveSettings) -> Vec<u8> {
        let sieve = Sieve::new(settings, vec![0; settings.memory().i64s]).unwrap();
        let mut bytes = vec![0; settings.memory().bytes_at_rest];
        let written = sieve.to_bytes(&mut bytes).unwrap();
        bytes.truncate(written);
        bytes
    }

    #[test]
    fn settings_of_every_kind_are_read_as_they_were_written() {
        let flag = |bits: u32, bit: u32| bits >> bit & 1 == 1;
        for bits in 0..256 {
            let settings = SieveSettings {
                width: 32 + bits as usize,
                groups: if flag(bits, 0) { Groups::Growing(3 + bits) } else { Groups::Fixed(1 + bits) },
                loss: if flag(bits, 1) { LossKind::Squared } else { LossKind::CrossEntropy },
                rate: if flag(bits, 2) { Rate::FalseDiscoveries(0.2) } else { Rate::FalseAlarms(0.03) },
                change: 0.001 * (1 + bits) as f32,
                half_life: flag(bits, 3).then_some(500 + bits),
                guards: Guards {
                    zero: flag(bits, 4),
                    short: flag(bits, 5),
                    duplicates: if flag(bits, 6) { 64 } else { 0 },
                },
                learn_flagged: flag(bits, 7),
                warm_up: 16 + bits,
            };
            assert_eq!(SieveSettings::read(&at_rest(settings)), Ok(settings));
        }
    }

    #[test]
    fn bytes_of_other_states_and_of_none_are_refused() {
        let settings = SieveSettings::new(32);
        let mut bytes = at_rest(settings);
        assert_eq!(SieveSettings::read(&bytes[1..]), Err(Error::Magic));
        assert!(matches!(SieveSettings::read(&bytes[..80]), Err(Error::Truncated { .. })));
        bytes[70] ^= 1;
        assert_eq!(SieveSettings::read(&bytes), Err(Error::Corrupt));
        // Groups that the bytes are too short for, with a checksum that holds.
        bytes[70] ^= 1;
        bytes[72] = 200;
        seal(&mut bytes);
        assert_eq!(SieveSettings::read(&bytes), Err(Error::Corrupt));
        bytes[72] = 1;
        bytes[10] = 8;
        seal(&mut bytes);
        assert_eq!(SieveSettings::read(&bytes), Err(Error::Mismatch(Field::State)));
    }

    #[test]
    fn capital_that_no_bet_leaves_behind_is_refused() {
        let settings = SieveSettings::new(32);
        let third = (1.0_f32 / 3.0).to_le_bytes();
        let mut bytes = at_rest(settings);
        let place = bytes.windows(12).position(|bytes| bytes == third.repeat(3)).unwrap();
        for odd in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            bytes[place + 4..place + 8].copy_from_slice(&odd.to_le_bytes());
            seal(&mut bytes);
            let mut sieve = Sieve::new(settings, vec![0; settings.memory().i64s]).unwrap();
            assert_eq!(sieve.restore(&bytes), Err(Error::Corrupt), "{odd}");
        }
    }

    #[test]
    fn growing_groups_that_do_not_rise_are_refused() {
        let guards = Guards { duplicates: 0, ..Guards::ALL };
        let settings = SieveSettings { groups: Groups::Growing(3), guards, ..SieveSettings::new(32) };
        let mut bytes = at_rest(settings);
        // The last of the body.
        let place = bytes.len() - 4 - 3 * 8;
        let mut restored = |ids: [i64; 3]| {
            for (id, bytes) in ids.iter().zip(bytes[place..].chunks_mut(8)) {
                bytes.copy_from_slice(&id.to_le_bytes());
            }
            seal(&mut bytes);
            Sieve::new(settings, vec![0; settings.memory().i64s]).unwrap().restore(&bytes)
        };
        let last = i64::from(u32::MAX);
        for ids in [[-1; 3], [0, -1, -1], [3, 9, last]] {
            assert_eq!(restored(ids), Ok(()), "{ids:?}");
        }
        for ids in [[-5, -5, -5], [9, 3, -1], [3, 3, -1], [-1, 3, -1], [3, -1, 9], [3, 9, last + 1]] {
            assert_eq!(restored(ids), Err(Error::Corrupt), "{ids:?}");
        }
    }

    #[test]
    fn a_state_whose_counts_are_at_their_end_still_judges() {
        let settings = SieveSettings::new(2);
        let mut sieve = Sieve::new(settings, vec![0; settings.memory().i64s]).unwrap();
        let Counts { seen, scored, recent, weight, zeros, .. } = &mut sieve.counts;
        [seen, scored, recent, weight, zeros].into_iter().for_each(|count| *count = u64::MAX);
        let values = [1.0, -2.0];
        let id = Exact::new(2).id(Layout::flat(2).unwrap().id());
        let sketch = Sketch::from_parts(id, &values, gradsieve_kernels::summarize(&values)).unwrap();
        for _ in 0..3 {
            let verdict = sieve.judge(&sketch).unwrap();
            assert!((0.0..=1.0).contains(&verdict.p), "{verdict:?}");
            sieve.observe(&sketch, &verdict).unwrap();
        }
    }

    /// Gives altered bytes the checksum that they would have.
    fn seal(bytes: &mut [u8]) {
        let (checked, sum) = bytes.split_last_chunk_mut::<4>().unwrap();
        *sum = crate::state::crc32(checked).to_le_bytes();
    }
}
