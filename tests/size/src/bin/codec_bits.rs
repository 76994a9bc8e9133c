//! The codec of 1, 2 or 4 bits.
#![no_std]
#![no_main]

use gradsieve_kernels::codec::bits::{Bits, decode_block, encode_block};
use size::{black_box, lent};

size::image! {
    black_box(Bits::ALL.map(|bits| encode_block(bits, lent::<f32>().first_chunk().unwrap_or(&[0.0; 64]), black_box(2.0))));
    black_box(decode_block(black_box(Bits::Four), &[black_box(3); 8], black_box(0.5)));
}
