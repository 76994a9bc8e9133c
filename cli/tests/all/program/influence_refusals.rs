//! What `gradsieve influence` refuses: settings and files that do not fit together.

use gradsieve_io::files::Dtype;

use super::place::Place;

#[test]
fn settings_of_another_method_and_files_that_do_not_fit_are_refused() {
    let place = Place::new();
    place.write("T.npy", &[3, 2], Dtype::F32, &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    place.write("V.npy", &[2, 2], Dtype::F32, &[0.5; 4]);
    place.write("P.npy", &[3], Dtype::F32, &[0.5, 1.5, 0.0]);
    place.write("P2.npy", &[2], Dtype::F32, &[0.5; 2]);
    for (method, more, message) in [
        ("trak", &[][..], "--one-minus-p: expected once for each model: once, found never"),
        (
            "trak",
            &["--one-minus-p", "P.npy"],
            "--one-minus-p: expected numbers from 0 to 1, found 1.5 at index 1 of P.npy",
        ),
        (
            "trak",
            &["--one-minus-p", "P2.npy"],
            "P2.npy: expected 3 entries, as many as T.npy has rows, found 2",
        ),
        (
            "trak",
            &["--one-minus-p", "T.npy"],
            "T.npy: expected a 1-dimensional array (a number for each sample), found shape (3, 2)",
        ),
        (
            "dot",
            &["--one-minus-p", "P.npy"],
            "--one-minus-p: expected --method trak, which alone uses it, found dot",
        ),
        (
            "dot",
            &["--subtasks", "P2.npy"],
            "--subtasks: expected --method less, which alone uses it, found dot",
        ),
        ("less", &["--subtasks", "P.npy"], "P.npy: expected 2 entries, as many as V.npy has rows, found 3"),
        ("less", &["--lr", "-1"], "--lr: expected weights that are not negative for less, found -1"),
        ("less", &["--lr", "0"], "--lr: expected a weight that is not 0, found none"),
        (
            "dot",
            &["--damping", "1"],
            "--damping: expected a method that has one: ridge, trak, datainf, lissa, cg, gif or ek-fac, found dot",
        ),
        ("ridge", &["--damping", "0"], "--damping: expected a finite number above 0, found 0"),
        (
            "ridge",
            &["--layers", "1,1"],
            "--layers: expected --method datainf, which alone uses it, found ridge",
        ),
        (
            "datainf",
            &["--layers", "1,2"],
            "--layers: expected layers of one column at least that have 2 together, as T.npy has, found 2 of 3",
        ),
        (
            "datainf",
            &["--layers", "1,1", "--dim", "32"],
            "--layers: expected gradients without --dim, whose sketches mix the layers, found --dim",
        ),
        ("ridge", &["--passes", "5"], "--passes: expected --method cg, lissa or arnoldi, found ridge"),
        ("cg", &["--passes", "0"], "--passes: expected at least 1, found 0"),
        ("cg", &["--tolerance", "-1"], "--tolerance: expected a number above 0 and below 1, found -1"),
        ("lissa", &["--tolerance", "1"], "--tolerance: expected a number above 0 and below 1, found 1"),
        ("cg", &["--step", "1"], "--step: expected --method lissa, which alone uses it, found cg"),
    ] {
        let arguments =
            ["influence", "--train", "T.npy", "--target", "V.npy", "-o", "I.npy", "--method", method];
        assert_eq!(place.fail(&[&arguments[..], more].concat()), message);
    }
    assert_eq!(place.files(), ["P.npy", "P2.npy", "T.npy", "V.npy"]);
}

#[test]
fn checkpoints_that_do_not_fit_together_are_refused() {
    let place = Place::new();
    place.write("T.npy", &[3, 2], Dtype::F32, &[0.0; 6]);
    place.write("T4.npy", &[4, 2], Dtype::F32, &[0.0; 8]);
    place.write("V.npy", &[1, 2], Dtype::F32, &[0.0; 2]);
    let two = ["influence", "--train", "T.npy", "--train", "T4.npy", "-o", "I.npy", "--target", "V.npy"];
    let tracin = [&two[..], &["--method", "tracin"]].concat();
    assert_eq!(
        place.fail(&tracin),
        "--target: expected as often as --train, once for each checkpoint: 2 times, found once"
    );
    let full = [&tracin[..], &["--target", "V.npy"]].concat();
    assert_eq!(place.fail(&full), "T4.npy: expected 3 rows, as many as T.npy has rows, found 4");
    let rates = [&full[..], &["--lr", "1", "--lr", "2", "--lr", "3"]].concat();
    assert_eq!(
        place.fail(&rates),
        "--lr: expected once, or once for each of the 2 checkpoints, found 3 times"
    );
    let dot = [&two[..], &["--method", "dot", "--target", "V.npy"]].concat();
    assert_eq!(
        place.fail(&dot),
        "--train: expected one checkpoint with --method dot; sums over checkpoints are --method tracin, found 2"
    );
    assert_eq!(place.files(), ["T.npy", "T4.npy", "V.npy"]);
}
