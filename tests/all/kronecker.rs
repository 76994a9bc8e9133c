//! Claims about Kronecker sketches, and about layers whose bias is one more input.

use crate::source::normals;
use gradsieve::{
    AnyProjector, Error, Exact, FoldedLayer, Key, Kind, Kronecker, KroneckerIn, Layer, Layout, Logra, Part,
    Plan, Projector, ProjectorSettings, Repeat, Sjlt, Sketcher, Widths, f16,
};
use gradsieve_kernels::{Summary, summarize};
use proptest::prelude::*;

/// 24 inputs, 16 hidden units, 5 outputs, with biases.
const LAYERS: [Layer; 2] = [Layer::new(0, 16, 25), Layer::new(400, 5, 17)];

/// A layer's factors, with a 1 behind the inputs.
fn factors(layer: &Layer, seed: u64) -> (Vec<f32>, Vec<f32>) {
    let mut a = normals(seed, layer.inputs as usize);
    a[layer.inputs as usize - 1] = 1.0;
    (a, normals(!seed, layer.outputs as usize))
}

fn product(a: &[f32], b: &[f32]) -> Vec<f32> {
    b.iter().flat_map(|b| a.iter().map(move |a| a * b)).collect()
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

fn close(one: &Summary, other: &Summary) -> Result<(), TestCaseError> {
    let equal = |x: f64, y: f64| (x - y).abs() <= 1e-5 * y.abs();
    prop_assert!(equal(one.l1, other.l1) && equal(one.l2_squared, other.l2_squared), "{one:?} {other:?}");
    prop_assert!(equal(one.max.into(), other.max.into()));
    prop_assert_eq!((one.count, one.non_finite), (other.count, other.non_finite));
    Ok(())
}

/// What both factors are told apart by: the sketch by definition, of a key.
fn by_definition(layers: &[Layer], seed: u64, width: usize) -> Vec<f32> {
    let mut out = Vec::new();
    let projector = Kronecker::for_layers(&LAYERS, width, Key::seed(7)).unwrap();
    for (index, layer) in layers.iter().enumerate() {
        let Widths { outputs, inputs } = projector.widths(index).unwrap();
        let (a, b) = factors(layer, seed + index as u64);
        // Each number is linear in every entry: by the sketches of single entries.
        let mut part = vec![0.0; outputs * inputs];
        for (at, entry) in product(&a, &b).into_iter().enumerate() {
            let mut one = vec![0.0; projector.width()];
            projector.project(layer.offset + at as u64, &[1.0_f32], &mut one).unwrap();
            let start: usize =
                (0..index).map(|index| projector.widths(index).unwrap()).map(|widths| widths.product()).sum();
            let own = &one[start..start + outputs * inputs];
            assert_eq!(own.iter().filter(|x| x.abs() == 1.0).count(), 1);
            assert_eq!(one.iter().filter(|x| **x != 0.0).count(), 1);
            part.iter_mut().zip(own).for_each(|(sum, sign)| *sum += sign * entry);
        }
        out.extend(part);
    }
    out
}

proptest! {
    #[test]
    fn factors_and_segments_give_the_same_sketch_but_for_rounding(
        seed: u64, width in 2_usize..80, cut in 0_usize..485,
    ) {
        let projector = Kronecker::for_layers(&LAYERS, width, Key::seed(7)).unwrap();
        prop_assert!(projector.width() <= width);
        let mut sketcher = Sketcher::new(projector, projector.layout(), vec![0.0; projector.width()]).unwrap();
        let mut gradient = Vec::new();
        for (index, layer) in LAYERS.iter().enumerate().rev() {
            let (a, b) = factors(layer, seed.wrapping_add(index as u64));
            sketcher.outer_biased(layer, &a[..a.len() - 1], &b).unwrap();
            gradient = [product(&a, &b), gradient].concat();
        }
        let sketch = sketcher.finish().unwrap();
        let (values, measures) = (sketch.values.to_vec(), sketch.measures);
        close(&measures, &summarize(&gradient))?;
        let (head, tail) = gradient.split_at(cut);
        sketcher.segment(0, head).unwrap();
        sketcher.segment(cut as u64, tail).unwrap();
        let sketch = sketcher.finish().unwrap();
        for (found, expected) in values.iter().zip(sketch.values) {
            prop_assert!((found - expected).abs() < 3e-4, "{found} for {expected}");
        }
        for (found, expected) in values.iter().zip(by_definition(&LAYERS, seed, width)) {
            prop_assert!((found - expected).abs() < 3e-4, "{found} for {expected}");
        }
    }

    #[test]
    fn a_bias_is_one_more_input_of_every_projection(seed: u64, which in 0..5_usize) {
        let layer = Layer::new(3, 16, 33);
        let (a, b) = factors(&layer, seed);
        let (kronecker, logra) = (
            Kronecker::new(&[layer], &[Widths { outputs: 4, inputs: 8 }], Key::seed(1)).unwrap(),
            Logra::new(layer, Widths { outputs: 16, inputs: 16 }, Default::default(), Key::seed(1)).unwrap(),
        );
        let parts = [Part::new(layer, kronecker)];
        let projector: AnyProjector<'_> = match which {
            0 => Exact::new(600).into(),
            1 => Sjlt::new(64, Key::seed(1), Repeat::Two).unwrap().into(),
            2 => kronecker.into(),
            3 => logra.into(),
            _ => Plan::new(&parts).unwrap().into(),
        };
        let layout = Layout::new(&[layer]).unwrap();
        let mut sketcher = Sketcher::new(projector, layout, vec![0.0; projector.width()]).unwrap();
        sketcher.outer(&layer, &a, &b).unwrap();
        let whole = sketcher.finish().unwrap();
        let (values, measures) = (whole.values.to_vec(), whole.measures);
        sketcher.outer_biased(&layer, &a[..32], &b).unwrap();
        let biased = sketcher.finish().unwrap();
        prop_assert_eq!(biased.measures, measures);
        if which == 3 {
            for (one, other) in biased.values.iter().zip(&values) {
                prop_assert!((one - other).abs() < 1e-4 * measures.l2_squared.sqrt() as f32);
            }
        } else {
            prop_assert_eq!(bits(biased.values), bits(&values));
        }
    }

    #[test]
    fn measures_of_factors_of_any_size_are_right_or_not_finite(
        seed: u64, x in -126_i32..127, y in -126_i32..127, n in 1_usize..700,
    ) {
        let layer = Layer::new(0, 3, n as u64);
        let scaled = |values: Vec<f32>, by: i32| values.iter().map(|v| v * (by as f32).exp2()).collect::<Vec<f32>>();
        let (a, b) = (scaled(normals(seed, n), x), scaled(normals(!seed, 3), y));
        if !a.iter().chain(&b).all(|x| x.is_normal()) {
            return Ok(());
        }
        let projector = Kronecker::for_layers(&[layer], 8, Key::seed(1)).unwrap();
        let mut sketcher = Sketcher::new(projector, projector.layout(), vec![0.0; projector.width()]).unwrap();
        sketcher.outer(&layer, &a, &b).unwrap();
        let measures = sketcher.finish().unwrap().measures;
        let sum = |x: &[f32], power: i32| x.iter().map(|x| f64::from(x.abs()).powi(power)).sum::<f64>();
        let l1 = sum(&a, 1) * sum(&b, 1);
        let l2_squared = sum(&a, 2) * sum(&b, 2);
        prop_assert!((measures.l1 / l1 - 1.0).abs() < 1e-5, "{} for {l1}", measures.l1);
        prop_assert!((measures.l2_squared / l2_squared - 1.0).abs() < 1e-5);
        let max = |x: &[f32]| x.iter().fold(0.0, |max, x| f64::from(x.abs()).max(max));
        let largest = max(&a) * max(&b);
        prop_assert_eq!(measures.non_finite > 0, largest as f32 == f32::INFINITY);
    }
}

