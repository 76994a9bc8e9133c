//! Claims about reading and writing arrays. The files in `golden/files/` were written by NumPy and by
//! safetensors' Python package (`golden/files.py`).

use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use gradsieve_harness::files::{
    ArrayWriter, Destination, Dtype, FileError, FileKind, Matrix, NamedTensor, PIECE_ALIGNMENT, Piece, Shape,
    Source, check_columns, check_rows, info, read_groups, refuse_overwrite, write_safetensors,
};
use proptest::prelude::*;

// ---- what the tests share -------------------------------------------------------------------------

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/files").join(name)
}

fn source(path: impl AsRef<Path>) -> Source {
    path.as_ref().to_str().expect("the paths of tests are UTF-8").parse().expect("a good argument")
}

fn golden_source(name: &str) -> Source {
    source(golden(name))
}

fn destination(path: impl AsRef<Path>) -> Destination {
    Destination::Path(path.as_ref().to_owned())
}

/// The values of every golden matrix.
fn gradient() -> Vec<f32> {
    (0..15).map(|i| (i as f32 - 7.0) / 4.0).collect()
}

fn all(source: &Source) -> Result<Vec<f32>, FileError> {
    Matrix::open(source)?.read_all_f32(usize::MAX)
}

/// The text of an error, without the directory that the file is in.
fn says<T>(outcome: Result<T, FileError>, directory: &Path) -> String {
    let Err(error) = outcome else { panic!("expected an error") };
    error.to_string().replace(&format!("{}/", directory.display()), "")
}

fn says_golden<T>(outcome: Result<T, FileError>) -> String {
    says(outcome, &golden(""))
        .replace(&format!("{}", golden("").display()), "")
        .trim_start_matches('/')
        .to_owned()
}

fn open_error(name: &str) -> String {
    says_golden(Matrix::open(&golden_source(name)))
}

/// A `.npy` with this dictionary, as text.
fn npy(version: u8, dictionary: &str, values: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    if version == 1 {
        bytes.extend((dictionary.len() as u16).to_le_bytes());
    } else {
        bytes.extend((dictionary.len() as u32).to_le_bytes());
    }
    bytes.extend(dictionary.as_bytes());
    bytes.extend(values);
    bytes
}

fn safetensors(json: &str, values: &[u8]) -> Vec<u8> {
    let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
    bytes.extend(json.as_bytes());
    bytes.extend(values);
    bytes
}

/// Everything that can be asked of a file; must return, whatever it holds.
fn ask_everything(path: &Path) -> bool {
    let source = source(path);
    let read = Matrix::open(&source).and_then(|mut matrix| {
        let mut row = vec![0.0; matrix.cols().min(1 << 16)];
        let _ = matrix.read_row_into(0, &mut row);
        matrix.read_all_f32(1 << 16)
    });
    let groups = read_groups(&source);
    let info = info(&source);
    read.is_ok() || groups.is_ok() || info.is_ok()
}

fn files_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .expect("the directory is there")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

// ---- arguments ------------------------------------------------------------------------------------

