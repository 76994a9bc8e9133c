//! What goes wrong: one sentence that names the file, and no output or the older one.

use std::fs;
use std::process::Command;

use gradsieve_io::files::{Dtype, Matrix, Source};

use super::place::{Place, array_file, noise, numpy};

#[test]
fn every_bad_input_is_one_sentence_that_names_the_file_and_leaves_no_output() {
    let place = Place::new();
    place.write("good.npy", &[3, 5], Dtype::F32, &noise(15));
    place.write("short.npy", &[2], Dtype::F32, &[0.0, 1.0]);
    let whole = fs::read(place.path("good.npy")).unwrap();
    fs::write(place.path("cut.npy"), &whole[..whole.len() - 4]).unwrap();
    fs::write(place.path("text.npy"), "1,2,3\n").unwrap();
    let before = place.files();
    let (int, cube) = (array_file("int64.npy"), array_file("3d.npy"));
    let (several, other) = (array_file("several.safetensors"), numpy("target-f4"));
    let cases: [(&str, &str, String); 8] = [
        ("missing.npy", "missing.npy", "no such file".to_owned()),
        (".", ".", "expected a file, found a directory".to_owned()),
        (&int, &int, "expected floats (f16, bf16, f32 or f64), found dtype i64".to_owned()),
        (
            &cube,
            &cube,
            "expected a 2-dimensional array (samples × parameters), found shape (3, 4, 5)".to_owned(),
        ),
        (
            "short.npy",
            "short.npy",
            "expected a 2-dimensional array (samples × parameters), found shape (2,)".to_owned(),
        ),
        ("cut.npy", "cut.npy", "expected 60 bytes of values, found 56; the file is cut short".to_owned()),
        ("text.npy", "text.npy", "expected a .npy file".to_owned()),
        (&several, &several, "expected the name of a tensor".to_owned()),
    ];
    for (argument, file, problem) in &cases {
        for command in [
            &["sketch", argument, "-o", "out.npy", "--dim", "32"][..],
            &["outliers", argument, "-o", "out.npy", "--detector", "l2"],
            &["outliers", argument, "-o", "out.npy", "--detector", "forest", "--dim", "32"],
            &["influence", "--train", argument, "--target", "good.npy", "-o", "out.npy", "--method", "dot"],
            &["influence", "--train", "good.npy", "--target", argument, "-o", "out.npy", "--method", "ridge"],
        ] {
            // A target of one dimension is a single row.
            if *argument == "short.npy" && command.ends_with(&["ridge"]) {
                continue;
            }
            let refusal = place.fail(command);
            assert!(refusal.starts_with(&format!("{file}: {problem}")), "{refusal}");
        }
    }
    let refusals = [
        (
            &["influence", "--train", "good.npy", "--target", &other, "-o", "out.npy", "--method", "dot"][..],
            format!("{other}: expected 5 columns, as many as good.npy has columns, found 67"),
        ),
        (
            &["outliers", "good.npy", "-o", "out.npy", "--detector", "direction", "--groups", "short.npy"],
            "short.npy: expected 3 entries, as many as good.npy has rows, found 2".to_owned(),
        ),
        (
            &["outliers", "good.npy", "-o", "out.npy", "--detector", "l1", "--contamination", "5"],
            "--contamination: expected a share from 0 to 1, found 5".to_owned(),
        ),
        (
            &["sketch", "good.npy", "-o", "out.npy", "--dim", "100"],
            "--dim: expected a positive multiple of 32, found 100".to_owned(),
        ),
        (
            &["sketch", "good.npy", "-o", "out.npy", "--dim", "40", "--projection", "rademacher"],
            "--dim: expected a positive multiple of 16, found 40".to_owned(),
        ),
        (
            &["sketch", "good.npy", "-o", "out.npy", "--projection", "gaussian", "--repeat", "2"],
            "--repeat: expected 1 with --projection gaussian, found 2".to_owned(),
        ),
        (
            &["sketch", "good.npy", "-o", "out.npy", "--projection", "logra"],
            "--projection: expected --shapes beside it, the layers of the gradient, as in 32x64,32,10x32,10, or a recorded run in factors a.NAME and b.NAME, found logra without it".to_owned(),
        ),
        (
            &["sketch", "good.npy", "-o", "out.npy", "--projection", "layers", "--shapes", "2x2,2"],
            "--shapes: expected layers of 5 entries together, the columns of the gradients, found 2 of 6".to_owned(),
        ),
        (
            &["sketch", "good.npy", "-o", "out.npy", "--mask-len", "2"],
            "--mask-len: expected --projection mask beside it, found 2 with sjlt".to_owned(),
        ),
        (
            &["sketch", "good.npy", "-o", "out.npy", "--projection", "mask"],
            "--mask-len: expected the number of columns to keep, for --projection mask, found none"
                .to_owned(),
        ),
        (
            &["sketch", "good.npy", "-o", "out.npy", "--projection", "mask", "--mask-len", "6"],
            "--mask-len: expected 1 to 5, of 5 columns, found 6".to_owned(),
        ),
        (
            &[
                "outliers",
                "good.npy",
                "-o",
                "out.npy",
                "--detector",
                "mahalanobis",
                "--projection",
                "gaussian",
            ],
            "--projection: expected --dim beside it, the numbers to project to, found gaussian without it"
                .to_owned(),
        ),
        (
            &["sketch", "good.npy", "-o", "nowhere/out.npy"],
            "nowhere/out.npy: cannot write there, the directory nowhere does not exist".to_owned(),
        ),
        (
            &["sketch", "good.npy", "-o", "good.npy"],
            "good.npy: expected an output other than the inputs, found the input good.npy".to_owned(),
        ),
        (
            &["sketch", "good.npy", "-o", "out.csv"],
            "out.csv: expected a name that ends in .npy or .safetensors, found one that ends in .csv"
                .to_owned(),
        ),
        (
            &["influence", "--trajectory", "good.npy", "--method", "shapley", "-o", "out.npy"],
            "good.npy: expected a directory with a .safetensors file for each step, found a file".to_owned(),
        ),
        (
            &["truth", "--quick", "--cache", "good.npy"],
            "good.npy: expected a directory that exists or can be made, found: File exists (os error 17)"
                .to_owned(),
        ),
        (&["truth", "--quick", "--train", "1"], "training samples: expected at least 2, found 1".to_owned()),
        (
            &["info", "cut.npy"],
            "cut.npy: expected 60 bytes of values, found 56; the file is cut short".to_owned(),
        ),
    ];
    for (command, expected) in refusals {
        assert_eq!(place.fail(command), expected);
    }
    assert_eq!(place.files(), before);
}

