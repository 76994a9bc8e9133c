//! Every state as bytes: written into the caller's slice on one machine, read on any other.
//!
//! ```
//! use gradsieve::outlier::{Detector, SelfInfluence};
//! use gradsieve::{Error, Field, State};
//! # use gradsieve::sketch::{Exact, Projector};
//! # use gradsieve::{Layout, Sketch};
//!
//! const K: usize = 4;
//! # let id = Exact::new(K).id(Layout::flat(4)?.id());
//! # let values = [[1.0, 0.0, 0.5, 0.0_f32], [0.0, 1.0, 0.5, 2.0]];
//! # let sketches = values.each_ref().map(|x| Sketch::from_parts(id, x, gradsieve_kernels::summarize(x)).unwrap());
//! let mut memory = [0.0; SelfInfluence::floats(K)];
//! let mut detector = SelfInfluence::new(SelfInfluence::DAMPING, K, &mut memory)?;
//! for sketch in &sketches {
//!     detector.observe(sketch)?;
//! }
//! let mut bytes = [0; SelfInfluence::bytes_at_rest(K)];
//! let written = detector.to_bytes(&mut bytes)?;
//!
//! let mut memory = [0.0; SelfInfluence::floats(K)];
//! let mut other = SelfInfluence::new(SelfInfluence::DAMPING, K, &mut memory)?;
//! other.restore(&bytes[..written])?;
//! other.fit()?;
//! println!("{}", other.score(&sketches[0])?);
//!
//! bytes[100] ^= 1;
//! assert_eq!(other.restore(&bytes[..written]), Err(Error::Corrupt));
//! let mut memory = [0.0; SelfInfluence::floats(K)];
//! let mut other = SelfInfluence::new(0.5, K, &mut memory)?;
//! bytes[100] ^= 1;
//! assert_eq!(other.restore(&bytes[..written]), Err(Error::Mismatch(Field::StateSettings)));
//! # Ok::<(), gradsieve::Error>(())
//! ```
//!
//! A state is restored into one that was made with the same settings, in memory that the caller lends as always. What is wrong
//! with the bytes is an [`Error`], and the state is as it was: [`Error::Magic`], [`Error::Version`], [`Error::Truncated`],
//! [`Error::Corrupt`], or [`Error::Mismatch`] with the first thing that differs. A state that has seen sketches takes only bytes of the same
//! kind of sketch; a new one takes what comes, and refuses the first sketch that differs. [`Header::read`] tells what bytes hold.
//!
//! *Cost*: a pass for the copy and one for the CRC, some ten instructions a byte.
//!
//! May import `sketch` and `error`; knows nothing of the methods, which implement [`State`] beside their text.
#![doc = ""]
#![doc = include_str!("../docs/format.md")]

use crate::error::{Error, Field, check_length};
use crate::gradient::LayoutId;
use crate::sketch::{Kind, Repeat, SketchId};

/// Bytes before a state's body.
pub const HEADER: usize = 64;

/// Bytes of a state beside its body: the header and the CRC.
pub const FRAME: usize = HEADER + CRC;

const CRC: usize = 4;
const MAGIC: [u8; 8] = *b"gradsiev";
const VERSION: u16 = 1;
/// Stands for the kind of projection where there are no sketches.
const NO_SKETCH: u8 = 255;

