//! What the core's features add; none is on by default, and each compiles without the
//! others (`cargo xtask features`).

mod allocate;
mod pieces;
mod serde;
