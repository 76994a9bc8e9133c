//! Steps of a recorded run: what is read of them, in which order, and what is refused.

use std::fs;
use std::path::Path;

use gradsieve_io::files::{FileError, StepFactors, StepFile, StepGradients, step_files};

use super::place::{safetensors, says};

/// A tensor to write: its name, its type, its shape and its bytes.
type Tensor<'a> = (&'a str, &'a str, &'a [usize], Vec<u8>);

fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// Whole numbers as floats, as many as these.
fn counted(count: usize) -> Vec<u8> {
    (0..count).flat_map(|i| (i as f32).to_le_bytes()).collect()
}

fn ids<'a>(of: &[i64]) -> Tensor<'a> {
    const SHAPES: [&[usize]; 4] = [&[0], &[1], &[2], &[3]];
    ("ids", "I64", SHAPES[of.len()], of.iter().flat_map(|id| id.to_le_bytes()).collect())
}

fn rate<'a>() -> Tensor<'a> {
    ("learning_rate", "F64", &[], 0.5_f64.to_le_bytes().to_vec())
}

fn grads<'a>() -> Tensor<'a> {
    ("grads", "F32", &[2, 3], counted(6))
}

fn file(tensors: &[Tensor<'_>]) -> Vec<u8> {
    let (mut json, mut values) = (serde_json::Map::new(), Vec::new());
    for (name, dtype, shape, bytes) in tensors {
        let place = [values.len(), values.len() + bytes.len()];
        let entry = serde_json::json!({ "dtype": dtype, "shape": shape, "data_offsets": place });
        json.insert((*name).to_owned(), entry);
        values.extend(bytes);
    }
    safetensors(&serde_json::Value::Object(json).to_string(), &values)
}

fn read(tensors: &[Tensor<'_>]) -> Result<StepFile, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("step-0.safetensors");
    fs::write(&path, file(tensors)).unwrap();
    StepFile::read(&path).map_err(|error| says::<()>(Err(error), directory.path()))
}

fn refusal(tensors: &[Tensor<'_>]) -> String {
    let refusal = read(tensors).unwrap_err();
    assert!(refusal.starts_with("step-0.safetensors: expected ") && !refusal.contains('\n'), "{refusal}");
    refusal
}

#[test]
fn a_step_has_the_numbers_of_its_file_in_any_float() {
    let half = |values: &[f32]| values.iter().flat_map(|&x| half::f16::from_f32(x).to_le_bytes()).collect();
    let brain = |values: &[f32]| values.iter().flat_map(|&x| half::bf16::from_f32(x).to_le_bytes()).collect();
    let double = |values: &[f64]| values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let step = read(&[
        ids(&[7, 7]),
        rate(),
        ("grads", "F16", &[2, 2], half(&[1.0, -2.0, 0.5, 4.0])),
        ("factors", "BF16", &[3, 2], brain(&[1.0, 0.0, 2.0, 0.0, 3.0, 0.0])),
        ("target", "F64", &[2], double(&[1.5, f64::NAN])),
        ("curvature", "F32", &[1, 2], f32s(&[0.0, f32::INFINITY])),
        ("notes", "U8", &[1], vec![1]),
    ])
    .unwrap();
    assert_eq!((step.ids, step.learning_rate), (vec![7, 7], 0.5));
    let StepGradients::Rows(rows) = step.gradients else { panic!("rows were written") };
    assert_eq!((rows.values, rows.columns), (vec![1.0, -2.0, 0.5, 4.0], 2));
    let factors = step.factors.unwrap();
    assert_eq!(factors.count(), 3);
    let StepFactors::Rows(factors) = factors else { panic!("rows were written") };
    assert_eq!(factors.values, [1.0, 0.0, 2.0, 0.0, 3.0, 0.0]);
    let target = step.target.unwrap();
    assert!(target.count() == 1 && target.values[0] == 1.5 && target.values[1].is_nan());
    // What was infinite stays so: it is for the reader to refuse.
    assert_eq!(step.curvature.unwrap().values, [0.0, f32::INFINITY]);
}

#[test]
fn layers_come_in_the_order_of_their_names_with_their_two_sides() {
    let step = read(&[
        ids(&[0, 1]),
        rate(),
        ("b.two", "F32", &[2, 1], f32s(&[5.0, 6.0])),
        ("a.two", "F32", &[2, 2], counted(4)),
        ("a.one", "F32", &[2, 3], counted(6)),
        ("b.one", "F32", &[2, 2], counted(4)),
        ("factors", "F32", &[1, 8], counted(8)),
    ])
    .unwrap();
    assert_eq!(step.columns(), 3 * 2 + 2);
    let StepGradients::Layers(layers) = step.gradients else { panic!("layers were written") };
    let columns: Vec<_> = layers.iter().map(|(a, b)| (a.columns, b.columns)).collect();
    assert_eq!(columns, [(3, 2), (2, 1)]);
    assert_eq!(layers[1].1.values, [5.0, 6.0]);
}

#[test]
fn factors_may_be_the_output_gradients_of_each_layer() {
    let side = |name: &'static str, shape: &'static [usize]| -> Tensor<'static> {
        (name, "F32", shape, counted(shape.iter().product()))
    };
    let layers =
        || [ids(&[0, 1]), rate(), side("a.one", &[2, 3]), side("b.one", &[2, 2]), side("a.two", &[2, 1])];
    let with = |more: &[Tensor<'static>]| -> Vec<Tensor<'static>> {
        layers().into_iter().chain([side("b.two", &[2, 1])]).chain(more.iter().cloned()).collect()
    };
    let both = [side("factors.b.two", &[4, 1]), side("factors.b.one", &[4, 2])];
    let factors = read(&with(&both)).unwrap().factors.unwrap();
    assert_eq!(factors.count(), 4);
    let StepFactors::Outputs(outputs) = factors else { panic!("output gradients were written") };
    assert_eq!(outputs.iter().map(|rows| rows.columns).collect::<Vec<_>>(), [2, 1]);
    let [two, one] = &both;
    for (more, text) in [
        (&[one.clone()][..], "a tensor \"factors.b.two\", found only a.one"),
        (
            &[one.clone(), side("factors.b.two", &[2, 1])],
            "rows of \"factors.b.NAME\" a multiple of the 2 ids, of each layer as many, found 4 and 2",
        ),
        (
            &[side("factors.b.one", &[3, 2]), side("factors.b.two", &[3, 1])],
            "rows of \"factors.b.NAME\" a multiple of the 2 ids, of each layer as many, found 3 and 3",
        ),
        (
            &[two.clone(), side("factors.b.one", &[4, 3])],
            "2 columns of \"factors.b.NAME\", as many as \"b.NAME\" has, found 3",
        ),
        (
            &[two.clone(), one.clone(), side("factors", &[1, 7])],
            "either \"factors\" or \"factors.b.NAME\", found \"factors\" and \"factors.b.",
        ),
    ] {
        let found = refusal(&with(more));
        assert!(found.starts_with(&format!("step-0.safetensors: expected {text}")), "{found}");
    }
    let other = refusal(&with(&[one.clone(), two.clone(), side("factors.b.three", &[4, 1])]));
    assert!(other.ends_with("of the layers one, two, found \"factors.b.three\""), "{other}");
    // Of a batch without samples there is no input.
    let none = |name: &'static str| -> Tensor<'static> { (name, "F32", &[0, 1], vec![]) };
    let empty = [ids(&[]), rate(), none("a.one"), none("b.one"), side("factors.b.one", &[2, 1])];
    assert!(refusal(&empty).contains("a multiple of the 0 ids"), "{}", refusal(&empty));
    let rows = refusal(&[ids(&[0, 1]), rate(), grads(), one.clone()]);
    assert!(rows.ends_with("found \"grads\" and \"factors.b.one\""), "{rows}");
}

#[test]
fn ids_of_every_whole_number_are_read_and_others_are_refused() {
    let with = |dtype: &'static str, bytes: Vec<u8>| {
        read(&[("ids", dtype, &[2], bytes), rate(), ("grads", "F32", &[2, 1], counted(2))])
    };
    for (dtype, bytes) in [
        ("I64", [3_i64, 0].map(i64::to_le_bytes).concat()),
        ("U64", [3_u64, 0].map(u64::to_le_bytes).concat()),
        ("I32", [3_i32, 0].map(i32::to_le_bytes).concat()),
        ("U32", [3_u32, 0].map(u32::to_le_bytes).concat()),
    ] {
        assert_eq!(with(dtype, bytes).unwrap().ids, [3, 0], "{dtype}");
    }
    for (dtype, bytes, found) in [
        ("I64", [0, -1_i64].map(i64::to_le_bytes).concat(), "-1"),
        ("U64", [0, 1_u64 << 32].map(u64::to_le_bytes).concat(), "4294967296"),
        ("U32", [0, u32::MAX].map(u32::to_le_bytes).concat(), "4294967295"),
        ("F32", counted(2), "F32"),
    ] {
        let refusal = with(dtype, bytes).unwrap_err();
        let expected = "step-0.safetensors: expected \"ids\" of whole numbers from 0 to 4294967294, found ";
        assert_eq!(refusal, format!("{expected}{found}"));
    }
}

#[test]
fn a_step_without_what_it_needs_is_refused_by_name() {
    let without = |name: &str| -> Vec<Tensor<'static>> {
        let all = [ids(&[0, 1]), rate(), grads()];
        all.into_iter().filter(|tensor| tensor.0 != name).collect()
    };
    for (name, others) in
        [("ids", "grads, learning_rate"), ("learning_rate", "grads, ids"), ("grads", "ids, learning_rate")]
    {
        let expected = format!("expected a tensor {name:?}, found only {others}");
        assert_eq!(refusal(&without(name)), format!("step-0.safetensors: {expected}"));
    }
    assert_eq!(refusal(&[]), "step-0.safetensors: expected a tensor \"ids\", found no tensors");
}

#[test]
fn a_layer_with_one_side_is_refused_whichever_it_is() {
    let side = |name: &'static str| -> Tensor<'static> { (name, "F32", &[2, 1], counted(2)) };
    let (a, b) = (side("a.fc"), side("b.fc"));
    for (missing, tensors) in [("b.fc2", [&a, &b, &side("a.fc2")]), ("a.fc2", [&a, &b, &side("b.fc2")])] {
        let tensors: Vec<_> = [ids(&[0, 1]), rate()].into_iter().chain(tensors.map(Clone::clone)).collect();
        let refusal = refusal(&tensors);
        assert!(refusal.contains(&format!("expected a tensor {missing:?}, found only a.fc, ")), "{refusal}");
    }
}

#[test]
fn a_learning_rate_is_one_finite_number_that_is_not_negative() {
    let with = |values: &[f64]| {
        let shape: &[usize] = if values.len() == 1 { &[1] } else { &[2] };
        let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        read(&[ids(&[0, 1]), ("learning_rate", "F64", shape, bytes), grads()])
    };
    assert_eq!(with(&[0.0]).unwrap().learning_rate, 0.0);
    for (values, text) in [
        (&[-0.1][..], "a learning rate that is finite and not negative, found -0.1"),
        (&[f64::NAN], "a learning rate that is finite and not negative, found NaN"),
        (&[f64::INFINITY], "a learning rate that is finite and not negative, found inf"),
        (&[0.1, 0.2], "one learning rate, found 2 numbers"),
    ] {
        assert_eq!(with(values).unwrap_err(), format!("step-0.safetensors: expected {text}"));
    }
    let whole = ("learning_rate", "I64", &[][..], 1_i64.to_le_bytes().to_vec());
    assert!(refusal(&[ids(&[0, 1]), whole, grads()]).ends_with("\"learning_rate\" of floats, found I64"));
}

#[test]
fn tensors_of_other_shapes_than_the_batch_has_are_refused_with_both_numbers() {
    let with = |more: &[Tensor<'static>]| {
        let all = [ids(&[0, 1]), rate(), grads()];
        refusal(&all.into_iter().chain(more.iter().cloned()).collect::<Vec<_>>())
    };
    let three: &[usize] = &[3, 3];
    for (refusal, text) in [
        (
            refusal(&[ids(&[0, 1]), rate(), ("grads", "F32", three, counted(9))]),
            "2 rows of gradients, one for each id, found 3",
        ),
        (
            refusal(&[
                ids(&[0, 1]),
                rate(),
                ("a.fc", "F32", &[2, 1], counted(2)),
                ("b.fc", "F32", &[3, 1], counted(3)),
            ]),
            "2 rows of gradients, one for each id, found 3",
        ),
        (
            with(&[("factors", "F32", &[1, 2], counted(2))]),
            "3 columns of \"factors\", as many as the gradients have, found 2",
        ),
        (
            with(&[("target", "F32", &[4], counted(4))]),
            "3 columns of \"target\", as many as the gradients have, found 4",
        ),
        (
            with(&[("target", "F32", three, counted(9)), ("curvature", "F32", &[2, 3], counted(6))]),
            "3 rows of \"curvature\", as many as \"target\" has, found 2",
        ),
        (
            with(&[("target", "F32", &[1, 3, 1], counted(3))]),
            "\"target\" of two dimensions, found shape (1, 3, 1)",
        ),
        (with(&[("target", "F32", &[], counted(1))]), "\"target\" of two dimensions, found shape ()"),
        (with(&[("target", "F32", &[1, 0], vec![])]), "\"target\" of two dimensions, found shape (1, 0)"),
    ] {
        assert_eq!(refusal, format!("step-0.safetensors: expected {text}"));
    }
}

#[test]
fn a_finite_number_beyond_f32_is_refused_with_its_place() {
    let values = [1.0, 2.0, 3.0, 4.0, 5.0, 1e300].iter().flat_map(|x: &f64| x.to_le_bytes()).collect();
    let refusal = refusal(&[ids(&[0, 1]), rate(), ("grads", "F64", &[2, 3], values)]);
    let expected =
        "expected \"grads\" within the range of f32 (at most 3.4e38), found 1e300 in row 1, column 2";
    assert_eq!(refusal, format!("step-0.safetensors: {expected}"));
}

#[test]
fn a_step_of_very_many_tensors_is_refused_before_it_is_read() {
    let names: Vec<String> = (0..=1 << 16).map(|i| format!("\"{i}\":{EMPTY}")).collect();
    const EMPTY: &str = r#"{"dtype":"F32","shape":[0],"data_offsets":[0,0]}"#;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("step-0.safetensors");
    fs::write(&path, safetensors(&format!("{{{}}}", names.join(",")), &[])).unwrap();
    let refusal = says(StepFile::read(&path), directory.path());
    assert_eq!(refusal, "step-0.safetensors: expected at most 65536 tensors in a step, found 65537");
}

#[test]
fn a_step_that_is_cut_short_or_no_safetensors_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("step-0.safetensors");
    let whole = file(&[ids(&[0, 1]), rate(), grads()]);
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let refusal = says(StepFile::read(&path), directory.path());
        assert!(refusal.starts_with("step-0.safetensors: expected "), "{length}: {refusal}");
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(says(StepFile::read(&path), directory.path()), "step-0.safetensors: no such file");
}

