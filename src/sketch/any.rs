//! Any one of the projections, chosen while the program runs: by a setting, or layer by
//! layer in a [`Plan`](super::Plan).

use super::{Exact, FactGrass, Gaussian, Logra, Mask, Projector, Rademacher, Sjlt, SketchId, Srht};
use crate::error::Error;
use crate::gradient::{Layer, LayoutId};
use gradsieve_kernels::Element;

macro_rules! any {
    ($($kind:ident),* $(,)?) => {
        /// One of the projections of this room. As a projector it is the one that it
        /// holds, bit for bit and by id.
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum AnyProjector {
            $(#[doc = concat!("[`", stringify!($kind), "`]")] $kind($kind),)*
        }

        $(impl From<$kind> for AnyProjector {
            fn from(projector: $kind) -> Self {
                Self::$kind(projector)
            }
        })*

        impl AnyProjector {
            /// K: numbers a sketch.
            #[must_use]
            pub const fn width(&self) -> usize {
                match self {
                    $(Self::$kind(projector) => projector.width(),)*
                }
            }
        }

        impl Projector for AnyProjector {
            fn id(&self, layout: LayoutId) -> SketchId {
                match self {
                    $(Self::$kind(projector) => projector.id(layout),)*
                }
            }

            fn width(&self) -> usize {
                self.width()
            }

            fn project<T: Element>(&self, offset: u64, x: &[T], out: &mut [f32]) -> Result<(), Error> {
                match self {
                    $(Self::$kind(projector) => projector.project(offset, x, out),)*
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
                    $(Self::$kind(projector) => projector.project_scaled(offset, scale, x, out),)*
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
                    $(Self::$kind(projector) => projector.project_outer(layer, a, b, out),)*
                }
            }

            fn is_factored(&self, layer: &Layer) -> Result<bool, Error> {
                match self {
                    $(Self::$kind(projector) => projector.is_factored(layer),)*
                }
            }

            fn finish(&self, out: &mut [f32]) {
                match self {
                    $(Self::$kind(projector) => projector.finish(out),)*
                }
            }
        }
    };
}

// One line a projection.
any!(Exact, Sjlt, Rademacher, Gaussian, Srht, Mask, Logra, FactGrass);
