//! Ground truth: what really happens to the targets when samples are left out, and how
//! well each method foretells it.
//!
//! Reading order: [`Settings`] → [`Source`] → `task` (data and training of a seed) → an
//! experiment (`tsloo`, `loo`, `lds`, `brittleness`, `flips`, `shapley`), which computes
//! a truth by retraining, or `fairness`, which retrains with weights, `sketches`, which
//! holds sketches against gradients, `breakdown`, which poisons detectors, or `streams`,
//! where samples are judged as they come → [`Evidence`], what a method may look at →
//! [`METHODS`] → [`run()`] → [`Outcome`].
//!
//! Removals are in sum form: a sample's term is dropped, and nothing else is rescaled
//! ([`crate::model::trajectory`]). Truth is computed in f64, methods see gradients as the
//! core does, in f32. Positive is helpful throughout: leaving the sample out would raise
//! the loss.
//!
//! May import `data`, `model`, `gradients`, `methods`, `measures` and the core; knows
//! nothing of reports or terminals: who wants to see progress passes a
//! [`Watch`](crate::Watch).

mod breakdown;
mod brittleness;
mod context;
mod correlation;
mod directions;
mod eigen;
mod error;
mod evidence;
mod fairness;
mod fitted;
mod flips;
mod interval;
mod jobs;
mod kept;
mod lds;
mod ledger;
mod loo;
mod methods;
mod optimum;
mod outcome;
mod principal;
mod projection;
mod run;
mod settings;
mod shapley;
mod sketches;
mod source;
mod streams;
mod tally;
mod target;
mod task;
mod tsloo;

pub use breakdown::{BreakdownLine, CLEAN, DETECTORS, Form, KINDS, least_share};
pub use directions::leading_directions;
pub use eigen::{EigenCoordinates, EigenFit, EigenMoments};
pub use error::TruthError;
pub use evidence::{Evidence, Quantity, Rows};
pub use fitted::Fitted;
pub use interval::bootstrap;
pub use jobs::run_jobs;
pub use ledger::Ledger;
pub use methods::{METHODS, Method, Needs, Scored, Steps};
pub use optimum::Optimum;
pub use outcome::{Line, Outcome, Panel};
pub use projection::Projection;
pub use run::run;
pub use settings::{Experiment, Settings};
pub use shapley::LARGE;
pub use sketches::{PROJECTIONS, SketchLine, Sketching, Way};
pub use source::Source;
pub use streams::{
    CLEAN_STREAM, CORRUPTIONS, Corruption, Decision, Guarded, GuardedRun, Judgement, LoopLine, POLICIES,
    Placement, Policy, RATES, Regime, SCORERS, Scope, Scorer, Scoring, Seen, Stream, StreamLine, StreamPlan,
    StreamTask, Streams, TASKS, VISITED, Visited, each_stream,
};
pub use target::Target;
pub use task::Task;
