//! Bodies with any number in the place of any other: what is refused leaves the state as
//! it was, and what is taken can be used. Counts end where 64 bits do, and say so.

use super::*;

/// Numbers that a body may be forged with: counts at their ends, and no numbers.
fn words() -> [[u8; 8]; 9] {
    [
        u64::MAX.to_le_bytes(),
        (u64::MAX - 1).to_le_bytes(),
        (1_u64 << 63).to_le_bytes(),
        (i64::MAX as u64).to_le_bytes(),
        f64::NAN.to_le_bytes(),
        f64::INFINITY.to_le_bytes(),
        f64::MAX.to_le_bytes(),
        (-1.0_f64).to_le_bytes(),
        0x7FC0_0000_FF80_0000_u64.to_le_bytes(),
    ]
}

/// Puts each word in each place of four bytes, makes the CRC good, and uses what is
/// taken.
fn survives<S: State>(name: &str, state: &S, mut fresh: impl FnMut() -> S, mut use_it: impl FnMut(&mut S)) {
    let bytes = bytes_of(state);
    let mut taken = 0;
    for at in (HEADER..bytes.len() - 11).step_by(4) {
        for word in words() {
            let mut odd = bytes.clone();
            odd[at..at + 8].copy_from_slice(&word);
            let end = odd.len() - 4;
            let sum = crc32(&odd[..end]).to_le_bytes();
            odd[end..].copy_from_slice(&sum);
            let mut state = fresh();
            let before = bytes_of(&state);
            if state.restore(&odd).is_ok() {
                taken += 1;
                use_it(&mut state);
            } else {
                assert_eq!(bytes_of(&state), before, "{name}, {at}");
            }
        }
    }
    assert!(taken > 0, "{name}: nothing was taken");
}

fn number(found: Result<f64, Error>) {
    assert!(found.is_err() || found.is_ok_and(f64::is_finite), "{found:?}");
}

fn detector<D: State + Detector>(name: &str, mut new: impl FnMut() -> D) {
    let rows = rows(8, K);
    let mut state = new();
    rows.chunks(K).for_each(|row| state.observe(&sketch_of(row)).unwrap());
    for fitted in [false, true] {
        if fitted {
            state.fit().unwrap();
        }
        let other = bytes_of(&state);
        let mut one = new();
        one.restore(&other).unwrap();
        survives(name, &state, &mut new, |state| {
            number(score(state, &sketch_of(&rows[..K])));
            let _ = state.observe(&sketch_of(&rows[..K]));
            let _ = state.merge(&one);
            let _ = state.fit();
            number(score(state, &sketch_of(&rows[..K])));
        });
    }
}

#[test]
fn a_detector_with_any_number_in_its_bytes_scores_numbers_or_nothing() {
    let settings = SelfInfluenceSettings { clip: Some(4.0), ..SELF_INFLUENCE };
    detector("self-influence", || SelfInfluence::new(settings, vec![0.0; settings.memory().f64s]).unwrap());
    detector("mahalanobis", || Mahalanobis::new(MAHALANOBIS, vec![0.0; MAHALANOBIS.memory().f64s]).unwrap());
    detector("direction", || Direction::new(GROUPS, vec![0; GROUPS.memory().i64s]).unwrap());
}

