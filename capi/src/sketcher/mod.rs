//! The sketcher: gradients in, sketches out, by any projection.
//!
//! | file | what |
//! |---|---|
//! | `settings` | the projections, and what can be set of them |
//! | `sketching` | a sketcher of any projection behind a table of functions |
//! | `place` | how much memory a sketcher needs, and putting one there |
//! | `segment` | gradients in pieces |
//! | `outer` | gradients of linear layers, by their factors |
//! | `sequence` | the same, of layers that were applied at several positions |
//! | `finish` | the sketch |

pub mod finish;
pub mod outer;
pub mod place;
pub mod segment;
pub mod sequence;
pub mod settings;
mod sketching;
