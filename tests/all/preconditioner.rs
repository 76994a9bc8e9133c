//! Claims about preconditioned conjugate gradients, and about EK-FAC's inverse as a
//! preconditioner, against f64.

use crate::source::{normals, row, uniform};
use gradsieve::influence::{
    ConjugateGradients, ConjugateGradientsSettings, Ekfac, EkfacInverse, EkfacSettings, Identity,
    IterativeSolver, Preconditioner, Progress,
};
use gradsieve::{Error, Sketch};
use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;

/// A dense matrix, by nalgebra.
struct Dense(DMatrix<f64>);

impl Preconditioner for Dense {
    fn apply(&mut self, v: &[f64], out: &mut [f64]) -> Result<(), Error> {
        out.copy_from_slice((&self.0 * DVector::from_column_slice(v)).as_slice());
        Ok(())
    }
}

/// n rows of k numbers, whose last column is 10^−`decades` times as large as the first.
fn rows(seed: u64, n: usize, k: usize, decades: f64) -> Vec<Vec<f32>> {
    let scale = |j: usize| 10.0_f64.powf(-decades * j as f64 / (k.max(2) - 1) as f64) as f32;
    normals(seed, n * k)
        .chunks(k)
        .map(|x| x.iter().enumerate().map(|(j, x)| x * scale(j)).collect())
        .collect()
}

/// C + λI.
fn damped(rows: &[Vec<f32>], damping: f32) -> DMatrix<f64> {
    let (n, k) = (rows.len(), rows[0].len());
    let g = DMatrix::from_row_iterator(n, k, rows.iter().flatten().map(|&x| f64::from(x)));
    let c = g.transpose() * g / n as f64;
    let ridge = f64::from(damping) * c.trace() / k as f64;
    c + ridge * DMatrix::identity(k, k)
}

fn settings(width: usize, damping: f32, tolerance: f32, targets: usize) -> ConjugateGradientsSettings {
    ConjugateGradientsSettings { targets, damping, tolerance, ..ConjugateGradientsSettings::new(width) }
}

/// The solutions of targets, and how they were found.
fn solved<P: Preconditioner>(
    rows: &[Vec<f32>],
    targets: &[Vec<f32>],
    (damping, tolerance, most): (f32, f32, u32),
    preconditioner: P,
) -> Result<(Vec<f64>, Progress), Error> {
    let settings = settings(rows[0].len(), damping, tolerance, targets.len());
    let buffer = vec![0.0; settings.memory().f64s];
    let mut solver = ConjugateGradients::preconditioned(settings, preconditioner, buffer)?;
    targets.iter().try_for_each(|v| solver.target(&row(v)))?;
    let progress = solver.solve(&row(&rows[0]).id, &rows.concat(), most)?;
    Ok((solver.targets()?.solutions().to_vec(), progress))
}

/// A symmetric and positive definite matrix whose eigenvalues span `decades`.
fn definite(seed: u64, k: usize, decades: f64) -> DMatrix<f64> {
    let m = DMatrix::from_iterator(k, k, normals(seed, k * k).into_iter().map(f64::from));
    let q = m.qr().q();
    let values = DVector::from_fn(k, |i, _| 10.0_f64.powf(-decades * i as f64 / k as f64));
    let m = &q * DMatrix::from_diagonal(&values) * q.transpose();
    (&m + m.transpose()) * 0.5
}

#[test]
fn the_inverse_itself_needs_one_pass_and_one_to_see_it() {
    let (rows, v) = (rows(1, 60, 24, 2.0), normals(2, 24));
    let inverse = damped(&rows, 1e-3).try_inverse().unwrap();
    for scale in [1.0, 1e-30, 1e30] {
        let (_, progress) =
            solved(&rows, std::slice::from_ref(&v), (1e-3, 1e-5, 99), Dense(&inverse * scale)).unwrap();
        assert!(progress.converged && progress.passes == 2, "{progress:?}");
    }
    let (_, plain) = solved(&rows, &[v], (1e-3, 1e-5, 99), Identity).unwrap();
    assert!(plain.passes > 10, "{plain:?}");
}

