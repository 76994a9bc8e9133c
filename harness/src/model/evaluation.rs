//! A model over a whole set: losses, predictions, accuracy.

use super::error::ModelError;
use super::mlp::{Mlp, Scratch};
use super::real::Real;
use crate::data::Dataset;

impl<T: Real> Mlp<T> {
    /// Every sample's cross-entropy in nats, in the set's order: the plain baseline
    /// against which detectors of flipped labels are held (larger = more suspicious).
    ///
    /// # Errors
    /// A set with another number of features, or a label that is no class of the model.
    pub fn losses(&self, set: &Dataset) -> Result<Vec<f64>, ModelError> {
        let mut scratch = Scratch::default();
        set.samples().map(|(x, label)| self.loss(x, label, &mut scratch)).collect()
    }

    /// Every sample's predicted class, in the set's order.
    ///
    /// # Errors
    /// A set with another number of features.
    pub fn predictions(&self, set: &Dataset) -> Result<Vec<u32>, ModelError> {
        let mut scratch = Scratch::default();
        set.samples().map(|(x, _)| self.predict(x, &mut scratch)).collect()
    }

    /// The share of samples whose predicted class is their label, 0 to 1.
    ///
    /// # Errors
    /// A set with another number of features.
    pub fn accuracy(&self, set: &Dataset) -> Result<f64, ModelError> {
        let predictions = self.predictions(set)?;
        let right = predictions.iter().zip(set.labels()).filter(|(p, y)| p == y).count();
        Ok(right as f64 / set.len() as f64)
    }
}
