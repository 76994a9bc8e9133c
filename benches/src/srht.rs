//! The blocked SRHT against the loops that a programmer would write: signs, transform,
//! scatter. The SJLT alone runs beside it, so that what the transform costs is visible.
//!
//! The limit reads the gradient once; the block and the output stay in the level-1 cache.

use crate::contest::{Contest, Hall, Role, Target};
use crate::data::Buffer;
use crate::machine::Footprint;
use crate::{limits, plain};
use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::srht::BLOCK;
use gradsieve_kernels::{Element, Key, Level, Sjlt, Srht, hash, sjlt_with, srht_with};
use half::f16;
use std::cell::RefCell;
use std::hint::black_box;

const WIDTH: usize = 512;
const SEED: u64 = 7;

/// Holds the contests.
pub fn hold(hall: &mut Hall) {
    // 2.5 times the SJLT's time, whose own targets are 0.42, 1 and 0.87.
    of::<f32>(hall, [0.42 / 2.5, 1.0 / 2.5, 0.87 / 2.5]);
    of::<f16>(hall, [f64::NAN; 3]);
}

fn of<T: Element>(hall: &mut Hall, targets: [f64; 3]) {
    for (footprint, target) in Footprint::BEYOND_L1.into_iter().zip(targets) {
        let shape = format!("{}, k = {WIDTH}", footprint.name());
        if hall.wants("srht", T::NAME, &shape) {
            let length = hall.machine.bytes(footprint) / size_of::<T>() / BLOCK * BLOCK;
            let x = Buffer::<T>::numbers(1, length);
            one(hall, shape, &x, Target::Fraction(target));
        }
    }
}

fn one<T: Element>(hall: &mut Hall, shape: String, x: &Buffer<T>, target: Target) {
    let out = &RefCell::new(Buffer::<f32>::zeros(WIDTH));
    // As for the SJLT: the squared norms agree but for chance.
    let norm: f64 = x.iter().map(|x| f64::from(x.widen()).powi(2)).sum();
    let mut contest = Contest::new("srht", T::NAME, shape, x.bytes().len())
        .target(target)
        .tolerance(1.5 * BLOCK as f64 * norm)
        .output(|| out.borrow_mut().fill(0.0), || out.borrow().iter().map(|x| f64::from(*x).powi(2)).sum());
    limits::read_one(&mut contest, x);
    let projection = Srht::new(Key::seed(SEED));
    contest.enter_ours(|level| {
        let done = srht_with(level, projection, black_box(0), 1.0, black_box(x), &mut out.borrow_mut());
        f64::from(done.is_ok())
    });
    let alone = Sjlt::new(Key::seed(SEED), Repeat::One);
    contest.enter(Role::Variant, "the SJLT alone", move || {
        let done = sjlt_with(Level::best(), alone, black_box(0), black_box(x), &mut out.borrow_mut());
        f64::from(done.is_ok())
    });
    contest.enter(Role::Peer, "loops, native", || {
        let (x, mut out) = (black_box(x), out.borrow_mut());
        plain::native(
            #[inline(always)]
            || loops(x, &mut out),
        );
        0.0
    });
    hall.hold(contest);
}

/// The three steps as loops, with one hash for 64 signs and one for a place.
#[inline(always)]
fn loops<T: Element>(x: &[T], out: &mut [f32]) {
    let mut block = [0.0_f32; BLOCK];
    for (start, x) in (0..).step_by(BLOCK).zip(x.chunks_exact(BLOCK)) {
        for (w, (to, x)) in (start / 64..).zip(block.chunks_mut(64).zip(x.chunks(64))) {
            let word = hash::word(SEED, w);
            for (bit, (to, x)) in to.iter_mut().zip(x).enumerate() {
                *to = f32::from_bits(x.widen().to_bits() ^ ((word >> bit) as u32) << 31);
            }
        }
        plain::hadamard(&mut block);
        for (i, x) in (start..).zip(&block) {
            let word = hash::word(!SEED, i);
            let sign = f32::from_bits((word as u32 & 1) << 31 | 1_f32.to_bits());
            out[hash::below(word >> 32, 32, WIDTH as u64) as usize] += sign * x;
        }
    }
}
