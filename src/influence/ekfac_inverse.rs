//! EK-FAC as a preconditioner: the inverse of its curvature, layer by layer, in place of
//! (C + λI)⁻¹ (George et al. 2018, "Fast Approximate Natural Gradient Descent in a
//! Kronecker-factored Eigenbasis").

use super::check_damping;
use super::ekfac::Ekfac;
use super::preconditioner::Preconditioner;
use crate::error::{Error, check_length};
use crate::memory::Buffer;
use gradsieve_kernels::Certain;

/// The damped inverse of a model's layers, each of which has been fitted: for rows that
/// are the gradients of the layers, one after the other, each outputs × inputs, row by
/// row. A bias is one more input that is 1, and so the last entry of each row.
///
/// It is Q_Sᵀ[(Q_S V Q_Aᵀ)/(Λ + λ)]Q_A of each layer in `f64`: symmetric and positive
/// definite whatever the eigenvectors' rounding. λ is `damping` times the mean of all
/// layers' Λ, which is the mean eigenvalue of C where both are of the same gradients:
/// give it the damping of the solver. The layers' own dampings are not asked.
///
/// *Cost*: [`Ekfac::apply_inverse`]'s, of each layer. *Memory*: `f64` scratch, twice as
/// many as the most inputs of a layer ([`EkfacInverse::scratch`]).
///
/// ```
/// use gradsieve::influence::{Ekfac, EkfacInverse, EkfacSettings, Preconditioner};
///
/// const LAYER: EkfacSettings = EkfacSettings::new(1, 2);
/// let mut layers = [Ekfac::new(LAYER, [0.0; LAYER.memory().f32s])?];
/// let [layer] = &mut layers;
/// let samples = [([2.0, 0.0], [1.0]), ([0.0, 1.0], [1.0])];
/// samples.iter().try_for_each(|(a, b)| layer.factors(a, b))?;
/// layer.decompose(&mut [0.0; LAYER.memory().f64s])?;
/// for (a, b) in &samples {
///     layer.position(a, b)?;
///     layer.sample()?;
/// }
///
/// // The curvature is the diagonal matrix of 2 and 1/2, whose mean is 5/4.
/// let mut scratch = [0.0; 4];
/// assert_eq!(scratch.len(), EkfacInverse::<[f32; 0], [f64; 0]>::scratch(&[LAYER]));
/// let mut inverse = EkfacInverse::new(&layers, 0.4, &mut scratch)?;
/// let mut out = [0.0; 2];
/// inverse.apply(&[1.0, 1.0], &mut out)?;
/// assert!((out[0] - 0.4).abs() < 1e-6 && (out[1] - 1.0).abs() < 1e-6);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct EkfacInverse<'e, B, M> {
    layers: &'e [Ekfac<B>],
    ridge: f64,
    scratch: M,
}

impl<'e, B: Buffer<f32>, M: Buffer<f64>> EkfacInverse<'e, B, M> {
    /// The inverse with that damping.
    ///
    /// # Errors
    /// [`Error::Setting`] unless the damping is positive and finite; [`Error::TooFew`]
    /// without a layer; [`Error::NotFitted`] if one has not seen its second pass;
    /// [`Error::NotPositiveDefinite`] if all gradients were zero; [`Error::Length`]
    /// unless `scratch` is as long as [`EkfacInverse::scratch`] says.
    pub fn new(layers: &'e [Ekfac<B>], damping: f32, scratch: M) -> Result<Self, Error> {
        check_damping(damping)?;
        if layers.is_empty() {
            return Err(Error::TooFew { needed: 1, found: 0 });
        }
        let (mut sum, mut entries, mut most) = (0.0, 0.0, 0);
        for layer in layers {
            layer.check_fitted()?;
            let size = layer.width() as f64;
            sum += layer.mean_eigenvalue() * size;
            entries += size;
            most = most.max(layer.inverse_scratch());
        }
        check_length(most, scratch.as_ref().len())?;
        let ridge = f64::from(damping) * sum / entries;
        if ridge.is_nan() || ridge <= 0.0 {
            return Err(Error::NotPositiveDefinite);
        }
        Ok(Self { layers, ridge, scratch })
    }

    /// λ.
    #[must_use]
    pub const fn ridge(&self) -> f64 {
        self.ridge
    }
}

impl<B, M> EkfacInverse<'_, B, M> {
    /// Numbers of `f64` that layers of these settings need.
    #[must_use]
    pub const fn scratch(layers: &[super::EkfacSettings]) -> usize {
        let (mut rest, mut most) = (layers, 0);
        while let [layer, others @ ..] = rest {
            let needed = layer.inputs.saturating_mul(2);
            most = if needed > most { needed } else { most };
            rest = others;
        }
        most
    }
}

impl<B: Buffer<f32>, M: Buffer<f64>> Preconditioner for EkfacInverse<'_, B, M> {
    /// The inverse times `v`.
    ///
    /// # Errors
    /// [`Error::Length`] unless both are as long as the layers' gradients;
    /// [`Error::NonFinite`]; [`Error::Range`].
    fn apply(&mut self, v: &[f64], out: &mut [f64]) -> Result<(), Error> {
        let whole = self.layers.iter().fold(0_usize, |sum, layer| sum.saturating_add(layer.width()));
        check_length(whole, v.len())?;
        check_length(whole, out.len())?;
        let mut start = 0;
        for layer in self.layers {
            let place = start..start + layer.width();
            start = place.end;
            let scratch = self.scratch.as_mut().get_mut(..layer.inverse_scratch()).certain();
            let (v, out) = (v.get(place.clone()).certain(), out.get_mut(place).certain());
            layer.apply_inverse(v, self.ridge, out, scratch)?;
        }
        Ok(())
    }
}
