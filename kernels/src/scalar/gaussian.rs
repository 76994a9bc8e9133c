//! [`mod@crate::gaussian`] on a core without vectors.

use crate::element::Element;
use crate::projection::gaussian::{Gaussian, SIGNED};

/// Input by input.
#[inline(always)]
pub(crate) fn project<T: Element>(projection: Gaussian, offset: u64, scale: f32, x: &[T], out: &mut [f32]) {
    let mut state = projection.state(offset);
    for x in x {
        let x = scale * x.widen();
        let tables = SIGNED.map(|table| table.map(|entry| entry * x));
        for out in out.as_chunks_mut::<32>().0 {
            let (low, high) = out.split_at_mut(16);
            for (low, high) in low.as_chunks_mut::<2>().0.iter_mut().zip(high.as_chunks_mut::<2>().0) {
                let word = state.take();
                low[0] += entry(&tables, word as u16);
                high[0] += entry(&tables, (word >> 16) as u16);
                low[1] += entry(&tables, (word >> 32) as u16);
                high[1] += entry(&tables, (word >> 48) as u16);
            }
        }
    }
}

/// g·x, from the products of the tables with x.
fn entry(tables: &[[f32; 16]; 4], bits: u16) -> f32 {
    let t = |q: usize| tables[q][usize::from(bits >> (4 * q)) % 16];
    (t(0) + t(1)) + (t(2) + t(3))
}
