//! `gradsieve influence` on stores: rows are scored as they are kept.

use gradsieve::Codec;
use gradsieve_io::files::{Dtype, Matrix, Source};
use serde_json::Value;

use super::place::{Place, ROUNDINGS, assert_close, noise};

#[test]
fn a_store_is_scored_in_its_codec_as_the_sketches_that_it_keeps() {
    let place = Place::new();
    let (rows, columns, targets) = (300, 90, 5);
    // Every sixtieth sample is one that was there before: equal influences, of which the
    // first sample's stands first.
    let gradients: Vec<f32> = noise(60 * columns).iter().cycle().take(rows * columns).copied().collect();
    place.write("T.npy", &[rows, columns], Dtype::F32, &gradients);
    place.write("V.npy", &[targets, columns], Dtype::F32, &noise((60 + targets) * columns)[60 * columns..]);
    let settings = ["--dim", "64", "--seed", "5"];
    place.succeed(&[&["sketch", "V.npy", "-o", "V.safetensors"], &settings[..]].concat());
    for codec in Codec::ALL.map(Codec::name) {
        let (store, kept) = (format!("{codec}.store"), format!("{codec}.safetensors"));
        place.succeed(&[&["sketch", "T.npy", "-o", &store, "--dtype", codec], &settings[..]].concat());
        place.succeed(&["export", &store, "-o", &kept]);
        let of = |name: &str| {
            let source: Source = place.path(name).to_str().unwrap().parse().unwrap();
            Matrix::open(&source).unwrap().read_all_f32(1 << 20).unwrap()
        };
        let (kept_rows, target_rows) = (of(&format!("{kept}#sketch")), of("V.safetensors#sketch"));
        // The kernels' bound and that of the canonical sum; for int8 and fewer bits a
        // half step of the target's, too.
        let allowed = |i: usize| {
            let row = &kept_rows[i / targets * 64..][..64];
            let target = &target_rows[i % targets * 64..][..64];
            let product = |(x, q): (&f32, &f32)| f64::from((x * q).abs());
            let largest = target.iter().fold(0.0_f32, |most, q| most.max(q.abs()));
            let lengths: f64 = row.iter().zip(target).map(product).sum();
            let sum: f64 = row.iter().map(|x| f64::from(x.abs())).sum();
            let norm = |x: &[f32]| x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
            let steps = match codec {
                "int8" => f64::from(largest) * sum,
                // Rotated, every number has a part of all.
                "4-bit" | "2-bit" | "1-bit" => norm(row) * norm(target) * 8.0,
                _ => 0.0,
            };
            ROUNDINGS * 2.0 * lengths + steps / 253.0
        };
        for method in ["dot", "tracin", "cosine", "ridge", "datainf", "cg"] {
            let run = |train: &str, output: &str| {
                let line =
                    ["influence", "--target", "V.safetensors", "--dtype", "f64", "--top", "20", "--json"];
                place.json(&[&line[..], &["--train", train, "-o", output, "--method", method]].concat())
            };
            let said = run(&store, "stored.npy");
            run(&kept, "decoded.npy");
            let (stored, decoded): (Vec<f64>, Vec<f64>) =
                (place.array("stored.npy"), place.array("decoded.npy"));
            match method {
                "dot" | "tracin" => assert_close(&stored, &decoded, allowed),
                _ => {
                    let largest = decoded.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
                    let part = if codec == "int8" || codec.ends_with("bit") { 0.02 } else { 1e-5 };
                    assert_close(&stored, &decoded, |_| part * largest);
                }
            }
            assert_best(&said, &stored, targets, 20);
        }
        let without_output = ["influence", "--train", &store, "--target", "V.npy", "--top", "20", "--json"];
        let said = place.json(&[&without_output[..], &["--method", "cg"]].concat());
        assert_best(&said, &place.array::<f64>("stored.npy"), targets, 20);
    }
}

/// The best of each target are those of the whole matrix: the largest magnitude first, of
/// equal ones the first sample.
fn assert_best(said: &Value, influences: &[f64], targets: usize, top: usize) {
    for (target, best) in said["targets"].as_array().expect("a list").iter().enumerate() {
        for (who, sign) in [("proponents", 1.0), ("opponents", -1.0)] {
            let column = influences.iter().skip(target).step_by(targets).map(|influence| sign * influence);
            let mut expected: Vec<(usize, f64)> = column.enumerate().filter(|(_, x)| *x > 0.0).collect();
            expected.sort_by(|a, b| b.1.total_cmp(&a.1));
            expected.truncate(top);
            let found = best[who].as_array().expect("a list");
            assert_eq!(found.len(), expected.len(), "{who} of {target}");
            for (found, (index, influence)) in found.iter().zip(expected) {
                assert_eq!(found["index"], index, "{who} of {target}");
                // A number that comes back from a text may be off by its last bit.
                let found = sign * found["influence"].as_f64().expect("a number");
                assert!((found - influence).abs() <= 1e-15 * influence, "{who} of {target}");
            }
        }
    }
}

