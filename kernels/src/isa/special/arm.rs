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

/// √x.
#[inline(always)]
pub(crate) fn root(x: f32) -> f32 {
    let bits: u32;
    // The compiler does not lend registers of the floating unit on this target, so one is
    // put aside and put back.
    // SAFETY: reads and writes core registers; `s0` is as it was in the end. Every
    // processor with hardware floats in single precision has these instructions.
    unsafe {
        asm!(
            "vmov {kept}, s0",
            "vmov s0, {bits}",
            "vsqrt.f32 s0, s0",
            "vmov {bits}, s0",
            "vmov s0, {kept}",
            bits = inout(reg) x.to_bits() => bits, kept = out(reg) _,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    f32::from_bits(bits)
}
