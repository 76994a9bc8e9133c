//! Projections that look at the training data, fitted once for all methods of a run.

use super::error::TruthError;
use super::kept::{Kept, eigen};
use super::principal::Principal;
use super::projection::Projection;
use crate::data::Dataset;
use crate::model::Mlp;

/// A projection that was fitted to the gradients of training samples at one model. It
/// serves gradients at other models of that shape, too.
#[derive(Debug)]
pub struct Fitted(Box<dyn Kept>);

impl Fitted {
    /// `projection` to at most `dim` numbers, fitted to the gradients of `train` at
    /// `model`; none if it is one of the core's, which look at no data.
    ///
    /// *Cost*: one pass over the samples for each layer that `principal` cuts, two for
    /// `eigen`, and the eigenvectors of each layer.
    ///
    /// # Errors
    /// A set that does not fit the model.
    pub fn new(
        projection: Projection,
        model: &Mlp,
        train: &Dataset,
        dim: usize,
    ) -> Result<Option<Self>, TruthError> {
        Ok(match projection {
            Projection::Core(_) => None,
            Projection::Principal => Some(Self(Box::new(Principal::new(model, train, dim)?))),
            Projection::Eigen => Some(Self(Box::new(eigen(model, train, dim)?))),
        })
    }

    pub(super) fn kept(&self) -> &dyn Kept {
        &*self.0
    }
}
