//! Squared norm, L1 norm and largest magnitude.

use crate::contest::{Contest, Hall, Role, Target};
use crate::data::Buffer;
use crate::dots::cast;
use crate::machine::Footprint;
use crate::{limits, plain};
use gradsieve_kernels::{Element, l1_norm_with, max_abs_with, squared_norm_with};
use half::{bf16, f16};
use std::hint::black_box;

/// Holds the contests.
pub fn hold(hall: &mut Hall) {
    for length in [16, 100, 256, 300] {
        squared_f32(hall, &format!("n = {length}"), length, Target::None);
    }
    for (footprint, target) in Footprint::ALL.into_iter().zip([0.83, 0.97, f64::NAN, 0.97]) {
        let length = hall.machine.bytes(footprint) / 4;
        squared_f32(hall, footprint.name(), length, Target::Fraction(target));
    }
    for footprint in Footprint::ALL {
        let bytes = hall.machine.bytes(footprint);
        squared_f16(hall, footprint.name(), bytes / 2);
        squared_bf16(hall, footprint.name(), bytes / 2);
    }
    for footprint in Footprint::ALL {
        let bytes = hall.machine.bytes(footprint);
        l1::<f32>(hall, footprint.name(), bytes / 4, |_, _| {});
        l1::<f16>(hall, footprint.name(), bytes / 2, |_, _| {});
        max::<f32>(hall, footprint.name(), bytes / 4, |contest, x| {
            contest.enter(Role::Peer, "nalgebra", move || {
                let x = black_box(x);
                nalgebra::DVectorView::from_slice(x, x.len()).amax().into()
            });
        });
        max::<f16>(hall, footprint.name(), bytes / 2, |_, _| {});
    }
}

fn squared<'a, T: Element>(shape: &str, target: Target, x: &'a Buffer<T>) -> Contest<'a> {
    let answer = squared_norm_with(gradsieve_kernels::Level::SCALAR, x);
    let contest = Contest::new("squared_norm", T::NAME, shape, x.bytes().len());
    let mut contest = contest.target(target).tolerance(1e-4 * answer);
    limits::read_one(&mut contest, x);
    contest.enter_ours(|level| squared_norm_with(level, black_box(x)));
    let term = |x: T| x.widen() * x.widen();
    contest.enter(Role::Peer, "chunked", move || plain::sum_one(black_box(x), term));
    contest.enter(Role::Peer, "chunked, native", move || {
        plain::native(
            #[inline(always)]
            || plain::sum_one(black_box(x), term),
        )
    });
    contest
}

fn squared_f32(hall: &mut Hall, shape: &str, length: usize, target: Target) {
    if !hall.wants("squared_norm", "float32", shape) {
        return;
    }
    let x = &Buffer::<f32>::numbers(1, length);
    let mut contest = squared(shape, target, x);
    contest.enter(Role::Peer, "nalgebra", || {
        let x = black_box(x);
        nalgebra::DVectorView::from_slice(x, x.len()).norm_squared().into()
    });
    contest.enter(Role::Peer, "ndarray", || {
        let x = ndarray::ArrayView1::from(&**black_box(x));
        x.dot(&x).into()
    });
    contest.enter(Role::Peer, "simsimd", || {
        let x = black_box(x);
        simsimd::SpatialSimilarity::dot(x, x).unwrap_or(f64::NAN)
    });
    contest.enter(Role::Peer, "numkong", || numkong::ReduceMoments::reduce_moments(black_box(x), 4).1);
    hall.hold(contest);
}

fn squared_f16(hall: &mut Hall, shape: &str, length: usize) {
    if !hall.wants("squared_norm", "float16", shape) {
        return;
    }
    let x = &Buffer::<f16>::numbers(1, length);
    let mut contest = squared(shape, Target::None, x);
    contest.enter(Role::Peer, "simsimd", || {
        // SAFETY: both types are a transparent `u16` with the bits of an IEEE half.
        let x = unsafe { cast::<_, simsimd::f16>(black_box(x)) };
        simsimd::SpatialSimilarity::dot(x, x).unwrap_or(f64::NAN)
    });
    contest.enter(Role::Peer, "numkong", || {
        // SAFETY: both types are a transparent `u16` with the bits of an IEEE half.
        let x = unsafe { cast::<_, numkong::f16>(black_box(x)) };
        numkong::ReduceMoments::reduce_moments(x, 2).1.into()
    });
    hall.hold(contest);
}

fn squared_bf16(hall: &mut Hall, shape: &str, length: usize) {
    if !hall.wants("squared_norm", "bfloat16", shape) {
        return;
    }
    let x = &Buffer::<bf16>::numbers(1, length);
    let mut contest = squared(shape, Target::None, x);
    contest.enter(Role::Peer, "simsimd", || {
        // SAFETY: both types are a transparent `u16` with the bits of a bfloat16.
        let x = unsafe { cast::<_, simsimd::bf16>(black_box(x)) };
        simsimd::SpatialSimilarity::dot(x, x).unwrap_or(f64::NAN)
    });
    contest.enter(Role::Peer, "numkong", || {
        // SAFETY: both types are a transparent `u16` with the bits of a bfloat16.
        let x = unsafe { cast::<_, numkong::bf16>(black_box(x)) };
        numkong::ReduceMoments::reduce_moments(x, 2).1.into()
    });
    hall.hold(contest);
}

fn l1<T: Element>(
    hall: &mut Hall,
    shape: &str,
    length: usize,
    peers: impl for<'a> Fn(&mut Contest<'a>, &'a Buffer<T>),
) {
    if !hall.wants("l1_norm", T::NAME, shape) {
        return;
    }
    let x = &Buffer::<T>::numbers(1, length);
    let answer = l1_norm_with(gradsieve_kernels::Level::SCALAR, x);
    let mut contest = Contest::new("l1_norm", T::NAME, shape, x.bytes().len()).tolerance(1e-4 * answer);
    limits::read_one(&mut contest, x);
    contest.enter_ours(|level| l1_norm_with(level, black_box(x)));
    let term = |x: T| x.widen().abs();
    contest.enter(Role::Peer, "chunked", move || plain::sum_one(black_box(x), term));
    contest.enter(Role::Peer, "chunked, native", move || {
        plain::native(
            #[inline(always)]
            || plain::sum_one(black_box(x), term),
        )
    });
    peers(&mut contest, x);
    hall.hold(contest);
}

fn max<T: Element>(
    hall: &mut Hall,
    shape: &str,
    length: usize,
    peers: impl for<'a> Fn(&mut Contest<'a>, &'a Buffer<T>),
) {
    if !hall.wants("max_abs", T::NAME, shape) {
        return;
    }
    let x = &Buffer::<T>::numbers(1, length);
    let mut contest = Contest::new("max_abs", T::NAME, shape, x.bytes().len());
    limits::read_one(&mut contest, x);
    contest.enter_ours(|level| max_abs_with(level, black_box(x)).into());
    contest.enter(Role::Peer, "chunked", move || plain::max_abs(black_box(x)));
    contest.enter(Role::Peer, "chunked, native", move || {
        plain::native(
            #[inline(always)]
            || plain::max_abs(black_box(x)),
        )
    });
    peers(&mut contest, x);
    hall.hold(contest);
}
