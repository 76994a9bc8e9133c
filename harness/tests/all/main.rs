//! The integration tests of the harness: one binary, one module a subject. Names are
//! claims.

mod eigen;
mod models;
mod shortlist;
mod truth;
