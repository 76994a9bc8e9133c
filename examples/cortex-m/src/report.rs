//! What the sieve costs, and what it is worth.

use crate::measure::Meter;
use core::hint::black_box;
use cortex_m_semihosting::{hprint, hprintln};
use gradsieve::Error;
use gradsieve_example_sensor::device::{AT_REST, Device, Judge, RATE, SETTINGS, WIDTH};
use gradsieve_example_sensor::series::{Run, TESTS};
use gradsieve_example_sensor::training::{LossRule, Network, Sample, Training, WARM_UP};

/// Samples before those that are measured, and how many these are.
const BEFORE: u32 = 400;
const MEASURED: usize = 8;

/// Bytes, instructions and stack.
pub(crate) fn costs() -> Result<(), Error> {
    hprintln!("Bytes of static memory");
    hprintln!("network {:>15}", size_of::<Network>());
    hprintln!(
        "sketcher and sieve {:>4}, of them the sieve {}, K = {}",
        size_of::<Judge>(),
        SETTINGS.bytes(),
        WIDTH
    );
    hprintln!("record in flash {:>7} at most", AT_REST);
    let run = Run { seed: 1, wrong_labels: true };
    let (mut training, mut judge) = (Training::new(run), Judge::new(RATE)?);
    for _ in 0..BEFORE {
        let sample = training.meet();
        judge.judge(&sample)?;
        training.learn(&sample);
    }
    let samples: [Sample; MEASURED] = core::array::from_fn(|_| black_box(training.meet()));
    hprintln!("\n{:<19} {:>9} {:>14}", "a sample", "instr.", "stack B");
    let mut meter = Meter::start();
    meter.line("training", None, MEASURED, || {
        for Sample { x, label, .. } in &samples {
            let back = training.network.backward(x, *label);
            training.network.step(x, &back, 0.03);
        }
    });
    let mut result = Ok(());
    meter.line("sketch and sieve", None, MEASURED, || {
        result = samples.iter().try_for_each(|sample| judge.judge(sample).map(drop));
    });
    result
}

/// Columns of the table.
const COLUMNS: usize = 7;
/// Digits of the seeds.
const SEEDS: [&str; 5] = ["1", "2", "3", "4", "5"];

/// Test accuracy of five seeds, and what was left out.
pub(crate) fn accuracy(device: &mut Device) -> Result<(), Error> {
    hprintln!("\nTest rows got right, in %; left out from sample {} on, in %", WARM_UP);
    hprintln!("      a label in five is wrong    left out           none is wrong");
    hprintln!("seed   all  loss rule  sieve     wrong ones  right    all  sieve");
    let mut sums = [0; COLUMNS];
    for (seed, name) in (1..).zip(SEEDS) {
        let row = row(device, seed)?;
        sums.iter_mut().zip(row).for_each(|(sum, tenths)| *sum += tenths);
        line(name, row);
    }
    line("mean", sums.map(|sum| (sum + SEEDS.len() as u32 / 2) / SEEDS.len() as u32));
    Ok(())
}

/// Prints tenths.
fn line(name: &str, row: [u32; COLUMNS]) {
    let [all, loss, sieve, wrong, right, clean, sieved] = row.map(|tenths| (tenths / 10, tenths % 10));
    hprint!("{:<4}  {:>2}.{}  {:>7}.{}", name, all.0, all.1, loss.0, loss.1);
    hprint!("  {:>3}.{}     {:>8}.{}  {:>3}.{}", sieve.0, sieve.1, wrong.0, wrong.1, right.0, right.1);
    hprintln!("  {:>3}.{}  {:>3}.{}", clean.0, clean.1, sieved.0, sieved.1);
}

/// A seed's line, in tenths of a per cent.
fn row(device: &mut Device, seed: u64) -> Result<[u32; COLUMNS], Error> {
    let [wrong, none] = [true, false].map(|wrong_labels| Run { seed, wrong_labels });
    *device = Device::new(wrong)?;
    let left_out = device.finish()?;
    let sieve = device.training.right();
    *device = Device::new(none)?;
    device.finish()?;
    let tests = TESTS as u32;
    Ok([
        tenths(Training::finished(wrong, None).right(), tests),
        tenths(Training::finished(wrong, Some(LossRule::new(RATE))).right(), tests),
        tenths(sieve, tests),
        tenths(left_out.wrong, left_out.of_wrong),
        tenths(left_out.right, left_out.of_right),
        tenths(Training::finished(none, None).right(), tests),
        tenths(device.training.right(), tests),
    ])
}

/// In tenths of a per cent, rounded.
fn tenths(part: u32, whole: u32) -> u32 {
    (part * 1000 + whole / 2) / whole
}
