//! Trains a 24-16-5 network on a sensor series, judges each sample with a sieve, leaves
//! out what it flags, and survives resets; then tells what that was worth.
//!
//! The device itself is `examples/sensor/src/device.rs`. Here are the board, its flash
//! pages, and the one who pulls its reset.
#![no_std]
#![no_main]

mod board;
mod leave;
#[path = "../../../tests/cortex_m/src/measure.rs"]
mod measure;
mod report;

use board::Board;
use cortex_m::peripheral::SCB;
use cortex_m_rt::entry;
use cortex_m_semihosting::hprintln;
use gradsieve::Error;
use gradsieve_example_sensor::device::Device;
use gradsieve_example_sensor::flash::Fault;
use gradsieve_example_sensor::series::Run;
use gradsieve_example_sensor::training::{LeftOut, SAMPLES};
use leave::leave;

/// Samples between two records in flash.
const EVERY: u32 = 1000;
/// The first reset comes at this sample.
const RESET: u32 = 2345;
/// The second comes while this sample's record is written, after so many words.
const TORN: (u32, u32) = (4000, 700);

/// The run that is reset.
const RUN: Run = Run { seed: 1, wrong_labels: true };

#[entry]
fn main() -> ! {
    let Ok(device) = Device::new(RUN) else { leave(false) };
    // In static memory, all of it.
    let Some(device) = cortex_m::singleton!(: Device = device) else { leave(false) };
    let result = start(Board::get(), device);
    if let Err(error) = &result {
        hprintln!("{}", error);
    }
    leave(result == Ok(true))
}

/// What is done after each reset. Whether all was as it should be.
fn start(board: &mut Board, device: &mut Device) -> Result<bool, Error> {
    board.flash.fail_after(None);
    if board.resets == 0 {
        report::costs()?;
        hprintln!("\nA run without a reset, seed 1, a wrong label in five");
        device.finish()?;
        board.length = device.save(&mut board.end)?;
        hprintln!("{} samples; the CRC of the state is {:08x}", device.training.samples, board.crc());
        *device = Device::new(RUN)?;
        hprintln!("\nThe same run with two resets");
    }
    go_on(board, device)?;
    let is_equal = board.ends_as(device)?;
    hprintln!(
        "the last state has {} the run without a reset",
        if is_equal { "the bytes of" } else { "OTHER bytes than" }
    );
    report::accuracy(device)?;
    Ok(is_equal)
}

/// What a device does when it is switched on: it reads its last record, and trains.
fn go_on(board: &mut Board, device: &mut Device) -> Result<(), Error> {
    (0..2).filter(|page| board.flash.is_torn(*page)).for_each(|page| hprintln!("page {} is torn", page));
    match board.flash.read() {
        Some((page, record)) => {
            device.restore(record)?;
            hprintln!("page {}: on from sample {}", page, device.training.samples);
        }
        None => hprintln!("no record: from the beginning"),
    }
    let mut left_out = LeftOut::default();
    while device.training.samples < SAMPLES {
        device.sample(&mut left_out)?;
        let samples = device.training.samples;
        if samples.is_multiple_of(EVERY) {
            if board.resets == 1 && samples == TORN.0 {
                board.flash.fail_after(Some(TORN.1));
            }
            let length = device.save(&mut board.record)?;
            match board.flash.write(&board.record[..length]) {
                Ok(page) => hprintln!("page {}: {} bytes of sample {}", page, length, samples),
                Err(Fault::PowerLost) => reset(board, "while its record is written", samples),
                Err(fault) => panic!("{fault:?}"),
            }
        }
        if board.resets == 0 && samples == RESET {
            reset(board, "before its record is written", samples);
        }
    }
    Ok(())
}

/// Resets the device.
fn reset(board: &mut Board, when: &str, samples: u32) -> ! {
    board.resets += 1;
    hprintln!("reset at sample {}, {}", samples, when);
    SCB::sys_reset()
}
