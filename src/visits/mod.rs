//! One number a sample that is met again and again: its [`Mean`] over all visits, its
//! [`MeanRank`], or the [`Worst`]. For the loss, or for any detector's score.
//!
//! One look at a sample that a model has memorised says little; the mean of its loss over
//! the run says more. [`Visits`] keeps it in one `f16` or `f32` a sample, and a count of
//! visits in 16 bits beside: 4 or 6 bytes. So epochs that leave samples out, and samples
//! that an epoch meets twice, have the right mean, and a sample that was never met is
//! told apart from one whose mean is 0.
//!
//! | file | what |
//! |---|---|
//! | `number` | the formats that numbers are kept in, and rounding to them: [`VisitNumber`] |
//! | `settings` | which samples: [`VisitsSettings`] |
//! | `kept` | what is kept of the visits, as the accumulator sees it: [`Kept`] |
//! | `mean` | [`Mean`] |
//! | `mean_rank` | [`MeanRank`] |
//! | `worst` | [`Worst`] |
//!
//! # Rounding
//! A mean that is kept in few bits and rounded to the nearest stands still as soon as a
//! visit moves it by less than half a unit in the last place: in `f16` after some hundred
//! visits. So means are rounded up or down by a hash of the sample's id and its count of
//! visits, with the probability that makes the rounding unbiased. They are the same on
//! every machine, and wander instead of standing still. Measured against `f64`, as a
//! share of the mean, for losses that fall by e⁻³ over the visits to each of 1,000
//! samples, as root mean square and largest (`tests/all/visits.rs`):
//!
//! | visits | `f16` | `f16`, to the nearest | `f32`, largest |
//! |---|---|---|---|
//! | 10 | .07 %, .3 % | .05 %, .2 % | 3·10⁻⁷ |
//! | 100 | .2 %, .9 % | .2 %, .6 % | 10⁻⁶ |
//! | 1,000 | .7 %, 2 % | 2 %, 4 %, all too high | 3·10⁻⁶ |
//!
//! *Limits*: `f16` reaches from 6·10⁻⁸, below which numbers are 0 or that, to 65,504,
//! beyond which a score is refused ([`Error::Range`]) and nothing changes. 65,535 visits
//! are the most.
//!
//! *Merging*: [`Worst`] merges to the same bits in any order and tree. Means of the same
//! samples add in proportion to their visits and round once a merge, so their last bits
//! depend on the tree, not on the order of two.
//!
//! May import `statistics`, `state`, `memory` and `error`; knows nothing of sketches and
//! detectors.

mod kept;
mod mean;
mod mean_rank;
mod number;
mod settings;
mod worst;

pub use kept::Kept;
pub use mean::Mean;
pub use mean_rank::MeanRank;
pub use number::VisitNumber;
pub use settings::VisitsSettings;
pub use worst::Worst;

use crate::error::{Error, check_length};
use crate::memory::Buffer;
use crate::sketch::SketchId;
use crate::state::{Body, State, StateKind, Walk, slice};
use core::marker::PhantomData;
use gradsieve_kernels::{Certain, cannot_happen};

/// What is kept, `K`, of the visits to each of many samples, in numbers of `T`.
///
/// ```
/// use gradsieve::f16;
/// use gradsieve::visits::{Mean, Visits, VisitsSettings};
///
/// const SETTINGS: VisitsSettings = VisitsSettings { first: 0, samples: 4 };
/// let mut losses = Visits::<Mean, f16, [f16; 4], [u16; 4]>::owned(SETTINGS)?;
/// for epoch in [[2.0, 0.5, 3.0], [1.0, 0.25, 3.0]] {
///     for (id, loss) in (0..).zip(epoch) {
///         losses.observe(id, loss)?;
///     }
/// }
/// assert_eq!(losses.get(0)?, Some(1.5));
/// assert_eq!(losses.get(2)?, Some(3.0));
/// assert_eq!(losses.get(3)?, None); // never visited
/// assert!(losses.observe(4, 1.0).is_err() && losses.observe(0, f64::NAN).is_err());
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct Visits<K, T, B, C> {
    settings: VisitsSettings,
    numbers: B,
    counts: C,
    of: PhantomData<(K, T)>,
}

