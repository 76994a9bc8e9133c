//! Gradients and sketches on disk: arrays, safetensors, recorded runs, stores that grow,
//! and numbers over visits.
//!
//! Reading order: [`files`] → [`store`], [`visits`].

pub mod files;
pub mod store;
pub mod visits;
