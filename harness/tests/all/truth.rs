//! Claims about ground truth, and about the methods that are held against it.

use std::path::Path;

use gradsieve::Codec;
use gradsieve_harness::Silent;
use gradsieve_harness::data::{Dataset, blobs};
use gradsieve_harness::model::{Optimizer, Removal, TrainConfig, Trajectory};
use gradsieve_harness::truth::{
    Evidence, Experiment, METHODS, Outcome, PROJECTIONS, Panel, Projection, Settings, SketchLine, Source,
    Target, Task, Way, run,
};

const ALL: [Experiment; 6] = [
    Experiment::Tsloo,
    Experiment::Loo,
    Experiment::Lds,
    Experiment::Brittleness,
    Experiment::Flips,
    Experiment::Shapley,
];

fn quick(experiment: Experiment) -> Settings {
    Settings::of(experiment).quick()
}

/// Every figure's bits, with its place.
fn figures(outcome: &Outcome) -> Vec<(String, u64)> {
    let mut all = Vec::new();
    for panel in &outcome.panels {
        for line in &panel.lines {
            for figure in &line.figures {
                all.push((format!("{} {} {}", panel.title, panel.measure, line.name), figure.to_bits()));
            }
        }
    }
    all
}

#[test]
fn streams_and_training_with_a_guard_have_the_same_bits_again() {
    for experiment in [Experiment::Streams, Experiment::Loop] {
        let methods = vec!["direction".to_owned()];
        let settings = Settings { methods, ..quick(experiment) };
        let outcome = || run(&settings, None, &Silent).unwrap();
        assert_eq!(figures(&outcome()), figures(&outcome()), "{experiment:?}");
    }
}

#[test]
fn every_experiment_holds_every_method_that_applies_against_its_truth() {
    for experiment in ALL {
        let sketched = ["sjlt", "layers", "principal", "eigen"].map(|name| (Some(64), name.parse().unwrap()));
        let wanted = if experiment == Experiment::Tsloo { &sketched[..] } else { &[] };
        for &(dim, projection) in [(None, Projection::default())].iter().chain(wanted) {
            let outcome = run(&Settings { dim, projection, ..quick(experiment) }, None, &Silent).unwrap();
            assert!(!outcome.panels.is_empty());
            for panel in &outcome.panels {
                if experiment != Experiment::Shapley {
                    let names: Vec<&str> = panel.lines.iter().map(|line| line.name.as_str()).collect();
                    let chance = (experiment == Experiment::Brittleness).then_some("random");
                    let methods = METHODS.iter().filter(|m| m.applies(experiment));
                    let methods = methods.filter(|m| m.is_of(&Optimizer::Sgd, 0.0)).map(|m| m.name);
                    let expected: Vec<&str> = chance.into_iter().chain(methods).collect();
                    assert_eq!(names, expected, "{experiment:?}");
                }
                for line in &panel.lines {
                    assert!(line.figures.iter().all(|f| f.is_finite()), "{experiment:?} {}", line.name);
                }
            }
        }
    }
}

#[test]
fn an_experiment_is_a_function_of_its_settings_however_often_it_was_stopped() {
    for experiment in [Experiment::Tsloo, Experiment::Lds, Experiment::Brittleness] {
        let settings = quick(experiment);
        let fresh = figures(&run(&settings, None, &Silent).unwrap());
        let directory = tempfile::tempdir().unwrap();
        let cached = || figures(&run(&settings, Some(directory.path().to_owned()), &Silent).unwrap());
        assert_eq!(cached(), fresh);
        // A run that was killed leaves a part of the file, perhaps in the middle of a
        // record.
        for file in std::fs::read_dir(directory.path()).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            std::fs::write(&path, &bytes[..bytes.len() * 2 / 3]).unwrap();
        }
        assert_eq!(cached(), fresh);
        assert_eq!(cached(), fresh);
        alter_a_result(directory.path());
        assert_ne!(cached(), fresh, "the finished retrainings are used");
    }
}

