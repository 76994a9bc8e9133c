//! All functions of small matrices, of `f32`.
#![no_std]
#![no_main]

use gradsieve_kernels::matrix::{add_outer, add_products, matvec, product, scale_add};
use size::{black_box, lent};

size::image! {
    matvec::<f32, f32>(lent(), lent(), lent());
    product::<f32, f32>(black_box(8), lent(), lent(), lent());
    add_outer(black_box(0.5), lent(), lent());
    add_products::<f32>(black_box(8), lent(), lent(), lent());
    scale_add::<f32>(black_box(0.5), lent(), black_box(0.5), lent());
}
