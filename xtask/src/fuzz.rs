//! The fuzz targets, each for some seconds, watched by AddressSanitizer.
//!
//! They are compiled as libFuzzer wants it, with counters at every edge, by the nightly
//! compiler alone; cargo-fuzz is not needed. What a target finds new stays in
//! `fuzz/corpus`, what makes it fail in `fuzz/artifacts`.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, bail};
use clap::{Arg, ArgMatches, value_parser};

use crate::check::{Check, root, target};
use crate::crates::packages;
use crate::program::{Program, printed, tail};
use crate::step::Step;

pub(crate) const STEP: Step = Step {
    name: "fuzz",
    about: "The fuzz targets find nothing, each in some seconds",
    in_ci: true,
    arguments: |command| {
        let seconds = Arg::new("seconds").long("seconds").value_name("N").default_value("60");
        let targets = Arg::new("target").value_name("TARGET").num_args(0..);
        command
            .arg(targets.help("The targets, as they stand in fuzz/fuzz_targets [default: all]"))
            .arg(seconds.value_parser(value_parser!(u32)).help("How long each is run"))
            .after_help("Examples:\n  cargo xtask fuzz\n  cargo xtask fuzz operations --seconds 3600")
    },
    run,
};

const HOST: &str = "x86_64-unknown-linux-gnu";
/// What libFuzzer counts, and that nothing is written where it should not.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Zsanitizer=address \
    -Cdebug-assertions -Ccodegen-units=4";
/// Folders of files that are here anyway, for the targets that read such files.
const FILES: [(&str, &str); 2] = [("arrays", "io/tests/golden/files"), ("tables", "harness/data")];
/// Seconds beyond those asked for after which a target hangs.
const GRACE: u32 = 120;

fn run(check: &Check, given: &ArgMatches) -> anyhow::Result<()> {
    let is_host = cfg!(all(target_arch = "x86_64", target_os = "linux"));
    let Some(cargo) = Program::nightly().filter(|_| is_host) else {
        check.skip("fuzz targets", "no nightly toolchain for x86-64 Linux");
        return Ok(());
    };
    let folder = root().join("fuzz");
    let all = names(&folder)?;
    let asked: Vec<String> = given.get_many::<String>("target").into_iter().flatten().cloned().collect();
    if let Some(unknown) = asked.iter().find(|name| !all.contains(name)) {
        bail!("expected one of the targets {}, found {unknown:?}", all.join(", "));
    }
    let names = if asked.is_empty() { all } else { asked };
    let built = target().join("fuzz");
    let build = cargo.args(["build", "--release", "--locked", "--quiet", "--bins"]);
    let build = build.args(["--target", HOST]).folder(&folder).env("RUSTFLAGS", FLAGS);
    // Level 1 shares the generic code of the kernels between targets: minutes less.
    let build = build.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
    build.env("CARGO_TARGET_DIR", &built).read()?;
    let seconds = *given.get_one::<u32>("seconds").context("a default")?;
    each(&names, |name| fuzz(&folder, &built.join(HOST).join("release").join(name), name, seconds))
}

/// The targets.
fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let packages = packages(folder)?;
    let package = packages.first().context("no package of fuzz targets")?;
    let targets = package["targets"].as_array().context("a package without targets")?;
    Ok(targets.iter().filter_map(|target| target["name"].as_str().map(str::to_owned)).collect())
}

/// Does something for each, as many at a time as the machine has cores.
fn each(names: &[String], run: impl Fn(&str) -> anyhow::Result<()> + Sync) -> anyhow::Result<()> {
    let (next, errors) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = run(name) {
                        errors.lock().expect("no thread panics").push(format!("{name}: {error:#}"));
                    }
                }
            });
        }
    });
    let errors = errors.into_inner().expect("no thread panics");
    if errors.is_empty() { Ok(()) } else { bail!("{}", errors.join("\n")) }
}

/// Runs one target.
fn fuzz(folder: &Path, program: &Path, name: &str, seconds: u32) -> anyhow::Result<()> {
    let [corpus, artifacts, seeds] = ["corpus", "artifacts", "seeds"].map(|of| folder.join(of).join(name));
    let files = FILES.iter().filter(|(target, _)| *target == name).map(|(_, files)| root().join(files));
    std::fs::create_dir_all(&corpus)?;
    std::fs::create_dir_all(&artifacts)?;
    let fuzzer = Program::new(program)
        .arg(format!("-max_total_time={seconds}"))
        .args(["-timeout=20", "-rss_limit_mb=3000", "-print_final_stats=1"])
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(&corpus)
        .args(seeds.is_dir().then_some(&seeds))
        .args(files);
    let output = fuzzer.limited(seconds + GRACE).output()?;
    let text = printed(&output);
    if !output.status.success() {
        bail!("{}\n{}", output.status, tail(&text));
    }
    let runs = text.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let edges = text.lines().rev().find_map(|line| line.split("cov: ").nth(1)?.split(' ').next());
    let (runs, edges) = (runs.unwrap_or("?").trim(), edges.unwrap_or("?"));
    println!("ok   {name}: {runs} inputs in {seconds} seconds, {edges} edges");
    Ok(())
}