#[test]
fn an_argument_names_a_file_a_tensor_or_standard_input() {
    let parse = |argument: &str| argument.parse::<Source>();
    assert_eq!(parse("-").unwrap(), Source::Stdin);
    assert_eq!(parse("a/b.npy").unwrap(), Source::Npy("a/b.npy".into()));
    assert_eq!(parse("/dev/fd/63").unwrap(), Source::Npy("/dev/fd/63".into()));
    assert_eq!(parse("run#3/b.npy").unwrap(), Source::Npy("run#3/b.npy".into()));
    let path = PathBuf::from("m.safetensors");
    assert_eq!(parse("m.safetensors").unwrap(), Source::Safetensors { path: path.clone(), tensor: None });
    let tensor = Some("layer.0#weight".to_owned());
    assert_eq!(parse("m.safetensors#layer.0#weight").unwrap(), Source::Safetensors { path, tensor });
    for text in ["a/b.npy", "m.safetensors", "m.safetensors#w"] {
        assert_eq!(parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn an_argument_that_cannot_name_an_array_is_refused() {
    for argument in ["", "m.safetensors#", "grads.npy#w"] {
        let text = argument.parse::<Source>().unwrap_err().to_string();
        assert!(text.contains(&format!("{argument:?}")), "{text}");
    }
}

// ---- NumPy's and safetensors' own files -----------------------------------------------------------

#[test]
fn every_float_of_numpy_in_either_byte_order_is_read() {
    for (name, dtype) in [("f2", Dtype::F16), ("f4", Dtype::F32), ("f8", Dtype::F64)] {
        for order in ["little", "big"] {
            let mut matrix = Matrix::open(&golden_source(&format!("{order}-{name}.npy"))).unwrap();
            assert_eq!((matrix.rows(), matrix.cols(), matrix.dtype()), (3, 5, dtype));
            assert_eq!(matrix.bytes(), 15 * dtype.bytes() as u64);
            assert_eq!(matrix.read_all_f32(15).unwrap(), gradient(), "{order} {name}");
            let mut row = [0.0; 5];
            for i in [2, 0, 1] {
                matrix.read_row_into(i, &mut row).unwrap();
                assert_eq!(row, gradient()[5 * i..5 * i + 5], "{order} {name}, row {i}");
            }
        }
    }
}

#[test]
fn headers_of_versions_2_and_3_are_read() {
    assert_eq!(all(&golden_source("version-2.npy")).unwrap(), gradient());
    assert_eq!(all(&golden_source("version-3.npy")).unwrap(), gradient());
}

#[test]
fn pieces_come_in_the_type_of_the_file() {
    let kind = |name: &str| {
        let mut kinds = Vec::new();
        let mut matrix = Matrix::open(&golden_source(name)).unwrap();
        let visit = |row, column, piece: Piece<'_>| {
            let kind = match piece {
                Piece::F16(_) => "f16",
                Piece::Bf16(_) => "bf16",
                Piece::F32(_) => "f32",
                Piece::F64(_) => "f64",
            };
            kinds.push((row, column, kind, piece.len()));
            Ok::<(), FileError>(())
        };
        matrix.for_each_piece(visit).unwrap();
        assert!(kinds.iter().all(|k| k.2 == kinds[0].2));
        assert_eq!(
            kinds.iter().map(|k| (k.0, k.1, k.3)).collect::<Vec<_>>(),
            [(0, 0, 5), (1, 0, 5), (2, 0, 5)]
        );
        kinds[0].2
    };
    assert_eq!(kind("little-f2.npy"), "f16");
    assert_eq!(kind("bf16.safetensors"), "bf16");
    assert_eq!(kind("big-f4.npy"), "f32");
    assert_eq!(kind("several.safetensors#double"), "f64");
}

#[test]
fn tensors_of_a_safetensors_file_are_read_by_name() {
    for tensor in ["layer.weight", "layer.bias", "double"] {
        assert_eq!(
            all(&golden_source(&format!("several.safetensors#{tensor}"))).unwrap(),
            gradient(),
            "{tensor}"
        );
    }
    assert_eq!(all(&golden_source("bf16.safetensors#w")).unwrap(), gradient());
}

#[test]
fn the_only_tensor_of_a_file_needs_no_name() {
    assert_eq!(all(&golden_source("one.safetensors")).unwrap(), gradient());
    assert!(Matrix::open(&golden_source("one.safetensors")).unwrap().name().ends_with("one.safetensors#w"));
}

#[test]
fn fortran_order_of_one_column_is_c_order_too() {
    let mut matrix = Matrix::open(&golden_source("fortran-column.npy")).unwrap();
    assert_eq!((matrix.rows(), matrix.cols()), (15, 1));
    assert_eq!(matrix.read_all_f32(15).unwrap(), gradient());
}

// ---- refusals, each one sentence ------------------------------------------------------------------

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
        (
            "fortran.npy",
            "fortran.npy: expected rows one after the other (C order), found Fortran order; save it again with \
             np.save(path, np.ascontiguousarray(array))",
        ),
        (
            "archive.npz",
            "archive.npz: expected a .npy file, which begins with \\x93NUMPY, found a zip archive (.npz or .pt); save \
             the one array with np.save, or as .safetensors",
        ),
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
    // The header that the cases were made from is a good one, and so are its looser forms.
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
        (safetensors(&good.replace("[0,4]", "[4,0]"), &[0; 4]), "invalid offset"),
        (safetensors(&good.replace("[0,4]", "[0,8]"), &[0; 8]), "invalid shape"),
        (safetensors(&good.replace("[1,1]", "[4294967296,4294967296]"), &[0; 4]), "overflow"),
        (safetensors(&good.replace("F32", "F31"), &[0; 4]), "unknown variant"),
        (
            safetensors(good, &[0; 3]),
            "x.safetensors: expected 4 bytes of values, found 3; the file is cut short",
        ),
        (safetensors(good, &[0; 5]), "x.safetensors: expected 4 bytes of values, found more"),
    ] {
        fs::write(&path, &bytes).unwrap();
        let text = says(Matrix::open(&source(&path)), directory.path());
        assert!(text.contains(problem), "{text} should say {problem}");
    }
    fs::write(&path, safetensors(good, &[0, 0, 0, 63])).unwrap();
    assert_eq!(all(&source(&path)).unwrap(), [0.5]);
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

// ---- passes ---------------------------------------------------------------------------------------

#[test]
fn a_file_can_be_passed_over_again_and_a_stream_cannot() {
    let mut file = Matrix::open(&golden_source("little-f4.npy")).unwrap();
    file.require_passes().unwrap();
    assert_eq!(file.read_all_f32(15).unwrap(), file.read_all_f32(15).unwrap());

    let bytes = fs::read(golden("little-f4.npy")).unwrap();
    let mut stream = Matrix::from_stream("standard input", Cursor::new(bytes)).unwrap();
    let text = "standard input: expected a file that can be read more than once, found a stream; save it to a file \
                first and name that";
    assert_eq!(stream.require_passes().unwrap_err().to_string(), text);
    assert_eq!(stream.read_row_into(0, &mut [0.0; 5]).unwrap_err().to_string(), text);
    assert_eq!(stream.read_all_f32(15).unwrap(), gradient());
    assert_eq!(stream.read_all_f32(15).unwrap_err().to_string(), text);
}

#[cfg(unix)]
#[test]
fn a_named_pipe_is_read_as_a_stream() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pipe.npy");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no mkfifo here");
        return;
    }
    let writer = std::thread::spawn({
        let path = path.clone();
        move || fs::write(path, fs::read(golden("little-f4.npy")).unwrap())
    });
    let mut matrix = Matrix::open(&source(&path)).unwrap();
    assert!(matrix.require_passes().is_err());
    assert_eq!(matrix.read_all_f32(15).unwrap(), gradient());
    writer.join().unwrap().unwrap();
}