#[test]
fn any_number_in_the_bytes_of_moments_or_a_method_is_refused_or_used() {
    let rows = rows(8, K);
    let sketches: Vec<Sketch> = rows.chunks(K).map(sketch_of).collect();

    let new = || Moments::new(MOMENTS, vec![0.0; MOMENTS.memory().f64s]).unwrap();
    let mut state = new();
    sketches.iter().for_each(|sketch| state.observe(sketch).unwrap());
    survives("moments", &state, new, |state| {
        let _ = state.observe(&sketches[0]);
        let _ = state.factor(1.0, 0.1, &mut [0.0; K * (K + 1) / 2], &mut [0.0; 2 * K]).map(drop);
    });

    let settings = RidgeSettings { width: K, damping: 0.5 };
    let new = || Ridge::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    let mut state = new();
    sketches.iter().for_each(|sketch| state.observe(sketch).unwrap());
    state.fit().unwrap();
    survives("ridge", &state, new, |state| {
        let solved =
            state.solve(&sketches[0], &mut [0.0_f64; K]).map(|targets| targets.score_one(&sketches[1]));
        if let Ok(found) = solved {
            number(found);
        }
        let _ = state.observe(&sketches[0]);
        let _ = state.fit();
    });

    let new = || ReTrac::new(K, vec![0.0; K]).unwrap();
    let mut state = new();
    state.observe(&sketches[0]).unwrap();
    survives("retrac", &state, new, |state| {
        let _ = state.observe(&sketches[1]);
        number(state.score(state));
    });

    let new = || LessTargets::new(SUBTASKS, vec![0.0; SUBTASKS.memory().f32s]).unwrap();
    let mut state = new();
    state.observe(0, &sketches[2]).unwrap();
    survives("less", &state, new, |state| {
        let _ = state.observe(1, &sketches[1]);
        let mut scores = [0.0; 2];
        let found = state.score(&sketches[0], &mut scores);
        scores.iter().for_each(|&score| number(found.map(|()| score)));
    });

    let mut targets = state;
    targets.observe(1, &sketches[1]).unwrap();
    let new = || Less::new(vec![0.0; 2]).unwrap();
    let mut state = new();
    state.observe(0.5, &targets, &sketches[0]).unwrap();
    survives("less, over checkpoints", &state, new, |state| {
        let _ = state.observe(0.5, &targets, &sketches[0]);
        let mut copy = new();
        copy.restore(&bytes_of(state)).unwrap();
        let _ = state.merge(&copy);
        assert!((-1.0..=1.0).contains(&state.score()), "{}", state.score());
    });

    let mut state = IpEnsemble::new();
    state.observe(&sketches[0], &sketches[1]).unwrap();
    survives("ip ensemble", &state, IpEnsemble::new, |state| {
        let _ = state.observe(&sketches[0], &sketches[1]);
        let copy = *state;
        let _ = state.merge(&copy);
        assert!(state.score().is_finite() && state.mean().is_finite());
    });

    let mut state = TracIn::new();
    state.observe(0.5, &sketches[0], &sketches[1]).unwrap();
    survives("tracin", &state, TracIn::new, |state| {
        let _ = state.observe(0.5, &sketches[0], &sketches[1]);
        let copy = *state;
        let _ = state.merge(&copy);
        assert!(state.score().is_finite());
    });

    let new = || InRunShapley::new(vec![0.0; 2]);
    let mut state = new();
    state.observe(0.5, &sketches[0], None, (1, &sketches[1])).unwrap();
    survives("in-run shapley", &state, new, |state| {
        let _ = state.observe_step(0.5, &sketches[0], None, &[(1, sketches[1]), (1, sketches[2])]);
        let _ = state.observe(0.5, &sketches[0], None, (0, &sketches[1]));
        let mut copy = new();
        copy.restore(&bytes_of(state)).unwrap();
        let _ = state.merge(&copy);
        assert!(state.scores().iter().all(|score| score.is_finite()));
    });

    let mut state = TrakScore::new();
    state.observe(0.75, 0.5).unwrap();
    survives("trak score", &state, TrakScore::new, |state| {
        let _ = state.observe(0.75, 0.5);
        let copy = *state;
        let _ = state.merge(&copy);
        assert!(state.score().is_finite());
    });

    let layers = [DataInfLayer::new(0..2), DataInfLayer::new(2..K)];
    let new = || DataInf::new(LAYERS, layers).unwrap();
    let mut state = new();
    sketches.iter().for_each(|sketch| state.observe(sketch).unwrap());
    survives("datainf", &state, new, |state| {
        let _ = state.observe(&sketches[0]);
        let mut other = new();
        let _ = other.observe(&sketches[0]);
        let _ = (state.merge(&other), other.merge(state), state.fit());
    });
}

