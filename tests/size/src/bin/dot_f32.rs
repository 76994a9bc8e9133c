//! The dot product of `f32`.
#![no_std]
#![no_main]

use gradsieve_kernels::dot;
use size::lent;

size::image! {
    dot::<f32, f32>(lent(), lent());
}
