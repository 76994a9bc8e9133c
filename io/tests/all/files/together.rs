//! Several arrays that are one matrix: shards one after the other, tensors side by side.

use std::fs;
use std::path::Path;

use gradsieve_io::files::{
    ArrayWriter, Dtype, FileError, Matrix, NamedTensor, info, read_groups, refuse_overwrite,
    write_safetensors,
};

use super::place::{all, destination, golden, golden_source, gradient, says, source};

fn shard(directory: &Path, name: &str, rows: usize, values: &[f32]) {
    let shape = [rows, values.len() / rows];
    let mut writer = ArrayWriter::create(&destination(directory.join(name)), &shape, Dtype::F32).unwrap();
    writer.write(values).unwrap();
    writer.finish().unwrap();
}

#[test]
fn shards_are_one_matrix_in_the_order_of_their_numbers() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    shard(at, "g-10.npy", 1, &[5.0, 6.0]);
    shard(at, "g-9.npy", 2, &[1.0, 2.0, 3.0, 4.0]);
    fs::write(at.join("._g-9.npy"), "x").unwrap();
    fs::write(at.join("notes.txt"), "x").unwrap();
    for name in ["", "g-*.npy", "*", "*.npy"] {
        let argument = source(format!("{}/{name}", at.display()));
        let mut matrix = Matrix::open(&argument).unwrap();
        assert_eq!((matrix.rows(), matrix.cols(), matrix.bytes()), (3, 2, 24));
        matrix.require_passes().unwrap();
        for _ in 0..2 {
            assert_eq!(matrix.read_all_f32(6).unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        }
        let mut rows = Vec::new();
        matrix
            .for_each_piece(|row, _, _| {
                rows.push(row);
                Ok::<(), FileError>(())
            })
            .unwrap();
        assert_eq!(rows, [0, 1, 2]);
        let mut row = [0.0; 2];
        matrix.read_row_into(2, &mut row).unwrap();
        assert_eq!(row, [5.0, 6.0]);
        let overwritten = refuse_overwrite(&destination(at.join("g-10.npy")), &[&argument]);
        assert!(says(overwritten, at).contains("expected an output other than the inputs"));
    }
}

#[test]
fn shards_that_do_not_fit_are_refused_by_name() {
    let place = tempfile::tempdir().unwrap();
    let at = place.path();
    let open = |name: &str| says(Matrix::open(&source(format!("{}/{name}", at.display()))), at);
    assert!(
        open("g-*.npy").ends_with("expected at least one .npy or .safetensors file of that name, found none")
    );
    assert!(open("none/").ends_with("no such file"));
    shard(at, "g-1.npy", 1, &[1.0, 2.0]);
    shard(at, "g-2.npy", 1, &[1.0, 2.0, 3.0]);
    assert_eq!(open("g-*.npy"), "g-2.npy: expected 2 columns, as many as g-1.npy has columns, found 3");
    shard(at, "m-00001-of-00003.npy", 1, &[1.0, 2.0]);
    shard(at, "m-00003-of-00003.npy", 1, &[1.0, 2.0]);
    assert!(open("m-*").ends_with("expected all 3 files, as their names say, found 2"), "{}", open("m-*"));
}

#[test]
fn tensors_of_a_file_stand_side_by_side_in_the_order_of_their_names() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("g.safetensors");
    let tensor = |name, shape, data| NamedTensor { name, shape, data };
    write_safetensors(
        &destination(&path),
        &[
            tensor("layer.b", &[2], &[9.0, 19.0]),
            tensor("layer.a", &[2, 2, 2], &[1.0, 2.0, 3.0, 4.0, 11.0, 12.0, 13.0, 14.0]),
            tensor("other", &[3, 1], &[0.0; 3]),
        ],
    )
    .unwrap();
    let together = source(format!("{}#layer.*", path.display()));
    let expected = [1.0, 2.0, 3.0, 4.0, 9.0, 11.0, 12.0, 13.0, 14.0, 19.0];
    assert_eq!(all(&together).unwrap(), expected);
    let mut row = [0.0; 5];
    Matrix::open(&together).unwrap().read_row_into(1, &mut row).unwrap();
    assert_eq!(row, expected[5..]);
    let open = |name: &str| says(Matrix::open(&source(format!("{}#{name}", path.display()))), place.path());
    assert_eq!(
        open("*"),
        "g.safetensors#other: expected 2 rows, as many as g.safetensors#layer.a has rows, found 3"
    );
    assert!(open("x*").contains("there is no tensor \"x*\""), "{}", open("x*"));
}

