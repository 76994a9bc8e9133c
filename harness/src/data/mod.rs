//! Data sets: features, labels, and what is known about which labels are wrong.
//!
//! The room makes and reads [`Dataset`]s, splits them and damages their labels on
//! purpose, so that the rest of the harness knows the truth. Everything random is a pure
//! function of a seed ([`random`]). It may not import any other module of the harness.
//!
//! | file | what |
//! |---|---|
//! | [`dataset`] | the type, subsets, the stratified split |
//! | [`flips`] | seeded label flips |
//! | [`scaling`] | zero mean and unit variance, fitted on one set and applied to another |
//! | [`mod@digits`], [`mod@cancer`], [`oga`] | embedded real and published sets |
//! | [`mod@moons`], [`mod@blobs`], [`mod@machine`] | synthetic sets of any size |
//! | [`csv`] | any CSV file |
//! | [`random`] | the seeded generator and its normal draws |

pub mod blobs;
pub mod cancer;
pub mod csv;
pub mod dataset;
pub mod digits;
pub mod error;
pub mod flips;
pub mod machine;
pub mod moons;
pub mod oga;
pub mod random;
pub mod scaling;

pub use blobs::blobs;
pub use cancer::cancer;
pub use dataset::Dataset;
pub use digits::digits;
pub use error::DataError;
pub use flips::Flips;
pub use machine::machine;
pub use moons::moons;
pub use oga::oga_linear;
pub use scaling::Scaling;
