//! The blocked SJLT of `f32`, with any repetitions.
#![no_std]
#![no_main]

use gradsieve_kernels::Key;
use gradsieve_kernels::sjlt::{Repeat, Sjlt, sjlt};
use size::{black_box, lent};

size::image! {
    Repeat::from_count(black_box(1)).map(|s| sjlt::<f32>(Sjlt::new(Key::seed(black_box(1)), s), black_box(0), lent(), lent()));
}
