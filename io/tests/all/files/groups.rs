//! Columns of whole numbers.

use gradsieve_io::files::{Matrix, check_columns, check_rows, read_groups};

use super::place::{golden_source, says_golden};

#[test]
fn groups_of_every_integer_and_of_whole_floats_are_read() {
    for dtype in [
        "little-i1",
        "little-i2",
        "little-i4",
        "little-i8",
        "little-u1",
        "big-u2",
        "little-u4",
        "little-u8",
        "big-i8",
        "little-f2",
        "little-f4",
        "big-f8",
    ] {
        assert_eq!(
            read_groups(&golden_source(&format!("groups-{dtype}.npy"))).unwrap(),
            [0, 1, 1, 0, 2],
            "{dtype}"
        );
    }
    assert_eq!(read_groups(&golden_source("groups-bool.npy")).unwrap(), [0, 1, 1, 0, 1]);
    assert_eq!(read_groups(&golden_source("several.safetensors#labels")).unwrap(), [0, 1, 1, 0, 2]);
}

#[test]
fn what_is_no_group_is_refused_with_its_place() {
    for (file, text) in [
        ("groups-negative.npy", "expected whole numbers from 0 to 4294967295 as groups, found -1 at index 2"),
        ("groups-half.npy", "expected whole numbers from 0 to 4294967295 as groups, found 1.5 at index 1"),
        (
            "groups-large.npy",
            "expected whole numbers from 0 to 4294967295 as groups, found 4294967296 at index 1",
        ),
        ("little-f4.npy", "expected a 1-dimensional array (a group for each sample), found shape (3, 5)"),
        ("0d.npy", "expected a 1-dimensional array (a group for each sample), found shape ()"),
        ("fields.npy", "expected integers, booleans or floats that are whole, found dtype of several fields"),
    ] {
        assert_eq!(says_golden(read_groups(&golden_source(file))), format!("{file}: {text}"));
    }
    assert_eq!(
        says_golden(read_groups(&golden_source("1d.npy"))),
        "1d.npy: expected whole numbers from 0 to 4294967295 as groups, found -1.75 at index 0"
    );
}

#[test]
fn lengths_that_disagree_are_told_with_both_names() {
    let matrix = Matrix::open(&golden_source("little-f4.npy")).unwrap();
    check_rows(matrix.name(), matrix.rows(), "labels.npy", 3).unwrap();
    assert_eq!(
        says_golden(check_rows(matrix.name(), matrix.rows(), "labels.npy", 5)),
        "labels.npy: expected 3 entries, as many as little-f4.npy has rows, found 5"
    );
    let other = Matrix::open(&golden_source("fortran-column.npy")).unwrap();
    check_columns(&matrix, &matrix).unwrap();
    assert_eq!(
        says_golden(check_columns(&matrix, &other)),
        "fortran-column.npy: expected 5 columns, as many as little-f4.npy has columns, found 1"
    );
}