/// The kinds of state. Their numbers are part of the format: none is ever used for another kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u16)]
pub enum StateKind {
    /// What sketches belong to: [`SketchId`].
    SketchId = 1,
    /// A [`Sketch`](crate::Sketch).
    Sketch = 2,
    /// [`Moments`](crate::moments::Moments).
    Moments = 3,
    /// [`SelfInfluence`](crate::outlier::SelfInfluence).
    SelfInfluence = 4,
    /// [`Mahalanobis`](crate::outlier::Mahalanobis).
    Mahalanobis = 5,
    /// [`Direction`](crate::outlier::Direction).
    Direction = 6,
    /// [`Forest`](crate::outlier::Forest).
    Forest = 7,
    /// [`TopK`](crate::store::TopK).
    TopK = 8,
    /// [`TracIn`](crate::influence::TracIn).
    TracIn = 9,
    /// [`Ridge`](crate::influence::Ridge).
    Ridge = 10,
    /// [`RidgeTarget`](crate::influence::RidgeTarget).
    RidgeTarget = 11,
    /// [`Store`](crate::store::Store).
    Store = 12,
    /// [`Reservoir`](crate::store::Reservoir).
    Reservoir = 13,
    /// [`Largest`](crate::store::Largest).
    Largest = 14,
    /// [`Trak`](crate::influence::Trak).
    Trak = 15,
    /// [`TrakScore`](crate::influence::TrakScore).
    TrakScore = 16,
    /// [`IpEnsemble`](crate::influence::IpEnsemble).
    IpEnsemble = 17,
    /// [`ReTrac`](crate::influence::ReTrac).
    ReTrac = 18,
    /// [`LessTargets`](crate::influence::LessTargets).
    LessTargets = 19,
    /// [`Less`](crate::influence::Less).
    Less = 20,
    /// [`InRunShapley`](crate::influence::InRunShapley).
    InRunShapley = 21,
    /// [`DataInf`](crate::influence::DataInf).
    DataInf = 22,
    /// [`Propagator`](crate::influence::dvemb::Propagator).
    Propagator = 23,
    /// [`Recorder`](crate::influence::dvemb::Recorder).
    Recorder = 24,
    /// [`Adjoint`](crate::influence::dvemb::Adjoint).
    Adjoint = 25,
    /// [`Arnoldi`](crate::influence::Arnoldi).
    Arnoldi = 26,
    /// [`Gif`](crate::influence::Gif).
    Gif = 27,
    /// [`Ekfac`](crate::influence::Ekfac).
    Ekfac = 28,
}

/// A state that can be written as bytes and restored from them.
pub trait State {
    /// Its kind.
    const KIND: StateKind;

    /// What the sketches were that it has seen; `None` if it has seen none.
    fn sketch_id(&self) -> Option<SketchId>;

    /// Writes the body.
    #[doc(hidden)]
    fn write(&self, to: &mut Writer<'_>);

    /// Reads a body. All that can be wrong is found before anything is changed.
    #[doc(hidden)]
    fn read(&mut self, id: Option<SketchId>, from: &mut Reader<'_>) -> Result<(), Error>;

    /// Bytes that [`State::to_bytes`] writes as the state stands; the type's `bytes_at_rest` is the most.
    fn len_at_rest(&self) -> usize {
        let mut count = Writer::new(&mut []);
        self.write(&mut count);
        count.at.saturating_add(CRC)
    }

    /// Writes the state to the front of `to`, and returns how many bytes it took.
    ///
    /// # Errors
    /// [`Error::Length`] if `to` is shorter than [`State::len_at_rest`]; nothing was written.
    fn to_bytes(&self, to: &mut [u8]) -> Result<usize, Error> {
        self.to_bytes_with(to, crc32)
    }

    /// [`State::to_bytes`], with a function that computes [`crc32`].
    ///
    /// # Errors
    /// As [`State::to_bytes`].
    fn to_bytes_with(&self, to: &mut [u8], checksum: impl Fn(&[u8]) -> u32) -> Result<usize, Error> {
        to_bytes_with(Self::KIND, self.sketch_id(), to, |to| self.write(to), checksum)
    }

    /// Replaces the state by the one that was written.
    ///
    /// # Errors
    /// [`Error::Magic`], [`Error::Version`], [`Error::Truncated`], [`Error::Corrupt`] if the bytes are not such a state, or no longer; [`Error::Mismatch`] if it is
    /// of another kind, has other settings or saw other sketches; [`Error::Full`] if a store has no room for its rows. The state is as it was.
    fn restore(&mut self, from: &[u8]) -> Result<(), Error> {
        self.restore_with(from, crc32)
    }

    /// [`State::restore`], with a function that computes [`crc32`]: for machines that have a faster one, or have computed it already.
    ///
    /// # Errors
    /// As [`State::restore`].
    fn restore_with(&mut self, from: &[u8], checksum: impl Fn(&[u8]) -> u32) -> Result<(), Error> {
        let (id, mut body) = open_with(Self::KIND, from, checksum)?;
        if let (Some(own), Some(id)) = (self.sketch_id(), id) {
            own.check(&id)?;
        }
        self.read(id, &mut body)
    }
}

/// What some bytes hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The number of the kind of state: that of a [`StateKind`], if this version knows it.
    pub kind: u16,
    /// What the sketches were that it has seen.
    pub sketch: Option<SketchId>,
    /// Bytes of all.
    pub len: usize,
}

impl Header {
    /// Checks bytes from the first to the last, and tells what they hold.
    ///
    /// # Errors
    /// [`Error::Magic`], [`Error::Version`], [`Error::Truncated`], [`Error::Corrupt`]; [`Error::Width`] if its sketches are too wide for this machine.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self::split(bytes, crc32)?.0)
    }

