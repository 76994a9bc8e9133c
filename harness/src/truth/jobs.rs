//! Many retrainings: on all cores, in a fixed order, and never twice.
//!
//! Each job is a pure function of its number, so the threads and the order in which they
//! finish change nothing: results are returned by number. What is finished goes to the
//! [`Ledger`] at once; a run that is killed goes on where it stopped.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::error::TruthError;
use super::ledger::Ledger;
use crate::threads::on_all_cores;
use crate::watch::Watch;

/// Runs the jobs with these numbers, those that `ledger` has excepted, and returns their
/// results in that order. `stage` names them to `watch`.
///
/// # Errors
/// The first job's error, in that order; a ledger that cannot be written.
pub fn run_jobs(
    stage: &str,
    numbers: &[usize],
    ledger: &mut Ledger,
    watch: &dyn Watch,
    job: impl Fn(usize) -> Result<Vec<f64>, TruthError> + Sync,
) -> Result<Vec<Vec<f64>>, TruthError> {
    let mut results: Vec<Option<Vec<f64>>> = numbers.iter().map(|&number| ledger.finished(number)).collect();
    let todo: Vec<usize> = (0..numbers.len()).filter(|&at| results[at].is_none()).collect();
    watch.begin(stage, todo.len() as u64);
    let stop = AtomicBool::new(false);
    let ledger = Mutex::new(ledger);
    let done = on_all_cores(todo.len(), |number| {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        let number = numbers[todo[number]];
        let result = job(number).and_then(|values| {
            ledger.lock().unwrap_or_else(PoisonError::into_inner).record(number, &values)?;
            Ok(values)
        });
        stop.fetch_or(result.is_err(), Ordering::Relaxed);
        watch.step();
        Some(result)
    });
    watch.end();
    for (&at, result) in todo.iter().zip(done) {
        results[at] = result.transpose()?;
    }
    Ok(results.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::Silent;

    #[test]
    fn results_come_by_number_and_the_first_error_is_the_one_that_is_told() {
        let mut ledger = Ledger::none();
        let square = |number: usize| Ok(vec![(number * number) as f64]);
        let numbers: Vec<usize> = (0..50).map(|i| i * 31 % 50).collect();
        let results = run_jobs("squares", &numbers, &mut ledger, &Silent, square).unwrap();
        assert!(results.iter().zip(&numbers).all(|(r, &i)| r == &[(i * i) as f64]));
        let refuse = |number: usize| match number {
            0 => Ok(vec![]),
            _ => Err(TruthError::Setting { what: "job", expected: String::new(), found: number.to_string() }),
        };
        let mut ledger = Ledger::none();
        assert!(run_jobs("errors", &[0], &mut ledger, &Silent, refuse).is_ok());
        let error = run_jobs("errors", &[0, 1], &mut ledger, &Silent, refuse).unwrap_err();
        assert!(error.to_string().ends_with("found 1"));
    }
}
