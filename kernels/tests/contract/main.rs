//! What the kernels promise besides equal bits (`tests/levels`): errors that leave the
//! output alone, bounds against `f64`, places of sealed rows, published vectors.

mod definition;
mod fold;
mod inputs;
mod matrix;
mod projections;
mod published;
mod stores;
mod transforms;