#[test]
fn finished_retrainings_of_one_optimizer_are_not_anothers() {
    let directory = tempfile::tempdir().unwrap();
    let methods = vec!["dot".to_owned()];
    let sgd = Settings { methods, seeds: 1, learning_rate: 0.01, ..quick(Experiment::Tsloo) };
    let of = |optimizer| Settings { optimizer, ..sgd.clone() };
    let decayed = Settings { weight_decay: 0.1, ..of(Optimizer::ADAMW) };
    let all = [
        sgd.clone(),
        of(Optimizer::MOMENTUM),
        of(Optimizer::NESTEROV),
        of(Optimizer::ADAM),
        of(Optimizer::ADAMW),
        decayed,
    ];
    let mut files = 0;
    for settings in all {
        let fresh = figures(&run(&settings, None, &Silent).unwrap());
        assert_eq!(figures(&run(&settings, Some(directory.path().to_owned()), &Silent).unwrap()), fresh);
        files += 2;
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), files, "{:?}", settings.optimizer);
    }
}

/// Turns the sign of the first result of every ledger and mends its check sum.
fn alter_a_result(directory: &Path) {
    for file in std::fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        let word =
            |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let begin = 16 + 8 + word(&bytes, 20) + 4;
        let end = begin + 8 + 8 * word(&bytes, begin + 4);
        for value in bytes[begin + 8..end].chunks_exact_mut(8) {
            value[7] ^= 0x80;
        }
        let sum = crc32fast::hash(&bytes[begin..end]);
        bytes[end..end + 4].copy_from_slice(&sum.to_le_bytes());
        std::fs::write(&path, bytes).unwrap();
    }
}

#[test]
fn settings_that_make_no_sense_are_refused_with_what_would_do() {
    let refused = |settings: Settings| run(&settings, None, &Silent).unwrap_err().to_string();
    let tsloo = quick(Experiment::Tsloo);
    let unknown = refused(Settings { methods: vec!["nonsense".to_owned()], ..tsloo.clone() });
    assert!(unknown.contains("dvemb") && unknown.contains("found nonsense"), "{unknown}");
    assert!(refused(Settings { dim: Some(33), ..tsloo.clone() }).contains("multiple of 32"));
    assert!(refused(Settings { train_samples: 1790, ..tsloo.clone() }).contains("at most 1797"));
    assert!(refused(Settings { share: 0.0, ..tsloo.clone() }).contains("above 0"));
    assert!(refused(Settings { learning_rate: -1.0, ..tsloo }).contains("learning rate is -1"));
    let fair = Settings { target: Target::Parity, ..quick(Experiment::Lds) };
    assert!(refused(fair).contains("expected samples"));
    let brittle = quick(Experiment::Brittleness);
    assert!(refused(Settings { removed: vec![48], ..brittle }).contains("1 to 47"));
    let network = Settings { hidden: vec![4], ..quick(Experiment::Loo) };
    assert!(refused(network).contains("linear"));
}

fn small() -> (Dataset, Dataset, TrainConfig) {
    let config = TrainConfig { hidden: vec![6], epochs: 3, batch_size: 9, ..TrainConfig::default() };
    (blobs(40, 3, 5, 2.0, 1).unwrap(), blobs(7, 3, 5, 2.0, 2).unwrap(), config)
}

fn scores(name: &str, evidence: &Evidence<'_>) -> Vec<f64> {
    let method = METHODS.iter().find(|method| method.name == name).unwrap();
    method.pairs.unwrap()(evidence).unwrap().scores
}

#[test]
fn sgd_influence_is_the_derivative_of_the_targets_losses_by_a_samples_weight() {
    let (train, test, config) = small();
    let path = Trajectory::record(&train, &config).unwrap();
    let model = path.model();
    for removal in [Removal::LastEpoch, Removal::AllEpochs] {
        let evidence =
            Evidence { trajectory: Some(&path), removal, ..Evidence::new(&train, &test, &model, &config) };
        let scores = scores("sgd-influence", &evidence);
        let largest = scores.iter().fold(0.0, |m: f64, s| m.max(s.abs()));
        for i in [0, 13, 39] {
            let losses = |weight| path.reweighted(&train, i, weight, removal).unwrap().losses(&test).unwrap();
            let (more, less) = (losses(1.0 + 1e-5), losses(1.0 - 1e-5));
            for j in 0..test.len() {
                let derivative = (less[j] - more[j]) / 2e-5;
                let score = scores[j * train.len() + i];
                // Weighing all steps of a sample is not what the method linearises, but
                // for small changes it is the sum.
                assert!((score - derivative).abs() < 1e-5 * largest, "{removal:?} {score} {derivative}");
            }
        }
    }
}

