//! The packages as they would be published: they hold their licences and a README, and no
//! more than they need.

use anyhow::{Context, bail};
use clap::{Arg, ArgAction, ArgMatches};
use serde_json::Value;

use crate::check::{Check, root, target};
use crate::crates::packages;
use crate::program::Program;
use crate::step::Step;

pub(crate) const STEP: Step = Step {
    name: "package",
    about: "Each package holds its licences and README, and is small",
    in_ci: true,
    arguments: |command| {
        let verify = Arg::new("verify").long("verify").action(ArgAction::SetTrue);
        command
            .arg(verify.help("Compiles each package from what is in it"))
            .after_help("Example:\n  cargo xtask package --verify")
    },
    run,
};

/// The most bytes of a package.
const LARGEST: u64 = 400 * 1024;
/// What each package holds.
const HELD: &[&str] = &["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];

fn run(_: &Check, given: &ArgMatches) -> anyhow::Result<()> {
    let packages = packages(root())?;
    // `publish = false` is an empty list of registries.
    let published: Vec<_> = packages.iter().filter(|package| package["publish"].is_null()).collect();
    let text =
        |value: &Value| value.as_str().map(str::to_owned).context("a package without a name or version");
    let mut named = Vec::new();
    for package in &published {
        named.push((text(&package["name"])?, text(&package["version"])?));
    }
    let chosen = || named.iter().flat_map(|(name, _)| ["-p", name]);
    let cargo = Program::cargo().args(["package", "--locked", "--quiet", "--allow-dirty"]).args(chosen());
    let cargo = if given.get_flag("verify") { cargo } else { cargo.arg("--no-verify") };
    cargo.read()?;
    let mut wrong = Vec::new();
    for (name, version) in &named {
        let file = target().join("package").join(format!("{name}-{version}.crate"));
        let bytes = file.metadata().with_context(|| file.display().to_string())?.len();
        let list =
            Program::cargo().args(["package", "--list", "--locked", "--allow-dirty", "-p", name]).read()?;
        println!("{name}: {} files, {} KiB", list.lines().count(), bytes.div_ceil(1024));
        if bytes > LARGEST {
            wrong.push(format!("{name} has more than {} KiB", LARGEST / 1024));
        }
        for held in HELD.iter().filter(|held| !list.lines().any(|line| line == **held)) {
            wrong.push(format!("{name} lacks {held}"));
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    Ok(())
}
