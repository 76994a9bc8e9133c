//! The Python package: its wheel is built and installed into an environment of its own,
//! its tests run, with torch if there is one, and its types and style are checked.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::ArgMatches;

use crate::check::{Check, root, target};
use crate::cross;
use crate::environment::environment;
use crate::program::Program;
use crate::step::{Step, no_arguments};
use crate::targets::reason;

pub(crate) const STEP: Step = Step {
    name: "python",
    about: "The Python package: wheel, tests, types, style",
    in_ci: true,
    arguments: no_arguments,
    run,
};

/// What the environment has. Debian's torch wants the first NumPy, and later Arrows do
/// not.
const PACKAGES: &[&str] =
    &["maturin", "pytest", "mypy", "ruff", "numpy<2", "pyarrow<20", "typing_extensions"];
/// What is written in Python for users of the package.
const SOURCES: &[&str] =
    &[".", "../examples/pytorch", "../examples/flower", "../examples/engines", "../examples/attacks"];
/// Where Debian's packages of Python stand.
const DEBIAN: &str = "/usr/lib/python3/dist-packages";
/// When the tests are given up, in seconds.
const LIMIT: u32 = 600;

fn run(check: &Check, _: &ArgMatches) -> anyhow::Result<()> {
    let place = target().join("python");
    let environment = match environment("wheel", PACKAGES) {
        Ok(environment) => environment,
        Err(error) => {
            check.skip("the Python package", reason(&error));
            return Ok(());
        }
    };
    let folder = root().join("python");
    let tool = |name: &str| Program::new(environment.join(name)).folder(&folder);
    let ruff = |arguments: &[&str]| {
        tool("ruff").args(arguments).args(SOURCES).args(["--config", "pyproject.toml"]).read()
    };
    println!("{}", ruff(&["check"])?.trim());
    ruff(&["format", "--check", "--quiet"])?;

    let wheel = wheel(&environment, &folder, &place)?;
    let bytes = std::fs::metadata(&wheel)?.len();
    println!("{}: {bytes} bytes", wheel.file_name().unwrap_or_default().display());
    tool("python")
        .args(["-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall"])
        .arg(&wheel)
        .read()?;

    // Away from the sources, so that what is tested is what is installed.
    let installed = |module: &str| {
        let python = Program::new(environment.join("python")).args(["-m", module]).folder(&place);
        python.env("OMP_NUM_THREADS", "1")
    };
    println!("{}", tool("mypy").read()?.trim());
    println!("{}", installed("mypy.stubtest").arg("gradsieve._gradsieve").read()?.trim());
    let mut tests = installed("pytest").args(["-q", "-p", "no:cacheprovider"]).arg(folder.join("tests"));
    match torch(&environment) {
        Ok(None) => {}
        Ok(Some(path)) => tests = tests.env("PYTHONPATH", path),
        Err(error) => check.skip("the hooks of torch", reason(&error)),
    }
    check.skip(
        "the Arrow functions on Ray, Spark and Dask",
        "pip install ray pyspark dask distributed; pytest python/tests/test_engines.py",
    );
    check.skip("the callbacks of Trainers", "pip install transformers accelerate lightning");
    check.skip("recorded runs", "pip install safetensors");
    check.skip("the strategy of Flower", "pip install flwr; pytest python/tests/test_flower.py");
    let printed = tests.limited(LIMIT).read()?;
    println!("{}", printed.lines().last().unwrap_or_default());
    Ok(())
}

/// Builds the wheel; there is one in its folder.
fn wheel(environment: &Path, folder: &Path, place: &Path) -> anyhow::Result<PathBuf> {
    let wheels = place.join("wheels");
    if wheels.is_dir() {
        std::fs::remove_dir_all(&wheels)?;
    }
    let maturin = Program::new(environment.join("maturin")).args([
        "build",
        "--release",
        "--locked",
        "--quiet",
        "--out",
    ]);
    let maturin = maturin.arg(&wheels).arg("--interpreter").arg(environment.join("python"));
    let maturin = maturin.env("CARGO_TARGET_DIR", place.join("cargo")).env("RUSTFLAGS", "-D warnings");
    maturin.folder(folder).read()?;
    let mut built = std::fs::read_dir(&wheels)?.filter_map(|entry| Some(entry.ok()?.path()));
    built.next().context("maturin has built no wheel")
}

/// Whether there is torch; where to look for it, if it is Debian's. Python's own index
/// has it with gigabytes of libraries for GPUs alone.
fn torch(environment: &Path) -> anyhow::Result<Option<String>> {
    let python = || Program::new(environment.join("python"));
    if python().args(["-c", "import torch"]).read().is_ok() {
        return Ok(None);
    }
    let own = python().args(["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).read()?;
    let path = format!("{}:{DEBIAN}", own.trim());
    let there = || python().args(["-c", "import torch"]).env("PYTHONPATH", &path).read();
    there().or_else(|_| cross::install(&["python3-torch"]).and_then(|()| there()))?;
    Ok(Some(path))
}
