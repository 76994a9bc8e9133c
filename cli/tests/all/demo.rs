//! Claims about the demonstration: what the detectors find on data whose truth is known.

use gradsieve_cli::demo::{Settings, Source, run};
use gradsieve_harness::Silent;

#[test]
fn on_the_published_linear_set_all_ten_flips_are_among_the_fifteen_largest_norms() {
    let outcome = run(&Settings::of(Source::OgaLinear), &Silent).unwrap();
    assert_eq!((outcome.train_samples, outcome.flips, outcome.budget), (150, 10, 15));
    for name in ["l1", "l2"] {
        let detector = outcome.detectors.iter().find(|d| d.name == name).unwrap();
        assert_eq!(detector.found, 10, "{name}");
    }
}

#[test]
fn gradients_find_flipped_digits_better_than_the_loss_and_retraining_gains() {
    let mut lead = 0.0;
    for seed in 0..3 {
        let outcome = run(&Settings { seed, ..Settings::default() }, &Silent).unwrap();
        let auroc =
            |name: &str| outcome.detectors.iter().find(|d| d.name == name).and_then(|d| d.auroc).unwrap();
        for name in ["self-influence", "direction", "mahalanobis"] {
            assert!(auroc(name) > 0.97, "{name}, seed {seed}: {}", auroc(name));
        }
        lead += auroc("self-influence") - auroc("loss");
        for name in ["self-influence", "direction"] {
            let detector = outcome.detectors.iter().find(|d| d.name == name).unwrap();
            assert!(detector.accuracy_after > outcome.accuracy_before, "{name}, seed {seed}");
        }
        assert!(outcome.accuracy_ceiling > outcome.accuracy_before);
        assert_eq!(outcome.suspects.len(), 24);
    }
    assert!(lead > 0.0, "self-influence is ahead of the loss in the mean, by {}", lead / 3.0);
}

#[test]
fn a_demonstration_is_a_function_of_its_settings() {
    let mut settings = Settings::of(Source::Moons);
    settings.training.epochs = 10;
    let (one, two) = (run(&settings, &Silent).unwrap(), run(&settings, &Silent).unwrap());
    for (one, two) in one.detectors.iter().zip(&two.detectors) {
        let bits = |scores: &[f64]| scores.iter().map(|s| s.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&one.scores), bits(&two.scores), "{}", one.name);
        assert_eq!(one.accuracy_after.to_bits(), two.accuracy_after.to_bits(), "{}", one.name);
    }
}

#[test]
fn without_flips_there_is_nothing_to_measure_and_no_panic() {
    let mut settings = Settings { flip: 0.0, ..Settings::of(Source::Blobs) };
    settings.training.epochs = 5;
    let outcome = run(&settings, &Silent).unwrap();
    assert_eq!((outcome.flips, outcome.budget), (0, 40));
    assert!(outcome.detectors.iter().all(|d| d.auroc.is_none() && d.roc.is_empty()));
}
