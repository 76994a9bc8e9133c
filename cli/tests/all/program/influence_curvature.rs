//! `gradsieve influence` with a curvature of its own: other rows than the scored ones, λ
//! as it is, and the methods that see a part of the curvature.

use std::fs::File;
use std::process::Command;

use gradsieve::influence::{Ekfac, EkfacSettings};
use gradsieve_io::files::{Destination, Dtype, NamedTensor, write_safetensors};

use super::place::{Place, assert_close, noise, numpy};

/// Influence by the golden gradients.
fn golden(place: &Place, more: &[&str]) -> Vec<f64> {
    let (train, target) = (numpy("train-f4"), numpy("target-f4"));
    let line = ["influence", "--train", &train, "--target", &target, "--dtype", "f64", "-o", "I.npy"];
    place.succeed(&[&line[..], more].concat());
    let found = place.array("I.npy");
    std::fs::remove_file(place.path("I.npy")).unwrap();
    found
}

fn largest(numbers: &[f64]) -> f64 {
    numbers.iter().fold(0.0, |most: f64, x| most.max(x.abs()))
}

#[test]
fn factors_that_are_the_training_rows_change_nothing_and_samples_divide_the_curvature() {
    let (place, factors) = (Place::new(), numpy("train-f4"));
    for method in [&["ridge"][..], &["cg"], &["datainf"], &["lissa", "--passes", "20", "--accept-inexact"]] {
        let method = [&["--method"][..], method].concat();
        let plain = golden(&place, &method);
        let apart = golden(&place, &[&method[..], &["--factors", &factors]].concat());
        // Of fewer rows than numbers ridge reads the influence of the curvature's own
        // rows off, and multiplies others with the solutions.
        let allowed = if method[1] == "ridge" { 1e-13 * largest(&plain) } else { 0.0 };
        assert_close(&apart, &plain, |_| allowed);
        if method[1] == "datainf" {
            continue;
        }
        // C is twice as large, and so is λ, which is a share of it.
        let half = golden(&place, &[&method[..], &["--factors", &factors, "--samples", "6"]].concat());
        let doubled: Vec<f64> = half.iter().map(|x| 2.0 * x).collect();
        assert_close(&doubled, &plain, |_| 1e-5 * largest(&plain));
    }
}

#[test]
fn factors_may_come_on_standard_input_where_they_are_measured_first() {
    let (place, factors) = (Place::new(), numpy("train-f4"));
    for more in [&["--samples", "6"][..], &["--lambda", "0.5"]] {
        let named = golden(&place, &[&["--method", "ridge", "--factors", &factors], more].concat());
        let (train, target) = (&factors, numpy("target-f4"));
        let line =
            ["influence", "--train", train, "--target", &target, "--method", "ridge", "--factors", "-"];
        let output = Command::new(env!("CARGO_BIN_EXE_gradsieve"))
            .args([&line[..], more, &["--dtype", "f64", "-o", "S.npy"]].concat())
            .current_dir(place.0.path())
            .stdin(File::open(&factors).unwrap())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(place.array::<f64>("S.npy"), named);
    }
}

#[test]
fn a_lambda_is_the_damping_times_the_mean_eigenvalue() {
    let place = Place::new();
    let train: Vec<f32> = place_array("train-f4");
    let rows = 12;
    let mean = train.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / train.len() as f64;
    let lambda = (0.5 * mean).to_string();
    for method in [&["ridge"][..], &["cg", "--tolerance", "1e-8"], &["datainf"]] {
        let method = [&["--method"][..], method].concat();
        let share = golden(&place, &[&method[..], &["--damping", "0.5"]].concat());
        let absolute = golden(&place, &[&method[..], &["--lambda", &lambda]].concat());
        assert_close(&absolute, &share, |_| 1e-5 * largest(&share));
    }
    // TRAK adds it to the sum, not to the mean.
    let margins = numpy("one_minus_p");
    let lambda = (0.5 * mean * rows as f64).to_string();
    let share = golden(&place, &["--method", "trak", "--one-minus-p", &margins, "--damping", "0.5"]);
    let absolute = golden(&place, &["--method", "trak", "--one-minus-p", &margins, "--lambda", &lambda]);
    assert_close(&absolute, &share, |_| 1e-5 * largest(&share));
}

fn place_array(name: &str) -> Vec<f32> {
    super::place::array(numpy(name))
}

