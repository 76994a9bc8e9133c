//! A contest: candidates that do the same work, checked against each other, then timed in
//! one race.

use crate::clock::{Plan, Repeat, race};
use crate::machine::Machine;
use gradsieve_kernels::Level;
use std::hint::black_box;

/// What a candidate is in a contest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Role {
    /// Moves the data and does nothing else: the best of these is the limit.
    Limit,
    /// Our kernel on a level.
    Ours(Level),
    /// A form of our kernel that breaks the contract, such as one with FMA: shown on a
    /// line of its own.
    Variant,
    /// Somebody else's way.
    Peer,
}

/// One way to do the work.
pub struct Candidate<'a> {
    name: String,
    role: Role,
    work: Box<dyn FnMut(usize) -> f64 + 'a>,
}

impl Repeat for Candidate<'_> {
    fn repeat(&mut self, times: usize) {
        black_box((self.work)(times));
    }
}

/// Candidates for one kernel, number format and shape.
pub struct Contest<'a> {
    kernel: &'static str,
    dtype: String,
    shape: String,
    /// Bytes that one repetition reads and writes.
    bytes: usize,
    target: Target,
    /// Peers whose answer is further than this from ours are wrong.
    tolerance: f64,
    /// Sets the output back, and reads a number off it, where the answer is an output and
    /// not a return value.
    reset: Box<dyn Fn() + 'a>,
    digest: Option<Box<dyn Fn() -> f64 + 'a>>,
    candidates: Vec<Candidate<'a>>,
}

/// What KERNELS.md asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// Nothing.
    None,
    /// At least this fraction of the limit.
    Fraction(f64),
    /// At most so many nanoseconds.
    Nanoseconds(f64),
}

impl<'a> Contest<'a> {
    /// A contest without candidates.
    pub fn new(
        kernel: &'static str,
        dtype: impl Into<String>,
        shape: impl Into<String>,
        bytes: usize,
    ) -> Self {
        Self {
            kernel,
            dtype: dtype.into(),
            shape: shape.into(),
            bytes,
            target: Target::None,
            tolerance: 0.0,
            reset: Box::new(|| {}),
            digest: None,
            candidates: Vec::new(),
        }
    }

    /// What should be reached.
    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    /// How far from ours a peer's answer may be.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The answer is an output: how to set it back, and how to read it.
    #[must_use]
    pub fn output(mut self, reset: impl Fn() + 'a, digest: impl Fn() -> f64 + 'a) -> Self {
        self.reset = Box::new(reset);
        self.digest = Some(Box::new(digest));
        self
    }

    /// Enters a candidate. `work` must take its input through `black_box`.
    pub fn enter(&mut self, role: Role, name: impl Into<String>, mut work: impl FnMut() -> f64 + 'a) {
        let work = Box::new(move |times| {
            let mut answer = 0.0;
            for _ in 0..times {
                answer = black_box(work());
            }
            answer
        });
        self.candidates.push(Candidate { name: name.into(), role, work });
    }

    /// Enters our kernel on every level of this machine.
    pub fn enter_ours(&mut self, work: impl Fn(Level) -> f64 + Copy + 'a) {
        for level in Level::available() {
            self.enter(Role::Ours(level), level.name(), move || work(black_box(level)));
        }
    }
}

/// How one candidate did.
#[derive(Clone, Debug)]
pub struct Result {
    /// Its name.
    pub name: String,
    /// Its part in the contest.
    pub role: Role,
    /// Seconds a repetition.
    pub seconds: f64,
    /// Speed as a part of the limit's.
    pub fraction: f64,
    /// Whether its answer was right.
    pub right: bool,
}

/// How a contest went.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The kernel's name.
    pub kernel: &'static str,
    /// The input's number format, as NumPy writes it.
    pub dtype: String,
    /// The footprint or the length.
    pub shape: String,
    /// Bytes a repetition.
    pub bytes: usize,
    /// What KERNELS.md asks for.
    pub target: Target,
    /// The limit: name, seconds and all.
    pub limit: Result,
    /// Everybody else, in order of entry.
    pub results: Vec<Result>,
}

