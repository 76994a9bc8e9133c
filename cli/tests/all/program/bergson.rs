//! A directory that bergson wrote, in place of an array.

use std::fs;

use gradsieve_io::files::Dtype;
use serde_json::json;

use super::place::{Place, noise};

const INFO: &str =
    r#"{"num_items": 60, "num_grads": 60, "grad_sizes": {"lm_head": 8, "h.0": 24}, "base_dtype": "float32"}"#;

/// The rows as bergson keeps them in `run`, and the same rows in `G.npy`.
fn place() -> Place {
    let place = Place::new();
    let values = noise(60 * 32);
    place.write("G.npy", &[60, 32], Dtype::F32, &values);
    fs::create_dir(place.path("run")).unwrap();
    fs::write(place.path("run/info.json"), INFO).unwrap();
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    fs::write(place.path("run/gradients.bin"), bytes).unwrap();
    place
}

#[test]
fn every_command_finds_in_the_directory_what_it_finds_in_the_same_array() {
    let place = place();
    for (arguments, output) in [
        (&["sketch", "GRADS", "--dim", "32"][..], "s.npy"),
        (&["outliers", "GRADS", "--detector", "l2"], "o.npy"),
        (&["influence", "--train", "GRADS", "--target", "GRADS", "--method", "ridge"], "i.npy"),
    ] {
        let of = |grads: &str| {
            let named = arguments.iter().map(|&word| if word == "GRADS" { grads } else { word });
            place.succeed(&named.chain(["-o", output]).collect::<Vec<_>>());
            fs::read(place.path(output)).unwrap()
        };
        assert_eq!(of("run"), of("G.npy"), "{arguments:?}");
        assert_eq!(of("run/"), of("G.npy"), "{arguments:?}");
    }
}

#[test]
fn info_tells_the_modules_in_the_order_of_the_columns() {
    let place = place();
    let text = place.succeed(&["info", "run"]);
    assert!(text.contains("gradients of 2 modules side by side (bergson)"), "{text}");
    let report = place.json(&["info", "run", "--json"]);
    assert_eq!(report["kind"], "bergson");
    let names = report["tensors"].as_array().unwrap().iter().map(|tensor| &tensor["name"]);
    assert_eq!(names.collect::<Vec<_>>(), [&json!("lm_head"), &json!("h.0")]);
}

#[test]
fn a_directory_that_is_cut_short_is_refused_with_what_was_expected() {
    let place = place();
    let bytes = fs::read(place.path("run/gradients.bin")).unwrap();
    fs::write(place.path("run/gradients.bin"), &bytes[..100]).unwrap();
    let error = place.fail(&["outliers", "run", "-o", "o.npy"]);
    assert_eq!(error, "run/gradients.bin: expected 7680 bytes of values, found 100; the file is cut short");
    fs::remove_file(place.path("run/info.json")).unwrap();
    assert!(place.fail(&["sketch", "run", "-o", "s.npy"]).starts_with("run/info.json: "));
    assert_eq!(place.files(), ["G.npy", "run"]);
}
