//! One number a sample of what was said at each of its visits.

/// The mean over the visits to each of `count` samples: `each[v]` was said of sample
/// `samples[v]`. What was never visited has 0.
///
/// ```
/// use gradsieve_harness::measures::mean_over_visits;
///
/// assert_eq!(mean_over_visits(&[1.0, 5.0, 2.0], &[0, 1, 0], 3), [1.5, 5.0, 0.0]);
/// ```
///
/// # Panics
/// If a sample is not below `count`.
#[must_use]
pub fn mean_over_visits(each: &[f64], samples: &[usize], count: usize) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); count];
    for (x, &sample) in each.iter().zip(samples) {
        sums[sample].0 += x;
        sums[sample].1 += 1.0;
    }
    sums.into_iter().map(|(sum, visits)| sum / f64::max(visits, 1.0)).collect()
}
