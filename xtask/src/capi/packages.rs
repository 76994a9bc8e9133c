//! The packages of the C library: `examples/c` is built with it as CMake finds it, as a
//! part of the project, and as CMake fetches it; `first.c` with what pkg-config says.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use super::place::{are_there, folder};
use crate::check::{Check, root, target};
use crate::program::Program;

/// Installs the library by CMake, static and shared, and builds a project that uses it.
pub(super) fn packages(check: &Check) -> anyhow::Result<()> {
    if !are_there(check, &["cmake", "pkg-config"], "the packages of the C library") {
        return Ok(());
    }
    let manifest = std::fs::read_to_string(root().join("Cargo.toml"))?;
    let version = manifest.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    let version = version.context("the workspace has no version")?;
    if place().is_dir() {
        std::fs::remove_dir_all(place())?;
    }
    let user = root().join("examples/c");
    for shared in ["OFF", "ON"] {
        let prefix = place().join(format!("installed-{shared}"));
        let words =
            [format!("-DBUILD_SHARED_LIBS={shared}"), format!("-DCMAKE_INSTALL_PREFIX={}", prefix.display())];
        let build = built(&folder(), &format!("library-{shared}"), &words)?;
        Program::new("cmake").arg("--install").arg(build).read()?;
        let words = ["-DGRADSIEVE=installed".to_owned(), format!("-DCMAKE_PREFIX_PATH={}", prefix.display())];
        run(&built(&user, &format!("user-{shared}"), &words)?)?;
        if shared == "OFF" {
            by_pkg_config(&prefix, version)?;
        }
    }
    run(&built(&user, PART, &["-DGRADSIEVE=folder".to_owned()])?)?;
    let source = format!("-DFETCHCONTENT_SOURCE_DIR_GRADSIEVE={}", root().display());
    run(&built(&user, "user-fetched", &["-DGRADSIEVE=fetched".to_owned(), source])?)?;
    fetch(check, &user)?;
    println!("packages for CMake and pkg-config, of version {version}");
    Ok(())
}

fn place() -> PathBuf {
    target().join("capi/packages")
}

/// The build of the example in which the library is a part of it.
const PART: &str = "user-part";

/// What the example prints on this machine, if it was built.
pub(super) fn example_printed() -> anyhow::Result<Option<String>> {
    let build = place().join(PART);
    if build.is_dir() { run(&build).map(Some) } else { Ok(None) }
}

/// The example of a folder where it was built.
fn run(build: &Path) -> anyhow::Result<String> {
    let printed = Program::new(build.join("sieved")).limited(60).read()?;
    ensure!(printed.contains("done; "), "examples/c is refused something\n{printed}");
    Ok(printed)
}

/// Has CMake make a project ready.
fn made(source: &Path, name: &str, words: &[String]) -> anyhow::Result<PathBuf> {
    let build = place().join(name);
    // One library for all, and quickly: it is not its speed that is looked at.
    let cargo = format!("-DGRADSIEVE_CARGO_DIR={}", target().join("capi/cargo").display());
    let words = Program::new("cmake").arg("-S").arg(source).arg("-B").arg(&build).args(words).arg(cargo);
    words.arg("-DGRADSIEVE_OPT_LEVEL=1").read()?;
    Ok(build)
}

/// The same, and builds it.
pub(super) fn built(source: &Path, name: &str, words: &[String]) -> anyhow::Result<PathBuf> {
    let build = made(source, name, words)?;
    // What links at the end takes the longest.
    let quickly = [("CARGO_PROFILE_DEVICE_LTO", "off"), ("CARGO_PROFILE_DEVICE_CODEGEN_UNITS", "16")];
    let cmake = Program::new("cmake").arg("--build").arg(&build);
    quickly.into_iter().fold(cmake, |cmake, (name, value)| cmake.env(name, value)).read()?;
    Ok(build)
}

/// Has CMake fetch the last commit by its own means. It is made ready and not built: that
/// was seen, and would compile all of it once more.
fn fetch(check: &Check, user: &Path) -> anyhow::Result<()> {
    let commit = match Program::new("git").args(["rev-parse", "HEAD"]).read() {
        Ok(commit) => commit,
        Err(_) => {
            check.skip("FetchContent of a commit", "this folder is no git repository");
            return Ok(());
        }
    };
    let repository = format!("-DGRADSIEVE_REPOSITORY={}", root().display());
    let words = ["-DGRADSIEVE=fetched".to_owned(), repository, format!("-DGRADSIEVE_TAG={}", commit.trim())];
    let build = made(user, "user-commit", &words)?;
    let fetched = build.join("_deps/gradsieve-src/capi/include/gradsieve.h");
    ensure!(fetched.is_file(), "CMake has not fetched {}", fetched.display());
    Ok(())
}

/// Builds and runs an example with what pkg-config says of the installed library.
fn by_pkg_config(prefix: &Path, version: &str) -> anyhow::Result<()> {
    let asked = |words: &[&str]| {
        let pkg_config = Program::new("pkg-config").args(words).arg("gradsieve");
        pkg_config.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")).read()
    };
    let found = asked(&["--modversion"])?;
    ensure!(found.trim() == version, "pkg-config has version {found}, and the workspace {version}");
    let words = asked(&["--static", "--cflags", "--libs"])?;
    let program = prefix.join("first");
    let compile = Program::new("gcc").arg(folder().join("examples/first.c")).args(words.split_whitespace());
    compile.arg("-lm").arg("-o").arg(&program).read()?;
    Program::new(program).read().map(drop)
}
