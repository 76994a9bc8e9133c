//! A restored state goes on as the one that was written would have.

use super::*;

#[test]
fn a_restored_state_scores_and_merges_as_the_one_that_was_written() {
    let buffer = || vec![0.0; SELF_INFLUENCE.memory().f64s];
    goes_on(|| SelfInfluence::new(SELF_INFLUENCE, buffer()).unwrap());
    let buffer = || vec![0.0; MAHALANOBIS.memory().f64s];
    goes_on(|| Mahalanobis::new(MAHALANOBIS, buffer()).unwrap());
    let buffer = || vec![0; GROUPS.memory().i64s];
    goes_on(|| Direction::new(GROUPS, buffer()).unwrap());
}

/// One state is restored from another, and then both take a third in.
fn goes_on<S: State + Detector>(new: impl Fn() -> S) {
    let (mut one, mut other, mut back) = (new(), new(), new());
    let (first, second) = (normals(1, 20 * K), normals(2, 20 * K));
    first.chunks(K).for_each(|row| one.observe(&sketch_of(row)).unwrap());
    second.chunks(K).for_each(|row| other.observe(&sketch_of(row)).unwrap());
    one.fit().unwrap();
    back.restore(&bytes_of(&one)).unwrap();
    for merged in [false, true] {
        if merged {
            for state in [&mut one, &mut back] {
                state.merge(&other).unwrap();
                state.fit().unwrap();
            }
        }
        assert_eq!(bytes_of(&back), bytes_of(&one));
        for row in first.chunks(K) {
            let expected = score(&one, &sketch_of(row)).unwrap();
            assert_eq!(score(&back, &sketch_of(row)).unwrap().to_bits(), expected.to_bits());
        }
    }
}

/// Takes `acts` acts one after the other. Wherever that was interrupted, a `fresh` state
/// that is restored from there and goes on ends with the same bytes and the same
/// `result`.
fn goes_on_from_anywhere<S: State, R: PartialEq + std::fmt::Debug>(
    mut state: S,
    mut fresh: S,
    acts: usize,
    act: impl Fn(&mut S, usize),
    result: impl Fn(&mut S) -> R,
) {
    let mut written = vec![bytes_of(&state)];
    for i in 0..acts {
        act(&mut state, i);
        written.push(bytes_of(&state));
    }
    let expected = (result(&mut state), bytes_of(&state));
    for (done, bytes) in written.iter().enumerate().rev() {
        fresh.restore(bytes).unwrap();
        (done..acts).for_each(|i| act(&mut fresh, i));
        assert_eq!((result(&mut fresh), bytes_of(&fresh)), expected, "interrupted after {done} acts");
    }
}

#[test]
fn a_walk_or_a_pass_that_was_interrupted_anywhere_goes_on_with_the_same_bits() {
    let rows = normals(3, 4 * K);
    let sketches: Vec<Sketch> = rows.chunks(K).map(sketch_of).collect();
    let target = normals(4, K);
    let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();

    let ends = [2, K];
    let blocks = Blocks::new(&ends).unwrap();
    let settings = AdjointSettings { blocks, targets: 1, rows: 2 };
    let len = settings.memory().f32s;
    let (mut a, mut b) = (vec![0.0; len], vec![7.0; len]);
    goes_on_from_anywhere(
        Adjoint::new(settings, id_of(K), &target, &mut a).unwrap(),
        Adjoint::new(settings, id_of(K), &rows[..K], &mut b).unwrap(),
        4,
        |state, i| {
            let (gradients, curvature) = (&rows[i * K..][..K], Curvature::EmpiricalFisher);
            let step = Step { id: id_of(K), learning_rate: 0.1, gradients, curvature };
            state.step(&step, &mut [0.0]).unwrap();
        },
        |state| (bits(state.targets().solutions()), state.steps()),
    );

    let (mut a, mut b) = ([0.0; KRYLOV.memory().f32s], [7.0; KRYLOV.memory().f32s]);
    let (mut c, mut d) = ([0.0; KRYLOV.memory().f64s], [7.0; KRYLOV.memory().f64s]);
    goes_on_from_anywhere(
        Arnoldi::new(KRYLOV, id_of(K), &mut a, &mut c).unwrap(),
        Arnoldi::new(KRYLOV, id_of(K), &mut b, &mut d).unwrap(),
        16,
        |state, i| match i {
            15 => state.fit().unwrap(),
            i if i % 5 == 4 => state.advance().unwrap(),
            i => state.observe(&sketches[i % 5]).unwrap(),
        },
        |state| {
            let mut memory = [0.0; K];
            let score = state.solve(&sketch_of(&target), &mut memory).unwrap().score_one(&sketches[0]);
            (score.unwrap().to_bits(), state.needs_product(), state.eigenvalues().len())
        },
    );

    let (mut a, mut b) = ([0.0; PARTIAL.memory().f64s], [7.0; PARTIAL.memory().f64s]);
    goes_on_from_anywhere(
        Gif::new(PARTIAL, &mut a).unwrap(),
        Gif::new(PARTIAL, &mut b).unwrap(),
        5,
        // The last row comes after the fit, which does not know it.
        |state, i| match i {
            3 => state.fit().unwrap(),
            i => state.observe(&sketches[i.min(3)]).unwrap(),
        },
        |state| {
            let mut memory = [0.0; K];
            let score = state.solve(&sketch_of(&target), &mut memory).unwrap().score_one(&sketches[0]);
            score.unwrap().to_bits()
        },
    );

    let factors = |i: usize| rows[i * K..][..K].split_at(INPUTS);
    let len = LAYER.memory().f32s;
    let (mut a, mut b) = (vec![0.0; len], vec![7.0; len]);
    goes_on_from_anywhere(
        Ekfac::new(LAYER, &mut a).unwrap(),
        Ekfac::new(LAYER, &mut b).unwrap(),
        11,
        // Two samples of two positions each.
        |state, i| match i {
            0..4 => state.factors(factors(i).0, factors(i).1).unwrap(),
            4 => state.decompose(&mut [0.0; LAYER.memory().f64s]).unwrap(),
            7 | 10 => state.sample().unwrap(),
            i => state.position(factors(i - 5 - i / 8).0, factors(i - 5 - i / 8).1).unwrap(),
        },
        |state| {
            let mut memory = [0.0; INPUTS * (K - INPUTS)];
            let target = state.solve([target.split_at(INPUTS)], &mut memory).unwrap();
            let mut score = [0.0];
            target.score_factors(factors(0).0, factors(0).1, &mut score).unwrap();
            score[0].to_bits()
        },
    );
}