/// Where contests are held, one after the other.
pub struct Hall {
    /// The machine.
    pub machine: Machine,
    plan: Plan,
    only: Vec<String>,
    tell: Box<dyn FnMut(&Outcome)>,
    outcomes: Vec<Outcome>,
}

impl Hall {
    /// A hall that holds contests whose name (`kernel dtype shape`) contains one of
    /// `only`; all, if there are none. What comes of a contest is told as soon as it is
    /// over.
    #[must_use]
    pub fn new(
        machine: Machine,
        plan: Plan,
        only: Vec<String>,
        tell: impl FnMut(&Outcome) + 'static,
    ) -> Self {
        Self { machine, plan, only, tell: Box::new(tell), outcomes: Vec::new() }
    }

    /// Whether a contest is to be held; ask before making its data.
    #[must_use]
    pub fn wants(&self, kernel: &str, dtype: &str, shape: &str) -> bool {
        let name = format!("{kernel} {dtype} {shape}");
        self.only.is_empty() || self.only.iter().any(|only| name.contains(only.as_str()))
    }

    /// Checks the candidates, races them, and tells how they did.
    pub fn hold(&mut self, mut contest: Contest<'_>) {
        let right = check(&mut contest);
        let seconds = race(self.plan, &mut contest.candidates);
        let results = contest.candidates.iter().zip(seconds).zip(right);
        let mut results: Vec<Result> = results
            .map(|((candidate, seconds), right)| Result {
                name: candidate.name.clone(),
                role: candidate.role,
                seconds,
                fraction: 1.0,
                right,
            })
            .collect();
        let fastest =
            results.iter().filter(|r| r.role == Role::Limit).min_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let Some(limit) = fastest.cloned() else {
            let Contest { kernel, dtype, shape, .. } = contest;
            eprintln!("  {kernel} {dtype} {shape}: skipped, its limit is not known for this processor");
            return;
        };
        for result in &mut results {
            result.fraction = limit.seconds / result.seconds;
        }
        results.retain(|result| result.role != Role::Limit);
        let Contest { kernel, dtype, shape, bytes, target, .. } = contest;
        let outcome = Outcome { kernel, dtype, shape, bytes, target, limit, results };
        (self.tell)(&outcome);
        self.outcomes.push(outcome);
    }

    /// All that was held.
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }
}

/// Whether each candidate gives the answer of our scalar text, or of the best level where
/// that is the only one: exactly if it is ours, within the tolerance if not.
fn check(contest: &mut Contest<'_>) -> Vec<bool> {
    let answers: Vec<f64> = contest
        .candidates
        .iter_mut()
        .map(|candidate| {
            (contest.reset)();
            let answer = (candidate.work)(1);
            contest.digest.as_ref().map_or(answer, |digest| digest())
        })
        .collect();
    let roles = || contest.candidates.iter().map(|candidate| candidate.role);
    // The core's functions run at the best level only.
    let scalar = roles().zip(&answers).find(|(role, _)| *role == Role::Ours(Level::SCALAR));
    let expected = scalar.or_else(|| roles().zip(&answers).find(|(role, _)| matches!(role, Role::Ours(_))));
    let expected = expected.map_or(f64::NAN, |(_, &answer)| answer);
    let close = |(role, &answer): (Role, &f64)| match role {
        Role::Limit => true,
        Role::Ours(_) => answer == expected,
        Role::Variant | Role::Peer => (answer - expected).abs() <= contest.tolerance,
    };
    let right: Vec<bool> = roles().zip(&answers).map(close).collect();
    for ((candidate, right), answer) in contest.candidates.iter().zip(&right).zip(&answers) {
        if !right {
            eprintln!("    {} is wrong: {answer} where ours is {expected}", candidate.name);
        }
    }
    right
}
