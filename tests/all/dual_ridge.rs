//! Claims about ridge influence by inner products of rows: the solution is that of the
//! matrix of columns, whatever the rows came in, and what cannot be solved is refused.

use crate::source::{normals, row};
use gradsieve::influence::{
    DualRidge, DualRidgeSettings, IterativeSolver, NumberedRows, Ridge, RidgeSettings,
};
use gradsieve::{Element, Error, SketchId, bf16, f16};
use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;

type State = DualRidge<Vec<f64>>;

fn id(k: usize) -> SketchId {
    row(&vec![0.0; k]).id
}

fn state(k: usize, n: usize, damping: f32) -> State {
    let settings = DualRidgeSettings { damping, ..DualRidgeSettings::new(k, n) };
    DualRidge::new(settings, vec![f64::NAN; settings.memory().f64s]).unwrap()
}

/// The state of these rows, which are at hand.
fn fitted<T: Element>(rows: &[T], k: usize, damping: f32) -> State {
    let mut state = state(k, rows.len() / k, damping);
    state.observe_rows(&id(k), rows).unwrap();
    state.fit().unwrap();
    state
}

/// The solutions of some targets.
fn solutions<T: Element>(state: &State, rows: &[T], targets: &[f32], k: usize) -> Vec<f64> {
    let settings = DualRidgeSettings::new(k, rows.len() / k);
    let memory = vec![f64::NAN; settings.solver_memory(targets.len() / k).f64s];
    let mut solver = state.solver(targets.len() / k, memory).unwrap();
    targets.chunks(k).for_each(|v| solver.target(&row(v)).unwrap());
    let progress = solver.solve(&id(k), rows, 2).unwrap();
    assert!(progress.converged && progress.passes == 2);
    solver.targets().unwrap().solutions().to_vec()
}

/// The influence of the rows on each target, as it is known after one pass.
fn influence(state: &State, rows: &[f32], targets: &[f32], k: usize) -> Vec<Vec<f64>> {
    let settings = DualRidgeSettings::new(k, rows.len() / k);
    // Room for more targets than there are.
    let memory = vec![f64::NAN; settings.solver_memory(targets.len() / k + 2).f64s];
    let mut solver = state.solver(targets.len() / k + 2, memory).unwrap();
    targets.chunks(k).for_each(|v| solver.target(&row(v)).unwrap());
    solver.observe_rows(&id(k), rows).unwrap();
    solver.end_pass().unwrap();
    let of_target = |target| {
        let mut influence = vec![f64::NAN; rows.len() / k];
        solver.write_influence(target, &mut influence).unwrap();
        influence
    };
    (0..targets.len() / k).map(of_target).collect()
}

