//! Claims about `gradsieve influence --trajectory`: a recorded run on disk gives what the
//! same run gives in memory, and one that is damaged is refused by the name of the step.

use std::collections::HashMap;
use std::path::Path;
use std::process::Output;

use gradsieve_harness::data::{Dataset, blobs};
use gradsieve_harness::model::{Mlp, Optimizer, Scratch, TrainConfig, Trajectory};
use gradsieve_harness::truth::{Evidence, METHODS, Quantity};
use gradsieve_io::files::{Destination, NamedTensor, write_safetensors};
use safetensors::tensor::{Dtype, TensorView};
use tempfile::TempDir;

const SAMPLES: usize = 20;
const TARGETS: usize = 4;

struct Recorded {
    train: Dataset,
    test: Dataset,
    config: TrainConfig,
    path: Trajectory,
    model: Mlp,
}

impl Recorded {
    fn new() -> Self {
        Self::of(blobs(SAMPLES, 3, 4, 2.0, 1).unwrap(), blobs(TARGETS, 3, 4, 2.0, 2).unwrap())
    }

    /// Samples whose last feature is what the first two are together: their inputs lie in
    /// three dimensions of four.
    fn flat() -> Self {
        let flat = |set: Dataset| {
            let rows = set.features().chunks_exact(4);
            let features = rows.flat_map(|x| [x[0], x[1], x[2], x[0] + x[1]]).collect();
            set.with_features(features).unwrap()
        };
        Self::of(flat(blobs(SAMPLES, 3, 4, 2.0, 1).unwrap()), flat(blobs(TARGETS, 3, 4, 2.0, 2).unwrap()))
    }

    fn of(train: Dataset, test: Dataset) -> Self {
        Self::by(train, test, TrainConfig::default())
    }

    /// Of Nesterov's momentum, with weight decay.
    fn nesterov() -> Self {
        let config = TrainConfig {
            optimizer: Optimizer::NESTEROV,
            weight_decay: 0.1,
            learning_rate: 0.05,
            ..TrainConfig::default()
        };
        Self::by(blobs(SAMPLES, 3, 4, 2.0, 1).unwrap(), blobs(TARGETS, 3, 4, 2.0, 2).unwrap(), config)
    }

    fn by(train: Dataset, test: Dataset, config: TrainConfig) -> Self {
        // A layer without hidden ones, so that its gradient is one outer product of (x,
        // 1).
        let config = TrainConfig { hidden: vec![], epochs: 2, batch_size: 6, ..config };
        let path = Trajectory::record(&train, &config).unwrap();
        let model = path.model();
        Self { train, test, config, path, model }
    }

