//! The direction in which Adam would step on one sample: Γ = m̂/√(v̂ + ε), m̂ = β₁·m + (1
//! − β₁)·g, v̂ = β₂·v + (1 − β₂)·g².
//!
//! m and v are the optimiser's moments *before* the sample, p numbers each; g is the
//! sample's own gradient. ε stands inside the root and nothing corrects the bias, as in
//! the source. Γ is not linear in g, so it must be made on the gradient and sketched
//! afterwards: [`Adam::segment`] turns a segment of the gradient and the same segment of
//! the moments into a piece of Γ, some numbers at a time on the stack, and passes it to a
//! [`Sketcher`]. The sketch's measures are then those of Γ.
//!
//! A coordinate is NaN, and so the sketch flagged, if the gradient is not finite there or
//! its square leaves the range of `f32`. *Memory*: 512 bytes of stack; 2p numbers of
//! `f32` if the optimiser keeps no moments and [`Adam::step`] does. *Error*: about four
//! roundings a coordinate. Source: LESS, Xia et al. 2024; Kingma & Ba 2015.

use crate::error::{Error, check_length};
use crate::gradient::Layer;
use crate::memory::Buffer;
use crate::sketch::{Projector, Sketcher};
use gradsieve_kernels::{Certain, Element};

/// What [`Adam`] is told.
///
/// ```
/// use gradsieve::influence::{Adam, AdamSettings};
///
/// let adam = Adam::new(AdamSettings { beta2: 0.99, ..AdamSettings::default() })?;
/// assert!(Adam::new(AdamSettings { beta2: 1.0, ..AdamSettings::default() }).is_err());
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamSettings {
    /// β₁.
    pub beta1: f64,
    /// β₂.
    pub beta2: f64,
    /// ε, inside the root.
    pub epsilon: f32,
}

impl Default for AdamSettings {
    /// β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸.
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

/// Adam's step on one sample. The moments are the caller's.
///
/// ```
/// use gradsieve::influence::Adam;
/// use gradsieve::{Exact, Layout, Sketcher};
///
/// let (first, second) = ([0.1, 0.0], [0.04, 0.01]); // the optimiser's moments m and v
/// let mut values = [0.0; 2];
/// let mut sketcher = Sketcher::new(Exact::new(2), Layout::flat(2)?, &mut values)?;
/// Adam::USUAL.segment(&mut sketcher, 0, &[1.0_f32, -1.0], &first, &second)?;
/// let feature = sketcher.finish()?;
/// assert!(feature.values[0] > 0.0 && feature.values[1] < 0.0);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// β and 1 − β. (In `f32` the latter is no difference: 1 − 0.999 would be off by 10⁻⁵
    /// of itself.)
    beta1: [f32; 2],
    beta2: [f32; 2],
    epsilon: f32,
}

/// Coordinates of Γ on the stack.
const PIECE: usize = 128;

impl Adam {
    /// β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸: the default settings.
    pub const USUAL: Self = Self { beta1: [0.9, 0.1], beta2: [0.999, 0.001], epsilon: 1e-8 };

    /// Adam with these settings.
    ///
    /// # Errors
    /// [`Error::Setting`] unless both β are in [0, 1) and ε is positive and finite.
    pub fn new(settings: AdamSettings) -> Result<Self, Error> {
        let AdamSettings { beta1, beta2, epsilon } = settings;
        for (name, beta) in [("beta1", beta1), ("beta2", beta2)] {
            if !(0.0..1.0).contains(&beta) {
                return Err(Error::Setting { name, expected: "in [0, 1)" });
            }
        }
        if !epsilon.is_finite() || epsilon <= 0.0 {
            return Err(Error::Setting { name: "epsilon", expected: "finite and above 0" });
        }
        let pair = |beta: f64| [beta as f32, (1.0 - beta) as f32];
        Ok(Self { beta1: pair(beta1), beta2: pair(beta2), epsilon })
    }

    /// Passes Γ of the coordinates `offset..offset + gradient.len()` to `sketcher`;
    /// `first` and `second` are the moments m and v of the same coordinates.
    ///
    /// # Errors
    /// [`Error::Length`] if the moments are not as long as the gradient;
    /// [`Error::OutsideLayout`]. Nothing was taken in.
    pub fn segment<T: Element, P: Projector, B: Buffer<f32>>(
        &self,
        sketcher: &mut Sketcher<P, B>,
        offset: u64,
        gradient: &[T],
        first: &[f32],
        second: &[f32],
    ) -> Result<(), Error> {
        check_length(gradient.len(), first.len())?;
        check_length(gradient.len(), second.len())?;
        sketcher.check(offset, gradient.len() as u64)?;
        self.pieces(sketcher, offset, 1.0, gradient, (first, second))
    }

