//! The crates of the clone: those of the workspace, and those that stand alone.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::check::root;
use crate::program::Program;

/// A library or program of a package.
pub(crate) struct Unit {
    /// The package's name and, for a program beside a library, the program's.
    pub(crate) name: String,
    /// The file where the crate begins.
    pub(crate) root: PathBuf,
}

/// What cargo says of the packages of the workspace in a folder.
pub(crate) fn packages(folder: &Path) -> anyhow::Result<Vec<Value>> {
    let words = ["metadata", "--no-deps", "--locked", "--format-version=1"];
    let mut metadata: Value = serde_json::from_str(&Program::cargo().args(words).folder(folder).read()?)?;
    match metadata["packages"].take() {
        Value::Array(packages) => Ok(packages),
        _ => bail!("cargo metadata without packages"),
    }
}

/// Libraries and programs of the workspace.
pub(crate) fn units() -> anyhow::Result<Vec<Unit>> {
    let mut units = Vec::new();
    for package in packages(root())? {
        let name = package["name"].as_str().context("a package without a name")?;
        for target in package["targets"].as_array().context("a package without targets")? {
            let file = target["src_path"].as_str().context("a target without a file")?;
            match target["kind"][0].as_str() {
                Some("lib" | "staticlib") => units.push(Unit { name: name.to_owned(), root: file.into() }),
                Some("bin") => {
                    let program = target["name"].as_str().context("a program without a name")?;
                    units.push(Unit { name: format!("{name}, program {program}"), root: file.into() });
                }
                _ => {}
            }
        }
    }
    Ok(units)
}

/// Files that git knows or would add, whose names end with one of `endings`.
pub(crate) fn files(endings: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
    let listed = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    let printed = Program::new("git").args(listed).read()?;
    let wanted = |name: &&str| endings.iter().any(|ending| name.ends_with(ending));
    let mut files: Vec<_> = printed.split('\0').filter(wanted).map(|name| root().join(name)).collect();
    files.retain(|file| file.is_file());
    files.sort();
    files.dedup();
    Ok(files)
}

/// Folders of the crates that are workspaces of their own: images and fuzz targets.
pub(crate) fn alone() -> anyhow::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for manifest in files(&["Cargo.toml"])? {
        let text = std::fs::read_to_string(&manifest)?;
        let folder = manifest.parent().context("a manifest without a folder")?;
        if folder != root() && text.lines().any(|line| line == "[workspace]") {
            folders.push(folder.to_owned());
        }
    }
    Ok(folders)
}

/// A path as it is written in the clone.
pub(crate) fn short(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
