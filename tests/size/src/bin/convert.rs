//! Widening and narrowing, both small formats.
#![no_std]
#![no_main]

use gradsieve_kernels::{narrow, widen};
use size::{bf16, f16, lent};

size::image! {
    widen::<f16>(lent(), lent());
    widen::<bf16>(lent(), lent());
    narrow::<f16>(lent(), lent());
    narrow::<bf16>(lent(), lent());
}
