//! Blocked randomised Hadamard transform before an SJLT: where few coordinates carry the
//! gradient. O(p) time whatever K is, two and a half to three times that of the SJLT
//! alone; 4 KiB of stack while it works, no memory of its own.
//!
//! Definition, variance, tails, error and sources stand with the kernel,
//! [`gradsieve_kernels::mod@srht`].
//!
//! Coordinates are mixed in blocks of 1,024, aligned to multiples of 1,024 in the whole
//! gradient. **Where a gradient is cut** changes no bit if the cut lies between blocks; a
//! cut inside a block is another rounding, and each of the two pieces costs a whole
//! block's work. So let segments be long, and let layers of less than a thousand
//! coordinates arrive together where time counts. The rows of an outer product are no
//! cuts: its sketch has the bits of the matrix written out.

use super::id::SketchId;
use super::kind::Kind;
use super::projector::{Projector, scale};
use super::settings::{FromSettings, ProjectorSettings};
use crate::error::Error;
use crate::gradient::{Layer, LayoutId};
use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::{Element, Fingerprint, Key, srht, srht_outer};

/// A blocked SRHT of width K.
///
/// E⟨Rx, Ry⟩ = ⟨x, y⟩ over keys, with variance at most (‖x‖²‖y‖² + ⟨x, y⟩²)/K, as that
/// of [`Sjlt`](super::Sjlt); but its tails are light also where few blocks of 32
/// coordinates carry the gradient (embeddings, output heads).
///
/// ```
/// use gradsieve::{Key, Layout, Sketcher, Srht};
///
/// const K: usize = 512;
/// let gradient: [f32; 1000] = core::array::from_fn(|i| (i as f32).sin());
/// let mut sketcher = Sketcher::new(Srht::new(K, Key::seed(7))?, Layout::flat(1000)?, [0.0; K])?;
/// sketcher.segment(0, &gradient)?;
/// let sketch = sketcher.finish()?;
/// let norm = sketch.values.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
/// assert!((norm / sketch.measures.l2_squared - 1.0).abs() < 0.3);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Srht {
    width: usize,
    key: Fingerprint,
    kernel: gradsieve_kernels::Srht,
}

impl Srht {
    /// Coordinates that are mixed together, which is what [`SketchId::settings`] says of
    /// this projection.
    pub const BLOCK: usize = gradsieve_kernels::srht::BLOCK;

    /// The projection to `width` numbers that belongs to `key`.
    ///
    /// # Errors
    /// [`Error::Width`] unless `width` is a positive multiple of 32.
    pub const fn new(width: usize, key: Key) -> Result<Self, Error> {
        let kernel = gradsieve_kernels::Srht::new(key);
        match kernel.check_width(width) {
            Ok(()) => Ok(Self { width, key: key.fingerprint(), kernel }),
            Err(_) => Err(Error::Width { multiple: gradsieve_kernels::sjlt::BLOCK, found: width }),
        }
    }

    /// K: numbers a sketch.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }
}

impl FromSettings for Srht {
    fn from_settings(settings: &ProjectorSettings, _layer: &Layer) -> Result<Self, Error> {
        Self::new(settings.width, settings.key)
    }
}

impl Projector for Srht {
    fn id(&self, layout: LayoutId) -> SketchId {
        let (width, key, settings) = (self.width, self.key, Self::BLOCK as u64);
        SketchId { kind: Kind::Srht, width, key, repeat: Repeat::One, settings, layout }
    }

    fn width(&self) -> usize {
        self.width
    }

    fn project_scaled<T: Element>(
        &self,
        offset: u64,
        scale: f32,
        x: &[T],
        out: &mut [f32],
    ) -> Result<(), Error> {
        Ok(srht(self.kernel, offset, scale, x, out)?)
    }

    fn project_outer<T: Element, U: Element>(
        &self,
        layer: &Layer,
        a: &[T],
        b: &[U],
        out: &mut [f32],
    ) -> Result<(), Error> {
        Ok(srht_outer(self.kernel, layer.offset, a, b, out)?)
    }

    fn finish(&self, out: &mut [f32]) {
        scale(gradsieve_kernels::Srht::SCALE, out);
    }
}
