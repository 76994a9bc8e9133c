//! What is told of a file.

use gradsieve_io::files::{FileKind, Shape, info};

use super::place::golden_source;

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
