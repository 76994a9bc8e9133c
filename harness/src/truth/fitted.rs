//! Projections that look at the training data, fitted once for all methods of a run.

use super::error::TruthError;
use super::evidence::Projection;
use super::kept::{Kept, eigen};
use super::principal::Principal;
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

#[cfg(test)]
mod tests {
    use super::super::evidence::{Evidence, Quantity};
    use super::*;
    use crate::data::blobs;
    use crate::model::TrainConfig;

    #[test]
    fn a_projection_that_looks_at_the_data_is_fitted_before_a_method_asks_for_rows() {
        let set = blobs(12, 3, 5, 2.0, 1).unwrap();
        let (model, config) = (Mlp::new(5, &[4], 3, 1).unwrap(), TrainConfig::default());
        for projection in [Projection::Principal, Projection::Eigen] {
            let fitted = Fitted::new(projection, &model, &set, 32).unwrap().unwrap();
            let bare = Evidence::new(&set, &set, &model, &config);
            let bare = Evidence { dim: Some(32), projection, ..bare };
            let evidence = Evidence { fitted: Some(&fitted), ..bare };
            let width = |evidence: &Evidence<'_>| {
                evidence.rows(&model, &set, Quantity::Loss).map(|rows| rows.width())
            };
            assert_eq!(width(&evidence).unwrap(), fitted.kept().width());
            assert!(width(&bare).unwrap_err().to_string().contains("fitted to the model"));
        }
        assert!(Fitted::new(Projection::default(), &model, &set, 32).unwrap().is_none());
    }
}
