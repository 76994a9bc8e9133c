//! Rows of sketches over the caller's memory: stored in a codec, scored against queries,
//! kept from longer streams.
//!
//! | file | what |
//! |---|---|
//! | `codec` | how a row of K numbers is stored: [`Codec`], and the bytes each takes |
//! | `rows` | the store: [`Store`] and its [`Row`]s |
//! | `queries` | what rows are scored against: [`Queries`] |
//! | `shortlist` | the rows of 1 bit that are worth an exact score, by counting signs: [`Signs`], [`Shortlist`] |
//! | `reservoir` | a uniform sample of a stream that is longer than the memory: [`Reservoir`] |
//! | `largest` | the rows with the largest scores of such a stream: [`Largest`] |
//! | `top_k` | the k largest scores alone: [`TopK`] |
//!
//! A store is one slice of `u64` that the caller lends, so that any target aligns it for
//! every codec. It is always sealed: rows stand in groups of sixteen whose values lie
//! side by side, the layout in which scoring is fastest ([`gradsieve_kernels::score`]),
//! and a new row is written straight to its places, which costs K stores. There is no
//! open segment to seal, and no second copy of it.
//!
//! May import `sketch`, `state` and `error`; knows nothing of the methods.

mod codec;
mod largest;
mod queries;
mod reservoir;
mod rows;
mod shortlist;
mod top_k;

pub use codec::Codec;
pub use largest::Largest;
pub use queries::Queries;
pub use reservoir::Reservoir;
pub use rows::{Row, Store};
pub use shortlist::{Shortlist, Signs};
pub use top_k::{Entry, TopK};
