//! y + α·x of `f32`.
#![no_std]
#![no_main]

use gradsieve_kernels::axpy;
use size::{black_box, lent};

size::image! {
    axpy::<f32>(black_box(0.5), lent(), lent());
}
