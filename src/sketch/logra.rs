//! LoGra: the gradient b aᵀ of a linear layer becomes (P_o b)(P_i a)ᵀ. Both factors are
//! projected, and the layer's D·K entries are never formed.
//!
//! P_o (k_o × outputs) and P_i (k_i × inputs) are dense projections of a key of their
//! own each, which is made of the projector's key and the layer: two layers of one shape
//! have different ones. The sketch has K = k_o·k_i numbers, by rows: number (i, j) is
//! (P_o b/√K)ᵢ·(P_i a)ⱼ, where every entry of b is multiplied by 1/√K and rounded first.
//! A sequence's products are summed position by position.
//!
//! *Unbiased*: E⟨Sx, Sy⟩ = ⟨x, y⟩ over keys, for any two matrices x, y of the layer's
//! shape.
//!
//! *Variance*: not above (2/k_o + 2/k_i + 4/K)·‖x‖²‖y‖². It is the factors that count: 64
//! × 64 numbers are as good as 32 of a dense projection where x and y are aligned. Of
//! outer products x = b aᵀ and y = d cᵀ it is, with ± factors, exactly
//!
//! V_o·(a·c)² + V_i·(b·d)² + V_o·V_i, where V_i = (‖a‖²‖c‖² + (a·c)² − 2Σaⱼ²cⱼ²)/k_i and
//! V_o the same of b, d and k_o. With normal factors it is the same without the sums.
//!
//! So gradients whose factors are far from aligned are told apart as well as by K dense
//! numbers: then V_o·V_i is all that is left.
//!
//! *Cost* of an outer product: inputs·k_i + outputs·k_o terms of a dense projection
//! ([`mod@gradsieve_kernels::rademacher`]) and K products; a kilobyte of stack. *Plain
//! segments* of the layer's weights are taken, too, being linear: a piece of row r adds
//! P_o's column r times the projected piece, which costs its length times k_i, and K +
//! 32·k_o for each row that it touches. Segments are cut by the sketcher and by rows; a
//! cut inside a group of 32 columns is another rounding, as with
//! [`Rademacher`](super::Rademacher).
//!
//! Source: LoGra (Choe et al. 2024). There, the factors may also be initialised by
//! principal components; these are random.

use super::id::SketchId;
use super::kind::Kind;
use super::projector::Projector;
use super::settings::{Factor, FromSettings, ProjectorSettings, Widths};
use crate::error::{Error, check_length};
use crate::gradient::{Layer, LayoutId};
use gradsieve_kernels::Certain;
use gradsieve_kernels::hash::{self, mix, word};
use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::{Element, gaussian, matrix, rademacher};
use gradsieve_kernels::{Fingerprint, Key};

/// Separates the factors' keys from every other use of a key.
const STREAM: u64 = 0x4C4F_4752_4100_0000;

/// A LoGra projection of one linear layer: (P_o b)(P_i a)ᵀ, K = k_o·k_i numbers, with
/// dense projections P_o and P_i. The layer's gradient comes as outer products, sequences
/// or segments; for a model of several layers see [`Plan`](super::Plan).
///
/// E⟨Sx, Sy⟩ = ⟨x, y⟩ over keys, with variance at most (2/k_o + 2/k_i + 4/K)·‖x‖²‖y‖²:
/// where gradients are aligned it is the factors' widths that count and not K. An outer
/// product costs inputs·k_i + outputs·k_o terms of a dense projection and K products, and
/// a kilobyte of stack. A segment of r rows costs its length times k_i, and r·(K +
/// 32·k_o).
///
/// ```
/// use gradsieve::{Factor, Key, Layer, Layout, Logra, Projector, Sketcher, Widths};
///
/// let layer = Layer::new(0, 1024, 1024);
/// let projector = Logra::new(layer, Widths { outputs: 16, inputs: 32 }, Factor::Rademacher, Key::seed(7))?;
/// let mut sketcher = Sketcher::new(projector, Layout::new(&[layer])?, [0.0_f32; 512])?;
/// sketcher.outer(&layer, &[0.5_f32; 1024], &[0.25_f32; 1024])?;
/// assert_eq!(sketcher.finish()?.values.len(), 16 * 32);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Logra {
    layer: Layer,
    key: Fingerprint,
    outputs: Kernel,
    inputs: Kernel,
    /// 1/√K.
    scale: f32,
}

/// The projection of one factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kernel {
    Rademacher(gradsieve_kernels::Rademacher),
    Gaussian(gradsieve_kernels::Gaussian),
}

