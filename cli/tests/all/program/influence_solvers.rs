//! `gradsieve influence`, methods that solve: scores are right, or the program ends in an
//! error that says what would make them so.

use std::fs;

use gradsieve_io::files::Dtype;

use super::place::{Place, array, assert_close, noise, numpy};

fn remarks(place: &Place, arguments: &[&str]) -> String {
    let output = place.run(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    said
}

/// The golden gradients, by a method; nothing about the output.
fn golden<'a>(train: &'a str, target: &'a str, method: &'a str) -> Vec<&'a str> {
    vec!["influence", "--train", train, "--target", target, "--method", method]
}

#[test]
fn iterations_that_have_not_converged_write_nothing_unless_they_are_asked_to() {
    let place = Place::new();
    let (train, target) = (numpy("train-f4"), numpy("target-f4"));
    for (method, passes) in [("lissa", "3"), ("lissa", "20"), ("cg", "3")] {
        let line = [&golden(&train, &target, method)[..], &["--passes", passes, "-o", "I.npy"]].concat();
        let message = place.fail(&line);
        let begins = format!(
            "train-f4.npy: {method} has not converged after {passes} passes: a target's residual is "
        );
        assert!(message.contains(&begins), "{message}");
        assert!(message.contains(" --passes would be enough, a larger --damping takes fewer"), "{message}");
        assert!(message.ends_with("; --accept-inexact writes the scores all the same"), "{message}");
        assert_eq!(place.files(), [""; 0]);
        // As many as it says are enough.
        let enough = message.split(" --passes would").next().unwrap().rsplit(' ').next().unwrap();
        let line =
            [&golden(&train, &target, method)[..], &["--passes", enough, "-o", "I.npy", "--json"]].concat();
        let report = place.json(&line);
        assert_eq!(report["solver"]["converged"], true, "{report}");
        assert_eq!(report.get("inexact"), None);
        fs::remove_file(place.path("I.npy")).unwrap();

        let accepted =
            [&golden(&train, &target, method)[..], &["--passes", passes, "--accept-inexact", "-o", "I.npy"]]
                .concat();
        let said = remarks(&place, &accepted);
        assert!(said.contains(&begins) && said.lines().count() == 1, "{said}");
        let report = place.json(&[&accepted[..], &["--json"]].concat());
        assert_eq!(report["inexact"], true);
        assert_eq!(report["solver"]["converged"], false);
        assert!(report["solver"]["residual"].as_f64().unwrap() > 1e-4, "{report}");
        fs::remove_file(place.path("I.npy")).unwrap();
    }
}

#[test]
fn rounding_that_keeps_a_residual_up_is_an_error_that_does_not_ask_for_passes() {
    let place = Place::new();
    let (train, target) = (numpy("train-f4"), numpy("target-f4"));
    let line = [
        &golden(&train, &target, "cg")[..],
        &["--damping", "1e-12", "--tolerance", "1e-9", "--passes", "3000", "--top", "1"],
    ]
    .concat();
    let message = place.fail(&line);
    assert!(
        message.contains("and rounding keeps it there; a larger --damping brings it nearer"),
        "{message}"
    );
}

#[test]
fn a_slight_damping_has_numpy_s_influence_to_f32_rounding_from_arrays_and_stores() {
    let place = Place::new();
    let (train, target) = (numpy("train-f4"), numpy("target-f4"));
    let expected: Vec<f64> = array(numpy("ridge-slight"));
    let largest = expected.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    for (method, more) in [("ridge", &[][..]), ("cg", &["--tolerance", "1e-8"])] {
        let line =
            [&golden(&train, &target, method)[..], more, &["--damping", "1e-6", "-o", "I.npy"]].concat();
        assert_eq!(remarks(&place, &line), "");
        let found: Vec<f64> = place.array::<f32>("I.npy").into_iter().map(f64::from).collect();
        assert_close(&found, &expected, |_| 1e-6 * largest);
    }
    // A store's rows are decoded for it.
    place.write("G.npy", &[20, 64], Dtype::F32, &noise(20 * 64));
    place.write("V.npy", &[3, 64], Dtype::F32, &noise(23 * 64)[20 * 64..]);
    place.succeed(&["sketch", "V.npy", "--dim", "64", "-o", "V.safetensors"]);
    for codec in ["f32", "f16", "int8"] {
        let store = format!("{codec}.store");
        place.succeed(&["sketch", "G.npy", "--dim", "64", "--dtype", codec, "-o", &store]);
        place.succeed(&["export", &store, "-o", "decoded.safetensors"]);
        let run = |train: &str, output: &str| {
            let line = ["--damping", "1e-6", "--dtype", "f64", "-o", output];
            let line = [&golden(train, "V.safetensors", "ridge")[..], &line].concat();
            place.succeed(&line);
            place.array::<f64>(output)
        };
        assert_eq!(run(&store, "stored.npy"), run("decoded.safetensors", "decoded.npy"), "{codec}");
    }
}

