//! What each kernel family costs on a Cortex-M4F, in bytes: images that use one each,
//! with the source files of which there is code in them.
//!
//! It fails if there is code of a file that the book does not name, if an image has data,
//! or if the kernels have another global than the byte that remembers the level.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::{Arg, ArgAction, ArgMatches};

use crate::check::{Check, root, target};
use crate::cross::{self, Ready, THUMBV7EM};
use crate::program::Program;
use crate::step::Step;
use crate::targets::reason;

pub(crate) const STEP: Step = Step {
    name: "size",
    about: "Bytes of each kernel family on a Cortex-M4F, and nothing of the others in them",
    in_ci: true,
    arguments: |command| {
        let write = Arg::new("write").long("write").action(ArgAction::SetTrue);
        command.arg(write.help("Writes the table into the book"))
    },
    run,
};

/// The page with the table.
const PAGE: &str = "docs/src/results/size.md";
/// The image that uses nothing.
pub(crate) const NOTHING: &str = "nothing";

fn run(check: &Check, given: &ArgMatches) -> anyhow::Result<()> {
    let set_up = cross::ready(&THUMBV7EM).and_then(|ready| Ok((ready, objdump()?)));
    let (ready, objdump) = match set_up {
        Ok(both) => both,
        Err(error) => {
            check.skip("the bytes of the kernel families on a Cortex-M4F", reason(&error));
            return Ok(());
        }
    };
    let (fast, small) = (build(&ready, "3", "fast")?, build(&ready, "\"s\"", "small")?);
    println!("{}", ready.version()?);
    let page = std::fs::read_to_string(root().join(PAGE))?;
    let mut rows = vec![
        "| image | bytes, for speed | bytes, for size | code of |".to_owned(),
        "|---|---|---|---|".to_owned(),
    ];
    let mut wrong = Vec::new();
    for name in images()? {
        let code = files(objdump, &fast.join(&name))?;
        let words: Vec<_> = code.iter().map(String::as_str).collect();
        let beyond = |folder: &Path| {
            Ok::<_, anyhow::Error>(
                weight(&folder.join(&name))?.constant - weight(&folder.join(NOTHING))?.constant,
            )
        };
        rows.push(format!("| `{name}` | {} | {} | {} |", beyond(&fast)?, beyond(&small)?, words.join(" ")));
        let said = said(&page, &name);
        wrong.extend(
            code.difference(&said)
                .map(|file| format!("code of {file} in {name}, which {PAGE} does not name")),
        );
        for image in [&fast, &small].map(|folder| folder.join(&name)) {
            if weight(&image)?.variable > 0 {
                wrong.push(format!("{} has data", image.display()));
            }
        }
    }
    println!("{}", rows.join("\n"));
    if given.get_flag("write") {
        let others =
            page.lines().skip_while(|line| !line.starts_with('|')).skip_while(|line| line.starts_with('|'));
        let before = page.lines().take_while(|line| !line.starts_with('|'));
        let lines: Vec<_> = before.chain(rows.iter().map(String::as_str)).chain(others).collect();
        return Ok(std::fs::write(root().join(PAGE), lines.join("\n") + "\n")?);
    }
    wrong.extend(wrong_globals()?);
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    Ok(())
}

/// A disassembler that knows Arm.
fn objdump() -> anyhow::Result<&'static str> {
    const NAMES: [&str; 3] = ["llvm-objdump", "arm-none-eabi-objdump", "arm-linux-gnueabihf-objdump"];
    let there = || NAMES.into_iter().find(|name| Program::new(name).arg("--version").read().is_ok());
    if there().is_none() {
        cross::install(&["binutils-arm-linux-gnueabihf"])?;
    }
    there().context("no objdump that knows Arm")
}

/// Builds the images and returns their folder.
pub(crate) fn build(ready: &Ready, level: &str, name: &str) -> anyhow::Result<PathBuf> {
    let folder = target().join("size").join(name);
    let triple = ready.target.triple;
    let cargo = ready.cargo("-D warnings").args(["build", "--locked", "--release", "--target", triple]);
    let cargo = cargo.arg("--config").arg(format!("profile.release.opt-level={level}"));
    cargo.env("CARGO_TARGET_DIR", &folder).folder(root().join("tests/size")).read()?;
    Ok(folder.join(triple).join("release"))
}

