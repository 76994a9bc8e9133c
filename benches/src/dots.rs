//! Dot products: f32, f16, bf16, and f32 with f16; short vectors, whose cost is the call;
//! and the FMA form, which is the price of equal bits.

use crate::contest::{Contest, Hall, Role, Target};
use crate::data::Buffer;
use crate::machine::Footprint;
use crate::{limits, plain};
use gradsieve_kernels::{Element, dot_with};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use std::hint::black_box;

/// Lengths of short vectors: around the registers, lanes and unrollings of everybody.
const SHORT: [usize; 8] = [16, 23, 64, 100, 128, 255, 256, 300];

/// Holds the contests.
pub fn hold(hall: &mut Hall) {
    for length in SHORT {
        let target = if length == 256 { Target::Nanoseconds(12.0) } else { Target::None };
        of_f32(hall, &format!("n = {length}"), length, target);
    }
    let fractions = |fractions: [f64; 4]| Footprint::ALL.into_iter().zip(fractions.map(Target::Fraction));
    for (footprint, target) in fractions([0.95, 0.98, 1.0, 1.0]) {
        let length = hall.machine.bytes(footprint) / 8;
        of_f32(hall, footprint.name(), length, target);
    }
    for (footprint, target) in fractions([0.24, 0.50, f64::NAN, 1.0]) {
        let length = hall.machine.bytes(footprint) / 4;
        of_f16(hall, footprint.name(), length, target);
    }
    for (footprint, target) in fractions([0.40, 0.85, f64::NAN, 0.97]) {
        let length = hall.machine.bytes(footprint) / 4;
        of_bf16(hall, footprint.name(), length, target);
    }
    for footprint in Footprint::ALL {
        let length = hall.machine.bytes(footprint) / 6;
        mixed(hall, footprint.name(), length);
    }
}

/// A contest with our kernel, the limits and the compiler's loops in it.
fn contest<'a, T: Element, U: Element>(
    shape: &str,
    dtype: &str,
    target: Target,
    x: &'a Buffer<T>,
    y: &'a Buffer<U>,
) -> Contest<'a> {
    let magnitude: f64 = x.iter().zip(y.iter()).map(|(x, y)| f64::from((x.widen() * y.widen()).abs())).sum();
    let bytes = x.bytes().len() + y.bytes().len();
    let mut contest = Contest::new("dot", dtype, shape, bytes).target(target).tolerance(1e-4 * magnitude);
    limits::read_two(&mut contest, x, y);
    contest.enter_ours(|level| dot_with(level, black_box(x), black_box(y)).unwrap_or(f64::NAN));
    let term = |x: T, y: U| x.widen() * y.widen();
    contest.enter(Role::Peer, "chunked", move || plain::sum_two(black_box(x), black_box(y), term));
    contest.enter(Role::Peer, "chunked, native", move || {
        plain::native(
            #[inline(always)]
            || plain::sum_two(black_box(x), black_box(y), term),
        )
    });
    contest
}

fn of_f32(hall: &mut Hall, shape: &str, length: usize, target: Target) {
    if !hall.wants("dot", "float32", shape) {
        return;
    }
    let (x, y) = (&Buffer::<f32>::numbers(1, length), &Buffer::<f32>::numbers(2, length));
    let mut contest = contest(shape, "float32", target, x, y);
    fused::enter(&mut contest, x, y);
    contest.enter(Role::Peer, "nalgebra", || {
        use nalgebra::DVectorView;
        let (x, y) = (black_box(x), black_box(y));
        DVectorView::from_slice(x, x.len()).dot(&DVectorView::from_slice(y, y.len())).into()
    });
    contest.enter(Role::Peer, "ndarray", || {
        use ndarray::ArrayView1;
        ArrayView1::from(&**black_box(x)).dot(&ArrayView1::from(&**black_box(y))).into()
    });
    contest.enter(Role::Peer, "simsimd", || {
        simsimd::SpatialSimilarity::dot(black_box(x), black_box(y)).unwrap_or(f64::NAN)
    });
    contest
        .enter(Role::Peer, "numkong", || numkong::Dot::dot(black_box(x), black_box(y)).unwrap_or(f64::NAN));
    contest.enter(Role::Peer, "matrixmultiply", || {
        let (x, y) = (black_box(x), black_box(y));
        let (n, mut sum) = (x.len(), 0.0_f32);
        // SAFETY: a 1×n and an n×1 matrix, both contiguous, and one output.
        unsafe {
            let (x, y) = (x.as_ptr(), y.as_ptr());
            matrixmultiply::sgemm(1, n, 1, 1.0, x, n as isize, 1, y, 1, 1, 0.0, &raw mut sum, 1, 1);
        }
        sum.into()
    });
    hall.hold(contest);
}

