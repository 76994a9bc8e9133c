//! What the device's loop costs, alone: for cores that are not a Cortex-M4F, too.
//! `cargo xtask devices` builds and runs it.
#![no_std]
#![no_main]

#[path = "../device.rs"]
mod device;
#[path = "../end.rs"]
mod end;
#[path = "../measure.rs"]
mod measure;

use cortex_m_rt::entry;
use end::leave;

#[entry]
fn main() -> ! {
    device::measure_all(&mut measure::Meter::start());
    leave(true)
}
