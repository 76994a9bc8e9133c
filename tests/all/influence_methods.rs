//! Claims about the influence methods that hold for all gradients: linearity, order,
//! limits, special cases, refusals.

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
        let scale = rate * norm(&v) * norm(&total) + rate * rate * norm(&total) * norm(&w);
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
fn lissa_diverges_in_plain_words_just_where_theory_says() {
    let (g, v) = (rows(5, 50, 8), normals(6, 8));
    // The largest eigenvalue of C + λI, by powers.
    let n = g.len() as f64;
    let trace: f64 = g.iter().map(|g| exact(g, g)).sum::<f64>() / n;
    let damping = 0.1 * trace / 8.0;
    let mut x = v.clone();
    let mut largest = 0.0;
    for _ in 0..300 {
        let length = norm(&x);
        let unit: Vec<f32> = x.iter().map(|x| (f64::from(*x) / length) as f32).collect();
        let mut next = [0.0_f64; 8];
        for g in &g {
            let dot = exact(g, &unit) / n;
            next.iter_mut().zip(g).for_each(|(to, &g)| *to += dot * f64::from(g));
        }
        x = next.iter().zip(&unit).map(|(c, &u)| (c + damping * f64::from(u)) as f32).collect();
        largest = norm(&x);
    }
    let slow = lissa(&g, &v, Some(1.9 / largest), 1e-4, 2000).unwrap();
    assert!(slow.1.converged, "{:?}", slow.1);
    assert_near(&slow.0, &ridge(&g, &v), 1e-3);
    assert_eq!(lissa(&g, &v, Some(2.1 / largest), 1e-4, 2000).err(), Some(Error::Diverged));
    assert_eq!(lissa(&g, &v, Some(1e30), 1e-4, 2000).err(), Some(Error::Diverged));
}

#[test]
fn fewer_passes_are_reported_as_not_converged() {
    let (g, v) = (rows(8, 60, 20), normals(9, 20));
    let (_, progress) = conjugate(&g, std::slice::from_ref(&v), 1e-6, 2);
    assert!(!progress.converged && progress.passes == 2 && progress.residual > 1e-6, "{progress:?}");
    let (_, progress) = lissa(&g, &v, None, 1e-6, 2).unwrap();
    assert!(!progress.converged && progress.passes == 2 && progress.residual > 1e-6, "{progress:?}");
}

#[test]
fn the_reported_residual_is_the_true_one() {
    let (g, v) = (rows(18, 70, 16), normals(19, 16));
    let n = g.len() as f64;
    let damping = 0.1 * g.iter().map(|g| exact(g, g)).sum::<f64>() / (n * 16.0);
    let residual = |x: &[f64]| {
        let mut r: Vec<f64> = v.iter().zip(x).map(|(&v, &x)| f64::from(v) - damping * x).collect();
        for g in &g {
            let dot = exact(g, x) / n;
            r.iter_mut().zip(g).for_each(|(r, &g)| *r -= dot * f64::from(g));
        }
        r.iter().map(|r| r * r).sum::<f64>().sqrt() / norm(&v)
    };
    for most in 1..6 {
        let (x, progress) = conjugate(&g, std::slice::from_ref(&v), 1e-6, most);
        assert!((residual(&x) / progress.residual - 1.0).abs() < 1e-7, "{} {progress:?}", residual(&x));
        // LiSSA's is that of the solution before the step, which is what one pass fewer
        // gives.
        // The first five passes estimate λ_max.
        let before = lissa(&g, &v, None, 1e-6, 5 + most).unwrap().0;
        let progress = lissa(&g, &v, None, 1e-6, 6 + most).unwrap().1;
        assert!((residual(&before) / progress.residual - 1.0).abs() < 1e-7, "{progress:?}");
    }
}

