//! Images of workspaces of their own: built for a board, and run on it under an emulator.

use std::path::{Path, PathBuf};

use crate::check::{root, target};
use crate::cross::Ready;
use crate::program::Program;

/// The board of the Cortex-M4F.
pub(crate) const M4F: &str = "mps2-an386";

/// Builds the images of a folder and returns where they are. What several are made of is
/// compiled once.
pub(crate) fn built(ready: &Ready, folder: &str, more: &[&str]) -> anyhow::Result<PathBuf> {
    let (place, triple) = (target().join("cortex_m"), ready.target.triple);
    let build = ready.cargo("-D warnings").args(["build", "--locked", "--release", "--target", triple]);
    build.args(more).env("CARGO_TARGET_DIR", &place).folder(root().join(folder)).read()?;
    Ok(place.join(triple).join("release"))
}

/// An image on an emulated board, which speaks by semihosting alone. `clock` is of how
/// many nanoseconds an instruction takes the logarithm: then the board's timer counts
/// instructions.
pub(crate) fn emulated(qemu: Program, board: &str, clock: Option<u32>, image: &Path) -> Program {
    let qemu = qemu.args(["-M", board, "-nographic", "-monitor", "none", "-serial", "none"]);
    let qemu = match clock {
        Some(clock) => qemu.args(["-icount", &format!("shift={clock}")]),
        None => qemu,
    };
    qemu.args(["-semihosting-config", "enable=on,target=native", "-kernel"]).arg(image)
}
