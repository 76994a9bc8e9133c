//! `gradsieve visits`: one number a sample of a file of scores an epoch.

use std::fs;

use gradsieve_io::files::Dtype;
use gradsieve_io::visits::VisitsWriter;
use serde_json::json;

use super::place::{Place, noise};

const SAMPLES: usize = 40;
const EPOCHS: [&str; 3] = ["e1.npy", "e2.npy", "e3.npy"];

/// The loss of a sample in an epoch, from 0 on.
fn loss(sample: usize, epoch: usize) -> f32 {
    (noise(EPOCHS.len() * SAMPLES)[epoch * SAMPLES + sample] + sample as f32 / 20.0).abs()
}

/// Files of losses, e1.npy to e3.npy.
fn place() -> Place {
    let place = Place::new();
    for (epoch, name) in EPOCHS.into_iter().enumerate() {
        let losses: Vec<f32> = (0..SAMPLES).map(|sample| loss(sample, epoch)).collect();
        place.write(name, &[SAMPLES], Dtype::F32, &losses);
    }
    place
}

fn visits(place: &Place, options: &[&str]) -> String {
    place.succeed(&[&["visits"], &EPOCHS[..], options].concat())
}

#[test]
fn means_and_worst_are_those_of_the_epochs() {
    let place = place();
    for (number, allowed) in [("f32", 1e-6), ("f16", 4e-3)] {
        visits(&place, &["--number", number, "-o", "mean.npy"]);
        visits(&place, &["--kind", "worst", "--number", number, "-o", "worst.npy"]);
        let (mean, worst) = (place.array::<f32>("mean.npy"), place.array::<f32>("worst.npy"));
        assert_eq!((mean.len(), worst.len()), (SAMPLES, SAMPLES));
        for sample in 0..SAMPLES {
            let own = [0, 1, 2].map(|epoch| loss(sample, epoch));
            let scale = own[0].max(own[1]).max(own[2]);
            assert!((mean[sample] - own.iter().sum::<f32>() / 3.0).abs() <= scale * allowed);
            assert!((worst[sample] - scale).abs() <= scale * allowed);
        }
    }
}

#[test]
fn epochs_one_by_one_leave_the_bytes_of_all_at_once() {
    let place = place();
    for options in
        [&["--kind", "mean", "--number", "f16"][..], &["--kind", "mean-rank"], &["--kind", "worst"]]
    {
        visits(&place, &[options, &["--state", "all.visits"]].concat());
        for epoch in EPOCHS {
            place.succeed(&[&["visits", epoch, "--state", "one.visits"], options].concat());
        }
        let [all, one] = ["all.visits", "one.visits"].map(|name| fs::read(place.path(name)).unwrap());
        assert_eq!(all, one);
        // Read again without scores: the same numbers.
        place.succeed(&["visits", "--state", "one.visits", "-o", "read.csv"]);
        visits(&place, &[options, &["-o", "direct.csv"]].concat());
        let [read, direct] =
            ["read.csv", "direct.csv"].map(|name| fs::read_to_string(place.path(name)).unwrap());
        assert_eq!(read, direct);
        assert!(read.starts_with("id,score,visits\n0,"), "{read}");
        for name in ["all.visits", "one.visits"] {
            fs::remove_file(place.path(name)).unwrap();
        }
    }
}

