//! Gradients of single samples.

use gradsieve_harness::data::{Dataset, blobs};
use gradsieve_harness::model::training::batch_gradient_into;
use gradsieve_harness::model::{Mlp, ModelError, Scratch};

/// A model of the given hidden widths with biases that are not 0, and samples for it.
fn model_and_data(hidden: &[usize]) -> (Mlp, Dataset) {
    let data = blobs(40, 5, 7, 2.0, 3).unwrap();
    let mut model = Mlp::new(7, hidden, 5, 11).unwrap();
    for (number, parameter) in model.parameters_mut().iter_mut().enumerate() {
        *parameter = 0.2 * *parameter + 0.01 * (number % 7) as f32 - 0.02;
    }
    (model, data)
}

const DEPTHS: [&[usize]; 4] = [&[], &[9], &[18, 6], &[5, 4, 3]];

/// The loss in f64, written apart from the model; the sign pattern of all hidden sums
/// tells whether two points lie on one linear piece.
fn loss_in_f64(model: &Mlp, parameters: &[f64], x: &[f32], label: u32) -> (f64, Vec<bool>) {
    let mut activation: Vec<f64> = x.iter().map(|&v| f64::from(v)).collect();
    let mut signs = Vec::new();
    for (number, layer) in model.layers().iter().enumerate() {
        let mut next = Vec::new();
        for j in 0..layer.outputs {
            let row = &parameters[layer.weights + j * layer.inputs..][..layer.inputs];
            let sum: f64 = row.iter().zip(&activation).map(|(w, a)| w * a).sum();
            next.push(sum + parameters[layer.bias + j]);
        }
        if number + 1 < model.layers().len() {
            signs.extend(next.iter().map(|z| *z > 0.0));
            next.iter_mut().for_each(|z| *z = z.max(0.0));
        }
        activation = next;
    }
    let sum: f64 = activation.iter().map(|z| z.exp()).sum();
    (sum.ln() - activation[label as usize], signs)
}

#[test]
fn gradients_of_every_depth_agree_with_finite_differences_in_f64() {
    for hidden in DEPTHS {
        let (model, data) = model_and_data(hidden);
        let mut scratch = Scratch::default();
        let mut gradient = vec![f32::NAN; model.parameters().len()];
        let mut compared = 0;
        for (x, label) in data.samples().take(8) {
            model.gradient_into(x, label, &mut scratch, &mut gradient).unwrap();
            let scale = gradient.iter().fold(0.0f32, |m, g| m.max(g.abs()));
            let mut at: Vec<f64> = model.parameters().iter().map(|&p| f64::from(p)).collect();
            for i in 0..at.len() {
                let (centre, step) = (at[i], 1e-5);
                at[i] = centre + step;
                let (above, signs_above) = loss_in_f64(&model, &at, x, label);
                at[i] = centre - step;
                let (below, signs_below) = loss_in_f64(&model, &at, x, label);
                at[i] = centre;
                // A ReLU's corner between the two points has no derivative to compare
                // with.
                if signs_above == signs_below {
                    let difference = (above - below) / (2.0 * step);
                    let distance = (f64::from(gradient[i]) - difference).abs();
                    assert!(
                        distance < 3e-6 * f64::from(scale) + 1e-9,
                        "{hidden:?} {i}: {} {difference}",
                        gradient[i]
                    );
                    compared += 1;
                }
            }
        }
        assert!(compared * 100 > 99 * 8 * model.parameters().len());
    }
}

#[test]
fn factors_come_from_the_last_layer_to_the_first_and_multiply_out_to_the_gradient_bit_for_bit() {
    for hidden in DEPTHS {
        let (model, data) = model_and_data(hidden);
        let mut scratch = Scratch::default();
        for (x, label) in data.samples() {
            let mut whole = vec![f32::NAN; model.parameters().len()];
            let mut built = whole.clone();
            let mut visited = Vec::new();
            let loss = model.gradient_into(x, label, &mut scratch, &mut whole).unwrap();
            let same = model.backward(x, label, &mut scratch, |part| {
                visited.push(part.layer);
                for (j, d) in part.delta.iter().enumerate() {
                    for (i, a) in part.activation.iter().enumerate() {
                        built[part.weights + j * part.activation.len() + i] = d * a;
                    }
                    built[part.bias + j] = *d;
                }
            });
            assert_eq!(loss.to_bits(), same.unwrap().to_bits());
            assert_eq!(loss.to_bits(), model.loss(x, label, &mut scratch).unwrap().to_bits());
            assert_eq!(visited, (0..=hidden.len()).rev().collect::<Vec<_>>());
            assert_eq!(bits(&whole), bits(&built));
        }
    }
}