#[test]
fn no_preconditioner_has_the_bits_of_plain_conjugate_gradients() {
    let (rows, targets) = (rows(3, 50, 30, 1.5), [normals(4, 30), vec![0.0; 30], normals(5, 30)]);
    let asked = (0.01, 1e-9, 400);
    let (expected, progress) = solved(&rows, &targets, asked, Identity).unwrap();
    assert!(progress.converged, "{progress:?}");
    let unit = Dense(DMatrix::identity(30, 30));
    assert_eq!(solved(&rows, &targets, asked, unit).unwrap(), (expected.clone(), progress));
}

#[test]
fn plain_conjugate_gradients_keep_the_bits_that_they_had_before() {
    let number = |i: u64| (uniform(6, i) - 0.5) as f32 / (1 << (i % 7)) as f32;
    let rows: Vec<f32> = (0..50 * 28).map(number).collect();
    let settings = settings(28, 0.01, 1e-9, 2);
    let mut solver = ConjugateGradients::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    let targets = [&rows[..28], &rows[28..56]];
    targets.iter().for_each(|v| solver.target(&row(v)).unwrap());
    let progress = solver.solve(&row(targets[0]).id, &rows, 400).unwrap();
    let solutions = solver.targets().unwrap();
    let hash = solutions.solutions().iter().fold(0_u64, |sum, x| sum.rotate_left(7) ^ x.to_bits());
    // By the commit before there were preconditioners.
    assert_eq!((progress.passes, hash), (42, 17_687_592_406_994_790_269));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_definite_preconditioner_has_the_direct_solution(
        seed: u64, n in 1_usize..40, k in 1_usize..24, decades in 0.0..2.0_f64, spread in 0.0..2.0_f64, exponent in 0..4_i32,
    ) {
        const TOLERANCE: f32 = 1e-8;
        let damping = 10.0_f32.powi(-exponent);
        let rows = rows(seed, n, k, decades);
        let targets = [normals(!seed, k), normals(seed ^ 9, k)];
        let a = damped(&rows, damping);
        let (found, progress) = solved(&rows, &targets, (damping, TOLERANCE, 1000), Dense(definite(seed ^ 3, k, spread))).unwrap();
        prop_assert!(progress.converged, "{:?}", progress);
        let direct = a.clone().cholesky().unwrap();
        let reach = direct.inverse().norm();
        for (x, v) in found.chunks(k).zip(&targets) {
            let v = DVector::from_iterator(k, v.iter().map(|&x| f64::from(x)));
            let expected = direct.solve(&v);
            // λ is a sum of squares in f32.
            let allowed = reach * (1.01 * f64::from(TOLERANCE) * v.norm() + 1e-7 * a.norm() * expected.norm());
            let off = (DVector::from_column_slice(x) - &expected).norm();
            prop_assert!(off <= allowed, "{} of {}: {} is allowed", off, expected.norm(), allowed);
        }
    }

    #[test]
    fn ekfacs_inverse_is_that_of_the_dense_kronecker_product(
        seed: u64, inputs in 1_usize..9, outputs in 1_usize..9, n in 1_usize..20, exponent in 0..4_i32,
    ) {
        let layer = fitted(seed, outputs, inputs, n);
        let width = inputs * outputs;
        let ridge = 10.0_f64.powi(-exponent) * layer.mean_eigenvalue();
        let v: Vec<f64> = normals(!seed, width).into_iter().map(f64::from).collect();
        let (mut out, mut scratch) = (vec![f64::NAN; width], vec![f64::NAN; 2 * inputs]);
        layer.apply_inverse(&v, ridge, &mut out, &mut scratch).unwrap();
        let expected = dense_inverse(&samples(seed, outputs, inputs, n), ridge) * DVector::from_column_slice(&v);
        let off = (DVector::from_column_slice(&out) - &expected).norm();
        // Its eigenvectors and eigenvalues are f32.
        let allowed = 1e-4 * 10.0_f64.powi(exponent) * expected.norm();
        prop_assert!(off <= allowed, "{} of {}", off, expected.norm());
    }
}

/// n samples of a layer, a and b. Their moments have eigenvalues that are far apart, so
/// that eigenvectors are not a matter of rounding.
fn samples(seed: u64, outputs: usize, inputs: usize, n: usize) -> Vec<(Vec<f32>, Vec<f32>)> {
    let (a, b) = (rows(seed, n, inputs, 1.5), rows(seed ^ 1, n, outputs, 1.5));
    a.into_iter().zip(b).collect()
}

