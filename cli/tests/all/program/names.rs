//! Names and texts of others: shown as what they are, whatever they hold; and readers
//! that go away.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};

use gradsieve_io::files::{ArrayWriter, Destination, Dtype};

use super::place::{Place, noise};

/// Moves the cursor, ends the line, and turns the direction of writing.
const NASTY: &str = "a\x1b[2J\r\nb\u{9b}31m\u{202e}";

/// Insists that a terminal would obey nothing but the ends of lines.
#[track_caller]
fn assert_tame(text: &[u8]) {
    let text = std::str::from_utf8(text).expect("UTF-8");
    let bad = text.chars().find(|&c| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)));
    assert_eq!(bad, None, "{text:?}");
    assert!(text.lines().all(|line| !line.starts_with('b')), "a name ended a line: {text:?}");
}

#[cfg(unix)]
#[test]
fn control_characters_of_names_and_metadata_are_never_printed() {
    let place = Place::new();
    let (npy, tensors) = (format!("{NASTY}.npy"), format!("{NASTY}.safetensors"));
    place.write(&npy, &[12, 32], Dtype::F32, &noise(12 * 32));
    place.write("wide.npy", &[2, 7], Dtype::F32, &noise(14));
    fs::write(place.path(&format!("{NASTY}.txt")), "x").unwrap();
    let about = BTreeMap::from([(NASTY.to_owned(), NASTY.to_owned())]);
    let to = Destination::Path(place.path(&tensors));
    let mut writer = ArrayWriter::create_tensor(&to, NASTY, &[2, 2], Dtype::F32, &about).unwrap();
    writer.write(&[f32::NAN; 4]).unwrap();
    writer.finish().unwrap();
    let (store, missing, out) = (format!("{NASTY}.store"), format!("{NASTY}-"), format!("{NASTY}.out.npy"));
    let unknown = format!("{tensors}#{NASTY}?");
    let groups = format!("{NASTY}.txt");
    for arguments in [
        &["info", &npy][..],
        &["info", &npy, "--json"],
        &["info", &tensors],
        &["info", &tensors, "--json"],
        &["info", &unknown],
        &["info", &missing],
        &["sketch", &npy, "-o", &store, "--dim", "32"],
        &["info", &store],
        &["info", &store, "--json"],
        &["sketch", &npy, "-o", &out, "--dim", "32"],
        &["export", &store, "-o", &out],
        &["outliers", &npy, "--detector", "l1"],
        &["outliers", &tensors, "--detector", "l2"],
        &["outliers", &npy, "--detector", "direction", "--groups", &groups],
        &["outliers", &npy, "--detector", NASTY],
        &["influence", "--method", "dot", "--train", &npy, "--target", &npy, "-o", &out],
        &["influence", "--method", "dot", "--train", &npy, "--target", "wide.npy", "-o", &out],
        &["influence", "--method", "dvemb", "--trajectory", &missing, "--target", &npy, "--top", "1"],
        &["demo", "--data", &missing],
        &[NASTY],
    ] {
        let output = place.run(arguments);
        assert_tame(&output.stdout);
        assert_tame(&output.stderr);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    place.write("g.npy", &[400, 32], Dtype::F32, &noise(400 * 32));
    for arguments in [
        &["info", "g.npy"][..],
        &["info", "g.npy", "--json"],
        &["outliers", "g.npy", "--detector", "l1"],
        &["outliers", "g.npy", "--detector", "l1", "-o", "-"],
        &["sketch", "g.npy", "-o", "-", "--dim", "32"],
        &["sketch", "g.npy", "-o", "s.npy", "--dim", "32"],
        &["influence", "--method", "dot", "--train", "g.npy", "--target", "g.npy", "-o", "-"],
        &["influence", "--method", "dot", "--train", "g.npy", "--target", "g.npy", "--top", "3"],
        &["plan", "--params", "1000", "--budget", "1MiB"],
        &["--help"],
        &["--version"],
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gradsieve"))
            .args(arguments)
            .current_dir(place.0.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{arguments:?}: {:?}", output.status);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}

#[cfg(unix)]
#[test]
fn files_may_have_names_that_are_no_unicode() {
    use std::ffi::{OsStr, OsString};
    use std::os::unix::ffi::OsStrExt as _;
    let place = Place::new();
    place.write("g.npy", &[4, 32], Dtype::F32, &noise(128));
    let named = |ending: &str| -> OsString {
        let mut name = OsStr::from_bytes(b"g\xff").to_owned();
        name.push(ending);
        name
    };
    if fs::copy(place.path("g.npy"), place.0.path().join(named(".npy"))).is_err() {
        return; // A file system of Unicode names.
    }
    let text = |text: &str| OsString::from(text);
    for arguments in [
        vec![text("info"), named(".npy")],
        vec![text("sketch"), named(".npy"), text("-o"), named(".store"), text("--dim"), text("32")],
        vec![text("export"), named(".store"), text("-o"), named("-out.npy")],
        vec![
            text("outliers"),
            named("-out.npy"),
            text("--detector"),
            text("l1"),
            text("-o"),
            named("-l1.npy"),
        ],
    ] {
        let run = Command::new(env!("CARGO_BIN_EXE_gradsieve"))
            .args(&arguments)
            .current_dir(place.0.path())
            .output();
        let output = run.expect("the program runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(place.0.path().join(named("-l1.npy")).exists());
}

#[test]
fn where_an_output_goes_is_said_if_its_name_does_not() {
    let place = Place::new();
    place.write("g.npy", &[4, 32], Dtype::F32, &noise(128));
    let said = |to: &str| {
        let output = place.run(&["outliers", "g.npy", "--detector", "l1", "-o", to]);
        assert!(output.status.success());
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    assert_eq!(said("out"), "gradsieve: out: written as .npy, which its name does not say\n");
    assert_eq!(said("out.npy"), "");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("real.npy", place.path("link.npy")).unwrap();
        assert_eq!(said("link.npy"), "gradsieve: link.npy: is a link; real.npy is written\n");
        assert!(place.path("real.npy").exists());
    }
}

#[test]
fn shards_tensors_side_by_side_and_targets_of_one_dimension_are_what_they_are_together() {
    let place = Place::new();
    let values = noise(4 * 32);
    place.write("g.npy", &[4, 32], Dtype::F32, &values);
    fs::create_dir(place.path("run")).unwrap();
    place.write("run/1.npy", &[1, 32], Dtype::F32, &values[..32]);
    place.write("run/2.npy", &[3, 32], Dtype::F32, &values[32..]);
    place.write("row.npy", &[1, 32], Dtype::F32, &values[..32]);
    place.write("flat.npy", &[32], Dtype::F32, &values[..32]);
    let influence = |train: &str, target: &str| {
        place.succeed(&["influence", "--method", "dot", "--train", train, "--target", target, "-o", "i.npy"]);
        place.array::<f32>("i.npy")
    };
    let expected = influence("g.npy", "row.npy");
    assert_eq!(influence("run/", "flat.npy"), expected);
    assert_eq!(influence("run/*.npy", "flat.npy"), expected);
    let sketch = |from: &str, to: &str| place.succeed(&["sketch", from, "-o", to, "--dim", "32"]);
    for (from, to) in [("g.npy", "whole.npy"), ("run/1.npy", "s-1.npy"), ("run/2.npy", "s-2.npy")] {
        sketch(from, to);
    }
    // Sketches in shards are sketches, with their norms.
    let l1 = |file: &str| {
        place.succeed(&["outliers", file, "--detector", "l1", "-o", "l1.npy"]);
        place.array::<f64>("l1.npy")
    };
    assert_eq!(l1("s-*.npy"), l1("g.npy"));
    assert_eq!(influence("s-*.npy", "s-1.npy"), influence("whole.npy", "s-1.npy"));
}
