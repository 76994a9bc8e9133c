//! Conjugate gradients and LiSSA: when they converge, and what they say if not.

use super::*;

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