#[test]
fn on_small_digits_curvature_along_the_path_foretells_removals_and_first_order_does_not() {
    let settings = Settings {
        train_samples: 200,
        test_samples: 20,
        hidden: vec![16],
        epochs: 8,
        methods: ["first-order", "dvemb-fisher", "dvemb"].map(str::to_owned).to_vec(),
        ..quick(Experiment::Tsloo)
    };
    let outcome = run(&settings, None, &Silent).unwrap();
    let last = &outcome.panels[0];
    assert_eq!(last.title, "last-epoch removals");
    let mean = |name: &str| last.lines.iter().find(|line| line.name == name).unwrap().mean();
    assert!(mean("dvemb") > mean("dvemb-fisher") && mean("dvemb-fisher") > mean("first-order"));
    assert!(mean("dvemb") > 0.7, "{}", mean("dvemb"));
}

fn sketches() -> Settings {
    Settings {
        seeds: 1,
        train_samples: 120,
        test_samples: 24,
        hidden: vec![8],
        epochs: 12,
        ..quick(Experiment::Sketches)
    }
}

#[test]
fn sketches_lose_nothing_without_a_projection_and_less_the_wider_they_are() {
    let settings = Settings {
        methods: ["exact", "sjlt-1", "rademacher"].map(str::to_owned).to_vec(),
        widths: vec![32, 512],
        ..sketches()
    };
    let outcome = run(&settings, None, &Silent).unwrap();
    let line = |projection: &str, dim: usize, codec: &str| {
        let found = |line: &&SketchLine| {
            line.projection == projection && line.codec == codec && (line.exact || line.dim == dim)
        };
        outcome.sketches.iter().find(found).unwrap()
    };
    let exact = line("exact", 0, "f32");
    assert!(exact.exact && exact.dot[0] > 0.999_99 && exact.ridge[0] > 0.999_9 && exact.error[0] < 1e-6);
    for projection in ["sjlt-1", "rademacher"] {
        let (narrow, wide) = (line(projection, 32, "f32"), line(projection, 512, "f32"));
        assert!(narrow.dot[0] < wide.dot[0] && wide.dot[0] < exact.dot[0], "{projection}");
        assert!(narrow.error[0] > wide.error[0] && narrow.row_bytes < wide.row_bytes, "{projection}");
        // √(16) times as much, but for the draw of one seed.
        assert!((2.0..8.0).contains(&(narrow.error[0] / wide.error[0])), "{projection}");
    }
    for projection in ["exact", "sjlt-1", "rademacher"] {
        let [f32, f16, bf16, int8, sign] =
            ["f32", "f16", "bf16", "int8", "1-bit"].map(|codec| line(projection, 512, codec));
        assert!((f32.dot[0] - f16.dot[0]).abs() < 1e-3 && (f32.dot[0] - bf16.dot[0]).abs() < 5e-3);
        assert!(f32.dot[0] > int8.dot[0] - 1e-3 && int8.dot[0] > sign.dot[0], "{projection}");
        assert!(f32.row_bytes > f16.row_bytes && int8.row_bytes > sign.row_bytes, "{projection}");
        // Wider than the samples are many, only the way is measured that needs no moments
        // of rows.
        assert!(f32.rows == f32.streamed && f16.rows[0].is_nan() && f16.streamed[0] > 0.5);
    }
    for projection in ["sjlt-1", "rademacher"] {
        let (whole, half) = (line(projection, 32, "f32"), line(projection, 32, "f16"));
        let ways = [Way::Streamed, Way::Store, Way::Rows].map(|way| half.auroc(way)[0]);
        assert!(ways.iter().all(|auroc| (auroc - whole.streamed[0]).abs() < 0.02), "{projection} {ways:?}");
    }
}

