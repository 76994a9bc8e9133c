//! Dot products of two gradients of a linear layer from their factors, against gradients
//! that are formed.
//!
//! The limit reads the factors.

use crate::contest::{Contest, Hall, Role};
use crate::data::Buffer;
use crate::limits;
use gradsieve::ghost::{self, LayerGradient};
use gradsieve::{Layer, Sequence};
use gradsieve_kernels::{Level, axpy, dot};
use std::cell::RefCell;
use std::hint::black_box;

/// Outputs and inputs of the layer.
const WIDTH: usize = 1024;

/// Holds the contests.
pub fn hold(hall: &mut Hall) {
    for positions in [1, 16] {
        let shape = format!("{WIDTH} x {WIDTH}, {positions} positions");
        if hall.wants("ghost dot", "float32", &shape) {
            one(hall, shape, positions);
        }
    }
}

fn one(hall: &mut Hall, shape: String, positions: usize) {
    let layer = Layer::new(0, WIDTH as u64, WIDTH as u64);
    // Inputs and output gradients, sample by sample.
    let [x, y] = &[1, 2].map(|seed| Buffer::<f32>::numbers(seed, 2 * positions * WIDTH));
    let formed = RefCell::new([1, 2].map(|_| Buffer::<f32>::zeros(WIDTH * WIDTH)));
    let of = |x| {
        let (a, b) = black_box::<&Buffer<f32>>(x).split_at(positions * WIDTH);
        Sequence::new(&layer, positions, a, b)
    };
    let product = || match (of(x), of(y)) {
        (Ok(x), Ok(y)) => ghost::dot(&[LayerGradient::Linear(x)], &[LayerGradient::Linear(y)]),
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    let norms = [x, y].map(|x| x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>());
    let mut contest = Contest::new("ghost dot", "float32", shape, x.bytes().len() + y.bytes().len())
        .tolerance(1e-5 * norms[0] * norms[1]);
    limits::read_two(&mut contest, x, y);
    contest.enter(Role::Ours(Level::best()), Level::best().name(), || product().unwrap_or(f64::NAN));
    contest.enter(Role::Peer, "formed, then dot", || {
        let [left, right] = &mut *formed.borrow_mut();
        for (x, formed) in [(x, &mut *left), (y, &mut *right)] {
            formed.fill(0.0);
            let (a, b) = black_box(x).split_at(positions * WIDTH);
            for (a, b) in a.chunks_exact(WIDTH).zip(b.chunks_exact(WIDTH)) {
                for (row, b) in formed.chunks_exact_mut(WIDTH).zip(b) {
                    if axpy(*b, a, row).is_err() {
                        return f64::NAN;
                    }
                }
            }
        }
        dot(left, right).unwrap_or(f64::NAN)
    });
    hall.hold(contest);
}
