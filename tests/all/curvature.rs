//! Claims about influence through curvature: Arnoldi, generalised influence and EK-FAC,
//! against NumPy's figures and f64.

use crate::source::{normals, row};
use gradsieve::influence::{
    Arnoldi, ArnoldiSettings, ConjugateGradients, ConjugateGradientsSettings, Ekfac, EkfacSettings, Gif,
    GifSettings, IterativeSolver, Lissa, LissaSettings, Ridge, RidgeSettings, Solver, Targets, Trak,
    TrakSettings,
};
use gradsieve::{Error, Exact, Layout, Projector, Sketch, SketchId};
use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;

fn id(width: usize) -> SketchId {
    Exact::new(width).id(Layout::flat(width as u64).unwrap().id())
}

/// The numbers of a CSV file without its heading.
pub(crate) fn numbers(text: &str) -> Vec<Vec<f64>> {
    text.lines().skip(1).map(|line| line.split(',').map(|x| x.parse().unwrap()).collect()).collect()
}

/// One position's part of the score on one target.
fn of_factors(target: &Targets<'_>, a: &[f32], b: &[f32]) -> f64 {
    let mut score = [f64::NAN];
    target.score_factors(a, b, &mut score).unwrap();
    score[0]
}

fn single(x: &[f64]) -> Vec<f32> {
    x.iter().map(|&x| x as f32).collect()
}

/// A fitted Arnoldi state over rows.
fn arnoldi(settings: ArnoldiSettings, rows: &[Vec<f32>]) -> Arnoldi<Vec<f32>, Vec<f64>> {
    let (floats, doubles) = (vec![0.0; settings.memory().f32s], vec![0.0; settings.memory().f64s]);
    let mut arnoldi = Arnoldi::new(settings, id(settings.width), floats, doubles).unwrap();
    while arnoldi.needs_product() {
        for r in rows {
            arnoldi.observe(&row(r)).unwrap();
        }
        arnoldi.advance().unwrap();
    }
    arnoldi.fit().unwrap();
    arnoldi
}

#[test]
fn arnoldi_and_generalised_influence_are_numpys() {
    let golden = numbers(include_str!("../golden/curvature.csv"));
    let rows: Vec<Vec<f32>> = golden.iter().map(|line| single(&line[..8])).collect();
    let scale = |column: usize| golden.iter().map(|line| line[column].abs()).fold(0.0, f64::max);
    for (keep, column) in [(3, 8), (8, 9)] {
        let mut memory = vec![0.0; 8];
        let settings = ArnoldiSettings { width: 8, products: 8, keep, seed: 5 };
        let mut fitted = arnoldi(settings, &rows);
        assert_eq!(fitted.eigenvalues().len(), keep);
        let target = fitted.solve(&row(&rows[0]), &mut memory).unwrap();
        for (r, line) in rows.iter().zip(&golden) {
            let found = target.score_one(&row(r)).unwrap();
            assert!(
                (found - line[column]).abs() < 2e-4 * scale(column),
                "{keep}: {found} for {}",
                line[column]
            );
        }
    }
    for (indices, column) in [(vec![1, 3, 4, 6], 10), ((0..8).collect(), 11)] {
        let settings = GifSettings::new(8, &indices);
        let mut gif = Gif::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
        for r in &rows {
            gif.observe(&row(r)).unwrap();
        }
        gif.fit().unwrap();
        let mut memory = vec![0.0; 8];
        let target = gif.solve(&row(&rows[0]), &mut memory).unwrap();
        for (r, line) in rows.iter().zip(&golden) {
            let found = target.score_one(&row(r)).unwrap();
            assert!((found - line[column]).abs() < 1e-5 * scale(column), "{found} for {}", line[column]);
        }
    }
}