fn fitted(seed: u64, outputs: usize, inputs: usize, n: usize) -> Ekfac<Vec<f32>> {
    let settings = EkfacSettings::new(outputs, inputs);
    let mut layer = Ekfac::new(settings, vec![0.0; settings.memory().f32s]).unwrap();
    let samples = samples(seed, outputs, inputs, n);
    samples.iter().for_each(|(a, b)| layer.factors(a, b).unwrap());
    layer.decompose(&mut vec![0.0; settings.memory().f64s]).unwrap();
    for (a, b) in &samples {
        layer.position(a, b).unwrap();
        layer.sample().unwrap();
    }
    layer
}

/// [(Q_S ⊗ Q_A)ᵀ diag(Λ + λ) (Q_S ⊗ Q_A)]⁻¹, all of it in f64.
fn dense_inverse(samples: &[(Vec<f32>, Vec<f32>)], ridge: f64) -> DMatrix<f64> {
    let wide = |x: &[f32]| DVector::from_iterator(x.len(), x.iter().map(|&x| f64::from(x)));
    let vectors = |x: Vec<DVector<f64>>| {
        let k = x[0].len();
        let sum = x.iter().fold(DMatrix::zeros(k, k), |sum, x| sum + x * x.transpose());
        (sum / samples.len() as f64).symmetric_eigen().eigenvectors.transpose()
    };
    let q_a = vectors(samples.iter().map(|(a, _)| wide(a)).collect());
    let q_s = vectors(samples.iter().map(|(_, b)| wide(b)).collect());
    let turn = q_s.kronecker(&q_a);
    let squares = samples.iter().fold(DVector::zeros(turn.nrows()), |sum, (a, b)| {
        let turned = &turn * wide(b).kronecker(&wide(a));
        sum + turned.component_mul(&turned)
    });
    let values = squares / samples.len() as f64;
    (turn.transpose() * DMatrix::from_diagonal(&values.map(|x| x + ridge)) * turn).try_inverse().unwrap()
}

/// The gradients b aᵀ of two layers, one after the other.
fn gradients(layers: [&[(Vec<f32>, Vec<f32>)]; 2]) -> Vec<Vec<f32>> {
    let gradient = |(a, b): &(Vec<f32>, Vec<f32>)| {
        b.iter().flat_map(|b| a.iter().map(move |a| a * b)).collect::<Vec<f32>>()
    };
    layers[0].iter().zip(layers[1]).map(|(x, y)| [gradient(x), gradient(y)].concat()).collect()
}

#[test]
fn ekfac_saves_passes_over_the_gradients_of_two_layers() {
    let (one, two) = ((7, 6, 5), (8, 4, 7));
    let n = 200;
    let of = |(seed, outputs, inputs): (u64, usize, usize)| samples(seed, outputs, inputs, n);
    let rows = gradients([&of(one), &of(two)]);
    let layers = [one, two].map(|(seed, outputs, inputs)| fitted(seed, outputs, inputs, n));
    let targets = [normals(11, 58), normals(12, 58)];
    for damping in [1e-1, 1e-3] {
        let inverse = EkfacInverse::new(&layers, damping, vec![0.0; 14]).unwrap();
        let a = damped(&rows, damping);
        let c = &a - inverse.ridge() * DMatrix::identity(58, 58);
        assert!((inverse.ridge() / (f64::from(damping) * c.trace() / 58.0) - 1.0).abs() < 1e-4);
        let (x, with) = solved(&rows, &targets, (damping, 1e-6, 500), inverse).unwrap();
        let (y, without) = solved(&rows, &targets, (damping, 1e-6, 500), Identity).unwrap();
        assert!(with.converged && without.converged);
        assert!(2 * with.passes < without.passes, "{with:?} and {without:?}");
        let [x, y] = [x, y].map(DVector::from_vec);
        assert!((&x - &y).norm() < 1e-3 * y.norm());
    }
}

/// Definite until its number of calls is reached, and then what is said.
struct Fails {
    after: usize,
    then: fn(f64) -> f64,
}

impl Preconditioner for Fails {
    fn apply(&mut self, v: &[f64], out: &mut [f64]) -> Result<(), Error> {
        let fails = self.after == 0;
        self.after = self.after.saturating_sub(1);
        out.iter_mut().zip(v).for_each(|(out, &v)| *out = if fails { (self.then)(v) } else { v });
        Ok(())
    }
}

