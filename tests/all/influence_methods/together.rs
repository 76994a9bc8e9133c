//! Rows given together have the bits of one by one.

use super::*;

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
