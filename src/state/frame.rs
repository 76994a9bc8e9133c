//! What stands around a body: the header before it, and the CRC behind.

use super::StateKind;
use super::numbers::{Number, Reader, Writer};
use crate::error::{Error, Field};
use crate::sketch::SketchId;
use gradsieve_kernels::Certain;

/// Bytes before a state's body.
pub const HEADER: usize = 64;

/// Bytes of a state beside its body: the header and the CRC.
pub const FRAME: usize = HEADER + CRC;

const CRC: usize = 4;
const MAGIC: [u8; 8] = *b"gradsiev";
const VERSION: u16 = 1;

/// What some bytes hold.
///
/// ```
/// use gradsieve::State;
/// use gradsieve::state::{Header, StateKind};
/// use gradsieve::store::{Entry, TopK, TopKSettings};
///
/// const SETTINGS: TopKSettings = TopKSettings { k: 2 };
/// let top = TopK::new(SETTINGS, [Entry::default(); 2])?;
/// let mut bytes = [0; SETTINGS.memory().bytes_at_rest];
/// let written = top.to_bytes(&mut bytes)?;
/// // What stands behind a state, as in a flash page, is not looked at.
/// let page = [&bytes[..written], &[0xFF; 100]].concat();
/// let header = Header::read(&page)?;
/// assert_eq!((header.kind, header.sketch), (StateKind::TopK as u16, None));
/// assert_eq!(header.len, written);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The number of the kind of state: that of a [`StateKind`], if this version knows
    /// it.
    pub kind: u16,
    /// What the sketches were that it has seen.
    pub sketch: Option<SketchId>,
    /// Bytes of all: what is behind them does not belong to the state.
    pub len: usize,
}

impl Header {
    /// Checks a state from its first byte to its last, and tells what it holds. More
    /// bytes may follow it.
    ///
    /// # Errors
    /// [`Error::Magic`], [`Error::Version`], [`Error::Truncated`], [`Error::Corrupt`];
    /// [`Error::Width`] if its sketches are too wide for this machine.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self::split(bytes, crc32)?.0)
    }

    /// What the first [`HEADER`] bytes of a state say, before the others are there to be
    /// checked: enough to see whether those are worth their memory, and how many to read.
    ///
    /// # Errors
    /// [`Error::Magic`], [`Error::Version`], [`Error::Truncated`]; [`Error::Width`] if
    /// its sketches are too wide for this machine.
    pub fn peek(front: &[u8]) -> Result<Self, Error> {
        let mut reader = Self::begin(front)?;
        if front.len() < HEADER {
            return Err(Error::Truncated { expected: FRAME, found: front.len() });
        }
        let kind = u16::take(&mut reader)?;
        reader.skip(4)?;
        let len = usize::try_from(u64::take(&mut reader)?).unwrap_or(usize::MAX);
        Ok(Self { kind, sketch: reader.sketch_id()?, len })
    }

    /// Behind magic and version.
    fn begin(bytes: &[u8]) -> Result<Reader<'_>, Error> {
        let mut reader = Reader::new(bytes);
        let truncated = |_| Error::Truncated { expected: FRAME, found: bytes.len() };
        if reader.array().map_err(truncated)? != MAGIC {
            return Err(Error::Magic);
        }
        match u16::take(&mut reader).map_err(truncated)? {
            VERSION => Ok(reader),
            found => Err(Error::Version { found }),
        }
    }

    /// The header and the body, of bytes that begin with a state.
    fn split(bytes: &[u8], checksum: impl Fn(&[u8]) -> u32) -> Result<(Self, Reader<'_>), Error> {
        let found = bytes.len();
        let mut reader = Self::begin(bytes)?;
        let truncated = |expected| Error::Truncated { expected, found };
        if found < FRAME {
            return Err(truncated(FRAME));
        }
        let kind = u16::take(&mut reader)?;
        reader.skip(4)?;
        let stated = u64::take(&mut reader)?;
        let len = usize::try_from(stated).unwrap_or(usize::MAX);
        let state = bytes.get(..len).ok_or(truncated(len))?;
        let (checked, sum) = state.split_last_chunk::<CRC>().ok_or(Error::Corrupt)?;
        let body = checked.get(HEADER..).ok_or(Error::Corrupt)?;
        if checksum(checked) != u32::from_le_bytes(*sum) {
            return Err(Error::Corrupt);
        }
        let sketch = reader.sketch_id()?;
        Ok((Self { kind, sketch, len }, Reader::new(body)))
    }
}

