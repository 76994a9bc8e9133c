//! States as bytes: what all kinds have in common.

use crate::boundary::{Out, array, array_mut};
use crate::memory::check_apart;
use crate::status::Refusal;
use gradsieve::State;

/// Writes a state, and how many bytes it took.
pub(crate) fn write<H, S: State>(
    (handle, state): (*const H, &S),
    (to, length): (*mut u8, usize),
    written: Out<'_, usize>,
) -> Result<(), Refusal> {
    check_apart(handle, to, length)?;
    let to = array_mut!(to, length);
    written.put(state.to_bytes(to)?);
    Ok(())
}

/// Replaces a state by the one in the bytes.
pub(crate) fn restore<H, S: State>(
    (handle, state): (*const H, &mut S),
    (from, length): (*const u8, usize),
) -> Result<(), Refusal> {
    check_apart(handle, from, length)?;
    state.restore(array!(from, length))?;
    Ok(())
}
