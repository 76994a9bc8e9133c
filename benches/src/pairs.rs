//! One pass over two vectors: dot, both squared norms, L1 of the first.

use crate::contest::{Contest, Hall, Role, Target};
use crate::data::Buffer;
use crate::machine::Footprint;
use crate::{limits, plain};
use gradsieve_kernels::{Element, Level, dot, l1_norm, pair_with, squared_norm};
use half::{bf16, f16};
use std::hint::black_box;

/// Holds the contests.
pub fn hold(hall: &mut Hall) {
    for (footprint, target) in Footprint::ALL.into_iter().zip([f64::NAN, 0.97, 0.99, 0.90]) {
        let bytes = hall.machine.bytes(footprint);
        of::<f32>(hall, footprint.name(), bytes / 8, Target::Fraction(target));
        of::<f16>(hall, footprint.name(), bytes / 4, Target::None);
        of::<bf16>(hall, footprint.name(), bytes / 4, Target::None);
    }
}

fn of<T: Element>(hall: &mut Hall, shape: &str, length: usize, target: Target) {
    if !hall.wants("pair", T::NAME, shape) {
        return;
    }
    let (x, y) = (&Buffer::<T>::numbers(1, length), &Buffer::<T>::numbers(2, length));
    let ours = |level| {
        let pair = pair_with(level, black_box(x), black_box(y)).unwrap_or_default();
        pair.dot + pair.x_squared + pair.y_squared + pair.x_l1
    };
    let bytes = 2 * x.bytes().len();
    let tolerance = 1e-4 * ours(Level::best()).abs();
    let mut contest = Contest::new("pair", T::NAME, shape, bytes).target(target).tolerance(tolerance);
    limits::read_two(&mut contest, x, y);
    contest.enter_ours(ours);
    contest.enter(Role::Peer, "chunked", || plain::pair(black_box(x), black_box(y)).iter().sum());
    contest.enter(Role::Peer, "chunked, native", || {
        plain::native(
            #[inline(always)]
            || plain::pair(black_box(x), black_box(y)).iter().sum(),
        )
    });
    contest.enter(Role::Variant, "our four calls", || {
        let (x, y) = (black_box(x), black_box(y));
        dot(x, y).unwrap_or(f64::NAN) + squared_norm(x) + squared_norm(y) + l1_norm(x)
    });
    hall.hold(contest);
}