#[test]
fn few_bits_bias_no_dot_product() {
    let settings = Settings {
        methods: ["exact", "sjlt-1"].map(str::to_owned).to_vec(),
        widths: vec![1024],
        ..sketches()
    };
    let lines = run(&settings, None, &Silent).unwrap().sketches;
    let slope = |projection: &str, codec: &str| {
        let found = |line: &&SketchLine| line.projection == projection && line.codec == codec;
        lines.iter().find(found).unwrap().dot_slope[0]
    };
    assert!((slope("exact", "f32") - 1.0).abs() < 1e-5);
    let sketched = slope("sjlt-1", "f32");
    assert!((sketched - 1.0).abs() < 0.1, "{sketched}");
    for codec in ["4-bit", "2-bit", "1-bit"] {
        let of_codes = slope("sjlt-1", codec);
        assert!((of_codes - sketched).abs() < 0.02, "{codec}: {of_codes} {sketched}");
    }
}

#[test]
fn every_projection_is_measured_and_measured_again_gives_the_same_figures() {
    let settings = Settings { hidden: vec![64], epochs: 1, widths: vec![2048], ..sketches() };
    let directory = tempfile::tempdir().unwrap();
    let fresh = run(&settings, Some(directory.path().to_owned()), &Silent).unwrap();
    let bits = |outcome: &Outcome| -> Vec<(&str, &str, usize, [u64; 3])> {
        let figures = |line: &SketchLine| [line.dot[0], line.rows[0], line.error[0]].map(f64::to_bits);
        outcome.sketches.iter().map(|l| (l.projection, l.codec, l.width, figures(l))).collect()
    };
    assert_eq!(fresh.sketches.len(), Codec::ALL.len() * PROJECTIONS.len());
    assert!(fresh.sketches.iter().all(|line| line.exact || line.width <= 2048));
    assert_eq!(bits(&run(&settings, Some(directory.path().to_owned()), &Silent).unwrap()), bits(&fresh));
    let few = Settings { methods: vec!["logra".to_owned()], ..settings.clone() };
    let again = run(&few, None, &Silent).unwrap();
    assert!(
        bits(&again).iter().all(|line| bits(&fresh).contains(line))
            && again.sketches.len() == Codec::ALL.len()
    );
    let unknown = Settings { methods: vec!["dot".to_owned()], ..settings };
    assert!(run(&unknown, None, &Silent).unwrap_err().to_string().contains("sjlt-4"));
}

#[test]
fn fairness_and_robustness_are_foretold_like_losses_by_the_methods_that_take_any_gradient() {
    for target in [Target::Utility, Target::Parity, Target::Opportunity, Target::Robustness] {
        let settings = Settings {
            target,
            share: 0.01,
            train_samples: 60,
            test_samples: 40,
            removals: vec![Removal::LastEpoch],
            ..quick(Experiment::Tsloo)
        };
        let outcome = run(&settings, None, &Silent).unwrap();
        let panel = &outcome.panels[0];
        assert_eq!(panel.title, format!("last-epoch removals of a share of 0.01, {}", target.name()));
        let mean = |name: &str| panel.lines.iter().find(|line| line.name == name).unwrap().mean();
        assert!(mean("sgd-influence") > 0.9, "{target:?} {}", mean("sgd-influence"));
        assert!(mean("dvemb") > 0.8, "{target:?} {}", mean("dvemb"));
        assert!(panel.lines.iter().all(|line| line.name != "trak-1"));
    }
}

