//! Which training samples are harmful, odd or influential: a scoring kernel for code that
//! trains on the device.
//!
//! **A batch-mean gradient is not a per-sample gradient.** Everything here speaks about
//! single training samples (or single clients, or single sensors), so it wants *their*
//! gradients, one at a time. Fed with means over a batch it finds odd batches.
//!
//! Gradients stream in as `f32`, `f16` or `bf16`, in segments or as the two factors of a
//! linear layer; they become a fixed-size sketch; and the sketch is scored, against the
//! others' statistics (outlier gradient analysis) and against target gradients
//! (influence). No heap, no `unsafe`, no panics; a few kilobytes in the caller's buffers;
//! and **the same bits on every machine**, so that a sketch made on a microcontroller can
//! be compared with one made on a server.
//!
//! ```
//! use gradsieve::outlier::{SelfInfluence, SelfInfluenceSettings};
//! use gradsieve::{Detector, Key, Layer, Layout, Repeat, Sjlt, Sketcher};
//!
//! const K: usize = 64;
//! // A layer of 10 × 64 weights and its 10 biases.
//! let (weights, bias) = (Layer::new(0, 10, 64), Layer::new(640, 10, 1));
//! let layout = Layout::new(&[weights, bias])?;
//! let projector = Sjlt::new(K, Key::seed(7), Repeat::One)?;
//!
//! let mut sketcher = Sketcher::new(projector, layout, [0.0; K])?; // made once, used for every sample
//! const SETTINGS: SelfInfluenceSettings = SelfInfluenceSettings::new(K);
//! let mut detector = SelfInfluence::new(SETTINGS, [0.0; SETTINGS.memory().f64s])?;
//! let mut scratch = [0.0; SETTINGS.memory().scratch];
//! let sample = |i: usize| ([i as f32 * 0.1; 64], [0.3_f32; 10]); // your backward pass: (input, output gradient)
//! for pass in ["observe", "score"] {
//!     for i in 0..20 {
//!         let (a, b) = sample(i);
//!         sketcher.segment(bias.offset, &b)?;
//!         sketcher.outer(&weights, &a, &b)?;
//!         let sketch = sketcher.finish()?;
//!         if pass == "observe" { detector.observe(&sketch)? } else { println!("{i}: {}", detector.score(&sketch, &mut scratch)?) }
//!     }
//!     detector.fit()?;
//! }
//! # Ok::<(), gradsieve::Error>(())
//! ```
//!
//! # Where things are
//! | module | what it does |
//! |---|---|
//! | [`gradient`] | what comes in: layers, layouts and their ids |
//! | [`ghost`] | exact dot products and norms of gradients from their factors |
//! | [`sketch`] | gradient → K numbers, and the exact L1, L2², maximum and non-finite count, in one pass |
//! | [`moments`] | running mean and second moment of sketches, Cholesky factor |
//! | [`outlier`] | sketches → anomaly scores; larger is more anomalous |
//! | [`sieve`] | the decision in the stream: p-value, flag, reasons |
//! | [`statistics`] | what detectors and the sieve count with, in integers: histograms, scales, tails, p-values, alarms |
//! | [`visits`] | one number a sample over all its visits: mean, mean rank, worst |
//! | [`influence`] | pairs of sketches → influence; positive is helpful |
//! | [`clients`] | federated clients' updates → a weight each, by robust rules |
//! | [`store`] | rows of sketches in the caller's buffer: codecs, scores, shortlists by popcount, samples of longer streams, the k best |
//! | [`state`] | every state as bytes, readable on any machine |
//! | [`wire`] | sketches as small packets, for a radio or a server |
//! | [`budget`] | which K, codec and detector fit in so many bytes, and the error to expect |
//! | [`error`] | what can be wrong with a call |
//!
//! # Features
//! None is on by default.
//!
//! | feature | what it adds |
//! |---|---|
//! | `serde` | settings of detectors, sieves, stores, visits and packets are read and written, verdicts and alarms written; a name or a field that is not known is refused, and a value out of range by what is made of the settings |
//! | `alloc` | [`Allocate`]: states that own memory of the allocator; [`State::to_vec`] |
//! | `embedded-io` | [`state::write_to`] and [`state::read_from`]: states in pieces, through a driver |
//! | `defmt` | the same settings, verdicts, alarms and errors can be logged |
//!
//! Data runs one way: segment → sketch → score → decision. The arithmetic is in the crate
//! `gradsieve-kernels`; what "the same bits" means exactly is said there, and in the
//! project's ARCHITECTURE.md.
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::std_instead_of_core)]
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

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(feature = "alloc")]
mod allocate;
pub mod budget;
pub mod clients;
mod dense;
pub mod error;
pub mod ghost;
pub mod gradient;
pub mod influence;
mod memory;
pub mod moments;
pub mod outlier;
pub mod sieve;
pub mod sketch;
pub mod state;
pub mod statistics;
pub mod store;
pub mod visits;
pub mod wire;

// What a user needs first. The rest stands in its module.
#[cfg(feature = "alloc")]
pub use allocate::Allocate;
pub use error::{Error, Field};
pub use gradient::{Layer, Layout, LayoutId, Sequence};
pub use gradsieve_kernels::{Element, Fingerprint, Key, Summary};
pub use half::{bf16, f16};
pub use influence::Targets;
pub use memory::{Buffer, Memory};
pub use outlier::{Detector, Direction, DirectionSettings};
pub use sieve::{Alarm, Groups, Guards, LossKind, Rate, Reasons, Sieve, SieveSettings, Verdict};
#[doc(inline)]
pub use sketch::*;
pub use state::State;
pub use store::{Codec, Store, StoreSettings};

/// The README's Rust example, compiled and run with the other examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