#[test]
fn squared_norms_are_unbiased_over_keys_and_vary_as_is_said() {
    let keys = 4000;
    let (mut sum, mut squares, mut exact, mut variance) = (0.0, 0.0, 0.0, 0.0);
    let gradient: Vec<_> = LAYERS.iter().enumerate().map(|(i, layer)| factors(layer, i as u64)).collect();
    let widths = [Widths { outputs: 4, inputs: 4 }, Widths { outputs: 5, inputs: 2 }];
    for ((a, b), widths) in gradient.iter().zip(widths) {
        let square = |x: &[f32]| x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
        // 2‖x‖⁴/k, if no residues stand out; 0 of what is kept.
        let of = |x: &[f32], k: usize| if k == x.len() { 0.0 } else { 2.0 * square(x).powi(2) / k as f64 };
        let (of_a, of_b) = (of(a, widths.inputs), of(b, widths.outputs));
        exact += square(a) * square(b);
        variance += of_b * square(a).powi(2) + of_a * square(b).powi(2) + of_a * of_b;
    }
    for seed in 0..keys {
        let projector = Kronecker::new(&LAYERS, &widths, Key::seed(seed)).unwrap();
        let mut sketcher = Sketcher::new(projector, projector.layout(), vec![0.0; 26]).unwrap();
        for (layer, (a, b)) in LAYERS.iter().zip(&gradient) {
            sketcher.outer(layer, a, b).unwrap();
        }
        let sketch = sketcher.finish().unwrap();
        let norm = sketch.values.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
        sum += norm;
        squares += (norm - exact).powi(2);
    }
    let (mean, found) = (sum / keys as f64, squares / keys as f64);
    assert!((mean - exact).abs() < 4.0 * (found / keys as f64).sqrt(), "{mean} for {exact}");
    assert!(found < 1.3 * variance, "{found}, and {variance} is said");
}

