//! The demonstration: it finds what it says it finds, and writes its page.

use anyhow::{Context, ensure};
use clap::ArgMatches;
use serde_json::Value;

use crate::check::{Check, target};
use crate::program::Program;
use crate::step::{Step, no_arguments};

pub(crate) const STEP: Step = Step {
    name: "demo",
    about: "The demonstration finds the flipped labels and writes its page",
    in_ci: true,
    arguments: no_arguments,
    run,
};

/// What must do better than chance.
const DETECTORS: &[&str] = &[
    "loss",
    "mean loss",
    "out-of-fold loss",
    "l1",
    "l2",
    "forest",
    "mahalanobis",
    "direction",
    "self-influence",
    "sieve",
    "mean sieve",
];
/// The least bytes of a page with pictures in it.
const PAGE: u64 = 10_000;

fn run(_: &Check, _: &ArgMatches) -> anyhow::Result<()> {
    let out = target().join("demo");
    std::fs::create_dir_all(&out)?;
    // The program that the tests were made with: `cargo run -p` would build it once more,
    // for fewer packages ask for fewer features.
    let mut program = target().join("debug/gradsieve");
    if !program.is_file() {
        Program::cargo().args(["build", "--locked", "--bins"]).read()?;
        program.set_extension(std::env::consts::EXE_EXTENSION);
    }
    let printed = Program::new(program).args(["demo", "--json", "--out"]).arg(&out).read()?;
    let demo: Value = serde_json::from_str(&printed).context("what the demonstration printed")?;
    let best = judge(&demo)?;
    let mut pages = std::fs::read_dir(&out)?.filter_map(|entry| Some(entry.ok()?.path()));
    let page = pages.find(|path| path.extension().is_some_and(|ending| ending == "html"));
    let page = page.context("the demonstration wrote no page")?;
    ensure!(page.metadata()?.len() > PAGE, "{} is too short for a page", page.display());
    println!("{best}");
    Ok(())
}

/// Whether the figures are what the demonstration claims.
fn judge(demo: &Value) -> anyhow::Result<String> {
    let detectors = demo["detectors"].as_array().context("no detectors")?;
    let named = |name: &str| detectors.iter().find(|detector| detector["name"] == name);
    let flips = number(&demo["flips"])?;
    for name in DETECTORS {
        let detector = named(name).with_context(|| format!("no detector {name}"))?;
        let (auroc, precision) = (number(&detector["auroc"])?, number(&detector["average_precision"])?);
        let (found, after) = (number(&detector["found"])?, number(&detector["accuracy_after"])?);
        ensure!(0.5 < auroc && auroc <= 1.0, "{detector}");
        ensure!(0.0 < precision && precision <= 1.0, "{detector}");
        ensure!(0.0 < found && found <= flips, "{detector}");
        ensure!(0.0 < after && after <= 1.0, "{detector}");
    }
    let best = named("self-influence").context("no self-influence")?;
    let (auroc, after) = (number(&best["auroc"])?, number(&best["accuracy_after"])?);
    let (before, ceiling) = (number(&demo["accuracy_before"])?, number(&demo["accuracy_ceiling"])?);
    ensure!(auroc > 0.95 && before < after, "{best}");
    ensure!(before < ceiling && ceiling <= 1.0, "accuracy {before}, ceiling {ceiling}");
    Ok(format!("self-influence: AUROC {auroc:.3}; accuracy {before:.3} -> {after:.3}, ceiling {ceiling:.3}"))
}

fn number(value: &Value) -> anyhow::Result<f64> {
    value.as_f64().with_context(|| format!("{value} is no number"))
}
