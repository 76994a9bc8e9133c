//! What lasts over a reset: flash pages, and what the one who tests the device remembers.

use gradsieve::Error;
use gradsieve::state::crc32;
use gradsieve_example_sensor::device::{AT_REST, Device};
use gradsieve_example_sensor::flash::Flash;

/// Memory that the linker leaves alone and a reset does not change. It stands for flash
/// pages, which QEMU's board has none of.
const PLACE: usize = 0x203F_0000;
/// In `mark` once the memory was made ready.
const READY: u32 = 0x5EED_600D;

/// That memory.
#[repr(C)]
pub(crate) struct Board {
    mark: u32,
    /// The device's flash pages.
    pub(crate) flash: Flash,
    /// Where a record is put together.
    pub(crate) record: [u8; AT_REST],
    /// How often the device was reset,
    pub(crate) resets: u32,
    /// and the last state of the run without a reset, and its bytes: of these two the
    /// device knows nothing.
    pub(crate) end: [u8; AT_REST],
    pub(crate) length: usize,
}

const _: () = assert!(size_of::<Board>() <= 64 * 1024);

impl Board {
    /// The memory, as the last reset left it. To be called once after a reset.
    pub(crate) fn get() -> &'static mut Self {
        let place = core::ptr::with_exposed_provenance_mut::<Self>(PLACE);
        // SAFETY: the board has memory there, aligned, of which the linker does not know;
        // `mark` comes first.
        let is_ready = unsafe { place.cast::<u32>().read_volatile() } == READY;
        if !is_ready {
            let new = Self {
                mark: READY,
                flash: Flash::new(),
                record: [0; AT_REST],
                resets: 0,
                end: [0; AT_REST],
                length: 0,
            };
            // SAFETY: as above.
            unsafe { place.write(new) };
        }
        // SAFETY: it was written, now or before a reset, and nobody else refers to it.
        unsafe { &mut *place }
    }

    /// The CRC of the last state of the run without a reset.
    pub(crate) fn crc(&self) -> u32 {
        crc32(&self.end[..self.length])
    }

    /// Whether the device has that state.
    pub(crate) fn ends_as(&mut self, device: &Device) -> Result<bool, Error> {
        let length = device.save(&mut self.record)?;
        Ok(self.record[..length] == self.end[..self.length])
    }
}
