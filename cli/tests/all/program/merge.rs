//! `gradsieve merge`: one state of many, whatever the order.

use std::fs;

use gradsieve::outlier::{Detector, Mahalanobis, MahalanobisSettings, SelfInfluence, SelfInfluenceSettings};
use gradsieve::store::{Entry, TopK, TopKSettings};
use gradsieve::{Direction, DirectionSettings, Exact, Layout, Projector as _, Sketch, State};
use gradsieve_io::files::Dtype;
use serde_json::json;

use super::place::{Place, noise};

const ROWS: usize = 150;

/// Four states of parts of a stream with groups, a.state to d.state.
fn place(options: &[&str]) -> Place {
    let place = Place::new();
    for (part, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let values = noise((part + 1) * ROWS * 40);
        place.write("g.npy", &[ROWS, 40], Dtype::F32, &values[part * ROWS * 40..]);
        let labels: String = (0..ROWS).map(|row| format!("{}\n", (row + part) % 3 * 5)).collect();
        fs::write(place.path("y.txt"), labels).unwrap();
        let state = format!("{name}.state");
        place.succeed(&[&["sieve", "g.npy", "--groups", "y.txt", "--save-state", &state], options].concat());
    }
    place
}

fn merged(place: &Place, states: &[&str], to: &str) -> Vec<u8> {
    place.succeed(&[&["merge", "-o", to], states].concat());
    fs::read(place.path(to)).unwrap()
}

#[test]
fn states_merge_to_the_same_bytes_in_any_order_and_tree() {
    for options in [&[][..], &["--half-life", "1000"], &["--max-groups", "9", "--guards", "none"]] {
        let place = place(options);
        let expected = merged(&place, &["a.state", "b.state", "c.state", "d.state"], "m.state");
        assert_eq!(merged(&place, &["d.state", "b.state", "a.state", "c.state"], "n.state"), expected);
        merged(&place, &["c.state", "a.state"], "ca.state");
        merged(&place, &["d.state", "b.state"], "db.state");
        assert_eq!(merged(&place, &["db.state", "ca.state"], "n.state"), expected);
    }
}

#[test]
fn a_merged_state_counts_all_samples_and_goes_on() {
    let place = place(&[]);
    let report = place.json(&["merge", "a.state", "b.state", "-o", "m.state", "--json"]);
    assert_eq!((&report["states"], &report["rows"]), (&json!(2), &json!(2 * ROWS)));
    assert_eq!(report["state_bytes"], json!(fs::metadata(place.path("m.state")).unwrap().len()));
    let text = place.succeed(&["merge", "a.state", "b.state", "-o", "m.state"]);
    assert!(text.starts_with("m.state: the state of a sieve, of 2 files, 300 samples of which"), "{text}");
    place.succeed(&["sieve", "g.npy", "--groups", "y.txt", "--state", "m.state", "-o", "v.csv"]);
    // One alone stays what it is.
    assert_eq!(merged(&place, &["a.state"], "n.state"), fs::read(place.path("a.state")).unwrap());
}

#[test]
fn a_file_with_bytes_behind_its_state_is_refused() {
    let place = place(&[]);
    let state = fs::read(place.path("a.state")).unwrap();
    let len = state.len();
    fs::write(place.path("page"), [&state[..], &[0xFF; 100]].concat()).unwrap();
    let expected = format!("page: expected a state of {len} bytes and nothing else, found bytes behind it");
    assert_eq!(place.fail(&["merge", "page", "-o", "m.state"]), expected);
    assert_eq!(place.fail(&["info", "page"]), expected);
    assert_eq!(place.fail(&["sieve", "g.npy", "--state", "page", "-o", "v.csv"]), expected);
}

