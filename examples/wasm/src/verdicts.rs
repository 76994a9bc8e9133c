//! The published verdicts, for the check: the text of `tests/golden/verdicts.csv`.

#[path = "../../../tests/all/verdicts/stream.rs"]
mod stream;

use core::cell::UnsafeCell;
use core::fmt::{self, Write};

/// Room for the text.
const MOST: usize = 128 << 10;

struct Text {
    bytes: [u8; MOST],
    len: usize,
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len.checked_add(text.len()).ok_or(fmt::Error)?;
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

struct Place(UnsafeCell<Text>);

// SAFETY: a module without shared memory has one thread.
unsafe impl Sync for Place {}

static PLACE: Place = Place(UnsafeCell::new(Text { bytes: [0; MOST], len: 0 }));

/// Writes the text, and returns how many bytes it has; 0 if there is no room.
#[unsafe(no_mangle)]
pub extern "C" fn verdicts() -> usize {
    // SAFETY: one thread, and no export is called while another runs.
    let text = unsafe { &mut *PLACE.0.get() };
    text.len = 0;
    if stream::write(text).is_ok() { text.len } else { 0 }
}

/// Where the text stands.
#[unsafe(no_mangle)]
pub extern "C" fn verdicts_text() -> *const u8 {
    // SAFETY: as above.
    unsafe { (*PLACE.0.get()).bytes.as_ptr() }
}
