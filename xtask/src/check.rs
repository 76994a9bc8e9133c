//! The state of one run: what was skipped, and where the clone is.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// One run of one or of all steps.
#[derive(Default)]
pub(crate) struct Check {
    skipped: Mutex<Vec<String>>,
}

impl Check {
    /// Says that something cannot be run on this machine, and why, and remembers it.
    pub(crate) fn skip(&self, name: &str, reason: impl std::fmt::Display) {
        let line = format!("skipped: {name}: {reason}");
        println!("{line}");
        self.skipped.lock().expect("no step panics while it skips").push(line);
    }

    /// The lines of all that was skipped.
    pub(crate) fn skipped(&self) -> Vec<String> {
        self.skipped.lock().expect("no step panics while it skips").clone()
    }
}

/// The root of the clone.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in a folder of the clone")
}

/// Where cargo puts what it builds: `CARGO_TARGET_DIR`, or `target` in the clone.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}
