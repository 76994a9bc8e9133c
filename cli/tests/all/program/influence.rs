//! `gradsieve influence`: its figures are NumPy's, whatever the method and the form of
//! the files.

use std::fs;

use gradsieve_io::files::Dtype;

use super::place::{Place, ROUNDINGS, array, assert_close, noise, numpy};

#[test]
fn influence_on_files_is_numpy_s_matrix_product_to_f32_rounding() {
    let place = Place::new();
    for kind in ["f2", "f4", "f8"] {
        let (train, target) = (numpy(&format!("train-{kind}")), numpy(&format!("target-{kind}")));
        let arguments = ["influence", "--train", &train, "--target", &target, "--method", "dot"];
        place.succeed(&[&arguments[..], &["-o", "I.npy", "--dtype", "f64"]].concat());
        let found: Vec<f64> = place.array("I.npy");
        let expected: Vec<f64> = array(numpy(&format!("dot-{kind}")));
        let scale: Vec<f64> = array(numpy(&format!("scale-{kind}")));
        assert_eq!(place.shape("I.npy"), [12, 3]);
        assert_close(&found, &expected, |i| ROUNDINGS * scale[i]);

        place.succeed(&[&arguments[..], &["-o", "I32.npy"]].concat());
        let rounded: Vec<f32> = found.iter().map(|&value| value as f32).collect();
        assert_eq!(place.array::<f32>("I32.npy"), rounded);
    }
}

#[test]
fn cosine_and_tracin_over_two_checkpoints_are_numpy_s() {
    let place = Place::new();
    let files = ["train-f4", "target-f4", "train2-f4", "target2-f4"].map(numpy);
    let [train, target, train2, target2] = files.each_ref().map(String::as_str);
    let scale: Vec<f64> = array(numpy("scale-f4"));

    let arguments = ["influence", "--train", train, "--target", target, "--method", "cosine"];
    place.succeed(&[&arguments[..], &["-o", "C.npy", "--dtype", "f64"]].concat());
    let expected: Vec<f64> = array(numpy("cosine"));
    // A cosine's terms sum to 1 at most in magnitude, but for the factor that Cauchy and
    // Schwarz allow.
    assert_close(&place.array("C.npy"), &expected, |_| 3.0 * ROUNDINGS);

    let first = ["influence", "--method", "tracin", "--train", train, "--target", target, "--lr", "0.1"];
    let second = ["--train", train2, "--target", target2, "--lr", "0.02", "-o", "T.npy", "--dtype", "f64"];
    place.succeed(&[&first[..], &second[..]].concat());
    let expected: Vec<f64> = array(numpy("tracin"));
    assert_close(&place.array("T.npy"), &expected, |i| 0.2 * ROUNDINGS * scale[i]);
}

#[test]
fn long_rows_of_any_size_have_their_products_and_cosines() {
    const WIDTH: usize = 3000;
    let place = Place::new();
    let sizes = [1.0, 1e30, 1e-30];
    let rows = |from: usize, other: usize| -> Vec<f32> {
        let all = noise((other + 3) * WIDTH);
        all.iter().skip(from * WIDTH).enumerate().map(|(i, x)| x * sizes[i / WIDTH % 3] as f32).collect()
    };
    let (trains, targets) = (rows(0, 0), rows(3, 3));
    place.write("T.npy", &[3, WIDTH], Dtype::F32, &trains);
    place.write("V.npy", &[3, WIDTH], Dtype::F32, &targets);
    let wide =
        |x: &[f32], y: &[f32]| -> f64 { x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum() };
    let pairs: Vec<(&[f32], &[f32])> =
        trains.chunks(WIDTH).flat_map(|x| targets.chunks(WIDTH).map(move |y| (x, y))).collect();
    let lengths: Vec<f64> = pairs.iter().map(|(x, y)| (wide(x, x) * wide(y, y)).sqrt()).collect();
    let dots: Vec<f64> = pairs.iter().map(|(x, y)| wide(x, y)).collect();
    let arguments = ["influence", "--train", "T.npy", "--target", "V.npy", "--method"];
    place.succeed(&[&arguments[..], &["dot", "-o", "D.npy", "--dtype", "f64"]].concat());
    assert_close(&place.array("D.npy"), &dots, |i| ROUNDINGS * lengths[i]);
    place.succeed(&[&arguments[..], &["cosine", "-o", "C.npy", "--dtype", "f64"]].concat());
    let cosines: Vec<f64> = dots.iter().zip(&lengths).map(|(dot, length)| dot / length).collect();
    assert_close(&place.array("C.npy"), &cosines, |_| 3.0 * ROUNDINGS);
    // An f32 has no room for them, in an array or a table.
    for output in ["D32.npy", "D32.csv"] {
        let error = place.fail(&[&arguments[..], &["dot", "-o", output]].concat());
        assert!(error.contains("expected numbers within the range of f32, found"), "{error}");
        assert!(!place.path(output).exists());
    }
}

