//! Directories that bergson wrote: `gradients.bin` and `info.json`.

use std::fs;
use std::path::Path;

use gradsieve_io::files::{Dtype, FileError, FileKind, Matrix, Shape, Source, info};
use proptest::prelude::*;

const INFO: &str = r#"{
  "attribute_tokens": false,
  "num_items": 2,
  "num_grads": 2,
  "grad_sizes": {"h.1": 1, "h.0": 2},
  "base_dtype": "float32"
}"#;

/// A directory with these two files.
fn directory(info: &str, values: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("info.json"), info).unwrap();
    fs::write(folder.path().join("gradients.bin"), values).unwrap();
    folder
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn source(path: &Path) -> Source {
    path.to_str().unwrap().parse().unwrap()
}

/// What opening says, without the directory's name.
fn refusal(text: &str, values: &[u8]) -> String {
    let folder = directory(text, values);
    let error = Matrix::open(&source(folder.path())).unwrap_err().to_string();
    error.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn a_directory_is_a_matrix_whose_columns_stand_in_the_order_of_the_modules() {
    let values = [1.0, 2.0, 3.0, -1.0, -2.0, -3.0];
    let folder = directory(INFO, &bytes(&values));
    let mut matrix = Matrix::open(&source(folder.path())).unwrap();
    assert_eq!((matrix.rows(), matrix.cols(), matrix.dtype()), (2, 3, Dtype::F32));
    assert_eq!(matrix.read_all_f32(6).unwrap(), values);
    let mut row = [0.0; 3];
    matrix.read_row_into(1, &mut row).unwrap();
    assert_eq!(row, values[3..]);
    assert!(matrix.require_passes().is_ok());

    let about = info(&source(folder.path())).unwrap();
    assert_eq!(about.kind, FileKind::Bergson);
    let modules: Vec<_> =
        about.tensors.iter().map(|t| (t.name.as_deref().unwrap(), t.shape.clone(), t.bytes)).collect();
    assert_eq!(modules, [("h.1", Shape(vec![2, 1]), 8), ("h.0", Shape(vec![2, 2]), 16)]);
    assert_eq!(about.metadata["num_items"], "2");
}

#[test]
fn a_slash_at_the_end_names_the_same_matrix() {
    let folder = directory(INFO, &bytes(&[0.5; 6]));
    // Arrays beside it do not count, such as the offsets of a run by tokens.
    fs::write(folder.path().join("offsets.npy"), b"").unwrap();
    let slash = format!("{}/", folder.path().display()).parse::<Source>().unwrap();
    assert_eq!(Matrix::open(&slash).unwrap().read_all_f32(6).unwrap(), [0.5; 6]);
    assert_eq!(info(&slash).unwrap().kind, FileKind::Bergson);
}

#[test]
fn every_type_that_gradients_have_is_read() {
    for (name, bytes, dtype) in [
        ("float16", &[0, 0x3e][..], Dtype::F16),
        ("bfloat16", &[0xc0, 0x3f], Dtype::Bf16),
        ("float32", &[0, 0, 0xc0, 0x3f], Dtype::F32),
        ("float64", &[0, 0, 0, 0, 0, 0, 0xf8, 0x3f], Dtype::F64),
    ] {
        let text = format!(r#"{{"num_grads": 1, "grad_sizes": {{"a": 1}}, "base_dtype": "{name}"}}"#);
        let folder = directory(&text, bytes);
        let mut matrix = Matrix::open(&source(folder.path())).unwrap();
        assert_eq!((matrix.dtype(), matrix.read_all_f32(1).unwrap()), (dtype, vec![1.5]));
    }
}

#[test]
fn the_description_of_rows_stands_in_for_a_type_in_either_order_of_bytes() {
    for (format, bytes) in [("<f2", [0, 0x3e]), (">f2", [0x3e, 0])] {
        let text = format!(
            r#"{{"num_grads": 1, "grad_sizes": {{"a": 1}}, "dtype": {{"names": ["a"], "formats": ["(1,){format}"], "itemsize": 2}}}}"#
        );
        let folder = directory(&text, &bytes);
        assert_eq!(Matrix::open(&source(folder.path())).unwrap().read_all_f32(1).unwrap(), [1.5]);
    }
}

#[test]
fn values_that_are_not_as_many_as_the_counts_say_are_refused() {
    assert_eq!(
        refusal(INFO, &[0; 23]),
        "gradients.bin: expected 24 bytes of values, found 23; the file is cut short"
    );
    assert_eq!(
        refusal(INFO, &[0; 25]),
        "gradients.bin: expected 24 bytes of values, found more; the file does not agree with its header"
    );
    let none = r#"{"num_grads": 0, "grad_sizes": {"a": 1}, "base_dtype": "float32"}"#;
    assert!(
        refusal(none, &[]).ends_with("expected at least one value in each dimension, found shape (0, 1)")
    );
}

#[test]
fn counts_beyond_what_can_be_counted_are_refused() {
    let most = u64::MAX;
    for (rows, sizes) in [
        (2, format!(r#""a": {most}, "b": 1"#)),
        (most, r#""a": 2"#.to_owned()),
        // As many values as can be counted, and not their bytes.
        (1 << 62, r#""a": 1"#.to_owned()),
    ] {
        let text = format!(r#"{{"num_grads": {rows}, "grad_sizes": {{{sizes}}}, "base_dtype": "float32"}}"#);
        let error = refusal(&text, &[]);
        assert!(
            error.starts_with("info.json: expected a shape whose bytes can be counted, found ("),
            "{error}"
        );
    }
}

#[test]
fn what_info_json_says_wrongly_is_named() {
    for (text, problem) in [
        ("", "info.json: expected what bergson writes of its gradients, found that EOF"),
        (r#"{"grad_sizes": {"a": 1}, "base_dtype": "float32"}"#, "missing field `num_grads`"),
        (r#"{"num_grads": 1, "base_dtype": "float32"}"#, "missing field `grad_sizes`"),
        (r#"{"num_grads": 1, "grad_sizes": {"a": 1}}"#, "found that it names no base_dtype"),
        (r#"{"num_grads": 1, "grad_sizes": {"a": 1}, "dtype": {"formats": []}}"#, "names no base_dtype"),
        (
            r#"{"num_grads": -1, "grad_sizes": {"a": 1}, "base_dtype": "float32"}"#,
            "invalid value: integer `-1`",
        ),
        (r#"{"num_grads": 1.5, "grad_sizes": {"a": 1}, "base_dtype": "float32"}"#, "invalid type: floating"),
        (
            r#"{"num_grads": 1, "grad_sizes": {"a": 1, "a": 1}, "base_dtype": "float32"}"#,
            r#"two modules "a""#,
        ),
        (
            r#"{"num_grads": 1, "num_grads": 1, "grad_sizes": {"a": 1}, "base_dtype": "float32"}"#,
            "duplicate field",
        ),
        (r#"{"num_grads": 1, "grad_sizes": [1], "base_dtype": "float32"}"#, "the columns of each module"),
        (
            r#"{"num_grads": 1, "grad_sizes": {"a": 1}, "base_dtype": "int8"}"#,
            "info.json: expected float16, bfloat16, float32 or float64, found dtype int8",
        ),
        (
            r#"{"num_grads": 1, "grad_sizes": {"a": 1}, "dtype": {"formats": ["(1,)<f2", "(1,)<f4"]}}"#,
            "found dtype <f2 and <f4",
        ),
        (r#"{"num_grads": 1, "grad_sizes": {"a": 1}, "dtype": {"formats": ["(1,)<V2"]}}"#, "found dtype <V2"),
    ] {
        let error = refusal(text, &[0; 4]);
        assert!(error.contains(problem), "{text}: {error}");
    }
}

#[test]
fn either_file_without_the_other_is_no_matrix() {
    let folder = directory(INFO, &[0; 24]);
    fs::remove_file(folder.path().join("info.json")).unwrap();
    let error = Matrix::open(&source(folder.path())).unwrap_err();
    assert!(matches!(&error, FileError::Missing { file } if file.ends_with("info.json")), "{error}");
    let folder = directory(INFO, &[0; 24]);
    fs::remove_file(folder.path().join("gradients.bin")).unwrap();
    assert!(matches!(Matrix::open(&source(folder.path())), Err(FileError::Directory { .. })));
}

#[test]
#[cfg(unix)]
fn a_device_in_the_place_of_info_json_is_refused_unread() {
    let folder = directory(INFO, &[0; 24]);
    fs::remove_file(folder.path().join("info.json")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("info.json")).unwrap();
    let error = Matrix::open(&source(folder.path())).unwrap_err().to_string();
    assert!(error.ends_with("found that it is not a regular file"), "{error}");
}

#[test]
fn not_a_number_is_a_value_like_others() {
    let folder = directory(INFO, &bytes(&[f32::NAN, 1.0, f32::INFINITY, 0.0, 0.0, 0.0]));
    let read = Matrix::open(&source(folder.path())).unwrap().read_all_f32(6).unwrap();
    assert!(read[0].is_nan() && read[2] == f32::INFINITY);
}

proptest! {
    #[test]
    fn any_text_is_an_error_or_a_matrix(text in r#"\{("num_grads": ?[0-9]{1,3},?|"grad_sizes": ?\{"a": ?[0-9]{1,2}\},?|"base_dtype": ?"float(16|32|64)",?| ){0,5}\}"#, length in 0_usize..64) {
        let folder = directory(&text, &vec![0; length]);
        if let Ok(mut matrix) = Matrix::open(&source(folder.path())) {
            prop_assert_eq!(matrix.bytes(), length as u64);
            prop_assert_eq!(matrix.read_all_f32(64).unwrap().len(), matrix.rows() * matrix.cols());
        }
    }
}
