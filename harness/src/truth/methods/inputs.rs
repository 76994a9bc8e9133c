//! Scores that need no gradients: what every other method has to be better than.

use rand_chacha::ChaCha8Rng;

use super::super::error::TruthError;
use super::super::evidence::Evidence;
use super::scored::Scored;
use crate::data::random::{Purpose, generator, uniform};

/// The sample's own loss, the same for every target: what moves a model most.
pub(super) fn loss(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    let losses = evidence.model.losses(evidence.train)?;
    Ok(Scored { scores: losses.repeat(evidence.target_count()), bytes: 0 })
}

/// Numbers from 0 to 1, a function of the seed.
pub(super) fn random(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    let mut rng: ChaCha8Rng = generator(evidence.seed, Purpose::Baseline);
    let count = evidence.train.len() * evidence.target_count();
    Ok(Scored { scores: (0..count).map(|_| uniform(&mut rng)).collect(), bytes: 0 })
}

/// ±1/(1 + d²/d̄²), d the distance of the inputs and d̄² the target's mean square of it:
/// positive for samples of the target's label, negative for those of another. A near
/// sample of the same label helps, a near one of another harms, and far ones do little.
pub(super) fn nearest(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    let n = evidence.train.len();
    let mut scores = Vec::with_capacity(n * evidence.test.len());
    for (target, label) in evidence.test.samples() {
        let squares: Vec<f64> = evidence.train.samples().map(|(x, _)| square_distance(x, target)).collect();
        let mean = squares.iter().sum::<f64>() / n as f64;
        scores.extend(evidence.train.samples().zip(squares).map(|((_, of), square)| {
            // Samples that are all alike are all at the distance 0.
            let near = if mean > 0.0 { 1.0 / (1.0 + square / mean) } else { 1.0 };
            if of == label { near } else { -near }
        }));
    }
    Ok(Scored { scores, bytes: 0 })
}

fn square_distance(x: &[f32], y: &[f32]) -> f64 {
    x.iter().zip(y).map(|(&x, &y)| (f64::from(x) - f64::from(y)) * (f64::from(x) - f64::from(y))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;
    use crate::model::{Mlp, TrainConfig};

    #[test]
    fn near_samples_come_first_if_they_have_the_targets_label_and_last_if_not() {
        let train = Dataset::new("train", vec![0.0, 1.0, 3.0, 0.5], vec![0, 0, 0, 1], 1, 2).unwrap();
        let test = Dataset::new("test", vec![0.0, 3.0], vec![0, 1], 1, 2).unwrap();
        let model = Mlp::new(1, &[], 2, 0).unwrap();
        let config = TrainConfig::default();
        let scores = nearest(&Evidence::new(&train, &test, &model, &config)).unwrap().scores;
        assert_eq!(scores[0], 1.0);
        assert!(scores[0] > scores[1] && scores[1] > scores[2] && scores[2] > 0.0 && scores[3] < 0.0);
        // Of the other target the sample at its own place is the worst.
        assert!(scores[7] > 0.0 && scores[6] == -1.0 && scores[6] < scores[5] && scores[5] < scores[4]);
    }
}
