//! Claims about the influence methods that hold for all gradients: linearity, order,
//! limits, special cases, refusals.

mod iterations;
mod refused;
mod together;

use crate::source::{normals, row, sjlt, sketch, uniform};
use gradsieve::influence::{
    Adam, AdamSettings, ConjugateGradients, ConjugateGradientsSettings, DataInf, DataInfLayer,
    DataInfSettings, InRunShapley, IpEnsemble, IterativeSolver, Less, LessSettings, LessTargets, Lissa,
    LissaSettings, Progress, ReTrac, Ridge, RidgeSettings, Targets, TracIn, Trak, TrakScore, TrakSettings,
    grad_cos, grad_dot,
};
use gradsieve::{Element, Error, Exact, Layout, Repeat, Sketch, SketchId, Sketcher, bf16, f16};
use proptest::prelude::*;

/// n rows of k numbers, some rows much longer than others.
fn rows(seed: u64, n: usize, k: usize) -> Vec<Vec<f32>> {
    let scaled = |i: usize| {
        let scale = (2.0 * uniform(seed, i as u64) - 1.0).exp() as f32;
        normals(seed ^ (i as u64 + 1) << 32, k).iter().map(|x| scale * x).collect()
    };
    (0..n).map(scaled).collect()
}

fn id(k: usize) -> SketchId {
    row(&vec![0.0; k]).id
}

fn exact<T: Copy + Into<f64>>(x: &[f32], y: &[T]) -> f64 {
    x.iter().zip(y).map(|(&x, &y)| f64::from(x) * y.into()).sum()
}

fn norm<T: Copy + Into<f64>>(x: &[T]) -> f64 {
    x.iter().map(|&x| x.into() * x.into()).sum::<f64>().sqrt()
}

/// The ridge solution of one target.
fn ridge(rows: &[Vec<f32>], v: &[f32]) -> Vec<f32> {
    let k = v.len();
    let mut memory = vec![0.0; RidgeSettings::new(k).memory().f64s];
    let mut ridge = Ridge::new(RidgeSettings::new(k), &mut memory).unwrap();
    rows.iter().for_each(|g| ridge.observe(&row(g)).unwrap());
    ridge.fit().unwrap();
    let mut solution = vec![0.0; k];
    ridge.solve(&row(v), &mut solution).unwrap();
    solution
}

const fn conjugate_settings(k: usize) -> ConjugateGradientsSettings {
    ConjugateGradientsSettings::new(k)
}

/// The solutions of conjugate gradients, and how far they came.
fn conjugate(rows: &[Vec<f32>], targets: &[Vec<f32>], tolerance: f32, most: u32) -> (Vec<f64>, Progress) {
    let (k, q) = (rows[0].len(), targets.len());
    let settings = ConjugateGradientsSettings { targets: q, tolerance, ..conjugate_settings(k) };
    let mut solver = ConjugateGradients::new(settings, vec![f64::NAN; settings.memory().f64s]).unwrap();
    targets.iter().for_each(|v| solver.target(&row(v)).unwrap());
    let progress = solver.solve(&id(k), &rows.concat(), most).unwrap();
    (solver.targets().unwrap().solutions().to_vec(), progress)
}

fn lissa(
    rows: &[Vec<f32>],
    v: &[f32],
    step: Option<f64>,
    tolerance: f32,
    most: u32,
) -> Result<(Vec<f64>, Progress), Error> {
    let k = v.len();
    let settings = LissaSettings { tolerance, step, ..LissaSettings::new(k) };
    let mut solver = Lissa::new(settings, vec![f64::NAN; settings.memory().f64s]).unwrap();
    solver.target(&row(v)).unwrap();
    let progress = solver.solve(&id(k), &rows.concat(), most);
    if progress.is_err() {
        assert_eq!(solver.targets().err(), Some(Error::Diverged));
        assert_eq!(solver.observe(&row(&rows[0])), Err(Error::Diverged));
        solver.reset();
        assert_eq!(solver.target(&row(v)), Ok(()));
    }
    let progress = progress?;
    Ok((solver.targets()?.solutions().to_vec(), progress))
}

