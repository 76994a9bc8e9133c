//! NumPy's and safetensors' own files.

use gradsieve_io::files::{Dtype, FileError, Matrix, PIECE_ALIGNMENT, Piece};

use super::place::{all, golden, golden_source, gradient, npy, source};

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

#[test]
fn fortran_order_is_read_row_by_row() {
    let mut matrix = Matrix::open(&golden_source("fortran.npy")).unwrap();
    assert_eq!((matrix.rows(), matrix.cols()), (3, 5));
    assert_eq!(matrix.read_all_f32(15).unwrap(), gradient());
    let mut row = [0.0; 5];
    matrix.read_row_into(1, &mut row).unwrap();
    assert_eq!(row, gradient()[5..10]);
}

/// A matrix whose entry (i, j) is 1000·j + i, column after column.
fn by_column(descr: &str, rows: usize, cols: usize, bytes: impl Fn(f32) -> Vec<u8>) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': True, 'shape': ({rows}, {cols}), }}");
    let columns = (0..cols).flat_map(|j| (0..rows).map(move |i| (1000 * j + i) as f32));
    npy(1, &header, &columns.flat_map(bytes).collect::<Vec<u8>>())
}

#[test]
fn fortran_order_of_every_width_and_order_of_bytes_has_the_values_of_c_order() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f.npy");
    // Columns that share a read, columns that do not, and rows of several pieces.
    for (rows, cols) in [(2, 3), (1700, 7), (3, 70_001), (90_000, 2)] {
        for (descr, file) in [
            ("<f4", by_column("<f4", rows, cols, |x| x.to_le_bytes().to_vec())),
            (">f4", by_column(">f4", rows, cols, |x| x.to_be_bytes().to_vec())),
            (">f8", by_column(">f8", rows, cols, |x| f64::from(x).to_be_bytes().to_vec())),
        ] {
            std::fs::write(&path, file).unwrap();
            let mut matrix = Matrix::open(&source(&path)).unwrap();
            let mut seen = 0;
            matrix
                .for_each_piece(|row, column, piece| {
                    assert_eq!((row * cols + column, column % PIECE_ALIGNMENT), (seen, 0));
                    let mut values = vec![0.0; piece.len()];
                    piece.copy_to_f32(&mut values);
                    for (j, value) in values.into_iter().enumerate() {
                        assert_eq!(value, (1000 * (column + j) + row) as f32, "{descr} {rows} × {cols}");
                    }
                    seen += piece.len();
                    Ok::<(), FileError>(())
                })
                .unwrap();
            assert_eq!(seen, rows * cols);
        }
    }
}

#[test]
fn a_stream_in_fortran_order_is_refused_with_a_cure() {
    let bytes = std::fs::read(golden("fortran.npy")).unwrap();
    let error = Matrix::from_stream("standard input", std::io::Cursor::new(bytes)).unwrap_err();
    assert!(error.to_string().ends_with("found Fortran order; save it to a file and name that"), "{error}");
}

#[test]
fn every_spelling_that_numpy_reads_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.npy");
    let native = if cfg!(target_endian = "big") { ">f4" } else { "<f4" };
    for descr in [native, "=f4", "|f4", "f4", "f", "=f", "float32", "single"] {
        for prefix in ["", "u", "U", "r"] {
            let header = format!(
                "{{{prefix}'shape': (2L, 1L), {prefix}\"fortran_order\": False, {prefix}'descr': {prefix}'{descr}', }}"
            );
            let values: Vec<u8> = [1.5_f32, -2.0].iter().flat_map(|x| x.to_ne_bytes()).collect();
            std::fs::write(&path, npy(1, &header, &values)).unwrap();
            assert_eq!(all(&source(&path)).unwrap(), [1.5, -2.0], "{header}");
        }
    }
    for (descr, values) in [("d", 3.0_f64.to_ne_bytes().to_vec()), ("half", vec![0, 0x42])] {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (1, 1)}}");
        if descr == "half" && cfg!(target_endian = "big") {
            continue;
        }
        std::fs::write(&path, npy(1, &header, &values)).unwrap();
        assert_eq!(all(&source(&path)).unwrap(), [3.0]);
    }
}
