//! Sequences of operations on detectors and solvers, with numbers of any bits: observe,
//! merge, write and read, fit, score, solve, forget. Nothing panics, what is refused
//! leaves the state as it was, and a score that is given is a number.
#![no_main]

mod framed;

use framed::bytes_of;
use gradsieve::influence::{
    ConjugateGradients, ConjugateGradientsSettings, IterativeSolver as _, Lissa, LissaSettings, Ridge,
    RidgeSettings, Solver, Trak, TrakSettings,
};
use gradsieve::outlier::{
    Detector, Direction, DirectionSettings, Mahalanobis, MahalanobisSettings, SelfInfluence,
    SelfInfluenceSettings,
};
use gradsieve::{Exact, Layout, Projector, Sketch, SketchId, State, Summary};

const K: usize = 3;

fn id() -> SketchId {
    Exact::new(K).id(Layout::flat(K as u64).expect("three coordinates").id())
}

/// The next numbers of the input: their exponents from the bytes, so that all sizes come.
fn values(input: &mut &[u8]) -> Option<[f32; K]> {
    let (bytes, rest) = input.split_first_chunk::<{ 4 * K }>()?;
    *input = rest;
    let word =
        |i: usize| u32::from_le_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]]);
    Some([0, 1, 2].map(|i| f32::from_bits(word(i))))
}

fn sketch(values: &[f32; K], group: u32) -> Sketch<'_> {
    let measures: Summary = gradsieve_kernels::summarize(values);
    Sketch { group, ..Sketch::from_parts(id(), values, measures).expect("as many as K") }
}

/// Does it, and insists that what is refused changed nothing.
fn unharmed<S: State, E>(state: &mut S, operation: impl FnOnce(&mut S) -> Result<(), E>) {
    let before = bytes_of(state);
    if operation(state).is_err() {
        assert_eq!(bytes_of(state), before, "what is refused leaves the state as it was");
    }
}

fn detector<D: Detector + State>(mut input: &[u8], make: impl Fn() -> D) {
    let (mut one, mut other) = (make(), make());
    while let Some((&operation, rest)) = input.split_first() {
        input = rest;
        match operation % 8 {
            0..=2 => {
                let Some(values) = values(&mut input) else { return };
                unharmed(&mut one, |one| one.observe(&sketch(&values, u32::from(operation / 8) % 3)));
            }
            3 => unharmed(&mut one, |one| one.merge(&other)),
            4 => {
                let written = bytes_of(&one);
                other.restore(&written).expect("what was written is read");
                assert_eq!(bytes_of(&other), written);
            }
            5 => {
                let _ = one.fit();
            }
            6 => {
                let Some(values) = values(&mut input) else { return };
                let score = one.score(&sketch(&values, u32::from(operation / 8) % 3), &mut [0.0; K]);
                assert!(score.is_ok_and(f64::is_finite) || score.is_err(), "{score:?}");
            }
            _ if operation >= 0xF0 => one.reset(),
            _ => core::mem::swap(&mut one, &mut other),
        }
    }
}

fn solver<S: Solver + State>(mut input: &[u8], mut state: S) {
    while let Some((&operation, rest)) = input.split_first() {
        input = rest;
        match operation % 4 {
            0 | 1 => {
                let Some(values) = values(&mut input) else { return };
                unharmed(&mut state, |state| state.observe(&sketch(&values, 0)));
            }
            2 => {
                let _ = state.end_pass();
            }
            _ => {
                let Some(values) = values(&mut input) else { return };
                let mut out = [0.0; K];
                if state.solve(&sketch(&values, 0), &mut out).is_ok() {
                    assert!(out.iter().all(|x| x.is_finite()), "{out:?}");
                }
            }
        }
    }
}

/// The rows of the input, and a target before them, through a whole solution.
macro_rules! iterate {
    ($input:expr, $solver:expr) => {{
        let (mut input, mut solver) = ($input, $solver);
        let Some(target) = values(&mut input) else { return };
        let rows: Vec<f32> = core::iter::from_fn(|| values(&mut input)).flatten().collect();
        if solver.target(&sketch(&target, 0)).is_ok() && solver.solve(&id(), &rows, 20).is_ok() {
            if let Ok(targets) = solver.targets() {
                let score = targets.score_one(&sketch(&target, 0));
                assert!(score.is_ok_and(f64::is_finite) || score.is_err(), "{score:?}");
            }
        }
    }};
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((&kind, input)) = input.split_first() else { return };
    match kind % 9 {
        0 | 1 => {
            let clip = (kind % 9 == 0).then_some(8.0);
            let settings = SelfInfluenceSettings { clip, ..SelfInfluenceSettings::new(K) };
            detector(input, || {
                SelfInfluence::new(settings, vec![0.0; settings.memory().f64s]).expect("valid")
            });
        }
        2 | 3 => {
            let clip = (kind % 9 == 2).then_some(8.0);
            let settings = MahalanobisSettings { clip, ..MahalanobisSettings::new(K) };
            detector(input, || Mahalanobis::new(settings, vec![0.0; settings.memory().f64s]).expect("valid"));
        }
        4 => {
            let settings = DirectionSettings::new(2, K);
            detector(input, || Direction::new(settings, vec![0; settings.memory().i64s]).expect("valid"));
        }
        5 => {
            let settings = RidgeSettings::new(K);
            solver(input, Ridge::new(settings, vec![0.0; settings.memory().f64s]).expect("valid"));
        }
        6 => {
            let settings = TrakSettings { width: K, damping: f32::from(kind / 9 % 2) };
            solver(input, Trak::new(settings, vec![0.0; settings.memory().f64s]).expect("valid"));
        }
        7 => {
            let settings = ConjugateGradientsSettings::new(K);
            let memory = vec![0.0; settings.memory().f64s];
            iterate!(input, ConjugateGradients::new(settings, memory).expect("valid"));
        }
        _ => {
            let settings = LissaSettings::new(K);
            iterate!(input, Lissa::new(settings, vec![0.0; settings.memory().f64s]).expect("valid"));
        }
    }
});
