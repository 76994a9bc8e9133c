//! The dense Rademacher projection of `f32`.
#![no_std]
#![no_main]

use gradsieve_kernels::{Key, Rademacher, rademacher};
use size::{black_box, lent};

size::image! {
    Rademacher::new(black_box(64), Key::seed(black_box(1))).map(|r| rademacher::<f32>(r, black_box(0), black_box(0.5), lent(), lent()));
}
