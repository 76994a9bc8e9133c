//! What the rate is worth at which samples are left out: test accuracy of the firmware's
//! runs, of the device with its sieve and by the plain rule, at several rates. Of five
//! seeds, from 1 on or from another one.
//!
//! `cargo run --release -p gradsieve-example-sensor --example rates -- 6`

use gradsieve::Error;
use gradsieve_example_sensor::device::Device;
use gradsieve_example_sensor::series::{Run, TESTS};
use gradsieve_example_sensor::training::{LossRule, Training};

const RATES: [f32; 5] = [0.05, 0.1, 0.2, 0.25, 0.3];
const SEEDS: u64 = 5;

/// Mean and least of accuracies in per cent.
fn mean_and_least(right: impl Iterator<Item = u32>) -> String {
    let accuracies: Vec<f32> = right.map(|right| 100.0 * right as f32 / TESTS as f32).collect();
    let mean = accuracies.iter().sum::<f32>() / accuracies.len() as f32;
    format!("{mean:.1} ({:.1})", accuracies.iter().copied().fold(100.0, f32::min))
}

/// Right test rows of the device, seed by seed.
fn sieved(first: u64, rate: f32, wrong_labels: bool) -> Result<Vec<u32>, Error> {
    let of_seed = |seed| {
        let mut device = Device::with_rate(Run { seed, wrong_labels }, rate)?;
        device.finish()?;
        Ok(device.training.right())
    };
    (first..first + SEEDS).map(of_seed).collect()
}

/// The table, in Markdown.
fn table(first: u64) -> Result<String, Error> {
    let rule = |share: Option<f32>, wrong_labels| {
        let rule = move || share.map(LossRule::new);
        mean_and_least(
            (first..first + SEEDS).map(|seed| Training::finished(Run { seed, wrong_labels }, rule()).right()),
        )
    };
    let mut table = "| left out | loss rule | sieve | loss rule, none wrong | sieve, none wrong |\n\
                     |---|---|---|---|---|\n"
        .to_owned();
    let (all, clean) = (rule(None, true), rule(None, false));
    table += &format!("| nothing | {all} | {all} | {clean} | {clean} |\n");
    for rate in RATES {
        let sieves = [true, false].map(|wrong_labels| sieved(first, rate, wrong_labels));
        let [wrong, none] = sieves.map(|right| Ok::<_, Error>(mean_and_least(right?.into_iter())));
        let [loss, clean] = [true, false].map(|wrong_labels| rule(Some(rate), wrong_labels));
        table += &format!("| {rate} | {loss} | {} | {clean} | {} |\n", wrong?, none?);
    }
    Ok(table)
}

fn main() -> Result<(), Error> {
    let first = std::env::args().nth(1).and_then(|first| first.parse().ok());
    print!("{}", table(first.unwrap_or(1))?);
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_stands_in_the_firmwares_readme() {
        let table = super::table(1).unwrap();
        assert!(include_str!("../../cortex-m/README.md").contains(&table), "{table}");
    }
}