#[test]
fn ekfac_is_numpys_whole_matrix() {
    let golden = numbers(include_str!("../golden/ekfac.csv"));
    let (inputs, outputs) = (5, 3);
    let positions = |line: &[f64]| -> Vec<(Vec<f32>, Vec<f32>)> {
        line[..16].chunks(8).map(|x| (single(&x[..inputs]), single(&x[inputs..]))).collect()
    };
    let settings = EkfacSettings::new(outputs, inputs);
    let mut memory = vec![0.0; settings.memory().f32s];
    let mut layer = Ekfac::new(settings, &mut memory).unwrap();
    let all = || golden.iter().map(|line| positions(line));
    for (a, b) in all().flatten() {
        layer.factors(&a, &b).unwrap();
    }
    layer.decompose(&mut vec![0.0; settings.memory().f64s]).unwrap();
    for sample in all() {
        for (a, b) in &sample {
            layer.position(a, b).unwrap();
        }
        layer.sample().unwrap();
    }
    let first = positions(&golden[0]);
    let mut memory = vec![0.0; inputs * outputs];
    let target = layer.solve(first.iter().map(|(a, b)| (&a[..], &b[..])), &mut memory).unwrap();
    let scale = golden.iter().map(|line| line[16].abs()).fold(0.0, f64::max);
    for (sample, line) in all().zip(&golden) {
        let found: f64 = sample.iter().map(|(a, b)| of_factors(&target, a, b)).sum();
        assert!((found - line[16]).abs() < 1e-5 * scale, "{found} for {}", line[16]);
    }
    // Sequences count: position by position the squares are others.
    let single: f64 = positions(&golden[1]).iter().map(|(a, b)| of_factors(&target, a, b)).sum();
    assert!((single - golden[1][16]).abs() < 1e-5 * scale);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_krylov_space_finds_the_ends_of_a_wide_spectrum_and_signs_of_both_kinds(seed: u64, width in 8_usize..40) {
        // Eigenvalues 8, −4, 2 and small ones, in a basis of Householder's.
        let mut v = DVector::from_iterator(width, normals(seed, width).into_iter().map(f64::from));
        v.normalize_mut();
        let turn = DMatrix::identity(width, width) - 2.0 * &v * v.transpose();
        let values = DVector::from_fn(width, |i, _| match i { 0 => 8.0, 1 => -4.0, 2 => 2.0, _ => 0.05 / i as f64 });
        let h = &turn * DMatrix::from_diagonal(&values) * &turn;
        let settings = ArnoldiSettings { width, products: 8, keep: 3, seed };
        let (mut floats, mut doubles) = (vec![0.0; settings.memory().f32s], vec![0.0; settings.memory().f64s]);
        let mut arnoldi = Arnoldi::new(settings, id(width), &mut floats, &mut doubles).unwrap();
        while arnoldi.needs_product() {
            arnoldi.product(|x, to| {
                let x = DVector::from_iterator(width, x.iter().map(|&x| f64::from(x)));
                to.iter_mut().zip((&h * x).iter()).for_each(|(to, &x)| *to = x as f32);
            }).unwrap();
            arnoldi.advance().unwrap();
        }
        arnoldi.fit().unwrap();
        for (found, expected) in arnoldi.eigenvalues().iter().zip([8.0, -4.0, 2.0]) {
            prop_assert!((found - expected).abs() < 1e-4, "{:?}", arnoldi.eigenvalues());
        }
        let (target, train) = (normals(!seed, width), normals(seed ^ 7, width));
        let mut memory = vec![0.0; width];
        let found = arnoldi.solve(&row(&target), &mut memory).unwrap().score_one(&row(&train)).unwrap();
        let wide = |x: &[f32]| DVector::from_iterator(width, x.iter().map(|&x| f64::from(x)));
        let expected: f64 = (0..3).map(|i| turn.column(i).dot(&wide(&target)) * turn.column(i).dot(&wide(&train)) / values[i]).sum();
        prop_assert!((found - expected).abs() < 3e-3 * (1.0 + expected.abs()), "{} for {}", found, expected);
    }

    #[test]
    fn with_one_input_ekfac_is_the_damped_inverse_in_the_eigenbasis(seed: u64, outputs in 1_usize..9) {
        // a = 1: the layer is its bias, and the gradient is b.
        let samples: Vec<Vec<f32>> = (0..30).map(|i| normals(seed ^ i << 32, outputs)).collect();
        let settings = EkfacSettings::new(outputs, 1);
        let mut memory = vec![0.0; settings.memory().f32s];
        let mut layer = Ekfac::new(settings, &mut memory).unwrap();
        samples.iter().for_each(|b| layer.factors(&[1.0], b).unwrap());
        layer.decompose(&mut vec![0.0; settings.memory().f64s]).unwrap();
        for b in &samples {
            layer.position(&[1.0], b).unwrap();
            layer.sample().unwrap();
        }
        let g = DMatrix::from_row_iterator(30, outputs, samples.iter().flatten().map(|&x| f64::from(x)));
        let c = g.transpose() * &g / 30.0;
        let damped = &c + 0.1 * c.trace() / outputs as f64 * DMatrix::identity(outputs, outputs);
        let expected = &g * damped.cholesky().unwrap().solve(&g.row(0).transpose());
        let mut memory = vec![0.0; outputs];
        let target = layer.solve([(&[1.0_f32][..], &samples[0][..])], &mut memory).unwrap();
        for (b, expected) in samples.iter().zip(expected.iter()) {
            let found = of_factors(&target, &[1.0], b);
            prop_assert!((found - expected).abs() < 1e-4 * (1.0 + expected.abs()), "{} for {}", found, expected);
        }
    }
}

