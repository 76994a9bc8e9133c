//! How a state forgets: by halves, on a clock that its parts share.
//!
//! What is observed at tick *t* counts 2^(t/H) times a unit, in integers, where H is the
//! half-life; after each H ticks all sums are halved, and the unit is the old one again.
//! So a sample counts half as much as one that comes H ticks later, sums stay integers,
//! and two states whose clocks stand in the same half-life have the same unit: they merge
//! by addition, in any order. States of different half-lives, or whose clocks are one or
//! more halvings apart, do not merge: bring the later one's clock to the other by
//! [`Clock::advance`] first.
//!
//! *Error*: the weight is rounded to a sixteenth of a half-life (at most 2.2 % off) and
//! to 1/256 of a unit.

use crate::error::{Error, Field};
use crate::state::{Body, Walk, place};

/// Counts of a new half-life have this weight, those at its end almost twice as much.
const UNIT: u32 = 256;

/// Weights within a half-life: round(256·2^(k/16)).
const WEIGHTS: [u32; 16] = [256, 267, 279, 292, 304, 318, 332, 347, 362, 378, 395, 412, 431, 450, 470, 490];

/// The longest half-life. Counts of 32 bits hold all that is in sight then.
const LONGEST: u32 = 1 << 22;

/// The shortest: a tick for each weight.
const SHORTEST: u32 = 16;

/// The clock by which a state forgets, or does not.
///
/// ```
/// use gradsieve::statistics::Clock;
///
/// let mut clock = Clock::new(Some(1000))?;
/// let early = clock.weight();
/// let halvings: u32 = (0..1000).map(|_| clock.tick()).sum();
/// assert_eq!((halvings, clock.weight(), clock.ticks()), (1, early, 1000));
/// assert_eq!(Clock::new(None)?.tick(), 0); // never
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Ticks in which a weight becomes half of what it was; 0 if it stays.
    half_life: u32,
    ticks: u64,
}

impl Clock {
    /// A clock at 0. Without a half-life nothing is forgotten.
    ///
    /// # Errors
    /// [`Error::Setting`] if the half-life is below 16 ticks or above 2²².
    pub const fn new(half_life: Option<u32>) -> Result<Self, Error> {
        match half_life {
            None => Ok(Self { half_life: 0, ticks: 0 }),
            Some(half_life @ SHORTEST..=LONGEST) => Ok(Self { half_life, ticks: 0 }),
            Some(_) => {
                Err(Error::Setting { name: "half_life", expected: "from 16 to 2^22 samples, or none" })
            }
        }
    }

    /// Ticks in which a weight becomes half of what it was.
    #[must_use]
    pub const fn half_life(&self) -> Option<u32> {
        if self.half_life == 0 { None } else { Some(self.half_life) }
    }

    /// Ticks so far.
    #[must_use]
    pub const fn ticks(&self) -> u64 {
        self.ticks
    }

    /// What a sample of now counts: 1 if nothing is forgotten.
    #[must_use]
    pub const fn weight(&self) -> u32 {
        if self.half_life == 0 {
            return 1;
        }
        // Below the half-life, which is at most 2²²; so the step is below 16.
        let within = self.divided().1;
        let step = within * WEIGHTS.len() as u32 / self.half_life;
        #[expect(clippy::indexing_slicing, reason = "four bits, and as many weights as they number")]
        WEIGHTS[(step & 15) as usize]
    }

    /// What a sample of now counts in units of 1/256, also if nothing is forgotten.
    pub(crate) const fn fine_weight(&self) -> u32 {
        if self.half_life == 0 { UNIT } else { self.weight() }
    }

    /// What a sample of now counts, where one at the beginning of a half-life counts 1.
    pub(crate) const fn share(&self) -> f64 {
        self.weight() as f64 / self.unit() as f64
    }

    /// The weight of a sample at the beginning of a half-life.
    pub(crate) const fn unit(&self) -> u32 {
        if self.half_life == 0 { 1 } else { UNIT }
    }