#[test]
fn ridge_influence_is_numpy_s_solution() {
    let place = Place::new();
    let (train, target) = (numpy("train-f4"), numpy("target-f4"));
    let arguments = ["influence", "--train", &train, "--target", &target, "--method", "ridge"];
    place.succeed(&[&arguments[..], &["-o", "R.npy", "--dtype", "f64"]].concat());
    let expected: Vec<f64> = array(numpy("ridge"));
    let largest = expected.iter().fold(0.0, |max: f64, value| max.max(value.abs()));
    // f32 Cholesky of a matrix whose condition number is below 10 K = 670.
    assert_close(&place.array("R.npy"), &expected, |_| 670.0 * f64::from(f32::EPSILON) * largest);
}

/// Influence of the golden gradients by a method, in f64.
fn influence(place: &Place, method: &str, more: &[&str]) -> Vec<f64> {
    let (train, target) = (numpy("train-f4"), numpy("target-f4"));
    let arguments = ["influence", "--train", &train, "--target", &target, "--method", method];
    place.succeed(&[&arguments[..], more, &["-o", "I.npy", "--dtype", "f64"]].concat());
    place.array("I.npy")
}

#[track_caller]
fn assert_numpy_s(found: &[f64], name: &str, part: f64) {
    let expected: Vec<f64> = array(numpy(name));
    let largest = expected.iter().fold(0.0, |max: f64, value| max.max(value.abs()));
    assert_close(found, &expected, |_| part * largest);
}

/// Arguments of a second checkpoint of the golden gradients.
fn second_checkpoint() -> [String; 4] {
    ["--train".to_owned(), numpy("train2-f4"), "--target".to_owned(), numpy("target2-f4")]
}

#[test]
fn methods_that_solve_for_targets_are_numpy_s_definitions() {
    let place = Place::new();
    let f32_solve = 670.0 * f64::from(f32::EPSILON);
    assert_numpy_s(&influence(&place, "ridge", &["--damping", "1"]), "ridge-strong", f32_solve);
    assert_numpy_s(&influence(&place, "cg", &["--tolerance", "1e-6"]), "ridge", f32_solve);
    assert_numpy_s(&influence(&place, "datainf", &[]), "datainf", 1e-5);
    assert_numpy_s(&influence(&place, "datainf", &["--layers", "40,20,7"]), "datainf-layers", 1e-5);
    let train: Vec<f32> = array(numpy("train-f4"));
    let trace = train.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>() / 12.0;
    let step = (1.0 / (trace + 0.1 * trace / 67.0)).to_string();
    let twelve = ["--passes", "12", "--step", &step, "--accept-inexact"];
    assert_numpy_s(&influence(&place, "lissa", &twelve), "lissa12", 1e-5);

    let one_minus_p = [numpy("one_minus_p"), numpy("one_minus_p2")];
    let one = ["--one-minus-p", &one_minus_p[0]];
    assert_numpy_s(&influence(&place, "trak", &one), "trak", f32_solve);
    let second = second_checkpoint();
    let two = second.iter().map(String::as_str).chain(one).chain(["--one-minus-p", &one_minus_p[1]]);
    assert_numpy_s(&influence(&place, "trak", &two.collect::<Vec<_>>()), "trak2", f32_solve);
}

#[test]
fn methods_over_directions_at_several_checkpoints_are_numpy_s() {
    let place = Place::new();
    let second = second_checkpoint();
    let second: Vec<&str> = second.iter().map(String::as_str).collect();
    assert_numpy_s(&influence(&place, "retrac", &second), "retrac", 1e-5);
    let rates = [&second[..], &["--lr", "0.1", "--lr", "0.02"]].concat();
    assert_numpy_s(&influence(&place, "less", &rates), "less", 1e-5);
    let subtasks = numpy("subtasks");
    let with = [&rates[..], &["--subtasks", &subtasks]].concat();
    assert_numpy_s(&influence(&place, "less", &with), "less-subtasks", 1e-5);
    assert_eq!(place.shape("I.npy"), [12, 1]);
    // One checkpoint is a cosine.
    assert_numpy_s(&influence(&place, "retrac", &[]), "cosine", 1e-5);
    assert_numpy_s(&influence(&place, "less", &[]), "cosine", 1e-5);
}

#[test]
fn iterations_say_how_far_they_came_and_when_they_diverge() {
    let place = Place::new();
    let (train, target) = (numpy("train-f4"), numpy("target-f4"));
    let cg = ["influence", "--train", &train, "--target", &target, "--method", "cg", "-o", "I.npy", "--json"];
    let report = place.json(&cg);
    assert_eq!(report["solver"]["converged"], true);
    assert!(report["solver"]["residual"].as_f64().unwrap() <= 1e-4, "{report}");

    fs::remove_file(place.path("I.npy")).unwrap();
    let lissa = ["influence", "--train", &train, "--target", &target, "--method", "lissa", "-o", "I.npy"];
    let message = place.fail(&[&lissa[..], &["--step", "100"]].concat());
    assert!(
        message.ends_with(
            "train-f4.npy: LiSSA cannot be computed: the iteration diverges; a smaller step or a larger damping is needed"
        ),
        "{message}"
    );
    assert_eq!(place.files(), [""; 0]);
}

