//! The whole check: every step that belongs to it, one after the other, with its minutes.

use std::time::{Duration, Instant};

use anyhow::bail;
use clap::{Arg, ArgMatches};

use crate::check::Check;
use crate::step::Step;
use crate::steps::STEPS;

const FAILED: &str = "FAILED";

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
    let (mut rows, mut errors) = (Vec::new(), Vec::new());
    for step in STEPS.iter().filter(|step| step.in_ci) {
        if !named("only", step).unwrap_or(true) || named("skip", step).unwrap_or(false) {
            continue;
        }
        println!("\n== {}: {}", step.name, step.about);
        let (begun, worked) = (Instant::now(), processor_time());
        let skipped = check.skipped().len();
        let result = step.defaults().and_then(|defaults| (step.run)(check, &defaults));
        let outcome = match &result {
            Err(error) => {
                println!("FAILED {}", step.name);
                errors.push(format!("\n== FAILED {}: {error:#}", step.name));
                FAILED
            }
            Ok(()) if check.skipped().len() > skipped => "ok, something skipped",
            Ok(()) => "ok",
        };
        let row = Row {
            name: step.name,
            time: begun.elapsed(),
            work: processor_time().saturating_sub(worked),
            outcome,
        };
        println!("{}", row.line());
        rows.push(row);
    }
    errors.iter().for_each(|error| println!("{error}"));
    println!("\n{:<12} {:>7} {:>9}", "step", "minutes", "processor");
    let (time, work) = (rows.iter().map(|row| row.time).sum(), rows.iter().map(|row| row.work).sum());
    rows.iter().for_each(|row| println!("{}", row.line()));
    println!("{}", Row { name: "all", time, work, outcome: "" }.line());
    for line in check.skipped() {
        println!("{line}");
    }
    let failed: Vec<_> = rows.iter().filter(|row| row.outcome == FAILED).map(|row| row.name).collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

/// What one step took and how it ended.
struct Row {
    name: &'static str,
    time: Duration,
    work: Duration,
    outcome: &'static str,
}

impl Row {
    fn line(&self) -> String {
        let (time, work) = (minutes(self.time), minutes(self.work));
        format!("{:<12} {time:>7} {work:>9}  {}", self.name, self.outcome).trim_end().to_owned()
    }
}

/// What the processors have worked for the programs that ended, on Linux; elsewhere
/// nothing.
fn processor_time() -> Duration {
    const TICKS_A_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(13).take(2).filter_map(|ticks| ticks.parse::<u32>().ok());
    Duration::from_secs_f64(f64::from(ticks.sum::<u32>()) / TICKS_A_SECOND)
}

/// Minutes with one decimal.
fn minutes(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() / 60.0)
}