    /// Passes Γ of a linear layer's weight gradient b aᵀ to `sketcher`; `first` and
    /// `second` are the moments of the layer's entries, row after row.
    ///
    /// # Errors
    /// [`Error::Length`] if `a` and `b` do not fit the layer, or the moments aren't as
    /// many as its entries; [`Error::OutsideLayout`]. Nothing was taken in.
    pub fn outer<T: Element, U: Element, P: Projector, B: Buffer<f32>>(
        &self,
        sketcher: &mut Sketcher<P, B>,
        layer: &Layer,
        (a, b): (&[T], &[U]),
        first: &[f32],
        second: &[f32],
    ) -> Result<(), Error> {
        check_length(usize::try_from(layer.inputs).unwrap_or(usize::MAX), a.len())?;
        check_length(usize::try_from(layer.outputs).unwrap_or(usize::MAX), b.len())?;
        let len = a.len().saturating_mul(b.len());
        check_length(len, first.len())?;
        check_length(len, second.len())?;
        sketcher.check(layer.offset, len as u64)?;
        let mut offset = layer.offset;
        let columns = a.len().max(1);
        for ((b, first), second) in b.iter().zip(first.chunks(columns)).zip(second.chunks(columns)) {
            self.pieces(sketcher, offset, b.widen(), a, (first, second))?;
            offset += a.len() as u64;
        }
        Ok(())
    }

    /// Γ of scale·x, piece by piece. Pieces end on multiples of their length, so that
    /// they cut no group that a projector takes together.
    fn pieces<T: Element, P: Projector, B: Buffer<f32>>(
        &self,
        sketcher: &mut Sketcher<P, B>,
        mut offset: u64,
        scale: f32,
        x: &[T],
        (mut first, mut second): (&[f32], &[f32]),
    ) -> Result<(), Error> {
        let mut piece = [0.0_f32; PIECE];
        let head = PIECE - (offset % PIECE as u64) as usize;
        let (head, x) = x.split_at_checked(head).unwrap_or((x, &[]));
        for x in core::iter::once(head).chain(x.chunks(PIECE)) {
            for (feature, ((x, &m), &v)) in piece.iter_mut().zip(x.iter().zip(first).zip(second)) {
                *feature = self.feature(scale * x.widen(), m, v);
            }
            sketcher.segment(offset, piece.get(..x.len()).certain())?;
            offset += x.len() as u64;
            first = first.get(x.len()..).certain();
            second = second.get(x.len()..).certain();
        }
        Ok(())
    }

    /// Γ of one coordinate.
    fn feature(&self, g: f32, first: f32, second: f32) -> f32 {
        let (first, second) = self.moments(g, first, second);
        let feature = first / libm::sqrtf(second + self.epsilon);
        // A square beyond the range would make a step of zero out of the longest
        // gradient.
        if second.is_finite() { feature } else { f32::NAN }
    }

    /// m̂ and v̂ of one coordinate.
    const fn moments(&self, g: f32, first: f32, second: f32) -> (f32, f32) {
        let ([beta1, rest1], [beta2, rest2]) = (self.beta1, self.beta2);
        (beta1 * first + rest1 * g, beta2 * second + rest2 * (g * g))
    }

    /// Moves the running moments on by the gradient of a training step (a batch's), for
    /// training code whose optimiser keeps none.
    ///
    /// # Errors
    /// [`Error::Length`] if the lengths differ; [`Error::NonFinite`] if the gradient, or
    /// its square, is not finite. The moments are as they were.
    pub fn step<T: Element>(
        &self,
        gradient: &[T],
        first: &mut [f32],
        second: &mut [f32],
    ) -> Result<(), Error> {
        check_length(gradient.len(), first.len())?;
        check_length(gradient.len(), second.len())?;
        let square = |g: &T| g.widen() * g.widen();
        if !gradient.iter().fold(true, |finite, g| finite & square(g).is_finite()) {
            return Err(Error::NonFinite);
        }
        for ((g, first), second) in gradient.iter().zip(first).zip(second) {
            (*first, *second) = self.moments(g.widen(), *first, *second);
        }
        Ok(())
    }
}
