//! Squared norm, L1 norm and maximum of `f32`.
#![no_std]
#![no_main]

use gradsieve_kernels::{l1_norm, max_abs, squared_norm};
use size::lent;

size::image! {
    squared_norm::<f32>(lent());
    l1_norm::<f32>(lent());
    max_abs::<f32>(lent());
}