/// EK-FAC's curvature of gradients b aᵀ in `f64`: eigenvectors of both sides in columns,
/// and the eigenvalues, outputs × inputs.
fn curvature_of(samples: &[(Vec<f32>, Vec<f32>)]) -> [DMatrix<f64>; 3] {
    let rows = |all: Vec<&Vec<f32>>| {
        let numbers = all.iter().flat_map(|x| x.iter()).map(|&x| f64::from(x));
        DMatrix::from_row_iterator(all.len(), all[0].len(), numbers)
    };
    let a = rows(samples.iter().map(|(a, _)| a).collect());
    let b = rows(samples.iter().map(|(_, b)| b).collect());
    let [q_a, q_b] = [&a, &b].map(|side| (side.transpose() * side).symmetric_eigen().eigenvectors);
    let [a, b] = [&a * &q_a, &b * &q_b].map(|side| side.map(|x| x * x));
    let eigenvalues = b.transpose() * a / samples.len() as f64;
    [q_a, q_b, eigenvalues]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Inputs have a large mean, and two outputs' deltas add up to 0, as with any
    /// classifier of two classes: eigenvalues lie 10⁵ apart.
    #[test]
    fn rounding_moves_no_influence_by_more_than_the_residual_says(seed: u64, length in 3.0_f32..60.0) {
        let samples: Vec<(Vec<f32>, Vec<f32>)> = (0..80)
            .map(|i| {
                let mut a = normals(seed ^ i << 32, 48);
                a.iter_mut().enumerate().for_each(|(i, a)| *a += length * (1.0 + i as f32).recip());
                let b = normals(seed ^ i << 32, 49)[48];
                (a, vec![b, -b])
            })
            .collect();
        let [q_a, q_b, eigenvalues] = curvature_of(&samples);
        for damping in [10.0, 0.1, 1e-3] {
            let settings = EkfacSettings { damping, ..EkfacSettings::new(2, 48) };
            let mut layer = Ekfac::new(settings, vec![0.0; settings.memory().f32s]).unwrap();
            samples.iter().for_each(|(a, b)| layer.factors(a, b).unwrap());
            layer.decompose(&mut vec![0.0; settings.memory().f64s]).unwrap();
            for (a, b) in &samples {
                layer.position(a, b).unwrap();
                layer.sample().unwrap();
            }
            let (a, b) = &samples[0];
            let mut solution = vec![0.0; 96];
            layer.solve([(&a[..], &b[..])], &mut solution).unwrap();
            let target = [(&a[..], &b[..])];
            prop_assert!(layer.residual(target, &solution).unwrap() < 1e-4, "at {}", damping);
            let by_a_tenth: Vec<f32> = solution.iter().map(|x| x * 1.1).collect();
            prop_assert!((layer.residual(target, &by_a_tenth).unwrap() - 0.1).abs() < 1e-4);
            // One number is off, and influences are: by the residual at most.
            solution[0] *= 1.1;
            let most = layer.residual(target, &solution).unwrap() + 1e-4;
            let target = Targets::new(layer.layer_id(), &solution).unwrap();
            let ridge = f64::from(damping) * eigenvalues.mean();
            let turned = |(a, b): &(Vec<f32>, Vec<f32>)| {
                let side = |x: &[f32], q: &DMatrix<f64>| {
                    q.transpose() * DVector::from_iterator(x.len(), x.iter().map(|&x| f64::from(x)))
                };
                side(b, &q_b) * side(a, &q_a).transpose()
            };
            let product = |x: &DMatrix<f64>, y: &DMatrix<f64>| {
                x.component_mul(y).component_div(&eigenvalues.add_scalar(ridge)).sum()
            };
            let v = turned(&samples[0]);
            for sample in &samples {
                let g = turned(sample);
                let unit = (product(&g, &g) * product(&v, &v)).sqrt();
                let error = (of_factors(&target, &sample.0, &sample.1) - product(&g, &v)).abs();
                prop_assert!(error <= most * unit, "{} of {} at {}", error, unit, damping);
            }
        }
    }
}

