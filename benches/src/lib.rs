//! The measuring side of gradsieve: criterion benches (`benches/`) and the program
//! `race`.
//!
//! A race answers two questions about every kernel: what part of the machine's own limit
//! does it reach, and does any other crate do better? Our kernels, their peers and the
//! limits run interleaved, in many short rounds, in thread CPU time, so that a noisy
//! neighbour slows all of them alike.
//!
//! - [`machine`]: the CPU's name and caches, and the footprints that follow from them.
//! - [`clock`]: thread CPU time, rounds, and the figure that is taken from them.
//! - [`contest`]: who runs against whom, checked before it is timed; [`report`]: the
//!   table and the JSON; [`figures`]: a file of figures that grows as they come.
//! - [`limits`]: plain loops that only move data, or only compute.
//! - [`factored`], [`ghosts`]: the core's ways around forming a layer's gradient.
//! - [`dots`], [`norms`], [`pairs`], [`summaries`], [`sketches`], [`axpys`],
//!   [`conversions`], [`hadamard`], [`rademacher`], [`gaussians`], [`srht`], [`masks`],
//!   [`matrices`], [`scores`] with [`stores`] in them, [`distances`], [`influence`]: one
//!   file a contest.
//! - [`data`]: aligned numbers; [`plain`]: the loops that a Rust programmer would write.

pub mod axpys;
pub mod clock;
pub mod contest;
pub mod conversions;
pub mod data;
pub mod distances;
pub mod dots;
pub mod factored;
pub mod figures;
pub mod gaussians;
pub mod ghosts;
pub mod hadamard;
pub mod influence;
pub mod limits;
pub mod machine;
pub mod masks;
pub mod matrices;
pub mod norms;
pub mod pairs;
pub mod plain;
pub mod rademacher;
pub mod report;
pub mod scores;
pub mod sketches;
pub mod srht;
pub mod stores;
pub mod summaries;

/// The contests, in the order of the table.
pub const CONTESTS: &[fn(&mut contest::Hall)] = &[
    dots::hold,
    norms::hold,
    pairs::hold,
    summaries::hold,
    sketches::hold,
    axpys::hold,
    conversions::hold,
    hadamard::hold,
    rademacher::hold,
    gaussians::hold,
    srht::hold,
    masks::hold,
    matrices::hold,
    scores::hold,
    distances::hold,
    factored::hold,
    ghosts::hold,
    influence::hold,
];
