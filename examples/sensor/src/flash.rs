//! A record in two pages of flash memory, written in turn: while one is written the other
//! is whole, so a reset at any time loses no more than the record that was being written.
//!
//! A record is a sequence number, its length, its bytes, and the CRC of all of these. A
//! number has four bytes, the lowest first. The CRC is written last.

use gradsieve::state::crc32;

/// Bytes of a page.
pub const PAGE: usize = 8192;
const PAGES: usize = 2;
/// Bytes of a page once it is erased.
const ERASED: u8 = 0xFF;
/// Bytes of a record before its own.
const FRONT: usize = 8;

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A word was programmed that had not been erased, or lies outside the pages.
    NotErased,
    /// The record is too long for a page.
    TooLong,
    /// The power failed.
    PowerLost,
}

/// Flash memory that is emulated in other memory: bits can be cleared word by word, and
/// only a whole page can be erased. Its power can be made to fail.
#[derive(Clone)]
pub struct Flash {
    pages: [[u8; PAGE]; PAGES],
    /// Words that can be programmed before the power fails; all of them if there is none.
    power: Option<u32>,
}

impl Flash {
    /// Erased.
    pub const fn new() -> Self {
        Self { pages: [[ERASED; PAGE]; PAGES], power: None }
    }

    /// Erases all pages.
    pub fn erase_all(&mut self) {
        (0..PAGES).for_each(|page| self.erase(page));
    }

    /// Lets the power fail after so many words; or not at all.
    pub const fn fail_after(&mut self, words: Option<u32>) {
        self.power = words;
    }

    fn erase(&mut self, page: usize) {
        self.pages[page].fill(ERASED);
    }

    fn program(&mut self, page: usize, word: usize, bytes: [u8; 4]) -> Result<(), Fault> {
        if let Some(words) = &mut self.power {
            *words = words.checked_sub(1).ok_or(Fault::PowerLost)?;
        }
        let place = self.pages[page].as_chunks_mut::<4>().0.get_mut(word).ok_or(Fault::NotErased)?;
        if *place != [ERASED; 4] {
            return Err(Fault::NotErased);
        }
        *place = bytes;
        Ok(())
    }

    /// The sequence number and the bytes of a page's record, if it is whole.
    fn record(&self, page: usize) -> Option<(u32, &[u8])> {
        let page = &self.pages[page];
        let number = |at: usize| page.get(at..)?.first_chunk().copied().map(u32::from_le_bytes);
        let (sequence, length) = (number(0)?, number(4)? as usize);
        let end = length.checked_next_multiple_of(4)?.checked_add(FRONT)?;
        let is_whole = number(end)? == crc32(page.get(..end)?);
        if is_whole { Some((sequence, page.get(FRONT..FRONT + length)?)) } else { None }
    }

    /// The page with the newest whole record, and the record.
    fn newest(&self) -> Option<(usize, u32, &[u8])> {
        let records = (0..PAGES).filter_map(|page| self.record(page).map(|(n, bytes)| (page, n, bytes)));
        // Sequence numbers may wrap.
        records.reduce(|one, other| if other.1.wrapping_sub(one.1).cast_signed() > 0 { other } else { one })
    }

    /// The newest whole record, and its page.
    pub fn read(&self) -> Option<(usize, &[u8])> {
        self.newest().map(|(page, _, bytes)| (page, bytes))
    }

    /// Whether a page is neither erased nor holds a whole record: its writing was broken
    /// off.
    pub fn is_torn(&self, page: usize) -> bool {
        self.record(page).is_none() && self.pages[page].iter().any(|byte| *byte != ERASED)
    }