    /// The header and the body.
    fn split(bytes: &[u8], checksum: impl Fn(&[u8]) -> u32) -> Result<(Self, Reader<'_>), Error> {
        let found = bytes.len();
        let mut reader = Reader { rest: bytes };
        let truncated = |expected| Error::Truncated { expected, found };
        if reader.array().map_err(|_| truncated(FRAME))? != MAGIC {
            return Err(Error::Magic);
        }
        let version = reader.u16().map_err(|_| truncated(FRAME))?;
        if version != VERSION {
            return Err(Error::Version { found: version });
        }
        let (checked, sum) = bytes.split_last_chunk::<CRC>().ok_or(truncated(FRAME))?;
        if checked.len() < HEADER {
            return Err(truncated(FRAME));
        }
        let kind = reader.u16()?;
        reader.skip(4)?;
        let stated = reader.u64()?;
        if stated > found as u64 {
            return Err(truncated(usize::try_from(stated).unwrap_or(usize::MAX)));
        }
        if stated < found as u64 || checksum(checked) != u32::from_le_bytes(*sum) {
            return Err(Error::Corrupt);
        }
        let sketch = reader.sketch_id()?;
        reader.rest = checked.get(HEADER..).unwrap_or_default();
        Ok((Self { kind, sketch, len: found }, reader))
    }
}

/// The CRC-32 of zlib, PNG and IEEE 802.3.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
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
    let step = |sum: u32| sum >> 4 ^ TABLE.get((sum & 15) as usize).copied().unwrap_or(0);
    !bytes.iter().fold(!0, |sum, &byte| step(step(sum ^ u32::from(byte))))
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

fn to_bytes_with(
    kind: StateKind,
    id: Option<SketchId>,
    to: &mut [u8],
    write: impl Fn(&mut Writer<'_>),
    checksum: impl Fn(&[u8]) -> u32,
) -> Result<usize, Error> {
    let mut count = Writer::new(&mut []);
    write(&mut count);
    let len = count.at.saturating_add(CRC);
    let found = to.len();
    let Some(to) = to.get_mut(..len) else { return Err(Error::Length { expected: len, found }) };
    let (checked, sum) = to.split_last_chunk_mut::<CRC>().ok_or(Error::Length { expected: len, found })?;
    checked.fill(0);
    let mut body = Writer::new(checked);
    write(&mut body);
    let mut header = Writer { to: checked, at: 0 };
    header.put(&MAGIC);
    header.u16(VERSION);
    header.u16(kind as u16);
    header.u32(0);
    header.u64(len as u64);
    header.sketch_id(id);
    *sum = checksum(checked).to_le_bytes();
    Ok(len)
}

/// Checks bytes and insists on their kind.
pub(crate) fn open(kind: StateKind, from: &[u8]) -> Result<(Option<SketchId>, Reader<'_>), Error> {
    open_with(kind, from, crc32)
}

fn open_with(
    kind: StateKind,
    from: &[u8],
    checksum: impl Fn(&[u8]) -> u32,
) -> Result<(Option<SketchId>, Reader<'_>), Error> {
    let (header, body) = Header::split(from, checksum)?;
    if header.kind == kind as u16 { Ok((header.sketch, body)) } else { Err(Error::Mismatch(Field::State)) }
}

/// Writes numbers one after the other, little-endian, and counts those for which there is no room.
#[derive(Debug)]
pub struct Writer<'a> {
    to: &'a mut [u8],
    at: usize,
}

