//! Claims about layers that are applied at several positions.

use crate::source::{normals, sjlt};
use gradsieve::ghost::Route;
use gradsieve::outlier::{Detector, L1, L2};
use gradsieve::{
    AnyProjector, Error, Exact, FactGrass, Factor, Key, Kind, Layer, Layout, Logra, Part, Projector,
    ProjectorSettings, Rademacher, Repeat, Sketch, Sketcher, Widths, bf16,
};
use proptest::prelude::*;

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

/// Σₜ bₜ aₜᵀ as the sketcher's documentation says it is formed.
fn formed(layer: &Layer, a: &[f32], b: &[f32]) -> Vec<f32> {
    let (outputs, inputs) = (layer.outputs as usize, layer.inputs as usize);
    let mut matrix = vec![0.0; outputs * inputs];
    for (a, b) in a.chunks(inputs).zip(b.chunks(outputs)) {
        for (row, b) in matrix.chunks_mut(inputs).zip(b) {
            for (entry, a) in row.iter_mut().zip(a) {
                *entry += b * a;
            }
        }
    }
    matrix
}

/// A finished sketch whose values are kept.
#[derive(Debug, PartialEq)]
struct Kept {
    values: Vec<u32>,
    numbers: Vec<f32>,
    measures: gradsieve::Summary,
}

fn kept(sketch: Sketch<'_>) -> Kept {
    Kept { values: bits(sketch.values), numbers: sketch.values.to_vec(), measures: sketch.measures }
}

fn of_sequence(projector: impl Projector, layer: &Layer, positions: usize, a: &[f32], b: &[f32]) -> Kept {
    let mut memory = vec![0.0; projector.width()];
    let mut sketcher = Sketcher::new(projector, Layout::new(&[*layer]).unwrap(), &mut memory).unwrap();
    sketcher.outer_sequence(layer, positions, a, b).unwrap();
    kept(sketcher.finish().unwrap())
}

fn of_segment(projector: impl Projector, layer: &Layer, x: &[f32]) -> Kept {
    let mut memory = vec![0.0; projector.width()];
    let mut sketcher = Sketcher::new(projector, Layout::new(&[*layer]).unwrap(), &mut memory).unwrap();
    sketcher.segment(layer.offset, x).unwrap();
    kept(sketcher.finish().unwrap())
}

fn logra(layer: &Layer, seed: u64) -> Logra {
    Logra::new(*layer, Widths { outputs: 16, inputs: 32 }, Factor::Rademacher, Key::seed(seed)).unwrap()
}

fn factgrass(layer: &Layer, seed: u64) -> FactGrass {
    let kept =
        Widths { outputs: (layer.outputs as usize).div_ceil(2), inputs: (layer.inputs as usize).div_ceil(3) };
    FactGrass::new(*layer, kept, 64, Key::seed(seed), Repeat::One).unwrap()
}

fn layer() -> impl Strategy<Value = Layer> {
    (0_u64..70, 1_u64..30, 1_u64..90)
        .prop_map(|(offset, outputs, inputs)| Layer::new(offset, outputs, inputs))
}