#[test]
fn an_invariant_space_ends_the_iteration_early() {
    // Two directions only: after two or three products nothing is left outside.
    let rows = vec![vec![1.0, 0.0, 0.0, 0.0, 0.0], vec![0.0, 2.0, 0.0, 0.0, 0.0]];
    let settings = ArnoldiSettings { width: 5, products: 5, keep: 5, seed: 3 };
    let fitted = arnoldi(settings, &rows);
    let values = fitted.eigenvalues();
    assert_eq!(values.len(), 2, "{values:?}");
    assert!((values[0] - 2.0).abs() < 1e-6 && (values[1] - 0.5).abs() < 1e-6, "{values:?}");
}

#[test]
fn what_is_wrong_is_refused_and_the_state_goes_on() {
    let settings = ArnoldiSettings { width: 2, products: 2, keep: 1, seed: 1 };
    let (mut floats, mut doubles) = ([0.0; 6], [0.0; 10]);
    for keep in [0, 3] {
        let bad = ArnoldiSettings { keep, ..settings };
        let refused = Arnoldi::new(bad, id(2), &mut floats, &mut doubles);
        assert!(matches!(refused, Err(Error::Setting { name: "keep", .. })));
    }
    assert!(Arnoldi::new(settings, id(3), &mut floats, &mut doubles).is_err());
    let mut arnoldi = Arnoldi::new(settings, id(2), &mut floats, &mut doubles).unwrap();
    assert_eq!(arnoldi.advance(), Err(Error::TooFew { needed: 1, found: 0 }));
    assert_eq!(arnoldi.observe(&row(&[f32::NAN, 0.0])), Err(Error::NonFinite));
    assert!(matches!(arnoldi.observe(&row(&[1.0])), Err(Error::Mismatch(_))));
    assert!(matches!(arnoldi.fit(), Err(Error::TooFew { .. })));
    assert!(matches!(arnoldi.solve(&row(&[1.0, 1.0]), &mut [0.0; 2]), Err(Error::NotFitted)));
    arnoldi.product(|_, to| to.fill(f32::INFINITY)).unwrap();
    assert_eq!(arnoldi.advance(), Err(Error::NonFinite));
    while arnoldi.needs_product() {
        arnoldi.observe(&row(&[1.0, 0.5])).unwrap();
        arnoldi.advance().unwrap();
    }
    assert!(matches!(arnoldi.observe(&row(&[1.0, 0.5])), Err(Error::Setting { .. })));
    arnoldi.fit().unwrap();
    assert!((arnoldi.eigenvalues()[0] - 1.25).abs() < 1e-6);
    arnoldi.reset();
    while arnoldi.needs_product() {
        arnoldi.observe(&row(&[0.0, 0.0])).unwrap();
        arnoldi.advance().unwrap();
    }
    assert_eq!(arnoldi.fit(), Err(Error::NotPositiveDefinite));

    let settings = GifSettings { damping: 0.0, ..GifSettings::new(3, &[0, 2]) };
    let mut memory = vec![0.0; settings.memory().f64s];
    for indices in [&[][..], &[1, 1], &[2, 1], &[1, 3]] {
        let refused = Gif::new(GifSettings { indices, ..settings }, &mut memory);
        assert!(matches!(refused, Err(Error::Setting { name: "indices", .. })));
    }
    let refused = Gif::new(GifSettings { damping: -0.1, ..settings }, &mut memory);
    assert!(matches!(refused, Err(Error::Setting { name: "damping", .. })));
    let mut gif = Gif::new(settings, &mut memory).unwrap();
    assert!(matches!(gif.fit(), Err(Error::TooFew { .. })));
    gif.observe(&row(&[1.0, 0.0, 1.0])).unwrap();
    assert_eq!(gif.fit(), Err(Error::NotPositiveDefinite));
    assert!(matches!(gif.solve(&row(&[1.0; 3]), &mut [0.0; 3]), Err(Error::NotFitted)));
    gif.observe(&row(&[1.0, 0.0, -2.0])).unwrap();
    gif.fit().unwrap();
    assert!(matches!(gif.solve(&row(&[1.0; 3]), &mut [0.0; 2]), Err(Error::Length { .. })));
    assert!(gif.solve(&row(&[1.0; 3]), &mut [0.0; 3]).unwrap().score_one(&row(&[f32::NAN; 3])).is_err());

    let settings = EkfacSettings::new(1, 2);
    let mut memory = vec![0.0; settings.memory().f32s];
    for (bad, name) in [
        (EkfacSettings { damping: 0.0, ..settings }, "damping"),
        (EkfacSettings { inputs: 0, ..settings }, "inputs"),
        (EkfacSettings { outputs: 0, ..settings }, "outputs"),
    ] {
        let refused = Ekfac::new(bad, &mut memory).err();
        assert!(matches!(refused, Some(Error::Setting { name: found, .. }) if found == name), "{refused:?}");
    }
    let mut layer = Ekfac::new(settings, &mut memory).unwrap();
    let mut scratch = vec![0.0; settings.memory().f64s];
    assert!(matches!(layer.decompose(&mut scratch), Err(Error::TooFew { .. })));
    assert_eq!(layer.position(&[1.0, 2.0], &[1.0]), Err(Error::NotFitted));
    assert_eq!(layer.factors(&[1.0, f32::NAN], &[1.0]), Err(Error::NonFinite));
    assert!(matches!(layer.factors(&[1.0], &[1.0]), Err(Error::Length { .. })));
    layer.factors(&[1.0, 2.0], &[1.0]).unwrap();
    layer.decompose(&mut scratch).unwrap();
    assert!(matches!(layer.factors(&[1.0, 2.0], &[1.0]), Err(Error::Setting { .. })));
    assert_eq!(layer.sample(), Err(Error::TooFew { needed: 1, found: 0 }));
    let none = std::iter::empty::<(&[f32], &[f32])>;
    assert!(matches!(layer.solve(none(), &mut [0.0; 2]), Err(Error::NotFitted)));
    layer.position(&[3e30, 0.0], &[1.0]).unwrap();
    assert_eq!(layer.sample(), Err(Error::NonFinite));
    layer.position(&[1.0, 2.0], &[1.0]).unwrap();
    assert!(matches!(layer.solve(none(), &mut [0.0; 2]), Err(Error::NotFitted)));
    layer.sample().unwrap();
    let wrong = [(&[1.0_f32, f32::NAN][..], &[1.0_f32][..])];
    assert!(matches!(layer.solve(wrong, &mut [0.0; 2]), Err(Error::NonFinite)));
    let mut memory = [0.0; 2];
    let target = layer.solve([(&[1.0_f32, 2.0][..], &[1.0_f32][..])], &mut memory).unwrap();
    // Λ has 25 for the one direction and a mean of 12.5: 5·5/(25 + 1.25).
    assert!((of_factors(&target, &[1.0, 2.0], &[1.0]) - 25.0 / 26.25).abs() < 1e-5);
    let mut score = [0.0];
    assert_eq!(
        target.score_factors(&[1.0], &[1.0], &mut score),
        Err(Error::Length { expected: 2, found: 1 })
    );
    assert_eq!(target.score_factors(&[f32::NAN, 0.0], &[1.0], &mut score), Err(Error::NonFinite));
    assert_eq!(
        target.score_factors(&[1.0, 2.0], &[1.0], &mut []),
        Err(Error::Length { expected: 1, found: 0 })
    );
}