fn datainf(rows: &[Vec<f32>], targets: &[Vec<f32>], cuts: &[usize]) -> Vec<f32> {
    let k = rows[0].len();
    let mut layers: Vec<DataInfLayer> =
        cuts.windows(2).map(|cut| DataInfLayer::new(cut[0]..cut[1])).collect();
    let settings =
        DataInfSettings { layers: layers.len(), targets: targets.len(), ..DataInfSettings::new(k) };
    let mut datainf = DataInf::new(settings, &mut layers).unwrap();
    rows.iter().for_each(|g| datainf.observe(&row(g)).unwrap());
    datainf.fit().unwrap();
    let mut memory = vec![f32::NAN; settings.memory().f32s];
    let mut pass = datainf.solver(targets.len(), &mut memory).unwrap();
    targets.iter().for_each(|v| pass.target(&row(v)).unwrap());
    rows.iter().for_each(|g| pass.observe(&row(g)).unwrap());
    assert!(pass.end_pass().unwrap().converged);
    pass.targets().unwrap().solutions().to_vec()
}

#[track_caller]
fn assert_near<T, U>(found: &[T], expected: &[U], allowed: f64)
where
    T: Copy + Into<f64> + std::fmt::Debug,
    U: Copy + Into<f64> + std::fmt::Debug,
{
    let difference: Vec<f64> = found.iter().zip(expected).map(|(&a, &b)| a.into() - b.into()).collect();
    let error = norm(&difference) / norm(expected);
    assert!(error <= allowed, "off by {error:e} of the length: {found:?} instead of {expected:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn an_ensemble_of_one_is_the_dot_and_retrac_of_one_is_the_cosine(seed: u64, k in 1_usize..300) {
        let (g, v) = (normals(seed, k), normals(!seed, k));
        let mut ensemble = IpEnsemble::new();
        ensemble.observe(&row(&g), &row(&v)).unwrap();
        prop_assert_eq!(ensemble.score(), grad_dot(&row(&g), &row(&v)).unwrap());
        prop_assert_eq!(ensemble.mean(), ensemble.score());

        let mut memory = vec![vec![0.0; k]; 2];
        let (a, b) = memory.split_at_mut(1);
        let (mut one, mut two) = (ReTrac::new(k, &mut a[0]).unwrap(), ReTrac::new(k, &mut b[0]).unwrap());
        one.observe(&row(&g)).unwrap();
        two.observe(&row(&v)).unwrap();
        prop_assert!((one.score(&two).unwrap() - grad_cos(&row(&g), &row(&v)).unwrap()).abs() < 1e-6);
        prop_assert_eq!(one.score(&two), two.score(&one));
    }

    #[test]
    fn retrac_is_blind_to_the_length_of_each_contribution(seed: u64, k in 1_usize..64, power in -30_i32..30) {
        let (g, h, v) = (normals(seed, k), normals(seed ^ 1, k), normals(!seed, k));
        let long: Vec<f32> = g.iter().map(|x| x * 2.0_f32.powi(power)).collect();
        let score = |first: &[f32]| {
            let mut memory = vec![vec![0.0; k]; 2];
            let (a, b) = memory.split_at_mut(1);
            let (mut train, mut target) = (ReTrac::new(k, &mut a[0]).unwrap(), ReTrac::new(k, &mut b[0]).unwrap());
            train.observe(&row(first)).unwrap();
            train.observe(&row(&h)).unwrap();
            target.observe(&row(&v)).unwrap();
            train.score(&target).unwrap()
        };
        // A power of two changes no digit.
        prop_assert_eq!(score(&long), score(&g));
    }

    #[test]
    fn less_is_the_largest_weighted_mean_of_cosines(seed: u64, k in 1_usize..64, n in 1_usize..5, weight in 0.01_f64..10.0) {
        let train = rows(seed, 2, k);
        let target = rows(!seed, 2 * n + 1, k);
        let mut memory = vec![vec![0.0; LessSettings { width: k, subtasks: 2 }.memory().f32s]; 2];
        let mut sums = [0.0; 2];
        let mut score = Less::new(&mut sums).unwrap();
        let mut expected = [0.0; 2];
        for ((memory, g), w) in memory.iter_mut().zip(&train).zip([weight, 1.0]) {
            let mut targets = LessTargets::new(LessSettings { width: k, subtasks: 2 }, memory).unwrap();
            for (i, v) in target.iter().enumerate() {
                targets.observe(u32::from(i > n), &row(v)).unwrap();
                let size = if i > n { n } else { n + 1 } as f64;
                expected[usize::from(i > n)] += w / (weight + 1.0) * grad_cos(&row(g), &row(v)).unwrap() / size;
            }
            score.observe(w, &targets, &row(g)).unwrap();
        }
        for (s, expected) in expected.iter().enumerate() {
            prop_assert!((score.subtask(s).unwrap() - expected).abs() < 1e-6);
        }
        prop_assert!((score.score() - expected[0].max(expected[1])).abs() < 1e-6);
    }

    #[test]
    fn first_order_in_run_data_shapley_is_tracin_over_the_steps_that_a_sample_was_in(seed: u64, k in 1_usize..200) {
        let (g, v) = (rows(seed, 6, k), rows(!seed, 3, k));
        let rates = [0.1, 0.02, 0.3];
        let mut memory = [f64::NAN; 4];
        let mut shapley = InRunShapley::new(&mut memory);
        let mut tracin = TracIn::new();
        for (t, rate) in rates.into_iter().enumerate() {
            let batch = [(3, row(&g[2 * t])), (t % 3, row(&g[2 * t + 1]))];
            shapley.observe_step(rate, &row(&v[t]), None, &batch).unwrap();
            tracin.observe(rate, &row(&g[2 * t]), &row(&v[t])).unwrap();
        }
        prop_assert_eq!(shapley.score(3), Ok(tracin.score()));
    }

    #[test]
    fn in_run_data_shapley_shares_out_the_whole_drop_of_a_quadratic_loss(seed: u64, k in 1_usize..12, batch in 1_usize..6, rate in 0.001_f64..0.5) {
        // ℓ(θ) = ½Σ d_c θ_c² at θ: the gradient is d∘θ, and w = d∘Σg.
        let (theta, g) = (normals(seed, k), rows(!seed, batch, k));
        let d: Vec<f32> = normals(seed ^ 7, k).iter().map(|x| x * x).collect();
        let total: Vec<f32> = (0..k).map(|c| g.iter().map(|g| g[c]).sum()).collect();
        let scaled = |x: &[f32]| -> Vec<f32> { x.iter().zip(&d).map(|(x, d)| x * d).collect() };
        let (v, w) = (scaled(&theta), scaled(&total));
        let loss = |theta: &[f64]| -> f64 { theta.iter().zip(&d).map(|(t, &d)| 0.5 * f64::from(d) * t * t).sum() };
        let before: Vec<f64> = theta.iter().map(|&t| f64::from(t)).collect();
        let after: Vec<f64> = before.iter().zip(&total).map(|(t, &g)| t - rate * f64::from(g)).collect();

        let mut memory = vec![0.0; batch];
        let mut shapley = InRunShapley::new(&mut memory);
        let samples: Vec<(usize, Sketch<'_>)> = g.iter().enumerate().map(|(i, g)| (i, row(g))).collect();
        shapley.observe_step(rate, &row(&v), Some(&row(&w)), &samples).unwrap();
        let shared: f64 = shapley.scores().iter().sum();
        let drop = loss(&before) - loss(&after);
        // Products are rounded a sample at a time, and samples may cancel.
        let lengths: f64 = g.iter().map(|g| norm(g)).sum();
        let scale = rate * lengths * (norm(&v) + rate * norm(&w));
        prop_assert!((shared - drop).abs() < 1e-5 * scale, "{shared} of {drop}");
    }

    #[test]
    fn solved_targets_are_linear_in_the_target(seed: u64, n in 1_usize..60, k in 1_usize..24, factor in -3.0_f32..3.0) {
        let g = rows(seed, n, k);
        let (v, u) = (normals(!seed, k), normals(!seed ^ 1, k));
        let sum: Vec<f32> = v.iter().zip(&u).map(|(v, u)| v + factor * u).collect();
        let targets = [v, u, sum];
        let half = k / 2;
        let cuts = if half == 0 { vec![0, k] } else { vec![0, half, k] };
        let conjugate = conjugate(&g, &targets, 1e-6, 3 * k as u32 + 10).0.iter().map(|&x| x as f32).collect();
        for solutions in [conjugate, datainf(&g, &targets, &cuts)] {
            let [v, u, sum] = [0, 1, 2].map(|i| &solutions[i * k..(i + 1) * k]);
            let difference: Vec<f32> = (0..k).map(|c| v[c] + factor * u[c] - sum[c]).collect();
            prop_assert!(norm(&difference) < 2e-4 * (norm(v) + norm(u) * f64::from(factor.abs()) + norm(sum)));
        }
    }

    #[test]
    fn the_order_of_the_rows_changes_no_more_than_rounding(seed: u64, n in 1_usize..100, k in 1_usize..24) {
        let g = rows(seed, n, k);
        let turned: Vec<Vec<f32>> = g.iter().rev().cloned().collect();
        let targets = [normals(!seed, k)];
        let most = 3 * k as u32 + 10;
        assert_near(&conjugate(&g, &targets, 1e-5, most).0, &conjugate(&turned, &targets, 1e-5, most).0, 1e-3);
        assert_near(&datainf(&g, &targets, &[0, k]), &datainf(&turned, &targets, &[0, k]), 1e-5);
        let step = |rows: &[Vec<f32>]| lissa(rows, &targets[0], None, 1e-3, 5).unwrap().0;
        assert_near(&step(&g), &step(&turned), 1e-5);
    }

    #[test]
    fn conjugate_gradients_and_lissa_find_the_ridge_solution(seed: u64, n in 1_usize..80, k in 1_usize..16) {
        let (g, v) = (rows(seed, n, k), normals(!seed, k));
        let direct = ridge(&g, &v);
        let (found, progress) = conjugate(&g, std::slice::from_ref(&v), 1e-6, 4 * k as u32 + 10);
        prop_assert!(progress.converged, "{:?}", progress);
        assert_near(&found, &direct, 2e-4);
        let (found, progress) = lissa(&g, &v, None, 1e-5, 20_000).unwrap();
        prop_assert!(progress.converged, "{:?}", progress);
        assert_near(&found, &direct, 1e-3);
    }

    #[test]
    fn datainf_with_one_sample_inverts_exactly_and_so_is_the_ridge(seed: u64, k in 2_usize..32) {
        // λ of DataInf is a tenth of the mean square, that of the ridge a tenth of the
        // mean eigenvalue: the same number.
        let (g, v) = (rows(seed, 1, k), normals(!seed, k));
        let direct = ridge(&g, &v);
        assert_near(&datainf(&g, &[v], &[0, k]), &direct, 1e-3);
    }

    #[test]
    fn trak_with_one_model_is_the_ridge_over_n_times_one_minus_p(seed: u64, n in 1_usize..60, k in 1_usize..24, one_minus_p in 0.0_f64..1.0) {
        let (g, v) = (rows(seed, n, k), normals(!seed, k));
        let mut memory = vec![0.0; TrakSettings::new(k).memory().f64s];
        let mut trak = Trak::new(TrakSettings::new(k), &mut memory).unwrap();
        g.iter().for_each(|g| trak.observe(&row(g)).unwrap());
        trak.fit().unwrap();
        let mut solution = vec![0.0; k];
        let targets = trak.solve(&row(&v), &mut solution).unwrap();
        let direct = ridge(&g, &v);
        for g in &g {
            let mut product = [0.0];
            targets.score(&row(g), &mut product).unwrap();
            let mut score = TrakScore::new();
            score.observe(product[0], one_minus_p).unwrap();
            let expected = exact(g, &direct) / n as f64 * one_minus_p;
            let scale = norm(g) * norm(&direct) / n as f64 * one_minus_p;
            prop_assert!((score.score() - expected).abs() <= 1e-3 * scale);
        }
    }

    #[test]
    fn stored_rows_of_every_type_have_the_scores_of_their_sketches(seed: u64, n in 0_usize..40, k in 1_usize..80, q in 1_usize..12) {
        let halves: Vec<f16> = rows(seed, n, k).concat().iter().map(|&x| f16::from_f32(x)).collect();
        let wide: Vec<f32> = halves.iter().map(|x| x.to_f32()).collect();
        let solutions = rows(!seed, q, k).concat();
        let targets = Targets::new(id(k), &solutions).unwrap();
        let (mut narrow, mut full) = (vec![0.0; n * q], vec![0.0; n * q]);
        prop_assert_eq!(targets.score_rows(&id(k), &halves, &mut narrow), Ok(0));
        prop_assert_eq!(targets.score_rows(&id(k), &wide, &mut full), Ok(0));
        prop_assert_eq!(&narrow, &full);

        let settings = LessSettings { width: k, subtasks: q };
        let mut less = LessTargets::new(settings, vec![0.0; settings.memory().f32s]).unwrap();
        for (s, v) in solutions.chunks(k).enumerate() {
            less.observe(s as u32, &row(v)).unwrap();
        }
        let mut cosines = vec![0.0; n * q];
        prop_assert_eq!(less.score_rows(&id(k), &halves, &mut cosines), Ok(0));

        let (mut one, mut each) = (vec![0.0; q], vec![0.0; q]);
        for (r, g) in wide.chunks(k).enumerate() {
            targets.score(&row(g), &mut one).unwrap();
            less.score(&row(g), &mut each).unwrap();
            let mut stepped = vec![0.0; q];
            less.targets().unwrap().score(&row(g), &mut stepped).unwrap();
            less.cosines(&row(g), &mut stepped).unwrap();
            prop_assert_eq!(&stepped, &each);
            for s in 0..q {
                let scale = norm(g) * norm(&solutions[s * k..(s + 1) * k]);
                prop_assert!((f64::from(full[s * n + r]) - one[s]).abs() <= 1e-5 * scale);
                prop_assert!((f64::from(cosines[s * n + r]) - each[s]).abs() <= 1e-5);
                let dot = grad_dot(&row(g), &row(&solutions[s * k..(s + 1) * k])).unwrap();
                prop_assert_eq!(one[s], dot);
            }
        }
    }
}

#[test]
fn datainf_of_a_layer_without_gradients_is_that_of_the_others() {
    let mut g = rows(31, 20, 10);
    g.iter_mut().for_each(|g| g[4..7].fill(0.0));
    let v = normals(32, 10);
    let with = datainf(&g, std::slice::from_ref(&v), &[0, 4, 7, 10]);
    assert_eq!(with[4..7], [0.0; 3]);
    let left: Vec<Vec<f32>> = g.iter().map(|g| g[..4].to_vec()).collect();
    assert_near(&with[..4], &datainf(&left, &[v[..4].to_vec()], &[0, 4]), 1e-6);
}

#[test]
fn datainf_over_many_rows_keeps_what_f32_would_lose() {
    // 200,000 equal rows: a running f32 sum would be off by far more.
    let g = vec![0.1_f32, 0.7, -0.3];
    let all = vec![g.clone(); 200_000];
    let v = vec![1.0_f32, 0.5, 0.25];
    assert_near(&datainf(&all, std::slice::from_ref(&v), &[0, 3]), &datainf(&[g], &[v], &[0, 3]), 1e-5);
}

#[test]
fn merged_states_are_those_of_all_observations() {
    let (g, v) = (rows(41, 8, 5), rows(42, 4, 5));
    const SUBTASKS: LessSettings = LessSettings { width: 5, subtasks: 2 };
    let new = || LessTargets::<[f32; SUBTASKS.memory().f32s]>::owned(SUBTASKS).unwrap();
    let (mut all, mut one, mut two) = (new(), new(), new());
    for (i, v) in v.iter().enumerate() {
        all.observe(i as u32 % 2, &row(v)).unwrap();
        let part = if i < 3 { &mut one } else { &mut two };
        part.observe(i as u32 % 2, &row(v)).unwrap();
    }
    one.merge(&two).unwrap();
    let (mut found, mut expected) = ([0.0; 2], [0.0; 2]);
    one.score(&row(&g[0]), &mut found).unwrap();
    all.score(&row(&g[0]), &mut expected).unwrap();
    assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6));

    let mut memory = [[0.0; 5]; 3];
    let [a, b, c] = &mut memory;
    let [mut all, mut one, mut two] = [a, b, c].map(|memory| ReTrac::new(5, memory).unwrap());
    for (i, g) in g.iter().enumerate() {
        all.observe(&row(g)).unwrap();
        if i < 5 { one.observe(&row(g)).unwrap() } else { two.observe(&row(g)).unwrap() }
    }
    one.merge(&two).unwrap();
    assert_eq!(one.count(), 8);
    assert!((one.score(&all).unwrap() - all.score(&all).unwrap()).abs() < 1e-6);

    let mut memory = [[0.0; 2]; 2];
    let [a, b] = &mut memory;
    let (mut one, mut two) = (InRunShapley::new(a), InRunShapley::new(b));
    one.observe(0.1, &row(&v[0]), None, (0, &row(&g[0]))).unwrap();
    two.observe(0.1, &row(&v[0]), None, (0, &row(&g[0]))).unwrap();
    two.observe(0.2, &row(&v[0]), None, (1, &row(&g[1]))).unwrap();
    let expected = [one.score(0).unwrap() * 2.0, two.score(1).unwrap()];
    one.merge(&two).unwrap();
    assert_eq!(one.scores(), expected);

    let layers = || [DataInfLayer::new(0..2), DataInfLayer::new(2..5)];
    let settings = DataInfSettings { layers: 2, ..DataInfSettings::new(5) };
    let (mut a, mut b, mut c) = (layers(), layers(), layers());
    let [mut all, mut one, mut two] = [&mut a, &mut b, &mut c].map(|l| DataInf::new(settings, l).unwrap());
    for (i, g) in g.iter().enumerate() {
        all.observe(&row(g)).unwrap();
        if i < 5 { one.observe(&row(g)).unwrap() } else { two.observe(&row(g)).unwrap() }
    }
    one.merge(&two).unwrap();
    one.fit().unwrap();
    all.fit().unwrap();
    for (one, all) in one.layers().iter().zip(all.layers()) {
        assert!((one.damping() / all.damping() - 1.0).abs() < 1e-12);
    }
}

