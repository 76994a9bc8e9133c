//! The graph of files of each crate: which file names items of which. No circle is
//! allowed, so that the files of a crate can be read one after the other.
//!
//! An item counts as imported from the file that defines it, not from those that pass it
//! on. A module that passes on what its children define (`pub use`) does not depend on
//! them. Tests inside of files (`#[cfg(test)]`) are left out.

mod circles;
mod graph;

use anyhow::bail;
use clap::{Arg, ArgAction, ArgMatches};

use crate::check::Check;
use crate::crates::{short, units};
use crate::source;
use crate::step::Step;

pub(crate) const STEP: Step = Step {
    name: "imports",
    about: "No circle of imports between the files of a crate",
    in_ci: true,
    arguments,
    run,
};

fn arguments(command: clap::Command) -> clap::Command {
    command
        .arg(
            Arg::new("edges")
                .long("edges")
                .action(ArgAction::SetTrue)
                .help("Prints every edge and what is named"),
        )
        .arg(Arg::new("crate").help("Only packages whose name contains this"))
        .after_help("Example:\n  cargo xtask imports --edges kernels")
}

fn run(_: &Check, given: &ArgMatches) -> anyhow::Result<()> {
    let wanted = given.get_one::<String>("crate").map_or("", String::as_str);
    let mut all = 0;
    for unit in units()?.iter().filter(|unit| unit.name.contains(wanted)) {
        let modules = source::read(&unit.root)?;
        let edges = graph::edges(&modules);
        let file = |index: usize| short(&modules.files[index]);
        if given.get_flag("edges") {
            for ((from, to), names) in &edges {
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                println!("{} -> {}: {}", file(*from), file(*to), names.join(", "));
            }
        }
        let circles = circles::find(modules.files.len(), edges.keys().copied());
        all += circles.len();
        println!(
            "{}: {} files, {} edges, {} circles",
            unit.name,
            modules.files.len(),
            edges.len(),
            circles.len()
        );
        for circle in circles {
            println!("  circle of {} files:", circle.len());
            for (from, to) in circles::inside(&circle, edges.keys().copied()) {
                let names: Vec<_> = edges[&(from, to)].iter().map(String::as_str).collect();
                println!("    {} -> {}: {}", file(from), file(to), names.join(", "));
            }
        }
    }
    if all > 0 {
        bail!("{all} circles of imports");
    }
    Ok(())
}
