//! Memory that the kernels touch: AddressSanitizer over their tests on every level of
//! this machine, and valgrind on the levels that it knows.
//!
//! Vectors of exact lengths end where the heap's block ends, so one element too many is
//! found.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{bail, ensure};
use clap::ArgMatches;
use serde_json::Value;

use crate::check::{Check, target};
use crate::cross;
use crate::program::{Program, printed, tail};
use crate::step::{Step, no_arguments};
use crate::targets::reason;

pub(crate) const STEP: Step = Step {
    name: "memory",
    about: "AddressSanitizer and valgrind have nothing to say about the kernels",
    in_ci: true,
    arguments: no_arguments,
    run,
};

const HOST: &str = "x86_64-unknown-linux-gnu";
/// How many cases a property is tried with, where nothing else is said.
const CASES: &str = "16";
/// When a program is given up, in seconds.
const LIMIT: u32 = 900;
/// This one calls every kernel through `Level::best`, with operands of exact lengths.
const EVERY: &str = "accuracy";
/// This one compares every level of the machine with the definition, one after the other.
const LEVELS: &str = "levels";

fn run(check: &Check, _: &ArgMatches) -> anyhow::Result<()> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        check.skip("AddressSanitizer and valgrind", "this machine is not x86-64 Linux");
        return Ok(());
    }
    sanitizer(check)?;
    valgrind(check)
}

fn sanitizer(check: &Check) -> anyhow::Result<()> {
    let Some(cargo) = Program::nightly() else {
        check.skip("AddressSanitizer", "no nightly toolchain");
        return Ok(());
    };
    let cargo = cargo
        .env("RUSTFLAGS", "-Zsanitizer=address")
        .env("CARGO_TARGET_DIR", target().join("asan"))
        .env("CARGO_INCREMENTAL", "0")
        .args(["test", "--locked", "--target", HOST, "-p", "gradsieve-kernels", "--features", "std"])
        .args(["--test", EVERY, "--test", LEVELS]);
    for program in programs(cargo)? {
        if name(&program) == EVERY {
            for level in ["scalar", "avx2", "avx512"] {
                if has(level) {
                    on_level(Program::new(&program), "AddressSanitizer", level)?;
                } else {
                    check.skip(&format!("AddressSanitizer on {level}"), "this machine does not have it");
                }
            }
        } else {
            let text = watched(Program::new(&program), &format!("AddressSanitizer, {}", name(&program)))?;
            ensure!(text.contains("test result: ok"), "no test was run\n{}", tail(&text));
        }
    }
    Ok(())
}

fn valgrind(check: &Check) -> anyhow::Result<()> {
    let there = || Program::new("valgrind").arg("--version").read();
    if there().is_err()
        && let Err(error) = cross::install(&["valgrind"])
    {
        check.skip("valgrind", reason(&error));
        return Ok(());
    }
    // All tests, as the README's command has built them: those of one package alone would
    // be built once more, for fewer packages ask for fewer features.
    let all = programs(Program::cargo().args(["test", "--locked"]))?;
    for program in all.iter().filter(|program| name(program) == EVERY) {
        // It does not know AVX-512 and hides it.
        for level in ["scalar", "avx2"] {
            if has(level) {
                let watched = Program::new("valgrind").args(["--quiet", "--error-exitcode=9"]).arg(program);
                on_level(watched, "valgrind", level)?;
            } else {
                check.skip(&format!("valgrind on {level}"), "this machine does not have it");
            }
        }
    }
    Ok(())
}

/// Compiles tests and returns their programs.
fn programs(cargo: Program) -> anyhow::Result<Vec<PathBuf>> {
    let output = cargo.args(["--no-run", "--message-format=json"]).output()?;
    if !output.status.success() {
        bail!("{}\n{}", output.status, tail(&String::from_utf8_lossy(&output.stderr)));
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    let messages = printed.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let tests = messages.filter(|message| message["target"]["kind"][0] == "test");
    let programs: Vec<_> =
        tests.filter_map(|test| Some(PathBuf::from(test["executable"].as_str()?))).collect();
    ensure!(!programs.is_empty(), "cargo names no program of a test");
    Ok(programs)
}

/// The name of a test, without what cargo adds to its file's.
fn name(program: &Path) -> &str {
    let file = program.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    file.rsplit_once('-').map_or(file, |(name, _)| name)
}

fn has(level: &str) -> bool {
    match level {
        "avx2" => std::arch::is_x86_feature_detected!("avx2"),
        "avx512" => std::arch::is_x86_feature_detected!("avx512vl"),
        _ => true,
    }
}

/// Runs the table of every kernel on a level, and looks whether it was that level.
fn on_level(program: Program, name: &str, level: &str) -> anyhow::Result<()> {
    let program = program.env("GRADSIEVE_LEVEL", level);
    let words = ["--nocapture", "--test-threads=1", "every_kernel"];
    let text = watched(program.args(words), &format!("{name}, {EVERY} on {level}"))?;
    if !text.lines().any(|line| line == format!("on level {level}")) {
        bail!("{name}: the level {level} was not run\n{}", tail(&text));
    }
    Ok(())
}

/// Runs a program and returns what it printed; what is found is a failure.
fn watched(program: Program, words: &str) -> anyhow::Result<String> {
    let begun = Instant::now();
    let cases = std::env::var("PROPTEST_CASES").unwrap_or_else(|_| CASES.to_owned());
    let output = program.env("PROPTEST_CASES", cases).limited(LIMIT).output()?;
    let text = printed(&output);
    if !output.status.success() {
        let lines: Vec<_> = text.lines().filter(|line| !line.starts_with("skipped: ")).take(60).collect();
        bail!("{words}: {}\n{}", output.status, lines.join("\n"));
    }
    println!("ok   {words}: {} seconds", begun.elapsed().as_secs());
    Ok(text)
}
