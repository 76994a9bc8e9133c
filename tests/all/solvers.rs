//! Claims about solving for targets: with condition numbers from 10² to 10¹⁰ a solution
//! is right or said not to be.

use crate::source::{normals, row};
use gradsieve::influence::{
    ConjugateGradients, ConjugateGradientsSettings, DataInf, DataInfLayer, DataInfSettings, IterativeSolver,
    Lissa, LissaSettings, Progress, Ridge, RidgeSettings, Trak, TrakSettings,
};
use gradsieve::{Element, Error, State, bf16, f16};
use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;

/// n rows of k numbers, whose last column is 10^−`decades` times as large as the first.
fn rows(seed: u64, n: usize, k: usize, decades: f64) -> Vec<Vec<f32>> {
    let scale = |j: usize| 10.0_f64.powf(-decades * j as f64 / (k.max(2) - 1) as f64) as f32;
    normals(seed, n * k)
        .chunks(k)
        .map(|x| x.iter().enumerate().map(|(j, x)| x * scale(j)).collect())
        .collect()
}

fn matrix(rows: &[Vec<f32>]) -> DMatrix<f64> {
    DMatrix::from_row_iterator(rows.len(), rows[0].len(), rows.iter().flatten().map(|&x| f64::from(x)))
}

fn vector(x: &[f32]) -> DVector<f64> {
    DVector::from_iterator(x.len(), x.iter().map(|&x| f64::from(x)))
}

/// C + λI.
fn damped(g: &DMatrix<f64>, damping: f32) -> DMatrix<f64> {
    let c = g.transpose() * g / g.nrows() as f64;
    let ridge = f64::from(damping) * c.trace() / g.ncols() as f64;
    c + ridge * DMatrix::identity(g.ncols(), g.ncols())
}

/// The influence of fewer rows than columns by the Gram matrix of the rows, which is as
/// well-conditioned as they are, whatever the damping: G(C + λI)⁻¹v = (GGᵀ/n + λI)⁻¹Gv.
/// Beside it, by how much each may be off: what a solution leaves of v is some rounding
/// of C·x, x is as long as v/λ, and an influence sees of it what (C + λI)⁻¹g does.
fn of_few(g: &DMatrix<f64>, damping: f32, v: &[f32]) -> [DVector<f64>; 2] {
    let n = g.nrows();
    let gram = g * g.transpose() / n as f64;
    let ridge = f64::from(damping) * gram.trace() / g.ncols() as f64;
    let condition = 1.0 + gram.trace() / ridge;
    let solved = (gram + ridge * DMatrix::identity(n, n)).cholesky().unwrap();
    let reach = (g.transpose() * solved.inverse()).column_iter().map(|x| x.norm()).collect::<Vec<_>>();
    let left = 32.0 * f64::EPSILON * condition * vector(v).norm();
    [solved.solve(&(g * vector(v))), left * DVector::from_vec(reach)]
}

fn conjugate(rows: &[Vec<f32>], v: &[f32], damping: f32, tolerance: f32, most: u32) -> (Vec<f64>, Progress) {
    let settings =
        ConjugateGradientsSettings { damping, tolerance, ..ConjugateGradientsSettings::new(v.len()) };
    let mut solver = ConjugateGradients::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    solver.target(&row(v)).unwrap();
    let progress = solver.solve(&row(v).id, &rows.concat(), most).unwrap();
    (solver.targets().unwrap().solutions().to_vec(), progress)
}

fn lissa(rows: &[Vec<f32>], v: &[f32], settings: LissaSettings, most: u32) -> (Vec<f64>, Progress, f64) {
    let mut solver = Lissa::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    solver.target(&row(v)).unwrap();
    let progress = solver.solve(&row(v).id, &rows.concat(), most).unwrap();
    (solver.targets().unwrap().solutions().to_vec(), progress, solver.step().unwrap())
}

/// The influence of each row by a fitted state of which solutions are taken in `f64`.
macro_rules! influence {
    ($state:expr, $rows:expr, $v:expr) => {{
        let mut solution = vec![0.0_f64; $v.len()];
        let targets = $state.solve(&row($v), &mut solution).unwrap();
        let one = |g: &Vec<f32>| targets.score_one(&row(g)).unwrap();
        DVector::from_iterator($rows.len(), $rows.iter().map(one))
    }};
}

fn ridge(rows: &[Vec<f32>], damping: f32) -> Ridge<Vec<f64>> {
    let settings = RidgeSettings { width: rows[0].len(), damping };
    let mut ridge = Ridge::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    rows.iter().for_each(|g| ridge.observe(&row(g)).unwrap());
    ridge.fit().unwrap();
    ridge
}