#[test]
fn numbers_are_shared_out_where_they_gain_most() {
    let widths = |layers: &[Layer; 2], width| {
        let projector = Kronecker::for_layers(layers, width, Key::seed(1)).unwrap();
        [0, 1].map(|index| projector.widths(index).map(|widths| (widths.outputs, widths.inputs)).unwrap())
    };
    assert_eq!(widths(&LAYERS, 2), [(1, 1), (1, 1)]);
    assert_eq!(widths(&LAYERS, 32), [(4, 4), (5, 2)]);
    assert_eq!(widths(&[Layer::new(0, 64, 65), Layer::new(64 * 65, 10, 65)], 64), [(4, 4), (10, 4)]);
    // With room for all of it, all is kept.
    assert_eq!(widths(&[Layer::new(0, 3, 5), Layer::new(15, 2, 4)], 100), [(3, 5), (2, 4)]);
}

#[test]
fn a_plan_of_single_layers_has_the_numbers_of_the_whole() {
    let settings =
        ProjectorSettings { width: 32, key: Key::seed(7), ..ProjectorSettings::parse("kronecker").unwrap() };
    let mut parts = [Part::UNUSED; 2];
    let plan = AnyProjector::new(&settings, &LAYERS, &mut parts).unwrap();
    let lean = Plan::for_layers(&LAYERS, 32, Key::seed(7)).unwrap();
    assert_eq!((plan.kind(), plan.width(), lean.width()), (Kind::Plan, 26, 26));
    let of = |projector: &dyn Fn(&mut [f32])| {
        let mut out = vec![0.0; 26];
        projector(&mut out);
        out
    };
    let (a, b) = factors(&LAYERS[1], 5);
    let one = of(&|out| plan.project_outer(&LAYERS[1], &a, &b, out).unwrap());
    let other = of(&|out| lean.project_outer(&LAYERS[1], &a, &b, out).unwrap());
    assert_eq!(bits(&one), bits(&other));
    // Of halves of the numbers, too.
    let halves: Vec<f16> = a.iter().map(|x| f16::from_f32(*x)).collect();
    let widened: Vec<f32> = halves.iter().map(|x| x.to_f32()).collect();
    let one = of(&|out| lean.project_outer(&LAYERS[1], &halves, &b, out).unwrap());
    let other = of(&|out| lean.project_outer(&LAYERS[1], &widened, &b, out).unwrap());
    assert_eq!(bits(&one), bits(&other));
}

