//! Rows of sketches over the caller's memory, and what is kept of long lists: so far the top k.
//!
//! May import `sketch` and `error`; knows nothing of the methods.

mod top_k;

pub use top_k::{Entry, TopK};
