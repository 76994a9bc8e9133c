//! Packets, written and read.

use super::fields::{self, Fields};
use crate::error::{Error, Field, check_length};
use crate::gradient::Layout;
use crate::sketch::{Sketch, SketchId, all_finite};
use crate::state::crc32;
use crate::store::Codec;
use gradsieve_kernels::Certain;
use gradsieve_kernels::hash::{key, mix};

/// Bytes before a packet's norm and fields.
pub const HEADER: usize = 13;

const CRC: usize = 4;
/// No letter, and no byte that a state begins with.
const MAGIC: u8 = 0xA6;
const VERSION: u8 = 1;

/// Separates the fingerprints' hash from every other use of the hash.
const STREAM: u64 = 0x5041_434B_4554_0000;

/// What is sent of a sketch.
///
/// ```
/// use gradsieve::Codec;
/// use gradsieve::wire::PacketSettings;
///
/// // Bytes of K = 64 without a group or a loss, which take four each.
/// let bytes = Codec::ALL.map(|codec| PacketSettings::new(codec).most_bytes(64) - 8);
/// assert_eq!(bytes, [277, 150, 150, 89, 56, 40, 32]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct PacketSettings {
    /// How the numbers are rounded.
    pub codec: Codec,
    /// Whether the L1 norm goes along: four bytes, by which a sieve sees a gradient that
    /// lies on too few or too many coordinates.
    pub l1: bool,
    /// Whether the largest magnitude goes along: four bytes.
    pub max: bool,
}

impl PacketSettings {
    /// The usual: numbers by this codec, neither the L1 norm nor the maximum.
    #[must_use]
    pub const fn new(codec: Codec) -> Self {
        Self { codec, l1: false, max: false }
    }

    /// Bytes of a packet of `width` numbers at most. One without a group (0) or without a
    /// loss has four fewer for each.
    #[must_use]
    pub const fn most_bytes(&self, width: usize) -> usize {
        let bits = fields::GROUP | fields::LOSS;
        let bits = if self.l1 { bits | fields::L1 } else { bits };
        let bits = if self.max { bits | fields::MAX } else { bits };
        bytes(self.codec, width, bits)
    }
}

/// What the front of a packet says, which is not checked yet: how long it is, and whether
/// it is worth the rest.
///
/// ```
/// use gradsieve::wire::{HEADER, PacketHeader, PacketSettings, Packets};
/// use gradsieve::{Codec, Exact, Layout, Projector, Sketcher};
///
/// let (projector, layout) = (Exact::new(40), Layout::flat(40)?);
/// let packets = Packets::new(projector.id(layout.id()), &layout)?;
/// let mut sketcher = Sketcher::new(projector, layout, [0.0; 40])?;
/// sketcher.segment(0, &[0.25_f32; 40])?;
/// let mut packet = [0; 100];
/// let written = packets.write(&sketcher.finish()?, PacketSettings::new(Codec::Int8), &mut packet)?;
///
/// let header = PacketHeader::peek(&packet[..HEADER])?;
/// assert_eq!((header.codec, header.width, header.len), (Codec::Int8, 40, written));
/// assert_eq!(header.fingerprint, packets.fingerprint());
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketHeader {
    /// How the numbers were rounded.
    pub codec: Codec,
    /// K.
    pub width: usize,
    /// What it is a sketch of: [`Packets::fingerprint`].
    pub fingerprint: u64,
    /// Bytes of all.
    pub len: usize,
    /// Which fields there are.
    bits: u8,
}

impl PacketHeader {
    /// Reads the first [`HEADER`] bytes of a packet. More may follow.
    ///
    /// # Errors
    /// [`Error::Magic`], [`Error::Version`]; [`Error::Setting`] of a codec or fields that
    /// version 1 does not have; [`Error::Truncated`].
    pub fn peek(front: &[u8]) -> Result<Self, Error> {
        let truncated = Error::Truncated { expected: HEADER, found: front.len() };
        if front.first().is_some_and(|&magic| magic != MAGIC) {
            return Err(Error::Magic);
        }
        let front = front.first_chunk::<HEADER>().ok_or(truncated)?;
        let [_, kind, bits, low, high, fingerprint @ ..] = *front;
        if kind >> 4 != VERSION {
            return Err(Error::Version { found: u16::from(kind >> 4) });
        }
        let codec = Codec::from_number(kind & 15)
            .ok_or(Error::Setting { name: "codec", expected: "one of version 1 of the format" })?;
        if bits & !fields::ALL != 0 {
            return Err(Error::Setting { name: "fields", expected: "those of version 1 of the format" });
        }
        let width = usize::from(u16::from_le_bytes([low, high]));
        let (fingerprint, len) = (u64::from_le_bytes(fingerprint), bytes(codec, width, bits));
        Ok(Self { codec, width, fingerprint, len, bits })
    }
}

/// Writes and reads the packets of one kind of sketch. Both ends make it alike.
///
/// The module has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packets {
    id: SketchId,
    coordinates: u64,
    width: u16,
    fingerprint: u64,
}

