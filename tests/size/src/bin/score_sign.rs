//! Scores of 1-bit rows, open and sealed.
#![no_std]
#![no_main]

use gradsieve_kernels::score::sign::{Rows, Tables, score_sign_rows, score_sign_sealed, seal};
use size::{black_box, lent};

size::image! {
    score_sign_rows(Rows { words: lent(), scales: lent() }, black_box(64), lent(), lent());
    seal(lent(), black_box(64), lent());
    Tables::new(lent(), black_box(64), lent()).map(|q| score_sign_sealed(Rows { words: lent(), scales: lent() }, q, lent()));
}
