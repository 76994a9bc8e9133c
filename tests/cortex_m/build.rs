//! Writes the board's memory map for the linker script of cortex-m-rt.
use std::{env, fs, path::PathBuf};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    // Of 4 MiB each: the board mps2-an505, which has a Cortex-M33, and mps2-an386.
    let is_m33 = env::var("TARGET").is_ok_and(|target| target.starts_with("thumbv8m"));
    let (flash, ram) = if is_m33 { ("0x10000000", "0x38000000") } else { ("0x00000000", "0x20000000") };
    let map = format!(
        "MEMORY\n{{\n  FLASH : ORIGIN = {flash}, LENGTH = 4M\n  RAM : ORIGIN = {ram}, LENGTH = 4M\n}}\n"
    );
    fs::write(out.join("memory.x"), map).expect("OUT_DIR can be written");
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rerun-if-changed=build.rs");
}
