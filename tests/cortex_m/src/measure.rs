//! Counts the instructions of a call and the bytes of stack that it touches.

use core::hint::black_box;
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_semihosting::hprintln;

/// What free stack is filled with before a call.
const PAINT: u32 = 0xC5C5_C5C5;
/// Bytes below the meter's frame that are filled.
const WINDOW: usize = 16 * 1024;

/// A running timer and what it means.
pub struct Meter {
    /// Ticks of a call that does nothing.
    empty: u32,
    /// Ticks of a thousand instructions.
    thousand: u32,
}

impl Meter {
    /// Starts the timer and finds out how many ticks an instruction has.
    pub fn start() -> Self {
        // SAFETY: nobody else in this image has taken the peripherals, and there is one
        // thread.
        let mut peripherals = unsafe { cortex_m::Peripherals::steal() };
        peripherals.SYST.set_clock_source(SystClkSource::Core);
        peripherals.SYST.set_reload(0x00FF_FFFF);
        peripherals.SYST.clear_current();
        peripherals.SYST.enable_counter();
        let empty = measure(|| ()).0;
        let full = measure(|| {
            // SAFETY: instructions that do nothing. More would part a small core's
            // function from its constants.
            unsafe { core::arch::asm!(".rept 250", "nop", ".endr", options(nomem, nostack, preserves_flags)) }
        });
        Self { empty, thousand: 4 * (full.0 - empty) }
    }

    /// Runs `call` on `n` elements and prints a line of the table. Returns instructions
    /// an element.
    pub fn line(&mut self, name: &str, goal: Option<u32>, n: usize, call: impl FnOnce()) -> u32 {
        let (ticks, stack) = measure(call);
        let hundredths = u64::from(ticks - self.empty) * 100_000 / u64::from(self.thousand) / n as u64;
        let (whole, part) = (hundredths / 100, hundredths % 100);
        match goal {
            Some(goal) => {
                let word = if hundredths <= u64::from(goal) * 100 { "" } else { "  missed" };
                hprintln!("{:<19} {:>6}.{:02} {:>5} {:>8}{}", name, whole, part, goal, stack, word);
            }
            None => hprintln!("{:<19} {:>6}.{:02} {:>5} {:>8}", name, whole, part, "", stack),
        }
        whole as u32
    }
}

#[inline(always)]
fn stack_pointer() -> usize {
    let pointer: usize;
    // SAFETY: reads a register.
    unsafe { core::arch::asm!("mov {}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}

/// Runs `call`; returns ticks (at most 2²⁴, which is 650,000 instructions) and the bytes
/// of stack that it touched below this frame.
#[inline(never)]
fn measure(call: impl FnOnce()) -> (u32, usize) {
    let top = stack_pointer() & !3;
    let bottom = top - WINDOW;
    for at in (bottom..top).step_by(4) {
        // SAFETY: memory below the stack pointer is nobody's while no interrupt is
        // enabled, and the board has megabytes of it.
        unsafe { (at as *mut u32).write_volatile(PAINT) };
    }
    let before = SYST::get_current();
    call();
    let after = SYST::get_current();
    let touched = (bottom..top).step_by(4).find(|&at| {
        // SAFETY: as above.
        black_box(unsafe { (at as *const u32).read_volatile() }) != PAINT
    });
    (before.wrapping_sub(after) & 0x00FF_FFFF, top - touched.unwrap_or(top))
}