/// The influence of each row by nalgebra's Cholesky of the n × n matrix, row after row
/// and target after target in it, and the self-influence of rows and of targets.
fn by_nalgebra(rows: &[f32], targets: &[f32], k: usize, damping: f32) -> [DMatrix<f64>; 2] {
    let matrix = |x: &[f32]| DMatrix::from_row_iterator(x.len() / k, k, x.iter().map(|&x| f64::from(x)));
    let (g, v) = (matrix(rows), matrix(targets));
    let n = g.nrows() as f64;
    let gram = &g * g.transpose();
    let lambda = f64::from(damping) * gram.trace() / (n * k as f64);
    let solver = (&gram + n * lambda * DMatrix::identity(g.nrows(), g.nrows())).cholesky().unwrap();
    // G(C + λI)⁻¹Vᵀ = n(A + nλI)⁻¹GVᵀ, and vᵀ(C + λI)⁻¹v ≤ v·v/λ.
    let influence = n * solver.solve(&(&g * v.transpose()));
    let own = n * solver.solve(&gram);
    let most = DMatrix::from_fn(g.nrows(), v.nrows(), |i, j| {
        (own[(i, i)].max(0.0) * v.row(j).norm_squared() / lambda).sqrt()
    });
    [influence, most]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn influence_is_that_of_an_independent_solution(
        seed: u64, n in 1_usize..90, k in 1_usize..700, q in 1_usize..4, decades in 0_i32..6,
    ) {
        let damping = 10.0_f32.powi(-decades);
        let (rows, targets) = (normals(seed, n * k), normals(!seed, q * k));
        let state = fitted(&rows, k, damping);
        let solutions = solutions(&state, &rows, &targets, k);
        let known = influence(&state, &rows, &targets, k);
        let [expected, most] = by_nalgebra(&rows, &targets, k, damping);
        let condition = state.condition().unwrap();
        for (i, g) in rows.chunks(k).enumerate() {
            for (j, x) in solutions.chunks(k).enumerate() {
                let found: f64 = g.iter().zip(x).map(|(&g, x)| f64::from(g) * x).sum();
                let allowed = 64.0 * f64::EPSILON * condition * most[(i, j)];
                for found in [found, known[j][i]] {
                    let off = (found - expected[(i, j)]).abs();
                    prop_assert!(off <= allowed, "{n} × {k}, {condition:e}: off by {off:e} of {allowed:e}");
                }
            }
        }
    }

    #[test]
    fn the_solution_is_that_of_the_matrix_of_columns(seed: u64, n in 1_usize..60, k in 1_usize..60) {
        let (rows, target) = (normals(seed, n * k), normals(!seed, k));
        let settings = RidgeSettings::new(k);
        let mut ridge = Ridge::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
        rows.chunks(k).for_each(|g| ridge.observe(&row(g)).unwrap());
        ridge.fit().unwrap();
        let mut expected = vec![0.0_f64; k];
        ridge.solve(&row(&target), &mut expected).unwrap();
        let found = DVector::from_vec(solutions(&fitted(&rows, k, 0.1), &rows, &target, k));
        let expected = DVector::from_vec(expected);
        prop_assert!((&found - &expected).norm() <= 1e-11 * expected.norm());
    }

    #[test]
    fn no_bit_depends_on_the_pieces_that_rows_come_in(
        seed: u64, n in prop_oneof![1_usize..100, 250_usize..330], k in 1_usize..600,
        cuts in prop::collection::vec(1_usize..300, 1..4), beside in 1_usize..50,
    ) {
        let (rows, targets) = (normals(seed, n * k), normals(!seed, 2 * k));
        let whole = fitted(&rows, k, 0.1);
        let mut state = state(k, n + 3, 0.1);
        for (held, others) in rows.chunks(beside * k).enumerate() {
            let others = NumberedRows { first: held * beside, values: others };
            let (mut rest, mut first) = (&rows[..], 0);
            for &cut in cuts.iter().cycle() {
                let (values, behind) = rest.split_at((cut * k).min(rest.len()));
                if values.is_empty() {
                    break;
                }
                state.observe_products(&id(k), NumberedRows { first, values }, others).unwrap();
                (rest, first) = (behind, first + values.len() / k);
            }
        }
        state.fit().unwrap();
        prop_assert_eq!(state.condition(), whole.condition());
        let expected = solutions(&whole, &rows, &targets, k);
        let memory = vec![0.0; DualRidgeSettings::new(k, n + 3).solver_memory(5).f64s];
        let mut solver = state.solver(5, memory).unwrap();
        targets.chunks(k).for_each(|v| solver.target(&row(v)).unwrap());
        for _ in 0..2 {
            for (number, rows) in rows.chunks(cuts[0] * k).enumerate() {
                if number % 2 == 0 {
                    prop_assert_eq!(solver.observe_rows(&id(k), rows), Ok(0));
                } else {
                    rows.chunks(k).for_each(|g| solver.observe(&row(g)).unwrap());
                }
            }
            solver.end_pass().unwrap();
        }
        prop_assert_eq!(solver.targets().unwrap().solutions(), &expected[..]);
    }

    #[test]
    fn powers_of_two_of_rows_and_targets_are_those_of_solutions(
        seed: u64, n in 1_usize..20, k in 1_usize..40, of_rows in -120_i32..120, of_target in -120_i32..120,
    ) {
        let (rows, target) = (normals(seed, n * k), normals(!seed, k));
        let expected = solutions(&fitted(&rows, k, 0.1), &rows, &target, k);
        // Whole powers of two but for what is below the smallest normal number.
        let times = |x: &[f32], power: i32| x.iter().map(|x| x * 2.0_f32.powi(power)).collect::<Vec<f32>>();
        let (rows, target) = (times(&rows, of_rows), times(&target, of_target));
        let found = solutions(&fitted(&rows, k, 0.1), &rows, &target, k);
        let size = 2.0_f64.powi(of_target - 2 * of_rows);
        let length = expected.iter().map(|x| x * x).sum::<f64>().sqrt();
        for (found, expected) in found.iter().zip(&expected) {
            prop_assert!((found / size - expected).abs() <= 1e-5 * length, "{found:e} for {expected:e}");
        }
    }

    #[test]
    fn narrow_rows_are_widened(seed: u64, n in 1_usize..40, k in 1_usize..40) {
        fn same<T: Element>(rows: &[f32], target: &[f32], k: usize) {
            let narrow: Vec<T> = rows.iter().map(|&x| T::narrow(x)).collect();
            let wide: Vec<f32> = narrow.iter().map(|x| x.widen()).collect();
            let [narrow, wide] = [
                solutions(&fitted(&narrow, k, 0.1), &narrow, target, k),
                solutions(&fitted(&wide, k, 0.1), &wide, target, k),
            ];
            assert_eq!(narrow, wide, "{}", T::NAME);
        }
        let (rows, target) = (normals(seed, n * k), normals(!seed, k));
        same::<f16>(&rows, &target, k);
        same::<bf16>(&rows, &target, k);
    }
}

