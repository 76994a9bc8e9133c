//! Where the tests' numbers come from: a counter-based stream, so that a failing case is
//! a pure function of its seed.

use gradsieve::{Key, Layout, LayoutId, Projector, Repeat, Sjlt, Sketch, Sketcher};
use gradsieve_kernels::hash::word;

/// Uniform in [0, 1), 53 bits.
pub(crate) fn uniform(seed: u64, i: u64) -> f64 {
    (word(seed, i) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Standard normal, by Box and Muller.
pub(crate) fn normal(seed: u64, i: u64) -> f64 {
    let radius = (-2.0 * (1.0 - uniform(seed, 2 * i)).ln()).sqrt();
    radius * (std::f64::consts::TAU * uniform(seed, 2 * i + 1)).cos()
}

/// A vector of standard normals.
pub(crate) fn normals(seed: u64, len: usize) -> Vec<f32> {
    (0..len as u64).map(|i| normal(seed, i) as f32).collect()
}

/// The sketch of a flat gradient.
pub(crate) fn sketch<'m>(projector: impl Projector, gradient: &[f32], memory: &'m mut [f32]) -> Sketch<'m> {
    let layout = Layout::flat(gradient.len() as u64).unwrap();
    let mut sketcher = Sketcher::new(projector, layout, &mut *memory).unwrap();
    sketcher.segment(0, gradient).unwrap();
    let measures = sketcher.finish().unwrap().measures;
    Sketch::from_parts(projector.id(layout.id()), memory, measures).unwrap()
}

/// Rows as they stand, taken for sketches.
pub(crate) fn row(values: &[f32]) -> Sketch<'_> {
    let layout: LayoutId = Layout::flat(values.len() as u64).unwrap().id();
    let id = gradsieve::Exact::new(values.len()).id(layout);
    Sketch::from_parts(id, values, gradsieve_kernels::summarize(values)).unwrap()
}

/// An SJLT that must exist.
pub(crate) fn sjlt(width: usize, seed: u64, repeat: Repeat) -> Sjlt {
    Sjlt::new(width, Key::seed(seed), repeat).unwrap()
}