#[test]
fn the_last_layer_alone_is_the_end_of_the_whole_gradient() {
    for hidden in DEPTHS {
        let (model, data) = model_and_data(hidden);
        let mut scratch = Scratch::default();
        let mut whole = vec![0.0; model.parameters().len()];
        let mut last = vec![f32::NAN; model.last_layer().len()];
        for (x, label) in data.samples() {
            let a = model.gradient_into(x, label, &mut scratch, &mut whole).unwrap();
            let b = model.last_layer_gradient_into(x, label, &mut scratch, &mut last).unwrap();
            assert_eq!(a.to_bits(), b.to_bits());
            assert_eq!(bits(&whole[model.last_layer()]), bits(&last));
        }
    }
}

#[test]
fn the_training_gradient_of_a_batch_is_the_mean_of_its_samples_gradients_bit_for_bit() {
    for hidden in DEPTHS {
        let (model, data) = model_and_data(hidden);
        let mut scratch = Scratch::default();
        let batch = [3, 0, 17, 39, 4, 4, 21];
        let mut of_batch = vec![f32::NAN; model.parameters().len()];
        let loss = batch_gradient_into(&model, &data, &batch, &mut scratch, &mut of_batch).unwrap();
        let mut sum = vec![0.0f32; of_batch.len()];
        let mut one = sum.clone();
        let mut losses = 0.0;
        for i in batch {
            losses +=
                model.gradient_into(data.row(i).unwrap(), data.labels()[i], &mut scratch, &mut one).unwrap();
            sum.iter_mut().zip(&one).for_each(|(s, g)| *s += g);
        }
        sum.iter_mut().for_each(|s| *s *= 1.0 / 7.0);
        assert_eq!(bits(&of_batch), bits(&sum));
        assert_eq!(loss, losses / 7.0);
    }
}

#[test]
fn a_used_scratch_gives_what_a_fresh_one_gives_even_after_another_model() {
    let mut used = Scratch::default();
    for hidden in [DEPTHS[2], DEPTHS[1], DEPTHS[3]] {
        let (model, data) = model_and_data(hidden);
        let mut fresh = vec![0.0; model.parameters().len()];
        let mut again = fresh.clone();
        for (x, label) in data.samples() {
            model.gradient_into(x, label, &mut Scratch::default(), &mut fresh).unwrap();
            model.gradient_into(x, label, &mut used, &mut again).unwrap();
            assert_eq!(bits(&fresh), bits(&again));
        }
    }
}

#[test]
fn far_in_saturation_loss_and_gradient_stay_finite() {
    let model = Mlp::new(1, &[], 3, 0).unwrap();
    let model = model.with_parameters(vec![1e30, -1e30, 0.0, 0.0, 0.0, 0.0]).unwrap();
    let mut gradient = vec![f32::NAN; 6];
    for label in 0..3 {
        for x in [1e-28, 1.0, -1.0, 1e6] {
            let loss = model.gradient_into(&[x], label, &mut Scratch::default(), &mut gradient).unwrap();
            assert!(loss.is_finite() && loss >= 0.0, "{loss}");
            assert!(gradient.iter().all(|g| g.is_finite()), "{gradient:?}");
        }
    }
}

#[test]
fn wrong_sizes_and_labels_are_errors_that_say_what_was_expected() {
    let (model, _) = model_and_data(&[9]);
    let mut scratch = Scratch::default();
    let mut gradient = vec![0.0; model.parameters().len()];
    let error = model.gradient_into(&[0.0; 6], 0, &mut scratch, &mut gradient).unwrap_err();
    assert_eq!(error.to_string(), "features: 6 given, expected 7");
    let error = model.gradient_into(&[0.0; 7], 5, &mut scratch, &mut gradient).unwrap_err();
    assert_eq!(error, ModelError::Label { label: 5, classes: 5 });
    let error = model.gradient_into(&[0.0; 7], 0, &mut scratch, &mut gradient[1..]).unwrap_err();
    assert_eq!(error.to_string(), "gradient: 121 given, expected 122");
    assert!(model.last_layer_gradient_into(&[0.0; 7], 0, &mut scratch, &mut gradient).is_err());
    assert!(model.logits(&[], &mut scratch).is_err());
    assert!(model.with_parameters(vec![0.0; 3]).is_err());
    assert!(Mlp::new(0, &[], 2, 0).is_err());
    assert!(Mlp::new(3, &[0], 2, 0).is_err());
    assert!(Mlp::new(3, &[], 1, 0).is_err());
    assert!(Mlp::new(usize::MAX, &[2], 2, 0).is_err());
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}