proptest! {
    #[test]
    fn a_projector_that_is_not_factored_gets_the_bits_of_the_matrix_written_out(seed: u64, layer in layer(), t in 2_usize..6) {
        let (a, b) = (normals(seed, t * layer.inputs as usize), normals(!seed, t * layer.outputs as usize));
        let matrix = formed(&layer, &a, &b);
        let end = (layer.offset + layer.outputs * layer.inputs) as usize;
        prop_assert_eq!(of_sequence(Exact::new(end), &layer, t, &a, &b), of_segment(Exact::new(end), &layer, &matrix));
        for repeat in [Repeat::One, Repeat::Four] {
            let projector = sjlt(128, seed, repeat);
            prop_assert_eq!(of_sequence(projector, &layer, t, &a, &b), of_segment(projector, &layer, &matrix));
        }
        for &kind in Kind::ALL {
            let settings = ProjectorSettings { kind, width: 64, key: Key::seed(seed), ..ProjectorSettings::DEFAULT };
            let mut parts = [Part::UNUSED; 1];
            // A layer may be too small for a factored projection.
            let Ok(projector) = AnyProjector::new(&settings, &[layer], &mut parts) else { continue };
            if !projector.is_factored(&layer).unwrap() {
                prop_assert_eq!(of_sequence(projector, &layer, t, &a, &b), of_segment(projector, &layer, &matrix));
            }
        }
    }

    #[test]
    fn one_position_has_the_bits_of_an_outer_product(seed: u64, layer in layer()) {
        let (a, b) = (normals(seed, layer.inputs as usize), normals(!seed, layer.outputs as usize));
        fn check(projector: impl Projector, layer: &Layer, a: &[f32], b: &[f32]) {
            let mut memory = vec![0.0; projector.width()];
            let layout = Layout::new(&[*layer]).unwrap();
            let mut sketcher = Sketcher::new(projector, layout, &mut memory).unwrap();
            sketcher.outer(layer, a, b).unwrap();
            assert_eq!(kept(sketcher.finish().unwrap()), of_sequence(projector, layer, 1, a, b));
        }
        check(sjlt(64, seed, Repeat::Two), &layer, &a, &b);
        check(Rademacher::new(64, Key::seed(seed)).unwrap(), &layer, &a, &b);
        check(logra(&layer, seed), &layer, &a, &b);
        check(factgrass(&layer, seed), &layer, &a, &b);
    }

    #[test]
    fn a_factored_projector_sums_over_positions_in_any_order_but_for_rounding(seed: u64, layer in layer(), t in 2_usize..6) {
        let (inputs, outputs) = (layer.inputs as usize, layer.outputs as usize);
        let (a, b) = (normals(seed, t * inputs), normals(!seed, t * outputs));
        let reversed: Vec<f32> = a.chunks(inputs).rev().flatten().copied().collect();
        let with: Vec<f32> = b.chunks(outputs).rev().flatten().copied().collect();
        let matrix = formed(&layer, &a, &b);
        fn check(projector: impl Projector, layer: &Layer, t: usize, [a, b, c, d]: [&[f32]; 4], matrix: &[f32]) {
            let (found, other) = (of_sequence(projector, layer, t, a, b), of_sequence(projector, layer, t, c, d));
            let written = of_segment(projector, layer, matrix);
            let scale = 2e-6 * matrix.iter().map(|x| f64::from(x.abs())).sum::<f64>().max(1.0);
            for ((f, o), w) in found.numbers.iter().zip(&other.numbers).zip(&written.numbers) {
                assert!(f64::from((f - o).abs()) <= scale && f64::from((f - w).abs()) <= scale, "{f} {o} {w}");
            }
            assert_eq!(found.measures.count, written.measures.count);
            let (exact, ghost) = (written.measures.l2_squared, found.measures.l2_squared);
            assert!((ghost - exact).abs() <= 2e-5 * exact + 1e-9, "{ghost} for {exact}");
        }
        let factors = [&a[..], &b, &reversed, &with];
        check(logra(&layer, seed), &layer, t, factors, &matrix);
        check(factgrass(&layer, seed), &layer, t, factors, &matrix);
    }

    #[test]
    fn measures_are_exact_or_known_to_be_missing(seed: u64, layer in layer(), t in 2_usize..40) {
        let (a, b) = (normals(seed, t * layer.inputs as usize), normals(!seed, t * layer.outputs as usize));
        let found = of_sequence(logra(&layer, seed), &layer, t, &a, &b).measures;
        let exact = of_segment(logra(&layer, seed), &layer, &formed(&layer, &a, &b)).measures;
        match Route::of_norm(&layer, t as u64) {
            Route::Formed => prop_assert_eq!(found, exact),
            Route::Ghost => {
                prop_assert!(found.l1.is_nan() && found.max.is_nan());
                prop_assert_eq!((found.count, found.non_finite), (exact.count, 0));
            }
        }
    }
}

