//! Compilers, linkers and emulators for other targets than this machine's.
//!
//! The compiler is the one that runs this program, where it has the target's library
//! already (`rustup target add`). Otherwise it is Debian's `rustc-web`, unpacked beside
//! its own library sources, from which cargo builds the library of any target. Nothing of
//! rustup's is changed. Linkers are Debian's cross compilers, emulators are QEMU and
//! Node.
//!
//! What was made ready stays in a folder of the user's cache and is found there the next
//! time.

mod apt;
mod compiler;
mod emulator;
mod library;
mod place;
mod ready;
mod target;
mod wasi;

pub(crate) use apt::install;
pub(crate) use emulator::{system_arm, system_riscv32};
pub(crate) use place::tools;
pub(crate) use ready::{Ready, ready};
pub(crate) use target::{
    AARCH64, ARMV7, I686, RISCV32IMAC, S390X, THUMBV6M, THUMBV7EM, THUMBV8M, Target, WASIP1, WASM,
};
