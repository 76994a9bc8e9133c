//! The kernels of gradsieve: sums, projections and conversions over slices of `f32`,
//! `f16` and `bf16`, with **the same bits on every instruction set**.
//!
//! This crate is the only one of the project that contains `unsafe` code, and it is
//! `no_std` without a heap. Most people want the crate `gradsieve`, which is built on it.
//!
//! # How it is laid out
//! - One short file a kernel with its documentation and entry points: [`mod@dot`],
//!   [`norm`], [`mod@pair`], [`summary`], [`mod@axpy`], [`matrix`], [`convert`],
//!   [`mod@sjlt`], [`mod@rademacher`], [`mod@hadamard`], [`mod@gaussian`], [`mod@srht`],
//!   [`mod@mask`], [`mod@fold`], [`direction`], [`codec`], [`score`].
//! - [`spec`] *defines* every answer, in one plain function each. Every level is compared
//!   with it, and the published vectors are made from it.
//! - `vector/` has each algorithm once, over the operations of `simd.rs`; `scalar/` has
//!   the forms for cores without vectors.
//! - `isa/` has the operations for each instruction set: all loads, stores and intrinsics
//!   are there. Whole-kernel overrides stand apart in `isa/special/`.
//! - `projection/` and `layout/` say which projection, and where stored rows stand: what
//!   the forms of a kernel are told.
//! - [`level`] finds out what the machine has; `dispatch.rs` is the one place where a
//!   level becomes code.
//!
//! # What is promised
//! For the same input, every [`Level`] on every target returns the same bits, but for the
//! payload of a NaN. The floating-point environment must be the default one (round to
//! nearest even, subnormals kept). The environment variable `GRADSIEVE_LEVEL` chooses a
//! level by name, if the feature `std` is on ([`Level::best`]); without it the crate
//! looks at the machine alone. No function panics, but for those of [`spec`]: slices that
//! disagree in length are an [`Error`].
//!
//! ```
//! let x = [1.0_f32, 2.0, 3.0];
//! let y = [4.0_f32, 5.0, 6.0];
//! assert_eq!(gradsieve_kernels::dot(&x, &y), Ok(32.0));
//! ```
#![no_std]
#![warn(clippy::std_instead_of_core)]
// Where there is no vector instruction set that we know, nobody calls the
// operations.
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

mod accumulator;
pub mod axpy;
mod bits;
mod carried;
mod certain;
pub mod codec;
pub mod convert;
pub mod direction;
mod dispatch;
pub mod dot;
pub mod double;
pub mod element;
pub mod error;
pub mod fold;
pub mod gaussian;
pub mod hadamard;
pub mod hash;
mod isa;
mod kernel;
mod key;
mod layout;
pub mod level;
pub mod mask;
pub mod matrix;
pub mod norm;
pub mod pair;
mod part;
mod projection;
pub mod rademacher;
mod real;
mod root;
pub mod rotation;
mod scalar;
pub mod score;
mod simd;
mod siphash;
pub mod sjlt;
pub mod spec;
pub mod srht;
pub mod sum;
pub mod summary;
mod vector;
mod wide;

pub use axpy::{axpy, axpy_with};
#[doc(hidden)]
pub use certain::Certain;
pub use convert::{narrow, narrow_with, widen, widen_with};
pub use direction::Factor;
pub use dot::{dot, dot_with};
pub use element::Element;
pub use error::Error;
pub use fold::{Fold, Tame, fold, fold_with, tame, tame_with};
pub use gaussian::{Gaussian, gaussian, gaussian_with};
pub use hadamard::{hadamard, hadamard_with};
pub use key::{Fingerprint, Key};
pub use level::Level;
pub use mask::{Mask, mask, mask_with};
pub use norm::{l1_norm, l1_norm_with, max_abs, max_abs_with, squared_norm, squared_norm_with};
pub use pair::{Pair, pair, pair_with};
pub use rademacher::{Rademacher, rademacher, rademacher_batch, rademacher_batch_with, rademacher_with};
pub use root::root;
pub use sjlt::{Sjlt, sjlt, sjlt_scaled, sjlt_scaled_with, sjlt_with};
pub use srht::{Srht, srht, srht_outer, srht_outer_with, srht_with};
pub use summary::{Accumulator, Summary, summarize, summarize_with};
