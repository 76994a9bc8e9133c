//! A projection that is chosen at run time.

use gradsieve::{
    Element, Error, Exact, Gaussian, LayoutId, Mask, Projector, Rademacher, Sjlt, SketchId, Srht,
};
use gradsieve_kernels::widen;

use super::kind::ProjectionKind;

/// A projection that is chosen at run time.
#[derive(Clone, Copy, Debug)]
pub enum Projection {
    /// None.
    Exact(Exact),
    /// Blocked SJLT.
    Sjlt(Sjlt),
    /// Dense ±1.
    Rademacher(Rademacher),
    /// Dense and normal.
    Gaussian(Gaussian),
    /// Mixed, then SJLT.
    Srht(Srht),
    /// Masked, then SJLT.
    Mask(Mask),
    /// Nothing is kept but the exact measures of each gradient: sketches of no numbers,
    /// for the norms.
    Measures,
}

impl Projection {
    /// What ids and refusals of no numbers are those of.
    const NOTHING: Exact = Exact::new(0);

    /// Its name, as files of sketches have it.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Exact(_) => "none",
            Self::Sjlt(_) => ProjectionKind::Sjlt.name(),
            Self::Rademacher(_) => ProjectionKind::Rademacher.name(),
            Self::Gaussian(_) => ProjectionKind::Gaussian.name(),
            Self::Srht(_) => ProjectionKind::Srht.name(),
            Self::Mask(_) => ProjectionKind::Mask.name(),
            Self::Measures => "measures",
        }
    }
}

/// The same of whichever projector it is; something else of none.
macro_rules! of_each {
    ($projection:expr, $projector:ident => $what:expr, $nothing:expr) => {
        match $projection {
            Projection::Exact($projector) => $what,
            Projection::Sjlt($projector) => $what,
            Projection::Rademacher($projector) => $what,
            Projection::Gaussian($projector) => $what,
            Projection::Srht($projector) => $what,
            Projection::Mask($projector) => $what,
            Projection::Measures => $nothing,
        }
    };
}

impl Projector for Projection {
    fn id(&self, layout: LayoutId) -> SketchId {
        of_each!(self, projector => projector.id(layout), Self::NOTHING.id(layout))
    }

    fn width(&self) -> usize {
        of_each!(self, projector => projector.width(), 0)
    }

    fn project<T: Element>(&self, offset: u64, x: &[T], out: &mut [f32]) -> Result<(), Error> {
        if let Self::Exact(_) = self {
            // Each value comes once, so what it would be added to is zero.
            return Ok(widen(x, &mut out[offset as usize..][..x.len()])?);
        }
        of_each!(self, projector => projector.project(offset, x, out), Ok(()))
    }

    fn project_scaled<T: Element>(
        &self,
        offset: u64,
        scale: f32,
        x: &[T],
        out: &mut [f32],
    ) -> Result<(), Error> {
        of_each!(self, projector => projector.project_scaled(offset, scale, x, out), Ok(()))
    }

    fn finish(&self, out: &mut [f32]) {
        of_each!(self, projector => projector.finish(out), ());
    }
}
