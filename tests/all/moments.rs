//! Claims about running moments, their factor, and the detectors that rest on them;
//! nalgebra in f64 is the oracle.

use crate::detectors::score;
use crate::source::{normals, row};
use gradsieve::influence::{Trak, TrakSettings};
use gradsieve::moments::{Centre, Factor, Moments, MomentsSettings, triangle};
use gradsieve::outlier::{Mahalanobis, MahalanobisSettings, SelfInfluence, SelfInfluenceSettings};
use gradsieve::{Error, Field, Fingerprint};
use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;

/// n rows of k correlated numbers.
fn rows(seed: u64, n: usize, k: usize) -> Vec<Vec<f32>> {
    let shared = normals(seed, k);
    (0..n)
        .map(|i| {
            let own = normals(seed ^ (i as u64 + 1) << 20, k + 1);
            own[..k].iter().zip(&shared).map(|(x, s)| 0.3 * x + own[k] * s + 0.2).collect()
        })
        .collect()
}

fn oracle(rows: &[Vec<f32>], centre: Centre) -> (DVector<f64>, DMatrix<f64>) {
    let k = rows[0].len();
    let n = rows.len() as f64;
    let vectors: Vec<DVector<f64>> =
        rows.iter().map(|r| DVector::from_iterator(k, r.iter().map(|&x| f64::from(x)))).collect();
    let mean = match centre {
        Centre::Zero => DVector::zeros(k),
        Centre::Mean => vectors.iter().sum::<DVector<f64>>() / n,
    };
    let second = vectors.iter().map(|v| (v - &mean) * (v - &mean).transpose()).sum::<DMatrix<f64>>() / n;
    (mean, second)
}

/// Scores by f64: (φ − μ)ᵀ(scale·C + ridge·I)⁻¹(φ − μ).
fn oracle_score(rows: &[Vec<f32>], centre: Centre, scale: f64, share: f64, x: &[f32]) -> f64 {
    let (mean, second) = oracle(rows, centre);
    let k = x.len();
    let ridge = share * second.trace() / k as f64;
    let a = scale * second + ridge * DMatrix::identity(k, k);
    let x = DVector::from_iterator(k, x.iter().map(|&x| f64::from(x))) - mean;
    x.dot(&a.cholesky().unwrap().solve(&x))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn self_influence_and_mahalanobis_agree_with_f64(seed: u64, n in 3_usize..60, k in 1_usize..40) {
        let rows = rows(seed, n, k);
        let settings = SelfInfluenceSettings::new(k);
        let mut influence = SelfInfluence::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
        let settings = MahalanobisSettings::new(k);
        let mut distance = Mahalanobis::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
        for r in &rows {
            influence.observe(&row(r)).unwrap();
            distance.observe(&row(r)).unwrap();
        }
        influence.fit().unwrap();
        distance.fit().unwrap();
        for r in &rows {
            let expected = oracle_score(&rows, Centre::Zero, 1.0, 0.1, r);
            let found = score(&influence, &row(r)).unwrap();
            prop_assert!((found - expected).abs() <= 1e-3 * expected + 1e-4, "self-influence {found}, f64 {expected}");
            let expected = oracle_score(&rows, Centre::Mean, 0.9, 0.1, r);
            let found = score(&distance, &row(r)).unwrap();
            prop_assert!((found - expected).abs() <= 1e-3 * expected + 1e-4, "distance {found}, f64 {expected}");
        }
    }

    #[test]
    fn merged_moments_are_those_of_all_rows(seed: u64, n in 2_usize..40, cut in 0_usize..40, k in 1_usize..20) {
        let rows = rows(seed, n, k);
        let (head, tail) = rows.split_at(cut.min(n));
        for centre in [Centre::Zero, Centre::Mean] {
            let settings = MomentsSettings::new(centre, k);
            let new = || Moments::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
            let (mut first, mut second) = (new(), new());
            for r in head { first.observe(&row(r)).unwrap(); }
            for r in tail { second.observe(&row(r)).unwrap(); }
            first.merge(&second).unwrap();
            prop_assert_eq!(first.count(), n as u64);
            let (mean, matrix) = oracle(&rows, centre);
            for (found, expected) in first.mean().zip(mean.iter()) {
                prop_assert!((found - expected).abs() < 1e-4 * (1.0 + expected.abs()));
            }
            let expected = matrix.trace() / k as f64;
            prop_assert!((first.mean_eigenvalue() - expected).abs() <= 1e-4 * expected + 1e-6);
        }
    }

    #[test]
    fn solving_undoes_multiplying(seed: u64, k in 1_usize..30) {
        let rows = rows(seed, 2 * k + 2, k);
        let settings = MomentsSettings::new(Centre::Zero, k);
        let mut moments = Moments::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
        for r in &rows { moments.observe(&row(r)).unwrap(); }
        let ridge = 0.1 * moments.mean_eigenvalue();
        let mut packed = vec![0.0; triangle(k)];
        let factor: Factor<'_> = moments.factor(1.0, ridge, &mut packed, &mut vec![0.0; 2 * k]).unwrap();
        let (_, second) = oracle(&rows, Centre::Zero);
        let a = second + ridge * DMatrix::identity(k, k);
        let x = normals(!seed, k);
        let product = &a * DVector::from_iterator(k, x.iter().map(|&x| f64::from(x)));
        let mut solved: Vec<f64> = product.iter().copied().collect();
        factor.solve(&mut solved).unwrap();
        for (found, expected) in solved.iter().zip(&x) {
            let expected = f64::from(*expected);
            prop_assert!((found - expected).abs() < 1e-10 * (1.0 + expected.abs()), "{found} against {expected}");
        }
    }
}

