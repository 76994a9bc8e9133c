//! The C library without an operating system: it builds for bare targets, and on an
//! emulated Cortex-M4F its tests and `examples/c` print what they print here.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use super::place::folder;
use super::programs::{OUTPUTS, WARNINGS};
use crate::check::{Check, root, target};
use crate::cross::{self, RISCV32IMAC, THUMBV6M, THUMBV7EM, THUMBV8M, Target};
use crate::images::{M4F, emulated};
use crate::program::Program;
use crate::targets::reason;

/// The compiler, of Debian's package of its name with `gcc-` in front. Its own C library
/// is for Linux, and not used.
const COMPILER: &str = "arm-linux-gnueabihf-gcc";
const PACKAGE: &str = "gcc-arm-linux-gnueabihf";
/// What comes with it: an image's bytes, and its names.
const SIZE: &str = "arm-linux-gnueabihf-size";
const SYMBOLS: &str = "arm-linux-gnueabihf-nm";
const CORE: &[&str] = &["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"];
/// When an emulated image is given up, in seconds.
const LIMIT: u32 = 120;

/// Builds the static library for bare targets, and runs what is for one of them.
pub(super) fn bare(check: &Check) -> anyhow::Result<()> {
    for target in [&THUMBV6M, &THUMBV8M, &RISCV32IMAC] {
        // Seen to compile. What links at the end takes the longest.
        let quickly = [("OPT_LEVEL", "1"), ("LTO", "off"), ("CODEGEN_UNITS", "16")];
        built(check, target, &quickly)?;
    }
    match built(check, &THUMBV7EM, &[("OPT_LEVEL", "s")])? {
        Some(library) => on_board(check, &library),
        None => Ok(()),
    }
}

/// The static library of a target, if it can be built.
fn built(
    check: &Check,
    target: &'static Target,
    profile: &[(&str, &str)],
) -> anyhow::Result<Option<PathBuf>> {
    let ready = match cross::ready(target) {
        Ok(ready) => ready,
        Err(error) => {
            check.skip(&format!("the C library for {}", target.triple), reason(&error));
            return Ok(None);
        }
    };
    let place = self::target().join("cross");
    let cargo = ready.cargo("-D warnings").env("CARGO_TARGET_DIR", &place);
    let set = |cargo: Program, (name, value): &(&str, &str)| {
        cargo.env(format!("CARGO_PROFILE_DEVICE_{name}"), value)
    };
    // Bare targets have no shared libraries, of which cargo would warn.
    let words = ["rustc", "--quiet", "--locked", "--profile", "device", "--crate-type", "staticlib"];
    let cargo = profile.iter().fold(cargo.args(words), set);
    cargo.args(["-p", "gradsieve-capi", "--target", target.triple]).read()?;
    println!("the static library is built for {}", target.triple);
    Ok(Some(place.join(target.triple).join("device/libgradsieve.a")))
}

/// Runs the tests that print, and the example, on the board.
fn on_board(check: &Check, library: &Path) -> anyhow::Result<()> {
    let there = || Program::new(COMPILER).arg("--version").read();
    let compiler = there().or_else(|_| cross::install(&[PACKAGE]).and_then(|()| there()));
    if let Err(error) = compiler.and_then(|_| cross::system_arm()) {
        check.skip("the C library on a Cortex-M4F", reason(&error));
        return Ok(());
    }
    for (name, file) in OUTPUTS {
        let source = folder().join("tests").join(name).with_extension("c");
        let image = image(name, &[source], library)?;
        let expected = std::fs::read_to_string(root().join(file))?;
        ensure!(run(&image)? == expected, "{name} does not print {file} on a Cortex-M4F");
        println!("{name}.c prints {file} on a Cortex-M4F");
    }
    let example = root().join("examples/c");
    let sources = ["main.c", "network.c", "series.S"].map(|name| example.join(name));
    let image = image("sieved", &sources, library)?;
    // However it is optimised: what is linked can be reached.
    let symbols = Program::new(SYMBOLS).arg(&image).read()?;
    ensure!(!symbols.contains("panicking"), "a panic can be reached in examples/c");
    let printed = run(&image)?;
    print!("examples/c on a Cortex-M4F:\n{printed}");
    print!("its image:\n{}", Program::new(SIZE).arg(&image).read()?);
    let hosted = super::packages::example_printed()?;
    ensure!(
        hosted.is_none_or(|hosted| hosted == printed),
        "examples/c prints something else on this machine"
    );
    Ok(())
}

/// Links an image of C sources, with what `examples/c/bare` has for programs without an
/// operating system.
fn image(name: &str, sources: &[PathBuf], library: &Path) -> anyhow::Result<PathBuf> {
    let bare = root().join("examples/c/bare");
    let headers = Program::new(COMPILER).arg("-print-file-name=include").read()?;
    let image = target().join("capi").join(name).with_extension("elf");
    let compile = Program::new(COMPILER).args(CORE).args(["-std=c99", "-ffreestanding", "-nostdinc"]);
    // Debian's compiler makes programs that may lie anywhere, unless it is told not to.
    let compile = compile.args(["-Os", "-ffp-contract=off", "-ffunction-sections", "-fno-pie", "-no-pie"]);
    let compile = compile.args(WARNINGS).arg("-isystem").arg(headers.trim());
    let compile = compile.arg("-isystem").arg(bare.join("include"));
    let compile = [folder().join("include"), root().join("examples/sensor")]
        .iter()
        .fold(compile, |compile, folder| compile.arg("-I").arg(folder));
    let compile = compile.args(sources).arg(bare.join("startup.c")).arg(library);
    let script = format!("-Wl,--gc-sections,--build-id=none,-T,{}", bare.join("mps2.ld").display());
    compile.args(["-nostdlib", "-static", &script]).arg("-o").arg(&image).read().context("an image")?;
    Ok(image)
}

/// What an image prints on QEMU's board.
fn run(image: &Path) -> anyhow::Result<String> {
    emulated(cross::system_arm()?, M4F, None, image).limited(LIMIT).read()
}