#[test]
fn what_makes_no_sense_is_refused_and_the_state_is_as_it_was() {
    let settings = |width, rows, damping| DualRidgeSettings { width, rows, damping };
    for (settings, expected) in [
        (settings(0, 2, 0.1), Error::Width { multiple: 1, found: 0 }),
        (settings(4, 0, 0.1), Error::Setting { name: "rows", expected: "at least 1" }),
        (settings(4, 2, 0.0), Error::Setting { name: "damping", expected: "finite and above 0" }),
        (settings(4, 2, f32::NAN), Error::Setting { name: "damping", expected: "finite and above 0" }),
    ] {
        assert_eq!(DualRidge::new(settings, vec![0.0; 64]).err(), Some(expected));
    }
    let needed = DualRidgeSettings::new(4, 2).memory().f64s;
    let length = |expected, found| Error::Length { expected, found };
    let refused = DualRidge::new(DualRidgeSettings::new(4, 2), vec![0.0; 1]).err();
    assert_eq!(refused, Some(length(needed, 1)));

    let rows = normals(1, 8);
    let mut state = state(4, 2, 0.1);
    assert_eq!(state.fit(), Err(Error::TooFew { needed: 1, found: 0 }));
    assert_eq!(state.observe_rows(&id(4), &rows[..7]), Err(length(4, 7)));
    assert_eq!(state.observe_rows(&id(4), &normals(1, 12)), Err(length(2, 3)));
    for bad in [f32::NAN, f32::INFINITY] {
        let mut rows = rows.clone();
        rows[5] = bad;
        assert_eq!(state.observe_rows(&id(4), &rows), Err(Error::NonFinite));
    }
    assert_eq!(state.observe_rows(&id(8), &rows), Err(length(4, 8)));
    state.observe_rows(&id(4), &rows).unwrap();
    assert_eq!(state.solver(1, vec![0.0; 0]).err(), Some(Error::NotFitted));
    state.fit().unwrap();
    let solved = solutions(&state, &rows, &rows[..4], 4);
    assert_eq!(solved, solutions(&fitted(&rows, 4, 0.1), &rows, &rows[..4], 4));

    let needed = DualRidgeSettings::new(4, 2).solver_memory(1).f64s;
    assert_eq!(state.solver(1, vec![0.0; 3]).err(), Some(length(needed, 3)));
    let mut solver = state.solver(1, vec![0.0; needed]).unwrap();
    assert_eq!(solver.observe_rows(&id(4), &rows), Err(Error::TooFew { needed: 1, found: 0 }));
    solver.target(&row(&rows[..4])).unwrap();
    assert_eq!(solver.target(&row(&rows[..4])), Err(length(1, 2)));
    assert_eq!(solver.observe_rows(&id(4), &normals(1, 12)), Err(length(2, 3)));
    assert_eq!(solver.observe_rows(&id(4), &rows[..4]), Ok(0));
    assert_eq!(solver.target(&row(&rows[..4])), Err(Error::InPass));
    assert_eq!(solver.end_pass(), Err(length(2, 1)));
    assert_eq!(solver.targets().err(), Some(Error::NotFitted));
    assert_eq!(solver.write_influence(0, &mut [0.0; 2]), Err(Error::NotFitted));
    assert!(solver.solve(&id(4), &rows, 2).unwrap().converged);
    assert_eq!(solver.targets().unwrap().solutions(), &solved[..]);
    assert_eq!(solver.observe_rows(&id(4), &rows), Err(Error::InPass));
    let known = Error::Setting { name: "target", expected: "one that was given" };
    assert_eq!(solver.write_influence(1, &mut [0.0; 2]), Err(known));
    assert_eq!(solver.write_influence(0, &mut [0.0; 3]), Err(length(2, 3)));
    assert_eq!(solver.write_influence(0, &mut [0.0; 2]), Ok(()));
}