impl<'a> Writer<'a> {
    /// From the body on.
    const fn new(to: &'a mut [u8]) -> Self {
        Self { to, at: HEADER }
    }

    /// The next `len` bytes.
    fn next(&mut self, len: usize) -> &mut [u8] {
        let start = self.at;
        self.at = start.saturating_add(len);
        self.to.get_mut(start..self.at).unwrap_or_default()
    }

    /// Bytes as they are.
    pub fn put(&mut self, bytes: &[u8]) {
        for (to, byte) in self.next(bytes.len()).iter_mut().zip(bytes) {
            *to = *byte;
        }
    }

    /// As many zeros.
    pub fn zeros(&mut self, len: usize) {
        self.next(len).fill(0);
    }

    /// A byte.
    pub fn u8(&mut self, value: u8) {
        self.put(&[value]);
    }

    /// Two bytes.
    pub fn u16(&mut self, value: u16) {
        self.put(&value.to_le_bytes());
    }

    /// Four bytes.
    pub fn u32(&mut self, value: u32) {
        self.put(&value.to_le_bytes());
    }

    /// Eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.put(&value.to_le_bytes());
    }

    /// A count, as eight bytes.
    pub fn count(&mut self, value: usize) {
        self.u64(value as u64);
    }

    /// Four bytes.
    pub fn f32(&mut self, value: f32) {
        self.put(&value.to_le_bytes());
    }

    /// Eight bytes.
    pub fn f64(&mut self, value: f64) {
        self.put(&value.to_le_bytes());
    }

    /// Many of two bytes.
    pub fn u16s(&mut self, values: &[u16]) {
        self.each(values, u16::to_le_bytes);
    }

    /// Many of four bytes.
    pub fn u32s(&mut self, values: &[u32]) {
        self.each(values, u32::to_le_bytes);
    }

    /// Many of four bytes.
    pub fn f32s(&mut self, values: &[f32]) {
        self.each(values, f32::to_le_bytes);
    }

    /// Many of eight bytes.
    pub fn u64s(&mut self, values: &[u64]) {
        self.each(values, u64::to_le_bytes);
    }

    /// Many of eight bytes.
    pub fn f64s(&mut self, values: &[f64]) {
        self.each(values, f64::to_le_bytes);
    }

    fn each<T: Copy, const N: usize>(&mut self, values: &[T], bytes: impl Fn(T) -> [u8; N]) {
        let to = self.next(values.len().saturating_mul(N));
        for (to, value) in to.as_chunks_mut::<N>().0.iter_mut().zip(values) {
            *to = bytes(*value);
        }
    }

    fn sketch_id(&mut self, id: Option<SketchId>) {
        let Some(id) = id else {
            self.u8(NO_SKETCH);
            return self.zeros(39);
        };
        self.u8(id.kind as u8);
        self.u8(id.repeat.count() as u8);
        self.zeros(6);
        self.count(id.width);
        self.u64(id.seed);
        self.u64(id.settings);
        self.u64(id.layout.to_bits());
    }
}

