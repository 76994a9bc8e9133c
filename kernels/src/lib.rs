//! The kernels of gradsieve: sums, projections and conversions over slices of `f32`,
//! `f16` and `bf16`, with **the same bits on every instruction set**.
//!
//! This crate is the only one of the project that contains `unsafe` code, and it is
//! `no_std` without a heap. Most people want the crate `gradsieve`, which is built on it.
//!
//! # How it is laid out
//! - One file a kernel: [`mod@dot`], [`norm`], [`mod@pair`], [`summary`], [`mod@axpy`],
//!   [`matrix`], [`convert`], [`mod@sjlt`], [`mod@rademacher`], [`mod@hadamard`],
//!   [`mod@gaussian`], [`mod@srht`], [`mod@mask`], [`codec`], [`score`]. In each, the
//!   function named `definition` is the scalar text that *defines* the answer; below it
//!   stands the vector form, once, over the vocabulary of `simd.rs`.
//! - `sum.rs` defines the canonical sum, `hash.rs` the counter-based hash: the two things
//!   on which all equal bits rest.
//! - `isa/` holds the vocabulary's words for each instruction set. All loads, stores and
//!   intrinsics are there.
//! - `level.rs` finds out what the machine has; `dispatch.rs` is the one place where a
//!   level becomes code.
//!
//! # What is promised
//! For the same input, every [`Level`] on every target returns the same bits, but for the
//! payload of a NaN. The floating-point environment must be the default one (round to
//! nearest even, subnormals kept). The environment variable `GRADSIEVE_LEVEL` chooses a
//! level by name, if the feature `std` is on ([`Level::best`]); without it the crate
//! looks at the machine alone. No function panics: slices that disagree in length are an
//! [`Error`].
//!
//! ```
//! let x = [1.0_f32, 2.0, 3.0];
//! let y = [4.0_f32, 5.0, 6.0];
//! assert_eq!(gradsieve_kernels::dot(&x, &y), Ok(32.0));
//! ```
#![no_std]
#![warn(clippy::std_instead_of_core)]
// Where there is no vector instruction set that we know, nobody says the words of the
// vocabulary.
#![cfg_attr(
    not(any(
        target_arch = "x86_64",
        all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"),
        all(target_arch = "wasm32", target_feature = "simd128"),
    )),
    allow(dead_code)
)]
#[cfg(feature = "std")]
extern crate std;

pub mod axpy;
mod certain;
pub mod codec;
pub mod convert;
mod dispatch;
pub mod dot;
pub mod element;
pub mod error;
pub mod gaussian;
pub mod hadamard;
pub mod hash;
mod isa;
pub mod level;
pub mod mask;
pub mod matrix;
pub mod norm;
pub mod pair;
pub mod rademacher;
pub mod score;
mod simd;
pub mod sjlt;
pub mod spec;
pub mod srht;
pub mod sum;
pub mod summary;

pub use axpy::{axpy, axpy_with};
#[doc(hidden)]
pub use certain::Certain;
pub use convert::{narrow, narrow_with, widen, widen_with};
pub use dot::{dot, dot_with};
pub use element::Element;
pub use error::Error;
pub use gaussian::{Gaussian, gaussian, gaussian_with};
pub use hadamard::{hadamard, hadamard_with};
pub use level::Level;
pub use mask::{Mask, mask, mask_with};
pub use norm::{l1_norm, l1_norm_with, max_abs, max_abs_with, squared_norm, squared_norm_with};
pub use pair::{Pair, pair, pair_with};
pub use rademacher::{Rademacher, rademacher, rademacher_batch, rademacher_batch_with, rademacher_with};
pub use sjlt::{Sjlt, sjlt, sjlt_scaled, sjlt_scaled_with, sjlt_with};
pub use srht::{Srht, srht, srht_outer, srht_outer_with, srht_with};
pub use summary::{Accumulator, Summary, summarize, summarize_with};
