//! The workshop around the core: models that make real gradients, the truth about them,
//! measures, plots, files, and the program `gradsieve`. Everything here may use `std`;
//! nothing here is linked into a device.
//!
//! Reading order: [`data`] → [`model`] → [`gradients`] → [`measures`] → [`methods`] →
//! [`demo`], [`truth`] → [`report`]; [`files`] stands apart and serves the [`commands`]
//! that work on gradients that others made, and so does [`store`].

pub mod commands;
pub mod data;
pub mod demo;
pub mod files;
pub mod gradients;
pub mod measures;
pub mod methods;
pub mod model;
pub mod report;
pub mod store;
mod threads;
pub mod truth;
