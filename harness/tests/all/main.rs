//! The integration tests of the harness: one binary, one module a subject. Names are
//! claims.

mod models;
mod shortlist;
mod truth;