#[test]
fn a_visitor_that_stops_ends_the_pass_with_its_own_error() {
    #[derive(Debug, PartialEq)]
    enum Mine {
        Enough,
        File(String),
    }
    impl From<FileError> for Mine {
        fn from(error: FileError) -> Self {
            Self::File(error.to_string())
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    for (rows, cols) in [(3, 5), (50, 100_000)] {
        let mut writer = ArrayWriter::create(&destination(&path), &[rows, cols], Dtype::F32).unwrap();
        (0..rows).for_each(|i| writer.write(&vec![i as f32; cols]).unwrap());
        writer.finish().unwrap();
        let mut matrix = Matrix::open(&source(&path)).unwrap();
        let mut last = None;
        let outcome = matrix.for_each_piece(|row, _, _| {
            assert_ne!(last, Some(1), "a visit after the last");
            last = Some(row);
            if row == 1 { Err(Mine::Enough) } else { Ok(()) }
        });
        assert_eq!((outcome, last), (Err(Mine::Enough), Some(1)));
        // And the matrix is as good as before.
        assert_eq!(matrix.read_all_f32(usize::MAX).unwrap()[rows * cols - 1], (rows - 1) as f32);
    }
}

#[test]
fn pieces_cover_every_value_once_in_order_and_begin_at_whole_tiles() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    // Rows shorter than a buffer, as long as one, longer, and far longer.
    for (rows, cols, dtype) in [
        (100_000, 7, Dtype::F32),
        (3, 262_144, Dtype::F32),
        (9, 65_537, Dtype::F32),
        (40, 65_536, Dtype::F32),
        (3, 1_000_003, Dtype::F32),
        (2, 1_000_003, Dtype::F64),
        (2, 600_001, Dtype::F16),
    ] {
        let value = |i: usize| ((i * 2_654_435_761) % 2048) as f32;
        let mut writer = ArrayWriter::create(&destination(&path), &[rows, cols], dtype).unwrap();
        for row in 0..rows {
            let values: Vec<f32> = (0..cols).map(|column| value(row * cols + column)).collect();
            writer.write(&values).unwrap();
        }
        writer.finish().unwrap();
        let mut next = 0;
        let mut values = Vec::new();
        let mut matrix = Matrix::open(&source(&path)).unwrap();
        let visit = |row: usize, column: usize, piece: Piece<'_>| {
            assert_eq!(row * cols + column, next);
            assert_eq!(column % PIECE_ALIGNMENT, 0);
            assert!(column + piece.len() == cols || piece.len().is_multiple_of(PIECE_ALIGNMENT));
            assert!(!piece.is_empty() && column + piece.len() <= cols);
            values.resize(piece.len(), 0.0);
            piece.copy_to_f32(&mut values);
            assert!(values.iter().enumerate().all(|(i, &v)| v == value(next + i)));
            next += piece.len();
            Ok::<(), FileError>(())
        };
        matrix.for_each_piece(visit).unwrap();
        assert_eq!(next, rows * cols);
        let mut row = vec![0.0; cols];
        matrix.read_row_into(rows - 1, &mut row).unwrap();
        assert!(row.iter().enumerate().all(|(i, &v)| v == value((rows - 1) * cols + i)));
    }
}