fn of_f16(hall: &mut Hall, shape: &str, length: usize, target: Target) {
    if !hall.wants("dot", "float16", shape) {
        return;
    }
    let (x, y) = (&Buffer::<f16>::numbers(1, length), &Buffer::<f16>::numbers(2, length));
    let mut contest = contest(shape, "float16", target, x, y);
    contest.enter(Role::Peer, "half, then chunked", || converted(black_box(x), black_box(y)));
    contest.enter(Role::Peer, "simsimd", || {
        // SAFETY: both types are a transparent `u16` with the bits of an IEEE half.
        let (x, y) = unsafe { (cast::<_, simsimd::f16>(black_box(x)), cast(black_box(y))) };
        simsimd::SpatialSimilarity::dot(x, y).unwrap_or(f64::NAN)
    });
    contest.enter(Role::Peer, "numkong", || {
        // SAFETY: both types are a transparent `u16` with the bits of an IEEE half.
        let (x, y) = unsafe { (cast::<_, numkong::f16>(black_box(x)), cast(black_box(y))) };
        numkong::Dot::dot(x, y).unwrap_or(f32::NAN).into()
    });
    hall.hold(contest);
}

fn of_bf16(hall: &mut Hall, shape: &str, length: usize, target: Target) {
    if !hall.wants("dot", "bfloat16", shape) {
        return;
    }
    let (x, y) = (&Buffer::<bf16>::numbers(1, length), &Buffer::<bf16>::numbers(2, length));
    let mut contest = contest(shape, "bfloat16", target, x, y);
    contest.enter(Role::Peer, "half, then chunked", || converted(black_box(x), black_box(y)));
    contest.enter(Role::Peer, "simsimd", || {
        // SAFETY: both types are a transparent `u16` with the bits of a bfloat16.
        let (x, y) = unsafe { (cast::<_, simsimd::bf16>(black_box(x)), cast(black_box(y))) };
        simsimd::SpatialSimilarity::dot(x, y).unwrap_or(f64::NAN)
    });
    contest.enter(Role::Peer, "numkong", || {
        // SAFETY: both types are a transparent `u16` with the bits of a bfloat16.
        let (x, y) = unsafe { (cast::<_, numkong::bf16>(black_box(x)), cast(black_box(y))) };
        numkong::Dot::dot(x, y).unwrap_or(f32::NAN).into()
    });
    hall.hold(contest);
}

fn mixed(hall: &mut Hall, shape: &str, length: usize) {
    let dtype = "float32·float16";
    if !hall.wants("dot", dtype, shape) {
        return;
    }
    let (x, y) = (&Buffer::<f32>::numbers(1, length), &Buffer::<f16>::numbers(2, length));
    let mut contest = contest(shape, dtype, Target::None, x, y);
    contest.enter(Role::Peer, "half, then chunked", || {
        let mut wide = [0.0; STRETCH];
        let stretches = black_box(x).chunks(STRETCH).zip(black_box(y).chunks(STRETCH));
        stretches.map(|(x, y)| plain::sum_two(x, widened(y, &mut wide), |x, y| x * y)).sum()
    });
    hall.hold(contest);
}

/// Elements that are converted at a time.
const STRETCH: usize = 1024;

/// The way of somebody who has the crate `half`: convert a stretch, then take the f32
/// loop.
fn converted<T>(x: &[T], y: &[T]) -> f64
where
    [T]: HalfFloatSliceExt,
{
    let (mut wide_x, mut wide_y) = ([0.0; STRETCH], [0.0; STRETCH]);
    let stretches = x.chunks(STRETCH).zip(y.chunks(STRETCH));
    let sum = |(x, y)| plain::sum_two(widened(x, &mut wide_x), widened(y, &mut wide_y), |x, y| x * y);
    stretches.map(sum).sum()
}

fn widened<'a, T>(from: &[T], to: &'a mut [f32]) -> &'a [f32]
where
    [T]: HalfFloatSliceExt,
{
    let to = &mut to[..from.len()];
    from.convert_to_f32_slice(to);
    to
}

