//! Thread CPU time, in rounds.
//!
//! Every candidate runs once a round, each run long enough for the clock; the next round
//! starts with the next candidate. A candidate's figure is the octile of its rounds (an
//! eighth of them were faster): noise only ever slows, so the fast end is the machine's
//! own, and an octile doesn't hang on one lucky round as a minimum does.

use cpu_time::ThreadTime;
use std::time::Duration;

/// Work that can be done so many times in a row.
pub trait Repeat {
    /// Does it `times` times.
    fn repeat(&mut self, times: usize);
}

/// How long and how often to measure.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Rounds a contest.
    pub rounds: usize,
    /// The least length of a run.
    pub run: Duration,
}

/// Rounds that a candidate gets whose one repetition takes more than twenty runs.
const ROUNDS_OF_THE_SLOW: usize = 4;

/// Seconds that each candidate takes for one repetition.
pub fn race<R: Repeat>(plan: Plan, candidates: &mut [R]) -> Vec<f64> {
    let times: Vec<usize> = candidates.iter_mut().map(|candidate| calibrate(plan, candidate)).collect();
    let mut seconds = vec![Vec::with_capacity(plan.rounds); candidates.len()];
    let count = candidates.len();
    for round in 0..plan.rounds {
        for i in 0..count {
            let i = (i + round) % count;
            let slow = seconds[i].first().is_some_and(|&first| first > 20.0 * plan.run.as_secs_f64());
            if slow && round >= ROUNDS_OF_THE_SLOW {
                continue;
            }
            seconds[i].push(time(&mut candidates[i], times[i]).as_secs_f64() / times[i] as f64);
        }
    }
    seconds.into_iter().map(octile).collect()
}

/// How many repetitions make a run.
fn calibrate<R: Repeat>(plan: Plan, candidate: &mut R) -> usize {
    let mut times = 1;
    loop {
        let taken = time(candidate, times);
        if taken >= plan.run / 2 {
            return (times as f64 * plan.run.as_secs_f64() / taken.as_secs_f64()).ceil().max(1.0) as usize;
        }
        times *= 2;
    }
}

fn time<R: Repeat>(candidate: &mut R, times: usize) -> Duration {
    let start = ThreadTime::now();
    candidate.repeat(times);
    start.elapsed()
}

fn octile(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 8).copied().unwrap_or(f64::NAN)
}