    /// Moves on by a tick. Returns how many times all sums are to be halved: 0 or 1.
    pub const fn tick(&mut self) -> u32 {
        self.advance(self.ticks.saturating_add(1))
    }

    /// Moves on to a later tick, as for samples that went elsewhere. Returns how many
    /// times all sums are to be halved. A clock is never set back.
    pub const fn advance(&mut self, ticks: u64) -> u32 {
        let before = self.period();
        if ticks > self.ticks {
            self.ticks = ticks;
        }
        let halvings = self.period() - before;
        if halvings > u32::MAX as u64 { u32::MAX } else { halvings as u32 }
    }

    /// Half-lives that have passed.
    #[must_use]
    pub const fn period(&self) -> u64 {
        if self.half_life == 0 { 0 } else { self.divided().0 }
    }

    /// The half-lives that have passed, and ticks of the present one. Small cores divide
    /// numbers of 32 bits.
    const fn divided(&self) -> (u64, u32) {
        // Not by 0: where nothing is forgotten there are no half-lives.
        let half_life = if self.half_life == 0 { u32::MAX } else { self.half_life };
        if self.ticks <= u32::MAX as u64 {
            let ticks = self.ticks as u32;
            ((ticks / half_life) as u64, ticks % half_life)
        } else {
            (self.ticks / half_life as u64, (self.ticks % half_life as u64) as u32)
        }
    }

    /// Refuses a clock whose states have other units.
    ///
    /// # Errors
    /// [`Error::Mismatch`] of [`Field::Clock`].
    pub(crate) fn check(&self, other: &Self) -> Result<(), Error> {
        let same = self.half_life == other.half_life && self.period() == other.period();
        if same { Ok(()) } else { Err(Error::Mismatch(Field::Clock)) }
    }

    /// The clock of two merged states: the later one. One that forgets nothing counts the
    /// ticks of both, so that a stream may be parted anywhere.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), Error> {
        self.check(other)?;
        self.ticks = match self.half_life {
            0 => self.ticks.saturating_add(other.ticks),
            _ => self.ticks.max(other.ticks),
        };
        Ok(())
    }

    /// At 0 again.
    pub(crate) const fn reset(&mut self) {
        self.ticks = 0;
    }
}

impl Body for Clock {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        walk.setting(walk.state().half_life)?;
        walk.zeros(4)?;
        walk.number(place!(ticks)).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_doubles_in_a_half_life() {
        for half_life in [16, 17, 1000, LONGEST] {
            let mut clock = Clock::new(Some(half_life)).unwrap();
            for ticks in [0, half_life / 2, half_life - 1] {
                let halvings = clock.advance(u64::from(ticks));
                let exact = 256.0 * libm::exp2(f64::from(ticks) / f64::from(half_life));
                assert_eq!(halvings, 0);
                assert!((f64::from(clock.weight()) / exact - 1.0).abs() < 0.045, "{half_life} {ticks}");
            }
            assert_eq!((clock.tick(), clock.weight()), (1, 256));
        }
    }

    #[test]
    fn half_lives_out_of_range_are_refused() {
        for half_life in [0, 15, LONGEST + 1] {
            assert!(matches!(Clock::new(Some(half_life)), Err(Error::Setting { name: "half_life", .. })));
        }
    }

    #[test]
    fn clocks_of_one_half_life_merge() {
        let at = |ticks| {
            let mut clock = Clock::new(Some(100)).unwrap();
            clock.advance(ticks);
            clock
        };
        let mut clock = at(120);
        clock.merge(&at(199)).unwrap();
        assert_eq!(clock.ticks(), 199);
        assert_eq!(clock.merge(&at(200)), Err(Error::Mismatch(Field::Clock)));
        assert_eq!(clock.merge(&Clock::new(None).unwrap()), Err(Error::Mismatch(Field::Clock)));
        assert_eq!(clock.ticks(), 199);
    }
}