#[test]
fn less_of_stored_rows_is_the_mean_over_a_subtasks_samples() {
    let settings = LessSettings { width: 2, subtasks: 2 };
    let mut targets = LessTargets::new(settings, vec![0.0; settings.memory().f32s]).unwrap();
    for (subtask, sample) in
        [(0, [2.0, 0.0]), (0, [0.0, 1.0]), (1, [1.0, 0.0]), (1, [-3.0, 0.0]), (1, [0.5, 0.0])]
    {
        targets.observe(subtask, &row(&sample)).unwrap();
    }
    let mut scores = [0.0; 4];
    assert_eq!(targets.score_rows(&id(2), &[4.0_f32, 0.0, 0.0, 0.25], &mut scores), Ok(0));
    assert_eq!(scores, [0.5, 0.5, 1.0_f32 / 3.0, 0.0]);
}

#[test]
fn states_that_own_their_arrays_are_made_at_compile_time() {
    const SETTINGS: ConjugateGradientsSettings = ConjugateGradientsSettings::new(3);
    const STEPS: LissaSettings = LissaSettings::new(3);
    static CONJUGATE: Result<ConjugateGradients<[f64; SETTINGS.memory().f64s]>, Error> =
        ConjugateGradients::owned(SETTINGS);
    static LISSA: Result<Lissa<[f64; STEPS.memory().f64s]>, Error> = Lissa::owned(STEPS);
    static SHORT: Result<Lissa<[f64; 1]>, Error> = Lissa::owned(STEPS);
    let (g, v) = (rows(61, 9, 3), normals(62, 3));
    let mut solver = CONJUGATE.clone().unwrap();
    solver.target(&row(&v)).unwrap();
    assert!(solver.solve(&id(3), &g.concat(), 20).unwrap().converged);
    let lent = conjugate(&g, std::slice::from_ref(&v), SETTINGS.tolerance, 20).0;
    assert_eq!(solver.targets().unwrap().solutions(), lent);
    let mut solver = LISSA.clone().unwrap();
    solver.target(&row(&v)).unwrap();
    solver.solve(&id(3), &g.concat(), 20).unwrap();
    assert_eq!(solver.targets().unwrap().solutions(), lissa(&g, &v, None, STEPS.tolerance, 20).unwrap().0);
    let needed = STEPS.memory().f64s;
    assert_eq!(SHORT.as_ref().err(), Some(&Error::Length { expected: needed, found: 1 }));
}
