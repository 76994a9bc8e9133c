//! Trains two small networks in the page on the same stream, of which some labels are
//! wrong: one on every sample, one on those that a sieve lets pass. The page draws what
//! the sieve says.
//!
//! Nothing but plain exports: the page calls functions of numbers, and reads arrays from
//! the module's memory.
#![no_std]

mod demo;
mod network;
mod samples;
#[cfg(feature = "verdicts")]
mod verdicts;

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use demo::Demo;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// The one demonstration of the page. Zeros at first, which take no bytes of the module,
/// and whether it was made.
struct Page(UnsafeCell<(bool, MaybeUninit<Demo>)>);

// SAFETY: a module without shared memory has one thread.
unsafe impl Sync for Page {}

static PAGE: Page = Page(UnsafeCell::new((false, MaybeUninit::zeroed())));

/// Calls `with` on the demonstration; gives `otherwise` before it was started.
fn page<R>(otherwise: R, with: impl FnOnce(&mut Demo) -> R) -> R {
    // SAFETY: one thread, and no export is called while another runs.
    let (is_made, demo) = unsafe { &mut *PAGE.0.get() };
    // SAFETY: it was made.
    if *is_made { with(unsafe { demo.assume_init_mut() }) } else { otherwise }
}

/// Begins anew: a seed, the share of labels that are wrong, and the rate of false alarms.
/// 1 if the sieve refuses the rate, else 0.
#[unsafe(no_mangle)]
pub extern "C" fn start(seed: u32, wrong: f32, rate: f32) -> u32 {
    // SAFETY: as in `page`.
    let (is_made, demo) = unsafe { &mut *PAGE.0.get() };
    let new = Demo::new(seed.into(), wrong, rate);
    *is_made = new.is_ok();
    // What was there before owns nothing that would have to be freed.
    let _ = new.map(|new| demo.write(new));
    u32::from(!*is_made)
}

/// Trains on so many samples more. Returns how many there are by now.
#[unsafe(no_mangle)]
pub extern "C" fn train(samples: u32) -> u32 {
    page(0, |demo| {
        // The settings were accepted, and the sketches fit them.
        let _ = (0..samples).try_for_each(|_| demo.sample());
        demo.len() as u32
    })
}

/// Where the p-values of the stream stand: `f32`.
#[unsafe(no_mangle)]
pub extern "C" fn p_values() -> *const f32 {
    page(core::ptr::null(), |demo| demo.p_values.as_ptr())
}

/// Where marks of the samples stand, a byte each: 1 flagged, 2 the label is wrong.
#[unsafe(no_mangle)]
pub extern "C" fn marks() -> *const u8 {
    page(core::ptr::null(), |demo| demo.marks.as_ptr())
}

/// The share of test samples that a network gets right: 0 trained on all, 1 on what the
/// sieve let pass.
#[unsafe(no_mangle)]
pub extern "C" fn accuracy(network: u32) -> f32 {
    page(f32::NAN, |demo| demo.accuracy(network == 1))
}

/// Bytes of the sieve: its state and its buffer.
#[unsafe(no_mangle)]
pub extern "C" fn sieve_bytes() -> u32 {
    demo::SETTINGS.bytes() as u32
}