    /// Writes a record over the older one. Returns its page.
    ///
    /// # Errors
    /// [`Fault::TooLong`], and nothing was written; [`Fault::PowerLost`], and the newest
    /// record is what it was.
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let end = bytes.len().next_multiple_of(4) + FRONT;
        if end + 4 > PAGE {
            return Err(Fault::TooLong);
        }
        let (page, sequence) = match self.newest() {
            Some((page, sequence, _)) => (1 - page, sequence.wrapping_add(1)),
            None => (0, 0),
        };
        self.erase(page);
        self.program(page, 0, sequence.to_le_bytes())?;
        self.program(page, 1, (bytes.len() as u32).to_le_bytes())?;
        let (words, rest) = bytes.as_chunks::<4>();
        let mut last = [0; 4];
        last.iter_mut().zip(rest).for_each(|(last, byte)| *last = *byte);
        let last = if rest.is_empty() { &[][..] } else { &[last][..] };
        for (at, word) in (FRONT / 4..).zip(words.iter().chain(last)) {
            self.program(page, at, *word)?;
        }
        let crc = crc32(&self.pages[page][..end]);
        self.program(page, end / 4, crc.to_le_bytes())?;
        Ok(page)
    }
}

impl Default for Flash {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    proptest! {
        #[test]
        fn the_last_whole_record_is_read_wherever_the_power_fails(
            records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..6),
            words in 0_u32..16,
        ) {
            let mut flash = Flash::new();
            let (last, before) = records.split_last().unwrap();
            before.iter().for_each(|record| { flash.write(record).unwrap(); });
            flash.fail_after(Some(words));
            let written = flash.write(last);
            let expected = if written.is_ok() { Some(last) } else { before.last() };
            prop_assert_eq!(flash.read().map(|(_, bytes)| bytes), expected.map(Vec::as_slice));
            prop_assert_eq!(written.is_ok(), words as usize >= 3 + last.len().div_ceil(4));
        }
    }

    #[test]
    fn a_record_after_a_torn_one_is_written_over_it() {
        let mut flash = Flash::new();
        flash.write(b"first").unwrap();
        flash.fail_after(Some(2));
        assert_eq!(flash.write(b"torn"), Err(Fault::PowerLost));
        assert!(flash.is_torn(1) && !flash.is_torn(0));
        flash.fail_after(None);
        assert_eq!(flash.write(b"second"), Ok(1));
        assert_eq!(flash.read(), Some((1, &b"second"[..])));
    }

    #[test]
    fn a_word_is_programmed_once_until_its_page_is_erased() {
        let mut flash = Flash::new();
        assert_eq!(flash.program(0, 3, [1, 2, 3, 4]), Ok(()));
        assert_eq!(flash.program(0, 3, [0, 0, 0, 0]), Err(Fault::NotErased));
        flash.erase(0);
        assert_eq!(flash.program(0, 3, [0, 0, 0, 0]), Ok(()));
    }

    #[test]
    fn sequence_numbers_may_wrap() {
        let mut flash = Flash::new();
        for (page, sequence) in [(0, u32::MAX), (1, 0)] {
            flash.program(page, 0, sequence.to_le_bytes()).unwrap();
            flash.program(page, 1, [0; 4]).unwrap();
            let crc = crc32(&flash.pages[page][..FRONT]);
            flash.program(page, 2, crc.to_le_bytes()).unwrap();
        }
        assert_eq!(flash.read().map(|(page, _)| page), Some(1));
    }

    #[test]
    fn memory_of_any_bytes_has_no_record() {
        let zeros = Flash { pages: [[0; PAGE]; PAGES], power: None };
        assert_eq!(zeros.read(), None);
        let bytes: Vec<u8> = (0..PAGE).map(|i| (i * 7 % 251) as u8).collect();
        let noise = Flash { pages: [*bytes.first_chunk().unwrap(); PAGES], power: None };
        assert_eq!(noise.read(), None);
    }

    #[test]
    fn a_record_that_is_too_long_leaves_the_last_one() {
        let mut flash = Flash::new();
        flash.write(b"first").unwrap();
        assert_eq!(flash.write(&[0; PAGE - 11]), Err(Fault::TooLong));
        assert_eq!(flash.read(), Some((0, &b"first"[..])));
        assert_eq!(flash.write(&[0; PAGE - 12]), Ok(1));
    }
}
