//! Debian's packages: installed, or only downloaded and unpacked.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

use super::place::tools;
use crate::program::Program;

/// Installs what is not installed yet. Nothing is removed for it.
pub(crate) fn install(packages: &[&str]) -> anyhow::Result<()> {
    let missing: Vec<_> = packages.iter().copied().filter(|package| !is_installed(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let once = || {
        let words = ["install", "--yes", "-q", "--no-install-recommends", "--no-remove"];
        let apt = Program::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(words);
        apt.args(&missing).read().map(drop)
    };
    once().or_else(|_| update().and_then(|()| once())).with_context(|| missing.join(" "))
}

fn is_installed(package: &str) -> bool {
    let asked = Program::new("dpkg-query").args(["-W", "-f=${db:Status-Status}", package]).read();
    asked.is_ok_and(|status| status == "installed")
}

/// Fetches the lists of packages.
pub(super) fn update() -> anyhow::Result<()> {
    Program::new("apt-get").args(["update", "-q"]).read().map(drop)
}

/// The version of a package that would be installed, if there is one.
pub(super) fn candidate(package: &str) -> anyhow::Result<Option<String>> {
    let policy = Program::new("apt-cache").args(["policy", package]).read()?;
    let line = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "));
    Ok(line.filter(|version| *version != "(none)").map(str::to_owned))
}

/// What a package depends on, in Debian's words.
pub(super) fn depends(package: &str) -> anyhow::Result<String> {
    let shown = Program::new("apt-cache").args(["show", package]).read()?;
    let line = shown.lines().find_map(|line| line.strip_prefix("Depends: "));
    Ok(line.with_context(|| format!("{package} depends on nothing"))?.to_owned())
}

/// The packages that an installation would bring, by a trial run.
pub(super) fn would_install(package: &str) -> anyhow::Result<Vec<String>> {
    let words = ["-s", "install", "--no-install-recommends", package];
    let printed = Program::new("apt-get").args(words).read()?;
    let names = printed.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next());
    Ok(names.map(str::to_owned).collect())
}

/// Downloads packages into a folder and returns their files.
pub(super) fn download<P: AsRef<str>>(folder: &Path, packages: &[P]) -> anyhow::Result<Vec<PathBuf>> {
    download_by(&[], folder, packages)
}

fn download_by<P: AsRef<str>>(
    options: &[String],
    folder: &Path,
    packages: &[P],
) -> anyhow::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder)?;
    let names = packages.iter().map(AsRef::as_ref);
    let apt = Program::new("apt-get").args(["download", "-q", "-o", "APT::Sandbox::User=root"]);
    apt.args(options).args(names).folder(folder).read()?;
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "deb") {
            files.push(path);
        }
    }
    ensure!(!files.is_empty(), "nothing was downloaded");
    Ok(files)
}

/// Downloads one package of another architecture or suite, by lists of packages of its
/// own: nothing in the system's folders is changed.
pub(super) fn download_elsewhere(
    architecture: &str,
    suite: Option<&str>,
    package: &str,
    folder: &Path,
) -> anyhow::Result<PathBuf> {
    let state = tools().join(format!("apt-{architecture}-{}", suite.unwrap_or("same")));
    if state.is_dir() {
        std::fs::remove_dir_all(&state)?;
    }
    for part in ["state/lists/partial", "cache/archives/partial", "sources", "nothing"] {
        std::fs::create_dir_all(state.join(part))?;
    }
    std::fs::write(state.join("status"), "")?;
    write_sources(&state.join("sources"), suite)?;
    let mut options = Vec::new();
    for (name, value) in [
        ("APT::Architecture", architecture.to_owned()),
        ("APT::Architectures::", architecture.to_owned()),
        ("APT::Sandbox::User", "root".to_owned()),
        ("Acquire::Languages", "none".to_owned()),
        ("Dir::State", state.join("state").display().to_string()),
        ("Dir::State::status", state.join("status").display().to_string()),
        ("Dir::Cache", state.join("cache").display().to_string()),
        ("Dir::Etc::sourcelist", state.join("nothing/none").display().to_string()),
        ("Dir::Etc::sourceparts", state.join("sources").display().to_string()),
        ("Dir::Etc::preferencesparts", state.join("nothing").display().to_string()),
    ] {
        options.extend(["-o".to_owned(), format!("{name}={value}")]);
    }
    // One list that cannot be had does not matter if the package is in another.
    let update = Program::new("apt-get").args(&options).args(["update", "-q"]).read();
    let found = download_by(&options, folder, &[package]);
    let files = match (update, found) {
        (Err(error), Err(_)) => return Err(error),
        (_, found) => found?,
    };
    std::fs::remove_dir_all(&state)?;
    files.into_iter().next().context("nothing was downloaded")
}