impl<K: Kept, T: VisitNumber, const N: usize> Visits<K, T, [T; N], [u16; N]> {
    /// No visits yet, in arrays of its own: for `static` cells, too.
    ///
    /// # Errors
    /// As [`new`](Visits::new).
    pub const fn owned(settings: VisitsSettings) -> Result<Self, Error> {
        match (settings.check(), check_length(settings.samples, N)) {
            (Ok(()), Ok(())) => Ok(Self { settings, numbers: [T::ZERO; N], counts: [0; N], of: PhantomData }),
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }
}

impl<K: Kept, T: VisitNumber, B: Buffer<T>, C: Buffer<u16>> Visits<K, T, B, C> {
    /// No visits yet, in a number and a count for each sample; what they hold does not
    /// matter.
    ///
    /// # Errors
    /// [`Error::Length`] if there are not as many as samples; [`Error::Setting`] if an id
    /// would not fit in 64 bits.
    pub fn new(settings: VisitsSettings, numbers: B, counts: C) -> Result<Self, Error> {
        settings.check()?;
        check_length(settings.samples, numbers.as_ref().len())?;
        check_length(settings.samples, counts.as_ref().len())?;
        let mut visits = Self { settings, numbers, counts, of: PhantomData };
        visits.reset();
        Ok(visits)
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.numbers.as_mut().fill(T::ZERO);
        self.counts.as_mut().fill(0);
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> VisitsSettings {
        self.settings
    }

    /// Takes in what a visit to a sample said. [`MeanRank`] wants the share of scores
    /// that are larger, between 0 and 1.
    ///
    /// # Errors
    /// [`Error::Id`] if the sample is none of these; [`Error::NonFinite`];
    /// [`Error::Setting`] for a share that is none; [`Error::Range`] if the number leaves
    /// the format; [`Error::Full`] after 65,535 visits. Nothing has changed.
    pub fn observe(&mut self, id: u64, score: f64) -> Result<(), Error> {
        K::check(score)?;
        let place = self.settings.place(id)?;
        let (number, count) = self.joined(place, (score, 1))?;
        self.put(place, number, count);
        Ok(())
    }

    /// How often a sample was visited.
    ///
    /// # Errors
    /// [`Error::Id`] if it is none of these.
    pub fn count(&self, id: u64) -> Result<u16, Error> {
        Ok(self.kept(self.settings.place(id)?).1)
    }

    /// The mean, the mean rank or the worst of a sample's visits; none if it had none.
    ///
    /// # Errors
    /// [`Error::Id`] if it is none of these.
    pub fn get(&self, id: u64) -> Result<Option<f32>, Error> {
        let (number, count) = self.kept(self.settings.place(id)?);
        Ok((count > 0).then(|| K::read(number.widen())))
    }

    /// Takes in all visits that `other` has seen, to samples that are all among these.
    ///
    /// # Errors
    /// [`Error::Id`] if its samples are not; [`Error::Range`] or [`Error::Full`] as
    /// [`observe`](Self::observe). Nothing has changed.
    pub fn merge<D: Buffer<T>, E: Buffer<u16>>(&mut self, other: &Visits<K, T, D, E>) -> Result<(), Error> {
        let Some(last) = other.settings.samples.checked_sub(1) else { return Ok(()) };
        let start = self.settings.place(other.settings.first)?;
        self.settings.place(other.settings.first.saturating_add(last as u64))?;
        let visited = || {
            let numbers = other.numbers.as_ref().iter().map(|number| f64::from(number.widen()));
            let kept = numbers.zip(other.counts.as_ref().iter().map(|&count| u32::from(count)));
            (start..).zip(kept).filter(|(_, (_, count))| *count > 0)
        };
        visited().try_for_each(|(place, kept)| self.joined(place, kept).map(|_| ()))?;
        for (place, kept) in visited() {
            let joined = self.joined(place, kept);
            cannot_happen!(joined.is_err(), "it was checked");
            if let Ok((number, count)) = joined {
                self.put(place, number, count);
            }
        }
        Ok(())
    }

    /// What is kept of a sample, and its count.
    fn kept(&self, place: usize) -> (T, u16) {
        let number = self.numbers.as_ref().get(place).copied();
        number.zip(self.counts.as_ref().get(place).copied()).certain()
    }

    /// The same after further visits, which said `further`.
    fn joined(&self, place: usize, further: (f64, u32)) -> Result<(T, u16), Error> {
        let (number, before) = self.kept(place);
        let full = Error::Full { capacity: usize::from(u16::MAX) };
        let count = u16::try_from(u32::from(before).saturating_add(further.1)).map_err(|_| full)?;
        let number = match before {
            0 => further.0,
            _ => K::join((f64::from(number.widen()), before.into()), further),
        };
        let id = self.settings.first.wrapping_add(place as u64);
        let rounded = K::round(number, id, count);
        Ok((rounded.ok_or(Error::Range { what: K::WHAT })?, count))
    }

    fn put(&mut self, place: usize, number: T, count: u16) {
        let places = self.numbers.as_mut().get_mut(place).zip(self.counts.as_mut().get_mut(place));
        cannot_happen!(places.is_none(), "a place lies within the buffers");
        if let Some((to, visits)) = places {
            (*to, *visits) = (number, count);
        }
    }
}

impl<K: Kept, T: VisitNumber, B: Buffer<T>, C: Buffer<u16>> State for Visits<K, T, B, C> {
    const KIND: StateKind = K::KIND;

    /// Numbers, which do not know of what they are.
    fn sketch_id(&self) -> Option<SketchId> {
        None
    }
}

impl<K: Kept, T: VisitNumber, B: Buffer<T>, C: Buffer<u16>> Body for Visits<K, T, B, C> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        let VisitsSettings { first, samples } = walk.state().settings;
        walk.setting(first)?;
        walk.setting(samples as u64)?;
        walk.setting(size_of::<T>() as u32)?;
        walk.zeros(4)?;
        walk.records(slice!(numbers), 0..samples, |cursor, number: &mut T| {
            cursor.number(number)?;
            cursor.require(K::check(number.widen().into()).is_ok(), Error::Corrupt)
        })?;
        walk.all(slice!(counts))
    }
}
