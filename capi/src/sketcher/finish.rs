//! The end of a gradient.

use super::place::gradsieve_sketcher;
use crate::boundary::{answer, wanted};
use crate::memory::state_mut;
use crate::sketch::gradsieve_sketch;
use crate::status::{gradsieve_error, gradsieve_status};

/// Ends the gradient. The sketch's values stay in the sketcher's memory until its next
/// call. NaN and infinite entries are no refusal: they are counted.
///
/// Refuses GRADSIEVE_STATUS_INCOMPLETE; what has arrived stays then, and the rest may
/// follow, or gradsieve_sketcher_abandon. Refuses GRADSIEVE_STATUS_TWICE if coordinates
/// came twice in the place of others; then only gradsieve_sketcher_abandon helps.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_finish(
    sketcher: *mut gradsieve_sketcher,
    sketch: *mut gradsieve_sketch,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let sketch = wanted!(sketch);
        sketch.put(gradsieve_sketch::of(&state_mut!(sketcher).finish()?));
        Ok(())
    })
}

/// Forgets what has arrived of a gradient. The next segment begins another.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_abandon(
    sketcher: *mut gradsieve_sketcher,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        state_mut!(sketcher).abandon();
        Ok(())
    })
}