fn undamped_trak(rows: &[Vec<f32>]) -> Trak<Vec<f64>> {
    let settings = TrakSettings { width: rows[0].len(), damping: 0.0 };
    let mut trak = Trak::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    rows.iter().for_each(|g| trak.observe(&row(g)).unwrap());
    trak.fit().unwrap();
    trak
}

/// The largest difference, as part of the largest number expected.
fn error(found: &DVector<f64>, expected: &DVector<f64>) -> f64 {
    (found - expected).amax() / expected.amax()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn conjugate_gradients_are_the_direct_solution_or_say_that_they_are_not(
        seed: u64, n in 1_usize..40, k in 1_usize..24, exponent in 2..11_i32, decades in 0.0..4.0_f64, most in 1_u32..200,
    ) {
        const TOLERANCE: f32 = 1e-6;
        let (rows, v) = (rows(seed, n, k, decades), normals(!seed, k));
        let damping = 10.0_f32.powi(-exponent) * k as f32;
        let (x, progress) = conjugate(&rows, &v, damping, TOLERANCE, most);
        let (g, v) = (matrix(&rows), vector(&v));
        let a = damped(&g, damping);
        let left = &v - &a * DVector::from_vec(x.clone());
        // λ is a mean of sums of squares in f32, of 24 numbers at most: off by 8·2⁻²⁴ of
        // itself, and λx is no longer than v. And this test rounds, too.
        let allowed = 8.0 * f64::from(f32::EPSILON / 2.0) * v.norm() + 1e-13 * a.norm() * DVector::from_vec(x.clone()).norm();
        if progress.converged {
            prop_assert!(left.norm() <= 1.001 * f64::from(TOLERANCE) * v.norm() + allowed, "{:?}", progress);
            let difference = (left.norm() - progress.residual * v.norm()).abs();
            prop_assert!(difference <= 1e-3 * left.norm() + allowed, "{} of {:?}", difference, progress);
            // What is left of the target moves an influence by no more than this.
            let solved = a.clone().cholesky().unwrap();
            let expected = &g * solved.solve(&v);
            let (found, reach) = (&g * DVector::from_vec(x), solved.solve(&g.transpose()));
            for z in 0..n {
                let bound = reach.column(z).norm() * (1.01 * f64::from(TOLERANCE) * v.norm() + allowed);
                prop_assert!((found[z] - expected[z]).abs() <= bound + 1e-6 * expected.amax());
            }
        } else {
            prop_assert!(progress.passes == most || progress.stagnant, "{:?}", progress);
        }
    }

    #[test]
    fn solutions_in_f64_are_right_whatever_the_damping(seed: u64, n in 1_usize..16, more in 1_usize..24, exponent in 0..9_i32) {
        let (rows, damping) = (rows(seed, n, n + more, 0.0), 10.0_f32.powi(-exponent));
        let v = normals(!seed, n + more);
        let [expected, off] = of_few(&matrix(&rows), damping, &v);
        let mut ridge = ridge(&rows, damping);
        let found = influence!(ridge, rows, &v);
        for ((found, expected), off) in found.iter().zip(&expected).zip(&off) {
            prop_assert!((found - expected).abs() <= *off, "{} of {}: {} are allowed", found, expected, off);
        }
    }

    #[test]
    fn undamped_trak_of_dependent_gradients_is_the_pseudo_inverse(seed: u64, rank in 1_usize..12, more in 1_usize..12, n in 12_usize..40, unit in -90..60_i32) {
        let k = rank + more;
        let v = normals(!seed, k);
        let g = matrix(&rows(seed, n, rank, 0.0)) * matrix(&rows(seed ^ 5, rank, k, 0.0)) * 2.0_f64.powi(unit);
        let rows: Vec<Vec<f32>> = g.row_iter().map(|g| g.iter().map(|&x| x as f32).collect()).collect();
        let g = matrix(&rows);
        let svd = g.clone().svd(true, true);
        // Well above the rounding of the products to f32, or the rank is another.
        prop_assume!(svd.singular_values[rank - 1] > 1e-3 * svd.singular_values[0]);
        let inverse = svd.pseudo_inverse(1e-5 * g.clone().svd(false, false).singular_values[0]).unwrap();
        let expected = &g * &inverse * inverse.transpose() * vector(&v);
        let mut trak = undamped_trak(&rows);
        prop_assert!(trak.is_singular());
        let found = influence!(trak, rows, &v);
        prop_assert!(error(&found, &expected) < 1e-4, "{}", error(&found, &expected));
        // The same at rest, and when the rows that were factorised are others by now.
        let mut bytes = vec![0; trak.len_at_rest()];
        trak.to_bytes(&mut bytes).unwrap();
        let mut restored = undamped_trak(&rows[..1]);
        restored.restore(&bytes).unwrap();
        restored.observe(&row(&rows[0])).unwrap();
        prop_assert!(restored.is_singular());
        prop_assert_eq!(influence!(restored, rows, &v), found);
    }

    #[test]
    fn lissa_finds_a_step_that_converges_and_how_many_passes_are_enough(seed: u64, n in 1_usize..40, k in 1_usize..24, decades in 0.0..2.0_f64) {
        let (rows, v) = (rows(seed, n, k, decades), normals(!seed, k));
        let settings = LissaSettings { damping: 0.05, ..LissaSettings::new(k) };
        let (_, first, step) = lissa(&rows, &v, settings, 6);
        let (_, progress, last) = lissa(&rows, &v, settings, first.enough);
        prop_assert!(progress.converged || last < step, "{:?} after {:?}", progress, first);
        let largest = damped(&matrix(&rows), 0.05).symmetric_eigen().eigenvalues.max();
        prop_assert!(last * largest < 2.0, "{} of {}", last, largest);
        // No more than twice as many passes as the best step takes.
        prop_assert!(last * largest > 0.5 || last < step, "{} of {}", last, largest);
    }

    #[test]
    fn iterations_take_rows_and_targets_of_any_size(seed: u64, unit in -120..120_i32, other in -120..120_i32) {
        let (n, k) = (20, 6);
        let scaled = |x: &[f32], n: i32| x.iter().map(|&x| (f64::from(x) * 2.0_f64.powi(n)).clamp(-3e38, 3e38) as f32).collect::<Vec<f32>>();
        let (plain, target) = (rows(seed, n, k, 0.0), normals(!seed, k));
        let large: Vec<Vec<f32>> = plain.iter().map(|g| scaled(g, unit)).collect();
        let v = scaled(&target, other);
        let factor = 2.0_f64.powi(other - 2 * unit);
        let settings = LissaSettings::new(k);
        for (one, same) in [
            (conjugate(&large, &v, 0.1, 1e-6, 99), conjugate(&plain, &target, 0.1, 1e-6, 99)),
            {
                let ((x, p, _), (y, q, _)) = (lissa(&large, &v, settings, 2000), lissa(&plain, &target, settings, 2000));
                ((x, p), (y, q))
            },
        ] {
            prop_assert!(one.1.converged && same.1.converged);
            let (found, expected) = (DVector::from_vec(one.0) / factor, DVector::from_vec(same.0));
            // Entries below 2⁻¹²⁶ lose bits before they come here.
            let allowed = if unit.min(other) < -100 { 0.05 } else { 2e-4 };
            prop_assert!(error(&found, &expected) < allowed, "{}", error(&found, &expected));
        }
    }
}