impl Packets {
    /// Packets of sketches by this projection and of this layout:
    /// [`Sketcher::id`](crate::Sketcher::id).
    ///
    /// # Errors
    /// [`Error::Mismatch`] of [`Field::Layout`] if the id is of another layout;
    /// [`Error::Setting`] of sketches of more than 65,535 numbers, [`Error::Width`] of
    /// none.
    pub const fn new(id: SketchId, layout: &Layout) -> Result<Self, Error> {
        if id.layout.to_bits() != layout.id().to_bits() {
            return Err(Error::Mismatch(Field::Layout));
        }
        if id.width == 0 {
            return Err(Error::Width { multiple: 1, found: 0 });
        }
        if id.width > u16::MAX as usize {
            return Err(Error::Setting { name: "width", expected: "at most 65535 in a packet" });
        }
        let fingerprint = fingerprint(&id);
        Ok(Self { id, coordinates: layout.len(), width: id.width as u16, fingerprint })
    }

    /// What sketches these are packets of.
    #[must_use]
    pub const fn id(&self) -> SketchId {
        self.id
    }

    /// 64 bits of the [`SketchId`]: two kinds of sketch have the same once in 2⁶⁴. It
    /// tells no more of a secret key than the key's own fingerprint does.
    #[must_use]
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Writes a sketch to the front of `to`, and returns how many bytes it took.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the sketch is of another kind; [`Error::NonFinite`] if its
    /// gradient or its numbers are not finite; [`Error::Range`] if a norm leaves `f32`;
    /// [`Error::Length`] if `to` is shorter than the packet. Nothing was written.
    pub fn write(
        &self,
        sketch: &Sketch<'_>,
        settings: PacketSettings,
        to: &mut [u8],
    ) -> Result<usize, Error> {
        self.id.check(&sketch.id)?;
        check_length(self.id.width, sketch.values.len())?;
        sketch.check_finite()?;
        let PacketSettings { codec, l1, max } = settings;
        let said = Fields::of(sketch, l1, max)?;
        let (bits, found) = (said.bits(), to.len());
        let expected = bytes(codec, self.id.width, bits);
        let packet = to.get_mut(..expected).ok_or(Error::Length { expected, found })?;
        let (checked, sum) = packet.split_last_chunk_mut::<CRC>().ok_or(Error::Length { expected, found })?;
        let (header, rest) = checked.split_at_mut_checked(HEADER).certain();
        let [low, high] = self.width.to_le_bytes();
        let front = [MAGIC, VERSION << 4 | codec as u8, bits, low, high];
        let front = front.into_iter().chain(self.fingerprint.to_le_bytes());
        header.iter_mut().zip(front).for_each(|(to, byte)| *to = byte);
        let (words, row) = rest.split_at_mut_checked(Fields::bytes(bits)).certain();
        for (to, word) in words.as_chunks_mut().0.iter_mut().zip(said.words()) {
            *to = word;
        }
        codec.write_alone(sketch.values, row)?;
        *sum = crc32(checked).to_le_bytes();
        Ok(expected)
    }

    /// The sketch at the front of `from`, its numbers in `memory`, and how many bytes it
    /// took: what follows is not looked at.
    ///
    /// # Errors
    /// [`Error::Length`] if `memory` is not K long. [`Error::Magic`], [`Error::Version`],
    /// [`Error::Setting`], [`Error::Truncated`] or [`Error::Corrupt`] if the bytes are no
    /// packet, or no longer; [`Error::Mismatch`] of [`Field::Width`] or
    /// [`Field::Fingerprint`] if it is of other sketches; [`Error::NonFinite`] if it was
    /// forged with numbers that are none. What `memory` holds is then of no use.
    pub fn read<'m>(&self, from: &[u8], memory: &'m mut [f32]) -> Result<(Sketch<'m>, usize), Error> {
        check_length(self.id.width, memory.len())?;
        let header = PacketHeader::peek(from)?;
        let (expected, found) = (header.len, from.len());
        let packet = from.get(..expected).ok_or(Error::Truncated { expected, found })?;
        let (checked, sum) = packet.split_last_chunk::<CRC>().ok_or(Error::Corrupt)?;
        if crc32(checked) != u32::from_le_bytes(*sum) {
            return Err(Error::Corrupt);
        }
        if header.width != self.id.width {
            return Err(Error::Mismatch(Field::Width));
        }
        if header.fingerprint != self.fingerprint {
            return Err(Error::Mismatch(Field::Fingerprint));
        }
        let (_, rest) = checked.split_at_checked(HEADER).certain();
        let (words, row) = rest.split_at_checked(Fields::bytes(header.bits)).certain();
        let said = Fields::from_words(header.bits, words.as_chunks().0.iter().copied())?;
        header.codec.read_alone(row, memory)?;
        if !all_finite(memory) {
            return Err(Error::NonFinite);
        }
        let (values, measures) = (&*memory, said.measures(self.coordinates));
        let group = said.group.unwrap_or(0);
        Ok((Sketch { id: self.id, values, measures, group, loss: said.loss }, expected))
    }
}

/// Bytes of a packet with these fields.
const fn bytes(codec: Codec, width: usize, bits: u8) -> usize {
    codec.alone_bytes(width).saturating_add(HEADER + Fields::bytes(bits) + CRC)
}

/// A hash of what sketches belong to, as the book defines it.
const fn fingerprint(id: &SketchId) -> u64 {
    let (is_secret, bits) = id.key.to_parts();
    let kind = id.kind as u64 | (id.repeat.count() as u64) << 8 | (is_secret as u64) << 16;
    let hash = mix(key(id.width as u64, STREAM) ^ kind);
    let hash = mix(mix(hash ^ bits) ^ id.settings);
    mix(hash ^ id.layout.to_bits())
}
