//! Claims about the coordinates of largest moment in eigenbases; `tests/golden/eigen.py`
//! says what NumPy makes of the same factors.

use gradsieve_harness::truth::{EigenCoordinates, EigenFit};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    kept: usize,
    layers: Vec<LayerFactors>,
    widths: Vec<usize>,
    gram: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct LayerFactors {
    outputs: usize,
    inputs: usize,
    a: Vec<Vec<f32>>,
    b: Vec<Vec<f32>>,
}

impl Golden {
    fn read() -> Self {
        serde_json::from_str(include_str!("../golden/eigen.json")).unwrap()
    }

    fn fitted(&self, kept: usize) -> EigenCoordinates {
        let shapes: Vec<(usize, usize)> = self.layers.iter().map(|l| (l.outputs, l.inputs)).collect();
        let mut fit = EigenFit::new(&shapes);
        self.each(|layer, a, b| fit.observe(layer, a, b));
        let mut moments = fit.bases();
        self.each(|layer, a, b| moments.observe(layer, a, b));
        moments.largest(kept)
    }

    fn each(&self, mut act: impl FnMut(usize, &[f32], &[f32])) {
        for (number, layer) in self.layers.iter().enumerate() {
            layer.a.iter().zip(&layer.b).for_each(|(a, b)| act(number, a, b));
        }
    }

    /// What is kept of each sample.
    fn rows(&self, kept: &EigenCoordinates) -> Vec<Vec<f32>> {
        let mut rows = vec![vec![0.0; kept.width()]; self.gram.len()];
        for (number, layer) in self.layers.iter().enumerate() {
            for (row, (a, b)) in rows.iter_mut().zip(layer.a.iter().zip(&layer.b)) {
                kept.outer(number, a, b, row);
            }
        }
        rows
    }
}

#[test]
fn eigen_coordinates_are_those_of_numpy() {
    let golden = Golden::read();
    let kept = golden.fitted(golden.kept);
    assert_eq!(kept.width(), golden.kept);
    assert_eq!([kept.width_of(0), kept.width_of(1)], golden.widths[..]);
    let rows = golden.rows(&kept);
    let largest = golden.gram.iter().flatten().fold(0.0_f64, |m, g| m.max(g.abs()));
    for (row, expected) in rows.iter().zip(&golden.gram) {
        for (other, expected) in rows.iter().zip(expected) {
            let found: f64 = row.iter().zip(other).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
            assert!((found - expected).abs() < 1e-5 * largest, "{found} {expected}");
        }
    }
}

#[test]
fn layers_in_another_order_of_arrival_change_no_bit() {
    let golden = Golden::read();
    let backwards = {
        let shapes: Vec<(usize, usize)> = golden.layers.iter().map(|l| (l.outputs, l.inputs)).collect();
        let mut fit = EigenFit::new(&shapes);
        let samples = 0..golden.gram.len();
        let all =
            || samples.clone().flat_map(|i| golden.layers.iter().enumerate().rev().map(move |l| (i, l)));
        all().for_each(|(i, (number, layer))| fit.observe(number, &layer.a[i], &layer.b[i]));
        let mut moments = fit.bases();
        all().for_each(|(i, (number, layer))| moments.observe(number, &layer.a[i], &layer.b[i]));
        moments.largest(golden.kept)
    };
    let bits = |rows: Vec<Vec<f32>>| -> Vec<u32> { rows.into_iter().flatten().map(f32::to_bits).collect() };
    assert_eq!(bits(golden.rows(&golden.fitted(golden.kept))), bits(golden.rows(&backwards)));
}

#[test]
fn coordinates_that_no_gradient_reaches_are_not_kept() {
    let mut fit = EigenFit::new(&[(2, 3)]);
    let sample = ([1.0, 2.0, 2.0], [0.5, -0.5]);
    fit.observe(0, &sample.0, &sample.1);
    let mut moments = fit.bases();
    moments.observe(0, &sample.0, &sample.1);
    assert_eq!(moments.largest(6).width(), 1);
}
