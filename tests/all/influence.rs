//! Claims about influence: sign, scale, and agreement with f64.

use crate::source::{normals, row, sjlt, sketch};
use gradsieve::influence::{
    InRunShapley, IpEnsemble, Ridge, RidgeSettings, TracIn, TrakScore, grad_cos, grad_dot,
};
use gradsieve::{Error, Repeat};
use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;

fn exact(x: &[f32], y: &[f32]) -> f64 {
    x.iter().zip(y).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn dots_and_cosines_of_unprojected_gradients_are_those_of_f64(seed: u64, n in 1_usize..6000) {
        let (g, v) = (normals(seed, n), normals(!seed, n));
        let norms = (exact(&g, &g) * exact(&v, &v)).sqrt();
        let dot = grad_dot(&row(&g), &row(&v)).unwrap();
        prop_assert!((dot - exact(&g, &v)).abs() < 1e-5 * norms);
        let cosine = grad_cos(&row(&g), &row(&v)).unwrap();
        prop_assert!((cosine - exact(&g, &v) / norms).abs() < 1e-5);
        prop_assert!((grad_cos(&row(&g), &row(&g)).unwrap() - 1.0).abs() < 1e-5);
    }

    #[test]
    fn ridge_influence_agrees_with_f64(seed: u64, n in 2_usize..50, k in 1_usize..24) {
        let rows: Vec<Vec<f32>> = (0..n).map(|i| normals(seed ^ (i as u64) << 32, k)).collect();
        let target = normals(!seed, k);
        let settings = RidgeSettings::new(k);
        let mut memory = vec![0.0; settings.memory().f64s];
        let mut ridge = Ridge::new(settings, &mut memory).unwrap();
        for r in &rows { ridge.observe(&row(r)).unwrap(); }
        ridge.fit().unwrap();
        let mut solution = vec![0.0; k];
        let prepared = ridge.solve(&row(&target), &mut solution).unwrap();

        let g = DMatrix::from_row_iterator(n, k, rows.iter().flatten().map(|&x| f64::from(x)));
        let c = g.transpose() * &g / n as f64;
        let damping = 0.1 * c.trace() / k as f64;
        let a = c + damping * DMatrix::identity(k, k);
        let v = DVector::from_iterator(k, target.iter().map(|&x| f64::from(x)));
        let expected = g * a.cholesky().unwrap().solve(&v);
        let scale = expected.amax();
        for (r, expected) in rows.iter().zip(expected.iter()) {
            let found = prepared.score_one(&row(r)).unwrap();
            prop_assert!((found - expected).abs() < 1e-3 * scale, "{found} against {expected}");
        }
    }
}

#[test]
fn a_step_against_a_samples_gradient_lowers_the_targets_loss_where_influence_is_positive() {
    // ℓ(θ; z) = ½‖θ − z‖² has gradient θ − z; a step on z changes the target's loss by
    // −η·g·v + O(η²).
    let theta = normals(1, 20);
    let loss = |theta: &[f32], z: &[f32]| -> f64 {
        theta.iter().zip(z).map(|(t, z)| 0.5 * f64::from(t - z).powi(2)).sum()
    };
    let gradient = |z: &[f32]| -> Vec<f32> { theta.iter().zip(z).map(|(t, z)| t - z).collect() };
    let target = normals(2, 20);
    for sample in 3..40 {
        let train = normals(sample, 20);
        let (g, v) = (gradient(&train), gradient(&target));
        let influence = grad_dot(&row(&g), &row(&v)).unwrap();
        let step: Vec<f32> = theta.iter().zip(&g).map(|(t, g)| t - 1e-3 * g).collect();
        let lowered = loss(&theta, &target) - loss(&step, &target);
        assert!((lowered - 1e-3 * influence).abs() < 1e-4, "lowered by {lowered}, influence {influence}");
    }
}

#[test]
fn tracin_sums_checkpoints_and_scales_with_the_learning_rate() {
    let (g, v) = (normals(1, 100), normals(2, 100));
    let mut pair = TracIn::new();
    pair.observe(0.1, &row(&g), &row(&v)).unwrap();
    pair.observe(0.3, &row(&v), &row(&v)).unwrap();
    let expected = 0.1 * exact(&g, &v) + 0.3 * exact(&v, &v);
    assert!((pair.score() - expected).abs() < 1e-4);
    let mut own = TracIn::new();
    own.observe_self(0.5, &row(&g)).unwrap();
    assert!((own.score() - 0.5 * exact(&g, &g)).abs() < 1e-4);
    assert!(matches!(own.observe_self(f64::NAN, &row(&g)), Err(Error::Setting { .. })));
    let sum = own.score() + pair.score();
    own.merge(&pair).unwrap();
    assert_eq!(own.score(), sum);
}

#[test]
fn sums_that_leave_f64_are_refused_and_stay_as_they_were() {
    const MOST: f64 = f64::MAX;
    let range = Err(Error::Range { what: "the sum of influences" });
    let (mut tracin, mut ensemble, mut trak) = (TracIn::new(), IpEnsemble::new(), TrakScore::new());
    for product in [MOST, -MOST, MOST, -1.0] {
        tracin.observe_product(1.0, product).unwrap();
        ensemble.observe_product(product).unwrap();
        trak.observe(product, 1.0).unwrap();
    }
    let before = (tracin, ensemble, trak);
    assert_eq!(tracin.observe_product(2.0, MOST), range);
    assert_eq!((tracin.observe_product(1.0, MOST), tracin.merge(&before.0)), (range, range));
    assert_eq!((ensemble.observe_product(MOST), ensemble.merge(&before.1)), (range, range));
    assert_eq!((trak.observe(MOST, 0.5), trak.merge(&before.2)), (range, range));
    assert_eq!((tracin, ensemble, trak), before);
    assert_eq!((tracin.score(), ensemble.score(), trak.score()), (MOST, MOST, MOST / 4.0));

    let (one, other) = ([1.0_f32; 4], [2.0_f32; 4]);
    let (one, other) = (row(&one), row(&other));
    let mut run = InRunShapley::new([0.0; 2]);
    run.observe(MOST / 16.0, &one, None, (1, &one)).unwrap();
    let before = run.scores().to_vec();
    // Its two places in the batch are in order one by one, but not together.
    assert_eq!(run.observe_step(MOST / 16.0, &one, None, &[(0, one), (1, other), (1, other)]), range);
    assert_eq!(run.observe(MOST / 8.0, &one, None, (1, &other)), range);
    let mut also = InRunShapley::new([0.0; 2]);
    also.observe(MOST / 8.0, &one, None, (1, &other)).unwrap();
    assert_eq!(run.merge(&also), range);
    assert_eq!(run.scores(), before);
}

#[test]
fn sketches_of_other_projections_and_non_finite_gradients_have_no_influence() {
    let x = normals(1, 200);
    let (mut a, mut b) = ([0.0; 64], [0.0; 64]);
    let one = sketch(sjlt(64, 1, Repeat::One), &x, &mut a);
    let two = sketch(sjlt(64, 2, Repeat::One), &x, &mut b);
    assert!(matches!(grad_dot(&one, &two), Err(Error::Mismatch(_))));
    assert!(matches!(grad_cos(&one, &two), Err(Error::Mismatch(_))));
    assert_eq!(grad_dot(&row(&[f32::NAN]), &row(&[1.0])), Err(Error::NonFinite));
    assert_eq!(grad_cos(&row(&[0.0]), &row(&[1.0])), Ok(0.0));
}
