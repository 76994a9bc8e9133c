//! Rows of sketches in the caller's memory, scored against a target, and the k largest of
//! a stream of scores.

pub mod rows;
pub mod target;
pub mod top_k;
