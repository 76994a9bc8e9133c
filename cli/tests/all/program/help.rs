//! The command line and its help.

use super::place::Place;

const COMMANDS: [&str; 13] = [
    "demo",
    "sketch",
    "outliers",
    "report",
    "sieve",
    "visits",
    "merge",
    "clients",
    "influence",
    "truth",
    "info",
    "plan",
    "export",
];

#[test]
fn the_help_of_every_command_has_examples_that_name_it() {
    let place = Place::new();
    for command in COMMANDS {
        let abouts = ["-h", "--help"].map(|help| {
            let text = place.succeed(&[command, help]);
            let (_, examples) = text.split_once("Examples:").expect("help has examples");
            assert!(examples.contains(&format!("gradsieve {command}")), "{examples}");
            text.split("Usage:").next().unwrap_or_default().len()
        });
        assert!(abouts[1] > abouts[0], "{command}: the long help begins as the short one does");
    }
    let text = place.succeed(&["--help"]);
    for command in COMMANDS {
        assert!(text.contains(&format!("\n  {command} ")), "{text}");
    }
    assert_eq!(place.succeed(&["--version"]), format!("gradsieve {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn no_line_of_help_is_wider_than_a_hundred_columns() {
    let place = Place::new();
    for arguments in COMMANDS.map(|command| vec![command, "--help"]).iter().chain([&vec!["--help"]]) {
        let text = place.succeed(arguments);
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}

#[test]
fn arguments_that_make_no_sense_end_with_exit_code_2_and_a_hint() {
    let place = Place::new();
    for arguments in [
        &["sketch"][..],
        &["frobnicate"],
        &["outliers", "g.npy", "--detector", "magic"],
        &["sketch", "g.npy", "-o", "s.npy", "--repeat", "3"],
        &["influence", "--train", "t.npy", "--target", "v.npy", "--method", "dot"],
        &["info", "a.npy#b"],
    ] {
        let output = place.run(arguments);
        assert_eq!(output.status.code(), Some(2));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with("error: ") && text.contains("--help"), "{text}");
    }
}

#[test]
fn numbers_that_are_none_or_negative_are_refused_in_words() {
    let place = Place::new();
    for (arguments, expected) in [
        (
            &["sketch", "g.npy", "-o", "s.npy", "--dim", "-4"][..],
            "'-4' for '--dim <K>': expected a whole number",
        ),
        (
            &["sketch", "g.npy", "-o", "s.npy", "--seed", "x"],
            "'x' for '--seed <SEED>': expected a whole number",
        ),
        (&["outliers", "g.npy", "--detector", "l2", "--contamination", "much"], "expected a number, as in"),
        (&["influence", "--top", "-1"], "'-1' for '--top <N>': expected a whole number"),
        (&["demo", "--epochs", "1.5"], "'1.5' for '--epochs <N>': expected a whole number"),
        (&["truth", "--rate", "fast"], "'fast' for '--rate <RATE>': expected a number"),
        (&["plan", "--params", "10", "--budget", "lots"], "expected bytes, as in 65536, 64KiB"),
    ] {
        let output = place.run(arguments);
        assert_eq!(output.status.code(), Some(2));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(expected), "{text}");
    }
}
