//! The network in f64, its second derivatives, and recorded runs with a sample left out.

use gradsieve_harness::data::{Dataset, blobs};
use gradsieve_harness::model::{Curvature, Mlp, Optimizer, Removal, Scratch, TrainConfig, Trajectory, train};

const DEPTHS: [&[usize]; 3] = [&[], &[6], &[5, 4]];

fn model_and_data(hidden: &[usize]) -> (Mlp, Mlp<f64>, Dataset) {
    let data = blobs(12, 3, 4, 2.0, 3).unwrap();
    let mut model = Mlp::new(4, hidden, 3, 11).unwrap();
    for (number, parameter) in model.parameters_mut().iter_mut().enumerate() {
        *parameter = 0.4 * *parameter + 0.01 * (number % 7) as f32 - 0.02;
    }
    let double = model.widened();
    (model, double, data)
}

fn gradient(model: &Mlp<f64>, x: &[f32], label: u32) -> Vec<f64> {
    let mut sum = vec![0.0; model.parameters().len()];
    model.add_gradient(x, label, 1.0, &mut Scratch::default(), &mut sum).unwrap();
    sum
}

fn product(model: &Mlp<f64>, curvature: Curvature, x: &[f32], label: u32, direction: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; direction.len()];
    let scratch = &mut Scratch::default();
    model.add_product(curvature, x, label, 1.0, direction, scratch, &mut sum).unwrap();
    sum
}

fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |m, v| m.max(v.abs()))
}

fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    let scale = largest(expected).max(1e-12);
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= tolerance * scale, "{f} {e}");
    }
}

/// A direction with no pattern that the parameters share.
fn direction(parameters: usize) -> Vec<f64> {
    (0..parameters).map(|i| ((i * 37 + 11) % 23) as f64 / 11.0 - 1.0).collect()
}

#[test]
fn losses_and_gradients_in_f64_are_those_in_f32_to_its_precision() {
    for hidden in DEPTHS {
        let (model, double, data) = model_and_data(hidden);
        let mut single = vec![0.0f32; model.parameters().len()];
        for (x, label) in data.samples() {
            let loss = model.gradient_into(x, label, &mut Scratch::default(), &mut single).unwrap();
            let exact = double.loss(x, label, &mut Scratch::default()).unwrap();
            assert!((loss - exact).abs() < 1e-5 * (1.0 + exact), "{loss} {exact}");
            let widened: Vec<f64> = single.iter().map(|&g| f64::from(g)).collect();
            assert_close(&widened, &gradient(&double, x, label), 1e-5);
        }
    }
}

#[test]
fn a_hessian_vector_product_is_the_derivative_of_the_gradient_along_the_vector() {
    for hidden in DEPTHS {
        let (_, double, data) = model_and_data(hidden);
        let along = direction(double.parameters().len());
        for (x, label) in data.samples() {
            let step = 1e-6;
            let moved = |sign: f64| {
                let mut model = double.clone();
                for (w, d) in model.parameters_mut().iter_mut().zip(&along) {
                    *w += sign * step * d;
                }
                gradient(&model, x, label)
            };
            let (above, below) = (moved(1.0), moved(-1.0));
            let difference: Vec<f64> =
                above.iter().zip(&below).map(|(a, b)| (a - b) / (2.0 * step)).collect();
            assert_close(&product(&double, Curvature::Hessian, x, label, &along), &difference, 1e-6);
        }
    }
}

#[test]
fn products_with_unit_vectors_are_a_symmetric_matrix_that_gives_every_other_product() {
    for hidden in DEPTHS {
        let (_, double, data) = model_and_data(hidden);
        let p = double.parameters().len();
        let (x, label) = data.samples().next().unwrap();
        for curvature in [Curvature::Hessian, Curvature::GaussNewton] {
            let columns: Vec<Vec<f64>> = (0..p)
                .map(|j| {
                    let mut unit = vec![0.0; p];
                    unit[j] = 1.0;
                    product(&double, curvature, x, label, &unit)
                })
                .collect();
            for (i, column) in columns.iter().enumerate() {
                for (j, entry) in column.iter().enumerate() {
                    assert!((entry - columns[j][i]).abs() < 1e-12);
                }
            }
            let along = direction(p);
            let expected: Vec<f64> =
                (0..p).map(|i| columns.iter().zip(&along).map(|(c, d)| c[i] * d).sum()).collect();
            assert_close(&product(&double, curvature, x, label, &along), &expected, 1e-12);
        }
    }
}