#[test]
fn gif_of_all_columns_is_ridge_and_ip_is_tracin_of_rates_of_one() {
    let place = Place::new();
    let all = "0..67";
    let ridge = golden(&place, &["--method", "ridge"]);
    let gif = golden(&place, &["--method", "gif", "--coordinates", all]);
    assert_close(&gif, &ridge, |_| 1e-5 * largest(&ridge));
    let part = golden(&place, &["--method", "gif", "--coordinates", "3,60..67"]);
    assert!(part.iter().zip(&ridge).any(|(a, b)| (a - b).abs() > 1e-2 * largest(&ridge)));
    let (train, target) = (numpy("train2-f4"), numpy("target2-f4"));
    let second = ["--train", &train, "--target", &target];
    let ip = golden(&place, &[&["--method", "ip"][..], &second].concat());
    assert_eq!(ip, golden(&place, &[&["--method", "tracin"][..], &second].concat()));
}

#[test]
fn arnoldi_of_all_eigenpairs_is_the_inverse_and_of_few_products_an_error() {
    let place = Place::new();
    // Six directions of lengths that lie apart, in 40 columns.
    let (rows, columns) = (48, 40);
    let mut train = vec![0.0; rows * columns];
    for (i, row) in train.chunks_exact_mut(columns).enumerate() {
        row[7 * (i % 6)] = 1.0 + (i % 6) as f32;
    }
    let targets: Vec<f32> = train[..4 * columns].to_vec();
    place.write("T.npy", &[rows, columns], Dtype::F32, &train);
    place.write("V.npy", &[4, columns], Dtype::F32, &targets);
    let line = ["influence", "--train", "T.npy", "--target", "V.npy", "--method", "arnoldi"];
    let report = place.json(&[&line[..], &["-o", "I.npy", "--json"]].concat());
    assert_eq!(report["solver"]["converged"], true, "{report}");
    let found: Vec<f64> = place.array::<f32>("I.npy").into_iter().map(f64::from).collect();
    // C has (1 + j)²/6 in the places of direction j.
    let expected: Vec<f64> =
        (0..rows).flat_map(|i| (0..4).map(move |v| if i % 6 == v { 6.0 } else { 0.0 })).collect();
    assert_close(&found, &expected, |_| 1e-4);

    let message = place.fail(&[&line[..], &["--passes", "4", "--keep", "3", "--top", "1"]].concat());
    assert!(message.starts_with("T.npy: arnoldi has not converged after 5 passes"), "{message}");
    assert!(message.contains("more --passes or a smaller --keep bring it nearer"), "{message}");
    let accepted = ["--passes", "4", "--keep", "3", "--top", "1", "--json", "--accept-inexact"];
    assert_eq!(place.json(&[&line[..], &accepted].concat())["inexact"], true);
}

