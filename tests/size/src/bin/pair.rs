//! The pair of two `f32` vectors.
#![no_std]
#![no_main]

use gradsieve_kernels::pair;
use size::lent;

size::image! {
    pair::<f32, f32>(lent(), lent());
}
