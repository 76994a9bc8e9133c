//! The command line and its help.

use super::place::Place;

const COMMANDS: [&str; 8] = ["demo", "sketch", "outliers", "influence", "truth", "info", "plan", "export"];

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
