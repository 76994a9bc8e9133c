//! Writes the board's memory map for the linker script of cortex-m-rt.
use std::{env, fs, path::PathBuf};

/// mps2-an386: 4 MiB of static memory at 0, 4 MiB at 2000_0000. The last 64 KiB are left
/// to the emulated flash pages.
const MAP: &str = "MEMORY\n{\n  FLASH : ORIGIN = 0x00000000, LENGTH = 4M\n  RAM : ORIGIN = 0x20000000, LENGTH = 4M - 64K\n}\n";

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("memory.x"), MAP).expect("OUT_DIR can be written");
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rerun-if-changed=build.rs");
}