#[test]
fn wide_tensors_side_by_side_come_in_pieces() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("g.safetensors");
    let (rows, one, other) = (3, 70_000, 33_000);
    let values = |cols: usize, from: usize| -> Vec<f32> {
        (0..rows).flat_map(|i| (0..cols).map(move |j| (i * 200_000 + from + j) as f32)).collect()
    };
    let (a, b) = (values(one, 0), values(other, one));
    let tensors = [
        NamedTensor { name: "a", shape: &[rows, one], data: &a },
        NamedTensor { name: "b", shape: &[rows, other], data: &b },
    ];
    write_safetensors(&destination(&path), &tensors).unwrap();
    let mut matrix = Matrix::open(&source(format!("{}#*", path.display()))).unwrap();
    assert_eq!(matrix.cols(), one + other);
    let mut seen = 0;
    matrix
        .for_each_piece(|row, column, piece| {
            let mut values = vec![0.0; piece.len()];
            piece.copy_to_f32(&mut values);
            assert!(values.iter().zip(column..).all(|(value, j)| *value == (row * 200_000 + j) as f32));
            seen += piece.len();
            Ok::<(), FileError>(())
        })
        .unwrap();
    assert_eq!(seen, rows * (one + other));
}

#[test]
fn a_target_of_one_dimension_is_a_single_row() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("v.npy");
    let mut writer = ArrayWriter::create(&destination(&path), &[3], Dtype::F32).unwrap();
    writer.write(&[1.0, 2.0, 3.0]).unwrap();
    writer.finish().unwrap();
    assert!(Matrix::open(&source(&path)).is_err());
    let mut matrix = Matrix::open_targets(&source(&path)).unwrap();
    assert_eq!((matrix.rows(), matrix.read_all_f32(3).unwrap()), (1, vec![1.0, 2.0, 3.0]));
}

#[test]
fn arrays_of_an_npz_are_read_stored_or_deflated() {
    assert_eq!(all(&golden_source("archive.npz")).unwrap(), gradient());
    assert_eq!(all(&golden_source("archive.npz#gradient")).unwrap(), gradient());
    assert_eq!(all(&golden_source("deflated.npz#gradient")).unwrap(), gradient());
    let groups = read_groups(&golden_source("deflated.npz#labels"), "g.npy", 3).unwrap();
    assert_eq!(groups.of(), [1, 0, 1]);
    let names = info(&golden_source("deflated.npz")).unwrap().tensors.into_iter().map(|t| t.name.unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["gradient", "labels"]);
}

#[test]
fn an_npz_that_is_broken_or_has_no_such_array_is_refused() {
    let open = |name: &str| says(Matrix::open(&golden_source(name)), &golden(""));
    assert!(
        open("deflated.npz").contains("expected the name of a tensor, as in"),
        "{}",
        open("deflated.npz")
    );
    assert!(open("deflated.npz#x").contains("there is no tensor \"x\""), "{}", open("deflated.npz#x"));
    assert!(open("deflated.npz#labels").contains("expected floats"), "{}", open("deflated.npz#labels"));
    let place = tempfile::tempdir().unwrap();
    let bytes = fs::read(golden("deflated.npz")).unwrap();
    // Cut anywhere, and with any byte of it changed: an error or the same, and no panic.
    for at in 0..bytes.len() {
        let path = place.path().join("cut.npz");
        fs::write(&path, &bytes[..at]).unwrap();
        assert!(Matrix::open(&source(format!("{}#gradient", path.display()))).is_err(), "{at}");
        let mut other = bytes.clone();
        other[at] ^= 0x55;
        fs::write(&path, other).unwrap();
        let _ = all(&source(format!("{}#gradient", path.display())));
    }
}
