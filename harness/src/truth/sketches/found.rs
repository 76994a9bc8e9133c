//! Figures as they come, seed by seed.

use gradsieve::store::{Codec, StoreSettings};
use serde::Serialize;

use super::cell::FIGURES;
use super::projections::Sketching;

/// How self-influence sᵢ = φᵢᵀ(C + λI)⁻¹φᵢ is asked of a row that went through a codec.
/// In `f32` all three are one. Where K exceeds the number of samples only the first is
/// measured, for nobody keeps K² numbers that say no more than the samples: the others
/// are NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// ⟨row i, (C + λI)⁻¹φᵢ⟩ as the store scores it: the sample's own `f32` sketch,
    /// solved with the second moment C of the `f32` sketches, which streamed by, is the
    /// query.
    Streamed,
    /// The same, but C is that of the stored rows, read back: the `f32` sketches are
    /// gone, and the sample's is made once more.
    Store,
    /// The stored rows alone: C and both sides are of rows that were read back.
    Rows,
}

/// One projection, width and codec.
#[derive(Clone, Debug, Serialize)]
pub struct SketchLine {
    /// The projection's name.
    pub projection: &'static str,
    /// One line on what it is.
    pub about: &'static str,
    /// The codec's name.
    pub codec: &'static str,
    /// Numbers that a row may have.
    pub dim: usize,
    /// Numbers that it has, K.
    pub width: usize,
    /// Whether it is the gradient itself.
    pub exact: bool,
    /// Bytes of a stored row, 32 of which are its sample's id, group and exact measures.
    pub row_bytes: usize,
    /// Spearman's correlation of dot products, mean over the test samples; a figure a
    /// seed, here and below.
    pub dot: Vec<f64>,
    /// The least-squares slope of these scores on the gradients' own dot products, mean
    /// over the test samples: 1 if nothing biases them.
    pub dot_slope: Vec<f64>,
    /// Spearman's correlation of ridge influence, with C of the `f32` sketches, which
    /// streamed by.
    pub ridge: Vec<f64>,
    /// The same, but C is that of the stored rows, read back; NaN but for few bits.
    pub ridge_rows: Vec<f64>,
    /// AUROC of self-influence, [`Way::Streamed`].
    pub streamed: Vec<f64>,
    /// [`Way::Store`].
    pub store: Vec<f64>,
    /// [`Way::Rows`].
    pub rows: Vec<f64>,
    /// Root mean square of the error of inner products over the product of the norms.
    pub error: Vec<f64>,
    /// What [`gradsieve::budget`] expects it to be, for pairs of these cosines.
    pub expected_error: Vec<f64>,
}

impl SketchLine {
    /// The AUROC of self-influence in one of its ways, a figure a seed.
    #[must_use]
    pub fn auroc(&self, way: Way) -> &[f64] {
        match way {
            Way::Streamed => &self.streamed,
            Way::Store => &self.store,
            Way::Rows => &self.rows,
        }
    }
}

/// Whose figures they are.
pub(super) struct Found {
    pub(super) projection: &'static Sketching,
    pub(super) dim: usize,
    pub(super) width: usize,
    pub(super) exact: bool,
}

impl Found {
    /// Adds the figures of one seed, [`FIGURES`] for each codec.
    pub(super) fn add_to(&self, lines: &mut Vec<SketchLine>, figures: &[f64]) {
        for (codec, figures) in Codec::ALL.into_iter().zip(figures.as_chunks::<FIGURES>().0) {
            let Sketching { name, about, .. } = *self.projection;
            let is_it = |line: &SketchLine| {
                line.projection == name && line.dim == self.dim && line.codec == codec.name()
            };
            let at = lines.iter().position(is_it).unwrap_or_else(|| {
                lines.push(SketchLine {
                    projection: name,
                    about,
                    codec: codec.name(),
                    dim: self.dim,
                    width: self.width,
                    exact: self.exact,
                    row_bytes: StoreSettings { codec, width: self.width, rows: 16 }
                        .memory()
                        .bytes_with::<u64>()
                        / 16,
                    dot: Vec::new(),
                    dot_slope: Vec::new(),
                    ridge: Vec::new(),
                    ridge_rows: Vec::new(),
                    streamed: Vec::new(),
                    store: Vec::new(),
                    rows: Vec::new(),
                    error: Vec::new(),
                    expected_error: Vec::new(),
                });
                lines.len() - 1
            });
            let line = &mut lines[at];
            let places = [
                &mut line.dot,
                &mut line.dot_slope,
                &mut line.ridge,
                &mut line.ridge_rows,
                &mut line.streamed,
                &mut line.store,
                &mut line.rows,
                &mut line.error,
                &mut line.expected_error,
            ];
            for (place, figure) in places.into_iter().zip(figures) {
                place.push(*figure);
            }
        }
    }
}
