//! Gradients and sketches on disk: arrays, safetensors, recorded runs, and stores that
//! grow.
//!
//! Reading order: [`files`] → [`store`].

pub mod files;
pub mod store;
