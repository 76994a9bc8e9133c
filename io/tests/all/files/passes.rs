//! Passes over a file and over a stream.

use std::fs;
use std::io::Cursor;

use gradsieve_io::files::{ArrayWriter, Dtype, FileError, Matrix, PIECE_ALIGNMENT, Piece};

use super::place::{destination, golden, golden_source, gradient, source};

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
