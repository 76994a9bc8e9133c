//! The sketch of a linear layer's gradient b aᵀ from its factors, against those that see
//! every entry: the gradient formed and then sketched, and the sketcher's rows that are
//! never written down.
//!
//! All of them measure, too: L1 and squared L2 norm, maximum and non-finite entries. The
//! limit reads the two factors.

use crate::contest::{Contest, Hall, Role};
use crate::data::Buffer;
use crate::limits;
use gradsieve::{FactGrass, Factor, Key, Layer, Layout, Logra, Projector, Repeat, Sjlt, Sketcher, Widths};
use gradsieve_kernels::Level;
use std::cell::RefCell;
use std::hint::black_box;

/// Outputs and inputs of the layer.
const WIDTH: usize = 1024;

/// Holds the contests.
pub fn hold(hall: &mut Hall) {
    let layer = Layer::new(0, WIDTH as u64, WIDTH as u64);
    for (outputs, inputs) in [(16, 16), (16, 32), (64, 64)] {
        let shape = format!("{WIDTH} x {WIDTH}, k = {outputs} x {inputs}");
        let widths = Widths { outputs, inputs };
        if let Ok(projector) = Logra::new(layer, widths, Factor::Rademacher, Key::seed(7)) {
            one(hall, "logra", shape, layer, projector);
        }
    }
    for (kept, width) in [(32, 256), (64, 256), (64, 4096)] {
        let shape = format!("{WIDTH} x {WIDTH}, {kept} x {kept} kept, k = {width}");
        let kept = Widths { outputs: kept, inputs: kept };
        if let Ok(projector) = FactGrass::new(layer, kept, width, Key::seed(7), Repeat::One) {
            one(hall, "factgrass", shape, layer, projector);
        }
    }
}

fn one(hall: &mut Hall, kernel: &'static str, shape: String, layer: Layer, projector: impl Projector) {
    let width = projector.width();
    let (Ok(layout), Ok(dense)) = (Layout::new(&[layer]), Sjlt::new(width, Key::seed(7), Repeat::One)) else {
        return;
    };
    if !hall.wants(kernel, "float32", &shape) {
        return;
    }
    let (a, b) = (&Buffer::<f32>::numbers(1, WIDTH), &Buffer::<f32>::numbers(2, WIDTH));
    let out = &RefCell::new(Buffer::<f32>::zeros(width));
    let formed = RefCell::new(Buffer::<f32>::zeros(WIDTH * WIDTH));
    let norms = [a, b].map(|x| x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>());
    // Projections differ between candidates: their squared norms are only about the
    // gradient's.
    let mut contest = Contest::new(kernel, "float32", shape, a.bytes().len() + b.bytes().len())
        .tolerance(3.0 * norms[0] * norms[1])
        .output(|| (), || out.borrow().iter().map(|x| f64::from(*x).powi(2)).sum());
    limits::read_two(&mut contest, a, b);
    contest.enter(Role::Ours(Level::best()), Level::best().name(), move || {
        sketched(projector, layout, &mut out.borrow_mut(), |sketcher| {
            sketcher.outer(black_box(&layer), black_box(a), black_box(b)).is_ok()
        })
    });
    contest.enter(Role::Peer, "formed, then SJLT", || {
        let mut formed = formed.borrow_mut();
        for (row, b) in formed.chunks_exact_mut(WIDTH).zip(black_box(b).iter()) {
            for (entry, a) in row.iter_mut().zip(black_box(a).iter()) {
                *entry = b * a;
            }
        }
        sketched(dense, layout, &mut out.borrow_mut(), |sketcher| {
            sketcher.segment(0, black_box(&formed)).is_ok()
        })
    });
    contest.enter(Role::Peer, "SJLT of rows", || {
        sketched(dense, layout, &mut out.borrow_mut(), |sketcher| {
            sketcher.outer(black_box(&layer), black_box(a), black_box(b)).is_ok()
        })
    });
    hall.hold(contest);
}

/// One gradient from its beginning to its end; its measures make the answer.
fn sketched<P: Projector>(
    projector: P,
    layout: Layout,
    out: &mut [f32],
    take: impl FnOnce(&mut Sketcher<P, &mut [f32]>) -> bool,
) -> f64 {
    let Ok(mut sketcher) = Sketcher::new(projector, layout, out) else { return f64::NAN };
    if !take(&mut sketcher) {
        return f64::NAN;
    }
    sketcher.finish().map_or(f64::NAN, |sketch| sketch.measures.l2_squared)
}
