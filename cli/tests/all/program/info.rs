//! `gradsieve info`.

use super::place::{Place, array_file};

#[test]
fn info_tells_type_shape_and_meaning() {
    let place = Place::new();
    let text = place.succeed(&["info", &array_file("little-f2.npy")]);
    assert!(
        text.contains("f16 (3, 5), 30 bytes; as gradients: 3 samples (rows) × 5 parameters (columns)"),
        "{text}"
    );
    let report = place.json(&["info", &array_file("several.safetensors"), "--json"]);
    assert_eq!(report["kind"], "safetensors");
    assert_eq!(report["tensors"].as_array().unwrap().len(), 4);
}
