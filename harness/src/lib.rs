//! The workshop around the core: models that make real gradients, the truth about them,
//! and measures. Everything here may use `std`; nothing here is linked into a device.
//!
//! Reading order: [`data`] → [`model`] → [`gradients`] → [`measures`] → [`methods`] →
//! [`truth`].

pub mod data;
pub mod gradients;
pub mod measures;
pub mod methods;
pub mod model;
mod threads;
pub mod truth;
mod watch;

pub use threads::on_all_cores;
pub use watch::{Silent, Watch};
