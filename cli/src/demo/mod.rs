//! The demonstration: train on data with flipped labels, score every sample's gradient,
//! retrain without the flagged.
//!
//! Reading order: [`Settings`] → `gradients` (the model's per-sample gradients through
//! the core's sketch) → `detectors` (the table of contestants) → `in_loop` (training that
//! leaves out what it does not trust) → [`run`] → [`Outcome`].
//!
//! May import the harness and the core; knows nothing of files, reports or terminals: who
//! wants to see progress passes a [`Watch`](gradsieve_harness::Watch).

mod detectors;
mod error;
mod gradients;
mod in_loop;
mod outcome;
mod run;
mod settings;

pub use detectors::{CONTESTANTS, Contestant, Evidence};
pub use error::DemoError;
pub use gradients::{Gradients, gather};
pub use in_loop::{LeftOut, LoopAlarm, LoopOutcome, LoopPolicy, LoopSuspect, Visit};
pub use outcome::{DetectorOutcome, Outcome, Suspect};
pub use run::run;
pub use settings::{Settings, Source};
