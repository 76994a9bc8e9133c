//! What a store is told, and where its columns stand in its memory.
//!
//! The memory is one slice of `u64`, so that any target aligns it for every codec. First
//! come the numbers of all rows, in groups of sixteen. Behind them stands one column
//! after the other, each with an entry a row. All have room for whole groups, so each
//! begins with a whole `u64`.

use super::codec::Codec;
use crate::error::{Error, check_length};
use crate::memory::Memory;
use crate::state::FRAME;
use core::marker::PhantomData;
use core::ops::Range;
use gradsieve_kernels::score::GROUP;
use half::f16;

/// What a [`Store`](super::Store) holds.
///
/// ```
/// use gradsieve::store::{Codec, StoreSettings};
///
/// const SETTINGS: StoreSettings = StoreSettings { codec: Codec::Int8, width: 64, rows: 100 };
/// let memory = [0_u64; SETTINGS.memory().others];
/// // Rows are stored in groups of sixteen: 112 of them, of 64 bytes, a scale, and the rest.
/// assert_eq!(size_of_val(&memory), 112 * (64 + 4 + 32));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct StoreSettings {
    /// How the numbers of a row are stored.
    pub codec: Codec,
    /// K.
    pub width: usize,
    /// Rows that there is room for.
    pub rows: usize,
}

/// Bytes of a store's body before the numbers.
const FRONT: usize = 64;

/// Bytes of a row beside its numbers and scale: id, L1, squared L2, maximum and group.
const BESIDE: usize = 32;

impl StoreSettings {
    /// What the store needs: `u64` as `others`, for whole groups of sixteen rows.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        let beside = (BESIDE + self.codec.scale_bytes()) * GROUP / 8;
        let others = self.groups().saturating_mul(self.words().saturating_add(beside));
        Memory { others, bytes_at_rest: self.body().saturating_add(FRAME), ..Memory::NONE }
    }

    /// Bytes of the body at rest.
    pub(super) const fn body(&self) -> usize {
        let numbers = self.groups().saturating_mul(self.codec.group_bytes(self.width));
        let beside = self.rows.saturating_mul(BESIDE + self.codec.scale_bytes());
        numbers.saturating_add(beside).saturating_add(FRONT)
    }

    /// Refuses settings, and memory of `found` `u64`, that do not fit.
    pub(super) const fn check(&self, found: usize) -> Result<(), Error> {
        match self.codec.check_width(self.width) {
            Ok(()) => check_length(self.memory().others, found),
            Err(error) => Err(error),
        }
    }

    /// Groups of sixteen rows.
    const fn groups(&self) -> usize {
        self.rows.div_ceil(GROUP)
    }

    /// `u64`s of the numbers of a group.
    const fn words(&self) -> usize {
        self.codec.group_bytes(self.width) / 8
    }

    /// Where the numbers of all rows stand.
    pub(super) const fn numbers(&self) -> Range<usize> {
        0..self.groups() * self.words()
    }

    /// Where a column stands; nowhere if the codec has none such.
    pub(super) fn column<T>(&self, column: &Column<T>) -> Range<usize> {
        if !(column.is_of)(self.codec) {
            return 0..0;
        }
        let rows = self.groups() * GROUP;
        let start = self.groups() * self.words() + rows * column.before / 8;
        start..start + rows * size_of::<T>() / 8
    }
}

/// A column of a store: an entry of type `T` a row.
pub(super) struct Column<T> {
    /// Bytes that the columns before it take of each row.
    before: usize,
    /// Whether rows of a codec have it.
    is_of: fn(Codec) -> bool,
    entry: PhantomData<T>,
}

impl<T> Column<T> {
    const fn behind(before: usize, is_of: fn(Codec) -> bool) -> Self {
        Self { before, is_of, entry: PhantomData }
    }
}

/// Rows of every codec have it.
const fn all(_codec: Codec) -> bool {
    true
}

pub(super) const IDS: Column<u64> = Column::behind(0, all);
pub(super) const L1: Column<f64> = Column::behind(8, all);
pub(super) const L2_SQUARED: Column<f64> = Column::behind(16, all);
pub(super) const MAX: Column<f32> = Column::behind(24, all);
/// The samples' groups, which are classes, sensors or clients.
pub(super) const LABELS: Column<u32> = Column::behind(28, all);
/// Int8's scales.
pub(super) const FACTORS: Column<f32> = Column::behind(BESIDE, Codec::has_factors);
/// The powers of two that are scales, or factors of them.
pub(super) const EXPONENTS: Column<i8> = Column::behind(BESIDE, Codec::has_exponents);
/// The bits of the scales of few bits, which are `f16`.
pub(super) const HALVES: Column<u16> = Column::behind(BESIDE + size_of::<i8>(), Codec::has_halves);

/// These scales are as large as their bits.
const _: () = assert!(size_of::<f16>() == size_of::<u16>());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_columns_fill_the_memory_one_behind_the_other() {
        for codec in Codec::ALL {
            for (width, rows) in [(1, 1), (3, 16), (65, 17), (512, 100)] {
                let settings = StoreSettings { codec, width, rows };
                let mut places = [
                    settings.numbers(),
                    settings.column(&IDS),
                    settings.column(&L1),
                    settings.column(&L2_SQUARED),
                    settings.column(&MAX),
                    settings.column(&LABELS),
                    settings.column(&FACTORS),
                    settings.column(&EXPONENTS),
                    settings.column(&HALVES),
                ];
                places.sort_by_key(|place| (place.start, place.end));
                let mut end = 0;
                for place in places.iter().filter(|place| !place.is_empty()) {
                    assert_eq!(place.start, end, "{settings:?}");
                    end = place.end;
                }
                assert_eq!(end, settings.memory().others, "{settings:?}");
            }
        }
    }
}
