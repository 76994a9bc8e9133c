//! `gradsieve outliers`: several detectors at once, losses, ids, and how many are
//! flagged.

use std::fs;

use gradsieve_io::files::{Dtype, ParquetTable};
use serde_json::{Value, json};

use super::place::{Place, noise};

const ALL: [&str; 7] = ["l1", "l2", "forest", "mahalanobis", "direction", "self-influence", "loss"];

/// g.npy with a row that is not finite, and loss.npy with a loss that is not.
fn place() -> Place {
    let place = Place::new();
    let mut values = noise(90 * 40);
    values[11 * 40] = f32::NAN;
    place.write("g.npy", &[90, 40], Dtype::F32, &values);
    let mut losses: Vec<f32> = noise(90).iter().map(|loss| loss.abs()).collect();
    losses[5] = f32::NAN;
    place.write("loss.npy", &[90], Dtype::F32, &losses);
    place
}

fn indices(flagged: &Value) -> Vec<u64> {
    flagged.as_array().unwrap().iter().map(|one| one["index"].as_u64().unwrap()).collect()
}

#[test]
fn several_detectors_in_shared_passes_score_and_flag_as_each_alone() {
    let place = place();
    let loss = |detector: &str| match detector {
        "loss" | "direction" => &["--loss", "loss.npy"][..],
        _ => &[],
    };
    let arguments = ["outliers", "g.npy", "--loss", "loss.npy", "-o", "all.npy", "--json", "--detector"];
    let several = place.json(&[&arguments[..], &[&ALL.join(",")]].concat());
    assert_eq!((place.shape("all.npy"), &several["rows"]), (vec![90, 7], &json!(90)));
    let all = place.array::<f64>("all.npy");
    for (at, detector) in ALL.into_iter().enumerate() {
        let arguments = ["outliers", "g.npy", "--detector", detector, "-o", "s.npy", "--json"];
        let mut one = place.json(&[&arguments[..], loss(detector)].concat());
        assert_eq!(one.as_object_mut().unwrap().remove("rows"), Some(json!(90)));
        assert_eq!(several["detectors"][at], one);
        let column: Vec<f64> = all.iter().skip(at).step_by(7).copied().collect();
        assert_eq!(column, place.array::<f64>("s.npy"), "{detector}");
    }
    let repeated = [&arguments[..], &["l2", "--detector", "loss"]].concat();
    assert_eq!(place.json(&repeated)["detectors"][1]["detector"], "loss");
}

#[test]
fn the_detector_loss_ranks_by_the_loss_and_what_is_no_number_first() {
    let place = place();
    let report = place.json(&[
        "outliers",
        "g.npy",
        "--detector",
        "loss",
        "--loss",
        "loss.npy",
        "-o",
        "s.npy",
        "--json",
    ]);
    assert_eq!(report["non_finite"], json!([5, 11]));
    assert_eq!(indices(&report["flagged"])[..2], [5, 11]);
    let losses = place.array::<f32>("loss.npy");
    for (row, score) in place.array::<f64>("s.npy").into_iter().enumerate() {
        let expected = if [5, 11].contains(&row) { f64::INFINITY } else { f64::from(losses[row]) };
        assert_eq!(score, expected, "{row}");
    }
}

#[test]
fn direction_counts_a_large_loss_like_a_long_gradient_and_a_small_one_not_at_all() {
    let place = place();
    let scores = |options: &[&str]| {
        place.succeed(&[&["outliers", "g.npy", "--detector", "direction", "-o", "s.npy"], options].concat());
        place.array::<f64>("s.npy")
    };
    let plain = scores(&[]);
    let mut losses = vec![1.0; 90];
    losses[20] = 1e6;
    losses[21] = 1e-6;
    place.write("l.npy", &[90], Dtype::F32, &losses);
    let found = scores(&["--loss", "l.npy"]);
    assert!(found[20] > plain[20] + 5.0, "{} after {}", found[20], plain[20]);
    assert_eq!(found[21], plain[21]);
}

#[test]
fn the_top_are_so_many_and_named() {
    let place = place();
    let ids: String = (0..90).map(|row| format!("{:03}.png\n", 7 * row)).collect();
    fs::write(place.path("ids.txt"), ids).unwrap();
    let top = ["outliers", "g.npy", "--detector", "l2", "--ids", "ids.txt", "--top"];
    let report = place.json(&[&top[..], &["4", "--json", "-o", "s.npy"]].concat());
    let mut order: Vec<usize> = (0..90).collect();
    let scores = place.array::<f64>("s.npy");
    order.sort_by(|&one, &other| scores[other].total_cmp(&scores[one]));
    let flagged = report["flagged"].as_array().unwrap();
    let expected: Vec<u64> = order[..4].iter().map(|&row| row as u64).collect();
    assert_eq!(indices(&report["flagged"]), expected);
    assert_eq!(flagged[0], json!({"index": 11, "id": "077.png", "score": null}));
    assert_eq!(report["threshold"], json!(scores[order[4]]));
    let text = place.succeed(&[&top[..], &["4"]].concat());
    assert!(text.contains("the 4 most suspicious of 90 samples by l2") && text.contains("077.png"), "{text}");
    assert_eq!(indices(&place.json(&[&top[..], &["1000", "--json"]].concat())["flagged"]).len(), 90);
}

