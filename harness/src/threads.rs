//! Jobs on all cores.

use std::sync::atomic::{AtomicUsize, Ordering};

/// What `job` makes of each number below `count`, in the order of the numbers, whichever
/// thread came to it. A panic in a job is one here.
pub fn on_all_cores<R: Send>(count: usize, job: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return done;
            }
            done.push((number, job(number)));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(count);
    let mut done = std::thread::scope(|scope| {
        let workers: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for worker in workers {
            match worker.join() {
                Ok(theirs) => done.extend(theirs),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_by_key(|&(number, _)| number);
    done.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_worked_on_once_and_results_come_in_their_order() {
        for count in [0, 1, 2, 100] {
            let calls = AtomicUsize::new(0);
            let made = on_all_cores(count, |number| {
                calls.fetch_add(1, Ordering::Relaxed);
                number * number
            });
            assert_eq!(made, (0..count).map(|number| number * number).collect::<Vec<_>>());
            assert_eq!(calls.into_inner(), count);
        }
    }
}
