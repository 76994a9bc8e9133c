//! Influence methods that need a model and not only gradients: they train it a little,
//! run it forward, or compare data sets.
//!
//! Each states its formula, sign, scale and source. Positive is helpful, as in the core.
//! Everything is in f64 and a pure function of its arguments. May import `data` and
//! `model`; knows nothing of truth, files or terminals. The project's `docs/src/methods`
//! compares them with the core's.
//!
//! | file | what |
//! |---|---|
//! | [`ascent`] | a few steps up the loss of some samples: unlearning them |
//! | [`mod@forward_inf`] | unlearn a target, see which training losses rise |
//! | [`mod@untrac`] | unlearn training samples, see which target losses rise; and the inverse |
//! | [`mod@lava`] | dual potentials of the distance between training and validation data |
//! | [`mod@out_of_fold`] | losses under models that have not seen the sample |
//! | [`fairif`] | sample weights that close the gap between groups |
//! | [`mod@gauss_newton`] | the Gauss–Newton matrix of a small model, written out |
//! | [`targets`] | target gradients of a model's utility, fairness and robustness |

pub mod ascent;
pub mod fairif;
pub mod forward_inf;
pub mod gauss_newton;
pub mod lava;
pub mod out_of_fold;
pub mod targets;
pub mod untrac;

pub use ascent::{Ascent, Rule, ascend};
pub use fairif::{FairIf, group_gaps};
pub use forward_inf::forward_inf;
pub use gauss_newton::gauss_newton;
pub use lava::{Lava, lava};
pub use out_of_fold::{FOLDS, out_of_fold};
pub use untrac::{untrac, untrac_inverse};
