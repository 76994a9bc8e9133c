//! Training as a whole.

use gradsieve_harness::data::{Dataset, Scaling, blobs, digits, moons, oga_linear};
use gradsieve_harness::measures::found_in_budget;
use gradsieve_harness::model::{Mlp, ModelError, Optimizer, Schedule, Scratch, TrainConfig, train};

fn quiet(set: &Dataset, config: &TrainConfig) -> gradsieve_harness::model::Trained {
    train(set, config, |_| {}).unwrap()
}

#[test]
fn a_64_64_10_network_reads_more_than_95_percent_of_unseen_digits() {
    let (set, test) = digits().unwrap().split(0.3, 1).unwrap();
    let trained = quiet(&set, &TrainConfig { epochs: 60, ..TrainConfig::default() });
    let accuracy = trained.model.accuracy(&test).unwrap();
    assert!(accuracy > 0.95, "{accuracy}");
}

#[test]
fn the_same_seed_trains_to_the_same_bits_and_another_does_not() {
    let set = moons(120, 0.2, 5).unwrap();
    let config =
        TrainConfig { hidden: vec![12, 5], epochs: 20, checkpoints: vec![3], ..TrainConfig::default() };
    assert_eq!(quiet(&set, &config), quiet(&set, &config));
    let other = quiet(&set, &TrainConfig { seed: 1, ..config.clone() });
    assert_ne!(quiet(&set, &config).model, other.model);
}

/// The bits that training gave when this was written (x86-64). Every machine must find
/// them again: the check that nothing in the data or the model depends on the platform's
/// mathematics.
#[test]
fn trained_parameters_have_the_published_bits() {
    let set = moons(100, 0.2, 1).unwrap();
    let config = TrainConfig {
        hidden: vec![20, 9],
        epochs: 25,
        optimizer: Optimizer::ADAM,
        learning_rate: 0.01,
        schedule: Schedule::Cosine,
        ..TrainConfig::default()
    };
    let model = quiet(&set, &config).model;
    let mut hash = 0xcbf2_9ce4_8422_2325u64; // FNV-1a
    for byte in model.parameters().iter().flat_map(|p| p.to_bits().to_le_bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    assert_eq!(hash, PUBLISHED, "{hash:#x}");
}

const PUBLISHED: u64 = 0xe263_c64f_2d02_4098;

#[test]
fn every_optimizer_separates_what_a_line_can_part() {
    let set = blobs(150, 3, 2, 0.5, 8).unwrap();
    for (optimizer, learning_rate) in
        [(Optimizer::Sgd, 0.05), (Optimizer::MOMENTUM, 0.01), (Optimizer::ADAM, 0.05)]
    {
        for hidden in [vec![], vec![16]] {
            let config =
                TrainConfig { hidden, epochs: 60, optimizer, learning_rate, ..TrainConfig::default() };
            let trained = quiet(&set, &config);
            assert_eq!(trained.model.accuracy(&set).unwrap(), 1.0, "{config:?}");
            assert!(trained.history[59].loss < trained.history[0].loss);
        }
    }
}

#[test]
fn weight_decay_makes_a_smaller_model() {
    let set = moons(100, 0.2, 5).unwrap();
    let norm = |weight_decay| {
        let config = TrainConfig { epochs: 40, weight_decay, ..TrainConfig::default() };
        quiet(&set, &config).model.parameters().iter().map(|p| p * p).sum::<f32>()
    };
    assert!(norm(0.01) < 0.9 * norm(0.0));
}

#[test]
fn checkpoints_are_the_model_on_its_way_and_the_observer_sees_every_epoch() {
    let set = moons(50, 0.2, 5).unwrap();
    let config = TrainConfig {
        epochs: 8,
        checkpoints: vec![8, 0, 3, 3, 99],
        schedule: Schedule::Cosine,
        ..TrainConfig::default()
    };
    let mut seen = Vec::new();
    let trained = train(&set, &config, |epoch| seen.push(*epoch)).unwrap();
    assert_eq!(seen, trained.history);
    assert_eq!(
        seen.iter().map(|e| (e.number, e.of)).collect::<Vec<_>>(),
        (1..=8).map(|n| (n, 8)).collect::<Vec<_>>()
    );
    let kept: Vec<usize> = trained.checkpoints.iter().map(|c| c.epoch).collect();
    assert_eq!(kept, [0, 3, 8]);
    assert_eq!(trained.checkpoints[0].parameters, Mlp::new(2, &[64], 2, 0).unwrap().parameters());
    assert_eq!(trained.checkpoints[1].learning_rate, seen[2].learning_rate);
    assert_eq!(trained.checkpoints[2].parameters, trained.model.parameters());
    assert!(seen.windows(2).all(|w| w[1].learning_rate < w[0].learning_rate));
    // Constant rates: the way to epoch 3 does not depend on how long the run will be.
    let constant = TrainConfig { schedule: Schedule::Constant, ..config };
    let short = TrainConfig { epochs: 3, ..constant.clone() };
    assert_eq!(quiet(&set, &constant).checkpoints[1].parameters, quiet(&set, &short).model.parameters());
}

#[test]
fn a_rate_that_blows_up_is_reported_and_not_returned_as_a_model() {
    let set = blobs(60, 3, 4, 3.0, 2).unwrap();
    let config = TrainConfig { learning_rate: 1e20, ..TrainConfig::default() };
    assert!(matches!(train(&set, &config, |_| {}), Err(ModelError::Diverged { .. })));
}

#[test]
fn settings_outside_their_range_are_refused() {
    let set = moons(10, 0.1, 0).unwrap();
    let base = TrainConfig::default();
    for config in [
        TrainConfig { batch_size: 0, ..base.clone() },
        TrainConfig { learning_rate: 0.0, ..base.clone() },
        TrainConfig { learning_rate: f32::NAN, ..base.clone() },
        TrainConfig { weight_decay: -1.0, ..base.clone() },
        TrainConfig { optimizer: Optimizer::Momentum { momentum: 1.0 }, ..base.clone() },
        TrainConfig { hidden: vec![0], ..base },
    ] {
        assert!(train(&set, &config, |_| {}).is_err(), "{config:?}");
    }
}

#[test]
fn on_the_published_linear_set_all_ten_flips_have_gradients_among_the_fifteen_largest() {
    let mut set = oga_linear().unwrap();
    Scaling::standard(&set).apply(&mut set).unwrap();
    let config = TrainConfig { hidden: vec![], ..TrainConfig::default() };
    let model = quiet(&set, &config).model;
    let mut gradient = vec![0.0; model.parameters().len()];
    let mut scratch = Scratch::default();
    let (mut l1, mut l2) = (Vec::new(), Vec::new());
    for (x, label) in set.samples() {
        model.gradient_into(x, label, &mut scratch, &mut gradient).unwrap();
        l1.push(gradient.iter().map(|g| f64::from(g.abs())).sum::<f64>());
        l2.push(gradient.iter().map(|g| f64::from(g * g)).sum::<f64>());
    }
    let truth = set.flipped().unwrap();
    assert_eq!(found_in_budget(&l1, truth, 15).unwrap(), 10);
    assert_eq!(found_in_budget(&l2, truth, 15).unwrap(), 10);
}