#[test]
fn a_store_s_missing_samples_have_no_influence_and_targets_that_do_not_fit_it_are_refused() {
    let place = Place::new();
    let mut gradients = noise(100 * 40);
    for row in [0, 41, 42, 99] {
        gradients[row * 40 + 3] = f32::NAN;
    }
    place.write("T.npy", &[100, 40], Dtype::F32, &gradients);
    let mut targets = noise(3 * 40);
    targets[40] = f32::INFINITY;
    place.write("V.npy", &[3, 40], Dtype::F32, &targets);
    place.succeed(&["sketch", "T.npy", "-o", "T.store", "--dim", "32", "--dtype", "f16"]);
    let influence =
        ["influence", "--train", "T.store", "--method", "dot", "-o", "I.npy", "--json", "--target"];
    let said = place.json(&[&influence[..], &["V.npy", "--top", "1"]].concat());
    assert_eq!(said["non_finite_train"], serde_json::json!([0, 41, 42, 99]));
    assert_eq!(said["non_finite_target"], serde_json::json!([1]));
    assert_eq!(said["targets"][1]["proponents"], serde_json::json!([]));
    assert_eq!(place.shape("I.npy"), [100, 3]);
    for (i, influence) in place.array::<f32>("I.npy").iter().enumerate() {
        let missing = [0, 41, 42, 99].contains(&(i / 3)) || i % 3 == 1;
        assert_eq!(influence.is_nan(), missing, "{i}");
    }

    place.write("wide.npy", &[3, 41], Dtype::F32, &noise(3 * 41));
    place.write("narrow.npy", &[3, 40], Dtype::F32, &noise(3 * 40));
    place.succeed(&["sketch", "narrow.npy", "-o", "seed.safetensors", "--dim", "32", "--seed", "9"]);
    place.succeed(&["sketch", "narrow.npy", "-o", "width.store", "--dim", "64"]);
    for (target, what) in [("wide.npy", "columns"), ("seed.safetensors", "seed"), ("width.store", "dim")] {
        let refusal = place.fail(&[&influence[..], &[target]].concat());
        assert!(refusal.contains(&format!("sketches of {what}")), "{refusal}");
    }
    // Whatever the codec of the targets.
    place.succeed(&["sketch", "narrow.npy", "-o", "V.store", "--dim", "32", "--dtype", "1-bit"]);
    place.succeed(&[&influence[..], &["V.store"]].concat());
}

#[test]
fn the_influence_of_a_stored_row_of_any_size_is_a_number_or_a_refusal_that_names_the_row() {
    let place = Place::new();
    let (rows, columns) = (20, 90);
    let mut gradients = noise(rows * columns);
    for (row, size) in [(3, 1e36), (5, 1e-36)] {
        gradients[row * columns..][..columns].iter_mut().for_each(|x| *x *= size);
    }
    let targets = noise((rows + 2) * columns);
    let targets = &targets[rows * columns..];
    place.write("T.npy", &[rows, columns], Dtype::F32, &gradients);
    place.write("V.npy", &[2, columns], Dtype::F32, targets);
    place.write(
        "large.npy",
        &[2, columns],
        Dtype::F32,
        &targets.iter().map(|x| x * 1e30).collect::<Vec<_>>(),
    );
    let mut exact: Vec<f64> = Vec::new();
    for codec in Codec::ALL.map(Codec::name) {
        let store = format!("{codec}.store");
        place.succeed(&["sketch", "T.npy", "-o", &store, "--dtype", codec, "--dim", "64"]);
        let line =
            ["influence", "--train", &store, "--method", "dot", "-o", "i.npy", "--dtype", "f64", "--target"];
        place.succeed(&[&line[..], &["V.npy"]].concat());
        let found: Vec<f64> = place.array("i.npy");
        if codec == "f32" {
            exact = found;
        } else {
            // Few bits tell the size of a product of nearly orthogonal rows, and no more.
            let part = if codec.ends_with("bit") { 20.0 } else { 0.05 };
            for row in [3, 5] {
                let of_row = |all: &[f64]| [all[2 * row], all[2 * row + 1]];
                let size = of_row(&exact).iter().fold(0.0_f64, |most, x| most.max(x.abs()));
                let pairs = of_row(&found).into_iter().zip(of_row(&exact));
                pairs.for_each(|(found, exact)| {
                    assert!((found - exact).abs() <= part * size, "{codec}: {found:e}")
                });
            }
        }
        let error = place.fail(&[&line[..], &["large.npy"]].concat());
        assert!(error.contains("the product of row 3 and target 0 is too large"), "{error}");
    }
}
