//! [`mod@crate::hadamard`] on a core without vectors.

use crate::cannot_happen;

/// Stage by stage.
#[inline(always)]
pub(crate) fn transform(x: &mut [f32]) {
    let mut half = 1;
    while half < x.len() {
        for block in x.chunks_mut((2 * half).max(1)) {
            let Some((low, high)) = block.split_at_mut_checked(half) else {
                cannot_happen!("a block has two halves, for the length is a power of two");
                continue;
            };
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
}
