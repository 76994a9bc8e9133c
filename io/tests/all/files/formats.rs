//! NumPy's and safetensors' own files.

use gradsieve_io::files::{Dtype, FileError, Matrix, Piece};

use super::place::{all, golden_source, gradient};

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
