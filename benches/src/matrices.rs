//! Products of a few rows with a square matrix, A Bᵀ, and updates M + Uᵀ V of one: what a
//! step of data value embedding is made of. And the dot products of all gradients with
//! all targets, as [`dot`](gradsieve_kernels::dot()) defines them.
//!
//! The limit is a loop of FMAs in registers. Ours round products before they are added:
//! two operations, where the machine may have one.

use crate::contest::{Contest, Hall, Role};
use crate::data::{Buffer, digest};
use crate::limits;
use gradsieve_kernels::dot::{Carried, carried_for, dots_with};
use gradsieve_kernels::matrix::{add_products_with, product_with};
use std::cell::RefCell;
use std::hint::black_box;

/// Columns of every row.
const K: usize = 1024;

/// Holds the contests.
pub fn hold(hall: &mut Hall) {
    for rows in [32, 320] {
        products(hall, rows);
        updates(hall, rows);
    }
    for (rows, others, width) in [(512, 100, 26_506), (512, 128, 4096), (512, 128, 512)] {
        all_dots(hall, rows, others, width);
    }
}

fn all_dots(hall: &mut Hall, rows: usize, others: usize, width: usize) {
    let shape = format!("{rows} with {others} of {width}");
    if !hall.wants("dots", "float32", &shape) {
        return;
    }
    let (x, y) = (&Buffer::<f32>::numbers(1, rows * width), &Buffer::<f32>::numbers(2, others * width));
    let carried = &RefCell::new(vec![Carried::new(); carried_for(rows, others, width)]);
    let out = &RefCell::new(vec![0.0; rows * others]);
    let narrow = |out: &[f64]| out.iter().map(|&x| x as f32).collect::<Vec<_>>();
    let to = &RefCell::new(Buffer::<f32>::zeros(rows * others));
    let mut contest =
        Contest::new("dots", "float32", shape, 4 * (rows + others) * width).tolerance(1.0).output(
            || {
                out.borrow_mut().fill(0.0);
                to.borrow_mut().fill(0.0);
            },
            // One of the two was written to.
            || digest(&to.borrow()) + digest(&narrow(&out.borrow())),
        );
    limits::multiply_add(&mut contest, "float32", rows * others * width);
    contest.enter_ours(|level| {
        let (mut carried, mut out) = (carried.borrow_mut(), out.borrow_mut());
        f64::from(dots_with(level, black_box(x), black_box(y), width, &mut carried, &mut out).is_ok())
    });
    contest.enter(Role::Peer, "matrixmultiply", move || {
        let mut to = to.borrow_mut();
        let (x, y, k) = (black_box(x), black_box(y), width as isize);
        let columns = others as isize;
        // SAFETY: rows×width, the transpose of others×width, rows×others.
        unsafe {
            let to = to.as_mut_ptr();
            matrixmultiply::sgemm(
                rows,
                width,
                others,
                1.0,
                x.as_ptr(),
                k,
                1,
                y.as_ptr(),
                1,
                k,
                0.0,
                to,
                columns,
                1,
            );
        }
        0.0
    });
    hall.hold(contest);
}

fn products(hall: &mut Hall, rows: usize) {
    let shape = format!("{rows} rows");
    if !hall.wants("product", "float32", &shape) {
        return;
    }
    let (a, b) = (&Buffer::<f32>::numbers(1, rows * K), &Buffer::<f32>::numbers(2, K * K));
    let out = &RefCell::new(Buffer::<f32>::zeros(rows * K));
    let mut contest = Contest::new("product", "float32", shape, 4 * (2 * rows * K + K * K))
        .tolerance(1.0)
        .output(|| out.borrow_mut().fill(0.0), || digest(&out.borrow()));
    limits::multiply_add(&mut contest, "float32", rows * K * K);
    contest.enter_ours(|level| {
        f64::from(product_with(level, K, black_box(a), black_box(b), &mut out.borrow_mut()).is_ok())
    });
    contest.enter(Role::Peer, "matrixmultiply", move || {
        let mut out = out.borrow_mut();
        let (a, b, k) = (black_box(a), black_box(b), K as isize);
        // SAFETY: rows×K, the transpose of K×K, rows×K.
        unsafe {
            let to = out.as_mut_ptr();
            matrixmultiply::sgemm(rows, K, K, 1.0, a.as_ptr(), k, 1, b.as_ptr(), 1, k, 0.0, to, k, 1);
        }
        0.0
    });
    contest.enter(Role::Peer, "nalgebra", move || {
        use nalgebra::{DMatrixView, DMatrixViewMut};
        let mut out = out.borrow_mut();
        // Column by column: the transposes of ours.
        let mut to = DMatrixViewMut::from_slice(&mut out, K, rows);
        let (a, b) =
            (DMatrixView::from_slice(black_box(a), K, rows), DMatrixView::from_slice(black_box(b), K, K));
        to.gemm_tr(1.0, &b, &a, 0.0);
        0.0
    });
    hall.hold(contest);
}

fn updates(hall: &mut Hall, rows: usize) {
    let shape = format!("{rows} rows");
    if !hall.wants("update", "float32", &shape) {
        return;
    }
    let (u, v) = (&Buffer::<f32>::numbers(1, rows * K), &Buffer::<f32>::numbers(2, rows * K));
    let m = &RefCell::new(Buffer::<f32>::zeros(K * K));
    let mut contest = Contest::new("update", "float32", shape, 8 * (rows * K + K * K))
        .tolerance(1.0)
        .output(|| m.borrow_mut().fill(0.0), || digest(&m.borrow()));
    limits::multiply_add(&mut contest, "float32", rows * K * K);
    contest.enter_ours(|level| {
        f64::from(add_products_with(level, rows, black_box(u), black_box(v), &mut m.borrow_mut()).is_ok())
    });
    contest.enter(Role::Peer, "matrixmultiply", move || {
        let mut m = m.borrow_mut();
        let (u, v, k) = (black_box(u), black_box(v), K as isize);
        // SAFETY: the transpose of rows×K, rows×K, K×K.
        unsafe {
            let to = m.as_mut_ptr();
            matrixmultiply::sgemm(K, rows, K, 1.0, u.as_ptr(), 1, k, v.as_ptr(), k, 1, 1.0, to, k, 1);
        }
        0.0
    });
    hall.hold(contest);
}