#[test]
fn the_top_has_the_largest_first_and_the_report_counts() {
    let place = place();
    let report: serde_json::Value =
        serde_json::from_str(&visits(&place, &["--top", "3", "--state", "s.visits", "--json"])).unwrap();
    let mut means: Vec<(f32, usize)> = (0..SAMPLES)
        .map(|sample| ([0, 1, 2].map(|epoch| loss(sample, epoch)).iter().sum::<f32>() / 3.0, sample))
        .collect();
    means.sort_by(|one, other| other.0.total_cmp(&one.0));
    let top = report["top"].as_array().unwrap();
    let ids: Vec<u64> = top.iter().map(|one| one["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, means[..3].iter().map(|&(_, sample)| sample as u64).collect::<Vec<_>>());
    assert!(top.iter().all(|one| one["visits"] == 3));
    for (key, expected) in [("kind", json!("mean")), ("number", json!("f32")), ("samples", json!(SAMPLES))] {
        assert_eq!(report[key], expected);
    }
    for (key, expected) in [("visited", SAMPLES), ("least_visits", 3), ("most_visits", 3), ("observed", 120)]
    {
        assert_eq!(report[key], expected);
    }
    assert_eq!(report["state_bytes"], fs::metadata(place.path("s.visits")).unwrap().len());
    let text = place.succeed(&["visits", "--state", "s.visits", "--top", "1"]);
    assert!(text.starts_with("40 of 40 samples visited, 3 times\n"), "{text}");
}

#[test]
fn rows_are_of_the_samples_that_ids_name_and_may_repeat_or_be_missing() {
    let place = Place::new();
    place.write("a.npy", &[4], Dtype::F32, &[1.0, 2.0, 4.0, 8.0]);
    place.write("b.npy", &[4, 1], Dtype::F64, &[2.0, 2.0, 2.0, 7.0]);
    fs::write(place.path("a.txt"), "5\n0\n5\n2\n").unwrap();
    place.write("b_ids.npy", &[4], Dtype::F32, &[0.0, 0.0, 0.0, 5.0]);
    place.succeed(&["visits", "a.npy", "b.npy", "--ids", "a.txt", "--ids", "b_ids.npy", "-o", "m.csv"]);
    let table = fs::read_to_string(place.path("m.csv")).unwrap();
    assert_eq!(table, "id,score,visits\n0,2.0,4\n2,8.0,1\n5,4.0,3\n");
    place.succeed(&["visits", "a.npy", "b.npy", "--ids", "a.txt", "--samples", "9", "-o", "m.npy"]);
    let numbers = place.array::<f32>("m.npy");
    assert!(numbers.len() == 9 && numbers[1].is_nan() && numbers[0] == 2.0);
}

#[test]
fn ranks_do_not_change_when_scores_shrink() {
    let place = place();
    let small: Vec<f32> = (0..SAMPLES).map(|sample| loss(sample, 0) / 1024.0).collect();
    place.write("small.npy", &[SAMPLES], Dtype::F32, &small);
    let ranks = |files: &[&str]| {
        place.succeed(&[&["visits"], files, &["--kind", "mean-rank", "-o", "r.npy"]].concat());
        place.array::<f32>("r.npy")
    };
    let once = ranks(&["e1.npy"]);
    for (one, other) in once.iter().zip(ranks(&["e1.npy", "small.npy"])) {
        assert!((one - other).abs() < 1e-6);
    }
    let mut order: Vec<usize> = (0..SAMPLES).collect();
    order.sort_by(|&one, &other| loss(one, 0).total_cmp(&loss(other, 0)));
    for (place, &sample) in order.iter().enumerate() {
        assert!((once[sample] - (place as f32 + 0.5) / SAMPLES as f32).abs() <= 1e-6);
    }
}

#[test]
fn verdicts_of_a_sieve_are_scores_and_ranks() {
    let place = Place::new();
    let rows = 200;
    place.write("g.npy", &[rows, 8], Dtype::F32, &noise(rows * 8));
    let ids: Vec<f32> = (0..rows).map(|row| (row % 50) as f32).collect();
    place.write("ids.npy", &[rows], Dtype::F32, &ids);
    place.succeed(&["sieve", "g.npy", "-o", "v.npy"]);
    let verdicts = place.array::<f32>("v.npy");
    for (kind, column) in [("mean", 1), ("mean-rank", 0)] {
        place.succeed(&["visits", "v.npy", "--ids", "ids.npy", "--kind", kind, "-o", "m.npy"]);
        for (sample, &found) in place.array::<f32>("m.npy").iter().enumerate() {
            let mean = (0..4).map(|epoch| verdicts[(epoch * 50 + sample) * 3 + column]).sum::<f32>() / 4.0;
            let expected = if kind == "mean" { mean } else { 1.0 - mean };
            assert!((found - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{kind} {sample}");
        }
    }
}

#[test]
fn what_is_refused_is_named_and_leaves_the_state_as_it_was() {
    let place = place();
    place.succeed(&["visits", "e1.npy", "--state", "s.visits", "--number", "f16"]);
    let before = fs::read(place.path("s.visits")).unwrap();
    let mut losses = [1.0; SAMPLES];
    losses[7] = f32::NAN;
    place.write("nan.npy", &[SAMPLES], Dtype::F32, &losses);
    losses[7] = 1e6;
    place.write("large.npy", &[SAMPLES], Dtype::F32, &losses);
    place.write("long.npy", &[SAMPLES + 1], Dtype::F32, &[1.0; SAMPLES + 1]);
    place.write("wide.npy", &[SAMPLES, 2], Dtype::F32, &[1.0; 2 * SAMPLES]);
    place.write("cube.npy", &[2, 2, 2], Dtype::F32, &[1.0; 8]);
    fs::write(place.path("ids.txt"), "0\n-1\n".repeat(SAMPLES / 2)).unwrap();
    fs::write(place.path("few.txt"), "0\n1\n").unwrap();
    fs::write(place.path("far.txt"), format!("{}999999999999\n", "1\n".repeat(SAMPLES - 1))).unwrap();
    fs::write(place.path("none.visits"), "nothing at all, and more of it than a header has bytes").unwrap();
    for (arguments, expected) in [
        (
            &["nan.npy"][..],
            "nan.npy: expected finite scores (--skip-non-finite leaves out the others), found NaN in row 7",
        ),
        (&["large.npy"], "large.npy: expected scores up to 65504, or --number f32, found 1.00000e6 in row 7"),
        (&["long.npy"], "long.npy: expected samples below 40, as --samples or --state says, found sample 40"),
        (
            &["wide.npy"],
            "wide.npy: expected a score for each sample, or the three columns that gradsieve sieve writes, found 2 columns",
        ),
        (&["e2.npy", "--kind", "worst"], "--kind: expected mean, as s.visits has, found worst"),
        (&["e2.npy", "--number", "f32"], "--number: expected f16, as s.visits has, found f32"),
        (&["e2.npy", "--samples", "41"], "--samples: expected 40, as s.visits has, found 41"),
        (
            &["e2.npy", "--ids", "ids.txt"],
            "ids.txt: expected whole numbers from 0 on as ids, found -1 in row 1",
        ),
        (&["e2.npy", "-o", "s.visits"], "s.visits: "),
        (&["-"], "SCORES: expected a file, for it may be read twice, found standard input"),
        (&["--ids", "ids.txt"], "--ids: expected SCORES beside it, found none"),
        (&["cube.npy"], "cube.npy: "),
        (&["missing.npy"], "missing.npy: no such file"),
        (
            &["e2.npy", "--ids", "few.txt"],
            "few.txt: expected 40 entries, as many as e2.npy has rows, found 2",
        ),
    ] {
        let refusal = place.fail(&[&["visits", "--state", "s.visits"], arguments].concat());
        assert!(refusal.starts_with(expected), "{refusal}");
        assert_eq!(fs::read(place.path("s.visits")).unwrap(), before, "{refusal}");
    }
    for (arguments, expected) in [
        (&[][..], "SCORES: expected files of scores, or --state to read, found none"),
        (&["--state", "missing.visits"], "missing.visits: no such file"),
        (&["--state", "none.visits"], "none.visits: the bytes do not begin as those of a state"),
        (&["e1.npy", "--state", "none.visits"], "none.visits: the bytes do not begin as those of a state"),
        (&["nan.npy", "--state", "new.visits"], "nan.npy: expected finite scores"),
        (
            &["e1.npy", "--ids", "far.txt"],
            "--samples: expected it, as --ids names sample 999999999999 and there are 40 rows, found none",
        ),
    ] {
        let refusal = place.fail(&[&["visits"], arguments].concat());
        assert!(refusal.starts_with(expected), "{refusal}");
    }
    assert!(!place.files().iter().any(|name| name == "new.visits" || name.contains("partial")));
    let text = place.succeed(&["visits", "nan.npy", "--skip-non-finite", "--samples", "50", "--top", "0"]);
    assert_eq!(text, "39 of 50 samples visited, once\nleft out, as NaN or infinite: 1\n");
}

#[test]
fn two_do_not_add_to_one_state_at_a_time() {
    let place = place();
    let held = VisitsWriter::open(&place.path("s.visits")).unwrap();
    let refusal = place.fail(&["visits", "e1.npy", "--state", "s.visits"]);
    assert_eq!(refusal, "s.visits: in use, another process writes to it; try again when that has ended");
    drop(held);
    place.succeed(&["visits", "e1.npy", "--state", "s.visits"]);
}

#[test]
fn info_tells_the_samples_and_refuses_what_is_damaged() {
    let place = place();
    place.succeed(&["visits", "e1.npy", "--samples", "50", "--state", "s.visits"]);
    let text = place.succeed(&["info", "s.visits"]);
    assert_eq!(
        text,
        "s.visits: the state of means over visits, 392 B, whole\n  50 samples in f32, 40 of them visited\n"
    );
    let about = place.json(&["info", "s.visits", "--json"]);
    assert_eq!((&about["samples"], &about["visited"]), (&json!(50), &json!(40)));
    let mut bytes = fs::read(place.path("s.visits")).unwrap();
    bytes[200] ^= 1;
    fs::write(place.path("s.visits"), bytes).unwrap();
    assert_eq!(place.fail(&["info", "s.visits"]), "s.visits: the bytes are not those that were written");
}
