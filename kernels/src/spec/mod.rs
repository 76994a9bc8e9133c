//! The definition of every kernel: one short function each, as plain as it can be said.
//!
//! This is what a reader checks, and what every [`Level`](crate::Level) is compared with,
//! bit for bit, the scalar one included (`kernels/tests/levels`). The published vectors
//! (`tests/vectors/*.json`) are made from here. Nothing here is tuned, nothing here is
//! called by a kernel, and a kernel's speed never changes what stands here.
//!
//! | file | kernels |
//! |---|---|
//! | [`format`] | the values of `f16` and `bf16`, and rounding to them |
//! | [`sum`](mod@sum) | the canonical sum, on which [`dot`](fn@dot), the norms and [`pair`](fn@pair) rest |
//! | [`dot`](mod@dot), [`norm`], [`pair`](mod@pair), [`summary`], [`axpy`](mod@axpy), [`convert`] | vectors |
//! | [`matrix`] | products and updates of small matrices |
//! | [`double`] | sums, updates and outer products in `f64` |
//! | [`hash`] | the counter-based hash, on which all projections rest |
//! | [`sjlt`](mod@sjlt), [`rademacher`](mod@rademacher), [`gaussian`](mod@gaussian), [`hadamard`](mod@hadamard), [`srht`](mod@srht), [`mask`](mod@mask), [`fold`](mod@fold) | projections |
//! | [`direction`] | directions in whole numbers, and their sums |
//! | [`codec`], [`rotation`](mod@rotation) | rows in a byte or a bit a value, and what is done to them before |
//! | [`score`] | scores of stored rows, and where a sealed segment keeps a value |
//!
//! # How to read it
//! - An addition, a product, a quotient is one IEEE operation, rounded to nearest even.
//!   Their order is the one that is written.
//! - A *key* is the user's, a seed or a secret; a projection's constants are spelled out
//!   beside it.
//! - Operands may be `f32`, `f16` or `bf16`: [`Format::value`] gives their value.
//! - The payload of a NaN is not defined.
//!
//! # Panics
//! These functions index plainly, and panic where lengths do not fit each other. The
//! kernels return an [`Error`](crate::Error) there.
//!
//! ```
//! use gradsieve_kernels::{dot, spec};
//! let (x, y) = ([1.0_f32, 2.0, 3.0], [4.0_f32, 5.0, 6.0]);
//! assert_eq!(dot(&x, &y), Ok(spec::dot(&x, &y)));
//! ```

pub mod axpy;
pub mod codec;
pub mod convert;
pub mod direction;
pub mod dot;
pub mod double;
pub mod fold;
pub mod format;
pub mod gaussian;
pub mod hadamard;
pub mod hash;
pub mod mask;
pub mod matrix;
pub mod norm;
pub mod pair;
pub mod rademacher;
pub mod rotation;
pub mod score;
pub mod sjlt;
pub mod srht;
pub mod sum;
pub mod summary;

pub use axpy::axpy;
pub use convert::{narrow, widen};
pub use dot::dot;
pub use fold::{fold, tame};
pub use format::Format;
pub use gaussian::gaussian;
pub use hadamard::hadamard;
pub use mask::mask;
pub use norm::{l1_norm, max_abs, squared_norm};
pub use pair::pair;
pub use rademacher::rademacher;
pub use sjlt::sjlt;
pub use srht::srht;
pub use sum::sum;
pub use summary::summarize;
