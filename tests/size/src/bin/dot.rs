//! Dot products of all formats.
#![no_std]
#![no_main]

use gradsieve_kernels::dot;
use size::{bf16, f16, lent};

size::image! {
    dot::<f32, f32>(lent(), lent());
    dot::<f16, f16>(lent(), lent());
    dot::<bf16, bf16>(lent(), lent());
    dot::<f32, f16>(lent(), lent());
}
