//! Refusals, each one sentence; damaged and cut files.

use std::fs;
use std::io::Cursor;

use gradsieve_io::files::{ArrayWriter, Dtype, FileError, Matrix, info};

use super::place::{
    all, ask_everything, destination, golden, golden_source, gradient, npy, open_error, safetensors, says,
    says_golden, source,
};

#[test]
fn a_refusal_names_the_file_what_was_wrong_and_what_was_expected() {
    for (file, text) in [
        ("3d.npy", "3d.npy: expected a 2-dimensional array (samples × parameters), found shape (3, 4, 5)"),
        ("1d.npy", "1d.npy: expected a 2-dimensional array (samples × parameters), found shape (5,)"),
        ("0d.npy", "0d.npy: expected a 2-dimensional array (samples × parameters), found shape ()"),
        ("no-rows.npy", "no-rows.npy: expected at least one value in each dimension, found shape (0, 5)"),
        ("int64.npy", "int64.npy: expected floats (f16, bf16, f32 or f64), found dtype i64"),
        ("complex.npy", "complex.npy: expected floats (f16, bf16, f32 or f64), found dtype <c8"),
        ("fields.npy", "fields.npy: expected floats (f16, bf16, f32 or f64), found dtype of several fields"),
        ("objects.npy", "objects.npy: expected floats (f16, bf16, f32 or f64), found dtype |O"),
        ("nowhere.npy", "nowhere.npy: no such file"),
        ("nowhere.safetensors#w", "nowhere.safetensors: no such file"),
        (
            "several.safetensors",
            "several.safetensors: expected the name of a tensor, as in several.safetensors#labels; the file holds \
             \"labels\", \"double\", \"layer.weight\" and \"layer.bias\"",
        ),
        (
            "several.safetensors#w",
            "several.safetensors: there is no tensor \"w\"; the file holds \"labels\", \"double\", \"layer.weight\" and \
             \"layer.bias\"",
        ),
        (
            "several.safetensors#labels",
            "several.safetensors#labels: expected floats (f16, bf16, f32 or f64), found dtype i64",
        ),
        ("none.safetensors", "none.safetensors: expected at least one tensor, found none"),
    ] {
        let found = open_error(file);
        // Names come in the order of the values, which the writer of the file chose.
        if file.starts_with("several.safetensors") && !file.ends_with("labels") {
            let sorted = |text: &str| {
                let mut words: Vec<String> = text
                    .split_once("the file holds ")
                    .expect("the names are listed")
                    .1
                    .replace(" and", ",")
                    .split(", ")
                    .map(str::to_owned)
                    .collect();
                words.sort();
                words
            };
            assert_eq!(sorted(&found), sorted(text), "{found}");
        } else {
            assert_eq!(found, text);
        }
        assert!(!found.contains('\n'));
    }
}

#[test]
fn a_directory_is_no_array() {
    let directory = tempfile::tempdir().unwrap();
    let text = Matrix::open(&source(directory.path())).unwrap_err().to_string();
    assert_eq!(text, format!("{}: expected a file, found a directory", directory.path().display()));
}

#[test]
fn a_file_of_another_format_is_no_npy() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    for (bytes, found) in [
        (&b""[..], "an empty file"),
        (b"\x93NUM", "a file that ends inside that"),
        (b"a,b,c\n1,2,3\n", "something else"),
        (b"\x93NUMPX\x01\0", "something else"),
    ] {
        fs::write(&path, bytes).unwrap();
        let text = says(Matrix::open(&source(&path)), directory.path());
        assert_eq!(text, format!("x.npy: expected a .npy file, which begins with \\x93NUMPY, found {found}"));
    }
}

