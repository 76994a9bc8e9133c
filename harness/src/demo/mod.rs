//! The demonstration: train on data with flipped labels, score every sample's gradient, retrain without the flagged.
//!
//! May import `data`, `model`, `measures` and the core; knows nothing of files or reports.

mod outcome;

pub use outcome::{DetectorOutcome, Outcome, Suspect};
