//! The methods that are held against the truth, one line each.
//!
//! A method gives every pair (target, training sample) a score, positive where the sample
//! helps the target; or every training sample a score of itself, larger where it is
//! harder to explain by the others; or both. It asks the [`Evidence`] for what it needs
//! and its time is counted with that. To add one: a function in a file of its family, and
//! a line here.

mod adjoint;
mod copies;
mod dots;
mod dvemb;
mod fits;
mod in_run;
mod inputs;
mod less;
mod retrac;
mod ridge;
mod scored;
mod solvers;
mod spectral;
mod trak;
mod with_model;

pub use scored::Scored;

use super::error::TruthError;
use super::evidence::Evidence;
use super::settings::Experiment;
use crate::model::Optimizer;

type Score = fn(&Evidence<'_>) -> Result<Scored, TruthError>;

/// How far the run's steps are from those that a method takes for granted, as
/// [`gradsieve::influence::Fit`] has it; none where nothing moved.
type Residual = fn(&Evidence<'_>) -> Result<Option<f64>, TruthError>;

/// What a method cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// The trained model.
    Model,
    /// Models along the path of its training.
    Checkpoints,
    /// The steps of its training: scores are of one removal.
    Trajectory,
    /// More models that are trained alike.
    Ensemble,
}

/// One method.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// Short name, as on the command line.
    pub name: &'static str,
    /// One line on what it is.
    pub about: &'static str,
    /// What it needs.
    pub needs: Needs,
    /// Scores of pairs.
    pub pairs: Option<Score>,
    /// Scores of training samples for themselves.
    pub own: Option<Score>,
    /// Whether its targets must be samples: it asks for their margins, factors or losses,
    /// not for a gradient.
    pub of_samples: bool,
    /// For which optimizers it has a row of its own.
    pub steps: Steps,
    /// Whether it solves with a damped matrix: it can be run with several dampings.
    pub is_damped: bool,
    /// Of one that follows the steps by a formula: how far they are from it.
    pub residual: Option<Residual>,
}

/// Optimizers that a method is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steps {
    /// Whatever took the steps.
    Any,
    /// Another optimizer than plain SGD.
    Others,
    /// Adam or AdamW.
    Adaptive,
}

impl Method {
    /// Whether it has something to say in an experiment.
    #[must_use]
    pub fn applies(&self, experiment: Experiment) -> bool {
        let scores = match experiment {
            Experiment::Flips => self.own,
            Experiment::Fairness | Experiment::Sketches => None,
            // It has its own random samples.
            Experiment::Brittleness if self.name == "random" => None,
            _ => self.pairs,
        };
        scores.is_some() && (experiment != Experiment::Loo || self.needs == Needs::Model)
    }

    /// Whether it has something to say of a run of an optimizer.
    #[must_use]
    pub fn is_of(&self, optimizer: &Optimizer, weight_decay: f32) -> bool {
        match self.steps {
            Steps::Any => true,
            Steps::Others => *optimizer != Optimizer::Sgd || weight_decay != 0.0,
            Steps::Adaptive => matches!(optimizer, Optimizer::Adam { .. } | Optimizer::AdamW { .. }),
        }
    }
}

const fn method(
    name: &'static str,
    about: &'static str,
    needs: Needs,
    pairs: Option<Score>,
    own: Option<Score>,
) -> Method {
    Method {
        name,
        about,
        needs,
        pairs,
        own,
        of_samples: false,
        steps: Steps::Any,
        is_damped: false,
        residual: None,
    }
}

/// One whose targets must be samples.
const fn of_samples(method: Method) -> Method {
    Method { of_samples: true, ..method }
}

/// One for some optimizers alone.
const fn of_steps(steps: Steps, method: Method) -> Method {
    Method { steps, ..method }
}

/// One that follows the steps by a formula.
const fn by(residual: Residual, method: Method) -> Method {
    Method { residual: Some(residual), ..method }
}

/// One with a damping.
const fn damped(method: Method) -> Method {
    Method { is_damped: true, ..method }
}

