//! `gradsieve outliers` where the command line says little: what suits is chosen, and
//! said.

use gradsieve_io::files::Dtype;

use super::place::{Place, noise};

/// What is said on standard error.
#[track_caller]
fn said(place: &Place, arguments: &[&str]) -> String {
    let output = place.run(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    said
}

#[test]
fn gradients_alone_are_scored_as_by_the_detector_that_is_said() {
    let place = Place::new();
    place.write("G.npy", &[80, 600], Dtype::F32, &noise(80 * 600));
    let remark = said(&place, &["outliers", "G.npy", "-o", "chosen.npy"]);
    assert!(
        remark.contains("chosen: --detector self-influence, as nothing but gradients is given; with --groups LABELS direction finds more, on sketches of 512 numbers (--dim 512) of 600 columns"),
        "{remark}"
    );
    place.succeed(&["outliers", "G.npy", "--detector", "self-influence", "--dim", "512", "-o", "named.npy"]);
    assert_eq!(place.array::<f64>("chosen.npy"), place.array::<f64>("named.npy"));
}

#[test]
fn what_is_known_of_samples_decides_the_detector() {
    let place = Place::new();
    place.write("G.npy", &[80, 20], Dtype::F32, &noise(80 * 20));
    let labels: Vec<f32> = (0..80).map(|row| (row % 3) as f32).collect();
    place.write("labels.npy", &[80], Dtype::F32, &labels);
    place.write("loss.npy", &[80], Dtype::F32, &noise(80).iter().map(|x| x.abs()).collect::<Vec<_>>());
    for (given, detector) in [
        (&["--groups", "labels.npy", "--loss", "loss.npy"][..], "direction"),
        (&["--groups", "labels.npy"], "direction"),
        (&["--loss", "loss.npy"], "loss"),
    ] {
        let arguments = [&["outliers", "G.npy", "--json"], given].concat();
        let report = place.json(&arguments);
        assert_eq!(report["detector"], detector);
        let named = place.json(&[&arguments[..], &["--detector", detector]].concat());
        assert_eq!(report, named);
    }
}

#[test]
fn thresholds_are_told_where_none_is_given() {
    let place = Place::new();
    place.write("G.npy", &[80, 20], Dtype::F32, &noise(80 * 20));
    let remark = said(&place, &["outliers", "G.npy"]);
    assert!(remark.contains("chosen: --contamination 0.05, by self-influence 4 above "), "{remark}");
    assert!(remark.contains("--false-alarms 0.01 would flag "), "{remark}");
    for given in [&["--top", "3"][..], &["--contamination", "0.05"], &["--false-alarms", "0.01"]] {
        let remark = said(&place, &[&["outliers", "G.npy"], given].concat());
        assert!(!remark.contains("chosen: --contamination"), "{remark}");
    }
    assert_eq!(said(&place, &["outliers", "G.npy", "--detector", "l2"]), "", "who names it knows it");
}