#[test]
fn a_condition_number_is_seen_where_two_columns_are_alike() {
    let mut rows = rows(3, 60, 16, 0.0);
    rows.iter_mut().for_each(|g| g[15] = g[0]);
    let condition = ridge(&rows, 1e-6).condition().unwrap();
    assert!(condition > 1e5, "{condition:e}");
    let mut trak = undamped_trak(&rows);
    assert!(trak.is_singular() && trak.condition().unwrap() > 1e6, "{:?}", trak.condition());
    assert!(trak.solve(&row(&rows[0]), &mut [0.0_f32; 16]).is_ok());
}

#[test]
fn directions_that_are_neither_there_nor_missing_are_refused() {
    // Eigenvalues from 1 to 10⁻¹⁴: no rank is right.
    let rows = rows(4, 200, 24, 7.0);
    let mut trak = undamped_trak(&rows);
    assert!(trak.is_singular());
    let refused = trak.solve(&row(&normals(5, 24)), &mut [0.0_f64; 24]).err();
    assert!(matches!(refused, Some(Error::IllConditioned { .. })), "{refused:?}");
}

#[test]
fn datainf_of_one_sample_and_a_slight_damping_is_refused() {
    let (g, v) = (normals(1, 64), normals(2, 64));
    for (damping, is_right) in [(0.1, true), (1e-3, false), (1e-6, false)] {
        let settings = DataInfSettings { damping, ..DataInfSettings::new(64) };
        let mut datainf = DataInf::new(settings, [DataInfLayer::new(0..64)]).unwrap();
        datainf.observe(&row(&g)).unwrap();
        datainf.fit().unwrap();
        let mut pass = datainf.solver(1, vec![0.0; settings.memory().f32s]).unwrap();
        pass.target(&row(&v)).unwrap();
        pass.observe(&row(&g)).unwrap();
        let ended = pass.end_pass();
        assert_eq!(ended.err(), (!is_right).then_some(Error::NotSolved));
    }
}

