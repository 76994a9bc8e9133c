//! Samples of an array of any shape, read one by one.

use gradsieve_io::files::{FileError, ItemValues, Items};

use super::place::{golden_source, npy, safetensors, says, says_golden, source};

fn written(name: &str, bytes: Vec<u8>) -> (tempfile::TempDir, Result<Items, FileError>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let items = Items::open(&source(&path));
    (directory, items)
}

fn array(descr: &str, shape: &str, fortran: bool, values: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    npy(1, &format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}"), values)
}

#[test]
fn samples_are_read_in_any_order_with_the_shape_of_the_other_dimensions() {
    let values: Vec<u8> = (0..12).collect();
    let (_folder, items) = written("x.npy", array("|u1", "(3, 2, 2)", false, &values));
    let mut items = items.unwrap();
    assert_eq!((items.count(), items.shape()), (3, &[2, 2][..]));
    assert_eq!(items.read(2).unwrap(), ItemValues::Bytes(vec![8, 9, 10, 11]));
    assert_eq!(items.read(0).unwrap(), ItemValues::Bytes(vec![0, 1, 2, 3]));
}

#[test]
fn numbers_of_every_type_and_order_of_bytes_are_read_as_they_are() {
    let numbers = |descr: &str, values: &[u8]| {
        let (_folder, items) = written("x.npy", array(descr, "(1, 2)", false, values));
        let ItemValues::Numbers(numbers) = items.unwrap().read(0).unwrap() else { panic!("{descr}") };
        numbers
    };
    assert_eq!(numbers("|i1", &[0xFF, 0x7F]), [-1.0, 127.0]);
    assert_eq!(numbers("<i2", &[-2_i16, 300].map(i16::to_le_bytes).concat()), [-2.0, 300.0]);
    assert_eq!(numbers(">i2", &[-2_i16, 300].map(i16::to_be_bytes).concat()), [-2.0, 300.0]);
    assert_eq!(
        numbers("<i8", &[i64::MIN, 1].map(i64::to_le_bytes).concat()),
        [-9_223_372_036_854_775_808.0, 1.0]
    );
    assert_eq!(numbers(">u4", &[u32::MAX, 1].map(u32::to_be_bytes).concat()), [4_294_967_295.0, 1.0]);
    assert_eq!(numbers("|b1", &[1, 0]), [1.0, 0.0]);
    assert_eq!(numbers(">f4", &[1.5_f32, -0.25].map(f32::to_be_bytes).concat()), [1.5, -0.25]);
    assert_eq!(numbers("<f8", &[1e300, -0.25].map(f64::to_le_bytes).concat()), [1e300, -0.25]);
    assert_eq!(numbers("<f2", &[0x00, 0x3C, 0x00, 0xC0]), [1.0, -2.0]);
}

#[test]
fn a_sample_that_is_not_there_is_refused_by_number() {
    let (folder, items) = written("x.npy", array("|u1", "(3, 2)", false, &[0; 6]));
    let refused = says(items.unwrap().read(3), folder.path());
    assert_eq!(refused, "x.npy: expected a row below 3, found row 3");
}

#[test]
fn arrays_that_are_no_samples_are_refused_with_what_they_are() {
    for (bytes, text) in [
        (array("<U3", "(2, 2)", false, &[0; 48]), "an array of numbers, found <U3"),
        (
            array("|u1", "(4,)", false, &[0; 4]),
            "of two dimensions at least, the first of them the samples’, found (4,)",
        ),
        (
            array("|u1", "(2, 2)", true, &[0; 4]),
            "in C order (np.ascontiguousarray makes one), found Fortran's order",
        ),
    ] {
        let (folder, items) = written("x.npy", bytes);
        let refused = says(items, folder.path());
        assert!(refused.starts_with("x.npy: expected an array ") && refused.ends_with(text), "{refused}");
    }
    let refused = says_golden(Items::open(&golden_source("nowhere.npy")));
    assert_eq!(refused, "nowhere.npy: no such file");
}

#[test]
fn a_sample_too_large_to_hold_is_refused_before_memory_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.safetensors");
    let bytes = (1_u64 << 28) + 1;
    let json = format!(r#"{{"x":{{"dtype":"U8","shape":[1,{bytes}],"data_offsets":[0,{bytes}]}}}}"#);
    std::fs::write(&path, safetensors(&json, &[])).unwrap();
    // Sparse: bytes that nobody wrote.
    let length = 8 + json.len() as u64 + bytes;
    std::fs::File::options().write(true).open(&path).unwrap().set_len(length).unwrap();
    let refused = says(Items::open(&source(&path)), directory.path());
    assert_eq!(refused, format!("x.safetensors#x: expected samples of at most 256 MiB, found (1, {bytes})"));
}
