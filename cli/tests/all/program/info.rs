//! `gradsieve info`.

use serde_json::json;

use super::place::{Place, array_file};
use gradsieve_io::files::Dtype;

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

#[test]
fn a_state_is_told_by_what_it_is_of_and_one_that_is_damaged_is_refused() {
    let place = Place::new();
    let values: Vec<f32> = (0..20_000).map(|i| 1.0 + (i * 37 % 101) as f32).collect();
    place.write("g.npy", &[200, 100], Dtype::F32, &values);
    place.succeed(&["sieve", "g.npy", "--dim", "32", "--seed", "5", "--save-state", "s.state"]);
    let text = place.succeed(&["info", "s.state"]);
    for part in ["the state of a sieve", "projection = sjlt", "seed = 5", "--warm-up = 64", "200 samples"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let report = place.json(&["info", "s.state", "--json"]);
    let bytes = std::fs::metadata(place.path("s.state")).unwrap().len();
    assert_eq!((&report["kind"], &report["bytes"]), (&json!("state"), &json!(bytes)));
    assert_eq!((&report["rows"], &report["sketch"]["dim"]), (&json!(200), &json!("32")));
    assert_eq!(report["settings"]["--false-alarms"], json!("0.01"));

    let mut bytes = std::fs::read(place.path("s.state")).unwrap();
    bytes[100] ^= 1;
    std::fs::write(place.path("s.state"), bytes).unwrap();
    assert!(place.fail(&["info", "s.state"]).contains("s.state"));
}