#[test]
fn the_l1_detector_refuses_what_was_not_measured_and_the_l2_detector_does_not() {
    let layers = [Layer::new(0, 40, 50), Layer::new(2000, 40, 50)];
    let (a, b) = (normals(1, 100), normals(2, 80));
    let parts = layers.map(|layer| Part::new(layer, logra(&layer, 7)));
    let plan = gradsieve::Plan::new(&parts).unwrap();
    let mut memory = vec![0.0; plan.width()];
    let mut sketcher = Sketcher::new(plan, plan.layout(), &mut memory).unwrap();
    sketcher.outer_sequence(&layers[0], 2, &a, &b).unwrap();
    // What is measured afterwards does not hide it.
    sketcher.outer(&layers[1], &a[..50], &b[..40]).unwrap();
    let sketch = sketcher.finish().unwrap();
    assert!(sketch.measures.l1.is_nan() && sketch.measures.max.is_nan());
    assert_eq!(L1.score(&sketch, &mut []), Err(Error::NotMeasured));
    assert!(L2.score(&sketch, &mut []).unwrap() > 0.0);
    assert_eq!(sketch.check_finite(), Ok(()));
}

#[test]
fn non_finite_entries_are_counted_exactly() {
    let layer = Layer::new(0, 40, 50);
    let (mut a, mut b) = (normals(1, 100), normals(2, 80));
    a[3] = f32::NAN;
    a[50 + 7] = f32::INFINITY;
    b[40 + 5] = f32::NEG_INFINITY;
    // Two columns, a row, and entries that are in both.
    let found = of_sequence(logra(&layer, 7), &layer, 2, &a, &b).measures;
    assert_eq!((found.non_finite, found.count), (2 * 40 + 50 - 2, 2000));
    // Finite factors whose products overflow, in one row.
    let (a, mut b) = (vec![1e20; 100], normals(2, 80));
    b[3] = 1e30;
    let found = of_sequence(factgrass(&layer, 7), &layer, 2, &a, &b).measures;
    assert_eq!((found.non_finite, found.count), (50, 2000));
}

#[test]
fn wrong_sequences_are_refused_and_leave_the_sketcher_as_it_was() {
    let layer = Layer::new(8, 4, 3);
    let layout = Layout::new(&[layer]).unwrap();
    let mut memory = vec![0.0; 512];
    let mut sketcher = Sketcher::new(logra(&layer, 7), layout, &mut memory).unwrap();
    let (a, b) = (normals(1, 6), [bf16::ONE; 8]);
    assert!(matches!(sketcher.outer_sequence(&layer, 0, &a, &b), Err(Error::Setting { .. })));
    assert_eq!(sketcher.outer_sequence(&layer, 3, &a, &b), Err(Error::Length { expected: 9, found: 6 }));
    assert_eq!(
        sketcher.outer_sequence(&Layer::new(9, 4, 3), 2, &a, &b),
        Err(Error::OutsideLayout { end: 20, found: 21 })
    );
    let turned = Layer::new(8, 3, 4);
    assert_eq!(
        sketcher.outer_sequence(&turned, 2, &normals(1, 8), &b[..6]),
        Err(Error::LayerMismatch { index: 0 })
    );
    assert_eq!(sketcher.outer(&turned, &normals(1, 4), &b[..3]), Err(Error::LayerMismatch { index: 0 }));
    sketcher.outer_sequence(&layer, 2, &a, &b).unwrap();
    let found = kept(sketcher.finish().unwrap());
    let expected = of_sequence(logra(&layer, 7), &layer, 2, &a, &[1.0; 8]);
    assert_eq!((found.values, found.measures.count), (expected.values, 12));
    assert_eq!(found.measures.l2_squared, expected.measures.l2_squared);
}
