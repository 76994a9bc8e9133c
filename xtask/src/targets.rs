//! The tests of the kernels and the core on other targets: 64-bit Arm on two processors,
//! 32-bit Arm, 32-bit x86, a big-endian machine, and WebAssembly with 128-bit vectors.
//!
//! A target that cannot be set up is skipped; one that is set up and fails is a failure.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::bail;
use clap::{Arg, ArgMatches};

use crate::check::{Check, target};
use crate::cross::{self, AARCH64, ARMV7, I686, Ready, S390X, Target, WASIP1};
use crate::lint::WITHOUT_STD;
use crate::program::{Program, printed, tail};
use crate::step::Step;

pub(crate) const STEP: Step = Step {
    name: "targets",
    about: "Kernels and core, tested on other targets under emulators",
    in_ci: true,
    arguments: |command| {
        let named = Arg::new("target").num_args(0..).help("These targets; all of them, if none is named");
        command.arg(named).after_help("Example:\n  cargo xtask targets aarch64 wasip1")
    },
    run,
};

/// A target, the processors that are emulated, and the instruction set that must be
/// found.
struct Plan {
    target: &'static Target,
    /// The first runs all tests, the others the claims about the instruction set.
    processors: &'static [&'static str],
    level: Option<&'static str>,
    /// Whether what cannot happen is asserted, which compiling pays for: not where
    /// numbers are as wide as on this machine, whose tests assert it.
    asserts: bool,
}

const PLANS: &[Plan] = &[
    Plan { target: &AARCH64, processors: &["max", "cortex-a53"], level: Some("neon"), asserts: false },
    Plan { target: &S390X, processors: &[""], level: None, asserts: false },
    Plan { target: &ARMV7, processors: &[""], level: None, asserts: true },
    Plan { target: &WASIP1, processors: &[""], level: Some("simd128"), asserts: true },
    Plan { target: &I686, processors: &[""], level: None, asserts: true },
];

/// How many targets are compiled and tested at a time: one compiles while one tests.
const SIDE_BY_SIDE: usize = 2;
/// How many cases a property is tried with, where nothing else is said.
const CASES: &str = "16";
/// The test programs. That of the kernels' accuracy is left out: their bits are compared
/// with the definition's, which has one accuracy everywhere.
const TESTS: &[&str] = &["contract", "levels", "all"];
/// When a suite is given up, in seconds.
const LIMIT: u32 = 1800;
/// Parts of the names of tests that take minutes under an emulator and say nothing new
/// there: statistics over thousands of seeds or numbers, whose bits are the same, and a
/// test of the comparison itself.
const NOT_HERE: &[&str] =
    &["unbiased", "one_wrong_digit", "flagged_at_their_rate", "relative_error_of_a_sum", "a_list_of_three"];