impl Kernel {
    const fn new(factor: Factor, width: usize, key: Key) -> Result<Self, Error> {
        let multiple = factor.multiple();
        if width > Logra::WIDEST {
            return Err(Error::Width { multiple, found: width });
        }
        match factor {
            Factor::Rademacher => match gradsieve_kernels::Rademacher::new(width, key) {
                Ok(kernel) => Ok(Self::Rademacher(kernel)),
                Err(_) => Err(Error::Width { multiple, found: width }),
            },
            Factor::Gaussian => match gradsieve_kernels::Gaussian::new(width, key) {
                Ok(kernel) => Ok(Self::Gaussian(kernel)),
                Err(_) => Err(Error::Width { multiple, found: width }),
            },
        }
    }

    const fn width(&self) -> usize {
        match self {
            Self::Rademacher(kernel) => kernel.width(),
            Self::Gaussian(kernel) => kernel.width(),
        }
    }

    const fn factor(&self) -> Factor {
        match self {
            Self::Rademacher(_) => Factor::Rademacher,
            Self::Gaussian(_) => Factor::Gaussian,
        }
    }

    /// The unscaled projection of `scale`·x, the coordinates from `offset` on, in a panel
    /// on the stack.
    fn project<'p, T: Element>(
        &self,
        offset: u64,
        scale: f32,
        x: &[T],
        panel: &'p mut [f32; Logra::WIDEST],
    ) -> Result<&'p [f32], Error> {
        let out = panel.get_mut(..self.width()).certain();
        out.fill(0.0);
        match self {
            Self::Rademacher(kernel) => rademacher(*kernel, offset, scale, x, out)?,
            Self::Gaussian(kernel) => gaussian(*kernel, offset, scale, x, out)?,
        }
        Ok(out)
    }
}

impl Logra {
    /// The widest factor. Two panels of so many `f32` stand on the stack while an outer
    /// product is projected: a kilobyte.
    pub const WIDEST: usize = 128;

    /// The projection of `layer` to `widths.outputs` × `widths.inputs` numbers that
    /// belongs to `key`.
    ///
    /// # Errors
    /// [`Error::Width`] unless both widths are positive multiples of 16 (of 32 for
    /// [`Factor::Gaussian`]) and at most [`Logra::WIDEST`].
    pub const fn new(layer: Layer, widths: Widths, factor: Factor, key: Key) -> Result<Self, Error> {
        let outputs = match Kernel::new(factor, widths.outputs, key_of_part(key, STREAM, &layer, 0)) {
            Ok(kernel) => kernel,
            Err(error) => return Err(error),
        };
        let inputs = match Kernel::new(factor, widths.inputs, key_of_part(key, STREAM, &layer, 1)) {
            Ok(kernel) => kernel,
            Err(error) => return Err(error),
        };
        // Neither is wider than `WIDEST`, so the product fits.
        let scale = (1.0 / root((outputs.width() * inputs.width()) as u32)) as f32;
        Ok(Self { layer, key: key.fingerprint(), outputs, inputs, scale })
    }

    /// The layer whose gradients it projects.
    #[must_use]
    pub const fn layer(&self) -> Layer {
        self.layer
    }

    /// The widths of the factors.
    #[must_use]
    pub const fn widths(&self) -> Widths {
        Widths { outputs: self.outputs.width(), inputs: self.inputs.width() }
    }

    /// K: numbers a sketch.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.widths().product()
    }
}

impl FromSettings for Logra {
    const IS_FACTORED: bool = true;

    /// With the widths that are set, or with those that fit best.
    fn from_settings(settings: &ProjectorSettings, layer: &Layer) -> Result<Self, Error> {
        let widths = match settings.widths {
            Some(widths) => widths,
            None => widest(layer, settings.width, settings.factor.multiple())?,
        };
        Self::new(*layer, widths, settings.factor, settings.key)
    }
}

/// The widths of the largest product that is at most `most`: multiples of `multiple`, not
/// above the layer's own nor [`Logra::WIDEST`]; of equals the squarest.
fn widest(layer: &Layer, most: usize, multiple: usize) -> Result<Widths, Error> {
    let steps = |entries: u64| {
        (multiple..=Logra::WIDEST).step_by(multiple).take_while(move |&width| width as u64 <= entries)
    };
    let mut best: Option<Widths> = None;
    let skew = |widths: Widths| widths.outputs.abs_diff(widths.inputs);
    for outputs in steps(layer.outputs) {
        for inputs in steps(layer.inputs) {
            let widths = Widths { outputs, inputs };
            let is_better =
                best.is_none_or(|best| (best.product(), skew(widths)) <= (widths.product(), skew(best)));
            if widths.product() <= most && is_better {
                best = Some(widths);
            }
        }
    }
    best.ok_or(Error::Setting { name: "width", expected: "wide enough for the factors of the layer" })
}

