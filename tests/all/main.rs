//! The integration tests of the core: one binary, a file for each module. Names are
//! claims.

mod accuracy;
mod budget;
mod curvature;
mod detectors;
mod direction;
mod dvemb;
mod factored;
mod forest;
mod ghost;
mod influence;
mod influence_golden;
mod influence_methods;
mod moments;
mod plan;
mod projections;
mod rademacher;
mod range;
mod sequence;
mod settings;
mod shortlist;
mod sketch;
mod source;
mod state;
mod store;
mod top_k;