#[test]
fn a_pass_over_other_rows_does_not_count_and_can_be_made_again() {
    let (g, v) = (rows(3, 20, 6), normals(4, 6));
    let settings = conjugate_settings(6);
    let mut solver = ConjugateGradients::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    assert_eq!(solver.observe(&row(&g[0])), Err(Error::TooFew { needed: 1, found: 0 }));
    solver.target(&row(&v)).unwrap();
    assert_eq!(solver.targets().err(), Some(Error::NotFitted));
    assert_eq!(solver.end_pass(), Err(Error::TooFew { needed: 1, found: 0 }));
    let mut passes = 0;
    let progress = loop {
        // A row is missing, and one cannot be taken; then all are there.
        if passes > 0 {
            g.iter().skip(1).for_each(|g| solver.observe(&row(g)).unwrap());
            assert_eq!(solver.end_pass(), Err(Error::Length { expected: 20, found: 19 }));
        }
        for g in &g {
            assert_eq!(solver.observe(&row(&[f32::NAN; 6])), Err(Error::NonFinite));
            assert_eq!(solver.observe(&row(&[1.0; 5])), Err(Error::Mismatch(gradsieve::Field::Width)));
            solver.observe(&row(g)).unwrap();
            assert_eq!(solver.target(&row(&v)), Err(Error::InPass));
        }
        passes += 1;
        let progress = solver.end_pass().unwrap();
        if progress.converged {
            break progress;
        }
    };
    assert_eq!(progress.passes, passes);
    let expected = conjugate(&g, std::slice::from_ref(&v), settings.tolerance, 99).0;
    assert_eq!(solver.targets().unwrap().solutions(), expected);
    assert_eq!(solver.target(&row(&v)), Err(Error::Length { expected: 1, found: 2 }));
}

#[test]
fn targets_that_share_passes_have_the_solutions_that_each_has_alone() {
    let g = rows(21, 70, 33);
    let targets = rows(22, 5, 33);
    let together = conjugate(&g, &targets, 1e-5, 7).0;
    let alone: Vec<f64> =
        targets.iter().flat_map(|v| conjugate(&g, std::slice::from_ref(v), 1e-5, 7).0).collect();
    assert_eq!(together, alone);
    let settings = LissaSettings { targets: 5, tolerance: 0.05, ..LissaSettings::new(33) };
    let mut solver = Lissa::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    targets.iter().for_each(|v| solver.target(&row(v)).unwrap());
    assert!(solver.solve(&id(33), &g.concat(), 5000).unwrap().converged);
    let alone: Vec<f64> = targets.iter().flat_map(|v| lissa(&g, v, None, 0.05, 5000).unwrap().0).collect();
    assert_eq!(solver.targets().unwrap().solutions(), alone);
    let together = datainf(&g, &targets, &[0, 10, 33]);
    let alone: Vec<f32> =
        targets.iter().flat_map(|v| datainf(&g, std::slice::from_ref(v), &[0, 10, 33])).collect();
    assert_eq!(together, alone);
}

