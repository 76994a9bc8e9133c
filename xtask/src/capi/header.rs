//! The header and the symbols of the C library.

use std::collections::BTreeSet;

use anyhow::{bail, ensure};

use super::place::{committed, folder};
use crate::check::target;
use crate::installed::installed;
use crate::program::Program;

/// What all symbols begin with.
const PREFIX: &str = "gradsieve_";
/// When the compilation of cbindgen is given up, in seconds.
const LIMIT: u32 = 600;

/// The header that cbindgen makes.
pub(super) fn made_header() -> anyhow::Result<String> {
    let cbindgen = installed("cbindgen", &[], LIMIT)?;
    Program::new(cbindgen).args(["--quiet", "--config", "cbindgen.toml"]).folder(folder()).read()
}

/// The symbols of the shared library are the functions of the header.
pub(super) fn symbols() -> anyhow::Result<()> {
    let library = target().join("debug/libgradsieve.so");
    let printed = Program::new("nm").args(["--dynamic", "--defined-only"]).arg(library).read()?;
    let exported: BTreeSet<_> = printed.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    let header = std::fs::read_to_string(committed())?;
    let declared: BTreeSet<_> = declared(&header).collect();
    ensure!(!declared.is_empty(), "the header declares nothing");
    if exported != declared {
        let missing: Vec<_> = declared.difference(&exported).collect();
        let others: Vec<_> = exported.difference(&declared).collect();
        bail!("the shared library lacks {missing:?}, and has {others:?} beside what the header declares");
    }
    if let Some(name) = exported.iter().find(|name| !name.starts_with(PREFIX)) {
        bail!("the symbol {name} does not begin with {PREFIX}");
    }
    println!("{} functions, all of the header", declared.len());
    Ok(())
}

/// The functions that a header declares: names before a parenthesis, outside of comments.
fn declared(header: &str) -> impl Iterator<Item = &str> {
    let is_code = |line: &&str| !line.starts_with([' ', '#', '/', '}', '{']) && !line.starts_with("typedef");
    header.lines().filter(is_code).filter_map(|line| {
        let name = line.split_once('(')?.0.rsplit([' ', '*']).next()?;
        name.starts_with(PREFIX).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::declared;

    #[test]
    fn functions_are_told_from_types_and_comments() {
        let header = "/**\n * gradsieve_no(\n */\n#define gradsieve_neither(x)\nconst char *gradsieve_one(int x);\n\
                      gradsieve_status gradsieve_two(\n    int (*gradsieve_x)(void));\ntypedef int (*gradsieve_t)(void);\n";
        assert_eq!(declared(header).collect::<Vec<_>>(), ["gradsieve_one", "gradsieve_two"]);
    }
}
