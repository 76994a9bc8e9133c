//! The integration tests of the harness and of the program `gradsieve`: one binary, one
//! module a room. Names are claims.

mod demo;
mod files;
mod files_speed;
mod levels;
mod models;
mod program;
mod report;
mod shortlist;
mod store;
mod trajectory;
mod truth;