#[test]
fn factors_have_the_score_of_the_gradient_that_is_written_out() {
    let (a, b) = (normals(1, 5), normals(2, 3));
    let settings = EkfacSettings::new(3, 5);
    let mut memory = vec![0.0; settings.memory().f32s];
    let mut layer = Ekfac::new(settings, &mut memory).unwrap();
    layer.factors(&a, &b).unwrap();
    layer.decompose(&mut vec![0.0; settings.memory().f64s]).unwrap();
    layer.position(&a, &b).unwrap();
    layer.sample().unwrap();
    let id = layer.layer_id();
    let mut memory = [0.0; 15];
    let target = layer.solve([(&a[..], &b[..])], &mut memory).unwrap();
    let written: Vec<f32> = b.iter().flat_map(|b| a.iter().map(move |a| a * b)).collect();
    let whole = Sketch::from_parts(id, &written, gradsieve_kernels::summarize(&written)).unwrap();
    let (factored, whole) = (of_factors(&target, &a, &b), target.score_one(&whole).unwrap());
    assert!((factored - whole).abs() < 1e-5 * whole.abs(), "{factored} and {whole}");
}

/// The influence of each row on each target, by any solver.
fn by_solver(solver: &mut impl Solver, rows: &[Vec<f32>], targets: &[Vec<f32>]) -> Vec<f64> {
    while {
        rows.iter().for_each(|r| solver.observe(&row(r)).unwrap());
        !solver.end_pass().unwrap()
    } {}
    let width = targets[0].len();
    let mut solutions = vec![0.0; width * targets.len()];
    for (v, solution) in targets.iter().zip(solutions.chunks_mut(width)) {
        solver.solve(&row(v), solution).unwrap();
    }
    let solved = Targets::new(id(width), &solutions).unwrap();
    let mut scores = vec![0.0; targets.len() * rows.len()];
    for (r, scores) in rows.iter().zip(scores.chunks_mut(targets.len())) {
        solved.score(&row(r), scores).unwrap();
    }
    scores
}