/// The same memory as another 16-bit type.
///
/// # Safety
/// Any value of the one has the bits of a value of the other.
pub(crate) unsafe fn cast<T, U>(x: &[T]) -> &[U] {
    const { assert!(size_of::<T>() == 2 && size_of::<U>() == 2 && align_of::<U>() == 2) }
    // SAFETY: the same length, size and alignment; the bits are the caller's promise.
    unsafe { std::slice::from_raw_parts(x.as_ptr().cast(), x.len()) }
}

/// Our dot with a fused multiply–add instead of multiply, then add: other bits, so not in
/// the kernels.
mod fused {
    use super::{Buffer, Contest, Role};
    use std::hint::black_box;

    pub(super) fn enter<'a>(contest: &mut Contest<'a>, x: &'a Buffer<f32>, y: &'a Buffer<f32>) {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                contest.enter(Role::Variant, "avx512, FMA", move || {
                    // SAFETY: the feature was found.
                    unsafe { x86::dot_512(black_box(x), black_box(y)) }
                });
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                contest.enter(Role::Variant, "avx2, FMA", move || {
                    // SAFETY: the features were found.
                    unsafe { x86::dot_256(black_box(x), black_box(y)) }
                });
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    mod x86 {
        use std::arch::x86_64::*;

        const TILE: usize = 4096;

        #[target_feature(enable = "avx512f")]
        pub(super) fn dot_512(x: &[f32], y: &[f32]) -> f64 {
            // SAFETY: sixteen elements are 64 bytes.
            let load = |from: &[f32; 16]| unsafe { _mm512_loadu_ps(from.as_ptr()) };
            let mut total = 0.0;
            for (x, y) in x.chunks(TILE).zip(y.chunks(TILE)) {
                let mut sums = [_mm512_setzero_ps(); 8];
                let (x, x_rest) = x.as_chunks::<16>();
                let (y, y_rest) = y.as_chunks::<16>();
                let (x, x_few) = x.as_chunks::<8>();
                let (y, y_few) = y.as_chunks::<8>();
                for (x, y) in x.iter().zip(y) {
                    for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
                        *sum = _mm512_fmadd_ps(load(x), load(y), *sum);
                    }
                }
                for ((sum, x), y) in sums.iter_mut().zip(x_few).zip(y_few) {
                    *sum = _mm512_fmadd_ps(load(x), load(y), *sum);
                }
                let [a, b, c, d, e, f, g, h] = sums;
                let (a, b) = (_mm512_add_ps(a, e), _mm512_add_ps(b, f));
                let (c, d) = (_mm512_add_ps(c, g), _mm512_add_ps(d, h));
                let sum = _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(a, c), _mm512_add_ps(b, d)));
                let rest: f32 = x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum();
                total += f64::from(sum + rest);
            }
            total
        }

        #[target_feature(enable = "avx2,fma")]
        pub(super) fn dot_256(x: &[f32], y: &[f32]) -> f64 {
            // SAFETY: eight elements are 32 bytes.
            let load = |from: &[f32; 8]| unsafe { _mm256_loadu_ps(from.as_ptr()) };
            let mut total = 0.0;
            for (x, y) in x.chunks(TILE).zip(y.chunks(TILE)) {
                let mut sums = [_mm256_setzero_ps(); 8];
                let (x, x_rest) = x.as_chunks::<8>();
                let (y, y_rest) = y.as_chunks::<8>();
                let (x, x_few) = x.as_chunks::<8>();
                let (y, y_few) = y.as_chunks::<8>();
                for (x, y) in x.iter().zip(y) {
                    for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
                        *sum = _mm256_fmadd_ps(load(x), load(y), *sum);
                    }
                }
                for ((sum, x), y) in sums.iter_mut().zip(x_few).zip(y_few) {
                    *sum = _mm256_fmadd_ps(load(x), load(y), *sum);
                }
                let mut lanes = [0.0_f32; 8];
                for sum in sums {
                    let mut one = [0.0_f32; 8];
                    // SAFETY: eight elements are 32 bytes.
                    unsafe { _mm256_storeu_ps(one.as_mut_ptr(), sum) };
                    for (lane, one) in lanes.iter_mut().zip(one) {
                        *lane += one;
                    }
                }
                let rest: f32 = x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum();
                total += f64::from(lanes.iter().sum::<f32>() + rest);
            }
            total
        }
    }
}