#[test]
fn a_preconditioner_that_is_not_positive_definite_is_refused() {
    let (rows, v) = (rows(21, 30, 8, 1.0), normals(22, 8));
    for then in [|v: f64| -v, |_| 0.0, |_| f64::NAN, |v| v * f64::INFINITY, |v| v * 1e308 * 1e308] {
        for after in 0..3 {
            let found = solved(&rows, std::slice::from_ref(&v), (0.1, 1e-6, 99), Fails { after, then });
            assert_eq!(found.err(), Some(Error::NotPositiveDefinite), "after {after}");
        }
    }
}

#[test]
fn a_refused_target_leaves_the_solver_as_it_was() {
    let rows = rows(23, 30, 8, 1.0);
    // Its first coordinate counts as negative.
    let mut indefinite = DMatrix::identity(8, 8);
    indefinite[(0, 0)] = -1.0;
    let settings = settings(8, 0.1, 1e-6, 2);
    let buffer = vec![0.0; settings.memory().f64s];
    let mut solver = ConjugateGradients::preconditioned(settings, Dense(indefinite), buffer).unwrap();
    let wrong = [5.0, 0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    assert_eq!(solver.target(&row(&wrong)), Err(Error::NotPositiveDefinite));
    // Of another layout, and so of another id: none was taken yet.
    let id = gradsieve::Projector::id(&gradsieve::Exact::new(8), gradsieve::Layout::flat(9).unwrap().id());
    let zero = [0.0; 8];
    solver.target(&Sketch::from_parts(id, &zero, gradsieve_kernels::summarize(&zero)).unwrap()).unwrap();
    assert_eq!(solver.observe_rows(&id, &rows.concat()), Ok(0));
    assert!(solver.end_pass().unwrap().residual <= 0.0);
    assert_eq!(solver.targets().unwrap().count(), 1);
}

#[test]
fn the_inverse_of_layers_is_refused_where_it_would_mean_nothing() {
    let layers = [fitted(1, 2, 3, 9)];
    let of = |damping, scratch: usize| EkfacInverse::new(&layers, damping, vec![0.0; scratch]).map(drop);
    for damping in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        assert!(matches!(of(damping, 6), Err(Error::Setting { name: "damping", .. })));
    }
    assert_eq!(of(0.1, 5), Err(Error::Length { expected: 6, found: 5 }));
    let none: [Ekfac<Vec<f32>>; 0] = [];
    assert_eq!(EkfacInverse::new(&none, 0.1, [0.0; 0]).err(), Some(Error::TooFew { needed: 1, found: 0 }));
    let settings = EkfacSettings::new(2, 3);
    let mut layer = Ekfac::new(settings, vec![0.0; settings.memory().f32s]).unwrap();
    layer.factors(&[0.0; 3], &[0.0; 2]).unwrap();
    layer.decompose(&mut vec![0.0; settings.memory().f64s]).unwrap();
    layer.position(&[0.0; 3], &[0.0; 2]).unwrap();
    let unfinished = [layer];
    assert_eq!(EkfacInverse::new(&unfinished, 0.1, [0.0; 6]).err(), Some(Error::NotFitted));
    let [mut layer] = unfinished;
    layer.sample().unwrap();
    assert_eq!(EkfacInverse::new(&[layer], 0.1, [0.0; 6]).err(), Some(Error::NotPositiveDefinite));

    let mut inverse = EkfacInverse::new(&layers, 0.1, [0.0; 6]).unwrap();
    let mut out = [0.0; 6];
    assert_eq!(inverse.apply(&[1.0; 5], &mut out), Err(Error::Length { expected: 6, found: 5 }));
    assert_eq!(inverse.apply(&[f64::NAN; 6], &mut out), Err(Error::NonFinite));
    let ridge = |ridge| layers[0].apply_inverse(&[1.0; 6], ridge, &mut [0.0; 6], &mut [0.0; 6]);
    assert!(matches!(ridge(0.0), Err(Error::Setting { name: "ridge", .. })));
    let small = layers[0].apply_inverse(&[1e308; 6], 1e-9, &mut [0.0; 6], &mut [0.0; 6]);
    assert_eq!(small, Err(Error::Range { what: "the solution" }));
    // Other layers than the rows have.
    let found = solved(&rows(3, 9, 8, 0.0), &[normals(4, 8)], (0.1, 1e-4, 9), inverse);
    assert_eq!(found.err(), Some(Error::Length { expected: 6, found: 8 }));
}
