//! Influence of 100,000 stored rows of k = 512 on 1, 8 and 64 targets, as the core's
//! methods give it, and the passes that solve for targets.
//!
//! The limit is a plain read of the rows; for a method that takes several passes, a read
//! for each; against 64 targets multiplications and additions in registers. Our levels
//! are the kernels alone (scores of open rows, norms, rank-B updates), in the blocks that
//! the method works in; lines of their own show the method, with its checks.

use crate::contest::{Contest, Hall, Role, Target};
use crate::data::{Buffer, digest};
use crate::limits;
use gradsieve::influence::{
    DataInf, DataInfLayer, DataInfSettings, IterativeSolver, LessSettings, LessTargets, Targets,
};
use gradsieve::{Exact, Layout, Projector, Sketch, SketchId, Summary};
use gradsieve_kernels::matrix::add_products_with;
use gradsieve_kernels::score::float::score_rows_with;
use gradsieve_kernels::{Element, squared_norm_with};
use half::f16;
use std::cell::RefCell;
use std::hint::black_box;

/// Values a row, rows, and rows that meet the targets together.
const K: usize = 512;
const ROWS: usize = 100_000;
const BLOCK: usize = 128;

/// Rows that meet in a pass, as the core has it.
const PASS_BLOCK: usize = 16;

/// Holds the contests.
pub fn hold(hall: &mut Hall) {
    for queries in [1, 8, 64] {
        solved::<f32>(hall, queries);
        solved::<f16>(hall, queries);
        less::<f32>(hall, queries);
        less::<f16>(hall, queries);
    }
    for queries in [1, 8] {
        datainf::<f32>(hall, queries);
        datainf::<f16>(hall, queries);
    }
}

fn shape(queries: usize) -> String {
    format!("Q = {queries}")
}

fn id() -> Option<SketchId> {
    Some(Exact::new(K).id(Layout::flat(K as u64).ok()?.id()))
}

/// A contest over the rows whose answer is a buffer of `answers` numbers of about `size`.
fn contest<'a, T: Element>(
    kernel: &'static str,
    queries: usize,
    rows: &'a Buffer<T>,
    answers: &'a RefCell<Buffer<f32>>,
    tolerance: f64,
) -> Contest<'a> {
    let mut contest = Contest::new(kernel, T::NAME, shape(queries), rows.bytes().len())
        .target(Target::Fraction(0.5))
        .tolerance(tolerance)
        .output(|| answers.borrow_mut().fill(0.0), || digest(&answers.borrow()));
    if queries < 64 {
        limits::read_one(&mut contest, rows);
    } else {
        limits::multiply_add(&mut contest, "float32", ROWS * K * queries);
    }
    contest
}

/// Blocks of rows and of their scores.
fn blocks<'a, T: Element>(
    rows: &'a [T],
    scores: &'a mut [f32],
    queries: usize,
) -> impl Iterator<Item = (&'a [T], &'a mut [f32])> {
    black_box(rows).chunks(BLOCK * K).zip(scores.chunks_mut(BLOCK * queries))
}

/// Ridge, TRAK, DataInf, conjugate gradients, LiSSA: all end in dot products with solved
/// targets.
fn solved<T: Element>(hall: &mut Hall, queries: usize) {
    const KERNEL: &str = "influence on solved targets";
    if !hall.wants(KERNEL, T::NAME, &shape(queries)) {
        return;
    }
    let (rows, solutions) = (&Buffer::<T>::numbers(1, ROWS * K), &Buffer::<f32>::numbers(2, queries * K));
    let scores = &RefCell::new(Buffer::<f32>::zeros(queries * ROWS));
    let Some((id, Ok(targets))) = id().map(|id| (id, Targets::new(id, solutions))) else { return };
    let mut contest = contest(KERNEL, queries, rows, scores, 1e-3);
    contest.enter_ours(move |level| {
        let mut scores = scores.borrow_mut();
        let mut blocks = blocks(rows, &mut scores, queries);
        blocks
            .try_for_each(|(rows, to)| score_rows_with(level, rows, K, solutions, to))
            .map_or(f64::NAN, |()| 0.0)
    });
    contest.enter(Role::Variant, "Targets::score_rows", move || {
        let mut scores = scores.borrow_mut();
        let blocks = blocks(rows, &mut scores, queries);
        blocks.map(|(rows, to)| targets.score_rows(&id, rows, to).map_or(f64::NAN, |n| n as f64)).sum()
    });
    hall.hold(contest);
}

