//! The firmware of `examples/cortex-m` on an emulated board: its programs end well, and
//! print what its README says they do.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use clap::{Arg, ArgAction, ArgMatches};

use crate::check::{Check, root};
use crate::cortex_m::{CLOCK, LIMIT};
use crate::cross::{self, THUMBV7EM};
use crate::images::{M4F, built, emulated};
use crate::size::weight;
use crate::step::Step;
use crate::targets::reason;

pub(crate) const STEP: Step = Step {
    name: "firmware",
    about: "The firmware of examples/cortex-m prints what its README says, resets and all",
    in_ci: true,
    arguments: |command| {
        let write = Arg::new("write").long("write").action(ArgAction::SetTrue);
        command.arg(write.help("Writes what is printed into the README"))
    },
    run,
};

const FOLDER: &str = "examples/cortex-m";
/// The programs. What each prints stands in the README below a comment with its name.
const PROGRAMS: &[&str] = &["sieve", "influence"];
const END: &str = "```\n";
/// Lines that begin so count instructions or bytes of code. Compilers differ in them, and
/// they may become fewer.
const COUNTS: &[&str] = &["training", "sketch and sieve", "influence", "image"];
/// By how much they may be larger, in parts of one.
const TOLERANCE: f64 = 0.1;

fn run(check: &Check, given: &ArgMatches) -> anyhow::Result<()> {
    let set_up = cross::ready(&THUMBV7EM).and_then(|ready| Ok((ready, cross::system_arm()?)));
    let ready = match set_up {
        Ok((ready, _)) => ready,
        Err(error) => {
            check.skip("the firmware on a Cortex-M4F", reason(&error));
            return Ok(());
        }
    };
    let folder = built(&ready, FOLDER, &[])?;
    let page = root().join(FOLDER).join("README.md");
    let mut text = std::fs::read_to_string(&page)?;
    let mut wrong = Vec::new();
    for program in PROGRAMS {
        let image = folder.join(program);
        let printed = print(&image)?;
        let (start, end) = log(&text, program)?;
        if given.get_flag("write") {
            text.replace_range(start..end, &printed);
        } else {
            wrong.extend(differences(&printed, &text[start..end]));
        }
        println!("{program}: {} lines", printed.lines().count());
    }
    if given.get_flag("write") {
        std::fs::write(page, text)?;
    }
    ensure!(wrong.is_empty(), "{FOLDER}/README.md has other lines\n{}", wrong.join("\n"));
    Ok(())
}

/// What a program prints, and what it weighs.
fn print(image: &Path) -> anyhow::Result<String> {
    let printed = emulated(cross::system_arm()?, M4F, Some(CLOCK), image).limited(LIMIT).read()?;
    Ok(format!("{printed}\nimage {} bytes of code and constants\n", weight(image)?.constant))
}

/// Where a program's log stands in the README.
fn log(text: &str, program: &str) -> anyhow::Result<(usize, usize)> {
    let mark = format!("<!-- log: {program} -->\n\n```text\n");
    let start = text.find(&mark).with_context(|| format!("README.md has no {mark:?}"))? + mark.len();
    let Some(length) = text[start..].find(END) else { bail!("the log of {program} has no end") };
    Ok((start, start + length))
}

/// Lines that are printed and not said.
fn differences(printed: &str, said: &str) -> Vec<String> {
    let mut said = said.lines();
    let mut wrong = Vec::new();
    for printed in printed.lines() {
        let said = said.next().unwrap_or_default();
        if !is_alike(printed, said) {
            wrong.push(format!("printed: {printed}\nsaid:    {said}"));
        }
    }
    wrong.extend(said.map(|said| format!("printed no more\nsaid:    {said}")));
    wrong
}

/// Whether two lines are equal, or not much larger if they are counts.
fn is_alike(printed: &str, said: &str) -> bool {
    let is_count = COUNTS.iter().any(|start| printed.starts_with(start));
    let words = |line: &'_ str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let (one, other) = (words(printed), words(said));
    let is_near = |(one, other): (&String, &String)| match (one.parse::<f64>(), other.parse::<f64>()) {
        (Ok(one), Ok(other)) => one <= (1.0 + TOLERANCE) * other,
        _ => one == other,
    };
    printed == said || (is_count && one.len() == other.len() && one.iter().zip(&other).all(is_near))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_may_be_larger_by_a_tenth_and_other_figures_not_at_all() {
        assert!(is_alike("training  1050.1  12", "training  1000.0  12"));
        assert!(is_alike("training   800.0  12", "training  1000.0  12"));
        assert!(!is_alike("training  1150.1  12", "training  1000.0  12"));
        assert!(!is_alike("training  1000.1", "training  1000.0  12"));
        assert!(!is_alike("1  97.5", "1  97.0"));
    }

    #[test]
    fn a_line_more_on_either_side_is_a_difference() {
        assert_eq!(differences("a\nb\n", "a\nb\n").len(), 0);
        assert_eq!(differences("a\nb\n", "a\n").len(), 1);
        assert_eq!(differences("a\n", "a\nb\n").len(), 1);
    }

    #[test]
    fn a_log_ends_where_its_block_ends() {
        let text = "x\n<!-- log: p -->\n\n```text\none\ntwo\n```\n";
        let (start, end) = log(text, "p").unwrap();
        assert_eq!(&text[start..end], "one\ntwo\n");
        assert!(log(text, "q").is_err());
    }
}
