//! Dense Rademacher projection: every output is the sum of all coordinates with fair
//! signs of its own, made on the fly. O(p·K) time, no memory of its own.
//!
//! Definition, variance, error and sources stand with the kernel,
//! [`gradsieve_kernels::mod@rademacher`].
//!
//! Coordinates are summed in groups of 32, aligned to multiples of 32 in the whole
//! gradient. **Where a gradient is cut** changes no bit if the cut lies between groups; a
//! cut inside a group is another rounding, and costs that group twice. The rows of an
//! outer product are no cuts: a [`Carry`] on the stack, about 150 bytes, holds the
//! incomplete group back from row to row, so that the sketch has the bits of the matrix
//! written out. Callers that project without a sketcher can carry groups across their own
//! cuts, too.

use super::id::SketchId;
use super::kind::Kind;
use super::projector::{Projector, scale};
use super::settings::{FromSettings, ProjectorSettings};
use crate::error::Error;
use crate::gradient::{Layer, LayoutId};
use gradsieve_kernels::rademacher::Carry;
use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::{Element, Fingerprint, Key, rademacher};

/// A dense ±1/√K projection of width K.
///
/// E⟨Rx, Ry⟩ = ⟨x, y⟩ over keys, with variance (‖x‖²‖y‖² + ⟨x, y⟩² − 2Σxᵢ²yᵢ²)/K. Its
/// tails are light whatever the gradient; it costs K/8 look-ups and additions a
/// coordinate, where [`Sjlt`](super::Sjlt) costs one, two or four.
///
/// ```
/// use gradsieve::{Key, Layout, Rademacher, Sketcher};
///
/// const K: usize = 512;
/// let gradient: [f32; 1000] = core::array::from_fn(|i| (i as f32).sin());
/// let mut sketcher = Sketcher::new(Rademacher::new(K, Key::seed(7))?, Layout::flat(1000)?, [0.0; K])?;
/// sketcher.segment(0, &gradient)?;
/// let sketch = sketcher.finish()?;
/// let norm = sketch.values.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
/// assert!((norm / sketch.measures.l2_squared - 1.0).abs() < 0.3);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rademacher {
    key: Fingerprint,
    kernel: gradsieve_kernels::Rademacher,
}

impl Rademacher {
    /// The projection to `width` numbers that belongs to `key`.
    ///
    /// # Errors
    /// [`Error::Width`] unless `width` is a positive multiple of 16.
    pub const fn new(width: usize, key: Key) -> Result<Self, Error> {
        match gradsieve_kernels::Rademacher::new(width, key) {
            Ok(kernel) => Ok(Self { key: key.fingerprint(), kernel }),
            Err(_) => {
                Err(Error::Width { multiple: gradsieve_kernels::rademacher::WIDTH_MULTIPLE, found: width })
            }
        }
    }

    /// K: numbers a sketch.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.kernel.width()
    }
}

impl FromSettings for Rademacher {
    fn from_settings(settings: &ProjectorSettings, _layer: &Layer) -> Result<Self, Error> {
        Self::new(settings.width, settings.key)
    }
}

impl Projector for Rademacher {
    fn id(&self, layout: LayoutId) -> SketchId {
        SketchId {
            kind: Kind::Rademacher,
            width: self.kernel.width(),
            key: self.key,
            repeat: Repeat::One,
            settings: 0,
            layout,
        }
    }

    fn width(&self) -> usize {
        self.kernel.width()
    }

    fn project_scaled<T: Element>(
        &self,
        offset: u64,
        scale: f32,
        x: &[T],
        out: &mut [f32],
    ) -> Result<(), Error> {
        Ok(rademacher(self.kernel, offset, scale, x, out)?)
    }

    fn project_outer<T: Element, U: Element>(
        &self,
        layer: &Layer,
        a: &[T],
        b: &[U],
        out: &mut [f32],
    ) -> Result<(), Error> {
        let mut carry = Carry::new();
        let mut offset = layer.offset;
        for row in b {
            carry.add(self.kernel, offset, row.widen(), a, out)?;
            offset = offset.saturating_add(a.len() as u64);
        }
        Ok(carry.finish(self.kernel, out)?)
    }

    fn finish(&self, out: &mut [f32]) {
        scale(self.kernel.scale(), out);
    }
}