/// Rows in the format, some of them non_finite, given one by one, and in pieces of these
/// sizes over and over (a piece of none is a row by itself).
fn in_pieces<T: Element>(
    seed: u64,
    (n, k): (usize, usize),
    non_finite: &[usize],
    pieces: &[usize],
    cut: usize,
) {
    let mut g: Vec<T> = rows(seed, n, k).concat().into_iter().map(T::narrow).collect();
    non_finite.iter().for_each(|r| g[r % n * k + r % k] = T::narrow([f32::NAN, f32::INFINITY][r % 2]));
    let bad = g.chunks(k).filter(|g| g.iter().any(|x| !x.widen().is_finite())).count();
    let targets = rows(!seed, 3, k);
    let mut layers: Vec<DataInfLayer> =
        [0..cut, cut..k].into_iter().filter(|layer| !layer.is_empty()).map(DataInfLayer::new).collect();
    let settings = DataInfSettings { layers: layers.len(), targets: 3, ..DataInfSettings::new(k) };
    let mut datainf = DataInf::new(settings, &mut layers).unwrap();
    g.chunks(k).filter(|row| datainf.observe_row(&id(k), row).is_err()).count();
    if datainf.fit().is_err() {
        return;
    }
    // A piece of many is passed over as a whole, one of a row is refused.
    let give =
        |whole: bool, one: &mut dyn FnMut(&[T]) -> Result<(), Error>, many: &mut dyn FnMut(&[T]) -> usize| {
            let (mut rest, mut passed_over) = (&g[..], 0);
            for &piece in pieces.iter().cycle() {
                let (rows, behind) =
                    rest.split_at(if whole { k.min(rest.len()) } else { (piece.max(1) * k).min(rest.len()) });
                if rows.is_empty() {
                    break;
                }
                passed_over += if whole || piece == 0 { usize::from(one(rows).is_err()) } else { many(rows) };
                rest = behind;
            }
            assert_eq!(passed_over, bad);
        };
    let bits = |targets: Targets<'_>| targets.solutions().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let wide_bits =
        |targets: Targets<'_, f64>| targets.solutions().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let solve = |whole| {
        let mut memory = vec![f32::NAN; settings.memory().f32s];
        let mut pass = datainf.solver(3, &mut memory).unwrap();
        targets.iter().for_each(|v| pass.target(&row(v)).unwrap());
        let pass = std::cell::RefCell::new(pass);
        give(whole, &mut |row| pass.borrow_mut().observe_row(&id(k), row), &mut |rows| {
            pass.borrow_mut().observe_rows(&id(k), rows).unwrap()
        });
        let mut pass = pass.into_inner();
        pass.end_pass().unwrap();
        bits(pass.targets().unwrap())
    };
    assert_eq!(solve(false), solve(true), "{} DataInf, {n} rows of {k}", T::NAME);
    let solve = |whole| {
        let settings = ConjugateGradientsSettings { targets: 3, ..conjugate_settings(k) };
        let mut solver = ConjugateGradients::new(settings, vec![f64::NAN; settings.memory().f64s]).unwrap();
        targets.iter().for_each(|v| solver.target(&row(v)).unwrap());
        let solver = std::cell::RefCell::new(solver);
        for _ in 0..2 {
            give(whole, &mut |row| solver.borrow_mut().observe_row(&id(k), row), &mut |rows| {
                solver.borrow_mut().observe_rows(&id(k), rows).unwrap()
            });
            solver.borrow_mut().end_pass().unwrap();
        }
        wide_bits(solver.into_inner().targets().unwrap())
    };
    assert_eq!(solve(false), solve(true), "{} conjugate gradients, {n} rows of {k}", T::NAME);
    let solve = |whole| {
        let settings = LissaSettings { targets: 3, ..LissaSettings::new(k) };
        let mut solver = Lissa::new(settings, vec![f64::NAN; settings.memory().f64s]).unwrap();
        targets.iter().for_each(|v| solver.target(&row(v)).unwrap());
        let solver = std::cell::RefCell::new(solver);
        for _ in 0..7 {
            give(whole, &mut |row| solver.borrow_mut().observe_row(&id(k), row), &mut |rows| {
                solver.borrow_mut().observe_rows(&id(k), rows).unwrap()
            });
            solver.borrow_mut().end_pass().unwrap();
        }
        wide_bits(solver.into_inner().targets().unwrap())
    };
    assert_eq!(solve(false), solve(true), "{} LiSSA, {n} rows of {k}", T::NAME);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rows_given_together_have_the_bits_of_one_by_one_and_non_finite_ones_are_passed_over(
        seed: u64,
        n in 1_usize..150,
        k in 1_usize..40,
        non_finite in prop::collection::vec(0_usize..1000, 0..4),
        pieces in prop::collection::vec(0_usize..70, 1..5),
        cut in 0_usize..3,
    ) {
        in_pieces::<f32>(seed, (n, k), &non_finite, &pieces, cut.min(k));
        in_pieces::<f16>(seed, (n, k), &non_finite, &pieces, cut.min(k));
        in_pieces::<bf16>(seed, (n, k), &non_finite, &pieces, cut.min(k));
    }
}

#[test]
fn rows_one_by_one_behind_a_few_together_join_the_sums_at_the_same_places() {
    // Sixteen at a time they would go past the 64 rows that are summed in f32.
    let pieces: Vec<usize> = [5].into_iter().chain([0; 145]).collect();
    in_pieces::<f32>(7, (150, 9), &[], &pieces, 0);
    in_pieces::<f16>(8, (150, 33), &[70], &pieces, 0);
}

