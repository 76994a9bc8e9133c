//! Sequences of operations on detectors and solvers, with numbers of any bits: observe,
//! merge, write and read, fit, score, solve, forget. Nothing panics, what is refused
//! leaves the state as it was, and a score that is given is a number.
#![no_main]

mod framed;

use framed::bytes_of;
use gradsieve::influence::{
    ConjugateGradients, ConjugateGradientsSettings, DualRidge, DualRidgeSettings, IterativeSolver as _,
    Lissa, LissaSettings, Ridge, RidgeSettings, Solver, Trak, TrakSettings,
};
use gradsieve::outlier::{
    Detector, Direction, DirectionSettings, Mahalanobis, MahalanobisSettings, SelfInfluence,
    SelfInfluenceSettings,
};
use gradsieve::{
    Exact, Groups, Guards, Layout, LossKind, Projector, Rate, Sieve, SieveSettings, Sketch, SketchId, State,
    Summary, Verdict,
};

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

/// Writes a state, and reads it into another.
fn copy<S: State>(from: &S, to: &mut S) {
    let written = bytes_of(from);
    to.restore(&written).expect("what was written is read");
    assert_eq!(bytes_of(to), written);
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
            4 => copy(&one, &mut other),
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

/// A sieve's settings, by the bits of a byte.
fn sieve_settings(bits: u8) -> SieveSettings {
    let flag = |bit: u8| bits >> bit & 1 == 1;
    SieveSettings {
        groups: if flag(0) { Groups::Growing(2) } else { Groups::Fixed(3) },
        loss: if flag(1) { LossKind::Squared } else { LossKind::CrossEntropy },
        rate: if flag(2) { Rate::FalseDiscoveries(0.5) } else { Rate::FalseAlarms(0.1) },
        change: if flag(3) { 1e-30 } else { 0.1 },
        half_life: flag(4).then_some(16),
        guards: if flag(5) { Guards { duplicates: 3, ..Guards::ALL } } else { Guards::NONE },
        learn_flagged: flag(6),
        warm_up: 16,
        ..SieveSettings::new(K)
    }
}

/// Judges, and insists that what is said is in range.
fn judged(sieve: &Sieve<Vec<i64>>, sketch: &Sketch<'_>) -> Option<Verdict> {
    let verdict = sieve.judge(sketch).ok()?;
    assert!((0.0..=1.0).contains(&verdict.p) && verdict.score.is_finite(), "{verdict:?}");
    Some(verdict)
}

fn sieve(mut input: &[u8]) {
    let Some((&bits, rest)) = input.split_first() else { return };
    input = rest;
    let settings = sieve_settings(bits);
    let make = || Sieve::new(settings, vec![0; settings.memory().i64s]).expect("valid");
    let (mut one, mut other, mut kept) = (make(), make(), None);
    while let Some((&operation, rest)) = input.split_first() {
        input = rest;
        let group = u32::from(operation / 8) % 4;
        match operation % 8 {
            0..=2 => {
                let Some(values) = values(&mut input) else { return };
                let Some((measures, rest)) = input.split_first_chunk::<20>() else { return };
                let word = |at: usize| -> [u8; 4] { [0, 1, 2, 3].map(|i| measures[at + i]) };
                let wide = |at: usize| u64::from(u32::from_le_bytes(word(at))) << 32;
                let mut sketch = sketch(&values, group);
                if operation >= 64 {
                    input = rest;
                    sketch = sketch.with_loss(f32::from_bits(u32::from_le_bytes(word(0))));
                }
                if operation >= 192 {
                    sketch.measures.l1 = f64::from_bits(wide(4));
                    sketch.measures.l2_squared = f64::from_bits(wide(8));
                }
                // Sometimes more than once, and sometimes with the verdict on another.
                for _ in 0..1 + 40 * usize::from(operation % 8 == 1) {
                    let Some(verdict) = judged(&one, &sketch) else { break };
                    let verdict = if operation % 8 == 2 { kept.unwrap_or(verdict) } else { verdict };
                    one.observe(&sketch, &verdict).expect("it was judged");
                    kept = Some(verdict);
                }
            }
            3 => unharmed(&mut one, |one| one.merge(&other)),
            4 => copy(&one, &mut other),
            5 => {
                let ticks = one.clock().ticks().saturating_add(1 << (operation / 4));
                one.advance(ticks);
            }
            6 => {
                let Some(values) = values(&mut input) else { return };
                let _ = (judged(&one, &sketch(&values, group)), one.health());
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
        let mut input = $input;
        let Some(target) = values(&mut input) else { return };
        let rows: Vec<f32> = core::iter::from_fn(|| values(&mut input)).flatten().collect();
        iterate!(target, rows, $solver)
    }};
    ($target:expr, $rows:expr, $solver:expr) => {{
        let (target, rows, mut solver) = ($target, $rows, $solver);
        if solver.target(&sketch(&target, 0)).is_ok() && solver.solve(&id(), &rows, 20).is_ok() {
            if let Ok(targets) = solver.targets() {
                let score = targets.score_one(&sketch(&target, 0));
                assert!(score.is_ok_and(f64::is_finite) || score.is_err(), "{score:?}");
            }
        }
    }};
}

/// The rows of the input, and a target before them, by inner products of rows.
fn dual_ridge(mut input: &[u8]) {
    let Some(target) = values(&mut input) else { return };
    let rows: Vec<f32> = core::iter::from_fn(|| values(&mut input)).take(40).flatten().collect();
    let settings = DualRidgeSettings::new(K, 40);
    let mut ridge = DualRidge::new(settings, vec![0.0; settings.memory().f64s]).expect("valid");
    if ridge.observe_rows(&id(), &rows).is_err() || ridge.fit().is_err() {
        return;
    }
    let memory = vec![0.0; settings.solver_memory(1).f64s];
    iterate!(target, rows, ridge.solver(1, memory).expect("fitted"));
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((&kind, input)) = input.split_first() else { return };
    match kind % 10 {
        0 | 1 => {
            let clip = (kind % 10 == 0).then_some(8.0);
            let settings = SelfInfluenceSettings { clip, ..SelfInfluenceSettings::new(K) };
            detector(input, || {
                SelfInfluence::new(settings, vec![0.0; settings.memory().f64s]).expect("valid")
            });
        }
        2 | 3 => {
            let clip = (kind % 10 == 2).then_some(8.0);
            let settings = MahalanobisSettings { clip, ..MahalanobisSettings::new(K) };
            detector(input, || Mahalanobis::new(settings, vec![0.0; settings.memory().f64s]).expect("valid"));
        }
        4 => {
            let settings = DirectionSettings::new(2, K);
            detector(input, || Direction::new(settings, vec![0; settings.memory().i64s]).expect("valid"));
        }
        5 if kind / 10 % 2 == 1 => dual_ridge(input),
        5 => {
            let settings = RidgeSettings::new(K);
            solver(input, Ridge::new(settings, vec![0.0; settings.memory().f64s]).expect("valid"));
        }
        6 => {
            let settings = TrakSettings { width: K, damping: f32::from(kind / 10 % 2) };
            solver(input, Trak::new(settings, vec![0.0; settings.memory().f64s]).expect("valid"));
        }
        7 => {
            let settings = ConjugateGradientsSettings::new(K);
            let memory = vec![0.0; settings.memory().f64s];
            iterate!(input, ConjugateGradients::new(settings, memory).expect("valid"));
        }
        8 => sieve(input),
        _ => {
            let settings = LissaSettings::new(K);
            iterate!(input, Lissa::new(settings, vec![0.0; settings.memory().f64s]).expect("valid"));
        }
    }
});