#[test]
fn any_number_in_the_bytes_of_a_walk_or_a_pass_is_refused_or_used() {
    let rows = rows(8, K);
    let sketches: Vec<Sketch> = rows.chunks(K).map(sketch_of).collect();

    let ends = [2, K];
    let blocks = Blocks::new(&ends).unwrap();
    let step = Step {
        id: id_of(K),
        learning_rate: 0.125,
        gradients: &rows[..K],
        curvature: Curvature::EmpiricalFisher,
    };
    let settings = PropagatorSettings { blocks, factors: 2 };
    let new = || Propagator::new(settings, vec![0.0; settings.memory().f32s]).unwrap();
    let mut state = new();
    state.step(&step, &mut [0.0; K]).unwrap();
    survives("propagator", &state, new, |state| {
        let mut embeddings = [0.0; K];
        let found = state.step(&step, &mut embeddings);
        embeddings.iter().for_each(|&x| number(found.map(|_| x.into())));
    });
    let settings = AdjointSettings { blocks, targets: 1, rows: 2 };
    let new =
        || Adjoint::new(settings, id_of(K), &rows[K..2 * K], vec![0.0; settings.memory().f32s]).unwrap();
    let mut state = new();
    state.step(&step, &mut [0.0]).unwrap();
    survives("adjoint", &state, new, |state| {
        let mut scores = [0.0];
        let found = state.step(&step, &mut scores);
        number(found.map(|_| scores[0].into()));
        assert!(state.targets().solutions().iter().all(|x| x.is_finite()));
    });

    let new = || {
        let memory = KRYLOV.memory();
        Arnoldi::new(KRYLOV, id_of(K), vec![0.0; memory.f32s], vec![0.0; memory.f64s]).unwrap()
    };
    let mut state = new();
    for _ in 0..2 {
        sketches.iter().for_each(|sketch| state.observe(sketch).unwrap());
        state.advance().unwrap();
    }
    state.observe(&sketches[0]).unwrap();
    survives("arnoldi", &state, new, |state| {
        let _ = state.observe(&sketches[1]);
        let _ = (state.advance(), state.fit());
        let _ = state.solve(&sketches[0], &mut [0.0; K]).map(drop);
    });

    let new = || Ekfac::new(LAYER, vec![0.0; LAYER.memory().f32s]).unwrap();
    let mut state = new();
    let factors = || rows.chunks(K).map(|row| row.split_at(INPUTS));
    factors().for_each(|(a, b)| state.factors(a, b).unwrap());
    let use_it = |state: &mut Ekfac<Vec<f32>>| {
        let (a, b) = rows[..K].split_at(INPUTS);
        let _ = (state.factors(a, b), state.position(a, b), state.sample());
        let _ = state.solve([(a, b)], &mut [0.0; INPUTS * (K - INPUTS)]).map(drop);
        let _ = state.decompose(&mut [0.0; LAYER.memory().f64s]);
    };
    survives("ek-fac", &state, new, use_it);
    state.decompose(&mut [0.0; LAYER.memory().f64s]).unwrap();
    for (a, b) in factors() {
        state.position(a, b).unwrap();
        state.sample().unwrap();
    }
    state.position(&rows[..INPUTS], &rows[INPUTS..K]).unwrap();
    survives("ek-fac, in a sample", &state, new, use_it);
}

/// The state with `count` in each place that holds a 1, one after the other: those that
/// are taken.
fn counted<S: State>(state: &S, count: u64, mut fresh: impl FnMut() -> S) -> Vec<S> {
    let bytes = bytes_of(state);
    let end = bytes.len() - 4;
    let with = |at: usize| {
        let mut odd = bytes.clone();
        odd[at..at + 8].copy_from_slice(&count.to_le_bytes());
        let sum = crc32(&odd[..end]).to_le_bytes();
        odd[end..].copy_from_slice(&sum);
        let mut state = fresh();
        state.restore(&odd).is_ok().then_some(state)
    };
    let is_one = |at: &usize| bytes[*at..*at + 8] == 1_u64.to_le_bytes();
    (HEADER..end - 7).step_by(4).filter(is_one).filter_map(with).collect()
}

/// Whether one of the states refuses to observe, as full of so many, and is as it was.
fn refuses<S: State>(states: Vec<S>, observe: impl Fn(&mut S) -> Result<(), Error>, capacity: usize) -> bool {
    let mut refused = false;
    for mut state in states {
        let before = bytes_of(&state);
        let found = observe(&mut state);
        if found.is_err() {
            assert_eq!((found, bytes_of(&state)), (Err(Error::Full { capacity }), before));
            refused = true;
        }
    }
    refused
}