/// √n, by Newton's method from above, as `core` has no root. Zero of zero.
pub(super) const fn root(n: u32) -> f64 {
    let n = n as f64;
    let mut root = n;
    let mut steps = 0;
    while steps < 40 && root > 0.0 {
        root = 0.5 * (root + n / root);
        steps += 1;
    }
    root
}

/// A key mixed with a layer's place and shape.
pub(super) const fn of_layer(key: u64, layer: &Layer) -> u64 {
    let key = mix(key ^ mix(layer.offset)).wrapping_add(layer.outputs);
    mix(mix(key) ^ layer.inputs)
}

/// The key of part `number` of a projection of `layer`; `stream` tells the projections
/// apart.
pub(super) const fn key_of_part(key: Key, stream: u64, layer: &Layer, number: u64) -> Key {
    let seed = match key.public() {
        Some(seed) => word(of_layer(hash::key(seed, stream), layer), number),
        None => 0,
    };
    key.part(seed, &[stream, layer.offset, layer.outputs, layer.inputs, number])
}

/// A run of coordinates of a layer that lie in one row.
pub(super) struct RowPiece<'x, T> {
    pub(super) row: u64,
    pub(super) column: u64,
    pub(super) x: &'x [T],
}

/// Refuses coordinates that lie in part outside `layer`.
///
/// # Errors
/// [`Error::OutsideLayout`].
pub(super) fn check_in_layer(layer: &Layer, offset: u64, len: u64) -> Result<(), Error> {
    let end = layer.end();
    let found = offset.saturating_add(len);
    if offset < layer.offset || found > end {
        return Err(Error::OutsideLayout { end, found: if found > end { found } else { offset } });
    }
    Ok(())
}

/// The pieces of rows that a segment of `layer` consists of.
///
/// # Errors
/// [`Error::OutsideLayout`] if it lies in part outside the layer.
pub(super) fn row_pieces<'x, T>(
    layer: &Layer,
    offset: u64,
    x: &'x [T],
) -> Result<impl Iterator<Item = RowPiece<'x, T>>, Error> {
    check_in_layer(layer, offset, x.len() as u64)?;
    let inputs = layer.inputs.max(1);
    let (mut start, mut rest) = (offset - layer.offset, x);
    Ok(core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (row, column) = (start / inputs, start % inputs);
        let room = usize::try_from(inputs - column).unwrap_or(usize::MAX);
        let (x, later) = rest.split_at_checked(room).unwrap_or((rest, &[]));
        rest = later;
        start += x.len() as u64;
        Some(RowPiece { row, column, x })
    }))
}

impl Projector for Logra {
    fn id(&self, layout: LayoutId) -> SketchId {
        let Widths { outputs, inputs } = self.widths();
        let mut settings = of_layer(self.inputs.factor() as u64, &self.layer);
        for width in [outputs, inputs] {
            settings = mix(settings ^ width as u64);
        }
        let (width, key) = (self.width(), self.key);
        SketchId { kind: Kind::Logra, width, key, repeat: Repeat::One, settings, layout }
    }

    fn width(&self) -> usize {
        self.width()
    }

    fn check(&self, offset: u64, len: u64) -> Result<(), Error> {
        check_in_layer(&self.layer, offset, len)
    }

    fn project_scaled<T: Element>(
        &self,
        offset: u64,
        scale: f32,
        x: &[T],
        out: &mut [f32],
    ) -> Result<(), Error> {
        check_length(self.width(), out.len())?;
        let [left, right] = &mut [[0.0; Self::WIDEST]; 2];
        for RowPiece { row, column, x } in row_pieces(&self.layer, offset, x)? {
            let left = self.outputs.project(row, self.scale, &[1.0_f32], left)?;
            let right = self.inputs.project(column, scale, x, right)?;
            matrix::add_products(1, left, right, out)?;
        }
        Ok(())
    }

    fn project_outer<T: Element, U: Element>(
        &self,
        layer: &Layer,
        a: &[T],
        b: &[U],
        out: &mut [f32],
    ) -> Result<(), Error> {
        check_length(self.width(), out.len())?;
        self.is_factored(layer)?;
        let [left, right] = &mut [[0.0; Self::WIDEST]; 2];
        let left = self.outputs.project(0, self.scale, b, left)?;
        let right = self.inputs.project(0, 1.0, a, right)?;
        Ok(matrix::add_products(1, left, right, out)?)
    }

    fn is_factored(&self, layer: &Layer) -> Result<bool, Error> {
        if *layer == self.layer { Ok(true) } else { Err(Error::LayerMismatch { index: 0 }) }
    }

    /// Nothing is left to do: the outputs' factor was scaled.
    fn finish(&self, _out: &mut [f32]) {}
}
