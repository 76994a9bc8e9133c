//! Claims about the demonstration: what the detectors find on data whose truth is known.

use std::sync::LazyLock;

use gradsieve_cli::demo::{LoopOutcome, Outcome, Settings, Source, run};
use gradsieve_harness::Silent;

/// The demonstration on digits, of three seeds.
static DIGITS: LazyLock<Vec<Outcome>> = LazyLock::new(|| {
    (0..3).map(|seed| run(&Settings { seed, ..Settings::default() }, &Silent).unwrap()).collect()
});

fn auroc(outcome: &Outcome, name: &str) -> f64 {
    outcome.detectors.iter().find(|d| d.name == name).and_then(|d| d.auroc).unwrap()
}

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
    for outcome in &*DIGITS {
        let (auroc, seed) = (|name| auroc(outcome, name), outcome.seed);
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

#[test]
fn what_is_kept_over_all_epochs_finds_more_flips_than_one_look_does() {
    for outcome in &*DIGITS {
        for (over_all, one_look) in
            [("mean loss", "loss"), ("out-of-fold loss", "loss"), ("mean sieve", "sieve")]
        {
            let (over_all, one_look) = (auroc(outcome, over_all), auroc(outcome, one_look));
            assert!(over_all > one_look, "seed {}: {over_all} {one_look}", outcome.seed);
        }
        assert!(auroc(outcome, "sieve") > 0.97);
    }
}

#[test]
fn the_sieve_in_the_loop_wins_back_more_than_a_third_of_what_wrong_labels_cost() {
    // Over the last ten epochs, as one is noisy.
    let accuracy = |of: &LoopOutcome, name: &str| {
        let policy = of.policies.iter().find(|policy| policy.name == name).unwrap();
        policy.accuracies.iter().rev().take(10).sum::<f64>() / 10.0
    };
    for task in 0..2 {
        let mean =
            |name: &str| DIGITS.iter().map(|outcome| accuracy(&outcome.loops[task], name)).sum::<f64>() / 3.0;
        let (all, sieve, ceiling) = (mean("all"), mean("sieve"), mean("ceiling"));
        assert!(3.0 * (sieve - all) > ceiling - all, "task {task}: {all} {sieve} {ceiling}");
    }
}

#[test]
fn the_loop_is_told_visit_by_visit_and_its_sums_are_those_of_its_visits() {
    for of in DIGITS.iter().flat_map(|outcome| &outcome.loops) {
        assert_eq!(of.visits.len(), of.epochs * of.train_samples, "{}", of.data);
        let left = of.visits.iter().filter(|visit| !visit.keeps).count();
        let share = left as f64 / of.visits.len() as f64;
        assert!((share - of.rate).abs() < 0.03, "{}: {share} of {}", of.data, of.rate);
        // Each visit that is left out has a reason, or none of its own.
        let reasons: usize = of.left_out.iter().map(|left| left.wrong + left.right).sum();
        assert!(left <= reasons && reasons <= 4 * left, "{}: {left} {reasons}", of.data);
        let sieve = of.policies.iter().find(|policy| policy.name == "sieve").unwrap();
        assert_eq!(sieve.accuracies.len(), of.epochs);
        assert_eq!(sieve.accuracies.last(), Some(&sieve.accuracy));
        let last = &of.visits[(of.epochs - 1) * of.train_samples..];
        let wrong = last.iter().filter(|visit| visit.wrong).count();
        let found = last.iter().filter(|visit| visit.wrong && !visit.keeps).count();
        assert_eq!(sieve.wrong_left_out.last(), Some(&(found as f64 / wrong as f64)));
        assert_eq!(of.first.len(), 16);
    }
}

#[test]
fn the_json_has_the_loop_beside_what_it_had() {
    let json = serde_json::to_value(&DIGITS[0]).unwrap();
    for field in ["data", "flips", "budget", "accuracy_before", "accuracy_ceiling", "detectors"] {
        assert!(!json[field].is_null(), "{field}");
    }
    let of = &json["loops"][0];
    for field in ["data", "epochs", "flips", "rate", "policies", "alarms", "left_out"] {
        assert!(!of[field].is_null(), "{field}");
    }
    let names: Vec<&str> =
        of["policies"].as_array().unwrap().iter().map(|policy| policy["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["all", "loss", "sieve", "ceiling"]);
}

#[test]
fn few_samples_are_no_stream_and_have_no_loop() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("few.csv");
    let rows: String = (0..12).map(|i| format!("{},{},{}\n", i % 2, i, i % 2)).collect();
    std::fs::write(&path, format!("a,b,label\n{rows}")).unwrap();
    let mut settings = Settings::of(Source::Csv(path));
    settings.training.epochs = 3;
    assert!(run(&settings, &Silent).unwrap().loops.is_empty());
}
