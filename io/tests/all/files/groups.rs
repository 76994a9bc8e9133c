//! Columns of labels, and columns of other lengths.

use std::path::Path;

use gradsieve_io::files::{
    FileError, Groups, Matrix, Source, check_columns, check_rows, read_groups, read_numbers,
};

use super::place::{golden_source, npy, says, says_golden, source};

fn read(source: &Source, rows: usize) -> Result<Groups, FileError> {
    read_groups(source, "g.npy", rows)
}

fn written(name: &str, bytes: impl AsRef<[u8]>, rows: usize) -> Result<Groups, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let groups = read(&source(&path), rows);
    groups.map_err(|error| says::<()>(Err(error), directory.path()))
}

/// Groups of `.npy` values.
fn of_array(descr: &str, shape: &str, values: &[u8], rows: usize) -> Vec<u32> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    written("l.npy", npy(1, &header, values), rows).unwrap().of().to_vec()
}

fn labels(groups: &Groups) -> Vec<String> {
    groups.labels().iter().map(ToString::to_string).collect()
}

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
        let groups = read(&golden_source(&format!("groups-{dtype}.npy")), 5).unwrap();
        assert_eq!(groups.of(), [0, 1, 1, 0, 2], "{dtype}");
    }
    assert_eq!(read(&golden_source("groups-bool.npy"), 5).unwrap().of(), [0, 1, 1, 0, 1]);
    assert_eq!(read(&golden_source("several.safetensors#labels"), 5).unwrap().of(), [0, 1, 1, 0, 2]);
}

#[test]
fn labels_of_any_size_and_sign_are_groups_in_the_order_of_their_values() {
    let signed = [1_i64, -100, i64::MIN, i64::MAX, -1, 1].map(i64::to_le_bytes).concat();
    assert_eq!(of_array("<i8", "(6,)", &signed, 6), [3, 1, 0, 4, 2, 3]);
    let unsigned = [u64::MAX, 0, 1 << 40].map(u64::to_be_bytes).concat();
    assert_eq!(of_array(">u8", "(3,)", &unsigned, 3), [2, 0, 1]);
    assert_eq!(of_array("|i1", "(3,)", &[1, 255, 156], 3), [2, 1, 0]);
    let floats = [-1.0_f32, 1.0, -100.0].map(f32::to_le_bytes).concat();
    assert_eq!(of_array("<f4", "(3,)", &floats, 3), [1, 2, 0]);
    // A single column or row is as good.
    assert_eq!(of_array("|i1", "(3, 1)", &[1, 255, 156], 3), [2, 1, 0]);
    assert_eq!(of_array("|i1", "(1, 3)", &[1, 255, 156], 3), [2, 1, 0]);
}

#[test]
fn texts_of_an_array_are_groups_in_the_order_of_their_bytes() {
    let wide = |text: &str| -> Vec<u8> {
        let characters = text.chars().chain(std::iter::repeat('\0')).take(3);
        characters.flat_map(|c| (c as u32).to_le_bytes()).collect()
    };
    let texts = ["dog", "ant", "é", "dog"].map(wide).concat();
    assert_eq!(of_array("<U3", "(4,)", &texts, 4), [1, 0, 2, 1]);
    let swapped: Vec<u8> = texts.chunks_exact(4).flat_map(|c| c.iter().rev().copied()).collect();
    assert_eq!(of_array(">U3", "(4,)", &swapped, 4), [1, 0, 2, 1]);
    assert_eq!(of_array("|S3", "(3,)", b"dogan\0dog", 3), [1, 0, 1]);
}

#[test]
fn labels_are_read_from_text_too() {
    let of = |name: &str, text: &str| {
        let groups = written(name, text, 3).unwrap();
        (groups.of().to_vec(), labels(&groups))
    };
    let numbers = (vec![2, 0, 1], ["-100", "-1", "1"].map(str::to_owned).to_vec());
    for (name, text) in [
        ("l.txt", "1\n-100\n-1\n"),
        ("l.txt", "# labels\r\n1\r\n-100\r\n-1"),
        // np.savetxt
        ("l.txt", "1.000000e+00\n-1.000000e+02\n-1.000000e+00\n"),
        ("l.csv", "1\n-100\n-1\n"),
        ("l.csv", "\u{feff}label\n1\n-100\n-1\n"),
        ("l.csv", "anything\n1\n-100\n-1\n"),
        // pandas, of a series and of a frame
        ("l.csv", ",0\n0,1\n1,-100\n2,-1\n"),
        ("l.CSV", ",x,label\n0,5,1\n1,6,-100\n2,7,-1\n"),
        ("l.tsv", "group\tx\n1\t5\n-100\t6\n-1\t7\n"),
    ] {
        assert_eq!(of(name, text), numbers, "{text:?}");
    }
    let names = (vec![1, 0, 1], ["\"cat\"", "\"dog\""].map(str::to_owned).to_vec());
    for text in ["dog\ncat\ndog\n", "species\ndog\ncat\ndog\n", "\"dog\"\ncat\n dog \n"] {
        assert_eq!(of("l.csv", text), names, "{text:?}");
    }
    assert_eq!(of("l.txt", "9223372036854775808\n9223372036854775807\n0\n").0, [2, 1, 0]);
}

