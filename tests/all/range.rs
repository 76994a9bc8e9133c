//! Claims about gradients of any finite size: exponents from −126 to 127, mixed within a
//! row and between rows. The answer is right to rounding, or an error that says why.

use crate::detectors::score;
use crate::source::{normals, row};
use gradsieve::influence::{LessSettings, LessTargets, ReTrac, Ridge, RidgeSettings, grad_cos, grad_dot};
use gradsieve::outlier::{
    Detector, L2, Mahalanobis, MahalanobisSettings, SelfInfluence, SelfInfluenceSettings,
};
use gradsieve::{Error, State};
use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;

/// x·2ⁿ, where that is finite.
fn scaled(x: f32, n: i32) -> f32 {
    (f64::from(x) * 2.0_f64.powi(n)).clamp(-3e38, 3e38) as f32
}

/// Rows whose entries have exponents of their own.
fn wild(seed: u64, n: usize, k: usize, within: i32) -> Vec<Vec<f32>> {
    let exponent = |i: usize| (seed.wrapping_mul(2 * i as u64 + 1) >> 33) as i32;
    let between = |r: usize| exponent(r + 7919) % 253 - 126;
    let rows = normals(seed, n * k);
    let row = |(r, row): (usize, &[f32])| {
        let own = |i: usize| if within > 0 { exponent(r * k + i) % within } else { 0 };
        row.iter().enumerate().map(|(i, &x)| scaled(x, between(r) + own(i))).collect()
    };
    rows.chunks(k).enumerate().map(row).collect()
}

fn exact(x: &[f32], y: &[f32]) -> (f64, f64) {
    let products = || x.iter().zip(y).map(|(&x, &y)| f64::from(x) * f64::from(y));
    (products().sum(), products().map(f64::abs).sum())
}

