//! Claims about the program `gradsieve`, made as its users meet it: arguments in; files, text and an exit code out. The arrays in
//! `golden/influence/` are NumPy's (`golden/influence.py`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use gradsieve::outlier::{Detector, Direction, DirectionSettings, Forest, ForestSettings, Node};
use gradsieve::{
    Element, Gaussian, Layout, Mask, Projector, Rademacher, Repeat, Sjlt, Sketch, Sketcher, Srht, Summary,
};
use gradsieve_harness::files::{ArrayWriter, Destination, Dtype, Matrix, Source};
use half::f16;
use half::slice::HalfFloatSliceExt as _;
use serde_json::Value;
use tempfile::TempDir;

const COMMANDS: [&str; 8] = ["demo", "sketch", "outliers", "influence", "truth", "info", "plan", "export"];

// ---- what the tests share -------------------------------------------------------------------------

fn golden(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    path.to_str().expect("UTF-8").to_owned()
}

fn numpy(name: &str) -> String {
    golden(&format!("influence/{name}.npy"))
}

/// A directory to work in.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_gradsieve"))
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .output()
            .expect("the program runs")
    }

    /// Runs, and insists on success; standard output.
    fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.succeed(arguments)).expect("JSON")
    }

    /// Runs, and insists on exit code 2 and one sentence on standard error, without the program's name.
    fn fail(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{arguments:?}");
        assert_eq!(error.lines().count(), 1, "{error}");
        error.trim_end().strip_prefix("gradsieve: ").expect("the program's name comes first").to_owned()
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).expect("readable");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }

    fn write(&self, name: &str, shape: &[usize], dtype: Dtype, values: &[f32]) {
        let destination = Destination::Path(self.path(name));
        let mut writer = ArrayWriter::create(&destination, shape, dtype).expect("writable");
        writer.write(values).expect("as many as the shape says");
        writer.finish().expect("writable");
    }

    fn array<T: npyz::Deserialize>(&self, name: &str) -> Vec<T> {
        array(self.path(name))
    }

    fn shape(&self, name: &str) -> Vec<u64> {
        let bytes = fs::read(self.path(name)).expect("the file is there");
        npyz::NpyFile::new(&bytes[..]).expect("a .npy file").shape().to_vec()
    }
}

fn array<T: npyz::Deserialize>(path: impl AsRef<Path>) -> Vec<T> {
    let bytes = fs::read(path).expect("the file is there");
    npyz::NpyFile::new(&bytes[..]).expect("a .npy file").into_vec().expect("of this type")
}

/// Numbers of every size, the same in every run.
fn noise(count: usize) -> Vec<f32> {
    let number = |i: usize| {
        let word = gradsieve_kernels::hash::mix(i as u64 + 1);
        ((word >> 40) as f32 / (1 << 23) as f32 - 1.0) * 0.37 * (1 + word % 7) as f32
    };
    (0..count).map(number).collect()
}

#[track_caller]
fn assert_close(found: &[f64], expected: &[f64], allowed: impl Fn(usize) -> f64) {
    assert_eq!(found.len(), expected.len());
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found - expected).abs();
        assert!(error <= allowed(i), "at {i}: {found} instead of {expected}, allowed {:e}", allowed(i));
    }
}

/// The bound of a canonical sum of products (23 roundings of f32), and one rounding of each operand.
const ROUNDINGS: f64 = 25.0 / (1 << 24) as f64;