#[test]
fn pairs_that_are_missing_or_come_twice_are_noticed() {
    let rows = normals(2, 12);
    let of =
        |first: usize, count: usize| NumberedRows { first, values: &rows[4 * first..4 * (first + count)] };
    let mut missing = state(4, 3, 0.1);
    missing.observe_products(&id(4), of(0, 3), of(0, 2)).unwrap();
    assert_eq!(missing.fit(), Err(Error::Length { expected: 6, found: 5 }));
    missing.observe_products(&id(4), of(2, 1), of(2, 1)).unwrap();
    assert_eq!(missing.fit(), Ok(()));
    missing.observe_products(&id(4), of(0, 1), of(0, 1)).unwrap();
    assert_eq!(missing.fit(), Err(Error::Length { expected: 6, found: 7 }));
    assert_eq!(missing.condition(), None);
    missing.reset();
    assert_eq!(missing.rows(), 0);
}

#[test]
fn rows_that_are_not_finite_are_passed_over_in_passes() {
    let mut rows = normals(3, 40);
    let finite = fitted(&rows, 8, 0.1);
    let expected = solutions(&finite, &rows, &rows[..8], 8);
    rows.splice(16..16, [f32::NAN; 8]);
    let memory = vec![0.0; DualRidgeSettings::new(8, 5).solver_memory(1).f64s];
    let mut solver = finite.solver(1, memory).unwrap();
    solver.target(&row(&rows[..8])).unwrap();
    for _ in 0..2 {
        assert_eq!(solver.observe_row(&id(8), &rows[16..24]), Err(Error::NonFinite));
        assert_eq!(solver.observe_rows(&id(8), &rows), Ok(1));
        solver.end_pass().unwrap();
    }
    assert_eq!(solver.targets().unwrap().solutions(), &expected[..]);
}

#[test]
fn a_second_pass_that_ends_early_goes_on_and_adds_no_row_twice() {
    let rows = normals(5, 40);
    let state = fitted(&rows, 8, 0.1);
    let memory = vec![0.0; DualRidgeSettings::new(8, 5).solver_memory(1).f64s];
    let mut solver = state.solver(1, memory).unwrap();
    solver.target(&row(&rows[..8])).unwrap();
    solver.observe_rows(&id(8), &rows).unwrap();
    solver.end_pass().unwrap();
    solver.observe_rows(&id(8), &rows[..16]).unwrap();
    assert_eq!(solver.end_pass(), Err(Error::Length { expected: 5, found: 2 }));
    assert_eq!(solver.observe_rows(&id(8), &rows), Err(Error::Length { expected: 5, found: 7 }));
    solver.observe_rows(&id(8), &rows[16..]).unwrap();
    assert!(solver.end_pass().unwrap().converged);
    let expected = solutions(&state, &rows, &rows[..8], 8);
    assert_eq!(solver.targets().unwrap().solutions(), &expected[..]);
}

#[test]
fn what_cannot_be_solved_is_said() {
    let mut zeros = state(4, 2, 0.1);
    zeros.observe_rows(&id(4), &[0.0_f32; 8]).unwrap();
    assert_eq!(zeros.fit(), Err(Error::NotPositiveDefinite));
    let mut hard = state(4, 2, 1e-13);
    hard.observe_rows(&id(4), &normals(4, 8)).unwrap();
    assert!(matches!(hard.fit(), Err(Error::IllConditioned { decades: 12.. })));
}
