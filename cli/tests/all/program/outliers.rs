//! `gradsieve outliers`: the core's scores, and what is flagged.

use std::fs;

use gradsieve::outlier::{Detector as _, Direction, DirectionSettings, Forest, ForestSettings, Node};
use gradsieve::{Layout, Projector as _, Repeat, Sjlt, Sketch, Summary};
use gradsieve_io::files::Dtype;
use serde_json::Value;

use super::place::{Place, ROUNDINGS, array, assert_close, noise, numpy, sketch};

#[test]
fn norms_and_quadratic_forms_of_files_are_numpy_s() {
    let place = Place::new();
    let scores = |file: &str, detector: &str| {
        place.succeed(&["outliers", file, "--detector", detector, "-o", "s.npy"]);
        place.array::<f64>("s.npy")
    };
    for kind in ["f2", "f4", "f8"] {
        let file = numpy(&format!("train-{kind}"));
        for norm in ["l1", "l2"] {
            let expected: Vec<f64> = array(numpy(&format!("{norm}-{kind}")));
            assert_close(&scores(&file, norm), &expected, |i| 2.0 * ROUNDINGS * expected[i]);
        }
    }
    for detector in ["self-influence", "mahalanobis"] {
        let expected: Vec<f64> = array(numpy(detector));
        let bound = 670.0 * f64::from(f32::EPSILON);
        assert_close(&scores(&numpy("train-f4"), detector), &expected, |i| bound * expected[i]);
    }
}

#[test]
fn detectors_on_a_file_score_as_the_core_does_on_its_sketches() {
    let place = Place::new();
    let (rows, width, dim) = (40, 300, 64);
    let values = noise(rows * width);
    let labels: Vec<f32> = (0..rows).map(|i| if i % 3 == 0 { 7.0 } else { 900.0 }).collect();
    place.write("G.npy", &[rows, width], Dtype::F32, &values);
    place.write("labels.npy", &[rows], Dtype::F32, &labels);
    let projector = Sjlt::new(dim, 3, Repeat::One).unwrap();
    let id = projector.id(Layout::flat(width as u64).unwrap().id());
    let (sketches, measures): (Vec<Vec<f32>>, Vec<Summary>) =
        values.chunks(width).map(|row| sketch(projector, row)).unzip();
    let arguments = ["outliers", "G.npy", "--dim", "64", "--seed", "3", "-o", "s.npy", "--detector"];

    place.succeed(&[&arguments[..], &["forest"]].concat());
    let settings = ForestSettings { seed: 3, ..ForestSettings::new(0, dim) };
    let memory = settings.memory();
    let mut forest = Forest::new(settings, vec![Node::EMPTY; memory.others], vec![0.0; memory.f32s]).unwrap();
    forest.grow(id, &sketches.concat()).unwrap();
    let expected: Vec<f64> = sketches.iter().map(|row| forest.score_row(row).unwrap()).collect();
    assert_eq!(place.array::<f64>("s.npy"), expected);

    place.succeed(&[&arguments[..], &["direction", "--groups", "labels.npy"]].concat());
    let settings = DirectionSettings { groups: 2, width: dim };
    let mut direction = Direction::new(settings, vec![0.0; settings.memory().f32s]).unwrap();
    let rows: Vec<Sketch<'_>> = (sketches.iter().zip(measures).enumerate())
        .map(|(i, (row, measures))| {
            Sketch::from_parts(id, row, measures).unwrap().in_group(u32::from(i % 3 != 0))
        })
        .collect();
    rows.iter().for_each(|row| direction.observe(row).unwrap());
    let expected: Vec<f64> = rows.iter().map(|row| direction.score(row, &mut []).unwrap()).collect();
    assert_eq!(place.array::<f64>("s.npy"), expected);
}

