//! Arrays from any bytes, as a stream and as files: an error, or values that are as many
//! as the header says; never a panic, and never memory for what is not there.
#![no_main]

use std::fs;
use std::io::Cursor;
use std::path::Path;

use gradsieve_io::files::{FileError, Matrix, Source, info, read_groups, read_numbers};

/// The most values that are held.
const MOST: usize = 1 << 20;

/// Reads a matrix to its end, twice if that can be done.
fn read(matrix: Result<Matrix, FileError>) {
    let Ok(mut matrix) = matrix else { return };
    let (rows, columns) = (matrix.rows(), matrix.cols());
    for _ in 0..2 {
        let mut count = 0;
        let passed = matrix.for_each_piece(|row, column, piece| {
            assert!(row < rows && column + piece.len() <= columns);
            count += piece.len();
            Ok::<(), FileError>(())
        });
        assert!(passed.is_err() || count == rows * columns);
    }
    if let Ok(values) = matrix.read_all_f32(MOST) {
        assert_eq!(values.len(), rows * columns);
    }
    let mut row = vec![0.0; columns.min(MOST)];
    let _ = matrix.read_row_into(rows - 1, &mut row);
}

/// The bytes with a length before them, as a `.safetensors` file has: the header is what
/// comes before the first zero.
fn framed(input: &[u8]) -> Vec<u8> {
    let header = input.iter().position(|&byte| byte == 0).unwrap_or(input.len());
    [&(header as u64).to_le_bytes()[..], input].concat()
}

/// The bytes as a directory that bergson wrote: `info.json` is what comes before the
/// first zero.
fn as_directory(path: &Path, input: &[u8]) {
    let end = input.iter().position(|&byte| byte == 0).unwrap_or(input.len());
    fs::create_dir(path).expect("a directory");
    fs::write(path.join("info.json"), &input[..end]).expect("writable");
    fs::write(path.join("gradients.bin"), input.get(end + 1..).unwrap_or_default()).expect("writable");
}

fn look_at(path: &Path) {
    let Ok(source) = path.to_str().expect("UTF-8").parse::<Source>() else { return };
    let _ = info(&source);
    let _ = read_numbers(&source, "rows", 5);
    let _ = read_groups(&source, "rows", 5);
    read(Matrix::open(&source));
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    read(Matrix::from_stream("a stream", Cursor::new(input.to_vec())));
    let folder = tempfile::tempdir().expect("a temporary directory");
    for (name, bytes) in
        [("x.npy", input.to_vec()), ("x.safetensors", input.to_vec()), ("y.safetensors", framed(input))]
    {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("writable");
        look_at(&path);
    }
    let path = folder.path().join("b");
    as_directory(&path, input);
    look_at(&path);
});