fn less<T: Element>(hall: &mut Hall, queries: usize) {
    const KERNEL: &str = "influence by LESS";
    if !hall.wants(KERNEL, T::NAME, &shape(queries)) {
        return;
    }
    let (rows, samples) = (&Buffer::<T>::numbers(1, ROWS * K), &Buffer::<f32>::numbers(2, queries * K));
    let scores = &RefCell::new(Buffer::<f32>::zeros(queries * ROWS));
    let settings = LessSettings { width: K, subtasks: queries };
    let memory = vec![0.0; settings.memory().f32s];
    let Some((id, Ok(mut targets))) = id().map(|id| (id, LessTargets::new(settings, memory))) else {
        return;
    };
    let mut units = Buffer::<f32>::zeros(queries * K);
    for ((subtask, sample), unit) in (0..).zip(samples.chunks_exact(K)).zip(units.chunks_exact_mut(K)) {
        let measures = gradsieve_kernels::summarize(sample);
        let Ok(sketch) = Sketch::from_parts(id, sample, measures) else { return };
        if targets.observe(subtask, &sketch).is_err() {
            return;
        }
        let weight = (1.0 / measures.l2_squared.sqrt()) as f32;
        unit.iter_mut().zip(sample).for_each(|(to, x)| *to = weight * x);
    }
    let (units, targets) = (&units, &targets);
    let mut contest = contest(KERNEL, queries, rows, scores, 1e-3);
    contest.enter_ours(move |level| {
        let mut scores = scores.borrow_mut();
        let mut blocks = blocks(rows, &mut scores, queries);
        let outcome = blocks.try_for_each(|(rows, to)| {
            score_rows_with(level, rows, K, units, to)?;
            let n = rows.len() / K;
            for (r, row) in rows.chunks_exact(K).enumerate() {
                let norm = squared_norm_with(level, row).sqrt();
                to.iter_mut().skip(r).step_by(n).for_each(|score| *score = (f64::from(*score) / norm) as f32);
            }
            Ok::<(), gradsieve_kernels::Error>(())
        });
        outcome.map_or(f64::NAN, |()| 0.0)
    });
    contest.enter(Role::Variant, "LessTargets::score_rows", move || {
        let mut scores = scores.borrow_mut();
        let blocks = blocks(rows, &mut scores, queries);
        blocks.map(|(rows, to)| targets.score_rows(&id, rows, to).map_or(f64::NAN, |n| n as f64)).sum()
    });
    hall.hold(contest);
}

/// The second pass of DataInf, which solves for the targets; a pass of conjugate
/// gradients is the same without the norms.
fn datainf<T: Element>(hall: &mut Hall, queries: usize) {
    const KERNEL: &str = "pass that solves for targets";
    if !hall.wants(KERNEL, T::NAME, &shape(queries)) {
        return;
    }
    let (rows, samples) = (&Buffer::<T>::numbers(1, ROWS * K), &Buffer::<f32>::numbers(2, queries * K));
    let answers = &RefCell::new(Buffer::<f32>::zeros(queries * K));
    let Some(id) = id() else { return };
    let layers = [DataInfLayer::new(0..K)];
    let settings = DataInfSettings { targets: queries, ..DataInfSettings::new(K) };
    let Ok(mut first) = DataInf::new(settings, layers) else { return };
    if rows.chunks_exact(K).try_for_each(|row| first.observe_row(&id, row)).is_err() || first.fit().is_err() {
        return;
    }
    let first = &first;
    let damping = first.layers().first().map_or(f64::NAN, DataInfLayer::damping);
    let unknown = Summary { l1: 0.0, l2_squared: 0.0, max: 0.0, non_finite: 0, count: 0 };
    let mut contest = contest(KERNEL, queries, rows, answers, 1e4);
    contest.enter_ours(move |level| {
        let mut sums = vec![0.0; queries * K];
        let (mut dots, mut weighted) = (vec![0.0; queries * PASS_BLOCK], vec![0.0; queries * PASS_BLOCK]);
        for rows in black_box(&**rows).chunks_exact(PASS_BLOCK * K) {
            let outcome = score_rows_with(level, rows, K, samples, &mut dots);
            for (r, row) in rows.chunks_exact(K).enumerate() {
                let weight = 1.0 / (damping + squared_norm_with(level, row));
                let dots = dots.iter().skip(r).step_by(PASS_BLOCK);
                let to = weighted[r * queries..].iter_mut();
                to.zip(dots).for_each(|(to, &dot)| *to = (weight * f64::from(dot)) as f32);
            }
            if outcome
                .and_then(|()| add_products_with(level, PASS_BLOCK, &weighted, rows, &mut sums))
                .is_err()
            {
                return f64::NAN;
            }
        }
        for ((to, sum), v) in answers.borrow_mut().iter_mut().zip(&sums).zip(samples.iter()) {
            *to = ((f64::from(*v) - f64::from(*sum) / ROWS as f64) / damping) as f32;
        }
        0.0
    });
    for (name, at_once) in [("DataInfSolver::observe_row", 1), ("DataInfSolver::observe_rows", BLOCK)] {
        contest.enter(Role::Variant, name, move || {
            let mut memory = vec![0.0; settings.memory().f32s];
            let mut solve = || {
                let mut pass = first.solver(queries, &mut memory)?;
                for v in samples.chunks_exact(K) {
                    pass.target(&Sketch::from_parts(id, v, unknown)?)?;
                }
                for rows in black_box(&**rows).chunks(at_once * K) {
                    if at_once == 1 {
                        pass.observe_row(&id, rows)?;
                    } else {
                        pass.observe_rows(&id, rows)?;
                    }
                }
                pass.end_pass()?;
                answers.borrow_mut().copy_from_slice(pass.targets()?.solutions());
                Ok::<(), gradsieve::Error>(())
            };
            solve().map_or(f64::NAN, |()| 0.0)
        });
    }
    hall.hold(contest);
}
