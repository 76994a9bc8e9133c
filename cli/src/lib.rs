//! The program `gradsieve`: its commands, the demonstration and the report.
//!
//! Reading order: [`demo`] → [`report`] → [`commands`].

pub mod commands;
pub mod demo;
pub mod report;
