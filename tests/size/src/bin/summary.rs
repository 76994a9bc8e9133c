//! The summary of `f32`.
#![no_std]
#![no_main]

use gradsieve_kernels::summarize;
use size::lent;

size::image! {
    summarize::<f32>(lent());
}
