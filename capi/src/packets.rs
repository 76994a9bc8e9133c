//! Sketches on the wire: one small packet a sketch.

use crate::boundary::{answer, array, array_mut, given, wanted};
use crate::codec::codec;
use crate::layer::{self, gradsieve_layer};
use crate::memory::{Handle, Kind, Room, check_apart, state};
use crate::sketch::{gradsieve_sketch, gradsieve_sketch_id};
use crate::status::{Refusal, gradsieve_error, gradsieve_status};
use core::ffi::c_void;
use gradsieve::Layout;
use gradsieve::wire::{HEADER, PacketHeader, PacketSettings, Packets};

/// Bytes by which gradsieve_packet_peek knows a packet.
pub const GRADSIEVE_PACKET_HEADER: usize = 13;

const _: () = assert!(GRADSIEVE_PACKET_HEADER == HEADER);

/// What is sent of a sketch, beside its norm, its group and its loss.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct gradsieve_packet_settings {
    /// How the numbers are rounded: one of GRADSIEVE_CODEC_….
    pub codec: u32,
    /// Whether the L1 norm goes along, by which a sieve sees a gradient that lies on too
    /// few or too many coordinates: 0 or 1.
    pub l1: u8,
    /// Whether the largest magnitude goes along: 0 or 1.
    pub max: u8,
}

impl gradsieve_packet_settings {
    fn core(&self) -> Result<PacketSettings, Refusal> {
        Ok(PacketSettings { codec: codec(self.codec)?, l1: self.l1 != 0, max: self.max != 0 })
    }
}

/// What the front of a packet says, which is not checked yet: how long it is, and whether
/// it is worth the rest.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct gradsieve_packet_header {
    /// What it is a sketch of: gradsieve_packets_fingerprint.
    pub fingerprint: u64,
    /// K.
    pub width: usize,
    /// Bytes of all.
    pub length: usize,
    /// How the numbers were rounded: one of GRADSIEVE_CODEC_….
    pub codec: u32,
}

/// Writes and reads the packets of one kind of sketch, which sender and receiver agree on
/// beforehand: a packet names it by a fingerprint of eight bytes alone. It lives in
/// memory of GRADSIEVE_PACKETS_SIZE bytes.
///
/// The checksum and the fingerprint find accidents; neither proves who has sent a packet.
pub struct gradsieve_packets {
    _private: [u8; 0],
}

/// Bytes of its memory.
pub const GRADSIEVE_PACKETS_SIZE: usize = 120;

impl Handle for gradsieve_packets {
    type State = Packets;
    const KIND: Kind = Kind(6);
    const FIXED: usize = GRADSIEVE_PACKETS_SIZE;
}

/// Initialises the packets of sketches of that id and width (gradsieve_sketcher_id,
/// gradsieve_kronecker_id), in memory of the caller, which is theirs from then on.
///
/// @param memory aligned as uint64_t is; what it holds is of no concern
/// @param size its bytes: at least GRADSIEVE_PACKETS_SIZE
/// @param layers the layers of the sketches' layout
/// @param packets where its address goes: that of the memory
///
/// Refuses memory, layers (GRADSIEVE_STATUS_LAYER) or an id of others (_MISMATCH), and
/// widths above 65535 (_SETTING).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_packets_init(
    memory: *mut c_void,
    size: usize,
    id: *const gradsieve_sketch_id,
    width: usize,
    layers: *const gradsieve_layer,
    count: usize,
    packets: *mut *mut gradsieve_packets,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (id, layers) = (given!(id).core(width)?, layer::layers(array!(layers, count)));
        let packets = wanted!(packets);
        let state = Packets::new(id, &Layout::new(layers)?)?;
        packets.put(Room::<gradsieve_packets>::new(memory, size, 0)?.put(state));
        Ok(())
    })
}

/// 64 bits of what these are packets of: by them a receiver finds the packets of a
/// packet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_packets_fingerprint(
    packets: *const gradsieve_packets,
    fingerprint: *mut u64,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        wanted!(fingerprint).put(state!(packets).fingerprint());
        Ok(())
    })
}

/// Bytes of a packet at most; one without a group (0) or without a loss has four fewer
/// for each. At compile time, of any settings: GRADSIEVE_PACKET_MOST.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_packet_most(
    settings: *const gradsieve_packet_settings,
    width: usize,
    bytes: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        wanted!(bytes).put(given!(settings).core()?.most_bytes(width));
        Ok(())
    })
}

/// Writes a sketch as a packet.
///
/// @param written how many bytes it took
///
/// Refuses a sketch of another kind (GRADSIEVE_STATUS_MISMATCH), one that is not finite
/// (_NON_FINITE), norms beyond float (_RANGE), and an array that is too short (_LENGTH);
/// nothing was written then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_packets_write(
    packets: *const gradsieve_packets,
    sketch: *const gradsieve_sketch,
    settings: *const gradsieve_packet_settings,
    bytes: *mut u8,
    length: usize,
    written: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (sketch, settings) = (given!(sketch).core()?, given!(settings).core()?);
        let (state, written) = (state!(packets), wanted!(written));
        check_apart(packets, bytes, length)?;
        written.put(state.write(&sketch, settings, array_mut!(bytes, length))?);
        Ok(())
    })
}

/// Reads the packet at the front of the bytes; what follows it is not looked at.
///
/// @param values where the sketch's numbers go, and stay
/// @param width how many there is room for: must be K
/// @param read how many bytes the packet took; may be NULL
///
/// Refuses bytes that are no packet (GRADSIEVE_STATUS_MAGIC, _VERSION, _SETTING,
/// _TRUNCATED, _CORRUPT), one of other sketches (_MISMATCH), and another width (_LENGTH).
/// What values holds is then of no use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_packets_read(
    packets: *const gradsieve_packets,
    bytes: *const u8,
    length: usize,
    values: *mut f32,
    width: usize,
    sketch: *mut gradsieve_sketch,
    read: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (state, sketch) = (state!(packets), wanted!(sketch));
        let place = if read.is_null() { None } else { Some(wanted!(read)) };
        check_apart(packets, values, width)?;
        let (found, taken) = state.read(array!(bytes, length), array_mut!(values, width))?;
        sketch.put(gradsieve_sketch::of(&found));
        if let Some(place) = place {
            place.put(taken);
        }
        Ok(())
    })
}

/// Reads the first GRADSIEVE_PACKET_HEADER bytes of a packet; more may follow.
///
/// Refuses GRADSIEVE_STATUS_MAGIC, _VERSION, _SETTING and _TRUNCATED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_packet_peek(
    bytes: *const u8,
    length: usize,
    header: *mut gradsieve_packet_header,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let header = wanted!(header);
        let PacketHeader { codec, width, fingerprint, len, .. } = PacketHeader::peek(array!(bytes, length))?;
        header.put(gradsieve_packet_header { fingerprint, width, length: len, codec: codec as u32 });
        Ok(())
    })
}
