//! Models that make real gradients: softmax regression and ReLU networks of any depth,
//! trained the same way on every machine, with exact gradients of single samples.
//!
//! The module may import [`data`](crate::data) and nothing else of the harness. One
//! backward pass ([`Mlp::backward`]) serves training, whole gradients and (activation,
//! delta) pairs, so they cannot disagree. Sums run in a fixed order, products are rounded
//! before they are added, exponentials and logarithms come from `libm`: the same seed
//! gives the same bits everywhere.
//!
//! | file | what |
//! |---|---|
//! | [`layers`] | where each layer's weights and biases lie in the flat parameter vector |
//! | [`real`] | f32 or f64 |
//! | [`mlp`] | the model: forward, backward, gradients |
//! | [`second`] | exact products of its Hessian and Gauss–Newton matrix |
//! | [`loss`] | softmax cross-entropy, finite and accurate when saturated |
//! | [`optimizer`] | SGD, momentum, Nesterov's, Adam, AdamW |
//! | [`training`] | mini-batches, epochs, checkpoints |
//! | [`trajectory`] | a recorded run, and its exact replay with a sample left out |
//! | [`evaluation`] | losses, predictions and accuracy over a set |

mod arithmetic;
pub mod error;
pub mod evaluation;
pub mod layers;
pub mod loss;
pub mod mlp;
pub mod optimizer;
pub mod real;
pub mod second;
pub mod training;
pub mod trajectory;

pub use error::ModelError;
pub use layers::Layer;
pub use mlp::{LayerGradient, Mlp, Scratch};
pub use optimizer::{Moments, Optimizer};
pub use real::Real;
pub use second::Curvature;
pub use training::{Checkpoint, Epoch, Schedule, TrainConfig, Trained, train};
pub use trajectory::{Removal, Step, Trajectory};