#[test]
fn datainf_of_rows_and_targets_of_any_size_is_scaled_or_out_of_range() {
    let (n, k) = (12, 16);
    let scaled =
        |x: &[f32], n: i32| x.iter().map(|&x| (f64::from(x) * 2.0_f64.powi(n)) as f32).collect::<Vec<_>>();
    let solve = |rows: &[Vec<f32>], v: &[f32]| {
        let settings = DataInfSettings::new(k);
        let mut datainf = DataInf::new(settings, [DataInfLayer::new(0..k)]).unwrap();
        rows.iter().for_each(|g| datainf.observe(&row(g)).unwrap());
        datainf.fit().unwrap();
        let mut pass = datainf.solver(1, vec![0.0; settings.memory().f32s]).unwrap();
        pass.target(&row(v)).unwrap();
        rows.iter().for_each(|g| pass.observe(&row(g)).unwrap());
        pass.end_pass()?;
        Ok::<Vec<f32>, Error>(pass.targets().unwrap().solutions().to_vec())
    };
    let (plain, target) = (rows(31, n, k, 0.0), normals(32, k));
    let expected = solve(&plain, &target).unwrap();
    for (unit, other) in
        [(0, -130), (40, 80), (-60, -100), (60, 100), (-100, -120), (100, 100), (100, 0), (-100, 0), (0, 120)]
    {
        let large: Vec<Vec<f32>> = plain.iter().map(|g| scaled(g, unit)).collect();
        match solve(&large, &scaled(&target, other)) {
            Ok(found) => {
                let found = vector(&found) / 2.0_f64.powi(other - 2 * unit);
                // Entries below 2⁻¹²⁶ lose bits before they come here.
                let allowed = if other < -110 { 0.05 } else { 1e-5 };
                assert!(error(&found, &vector(&expected)) < allowed, "{unit}, {other}");
            }
            Err(refused) => {
                assert_eq!(refused, Error::Range { what: "the solution" });
                assert!((other - 2 * unit).abs() > 90 || unit >= 100, "{unit}, {other}");
            }
        }
    }
}

#[test]
fn rounding_that_keeps_a_residual_up_is_seen() {
    let (rows, v) = (rows(7, 40, 64, 0.0), normals(8, 64));
    let (x, progress) = conjugate(&rows, &v, 1e-11, 1e-9, 5000);
    assert!(progress.stagnant && !progress.converged && progress.passes < 1000, "{progress:?}");
    assert!(progress.residual > 1e-9 && x.iter().all(|x| x.is_finite()), "{progress:?}");
}

#[test]
fn targets_in_f64_score_stored_rows_of_every_type() {
    fn scored<T: Element>(values: &[f32], targets: &gradsieve::influence::Targets<'_, f64>) -> Vec<f64> {
        let rows: Vec<T> = values.iter().map(|&x| T::narrow(x)).collect();
        let mut scores = vec![0.0; values.len() / targets.id().width * targets.count()];
        assert_eq!(targets.score_rows(&targets.id(), &rows, &mut scores), Ok(1));
        scores
    }
    const K: usize = 700;
    let mut values: Vec<f32> = normals(1, 3 * K).iter().map(|&x| bf16::narrow(x).widen()).collect();
    values.iter_mut().for_each(|x| *x = f16::narrow(*x).widen());
    values[2 * K - 1] = f32::INFINITY;
    let solutions: Vec<f64> = normals(2, 2 * K).iter().map(|&x| f64::from(x) / 3.0).collect();
    let targets = gradsieve::influence::Targets::new(row(&values[..K]).id, &solutions).unwrap();
    let found = scored::<f32>(&values, &targets);
    for scores in [scored::<f16>(&values, &targets), scored::<bf16>(&values, &targets)] {
        assert!(scores.iter().zip(&found).all(|(a, b)| a == b || a.is_nan() && b.is_nan()));
    }
    for (q, solution) in solutions.chunks(K).enumerate() {
        for (r, g) in values.chunks(K).enumerate() {
            let expected: f64 = g.iter().zip(solution).map(|(&g, x)| f64::from(g) * x).sum();
            let found = found[q * 3 + r];
            assert!((found - expected).abs() < 1e-12 || r == 1 && found.is_nan(), "{found} for {expected}");
        }
    }
    let mut rounded = vec![0.0; 2 * K];
    assert_eq!(targets.rounded(&mut rounded).unwrap().count(), 2);
    assert_eq!(
        targets.rounded(&mut rounded[1..]).err(),
        Some(Error::Length { expected: 2 * K, found: 2 * K - 1 })
    );
    let large = [1e39; 2];
    let targets = gradsieve::influence::Targets::new(row(&[0.0; 2]).id, &large).unwrap();
    assert_eq!(targets.rounded(&mut [0.0; 2]).err(), Some(Error::Range { what: "the solution" }));
}
