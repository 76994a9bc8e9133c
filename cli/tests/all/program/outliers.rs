//! `gradsieve outliers`: the core's scores, and what is flagged.

use std::fs;

use gradsieve::outlier::{Detector as _, Direction, DirectionSettings, Forest, ForestSettings, Node};
use gradsieve::{Key, Layout, Projector as _, Repeat, Sjlt, Sketch, Summary};
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
    let projector = Sjlt::new(dim, Key::seed(3), Repeat::One).unwrap();
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
    let settings = DirectionSettings::new(2, dim);
    let mut direction = Direction::new(settings, vec![0; settings.memory().i64s]).unwrap();
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

#[test]
fn a_sample_that_is_alone_in_its_group_is_as_suspicious_as_its_norm() {
    let place = Place::new();
    let mut rows = noise(40 * 64);
    place.write("g.npy", &[40, 64], Dtype::F32, &rows);
    let scores = |labels: &dyn Fn(usize) -> usize| {
        fs::write(place.path("l.txt"), (0..40).map(|i| format!("{}\n", labels(i))).collect::<String>())
            .unwrap();
        let arguments = ["outliers", "g.npy", "--detector", "direction", "--groups", "l.txt", "-o", "s.npy"];
        let output = place.run(&arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        place.array::<f64>("s.npy")
    };
    let alone = |i: usize| if i == 7 { 9 } else { i % 3 };
    let found = scores(&alone);
    assert!(found[7] >= 2.0, "{}", found[7]);
    let worse = found.iter().filter(|&&score| score > found[7]).count();
    assert!(worse < 35, "{worse}");
    // All alone: the norms decide.
    assert!(scores(&|i| i).iter().all(|&score| score >= 2.0));
    // The other one of its group is not finite.
    rows[8 * 64] = f32::NAN;
    place.write("g.npy", &[40, 64], Dtype::F32, &rows);
    let found = scores(&|i| if i == 7 || i == 8 { 9 } else { i % 3 });
    assert!(found[7] >= 2.0 && found[8] == f64::INFINITY);
}

#[test]
fn a_finite_entry_beyond_f32_is_called_that_with_its_place() {
    let place = Place::new();
    let mut bytes = npy_of_f64(
        &[7, 3],
        &[
            [1.0, 2.0, 3.0],
            [1.0, 1e39, 5.0],
            [f64::NAN, 1.0, 1.0],
            [f64::NAN, -1e300, 1.0],
            [2.0, -1.0, 1.0],
            [1.0, 1.0, -3.0],
            [0.5, -2.0, 0.0],
        ]
        .concat(),
    );
    fs::write(place.path("g.npy"), &bytes).unwrap();
    for detector in ["l1", "l2", "forest", "mahalanobis", "direction", "self-influence"] {
        let output = place.run(&["outliers", "g.npy", "--detector", detector, "--json"]);
        let said = String::from_utf8_lossy(&output.stderr);
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            (&json["out_of_range"], &json["non_finite"]),
            (&serde_json::json!([1]), &serde_json::json!([2, 3]))
        );
        assert!(
            said.contains("row 1 has a finite entry too large for f32 (at most 3.4e38), in column 1"),
            "{said}"
        );
        assert!(said.contains("2 rows have NaN or infinite entries: 2, 3"), "{said}");
    }
    let output = place.run(&["sketch", "g.npy", "-o", "s.npy", "--dim", "32"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("too large for f32"));
    let arguments = ["influence", "--method", "dot", "--train", "g.npy", "--target", "g.npy", "-o", "i.npy"];
    assert!(String::from_utf8_lossy(&place.run(&arguments).stderr).contains("too large for f32"));
    let json = place.json(&[&arguments[..], &["--json"]].concat());
    for side in ["train", "target"] {
        assert_eq!(json[format!("out_of_range_{side}")], serde_json::json!([1]));
        assert_eq!(json[format!("non_finite_{side}")], serde_json::json!([2, 3]));
    }
    // Without a row that is within the range.
    bytes = npy_of_f64(&[1, 2], &[1e39, 1.0]);
    fs::write(place.path("g.npy"), &bytes).unwrap();
    let refusal = place.fail(&["outliers", "g.npy", "--detector", "mahalanobis"]);
    assert!(refusal.contains("too large for f32 in row 0, column 0"), "{refusal}");
}

/// A `.npy` of f64.
fn npy_of_f64(shape: &[usize], values: &[f64]) -> Vec<u8> {
    let shape = shape.iter().map(|d| format!("{d}, ")).collect::<String>();
    let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({shape}), }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}
