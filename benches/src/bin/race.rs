//! The race: our kernels, their peers and the machine's limits, interleaved in one run.

use anyhow::Context;
use clap::Parser;
use gradsieve_bench::clock::Plan;
use gradsieve_bench::contest::{Hall, Outcome};
use gradsieve_bench::figures::{About, Figures, command};
use gradsieve_bench::machine::{Footprint, Machine};
use gradsieve_bench::{CONTESTS, limits, report};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Races gradsieve's kernels against their peers and against what the machine can do.
///
/// Every figure is a fraction of a limit that was measured in the same rounds, in thread
/// CPU time: a loop that reads (or reads and writes) the same bytes and does nothing
/// else. Each contest's outcome is told on stderr as it ends, and its figures are kept in
/// a CSV file.
#[derive(Parser)]
#[command(after_help = "Examples:
  cargo run --profile bench -p gradsieve-bench --bin race
  cargo run --profile bench -p gradsieve-bench --bin race -- --quick
  cargo run --profile bench -p gradsieve-bench --bin race -- --only 'dot float16'
  cargo run --profile bench -p gradsieve-bench --bin race -- --only 'sjlt float32 L3' --json
  cargo run --profile bench -p gradsieve-bench --bin race -- --csv race.csv")]
struct Arguments {
    /// Print a JSON list instead of the table.
    #[arg(long)]
    json: bool,
    /// The new file that figures are kept in, row by row as contests end; one in
    /// target/race with date and time in its name, if not given.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// What the file calls this machine; its processor's name, if not given.
    #[arg(long, value_name = "TEXT")]
    machine: Option<String>,
    /// Fewer rounds: about a quarter of the time, and noisier.
    #[arg(long)]
    quick: bool,
    /// Only the contests whose name (`kernel dtype shape`) contains this. May be given
    /// again.
    #[arg(long, value_name = "PATTERN")]
    only: Vec<String>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let rounds = if arguments.quick { 11 } else { 48 };
    let plan = Plan { rounds, run: Duration::from_millis(1) };
    let machine = Machine::here();
    let [l1, l2, l3] = machine.caches.map(|bytes| bytes >> 10);
    let footprints = Footprint::ALL.map(|f| format!("{} {} KiB", f.name(), machine.bytes(f) >> 10));
    eprintln!("{}; caches {l1} KiB, {l2} KiB, {l3} KiB", machine.cpu);

    let regime = format!(
        "one thread; thread CPU time; {rounds} rounds; ours and peer are fractions of a limit measured in the \
         same rounds; all streams together take {}",
        footprints.join(", ")
    );
    let named = arguments.machine.clone().unwrap_or_else(|| machine.cpu.clone());
    let about = About { machine: named, command: command("race"), regime };
    let path = arguments.csv.map_or_else(usual_file, Ok)?;
    let mut figures = Figures::create(&path, &about, &report::COLUMNS)?;
    let tell = move |outcome: &Outcome| {
        eprintln!("  {}", report::line(outcome));
        for row in report::rows(outcome) {
            if let Err(error) = figures.row(&row) {
                eprintln!("    {error:#}");
            }
        }
    };

    let start = Instant::now();
    let mut hall = Hall::new(machine, plan, arguments.only.clone(), tell);
    for hold in CONTESTS {
        hold(&mut hall);
    }
    if hall.outcomes().is_empty() {
        let only = arguments.only.join("\" or \"");
        anyhow::bail!("no contest's name contains \"{only}\"; names look like \"dot float16 L2\"");
    }
    let (count, seconds) = (hall.outcomes().len(), start.elapsed().as_secs_f64());
    eprintln!("{count} contests in {seconds:.0} s; their figures are in {}", path.display());

    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report::json(&hall))?);
        return Ok(());
    }
    println!("{} · caches {l1} KiB, {l2} KiB, {l3} KiB", hall.machine.cpu);
    println!("{} · {rounds} rounds, thread CPU time", jiff::Zoned::now().strftime("%Y-%m-%d %H:%M %Z"));
    println!("footprints, all streams together: {}", footprints.join(", "));
    for (name, figure) in limits::compute(plan) {
        println!("{name}: {:.1} G/s", figure * 1e-9);
    }
    println!("\n{}", report::table(&hall));
    Ok(())
}

/// A file of figures that is not there yet.
fn usual_file() -> anyhow::Result<PathBuf> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/race"));
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder.join(format!("race_{}.csv", jiff::Zoned::now().strftime("%Y-%m-%d_%H-%M-%S"))))
}
