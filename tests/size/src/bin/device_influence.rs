//! The same as `device_sieve`, and in-run Shapley values by a validation sketch.
#![no_std]
#![no_main]

use gradsieve::Error;
use gradsieve::influence::InRunShapley;
use size::{Loop, black_box, lent};

fn valued() -> Result<f64, Error> {
    let mut device = Loop::new()?;
    let (_, sketch) = device.sample()?;
    let mut values = InRunShapley::new(lent::<f64>());
    values.observe(black_box(0.1), &sketch, None, (black_box(3), &sketch))?;
    values.score(black_box(3))
}

size::image! {
    valued();
}