#[test]
fn rows_longer_than_a_buffer_have_the_bits_of_whole_dot_products() {
    let place = Place::new();
    let (width, rows, targets) = (150_001, 5, 2);
    let values = noise(width * (rows + targets));
    let (train, target) = values.split_at(width * rows);
    place.write("T.npy", &[rows, width], Dtype::F32, train);
    place.write("V.npy", &[targets, width], Dtype::F32, target);
    let arguments = ["influence", "--train", "T.npy", "--target", "V.npy", "--method", "dot"];
    place.succeed(&[&arguments[..], &["-o", "I.npy", "--dtype", "f64"]].concat());
    let expected: Vec<f64> = train
        .chunks(width)
        .flat_map(|t| target.chunks(width).map(|v| gradsieve_kernels::dot(t, v).unwrap()))
        .collect();
    assert_eq!(place.array::<f64>("I.npy"), expected);
}

#[test]
fn influence_on_sketches_is_the_influence_of_the_sketches() {
    let place = Place::new();
    let (train, target) = (numpy("train-f4"), numpy("target-f8"));
    let settings = ["--dim", "64", "--seed", "5", "--repeat", "2"];
    place.succeed(&[&["sketch", &train, "-o", "T.npy"], &settings[..]].concat());
    place.succeed(&[&["sketch", &target, "-o", "V.npy"], &settings[..]].concat());
    for method in ["dot", "cosine", "tracin", "ridge", "datainf", "cg"] {
        let method = ["--method", method];
        let direct = ["influence", "--train", &train, "--target", &target, "-o", "direct.npy"];
        place.succeed(&[&direct[..], &method, &settings[..]].concat());
        let twice = ["influence", "--train", "T.npy", "--target", "V.npy", "-o", "twice.npy"];
        place.succeed(&[&twice[..], &method].concat());
        assert_eq!(place.array::<f32>("direct.npy"), place.array::<f32>("twice.npy"));
    }
}

#[test]
fn proponents_and_opponents_are_printed_for_each_target() {
    let place = Place::new();
    place.write("T.npy", &[4, 2], Dtype::F32, &[1.0, 0.0, -2.0, 0.0, 3.0, 1.0, 0.0, -5.0]);
    place.write("V.npy", &[2, 2], Dtype::F32, &[1.0, 0.0, 0.0, 1.0]);
    let arguments = ["influence", "--train", "T.npy", "--target", "V.npy", "--method", "dot", "--top", "2"];
    let report = place.json(&[&arguments[..], &["--json"]].concat());
    let expected = serde_json::json!({
        "method": "dot", "train_rows": 4, "target_rows": 2, "non_finite_train": [], "non_finite_target": [],
        "targets": [
            {"index": 0,
             "proponents": [{"index": 2, "influence": 3.0}, {"index": 0, "influence": 1.0}],
             "opponents": [{"index": 1, "influence": -2.0}]},
            {"index": 1,
             "proponents": [{"index": 2, "influence": 1.0}],
             "opponents": [{"index": 3, "influence": -5.0}]},
        ]
    });
    assert_eq!(report, expected);
    let table = place.succeed(&arguments);
    assert!(table.contains("helpful sample") && table.contains("3.00000"), "{table}");
    assert_eq!(place.files(), ["T.npy", "V.npy"]);
}

#[test]
fn a_non_finite_sample_or_target_has_no_influence_and_spoils_no_other() {
    let place = Place::new();
    place.write("T.npy", &[3, 2], Dtype::F32, &[1.0, 2.0, f32::NAN, 0.0, 3.0, 4.0]);
    place.write("V.npy", &[2, 2], Dtype::F32, &[1.0, 1.0, f32::INFINITY, 1.0]);
    for method in ["dot", "cosine", "tracin", "retrac", "less", "ridge", "datainf", "lissa", "cg"] {
        let arguments =
            ["influence", "--train", "T.npy", "--target", "V.npy", "-o", "I.npy", "--method", method];
        let more = if method == "lissa" { &["--passes", "1000"][..] } else { &[] };
        let output = place.run(&[&arguments[..], more].concat());
        assert!(output.status.success());
        let remarks = String::from_utf8(output.stderr).unwrap();
        assert!(remarks.contains("T.npy: row 1 has NaN or infinite entries"), "{remarks}");
        assert!(remarks.contains("V.npy: row 1 has NaN or infinite entries"), "{remarks}");
        let finite: Vec<bool> = place.array::<f32>("I.npy").iter().map(|value| value.is_finite()).collect();
        assert_eq!(finite, [true, false, false, false, true, false], "{method}");
    }
    assert_eq!(place.array::<f32>("I.npy").len(), 6);
}
