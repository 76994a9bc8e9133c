//! What every projection can do: the trait [`Projector`].

use super::id::SketchId;
use crate::error::Error;
use crate::gradient::{Layer, LayoutId};
use gradsieve_kernels::{Element, Tame, tame};

/// A linear map from gradients to K numbers. Small and `Copy`: its settings, not its
/// state.
///
/// Gradients go through a [`Sketcher`](super::Sketcher), which calls these functions.
///
/// ```
/// use gradsieve::{Key, Layout, Projector, Repeat, Sjlt};
///
/// let (projector, layout) = (Sjlt::new(32, Key::seed(7), Repeat::One)?, Layout::flat(1000)?);
/// let mut values = [0.0; 32];
/// projector.project(0, &[0.5_f32; 1000], &mut values)?;
/// projector.finish(&mut values);
/// assert_eq!(projector.id(layout.id()).width, 32);
/// # Ok::<(), gradsieve::Error>(())
/// ```
pub trait Projector: Copy {
    /// What sketches of this projector are labelled with.
    fn id(&self, layout: LayoutId) -> SketchId;

    /// K: numbers a sketch.
    fn width(&self) -> usize;

    /// Refuses coordinates `offset..offset + len` that [`Projector::project`] would
    /// refuse: a projector that is made for some coordinates says so here, before any of
    /// them is taken in.
    ///
    /// # Errors
    /// [`Error::OutsideLayout`] with the end of the coordinates that it takes.
    fn check(&self, _offset: u64, _len: u64) -> Result<(), Error> {
        Ok(())
    }

    /// Adds the projection of coordinates `offset..offset + x.len()` to `out`, which is K
    /// long. Not yet scaled: [`Projector::finish`].
    ///
    /// # Errors
    /// As the projector's own documentation says; `out` is as it was.
    fn project<T: Element>(&self, offset: u64, x: &[T], out: &mut [f32]) -> Result<(), Error> {
        self.project_scaled(offset, 1.0, x, out)
    }

    /// Adds the projection of `scale`·x, each product rounded to `f32`. Used row by row
    /// for outer products.
    ///
    /// # Errors
    /// As [`Projector::project`].
    fn project_scaled<T: Element>(
        &self,
        offset: u64,
        scale: f32,
        x: &[T],
        out: &mut [f32],
    ) -> Result<(), Error>;

    /// Adds the projection of the weight gradient b aᵀ of `layer`; `a` and `b` fit it.
    /// Row by row, unless a projector knows better.
    ///
    /// # Errors
    /// As [`Projector::project`].
    fn project_outer<T: Element, U: Element>(
        &self,
        layer: &Layer,
        a: &[T],
        b: &[U],
        out: &mut [f32],
    ) -> Result<(), Error> {
        let mut offset = layer.offset;
        for row in b {
            self.project_scaled(offset, row.widen(), a, out)?;
            offset = offset.saturating_add(a.len() as u64);
        }
        Ok(())
    }

    /// [`Projector::project_outer`], where behind `a` stands a 1 if it is `biased`: b (a,
    /// 1)ᵀ of `layer`, whose last input is not in `a`. Returns the measures of both
    /// factors ([`tame`]), which some projectors find in the same pass.
    ///
    /// # Errors
    /// As [`Projector::project`].
    fn project_outer_measured<T: Element, U: Element>(
        &self,
        layer: &Layer,
        a: &[T],
        b: &[U],
        biased: bool,
        out: &mut [f32],
    ) -> Result<[Option<Tame>; 2], Error> {
        if biased {
            let mut offset = layer.offset;
            for row in b {
                self.project_scaled(offset, row.widen(), a, out)?;
                offset = offset.saturating_add(a.len() as u64);
                self.project_scaled(offset, row.widen(), &[1.0_f32], out)?;
                offset = offset.saturating_add(1);
            }
        } else {
            self.project_outer(layer, a, b, out)?;
        }
        Ok([tame(a, biased), tame(b, false)])
    }

    /// Whether an outer product of `layer` is projected from its factors, without a pass
    /// over the layer's entries. Then a sequence is projected position by position; if
    /// not, its gradient is formed in pieces.
    ///
    /// # Errors
    /// [`Error::LayerMismatch`] if the projector is made for layers of which this is
    /// none.
    fn is_factored(&self, _layer: &Layer) -> Result<bool, Error> {
        Ok(false)
    }

    /// Turns the sums into the sketch, when the gradient is complete.
    fn finish(&self, out: &mut [f32]);
}

/// Multiplies the numbers of a sketch.
pub(super) fn scale(by: f32, out: &mut [f32]) {
    out.iter_mut().for_each(|value| *value *= by);
}
