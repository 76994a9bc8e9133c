//! [`mod@crate::mask`] in vectors.

use super::sjlt::one_block;
use crate::element::Element;
use crate::projection::mask::Kept;
use crate::projection::sjlt::BLOCK;
use crate::scalar::sjlt::few;
use crate::simd::Simd;

/// How many strata ahead memory is asked for: what is kept is too far apart for the
/// machine to guess.
const AHEAD: u16 = 16;

/// Projects what is kept.
#[inline(always)]
pub(crate) fn project<S: Simd, T: Element, const REPEAT: usize>(
    s: S,
    mut kept: Kept<'_, T>,
    scale: f32,
    out: &mut [f32],
) {
    let sjlt = kept.projection.sjlt();
    while let Some((offset, x)) = kept.take() {
        if let Some(from) = kept.x.first() {
            let bytes = kept.place_of_later(AHEAD).wrapping_mul(size_of::<T>());
            s.prefetch(from, bytes);
            if BLOCK * size_of::<T>() > 64 {
                s.prefetch(from, bytes.wrapping_add(64));
            }
        }
        let Some(x) = x.first_chunk() else {
            few(sjlt, offset, scale, x, out);
            continue;
        };
        let out = out.as_chunks_mut::<16>().0.as_chunks_mut::<2>().0;
        let mut state = sjlt.state(offset / BLOCK as u64);
        one_block::<S, T, REPEAT, true>(s, &mut state, scale, x, out);
    }
}