#[test]
fn a_damaged_npy_header_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    let mut longest = b"\x93NUMPY\x02\0".to_vec();
    longest.extend(u32::MAX.to_le_bytes());
    let good = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }";
    let cases = [
        (longest, "claims to be 4294967295 bytes"),
        (npy(4, good, &[0; 4]), "its version is 4.0"),
        (npy(1, "", &[]), "there is no dictionary"),
        (npy(1, "[]", &[]), "there is no dictionary"),
        (npy(1, "{", &[]), "a key is not a string"),
        (npy(1, "{'descr'}", &[]), "a key has no value"),
        (npy(1, "{'descr': }", &[]), "descr is neither a string nor a list"),
        (npy(1, "{'descr': [('a', '<f4')", &[]), "descr does not end"),
        (npy(1, "{'descr': '<f4'}", &[]), "there is no fortran_order"),
        (npy(1, &good.replace("False", "0"), &[0; 4]), "fortran_order is neither True nor False"),
        (npy(1, &good.replace("1, 1", "-1, 1"), &[0; 4]), "a dimension is not a whole number"),
        (
            npy(1, &good.replace("1, 1", "1, 99999999999999999999"), &[0; 4]),
            "a dimension is not a whole number",
        ),
        (npy(1, &good.replace("(1, 1)", "1"), &[0; 4]), "shape is not a tuple"),
        (npy(1, &good.replace("(1, 1), }", "(1, 1"), &[0; 4]), "shape does not end"),
        (npy(1, &good.replace(", }", ""), &[0; 4]), "the dictionary does not end"),
        (npy(1, &good.replace("descr", "dtype"), &[0; 4]), "there is an unknown key"),
        (npy(1, &good.replace("<f4", "<f3"), &[0; 4]), "its dtype \"<f3\" is unknown"),
        (npy(1, &good.replace("<f4", "<é"), &[0; 4]), "is unknown"),
        (npy(1, &format!("{good} {good}"), &[0; 4]), "there is something behind the dictionary"),
    ];
    for (bytes, problem) in cases {
        fs::write(&path, &bytes).unwrap();
        let text = says(Matrix::open(&source(&path)), directory.path());
        assert!(text.starts_with("x.npy: expected a readable .npy header, found that "), "{text}");
        assert!(text.contains(problem), "{text} should say {problem}");
    }
    // The header that the cases were made from is a good one, and so are its looser
    // forms.
    for good in [
        good.to_owned(),
        good.replace('\'', "\""),
        good.replace("1, 1", " 1L ,1L ,"),
        "{\"shape\":(1,1),'fortran_order':False,'descr':'<f4'}\n".to_owned(),
    ] {
        fs::write(&path, npy(1, &good, &[0, 0, 0, 63])).unwrap();
        assert_eq!(all(&source(&path)).unwrap(), [0.5], "{good}");
    }
}

#[test]
fn absurd_shapes_are_refused_without_being_allocated() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    let with_shape = |shape: &str| {
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
        fs::write(&path, npy(1, &header, &[0; 8])).unwrap();
        says(Matrix::open(&source(&path)), directory.path())
    };
    assert_eq!(
        with_shape("(4294967296, 4294967296)"),
        "x.npy: expected a shape whose bytes can be counted, found (4294967296, 4294967296)"
    );
    assert_eq!(
        with_shape("(1000000, 1000000)"),
        "x.npy: expected 4000000000000 bytes of values, found 8; the file is cut short"
    );
    // 2^64 - 1 times 0 is 0, whatever the order.
    assert!(with_shape("(18446744073709551615, 18446744073709551615, 0)").contains("found more"));

    // A stream's length is not known beforehand: memory is taken as values come.
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 1000000), }";
    let mut matrix = Matrix::from_stream("stream", Cursor::new(npy(1, header, &[0; 9]))).unwrap();
    assert_eq!(
        matrix.read_all_f32(usize::MAX).unwrap_err().to_string(),
        "stream: expected 4000000000000000 bytes of values, found 9; the file is cut short"
    );
}

