//! Blocked sparse Johnson–Lindenstrauss transform, the default projection: O(s·p) time
//! whatever K is, no memory of its own.
//!
//! Definition, variance, tails and sources stand with the kernel,
//! [`gradsieve_kernels::mod@sjlt`].

use super::id::SketchId;
use super::kind::Kind;
use super::projector::{Projector, scale};
use super::settings::{FromSettings, ProjectorSettings};
use crate::error::Error;
use crate::gradient::{Layer, LayoutId};
use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::{Element, Fingerprint, Key, sjlt, sjlt_scaled};

/// A blocked SJLT of width K.
///
/// E⟨Rx, Ry⟩ = ⟨x, y⟩ over keys, with variance at most (‖x‖²‖y‖² + ⟨x, y⟩²)/K: the
/// relative error of a squared norm is about √(2/K). [`Repeat::One`] suits dense
/// gradients; take two or four repetitions where few blocks of 32 coordinates carry the
/// gradient (embeddings, output heads).
///
/// ```
/// use gradsieve::{Key, Layout, Repeat, Sjlt, Sketcher};
///
/// const K: usize = 512;
/// let gradient: [f32; 1000] = core::array::from_fn(|i| (i as f32).sin());
/// let mut sketcher = Sketcher::new(Sjlt::new(K, Key::seed(7), Repeat::One)?, Layout::flat(1000)?, [0.0; K])?;
/// sketcher.segment(0, &gradient)?;
/// let sketch = sketcher.finish()?;
/// let norm = sketch.values.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
/// assert!((norm / sketch.measures.l2_squared - 1.0).abs() < 0.3);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sjlt {
    width: usize,
    key: Fingerprint,
    kernel: gradsieve_kernels::Sjlt,
}

impl Sjlt {
    /// The projection to `width` numbers that belongs to `key`.
    ///
    /// # Errors
    /// [`Error::Width`] unless `width` is a positive multiple of 32 times the
    /// repetitions.
    pub const fn new(width: usize, key: Key, repeat: Repeat) -> Result<Self, Error> {
        let kernel = gradsieve_kernels::Sjlt::new(key, repeat);
        match kernel.check_width(width) {
            Ok(()) => Ok(Self { width, key: key.fingerprint(), kernel }),
            Err(_) => Err(Error::Width { multiple: kernel.multiple(), found: width }),
        }
    }

    /// K: numbers a sketch.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }
}

impl FromSettings for Sjlt {
    fn from_settings(settings: &ProjectorSettings, _layer: &Layer) -> Result<Self, Error> {
        Self::new(settings.width, settings.key, settings.repeat)
    }
}

impl Projector for Sjlt {
    fn id(&self, layout: LayoutId) -> SketchId {
        let (width, key, repeat) = (self.width, self.key, self.kernel.repeat());
        SketchId { kind: Kind::Sjlt, width, key, repeat, settings: 0, layout }
    }

    fn width(&self) -> usize {
        self.width
    }

    fn project<T: Element>(&self, offset: u64, x: &[T], out: &mut [f32]) -> Result<(), Error> {
        Ok(sjlt(self.kernel, offset, x, out)?)
    }

    fn project_scaled<T: Element>(
        &self,
        offset: u64,
        scale: f32,
        x: &[T],
        out: &mut [f32],
    ) -> Result<(), Error> {
        Ok(sjlt_scaled(self.kernel, offset, scale, x, out)?)
    }

    fn finish(&self, out: &mut [f32]) {
        let repeat = self.kernel.repeat();
        if repeat != Repeat::One {
            scale(repeat.scale(), out);
        }
    }
}
