//! Any one of the projections, chosen while the program runs: by a setting, or layer by
//! layer.
//!
//! [`Plan`] stands here beside [`AnyProjector`], since each may hold the other; what a
//! plan does is in the file `plan`.

use super::kind::projections;
// The list names every projection.
use super::*;
use crate::error::Error;
use crate::gradient::{Layer, Layout, LayoutId};
use gradsieve_kernels::{Element, Tame};

/// One layer of a plan and its projection.
///
/// ```
/// use gradsieve::{Exact, Layer, Part};
///
/// let bias = Layer::new(640, 10, 1);
/// assert_eq!(Part::new(bias, Exact::new(10)).projector.name(), "exact");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part<'p> {
    /// The layer.
    pub layer: Layer,
    /// What its gradient is projected by.
    pub projector: AnyProjector<'p>,
}

/// A projector made of one for each layer, over parts that stand in the caller's buffer.
///
/// ```
/// use gradsieve::{Factor, Key, Layer, Logra, Part, Plan, Repeat, Sjlt, Sketcher, Widths};
///
/// let (weights, bias) = (Layer::new(0, 256, 512), Layer::new(256 * 512, 256, 1));
/// let widths = Widths { outputs: 16, inputs: 16 };
/// let parts = [
///     Part::new(weights, Logra::new(weights, widths, Factor::Rademacher, Key::seed(7))?),
///     Part::new(bias, Sjlt::new(32, Key::seed(7), Repeat::One)?),
/// ];
/// let plan = Plan::new(&parts)?;
/// let mut sketcher = Sketcher::new(plan, plan.layout(), [0.0_f32; 256 + 32])?;
/// sketcher.outer(&weights, &[0.5_f32; 512], &[0.1_f32; 256])?;
/// sketcher.segment(bias.offset, &[0.1_f32; 256])?;
/// let sketch = sketcher.finish()?;
/// assert_eq!(plan.part(1), Some(256..288));
/// assert_eq!(plan.values(1, sketch.values).map(<[f32]>::len), Some(32));
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan<'p> {
    pub(super) parts: &'p [Part<'p>],
    pub(super) layout: Layout,
    pub(super) width: usize,
}

macro_rules! any {
    ($($(#[$doc:meta])* $kind:ident = $number:literal, $name:literal $choices:tt
        { $($variant:ident($projector:ty)),+ })*) => {
        /// One of the projections, any of them. As a projector it is the one that it
        /// holds, bit for bit and by id.
        ///
        /// It is made from a projector, or from [`ProjectorSettings`] by name.
        ///
        /// ```
        /// use gradsieve::{AnyProjector, Key, Kind, Repeat, Sjlt};
        ///
        /// let projector = AnyProjector::from(Sjlt::new(64, Key::seed(7), Repeat::One)?);
        /// assert_eq!((projector.kind(), projector.name(), projector.width()), (Kind::Sjlt, "sjlt", 64));
        /// # Ok::<(), gradsieve::Error>(())
        /// ```
        ///
        /// [`ProjectorSettings`]: super::ProjectorSettings
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum AnyProjector<'p> {
            $($(#[doc = concat!("[`", stringify!($variant), "`]")] $variant($projector),)+)*
        }

        $($(impl<'p> From<$projector> for AnyProjector<'p> {
            fn from(projector: $projector) -> Self {
                Self::$variant(projector)
            }
        })+)*

        impl AnyProjector<'_> {
            /// Its kind.
            #[must_use]
            pub const fn kind(&self) -> Kind {
                match self {
                    $($(Self::$variant(_))|+ => Kind::$kind,)*
                }
            }

            /// K: numbers a sketch.
            #[must_use]
            pub const fn width(&self) -> usize {
                match self {
                    $($(Self::$variant(projector) => projector.width(),)+)*
                }
            }
        }

        impl Projector for AnyProjector<'_> {
            fn id(&self, layout: LayoutId) -> SketchId {
                match self {
                    $($(Self::$variant(projector) => projector.id(layout),)+)*
                }
            }

            fn width(&self) -> usize {
                self.width()
            }

            fn check(&self, offset: u64, len: u64) -> Result<(), Error> {
                match self {
                    $($(Self::$variant(projector) => projector.check(offset, len),)+)*
                }
            }

            fn project<T: Element>(&self, offset: u64, x: &[T], out: &mut [f32]) -> Result<(), Error> {
                match self {
                    $($(Self::$variant(projector) => projector.project(offset, x, out),)+)*
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
                    $($(Self::$variant(projector) => projector.project_scaled(offset, scale, x, out),)+)*
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
                    $($(Self::$variant(projector) => projector.project_outer(layer, a, b, out),)+)*
                }
            }

            fn project_outer_measured<T: Element, U: Element>(
                &self,
                layer: &Layer,
                a: &[T],
                b: &[U],
                biased: bool,
                out: &mut [f32],
            ) -> Result<[Option<Tame>; 2], Error> {
                match self {
                    $($(Self::$variant(by) => by.project_outer_measured(layer, a, b, biased, out),)+)*
                }
            }

            fn is_factored(&self, layer: &Layer) -> Result<bool, Error> {
                match self {
                    $($(Self::$variant(projector) => projector.is_factored(layer),)+)*
                }
            }

            fn finish(&self, out: &mut [f32]) {
                match self {
                    $($(Self::$variant(projector) => projector.finish(out),)+)*
                }
            }
        }
    };
}

projections!(any);

impl AnyProjector<'_> {
    /// The name of its kind: one of [`Kind::NAMES`].
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.kind().name()
    }
}
