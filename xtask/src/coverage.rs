//! How many lines of core, kernels and io their tests reach: cargo-tarpaulin, by LLVM's
//! counters.
//!
//! Counted is what is compiled for this machine, but for what `cannot_happen!` says is
//! never reached: that is asserted. The tests inside of a crate's files do not count as
//! lines, and examples in the documentation not as tests: only the nightly compiler could
//! look at them.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::{Arg, ArgMatches, value_parser};
use serde_json::Value;

use crate::check::{Check, target};
use crate::crates::short;
use crate::installed::installed;
use crate::program::Program;
use crate::step::Step;
use crate::targets::reason;

pub(crate) const STEP: Step = Step {
    name: "coverage",
    about: "Lines of core, kernels and io that tests reach, by cargo-tarpaulin",
    in_ci: false,
    arguments: |command| {
        let files = Arg::new("files").long("files").value_name("N").default_value("12");
        let files = files.value_parser(value_parser!(usize));
        let report = Arg::new("report").long("report").value_name("FILE");
        let report = report.value_parser(value_parser!(PathBuf));
        command
            .arg(files.help("How many files are named: those with the most lines that no test reaches"))
            .arg(report.help("Reads what cargo-tarpaulin found before, and runs nothing"))
            .after_help(
                "What is compiled for other machines is not counted: neon, simd128 and the forms \
                 of ARM on x86-64. Nor is a line with cannot_happen!, and the one after it. What \
                 needs instructions that this machine lacks counts as not reached.\n\n\
                 Examples:\n  cargo xtask coverage\n  \
                 cargo xtask coverage --report target/coverage/tarpaulin-report.json --files 40",
            )
    },
    run,
};

/// When compiling cargo-tarpaulin is given up, in seconds.
const PATIENCE: u32 = 900;

/// A crate, and how many of its lines tests should reach.
struct Goal {
    name: &'static str,
    package: &'static str,
    folder: &'static str,
    percent: usize,
}

const GOALS: [Goal; 3] = [
    Goal { name: "core", package: "gradsieve", folder: "src/", percent: 95 },
    Goal { name: "kernels", package: "gradsieve-kernels", folder: "kernels/src/", percent: 95 },
    Goal { name: "io", package: "gradsieve-io", folder: "io/src/", percent: 90 },
];

/// What stands where a debug build would panic: on that line and the way out on the next.
const ASSERTED: &str = "cannot_happen!(\"";

/// Files whose every line is for another machine than this one.
fn elsewhere() -> &'static [&'static str] {
    if cfg!(target_arch = "x86_64") {
        &["kernels/src/isa/neon.rs", "kernels/src/isa/simd128.rs", "kernels/src/isa/special/arm.rs"]
    } else {
        &[]
    }
}

fn run(check: &Check, given: &ArgMatches) -> anyhow::Result<()> {
    let report = match given.get_one::<PathBuf>("report") {
        Some(report) => std::env::current_dir()?.join(report),
        None => match measured(check)? {
            Some(report) => report,
            None => return Ok(()),
        },
    };
    let text = std::fs::read_to_string(&report).with_context(|| report.display().to_string())?;
    let files = files(&serde_json::from_str(&text)?)?;
    for set in lacking() {
        println!("this machine lacks {set}: what needs it counts as not reached");
    }
    for file in elsewhere() {
        println!("not counted: {file}, for other machines");
    }
    let most = *given.get_one::<usize>("files").context("a default")?;
    print!("{}", unreached(&files, most));
    let mut missed = Vec::new();
    println!("\n{:<8} {:>6} {:>8} {:>8} {:>6}", "crate", "lines", "reached", "percent", "goal");
    for goal in GOALS {
        let (mut lines, mut reached) = (0, 0);
        for file in files.iter().filter(|file| file.name.starts_with(goal.folder)) {
            lines += file.lines;
            reached += file.lines - file.unreached.len();
        }
        ensure!(lines > 0, "no line of {} was counted", goal.folder);
        let percent = reached as f64 * 100.0 / lines as f64;
        println!("{:<8} {lines:>6} {reached:>8} {percent:>8.1} {:>6}", goal.name, goal.percent);
        if reached * 100 < goal.percent * lines {
            missed.push(format!("{} below {} %", goal.name, goal.percent));
        }
    }
    ensure!(missed.is_empty(), "lines that tests reach: {}", missed.join(", "));
    Ok(())
}

/// Runs the tests and returns where what they reached stands; nothing where this machine
/// cannot.
fn measured(check: &Check) -> anyhow::Result<Option<PathBuf>> {
    let program = match installed("cargo-tarpaulin", &[], PATIENCE) {
        Ok(program) => program,
        Err(error) => {
            check.skip("coverage by lines", reason(&error));
            return Ok(None);
        }
    };
    let folder = target().join("coverage");
    let words =
        ["tarpaulin", "--engine", "llvm", "--locked", "--skip-clean", "--out", "json", "--timeout", "600"];
    let tarpaulin = Program::new(program).args(words).env("CARGO_INCREMENTAL", "0");
    let tarpaulin = tarpaulin.arg("--output-dir").arg(&folder).arg("--target-dir").arg(&folder);
    tarpaulin.args(GOALS.iter().flat_map(|goal| ["--packages", goal.package])).show()?;
    Ok(Some(folder.join("tarpaulin-report.json")))
}

