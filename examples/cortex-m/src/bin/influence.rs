//! Trains the same network, and names the five of the last 256 samples that did the most
//! harm on held-out windows: `examples/sensor/src/influence.rs`.
#![no_std]
#![no_main]

#[path = "../leave.rs"]
mod leave;
#[path = "../../../../tests/cortex_m/src/measure.rs"]
mod measure;

use core::hint::black_box;
use cortex_m_rt::entry;
use cortex_m_semihosting::{hprint, hprintln};
use gradsieve::Error;
use gradsieve_example_sensor::influence::{HELD_OUT, Influence, LAST, NAMED, ROWS_BYTES};
use gradsieve_example_sensor::series::{Run, state};
use gradsieve_example_sensor::training::{SAMPLES, Sample, Training};
use leave::leave;
use measure::Meter;

/// Samples of the shorter run: 5 epochs.
const SHORT: u32 = 2000;
const SEEDS: u64 = 5;
/// Samples of a measured call.
const MEASURED: usize = 8;

#[entry]
fn main() -> ! {
    // In static memory, all of it.
    let Some(place) = cortex_m::singleton!(: Option<Influence> = None) else { leave(false) };
    let result =
        costs(place).and_then(|()| [SHORT, SAMPLES].into_iter().try_for_each(|end| named(place, end)));
    if let Err(error) = &result {
        hprintln!("{}", error);
    }
    leave(result.is_ok())
}

/// A run up to the last samples, of which the values are taken down.
fn run(place: &mut Option<Influence>, seed: u64, end: u32) -> Result<(Training, &mut Influence), Error> {
    let mut training = Training::new(Run { seed, wrong_labels: true });
    while training.samples < end - LAST as u32 {
        let sample = training.meet();
        training.learn(&sample);
    }
    let influence = place.insert(Influence::new(&training)?);
    while training.samples < end {
        let sample = training.meet();
        influence.observe(&training, &sample)?;
        training.learn(&sample);
    }
    Ok((training, influence))
}

/// Bytes, instructions and stack.
fn costs(place: &mut Option<Influence>) -> Result<(), Error> {
    hprintln!("Bytes of static memory");
    hprintln!("{} rows of gradients {:>5}", HELD_OUT, ROWS_BYTES);
    hprintln!("all {:>20}", size_of::<Influence>());
    let (mut training, influence) = run(place, 1, SHORT)?;
    let samples: [Sample; MEASURED] = core::array::from_fn(|_| black_box(training.meet()));
    hprintln!("\n{:<19} {:>9} {:>14}", "a sample", "instr.", "stack B");
    let mut meter = Meter::start();
    let mut result = Ok(());
    meter.line("influence", None, MEASURED, || {
        result = samples.iter().try_for_each(|sample| influence.observe(&training, sample));
    });
    result
}

/// Names the worst samples of each seed.
fn named(place: &mut Option<Influence>, end: u32) -> Result<(), Error> {
    let mut found = 0;
    hprintln!(
        "\nOf samples {} to {}, rows that did the most harm; * the label is wrong",
        end - LAST as u32,
        end - 1
    );
    for seed in 1..=SEEDS {
        let (training, influence) = run(place, seed, end)?;
        hprint!("seed {}", seed);
        for named in influence.worst()? {
            let is_wrong = training.run.label(named.row) != state(named.row);
            hprint!("  {:>3}{}", named.row, if is_wrong { "*" } else { " " });
            found += u32::from(is_wrong);
        }
        hprintln!();
    }
    hprintln!("{} of {} have wrong labels", found, SEEDS as usize * NAMED);
    Ok(())
}
