//! The dense Gaussian projection against a matrix that is held (at a size at which it
//! fits), and against the loop that makes a normal number an entry, by Box and Muller in
//! `f32`.
//!
//! The limit is p·k multiplications and additions of `f32`: what a matrix of normal
//! numbers would cost if making and reading it were free.

use crate::contest::{Contest, Hall, Role, Target};
use crate::data::{Buffer, digest};
use crate::limits;
use gradsieve_kernels::{Gaussian, Key, gaussian_with, hash};
use std::cell::RefCell;
use std::hint::black_box;

const WIDTH: usize = 512;
const SEED: u64 = 7;

/// Holds the contests.
pub fn hold(hall: &mut Hall) {
    for log in [12, 18] {
        let shape = format!("p = 2^{log}, k = {WIDTH}");
        if hall.wants("gaussian", "float32", &shape) {
            one(hall, shape, 1 << log);
        }
    }
}

fn one(hall: &mut Hall, shape: String, length: usize) {
    let Ok(projection) = Gaussian::new(WIDTH, Key::seed(SEED)) else { return };
    let x = &Buffer::<f32>::numbers(1, length);
    let out = &RefCell::new(Buffer::<f32>::zeros(WIDTH));
    // Peers have other numbers, and are only checked for being about as large.
    let norm: f64 = x.iter().map(|x| f64::from(*x).powi(2)).sum();
    let mut contest = Contest::new("gaussian", "float32", shape, x.bytes().len())
        .target(Target::None)
        .tolerance(251.0 * 100.0 * (norm * WIDTH as f64).sqrt())
        .output(|| out.borrow_mut().fill(0.0), || digest(&out.borrow()));
    limits::multiply_add(&mut contest, "float32", length * WIDTH);
    contest.enter_ours(|level| {
        let done = gaussian_with(level, projection, 0, 1.0, black_box(x), &mut out.borrow_mut());
        f64::from(done.is_ok())
    });
    if length <= 1 << 12 {
        let mut held = vec![0.0_f32; length * WIDTH];
        for (i, pair) in (0..).zip(held.chunks_exact_mut(2)) {
            pair.copy_from_slice(&two_normals(i));
        }
        contest.enter(Role::Peer, "matrixmultiply, held matrix", move || {
            let (x, held, mut out) = (black_box(x), black_box(&held), out.borrow_mut());
            let (p, k) = (length as isize, WIDTH as isize);
            // SAFETY: 1 × p times p × k gives 1 × k, all stored by rows and of these
            // sizes.
            unsafe {
                matrixmultiply::sgemm(
                    1,
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
        contest.enter(Role::Peer, "loop, Box and Muller", || {
            let (x, mut out) = (black_box(x), out.borrow_mut());
            for (i, x) in (0..).zip(x.iter()) {
                for (m, out) in (0..).zip(out.chunks_exact_mut(2)) {
                    let [a, b] = two_normals(i * (WIDTH as u64 / 2) + m);
                    out[0] += a * x;
                    out[1] += b * x;
                }
            }
            0.0
        });
    }
    hall.hold(contest);
}

fn two_normals(counter: u64) -> [f32; 2] {
    let word = hash::word(SEED, counter);
    let unit = |bits: u64| (bits as f32 + 0.5) / (1 << 24) as f32;
    let (radius, angle) =
        ((-2.0 * unit(word >> 40).ln()).sqrt(), core::f32::consts::TAU * unit(word & 0xFF_FFFF));
    [radius * angle.cos(), radius * angle.sin()]
}