#[test]
fn predictions_turn_on_the_samples_of_high_score_and_hardly_on_random_ones() {
    let settings = Settings {
        train_samples: 200,
        test_samples: 40,
        hidden: vec![8],
        epochs: 8,
        removed: vec![1, 30],
        methods: ["cosine", "ridge"].map(str::to_owned).to_vec(),
        ..quick(Experiment::Brittleness)
    };
    let outcome = run(&settings, None, &Silent).unwrap();
    let [one, rise, many, rises, _, in_sum] = &outcome.panels[..] else {
        panic!("{} panels", outcome.panels.len())
    };
    assert!(many.measure.starts_with("share") && rises.measure.starts_with("rise"));
    assert_eq!(rises.title, "without the 30 samples of highest score");
    assert_eq!(in_sum.title, "without the 30 samples of highest score in sum");
    let share = |panel: &Panel, name: &str| panel.lines.iter().find(|line| line.name == name).unwrap().mean();
    for name in ["cosine", "ridge"] {
        assert!(share(many, name) > share(one, name), "more samples, more flips: {name}");
        assert!(share(many, name) > share(many, "random") + 0.2, "{name} {}", share(many, name));
        assert!(share(rises, name) > share(rise, name), "more samples, more loss: {name}");
        assert!(share(rises, name) > share(rises, "random") + 0.3, "{name} {}", share(rises, name));
        assert!(share(in_sum, name) > share(in_sum, "random") + 0.02, "{name} {}", share(in_sum, name));
    }
}

#[test]
fn weights_close_part_of_the_gap_that_wrong_labels_of_one_group_open_and_dealt_at_random_they_do_not() {
    let settings = Settings {
        train_samples: 400,
        test_samples: 400,
        hidden: Vec::new(),
        epochs: 10,
        flip: 0.4,
        seeds: 2,
        ..quick(Experiment::Fairness)
    };
    let outcome = run(&settings, None, &Silent).unwrap();
    let [gap, _, accuracy] = &outcome.panels[..] else { panic!("{} panels", outcome.panels.len()) };
    let mean = |panel: &Panel, name: &str| panel.lines.iter().find(|line| line.name == name).unwrap().mean();
    let [before, fair, dealt] = ["before", "fairif", "dealt"].map(|name| mean(gap, name));
    assert!(fair < 0.7 * before, "{before} {fair}");
    assert!(dealt > fair, "{dealt} {fair}");
    assert!(mean(accuracy, "fairif") > 0.7);
    let refused = Settings { methods: vec!["dot".to_owned()], ..settings };
    let message = run(&refused, None, &Silent).unwrap_err().to_string();
    assert!(message.contains("none in the experiment fairness"), "{message}");
}

/// A file of two clouds of points, far apart in units that differ a thousandfold.
fn clouds(directory: &Path) -> Source {
    let set = blobs(80, 2, 3, 2.0, 5).unwrap();
    let mut text = "a,b,c,label\n".to_owned();
    for (x, label) in set.samples() {
        text +=
            &format!("{},{},{},{}\n", 1000.0 * x[0], x[1], 0.001 * x[2], ["left", "right"][label as usize]);
    }
    let path = directory.join("clouds.csv");
    std::fs::write(&path, text).unwrap();
    path.display().to_string().parse().unwrap()
}

#[test]
fn every_experiment_that_takes_any_data_runs_on_a_file_and_on_the_table() {
    let directory = tempfile::tempdir().unwrap();
    for data in [Source::Table, clouds(directory.path())] {
        for experiment in ALL.into_iter().chain([Experiment::Sketches]) {
            let method = match experiment {
                Experiment::Shapley => None,
                Experiment::Sketches => Some("sjlt-1"),
                _ => Some("dot"),
            };
            let methods = method.map(str::to_owned).into_iter().collect();
            let settings = Settings { methods, ..Settings::of(experiment).on(data.clone()).quick() };
            let outcome = run(&settings, None, &Silent).unwrap();
            let inputs = if data == Source::Table { 30 } else { 3 };
            assert_eq!(outcome.shape, Some([inputs, 2]));
            assert!(outcome.accuracy > 0.6, "{data} {experiment:?}: {}", outcome.accuracy);
        }
    }
    let missing = quick(Experiment::Lds).on("no/such.csv".parse().unwrap());
    assert!(run(&missing, None, &Silent).unwrap_err().to_string().contains("no/such.csv"));
    let streams = quick(Experiment::Streams).on(Source::Table);
    assert!(run(&streams, None, &Silent).unwrap_err().to_string().contains("expected digits in"));
    let parity = Settings { target: Target::Parity, ..quick(Experiment::Tsloo).on(Source::Table) };
    assert!(run(&parity, None, &Silent).unwrap_err().to_string().contains("samples or utility"));
}