/// Reads numbers one after the other. The bytes have the CRC that they were written with, so what does not fit is [`Error::Corrupt`].
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn next(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let (next, rest) = self.rest.split_at_checked(len).ok_or(Error::Corrupt)?;
        self.rest = rest;
        Ok(next)
    }

    /// The next N bytes.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if there are not as many.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (next, rest) = self.rest.split_first_chunk::<N>().ok_or(Error::Corrupt)?;
        self.rest = rest;
        Ok(*next)
    }

    /// Passes over bytes.
    ///
    /// # Errors
    /// As [`Reader::array`].
    pub fn skip(&mut self, len: usize) -> Result<(), Error> {
        self.next(len).map(|_| ())
    }

    /// Refuses bodies of another length.
    ///
    /// # Errors
    /// [`Error::Corrupt`] unless `len` bytes are left.
    pub fn exactly(&self, len: usize) -> Result<(), Error> {
        if self.rest.len() == len { Ok(()) } else { Err(Error::Corrupt) }
    }

    /// Refuses bodies that end too early.
    ///
    /// # Errors
    /// [`Error::Corrupt`] unless `len` bytes are left.
    pub fn at_least(&self, len: usize) -> Result<(), Error> {
        if self.rest.len() >= len { Ok(()) } else { Err(Error::Corrupt) }
    }

    /// A byte.
    ///
    /// # Errors
    /// As [`Reader::array`].
    pub fn u8(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// 0 or 1.
    ///
    /// # Errors
    /// As [`Reader::array`], and if it is neither.
    pub fn flag(&mut self) -> Result<bool, Error> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Error::Corrupt),
        }
    }

    /// Two bytes.
    ///
    /// # Errors
    /// As [`Reader::array`].
    pub fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes.
    ///
    /// # Errors
    /// As [`Reader::array`].
    pub fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes.
    ///
    /// # Errors
    /// As [`Reader::array`].
    pub fn u64(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_le_bytes)
    }

    /// A count.
    ///
    /// # Errors
    /// As [`Reader::array`], and if it exceeds what this machine can address.
    pub fn count(&mut self) -> Result<usize, Error> {
        usize::try_from(self.u64()?).map_err(|_| Error::Corrupt)
    }

    /// Four bytes.
    ///
    /// # Errors
    /// As [`Reader::array`].
    pub fn f32(&mut self) -> Result<f32, Error> {
        self.array().map(f32::from_le_bytes)
    }

    /// Eight bytes.
    ///
    /// # Errors
    /// As [`Reader::array`].
    pub fn f64(&mut self) -> Result<f64, Error> {
        self.array().map(f64::from_le_bytes)
    }

    /// As many bytes as `to` is long.
    ///
    /// # Errors
    /// As [`Reader::array`], and then nothing was written; so with the others.
    pub fn bytes(&mut self, to: &mut [u8]) -> Result<(), Error> {
        self.each(to, |[byte]| byte)
    }

    /// Many of two bytes.
    ///
    /// # Errors
    /// As [`Reader::bytes`].
    pub fn u16s(&mut self, to: &mut [u16]) -> Result<(), Error> {
        self.each(to, u16::from_le_bytes)
    }

    /// Many of four bytes.
    ///
    /// # Errors
    /// As [`Reader::bytes`].
    pub fn u32s(&mut self, to: &mut [u32]) -> Result<(), Error> {
        self.each(to, u32::from_le_bytes)
    }

    /// Many of four bytes.
    ///
    /// # Errors
    /// As [`Reader::bytes`].
    pub fn f32s(&mut self, to: &mut [f32]) -> Result<(), Error> {
        self.each(to, f32::from_le_bytes)
    }

    /// Many of eight bytes.
    ///
    /// # Errors
    /// As [`Reader::bytes`].
    pub fn u64s(&mut self, to: &mut [u64]) -> Result<(), Error> {
        self.each(to, u64::from_le_bytes)
    }

    /// Many of eight bytes.
    ///
    /// # Errors
    /// As [`Reader::bytes`].
    pub fn f64s(&mut self, to: &mut [f64]) -> Result<(), Error> {
        self.each(to, f64::from_le_bytes)
    }

    fn each<T, const N: usize>(&mut self, to: &mut [T], number: impl Fn([u8; N]) -> T) -> Result<(), Error> {
        let from = self.next(to.len().checked_mul(N).ok_or(Error::Corrupt)?)?;
        for (to, bytes) in to.iter_mut().zip(from.as_chunks::<N>().0) {
            *to = number(*bytes);
        }
        Ok(())
    }

    fn sketch_id(&mut self) -> Result<Option<SketchId>, Error> {
        let kind = self.u8()?;
        if kind == NO_SKETCH {
            return Ok(None);
        }
        let kind = Kind::from_number(kind).ok_or(Error::Mismatch(Field::Kind))?;
        let repeat = Repeat::from_count(usize::from(self.u8()?)).ok_or(Error::Mismatch(Field::Repeat))?;
        self.skip(6)?;
        let width = usize::try_from(self.u64()?).map_err(|_| Error::Mismatch(Field::Width))?;
        let (seed, settings, layout) = (self.u64()?, self.u64()?, LayoutId::from_bits(self.u64()?));
        Ok(Some(SketchId { kind, width, seed, repeat, settings, layout }))
    }
}