/// Factors of two layers, 3 × 4 and 2 × 3, of some samples.
struct Layers(Vec<(&'static str, usize, Vec<f32>)>);

impl Layers {
    /// Of each factor the first entry is the second but for `apart`, free if that is 1.
    fn write(place: &Place, name: &str, count: usize, first: usize, apart: f32) -> Self {
        let all = noise(first + count * 12);
        let mut rest = &all[first..];
        let mut tensors = Vec::new();
        for (name, columns) in [("a.0.weight", 4), ("a.1.weight", 3), ("b.0.weight", 3), ("b.1.weight", 2)] {
            let (values, behind) = rest.split_at(count * columns);
            rest = behind;
            let mut values = values.to_vec();
            values.chunks_exact_mut(columns).for_each(|x| x[0] = (1.0 - apart) * x[1] + apart * x[0]);
            tensors.push((name, columns, values));
        }
        let shapes: Vec<[usize; 2]> = tensors.iter().map(|(_, columns, _)| [count, *columns]).collect();
        let named: Vec<NamedTensor<'_>> = (tensors.iter().zip(&shapes))
            .map(|((name, _, data), shape)| NamedTensor { name, shape, data })
            .collect();
        write_safetensors(&Destination::Path(place.path(name)), &named).unwrap();
        Self(tensors)
    }

    fn samples(&self, layer: usize) -> impl Iterator<Item = (&[f32], &[f32])> {
        let ((_, inputs, a), (_, outputs, b)) = (&self.0[layer], &self.0[2 + layer]);
        a.chunks_exact(*inputs).zip(b.chunks_exact(*outputs))
    }
}

#[test]
fn ek_fac_of_files_of_layers_has_the_core_s_scores() {
    let place = Place::new();
    let train = Layers::write(&place, "train.safetensors", 30, 0, 1.0);
    let target = Layers::write(&place, "target.safetensors", 4, 400, 1.0);
    let sampled = Layers::write(&place, "sampled.safetensors", 25, 1000, 1.0);
    let line = ["influence", "--train", "train.safetensors", "--target", "target.safetensors"];
    let factors = ["--factors", "sampled.safetensors", "--dtype", "f64", "-o", "I.npy"];
    let output = place.run(&[&line[..], &factors].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("chosen: --method ek-fac: "), "{said}");
    let mut expected = vec![0.0; 30 * 4];
    for (layer, (outputs, inputs)) in [(3, 4), (2, 3)].into_iter().enumerate() {
        let settings = EkfacSettings::new(outputs, inputs);
        let mut ekfac = Ekfac::new(settings, vec![0.0; settings.memory().f32s]).unwrap();
        sampled.samples(layer).for_each(|(a, b)| ekfac.factors(a, b).unwrap());
        ekfac.decompose(&mut vec![0.0; settings.memory().f64s]).unwrap();
        for (a, b) in sampled.samples(layer) {
            ekfac.position(a, b).unwrap();
            ekfac.sample().unwrap();
        }
        for (j, of_target) in target.samples(layer).enumerate() {
            let mut solution = vec![0.0; inputs * outputs];
            let targets = ekfac.solve([of_target], &mut solution).unwrap();
            for (i, (a, b)) in train.samples(layer).enumerate() {
                let mut score = [0.0];
                targets.score_factors(a, b, &mut score).unwrap();
                expected[i * 4 + j] += score[0];
            }
        }
    }
    assert_close(&place.array("I.npy"), &expected, |_| 1e-6 * largest(&expected));

    // Without others the samples' own factors, which is said.
    let output = place.run(&[&line[..], &["--method", "ek-fac", "--top", "1"]].concat());
    assert!(String::from_utf8(output.stderr).unwrap().contains("the curvature is the empirical Fisher"));
    // Eigenvalues too far apart for eigenvectors of f32.
    Layers::write(&place, "far.safetensors", 25, 1000, 1e-3);
    let far = ["--method", "ek-fac", "--factors", "far.safetensors", "--lambda", "1e-12", "--top", "1"];
    let message = place.fail(&[&line[..], &far].concat());
    assert!(message.contains("a larger --damping brings it nearer"), "{message}");
}

#[test]
fn a_method_is_chosen_by_what_there_is_and_the_reason_said() {
    let place = Place::new();
    place.write("T.npy", &[3, 2], Dtype::F32, &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    place.write("V.npy", &[2, 2], Dtype::F32, &[0.5; 4]);
    place.write("one.npy", &[1, 2], Dtype::F32, &[0.5; 2]);
    place.write("wide.npy", &[2, 5000], Dtype::F32, &noise(10_000));
    place.write("many.npy", &[2501, 5000], Dtype::F32, &noise(2501 * 5000));
    place.write("P.npy", &[3], Dtype::F32, &[0.5; 3]);
    let rows = "--train T.npy --target V.npy --top 1";
    for (line, chosen) in [
        (rows.to_owned(), "ridge: 3 rows have a curvature, whose matrix of 2 columns fits in memory"),
        ("--train one.npy --target V.npy --top 1".to_owned(), "dot: one row says nothing of the curvature"),
        (
            "--train wide.npy --target wide.npy --top 1".to_owned(),
            "ridge: 2 rows have a curvature, and the matrix of their inner products fits in memory",
        ),
        (
            "--train many.npy --target wide.npy --top 1".to_owned(),
            "cg: 2501 rows have a curvature, and 5000 columns are too many for its matrix",
        ),
        (format!("{rows} --tolerance 1e-3"), "cg: "),
        (format!("{rows} --one-minus-p P.npy"), "trak: 1 - p belongs to gradients of the margin"),
        (format!("{rows} --coordinates 1"), "gif: "),
        (format!("{rows} --train T.npy --target V.npy --lr 0.1"), "tracin: "),
        (format!("{rows} --train T.npy --target V.npy"), "ip: "),
    ] {
        let line: Vec<&str> = line.split(' ').collect();
        let output = place.run(&[&["influence"][..], &line].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{line:?}: {said}");
        assert!(said.contains(&format!("chosen: --method {chosen}")), "{line:?}: {said}");
    }
    let message = place.fail(&["influence", "--train", "-", "--target", "V.npy", "--top", "1"]);
    assert_eq!(message, "--method: expected one by its name, with gradients on standard input, found auto");
}

#[test]
fn rows_that_are_wider_than_they_are_many_have_the_influence_of_conjugate_gradients() {
    let (place, rows, width) = (Place::new(), 9, 5000);
    let mut train = noise(rows * width);
    train[3 * width + 7] = f32::NAN;
    place.write("wide.npy", &[rows, width], Dtype::F32, &train);
    place.write("V.npy", &[2, width], Dtype::F32, &noise(2 * width + 1)[1..]);
    place.write("P.npy", &[rows], Dtype::F32, &[0.25; 9]);
    let influence = |more: &[&str]| -> Vec<f64> {
        let line = ["influence", "--train", "wide.npy", "--target", "V.npy", "--dtype", "f64", "-o", "S.npy"];
        place.succeed(&[&line[..], more].concat());
        place.array::<f64>("S.npy")
    };
    let nan_free = |all: &[f64]| all.iter().copied().filter(|x| !x.is_nan()).collect::<Vec<_>>();
    for more in
        [&[][..], &["--damping", "1e-3"], &["--lambda", "0.01"], &["--factors", "wide.npy", "--samples", "4"]]
    {
        let ridge = influence(&[&["--method", "ridge"], more].concat());
        let cg = influence(&[&["--method", "cg", "--tolerance", "1e-7", "--passes", "200"], more].concat());
        assert!(ridge.iter().zip(&cg).all(|(a, b)| a.is_nan() == b.is_nan()));
        let [ridge, cg] = [nan_free(&ridge), nan_free(&cg)];
        assert_eq!(ridge.len(), 2 * (rows - 1));
        assert_close(&ridge, &cg, |_| 1e-5 * largest(&cg));
    }
    // TRAK is of ΦᵀΦ, of the eight rows that are finite, and of 1 − p.
    let ridge = nan_free(&influence(&["--method", "ridge"]));
    let trak = nan_free(&influence(&["--method", "trak", "--one-minus-p", "P.npy"]));
    let expected: Vec<f64> = ridge.iter().map(|x| x / 8.0 * 0.25).collect();
    assert_close(&trak, &expected, |_| 1e-6 * largest(&expected));
    let refused =
        ["influence", "--train", "wide.npy", "--target", "V.npy", "--method", "trak", "--damping", "0"];
    let message = place.fail(&[&refused[..], &["--one-minus-p", "P.npy", "--top", "1"]].concat());
    assert!(message.contains("at most 4096 columns for trak"), "{message}");
    let hard = ["influence", "--train", "wide.npy", "--target", "V.npy", "--method", "ridge", "--top", "1"];
    let message = place.fail(&[&hard[..], &["--damping", "1e-8"]].concat());
    assert!(message.contains("expected a condition number"), "{message}");
}

#[test]
fn settings_of_curvature_that_do_not_fit_are_refused() {
    let place = Place::new();
    place.write("T.npy", &[3, 2], Dtype::F32, &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    place.write("F.npy", &[3, 3], Dtype::F32, &[0.5; 9]);
    for (line, message) in [
        ("dot --factors T.npy", "--factors: expected a method with curvature: "),
        ("ridge --factors F.npy", "F.npy: expected 2 columns"),
        ("ridge --factors T.npy --factors T.npy", "--factors: expected as often as --train"),
        ("ridge --factors T.npy --samples 0", "--samples: expected at least 1, found 0"),
        ("datainf --factors T.npy --samples 3", "--samples: expected a method whose curvature is a mean"),
        ("ridge --lambda 0", "--lambda: expected a finite number above 0, found 0"),
        ("dot --lambda 1", "--lambda: expected a method that has one"),
        ("arnoldi --damping 1", "--damping: expected a method that has one"),
        ("datainf --layers 1,1 --lambda 1", "--lambda: expected --damping with --layers"),
        ("ridge --lambda 1e300", "--lambda: expected one within 1e38 of the mean eigenvalue of T.npy"),
        ("gif", "--coordinates: expected the columns that gif may update, as in 640..650, found none"),
        ("gif --coordinates 1,0..2", "--coordinates: expected each column once, found 1 twice"),
        ("gif --coordinates 2", "--coordinates: expected columns below 2, as many as T.npy has, found 2"),
        ("ridge --coordinates 1", "--coordinates: expected --method gif, which alone uses it, found ridge"),
        ("ridge --keep 1", "--keep: expected --method arnoldi, which alone uses it, found ridge"),
        ("arnoldi --keep 3 --passes 2", "--keep: expected at most the 2 --passes, found 3"),
        ("ek-fac", "--train: expected a FILE.safetensors with a.NAME and b.NAME"),
        ("ek-fac --dim 32", "--dim: expected a method of rows, which ek-fac is not"),
    ] {
        let line: Vec<&str> = line.split(' ').collect();
        let all = ["influence", "--train", "T.npy", "--target", "T.npy", "--top", "1", "--method"];
        let found = place.fail(&[&all[..], &line].concat());
        assert!(found.starts_with(message), "{line:?}: {found}");
    }
}

/// Softmax regression with a ridge term: its parameters are classes × inputs.
struct Softmax {
    inputs: Vec<[f64; INPUTS]>,
    labels: Vec<usize>,
    lambda: f64,
}

const INPUTS: usize = 4;
const CLASSES: usize = 3;
const PARAMETERS: usize = INPUTS * CLASSES;
type Vector = [f64; PARAMETERS];

impl Softmax {
    fn probabilities(&self, theta: &Vector, i: usize) -> [f64; CLASSES] {
        let logit = |class: usize| -> f64 {
            (0..INPUTS).map(|j| theta[class * INPUTS + j] * self.inputs[i][j]).sum()
        };
        let odds: [f64; CLASSES] = std::array::from_fn(|class| logit(class).exp());
        odds.map(|one| one / odds.iter().sum::<f64>())
    }

    fn loss(&self, theta: &Vector, i: usize) -> f64 {
        -self.probabilities(theta, i)[self.labels[i]].ln()
    }

    /// The gradient of the loss by a label.
    fn gradient(&self, theta: &Vector, i: usize, label: usize) -> Vector {
        let p = self.probabilities(theta, i);
        std::array::from_fn(|k| {
            let (class, j) = (k / INPUTS, k % INPUTS);
            (p[class] - f64::from(u8::from(class == label))) * self.inputs[i][j]
        })
    }

    /// √p_c·∇(−ln p_c), a row a class.
    fn factors(&self, theta: &Vector, i: usize) -> [Vector; CLASSES] {
        let p = self.probabilities(theta, i);
        std::array::from_fn(|class| self.gradient(theta, i, class).map(|x| p[class].sqrt() * x))
    }

    /// The optimum of (1/n) Σ losses + λ/2·‖θ‖², where sample `without` has no term.
    fn optimum(&self, start: Vector, without: Option<usize>, steps: usize) -> Vector {
        let (mut theta, n) = (start, self.inputs.len());
        for _ in 0..steps {
            let mut gradient = theta.map(|x| self.lambda * x);
            let mut hessian = [[0.0; PARAMETERS]; PARAMETERS];
            (0..PARAMETERS).for_each(|k| hessian[k][k] = self.lambda);
            for i in (0..n).filter(|&i| Some(i) != without) {
                let own = self.gradient(&theta, i, self.labels[i]);
                for (sum, x) in gradient.iter_mut().zip(own) {
                    *sum += x / n as f64;
                }
                for row in self.factors(&theta, i) {
                    for k in 0..PARAMETERS {
                        for l in 0..PARAMETERS {
                            hessian[k][l] += row[k] * row[l] / n as f64;
                        }
                    }
                }
            }
            let step = solved(hessian, gradient);
            (0..PARAMETERS).for_each(|k| theta[k] -= step[k]);
        }
        theta
    }
}

/// Gauss's elimination; the matrix is positive definite.
fn solved(mut matrix: [Vector; PARAMETERS], mut right: Vector) -> Vector {
    for k in 0..PARAMETERS {
        for row in k + 1..PARAMETERS {
            let part = matrix[row][k] / matrix[k][k];
            let pivot = matrix[k];
            for (entry, pivot) in matrix[row].iter_mut().zip(pivot).skip(k) {
                *entry -= part * pivot;
            }
            right[row] -= part * right[k];
        }
    }
    for k in (0..PARAMETERS).rev() {
        let known: f64 = (k + 1..PARAMETERS).map(|l| matrix[k][l] * right[l]).sum();
        right[k] = (right[k] - known) / matrix[k][k];
    }
    right
}

fn pearson(x: &[f64], y: &[f64]) -> f64 {
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let (mean_x, mean_y) = (mean(x), mean(y));
    let product = |x: &[f64], y: &[f64], mx: f64, my: f64| -> f64 {
        x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum()
    };
    product(x, y, mean_x, mean_y) / (product(x, x, mean_x, mean_x) * product(y, y, mean_y, mean_y)).sqrt()
}

fn ranks(x: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|&a, &b| x[a].total_cmp(&x[b]));
    let mut ranks = vec![0.0; x.len()];
    order.into_iter().enumerate().for_each(|(rank, i)| ranks[i] = rank as f64);
    ranks
}

#[test]
fn leave_one_out_of_softmax_regression_at_its_optimum_is_foretold() {
    const TRAIN: usize = 240;
    const TARGETS: usize = 5;
    let numbers = noise((TRAIN + TARGETS) * (INPUTS + 1));
    let mut model = Softmax { inputs: Vec::new(), labels: Vec::new(), lambda: 0.01 };
    for row in numbers.chunks_exact(INPUTS + 1).take(TRAIN) {
        let x = [1.0, row[0], row[1], row[2]].map(f64::from);
        model.inputs.push(x);
        // Three sectors, and some noise.
        let sides = [x[1] + 0.3 * f64::from(row[3]), x[2] - x[1], x[3] - 0.5 * x[2]];
        model.labels.push((0..CLASSES).max_by(|&a, &b| sides[a].total_cmp(&sides[b])).unwrap());
    }
    let theta = model.optimum([0.0; PARAMETERS], None, 12);
    let targets: Vec<usize> = (0..TARGETS).map(|target| 7 + 13 * target).collect();

    let place = Place::new();
    let floats = |rows: Vec<Vector>| rows.concat().into_iter().map(|x| x as f32).collect::<Vec<f32>>();
    let gradients =
        |of: &[usize]| floats(of.iter().map(|&i| model.gradient(&theta, i, model.labels[i])).collect());
    let all: Vec<usize> = (0..TRAIN).collect();
    place.write("train.npy", &[TRAIN, PARAMETERS], Dtype::F32, &gradients(&all));
    place.write("target.npy", &[TARGETS, PARAMETERS], Dtype::F32, &gradients(&targets));
    let factors = floats(all.iter().flat_map(|&i| model.factors(&theta, i)).collect());
    place.write("factors.npy", &[TRAIN * CLASSES, PARAMETERS], Dtype::F32, &factors);

    let mut truth = vec![0.0; TRAIN * TARGETS];
    for i in 0..TRAIN {
        let without = model.optimum(theta, Some(i), 4);
        for (j, &target) in targets.iter().enumerate() {
            truth[i * TARGETS + j] = model.loss(&without, target) - model.loss(&theta, target);
        }
    }
    let samples = TRAIN.to_string();
    let rows =
        ["influence", "--train", "train.npy", "--target", "target.npy", "-o", "I.npy", "--dtype", "f64"];
    let curvature = ["--factors", "factors.npy", "--samples", &samples, "--lambda", "0.01"];
    for method in ["auto", "ridge", "cg"] {
        place.succeed(&[&rows[..], &curvature, &["--method", method]].concat());
        let found: Vec<f64> = place.array("I.npy");
        let (r, rho) = (pearson(&found, &truth), pearson(&ranks(&found), &ranks(&truth)));
        assert!(r >= 0.99 && rho >= 0.99, "{method}: {r} {rho}");
        // The scale is n times the change.
        let slope = found.iter().zip(&truth).map(|(x, y)| x * y).sum::<f64>()
            / found.iter().map(|x| x * x).sum::<f64>()
            * TRAIN as f64;
        assert!((0.9..1.2).contains(&slope), "{method}: {slope}");
    }
    // One matrix for both does not foretell it.
    place.succeed(&[&rows[..], &["--method", "ridge", "--lambda", "0.01"]].concat());
    let found: Vec<f64> = place.array("I.npy");
    let (r, rho) = (pearson(&found, &truth), pearson(&ranks(&found), &ranks(&truth)));
    assert!(rho < 0.985, "{r} {rho}");
}