/// The CRC-32 of zlib, PNG and IEEE 802.3.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    end(crc32_on(BEGIN, bytes))
}

/// What stands for no bytes yet,
pub(super) const BEGIN: u32 = !0;

/// and what the CRC is of what stands for all of them.
pub(super) const fn end(sum: u32) -> u32 {
    !sum
}

/// More bytes of a CRC.
pub(super) fn crc32_on(sum: u32, bytes: &[u8]) -> u32 {
    /// By half a byte: 64 bytes of table serve a small device better than a kilobyte.
    const TABLE: [u32; 16] = {
        let mut table = [0; 16];
        let mut index = 0;
        while index < 16 {
            let mut word = index as u32;
            let mut bit = 0;
            while bit < 4 {
                word = if word & 1 == 1 { word >> 1 ^ 0xEDB8_8320 } else { word >> 1 };
                bit += 1;
            }
            #[expect(clippy::indexing_slicing, reason = "in a constant, where it cannot fail at run time")]
            {
                table[index] = word;
            }
            index += 1;
        }
        table
    };
    let step = |sum: u32| sum >> 4 ^ TABLE.get((sum & 15) as usize).copied().certain();
    bytes.iter().fold(sum, |sum, &byte| step(step(sum ^ u32::from(byte))))
}

/// Writes a state of its parts.
pub(crate) fn to_bytes(
    kind: StateKind,
    id: Option<SketchId>,
    to: &mut [u8],
    write: impl Fn(&mut Writer<'_>),
) -> Result<usize, Error> {
    to_bytes_with(kind, id, to, write, crc32)
}

/// Bytes of a state whose body is written so.
pub(super) fn length(write: impl Fn(&mut Writer<'_>)) -> usize {
    let mut count = Writer::count(HEADER);
    write(&mut count);
    count.end().saturating_add(CRC)
}

pub(super) fn to_bytes_with(
    kind: StateKind,
    id: Option<SketchId>,
    to: &mut [u8],
    write: impl Fn(&mut Writer<'_>),
    checksum: impl Fn(&[u8]) -> u32,
) -> Result<usize, Error> {
    let len = length(&write);
    let found = to.len();
    let Some(to) = to.get_mut(..len) else { return Err(Error::Length { expected: len, found }) };
    let (checked, sum) = to.split_last_chunk_mut::<CRC>().ok_or(Error::Length { expected: len, found })?;
    checked.fill(0);
    let mut body = Writer::at(checked, HEADER);
    write(&mut body);
    put_header(kind, id, len, &mut Writer::at(checked, 0));
    *sum = checksum(checked).to_le_bytes();
    Ok(len)
}

/// The header of a state of `len` bytes.
pub(super) fn put_header(kind: StateKind, id: Option<SketchId>, len: usize, to: &mut Writer<'_>) {
    to.put(&MAGIC);
    VERSION.put(to);
    (kind as u16).put(to);
    to.zeros(4);
    (len as u64).put(to);
    to.sketch_id(id);
}

/// Checks bytes and insists on their kind.
pub(crate) fn open(kind: StateKind, from: &[u8]) -> Result<(Option<SketchId>, Reader<'_>), Error> {
    open_with(kind, from, crc32)
}

pub(super) fn open_with(
    kind: StateKind,
    from: &[u8],
    checksum: impl Fn(&[u8]) -> u32,
) -> Result<(Option<SketchId>, Reader<'_>), Error> {
    let (header, body) = Header::split(from, checksum)?;
    if header.kind == kind as u16 { Ok((header.sketch, body)) } else { Err(Error::Mismatch(Field::State)) }
}
