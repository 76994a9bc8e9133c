//! Claims about the program `gradsieve`, made as its users see it: arguments in; files,
//! text and an exit code out. The arrays in `golden/influence/` are NumPy's
//! (`golden/influence.py`). One file a command, or a side of it.

mod bergson;
mod clients;
mod export;
mod help;
mod influence;
mod influence_curvature;
mod influence_refusals;
mod influence_solvers;
mod influence_stores;
mod influence_tables;
mod info;
#[cfg(unix)]
mod interrupt;
mod key;
mod merge;
mod names;
mod outliers;
mod outliers_defaults;
mod outliers_several;
mod place;
mod plan;
mod refusals;
mod report;
mod sieve;
mod sketch;
mod sketches_in_arrays;
mod truth;
mod unread;
mod visits;
mod writers;
