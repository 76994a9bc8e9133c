//! The rotation of a row before it is stored in few bits.

use super::{hadamard, hash};

/// Numbers of a block.
const BLOCK: usize = 64;

/// 1/√2ˡ for l = 0, 1, …, 6.
const INVERSE_ROOTS: [f32; 7] = [1.0, 0.707_106_77, 0.5, 0.353_553_4, 0.25, 0.176_776_7, 0.125];

/// Writes the rotation of x. Block *j* of ⌊k/64⌋ has the 64 numbers that lie ⌊k/64⌋ apart
/// from number *j* on, the last block those that are left over. Signs are flipped by the
/// bits of word number *j*. A whole block is transformed as one run, the last in runs of
/// powers of two, the longest first; each number is multiplied by the inverse root of its
/// run's length.
pub fn rotation(x: &[f32], out: &mut [f32]) {
    let key = hash::key(0, u64::from_be_bytes(*b"ROTATE64"));
    let whole = x.len() / BLOCK;
    for (j, block) in out.chunks_mut(BLOCK).enumerate() {
        for i in 0..block.len() {
            let from = if j < whole { x[j + i * whole] } else { x[BLOCK * whole + i] };
            block[i] = if hash::word(key, j as u64) >> i & 1 == 1 { -from } else { from };
        }
        let mut start = 0;
        while start < block.len() {
            let log = (block.len() - start).ilog2();
            let run = &mut block[start..][..1 << log];
            hadamard(run);
            for number in run {
                *number *= INVERSE_ROOTS[log as usize];
            }
            start += 1 << log;
        }
    }
}
