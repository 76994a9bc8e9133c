//! A device that trains on a recorded sensor series while a sieve judges each sample, and
//! goes on after a reset. What the firmware examples share; README.md has the series.
//!
//! | module | what |
//! |---|---|
//! | [`series`] | the rows, their labels, and all that is drawn |
//! | [`training`] | the network on the series, with nobody who judges, or with a rule |
//! | [`device`] | the same with a sieve, and its state as bytes |
//! | [`flash`] | a record in two pages of flash memory, of which one is always whole |
//! | [`influence`] | in-run Shapley values of the last samples |
#![no_std]
#![forbid(unsafe_code)]

pub mod device;
pub mod flash;
pub mod influence;
pub mod series;
pub mod training;
