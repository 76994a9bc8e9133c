//! Scores of rows of 1, 2 or 4 bits.
#![no_std]
#![no_main]

use gradsieve_kernels::codec::bits::Bits;
use gradsieve_kernels::score::bits::{Queries, Rows, score_bits_sealed};
use size::{black_box, lent};

size::image! {
    Queries::sealed(black_box(Bits::Four), lent(), black_box(64), lent()).map(|q| score_bits_sealed(Rows { words: lent(), scales: lent() }, q, lent()));
}