// ---- groups ---------------------------------------------------------------------------------------

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

// ---- writing --------------------------------------------------------------------------------------

#[test]
fn an_unfinished_writer_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    let mut writer = ArrayWriter::create(&destination(&path), &[2, 100_000], Dtype::F32).unwrap();
    writer.write(&vec![0.0; 150_000]).unwrap();
    assert_eq!(files_in(directory.path()).len(), 1, "the values are on their way to a file beside the path");
    assert!(!path.exists());
    drop(writer);
    assert_eq!(files_in(directory.path()), [""; 0]);
}

#[test]
fn an_unfinished_writer_leaves_an_older_file_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    fs::write(&path, "older").unwrap();
    let mut writer = ArrayWriter::create(&destination(&path), &[2], Dtype::F32).unwrap();
    writer.write(&[1.0]).unwrap();
    drop(writer);
    assert_eq!(fs::read(&path).unwrap(), b"older");
    assert_eq!(files_in(directory.path()), ["x.npy"]);

    let mut writer = ArrayWriter::create(&destination(&path), &[2], Dtype::F32).unwrap();
    writer.write(&[1.0, 2.0]).unwrap();
    writer.finish().unwrap();
    assert!(fs::read(&path).unwrap().starts_with(b"\x93NUMPY"));
    assert_eq!(files_in(directory.path()), ["x.npy"]);
}

#[test]
fn fewer_or_more_values_than_the_shape_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    let mut writer = ArrayWriter::create(&destination(&path), &[2, 3], Dtype::F64).unwrap();
    writer.write_f64(&[0.0; 5]).unwrap();
    assert_eq!(says(writer.write(&[0.0; 2]), directory.path()), "x.npy: expected 6 values to write, found 7");
    assert_eq!(says(writer.finish(), directory.path()), "x.npy: expected 6 values to write, found 5");
    assert_eq!(files_in(directory.path()), [""; 0]);
}