impl SketchId {
    /// Bytes of it at rest.
    pub const BYTES_AT_REST: usize = FRAME;

    /// What a projector's sketches are labelled with, as bytes: enough to make the projector again.
    ///
    /// # Errors
    /// [`Error::Length`] if `to` is shorter than [`SketchId::BYTES_AT_REST`].
    pub fn to_bytes(&self, to: &mut [u8]) -> Result<usize, Error> {
        to_bytes(StateKind::SketchId, Some(*self), to, |_| {})
    }

    /// What was written.
    ///
    /// # Errors
    /// As [`State::restore`].
    pub fn from_bytes(from: &[u8]) -> Result<Self, Error> {
        let (id, body) = open(StateKind::SketchId, from)?;
        body.exactly(0)?;
        id.ok_or(Error::Corrupt)
    }
}

/// What states with sketches have in common: the width is that of the sketches, and no observations means no sketches.
pub(crate) fn check_id(id: Option<SketchId>, width: usize, observed: bool) -> Result<(), Error> {
    match id {
        Some(id) if id.width != width => Err(Error::Corrupt),
        None if observed => Err(Error::Corrupt),
        _ => Ok(()),
    }
}

/// Refuses another setting of the state.
pub(crate) fn check_setting(same: bool) -> Result<(), Error> {
    if same { Ok(()) } else { Err(Error::Mismatch(Field::StateSettings)) }
}

/// Refuses another width.
pub(crate) fn check_width(expected: usize, found: u64) -> Result<(), Error> {
    if expected as u64 == found { Ok(()) } else { Err(Error::Mismatch(Field::Width)) }
}

impl<'m> crate::sketch::Sketch<'m> {
    /// Bytes of a sketch of `width` numbers at rest.
    #[must_use]
    pub const fn bytes_at_rest(width: usize) -> usize {
        width.saturating_mul(4).saturating_add(FRAME + 48)
    }

    /// Writes the sketch to the front of `to`, and returns how many bytes it took.
    ///
    /// # Errors
    /// [`Error::Length`] if `to` is shorter than [`Sketch::bytes_at_rest`](crate::Sketch::bytes_at_rest); nothing was written.
    pub fn to_bytes(&self, to: &mut [u8]) -> Result<usize, Error> {
        to_bytes(StateKind::Sketch, Some(self.id), to, |to| {
            to.u32(self.group);
            to.zeros(4);
            to.f64(self.measures.l1);
            to.f64(self.measures.l2_squared);
            to.f32(self.measures.max);
            to.zeros(4);
            to.u64(self.measures.non_finite);
            to.u64(self.measures.count);
            to.f32s(self.values);
        })
    }

    /// The sketch that was written, its numbers in `memory`.
    ///
    /// # Errors
    /// As [`State::restore`]; [`Error::Length`] if `memory` is not K long. Nothing was written.
    pub fn from_bytes(from: &[u8], memory: &'m mut [f32]) -> Result<Self, Error> {
        let (id, mut body) = open(StateKind::Sketch, from)?;
        let id = id.ok_or(Error::Corrupt)?;
        let group = body.u32()?;
        body.skip(4)?;
        let (l1, l2_squared, max) = (body.f64()?, body.f64()?, body.f32()?);
        body.skip(4)?;
        let (non_finite, count) = (body.u64()?, body.u64()?);
        check_length(id.width, memory.len())?;
        body.exactly(memory.len().saturating_mul(4))?;
        body.f32s(memory)?;
        let measures = gradsieve_kernels::Summary { l1, l2_squared, max, non_finite, count };
        Ok(Self { id, values: memory, measures, group })
    }
}
