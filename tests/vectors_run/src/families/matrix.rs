//! Products of small matrices, updates of a triangle and of a matrix, β·y + α·x.

use super::{Format, first, kernel, make, second};
use crate::input::Case;
use crate::record::Record;
use crate::{Answers, Family, Memory};
use core::fmt;
use gradsieve_kernels::matrix::{
    add_outer_with, add_products_with, matvec_with, product_with, scale_add_with,
};
use gradsieve_kernels::{hash, spec};
use half::{bf16, f16};

/// What is published.
pub const FAMILY: Family = Family {
    name: "matrix",
    published: include_str!("../../../vectors/matrix.json"),
    kernels: &[
        kernel("matvec-f32-f32", matvec::<f32, f32>),
        kernel("matvec-f16-f32", matvec::<f16, f32>),
        kernel("matvec-bf16-bf16", matvec::<bf16, bf16>),
        kernel("product-f32-f32", product::<f32, f32>),
        kernel("product-f16-f32", product::<f16, f32>),
        kernel("product-bf16-bf16", product::<bf16, bf16>),
        kernel("add-outer", add_outer),
        kernel("add-products", add_products),
        kernel("scale-add-f32", scale_add::<f32>),
        kernel("scale-add-f16", scale_add::<f16>),
        kernel("scale-add-bf16", scale_add::<bf16>),
    ],
};

/// Entries of a row: at most 1,024.
const fn columns(case: &Case) -> usize {
    case.length % 1025
}

/// One to four rows; `which` tells two matrices apart.
const fn rows(case: &Case, which: u64) -> usize {
    1 + (case.parameter(5 + which) % 4) as usize
}

fn matvec<T: Format, U: Format>(
    by: Answers,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    let (rows, columns) = (rows(case, 0), columns(case));
    record.input("rows", &[rows as u64])?;
    let x = make::<T>("x", case, case.seed, rows * columns, &mut memory.x, record)?;
    let y = make::<U>("y", case, !case.seed, columns, &mut memory.y, record)?;
    // Rows without entries cannot be counted, but the outputs can.
    let (out, _) = memory.out.split_at_mut(rows);
    match by {
        Answers::Spec => spec::matrix::matvec(x, y, out),
        Answers::Of(level) => matvec_with(level, x, y, out).map_err(|_| fmt::Error)?,
    }
    record.answer("out", out)
}

fn product<T: Format, U: Format>(
    by: Answers,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    let (rows, others, columns) = (rows(case, 0), rows(case, 1), columns(case));
    record.input("rows", &[rows as u64, others as u64])?;
    let x = make::<T>("x", case, case.seed, rows * columns, &mut memory.x, record)?;
    let y = make::<U>("y", case, !case.seed, others * columns, &mut memory.y, record)?;
    let (out, _) = memory.out.split_at_mut(rows * others);
    match by {
        Answers::Spec => spec::matrix::product(columns, x, y, out),
        Answers::Of(level) => product_with(level, columns, x, y, out).map_err(|_| fmt::Error)?,
    }
    record.answer("out", out)
}

fn add_outer(by: Answers, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let k = case.length % if case.length < 100 { 24 } else { 151 };
    record.input("weight", &[case.factor()])?;
    let x = make::<f32>("x", case, case.seed, k, &mut memory.x, record)?;
    let y = make::<f32>("y", case, !case.seed, k * (k + 1) / 2, &mut memory.y, record)?;
    let (out, _) = memory.out.split_at_mut(y.len());
    out.copy_from_slice(y);
    match by {
        Answers::Spec => spec::matrix::add_outer(case.factor(), x, out),
        Answers::Of(level) => add_outer_with(level, case.factor(), x, out).map_err(|_| fmt::Error)?,
    }
    record.answer("out", out)
}

fn add_products(by: Answers, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let (batch, rows, columns) = ((case.parameter(7) % 6) as usize, rows(case, 0), columns(case));
    record.input("batch", &[batch as u64])?;
    let x = make::<f32>("x", case, case.seed, batch * rows, &mut memory.x, record)?;
    let y = make::<f32>("y", case, !case.seed, batch * columns, &mut memory.y, record)?;
    let z = make::<f32>("z", case, hash::mix(case.seed), rows * columns, &mut memory.z, record)?;
    let (out, _) = memory.out.split_at_mut(z.len());
    out.copy_from_slice(z);
    match by {
        Answers::Spec => spec::matrix::add_products(batch, x, y, out),
        Answers::Of(level) => add_products_with(level, batch, x, y, out).map_err(|_| fmt::Error)?,
    }
    record.answer("out", out)
}

fn scale_add<T: Format>(
    by: Answers,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    record.input("alpha", &[case.factor()])?;
    record.input("beta", &[case.second_factor()])?;
    let (x, y) = (first::<T>(case, &mut memory.x, record)?, second::<f32>(case, &mut memory.y, record)?);
    let (out, _) = memory.out.split_at_mut(y.len());
    out.copy_from_slice(y);
    let (alpha, beta) = (case.factor(), case.second_factor());
    match by {
        Answers::Spec => spec::matrix::scale_add(alpha, x, beta, out),
        Answers::Of(level) => scale_add_with(level, alpha, x, beta, out).map_err(|_| fmt::Error)?,
    }
    record.answer("out", out)
}