#[test]
fn a_non_finite_or_foreign_sketch_leaves_the_state_as_it_was() {
    let settings = MahalanobisSettings::new(4);
    let mut detector = Mahalanobis::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    for r in rows(3, 10, 4) {
        detector.observe(&row(&r)).unwrap();
    }
    detector.fit().unwrap();
    let probe = [0.3, -0.2, 0.1, 0.9];
    let before = score(&detector, &row(&probe)).unwrap();
    assert_eq!(detector.observe(&row(&[1.0, f32::NAN, 0.0, 0.0])), Err(Error::NonFinite));
    assert_eq!(detector.observe(&row(&[1.0; 3])), Err(Error::Length { expected: 4, found: 3 }));
    let mut foreign = row(&probe);
    foreign.id.key = Fingerprint::Seed(1);
    assert_eq!(detector.observe(&foreign), Err(Error::Mismatch(Field::Key)));
    assert_eq!(score(&detector, &foreign), Err(Error::Mismatch(Field::Key)));
    detector.fit().unwrap();
    assert_eq!(score(&detector, &row(&probe)).unwrap().to_bits(), before.to_bits());
}

#[test]
fn what_cannot_be_fitted_says_why() {
    let settings = SelfInfluenceSettings::new(3);
    let memory = vec![0.0; settings.memory().f64s];
    for damping in [0.0, f32::NAN] {
        let refused = SelfInfluence::new(SelfInfluenceSettings { damping, ..settings }, memory.clone());
        assert!(matches!(refused, Err(Error::Setting { name: "damping", .. })));
    }
    let mut detector = SelfInfluence::new(settings, memory).unwrap();
    assert_eq!(score(&detector, &row(&[1.0; 3])), Err(Error::NotFitted));
    assert_eq!(detector.fit(), Err(Error::TooFew { needed: 1, found: 0 }));
    detector.observe(&row(&[0.0; 3])).unwrap();
    assert_eq!(detector.fit(), Err(Error::NotPositiveDefinite));
    detector.reset();
    detector.observe(&row(&[1.0, 0.0, 0.0])).unwrap();
    detector.fit().unwrap();
    assert!(score(&detector, &row(&[1.0, 0.0, 0.0])).unwrap() > 0.0);
}

#[test]
fn what_was_reset_or_could_not_be_fitted_scores_no_more() {
    let (sample, zero) = ([1.0, -0.5, 0.25], [0.0; 3]);
    let settings = SelfInfluenceSettings::new(3);
    let mut detector = SelfInfluence::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    detector.observe(&row(&sample)).unwrap();
    detector.fit().unwrap();
    assert!(score(&detector, &row(&sample)).is_ok());
    detector.reset();
    assert_eq!(score(&detector, &row(&sample)), Err(Error::NotFitted));
    detector.observe(&row(&zero)).unwrap();
    assert_eq!(detector.fit(), Err(Error::NotPositiveDefinite));
    assert_eq!(score(&detector, &row(&sample)), Err(Error::NotFitted));

    let settings = TrakSettings { width: 2, damping: 0.0 };
    let mut memory = vec![0.0; settings.memory().f64s];
    let mut trak = Trak::new(settings, &mut memory).unwrap();
    for sample in [[1.0, 0.0], [0.0, 1.0]] {
        trak.observe(&row(&sample)).unwrap();
    }
    trak.fit().unwrap();
    assert!(trak.solve(&row(&[1.0, 2.0]), &mut [0.0_f32; 2]).is_ok());
    assert!(!trak.is_singular());
    // Beside this one the others vanish, and what is left is singular.
    let long = [2.0_f32.powi(50); 2];
    trak.observe(&row(&long)).unwrap();
    trak.fit().unwrap();
    assert!(trak.is_singular());
    let mut solution = [0.0_f64; 2];
    let score = trak.solve(&row(&long), &mut solution).unwrap().score_one(&row(&long)).unwrap();
    assert!((score - 1.0).abs() < 1e-9, "{score}");
}
