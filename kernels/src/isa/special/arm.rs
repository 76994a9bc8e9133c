//! 32-bit Arm with hardware floats: no vectors, but one operation where the compiler
//! spends twice the instructions.

use core::arch::asm;

/// Whether any of four numbers, doubled, is above `limit`: a comparison shifts its
/// operand for nothing, and the next one is made only if the last found nothing.
#[inline(always)]
pub(crate) fn any_doubled_above([a, b, c, d]: [u32; 4], limit: u32) -> bool {
    let none: u32;
    // SAFETY: reads and writes registers and flags only.
    unsafe {
        asm!(
            "cmp {limit}, {a}, lsl #1",
            "ittt hs",
            "cmphs {limit}, {b}, lsl #1",
            "cmphs {limit}, {c}, lsl #1",
            "cmphs {limit}, {d}, lsl #1",
            // The carry is set if nothing was borrowed: 0 then, else −1.
            "sbc {none}, {limit}, {limit}",
            a = in(reg) a, b = in(reg) b, c = in(reg) c, d = in(reg) d, limit = in(reg) limit,
            none = lateout(reg) none,
            options(pure, nomem, nostack),
        );
    }
    none != 0
}