#[test]
fn outer_products_of_the_pseudo_gradients_add_up_to_the_gauss_newton_matrix() {
    for hidden in DEPTHS {
        let (model, double, data) = model_and_data(hidden);
        let along = direction(double.parameters().len());
        for (x, label) in data.samples() {
            let mut sum = vec![0.0; along.len()];
            for class in 0..3 {
                let mut row = vec![0.0f32; along.len()];
                model
                    .backward_scaled(
                        x,
                        class,
                        |p, _| p.sqrt(),
                        &mut Scratch::default(),
                        |part| {
                            part.write_into(&mut row).unwrap();
                        },
                    )
                    .unwrap();
                let dot: f64 = row.iter().zip(&along).map(|(&r, d)| f64::from(r) * d).sum();
                sum.iter_mut().zip(&row).for_each(|(s, &r)| *s += dot * f64::from(r));
            }
            assert_close(&product(&double, Curvature::GaussNewton, x, label, &along), &sum, 1e-5);
        }
    }
}

#[test]
fn the_gradient_of_the_margin_is_its_derivative() {
    let (model, double, data) = model_and_data(&[6]);
    let margin = |model: &Mlp<f64>, x: &[f32], label| {
        let loss = model.loss(x, label, &mut Scratch::default()).unwrap();
        -loss - (-(-loss).exp_m1()).ln()
    };
    for (x, label) in data.samples() {
        let mut row = vec![0.0f32; model.parameters().len()];
        model
            .backward_scaled(
                x,
                label,
                |_, rest| -1.0 / rest,
                &mut Scratch::default(),
                |part| {
                    part.write_into(&mut row).unwrap();
                },
            )
            .unwrap();
        let along = direction(row.len());
        let moved = |sign: f64| {
            let mut moved = double.clone();
            moved.parameters_mut().iter_mut().zip(&along).for_each(|(w, d)| *w += sign * 1e-6 * d);
            margin(&moved, x, label)
        };
        let difference = (moved(1.0) - moved(-1.0)) / 2e-6;
        let dot: f64 = row.iter().zip(&along).map(|(&r, d)| f64::from(r) * d).sum();
        assert!((dot - difference).abs() < 1e-4 * (1.0 + difference.abs()), "{dot} {difference}");
    }
}

fn config() -> TrainConfig {
    TrainConfig { hidden: vec![6], epochs: 3, batch_size: 5, learning_rate: 0.2, ..TrainConfig::default() }
}

#[test]
fn a_recorded_run_takes_the_path_of_training_and_rates_are_in_sum_form() {
    let data = blobs(12, 3, 4, 2.0, 3).unwrap();
    let recorded = Trajectory::record(&data, &config()).unwrap();
    let trained = train(&data, &config(), |_| {}).unwrap().model;
    for (a, b) in recorded.end().parameters().iter().zip(trained.parameters()) {
        assert!((a - f64::from(*b)).abs() < 1e-4, "{a} {b}");
    }
    let sizes: Vec<usize> = recorded.steps().iter().map(|step| step.batch.len()).collect();
    assert_eq!(sizes, [5, 5, 2, 5, 5, 2, 5, 5, 2]);
    assert!((recorded.steps()[2].rate - f64::from(0.2f32) / 2.0).abs() < 1e-15);
}

/// Every optimizer, with weight decay.
fn each_optimizer() -> impl Iterator<Item = TrainConfig> {
    use Optimizer as O;
    let rates = [(O::Sgd, 0.2), (O::MOMENTUM, 0.02), (O::NESTEROV, 0.02), (O::ADAM, 0.01), (O::ADAMW, 0.01)];
    rates.into_iter().map(|(optimizer, learning_rate)| TrainConfig {
        optimizer,
        learning_rate,
        weight_decay: 0.1,
        ..config()
    })
}

#[test]
fn a_recorded_run_of_any_optimizer_takes_the_path_of_training() {
    let data = blobs(12, 3, 4, 2.0, 3).unwrap();
    for config in each_optimizer() {
        let recorded = Trajectory::record(&data, &config).unwrap();
        let trained = train(&data, &config, |_| {}).unwrap().model;
        for (a, b) in recorded.end().parameters().iter().zip(trained.parameters()) {
            assert!((a - f64::from(*b)).abs() < 1e-3, "{:?}: {a} {b}", config.optimizer);
        }
    }
}

/// Σ over the batches in f64, written apart: sample `left_out` is passed over in the
/// steps from `from` on.
fn trained_by_hand(recorded: &Trajectory, data: &Dataset, left_out: usize, from: usize) -> Vec<f64> {
    let mut model = recorded.end().clone();
    model.parameters_mut().copy_from_slice(&recorded.steps()[0].parameters);
    for (number, step) in recorded.steps().iter().enumerate() {
        let mut sum = vec![0.0; model.parameters().len()];
        for &i in &step.batch {
            if i != left_out || number < from {
                let row = gradient(&model, data.row(i).unwrap(), data.labels()[i]);
                sum.iter_mut().zip(row).for_each(|(s, g)| *s += g);
            }
        }
        model.parameters_mut().iter_mut().zip(sum).for_each(|(w, g)| *w -= step.rate * g);
    }
    model.parameters().to_vec()
}

