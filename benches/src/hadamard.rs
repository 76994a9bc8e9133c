//! The Walsh–Hadamard transform against the plain loop. The limit reads and writes the
//! data once.
//!
//! The data is transformed in place again and again; it is zero, so that it stays what it
//! is. (Additions take one time whatever their operands, subnormal ones apart.) For the
//! check, it is set to numbers first.

use crate::contest::{Contest, Hall, Role, Target};
use crate::data::{Buffer, digest};
use crate::{limits, plain};
use gradsieve_kernels::hadamard_with;
use std::cell::RefCell;
use std::hint::black_box;

/// Logarithms of the lengths.
const LOGS: [u32; 5] = [6, 8, 12, 16, 20];

/// Holds the contests.
pub fn hold(hall: &mut Hall) {
    for log in LOGS {
        let shape = format!("n = 2^{log}");
        if hall.wants("hadamard", "float32", &shape) {
            one(hall, shape, 1 << log);
        }
    }
}

fn one(hall: &mut Hall, shape: String, length: usize) {
    let source = &Buffer::<f32>::numbers(1, length);
    let zeros = &Buffer::<f32>::zeros(length);
    let x = &RefCell::new(Buffer::<f32>::zeros(length));
    // Read when the check is over, this leaves zeros behind for the race.
    let read = || {
        let answer = digest(&x.borrow());
        x.borrow_mut().fill(0.0);
        answer
    };
    let mut contest = Contest::new("hadamard", "float32", shape, 8 * length)
        .target(Target::None)
        .tolerance(1e-2 * length as f64)
        .output(|| x.borrow_mut().copy_from_slice(source), read);
    limits::update(&mut contest, zeros, x);
    contest.enter_ours(|level| f64::from(hadamard_with(level, black_box(&mut x.borrow_mut())).is_ok()));
    contest.enter(Role::Peer, "loop", || {
        plain::hadamard(black_box(&mut x.borrow_mut()));
        0.0
    });
    contest.enter(Role::Peer, "loop, native", || {
        let mut x = x.borrow_mut();
        plain::native(
            #[inline(always)]
            || plain::hadamard(black_box(&mut x)),
        );
        0.0
    });
    hall.hold(contest);
}