#[test]
fn deep_nesting_in_a_header_ends_nothing_but_the_reading() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    for bracket in ["(", "[", "{", "{'descr': [", "'"] {
        fs::write(&path, npy(1, &format!("{{'descr': {}", bracket.repeat(5000)), &[])).unwrap();
        assert!(!ask_everything(&path));
    }
    let path = directory.path().join("x.safetensors");
    for bracket in ["[", "{\"a\":"] {
        fs::write(&path, safetensors(&bracket.repeat(100_000), &[])).unwrap();
        assert!(!ask_everything(&path));
    }
}

#[test]
fn a_damaged_safetensors_header_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.safetensors");
    let good = r#"{"w":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}"#;
    let (w, about) = (good.trim_matches(['{', '}']), r#""__metadata__":{"k":"v"}"#);
    let w = &format!("{w}}}");
    let mut absurd = u64::MAX.to_le_bytes().to_vec();
    absurd.extend([0; 100]);
    let huge = (1_u64 << 40).to_le_bytes().to_vec();
    for (bytes, problem) in [
        (
            vec![],
            "x.safetensors: expected a readable .safetensors header, found that the file has only 0 bytes",
        ),
        (vec![1, 0, 0], "the file has only 3 bytes"),
        (absurd, "claims to be 18446744073709551615 bytes long in a file of 108 bytes"),
        (huge, "claims to be 1099511627776 bytes long in a file of 8 bytes"),
        (safetensors("", &[]), "expected a readable .safetensors header"),
        (safetensors("[]", &[]), "expected a readable .safetensors header"),
        (safetensors("\u{0}", &[]), "expected a readable .safetensors header"),
        (
            safetensors(&good.replace("[0,4]", "[4,0]"), &[0; 4]),
            "tensor \"w\" stands from byte 4 to 0, and not from 0",
        ),
        (
            safetensors(&good.replace("[0,4]", "[0,8]"), &[0; 8]),
            "has 8 bytes, which do not agree with its shape",
        ),
        (
            safetensors(&good.replace("[1,1]", "[4294967296,4294967296]"), &[0; 4]),
            "do not agree with its shape",
        ),
        (safetensors(&good.replace("F32", "F31"), &[0; 4]), "unknown variant"),
        (safetensors(&good.replace("F32", &"F".repeat(1 << 20)), &[0; 4]), "unknown variant"),
        (safetensors(&good.replace('}', r#","dtype":"F32"}"#), &[0; 4]), "duplicate field `dtype`"),
        (safetensors(&format!("{{{w},{w}}}"), &[0; 4]), "it has two tensors \"w\""),
        (
            safetensors(&format!("{{{w},{}}}", w.replace("[0,4]", "[4,8]")), &[0; 8]),
            "it has two tensors \"w\"",
        ),
        (safetensors(&format!(r#"{{{about},{w},{about}}}"#), &[0; 4]), "duplicate field `__metadata__`"),
        (
            safetensors(&format!(r#"{{"__metadata__":{{"k":"1","k":"2"}},{w}}}"#), &[0; 4]),
            "two texts of one key",
        ),
        (
            safetensors(good, &[0; 3]),
            "x.safetensors: expected 4 bytes of values, found 3; the file is cut short",
        ),
        (safetensors(good, &[0; 5]), "x.safetensors: expected 4 bytes of values, found more"),
    ] {
        fs::write(&path, &bytes).unwrap();
        let text = says(Matrix::open(&source(&path)), directory.path());
        assert!(text.contains(problem), "{text} should say {problem}");
        assert!(text.len() < 1000);
    }
    fs::write(&path, safetensors(good, &[0, 0, 0, 63])).unwrap();
    assert_eq!(all(&source(&path)).unwrap(), [0.5]);
}

#[test]
fn a_header_of_half_a_million_tensors_is_read_in_seconds() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.safetensors");
    let count = 500_000;
    let entry = |i: usize| {
        format!(r#""layer.{i}":{{"dtype":"F32","shape":[1],"data_offsets":[{},{}]}}"#, 4 * i, 4 * i + 4)
    };
    let entries: Vec<String> = (0..count).rev().map(entry).collect();
    let header = format!("{{{}}}", entries.join(","));
    fs::write(&path, safetensors(&header, &vec![0; 4 * count])).unwrap();
    let begun = std::time::Instant::now();
    let found = info(&source(&path)).unwrap();
    assert!(begun.elapsed().as_secs() < 30);
    assert_eq!(found.tensors.len(), count);
    assert_eq!(found.tensors[7].name.as_deref(), Some("layer.7"));
}

#[test]
fn a_file_cut_short_at_any_byte_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for name in
        ["little-f4.npy", "version-2.npy", "bf16.safetensors", "several.safetensors", "groups-little-i8.npy"]
    {
        let whole = fs::read(golden(name)).unwrap();
        let path = directory.path().join(name);
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(!ask_everything(&path), "{name} cut to {length} bytes was accepted");
        }
        fs::write(&path, &whole).unwrap();
        assert!(ask_everything(&path), "{name} whole was refused");
        fs::write(&path, [&whole[..], &[0]].concat()).unwrap();
        assert!(!ask_everything(&path), "{name} with a byte too many was accepted");
    }
}

#[test]
fn a_truncated_payload_says_how_many_bytes_are_missing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("grads.npy");
    let whole = fs::read(golden("little-f4.npy")).unwrap();
    fs::write(&path, &whole[..whole.len() - 7]).unwrap();
    assert_eq!(
        says(Matrix::open(&source(&path)), directory.path()),
        "grads.npy: expected 60 bytes of values, found 53; the file is cut short"
    );
}

#[test]
fn a_stream_cut_short_at_any_byte_is_refused() {
    let whole = fs::read(golden("big-f8.npy")).unwrap();
    let read = |bytes: &[u8]| {
        Matrix::from_stream("stream", Cursor::new(bytes.to_vec()))
            .and_then(|mut matrix| matrix.read_all_f32(usize::MAX))
    };
    for length in 0..whole.len() {
        assert!(read(&whole[..length]).is_err(), "cut to {length} bytes was accepted");
    }
    assert_eq!(read(&whole).unwrap(), gradient());
    assert!(read(&[&whole[..], &[0]].concat()).unwrap_err().to_string().contains("found more"));
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    // Large enough for the reading thread.
    let (rows, cols) = (40, 100_000);
    let mut writer = ArrayWriter::create(&destination(&path), &[rows, cols], Dtype::F32).unwrap();
    let row = vec![1.0; cols];
    (0..rows).for_each(|_| writer.write(&row).unwrap());
    writer.finish().unwrap();
    let mut matrix = Matrix::open(&source(&path)).unwrap();
    let length = fs::metadata(&path).unwrap().len();
    fs::File::options().write(true).open(&path).unwrap().set_len(length - 1).unwrap();
    assert_eq!(
        says(matrix.for_each_piece(|_, _, _| Ok::<(), FileError>(())), directory.path()),
        "x.npy: expected 16000000 bytes of values, found 15999999; the file is cut short"
    );
}

#[test]
fn small_matrices_only_are_read_whole() {
    let mut matrix = Matrix::open(&golden_source("little-f4.npy")).unwrap();
    assert_eq!(
        says_golden(matrix.read_all_f32(14)),
        "little-f4.npy: expected at most 14 values to hold in memory, found shape (3, 5)"
    );
}

#[test]
fn a_row_that_is_not_there_and_room_of_another_size_are_refused() {
    let mut matrix = Matrix::open(&golden_source("little-f4.npy")).unwrap();
    assert_eq!(
        says_golden(matrix.read_row_into(3, &mut [0.0; 5])),
        "little-f4.npy: expected a row below 3, found row 3"
    );
    assert_eq!(
        says_golden(matrix.read_row_into(0, &mut [0.0; 4])),
        "little-f4.npy: expected room for 5 values, found room for 4"
    );
}