    fn evidence(&self) -> Evidence<'_> {
        let usual = Evidence::new(&self.train, &self.test, &self.model, &self.config);
        Evidence { trajectory: Some(&self.path), ..usual }
    }

    /// n × m, from the method's m × n.
    fn expected(&self, method: &str) -> Vec<f64> {
        let method = METHODS.iter().find(|m| m.name == method).unwrap().pairs.unwrap();
        let scores = method(&self.evidence()).unwrap().scores;
        (0..SAMPLES * TARGETS).map(|at| scores[at % TARGETS * SAMPLES + at / TARGETS]).collect()
    }

    fn rows(&self, model: &Mlp, set: &Dataset, of: &[usize], quantity: Quantity) -> Vec<f32> {
        self.evidence().rows_of(model, set, of, quantity).unwrap().values
    }

    /// The inner products of what step `t` did and saw, and of the step before it.
    fn products(&self, t: usize) -> Vec<f64> {
        let (steps, p) = (self.path.steps(), self.model.parameters().len());
        let change = |t: usize| -> Vec<f64> {
            let after = steps.get(t + 1).map_or(self.path.end().parameters(), |step| &step.parameters);
            after.iter().zip(&steps[t].parameters).map(|(after, before)| after - before).collect()
        };
        let gradient = |t: usize| -> Vec<f64> {
            let batch = &steps[t].batch;
            let rows = self.rows(&self.path.model_before(t), &self.train, batch, Quantity::Loss);
            let sum = |i: usize| rows.chunks_exact(p).map(|row| f64::from(row[i])).sum::<f64>();
            (0..p).map(|i| sum(i) / batch.len() as f64).collect()
        };
        let before = |of: &dyn Fn(usize) -> Vec<f64>| t.checked_sub(1).map_or(vec![0.0; p], of);
        let parameters = steps[t].parameters.clone();
        let vectors = [change(t), gradient(t), before(&change), before(&gradient), parameters];
        let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        vectors.iter().flat_map(|x| vectors.iter().map(move |y| product(x, y))).collect()
    }

    /// Writes every step, and the targets at the end, into `directory`.
    fn write(&self, directory: &Path, factored: bool) {
        self.write_with(directory, factored, false);
    }

    /// The same; of a run that is factored with the output gradients of exact curvature,
    /// if it is `curved`.
    fn write_with(&self, directory: &Path, factored: bool, curved: bool) {
        let everyone: Vec<usize> = (0..TARGETS).collect();
        let p = self.model.parameters().len();
        std::fs::create_dir_all(directory.join("run")).unwrap();
        for (t, step) in self.path.steps().iter().enumerate() {
            let model = self.path.model_before(t);
            let batch = step.batch.len();
            let floats = |values: Vec<f32>| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
            let mut tensors: Vec<(&str, Dtype, Vec<usize>, Vec<u8>)> = vec![
                (
                    "ids",
                    Dtype::I64,
                    vec![batch],
                    step.batch.iter().flat_map(|&i| (i as i64).to_le_bytes()).collect(),
                ),
                ("learning_rate", Dtype::F64, vec![], step.rate.to_le_bytes().to_vec()),
                (
                    "target",
                    Dtype::F32,
                    vec![TARGETS, p],
                    floats(self.rows(&model, &self.test, &everyone, Quantity::Loss)),
                ),
            ];
            if factored {
                // Weights and biases of the layer apart: its coordinates are all weights,
                // and then the biases.
                let (mut inputs, mut deltas) = (Vec::new(), Vec::new());
                for &i in &step.batch {
                    let visit = |part: gradsieve_harness::model::LayerGradient<'_>| {
                        inputs.extend_from_slice(part.activation);
                        deltas.extend_from_slice(part.delta);
                    };
                    let (x, label) = (self.train.row(i).unwrap(), self.train.labels()[i]);
                    model.backward(x, label, &mut Scratch::default(), visit).unwrap();
                }
                let (d, c) = (self.train.dim(), self.train.classes());
                // Of every class as if it were the label, by the root of its probability.
                let mut outputs = Vec::new();
                for label in 0..c {
                    for &i in &step.batch {
                        let visit = |part: gradsieve_harness::model::LayerGradient<'_>| {
                            let root = (1.0 + part.delta[label]).sqrt();
                            outputs.extend(part.delta.iter().map(|delta| root * delta));
                        };
                        let x = self.train.row(i).unwrap();
                        model.backward(x, label as u32, &mut Scratch::default(), visit).unwrap();
                    }
                }
                if curved {
                    for name in ["factors.b.1-weight", "factors.b.2-bias"] {
                        tensors.push((name, Dtype::F32, vec![batch * c, c], floats(outputs.clone())));
                    }
                }
                tensors.push(("a.1-weight", Dtype::F32, vec![batch, d], floats(inputs)));
                tensors.push(("b.1-weight", Dtype::F32, vec![batch, c], floats(deltas.clone())));
                tensors.push(("a.2-bias", Dtype::F32, vec![batch, 1], floats(vec![1.0; batch])));
                tensors.push(("b.2-bias", Dtype::F32, vec![batch, c], floats(deltas)));
            } else {
                let gradients = self.rows(&model, &self.train, &step.batch, Quantity::Loss);
                let factors = self.rows(&model, &self.train, &step.batch, Quantity::Pseudo);
                tensors.push(("grads", Dtype::F32, vec![batch, p], floats(gradients)));
                tensors.push(("factors", Dtype::F32, vec![factors.len() / p, p], floats(factors)));
            }
            if let Some(before) = t.checked_sub(1) {
                let bytes = self.products(before).iter().flat_map(|x| x.to_le_bytes()).collect();
                tensors.push(("products", Dtype::F64, vec![5, 5], bytes));
            }
            let views: HashMap<&str, TensorView<'_>> = tensors
                .iter()
                .map(|(name, dtype, shape, bytes)| {
                    (*name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
                })
                .collect();
            let bytes = safetensors::serialize(views, None).unwrap();
            std::fs::write(directory.join(format!("run/step-{t:04}.safetensors")), bytes).unwrap();
        }
        let targets = self.rows(&self.model, &self.test, &everyone, Quantity::Loss);
        let tensor = NamedTensor { name: "grads", shape: &[TARGETS, p], data: &targets };
        write_safetensors(&Destination::Path(directory.join("target.safetensors")), &[tensor]).unwrap();
    }
}

