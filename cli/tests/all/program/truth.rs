//! Claims about `gradsieve truth`: its table, its JSON, its picture and a refusal.

#[test]
fn the_program_prints_a_table_or_json_and_draws_a_picture() {
    let directory = tempfile::tempdir().unwrap();
    let program = |arguments: &[&str]| {
        let mut command = assert_cmd::Command::cargo_bin("gradsieve").unwrap();
        command.current_dir(directory.path()).arg("truth").args(arguments);
        command
    };
    let quick = ["--experiment", "tsloo", "--quick", "--method", "dot", "--method", "dvemb"];
    let table = program(&quick).assert().success().get_output().stdout.clone();
    let table = String::from_utf8(table).unwrap();
    assert!(table.contains("last-epoch removals") && table.contains("dvemb"), "{table}");
    let picture = std::fs::read_to_string(directory.path().join("out/truth-tsloo.svg")).unwrap();
    assert!(picture.starts_with("<svg") && picture.ends_with("</svg>") && picture.contains("dvemb"));
    assert_eq!(picture.matches("<circle").count(), 4);

    let json = program(&quick).arg("--json").assert().success().get_output().stdout.clone();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["settings"]["experiment"], "tsloo");
    assert_eq!(json["panels"][1]["lines"][1]["name"], "dvemb");
    assert!(json["panels"][0]["lines"][0]["figures"][0].is_number());

    let narrow = ["--experiment", "sketches", "--quick", "--method", "sjlt-1", "--dim", "64"];
    let table = program(&narrow).assert().success().get_output().stdout.clone();
    let table = String::from_utf8(table).unwrap();
    assert!(table.contains("K 64") && table.contains("1-bit"), "{table}");
    let picture = std::fs::read_to_string(directory.path().join("out/truth-sketches.svg")).unwrap();
    assert!(picture.starts_with("<svg") && picture.contains("sjlt-1, by codec"));
    let json = program(&narrow).arg("--json").assert().success().get_output().stdout.clone();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["sketches"][6]["codec"], "1-bit");
    assert_eq!(json["sketches"][6]["row_bytes"], 64 / 8 + 35);

    let poison = ["--experiment", "breakdown", "--quick", "--method", "direction", "--csv", "b.csv"];
    let table = program(&poison).assert().success().get_output().stdout.clone();
    let table = String::from_utf8(table).unwrap();
    assert!(table.contains("against that mean") && table.contains("5 % poison"), "{table}");
    let csv = std::fs::read_to_string(directory.path().join("b.csv")).unwrap();
    assert!(csv.starts_with("# regime: digits; 48 samples"), "{csv}");
    assert!(csv.contains("kind,poison,detector,none,10,1e10\n"), "{csv}");
    // Six kinds, and for each one share and the least.
    assert_eq!(csv.lines().filter(|line| line.contains(",direction,")).count(), 12);
    let json = program(&poison).arg("--json").assert().success().get_output().stdout.clone();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["breakdown"].as_array().unwrap().len(), 1 + 6 * 2);
    assert!(json["breakdown"][1]["auroc"][0].is_number());
    program(&["--experiment", "sketches", "--csv", "b.csv"]).assert().code(2);

    let refused = program(&["--experiment", "loo", "--hidden", "4", "--quick"]).assert().code(2);
    let message = String::from_utf8(refused.get_output().stderr.clone()).unwrap();
    assert!(message.contains("expected linear"), "{message}");
}

/// The program in a directory of its own.
fn truth(directory: &std::path::Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    let mut command = assert_cmd::Command::cargo_bin("gradsieve").unwrap();
    command.current_dir(directory).arg("truth").args(arguments).assert()
}

#[test]
fn streams_come_as_tables_and_as_a_file_of_figures() {
    let directory = tempfile::tempdir().unwrap();
    let streams = ["--experiment", "streams", "--quick", "--method", "direction", "--method", "mean loss"];
    let shown = truth(directory.path(), &[&streams[..], &["--csv", "s.csv"]].concat()).success();
    let table = String::from_utf8(shown.get_output().stdout.clone()).unwrap();
    assert!(table.starts_with("digits, cancer, machine: 48 training"), "{table}");
    assert!(table.contains("converged clean (AUROC"), "{table}");
    let csv = std::fs::read_to_string(directory.path().join("s.csv")).unwrap();
    assert!(csv.starts_with("# regime: ") && csv.contains("\nmeasure,task,regime,scorer,mean,clean,flips,"));
    // AUROC over all tasks and for each of the three, average precision over all.
    assert_eq!(csv.matches(",direction,").count(), 5 * (4 + 1), "{csv}");
    assert_eq!(csv.matches(",mean loss,").count(), 2 * (4 + 1), "{csv}");
    assert!(csv.contains("AUROC,digits,one epoch,direction,"), "{csv}");
    let picture = std::fs::read_to_string(directory.path().join("out/truth-streams.svg")).unwrap();
    assert!(picture.starts_with("<svg") && picture.contains("one-class flips"), "{picture}");
}