#[test]
fn a_destination_that_cannot_be_written_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let create = |path: &str| {
        let path = directory.path().join(path);
        says(ArrayWriter::create(&destination(path), &[1], Dtype::F32).map(drop), directory.path())
            .replace(&directory.path().display().to_string(), "HERE")
    };
    assert_eq!(create("no/x.npy"), "no/x.npy: cannot write there, the directory no does not exist");
    assert_eq!(create(""), ": expected a file, found a directory");
    fs::write(directory.path().join("plain"), "").unwrap();
    let text = create("plain/x.npy");
    assert!(text.starts_with("plain/x.npy: cannot create a file in the directory plain: "), "{text}");
    let shape = [usize::MAX, usize::MAX];
    let absurd =
        ArrayWriter::create(&destination(directory.path().join("x.npy")), &shape, Dtype::F32).map(drop);
    assert!(says(absurd, directory.path()).starts_with("x.npy: expected a shape whose bytes can be counted"));
    let bf16 = ArrayWriter::create(&destination(directory.path().join("x.npy")), &[1], Dtype::Bf16).map(drop);
    assert!(says(bf16, directory.path()).contains("expected a type that NumPy has"));
    assert_eq!(files_in(directory.path()), ["plain"]);
}

#[cfg(unix)]
#[test]
fn a_directory_without_permission_says_so() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("locked");
    fs::create_dir(&inner).unwrap();
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(inner.join("probe"), "").is_ok() {
        eprintln!("skipped: this user may write everywhere");
        return;
    }
    let text = says(
        ArrayWriter::create(&destination(inner.join("x.npy")), &[1], Dtype::F32).map(drop),
        directory.path(),
    );
    assert_eq!(text, "locked/x.npy: cannot create a file in the directory locked: permission denied");
}

#[cfg(unix)]
#[test]
fn a_device_is_written_to_and_not_replaced() {
    use std::os::unix::fs::FileTypeExt as _;
    let mut writer = ArrayWriter::create(&destination("/dev/null"), &[1], Dtype::F32).unwrap();
    writer.write(&[0.0]).unwrap();
    writer.finish().unwrap();
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_a_result_is_as_readable_as_other_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let (target, link) = (directory.path().join("target.npy"), directory.path().join("link.npy"));
    fs::write(&target, "older").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let mut writer = ArrayWriter::create(&destination(&link), &[1], Dtype::F32).unwrap();
    writer.write(&[0.0]).unwrap();
    writer.finish().unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read(&target).unwrap().starts_with(b"\x93NUMPY"));
    let plain = directory.path().join("plain");
    fs::write(&plain, "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&target), mode(&plain));
}

#[test]
fn an_output_that_is_an_input_is_refused_by_any_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    fs::write(&path, "").unwrap();
    fs::create_dir(directory.path().join("d")).unwrap();
    let other = directory.path().join("d/../x.npy");
    let inputs = [&Source::Stdin, &source(&path)];
    assert_eq!(
        says(refuse_overwrite(&destination(&other), &inputs), directory.path()),
        "d/../x.npy: expected an output other than the inputs, found the input x.npy"
    );
    assert!(refuse_overwrite(&destination(&path), &inputs).is_err());
    refuse_overwrite(&destination(directory.path().join("y.npy")), &inputs).unwrap();
    refuse_overwrite(&Destination::Stdout, &inputs).unwrap();
    let tensor = Source::Safetensors { path: path.clone(), tensor: Some("w".to_owned()) };
    assert!(refuse_overwrite(&destination(&path), &[&tensor]).is_err());
}

#[test]
fn named_tensors_come_back_and_an_older_file_survives_a_refusal() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.safetensors");
    let to = destination(&path);
    let (a, b) = ([1.0, -2.5, 3.0, f32::MIN_POSITIVE, 5.0, -0.0], [7.0, 8.0]);
    let tensors = [
        NamedTensor { name: "a", shape: &[2, 3], data: &a },
        NamedTensor { name: "step/0", shape: &[1, 2], data: &b },
    ];
    write_safetensors(&to, &tensors).unwrap();
    assert_eq!(all(&source(path.with_file_name("x.safetensors#a"))).unwrap(), a);
    let step: Source = format!("{}#step/0", path.display()).parse().unwrap();
    assert_eq!(all(&step).unwrap(), b);

    let before = fs::read(&path).unwrap();
    for shape in [&[2, 2][..], &[usize::MAX, 2]] {
        let wrong = [NamedTensor { name: "a", shape, data: &a }];
        let text = says(write_safetensors(&to, &wrong), directory.path());
        assert!(
            text.starts_with("x.safetensors#a: expected ") && text.ends_with("values to write, found 6"),
            "{text}"
        );
    }
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(files_in(directory.path()), ["x.safetensors"]);
}

