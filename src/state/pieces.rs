//! States through a writer and from a reader, piece by piece: the feature `embedded-io`.

use super::frame::{BEGIN, Header, crc32_on, end, put_header};
use super::numbers::Writer;
use super::{HEADER, State, write_body};
use crate::error::Error;
use core::fmt;
use embedded_io::{Read, Write};
use gradsieve_kernels::Certain;

/// Bytes that are written at a time.
const PIECE: usize = 64;

/// Writes a state through `to` in pieces of 64 bytes, the last of which may be shorter:
/// the bytes of [`State::to_bytes`], in no memory but a piece's.
///
/// ```
/// use gradsieve::{Direction, DirectionSettings, State, state};
///
/// const SETTINGS: DirectionSettings = DirectionSettings::new(1, 8);
/// let mut direction = Direction::new(SETTINGS, [0; SETTINGS.memory().i64s])?;
/// let mut flash = [0xFF; 4096]; // of a driver, or a radio
/// let written = state::write_to(&direction, &mut flash.as_mut_slice()).unwrap();
///
/// let mut memory = [0; SETTINGS.memory().bytes_at_rest];
/// let bytes = state::read_from(&mut flash.as_slice(), &mut memory).unwrap();
/// assert_eq!(bytes.len(), written);
/// direction.restore(bytes)?;
/// # Ok::<(), gradsieve::Error>(())
/// ```
///
/// Returns how many bytes it took.
///
/// # Errors
/// What the writer says; it has some of the state then, which no reader takes for one.
pub fn write_to<S: State, W: Write>(state: &S, to: &mut W) -> Result<usize, W::Error> {
    let len = state.len_at_rest();
    let mut pieces = Pieces { to, piece: [0; PIECE], filled: 0, sum: BEGIN, result: Ok(()) };
    {
        let mut push = |bytes: &[u8]| pieces.push(bytes);
        put_header(S::KIND, state.sketch_id(), len, &mut Writer::pieces(&mut push, 0));
        write_body(state, &mut Writer::pieces(&mut push, HEADER));
    }
    let sum = end(pieces.sum).to_le_bytes();
    pieces.push(&sum);
    pieces.flush();
    pieces.result?;
    to.flush()?;
    Ok(len)
}

/// Bytes on their way, with their CRC.
struct Pieces<'w, W: Write> {
    to: &'w mut W,
    piece: [u8; PIECE],
    filled: usize,
    sum: u32,
    /// Nothing is written after an error.
    result: Result<(), W::Error>,
}

impl<W: Write> Pieces<'_, W> {
    fn push(&mut self, bytes: &[u8]) {
        self.sum = crc32_on(self.sum, bytes);
        let mut bytes = bytes.iter();
        while !bytes.as_slice().is_empty() {
            let room = self.piece.get_mut(self.filled..).certain();
            self.filled += room.len().min(bytes.len());
            room.iter_mut().zip(&mut bytes).for_each(|(to, byte)| *to = *byte);
            if self.filled == PIECE {
                self.flush();
            }
        }
    }

    fn flush(&mut self) {
        if self.result.is_ok() {
            self.result = self.to.write_all(self.piece.get(..self.filled).certain());
        }
        self.filled = 0;
    }
}

/// Why a state could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ReadError<E> {
    /// What the reader says.
    Reader(E),
    /// The bytes are not a state's, end too early, or do not fit in the memory.
    State(Error),
}

impl<E> From<Error> for ReadError<E> {
    fn from(error: Error) -> Self {
        Self::State(error)
    }
}

impl<E: fmt::Display> fmt::Display for ReadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reader(error) => error.fmt(f),
            Self::State(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for ReadError<E> {}

/// Reads the bytes of one state into `memory`, and no more than those: for
/// [`State::restore`] or [`State::carry_over`]. What follows stays with the reader.
///
/// A state is checked to its last byte before the first is loaded, so all of them have to
/// be there. The first 64 say how many they are; bytes of no state, and states that do
/// not fit, are refused by those.
///
/// # Errors
/// [`ReadError::Reader`]; as [`ReadError::State`] [`Error::Magic`], [`Error::Version`],
/// [`Error::Truncated`] if the reader ends, and [`Error::Length`] if `memory` is shorter
/// than the state.
pub fn read_from<'m, R: Read>(from: &mut R, memory: &'m mut [u8]) -> Result<&'m [u8], ReadError<R::Error>> {
    let found = memory.len();
    let too_short = |expected| Error::Length { expected, found };
    let front = memory.get_mut(..HEADER).ok_or(too_short(HEADER))?;
    let read = fill(from, front)?;
    let header = Header::peek(front.get(..read).certain())?;
    let rest = memory.get_mut(HEADER..header.len).ok_or(too_short(header.len))?;
    let read = HEADER.saturating_add(fill(from, rest)?);
    if read < header.len {
        return Err(Error::Truncated { expected: header.len, found: read }.into());
    }
    Ok(memory.get(..header.len).certain())
}

/// Fills a slice as far as the reader has bytes; returns how many it had.
fn fill<R: Read>(from: &mut R, to: &mut [u8]) -> Result<usize, ReadError<R::Error>> {
    let mut filled = 0;
    while let Some(rest) = to.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest).map_err(ReadError::Reader)? {
            0 => break,
            read => filled += read.min(rest.len()),
        }
    }
    Ok(filled)
}
