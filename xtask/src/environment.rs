//! Environments of Python, under `target`.

use std::path::PathBuf;

use crate::check::target;
use crate::program::Program;

/// The programs of an environment of its own that has these packages. One that was made
/// with others is made anew.
pub(crate) fn environment(name: &str, packages: &[&str]) -> anyhow::Result<PathBuf> {
    let place = target().join("environments").join(name);
    let (programs, list, wanted) = (place.join("bin"), place.join("packages"), packages.join("\n"));
    if std::fs::read_to_string(&list).ok().as_ref() != Some(&wanted) {
        Program::new("python3").args(["-m", "venv", "--clear"]).arg(&place).read()?;
        Program::new(programs.join("python"))
            .args(["-m", "pip", "install", "--quiet"])
            .args(packages)
            .read()?;
        std::fs::write(list, wanted)?;
    }
    Ok(programs)
}

/// A Python with these modules: the machine's, or one of its own that has the packages.
pub(crate) fn python(name: &str, modules: &str, packages: &[&str]) -> anyhow::Result<PathBuf> {
    let own = PathBuf::from("python3");
    if Program::new(&own).args(["-c", &format!("import {modules}")]).read().is_ok() {
        return Ok(own);
    }
    Ok(environment(name, packages)?.join("python"))
}