/// Instruction sets that kernels have forms for and this machine does not have.
fn lacking() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    let sets = [
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("avx512", std::arch::is_x86_feature_detected!("avx512vl")),
        ("avx512vnni", std::arch::is_x86_feature_detected!("avx512vnni")),
        ("avx512vpopcntdq", std::arch::is_x86_feature_detected!("avx512vpopcntdq")),
        ("avx512vbmi", std::arch::is_x86_feature_detected!("avx512vbmi")),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let sets = [];
    sets.into_iter().filter(|(_, has)| !has).map(|(set, _)| set).collect()
}

/// A file of a crate.
struct File {
    /// As it is written in the clone.
    name: String,
    /// Lines with code.
    lines: usize,
    /// Those that no test reached, in order.
    unreached: Vec<u64>,
}

/// The files of the crates that have a goal, but for those that are compiled out.
fn files(report: &Value) -> anyhow::Result<Vec<File>> {
    let mut files = Vec::new();
    for file in report["files"].as_array().context("a report without files")? {
        let path: PathBuf = file["path"]
            .as_array()
            .context("a file without a path")?
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let name = short(&path);
        let has_goal = GOALS.iter().any(|goal| name.starts_with(goal.folder));
        if !has_goal || elsewhere().contains(&name.as_str()) {
            continue;
        }
        let text: Vec<&str> = file["content"].as_str().context("a file without text")?.lines().collect();
        let asserted = |line: u64| {
            let at = usize::try_from(line).unwrap_or(usize::MAX);
            let around = [at.checked_sub(1), at.checked_sub(2)].into_iter().flatten();
            around.filter_map(|at| text.get(at)).any(|line| line.contains(ASSERTED))
        };
        let traces = file["traces"].as_array().context("a file without lines")?;
        let unreached = traces.iter().filter(|trace| trace["stats"]["Line"] == 0);
        let unreached = unreached.filter_map(|trace| trace["line"].as_u64());
        let (asserted, unreached): (Vec<_>, Vec<_>) = unreached.partition(|&line| asserted(line));
        files.push(File { name, lines: traces.len() - asserted.len(), unreached });
    }
    Ok(files)
}

/// The files with the most lines that no test reached, and which these are.
fn unreached(files: &[File], most: usize) -> String {
    let mut files: Vec<_> = files.iter().filter(|file| !file.unreached.is_empty()).collect();
    files.sort_by_key(|file| (std::cmp::Reverse(file.unreached.len()), &file.name));
    let mut text = String::new();
    for File { name, lines, unreached } in files.into_iter().take(most) {
        let _ = writeln!(text, "{:>4} of {lines:>4}  {name}: {}", unreached.len(), spans(unreached));
    }
    text
}

/// Numbers in order as spans: `3-5, 9`.
fn spans(numbers: &[u64]) -> String {
    let spans = numbers.chunk_by(|one, next| one + 1 == *next);
    let spans = spans.filter_map(|span| match span {
        [] => None,
        [only] => Some(only.to_string()),
        [first, .., last] => Some(format!("{first}-{last}")),
    });
    spans.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{files, spans, unreached};
    use crate::check::root;

    #[test]
    fn lines_beside_each_other_are_one_span() {
        assert_eq!(spans(&[3, 4, 5, 9, 11, 12]), "3-5, 9, 11-12");
        assert_eq!(spans(&[]), "");
    }

    #[test]
    fn the_file_with_the_most_unreached_lines_is_named_first() {
        let file = |name: &str, counts: [u64; 3]| {
            let path: Vec<_> =
                root().join(name).iter().map(|part| part.to_str().unwrap().to_owned()).collect();
            let trace =
                |(line, count): (u64, &u64)| serde_json::json!({"line": line, "stats": {"Line": count}});
            let traces: Vec<_> = (1..).zip(&counts).map(trace).collect();
            serde_json::json!({"path": path, "content": "", "traces": traces})
        };
        let report = serde_json::json!({"files": [
            file("src/a.rs", [1, 0, 1]), file("src/b.rs", [1, 1, 1]), file("src/c.rs", [0, 0, 7]),
            file("benches/src/d.rs", [0, 0, 0])
        ]});
        let found = files(&report).unwrap();
        assert_eq!(unreached(&found, 9), "   2 of    3  src/c.rs: 1-2\n   1 of    3  src/a.rs: 2\n");
        assert_eq!(unreached(&found, 1), "   2 of    3  src/c.rs: 1-2\n");
    }

    #[test]
    fn what_cannot_happen_and_the_way_out_behind_it_are_not_counted() {
        let path: Vec<_> =
            root().join("src/a.rs").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        let trace = |line: u64| serde_json::json!({"line": line, "stats": {"Line": 0}});
        let content =
            "let Some(x) = y else {\n    cannot_happen!(\"it is there\");\n    continue;\n};\nuse(x);";
        let traces: Vec<_> = (1..=5).map(trace).collect();
        let report = serde_json::json!({"files": [{"path": path, "content": content, "traces": traces}]});
        let found = files(&report).unwrap();
        assert_eq!(unreached(&found, 1), "   3 of    3  src/a.rs: 1, 4-5\n");
    }
}