// ---- info -----------------------------------------------------------------------------------------

#[test]
fn info_describes_any_array() {
    let one = |name: &str| {
        let about = info(&golden_source(name)).unwrap();
        assert_eq!(about.kind, FileKind::Npy);
        let [tensor] = about.tensors.try_into().expect("one array");
        assert_eq!(tensor.name, None);
        (tensor.dtype, tensor.shape, tensor.bytes, tensor.fortran_order)
    };
    assert_eq!(one("little-f2.npy"), ("f16".to_owned(), Shape(vec![3, 5]), 30, false));
    assert_eq!(one("fortran.npy"), ("f32".to_owned(), Shape(vec![3, 5]), 60, true));
    assert_eq!(one("0d.npy"), ("f32".to_owned(), Shape(vec![]), 4, false));
    assert_eq!(one("no-rows.npy"), ("f32".to_owned(), Shape(vec![0, 5]), 0, false));
    assert_eq!(one("complex.npy"), ("<c8".to_owned(), Shape(vec![3, 5]), 120, false));
    assert_eq!(one("groups-big-u2.npy"), ("u16".to_owned(), Shape(vec![5]), 10, false));
    assert_eq!(one("fields.npy").0, "of several fields");

    let several = info(&golden_source("several.safetensors")).unwrap();
    assert_eq!(several.kind, FileKind::Safetensors);
    let mut found: Vec<_> =
        several.tensors.iter().map(|t| (t.name.as_deref().unwrap(), t.dtype.as_str(), t.bytes)).collect();
    found.sort();
    assert_eq!(
        found,
        [
            ("double", "f64", 120),
            ("labels", "i64", 40),
            ("layer.bias", "f16", 30),
            ("layer.weight", "f32", 60)
        ]
    );
    let weight = info(&golden_source("several.safetensors#layer.weight")).unwrap();
    assert_eq!(weight.tensors, several.tensors.into_iter().filter(|t| t.dtype == "f32").collect::<Vec<_>>());
    assert_eq!(info(&golden_source("none.safetensors")).unwrap().tensors, []);
}

// ---- properties -----------------------------------------------------------------------------------

