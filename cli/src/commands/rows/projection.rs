//! A projection that is chosen at run time.

use gradsieve::{
    AnyProjector, Element, Error, Exact, Kind, Layer, Layout, LayoutId, Part, Projector, ProjectorSettings,
    SketchId,
};
use gradsieve_kernels::widen;

/// A projection of gradients of some layers.
#[derive(Clone, Debug)]
pub struct Projection {
    /// Nothing where only the exact measures of each gradient are kept.
    settings: Option<ProjectorSettings>,
    layers: Vec<Layer>,
    layout: Layout,
    id: SketchId,
}

impl Projection {
    /// The projection that `settings` say.
    ///
    /// # Errors
    /// As [`AnyProjector::new`].
    pub(super) fn new(settings: ProjectorSettings, layers: Vec<Layer>) -> Result<Self, Error> {
        let layout = Layout::new(&layers)?;
        let id = with(&settings, &layers, |projector| projector.id(layout.id()))?;
        Ok(Self { settings: Some(settings), layers, layout, id })
    }

    /// No sketches: for the norms of gradients of `columns` entries.
    ///
    /// # Errors
    /// No column.
    pub(super) fn measures(columns: usize) -> Result<Self, Error> {
        let layout = Layout::flat(columns as u64)?;
        Ok(Self { settings: None, layers: Vec::new(), layout, id: Exact::new(0).id(layout.id()) })
    }

    /// What its sketches are labelled with.
    #[must_use]
    pub const fn id(&self) -> SketchId {
        self.id
    }

    /// The layout of the gradients.
    #[must_use]
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// Whether it keeps gradients as they are.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.settings.is_some_and(|settings| settings.kind == Kind::Exact)
    }

    /// Its name, as files of sketches have it.
    pub(super) const fn name(&self) -> &'static str {
        match self.settings {
            None => "measures",
            Some(ProjectorSettings { kind: Kind::Exact, .. }) => "none",
            Some(settings) => settings.kind.name(),
        }
    }

    /// Hands the projector to `act`.
    ///
    /// # Errors
    /// None: it was made before.
    pub(in crate::commands) fn with<R>(&self, act: impl FnOnce(Ready<'_>) -> R) -> Result<R, Error> {
        match &self.settings {
            Some(settings) => with(settings, &self.layers, |projector| act(Ready::Any(projector))),
            None => Ok(act(Ready::Measures)),
        }
    }
}

/// Makes a projector for as long as `act` takes.
fn with<R>(
    settings: &ProjectorSettings,
    layers: &[Layer],
    act: impl FnOnce(AnyProjector<'_>) -> R,
) -> Result<R, Error> {
    let mut parts = vec![Part::UNUSED; layers.len()];
    Ok(act(AnyProjector::new(settings, layers, &mut parts)?))
}

/// A projector, or none at all.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) enum Ready<'p> {
    /// Any of the core's.
    Any(AnyProjector<'p>),
    /// Sketches of no numbers.
    Measures,
}

impl Projector for Ready<'_> {
    fn id(&self, layout: LayoutId) -> SketchId {
        match self {
            Self::Any(projector) => projector.id(layout),
            Self::Measures => Exact::new(0).id(layout),
        }
    }

    fn width(&self) -> usize {
        match self {
            Self::Any(projector) => projector.width(),
            Self::Measures => 0,
        }
    }

    fn check(&self, offset: u64, len: u64) -> Result<(), Error> {
        match self {
            Self::Any(projector) => projector.check(offset, len),
            Self::Measures => Ok(()),
        }
    }

    fn project<T: Element>(&self, offset: u64, x: &[T], out: &mut [f32]) -> Result<(), Error> {
        match self {
            // Each value comes once, so what it would be added to is zero.
            Self::Any(AnyProjector::Exact(_)) => Ok(widen(x, &mut out[offset as usize..][..x.len()])?),
            Self::Any(projector) => projector.project(offset, x, out),
            Self::Measures => Ok(()),
        }
    }

    fn project_scaled<T: Element>(
        &self,
        offset: u64,
        scale: f32,
        x: &[T],
        out: &mut [f32],
    ) -> Result<(), Error> {
        match self {
            Self::Any(projector) => projector.project_scaled(offset, scale, x, out),
            Self::Measures => Ok(()),
        }
    }

    fn project_outer<T: Element, U: Element>(
        &self,
        layer: &Layer,
        a: &[T],
        b: &[U],
        out: &mut [f32],
    ) -> Result<(), Error> {
        match self {
            Self::Any(projector) => projector.project_outer(layer, a, b, out),
            Self::Measures => Ok(()),
        }
    }

    fn is_factored(&self, layer: &Layer) -> Result<bool, Error> {
        match self {
            Self::Any(projector) => projector.is_factored(layer),
            Self::Measures => Ok(false),
        }
    }

    fn finish(&self, out: &mut [f32]) {
        if let Self::Any(projector) = self {
            projector.finish(out);
        }
    }
}
