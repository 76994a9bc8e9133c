//! The int8 codec.
#![no_std]
#![no_main]

use gradsieve_kernels::codec::int8::{decode_int8, encode_int8};
use size::{black_box, lent};

size::image! {
    encode_int8(lent(), lent());
    decode_int8(lent(), black_box(0.5), lent());
}