fn any_dtype() -> impl Strategy<Value = Dtype> {
    prop_oneof![Just(Dtype::F16), Just(Dtype::F32), Just(Dtype::F64)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_again(
        (rows, cols) in (1_usize..40, 1_usize..400),
        dtype in any_dtype(),
        bits in prop::collection::vec(any::<u32>(), 64),
        split in 1_usize..1000,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.npy");
        let values: Vec<f32> =
            (0..rows * cols).map(|i| f32::from_bits(bits[i % 64].rotate_left((i / 64) as u32))).collect();
        let mut writer = ArrayWriter::create(&destination(&path), &[rows, cols], dtype).unwrap();
        for part in values.chunks(split) {
            writer.write(part).unwrap();
        }
        writer.finish().unwrap();
        let mut matrix = Matrix::open(&source(&path)).unwrap();
        prop_assert_eq!((matrix.rows(), matrix.cols(), matrix.dtype()), (rows, cols, dtype));
        let read = matrix.read_all_f32(rows * cols).unwrap();
        for (from, to) in values.iter().zip(&read) {
            // A NaN is only a NaN.
            let expected = if dtype == Dtype::F16 { half::f16::from_f32(*from).to_f32() } else { *from };
            prop_assert!(expected.to_bits() == to.to_bits() || expected.is_nan() && to.is_nan(), "{} became {}", from, to);
        }
        // A stream of the same bytes tells the same.
        let bytes = fs::read(&path).unwrap();
        let again = Matrix::from_stream("stream", Cursor::new(bytes)).unwrap().read_all_f32(rows * cols).unwrap();
        prop_assert_eq!(again.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), read.iter().map(|v| v.to_bits()).collect::<Vec<_>>());
    }

    #[test]
    fn f64_values_keep_their_bits_and_round_once(bits in prop::collection::vec(any::<u64>(), 1..300)) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.npy");
        let values: Vec<f64> = bits.iter().map(|&b| f64::from_bits(b)).filter(|v| !v.is_nan()).collect();
        prop_assume!(!values.is_empty());
        let write = |dtype| {
            let mut writer = ArrayWriter::create(&destination(&path), &[1, values.len()], dtype).unwrap();
            writer.write_f64(&values).unwrap();
            writer.finish().unwrap();
            Matrix::open(&source(&path)).unwrap()
        };
        let mut same = false;
        let visit = |_, _, piece: Piece<'_>| {
            same = matches!(piece, Piece::F64(read) if read.iter().map(|v| v.to_bits()).eq(values.iter().map(|v| v.to_bits())));
            Ok::<(), FileError>(())
        };
        write(Dtype::F64).for_each_piece(visit).unwrap();
        prop_assert!(same);
        let halves: Vec<f32> = values.iter().map(|&v| half::f16::from_f64(v).to_f32()).collect();
        prop_assert_eq!(write(Dtype::F16).read_all_f32(300).unwrap(), halves);
    }

    #[test]
    fn named_tensors_of_any_shape_come_back(
        shapes in prop::collection::vec((1_usize..9, 1_usize..9), 1..6),
        bits in any::<u32>(),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.safetensors");
        let names: Vec<String> = (0..shapes.len()).map(|i| format!("t{i}")).collect();
        let data: Vec<Vec<f32>> =
            shapes.iter().map(|(r, c)| (0..r * c).map(|i| f32::from_bits(bits ^ i as u32)).collect()).collect();
        let dimensions: Vec<[usize; 2]> = shapes.iter().map(|&(r, c)| [r, c]).collect();
        let tensors: Vec<NamedTensor<'_>> = (0..shapes.len())
            .map(|i| NamedTensor { name: &names[i], shape: &dimensions[i], data: &data[i] })
            .collect();
        write_safetensors(&destination(&path), &tensors).unwrap();
        for (name, values) in names.iter().zip(&data) {
            let tensor = Source::Safetensors { path: path.clone(), tensor: Some(name.clone()) };
            let read = all(&tensor).unwrap();
            prop_assert_eq!(read.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), values.iter().map(|v| v.to_bits()).collect::<Vec<_>>());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn bytes_of_any_kind_never_panic(
        npy_file in any::<bool>(),
        start in 0_usize..4,
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(if npy_file { "x.npy" } else { "x.safetensors" });
        let whole = match (npy_file, start) {
            (_, 0) => bytes,
            (true, 1) => [&b"\x93NUMPY"[..], &bytes].concat(),
            (true, version) => npy(version as u8 - 1, &String::from_utf8_lossy(&bytes), &[]),
            (false, _) => safetensors(&String::from_utf8_lossy(&bytes), &[]),
        };
        fs::write(&path, whole).unwrap();
        ask_everything(&path);
    }

    #[test]
    fn altered_files_never_panic(
        name in prop::sample::select(vec!["little-f4.npy", "fields.npy", "groups-big-i8.npy", "bf16.safetensors", "several.safetensors"]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        let mut bytes = fs::read(golden(name)).unwrap();
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        fs::write(&path, &bytes).unwrap();
        ask_everything(&path);
        // As a stream too, which has no length to be checked against.
        let mut taken = Vec::new();
        fs::File::open(&path).unwrap().read_to_end(&mut taken).unwrap();
        if let Ok(mut matrix) = Matrix::from_stream("stream", Cursor::new(taken)) {
            let _ = matrix.read_all_f32(1 << 20);
        }
    }
}