#[test]
fn an_ill_conditioned_matrix_is_an_error_that_names_its_condition() {
    let place = Place::new();
    let (train, target) = (numpy("train-f4"), numpy("target-f4"));
    let line = [&golden(&train, &target, "ridge")[..], &["--damping", "1e-9", "-o", "I.npy"]].concat();
    let message = place.fail(&line);
    assert!(
        message.contains("train-f4.npy: ridge: expected a condition number of the damped second moment below 1e10, found about "),
        "{message}"
    );
    assert!(message.contains("a larger --damping is safer; --accept-inexact writes"), "{message}");
    assert_eq!(place.files(), [""; 0]);
    let accepted = [&line[..], &["--accept-inexact"]].concat();
    assert!(remarks(&place, &accepted).contains("a larger --damping is safer"));
    let report = place.json(&[&accepted[..], &["--json"]].concat());
    assert_eq!(report["inexact"], true);
    assert!(report["solver"]["condition"].as_f64().unwrap() > 1e10, "{report}");
    // Where solutions would be nothing but rounding, nobody is asked.
    let beyond =
        [&golden(&train, &target, "ridge")[..], &["--damping", "1e-14", "--accept-inexact", "--top", "1"]]
            .concat();
    assert!(place.fail(&beyond).contains("the matrix is ill-conditioned"), "{}", place.fail(&beyond));
    let report = place.json(&[&golden(&train, &target, "ridge")[..], &["--top", "1", "--json"]].concat());
    assert!(
        report.get("inexact").is_none() && report["solver"]["condition"].as_f64().unwrap() < 1e4,
        "{report}"
    );
}

#[test]
fn undamped_trak_of_gradients_that_span_less_is_numpy_s_pseudo_inverse() {
    let place = Place::new();
    let files = ["train-f4", "target-f4", "one_minus_p"].map(numpy);
    let [train, target, one_minus_p] = files.each_ref().map(String::as_str);
    let line = [
        &golden(train, target, "trak")[..],
        &["--one-minus-p", one_minus_p, "--damping", "0", "-o", "I.npy"],
    ]
    .concat();
    let said = remarks(&place, &line);
    assert!(
        said.contains("the gradients span fewer than 67 dimensions, so --damping 0 takes the pseudo-inverse"),
        "{said}"
    );
    let expected: Vec<f64> = array(numpy("trak-undamped"));
    let largest = expected.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    let found: Vec<f64> = place.array::<f32>("I.npy").into_iter().map(f64::from).collect();
    assert_close(&found, &expected, |_| 1e-6 * largest);
    let report = place.json(&[&line[..], &["--json"]].concat());
    assert_eq!(report["solver"]["singular"], true);
}

#[test]
fn influences_that_f32_does_not_reach_are_refused_and_f64_holds_them() {
    let place = Place::new();
    place.write("T.npy", &[2, 2], Dtype::F32, &[1e30, 0.0, 0.0, 1e30]);
    place.write("V.npy", &[1, 2], Dtype::F32, &[1e20, 1.0]);
    let line = ["influence", "--train", "T.npy", "--target", "V.npy", "--method", "dot", "-o", "I.npy"];
    let message = place.fail(&line);
    assert!(
        message.contains("I.npy: expected numbers within the range of f32, found 1.0000000"),
        "{message}"
    );
    place.succeed(&[&line[..], &["--dtype", "f64"]].concat());
    assert!((place.array::<f64>("I.npy")[0] / 1e50 - 1.0).abs() < 1e-6);
}
