//! The C library of gradsieve. Its documentation is that of the header,
//! `include/gradsieve.h`, which cbindgen makes from this source.
//!
//! Every function checks what it was given, calls the core through its public interface,
//! and turns the outcome into a status. Nothing is computed here. States live in the
//! caller's memory, behind a front that says what they are (`memory`), and addresses from
//! C are looked at in one place (`boundary`): there is all `unsafe` code.
//!
//! A file, or a folder, holds one part: its settings, its state and its functions. It may
//! import `status`, `boundary`, `memory`, `bytes`, and what several parts speak of
//! (`key`, `layer`, `sketch`, `codec`), and no other part.
#![no_std]
#![warn(clippy::std_instead_of_core)]
#![expect(non_camel_case_types, reason = "types are called as they are in C")]
#![expect(clippy::missing_safety_doc, reason = "the header says once what all functions ask of callers")]
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::unreachable,
        clippy::todo
    )
)]

// Where there is an operating system its library brings what a panic would call; none is
// reached, and none could cross into C.
#[cfg(not(target_os = "none"))]
extern crate std;

mod boundary;
mod bytes;
pub mod codec;
pub mod direction;
pub mod influence;
pub mod key;
pub mod kronecker;
pub mod layer;
pub mod mahalanobis;
mod memory;
pub mod packets;
pub mod self_influence;
pub mod sieve;
pub mod sketch;
pub mod sketcher;
pub mod status;
pub mod store;
#[cfg(test)]
mod tests;

/// Bare targets have no other. The core does not panic (`cargo xtask bare`).
#[cfg(target_os = "none")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
