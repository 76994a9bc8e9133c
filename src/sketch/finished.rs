//! A finished sketch.

use super::id::SketchId;
use crate::error::{Error, check_length};
use gradsieve_kernels::Summary;

/// A finished sketch: K numbers in the caller's buffer, what they are, and the exact
/// measures of the gradient.
///
/// ```
/// use gradsieve::{Key, Layout, Repeat, Sjlt, Sketcher};
///
/// let projector = Sjlt::new(64, Key::seed(7), Repeat::One)?;
/// let mut sketcher = Sketcher::new(projector, Layout::flat(1000)?, [0.0; 64])?;
/// sketcher.segment(0, &[0.5_f32; 1000])?;
/// let sketch = sketcher.finish()?.in_group(3);
/// assert_eq!((sketch.group, sketch.values.len(), sketch.measures.max), (3, 64, 0.5));
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Sketch<'m> {
    /// Projection and layout.
    pub id: SketchId,
    /// The K numbers; ⟨sketch, sketch′⟩ estimates ⟨gradient, gradient′⟩.
    pub values: &'m [f32],
    /// Exact L1, squared L2, maximum and non-finite count of the gradient, not of the
    /// sketch. L1 and maximum are NaN where they were not taken
    /// ([`Sketcher::outer_sequence`](crate::Sketcher::outer_sequence)).
    pub measures: Summary,
    /// An optional class, sensor or client of the sample, for detectors that keep groups
    /// apart. 0 where there is none.
    pub group: u32,
    /// Optionally the sample's loss, for a [`Sieve`](crate::Sieve): a gradient is judged
    /// by what it explains of its length.
    pub loss: Option<f32>,
}

impl<'m> Sketch<'m> {
    /// A sketch from its parts, such as a row that was read back.
    ///
    /// # Errors
    /// [`Error::Length`] if there are not K values.
    pub const fn from_parts(id: SketchId, values: &'m [f32], measures: Summary) -> Result<Self, Error> {
        match check_length(id.width, values.len()) {
            Ok(()) => Ok(Self { id, values, measures, group: 0, loss: None }),
            Err(error) => Err(error),
        }
    }

    /// The same sketch of a sample that belongs to `group`.
    #[must_use]
    pub const fn in_group(self, group: u32) -> Self {
        Self { group, ..self }
    }

    /// The same sketch of a sample whose loss is `loss`.
    #[must_use]
    pub const fn with_loss(self, loss: f32) -> Self {
        Self { loss: Some(loss), ..self }
    }

    /// Refuses a sketch whose gradient had NaN or infinite entries, or whose own numbers
    /// overflowed.
    ///
    /// # Errors
    /// [`Error::NonFinite`].
    pub fn check_finite(&self) -> Result<(), Error> {
        if self.measures.non_finite > 0 || !all_finite(self.values) {
            return Err(Error::NonFinite);
        }
        Ok(())
    }
}

/// Whether no number is NaN or infinite. Sixteen at a time without a way out among them,
/// so that vectors can look.
pub(crate) fn all_finite(values: &[f32]) -> bool {
    let (groups, rest) = values.as_chunks::<16>();
    let finite = |all: bool, value: &f32| all & value.is_finite();
    groups.iter().all(|group| group.iter().fold(true, finite)) && rest.iter().fold(true, finite)
}