#[test]
fn truths_of_other_data_and_of_other_noise_are_kept_apart() {
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("cache");
    let of = |data: &Source, noise| Settings {
        noise,
        methods: vec!["dot".to_owned()],
        ..quick(Experiment::Lds).on(data.clone())
    };
    let all: Vec<Settings> = [(Source::Digits, 0.0), (Source::Digits, 0.2), (Source::Table, 0.0)]
        .iter()
        .chain(&[(clouds(directory.path()), 0.0)])
        .map(|(data, noise)| of(data, *noise))
        .collect();
    for settings in &all {
        let alone = run(settings, None, &Silent).unwrap();
        for _ in 0..2 {
            let kept = run(settings, Some(cache.clone()), &Silent).unwrap();
            assert_eq!(figures(&kept), figures(&alone), "{}", settings.data);
        }
    }
    assert_eq!(std::fs::read_dir(&cache).unwrap().count(), all.len());
}

#[test]
fn noise_flips_its_share_of_the_training_labels_and_leaves_the_test_alone() {
    let clean = Settings { train_samples: 200, test_samples: 50, ..quick(Experiment::Lds) };
    let noisy = Settings { noise: 0.1, ..clean.clone() };
    let (clean, noisy) = (Task::new(&clean, 3).unwrap(), Task::new(&noisy, 3).unwrap());
    let changed = clean.train.labels().iter().zip(noisy.train.labels()).filter(|(a, b)| a != b).count();
    assert_eq!((changed, clean.test), (20, noisy.test));
    let refused = |settings: Settings| run(&settings, None, &Silent).unwrap_err().to_string();
    assert!(refused(Settings { noise: 1.0, ..quick(Experiment::Lds) }).contains("below 1"));
    assert!(refused(Settings { noise: 0.1, ..quick(Experiment::Flips) }).contains("0 in the experiment"));
}

#[test]
fn each_damping_has_a_line_and_the_usual_one_is_what_none_takes() {
    let names = ["dot", "ridge", "cg", "lissa", "ek-fac", "trak-1"];
    let usual =
        Settings { methods: names.map(str::to_owned).to_vec(), ..quick(Experiment::Lds).on(Source::Table) };
    let means = |settings: &Settings| -> Vec<(String, f64)> {
        let outcome = run(settings, None, &Silent).unwrap();
        outcome.panels[0].lines.iter().map(|line| (line.name.clone(), line.mean())).collect()
    };
    let own = means(&usual);
    let several = means(&Settings { damping: vec![0.1, 100.0], ..usual.clone() });
    assert_eq!(several.len(), 1 + 2 * 5);
    for (name, mean) in &own[1..] {
        let with = |damping| several.iter().find(|(other, _)| *other == format!("{name} damping {damping}"));
        assert_eq!(with(0.1).unwrap().1, *mean, "{name}");
        assert_ne!(with(100.0).unwrap().1, *mean, "{name}");
    }
    let refused = Settings { damping: vec![0.0], ..usual };
    assert!(run(&refused, None, &Silent).unwrap_err().to_string().contains("finite and above 0"));
}

#[test]
fn means_over_targets_have_an_interval_around_them() {
    let settings = Settings { methods: vec!["dot".to_owned()], ..quick(Experiment::Tsloo) };
    let outcome = run(&settings, None, &Silent).unwrap();
    for panel in &outcome.panels {
        let line = &panel.lines[0];
        let [low, high] = line.interval.unwrap();
        assert!(low < line.mean() && line.mean() < high, "{low} {} {high}", line.mean());
    }
    let flips = Settings { methods: vec!["dot".to_owned()], ..quick(Experiment::Flips) };
    let outcome = run(&flips, None, &Silent).unwrap();
    assert_eq!(outcome.panels[0].lines[0].interval, None, "an AUROC is of no targets");
}