proptest! {
    #[test]
    fn layers_in_a_buffer_give_the_projector_of_as_many_layers(seed: u64, width in 2_usize..80, spare in 0_usize..4) {
        let key = Key::seed(seed);
        let own = Kronecker::for_layers(&LAYERS, width, key).unwrap();
        // Of other layers before.
        let mut other = [FoldedLayer::UNUSED; 1];
        let others = KroneckerIn::for_layers_in(&[Layer::new(7, 3, 3)], 9, Key::seed(1), &mut other);
        prop_assert_eq!(others.map(|others| others.width()), Ok(9));
        let mut buffer = vec![FoldedLayer::UNUSED; 2 + spare];
        let placed = KroneckerIn::for_layers_in(&LAYERS, width, key, &mut buffer).unwrap();
        let id = own.layout().id();
        prop_assert_eq!((placed.id(id), placed.layout()), (own.id(id), own.layout()));
        let mut sketchers = (
            Sketcher::new(own, own.layout(), vec![0.0; own.width()]).unwrap(),
            Sketcher::new(placed, placed.layout(), vec![0.0; own.width()]).unwrap(),
        );
        for (index, layer) in LAYERS.iter().enumerate() {
            prop_assert_eq!(own.widths(index), placed.widths(index));
            let (a, b) = factors(layer, seed);
            sketchers.0.outer(layer, &a, &b).unwrap();
            sketchers.1.outer(layer, &a, &b).unwrap();
        }
        let (one, other) = (sketchers.0.finish().unwrap(), sketchers.1.finish().unwrap());
        prop_assert_eq!((bits(one.values), one.measures), (bits(other.values), other.measures));
    }
}

#[test]
fn layers_that_a_buffer_cannot_hold_are_refused() {
    let one = |layers: &[Layer], buffer: &mut [FoldedLayer]| {
        KroneckerIn::for_layers_in(layers, 128, Key::seed(1), buffer).map(|projector| projector.width())
    };
    let short = one(&LAYERS, &mut [FoldedLayer::UNUSED; 1]);
    assert_eq!(short, Err(Error::Length { expected: 2, found: 1 }));
    let many: Vec<_> = (0..65).map(|index| Layer::new(index, 1, 1)).collect();
    assert_eq!(one(&many[..64], &mut [FoldedLayer::UNUSED; 65]), Ok(64));
    let refused = one(&many, &mut [FoldedLayer::UNUSED; 65]);
    assert!(matches!(refused, Err(Error::Setting { name: "projection", .. })), "{refused:?}");
    assert_eq!(one(&[LAYERS[0], LAYERS[0]], &mut [FoldedLayer::UNUSED; 2]), Err(Error::Layer { index: 1 }));
}

#[test]
fn what_does_not_fit_is_refused() {
    let widths = |outputs, inputs| Widths { outputs, inputs };
    let refused = |widths: Widths| Kronecker::new(&[LAYERS[0]], &[widths], Key::seed(1));
    for widths in [widths(0, 4), widths(3, 4), widths(4, 16), widths(16, 24)] {
        assert!(matches!(refused(widths), Err(Error::Setting { name: "widths", .. })), "{widths:?}");
    }
    assert!(refused(widths(16, 25)).is_ok());
    let few = Kronecker::for_layers(&LAYERS, 1, Key::seed(1));
    assert!(matches!(few, Err(Error::Setting { name: "width", .. })));
    let twice = Kronecker::for_layers(&[LAYERS[0], LAYERS[0]], 32, Key::seed(1));
    assert_eq!(twice, Err(Error::Layer { index: 1 }));

    let projector = Kronecker::for_layers(&LAYERS, 32, Key::seed(1)).unwrap();
    let mut sketcher = Sketcher::new(projector, projector.layout(), [0.0; 26]).unwrap();
    let other = Layer::new(0, 25, 16);
    assert_eq!(
        sketcher.outer(&other, &[0.0_f32; 16], &[0.0_f32; 25]),
        Err(Error::LayerMismatch { index: 0 })
    );
    let long = sketcher.outer_biased(&LAYERS[0], &[0.0_f32; 25], &[0.0_f32; 16]);
    assert_eq!(long, Err(Error::Length { expected: 25, found: 26 }));
    let beyond = sketcher.segment(480, &[0.0_f32; 6]);
    assert_eq!(beyond, Err(Error::OutsideLayout { end: 485, found: 486 }));
    sketcher.outer_biased(&LAYERS[0], &[0.5_f32; 24], &[0.5_f32; 16]).unwrap();
    assert_eq!(sketcher.finish().err(), Some(Error::Incomplete { expected: 485, found: 400 }));
}