/// The names of the images.
fn images() -> anyhow::Result<BTreeSet<String>> {
    let entries = std::fs::read_dir(root().join("tests/size/src/bin"))?;
    let names = entries.filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned()));
    Ok(names.collect())
}

/// The files of the kernels of which there are instructions in an image.
fn files(objdump: &str, image: &Path) -> anyhow::Result<BTreeSet<String>> {
    let printed = Program::new(objdump).args(["-d", "-l"]).arg(image).read()?;
    let lines = printed.lines().filter_map(|line| line.split_once("kernels/src/")?.1.split_once(".rs:"));
    Ok(lines.map(|(file, _)| file.to_owned()).collect())
}

/// The files that the page names for an image.
fn said(page: &str, image: &str) -> BTreeSet<String> {
    let start = format!("| `{image}` ");
    let row = page.lines().find(|line| line.starts_with(&start)).unwrap_or_default();
    let last = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
    last.split_whitespace().map(str::to_owned).collect()
}

/// Bytes of the sections that are loaded.
pub(crate) struct Weight {
    /// Code and constants.
    pub(crate) constant: i64,
    /// What can be written, zeros among them.
    variable: i64,
}

/// Weighs an image: an ELF file of 32 bits, little-endian.
pub(crate) fn weight(image: &Path) -> anyhow::Result<Weight> {
    const WRITABLE: u32 = 1;
    const LOADED: u32 = 2;
    // Unwinding tables: of no use to an image that aborts; a linker script leaves them
    // out.
    const UNWINDING: u32 = 0x7000_0001;
    let bytes = std::fs::read(image).with_context(|| image.display().to_string())?;
    ensure!(bytes.starts_with(b"\x7fELF\x01\x01"), "{} is no image of 32 bits", image.display());
    let half = |at: usize| Some(usize::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let sections = || {
        let (start, size, count) = (usize::try_from(word(32)?).ok()?, half(46)?, half(48)?);
        let mut weight = Weight { constant: 0, variable: 0 };
        for at in (0..count).map(|section| start + section * size) {
            let (kind, flags, length) = (word(at + 4)?, word(at + 8)?, word(at + 20)?);
            if flags & LOADED != 0 && kind != UNWINDING {
                let part = if flags & WRITABLE != 0 { &mut weight.variable } else { &mut weight.constant };
                *part += i64::from(length);
            }
        }
        Some(weight)
    };
    sections().with_context(|| format!("{} is cut", image.display()))
}

/// Sections of the kernels that can be written and hold something: one byte, for the
/// level.
///
/// Tables of addresses are constant, and the unwinder's are not the kernels'.
fn wrong_globals() -> anyhow::Result<Vec<String>> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return Ok(Vec::new());
    }
    // Apart from the workspace's own build, whose lock it would wait for.
    let place = target().join("size/host");
    let cargo = Program::cargo().env("CARGO_TARGET_DIR", &place);
    cargo.args(["build", "--quiet", "--locked", "-p", "gradsieve-kernels"]).read()?;
    let printed =
        Program::new("objdump").arg("-h").arg(place.join("debug/libgradsieve_kernels.rlib")).read()?;
    let mut globals = Vec::new();
    for line in printed.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        let [_, name, length, ..] = words.as_slice() else { continue };
        let kinds = [".data.", ".bss.", ".tdata.", ".tbss."];
        let constant = name.starts_with(".data.rel.ro") || name.starts_with(".data.DW.ref");
        let is_empty = u64::from_str_radix(length, 16).is_ok_and(|length| length == 0);
        if kinds.iter().any(|kind| name.starts_with(kind)) && !constant && !is_empty {
            globals.push(format!("{name} {}", length.trim_start_matches('0')));
        }
    }
    println!(
        "globals on this machine: {}",
        if globals.is_empty() { "none".to_owned() } else { globals.join(", ") }
    );
    let is_the_level = |global: &&String| global.contains("level6choice4BEST") && global.ends_with(" 1");
    let others = globals.iter().filter(|global| !is_the_level(global));
    Ok(others.map(|global| format!("another global than the level's byte: {global}")).collect())
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn the_last_column_names_the_files() {
        let page = "text\n| `dot` | 13 | 6 | dot error sum |\n| `dot_f32` | 1 | 1 | dot |\n";
        assert_eq!(said(page, "dot").into_iter().collect::<Vec<_>>(), ["dot", "error", "sum"]);
        assert!(said(page, "norm").is_empty());
    }
}
