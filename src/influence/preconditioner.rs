//! Preconditioners of [`ConjugateGradients`](super::ConjugateGradients): approximate
//! inverses of C + λI, so that fewer passes over the rows are needed.
//!
//! They change how fast the iteration comes to its solution, and not the solution:
//! whether it has converged is judged by v − (C + λI) x, whatever the preconditioner.

use crate::error::Error;

/// An approximate inverse M of C + λI, symmetric and positive definite. Its scale does
/// not matter: M and 2·M have the same iterations.
///
/// The nearer M·(C + λI) is to a multiple of the identity, the fewer passes; with the
/// inverse itself it is one, and one that sees that it is so. The steps are exact only
/// if M is linear and the same in every call.
///
/// ```
/// use gradsieve::influence::{
///     ConjugateGradients, ConjugateGradientsSettings, IterativeSolver, Preconditioner,
/// };
/// use gradsieve::{Error, Exact, Layout, Projector, Sketch};
///
/// /// Jacobi's: the inverse of the diagonal.
/// struct Diagonal<'d>(&'d [f64]);
///
/// impl Preconditioner for Diagonal<'_> {
///     fn apply(&mut self, v: &[f64], out: &mut [f64]) -> Result<(), Error> {
///         if v.len() != self.0.len() {
///             return Err(Error::Length { expected: self.0.len(), found: v.len() });
///         }
///         out.iter_mut().zip(v).zip(self.0).for_each(|((out, v), d)| *out = v / d);
///         Ok(())
///     }
/// }
///
/// // Two samples, whose coordinates have scales of their own, and no correlation.
/// let rows = [100.0_f32, 1.0, -100.0, 1.0];
/// let id = Exact::new(2).id(Layout::flat(2)?.id());
/// let target = [1.0, 1.0];
/// let target = Sketch::from_parts(id, &target, gradsieve_kernels::summarize(&target))?;
///
/// const SETTINGS: ConjugateGradientsSettings =
///     ConjugateGradientsSettings { damping: 1e-6, ..ConjugateGradientsSettings::new(2) };
/// let buffer = [0.0; SETTINGS.memory().f64s];
/// let mut solver = ConjugateGradients::preconditioned(SETTINGS, Diagonal(&[1e4, 1.0]), buffer)?;
/// solver.target(&target)?;
/// let progress = solver.solve(&id, &rows, 10)?;
/// assert!(progress.converged && progress.passes == 3);
/// # Ok::<(), Error>(())
/// ```
pub trait Preconditioner {
    /// Writes M·v to `out`: K numbers each. It takes `&mut self` so that it can have
    /// scratch of its own; what it computes must not depend on the calls before.
    ///
    /// # Errors
    /// Those of the type; [`Error::Length`] if it is made for another K. They end the
    /// iteration.
    fn apply(&mut self, v: &[f64], out: &mut [f64]) -> Result<(), Error>;
}

impl<P: Preconditioner + ?Sized> Preconditioner for &mut P {
    fn apply(&mut self, v: &[f64], out: &mut [f64]) -> Result<(), Error> {
        (**self).apply(v, out)
    }
}

/// None: M = I. It is a copy of K numbers a target and pass, and the bits are those of
/// plain conjugate gradients.
///
/// ```
/// use gradsieve::influence::{Identity, Preconditioner};
///
/// let mut out = [0.0; 2];
/// Identity.apply(&[1.0, -2.0], &mut out)?;
/// assert_eq!(out, [1.0, -2.0]);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity;

impl Preconditioner for Identity {
    fn apply(&mut self, v: &[f64], out: &mut [f64]) -> Result<(), Error> {
        crate::error::check_length(v.len(), out.len())?;
        out.iter_mut().zip(v).for_each(|(out, v)| *out = *v);
        Ok(())
    }
}
