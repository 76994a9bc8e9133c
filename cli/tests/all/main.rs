//! The integration tests of the program `gradsieve`, its demonstration and its report:
//! one binary, one module a subject. Names are claims.

mod demo;
mod levels;
mod program;
mod report;
mod trajectory;
