//! Writes the recorded sensor series that the firmware examples embed, as
//! `examples/sensor/README.md` describes it.
//!
//! `cargo run -p gradsieve-harness --example sensor`

use std::f64::consts::TAU;

use gradsieve_harness::data::machine::{AXES, TIMES, machine};
use gradsieve_harness::data::random::{Purpose, generator};
use gradsieve_harness::data::{Dataset, Scaling};
use rand::RngExt;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/sensor/series.bin");

/// Windows, and how many of them are for training: the first.
const WINDOWS: usize = 600;
const TRAINING: usize = 400;
/// Multiples of a window's frequency that are looked at, on each axis.
const HARMONICS: usize = TIMES / 2;
/// Numbers of a row that are a standard deviation.
const DEVIATION: f32 = 32.0;

/// The amplitude of each harmonic on each axis, axis by axis.
fn spectrum(window: &[f32]) -> impl Iterator<Item = f32> {
    let amplitude = move |axis: usize, harmonic: usize| {
        let (mut real, mut imaginary) = (0.0, 0.0);
        for (time, reading) in window.iter().skip(axis).step_by(AXES).enumerate() {
            let angle = TAU * (harmonic * time % TIMES) as f64 / TIMES as f64;
            real += f64::from(*reading) * libm::cos(angle);
            imaginary += f64::from(*reading) * libm::sin(angle);
        }
        libm::sqrt(real * real + imaginary * imaginary) as f32
    };
    (0..AXES).flat_map(move |axis| (1..=HARMONICS).map(move |harmonic| amplitude(axis, harmonic)))
}

/// The series: a row a window, 24 signed bytes and the label.
fn series() -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let windows = machine(WINDOWS, 1)?;
    let spectra = windows.samples().flat_map(|(window, _)| spectrum(window)).collect();
    let labels = windows.labels().to_vec();
    let spectra = Dataset::new("spectra", spectra, labels, AXES * HARMONICS, windows.classes())?;
    // In an order without a pattern, by Fisher and Yates.
    let mut order: Vec<_> = (0..WINDOWS).collect();
    let mut rng = generator(1, Purpose::Shuffle);
    (1..WINDOWS).rev().for_each(|last| order.swap(last, rng.random_range(0..=last)));
    let mut spectra = spectra.subset(&order)?;
    let training: Vec<_> = (0..TRAINING).collect();
    Scaling::standard(&spectra.subset(&training)?).apply(&mut spectra)?;
    let mut bytes = Vec::new();
    for (row, label) in spectra.samples() {
        bytes.extend(row.iter().map(|x| (x * DEVIATION).round().clamp(-127.0, 127.0) as i8 as u8));
        bytes.push(u8::try_from(label)?);
    }
    Ok(bytes)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let series = series()?;
    std::fs::write(FILE, &series)?;
    println!("{} bytes", series.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_committed_series_is_what_the_generator_makes() {
        assert!(super::series().unwrap() == std::fs::read(super::FILE).unwrap());
    }
}