#[test]
fn an_observation_that_a_count_has_no_room_for_is_refused_and_changes_nothing() {
    let rows = rows(2, K);
    let (one, other) = (sketch_of(&rows[..K]), sketch_of(&rows[K..]));
    let (a, b) = rows[..K].split_at(INPUTS);
    macro_rules! check {
        ($most:expr, $name:expr, $new:expr, $observe:expr) => {{
            let (new, observe) = ($new, $observe);
            let mut state = new();
            observe(&mut state).unwrap();
            let capacity = usize::try_from($most).unwrap();
            assert!(refuses(counted(&state, $most, new), observe, capacity), "{}", $name);
            assert!(!refuses(counted(&state, $most - 1, new), observe, capacity), "{}", $name);
        }};
    }
    let new = || Direction::new(GROUPS, vec![0; GROUPS.memory().i64s]).unwrap();
    check!(u64::MAX, "direction", new, |state: &mut Direction<Vec<i64>>| state.observe(&one));
    let new = || Moments::new(MOMENTS, vec![0.0; MOMENTS.memory().f64s]).unwrap();
    check!(u64::MAX, "moments", new, |state: &mut Moments<Vec<f64>>| state.observe(&other));
    let layers = [DataInfLayer::new(0..2), DataInfLayer::new(2..K)];
    let new = || DataInf::new(LAYERS, layers).unwrap();
    check!(u64::MAX, "datainf", new, |state: &mut DataInf<[DataInfLayer; 2]>| state.observe(&one));
    check!(u64::MAX, "ip ensemble", IpEnsemble::new, |state: &mut IpEnsemble| state.observe(&one, &other));
    check!(u64::MAX, "trak score", TrakScore::new, |state: &mut TrakScore| state.observe(0.75, 0.5));
    // Where sums are `f32`, they end where those stop counting.
    let new = || ReTrac::new(K, vec![0.0; K]).unwrap();
    check!(1 << 24, "retrac", new, |state: &mut ReTrac<Vec<f32>>| state.observe(&one));
    let new = || Ekfac::new(LAYER, vec![0.0; LAYER.memory().f32s]).unwrap();
    check!(1 << 24, "ek-fac", new, |state: &mut Ekfac<Vec<f32>>| state.factors(a, b));
    let new = || {
        let memory = KRYLOV.memory();
        Arnoldi::new(KRYLOV, id_of(K), vec![0.0; memory.f32s], vec![0.0; memory.f64s]).unwrap()
    };
    check!(1 << 24, "arnoldi", new, |state: &mut Arnoldi<Vec<f32>, Vec<f64>>| state.observe(&one));
}

#[test]
fn sums_of_directions_in_f32_end_where_they_would_stop_counting() {
    let rows = rows(1, K);
    let sketch = sketch_of(&rows);
    let new = || LessTargets::new(SUBTASKS, vec![0.0; SUBTASKS.memory().f32s]).unwrap();
    let mut less = new();
    let mut retrac = ReTrac::new(K, vec![0.0; K]).unwrap();
    less.observe(1, &sketch).unwrap();
    retrac.observe(&sketch).unwrap();
    for _ in 0..24 {
        let (also, too) = (less.clone(), retrac.clone());
        less.merge(&also).unwrap();
        retrac.merge(&too).unwrap();
    }
    let full = Err(Error::Full { capacity: 1 << 24 });
    let before = (bytes_of(&less), bytes_of(&retrac));
    assert_eq!((less.observe(1, &sketch), retrac.observe(&sketch)), (full, full));
    let (also, too) = (less.clone(), retrac.clone());
    assert_eq!((less.merge(&also), retrac.merge(&too)), (full, full));
    assert_eq!((bytes_of(&less), bytes_of(&retrac)), before);
    less.observe(0, &sketch).unwrap();
}

#[test]
fn factors_whose_squares_have_no_room_are_refused_and_ruin_nothing() {
    let rows = rows(6, K);
    let new = || Ekfac::new(LAYER, vec![0.0; LAYER.memory().f32s]).unwrap();
    let (mut state, mut other) = (new(), new());
    let refused = Err(Error::Range { what: "the sum of squares of factors" });
    for row in rows.chunks(K) {
        let (a, b) = row.split_at(INPUTS);
        state.factors(a, b).unwrap();
        other.factors(a, b).unwrap();
        assert_eq!(state.factors(&[1e20; INPUTS], b), refused);
        assert_eq!(state.factors(a, &[-3e38; K - INPUTS]), refused);
    }
    assert_eq!(bytes_of(&state), bytes_of(&other));
    state.decompose(&mut [0.0; LAYER.memory().f64s]).unwrap();
}
