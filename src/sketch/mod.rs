//! gradient → K numbers. One file a projection; all of them stand in the one list of the
//! file `kind`. The [`Sketcher`] projects and measures in one pass.
//!
//! A projection is linear, unbiased for inner products over its keys, and a pure
//! function of (key, coordinate), so nothing is stored and the segments of a gradient
//! may arrive in any order. In one order, where the segments are cut does not change a
//! bit; another order is another rounding. ([`Rademacher`] takes coordinates by 32 and
//! [`Srht`] by 1,024; for them a cut inside such a group is another rounding, too.) The
//! rows of an outer product are no cuts: its sketch has the bits of the matrix written
//! out.
//!
//! # Which projection when
//! The variance is that of an estimated inner product ⟨x, y⟩, and V = (‖x‖²‖y‖² + ⟨x,
//! y⟩²)/K: the relative error of a squared norm is √(2/K) with each but the masks. They
//! differ in cost, and in how often an estimate is far off: the kurtosis is that of the
//! estimates for two vectors that live in the same two blocks of 32 coordinates, K = 128;
//! 3 is a normal distribution's. Times are of one core with AVX-512, a coordinate of an
//! `f32` gradient in the level-2 cache, K = 512 (`race`, 2026-11-22); the kurtosis is
//! printed by `cargo test --test all unbiased -- --nocapture`.
//!
//! | projection | variance | kurtosis | cost a coordinate | take it | where it fails |
//! |---|---|---|---|---|---|
//! | [`Sjlt`], s = 1 | ≤ V | 11 | s additions, 0.07 ns | by default, for dense gradients | heavy tails where few blocks of 32 coordinates carry the gradient |
//! | [`Sjlt`], s = 2 or 4 | ≤ V | 4.3 or 3.0 | s times that | for embeddings and output heads | |
//! | [`Srht`] | ≤ V | 3.0 | ten additions more, 0.2 ns | where few coordinates carry the gradient, and segments are long | a cut inside a block of 1,024 costs a block's work; 4 KiB of stack |
//! | [`Mask`], [`IndexMask`] | V and what the mask adds: √(2/K + 2m/p) of a squared norm where coordinates look normal | | 0.03 ns at m = 8; of 128 MiB from memory it takes 0.8 of the SJLT's time at m = 16 and 0.4 at m = 32, but at m = 12 as much and at m = 4 nearly three times as much | where reading p coordinates costs too much | **gradients that few blocks carry**: what is dropped leaves no trace |
//! | [`Rademacher`] | V − 2Σxᵢ²yᵢ²/K | 3.0 | K/4 operations for 32 of them, 4 ns | where every digit counts: the lightest tails and least variance | time, which grows with K |
//! | [`Gaussian`] | V exactly | 3.0 | 4·K look-ups and additions, 60 ns | to compare with theory, or with another's results | time, 15 times the Rademacher's |
//! | [`Exact`] | 0 | | 1 addition | for small models, and as the truth | memory: p numbers |
//!
//! For linear layers that come as outer products or sequences, and for models layer by
//! layer:
//!
//! | projection | variance | cost of an outer product | take it | where it fails |
//! |---|---|---|---|---|
//! | [`Logra`] | ≤ (2/k_o + 2/k_i + 4/K)·‖x‖²‖y‖² | inputs·k_i + outputs·k_o terms of a dense projection, K products | for large layers: no pass over their entries, no time for one | aligned gradients, for which the factors' widths count and not K |
//! | [`FactGrass`] | V and what its masks add, about as much as `Logra`'s factors where entries look normal | k′_o·k′_i, whatever the layer's size | for larger layers still, and where K is to be small | factors that few entries carry |
//! | [`Kronecker`] | ≤ (2/k_o + 2/k_i + 4/K)·‖x‖²‖y‖², less where a factor is kept | inputs + outputs additions, K products | for small cores and small networks, all layers in one | aligned gradients, as `Logra`; factors that few entries carry |
//! | [`Plan`] | Σ of its parts | that of its parts | for factored parts, widths that follow a layer's worth, methods that work by layer | |
//! | [`AnyProjector`] | of what it holds | of what it holds | where the projection is a setting: [`ProjectorSettings`] | |
//!
//! What each loses on a task of 4,810 parameters (correlation of influence, flipped
//! labels found), over K and by codec of stored rows, is measured in
//! `docs/src/results/sketches.md`.
//!
//! A sequence (a layer applied at T positions) costs a factored projector T times as
//! much, and any other the time in which the layer's gradient is formed, T products an
//! entry.
//!
//! May import `ghost`, `gradient`, `memory` and `error`; knows nothing of detectors,
//! influence or stores.

mod any;
mod build;
mod exact;
mod factgrass;
mod finished;
mod gaussian;
mod id;
mod kind;
mod kronecker;
mod logra;
mod mask;
mod plan;
mod projector;
mod rademacher;
mod settings;
mod sjlt;
mod sketcher;
mod srht;

pub use any::{AnyProjector, Part, Plan};
pub use exact::Exact;
pub use factgrass::FactGrass;
pub use finished::Sketch;
pub(crate) use finished::all_finite;
pub use gaussian::Gaussian;
pub use gradsieve_kernels::sjlt::Repeat;
pub use id::SketchId;
pub use kind::Kind;
pub use kronecker::{FoldedLayer, Kronecker, KroneckerIn};
pub use logra::Logra;
pub use mask::{IndexMask, Mask};
pub use projector::Projector;
pub use rademacher::Rademacher;
pub use settings::{Factor, ProjectorSettings, Widths};
pub use sjlt::Sjlt;
pub use sketcher::Sketcher;
pub use srht::Srht;
