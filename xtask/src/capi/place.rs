//! Where the C library is, and the programs that its check needs.

use std::path::PathBuf;

use crate::check::{Check, root};
use crate::cross;
use crate::program::Program;
use crate::targets::reason;

pub(super) fn folder() -> PathBuf {
    root().join("capi")
}

pub(super) fn committed() -> PathBuf {
    folder().join("include/gradsieve.h")
}

/// Whether there are these programs, by now at least: each is in the package of its name.
/// If one is not to be had, `what` is skipped.
pub(super) fn are_there(check: &Check, programs: &[&str], what: &str) -> bool {
    let there = |name: &&str| {
        let asked = || Program::new(*name).arg("--version").read();
        asked().or_else(|_| cross::install(&[*name]).and_then(|()| asked()))
    };
    match programs.iter().try_for_each(|name| there(name).map(drop)) {
        Ok(()) => true,
        Err(error) => {
            check.skip(what, reason(&error));
            false
        }
    }
}