#[test]
fn scores_are_written_in_the_format_of_the_name() {
    let place = place();
    fs::write(place.path("ids.csv"), (0..90).map(|row| format!("\"a,{row}\"\n")).collect::<String>())
        .unwrap();
    let write = |detectors: &str, to: &str| {
        let arguments = ["outliers", "g.npy", "--ids", "ids.csv", "--detector", detectors, "-o", to];
        place.succeed(&arguments);
        fs::read_to_string(place.path(to)).unwrap()
    };
    let text = write("l2", "s.csv");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[12]), (91, "index,id,score,flagged", "11,\"a,11\",inf,true"));
    assert!(write("l2,l1", "s.csv").starts_with("index,id,l2,l1,flagged\n0,\"a,0\","));
    let report: Value = serde_json::from_str(&write("l2", "s.json")).unwrap();
    assert_eq!(report["scores"].as_array().unwrap().len(), 90);
    assert_eq!((&report["scores"][11], &report["flagged"][0]["id"]), (&Value::Null, &json!("a,11")));
    let report: Value = serde_json::from_str(&write("l2,l1", "s.json")).unwrap();
    assert_eq!(report["detectors"][1]["scores"].as_array().unwrap().len(), 90);
    for command in [&["outliers", "g.npy", "--detector", "l2"][..], &["sieve", "g.npy"]] {
        let arguments = [command, &["-o", "t.parquet"]].concat();
        if ParquetTable::IS_BUILT_IN {
            place.succeed(&arguments);
            assert!(fs::read(place.path("t.parquet")).unwrap().starts_with(b"PAR1"));
        } else {
            assert!(place.fail(&arguments).contains("the feature parquet"));
        }
    }
    let refusal = place.fail(&["outliers", "g.npy", "--detector", "l2", "-o", "s.xls"]);
    assert!(
        refusal.contains("ends in .csv, .parquet, .json, .npy or .safetensors, found s.xls"),
        "{refusal}"
    );
}

#[test]
fn a_false_alarm_rate_is_about_kept_of_clean_rows_with_and_without_outliers() {
    let place = Place::new();
    let (rows, width) = (3000, 64);
    // Sums of three uniform numbers: nearly normal.
    let uniform =
        |i: usize| (gradsieve_kernels::hash::mix(i as u64 + 1) >> 40) as f32 / (1 << 24) as f32 - 0.5;
    let mut values: Vec<f32> = (0..rows * width).map(|i| (0..3).map(|j| uniform(3 * i + j)).sum()).collect();
    for outliers in [0, 90] {
        values[..outliers * width].iter_mut().for_each(|value| *value *= 4.0);
        place.write("n.npy", &[rows, width], Dtype::F32, &values);
        for (rate, most, least) in [("0.05", 0.1, 0.025), ("0.01", 0.025, 0.003)] {
            let report =
                place.json(&["outliers", "n.npy", "--detector", "l2", "--false-alarms", rate, "--json"]);
            let flagged = indices(&report["flagged"]);
            let false_alarms = flagged.iter().filter(|&&row| row >= outliers as u64).count();
            assert_eq!(flagged.len() - false_alarms, outliers);
            let share = false_alarms as f64 / (rows - outliers) as f64;
            assert!(share > least && share < most, "{rate}: {share} with {outliers} outliers");
            let p = |at: usize| report["flagged"][at]["p"].as_f64().unwrap();
            assert!(p(0) <= p(flagged.len() - 1) && p(flagged.len() - 1) <= rate.parse().unwrap());
        }
    }
}

#[test]
fn what_does_not_suit_is_refused_by_its_name() {
    let place = place();
    place.write("short.npy", &[9], Dtype::F32, &[1.0; 9]);
    place.write("same.npy", &[90, 2], Dtype::F32, &[1.0; 180]);
    place.write("few.npy", &[20, 2], Dtype::F32, &noise(40));
    for (arguments, expected) in [
        ("g.npy --detector l2,l1,l2", "--detector: expected each detector once, found l2 twice"),
        (
            "g.npy --detector l2,loss",
            "--detector: expected --loss beside loss, a loss for each row, found none",
        ),
        ("g.npy --detector l2 --top 0", "--top: expected at least 1, found 0"),
        (
            "g.npy --detector l2,forest --loss loss.npy",
            "--loss: expected --detector loss or direction, which alone look at it, found l2,forest",
        ),
        (
            "g.npy --detector loss --loss short.npy",
            "short.npy: expected 90 entries, as many as g.npy has rows, found 9",
        ),
        (
            "g.npy --detector l2 --ids short.npy",
            "short.npy: expected 90 entries, as many as g.npy has rows, found 9",
        ),
        ("g.npy --detector l2 --ids none.txt", "none.txt: no such file"),
        (
            "g.npy --detector l2 --false-alarms 1",
            "--false-alarms: expected a share above 0 and below 1, found 1",
        ),
        (
            "g.npy --detector l2 --false-alarms 0.001",
            "--false-alarms: expected at least 1.1e-3, a tenth of one in 89 rows, found 0.001",
        ),
        (
            "few.npy --detector l2 --false-alarms 0.1",
            "--false-alarms: expected at least 50 rows with a finite score, to calibrate by, found 20 in few.npy",
        ),
        (
            "same.npy --detector l2 --false-alarms 0.1",
            "--false-alarms: expected scores of l2 that differ in the middle, to calibrate by, found equal ones of most rows of same.npy",
        ),
        (
            "g.npy --detector loss,l2 --loss loss.npy --dim 32",
            "--dim: expected a detector that looks at sketches, found loss,l2, which need none",
        ),
    ] {
        let arguments: Vec<&str> = ["outliers"].into_iter().chain(arguments.split(' ')).collect();
        assert_eq!(place.fail(&arguments), expected);
    }
    for two in ["--top 1 --contamination 0.1", "--top 1 --false-alarms 0.1"] {
        let arguments = format!("outliers g.npy --detector l2 {two}");
        let output = place.run(&arguments.split(' ').collect::<Vec<_>>());
        assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be used with"));
    }
}
