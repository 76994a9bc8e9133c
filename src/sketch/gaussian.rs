//! Dense Gaussian projection: every output is the sum of all coordinates times normal
//! numbers of its own, made on the fly. O(p·K) time, no memory of its own. The reference
//! that theory speaks of; [`Rademacher`](super::Rademacher) does the same work faster and
//! with less variance.
//!
//! Definition (what "normal" means exactly), variance, error and sources stand with the
//! kernel, [`gradsieve_kernels::mod@gaussian`].

use super::id::SketchId;
use super::kind::Kind;
use super::projector::{Projector, scale};
use super::settings::{FromSettings, ProjectorSettings};
use crate::error::Error;
use crate::gradient::{Layer, LayoutId};
use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::{Element, Fingerprint, Key, gaussian};

/// A dense projection of width K with entries N(0, 1/K), normal to 7·10⁻⁴ in distribution
/// and to 3·10⁻⁸ in the moments up to the seventh.
///
/// E⟨Rx, Ry⟩ = ⟨x, y⟩ over keys, with variance (‖x‖²‖y‖² + ⟨x, y⟩²)/K whatever the
/// gradient, and light tails. Where a gradient is cut changes no bit. It costs four
/// look-ups and additions a coordinate and output.
///
/// ```
/// use gradsieve::{Gaussian, Key, Layout, Sketcher};
///
/// const K: usize = 512;
/// let gradient: [f32; 1000] = core::array::from_fn(|i| (i as f32).sin());
/// let mut sketcher = Sketcher::new(Gaussian::new(K, Key::seed(7))?, Layout::flat(1000)?, [0.0; K])?;
/// sketcher.segment(0, &gradient)?;
/// let sketch = sketcher.finish()?;
/// let norm = sketch.values.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
/// assert!((norm / sketch.measures.l2_squared - 1.0).abs() < 0.3);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gaussian {
    key: Fingerprint,
    kernel: gradsieve_kernels::Gaussian,
}

impl Gaussian {
    /// The projection to `width` numbers that belongs to `key`.
    ///
    /// # Errors
    /// [`Error::Width`] unless `width` is a positive multiple of 32.
    pub const fn new(width: usize, key: Key) -> Result<Self, Error> {
        match gradsieve_kernels::Gaussian::new(width, key) {
            Ok(kernel) => Ok(Self { key: key.fingerprint(), kernel }),
            Err(_) => {
                Err(Error::Width { multiple: gradsieve_kernels::gaussian::WIDTH_MULTIPLE, found: width })
            }
        }
    }

    /// K: numbers a sketch.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.kernel.width()
    }
}

impl FromSettings for Gaussian {
    fn from_settings(settings: &ProjectorSettings, _layer: &Layer) -> Result<Self, Error> {
        Self::new(settings.width, settings.key)
    }
}

impl Projector for Gaussian {
    fn id(&self, layout: LayoutId) -> SketchId {
        let (width, key) = (self.kernel.width(), self.key);
        SketchId { kind: Kind::Gaussian, width, key, repeat: Repeat::One, settings: 0, layout }
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
        Ok(gaussian(self.kernel, offset, scale, x, out)?)
    }

    fn finish(&self, out: &mut [f32]) {
        scale(self.kernel.scale(), out);
    }
}
