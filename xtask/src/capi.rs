//! The C library: its header is what cbindgen makes of the source, its symbols have one
//! prefix, its tests and examples compile without a warning as C99 and C++11 and run,
//! under sanitizers too, CMake and pkg-config find it, and it builds for bare targets.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::{Arg, ArgAction, ArgMatches};

use crate::check::{Check, root, target};
use crate::crates::short;
use crate::cross::{self, RISCV32IMAC, THUMBV6M, THUMBV7EM, THUMBV8M};
use crate::installed::installed;
use crate::program::Program;
use crate::step::Step;
use crate::targets::reason;

pub(crate) const STEP: Step = Step {
    name: "capi",
    about: "The C library: header, symbols, tests in C and C++, packages, bare targets",
    in_ci: true,
    arguments: |command| {
        let write = Arg::new("write").long("write").action(ArgAction::SetTrue);
        command
            .arg(write.help("Writes the header anew, and does no more"))
            .after_help("Example:\n  cargo xtask capi --write")
    },
    run,
};

/// What all symbols begin with.
const PREFIX: &str = "gradsieve_";
/// When the compilation of cbindgen is given up, in seconds.
const LIMIT: u32 = 600;
/// What Rust's library asks of the system's.
const LIBRARIES: &[&str] = &["-lgcc_s", "-lpthread", "-ldl", "-lm"];
const WARNINGS: &[&str] = &["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g"];
const SANITIZERS: &[&str] = &["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

/// A C program whose output must be that of a file.
const OUTPUTS: &[(&str, &str)] = &[
    ("kronecker", "capi/tests/golden/kronecker.csv"),
    ("packets", "tests/golden/packets.hex"),
    ("stores", "capi/tests/golden/stores.csv"),
    ("verdicts", "tests/golden/verdicts.csv"),
];

fn run(check: &Check, given: &ArgMatches) -> anyhow::Result<()> {
    if given.get_flag("write") {
        return Ok(std::fs::write(committed(), made_header()?)?);
    }
    match made_header() {
        Ok(made) => ensure!(
            made == std::fs::read_to_string(committed())?,
            "the header is not what cbindgen makes of the source: `cargo xtask capi --write` mends it"
        ),
        Err(error) => check.skip("whether the C header is that of the source", reason(&error)),
    }
    let cargo = Program::cargo().args(["build", "--quiet", "--locked", "-p", "gradsieve-capi"]);
    cargo.read()?;
    if cfg!(target_os = "linux") {
        symbols()?;
        programs(check)?;
        packages(check)?;
    } else {
        check.skip("the tests of the C library", "its libraries are known for Linux alone");
    }
    bare(check)
}

fn folder() -> PathBuf {
    root().join("capi")
}

fn committed() -> PathBuf {
    folder().join("include/gradsieve.h")
}

/// The header that cbindgen makes.
fn made_header() -> anyhow::Result<String> {
    let cbindgen = installed("cbindgen", &[], LIMIT)?;
    Program::new(cbindgen).args(["--quiet", "--config", "cbindgen.toml"]).folder(folder()).read()
}

/// The symbols of the shared library are the functions of the header.
fn symbols() -> anyhow::Result<()> {
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

/// Whether there are these programs, by now at least: each is in the package of its name.
/// If one is not to be had, `what` is skipped.
fn are_there(check: &Check, programs: &[&str], what: &str) -> bool {
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

/// Compiles and runs the tests and examples, as both languages.
fn programs(check: &Check) -> anyhow::Result<()> {
    if !are_there(check, &["gcc", "g++"], "the tests of the C library") {
        return Ok(());
    }
    let mut sources = Vec::new();
    for place in ["tests", "examples"] {
        for entry in std::fs::read_dir(folder().join(place))? {
            sources.push(entry?.path());
        }
    }
    sources.retain(|path| path.extension() == Some(OsStr::new("c")));
    sources.sort();
    ensure!(!sources.is_empty(), "no C programs");
    let debug = target().join("debug");
    let (fixed, shared) = (debug.join("libgradsieve.a"), debug.join("libgradsieve.so"));
    for source in &sources {
        compile_and_run(source, "c99", &[], &fixed)?;
        compile_and_run(source, "c++11", &[], &shared)?;
        compile_and_run(source, "c99", SANITIZERS, &fixed)?;
        println!("{}: C99, C++11, sanitizers", short(source));
    }
    Ok(())
}

fn compile_and_run(source: &Path, standard: &str, more: &[&str], library: &Path) -> anyhow::Result<()> {
    let name = source.file_stem().and_then(OsStr::to_str).context("a program without a name")?;
    let folder = target().join("capi");
    std::fs::create_dir_all(&folder)?;
    let program = folder.join(format!("{name}-{standard}{}", if more.is_empty() { "" } else { "-sane" }));
    let (compiler, language) = if standard.starts_with("c++") { ("g++", "c++") } else { ("gcc", "c") };
    let places = format!("-Wl,-rpath,{}", target().join("debug").display());
    let compile = Program::new(compiler).arg(format!("-std={standard}")).args(WARNINGS).args(more);
    let compile = compile.args(["-x", language]).arg("-I").arg(self::folder().join("include")).arg(source);
    compile.args(["-x", "none"]).arg(library).arg(places).args(LIBRARIES).arg("-o").arg(&program).read()?;
    // The shared library's own name is another than its file's.
    link_by_name(library)?;
    let printed = Program::new(&program).limited(60).read()?;
    if let Some((_, file)) = OUTPUTS.iter().find(|(of, _)| *of == name) {
        ensure!(printed == std::fs::read_to_string(root().join(file))?, "{name} does not print {file}");
    }
    Ok(())
}

/// Puts a link beside the shared library by which programs find it at run time.
fn link_by_name(library: &Path) -> anyhow::Result<()> {
    if library.extension() != Some(OsStr::new("so")) {
        return Ok(());
    }
    let printed = Program::new("objdump").arg("-p").arg(library).read()?;
    let name = printed.lines().find_map(|line| line.trim().strip_prefix("SONAME"));
    let link = library.with_file_name(name.context("the shared library has no name of its own")?.trim());
    if link.symlink_metadata().is_err() {
        std::os::unix::fs::symlink(library.file_name().context("a library without a name")?, link)?;
    }
    Ok(())
}

/// Installs the library by CMake, static and shared, and builds a project that uses it:
/// found by CMake, by pkg-config, and as a part of the project itself.
fn packages(check: &Check) -> anyhow::Result<()> {
    if !are_there(check, &["cmake", "pkg-config"], "the packages of the C library") {
        return Ok(());
    }
    let manifest = std::fs::read_to_string(root().join("Cargo.toml"))?;
    let version = manifest.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    let version = version.context("the workspace has no version")?;
    let place = target().join("capi/packages");
    if place.is_dir() {
        std::fs::remove_dir_all(&place)?;
    }
    let cargo = format!("-DGRADSIEVE_CARGO_DIR={}", target().join("capi/cargo").display());
    let made = |source: &Path, name: &str, words: &[String]| -> anyhow::Result<PathBuf> {
        let build = place.join(name);
        Program::new("cmake").arg("-S").arg(source).arg("-B").arg(&build).args(words).arg(&cargo).read()?;
        Program::new("cmake").arg("--build").arg(&build).read()?;
        Ok(build)
    };
    let user = folder().join("tests/package");
    for shared in ["OFF", "ON"] {
        let prefix = place.join(format!("installed-{shared}"));
        let words =
            [format!("-DBUILD_SHARED_LIBS={shared}"), format!("-DCMAKE_INSTALL_PREFIX={}", prefix.display())];
        let build = made(&folder(), &format!("library-{shared}"), &words)?;
        Program::new("cmake").arg("--install").arg(build).read()?;
        let words = [format!("-DCMAKE_PREFIX_PATH={}", prefix.display())];
        let build = made(&user, &format!("user-{shared}"), &words)?;
        Program::new(build.join("first")).read()?;
        if shared == "OFF" {
            by_pkg_config(&prefix, version)?;
        }
    }
    let build = made(&user, "user-part", &["-DAS_PART=ON".to_owned()])?;
    Program::new(build.join("first")).read()?;
    println!("packages for CMake and pkg-config, of version {version}");
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

/// The static library of bare targets.
fn bare(check: &Check) -> anyhow::Result<()> {
    for target in [&THUMBV6M, &THUMBV7EM, &THUMBV8M, &RISCV32IMAC] {
        let ready = match cross::ready(target) {
            Ok(ready) => ready,
            Err(error) => {
                check.skip(&format!("the C library for {}", target.triple), reason(&error));
                continue;
            }
        };
        let folder = self::target().join("cross");
        let cargo = ready.cargo("-D warnings").env("CARGO_TARGET_DIR", &folder);
        // Bare targets have no shared libraries, of which cargo would warn.
        let words = ["rustc", "--quiet", "--locked", "--profile", "device", "--crate-type", "staticlib"];
        cargo.args(words).args(["-p", "gradsieve-capi", "--target", target.triple]).read()?;
        println!("the static library is built for {}", target.triple);
    }
    Ok(())
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
