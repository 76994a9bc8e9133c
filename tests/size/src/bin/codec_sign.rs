//! The 1-bit codec.
#![no_std]
#![no_main]

use gradsieve_kernels::codec::sign::{decode_signs, encode_signs};
use size::{black_box, f16, lent};

size::image! {
    encode_signs(lent(), lent());
    decode_signs(lent(), black_box(f16::ONE), lent());
}
