//! No projection: the sketch is the gradient itself, as `f32`. For small models, and as
//! the truth that projections are measured against.

use super::id::SketchId;
use super::kind::Kind;
use super::projector::Projector;
use super::settings::{FromSettings, ProjectorSettings};
use crate::error::{Error, check_length};
use crate::gradient::{Layer, LayoutId};
use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::{Element, Fingerprint, axpy};

/// The identity on gradients of `width` coordinates, numbered from 0.
///
/// ```
/// use gradsieve::{Exact, Layout, Sketcher};
///
/// let mut sketcher = Sketcher::new(Exact::new(3), Layout::flat(3)?, [0.0; 3])?;
/// sketcher.segment(0, &[0.5_f32, -1.0, 2.0])?;
/// assert_eq!(sketcher.finish()?.values, [0.5, -1.0, 2.0]);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exact {
    width: usize,
}

impl Exact {
    /// The identity on `width` coordinates: a layout's [`end`](crate::Layout::end).
    #[must_use]
    pub const fn new(width: usize) -> Self {
        Self { width }
    }

    /// K: numbers a sketch.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }
}

impl FromSettings for Exact {
    /// All coordinates up to the end of the layer.
    fn from_settings(_settings: &ProjectorSettings, layer: &Layer) -> Result<Self, Error> {
        let end = layer.checked_len().and_then(|len| usize::try_from(layer.offset.checked_add(len)?).ok());
        let refusal =
            Error::Setting { name: "projection", expected: "one that is narrower than the gradient" };
        Ok(Self::new(end.ok_or(refusal)?))
    }
}

impl Projector for Exact {
    fn id(&self, layout: LayoutId) -> SketchId {
        SketchId {
            kind: Kind::Exact,
            width: self.width,
            key: Fingerprint::NONE,
            repeat: Repeat::One,
            settings: 0,
            layout,
        }
    }

    fn width(&self) -> usize {
        self.width
    }

    fn check(&self, offset: u64, len: u64) -> Result<(), Error> {
        let (end, found) = (self.width as u64, offset.saturating_add(len));
        if found > end { Err(Error::OutsideLayout { end, found }) } else { Ok(()) }
    }

    fn project_scaled<T: Element>(
        &self,
        offset: u64,
        scale: f32,
        x: &[T],
        out: &mut [f32],
    ) -> Result<(), Error> {
        check_length(self.width, out.len())?;
        let part = usize::try_from(offset).ok().and_then(|start| out.get_mut(start..)?.get_mut(..x.len()));
        let Some(part) = part else {
            let found = offset.saturating_add(x.len() as u64);
            return Err(Error::OutsideLayout { end: self.width as u64, found });
        };
        Ok(axpy(scale, x, part)?)
    }

    fn finish(&self, _out: &mut [f32]) {}
}
