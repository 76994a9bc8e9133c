//! y ← y + α·x. The limit reads both and writes one.

use crate::contest::{Contest, Hall, Role};
use crate::data::{Buffer, digest};
use crate::machine::Footprint;
use crate::{limits, plain};
use gradsieve_kernels::{Element, axpy_with};
use half::{bf16, f16};
use std::cell::RefCell;
use std::hint::black_box;

const ALPHA: f32 = 0.5;

/// Holds the contests.
pub fn hold(hall: &mut Hall) {
    for footprint in Footprint::ALL {
        let bytes = hall.machine.bytes(footprint);
        of::<f32>(hall, footprint.name(), bytes / 8, |contest, x, y| {
            contest.enter(Role::Peer, "nalgebra", move || {
                let (x, mut y) = (black_box(x), y.borrow_mut());
                let length = y.len();
                let mut y = nalgebra::DVectorViewMut::from_slice(&mut y, length);
                y.axpy(black_box(ALPHA), &nalgebra::DVectorView::from_slice(x, x.len()), 1.0);
                0.0
            });
            contest.enter(Role::Peer, "ndarray", move || {
                let mut y = y.borrow_mut();
                let x = ndarray::ArrayView1::from(&**black_box(x));
                ndarray::ArrayViewMut1::from(&mut **y).scaled_add(black_box(ALPHA), &x);
                0.0
            });
        });
        of::<f16>(hall, footprint.name(), bytes / 6, |_, _, _| {});
        of::<bf16>(hall, footprint.name(), bytes / 6, |_, _, _| {});
    }
}

fn of<T: Element>(
    hall: &mut Hall,
    shape: &str,
    length: usize,
    peers: impl for<'a> Fn(&mut Contest<'a>, &'a Buffer<T>, &'a RefCell<Buffer<f32>>),
) {
    if !hall.wants("axpy", T::NAME, shape) {
        return;
    }
    let (x, y) = (&Buffer::<T>::numbers(1, length), &RefCell::new(Buffer::<f32>::zeros(length)));
    let bytes = x.bytes().len() + 8 * length;
    let mut contest = Contest::new("axpy", T::NAME, shape, bytes)
        .tolerance(1e-3)
        .output(|| y.borrow_mut().fill(0.0), || digest(&y.borrow()));
    limits::update(&mut contest, x, y);
    contest.enter_ours(|level| {
        f64::from(axpy_with(level, black_box(ALPHA), black_box(x), &mut y.borrow_mut()).is_ok())
    });
    contest.enter(Role::Peer, "loop", || {
        plain::axpy(black_box(ALPHA), black_box(x), &mut y.borrow_mut());
        0.0
    });
    contest.enter(Role::Peer, "loop, native", || {
        let mut y = y.borrow_mut();
        plain::native(
            #[inline(always)]
            || plain::axpy(black_box(ALPHA), black_box(x), &mut y),
        );
        0.0
    });
    peers(&mut contest, x, y);
    hall.hold(contest);
}