/// All methods, in the order of the tables.
#[rustfmt::skip]
pub const METHODS: &[Method] = &[
    method("random", "numbers by chance", Needs::Model, Some(inputs::random), None),
    method("loss", "the sample's loss, whatever the target", Needs::Model, Some(inputs::loss), Some(dots::loss)),
    of_samples(method("nearest", "nearness of the inputs; minus it where labels differ", Needs::Model, Some(inputs::nearest), None)),
    method("dot", "gradients' dot product at the end", Needs::Model, Some(dots::dot), Some(dots::dot_own)),
    method("cosine", "gradients' cosine at the end", Needs::Model, Some(dots::cosine), None),
    method("ip-noise", "gradients' dot product, mean over ten copies with noise", Needs::Model, Some(copies::noise), Some(copies::noise_own)),
    method("ip-dropout", "the same, copies without a tenth of the hidden units", Needs::Model, Some(copies::dropout), Some(copies::dropout_own)),
    method("tracin", "dot products at a checkpoint an epoch", Needs::Checkpoints, Some(dots::tracin), Some(dots::tracin_own)),
    method("retrac", "dot products of mean directions over a checkpoint an epoch", Needs::Checkpoints, Some(retrac::pairs), None),
    method("less", "cosines of Adam features at a checkpoint an epoch", Needs::Checkpoints, Some(less::pairs), None),
    by(fits::sgd, method("in-run", "in-run Shapley, first order: η·g·v at the sample's own steps", Needs::Trajectory, Some(in_run::first), None)),
    damped(method("ridge", "inverse empirical Fisher", Needs::Model, Some(ridge::pairs), Some(ridge::own))),
    method("datainf", "mean of the samples' own inverses, layer by layer", Needs::Model, Some(solvers::datainf), None),
    damped(method("cg", "inverse Gauss–Newton matrix by conjugate gradients", Needs::Model, Some(solvers::conjugate_gradients), None)),
    damped(method("lissa", "the same by LiSSA, 60 passes", Needs::Model, Some(solvers::lissa), None)),
    method("arnoldi", "the top 40 eigenpairs of the Gauss–Newton matrix", Needs::Model, Some(spectral::arnoldi), None),
    method("gif", "least squares on the last layer's coordinates", Needs::Model, Some(spectral::gif), None),
    damped(of_samples(method("ek-fac", "Kronecker factors with corrected eigenvalues, a layer at a time", Needs::Model, Some(spectral::ekfac), None))),
    damped(of_samples(method("trak-1", "margins' ridge influence, one model", Needs::Model, Some(trak::one), Some(trak::own)))),
    damped(of_samples(method("trak-10", "the same, a fifth of the ensemble", Needs::Ensemble, Some(trak::fifth), None))),
    damped(of_samples(method("trak-50", "the same, the whole ensemble", Needs::Ensemble, Some(trak::all), None))),
    by(fits::sgd, method("first-order", "η·g at the sample's own steps, times v at the end", Needs::Trajectory, Some(dots::first_order), None)),
    by(fits::own, method("dvemb-fisher", "data value embedding, empirical Fishers: the paper's form", Needs::Trajectory, Some(dvemb::fisher), None)),
    by(fits::own, method("dvemb", "data value embedding, exact Gauss–Newton matrices", Needs::Trajectory, Some(dvemb::gauss_newton), None)),
    by(fits::sgd, of_steps(Steps::Others, method("dvemb-sgd", "the same, as if steps had been plain SGD's", Needs::Trajectory, Some(dvemb::of_sgd), None))),
    by(fits::frozen, of_steps(Steps::Adaptive, method("dvemb-frozen", "the same with momentum, the last second moments for all steps", Needs::Trajectory, Some(dvemb::frozen), None))),
    of_samples(method("forward-inf", "unlearn the target, see which training losses rise", Needs::Model, Some(with_model::forward_inf), None)),
    of_samples(method("untrac", "unlearn the sample, see which target losses rise", Needs::Model, Some(with_model::untrac), None)),
    of_samples(method("untrac-inv", "unlearn the target by Adam, see which training losses rise", Needs::Model, Some(with_model::untrac_inverse), None)),
    of_samples(method("lava", "distance to validation samples with right labels, no model", Needs::Model, None, Some(with_model::lava))),
    method("sgd-influence", "v pulled back through every step by exact Hessians (f64)", Needs::Trajectory, Some(adjoint::hessian), None),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_method_scores_something() {
        for (i, method) in METHODS.iter().enumerate() {
            assert!(METHODS[..i].iter().all(|other| other.name != method.name), "{}", method.name);
            assert!(method.pairs.is_some() || method.own.is_some(), "{}", method.name);
        }
    }
}
