//! Scores of `f32` rows, open and sealed.
#![no_std]
#![no_main]

use gradsieve_kernels::score::float::{Packed, score_rows, score_sealed, seal};
use size::{black_box, lent};

size::image! {
    score_rows::<f32>(lent(), black_box(64), lent(), lent());
    seal::<f32>(lent(), black_box(64), lent());
    Packed::new(lent(), black_box(64), lent()).map(|queries| score_sealed::<f32>(lent(), queries, lent()));
}
