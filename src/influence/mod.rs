//! Pairs of sketches → influence. One file a method.
//!
//! **A positive influence is helpful**: training on the sample lowers the target's loss,
//! and leaving it out raises it. Opponents, the harmful samples, are negative. A *target*
//! gradient v is that of one validation sample, or of the sum or mean over a set; a
//! *train* gradient g is that of one training sample. Each method states its scale;
//! nothing is rescaled in silence.
//!
//! | method | score of train z for target v | memory beside the sketches | when |
//! |---|---|---|---|
//! | [`grad_dot`], [`grad_cos`] | g·v; its cosine | none | a first look; one model at the end of training |
//! | [`TracIn`] | Σ_c η_c g·v, and η_c ‖g‖² for itself | 8 bytes a pair | checkpoints of the run |
//! | [`IpEnsemble`] | Σ_m g·v over copies of the model | 16 bytes a pair | dropout masks, perturbed weights |
//! | [`ReTrac`] | (mean of g/‖g‖)·(mean of v/‖v‖) | K a sample | many time steps or noise levels a sample |
//! | [`Less`], [`Adam`] | max over subtasks of Σ_c w_c · mean cos(Γ, v) | K + 1 a subtask, 8 bytes a subtask and sample | training was with Adam; targets are tasks |
//! | [`InRunShapley`] | Σ_t η_t v_t·g − (η_t²/2) g·w_t | 8 bytes a sample | during the run itself; no stored rows |
//! | [`AdamSlopes`] | the same with σ∘v_t, Adam's own slopes | p | the steps were Adam's |
//! | [`Greats`] | s_z = η v·g_z, then s_z − η² g_z·g_z* after each pick | B + B² of `f64` a batch | *which* to train on, in every step |
//! | [`Ridge`] | φ_vᵀ(C + λI)⁻¹φ_z | K² + 3K | K to some thousands; the usual choice |
//! | [`DualRidge`] | as ridge | n² + 3n of `f64`, K + n a target | rows that are wider than they are many: n to some thousands, any K |
//! | [`Trak`] | [mean φ_vᵀ(ΦᵀΦ + λI)⁻¹φ_z]·[mean (1 − p)] | K² + 3K | several models; gradients of the margin |
//! | [`DataInf`] | Σ_l mean of (λ_l + g_l g_lᵀ)⁻¹ | 4·K a target, 16 rows | two passes over the rows, layers apart |
//! | [`ConjugateGradients`] | as ridge | 5·K of `f64` a target | K too large for a matrix; some 20 to 90 passes |
//! | [`Lissa`] | as ridge, damped by stopping early | 3·K of `f64` a target | a fixed, small number of passes |
//! | [`Arnoldi`] | Σ (u·v)(u·g)/λ over top eigenpairs | (m + 1)·K, m² + 3m of `f64` | any Hessian–vector product; a few dozen passes |
//! | [`Gif`] | v_J·(H_{J·}H_{·J})⁻¹H_{J·}g | K²/2, \|J\|·(K + \|J\|) of `f64` | the update may touch the coordinates J only |
//! | [`Ekfac`] | Σ_l ⟨V, (Q_S G Q_Aᵀ)/(Λ + λ) turned back⟩ | 3·I·O + 1.5·(I² + O²) a layer | linear layers; no projection |
//! | [`dvemb`] | vᵀ[Π_{k>s}(I − η_k H_k)] η_s g_s; forms for momentum and AdamW | Q·K or K², and the run's rows | *when* in this run a sample mattered |
//! | [`Targets`] | Q solved targets of any of these at once | none | one sample, or a block of stored rows |
//! | [`Fit`] | no score: how far a run's steps are from a form's | 24 bytes | before a form of [`dvemb`] or [`InRunShapley`] is trusted |
//!
//! C = ΦᵀΦ/n. Numbers are `f32` where nothing else is said. The project's
//! `docs/src/methods` has formulas, scales, costs and sources side by side, says when
//! each method is the right one, and how well it foretold what really happened.
//!
//! *First-order sums or solved curvature*: which is ahead depends on the task. Without
//! half of the samples, on digits after ten epochs, [`TracIn`] has a rank correlation of
//! .45, [`Ridge`] .35 and [`Trak`] .29; on MNIST with ten times the parameters it is .30,
//! .50 and .61, and with a damping of 1 in place of .1 .62 and .69
//! (`docs/results/truth_*.csv`, `lds-regimes_*.csv`).
//!
//! On sketches every method is an estimate of itself on gradients, because a projection
//! is unbiased for inner products; with [`Exact`](crate::Exact) it is the method itself.
//!
//! May import `gradient`, `sketch`, `state`, `moments`, `dense` and `error`; knows
//! nothing of detectors or stores.

mod adam;
mod adam_slopes;
mod arnoldi;
mod conjugate_gradients;
mod cosine;
mod curvature;
mod datainf;
mod dot;
mod dual_ridge;
pub mod dvemb;
mod ekfac;
mod ekfac_inverse;
mod ensemble;
mod fit;
mod gif;
mod greats;
mod in_run;
mod less;
mod lissa;
mod passes;
mod precision;
mod preconditioner;
mod retrac;
mod ridge;
mod second_moment;
mod solver;
mod targets;
mod tracin;
mod trak;
mod wide;

pub use adam::{Adam, AdamSettings};
pub use adam_slopes::{AdamSlopes, AdamStep};
pub use arnoldi::{Arnoldi, ArnoldiSettings};
pub use conjugate_gradients::{ConjugateGradients, ConjugateGradientsSettings};
pub use cosine::grad_cos;
pub use datainf::{DataInf, DataInfLayer, DataInfSettings, DataInfSolver};
pub use dot::grad_dot;
pub use dual_ridge::{DualRidge, DualRidgeSettings, DualRidgeSolver, NumberedRows};
pub use ekfac::{Ekfac, EkfacSettings};
pub use ekfac_inverse::EkfacInverse;
pub use ensemble::IpEnsemble;
pub use fit::{Fit, SgdForm, StepProducts, StepVectors};
pub use gif::{Gif, GifSettings};
pub use greats::Greats;
pub use in_run::InRunShapley;
pub use less::{Less, LessSettings, LessTargets};
pub use lissa::{Lissa, LissaSettings};
pub use passes::Progress;
pub use precision::Precision;
pub use preconditioner::{Identity, Preconditioner};
pub use retrac::ReTrac;
pub use ridge::{Ridge, RidgeSettings};
pub use second_moment::Curvature;
pub use solver::{IterativeSolver, Solver};
pub use targets::Targets;
pub use tracin::TracIn;
pub use trak::{Trak, TrakScore, TrakSettings};

use crate::error::Error;
use crate::sketch::Sketch;

/// Refuses two sketches that cannot be compared, and those of non-finite gradients.
fn check_pair(train: &Sketch<'_>, target: &Sketch<'_>) -> Result<(), Error> {
    train.id.check(&target.id)?;
    train.check_finite()?;
    target.check_finite()
}

/// Refuses a damping that is none.
const fn check_damping(damping: f32) -> Result<(), Error> {
    if damping.is_finite() && damping > 0.0 {
        Ok(())
    } else {
        Err(Error::Setting { name: "damping", expected: "finite and above 0" })
    }
}

/// The sum of influences, if `f64` holds it: past its range two of them would make NaN.
fn summed(sum: f64, further: f64) -> Result<f64, Error> {
    in_range(sum + further, "the sum of influences")
}

/// A number, if `f64` holds it.
fn in_range(x: f64, what: &'static str) -> Result<f64, Error> {
    if x.is_finite() { Ok(x) } else { Err(Error::Range { what }) }
}