#[test]
fn rows_given_together_that_are_not_whole_or_foreign_are_refused() {
    let mut layers = [DataInfLayer::new(0..4)];
    let settings = DataInfSettings::new(4);
    let mut datainf = DataInf::new(settings, &mut layers).unwrap();
    let g = [1.0_f32, 2.0, 0.5, -1.0];
    datainf.observe(&row(&g)).unwrap();
    datainf.fit().unwrap();
    let mut memory = vec![0.0; settings.memory().f32s];
    let mut pass = datainf.solver(1, &mut memory).unwrap();
    assert_eq!(pass.observe_rows(&id(4), &g), Err(Error::TooFew { needed: 1, found: 0 }));
    pass.target(&row(&g)).unwrap();
    assert_eq!(pass.observe_rows(&id(4), &[1.0_f32; 7]), Err(Error::Length { expected: 4, found: 7 }));
    assert!(matches!(pass.observe_rows(&id(3), &g), Err(Error::Mismatch(_))));
    assert_eq!(pass.observe_rows(&id(4), &g[..0]), Ok(0));
    assert_eq!(pass.observe_rows(&id(4), &[[f32::INFINITY; 4], g].concat()), Ok(1));
    assert!(pass.end_pass().is_ok());

    let settings = conjugate_settings(4);
    let mut solver = ConjugateGradients::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    assert_eq!(solver.observe_rows(&id(4), &g), Err(Error::TooFew { needed: 1, found: 0 }));
    solver.target(&row(&g)).unwrap();
    assert_eq!(solver.observe_rows(&id(4), &[1.0_f32; 7]), Err(Error::Length { expected: 4, found: 7 }));
    assert!(matches!(solver.observe_rows(&id(3), &g), Err(Error::Mismatch(_))));
    assert_eq!(solver.solve(&id(4), &[1.0, 0.0, f32::NAN, 0.0], 3), Err(Error::NonFinite));
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
fn what_cannot_be_is_refused_and_changes_nothing() {
    let g = normals(51, 4);
    let (mut one, mut two) = ([0.0; 64], [0.0; 64]);
    let foreign = [1, 2].map(|seed| sjlt(64, seed, Repeat::One));
    let (a, b) = (sketch(foreign[0], &g, &mut one), sketch(foreign[1], &g, &mut two));

    let mut ensemble = IpEnsemble::new();
    assert!(matches!(ensemble.observe(&a, &b), Err(Error::Mismatch(_))));
    assert_eq!(ensemble, IpEnsemble::new());

    let mut memory = [0.0; 64];
    let mut retrac = ReTrac::new(64, &mut memory).unwrap();
    retrac.observe(&a).unwrap();
    assert!(matches!(retrac.observe(&b), Err(Error::Mismatch(_))));
    assert_eq!(retrac.observe(&row(&g)), Err(Error::Length { expected: 64, found: 4 }));
    assert_eq!(retrac.count(), 1);
    let mut memory = [0.0; 4];
    let empty = ReTrac::new(4, &mut memory).unwrap();
    assert_eq!(retrac.score(&empty), Err(Error::TooFew { needed: 1, found: 0 }));

    let mut memory = [0.0; 2];
    let mut shapley = InRunShapley::new(&mut memory);
    let good = (0, row(&g));
    let nan = [f32::NAN; 4];
    let huge = [1e25; 4];
    for (batch, error) in [
        ([good, (2, row(&g))], Error::Length { expected: 2, found: 3 }),
        ([good, (1, row(&nan))], Error::NonFinite),
    ] {
        assert_eq!(shapley.observe_step(0.1, &row(&huge), None, &batch[..1]), Ok(()));
        let before = shapley.scores().to_vec();
        assert_eq!(shapley.observe_step(0.1, &row(&huge), None, &batch), Err(error));
        assert!(matches!(
            shapley.observe_step(f64::NAN, &row(&g), None, &batch[..1]),
            Err(Error::Setting { .. })
        ));
        assert_eq!(shapley.observe_step(0.1, &row(&g), Some(&a), &batch[..1]).map_err(|_| ()), Err(()));
        assert_eq!(shapley.scores(), before);
    }
    assert_eq!(shapley.score(2), Err(Error::Length { expected: 2, found: 3 }));

    let mut score = TrakScore::new();
    assert!(matches!(score.observe(1.0, 1.5), Err(Error::Setting { .. })));
    assert_eq!(score.observe(f64::NAN, 0.5), Err(Error::NonFinite));
    assert_eq!(score, TrakScore::new());
    let settings = TrakSettings { damping: 0.0, ..TrakSettings::new(4) };
    let mut memory = vec![0.0; settings.memory().f64s];
    let refused = Trak::new(TrakSettings { damping: -0.1, ..settings }, &mut memory);
    assert!(matches!(refused, Err(Error::Setting { name: "damping", .. })));
    let mut trak = Trak::new(settings, &mut memory).unwrap();
    trak.observe(&row(&[0.0; 4])).unwrap();
    assert_eq!(trak.fit(), Err(Error::NotPositiveDefinite));
    assert_eq!(trak.solve(&row(&g), &mut [0.0_f32; 4]).err(), Some(Error::NotFitted));

    let settings = LessSettings { width: 4, subtasks: 2 };
    let mut less = LessTargets::new(settings, vec![0.0; settings.memory().f32s]).unwrap();
    assert_eq!(less.observe(2, &row(&g)), Err(Error::Group { groups: 2, found: 2 }));
    less.observe(0, &row(&g)).unwrap();
    assert_eq!(less.score(&row(&g), &mut [0.0; 2]), Err(Error::TooFew { needed: 1, found: 0 }));
    less.observe(1, &row(&[0.0; 4])).unwrap();
    let mut sums = [0.0; 2];
    let mut score = Less::new(&mut sums).unwrap();
    assert_eq!(score.score(), 0.0);
    assert!(matches!(score.observe(-1.0, &less, &row(&g)), Err(Error::Setting { .. })));
    assert_eq!(score.observe(1.0, &less, &row(&nan)), Err(Error::NonFinite));
    score.observe(0.5, &less, &row(&g)).unwrap();
    assert!(
        (score.score() - 1.0).abs() < 1e-6 && score.subtask(1) == Some(0.0) && score.subtask(2).is_none()
    );

    for (layers, index) in [(&[][..], 0), (&[(0, 2), (1, 3)], 1), (&[(0, 2), (3, 3)], 1), (&[(2, 5)], 0)] {
        let layer = |&(start, end): &(usize, usize)| DataInfLayer::new(start..end);
        let mut layers: Vec<DataInfLayer> = layers.iter().map(layer).collect();
        let settings = DataInfSettings { layers: layers.len(), ..DataInfSettings::new(4) };
        assert_eq!(DataInf::new(settings, &mut layers).err(), Some(Error::Layer { index }));
    }
    let mut layers = [DataInfLayer::new(0..4)];
    let settings = DataInfSettings::new(4);
    let refused = DataInf::new(DataInfSettings { damping: 0.0, ..settings }, &mut layers);
    assert!(matches!(refused, Err(Error::Setting { name: "damping", .. })));
    let mut datainf = DataInf::new(settings, &mut layers).unwrap();
    assert_eq!(datainf.fit(), Err(Error::TooFew { needed: 1, found: 0 }));
    datainf.observe(&row(&[0.0; 4])).unwrap();
    assert_eq!(datainf.fit(), Err(Error::NotPositiveDefinite));
    assert_eq!(datainf.observe(&row(&nan)), Err(Error::NonFinite));
    datainf.observe(&row(&g)).unwrap();
    let mut memory = vec![0.0; settings.memory().f32s];
    assert_eq!(datainf.solver(1, &mut memory).err(), Some(Error::NotFitted));
    datainf.fit().unwrap();
    let mut pass = datainf.solver(1, &mut memory).unwrap();
    assert_eq!(pass.observe(&row(&g)), Err(Error::TooFew { needed: 1, found: 0 }));
    pass.target(&row(&g)).unwrap();
    assert_eq!(pass.target(&row(&g)), Err(Error::Length { expected: 1, found: 2 }));
    pass.observe(&row(&g)).unwrap();
    assert_eq!(pass.target(&row(&g)), Err(Error::InPass));
    assert_eq!(pass.end_pass().err(), Some(Error::Length { expected: 2, found: 1 }));
    assert_eq!(pass.targets().err(), Some(Error::NotFitted));

    assert_eq!(Targets::new(id(4), &[1.0; 6]).err(), Some(Error::Length { expected: 4, found: 6 }));
    assert_eq!(Targets::new(id(4), &nan).err(), Some(Error::NonFinite));
    let targets = Targets::new(id(4), &g).unwrap();
    assert!(matches!(targets.score_rows(&a.id, &[0.0; 8], &mut [0.0; 2]), Err(Error::Mismatch(_))));
    assert!(matches!(targets.score_rows(&id(4), &[0.0; 7], &mut [0.0; 2]), Err(Error::Length { .. })));
    let mut scores = [0.0; 3];
    let stored = [1.0, 0.0, 0.0, 0.0, f32::NEG_INFINITY, 1.0, 0.0, f32::NAN, 0.0, 1.0, 0.0, 0.0];
    assert_eq!(targets.score_rows(&id(4), &stored, &mut scores), Ok(1));
    assert!(scores[0] == g[0] && scores[1].is_nan() && scores[2] == g[1]);
}

#[test]
fn adam_flags_what_is_not_finite_and_refuses_what_does_not_fit() {
    let layout = Layout::flat(3).unwrap();
    let feature = |gradient: &[f32]| {
        let mut memory = [0.0; 3];
        let mut sketcher = Sketcher::new(Exact::new(3), layout, &mut memory).unwrap();
        Adam::USUAL.segment(&mut sketcher, 0, gradient, &[0.1; 3], &[0.2; 3]).unwrap();
        let sketch = sketcher.finish().unwrap();
        (sketch.check_finite(), sketch.measures.non_finite)
    };
    assert_eq!(feature(&[1.0, 0.0, -1e10]), (Ok(()), 0));
    for wrong in [f32::NAN, f32::INFINITY, 1e30] {
        assert_eq!(feature(&[1.0, wrong, 0.0]), (Err(Error::NonFinite), 1));
    }
    let mut memory = [0.0; 3];
    let mut sketcher = Sketcher::new(Exact::new(3), layout, &mut memory).unwrap();
    let short = Adam::USUAL.segment(&mut sketcher, 0, &[1.0_f32; 3], &[0.0; 2], &[0.0; 3]);
    assert_eq!(short, Err(Error::Length { expected: 3, found: 2 }));
    let outside = Adam::USUAL.segment(&mut sketcher, 2, &[1.0_f32; 3], &[0.0; 3], &[0.0; 3]);
    assert_eq!(outside, Err(Error::OutsideLayout { end: 3, found: 5 }));
    assert_eq!(sketcher.finish().err(), Some(Error::Incomplete { expected: 3, found: 0 }));

    let usual = AdamSettings::default();
    for (bad, name) in [
        (AdamSettings { beta1: 1.0, ..usual }, "beta1"),
        (AdamSettings { beta2: f64::NAN, ..usual }, "beta2"),
        (AdamSettings { epsilon: 0.0, ..usual }, "epsilon"),
    ] {
        let refused = Adam::new(bad).err();
        assert!(matches!(refused, Some(Error::Setting { name: found, .. }) if found == name), "{refused:?}");
    }
    assert_eq!(Adam::new(usual), Ok(Adam::USUAL));

    let (mut first, mut second) = ([0.5_f32; 2], [0.25_f32; 2]);
    assert_eq!(Adam::USUAL.step(&[1.0_f32, f32::NAN], &mut first, &mut second), Err(Error::NonFinite));
    assert_eq!((first, second), ([0.5; 2], [0.25; 2]));
    Adam::USUAL.step(&[1.0_f32, -2.0], &mut first, &mut second).unwrap();
    assert!((first[1] - (0.45 - 0.2)).abs() < 1e-6 && (second[1] - (0.24975 + 0.004)).abs() < 1e-6);
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

#[test]
fn each_setting_that_makes_no_sense_is_named() {
    let usual = ConjugateGradientsSettings::new(3);
    for (bad, name) in [
        (ConjugateGradientsSettings { targets: 0, ..usual }, "targets"),
        (ConjugateGradientsSettings { damping: f32::NAN, ..usual }, "damping"),
        (ConjugateGradientsSettings { tolerance: 0.0, ..usual }, "tolerance"),
    ] {
        let refused = ConjugateGradients::new(bad, vec![0.0; bad.memory().f64s]).err();
        assert!(matches!(refused, Some(Error::Setting { name: found, .. }) if found == name), "{refused:?}");
    }
    let bad = LissaSettings { step: Some(-1.0), ..LissaSettings::new(3) };
    let refused = Lissa::new(bad, vec![0.0; bad.memory().f64s]).err();
    assert!(matches!(refused, Some(Error::Setting { name: "step", .. })));
}