#[test]
fn the_share_above_the_threshold_is_flagged_the_most_suspicious_first() {
    let place = Place::new();
    let values: Vec<f32> = (0..100).map(|i| ((i * 37) % 100) as f32).collect();
    place.write("G.npy", &[100, 1], Dtype::F32, &values);
    let report = place.json(&["outliers", "G.npy", "--detector", "l1", "--contamination", "0.03", "--json"]);
    let expected = serde_json::json!({
        "detector": "l1", "rows": 100, "non_finite": [], "threshold": report["threshold"],
        "flagged": [{"index": 27, "score": 99.0}, {"index": 54, "score": 98.0}, {"index": 81, "score": 97.0}],
    });
    assert_eq!(report, expected);
    let threshold = report["threshold"].as_f64().unwrap();
    assert!(threshold > 96.0 && threshold < 97.0);
    let table = place.succeed(&["outliers", "G.npy", "--detector", "l1", "--contamination", "0.03"]);
    assert!(table.starts_with("G.npy: 3 of 100 samples flagged by l1"), "{table}");
}

#[test]
fn non_finite_gradients_are_flagged_and_named_by_every_detector_and_stop_none() {
    let place = Place::new();
    let mut values = noise(30 * 50);
    values[4 * 50 + 9] = f32::NAN;
    values[20 * 50] = f32::INFINITY;
    place.write("G.npy", &[30, 50], Dtype::F32, &values);
    for detector in ["l1", "l2", "forest", "mahalanobis", "direction", "self-influence"] {
        let arguments = ["outliers", "G.npy", "--detector", detector, "-o", "s.npy", "--json"];
        let output = place.run(&arguments);
        let remarks = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{remarks}");
        assert!(remarks.contains("G.npy: 2 rows have NaN or infinite entries: 4, 20"), "{remarks}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["non_finite"], serde_json::json!([4, 20]));
        assert_eq!(report["flagged"][0], serde_json::json!({"index": 4, "score": null}));
        assert_eq!(report["flagged"][1], serde_json::json!({"index": 20, "score": null}));
        assert_eq!(report["flagged"].as_array().unwrap().len(), 4, "{detector}");
        let infinite: Vec<usize> =
            (0..30).filter(|&i| place.array::<f64>("s.npy")[i].is_infinite()).collect();
        assert_eq!(infinite, [4, 20]);
    }
}

#[test]
fn gradients_of_which_none_is_finite_are_flagged_by_norms_and_refused_by_what_has_to_learn() {
    let place = Place::new();
    place.write("G.npy", &[2, 3], Dtype::F32, &[f32::NAN; 6]);
    let report = place.json(&["outliers", "G.npy", "--detector", "l2", "--json"]);
    assert_eq!(report["flagged"].as_array().unwrap().len(), 2);
    assert_eq!(report["threshold"], Value::Null);
    for detector in ["forest", "mahalanobis", "direction", "self-influence"] {
        let refusal = place.fail(&["outliers", "G.npy", "--detector", detector, "-o", "s.npy"]);
        assert_eq!(refusal, "G.npy: expected at least one row of finite gradients, found none among 2");
    }
    assert_eq!(place.files(), ["G.npy"]);
}

#[test]
fn groups_by_any_name_have_the_same_scores() {
    let place = Place::new();
    place.write("g.npy", &[60, 32], Dtype::F32, &noise(60 * 32));
    let scores = |name: &str, text: String| {
        fs::write(place.path(name), text).unwrap();
        place.succeed(&["outliers", "g.npy", "--detector", "direction", "--groups", name, "-o", "s.npy"]);
        place.array::<f64>("s.npy")
    };
    let lines = |label: [&str; 2]| -> String { (0..60).map(|i| format!("{}\n", label[i % 2])).collect() };
    let expected = scores("l.txt", lines(["0", "1"]));
    assert_eq!(scores("l.txt", lines(["-1", "1"])), expected);
    assert_eq!(scores("l.csv", lines(["-100", "9007199254740993"])), expected);
    assert_eq!(scores("l.csv", format!("species\n{}", lines(["cat", "dog"]))), expected);
}