#[test]
fn an_output_named_safetensors_is_one() {
    let place = Place::new();
    place.write("G.npy", &[3, 2], Dtype::F32, &[1.0, 0.0, 0.0, 2.0, 3.0, 0.0]);
    place.succeed(&["outliers", "G.npy", "--detector", "l1", "-o", "s.safetensors"]);
    let influence = ["influence", "--train", "G.npy", "--target", "G.npy", "--method", "dot"];
    place.succeed(&[&influence[..], &["-o", "I.safetensors"]].concat());
    let about = place.succeed(&["info", "s.safetensors"]);
    assert!(about.contains("scores: f64 (3,)") && about.contains("gradsieve.detector = l1"), "{about}");
    let source: Source = place.path("I.safetensors#influence").to_str().unwrap().parse().unwrap();
    let values = Matrix::open(&source).unwrap().read_all_f32(9).unwrap();
    assert_eq!(values, [1.0, 0.0, 3.0, 0.0, 4.0, 0.0, 3.0, 0.0, 9.0]);
}

#[test]
fn columns_beyond_what_is_exact_are_refused_with_the_way_out() {
    let place = Place::new();
    place.write("G.npy", &[2, 4097], Dtype::F32, &noise(2 * 4097));
    let way_out = "G.npy: expected at most 4096 columns for self-influence without a projection, found 4097; add --dim 512 to work \
                   on sketches of 512 numbers";
    assert_eq!(place.fail(&["outliers", "G.npy", "--detector", "self-influence"]), way_out);
    // Of few rows there is the matrix of their inner products.
    let ridge = ["influence", "--train", "G.npy", "--target", "G.npy", "--method", "ridge", "--top", "1"];
    place.succeed(&ridge);
    let gif = [&ridge[..5], &["--method", "gif", "--coordinates", "0..3", "--top", "1"]].concat();
    assert_eq!(place.fail(&gif), way_out.replace("self-influence", "gif"));
    place.write("many.npy", &[2049, 4097], Dtype::F32, &noise(2049 * 4097));
    let many = ["influence", "--train", "many.npy", "--target", "G.npy", "--method", "ridge", "--top", "1"];
    assert_eq!(place.fail(&many), way_out.replace("G.npy", "many.npy").replace("self-influence", "ridge"));
    place.succeed(&[&ridge[..], &["--dim", "512"]].concat());
    let wide = place.fail(&[&gif[..], &["--dim", "16416"]].concat());
    assert_eq!(wide, "--dim: expected at most 16384 for gif, whose memory grows as its square, found 16416");
}

#[test]
fn an_output_that_was_there_is_as_it_was_when_the_run_fails() {
    let place = Place::new();
    // A stream that breaks off: seen only when most of it has been read.
    place.write("good.npy", &[3, 50], Dtype::F32, &noise(150));
    let whole = fs::read(place.path("good.npy")).unwrap();
    fs::write(place.path("out.npy"), "precious").unwrap();
    let before = place.files();
    for arguments in [
        &["sketch", "-", "-o", "out.npy", "--dim", "32"][..],
        &["outliers", "-", "-o", "out.npy", "--detector", "mahalanobis"],
        &["influence", "--train", "-", "--target", "good.npy", "--method", "dot", "-o", "out.npy"],
    ] {
        fs::write(place.path("cut.bin"), &whole[..whole.len() - 100]).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_gradsieve"))
            .args(arguments)
            .current_dir(place.0.path())
            .stdin(fs::File::open(place.path("cut.bin")).unwrap())
            .output()
            .unwrap();
        fs::remove_file(place.path("cut.bin")).unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(
            String::from_utf8_lossy(&output.stderr),
            "gradsieve: standard input: expected 600 bytes of values, found 500; the file is cut short\n"
        );
        assert_eq!(fs::read_to_string(place.path("out.npy")).unwrap(), "precious");
        assert_eq!(place.files(), before);
    }
}
