//! `gradsieve sketch`: the core's bits, in every form of file.

use std::fs;
use std::process::{Command, Stdio};

use gradsieve::{
    AnyProjector, Key, Kind, Layer, Layout, Part, Projector, ProjectorSettings, Repeat, Sjlt, Sketcher,
};
use gradsieve_io::files::{Dtype, Matrix, Source};
use half::f16;
use half::slice::HalfFloatSliceExt as _;

use super::place::{Place, noise, sketch};

#[test]
fn sketches_of_files_of_every_type_have_the_core_s_bits() {
    let place = Place::new();
    // Longer than a buffer, and no multiple of anything.
    let (rows, width) = (3, 140_003);
    let values = noise(rows * width);
    let mut halves = vec![f16::ZERO; values.len()];
    halves.convert_from_f32_slice(&values);
    for (repeat, name) in [(Repeat::One, "1"), (Repeat::Two, "2"), (Repeat::Four, "4")] {
        let projector = Sjlt::new(256, Key::seed(7), repeat).unwrap();
        for dtype in [Dtype::F16, Dtype::F32, Dtype::F64] {
            place.write("G.npy", &[rows, width], dtype, &values);
            let settings = ["--dim", "256", "--seed", "7", "--repeat", name];
            place.succeed(&[&["sketch", "G.npy", "-o", "S.npy"], &settings[..]].concat());
            let expected: Vec<f32> = match dtype {
                Dtype::F16 => halves.chunks(width).flat_map(|row| sketch(projector, row).0).collect(),
                _ => values.chunks(width).flat_map(|row| sketch(projector, row).0).collect(),
            };
            let found: Vec<f32> = place.array("S.npy");
            assert_eq!(bits(&found), bits(&expected), "{dtype} repeat {name}");
            assert_eq!(place.shape("S.npy"), [3, 256]);
        }
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn every_projection_gives_the_core_s_bits_and_says_so_in_the_file() {
    let place = Place::new();
    let (rows, width) = (2, 9000);
    let values = noise(rows * width);
    place.write("G.npy", &[rows, width], Dtype::F32, &values);
    let columns = Layer::new(0, 1, width as u64);
    // The SJLT and those that work layer by layer have tests of their own.
    let others = [Kind::Exact, Kind::Sjlt, Kind::Logra, Kind::FactGrass, Kind::Plan, Kind::Kronecker];
    let whole = |kind: &Kind| !others.contains(kind);
    for kind in Kind::ALL.iter().copied().filter(whole) {
        let name = kind.name();
        // 9,000 columns, of which 2,000 are wanted: one block in four.
        let (more, every, repeat): (&[&str], _, _) = match kind {
            Kind::Mask => (&["--mask-len", "2000", "--repeat", "2"], 4, Repeat::Two),
            _ => (&[], 8, Repeat::One),
        };
        let default = ProjectorSettings::DEFAULT;
        let settings = ProjectorSettings { kind, width: 128, key: Key::seed(7), every, repeat, ..default };
        let projector = AnyProjector::new(&settings, &[columns], &mut []).unwrap();
        let expected: Vec<f32> = values.chunks(width).flat_map(|row| sketch(projector, row).0).collect();
        let stated = projector.id(Layout::flat(width as u64).unwrap().id()).settings;
        let arguments =
            ["sketch", "G.npy", "-o", "S.safetensors", "--dim", "128", "--seed", "7", "--projection", name];
        let said = place.succeed(&[&arguments[..], more].concat());
        assert!(said.contains(&format!(" columns, projection {name}, seed 7")), "{said}");
        let source: Source = place.path("S.safetensors#sketch").to_str().unwrap().parse().unwrap();
        let found = Matrix::open(&source).unwrap().read_all_f32(rows * 128).unwrap();
        assert_eq!(bits(&found), bits(&expected), "{name}");
        let about = place.json(&["info", "S.safetensors", "--json"]);
        assert_eq!(about["metadata"]["gradsieve.projection"], name);
        let found = about["metadata"].get("gradsieve.settings").and_then(|value| value.as_str());
        assert_eq!(found, (stated > 0).then(|| stated.to_string()).as_deref(), "{name}");
    }
    // Another mask is another projection.
    let mask = ["sketch", "G.npy", "-o", "M.safetensors", "--dim", "128", "--seed", "7", "--repeat", "2"];
    place.succeed(&[&mask[..], &["--projection", "mask", "--mask-len", "3000"]].concat());
    let refusal = place.fail(&[
        "influence",
        "--method",
        "dot",
        "-o",
        "I.npy",
        "--train",
        "S.safetensors",
        "--target",
        "M.safetensors",
    ]);
    assert_eq!(
        refusal,
        "M.safetensors#sketch: expected sketches of settings 4, as those in S.safetensors#sketch are, found settings 3"
    );
}

#[test]
fn sketches_in_half_precision_are_the_rounded_ones_and_an_overflow_is_named() {
    let place = Place::new();
    let mut values = noise(2 * 500);
    values[500..].iter_mut().for_each(|value| *value *= 1e6);
    place.write("G.npy", &[2, 500], Dtype::F32, &values);
    place.succeed(&["sketch", "G.npy", "-o", "S.npy", "--dim", "64"]);
    let output = place.run(&["sketch", "G.npy", "-o", "H.npy", "--dim", "64", "--dtype", "f16"]);
    assert!(output.status.success());
    let remarks = String::from_utf8(output.stderr).unwrap();
    assert!(remarks.starts_with("gradsieve: H.npy: 1 row has values too large for f16"), "{remarks}");
    let rounded: Vec<f16> = place.array::<f32>("S.npy").into_iter().map(f16::from_f32).collect();
    assert_eq!(place.array::<f16>("H.npy"), rounded);
}

#[test]
fn a_safetensors_file_of_sketches_carries_its_settings_and_others_are_refused_beside_it() {
    let place = Place::new();
    place.write("G.npy", &[2, 500], Dtype::F32, &noise(1000));
    let sketch = |output: &str, seed: &str| {
        place.succeed(&["sketch", "G.npy", "-o", output, "--dim", "64", "--seed", seed]);
    };
    sketch("S.npy", "7");
    sketch("S.safetensors", "7");
    sketch("again.safetensors", "7");
    sketch("other.safetensors", "8");
    let file = |name: &str| fs::read(place.path(name)).unwrap();
    assert_eq!(file("S.safetensors"), file("again.safetensors"));
    let of = |name: &str| {
        let source: Source = place.path(name).to_str().unwrap().parse().unwrap();
        Matrix::open(&source).unwrap().read_all_f32(128).unwrap()
    };
    assert_eq!(of("S.safetensors#sketch"), of("S.npy"));
    let about = place.json(&["info", "S.safetensors", "--json"]);
    let expected = serde_json::json!({
        "gradsieve.projection": "sjlt", "gradsieve.dim": "64", "gradsieve.seed": "7", "gradsieve.repeat": "1",
        "gradsieve.columns": "500",
    });
    assert_eq!(about["metadata"], expected);
    assert!(place.succeed(&["info", "S.safetensors"]).contains("gradsieve.seed = 7"));

    let influence = ["influence", "--method", "dot", "--train", "S.safetensors", "-o", "I.npy", "--target"];
    let refusal = place.fail(&[&influence[..], &["other.safetensors"]].concat());
    assert_eq!(
        refusal,
        "other.safetensors#sketch: expected sketches of seed 7, as those in S.safetensors#sketch are, found seed 8"
    );
    place.succeed(&[&influence[..], &["again.safetensors"]].concat());
    place.succeed(&[&influence[..], &["S.npy"]].concat());
}

#[test]
fn a_matrix_comes_on_standard_input_and_its_sketches_go_to_standard_output() {
    let place = Place::new();
    place.write("G.npy", &[2, 500], Dtype::F32, &noise(1000));
    place.succeed(&["sketch", "G.npy", "-o", "S.npy", "--dim", "64"]);
    let output = Command::new(env!("CARGO_BIN_EXE_gradsieve"))
        .args(["sketch", "-", "-o", "-", "--dim", "64"])
        .stdin(fs::File::open(place.path("G.npy")).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout, fs::read(place.path("S.npy")).unwrap());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    place.write("G.npy", &[2000, 32], Dtype::F32, &noise(64_000));
    for arguments in [
        &["sketch", "G.npy", "-o", "-", "--dim", "512"][..],
        &["outliers", "G.npy", "--detector", "l1", "--contamination", "1"],
        &["info", "G.npy"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_gradsieve"));
        let command = command.args(arguments).current_dir(place.0.path());
        let output =
            command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}

#[test]
fn every_projection_of_the_core_s_list_serves_every_command() {
    let place = Place::new();
    let (rows, width) = (6, 32 * 24 + 32);
    place.write("G.npy", &[rows, width], Dtype::F32, &noise(rows * width));
    for kind in Kind::ALL.iter().filter(|&&kind| kind != Kind::Exact) {
        let mut with = vec!["--dim", "512", "--projection", kind.name()];
        match kind {
            Kind::Mask => with.extend(["--mask-len", "400"]),
            Kind::Logra | Kind::FactGrass | Kind::Plan => with.extend(["--shapes", "32x24,32"]),
            _ => {}
        }
        let run = |arguments: &[&str]| place.succeed(&[arguments, &with].concat());
        run(&["sketch", "G.npy", "-o", "S.npy"]);
        run(&["outliers", "G.npy", "--detector", "direction", "-o", "D.npy"]);
        run(&["influence", "--train", "G.npy", "--target", "G.npy", "--method", "dot", "-o", "I.npy"]);
        assert_eq!(place.array::<f32>("I.npy").len(), rows * rows, "{}", kind.name());
    }
}

#[test]
fn a_projection_by_layers_has_the_core_s_bits() {
    let place = Place::new();
    let (rows, width) = (2, 32 * 24 + 32);
    let values = noise(rows * width);
    place.write("G.npy", &[rows, width], Dtype::F32, &values);
    let layers = [Layer::new(0, 32, 24), Layer::new(32 * 24, 32, 1)];
    for kind in [Kind::Logra, Kind::FactGrass, Kind::Plan] {
        let settings =
            ProjectorSettings { kind, width: 512, key: Key::seed(7), ..ProjectorSettings::DEFAULT };
        let mut parts = [Part::UNUSED; 2];
        let projector = AnyProjector::new(&settings, &layers, &mut parts).unwrap();
        let mut sketcher =
            Sketcher::new(projector, Layout::new(&layers).unwrap(), vec![0.0; projector.width()]).unwrap();
        let mut expected = Vec::new();
        for row in values.chunks(width) {
            sketcher.segment(0, row).unwrap();
            expected.extend_from_slice(sketcher.finish().unwrap().values);
        }
        let shapes = ["--shapes", "32x24,32", "--dim", "512", "--seed", "7", "--projection", kind.name()];
        place.succeed(&[&["sketch", "G.npy", "-o", "S.npy"][..], &shapes].concat());
        assert_eq!(bits(&place.array::<f32>("S.npy")), bits(&expected), "{}", kind.name());
    }
}