/// Writes the machine's own Debian sources, with another suite in place of theirs.
fn write_sources(folder: &Path, suite: Option<&str>) -> anyhow::Result<()> {
    let release = std::fs::read_to_string("/etc/os-release")?;
    let codename = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    let codename = codename.context("this is no release of Debian")?;
    let mut stanzas = Vec::new();
    let mut lines = Vec::new();
    let parts = std::fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten();
    let files = parts.map(|part| part.path()).chain([PathBuf::from("/etc/apt/sources.list")]);
    for text in files.filter_map(|file| std::fs::read_to_string(file).ok()) {
        stanzas.extend(text.split("\n\n").filter_map(|stanza| of_stanza(stanza, codename, suite)));
        lines.extend(text.lines().filter_map(|line| of_line(line, codename, suite)));
    }
    if stanzas.is_empty() && lines.is_empty() {
        bail!("no sources of {codename} in /etc/apt");
    }
    std::fs::write(folder.join("here.sources"), stanzas.join("\n\n") + "\n")?;
    std::fs::write(folder.join("here.list"), lines.join("\n") + "\n")?;
    Ok(())
}

/// A stanza of a `.sources` file, if it is of this release; of security only as it is.
fn of_stanza(stanza: &str, codename: &str, suite: Option<&str>) -> Option<String> {
    let plain: Vec<_> = stanza.lines().filter(|line| !line.starts_with('#')).collect();
    let suites = plain.iter().find(|line| line.starts_with("Suites:"))?;
    if !suites.contains(codename) || (suite.is_some() && suites.contains("security")) {
        return None;
    }
    let replaced = plain.iter().map(|line| match suite {
        Some(suite) if line.starts_with("Suites:") => format!("Suites: {suite}"),
        _ => (*line).to_owned(),
    });
    Some(replaced.collect::<Vec<_>>().join("\n"))
}

/// A line of a `.list` file, likewise.
fn of_line(line: &str, codename: &str, suite: Option<&str>) -> Option<String> {
    let words: Vec<_> = line.split_whitespace().collect();
    let at = words.iter().position(|word| word.starts_with(codename))?;
    if words.first() != Some(&"deb") || (suite.is_some() && words[at].contains("security")) {
        return None;
    }
    let mut words = words;
    if let Some(suite) = suite {
        words[at] = suite;
    }
    Some(words.join(" "))
}

/// Unpacks a package into a folder.
pub(super) fn unpack(package: &Path, folder: &Path) -> anyhow::Result<()> {
    Program::new("dpkg").arg("-x").arg(package).arg(folder).read().map(drop)
}

/// Unpacks what matches a pattern.
pub(super) fn unpack_part(package: &Path, folder: &Path, pattern: &str) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let script = r#"dpkg --fsys-tarfile "$1" | tar -x -C "$2" --wildcards "$3""#;
    let shell = Program::new("sh").args(["-c", script, "sh"]);
    shell.arg(package).arg(folder).arg(pattern).read().map(drop)
}

#[cfg(test)]
mod tests {
    use super::{of_line, of_stanza};

    const STANZA: &str = "Types: deb\n# of a day\nURIs: somewhere\nSuites: bookworm bookworm-updates";

    #[test]
    fn a_stanza_gets_the_other_suite() {
        let wanted = "Types: deb\nURIs: somewhere\nSuites: bookworm-backports";
        assert_eq!(of_stanza(STANZA, "bookworm", Some("bookworm-backports")).as_deref(), Some(wanted));
    }

    #[test]
    fn a_stanza_of_another_release_is_left_out() {
        assert_eq!(of_stanza(STANZA, "trixie", None), None);
    }

    #[test]
    fn a_line_gets_the_other_suite() {
        let line = "deb [signed-by=key] somewhere bookworm main";
        let wanted = "deb [signed-by=key] somewhere bookworm-backports main";
        assert_eq!(of_line(line, "bookworm", Some("bookworm-backports")).as_deref(), Some(wanted));
    }

    #[test]
    fn security_has_no_other_suites() {
        let line = "deb somewhere bookworm-security main";
        assert_eq!(of_line(line, "bookworm", Some("bookworm-backports")), None);
        assert_eq!(of_line(line, "bookworm", None).as_deref(), Some(line));
    }
}