fn program(directory: &TempDir, arguments: &[&str]) -> Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_gradsieve"))
        .arg("influence")
        .args(arguments)
        .current_dir(directory.path())
        .output()
        .unwrap()
}

const DVEMB: [&str; 10] = [
    "--method",
    "dvemb",
    "--trajectory",
    "run",
    "--target",
    "target.safetensors",
    "-o",
    "out.npy",
    "--dtype",
    "f64",
];
const SHAPLEY: [&str; 8] = ["--method", "shapley", "--trajectory", "run", "-o", "out.npy", "--dtype", "f64"];

/// The influence that was written, row by row.
fn written(directory: &TempDir, arguments: &[&str]) -> Vec<f64> {
    let output = program(directory, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bytes = std::fs::read(directory.path().join("out.npy")).unwrap();
    let values: Vec<f64> = npyz::NpyFile::new(&bytes[..]).unwrap().into_vec().unwrap();
    assert_eq!(values.len(), SAMPLES * TARGETS);
    values
}

fn assert_close(found: &[f64], expected: &[f64]) {
    let largest = expected.iter().fold(0.0, |m: f64, e| m.max(e.abs()));
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-5 * largest, "{found} {expected}");
    }
}

#[test]
fn a_run_on_disk_gives_what_it_gives_in_memory() {
    let recorded = Recorded::new();
    let directory = tempfile::tempdir().unwrap();
    recorded.write(directory.path(), false);
    assert_close(&written(&directory, &DVEMB), &recorded.expected("dvemb"));
    assert_close(&written(&directory, &SHAPLEY), &recorded.expected("in-run"));
}

#[test]
fn factors_of_layers_give_what_whole_gradients_give_with_the_empirical_fisher() {
    let recorded = Recorded::new();
    let directory = tempfile::tempdir().unwrap();
    recorded.write(directory.path(), true);
    assert_close(&written(&directory, &DVEMB), &recorded.expected("dvemb-fisher"));
    assert_close(&written(&directory, &SHAPLEY), &recorded.expected("in-run"));
    let sketched = [&DVEMB[..], &["--dim", "32"]].concat();
    assert!(written(&directory, &sketched).iter().all(|score| score.is_finite()));
}

#[test]
fn output_gradients_of_curvature_give_what_its_rows_give() {
    let recorded = Recorded::new();
    let directory = tempfile::tempdir().unwrap();
    recorded.write_with(directory.path(), true, true);
    assert_close(&written(&directory, &DVEMB), &recorded.expected("dvemb"));
    // Coordinates that keep everything are another order of the same.
    let all = recorded.model.parameters().len().to_string();
    let eigen = [&DVEMB[..], &["--eigen", &all]].concat();
    assert_close(&written(&directory, &eigen), &recorded.expected("dvemb"));
    let principal = [&DVEMB[..], &["--principal", "100"]].concat();
    assert_close(&written(&directory, &principal), &recorded.expected("dvemb"));
}

/// What the program says on standard error; it must succeed.
fn said(directory: &TempDir, arguments: &[&str]) -> String {
    let output = program(directory, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stderr).unwrap()
}

/// `run.json`: the settings of an optimizer, and the reduction.
fn name(directory: &TempDir, optimizer: &str, reduction: &str) {
    let text = format!("{{\"optimizer\": {{{optimizer}}}, \"reduction\": \"{reduction}\", \"torch\": 2}}");
    std::fs::write(directory.path().join("run/run.json"), text).unwrap();
}

