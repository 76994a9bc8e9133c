//! What belongs to a file of sketches and stands beside it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use gradsieve_io::files::{ArrayWriter, Dtype, Matrix, Measures, read_measures, write_measures};

use super::place::{destination, says, source};

const ROWS: usize = 3;

fn sketches(path: &Path, values: &[f32]) {
    let mut writer = ArrayWriter::create(&destination(path), &[ROWS, 2], Dtype::F32).unwrap();
    writer.write(values).unwrap();
    writer.finish().unwrap();
}

fn measures() -> Measures {
    Measures {
        l1: vec![1.0, 2.0, 1e300],
        l2_squared: vec![0.5, 4.0, 1e-300],
        max: vec![1.0, 2.0, f32::MAX],
        non_finite: vec![0, u64::MAX, 1],
    }
}

/// Sketches with their measures and these settings.
fn written(settings: &BTreeMap<String, String>) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.npy");
    sketches(&path, &[1.0; 2 * ROWS]);
    write_measures(&path, settings, &measures()).unwrap();
    (directory, path)
}

fn settings() -> BTreeMap<String, String> {
    [("gradsieve.dim".to_owned(), "2".to_owned())].into()
}

#[test]
fn measures_are_read_as_they_were_written_with_the_settings() {
    let (_directory, path) = written(&settings());
    assert_eq!(read_measures(&path, ROWS).unwrap(), Some(measures()));
    assert_eq!(Matrix::open(&source(&path)).unwrap().metadata(), &settings());
}

#[test]
fn measures_without_settings_are_read_too() {
    let (_directory, path) = written(&BTreeMap::new());
    assert_eq!(read_measures(&path, ROWS).unwrap(), Some(measures()));
}

#[test]
fn measures_of_several_files_follow_one_another() {
    let (directory, path) = written(&settings());
    let other = directory.path().join("t.npy");
    sketches(&other, &[2.0; 2 * ROWS]);
    let whole = source(format!("{}/*.npy", directory.path().display()));
    assert!(Matrix::open(&whole).is_err(), "one has settings and the other has none");
    write_measures(&other, &settings(), &measures()).unwrap();
    let all = Matrix::open(&whole).unwrap().measures().unwrap().unwrap();
    assert_eq!(all.l1, [measures().l1, measures().l1].concat());
    assert_eq!(all.non_finite.len(), 2 * ROWS);
    assert_eq!(Matrix::open(&source(&path)).unwrap().measures().unwrap(), Some(measures()));
}

#[test]
fn measures_of_what_the_file_was_before_are_not_taken_for_its_own() {
    let (_directory, path) = written(&settings());
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, &bytes).unwrap();
    assert_eq!(read_measures(&path, ROWS).unwrap(), None);
    assert!(Matrix::open(&source(&path)).unwrap().metadata().is_empty());
}

#[test]
fn a_file_that_is_written_anew_has_no_measures_of_the_older_one() {
    let (directory, path) = written(&settings());
    sketches(&path, &[1.0; 2 * ROWS]);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn what_has_not_a_number_for_each_row_is_refused() {
    let (directory, path) = written(&settings());
    let refused = says(read_measures(&path, ROWS + 1), directory.path());
    let expected = "s.npy.measures.safetensors: expected a readable .safetensors header, found that it has no \
                    \"l1\" of 4 F64";
    assert_eq!(refused, expected);
    let uneven = Measures { max: vec![1.0], ..measures() };
    write_measures(&path, &settings(), &uneven).unwrap();
    let refused = says(read_measures(&path, ROWS), directory.path());
    assert!(refused.ends_with("it has no \"max\" of 3 F32"), "{refused}");
}

#[test]
fn what_stands_beside_and_cannot_be_read_is_not_passed_over() {
    let (directory, path) = written(&settings());
    let beside = directory.path().join("s.npy.measures.safetensors");
    let whole = fs::read(&beside).unwrap();
    for (bytes, text) in [
        (&whole[..whole.len() - 1], "expected 84 bytes of values, found 83; the file is cut short"),
        (
            &[&whole[..], &[0]].concat(),
            "expected 84 bytes of values, found more; the file does not agree with its header",
        ),
        (&[], "expected a readable .safetensors header, found that the file has only 0 bytes"),
    ] {
        fs::write(&beside, bytes).unwrap();
        let expected = format!("s.npy.measures.safetensors: {text}");
        assert_eq!(says(read_measures(&path, ROWS), directory.path()), expected);
        // Sketches would be taken for gradients.
        assert_eq!(says(Matrix::open(&source(&path)), directory.path()), expected);
    }
    fs::remove_file(&beside).unwrap();
    fs::create_dir(&beside).unwrap();
    assert_eq!(read_measures(&path, ROWS).unwrap(), None);
}

#[test]
fn measures_of_thousands_of_rows_are_read_with_the_settings() {
    let rows = 5000;
    let all = Measures {
        l1: vec![1.0; rows],
        l2_squared: vec![2.0; rows],
        max: vec![3.0; rows],
        non_finite: vec![0; rows],
    };
    let (directory, path) = written(&settings());
    write_measures(&path, &settings(), &all).unwrap();
    assert_eq!(read_measures(&path, rows).unwrap(), Some(all));
    assert_eq!(Matrix::open(&source(&path)).unwrap().metadata(), &settings());
    // For three rows that is too much to read.
    let refused = says(read_measures(&path, ROWS), directory.path());
    assert!(refused.ends_with(" bytes are more than those of 3 rows"), "{refused}");
}

#[test]
fn what_cannot_be_known_again_gets_no_measures() {
    let directory = tempfile::tempdir().unwrap();
    write_measures(&directory.path().join("none.npy"), &settings(), &measures()).unwrap();
    write_measures(directory.path(), &settings(), &measures()).unwrap();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}
