//! Where compilers and emulators are kept.

use std::path::{Path, PathBuf};

use crate::check::root;

/// Where compilers and emulators are kept: `GRADSIEVE_TOOLS`, or a folder of the user's
/// cache.
pub(crate) fn tools() -> PathBuf {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || named("HOME").map(|home| home.join(".cache"));
    named("GRADSIEVE_TOOLS")
        .or_else(|| Some(named("XDG_CACHE_HOME").or_else(home)?.join("gradsieve")))
        .unwrap_or_else(|| root().join("target/tools"))
}

/// Makes a folder of [`tools`], unless it is there: under another name first, so that a
/// folder that is there is whole.
pub(super) fn folder_made(
    name: &str,
    make: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    let folder = tools().join(name);
    if !folder.is_dir() {
        let unfinished = tools().join(format!("unfinished-{}", name.replace('/', "-")));
        if unfinished.is_dir() {
            std::fs::remove_dir_all(&unfinished)?;
        }
        std::fs::create_dir_all(&unfinished)?;
        make(&unfinished)?;
        if let Some(parent) = folder.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::rename(&unfinished, &folder)?;
    }
    Ok(folder)
}