#[test]
fn streams_as_json_name_task_regime_corruption_and_scorer() {
    let directory = tempfile::tempdir().unwrap();
    let shown = truth(
        directory.path(),
        &["--experiment", "streams", "--quick", "--method", "loss", "--corrupt", "0.2", "--json"],
    )
    .success();
    let json: serde_json::Value = serde_json::from_slice(&shown.get_output().stdout).unwrap();
    assert_eq!(json["settings"]["corrupt"], 0.2);
    let lines = json["streams"].as_array().unwrap();
    // Three tasks in five regimes, eighteen kinds of corruption and none.
    assert_eq!(lines.len(), 3 * 5 * 19);
    assert_eq!(lines[0]["corruption"], "clean");
    assert_eq!((&lines[1]["corruption"], &lines[1]["scorer"]), (&"flips".into(), &"loss".into()));
    assert!(lines[1]["figures"][0][0].is_number(), "{}", lines[1]);
}

#[test]
fn streams_that_are_dumped_are_files_that_the_program_reads() {
    let directory = tempfile::tempdir().unwrap();
    let shown =
        truth(directory.path(), &["--experiment", "streams", "--quick", "--seed", "7", "--dump", "d"])
            .success();
    let said = String::from_utf8(shown.get_output().stdout.clone()).unwrap();
    assert_eq!(said, "285 streams below d\n");
    let stream = directory.path().join("d/machine_converged-clean_one-class-flips_7");
    for name in ["groups.npy", "loss.npy", "samples.npy", "corrupt.npy"] {
        assert!(stream.join(name).is_file(), "{name}");
    }
    let mut outliers = assert_cmd::Command::cargo_bin("gradsieve").unwrap();
    outliers.current_dir(&stream).args(["outliers", "sketches.npy", "--groups", "groups.npy"]);
    outliers.args(["--detector", "direction", "-o", "scores.npy"]).assert().success();
}

#[test]
fn training_with_a_guard_is_shown_by_task_and_share_of_wrong_labels() {
    let directory = tempfile::tempdir().unwrap();
    let guarded = ["--experiment", "loop", "--quick", "--wrong", "0.3", "--csv", "l.csv"];
    let shown = truth(directory.path(), &guarded).success();
    let table = String::from_utf8(shown.get_output().stdout.clone()).unwrap();
    assert!(table.contains("machine, 30 % wrong labels (test accuracy after training)"), "{table}");
    let csv = std::fs::read_to_string(directory.path().join("l.csv")).unwrap();
    assert!(csv.contains("\ntask,wrong labels,policy,accuracy,deviation,wrong left out,right left out\n"));
    assert!(csv.contains("\ncancer,30 %,ceiling,") && csv.contains(",1.000,0.000\n"), "{csv}");
}

#[test]
fn settings_of_streams_outside_their_range_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    for (option, share) in [("--corrupt", "0"), ("--corrupt", "0.6"), ("--corrupt", "nan")] {
        truth(directory.path(), &["--experiment", "streams", "--quick", option, share]).code(2);
    }
    for experiment in ["streams", "loop"] {
        for (option, value) in
            [("--batch", "0"), ("--rate", "nan"), ("--train", "2"), ("--dim", "8192"), ("--passes", "0")]
        {
            truth(directory.path(), &["--experiment", experiment, "--quick", option, value]).code(2);
        }
    }
    for figures in ["--json", "--csv=s.csv", "--out=o"] {
        truth(directory.path(), &["--experiment", "streams", "--quick", "--dump", "d", figures]).code(2);
    }
    truth(directory.path(), &["--experiment", "loop", "--quick", "--wrong", "1"]).code(2);
    truth(directory.path(), &["--experiment", "streams", "--quick", "--wrong", "0.2"]).code(2);
    truth(directory.path(), &["--experiment", "flips", "--quick", "--dump", "d"]).code(2);
}

#[test]
fn figures_of_methods_go_to_a_file_with_their_intervals() {
    let directory = tempfile::tempdir().unwrap();
    let of =
        ["--experiment", "lds", "--data", "table", "--quick", "--method", "nearest", "--method", "ridge"];
    let more = ["--damping", "0.1", "--damping", "1", "--noise", "0.1", "--csv", "lds.csv"];
    let table = truth(directory.path(), &[&of[..], &more[..]].concat()).success();
    let table = String::from_utf8(table.get_output().stdout.clone()).unwrap();
    assert!(table.starts_with("table (10 % of the labels flipped): 48 training"), "{table}");
    assert!(table.contains("model 30-4-2") && table.contains("95 % from"), "{table}");
    let csv = std::fs::read_to_string(directory.path().join("lds.csv")).unwrap();
    assert!(csv.starts_with("# regime: table; 48 training and 8 test samples; 10 % of the"), "{csv}");
    let row = csv.lines().find(|line| line.contains(",ridge damping 1,")).unwrap();
    let figures: Vec<f64> = row.split(',').skip(3).take(3).map(|cell| cell.parse().unwrap()).collect();
    assert!(figures[1] < figures[0] && figures[0] < figures[2], "{row}");
}

#[test]
fn data_that_a_script_makes_is_asked_for_by_the_command_that_makes_it() {
    let directory = tempfile::tempdir().unwrap();
    let refused = truth(directory.path(), &["--experiment", "lds", "--data", "mnist"]).failure();
    let message = String::from_utf8(refused.get_output().stderr.clone()).unwrap();
    assert!(message.contains("`node harness/mnist.mjs out/mnist.csv` makes"), "{message}");
}