const NESTEROV: &str =
    r#""name": "SGD", "momentum": 0.9, "nesterov": true, "weight_decay": 0.1, "foreach": null"#;

#[test]
fn a_run_that_names_its_momentum_is_followed_by_it_and_nothing_is_said() {
    let recorded = Recorded::nesterov();
    let directory = tempfile::tempdir().unwrap();
    recorded.write(directory.path(), false);
    name(&directory, NESTEROV, "mean");
    assert_close(&written(&directory, &DVEMB), &recorded.expected("dvemb"));
    assert!(!said(&directory, &DVEMB).contains("SGD"), "{}", said(&directory, &DVEMB));
}

#[test]
fn steps_of_plain_sgd_are_known_as_such_without_a_name() {
    let directory = tempfile::tempdir().unwrap();
    Recorded::new().write(directory.path(), false);
    for line in [&DVEMB[..], &SHAPLEY] {
        assert!(!said(&directory, line).contains("SGD"), "{}", said(&directory, line));
    }
    name(&directory, r#""name": "SGD""#, "mean");
    assert!(!said(&directory, &DVEMB).contains("SGD"));
}

#[test]
fn steps_that_are_not_the_forms_are_said_with_how_far_they_are() {
    let recorded = Recorded::nesterov();
    let directory = tempfile::tempdir().unwrap();
    recorded.write(directory.path(), false);
    // Not named, named wrongly, named as what is not followed, and the wrong reduction.
    let percent = |line: &[&str], begins: &str| -> f64 {
        let message = said(&directory, line);
        let rest = message.split(begins).nth(1).unwrap_or_else(|| panic!("{begins}: {message}"));
        rest.split(" %").next().unwrap().trim().parse().unwrap()
    };
    let plain = "the steps of run differ from those of plain SGD by";
    assert!(percent(&DVEMB, plain) > 50.0);
    assert_close(&written(&directory, &DVEMB), &recorded.expected("dvemb-sgd"));
    name(&directory, &NESTEROV.replace("true", "false"), "mean");
    assert!(percent(&DVEMB, "SGD with momentum 0.9 and weight decay 0.1 by") > 5.0);
    name(&directory, NESTEROV, "sum");
    assert!(percent(&DVEMB, "SGD with Nesterov's momentum 0.9 and weight decay 0.1 by") > 50.0);
    name(&directory, NESTEROV, "mean");
    let of_shapley = said(&directory, &SHAPLEY);
    assert!(of_shapley.contains("run was made by SGD with Nesterov's momentum 0.9"), "{of_shapley}");
    assert!(percent(&SHAPLEY, plain) > 50.0);
    for (optimizer, named) in [
        (r#""name": "AdamW", "betas": [0.9, 0.999], "weight_decay": 0.01"#, "AdamW"),
        (r#""name": "SGD", "momentum": 0.9, "dampening": 0.5"#, "SGD with dampening"),
        (r#""name": "SGD", "varies": ["weight_decay"]"#, "SGD with several values of weight_decay"),
    ] {
        name(&directory, optimizer, "mean");
        let message = said(&directory, &DVEMB);
        assert!(message.contains(&format!("run was made by {named}: data value embedding")), "{message}");
        assert!(percent(&DVEMB, plain) > 50.0);
        assert_close(&written(&directory, &DVEMB), &recorded.expected("dvemb-sgd"));
    }
}

#[test]
fn a_run_that_names_no_optimizer_is_refused_by_its_file() {
    let directory = tempfile::tempdir().unwrap();
    damaged(directory.path(), 0, |_| {});
    one_target(directory.path());
    for (optimizer, reduction, expected) in [
        (r#""momentum": 0.9"#, "mean", "missing field `name`"),
        (r#""name": "SGD""#, "median", "unknown variant `median`"),
        (r#""name": "SGD", "momentum": 1.0"#, "mean", "a momentum of at least 0 and below 1, found 1"),
        (r#""name": "SGD", "dampening": -1"#, "mean", "a dampening of at least 0"),
        (r#""name": "SGD", "weight_decay": 1e39"#, "mean", "a weight decay that is finite"),
    ] {
        name(&directory, optimizer, reduction);
        let output = program(&directory, &DVEMB);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains("run/run.json") && message.contains(expected), "{message}");
    }
    std::fs::write(directory.path().join("run/run.json"), vec![b' '; (1 << 20) + 1]).unwrap();
    let output = program(&directory, &DVEMB);
    assert!(String::from_utf8_lossy(&output.stderr).contains("at most a mebibyte"));
}

#[test]
fn principal_directions_that_hold_all_inputs_lose_nothing() {
    let recorded = Recorded::flat();
    let directory = tempfile::tempdir().unwrap();
    recorded.write(directory.path(), true);
    let along = |line: &[&str], more: &[&str]| written(&directory, &[line, more].concat());
    for count in ["3", "4", "100"] {
        assert_close(&along(&DVEMB, &["--principal", count]), &recorded.expected("dvemb-fisher"));
        assert_close(&along(&SHAPLEY, &["--principal", count]), &recorded.expected("in-run"));
    }
    assert_ne!(along(&DVEMB, &["--principal", "1"]), along(&DVEMB, &["--principal", "3"]));
    let sketched = along(&DVEMB, &["--principal", "3", "--dim", "32"]);
    assert!(sketched.iter().all(|score| score.is_finite()));
}

#[test]
fn as_many_eigen_coordinates_as_a_gradient_has_lose_nothing() {
    let recorded = Recorded::flat();
    let directory = tempfile::tempdir().unwrap();
    recorded.write(directory.path(), true);
    let along = |line: &[&str], more: &[&str]| written(&directory, &[line, more].concat());
    let all = recorded.model.parameters().len().to_string();
    assert_close(&along(&DVEMB, &["--eigen", &all]), &recorded.expected("dvemb-fisher"));
    assert_close(&along(&SHAPLEY, &["--eigen", &all]), &recorded.expected("in-run"));
    assert_ne!(along(&DVEMB, &["--eigen", "2"]), along(&DVEMB, &["--eigen", &all]));
    let sketched = along(&DVEMB, &["--eigen", "4", "--dim", "32"]);
    assert!(sketched.iter().all(|score| score.is_finite()));
}

#[test]
fn principal_directions_of_what_has_no_inputs_are_refused() {
    let recorded = Recorded::new();
    let directory = tempfile::tempdir().unwrap();
    recorded.write(directory.path(), false);
    for (more, expected) in [
        (
            &["--principal", "2"][..],
            "run/step-0000.safetensors: expected tensors a.NAME and b.NAME of each layer",
        ),
        (&["--principal", "0"], "--principal: expected at least 1, found 0"),
        (
            &["--eigen", "2"],
            "run/step-0000.safetensors: expected tensors a.NAME and b.NAME of each layer, for --eigen",
        ),
        (&["--eigen", "0"], "--eigen: expected at least 1, found 0"),
    ] {
        let output = program(&directory, &[&DVEMB[..], more].concat());
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && message.contains(expected), "{message}");
        assert!(!directory.path().join("out.npy").exists());
    }
}

/// A step of one sample whose gradient is (1, 1), as `change` leaves it.
fn damaged(
    directory: &Path,
    number: usize,
    change: impl FnOnce(&mut HashMap<String, (Dtype, Vec<usize>, Vec<u8>)>),
) {
    let floats = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let mut tensors = HashMap::from([
        ("ids".to_owned(), (Dtype::I64, vec![2], [0i64, 1].iter().flat_map(|i| i.to_le_bytes()).collect())),
        ("learning_rate".to_owned(), (Dtype::F32, vec![1], floats(&[0.1]))),
        ("grads".to_owned(), (Dtype::F32, vec![2, 2], floats(&[1.0, 1.0, 0.5, 2.0]))),
        ("target".to_owned(), (Dtype::F32, vec![2], floats(&[1.0, 1.0]))),
    ]);
    change(&mut tensors);
    let views: HashMap<&str, TensorView<'_>> = tensors
        .iter()
        .map(|(name, (dtype, shape, bytes))| {
            (&name[..], TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        })
        .collect();
    std::fs::create_dir_all(directory.join("run")).unwrap();
    let bytes = safetensors::serialize(views, None).unwrap();
    std::fs::write(directory.join(format!("run/step-{number}.safetensors")), bytes).unwrap();
}

#[test]
fn a_damaged_run_is_refused_by_the_name_of_the_step_and_leaves_no_output() {
    type Change = fn(&mut HashMap<String, (Dtype, Vec<usize>, Vec<u8>)>);
    let changes: [(Change, &str); 13] = [
        (
            |t| drop(t.insert("products".to_owned(), (Dtype::F64, vec![4, 5], vec![0; 160]))),
            "\"products\" of five rows and columns, found shape",
        ),
        (
            |t| drop(t.insert("products".to_owned(), (Dtype::F64, vec![5, 5], vec![0xff; 200]))),
            "NaN or infinite",
        ),
        (
            |t| {
                let wide = [1.0f64, 1.0, 0.5, -1e39].iter().flat_map(|x| x.to_le_bytes()).collect();
                drop(t.insert("grads".to_owned(), (Dtype::F64, vec![2, 2], wide)));
            },
            "\"grads\" within the range of f32 (at most 3.4e38), found -1e39 in row 1, column 1",
        ),
        (
            |t| t.get_mut("ids").unwrap().2 = [1i64, -1].iter().flat_map(|i| i.to_le_bytes()).collect(),
            "found -1",
        ),
        (|t| t.get_mut("learning_rate").unwrap().2 = f32::NAN.to_le_bytes().to_vec(), "found NaN"),
        (|t| t.get_mut("learning_rate").unwrap().2 = f32::INFINITY.to_le_bytes().to_vec(), "found inf"),
        (|t| t.get_mut("learning_rate").unwrap().2 = (-0.1f32).to_le_bytes().to_vec(), "found -0.1"),
        (
            |t| drop(t.insert("factors".to_owned(), (Dtype::F32, vec![2, 3], vec![0; 24]))),
            "2 columns of \"factors\"",
        ),
        (
            |t| drop(t.insert("grads".to_owned(), (Dtype::F32, vec![2, 3], vec![0; 24]))),
            "as run/step-0.safetensors has, found 3",
        ),
        (
            |t| drop(t.insert("grads".to_owned(), (Dtype::F32, vec![3, 2], vec![0; 24]))),
            "one for each id, found 3",
        ),
        (|t| drop(t.remove("grads")), "a tensor \"grads\""),
        (|t| drop(t.remove("learning_rate")), "a tensor \"learning_rate\""),
        (
            |t| t.get_mut("grads").unwrap().2[..4].copy_from_slice(&f32::INFINITY.to_le_bytes()),
            "NaN or infinite",
        ),
    ];
    for (change, expected) in changes {
        let directory = tempfile::tempdir().unwrap();
        damaged(directory.path(), 0, |_| {});
        damaged(directory.path(), 1, |tensors| {
            if expected.ends_with("found 3") && expected.contains("as run") {
                tensors.remove("target");
            }
            change(tensors);
        });
        one_target(directory.path());
        for arguments in [&SHAPLEY[..], &DVEMB] {
            let output = program(&directory, arguments);
            let message = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{expected}: {message}");
            assert!(message.contains("step-1") && message.contains(expected), "{expected}: {message}");
            assert!(!directory.path().join("out.npy").exists());
        }
    }
    // A step that is missing, and no step at all.
    let directory = tempfile::tempdir().unwrap();
    let refused = || String::from_utf8_lossy(&program(&directory, &SHAPLEY).stderr).into_owned();
    std::fs::create_dir(directory.path().join("run")).unwrap();
    assert!(refused().contains("found none"), "{}", refused());
    damaged(directory.path(), 3, |_| {});
    damaged(directory.path(), 5, |_| {});
    assert!(refused().contains("a file for step 4"), "{}", refused());
    let lost = program(&directory, &["--method", "dvemb", "--top", "1"]);
    assert_eq!(lost.status.code(), Some(2));
}

#[test]
fn a_step_that_is_too_large_for_its_curvature_is_named_and_the_rest_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    damaged(directory.path(), 0, |_| {});
    damaged(directory.path(), 1, |t| t.get_mut("learning_rate").unwrap().2 = 3.0f32.to_le_bytes().to_vec());
    one_target(directory.path());
    let output = program(&directory, &DVEMB);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{message}");
    assert!(message.contains("step-1.safetensors") && message.contains("unstable"), "{message}");
    let bytes = std::fs::read(directory.path().join("out.npy")).unwrap();
    let scores: Vec<f64> = npyz::NpyFile::new(&bytes[..]).unwrap().into_vec().unwrap();
    assert!(scores.iter().all(|score| score.is_finite()), "{scores:?}");
}

#[test]
fn a_sample_that_is_drawn_twice_has_the_sum_of_both_influences() {
    let twice = |t: &mut HashMap<String, (Dtype, Vec<usize>, Vec<u8>)>, ids: [i64; 2]| {
        t.get_mut("ids").unwrap().2 = ids.iter().flat_map(|i| i.to_le_bytes()).collect();
    };
    for arguments in [&SHAPLEY[..], &DVEMB] {
        let scores = |ids| -> Vec<f64> {
            let directory = tempfile::tempdir().unwrap();
            damaged(directory.path(), 0, |_| {});
            damaged(directory.path(), 1, |tensors| twice(tensors, ids));
            one_target(directory.path());
            let output = program(&directory, arguments);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let bytes = std::fs::read(directory.path().join("out.npy")).unwrap();
            npyz::NpyFile::new(&bytes[..]).unwrap().into_vec().unwrap()
        };
        let (apart, together) = (scores([2, 3]), scores([3, 3]));
        assert_eq!(together[..2], apart[..2]);
        assert_eq!((together[2], together[3]), (0.0, apart[2] + apart[3]));
    }
}

#[test]
fn hidden_files_beside_the_steps_are_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    damaged(directory.path(), 0, |_| {});
    one_target(directory.path());
    let alone = program(&directory, &DVEMB);
    for name in ["._step-0.safetensors", ".step-7.safetensors", ".safetensors", ".DS_Store"] {
        std::fs::write(directory.path().join("run").join(name), b"\0\x05\x16\x07").unwrap();
    }
    let beside = program(&directory, &DVEMB);
    assert!(beside.status.success(), "{}", String::from_utf8_lossy(&beside.stderr));
    assert_eq!(beside.stdout, alone.stdout);
}

/// The target (1, 0) at the end of a run of [`damaged`] steps.
fn one_target(directory: &Path) {
    let tensor = NamedTensor { name: "grads", shape: &[1, 2], data: &[1.0, 0.0] };
    write_safetensors(&Destination::Path(directory.join("target.safetensors")), &[tensor]).unwrap();
}

#[test]
fn a_run_that_diverges_beyond_all_numbers_is_refused_by_the_name_of_the_step_and_nothing_is_nan() {
    let rate = |rate: f64| {
        move |t: &mut HashMap<String, (Dtype, Vec<usize>, Vec<u8>)>| {
            drop(t.insert("learning_rate".to_owned(), (Dtype::F64, vec![1], rate.to_le_bytes().to_vec())));
        }
    };
    for (rates, named, expected) in [
        ([0.1, 1e30, 1e30, 0.1], "step-1", "numbers leave their range"),
        ([0.1, 1e300, 0.1, 0.1], "step-1", "a learning rate of at most"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        rates.iter().enumerate().for_each(|(t, &value)| damaged(directory.path(), t, rate(value)));
        one_target(directory.path());
        let output = program(&directory, &DVEMB);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(named) && message.contains(expected), "{message}");
        assert!(!directory.path().join("out.npy").exists());
    }
    // Shapley values are sums, in f64.
    let directory = tempfile::tempdir().unwrap();
    [1e300, 1.5e308, 1.5e308]
        .iter()
        .enumerate()
        .for_each(|(t, &value)| damaged(directory.path(), t, rate(value)));
    let output = program(&directory, &SHAPLEY);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("step-1") && !directory.path().join("out.npy").exists(), "{message}");
}
