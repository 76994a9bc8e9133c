//! In how many signs 1-bit rows, open and sealed, and queries differ.
#![no_std]
#![no_main]

use gradsieve_kernels::score::hamming::{Queries, hamming_rows, hamming_sealed};
use size::{black_box, lent};

size::image! {
    Queries::open(lent(), black_box(64), lent()).map(|q| hamming_rows(lent(), q, lent()));
    Queries::sealed(lent(), black_box(64), lent()).map(|q| hamming_sealed(lent(), q, lent()));
}
