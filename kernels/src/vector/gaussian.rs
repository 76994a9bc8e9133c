//! [`mod@crate::gaussian`] in vectors.

use crate::element::Element;
use crate::projection::gaussian::{Gaussian, SIGNED};
use crate::simd::Simd;

/// Input by input.
#[inline(always)]
pub(crate) fn project<S: Simd, T: Element>(
    s: S,
    projection: Gaussian,
    offset: u64,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) {
    let out = out.as_chunks_mut::<16>().0.as_chunks_mut::<2>().0;
    let [a, b, c, d] = &SIGNED;
    let (a, b, c, d) = (s.load(a), s.load(b), s.load(c), s.load(d));
    let first = projection.state(offset);
    let mut state = s.hash_state(first);
    for x in x {
        let x = s.splat(scale * x.widen());
        let (a, b, c, d) = (s.mul(a, x), s.mul(b, x), s.mul(c, x), s.mul(d, x));
        for [low, high] in &mut *out {
            let words = s.hash_words(&mut state, first.step);
            let term = s.add(
                s.add(s.look_up_odd::<0>(a, words), s.look_up_odd::<4>(b, words)),
                s.add(s.look_up_odd::<8>(c, words), s.look_up_odd::<12>(d, words)),
            );
            s.store(s.add(s.load(low), term), low);
            let term = s.add(
                s.add(s.look_up_odd::<16>(a, words), s.look_up_odd::<20>(b, words)),
                s.add(s.look_up_odd::<24>(c, words), s.look_up_odd::<28>(d, words)),
            );
            s.store(s.add(s.load(high), term), high);
        }
    }
}
