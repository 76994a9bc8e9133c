//! IP over copies of the trained model: the mean over the copies of g(θ_m)·v(θ_m), and
//! for itself of ‖g(θ_m)‖².
//!
//! - **Noise**: every parameter plus a normal draw times [`NOISE`] of the root mean
//!   square of its layer's weights.
//! - **Dropout**: every hidden unit is dropped with probability [`DROPPED`]: its incoming
//!   weights and its bias are zero, so that nothing flows through it, forward or
//!   backward; those of the units that stay are divided by 1 − [`DROPPED`], which ReLU
//!   hands on as a factor. A model without hidden units is its own copy.
//!
//! The seed of the run decides all draws. *Cost*: that of `dot`, times [`COPIES`].

use gradsieve::influence::IpEnsemble;
use rand_chacha::ChaCha8Rng;

use super::super::error::{TruthError, core};
use super::super::evidence::{Evidence, Quantity};
use super::scored::Scored;
use crate::data::random::{Purpose, generator, normal, uniform};
use crate::model::Mlp;

/// Copies of the model.
const COPIES: usize = 10;

/// Standard deviation of the noise, in units of the layer's root mean square.
const NOISE: f64 = 0.1;

/// Share of the hidden units that a copy is without.
const DROPPED: f64 = 0.1;

type Copy = fn(&Mlp, &mut ChaCha8Rng) -> Result<Mlp, TruthError>;

pub(super) fn noise(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    pairs(evidence, noisy)
}

pub(super) fn noise_own(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    own(evidence, noisy)
}

pub(super) fn dropout(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    pairs(evidence, thinned)
}

pub(super) fn dropout_own(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    own(evidence, thinned)
}

fn pairs(evidence: &Evidence<'_>, copy: Copy) -> Result<Scored, TruthError> {
    let n = evidence.train.len();
    let mut sums = vec![IpEnsemble::new(); n * evidence.target_count()];
    for_each_copy(evidence, copy, |model| {
        let train = evidence.rows(model, evidence.train, Quantity::Loss)?;
        let test = evidence.target_rows(model)?;
        for (target, sums) in test.sketches().zip(sums.chunks_exact_mut(n)) {
            for (sketch, sum) in train.sketches().zip(sums) {
                sum.observe(&sketch, &target).map_err(core("IP"))?;
            }
        }
        Ok(())
    })?;
    let bytes = size_of_val(&sums[..]);
    Ok(Scored { scores: sums.iter().map(IpEnsemble::mean).collect(), bytes })
}

fn own(evidence: &Evidence<'_>, copy: Copy) -> Result<Scored, TruthError> {
    let mut scores = vec![0.0; evidence.train.len()];
    for_each_copy(evidence, copy, |model| {
        let train = evidence.rows(model, evidence.train, Quantity::Loss)?;
        for (score, measures) in scores.iter_mut().zip(&train.measures) {
            *score += measures.l2_squared / COPIES as f64;
        }
        Ok(())
    })?;
    let bytes = size_of_val(&scores[..]);
    Ok(Scored { scores, bytes })
}

fn for_each_copy(
    evidence: &Evidence<'_>,
    copy: Copy,
    mut visit: impl FnMut(&Mlp) -> Result<(), TruthError>,
) -> Result<(), TruthError> {
    let mut rng = generator(evidence.seed, Purpose::Copy);
    (0..COPIES).try_for_each(|_| visit(&copy(evidence.model, &mut rng)?))
}

fn noisy(model: &Mlp, rng: &mut ChaCha8Rng) -> Result<Mlp, TruthError> {
    let mut parameters = model.parameters().to_vec();
    for layer in model.layers() {
        let weights = &model.parameters()[layer.weights..layer.bias];
        let squares: f64 = weights.iter().map(|&w| f64::from(w) * f64::from(w)).sum();
        let scale = NOISE * libm::sqrt(squares / weights.len() as f64);
        for parameter in &mut parameters[layer.weights..layer.end()] {
            *parameter += (scale * normal(rng)) as f32;
        }
    }
    Ok(model.with_parameters(parameters)?)
}

fn thinned(model: &Mlp, rng: &mut ChaCha8Rng) -> Result<Mlp, TruthError> {
    let mut parameters = model.parameters().to_vec();
    let hidden = model.layers().len() - 1;
    for layer in &model.layers()[..hidden] {
        for unit in 0..layer.outputs {
            let factor = if uniform(rng) < DROPPED { 0.0 } else { (1.0 / (1.0 - DROPPED)) as f32 };
            let incoming = layer.weights + unit * layer.inputs;
            parameters[incoming..incoming + layer.inputs].iter_mut().for_each(|w| *w *= factor);
            parameters[layer.bias + unit] *= factor;
        }
    }
    Ok(model.with_parameters(parameters)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::blobs;
    use crate::model::Scratch;

    fn model() -> Mlp {
        let mut model = Mlp::new(7, &[40, 30], 3, 5).unwrap();
        for (number, parameter) in model.parameters_mut().iter_mut().enumerate() {
            *parameter += 0.01 * (1 + number % 5) as f32;
        }
        model
    }

    #[test]
    fn noise_is_a_tenth_of_each_layer_s_scale() {
        let model = model();
        let copy = noisy(&model, &mut generator(1, Purpose::Copy)).unwrap();
        for layer in model.layers() {
            let square = |x: &[f32]| x.iter().map(|x| f64::from(x * x)).sum::<f64>() / x.len() as f64;
            let place = layer.weights..layer.bias;
            let moved: Vec<f32> = copy.parameters()[place.clone()]
                .iter()
                .zip(&model.parameters()[place.clone()])
                .map(|(a, b)| a - b)
                .collect();
            let found = (square(&moved) / square(&model.parameters()[place])).sqrt();
            // At least 90 draws: a standard error of 0.0075.
            assert!((found - NOISE).abs() < 0.03, "{found}");
        }
    }

    #[test]
    fn nothing_flows_through_a_dropped_unit_and_the_gradient_is_that_of_dropout() {
        let model = model();
        let copy = thinned(&model, &mut generator(2, Purpose::Copy)).unwrap();
        let set = blobs(6, 3, 7, 2.0, 3).unwrap();
        let first = model.layers()[0];
        let dropped: Vec<usize> =
            (0..first.outputs).filter(|u| copy.parameters()[first.bias + u] == 0.0).collect();
        assert!((1..20).contains(&dropped.len()), "{dropped:?}");
        let mut gradient = vec![0.0; model.parameters().len()];
        for (x, label) in set.samples() {
            copy.gradient_into(x, label, &mut Scratch::default(), &mut gradient).unwrap();
            let second = model.layers()[1];
            for &unit in &dropped {
                let incoming = first.weights + unit * first.inputs;
                assert!(gradient[incoming..incoming + first.inputs].iter().all(|&g| g == 0.0));
                let mut outgoing =
                    (0..second.outputs).map(|o| gradient[second.weights + o * second.inputs + unit]);
                assert!(outgoing.all(|g| g == 0.0));
            }
        }
        let linear = Mlp::new(7, &[], 3, 5).unwrap();
        assert_eq!(thinned(&linear, &mut generator(2, Purpose::Copy)).unwrap(), linear);
    }
}
