//! On a Cortex-M4F: the published vectors and verdicts, instructions an element and bytes
//! of stack for the kernels of the goals, the same of the sieve's samples, and what both
//! cost beside the training of a small network.
//!
//! Runs under QEMU with `-icount shift=10`, where the SysTick timer counts instructions
//! exactly (they are not cycles), and speaks over semihosting. Leaves with success only
//! if every vector and verdict was reproduced; goals that are missed are printed.
#![no_std]
#![no_main]

mod device;
mod end;
mod greats;
mod measure;
#[path = "../../all/verdicts/published.rs"]
mod published;
mod sieve;
mod stores;
#[path = "../../all/verdicts/stream.rs"]
mod stream;

use core::hint::black_box;
use cortex_m_rt::entry;
use cortex_m_semihosting::hprintln;
use end::leave;
use gradsieve_kernels::matrix::{add_outer, add_products, matvec, product, scale_add};
use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::{
    Fold, Key, Level, Rademacher, Sjlt, axpy, dot, fold, hadamard, l1_norm, max_abs, narrow, pair,
    rademacher, sjlt, sjlt_scaled, squared_norm, summarize, widen,
};
use gradsieve_vectors::input::{Kind, value};
use gradsieve_vectors::{Answers, FAMILIES, Memory, check};
use half::{bf16, f16};
use measure::Meter;

#[entry]
fn main() -> ! {
    // Before the memory for the vectors is on the stack, and while there is room below.
    measure_all();
    let verdicts = sieve::verdicts();
    leave(vectors() && verdicts);
}

/// Reproduces the published vectors.
#[inline(never)]
fn vectors() -> bool {
    let mut memory = Memory::new();
    let mut all = true;
    for family in &FAMILIES {
        all &= check(family, Answers::Of(Level::best()), &mut memory, |kernel, equal| {
            hprintln!("{} {}", if equal { "ok  " } else { "FAIL" }, kernel);
        });
    }
    hprintln!("{}", if all { "all vectors reproduced" } else { "NOT all vectors reproduced" });
    all
}

/// Elements of a measured call: one tile.
const N: usize = 4096;

/// What is measured, by so many elements; each call out of line, so that its frame lies
/// below the meter's.
macro_rules! measured {
    ($meter:ident, $n:expr; $($name:literal, $goal:expr, $call:expr;)*) => {$(
        $meter.line($name, $goal, $n, #[inline(never)] || { let _ = black_box($call); });
    )*};
}

pub(crate) use measured;

#[inline(never)]
fn measure_all() {
    let mut meter = Meter::start();
    hprintln!("{:<19} {:>9} {:>5} {:>8}", "kernel", "instr/el.", "goal", "stack B");
    measure_streams(&mut meter);
    measure_matrices(&mut meter);
    stores::measure_all(&mut meter);
    sieve::measure_all(&mut meter);
    device::measure_all(&mut meter);
    greats::measure_all(&mut meter);
}

/// Sums, conversions, projections and transforms.
#[inline(never)]
fn measure_streams(meter: &mut Meter) {
    let (mut x, mut y) = ([0.0_f32; N], [0.0_f32; N]);
    let (mut half, mut brain) = ([f16::ZERO; N], [bf16::ZERO; N]);
    for i in 0..N {
        x[i] = value(Kind::Uniform, black_box(1), i as u64);
        y[i] = value(Kind::Uniform, black_box(2), i as u64);
        half[i] = f16::from_f32(x[i]);
        brain[i] = bf16::from_f32(x[i]);
    }
    let mut sketch = [0.0_f32; 512];
    let one = Sjlt::new(Key::seed(black_box(1)), Repeat::One);
    let two = Sjlt::new(Key::seed(black_box(1)), Repeat::Two);
    let Some(four) = Fold::new(N as u64, 4, Key::seed(black_box(1))) else { leave(false) };
    measured! { meter, N;
        "dot f32", Some(5), dot(&x, &y);
        "dot f16", None, dot(&half, &half);
        "dot bf16", None, dot(&brain, &brain);
        "dot f32 f16", None, dot(&x, &half);
        "squared norm f32", None, squared_norm(&x);
        "L1 norm f32", None, l1_norm(&x);
        "max f32", None, max_abs(&x);
        "pair f32", None, pair(&x, &y);
        "summary f32", Some(8), summarize(&x);
        "summary f16", None, summarize(&half);
        "axpy f32", None, axpy(black_box(0.5), &x, &mut y);
        "widen f16", Some(8), widen(&half, &mut y);
        "widen bf16", None, widen(&brain, &mut y);
        "narrow f16", None, narrow(&x, &mut half);
        "sjlt s=1 f32", Some(9), sjlt(one, 0, &x, &mut sketch);
        "sjlt s=1 f16", None, sjlt(one, 0, &half, &mut sketch);
        "sjlt s=2 f32", None, sjlt(two, 0, &x, &mut sketch);
        "sjlt scaled s=1", None, sjlt_scaled(one, 0, black_box(0.5), &x, &mut sketch);
        "fold k=4 f32", None, fold(&four, &x, false, &mut sketch[..4]);
    }
    // Short enough for the timer.
    let few = 1024;
    let (Ok(dense), Some(x)) = (Rademacher::new(64, Key::seed(black_box(1))), x.get(..few)) else {
        leave(false)
    };
    measured! { meter, few;
        "rademacher k=64", None, rademacher(dense, 0, 1.0, x, &mut sketch[..64]);
    }
    measured! { meter, N;
        "hadamard 4096", None, hadamard(&mut y);
    }
}

/// Small matrices, by their multiply–adds.
#[inline(never)]
fn measure_matrices(meter: &mut Meter) {
    let mut x = [0.0_f32; N];
    for (i, x) in x.iter_mut().enumerate() {
        *x = value(Kind::Uniform, black_box(1), i as u64);
    }
    let y = x;
    let mut out = [0.0_f32; N];
    measured! { meter, N;
        "matvec 8 x 512", None, matvec(&x, &y[..512], &mut out[..8]);
        "product 4,4 x 256", None, product(256, &x[..1024], &y[..1024], &mut out[..16]);
        "products 8: 16 x 32", None, add_products(8, &x[..128], &y[..256], &mut out[..512]);
        "scale-add f32", None, scale_add(black_box(0.5), &x, black_box(0.9), &mut out);
    }
    measured! { meter, 64 * 65 / 2;
        "outer 64 packed", None, add_outer(black_box(0.5), &x[..64], &mut out[..2080]);
    }
}