fn vector(x: &[f32]) -> DVector<f64> {
    DVector::from_iterator(x.len(), x.iter().map(|&x| f64::from(x)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn dot_products_norms_and_cosines_of_any_size_are_those_of_f64(seed: u64, k in 1_usize..80, within in 0..120_i32) {
        let rows = wild(seed, 2, k, within);
        let (x, y) = (row(&rows[0]), row(&rows[1]));
        let (product, magnitude) = exact(&rows[0], &rows[1]);
        let (square, other) = (exact(&rows[0], &rows[0]).0, exact(&rows[1], &rows[1]).0);
        let found = grad_dot(&x, &y).unwrap();
        prop_assert!((found - product).abs() <= 3e-6 * magnitude, "{found:e} for {product:e}");
        prop_assert!((x.measures.l2_squared - square).abs() <= 1e-5 * square);
        prop_assert_eq!(L2.score(&x, &mut []).unwrap(), x.measures.l2_squared);
        let norms = square.sqrt() * other.sqrt();
        let cosine = if norms > 0.0 { product / norms } else { 0.0 };
        let found = grad_cos(&x, &y).unwrap();
        prop_assert!((found - cosine).abs() < 1e-5, "{found} for {cosine}");
    }

    #[test]
    fn measures_do_not_depend_on_where_a_gradient_is_cut(seed: u64, k in 1_usize..300, within in 0..120_i32, cut in 0.0..1.0_f64) {
        let rows = wild(seed, 1, k, within);
        let (head, tail) = rows[0].split_at((cut * k as f64) as usize);
        let mut measures = gradsieve_kernels::Accumulator::new();
        measures.add(head);
        measures.add(tail);
        prop_assert_eq!(measures.summary(), gradsieve_kernels::summarize(&rows[0]));
    }

    #[test]
    fn self_influence_and_distance_do_not_depend_on_the_unit(seed: u64, n in 2_usize..30, k in 1_usize..12, unit in -120..100_i32) {
        let rows: Vec<Vec<f32>> = normals(seed, n * k).chunks(k).map(|row| row.iter().map(|&x| scaled(x, unit)).collect()).collect();
        let settings = SelfInfluenceSettings { clip: None, ..SelfInfluenceSettings::new(k) };
        let mut influence = SelfInfluence::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
        let settings = MahalanobisSettings { clip: None, ..MahalanobisSettings::new(k) };
        let mut distance = Mahalanobis::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
        let vectors: Vec<_> = rows.iter().map(|row| vector(row)).collect();
        for r in &rows {
            influence.observe(&row(r)).unwrap();
            distance.observe(&row(r)).unwrap();
        }
        influence.fit().unwrap();
        distance.fit().unwrap();
        let mean = vectors.iter().sum::<DVector<f64>>() / n as f64;
        let moment = |centre: &DVector<f64>| {
            vectors.iter().map(|v| (v - centre) * (v - centre).transpose()).sum::<DMatrix<f64>>() / n as f64
        };
        let (about_zero, about_mean) = (moment(&DVector::zeros(k)), moment(&mean));
        let solved = |matrix: &DMatrix<f64>, scale: f64, x: &DVector<f64>| {
            let ridge = 0.1 * matrix.trace() / k as f64;
            let size = 2.0_f64.powi(-2 * unit);
            let matrix = (scale * matrix + ridge * DMatrix::identity(k, k)) * size;
            x.dot(&matrix.cholesky().unwrap().solve(&(x * size)))
        };
        for (r, v) in rows.iter().zip(&vectors) {
            let expected = solved(&about_zero, 1.0, v);
            let found = score(&influence, &row(r)).unwrap();
            prop_assert!((found - expected).abs() <= 1e-5 * expected + 1e-9, "self-influence {found}, f64 {expected}");
            let expected = solved(&about_mean, 0.9, &(v - &mean));
            let found = score(&distance, &row(r)).unwrap();
            prop_assert!((found - expected).abs() <= 1e-5 * expected + 1e-9, "distance {found}, f64 {expected}");
        }
    }

    #[test]
    fn scores_of_wild_rows_are_numbers_or_an_error(seed: u64, n in 1_usize..20, k in 1_usize..10, within in 0..120_i32, clips: bool) {
        let rows = wild(seed, n, k, within);
        let clip = clips.then_some(8.0);
        let settings = SelfInfluenceSettings { clip, ..SelfInfluenceSettings::new(k) };
        let mut influence = SelfInfluence::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
        let settings = MahalanobisSettings { clip, ..MahalanobisSettings::new(k) };
        let mut distance = Mahalanobis::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
        for r in &rows {
            influence.observe(&row(r)).unwrap();
            distance.observe(&row(r)).unwrap();
        }
        for fitted in [influence.fit(), distance.fit()] {
            let nothing = rows.iter().flatten().all(|&x| x == 0.0);
            prop_assert!(fitted.is_ok() || n == 1 || nothing || fitted == Err(Error::NotPositiveDefinite), "{fitted:?}");
        }
        for r in &rows {
            for found in [score(&influence, &row(r)), score(&distance, &row(r))] {
                let is_number = found.is_ok_and(|found| found.is_finite() && found >= 0.0);
                prop_assert!(is_number || matches!(found, Err(Error::NotFitted | Error::Range { .. })), "{found:?}");
            }
            if influence.condition().is_some() && r.iter().any(|&x| x.abs() > 1e-30) && !clips {
                // Without a clip a row's own share bounds its score.
                let found = score(&influence, &row(r)).unwrap();
                prop_assert!(found > 0.0 || k > 1, "{found}");
                prop_assert!(found <= n as f64 * 1.0001, "{found}");
            }
        }
    }

    #[test]
    fn a_ridge_solution_has_the_residual_of_f64_or_is_refused(seed: u64, n in 2_usize..30, k in 1_usize..12, unit in -60..60_i32, exponent in 0..9_i32) {
        let rows: Vec<Vec<f32>> = normals(seed, n * k).chunks(k).map(|row| row.iter().map(|&x| scaled(x, unit)).collect()).collect();
        let settings = RidgeSettings { width: k, damping: 10.0_f32.powi(-exponent) };
        let mut ridge = Ridge::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
        rows.iter().for_each(|r| ridge.observe(&row(r)).unwrap());
        ridge.fit().unwrap();
        let target = normals(!seed, k);
        let mut solution = vec![0.0; k];
        match ridge.solve(&row(&target), &mut solution) {
            Ok(_) => {}
            Err(error) => {
                prop_assert_eq!(error, Error::Range { what: "the solution" });
                prop_assert!(unit.abs() > 40, "{}", unit);
                return Ok(());
            }
        }
        let vectors: Vec<_> = rows.iter().map(|row| vector(row)).collect();
        let c = vectors.iter().map(|v| v * v.transpose()).sum::<DMatrix<f64>>() / n as f64;
        let ridge = f64::from(settings.damping) * c.trace() / k as f64;
        let a = c + ridge * DMatrix::identity(k, k);
        let expected = a.cholesky().unwrap().solve(&vector(&target));
        // The solution is rounded to f32.
        prop_assert!((vector(&solution) - &expected).amax() <= 1e-6 * expected.amax());
    }

    #[test]
    fn directions_of_any_length_count_alike(seed: u64, k in 1_usize..40, exponent in -100..100_i32) {
        let x = normals(seed, k);
        let long: Vec<f32> = x.iter().map(|&x| scaled(x, exponent)).collect();
        let (mut one, mut other) = (ReTrac::new(k, vec![0.0; k]).unwrap(), ReTrac::new(k, vec![0.0; k]).unwrap());
        one.observe(&row(&x)).unwrap();
        other.observe(&row(&long)).unwrap();
        prop_assert!((one.score(&other).unwrap() - 1.0).abs() < 1e-5);
        let settings = LessSettings { width: k, subtasks: 1 };
        let mut less = LessTargets::new(settings, vec![0.0; settings.memory().f32s]).unwrap();
        less.observe(0, &row(&long)).unwrap();
        let mut scores = [0.0];
        less.score(&row(&x), &mut scores).unwrap();
        prop_assert!((scores[0] - 1.0).abs() < 1e-5);
    }
}

#[test]
fn one_gradient_of_1e20_is_the_outlier_and_ruins_nothing() {
    let k = 16;
    let mut rows: Vec<Vec<f32>> = normals(5, 300 * k).chunks(k).map(<[f32]>::to_vec).collect();
    let settings = MahalanobisSettings::new(k);
    let scores = |rows: &[Vec<f32>]| {
        let mut detector = Mahalanobis::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
        rows.iter().for_each(|r| detector.observe(&row(r)).unwrap());
        detector.fit().unwrap();
        rows.iter().map(|r| score(&detector, &row(r)).unwrap()).collect::<Vec<_>>()
    };
    let before = scores(&rows);
    for place in [0, 7, 200] {
        let kept = std::mem::replace(&mut rows[place][3], 1e20);
        let after = scores(&rows);
        assert!(after[place] > 1e30, "{}", after[place]);
        for (i, (before, after)) in before.iter().zip(&after).enumerate() {
            assert!(
                i == place || (after / before - 1.0).abs() < 0.5,
                "{place}, {i}: {before} became {after}"
            );
        }
        rows[place][3] = kept;
    }
}

#[test]
fn rows_within_the_limit_are_taken_as_they_are() {
    let k = 8;
    let rows: Vec<Vec<f32>> = normals(6, 200 * k).chunks(k).map(<[f32]>::to_vec).collect();
    let fitted = |clip| {
        let settings = SelfInfluenceSettings { clip, ..SelfInfluenceSettings::new(k) };
        let mut detector = SelfInfluence::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
        rows.iter().for_each(|r| detector.observe(&row(r)).unwrap());
        detector.fit().unwrap();
        rows.iter().map(|r| score(&detector, &row(r)).unwrap().to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(fitted(None), fitted(Some(8.0)));
}

#[test]
fn a_count_that_would_wrap_is_refused_and_the_state_is_as_it_was() {
    let settings = SelfInfluenceSettings { clip: None, ..SelfInfluenceSettings::new(2) };
    let mut detector = SelfInfluence::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    detector.observe(&row(&[1.0, 2.0])).unwrap();
    for _ in 0..63 {
        let mut bytes = vec![0; detector.len_at_rest()];
        detector.to_bytes(&mut bytes).unwrap();
        let mut other = SelfInfluence::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
        other.restore(&bytes).unwrap();
        detector.merge(&other).unwrap();
    }
    assert_eq!(detector.moments().count(), 1 << 63);
    let mut bytes = vec![0; detector.len_at_rest()];
    detector.to_bytes(&mut bytes).unwrap();
    let mut other = SelfInfluence::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    other.restore(&bytes).unwrap();
    assert_eq!(detector.merge(&other), Err(Error::Full { capacity: usize::MAX }));
    assert_eq!(detector.moments().count(), 1 << 63);
    detector.fit().unwrap();
    assert!((score(&detector, &row(&[1.0, 2.0])).unwrap() - 1.0).abs() < 0.2);
}

#[test]
fn rows_after_a_fit_do_not_change_its_solutions_also_where_it_was_restored() {
    let rows: Vec<Vec<f32>> = normals(8, 40 * 6).chunks(6).map(<[f32]>::to_vec).collect();
    let settings = RidgeSettings::new(6);
    let new = || Ridge::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    let mut ridge = new();
    rows[..20].iter().for_each(|r| ridge.observe(&row(r)).unwrap());
    ridge.fit().unwrap();
    let solved = |ridge: &mut Ridge<Vec<f64>>| {
        let mut solution = vec![0.0_f64; 6];
        ridge.solve(&row(&rows[0]), &mut solution).unwrap();
        solution
    };
    let before = solved(&mut ridge);
    rows[20..].iter().for_each(|r| ridge.observe(&row(r)).unwrap());
    let mut bytes = vec![0; ridge.len_at_rest()];
    ridge.to_bytes(&mut bytes).unwrap();
    let mut restored = new();
    restored.restore(&bytes).unwrap();
    for found in [solved(&mut ridge), solved(&mut restored)] {
        for (found, before) in found.iter().zip(&before) {
            assert!((found - before).abs() <= 1e-6 * before.abs(), "{found} after {before}");
        }
    }
}
