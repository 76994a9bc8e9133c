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
    assert_eq!(json["sketches"][4]["codec"], "1-bit");
    assert_eq!(json["sketches"][4]["row_bytes"], 64 / 8 + 35);

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
    program(&["--experiment", "flips", "--csv", "b.csv"]).assert().code(2);

    let refused = program(&["--experiment", "loo", "--hidden", "4", "--quick"]).assert().code(2);
    let message = String::from_utf8(refused.get_output().stderr.clone()).unwrap();
    assert!(message.contains("expected linear"), "{message}");
}