#[test]
fn a_store_that_was_restored_into_more_memory_goes_on_from_there() {
    let rows = rows(40, K);
    for codec in Codec::ALL {
        let first = filled(codec, K, &rows[..20 * K]);
        let mut back = store_of(codec, K, 48);
        back.restore(&bytes_of(&first)).unwrap();
        for (id, row) in (120..).zip(rows[20 * K..].chunks(K)) {
            back.append(id, &sketch_of(row)).unwrap();
        }
        let whole = filled(codec, K, &rows);
        assert_eq!(scores_of(&back, &rows[..K]), scores_of(&whole, &rows[..K]));
        assert_eq!(bytes_of(&back), bytes_of(&whole));
    }
}

#[test]
fn sketches_and_targets_are_read_back_into_the_caller_s_memory() {
    let row = normals(1, K);
    let sketch = sketch_of(&row);
    let mut bytes = vec![0; Sketch::memory(K).bytes_at_rest];
    assert_eq!(sketch.to_bytes(&mut bytes), Ok(bytes.len()));
    let mut memory = [7.0; K];
    let back = Sketch::from_bytes(&bytes, &mut memory).unwrap();
    assert_eq!(
        (back.id, back.values, back.measures, back.group),
        (sketch.id, sketch.values, sketch.measures, sketch.group)
    );
    let error = Sketch::from_bytes(&bytes, &mut [0.0; K + 1]).unwrap_err();
    assert_eq!(error, Error::Length { expected: K, found: K + 1 });

    let mut floats = [0.0; RidgeSettings::new(K).memory().f64s];
    let mut ridge = Ridge::new(RidgeSettings::new(K), &mut floats).unwrap();
    ridge.observe(&sketch).unwrap();
    ridge.fit().unwrap();
    let (mut solution, mut memory) = ([0.0; K], [7.0; K]);
    let target = ridge.solve(&sketch, &mut solution).unwrap();
    let mut bytes = vec![0; Targets::memory(K, 1).bytes_at_rest];
    assert_eq!(target.to_bytes(&mut bytes), Ok(bytes.len()));
    let back = Targets::from_bytes(&bytes, &mut memory).unwrap();
    assert_eq!(back.score_one(&sketch), target.score_one(&sketch));
    let mut foreign = sketch;
    foreign.id.layout = LayoutId::from_bits(9);
    assert_eq!(back.score_one(&foreign), Err(Error::Mismatch(Field::Layout)));
    for at in 0..bytes.len() {
        bytes[at] ^= 4;
        assert!(Targets::from_bytes(&bytes, &mut [0.0; K]).is_err());
        assert!(Targets::from_bytes(&bytes[..at], &mut [0.0; K]).is_err());
        bytes[at] ^= 4;
    }
}

#[test]
fn many_targets_are_read_back_together() {
    let values = normals(3, 3 * K);
    let targets = Targets::new(id_of(K), &values).unwrap();
    let mut bytes = vec![0; Targets::memory(K, 3).bytes_at_rest];
    assert_eq!(targets.to_bytes(&mut bytes), Ok(bytes.len()));
    let mut memory = [7.0; 3 * K];
    let back = Targets::from_bytes(&bytes, &mut memory).unwrap();
    assert_eq!((back.id(), back.solutions()), (id_of(K), &values[..]));
    let error = Targets::from_bytes(&bytes, &mut [0.0; 2 * K]).unwrap_err();
    assert_eq!(error, Error::Length { expected: 3 * K, found: 2 * K });
}