/// The same by any solver that is given its targets first.
fn by_passes(solver: &mut impl IterativeSolver, rows: &[Vec<f32>], targets: &[Vec<f32>]) -> Vec<f64> {
    targets.iter().for_each(|v| solver.target(&row(v)).unwrap());
    while {
        rows.iter().for_each(|r| solver.observe(&row(r)).unwrap());
        !solver.end_pass().unwrap().converged
    } {}
    let solved = solver.targets().unwrap();
    let mut scores = vec![0.0; targets.len() * rows.len()];
    for (r, scores) in rows.iter().zip(scores.chunks_mut(targets.len())) {
        solved.score(&row(r), scores).unwrap();
    }
    scores
}

#[test]
fn one_generic_function_has_the_ridge_influence_of_every_solver_of_that_matrix() {
    let rows: Vec<Vec<f32>> = (0..20).map(|i| normals(i, 4)).collect();
    let targets: Vec<Vec<f32>> = (30..32).map(|i| normals(i, 4)).collect();
    let mut memory = vec![0.0; RidgeSettings::new(4).memory().f64s];
    let ridge = by_solver(&mut Ridge::new(RidgeSettings::new(4), &mut memory).unwrap(), &rows, &targets);
    let near = |name: &str, scale: f64, found: &[f64]| {
        for (found, ridge) in found.iter().zip(&ridge) {
            assert!((scale * found - ridge).abs() < 1e-3, "{name}: {found}, ridge {ridge}");
        }
    };
    let mut memory = vec![0.0; TrakSettings::new(4).memory().f64s];
    let mut trak = Trak::new(TrakSettings::new(4), &mut memory).unwrap();
    near("TRAK", 20.0, &by_solver(&mut trak, &rows, &targets));
    let settings = GifSettings::new(4, &[0, 1, 2, 3]);
    let mut gif = Gif::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    near("GIF", 1.0, &by_solver(&mut gif, &rows, &targets));
    let settings =
        ConjugateGradientsSettings { targets: 2, tolerance: 1e-5, ..ConjugateGradientsSettings::new(4) };
    let mut solver = ConjugateGradients::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    near("conjugate gradients", 1.0, &by_passes(&mut solver, &rows, &targets));
    let settings = LissaSettings { targets: 2, tolerance: 1e-5, ..LissaSettings::new(4) };
    let mut solver = Lissa::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    near("LiSSA", 1.0, &by_passes(&mut solver, &rows, &targets));
}

#[test]
fn arnoldi_as_a_solver_asks_for_pass_after_pass() {
    let rows: Vec<Vec<f32>> = (0..20).map(|i| normals(i, 4)).collect();
    let settings = ArnoldiSettings { width: 4, products: 4, keep: 4, seed: 1 };
    let (mut a, mut b) = (vec![0.0; settings.memory().f32s], vec![0.0; settings.memory().f64s]);
    let mut solver = Arnoldi::new(settings, id(4), &mut a, &mut b).unwrap();
    let found = by_solver(&mut solver, &rows, &rows[..1]);
    let mut memory = vec![0.0; 4];
    let mut fitted = arnoldi(settings, &rows);
    let target = fitted.solve(&row(&rows[0]), &mut memory).unwrap();
    let expected: Vec<f64> = rows.iter().map(|r| target.score_one(&row(r)).unwrap()).collect();
    assert_eq!(found, expected);
}
