//! On a 32-bit RISC-V without floating-point unit: the published verdicts, and the run of
//! the firmware for the Cortex-M, which has to end in the same state.
//!
//! Runs under QEMU and speaks over semihosting. Leaves with success if the verdicts were
//! reached; `cargo xtask riscv32` compares the state.
#![no_std]
#![no_main]

#[path = "../../all/verdicts/published.rs"]
mod published;
#[path = "../../all/verdicts/stream.rs"]
mod stream;

use gradsieve::Error;
use gradsieve::state::crc32;
use gradsieve_example_sensor::device::{AT_REST, Device};
use gradsieve_example_sensor::series::Run;
// Of the processor only its critical section is used.
use riscv as _;
use riscv_rt::entry;
use semihosting::{eprintln, println, process};

#[entry]
fn main() -> ! {
    let (is_equal, line) = published::published();
    println!("{} verdicts, up to line {line}", if is_equal { "ok  " } else { "FAIL" });
    match run() {
        Ok((samples, crc)) => println!("{samples} samples; the CRC of the state is {crc:08x}"),
        Err(error) => {
            eprintln!("{error}");
            process::exit(1);
        }
    }
    process::exit(if is_equal { 0 } else { 1 })
}

/// The firmware's run without a reset: its samples, and the CRC of its last state.
fn run() -> Result<(u32, u32), Error> {
    let mut device = Device::new(Run { seed: 1, wrong_labels: true })?;
    device.finish()?;
    let mut bytes = [0; AT_REST];
    let length = device.save(&mut bytes)?;
    Ok((device.training.samples, crc32(&bytes[..length])))
}
