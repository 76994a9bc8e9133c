//! Dense Rademacher projection: every output is the sum of all coordinates with fair signs of its own, made on the fly. O(p·K) time, no
//! memory of its own.
//!
//! Definition, variance, error and sources stand with the kernel, [`gradsieve_kernels::mod@rademacher`].
//!
//! Coordinates are summed in groups of 32, aligned to multiples of 32 in the whole gradient. **Where a gradient is cut** changes no bit if
//! the cut lies between groups; a cut inside a group is another rounding, and costs that group twice. So do the rows of an outer
//! product whose length is not a multiple of 32: its sketch is that of the matrix written out but for rounding. The kernel's
//! [`Carry`](gradsieve_kernels::rademacher::Carry) makes every cut exact, for callers that project without a sketcher.

use super::{Kind, Projector, Repeat, SketchId};
use crate::error::Error;
use crate::gradient::LayoutId;
use gradsieve_kernels::{Element, rademacher};

/// A dense ±1/√K projection of width K.
///
/// E⟨Rx, Ry⟩ = ⟨x, y⟩ over seeds, with variance (‖x‖²‖y‖² + ⟨x, y⟩² − 2Σxᵢ²yᵢ²)/K. Its tails are light whatever the gradient; it
/// costs K/8 look-ups and additions a coordinate, where [`Sjlt`](super::Sjlt) costs one, two or four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rademacher {
    seed: u64,
    kernel: gradsieve_kernels::Rademacher,
}

impl Rademacher {
    /// The projection to `width` numbers that belongs to `seed`.
    ///
    /// # Errors
    /// [`Error::Width`] unless `width` is a positive multiple of 64.
    pub const fn new(width: usize, seed: u64) -> Result<Self, Error> {
        match gradsieve_kernels::Rademacher::new(width, seed) {
            Ok(kernel) => Ok(Self { seed, kernel }),
            Err(_) => {
                Err(Error::Width { multiple: gradsieve_kernels::rademacher::WIDTH_MULTIPLE, found: width })
            }
        }
    }
}

impl Projector for Rademacher {
    fn id(&self, layout: LayoutId) -> SketchId {
        SketchId {
            kind: Kind::Rademacher,
            width: self.kernel.width(),
            seed: self.seed,
            repeat: Repeat::One,
            settings: 0,
            layout,
        }
    }

    fn width(&self) -> usize {
        self.kernel.width()
    }

    fn project<T: Element>(&self, offset: u64, x: &[T], out: &mut [f32]) -> Result<(), Error> {
        self.project_scaled(offset, 1.0, x, out)
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

    fn finish(&self, out: &mut [f32]) {
        let scale = self.kernel.scale();
        for value in out {
            *value *= scale;
        }
    }
}
