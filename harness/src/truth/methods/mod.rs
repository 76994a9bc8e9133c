//! The methods that are held against the truth, one line each.
//!
//! A method gives every pair (target, training sample) a score, positive where the sample helps the target; or every training sample
//! a score of itself, larger where it is harder to explain by the others; or both. It asks the [`Evidence`] for what it needs and its time is
//! counted with that. To add one: a function in a file of its family, and a line here.

mod adjoint;
mod dots;
mod ridge;

use super::error::TruthError;
use super::evidence::Evidence;
use super::settings::Experiment;

/// Scores, and the bytes that the method's state took (models and gradients not counted).
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// m × n, target by target; or n for scores of itself.
    pub scores: Vec<f64>,
    /// Bytes of state.
    pub bytes: usize,
}

type Score = fn(&Evidence<'_>) -> Result<Scored, TruthError>;

/// What a method cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// The trained model.
    Model,
    /// The path of its training.
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
}

impl Method {
    /// Whether it has something to say in an experiment.
    #[must_use]
    pub fn applies(&self, experiment: Experiment) -> bool {
        let scores = match experiment {
            Experiment::Flips => self.own,
            _ => self.pairs,
        };
        scores.is_some() && (experiment != Experiment::Loo || self.needs == Needs::Model)
    }
}

const fn method(
    name: &'static str,
    about: &'static str,
    needs: Needs,
    pairs: Option<Score>,
    own: Option<Score>,
) -> Method {
    Method { name, about, needs, pairs, own }
}

/// All methods, in the order of the tables.
#[rustfmt::skip]
pub const METHODS: &[Method] = &[
    method("loss", "the plain loss: the baseline of self-scores", Needs::Model, None, Some(dots::loss)),
    method("dot", "gradients' dot product at the end", Needs::Model, Some(dots::dot), Some(dots::dot_own)),
    method("cosine", "gradients' cosine at the end", Needs::Model, Some(dots::cosine), None),
    method("tracin", "dot products at a checkpoint an epoch", Needs::Trajectory, Some(dots::tracin), Some(dots::tracin_own)),
    method("first-order", "η·g at the sample's own steps, times v at the end", Needs::Trajectory, Some(dots::first_order), None),
    method("ridge", "inverse empirical Fisher, damping 0.1", Needs::Model, Some(ridge::pairs), Some(ridge::own)),
    method("sgd-influence", "v pulled back through every step by exact Hessians (f64)", Needs::Trajectory, Some(adjoint::hessian), None),
    method("sgd-influence-ggn", "v pulled back by Gauss–Newton matrices (f64)", Needs::Trajectory, Some(adjoint::gauss_newton), None),
    method("sgd-influence-fisher", "v pulled back by empirical Fishers (f64)", Needs::Trajectory, Some(adjoint::fisher), None),
];

/// m × n scores, a function of the numbers of target and sample.
fn all_pairs<E>(
    m: usize,
    n: usize,
    mut score: impl FnMut(usize, usize) -> Result<f64, E>,
) -> Result<Vec<f64>, E> {
    (0..m * n).map(|at| score(at / n, at % n)).collect()
}

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
