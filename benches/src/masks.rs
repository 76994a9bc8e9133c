//! A mask of one block in eight, sixteen or thirty-two before the SJLT, against the loop
//! that picks, and against the SJLT of everything.
//!
//! The limit reads the gradient once, all of it: a mask reads a part, so a fraction above
//! 1 is possible.

use crate::contest::{Contest, Hall, Role, Target};
use crate::data::Buffer;
use crate::limits;
use crate::machine::Footprint;
use core::num::NonZeroU16;
use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::{Element, Key, Level, Mask, hash, mask_with, sjlt_with};
use half::f16;
use std::cell::RefCell;
use std::hint::black_box;

const WIDTH: usize = 512;
const EVERY: [u16; 3] = [8, 16, 32];
const SEED: u64 = 7;

/// Holds the contests.
pub fn hold(hall: &mut Hall) {
    of::<f32>(hall);
    of::<f16>(hall);
}

fn of<T: Element>(hall: &mut Hall) {
    for footprint in Footprint::BEYOND_L1 {
        for every in EVERY {
            let shape = format!("{}, k = {WIDTH}, one in {every}", footprint.name());
            if hall.wants("mask", T::NAME, &shape) {
                let length = hall.machine.bytes(footprint) / size_of::<T>();
                one(hall, shape, every, &Buffer::<T>::numbers(1, length));
            }
        }
    }
}

fn one<T: Element>(hall: &mut Hall, shape: String, every: u16, x: &Buffer<T>) {
    let Some(every) = NonZeroU16::new(every) else { return };
    let out = &RefCell::new(Buffer::<f32>::zeros(WIDTH));
    // As for the SJLT: the squared norms of what is kept agree but for chance.
    let norm: f64 = x.iter().map(|x| f64::from(x.widen()).powi(2)).sum();
    let mut contest = Contest::new("mask", T::NAME, shape, x.bytes().len())
        .target(Target::None)
        .tolerance(2.0 * norm)
        .output(|| out.borrow_mut().fill(0.0), || out.borrow().iter().map(|x| f64::from(*x).powi(2)).sum());
    limits::read_one(&mut contest, x);
    let projection = Mask::new(Key::seed(SEED), Repeat::One, every);
    contest.enter_ours(|level| {
        let done = mask_with(level, projection, black_box(0), 1.0, black_box(x), &mut out.borrow_mut());
        f64::from(done.is_ok())
    });
    contest.enter(Role::Variant, "the SJLT of everything", move || {
        let (x, mut out) = (black_box(x), out.borrow_mut());
        f64::from(sjlt_with(Level::best(), projection.sjlt(), black_box(0), x, &mut out).is_ok())
    });
    contest.enter(Role::Peer, "loop, a pick of each", || {
        let (x, mut out) = (black_box(x), out.borrow_mut());
        for (t, x) in (0..).zip(x.chunks_exact(every.get().into())) {
            let word = hash::word(SEED, t);
            let x = x[word as usize & (x.len() - 1)].widen();
            let sign = f32::from_bits(((word >> 5) as u32 & 1) << 31 | 1_f32.to_bits());
            out[hash::below(word >> 32, 32, WIDTH as u64) as usize] += sign * x;
        }
        0.0
    });
    hall.hold(contest);
}
