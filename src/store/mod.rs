//! Rows of sketches: stored in a codec, scored against queries,
//! kept from longer streams.
//!
//! | file | what |
//! |---|---|
//! | `codec` | how a row of K numbers is stored: [`Codec`], and the bytes each takes |
//! | `alone` | a row outside of a store, as bytes: what packets are made of |
//! | `columns` | where a store keeps what: [`StoreSettings`], and the columns of its memory |
//! | `rows` | the store: [`Store`] and its [`Row`]s |
//! | `queries` | what rows are scored against: [`Queries`] |
//! | `shortlist` | the rows of 1 bit that are worth an exact score, by counting signs: [`Signs`], [`Shortlist`] |
//! | `candidates` | the rows of few bits that can be among the largest, with a stated probability: [`Certainty`] |
//! | `reservoir` | a uniform sample of a stream that is longer than the memory: [`Reservoir`] |
//! | `largest` | the rows with the largest scores of such a stream: [`Largest`] |
//! | `top_k` | the k largest scores alone: [`TopK`] |
//!
//! A store is always sealed: rows stand in groups of sixteen whose values lie side by
//! side, the layout in which scoring is fastest ([`gradsieve_kernels::score`]). A new row
//! is written straight to its places, which costs K stores. There is no open segment to
//! seal, and no second copy of it.
//!
//! May import `sketch`, `state`, `memory` and `error`; knows nothing of the methods.

mod alone;
mod candidates;
mod codec;
mod columns;
mod largest;
mod queries;
mod reservoir;
mod rows;
mod shortlist;
mod top_k;

pub use candidates::Certainty;
pub use codec::Codec;
pub use columns::StoreSettings;
pub use largest::{Largest, LargestSettings};
pub use queries::{Queries, QueriesSettings};
pub use reservoir::{Reservoir, ReservoirSettings};
pub use rows::{Row, Store};
pub use shortlist::{Shortlist, ShortlistSettings, Signs, SignsSettings};
pub use top_k::{Entry, TopK, TopKSettings};
