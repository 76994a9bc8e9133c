//! Scores of int8 rows, open and sealed.
#![no_std]
#![no_main]

use gradsieve_kernels::score::int8::{Queries, Rows, score_int8_rows, score_int8_sealed, seal};
use size::{black_box, lent};

size::image! {
    Queries::open(lent(), black_box(64), lent()).map(|q| score_int8_rows(Rows { codes: lent(), scales: lent() }, q, lent()));
    seal(lent(), black_box(64), lent());
    Queries::sealed(lent(), black_box(64), lent()).map(|q| score_int8_sealed(Rows { codes: lent(), scales: lent() }, q, lent()));
}
