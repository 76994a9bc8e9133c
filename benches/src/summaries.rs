//! One pass over a gradient: L1, squared L2, maximum, and the count of non-finite
//! entries.

use crate::contest::{Contest, Hall, Role};
use crate::data::Buffer;
use crate::machine::Footprint;
use crate::{limits, plain};
use gradsieve_kernels::{Element, Level, l1_norm, max_abs, squared_norm, summarize_with};
use half::{bf16, f16};
use std::hint::black_box;

/// Holds the contests.
pub fn hold(hall: &mut Hall) {
    for footprint in Footprint::ALL {
        let bytes = hall.machine.bytes(footprint);
        of::<f32>(hall, footprint.name(), bytes / 4);
        of::<f16>(hall, footprint.name(), bytes / 2);
        of::<bf16>(hall, footprint.name(), bytes / 2);
    }
}

fn of<T: Element>(hall: &mut Hall, shape: &str, length: usize) {
    if !hall.wants("summarize", T::NAME, shape) {
        return;
    }
    let x = &Buffer::<T>::numbers(1, length);
    let ours = |level| {
        let summary = summarize_with(level, black_box(x));
        summary.l1 + summary.l2_squared + f64::from(summary.max) + summary.non_finite as f64
    };
    let tolerance = 1e-4 * ours(Level::best()).abs();
    let mut contest = Contest::new("summarize", T::NAME, shape, x.bytes().len()).tolerance(tolerance);
    limits::read_one(&mut contest, x);
    contest.enter_ours(ours);
    contest.enter(Role::Peer, "chunked", || plain::summary(black_box(x)));
    contest.enter(Role::Peer, "chunked, native", || {
        plain::native(
            #[inline(always)]
            || plain::summary(black_box(x)),
        )
    });
    contest.enter(Role::Variant, "our three calls", || {
        let x = black_box(x);
        l1_norm(x) + squared_norm(x) + f64::from(max_abs(x))
    });
    hall.hold(contest);
}
