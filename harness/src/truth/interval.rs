//! How far a mean over seeds and targets may be off, by drawing both again.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::data::random::{Purpose, generator};

/// How often.
const DRAWS: usize = 2000;

/// The interval that 95 % of the means lie in when seeds are drawn again from those there
/// are, and of each seed its targets: the percentile bootstrap in two stages. `figures`
/// has the figures of each seed's targets; the mean is that of the seeds' means. The same
/// figures give the same interval. None where a seed has fewer than two targets.
///
/// With few seeds it says mostly how far targets differ: three seeds cannot tell how far
/// a fourth may lie from them.
#[must_use]
pub fn bootstrap(figures: &[Vec<f64>]) -> Option<[f64; 2]> {
    if figures.is_empty() || figures.iter().any(|targets| targets.len() < 2) {
        return None;
    }
    let mut rng = generator(0, Purpose::Resample);
    let mut means: Vec<f64> = (0..DRAWS).map(|_| drawn(figures, &mut rng)).collect();
    means.sort_by(f64::total_cmp);
    let tail = DRAWS / 40;
    Some([means[tail], means[DRAWS - 1 - tail]])
}

/// The mean of one draw.
fn drawn(figures: &[Vec<f64>], rng: &mut ChaCha8Rng) -> f64 {
    let mut sum = 0.0;
    for _ in figures {
        let targets = &figures[rng.random_range(0..figures.len())];
        let of_seed: f64 = targets.iter().map(|_| targets[rng.random_range(0..targets.len())]).sum();
        sum += of_seed / targets.len() as f64;
    }
    sum / figures.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::random::normal;

    #[test]
    fn of_one_seed_it_is_the_normal_interval_of_the_mean() {
        let mut rng = generator(1, Purpose::Generate);
        let targets: Vec<f64> = (0..400).map(|_| 3.0 + normal(&mut rng)).collect();
        let mean = targets.iter().sum::<f64>() / 400.0;
        let [low, high] = bootstrap(&[targets]).unwrap();
        // 1.96 standard errors, of 0.05 each.
        assert!((mean - low - 0.098).abs() < 0.012 && (high - mean - 0.098).abs() < 0.012, "{low} {high}");
    }

    #[test]
    fn seeds_that_differ_widen_it_and_too_few_targets_have_none() {
        let targets = |of: f64| (0..100).map(|i| of + 0.001 * f64::from(i)).collect::<Vec<f64>>();
        let [low, high] = bootstrap(&[targets(0.0), targets(0.5), targets(1.0)]).unwrap();
        assert!(high - low > 0.5, "{low} {high}");
        let [low, high] = bootstrap(&[targets(0.5), targets(0.5), targets(0.5)]).unwrap();
        assert!(high - low < 0.02, "{low} {high}");
        assert_eq!(bootstrap(&[]), None);
        assert_eq!(bootstrap(&[targets(0.0), vec![1.0]]), None);
    }
}