// ---- influence ------------------------------------------------------------------------------------

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
    // A cosine's terms sum to 1 at most in magnitude, but for the factor that Cauchy and Schwarz allow.
    assert_close(&place.array("C.npy"), &expected, |_| 3.0 * ROUNDINGS);

    let first = ["influence", "--method", "tracin", "--train", train, "--target", target, "--lr", "0.1"];
    let second = ["--train", train2, "--target", target2, "--lr", "0.02", "-o", "T.npy", "--dtype", "f64"];
    place.succeed(&[&first[..], &second[..]].concat());
    let expected: Vec<f64> = array(numpy("tracin"));
    assert_close(&place.array("T.npy"), &expected, |i| 0.2 * ROUNDINGS * scale[i]);
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
    assert_numpy_s(&influence(&place, "lissa", &["--passes", "12"]), "lissa12", 1e-5);

    let doubts = [numpy("doubt"), numpy("doubt2")];
    let one = ["--one-minus-p", &doubts[0]];
    assert_numpy_s(&influence(&place, "trak", &one), "trak", f32_solve);
    let second = second_checkpoint();
    let two = second.iter().map(String::as_str).chain(one).chain(["--one-minus-p", &doubts[1]]);
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
    let lissa = ["influence", "--train", &train, "--target", &target, "--method", "lissa", "-o", "I.npy"];
    let report = place.json(&[&lissa[..], &["--passes", "3", "--json"]].concat());
    assert_eq!(report["solver"]["passes"], 3);
    assert_eq!(report["solver"]["converged"], false);
    assert!(report["solver"]["residual"].as_f64().unwrap() > 0.1, "{report}");
    let output = place.run(&[&lissa[..], &["--passes", "3"]].concat());
    let remark = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success());
    assert!(remark.contains("lissa has not converged after 3 passes"), "{remark}");

    let cg = ["influence", "--train", &train, "--target", &target, "--method", "cg", "-o", "I.npy", "--json"];
    let report = place.json(&cg);
    assert_eq!(report["solver"]["converged"], true);
    assert!(report["solver"]["residual"].as_f64().unwrap() <= 1e-4, "{report}");

    fs::remove_file(place.path("I.npy")).unwrap();
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
fn settings_of_another_method_and_files_that_do_not_fit_are_refused() {
    let place = Place::new();
    place.write("T.npy", &[3, 2], Dtype::F32, &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    place.write("V.npy", &[2, 2], Dtype::F32, &[0.5; 4]);
    place.write("P.npy", &[3], Dtype::F32, &[0.5, 1.5, 0.0]);
    place.write("P2.npy", &[2], Dtype::F32, &[0.5; 2]);
    for (method, more, message) in [
        ("trak", &[][..], "--one-minus-p: expected once for each model: once, found never"),
        (
            "trak",
            &["--one-minus-p", "P.npy"],
            "--one-minus-p: expected numbers from 0 to 1, found 1.5 at index 1 of P.npy",
        ),
        (
            "trak",
            &["--one-minus-p", "P2.npy"],
            "P2.npy: expected 3 entries, as many as T.npy has rows, found 2",
        ),
        (
            "trak",
            &["--one-minus-p", "T.npy"],
            "T.npy: expected a 1-dimensional array (a number for each sample), found shape (3, 2)",
        ),
        (
            "dot",
            &["--one-minus-p", "P.npy"],
            "--one-minus-p: expected --method trak, which alone uses it, found dot",
        ),
        (
            "dot",
            &["--subtasks", "P2.npy"],
            "--subtasks: expected --method less, which alone uses it, found dot",
        ),
        (
            "less",
            &["--subtasks", "P.npy"],
            "P.npy: expected whole numbers from 0 to 4294967295 as groups, found 0.5 at index 0",
        ),
        ("less", &["--lr", "-1"], "--lr: expected weights that are not negative for less, found -1"),
        ("less", &["--lr", "0"], "--lr: expected a weight that is not 0, found none"),
        (
            "dot",
            &["--damping", "1"],
            "--damping: expected a method that has one: ridge, trak, datainf, lissa or cg, found dot",
        ),
        ("ridge", &["--damping", "0"], "--damping: expected a finite number above 0, found 0"),
        (
            "ridge",
            &["--layers", "1,1"],
            "--layers: expected --method datainf, which alone uses it, found ridge",
        ),
        (
            "datainf",
            &["--layers", "1,2"],
            "--layers: expected layers of one column at least that have 2 together, as T.npy has, found 2 of 3",
        ),
        (
            "datainf",
            &["--layers", "1,1", "--dim", "32"],
            "--layers: expected gradients without --dim, whose sketches mix the layers, found --dim",
        ),
        ("ridge", &["--passes", "5"], "--passes: expected --method cg or lissa, found ridge"),
        ("cg", &["--passes", "0"], "--passes: expected at least 1, found 0"),
        ("cg", &["--tolerance", "-1"], "--tolerance: expected a finite number above 0, found -1"),
        ("cg", &["--step", "1"], "--step: expected --method lissa, which alone uses it, found cg"),
    ] {
        let arguments =
            ["influence", "--train", "T.npy", "--target", "V.npy", "-o", "I.npy", "--method", method];
        assert_eq!(place.fail(&[&arguments[..], more].concat()), message);
    }
    assert_eq!(place.files(), ["P.npy", "P2.npy", "T.npy", "V.npy"]);
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
fn a_store_is_scored_in_its_codec_as_the_sketches_that_it_keeps() {
    let place = Place::new();
    let (rows, columns, targets) = (300, 90, 5);
    // Every sixtieth sample is one that was there before: equal influences, of which the first sample's stands first.
    let gradients: Vec<f32> = noise(60 * columns).iter().cycle().take(rows * columns).copied().collect();
    place.write("T.npy", &[rows, columns], Dtype::F32, &gradients);
    place.write("V.npy", &[targets, columns], Dtype::F32, &noise((60 + targets) * columns)[60 * columns..]);
    let settings = ["--dim", "64", "--seed", "5"];
    place.succeed(&[&["sketch", "V.npy", "-o", "V.safetensors"], &settings[..]].concat());
    for codec in ["f32", "f16", "bf16", "int8", "1-bit"] {
        let (store, kept) = (format!("{codec}.store"), format!("{codec}.safetensors"));
        place.succeed(&[&["sketch", "T.npy", "-o", &store, "--dtype", codec], &settings[..]].concat());
        place.succeed(&["export", &store, "-o", &kept]);
        let of = |name: &str| {
            let source: Source = place.path(name).to_str().unwrap().parse().unwrap();
            Matrix::open(&source).unwrap().read_all_f32(1 << 20).unwrap()
        };
        let (kept_rows, target_rows) = (of(&format!("{kept}#sketch")), of("V.safetensors#sketch"));
        // The kernels' bound and that of the canonical sum; for int8 a half step of the target's, too.
        let allowed = |i: usize| {
            let row = &kept_rows[i / targets * 64..][..64];
            let target = &target_rows[i % targets * 64..][..64];
            let product = |(x, q): (&f32, &f32)| f64::from((x * q).abs());
            let largest = target.iter().fold(0.0_f32, |most, q| most.max(q.abs()));
            let step = if codec == "int8" { f64::from(largest) / 253.0 } else { 0.0 };
            let lengths: f64 = row.iter().zip(target).map(product).sum();
            let sum: f64 = row.iter().map(|x| f64::from(x.abs())).sum();
            ROUNDINGS * 2.0 * lengths + step * sum
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
                    let part = if codec == "int8" { 0.02 } else { 1e-5 };
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

/// The best of each target are those of the whole matrix: the largest magnitude first, of equal ones the first sample.
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
        let output = place.run(&arguments);
        assert!(output.status.success());
        let remarks = String::from_utf8(output.stderr).unwrap();
        assert!(remarks.contains("T.npy: row 1 has NaN or infinite entries"), "{remarks}");
        assert!(remarks.contains("V.npy: row 1 has NaN or infinite entries"), "{remarks}");
        let finite: Vec<bool> = place.array::<f32>("I.npy").iter().map(|value| value.is_finite()).collect();
        assert_eq!(finite, [true, false, false, false, true, false], "{method}");
    }
    assert_eq!(place.array::<f32>("I.npy").len(), 6);
}

#[test]
fn checkpoints_that_do_not_fit_together_are_refused() {
    let place = Place::new();
    place.write("T.npy", &[3, 2], Dtype::F32, &[0.0; 6]);
    place.write("T4.npy", &[4, 2], Dtype::F32, &[0.0; 8]);
    place.write("V.npy", &[1, 2], Dtype::F32, &[0.0; 2]);
    let two = ["influence", "--train", "T.npy", "--train", "T4.npy", "-o", "I.npy", "--target", "V.npy"];
    let tracin = [&two[..], &["--method", "tracin"]].concat();
    assert_eq!(
        place.fail(&tracin),
        "--target: expected as often as --train, once for each checkpoint: 2 times, found once"
    );
    let full = [&tracin[..], &["--target", "V.npy"]].concat();
    assert_eq!(place.fail(&full), "T4.npy: expected 3 rows, as many as T.npy has rows, found 4");
    let rates = [&full[..], &["--lr", "1", "--lr", "2", "--lr", "3"]].concat();
    assert_eq!(
        place.fail(&rates),
        "--lr: expected once, or once for each of the 2 checkpoints, found 3 times"
    );
    let dot = [&two[..], &["--method", "dot", "--target", "V.npy"]].concat();
    assert_eq!(
        place.fail(&dot),
        "--train: expected one checkpoint with --method dot; sums over checkpoints are --method tracin, found 2"
    );
    assert_eq!(place.files(), ["T.npy", "T4.npy", "V.npy"]);
}

// ---- sketch ---------------------------------------------------------------------------------------

/// The core's sketch of a gradient that comes whole.
fn sketch<T: Element>(projector: impl Projector, gradient: &[T]) -> (Vec<f32>, Summary) {
    let mut memory = vec![0.0; projector.width()];
    let layout = Layout::flat(gradient.len() as u64).unwrap();
    let mut sketcher = Sketcher::new(projector, layout, &mut memory).unwrap();
    sketcher.segment(0, gradient).unwrap();
    let measures = sketcher.finish().unwrap().measures;
    (memory, measures)
}

#[test]
fn sketches_of_files_of_every_type_have_the_core_s_bits() {
    let place = Place::new();
    // Longer than a buffer, and no multiple of anything.
    let (rows, width) = (3, 140_003);
    let values = noise(rows * width);
    let mut halves = vec![f16::ZERO; values.len()];
    halves.convert_from_f32_slice(&values);
    for (repeat, name) in [(Repeat::One, "1"), (Repeat::Two, "2"), (Repeat::Four, "4")] {
        let projector = Sjlt::new(256, 7, repeat).unwrap();
        for dtype in [Dtype::F16, Dtype::F32, Dtype::F64] {
            place.write("G.npy", &[rows, width], dtype, &values);
            let settings = ["--dim", "256", "--seed", "7", "--repeat", name];
            place.succeed(&[&["sketch", "G.npy", "-o", "S.npy"], &settings[..]].concat());
            let expected: Vec<f32> = match dtype {
                Dtype::F16 => halves.chunks(width).flat_map(|row| sketch(projector, row).0).collect(),
                _ => values.chunks(width).flat_map(|row| sketch(projector, row).0).collect(),
            };
            let found: Vec<f32> = place.array("S.npy");
            assert_eq!(bits(&found), bits(&expected), "{dtype} repeat {name}");
            assert_eq!(place.shape("S.npy"), [3, 256]);
        }
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn every_projection_gives_the_core_s_bits_and_says_so_in_the_file() {
    let place = Place::new();
    let (rows, width) = (2, 9000);
    let values = noise(rows * width);
    place.write("G.npy", &[rows, width], Dtype::F32, &values);
    fn expect(projector: impl Projector, values: &[f32]) -> Vec<f32> {
        values.chunks(9000).flat_map(|row| sketch(projector, row).0).collect()
    }
    // 9,000 columns, of which 2,000 are wanted: one block in four.
    let none: &[&str] = &[];
    let cases = [
        ("rademacher", none, expect(Rademacher::new(128, 7).unwrap(), &values), None),
        ("gaussian", none, expect(Gaussian::new(128, 7).unwrap(), &values), None),
        ("srht", none, expect(Srht::new(128, 7).unwrap(), &values), Some("1024")),
        (
            "mask",
            &["--mask-len", "2000", "--repeat", "2"],
            expect(Mask::new(128, 7, Repeat::Two, 4).unwrap(), &values),
            Some("4"),
        ),
    ];
    for (name, more, expected, settings) in cases {
        let arguments =
            ["sketch", "G.npy", "-o", "S.safetensors", "--dim", "128", "--seed", "7", "--projection", name];
        let said = place.succeed(&[&arguments[..], more].concat());
        assert!(said.contains(&format!(" columns, projection {name}, seed 7")), "{said}");
        let source: Source = place.path("S.safetensors#sketch").to_str().unwrap().parse().unwrap();
        let found = Matrix::open(&source).unwrap().read_all_f32(rows * 128).unwrap();
        assert_eq!(bits(&found), bits(&expected), "{name}");
        let about = place.json(&["info", "S.safetensors", "--json"]);
        assert_eq!(about["metadata"]["gradsieve.projection"], name);
        assert_eq!(about["metadata"].get("gradsieve.settings").and_then(|value| value.as_str()), settings);
    }
    // Another mask is another projection.
    let mask = ["sketch", "G.npy", "-o", "M.safetensors", "--dim", "128", "--seed", "7", "--repeat", "2"];
    place.succeed(&[&mask[..], &["--projection", "mask", "--mask-len", "3000"]].concat());
    let refusal = place.fail(&[
        "influence",
        "--method",
        "dot",
        "-o",
        "I.npy",
        "--train",
        "S.safetensors",
        "--target",
        "M.safetensors",
    ]);
    assert_eq!(
        refusal,
        "M.safetensors#sketch: expected sketches of settings 4, as those in S.safetensors#sketch are, found settings 3"
    );
}

#[test]
fn sketches_in_half_precision_are_the_rounded_ones_and_an_overflow_is_named() {
    let place = Place::new();
    let mut values = noise(2 * 500);
    values[500..].iter_mut().for_each(|value| *value *= 1e6);
    place.write("G.npy", &[2, 500], Dtype::F32, &values);
    place.succeed(&["sketch", "G.npy", "-o", "S.npy", "--dim", "64"]);
    let output = place.run(&["sketch", "G.npy", "-o", "H.npy", "--dim", "64", "--dtype", "f16"]);
    assert!(output.status.success());
    let remarks = String::from_utf8(output.stderr).unwrap();
    assert!(remarks.starts_with("gradsieve: H.npy: 1 row has values too large for f16"), "{remarks}");
    let rounded: Vec<f16> = place.array::<f32>("S.npy").into_iter().map(f16::from_f32).collect();
    assert_eq!(place.array::<f16>("H.npy"), rounded);
}

#[test]
fn a_safetensors_file_of_sketches_carries_its_settings_and_others_are_refused_beside_it() {
    let place = Place::new();
    place.write("G.npy", &[2, 500], Dtype::F32, &noise(1000));
    let sketch = |output: &str, seed: &str| {
        place.succeed(&["sketch", "G.npy", "-o", output, "--dim", "64", "--seed", seed]);
    };
    sketch("S.npy", "7");
    sketch("S.safetensors", "7");
    sketch("again.safetensors", "7");
    sketch("other.safetensors", "8");
    let file = |name: &str| fs::read(place.path(name)).unwrap();
    assert_eq!(file("S.safetensors"), file("again.safetensors"));
    let of = |name: &str| {
        let source: Source = place.path(name).to_str().unwrap().parse().unwrap();
        Matrix::open(&source).unwrap().read_all_f32(128).unwrap()
    };
    assert_eq!(of("S.safetensors#sketch"), of("S.npy"));
    let about = place.json(&["info", "S.safetensors", "--json"]);
    let expected = serde_json::json!({
        "gradsieve.projection": "sjlt", "gradsieve.dim": "64", "gradsieve.seed": "7", "gradsieve.repeat": "1",
        "gradsieve.columns": "500",
    });
    assert_eq!(about["metadata"], expected);
    assert!(place.succeed(&["info", "S.safetensors"]).contains("gradsieve.seed = 7"));

    let influence = ["influence", "--method", "dot", "--train", "S.safetensors", "-o", "I.npy", "--target"];
    let refusal = place.fail(&[&influence[..], &["other.safetensors"]].concat());
    assert_eq!(
        refusal,
        "other.safetensors#sketch: expected sketches of seed 7, as those in S.safetensors#sketch are, found seed 8"
    );
    place.succeed(&[&influence[..], &["again.safetensors"]].concat());
    place.succeed(&[&influence[..], &["S.npy"]].concat());
}

#[test]
fn a_matrix_comes_on_standard_input_and_its_sketches_go_to_standard_output() {
    let place = Place::new();
    place.write("G.npy", &[2, 500], Dtype::F32, &noise(1000));
    place.succeed(&["sketch", "G.npy", "-o", "S.npy", "--dim", "64"]);
    let output = Command::new(env!("CARGO_BIN_EXE_gradsieve"))
        .args(["sketch", "-", "-o", "-", "--dim", "64"])
        .stdin(fs::File::open(place.path("G.npy")).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout, fs::read(place.path("S.npy")).unwrap());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    place.write("G.npy", &[2000, 32], Dtype::F32, &noise(64_000));
    for arguments in [
        &["sketch", "G.npy", "-o", "-", "--dim", "512"][..],
        &["outliers", "G.npy", "--detector", "l1", "--contamination", "1"],
        &["info", "G.npy"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_gradsieve"));
        let command = command.args(arguments).current_dir(place.0.path());
        let output =
            command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}

// ---- outliers -------------------------------------------------------------------------------------

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
    let settings = ForestSettings::new(3);
    let (mut nodes, mut scratch) =
        (vec![Node::EMPTY; Forest::nodes(settings)], vec![0; Forest::scratch(settings)]);
    let mut forest = Forest::new(settings, &mut nodes).unwrap();
    forest.fit(id, &sketches.concat(), &mut scratch).unwrap();
    let expected: Vec<f64> = sketches.iter().map(|row| forest.score_row(row).unwrap()).collect();
    assert_eq!(place.array::<f64>("s.npy"), expected);

    place.succeed(&[&arguments[..], &["direction", "--groups", "labels.npy"]].concat());
    let mut memory = vec![0.0; 2 * dim];
    let mut direction = Direction::new(DirectionSettings { groups: 2, width: dim }, &mut memory).unwrap();
    let rows: Vec<Sketch<'_>> = (sketches.iter().zip(measures).enumerate())
        .map(|(i, (row, measures))| {
            Sketch::from_parts(id, row, measures).unwrap().in_group(u32::from(i % 3 != 0))
        })
        .collect();
    rows.iter().for_each(|row| direction.observe(row).unwrap());
    let expected: Vec<f64> = rows.iter().map(|row| direction.score(row).unwrap()).collect();
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

// ---- info -----------------------------------------------------------------------------------------

#[test]
fn info_tells_type_shape_and_meaning() {
    let place = Place::new();
    let text = place.succeed(&["info", &golden("files/little-f2.npy")]);
    assert!(
        text.contains("f16 (3, 5), 30 bytes; as gradients: 3 samples (rows) × 5 parameters (columns)"),
        "{text}"
    );
    let report = place.json(&["info", &golden("files/several.safetensors"), "--json"]);
    assert_eq!(report["kind"], "safetensors");
    assert_eq!(report["tensors"].as_array().unwrap().len(), 4);
}

// ---- what goes wrong ------------------------------------------------------------------------------

#[test]
fn every_bad_input_is_one_sentence_that_names_the_file_and_leaves_no_output() {
    let place = Place::new();
    place.write("good.npy", &[3, 5], Dtype::F32, &noise(15));
    place.write("short.npy", &[2], Dtype::F32, &[0.0, 1.0]);
    let whole = fs::read(place.path("good.npy")).unwrap();
    fs::write(place.path("cut.npy"), &whole[..whole.len() - 4]).unwrap();
    fs::write(place.path("text.npy"), "1,2,3\n").unwrap();
    let before = place.files();
    let (int, cube, fortran) =
        (golden("files/int64.npy"), golden("files/3d.npy"), golden("files/fortran.npy"));
    let (several, other) = (golden("files/several.safetensors"), numpy("target-f4"));
    let cases: [(&str, &str, String); 9] = [
        ("missing.npy", "missing.npy", "no such file".to_owned()),
        (".", ".", "expected a file, found a directory".to_owned()),
        (&int, &int, "expected floats (f16, bf16, f32 or f64), found dtype i64".to_owned()),
        (
            &cube,
            &cube,
            "expected a 2-dimensional array (samples × parameters), found shape (3, 4, 5)".to_owned(),
        ),
        (
            "short.npy",
            "short.npy",
            "expected a 2-dimensional array (samples × parameters), found shape (2,)".to_owned(),
        ),
        ("cut.npy", "cut.npy", "expected 60 bytes of values, found 56; the file is cut short".to_owned()),
        ("text.npy", "text.npy", "expected a .npy file".to_owned()),
        (&fortran, &fortran, "expected rows one after the other (C order), found Fortran order".to_owned()),
        (&several, &several, "expected the name of a tensor".to_owned()),
    ];
    for (argument, file, problem) in &cases {
        for command in [
            &["sketch", argument, "-o", "out.npy", "--dim", "32"][..],
            &["outliers", argument, "-o", "out.npy", "--detector", "l2"],
            &["outliers", argument, "-o", "out.npy", "--detector", "forest", "--dim", "32"],
            &["influence", "--train", argument, "--target", "good.npy", "-o", "out.npy", "--method", "dot"],
            &["influence", "--train", "good.npy", "--target", argument, "-o", "out.npy", "--method", "ridge"],
        ] {
            let refusal = place.fail(command);
            assert!(refusal.starts_with(&format!("{file}: {problem}")), "{refusal}");
        }
    }
    let refusals = [
        (
            &["influence", "--train", "good.npy", "--target", &other, "-o", "out.npy", "--method", "dot"][..],
            format!("{other}: expected 5 columns, as many as good.npy has columns, found 67"),
        ),
        (
            &["outliers", "good.npy", "-o", "out.npy", "--detector", "direction", "--groups", "short.npy"],
            "short.npy: expected 3 entries, as many as good.npy has rows, found 2".to_owned(),
        ),
        (
            &["outliers", "good.npy", "-o", "out.npy", "--detector", "l1", "--contamination", "5"],
            "--contamination: expected a share from 0 to 1, found 5".to_owned(),
        ),
        (
            &["sketch", "good.npy", "-o", "out.npy", "--dim", "100"],
            "--dim: expected a positive multiple of 32, found 100".to_owned(),
        ),
        (
            &["sketch", "good.npy", "-o", "out.npy", "--dim", "40", "--projection", "rademacher"],
            "--dim: expected a positive multiple of 16, found 40".to_owned(),
        ),
        (
            &["sketch", "good.npy", "-o", "out.npy", "--projection", "srht", "--repeat", "2"],
            "--repeat: expected 1 with --projection srht, found 2".to_owned(),
        ),
        (
            &["sketch", "good.npy", "-o", "out.npy", "--mask-len", "2"],
            "--mask-len: expected --projection mask beside it, found 2 with sjlt".to_owned(),
        ),
        (
            &["sketch", "good.npy", "-o", "out.npy", "--projection", "mask"],
            "--mask-len: expected the number of columns to keep, for --projection mask, found none"
                .to_owned(),
        ),
        (
            &["sketch", "good.npy", "-o", "out.npy", "--projection", "mask", "--mask-len", "6"],
            "--mask-len: expected 1 to 5, of 5 columns, found 6".to_owned(),
        ),
        (
            &[
                "outliers",
                "good.npy",
                "-o",
                "out.npy",
                "--detector",
                "mahalanobis",
                "--projection",
                "gaussian",
            ],
            "--projection: expected --dim beside it, the numbers to project to, found gaussian without it"
                .to_owned(),
        ),
        (
            &["sketch", "good.npy", "-o", "nowhere/out.npy"],
            "nowhere/out.npy: cannot write there, the directory nowhere does not exist".to_owned(),
        ),
        (
            &["sketch", "good.npy", "-o", "good.npy"],
            "good.npy: expected an output other than the inputs, found the input good.npy".to_owned(),
        ),
        (
            &["info", "cut.npy"],
            "cut.npy: expected 60 bytes of values, found 56; the file is cut short".to_owned(),
        ),
    ];
    for (command, expected) in refusals {
        assert_eq!(place.fail(command), expected);
    }
    assert_eq!(place.files(), before);
}

#[test]
fn an_output_named_safetensors_is_one() {
    let place = Place::new();
    place.write("G.npy", &[3, 2], Dtype::F32, &[1.0, 0.0, 0.0, 2.0, 3.0, 0.0]);
    place.succeed(&["outliers", "G.npy", "--detector", "l1", "-o", "s.safetensors"]);
    let influence = ["influence", "--train", "G.npy", "--target", "G.npy", "--method", "dot"];
    place.succeed(&[&influence[..], &["-o", "I.safetensors"]].concat());
    let about = place.succeed(&["info", "s.safetensors"]);
    assert!(about.contains("scores: f64 (3,)") && about.contains("gradsieve.detector = l1"), "{about}");
    let source: Source = place.path("I.safetensors#influence").to_str().unwrap().parse().unwrap();
    let values = Matrix::open(&source).unwrap().read_all_f32(9).unwrap();
    assert_eq!(values, [1.0, 0.0, 3.0, 0.0, 4.0, 0.0, 3.0, 0.0, 9.0]);
}

#[test]
fn columns_beyond_what_is_exact_are_refused_with_the_way_out() {
    let place = Place::new();
    place.write("G.npy", &[2, 4097], Dtype::F32, &noise(2 * 4097));
    let way_out = "G.npy: expected at most 4096 columns for self-influence without a projection, found 4097; add --dim 512 to work \
                   on sketches of 512 numbers";
    assert_eq!(place.fail(&["outliers", "G.npy", "--detector", "self-influence"]), way_out);
    let ridge = ["influence", "--train", "G.npy", "--target", "G.npy", "--method", "ridge", "--top", "1"];
    assert_eq!(place.fail(&ridge), way_out.replace("self-influence", "ridge"));
    place.succeed(&[&ridge[..], &["--dim", "512"]].concat());
    let wide = place.fail(&[&ridge[..], &["--dim", "16416"]].concat());
    assert_eq!(
        wide,
        "--dim: expected at most 16384 for ridge, whose memory grows as its square, found 16416"
    );
}

#[test]
fn an_output_that_was_there_is_as_it_was_when_the_run_fails() {
    let place = Place::new();
    // A stream that breaks off: seen only when most of it has been read.
    place.write("good.npy", &[3, 50], Dtype::F32, &noise(150));
    let whole = fs::read(place.path("good.npy")).unwrap();
    fs::write(place.path("out.npy"), "precious").unwrap();
    let before = place.files();
    for arguments in [
        &["sketch", "-", "-o", "out.npy", "--dim", "32"][..],
        &["outliers", "-", "-o", "out.npy", "--detector", "mahalanobis"],
        &["influence", "--train", "-", "--target", "good.npy", "--method", "dot", "-o", "out.npy"],
    ] {
        fs::write(place.path("cut.bin"), &whole[..whole.len() - 100]).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_gradsieve"))
            .args(arguments)
            .current_dir(place.0.path())
            .stdin(fs::File::open(place.path("cut.bin")).unwrap())
            .output()
            .unwrap();
        fs::remove_file(place.path("cut.bin")).unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(
            String::from_utf8_lossy(&output.stderr),
            "gradsieve: standard input: expected 600 bytes of values, found 500; the file is cut short\n"
        );
        assert_eq!(fs::read_to_string(place.path("out.npy")).unwrap(), "precious");
        assert_eq!(place.files(), before);
    }
}

// ---- help -----------------------------------------------------------------------------------------

#[test]
fn the_help_of_every_command_has_examples_that_name_it() {
    let place = Place::new();
    for command in COMMANDS {
        let abouts = ["-h", "--help"].map(|help| {
            let text = place.succeed(&[command, help]);
            let (_, examples) = text.split_once("Examples:").expect("help has examples");
            assert!(examples.contains(&format!("gradsieve {command}")), "{examples}");
            text.split("Usage:").next().unwrap_or_default().len()
        });
        assert!(abouts[1] > abouts[0], "{command}: the long help begins as the short one does");
    }
    let text = place.succeed(&["--help"]);
    for command in COMMANDS {
        assert!(text.contains(&format!("\n  {command} ")), "{text}");
    }
    assert_eq!(place.succeed(&["--version"]), format!("gradsieve {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn no_line_of_help_is_wider_than_a_hundred_columns() {
    let place = Place::new();
    for arguments in COMMANDS.map(|command| vec![command, "--help"]).iter().chain([&vec!["--help"]]) {
        let text = place.succeed(arguments);
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}

#[test]
fn arguments_that_make_no_sense_end_with_exit_code_2_and_a_hint() {
    let place = Place::new();
    for arguments in [
        &["sketch"][..],
        &["frobnicate"],
        &["outliers", "g.npy", "--detector", "magic"],
        &["sketch", "g.npy", "-o", "s.npy", "--repeat", "3"],
        &["influence", "--train", "t.npy", "--target", "v.npy", "--method", "dot"],
        &["info", "a.npy#b"],
    ] {
        let output = place.run(arguments);
        assert_eq!(output.status.code(), Some(2));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with("error: ") && text.contains("--help"), "{text}");
    }
}

#[test]
fn a_plan_fits_its_budget_and_lists_the_least_error_first() {
    let place = Place::new();
    let arguments = ["plan", "--params", "1000000", "--budget", "64KiB", "--rows", "200", "--json"];
    let best = place.json(&arguments);
    let all = place.json(&[&arguments[..], &["--all"]].concat());
    let choices = |plan: &Value| plan["choices"].as_array().expect("a list").clone();
    assert!(choices(&best).len() < choices(&all).len());
    assert_eq!(
        (&all["params"], &all["rows"], &all["budget"]),
        (&1_000_000.into(), &200.into(), &65_536.into())
    );
    let mut errors = Vec::new();
    for choice in choices(&all) {
        assert!(choice["bytes"].as_u64().expect("a number") <= 65_536);
        let dim = choice["dim"].as_u64().expect("a number");
        errors.push(choice["error"].as_f64().expect("a number"));
        assert!(dim > 0 && dim % 32 == 0 && choice["exact"] == Value::Bool(false));
    }
    assert!(errors.is_sorted() && !errors.is_empty());
    assert!(choices(&best).iter().all(|choice| choices(&all).contains(choice)));

    let text = place.succeed(&arguments[..7]);
    let first = &choices(&best)[0];
    assert!(text.starts_with("1000000 parameters, 200 stored rows, 64.0 KiB of memory"), "{text}");
    assert!(text.contains(first["codec"].as_str().expect("a name")), "{text}");

    let without_rows = place.json(&["plan", "--params", "100", "--budget", "1MB", "--json"]);
    let choice = &choices(&without_rows)[0];
    assert_eq!(
        (&choice["codec"], &choice["dim"], &choice["exact"]),
        (&Value::Null, &100.into(), &true.into())
    );
}

#[test]
fn a_plan_for_too_little_memory_says_how_much_is_needed() {
    let place = Place::new();
    let plan = |budget: &str| {
        place.run(&["plan", "--params", "1000000", "--rows", "1000", "--budget", budget]).status.code()
    };
    let error = place.fail(&["plan", "--params", "1000000", "--rows", "1000", "--budget", "100B"]);
    let least = error.strip_prefix("--budget: expected at least ").and_then(|rest| rest.split(' ').next());
    let least: u64 = least.expect("a number").parse().expect("a number");
    assert_eq!(plan(&least.to_string()), Some(0));
    assert_eq!(plan(&(least - 1).to_string()), Some(2));
    for odd in ["", "64 parsecs", "-3", "1e5KiB KiB"] {
        assert_eq!(plan(odd), Some(2), "{odd}");
    }
    for arguments in [["--params", "0"], ["--groups", "0"], ["--rows", "-1"]] {
        let line = [&["plan", "--params", "9", "--budget", "1MiB"][..], &arguments].concat();
        assert_eq!(place.run(&line).status.code(), Some(2), "{arguments:?}");
    }
}
