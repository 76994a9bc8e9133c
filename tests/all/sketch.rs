//! Claims about projections and the sketcher.

use crate::source::{normals, sjlt, sketch};
use gradsieve::{
    Buffer, Error, Exact, Field, Key, Layer, Layout, Part, Plan, Projector, Repeat, Sjlt, Sketch, Sketcher,
    Summary, bf16, f16,
};
use gradsieve_kernels::dot;
use proptest::prelude::*;

const REPEATS: [Repeat; 3] = [Repeat::One, Repeat::Two, Repeat::Four];

fn repeat() -> impl Strategy<Value = Repeat> {
    prop::sample::select(&REPEATS[..])
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

proptest! {
    #[test]
    fn where_a_gradient_is_cut_does_not_change_a_bit(seed: u64, n in 1_usize..9000, cuts in prop::collection::vec(0_usize..9000, 0..6), repeat in repeat()) {
        let x = normals(seed, n);
        let projector = sjlt(128, seed, repeat);
        let (mut whole, mut parts) = ([0.0; 128], [0.0; 128]);
        let whole = sketch(projector, &x, &mut whole);

        let mut cuts: Vec<usize> = cuts.into_iter().filter(|&cut| cut <= n).chain([0, n]).collect();
        cuts.sort_unstable();
        let mut sketcher = Sketcher::new(projector, Layout::flat(n as u64).unwrap(), &mut parts).unwrap();
        for cut in cuts.windows(2) {
            sketcher.segment(cut[0] as u64, &x[cut[0]..cut[1]]).unwrap();
        }
        let parts = sketcher.finish().unwrap();
        prop_assert_eq!(bits(parts.values), bits(whole.values));
        prop_assert_eq!(parts.measures, whole.measures);
    }

    #[test]
    fn segments_in_another_order_give_the_same_sketch_but_for_rounding(seed: u64, n in 2_usize..3000, repeat in repeat()) {
        let x = normals(seed, n);
        let projector = sjlt(128, seed, repeat);
        let (mut forward, mut backward) = ([0.0; 128], [0.0; 128]);
        let forward = sketch(projector, &x, &mut forward);
        let mut sketcher = Sketcher::new(projector, Layout::flat(n as u64).unwrap(), &mut backward).unwrap();
        sketcher.segment(n as u64 / 2, &x[n / 2..]).unwrap();
        sketcher.segment(0, &x[..n / 2]).unwrap();
        let backward = sketcher.finish().unwrap();
        for (a, b) in forward.values.iter().zip(backward.values) {
            prop_assert!((a - b).abs() < 1e-4);
        }
    }

    #[test]
    fn a_sketch_is_linear(seed: u64, n in 1_usize..3000, alpha in -3.0_f32..3.0, repeat in repeat()) {
        let (x, y) = (normals(seed, n), normals(!seed, n));
        let z: Vec<f32> = x.iter().zip(&y).map(|(x, y)| alpha * x + y).collect();
        let projector = sjlt(128, seed, repeat);
        let mut memory = [[0.0; 128]; 3];
        let [a, b, c] = &mut memory;
        let (x, y, z) = (sketch(projector, &x, a), sketch(projector, &y, b), sketch(projector, &z, c));
        for ((x, y), z) in x.values.iter().zip(y.values).zip(z.values) {
            prop_assert!((alpha * x + y - z).abs() < 1e-3);
        }
    }

    #[test]
    fn an_outer_product_has_the_bits_of_the_matrix_written_out(seed: u64, outputs in 1_usize..20, inputs in 1_usize..80, offset in 0_u64..70, repeat in repeat()) {
        let (a, b) = (normals(seed, inputs), normals(!seed, outputs));
        let matrix: Vec<f32> = b.iter().flat_map(|b| a.iter().map(move |a| b * a)).collect();
        let layer = Layer::new(offset, outputs as u64, inputs as u64);
        let layout = Layout::new(&[layer]).unwrap();
        let projector = sjlt(128, seed, repeat);
        let (mut written, mut factored) = ([0.0; 128], [0.0; 128]);
        let mut sketcher = Sketcher::new(projector, layout, &mut written).unwrap();
        sketcher.segment(offset, &matrix).unwrap();
        let written = sketcher.finish().unwrap();
        let mut sketcher = Sketcher::new(projector, layout, &mut factored).unwrap();
        sketcher.outer(&layer, &a, &b).unwrap();
        let factored = sketcher.finish().unwrap();
        prop_assert_eq!(bits(factored.values), bits(written.values));
        let (f, w) = (factored.measures, written.measures);
        prop_assert!((f.l1 - w.l1).abs() <= 3e-5 * w.l1);
        prop_assert!((f.l2_squared - w.l2_squared).abs() <= 3e-5 * w.l2_squared);
        prop_assert_eq!((f.max, f.count, f.non_finite), (w.max, w.count, w.non_finite));
    }

    #[test]
    fn small_formats_give_the_sketch_of_the_widened_gradient(seed: u64, n in 1_usize..500, repeat in repeat()) {
        let half: Vec<f16> = normals(seed, n).into_iter().map(f16::from_f32).collect();
        let brain: Vec<bf16> = normals(seed, n).into_iter().map(bf16::from_f32).collect();
        let layout = Layout::flat(n as u64).unwrap();
        let projector = sjlt(128, seed, repeat);
        let (mut small, mut wide) = ([0.0; 128], [0.0; 128]);

        let mut sketcher = Sketcher::new(projector, layout, &mut small).unwrap();
        sketcher.segment(0, &half).unwrap();
        let found = sketcher.finish().unwrap();
        let widened: Vec<f32> = half.iter().map(|x| x.to_f32()).collect();
        prop_assert_eq!(bits(found.values), bits(sketch(projector, &widened, &mut wide).values));

        let mut sketcher = Sketcher::new(projector, layout, &mut small).unwrap();
        sketcher.segment(0, &brain).unwrap();
        let found = sketcher.finish().unwrap();
        let widened: Vec<f32> = brain.iter().map(|x| x.to_f32()).collect();
        prop_assert_eq!(bits(found.values), bits(sketch(projector, &widened, &mut wide).values));
    }
}

/// Inner products of sketches over many seeds: their mean, and their variance over that
/// of the formula.
fn moments_over_seeds(x: &[f32], y: &[f32], width: usize, repeat: Repeat, seeds: u64) -> (f64, f64, f64) {
    let exact = dot(x, y).unwrap();
    let norms = dot(x, x).unwrap() * dot(y, y).unwrap();
    let formula = (norms + exact * exact) / width as f64;
    let (mut a, mut b) = (vec![0.0; width], vec![0.0; width]);
    let estimates: Vec<f64> = (0..seeds)
        .map(|seed| {
            let projector = sjlt(width, seed, repeat);
            let (x, y) = (sketch(projector, x, &mut a), sketch(projector, y, &mut b));
            dot(x.values, y.values).unwrap()
        })
        .collect();
    let mean = estimates.iter().sum::<f64>() / seeds as f64;
    let variance = estimates.iter().map(|e| (e - exact).powi(2)).sum::<f64>() / seeds as f64;
    let standard_error = (variance / seeds as f64).sqrt();
    ((mean - exact) / standard_error.max(1e-12), variance / formula, exact)
}

/// False alarms: each bias is tested at 4.4 standard errors, about 1e-5 two-sided, over
/// 18 cases: below 2e-4 for the whole test. The seeds are fixed, so a run that has passed
/// passes always.
#[test]
fn inner_products_are_unbiased_and_vary_no_more_than_the_formula_also_on_structured_input() {
    let n = 2048;
    let dense = (normals(1, n), normals(2, n));
    let constant = (vec![1.0; n], vec![0.5; n]);
    let mut blocks = (vec![0.0; n], vec![0.0; n]);
    blocks.0[64..128].copy_from_slice(&normals(3, 64));
    blocks.1[64..128].copy_from_slice(&normals(4, 64));
    let same = (normals(5, n), normals(5, n));
    let (a, b) = (normals(6, 32), normals(7, 64));
    let outer: Vec<f32> = b.iter().flat_map(|b| a.iter().map(move |a| b * a)).collect();
    let outers = (outer.clone(), outer);
    let mut spike = (vec![0.0; n], vec![0.0; n]);
    spike.0[77] = 3.0;
    spike.1[77] = -2.0;
    spike.1[1033] = 1.0;
    for (name, (x, y)) in [
        ("dense", dense),
        ("constant", constant),
        ("two blocks", blocks),
        ("one vector twice", same),
        ("outer product", outers),
        ("spike", spike),
    ] {
        for repeat in REPEATS {
            let (bias, variance, exact) = moments_over_seeds(&x, &y, 128, repeat, 2000);
            assert!(bias.abs() < 4.4, "{name}, {repeat:?}: bias of {bias:.1} standard errors around {exact}");
            // Two blocks meet in one of 4 (s = 1): tails are heavy there, so the sample
            // variance itself is noisy.
            assert!(variance < 1.25, "{name}, {repeat:?}: {variance:.3} of the formula's variance");
        }
    }
}

#[test]
fn wrong_input_is_an_error_and_not_a_panic() {
    let layout = Layout::new(&[Layer::new(0, 4, 3), Layer::new(20, 4, 1)]).unwrap();
    assert_eq!((layout.len(), layout.end()), (16, 24));
    assert_eq!(Sjlt::new(33, Key::seed(0), Repeat::One), Err(Error::Width { multiple: 32, found: 33 }));
    assert_eq!(Sjlt::new(32, Key::seed(0), Repeat::Two), Err(Error::Width { multiple: 64, found: 32 }));
    assert_eq!(Layout::new(&[]), Err(Error::Layer { index: 0 }));
    assert_eq!(
        Layout::new(&[Layer::new(0, 4, 3), Layer::new(11, 1, 1)]),
        Err(Error::Layer { index: 1 }),
        "overlap"
    );
    assert_eq!(Layout::new(&[Layer::new(u64::MAX, 2, 1)]), Err(Error::Layer { index: 0 }));
    assert_eq!(Layout::flat(0), Err(Error::Layer { index: 0 }));

    let projector = sjlt(32, 0, Repeat::One);
    assert_eq!(
        Sketcher::new(projector, layout, &mut [0.0; 31]).err(),
        Some(Error::Length { expected: 32, found: 31 })
    );
    let mut memory = [0.0; 32];
    let mut sketcher = Sketcher::new(projector, layout, &mut memory).unwrap();
    assert_eq!(sketcher.segment(23, &[1.0; 2]), Err(Error::OutsideLayout { end: 24, found: 25 }));
    assert_eq!(sketcher.segment(u64::MAX, &[1.0; 2]), Err(Error::OutsideLayout { end: 24, found: u64::MAX }));
    let layer = Layer::new(0, 4, 3);
    assert_eq!(sketcher.outer(&layer, &[1.0; 4], &[1.0; 4]), Err(Error::Length { expected: 3, found: 4 }));
    sketcher.outer(&layer, &[1.0; 3], &[1.0; 4]).unwrap();
    assert_eq!(sketcher.finish().err(), Some(Error::Incomplete { expected: 16, found: 12 }));
}

#[test]
fn sketches_that_differ_in_anything_are_not_compared() {
    let layout = Layout::flat(100).unwrap().id();
    let id = sjlt(64, 1, Repeat::One).id(layout);
    assert_eq!(id.check(&id), Ok(()));
    let others = [
        (sjlt(96, 1, Repeat::One).id(layout), Field::Width),
        (sjlt(64, 2, Repeat::One).id(layout), Field::Key),
        (sjlt(64, 1, Repeat::Two).id(layout), Field::Repeat),
        (sjlt(64, 1, Repeat::One).id(Layout::flat(101).unwrap().id()), Field::Layout),
        (Exact::new(64).id(layout), Field::Kind),
    ];
    for (other, field) in others {
        assert_eq!(id.check(&other), Err(Error::Mismatch(field)));
    }
}

#[test]
fn layouts_that_differ_anywhere_have_different_ids() {
    let layouts: [&[Layer]; 6] = [
        &[Layer::new(0, 6, 2)],
        &[Layer::new(0, 2, 6)],
        &[Layer::new(0, 12, 1)],
        &[Layer::new(1, 6, 2)],
        &[Layer::new(0, 6, 1), Layer::new(6, 6, 1)],
        &[Layer::new(0, 6, 1), Layer::new(7, 6, 1)],
    ];
    let ids: std::collections::HashSet<_> = layouts.iter().map(|l| Layout::new(l).unwrap().id()).collect();
    assert_eq!(ids.len(), layouts.len());
}

#[test]
fn non_finite_entries_are_counted_and_flag_the_sketch() {
    let mut x = normals(9, 5000);
    x[17] = f32::NAN;
    x[4321] = f32::NEG_INFINITY;
    let mut memory = [0.0; 64];
    let found = sketch(sjlt(64, 1, Repeat::One), &x, &mut memory);
    assert_eq!(found.measures.non_finite, 2);
    assert_eq!(found.measures.max, f32::INFINITY);
    assert_eq!(found.check_finite(), Err(Error::NonFinite));

    let mut memory = [0.0; 64];
    let layer = Layer::new(0, 3, 4);
    let mut sketcher =
        Sketcher::new(sjlt(64, 1, Repeat::One), Layout::new(&[layer]).unwrap(), &mut memory).unwrap();
    sketcher.outer(&layer, &[1.0, f32::NAN, 2.0, 3.0], &[1.0, f32::INFINITY, 2.0]).unwrap();
    // A row of three, a column of four, and one entry in both.
    assert_eq!(sketcher.finish().unwrap().measures.non_finite, 3 + 4 - 1);
}

/// The bits of a sketch's numbers, and its measures.
fn copy(sketch: &Sketch<'_>) -> (Vec<u32>, Summary) {
    (sketch.values.iter().map(|x| x.to_bits()).collect(), sketch.measures)
}

/// A gradient in two pieces, the later one first.
fn take<B: Buffer<f32>>(sketcher: &mut Sketcher<Sjlt, B>, x: &[f32]) {
    let (first, second) = x.split_at(1234);
    sketcher.segment(1234, second).unwrap();
    sketcher.segment(0, first).unwrap();
}

#[test]
fn a_used_sketcher_gives_the_bits_of_a_new_one() {
    let (projector, layout) = (sjlt(64, 3, Repeat::Two), Layout::flat(5000).unwrap());
    let mut used = Sketcher::new(projector, layout, vec![7.0; 64]).unwrap();
    for seed in 0..4 {
        let x = normals(seed, 5000);
        let mut new = Sketcher::new(projector, layout, [0.0; 64]).unwrap();
        take(&mut used, &x);
        take(&mut new, &x);
        assert_eq!(copy(&used.finish().unwrap()), copy(&new.finish().unwrap()));
    }
}

#[test]
fn a_gradient_that_was_abandoned_leaves_no_trace() {
    let (projector, layout) = (sjlt(64, 3, Repeat::Two), Layout::flat(5000).unwrap());
    let mut sketcher = Sketcher::new(projector, layout, [0.0; 64]).unwrap();
    let x = normals(1, 5000);
    take(&mut sketcher, &x);
    let expected = copy(&sketcher.finish().unwrap());
    sketcher.segment(17, &normals(2, 3000)).unwrap();
    sketcher.abandon();
    take(&mut sketcher, &x);
    assert_eq!(copy(&sketcher.finish().unwrap()), expected);
}

#[test]
fn a_gradient_that_is_finished_too_early_can_be_completed() {
    let (projector, layout) = (sjlt(64, 3, Repeat::One), Layout::flat(5000).unwrap());
    let mut sketcher = Sketcher::new(projector, layout, [0.0; 64]).unwrap();
    let x = normals(1, 5000);
    sketcher.segment(0, &x[..4096]).unwrap();
    assert_eq!(sketcher.finish().err(), Some(Error::Incomplete { expected: 5000, found: 4096 }));
    sketcher.segment(4096, &x[4096..]).unwrap();
    let mut memory = [0.0; 64];
    assert_eq!(copy(&sketcher.finish().unwrap()), copy(&sketch(projector, &x, &mut memory)));
}

#[test]
fn a_finished_gradient_is_not_finished_twice() {
    let layout = Layout::flat(10).unwrap();
    let mut sketcher = Sketcher::new(sjlt(64, 3, Repeat::One), layout, [0.0; 64]).unwrap();
    sketcher.segment(0, &[1.0_f32; 10]).unwrap();
    sketcher.finish().unwrap();
    assert_eq!(sketcher.finish().err(), Some(Error::Incomplete { expected: 10, found: 0 }));
}

#[test]
fn a_segment_that_is_refused_leaves_the_gradient_as_it_was() {
    // A plan with a gap: the first tile of the refused segment lies in a part.
    let layers = [Layer::new(0, 5000, 1), Layer::new(6000, 100, 1)];
    let parts = layers.map(|layer| Part::new(layer, sjlt(32, 1, Repeat::One)));
    let plan = Plan::new(&parts).unwrap();
    let mut sketcher = Sketcher::new(plan, plan.layout(), [0.0; 64]).unwrap();
    let x = normals(1, 6100);
    assert_eq!(sketcher.segment(0, &x), Err(Error::OutsideLayout { end: 5000, found: 6100 }));
    sketcher.segment(0, &x[..5000]).unwrap();
    sketcher.segment(6000, &x[6000..]).unwrap();
    assert_eq!(sketcher.finish().unwrap().measures.count, 5100);
}