#[test]
fn what_cannot_be_merged_is_named_with_what_differs() {
    let place = place(&[]);
    let save = |state: &str, options: &[&str]| {
        place.succeed(&[&["sieve", "g.npy", "--save-state", state], options].concat());
    };
    let groups = ["--groups", "y.txt"];
    save("one.state", &[]);
    save("wide.state", &[&groups[..], &["--dim", "32"]].concat());
    save("rate.state", &[&groups[..], &["--false-alarms", "0.05"]].concat());
    save("old.state", &[&groups[..], &["--half-life", "100"]].concat());
    save("older.state", &[&groups[..], &["--half-life", "100"]].concat());
    save("older.state", &[&groups[..], &["--state", "older.state"]].concat());
    let others: String = (0..ROWS).map(|row| format!("{}\n", row % 3 + 100)).collect();
    fs::write(place.path("others.txt"), others).unwrap();
    save("others.state", &["--groups", "others.txt"]);
    fs::write(place.path("none.state"), "nothing at all").unwrap();
    for (states, expected) in [
        (["a.state", "one.state"], "one.state: expected up to 3 groups, as a.state has, found 1 groups"),
        (
            ["a.state", "wide.state"],
            "wide.state: expected sketches of 40 numbers, as a.state has, found sketches of 32 numbers",
        ),
        (
            ["a.state", "rate.state"],
            "rate.state: expected --false-alarms 0.01, as a.state has, found --false-alarms 0.05",
        ),
        (["a.state", "old.state"], "old.state: expected --half-life none, as a.state has, found 100"),
        (
            ["old.state", "older.state"],
            "older.state: expected a state that can be merged with old.state, found one that differs in the half-life, or in how many of them have passed",
        ),
        (
            ["a.state", "others.state"],
            "others.state: expected at most 3 groups in all states, found groups beyond them",
        ),
        (["a.state", "none.state"], "none.state: the bytes do not begin as those of a state"),
        (["a.state", "missing.state"], "missing.state: no such file"),
    ] {
        assert_eq!(place.fail(&[&["merge", "-o", "m.state"], &states[..]].concat()), expected);
    }
    let refusal = place.fail(&["merge", "a.state", "b.state", "-o", "a.state"]);
    assert!(refusal.contains("expected an output other than the inputs"), "{refusal}");
    assert!(!place.files().contains(&"m.state".to_owned()));
}

/// Has a detector observe sketches of eight numbers, and saves it as a device would.
fn device(place: &Place, name: &str, detector: &mut (impl Detector + State), seed: usize) {
    let id = Exact::new(8).id(Layout::flat(8).unwrap().id());
    for values in noise(8 * (100 + 50 * seed)).chunks_exact(8).skip(50 * seed) {
        let sketch = Sketch::from_parts(id, values, gradsieve_kernels::summarize(values)).unwrap();
        detector.observe(&sketch).unwrap();
    }
    save(place, name, detector);
}

fn save(place: &Place, name: &str, state: &impl State) {
    let mut bytes = vec![0; state.len_at_rest()];
    state.to_bytes(&mut bytes).unwrap();
    fs::write(place.path(name), bytes).unwrap();
}

#[test]
fn detectors_of_devices_are_merged() {
    let place = Place::new();
    let settings = DirectionSettings::new(1, 8);
    let direction = |settings: DirectionSettings| Direction::new(settings, vec![0; settings.memory().i64s]);
    let mut whole = direction(settings).unwrap();
    for (seed, name) in ["d0.state", "d1.state", "d2.state"].into_iter().enumerate() {
        let mut part = direction(settings).unwrap();
        device(&place, name, &mut part, seed);
        Detector::merge(&mut whole, &part).unwrap();
    }
    save(&place, "whole.state", &whole);
    let states = ["d2.state", "d0.state", "d1.state"];
    assert_eq!(merged(&place, &states, "m.state"), fs::read(place.path("whole.state")).unwrap());
    let report = place.json(&["merge", "d0.state", "d1.state", "-o", "m.state", "--json"]);
    assert_eq!(
        (&report["rows"], &report["kind"]),
        (&json!(200), &json!("the state of the detector direction"))
    );
    assert!(report.get("flagged").is_none());

    let settings = MahalanobisSettings::new(8);
    let mut one = Mahalanobis::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    device(&place, "a.state", &mut one, 0);
    // One that was fitted has more bytes.
    one.fit().unwrap();
    save(&place, "fitted.state", &one);
    let settings = SelfInfluenceSettings { clip: None, half_life: Some(64), ..SelfInfluenceSettings::new(8) };
    for (seed, name) in ["s0.state", "s1.state"].into_iter().enumerate() {
        let mut part = SelfInfluence::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
        device(&place, name, &mut part, seed);
    }
    assert_eq!(place.json(&["merge", "s0.state", "s1.state", "-o", "m.state", "--json"])["rows"], json!(200));
    assert_eq!(
        place.json(&["merge", "a.state", "fitted.state", "-o", "m.state", "--json"])["rows"],
        json!(200)
    );

    let clipless = DirectionSettings { clip: None, ..DirectionSettings::new(1, 8) };
    device(&place, "clipless.state", &mut direction(clipless).unwrap(), 0);
    save(&place, "top.state", &TopK::new(TopKSettings { k: 2 }, [Entry::default(); 2]).unwrap());
    for (states, expected) in [
        (["d0.state", "clipless.state"], "clipless.state: expected clip 8, as d0.state has, found none"),
        (
            ["d0.state", "a.state"],
            "a.state: expected the state of the detector direction, as d0.state is, found the state of the detector mahalanobis",
        ),
        (
            ["top.state", "d0.state"],
            "top.state: expected the state of a sieve or of the detector direction, mahalanobis or self-influence, found the state of the k largest",
        ),
    ] {
        assert_eq!(place.fail(&[&["merge", "-o", "n.state"], &states[..]].concat()), expected);
    }
}
