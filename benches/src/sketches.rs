//! The blocked SJLT against two count-sketches: one hash an element, and a table of
//! places that is read along.
//!
//! The limit reads the gradient once; the output, a few kilobytes, stays in the level-1
//! cache.

use crate::contest::{Contest, Hall, Role, Target};
use crate::data::Buffer;
use crate::limits;
use crate::machine::Footprint;
use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::{Element, Key, Sjlt, hash, sjlt_with};
use half::{bf16, f16};
use std::cell::RefCell;
use std::hint::black_box;

const WIDTH: usize = 512;
/// Not a power of two, and a multiple of 32·s for every s.
const ODD_WIDTH: usize = 640;

/// Holds the contests.
pub fn hold(hall: &mut Hall) {
    const NONE: [f64; 3] = [f64::NAN; 3];
    of::<f32>(hall, WIDTH, Repeat::One, [0.42, 1.0, 0.87]);
    of::<f32>(hall, ODD_WIDTH, Repeat::One, [0.42, 1.0, 0.87]);
    of::<f32>(hall, WIDTH, Repeat::Two, [f64::NAN, 1.0, 0.79]);
    of::<f32>(hall, WIDTH, Repeat::Four, [f64::NAN, 0.55, 0.74]);
    of::<f16>(hall, WIDTH, Repeat::One, [0.18, 0.45, 0.79]);
    of::<f16>(hall, WIDTH, Repeat::Two, NONE);
    of::<f16>(hall, WIDTH, Repeat::Four, NONE);
    of::<bf16>(hall, WIDTH, Repeat::One, NONE);
    of::<bf16>(hall, WIDTH, Repeat::Two, NONE);
    of::<bf16>(hall, WIDTH, Repeat::Four, NONE);
}

fn of<T: Element>(hall: &mut Hall, width: usize, repeat: Repeat, targets: [f64; 3]) {
    for (footprint, target) in Footprint::BEYOND_L1.into_iter().zip(targets) {
        let shape = format!("{}, k = {width}, s = {}", footprint.name(), repeat.count());
        if hall.wants("sjlt", T::NAME, &shape) {
            let length = hall.machine.bytes(footprint) / size_of::<T>();
            let x = Buffer::<T>::numbers(1, length);
            one(hall, shape, width, repeat, &x, Target::Fraction(target));
        }
    }
}

fn one<T: Element>(
    hall: &mut Hall,
    shape: String,
    width: usize,
    repeat: Repeat,
    x: &Buffer<T>,
    target: Target,
) {
    let out = &RefCell::new(Buffer::<f32>::zeros(width));
    let table: Vec<u16> = (0..x.len() * repeat.count())
        .map(|i| {
            let word = hash::word(7, i as u64);
            let range = (width / repeat.count()) as u64;
            let partition = range * (i % repeat.count()) as u64;
            (partition + hash::below(word >> 32, 32, range)) as u16 | (word as u16 & 1) << 15
        })
        .collect();
    let table = &table;
    // The projections differ between candidates, the squared norm of the sketch only by
    // chance: its standard deviation is √(2/k) of it, 6 % for k = 512. (Ours must agree
    // exactly.)
    let norm: f64 = x.iter().map(|x| f64::from(x.widen()).powi(2)).sum();
    let mut contest = Contest::new("sjlt", T::NAME, shape, x.bytes().len())
        .target(target)
        .tolerance(0.5 * norm * repeat.count() as f64)
        .output(|| out.borrow_mut().fill(0.0), || out.borrow().iter().map(|x| f64::from(*x).powi(2)).sum());
    limits::read_one(&mut contest, x);
    let projection = Sjlt::new(Key::seed(7), repeat);
    contest.enter_ours(|level| {
        let done = sjlt_with(level, projection, black_box(0), black_box(x), &mut out.borrow_mut());
        f64::from(done.is_ok())
    });
    contest.enter(Role::Peer, "scatter, hash an element", || {
        let mut out = out.borrow_mut();
        let range = (width / repeat.count()) as u64;
        for (i, x) in (0..).zip(black_box(x).iter()) {
            for (s, out) in (0..).zip(out.chunks_mut(range as usize)) {
                let word = hash::word(7, i * repeat.count() as u64 + s);
                let sign = f32::from_bits((word as u32 & 1) << 31 | 1_f32.to_bits());
                out[hash::below(word >> 32, 32, range) as usize] += sign * x.widen();
            }
        }
        0.0
    });
    contest.enter(Role::Peer, "scatter, table", move || {
        let mut out = out.borrow_mut();
        for (x, places) in black_box(x).iter().zip(black_box(table).chunks_exact(repeat.count())) {
            let x = x.widen();
            for place in places {
                let flip = u32::from(place >> 15) << 31;
                out[usize::from(place & 0x7FFF)] += f32::from_bits(x.to_bits() ^ flip);
            }
        }
        0.0
    });
    hall.hold(contest);
}