/// The names of a directory's steps, or why there are none.
fn steps(names: &[&str]) -> Result<Vec<String>, String> {
    let directory = tempfile::tempdir().unwrap();
    for name in names {
        fs::write(directory.path().join(name), "").unwrap();
    }
    match step_files(directory.path()) {
        Ok(paths) => Ok(paths.iter().map(|path| name_of(path)).collect()),
        Err(error) => {
            let text = error.to_string();
            let short = text.replace(&format!("{}/", directory.path().display()), "");
            Err(short.replace(&directory.path().display().to_string(), "RUN"))
        }
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn steps_come_in_the_order_of_their_numbers_whatever_else_is_there() {
    let found = steps(&[
        "step-10.safetensors",
        "step-9.safetensors",
        "later11.safetensors",
        "._step-1.safetensors",
        "notes.txt",
    ]);
    assert_eq!(found.unwrap(), ["step-9.safetensors", "step-10.safetensors", "later11.safetensors"]);
}

#[test]
fn steps_that_are_missing_or_come_twice_are_refused_by_number() {
    for (names, text) in [
        (
            &["s1.safetensors", "s3.safetensors"][..],
            "RUN: expected a file for step 2, found step 3 after step 1",
        ),
        (
            &["s1.safetensors", "t01.safetensors"],
            "t01.safetensors: expected one file for step 1, found two, with s1.safetensors",
        ),
        (
            &["last.safetensors"],
            "last.safetensors: expected a name that ends in the number of a step, as in step-0007.safetensors, found none",
        ),
        (&[], "RUN: expected a .safetensors file for each step, found none"),
    ] {
        assert_eq!(steps(names).unwrap_err(), text);
    }
}

#[test]
fn what_is_no_directory_has_no_steps() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run");
    let expected = "run: expected a directory with a .safetensors file for each step, found ";
    let refused = |outcome: Result<_, FileError>| says(outcome, directory.path());
    assert_eq!(refused(step_files(&path)), format!("{expected}nothing of that name"));
    fs::write(&path, "").unwrap();
    assert_eq!(refused(step_files(&path)), format!("{expected}a file"));
}
