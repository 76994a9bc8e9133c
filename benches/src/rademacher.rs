//! The dense Rademacher projection, one gradient and a batch, against a matrix that is
//! held (at a size at which it fits) and against the loop that makes a sign an element.
//!
//! The limit is p·k additions of `f32` at the rate of the widest registers: what a matrix
//! of signs would cost if making and reading it were free. Looking sums of four up takes
//! fewer additions, so a fraction above 1 is possible.

use crate::contest::{Contest, Hall, Role, Target};
use crate::data::{Buffer, digest};
use crate::limits;
use gradsieve_kernels::{Key, Rademacher, hash, rademacher_batch_with, rademacher_with};
use std::cell::RefCell;
use std::hint::black_box;

const WIDTH: usize = 512;
const SEED: u64 = 7;

/// Holds the contests.
pub fn hold(hall: &mut Hall) {
    for (log, batch, target) in [
        (12, 1, Target::None),
        (12, 16, Target::None),
        (20, 1, Target::Fraction(0.85)),
        // 4.2 ms a gradient.
        (20, 16, Target::Nanoseconds(16.0 * 4.2e6)),
    ] {
        let shape = format!("p = 2^{log}, k = {WIDTH}, batch {batch}");
        if hall.wants("rademacher", "float32", &shape) {
            one(hall, shape, 1 << log, batch, target);
        }
    }
}

fn one(hall: &mut Hall, shape: String, length: usize, batch: usize, target: Target) {
    let Ok(projection) = Rademacher::new(WIDTH, Key::seed(SEED)) else { return };
    let x = &Buffer::<f32>::numbers(1, batch * length);
    let xs: &Vec<&[f32]> = &x.chunks(length).collect();
    let out = &RefCell::new(Buffer::<f32>::zeros(batch * WIDTH));
    // Peers have other signs or another order of summation, and are only checked for
    // being about as large.
    let norm: f64 = x.iter().map(|x| f64::from(*x).powi(2)).sum();
    let mut contest = Contest::new("rademacher", "float32", shape, x.bytes().len())
        .target(target)
        .tolerance(251.0 * 100.0 * (norm * WIDTH as f64).sqrt())
        .output(|| out.borrow_mut().fill(0.0), || digest(&out.borrow()));
    limits::additions(&mut contest, batch * length * WIDTH);
    contest.enter_ours(|level| {
        let mut out = out.borrow_mut();
        let done = match black_box(&xs[..]) {
            [x] => rademacher_with(level, projection, 0, 1.0, x, &mut out),
            xs => rademacher_batch_with(level, projection, 0, xs, &mut out),
        };
        f64::from(done.is_ok())
    });
    if length <= 1 << 12 {
        let held: Vec<f32> = (0..(length * WIDTH) as u64)
            .map(|i| if hash::word(SEED, i) & 1 == 0 { 1.0 } else { -1.0 })
            .collect();
        contest.enter(Role::Peer, "matrixmultiply, held matrix", move || {
            let (x, held, mut out) = (black_box(x), black_box(&held), out.borrow_mut());
            let (p, k) = (length as isize, WIDTH as isize);
            // SAFETY: batch × p times p × k gives batch × k, all stored by rows and of
            // these sizes.
            unsafe {
                matrixmultiply::sgemm(
                    batch,
                    length,
                    WIDTH,
                    1.0,
                    x.as_ptr(),
                    p,
                    1,
                    held.as_ptr(),
                    k,
                    1,
                    1.0,
                    out.as_mut_ptr(),
                    k,
                    1,
                );
            }
            0.0
        });
        contest.enter(Role::Peer, "loop, a hash for 64 signs", || {
            let (xs, mut out) = (black_box(xs), out.borrow_mut());
            for (x, out) in xs.iter().zip(out.chunks_mut(WIDTH)) {
                for (i, x) in (0..).zip(*x) {
                    for (m, out) in (0..).zip(out.chunks_mut(64)) {
                        let word = hash::word(SEED, i * (WIDTH as u64 / 64) + m);
                        for (bit, out) in out.iter_mut().enumerate() {
                            *out += f32::from_bits(x.to_bits() ^ (((word >> bit) as u32 & 1) << 31));
                        }
                    }
                }
            }
            0.0
        });
    }
    hall.hold(contest);
}
