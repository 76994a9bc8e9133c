//! Sketches in arrays: not taken for gradients, compared by how they were made, and with
//! the norms that their gradients had.

use std::fs;

use gradsieve_io::files::Dtype;

use super::place::{Place, noise};

/// Gradients of as many columns as their sketches have numbers, and targets.
fn place() -> Place {
    let place = Place::new();
    place.write("g.npy", &[40, 64], Dtype::F32, &noise(40 * 64));
    place.write("t.npy", &[3, 64], Dtype::F32, &noise(43 * 64)[40 * 64..]);
    for (from, to, more) in [
        ("g.npy", "a.npy", &[][..]),
        ("g.npy", "a.safetensors", &[]),
        ("g.npy", "a.store", &[]),
        ("t.npy", "s.npy", &[]),
        ("t.npy", "s.safetensors", &[]),
        ("t.npy", "s.store", &[]),
        ("t.npy", "other.npy", &["--seed", "7"]),
    ] {
        place.succeed(&[&["sketch", from, "-o", to, "--dim", "64"][..], more].concat());
    }
    fs::copy(place.path("s.npy"), place.path("bare.npy")).unwrap();
    place
}

const DOT: [&str; 3] = ["influence", "--method", "dot"];

fn between<'a>(train: &'a str, target: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&DOT[..], &["--train", train, "--target", target, "-o", "i.npy"], more].concat()
}

#[track_caller]
fn assert_near(found: &[f32], expected: &[f32]) {
    assert!(found.len() == expected.len());
    assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-3));
}

#[test]
fn sketches_in_any_file_are_the_same_sketches() {
    let place = place();
    place.succeed(&between("a.store", "s.store", &[]));
    let expected = place.array::<f32>("i.npy");
    for train in ["a.npy", "a.safetensors", "a.store"] {
        for target in ["s.npy", "s.safetensors", "s.store"] {
            let output = place.run(&between(train, target, &[]));
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{train} {target}");
            assert_near(&place.array::<f32>("i.npy"), &expected);
        }
    }
}

#[test]
fn sketches_are_projected_again_only_if_that_is_said() {
    let place = place();
    for file in ["a.npy", "a.safetensors"] {
        let say = format!("64 with {file}");
        for command in [
            &["sketch", file, "-o", "twice.npy", "--dim", "64"][..],
            &["outliers", file, "--detector", "mahalanobis", "--dim", "64"],
            &between(file, "s.npy", &["--dim", "64"]),
        ] {
            let refusal = place.fail(command);
            assert!(refusal.starts_with("--dim: expected gradients to project"), "{refusal}");
            assert!(
                refusal.contains(&say) && refusal.ends_with("holds sketches of 64 numbers already"),
                "{refusal}"
            );
            place.succeed(&[command, &["--holds", "gradients"]].concat());
        }
    }
}

#[test]
fn sketches_of_another_seed_are_refused_by_name_whatever_file_they_are_in() {
    let place = place();
    for train in ["a.npy", "a.safetensors", "a.store"] {
        let refusal = place.fail(&between(train, "other.npy", &[]));
        assert!(refusal.starts_with("other.npy: expected sketches of seed 0"), "{refusal}");
    }
}

#[test]
fn what_may_be_gradients_or_sketches_beside_a_store_is_not_guessed() {
    let place = place();
    let refusal = place.fail(&between("a.store", "bare.npy", &[]));
    assert!(
        refusal.starts_with("--holds: expected sketches or gradients: bare.npy has as many"),
        "{refusal}"
    );
    place.succeed(&between("a.store", "s.store", &[]));
    let sketched = place.array::<f32>("i.npy");
    let output = place.run(&between("a.store", "bare.npy", &["--holds", "sketches"]));
    assert!(
        output.status.success() && String::from_utf8_lossy(&output.stderr).contains("taken for sketches")
    );
    assert_near(&place.array::<f32>("i.npy"), &sketched);
    place.succeed(&between("a.store", "t.npy", &["--holds", "gradients"]));
    assert_near(&place.array::<f32>("i.npy"), &sketched);
    // Beside an array that says what it is, it is taken for the same, and that is said.
    let output = place.run(&between("a.npy", "bare.npy", &[]));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("bare.npy: does not say how its rows were made")
    );
}

#[test]
fn norms_of_sketches_are_those_of_their_gradients_or_none() {
    let place = place();
    let scores = |file: &str, detector: &str| {
        place.succeed(&["outliers", file, "--detector", detector, "-o", "n.npy"]);
        place.array::<f64>("n.npy")
    };
    place.succeed(&["export", "a.store", "-o", "exported.npy"]);
    for detector in ["l1", "l2", "direction"] {
        let expected =
            if detector == "direction" { scores("a.store", "direction") } else { scores("g.npy", detector) };
        for file in ["a.npy", "a.safetensors", "exported.npy"] {
            assert_eq!(scores(file, detector), expected, "{detector} {file}");
        }
    }
    fs::remove_file(place.path("a.safetensors.measures.safetensors")).unwrap();
    let refusal = place.fail(&["outliers", "a.safetensors", "--detector", "l1"]);
    assert!(refusal.contains("norms of a sketch, not of the gradients"), "{refusal}");
    place.succeed(&["outliers", "a.safetensors", "--detector", "l1", "--holds", "gradients"]);
}

#[test]
fn what_stands_beside_a_file_is_not_believed_of_another_file() {
    let place = place();
    // Something else writes there: the same length, other values.
    let mut bytes = fs::read(place.path("a.npy")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(place.path("a.npy"), &bytes).unwrap();
    let info = place.json(&["info", "a.npy", "--json"]);
    assert!(info.get("metadata").is_none(), "{info}");
    // We write there: nothing is left beside it.
    place.succeed(&["outliers", "g.npy", "--detector", "l1", "-o", "s.npy"]);
    assert!(!place.path("s.npy.measures.safetensors").exists());
}