#[test]
fn a_replay_leaves_out_one_sample_and_nothing_else() {
    let data = blobs(12, 3, 4, 2.0, 3).unwrap();
    let recorded = Trajectory::record(&data, &config()).unwrap();
    for left_out in 0..12 {
        for (removal, from) in [(Removal::LastEpoch, 6), (Removal::AllEpochs, 0)] {
            assert_eq!(recorded.first_step(removal), from);
            let replayed = recorded.without(&data, left_out, removal).unwrap();
            let by_hand = trained_by_hand(&recorded, &data, left_out, from);
            assert_ne!(replayed.parameters(), recorded.end().parameters());
            for (a, b) in replayed.parameters().iter().zip(by_hand) {
                assert_eq!(a.to_bits(), b.to_bits());
            }
        }
    }
    assert_eq!(&recorded.without(&data, 99, Removal::AllEpochs).unwrap(), recorded.end());
}

/// AdamW's steps in f64, written apart from PyTorch's documentation: sample `left_out` is
/// passed over in the steps from `from` on, and nothing else changes.
fn adamw_by_hand(
    recorded: &Trajectory,
    data: &Dataset,
    config: &TrainConfig,
    left_out: usize,
    from: usize,
) -> Vec<f64> {
    let mut model = recorded.end().clone();
    model.parameters_mut().copy_from_slice(&recorded.steps()[0].parameters);
    let [beta1, beta2, epsilon] = [0.9_f32, 0.999, 1e-8].map(f64::from);
    let (rate, decay) = (f64::from(config.learning_rate), f64::from(config.weight_decay));
    let p = model.parameters().len();
    let (mut m, mut v) = (vec![0.0; p], vec![0.0; p]);
    for (number, step) in recorded.steps().iter().enumerate() {
        let mut sum = vec![0.0; p];
        for &i in step.batch.iter().filter(|&&i| i != left_out || number < from) {
            let row = gradient(&model, data.row(i).unwrap(), data.labels()[i]);
            sum.iter_mut().zip(row).for_each(|(s, g)| *s += g);
        }
        let t = number as i32 + 1;
        for (j, w) in model.parameters_mut().iter_mut().enumerate() {
            let g = sum[j] / step.batch.len() as f64;
            m[j] = beta1 * m[j] + (1.0 - beta1) * g;
            v[j] = beta2 * v[j] + (1.0 - beta2) * g * g;
            *w -= rate * decay * *w;
            let (mean, square) = (m[j] / (1.0 - beta1.powi(t)), v[j] / (1.0 - beta2.powi(t)));
            *w -= rate * mean / (square.sqrt() + epsilon);
        }
    }
    model.parameters().to_vec()
}

#[test]
fn a_removal_under_adamw_is_replayed_with_the_moments_that_it_would_have_had() {
    let data = blobs(12, 3, 4, 2.0, 3).unwrap();
    let config = each_optimizer().last().unwrap();
    let recorded = Trajectory::record(&data, &config).unwrap();
    for left_out in 0..12 {
        for (removal, from) in [(Removal::LastEpoch, 6), (Removal::AllEpochs, 0)] {
            let replayed = recorded.without(&data, left_out, removal).unwrap();
            let by_hand = adamw_by_hand(&recorded, &data, &config, left_out, from);
            assert_ne!(replayed.parameters(), recorded.end().parameters());
            assert_close(replayed.parameters(), &by_hand, 1e-11);
        }
    }
}

#[test]
fn a_replay_that_leaves_nothing_out_ends_where_the_run_ended() {
    let data = blobs(12, 3, 4, 2.0, 3).unwrap();
    for config in each_optimizer() {
        let recorded = Trajectory::record(&data, &config).unwrap();
        for removal in [Removal::LastEpoch, Removal::AllEpochs] {
            assert_eq!(&recorded.reweighted(&data, 4, 1.0, removal).unwrap(), recorded.end());
        }
    }
}

#[test]
fn the_gradient_by_the_features_is_that_of_central_differences() {
    const STEP: f32 = 1.0 / 4096.0;
    for hidden in DEPTHS {
        let (_, model, data) = model_and_data(hidden);
        let mut scratch = Scratch::default();
        for (x, label) in data.samples() {
            let mut found = vec![0.0; x.len()];
            let loss = model.input_gradient_into(x, label, &mut scratch, &mut found).unwrap();
            assert_eq!(loss, model.loss(x, label, &mut scratch).unwrap());
            let mut loss_at = |k: usize, by: f32| {
                let mut moved = x.to_vec();
                moved[k] += by;
                // The step is that between the rounded features.
                (model.loss(&moved, label, &mut scratch).unwrap(), f64::from(moved[k]))
            };
            let differences: Vec<f64> = (0..x.len())
                .map(|k| {
                    let ((above, high), (below, low)) = (loss_at(k, STEP), loss_at(k, -STEP));
                    (above - below) / (high - low)
                })
                .collect();
            assert_close(&found, &differences, 1e-5);
        }
        assert!(model.input_gradient_into(&[0.0; 4], 0, &mut scratch, &mut [0.0; 3]).is_err());
    }
}
