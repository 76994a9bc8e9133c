//! The integration tests of files and stores: one binary, one module a subject. Names
//! are claims.

mod files;
mod files_speed;
mod store;
mod visits;
