//! The whole check: every step that belongs to it, one after the other, with its minutes.

use std::time::{Duration, Instant};

use anyhow::bail;
use clap::{Arg, ArgMatches};

use crate::check::Check;
use crate::step::Step;
use crate::steps::STEPS;

pub(crate) const STEP: Step = Step {
    name: "ci",
    about: "The whole check of a change: each step that this machine can run, with its minutes",
    in_ci: false,
    arguments,
    run,
};

fn arguments(command: clap::Command) -> clap::Command {
    let steps = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name("STEP,…").value_delimiter(',').help(help)
    };
    command
        .arg(steps("only", "Runs these steps alone"))
        .arg(steps("skip", "Leaves these steps out"))
        .after_help("Example:\n  cargo xtask ci --skip targets,memory")
}

fn run(check: &Check, given: &ArgMatches) -> anyhow::Result<()> {
    let named =
        |list: &str, step: &Step| given.get_many::<String>(list).map(|mut n| n.any(|n| n == step.name));
    for name in ["only", "skip"].iter().filter_map(|list| given.get_many::<String>(list)).flatten() {
        if !STEPS.iter().any(|step| step.in_ci && step.name == name) {
            bail!("the whole check has no step {name:?}");
        }
    }
    let mut rows = Vec::new();
    for step in STEPS.iter().filter(|step| step.in_ci) {
        if !named("only", step).unwrap_or(true) || named("skip", step).unwrap_or(false) {
            continue;
        }
        println!("\n== {}: {}", step.name, step.about);
        let begun = Instant::now();
        let skipped = check.skipped().len();
        let result = step.defaults().and_then(|defaults| (step.run)(check, &defaults));
        let outcome = match &result {
            Err(error) => {
                println!("FAILED {}: {error:#}", step.name);
                "FAILED"
            }
            Ok(()) if check.skipped().len() > skipped => "ok, something skipped",
            Ok(()) => "ok",
        };
        println!("{}: {} minutes", step.name, minutes(begun.elapsed()));
        rows.push((step.name, begun.elapsed(), outcome));
    }
    println!("\n{:<12} {:>7}", "step", "minutes");
    for (name, time, outcome) in &rows {
        println!("{name:<12} {:>7}  {outcome}", minutes(*time));
    }
    let whole = rows.iter().map(|(_, time, _)| *time).sum();
    println!("{:<12} {:>7}", "all", minutes(whole));
    for line in check.skipped() {
        println!("{line}");
    }
    let failed: Vec<_> =
        rows.iter().filter(|(_, _, outcome)| *outcome == "FAILED").map(|row| row.0).collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

/// Minutes with one decimal.
fn minutes(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() / 60.0)
}
