//! One number a sample that was met in every epoch: [`VISITED`].

use super::super::error::TruthError;
use super::judged::judge;
use super::scorer::Scope;
use super::scorers::{Made, direction, sieve};
use super::stream::Stream;
use crate::measures::mean_over_visits;

/// A mean over a sample's visits.
#[derive(Clone, Copy, Debug)]
pub struct Visited {
    /// Short name.
    pub name: &'static str,
    /// One line on what it is.
    pub about: &'static str,
    of: Of,
}

#[derive(Clone, Copy, Debug)]
enum Of {
    /// Of what the stream itself holds.
    Stream(fn(&Stream) -> Vec<f64>),
    /// Of what a scorer says at each visit.
    Scorer(fn(&Scope) -> Made),
    /// Not a mean: the loss under models that were trained without the sample.
    OutOfFold,
}

/// All of them, in the order of the tables.
pub const VISITED: &[Visited] = &[
    Visited {
        name: "mean loss",
        about: "mean of the loss over the epochs",
        of: Of::Stream(|stream| stream.losses.clone()),
    },
    Visited {
        name: "out-of-fold loss",
        about: "loss under models trained on three quarters without it",
        of: Of::OutOfFold,
    },
    Visited {
        name: "EL2N",
        about: "mean of ‖p − y‖ over the epochs",
        of: Of::Stream(|stream| stream.errors.clone()),
    },
    Visited {
        name: "AUM",
        about: "mean of the margin over the epochs, low first",
        of: Of::Stream(|stream| stream.margins.iter().map(|margin| -margin).collect()),
    },
    Visited {
        name: "mean direction",
        about: "mean of direction's score over the epochs",
        of: Of::Scorer(direction),
    },
    Visited { name: "mean sieve", about: "mean of the sieve's score over the epochs", of: Of::Scorer(sieve) },
];

impl Visited {
    /// A score for each sample of `visits`. `out_of_fold` are the losses of that name.
    pub(super) fn scores(
        &self,
        visits: &Stream,
        out_of_fold: &[f64],
        seed: u64,
    ) -> Result<Vec<f64>, TruthError> {
        let each = match self.of {
            Of::Stream(each) => each(visits),
            Of::OutOfFold => return Ok(out_of_fold.to_vec()),
            Of::Scorer(make) => {
                judge(visits, make, seed)?.into_iter().map(|judgement| judgement.score).collect()
            }
        };
        Ok(mean_over_visits::<f32>(&each, &visits.samples, visits.corrupt.len()))
    }
}
