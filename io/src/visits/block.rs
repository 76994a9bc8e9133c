//! The visits to samples of consecutive ids, whatever is kept of them.

use std::fmt;
use std::ops::Range;

use super::VisitsError;
use crate::files::FileError;
use gradsieve::visits::{Kept, VisitNumber, Visits, VisitsSettings};
use gradsieve::{Error, State as _};

/// What one block of a file holds.
pub struct Block {
    file: String,
    visits: Box<dyn Any>,
}

/// Visits of any kind, in numbers of any type.
trait Any {
    fn settings(&self) -> VisitsSettings;
    fn observe(&mut self, id: u64, score: f64) -> Result<(), Error>;
    fn get(&self, id: u64) -> Result<Option<(f32, u16)>, Error>;
    fn restore(&mut self, bytes: &[u8]) -> Result<(), Error>;
    fn to_bytes(&self, bytes: &mut Vec<u8>) -> Result<(), Error>;
}

impl<K: Kept, T: VisitNumber> Any for Visits<K, T, Vec<T>, Vec<u16>> {
    fn settings(&self) -> VisitsSettings {
        self.settings()
    }

    fn observe(&mut self, id: u64, score: f64) -> Result<(), Error> {
        self.observe(id, score)
    }

    fn get(&self, id: u64) -> Result<Option<(f32, u16)>, Error> {
        let number = self.get(id)?;
        Ok(number.zip(Some(self.count(id)?)))
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.restore_with(bytes, crc32fast::hash)
    }

    fn to_bytes(&self, bytes: &mut Vec<u8>) -> Result<(), Error> {
        bytes.resize(self.len_at_rest(), 0);
        self.to_bytes_with(bytes, crc32fast::hash).map(|_| ())
    }
}

impl Block {
    /// No visits yet.
    pub(super) fn new<K: Kept + 'static, T: VisitNumber + 'static>(
        file: &str,
        settings: VisitsSettings,
    ) -> Result<Self, VisitsError> {
        let (numbers, counts) = (zeros(file, settings.samples, T::ZERO)?, zeros(file, settings.samples, 0)?);
        let failed = |error| VisitsError::Core { file: file.to_owned(), error };
        let visits = Visits::<K, T, _, _>::new(settings, numbers, counts).map_err(failed)?;
        Ok(Self { file: file.to_owned(), visits: Box::new(visits) })
    }

    /// The ids of its samples.
    #[must_use]
    pub fn ids(&self) -> Range<u64> {
        let VisitsSettings { first, samples } = self.visits.settings();
        first..first + samples as u64
    }

    /// Takes in what a visit said.
    ///
    /// # Errors
    /// As [`Visits::observe`].
    pub fn observe(&mut self, id: u64, score: f64) -> Result<(), Error> {
        self.visits.observe(id, score)
    }

    /// The number of a sample and how many visits it had; none if it had none.
    ///
    /// # Errors
    /// [`Error::Id`] if it is none of the block's.
    pub fn get(&self, id: u64) -> Result<Option<(f32, u16)>, Error> {
        self.visits.get(id)
    }

    /// Replaces all by what the bytes hold.
    pub(super) fn restore(&mut self, bytes: &[u8]) -> Result<(), VisitsError> {
        self.visits.restore(bytes).map_err(self.failed())
    }

    /// Its bytes, in the place of others.
    pub(super) fn to_bytes(&self, bytes: &mut Vec<u8>) -> Result<(), VisitsError> {
        self.visits.to_bytes(bytes).map_err(self.failed())
    }

    fn failed(&self) -> impl Fn(Error) -> VisitsError + use<> {
        let file = self.file.clone();
        move |error| VisitsError::Core { file: file.clone(), error }
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({}, {:?})", self.file, self.ids())
    }
}

/// Memory for the numbers of `file`.
pub(super) fn zeros<T: Clone>(file: &str, count: usize, zero: T) -> Result<Vec<T>, FileError> {
    let mut all = Vec::new();
    let none = |_| FileError::io(file, "take memory for it", std::io::ErrorKind::OutOfMemory.into());
    all.try_reserve_exact(count).map_err(none)?;
    all.resize(count, zero);
    Ok(all)
}
