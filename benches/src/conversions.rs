//! Widening and narrowing. The limit moves the same bytes and converts nothing.

use crate::contest::{Contest, Hall, Role};
use crate::data::{Buffer, digest};
use crate::limits;
use crate::machine::Footprint;
use gradsieve_kernels::{Element, narrow_with, widen_with};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use std::cell::RefCell;
use std::hint::black_box;

/// Holds the contests.
pub fn hold(hall: &mut Hall) {
    for footprint in Footprint::ALL {
        let length = hall.machine.bytes(footprint) / 6;
        widen::<f16, numkong::f16>(hall, footprint.name(), length);
        widen::<bf16, numkong::bf16>(hall, footprint.name(), length);
        narrow::<f16, numkong::f16>(hall, footprint.name(), length);
        narrow::<bf16, numkong::bf16>(hall, footprint.name(), length);
    }
}

/// `N` is numkong's type with the bits of `T`.
fn widen<T: Element, N: numkong::CastDtype>(hall: &mut Hall, shape: &str, length: usize)
where
    [T]: HalfFloatSliceExt,
{
    if !hall.wants("widen", T::NAME, shape) {
        return;
    }
    let (x, y) = (&Buffer::<T>::numbers(1, length), &RefCell::new(Buffer::<f32>::zeros(length)));
    let mut contest = Contest::new("widen", T::NAME, shape, 6 * length)
        .output(|| y.borrow_mut().fill(0.0), || digest(&y.borrow()));
    limits::copy(&mut contest, x, y);
    contest.enter_ours(|level| f64::from(widen_with(level, black_box(x), &mut y.borrow_mut()).is_ok()));
    contest.enter(Role::Peer, "half", || {
        black_box(x).convert_to_f32_slice(&mut y.borrow_mut());
        0.0
    });
    contest.enter(Role::Peer, "numkong", || {
        // SAFETY: both types are a transparent `u16` with the bits of the same format.
        let x = unsafe { crate::dots::cast::<T, N>(black_box(x)) };
        f64::from(numkong::cast(x, &mut y.borrow_mut()).is_some())
    });
    hall.hold(contest);
}

/// `N` is numkong's type with the bits of `T`.
fn narrow<T: Element, N: numkong::CastDtype>(hall: &mut Hall, shape: &str, length: usize)
where
    [T]: HalfFloatSliceExt,
{
    if !hall.wants("narrow", T::NAME, shape) {
        return;
    }
    let (x, y) = (&Buffer::<f32>::numbers(1, length), &RefCell::new(Buffer::<T>::zeros(length)));
    let mut contest = Contest::new("narrow", T::NAME, shape, 6 * length)
        .output(|| y.borrow_mut().fill(T::ZERO), || digest(&y.borrow()));
    limits::copy(&mut contest, x, y);
    contest.enter_ours(|level| f64::from(narrow_with(level, black_box(x), &mut y.borrow_mut()).is_ok()));
    contest.enter(Role::Peer, "half", || {
        y.borrow_mut().convert_from_f32_slice(black_box(x));
        0.0
    });
    contest.enter(Role::Peer, "numkong", || {
        let mut y = y.borrow_mut();
        // SAFETY: both types are a transparent `u16` with the bits of the same format;
        // the length is unchanged.
        let y = unsafe { std::slice::from_raw_parts_mut(y.as_mut_ptr().cast::<N>(), y.len()) };
        f64::from(numkong::cast(black_box(x), y).is_some())
    });
    hall.hold(contest);
}
