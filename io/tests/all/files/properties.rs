//! Properties: what is written is read, and bytes of any kind never panic.

use std::fs;
use std::io::{Cursor, Read as _};

use gradsieve_io::files::{
    ArrayWriter, Dtype, FileError, Matrix, NamedTensor, Piece, Source, write_safetensors,
};
use proptest::prelude::*;

use super::place::{all, ask_everything, destination, golden, npy, safetensors, source};

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
        let write = |values: &[f64], dtype| {
            let mut writer = ArrayWriter::create(&destination(&path), &[1, values.len()], dtype).unwrap();
            writer.write_f64(values).unwrap();
            writer.finish().unwrap();
            Matrix::open(&source(&path)).unwrap()
        };
        let mut same = false;
        let visit = |_, _, piece: Piece<'_>| {
            same = matches!(piece, Piece::F64(read) if read.iter().map(|v| v.to_bits()).eq(values.iter().map(|v| v.to_bits())));
            Ok::<(), FileError>(())
        };
        write(&values, Dtype::F64).for_each_piece(visit).unwrap();
        prop_assert!(same);
        // Those within the range of f16, for the others are refused.
        let values: Vec<f64> = values.iter().map(|v| if v.abs() < 65_520.0 { *v } else { 1.0 / v }).collect();
        let halves: Vec<f32> = values.iter().map(|&v| half::f16::from_f64(v).to_f32()).collect();
        prop_assert_eq!(write(&values, Dtype::F16).read_all_f32(300).unwrap(), halves);
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
