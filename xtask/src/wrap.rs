//! Comments and Markdown prose are wrapped: no line has more than 90 characters.
//!
//! Tables, the comments that they are made from, code blocks and lines with a link are
//! excepted: they cannot be broken.

use anyhow::bail;
use clap::{Arg, ArgAction, ArgMatches};

use crate::check::Check;
use crate::crates::{files, short};
use crate::step::Step;

/// The most characters of a line of prose.
const COLUMNS: usize = 90;

pub(crate) const STEP: Step = Step {
    name: "wrap",
    about: "Comments and Markdown prose have at most 90 columns",
    in_ci: true,
    arguments: |command| {
        let count =
            Arg::new("count").long("count").action(ArgAction::SetTrue).help("Prints counts a file only");
        command.arg(count).after_help("Example:\n  cargo xtask wrap --count")
    },
    run,
};

fn run(_: &Check, given: &ArgMatches) -> anyhow::Result<()> {
    let mut all = 0;
    for file in files(&[".rs", ".md", ".toml", ".yml"])? {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        let long = match file.extension().and_then(|ending| ending.to_str()) {
            Some("md") => long_lines(&text, Some),
            Some("rs") => long_lines(&text, |line| comment(line, "//")),
            _ => long_lines(&text, |line| comment(line, "#")),
        };
        all += long.len();
        if given.get_flag("count") {
            if !long.is_empty() {
                println!("{:>4} {}", long.len(), short(&file));
            }
        } else {
            for (number, columns) in long {
                println!("{}:{number}: {columns} columns", short(&file));
            }
        }
    }
    if all > 0 {
        bail!("{all} lines of prose have more than {COLUMNS} columns");
    }
    Ok(())
}

/// The text of a line that is a comment and nothing else.
fn comment<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    let line = line.trim_start();
    line.starts_with(mark).then(|| line.trim_start_matches(['/', '!', '#']))
}

/// Number and length of each line that is too long. `prose` gives the text of a line of
/// prose without its marks, and nothing for other lines.
fn long_lines<'a>(text: &'a str, prose: impl Fn(&'a str) -> Option<&'a str>) -> Vec<(usize, usize)> {
    let mut long = Vec::new();
    let mut in_code = false;
    for (line, number) in text.lines().zip(1..) {
        let Some(words) = prose(line).map(str::trim) else {
            in_code = false;
            continue;
        };
        if words.starts_with("```") {
            in_code = !in_code;
            continue;
        }
        let columns = line.chars().count();
        if columns > COLUMNS && !in_code && !cannot_be_broken(words) {
            long.push((number, columns));
        }
    }
    long
}

/// Tables, what they are made from, links and pictures.
fn cannot_be_broken(words: &str) -> bool {
    words.starts_with('|')
        || words.starts_with("<!-- table: ")
        || words.starts_with("![")
        || words.contains("](")
        || words.contains("://")
}

#[cfg(test)]
mod tests {
    use super::{comment, long_lines};

    fn of_rust(text: &str) -> Vec<(usize, usize)> {
        long_lines(text, |line| comment(line, "//"))
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        let line = format!("/// {}", "é".repeat(86));
        assert_eq!(of_rust(&line), []);
        assert_eq!(of_rust(&format!("{line}x")), [(1, 91)]);
    }

    #[test]
    fn code_between_comments_may_be_longer() {
        assert_eq!(of_rust(&format!("let a = {};", "1 + ".repeat(40))), []);
    }

    #[test]
    fn a_code_block_in_a_comment_may_be_longer() {
        let long = "x".repeat(100);
        let text = format!("/// ```\n/// {long}\n/// ```\n/// {long}\n");
        assert_eq!(of_rust(&text), [(4, 104)]);
    }

    #[test]
    fn a_block_left_open_ends_with_its_comment() {
        let long = "x".repeat(100);
        assert_eq!(of_rust(&format!("/// ```\nfn f() {{}}\n/// {long}\n")), [(3, 104)]);
    }

    #[test]
    fn tables_and_links_are_excepted() {
        let long = "x".repeat(100);
        let text = format!("| {long} |\n[a]({long})\n<!-- table: {long} -->\n{long}\n");
        assert_eq!(long_lines(&text, Some), [(4, 100)]);
    }
}