#[test]
fn text_that_is_no_labels_is_refused_with_its_line() {
    let says = |name: &str, text: &str| written(name, text, 3).unwrap_err();
    for (text, found) in [
        ("1\n2\n", "l.csv: expected 3 entries, as many as g.npy has rows, found 2"),
        // One label too many is no header.
        ("cat\ndog\ncat\ndog\n", "l.csv: expected 3 entries, as many as g.npy has rows, found 4"),
        ("label\n1\n2\n", "l.csv: expected 3 entries, as many as g.npy has rows, found 2"),
        ("1\n0.5\n2\n", "l.csv: expected whole numbers or names as groups, found 0.5 on line 2"),
        ("1\nnan\n2\n", "l.csv: expected whole numbers or names as groups, found nan on line 2"),
        ("a,b\n1,2\n", "l.csv: expected one column of labels, or one that is named label or group, found"),
        ("label,x\n1,2\n,3\n", "l.csv: expected a label on every line, found none on line 3"),
        ("label,x\n1,2\n1,2,3\n", "l.csv: expected 2 cells a line, as the first has, found 3 on line 3"),
    ] {
        assert!(says("l.csv", text).starts_with(found), "{}", says("l.csv", text));
    }
    let endless = vec![b'7'; 1 << 20];
    assert!(written("l.csv", &endless, 3).unwrap_err().contains("a line is longer than 65536 bytes"));
    assert!(written("l.txt", &endless, 3).unwrap_err().ends_with("a line is longer than 65536 bytes"));
    assert!(written("l.csv", b"1\n\xff\n", 3).unwrap_err().contains("expected UTF-8 text, found line 2"));
}

#[test]
fn what_is_no_group_is_refused_with_its_place() {
    for (file, rows, text) in [
        ("groups-half.npy", 3, "expected whole numbers or names as groups, found 1.5 at index 1"),
        ("little-f4.npy", 3, "expected a 1-dimensional array (a label for each sample), found shape (3, 5)"),
        ("0d.npy", 1, "expected a 1-dimensional array (a label for each sample), found shape ()"),
        ("1d.npy", 5, "expected whole numbers or names as groups, found -1.75 at index 0"),
        ("1d.npy", 4, "expected 4 entries, as many as g.npy has rows, found 5"),
    ] {
        assert_eq!(says_golden(read(&golden_source(file), rows)), format!("{file}: {text}"));
    }
    let fields = says_golden(read(&golden_source("fields.npy"), 3));
    assert!(fields.contains("expected integers, booleans, texts or floats that are whole"), "{fields}");
}

#[test]
fn more_labels_than_rows_are_refused_before_they_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("huge.npy");
    let header = npy(1, "{'descr': '<i8', 'fortran_order': False, 'shape': (549755813888,), }", &[]);
    std::fs::write(&path, &header).unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    // A file system without holes in files cannot have this one.
    if file.set_len(header.len() as u64 + (4 << 40)).is_ok() {
        let error = says(read(&source(Path::new(&path)), 3), directory.path());
        assert_eq!(error, "huge.npy: expected 3 entries, as many as g.npy has rows, found 549755813888");
    }
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

#[test]
fn labels_that_claim_more_than_there_are_rows_or_than_memory_are_refused_unread() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("l.npy");
    for (descr, count, each) in [("<i8", 1_u64 << 39, 8), ("<f4", 1 << 40, 4), ("<U1000000", 5, 4_000_000)] {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({count},), }}");
        let front = npy(1, &header, &[]);
        std::fs::write(&path, &front).unwrap();
        // A sparse file: bytes that nobody wrote.
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_len(front.len() as u64 + count * each).unwrap();
        let refused = says(read(&source(&path), 5), directory.path());
        let expected =
            if count == 5 { "values of at most 65536 bytes" } else { "expected 5 entries, as many as g.npy" };
        assert!(refused.contains(expected), "{refused}");
        if descr == "<f4" {
            let refused = says(read_numbers(&source(&path), "g.npy", 5), directory.path());
            assert!(refused.contains(expected), "{refused}");
        }
    }
}

#[test]
fn a_quotation_mark_that_is_not_closed_ends_the_reading_of_labels() {
    let text = format!("label\n\"{}", "a\n".repeat(1 << 16));
    let refused = written("l.csv", text, 5).unwrap_err();
    assert!(refused.contains("a quotation mark is not closed"), "{refused}");
    // Many short lines are none of that.
    let many = "a\n".repeat(1 << 17);
    assert_eq!(written("l.csv", many, 1 << 17).unwrap().of().len(), 1 << 17);
}