fn run(check: &Check, given: &ArgMatches) -> anyhow::Result<()> {
    let wanted: Vec<_> = given.get_many::<String>("target").into_iter().flatten().collect();
    if let Some(name) = wanted.iter().find(|name| !PLANS.iter().any(|plan| plan.target.name == **name)) {
        let known: Vec<_> = PLANS.iter().map(|plan| plan.target.name).collect();
        bail!("no target {name:?}; known are: {}", known.join(" "));
    }
    println!("not repeated on other targets: doc examples, the kernels' accuracy, and tests with");
    println!("one of {NOT_HERE:?} in their names");
    let plans: Vec<_> = PLANS
        .iter()
        .filter(|plan| wanted.is_empty() || wanted.iter().any(|name| *name == plan.target.name))
        .collect();
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some(plan) = plans.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = test(check, plan) {
                        println!("FAILED {}: {error:#}", plan.target.name);
                        failed.lock().expect("no thread panics with it").push(plan.target.name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no thread panics with it");
    if !failed.is_empty() {
        bail!("on {}", failed.join(", "));
    }
    Ok(())
}

/// All tests on the first processor, those of the instruction set on the others.
fn test(check: &Check, plan: &Plan) -> anyhow::Result<()> {
    let begun = Instant::now();
    let ready = match cross::ready(plan.target) {
        Ok(ready) => ready,
        Err(error) => {
            check.skip(&format!("tests on {}", plan.target.name), reason(&error));
            return Ok(());
        }
    };
    println!("{}: ready after {} seconds", plan.target.name, begun.elapsed().as_secs());
    for (at, processor) in plan.processors.iter().enumerate() {
        let begun = Instant::now();
        // Both packages are named each time: with one alone, what they depend on would
        // have other features and be compiled again.
        let tests = cargo(&ready, plan, processor).args(WITHOUT_STD);
        let tests = match plan.level {
            Some(level) if at > 0 => tests.args(["--test", "levels", "--"]).arg(format!("{level}::")),
            _ => tests.arg("--lib").args(TESTS.iter().flat_map(|test| ["--test", test])).arg("--"),
        };
        // There a panic ends the whole run, with what it said, if that was kept back.
        let shown: &[&str] = if plan.target.name == "wasip1" { &["--nocapture"] } else { &[] };
        let skipped = NOT_HERE.iter().flat_map(|name| ["--skip", name]);
        let output = tests.args(skipped).args(shown).limited(LIMIT).output()?;
        let text = printed(&output);
        if !output.status.success() {
            bail!("{processor} {}\n{}", output.status, tail(&text));
        }
        if let Some(level) = plan.level.filter(|level| !has_level(&text, level)) {
            bail!("{processor}: the level {level} was not tested\n{}", tail(&text));
        }
        println!("{}", line(plan, processor, passed(&text), begun.elapsed().as_secs()));
    }
    Ok(())
}

/// That the level was there to be tested: its claims are ignored where it is not.
fn has_level(printed: &str, level: &str) -> bool {
    let start = format!("test {level}::");
    let mut claims = printed.lines().filter(|line| line.starts_with(&start)).peekable();
    claims.peek().is_some() && claims.all(|line| line.ends_with("... ok"))
}

/// `cargo test` on a processor. Compiling is most of the time: nothing is kept for
/// debuggers.
fn cargo(ready: &Ready, plan: &Plan, processor: &str) -> Program {
    let cases = std::env::var("PROPTEST_CASES").unwrap_or_else(|_| CASES.to_owned());
    let mut cargo = ready.cargo("").env("PROPTEST_CASES", cases).env("CARGO_INCREMENTAL", "0");
    if !processor.is_empty() {
        cargo = cargo.env("QEMU_CPU", processor);
    }
    for checked in ["DEBUG_ASSERTIONS", "OVERFLOW_CHECKS"] {
        cargo = cargo.env(format!("CARGO_PROFILE_DEV_{checked}"), plan.asserts.to_string());
    }
    cargo.env("CARGO_PROFILE_DEV_DEBUG", "false").env("CARGO_TARGET_DIR", target().join("cross")).args([
        "test",
        "--locked",
        "--target",
        ready.target.triple,
    ])
}

fn line(plan: &Plan, processor: &str, passed: usize, seconds: u64) -> String {
    let level = plan.level.unwrap_or("scalar");
    format!("{:<8} {processor:<10} {level:<7} {passed:>5} passed, {seconds:>4} seconds", plan.target.name)
}

/// How many tests passed, by the closing lines of their programs.
fn passed(printed: &str) -> usize {
    let lines = printed.lines().filter_map(|line| line.strip_prefix("test result: ok. "));
    lines.filter_map(|line| line.split(' ').next()?.parse::<usize>().ok()).sum()
}

/// An error in one line.
pub(crate) fn reason(error: &anyhow::Error) -> String {
    let whole = format!("{error:#}");
    let lines: Vec<_> = whole.lines().filter(|line| !line.trim().is_empty()).collect();
    match lines.as_slice() {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first, .., last] => format!("{first} {}", last.trim()),
    }
}

#[cfg(test)]
mod tests {
    use super::{has_level, passed, reason};

    #[test]
    fn a_level_whose_claims_are_ignored_was_not_tested() {
        let printed = "test scalar::dots ... ok\ntest neon::dots ... ok\ntest simd128::dots ... ignored\n";
        assert!(has_level(printed, "neon"));
        assert!(!has_level(printed, "simd128"));
        assert!(!has_level(printed, "avx2"));
    }

    #[test]
    fn the_tests_of_all_programs_are_added() {
        let printed = "test result: ok. 3 passed; 0 failed\nelse\ntest result: ok. 14 passed; 0 failed";
        assert_eq!(passed(printed), 17);
    }

    #[test]
    fn a_reason_is_one_line() {
        assert_eq!(reason(&anyhow::anyhow!("first\nsecond\n\n third\n")), "first third");
    }
}
