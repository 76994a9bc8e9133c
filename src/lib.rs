//! Which training samples are harmful, odd or influential: a scoring kernel for code that trains on the device.
#![no_std]
#![forbid(unsafe_code)]

pub mod error;
pub mod gradient;
pub mod influence;
pub mod moments;
pub mod outlier;
pub mod sketch;
pub mod store;

pub use error::{Error, Field};
pub use gradient::{Layer, Layout, LayoutId};
pub use gradsieve_kernels::{Element, Summary};
pub use half::{bf16, f16};
pub use sketch::{Exact, Kind, Projector, Repeat, Sjlt, Sketch, SketchId, Sketcher};
