//! Gives the shared library the name by which programs find it at run time. It holds the
//! part of the version that promises the interface.

use std::env::var;

fn main() {
    let number = |part: &str| var(format!("CARGO_PKG_VERSION_{part}")).unwrap_or_default();
    let version = match number("MAJOR").as_str() {
        "0" => format!("0.{}", number("MINOR")),
        major => major.to_owned(),
    };
    if var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libgradsieve.so.{version}");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
