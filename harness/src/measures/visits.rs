//! One number a sample of what was said at each of its visits.

use gradsieve::visits::{Mean, VisitNumber, Visits, VisitsSettings};

/// The mean over the visits to each of `count` samples, kept in numbers of `T`: `each[v]`
/// was said of sample `samples[v]`. What was never visited has 0; of what was said
/// something that is not finite, or too large for `T`, the mean is infinite.
///
/// ```
/// use gradsieve_harness::measures::mean_over_visits;
///
/// assert_eq!(mean_over_visits::<f32>(&[1.0, 5.0, 2.0], &[0, 1, 0], 3), [1.5, 5.0, 0.0]);
/// ```
///
/// # Panics
/// If a sample is not below `count`.
#[must_use]
pub fn mean_over_visits<T: VisitNumber>(each: &[f64], samples: &[usize], count: usize) -> Vec<f64> {
    let settings = VisitsSettings { first: 0, samples: count };
    let mut means = Visits::<Mean, T, _, _>::new(settings, vec![T::ZERO; count], vec![0; count])
        .expect("a number and a count for each sample");
    let mut beyond = vec![false; count];
    for (&x, &sample) in each.iter().zip(samples) {
        beyond[sample] |= means.observe(sample as u64, x).is_err();
    }
    let mean = |id| means.get(id).ok().flatten().map_or(0.0, f64::from);
    beyond.iter().zip(0..).map(|(&beyond, id)| if beyond { f64::INFINITY } else { mean(id) }).collect()
}
