//! What the device's loop costs, alone: for cores that are not a Cortex-M4F, too.
//! `cargo xtask devices` builds and runs it.
#![no_std]
#![no_main]

#[path = "../device.rs"]
mod device;
#[path = "../measure.rs"]
mod measure;

use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    hprintln!("{}", info);
    leave(false)
}

fn leave(success: bool) -> ! {
    loop {
        debug::exit(if success { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE });
    }
}

#[entry]
fn main() -> ! {
    device::measure_all(&mut measure::Meter::start());
    leave(true)
}
