//! Kronecker sketches: the gradient b aᵀ of each linear layer becomes (C_o b)(C_i a)ᵀ,
//! where C_o and C_i fold a factor to a few numbers by hashed signs. O(inputs + outputs +
//! K) a layer, a few instructions each: the projection for small cores and small
//! networks.
//!
//! The layers of a network stand side by side in one row of K numbers, as in a
//! [`Plan`](super::Plan), of which this is the lean form: number (i, j) of a layer's
//! k_o·k_i is (C_o b)ᵢ·(C_i a)ⱼ, by rows. Each C is a [`Fold`], of a key of its own,
//! which is made of the projector's key and the layer. A factor that is short enough
//! stays what it is, and nothing is lost of it.
//!
//! *Unbiased*: E⟨Sx, Sy⟩ = ⟨x, y⟩ over keys, for any two gradients: the two folds of a
//! layer are independent, and so are layers.
//!
//! *Variance*: of outer products x = b aᵀ and y = d cᵀ at most V_o·(a·c)² + V_i·(b·d)² +
//! V_o·V_i a layer, with V_i = (‖a‖²‖c‖² + (a·c)²)/k_i, V_o the same of b, d and k_o, and
//! 0 of a factor that is kept; variances of layers add. As with [`Logra`](super::Logra)
//! it is the factors' widths that count where gradients are aligned: 4 × 4 numbers are as
//! good as some 2 of a dense projection there, and as good as 16 for telling gradients
//! apart that are not.
//!
//! *Cost* of an outer product: some 8 instructions an entry of the factors and 3 a number
//! on a Cortex-M4F, and half a kilobyte of stack (`docs/src/results/device.md`). *Plain
//! segments* of the layers' weights are taken, too, being linear: a piece of a row costs
//! its length and k_i.
//!
//! *Where layers stand.* [`Kronecker`] holds as many as its type says. Where their number
//! is not known to the compiler they stand in the caller's buffer
//! ([`KroneckerIn::for_layers_in`]): the same numbers, measures and label.
//!
//! Sources: count sketch (Charikar, Chen & Farach-Colton 2002), and its products, as in
//! tensor sketching (Pham & Pagh 2013), here without their convolution.

use super::id::SketchId;
use super::kind::Kind;
use super::logra::{RowPiece, key_of_part, of_layer, row_pieces};
use super::projector::Projector;
use super::settings::{FromSettings, ProjectorSettings, Widths};
use crate::error::{Error, check_length};
use crate::gradient::{Layer, Layout, LayoutId};
use gradsieve_kernels::fold::KEPT;
use gradsieve_kernels::hash::mix;
use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::{Certain, Element, Fingerprint, Fold, Key, Tame, fold};

/// Separates this projection's keys from every other use of a key.
const STREAM: u64 = u64::from_be_bytes(*b"KRONECKR");

/// Widths up to which panels are short.
const NARROW: usize = 8;

/// The Kronecker sketch of a network of L linear layers.
///
/// ```
/// use gradsieve::{Key, Kronecker, Layer, Layout, Sketcher};
///
/// // 24 inputs, 16 hidden units, 5 outputs; each bias is the weight of one more input.
/// const LAYERS: [Layer; 2] = [Layer::new(0, 16, 25), Layer::new(16 * 25, 5, 17)];
/// let projector = Kronecker::for_layers(&LAYERS, 32, Key::seed(7))?; // of 32 numbers, 26 are used
/// let mut sketcher = Sketcher::new(projector, projector.layout(), [0.0; 26])?;
/// # let (input, hidden_gradient, hidden, gradient) = ([0.5_f32; 24], [0.1_f32; 16], [0.3_f32; 16], [0.2_f32; 5]);
/// sketcher.outer_biased(&LAYERS[1], &hidden, &gradient)?; // in any order
/// sketcher.outer_biased(&LAYERS[0], &input, &hidden_gradient)?;
/// let sketch = sketcher.finish()?;
/// assert_eq!(sketch.measures.count, 16 * 25 + 5 * 17);
/// # Ok::<(), gradsieve::Error>(())
/// ```
pub type Kronecker<const L: usize> = KroneckerIn<[FoldedLayer; L]>;

/// The Kronecker sketch of a network whose layers stand in `S`: an array of its own
/// ([`Kronecker`]), or the caller's buffer.
///
/// ```
/// use gradsieve::{FoldedLayer, Key, Kronecker, KroneckerIn, Layer, LayoutId, Projector};
///
/// let layers = [Layer::new(0, 16, 25), Layer::new(400, 5, 17)];
/// let mut buffer = [FoldedLayer::UNUSED; 8];
/// let projector = KroneckerIn::for_layers_in(&layers, 32, Key::seed(7), &mut buffer)?;
/// let id = projector.layout().id();
/// assert_eq!(projector.id(id), Kronecker::for_layers(&layers, 32, Key::seed(7))?.id(id));
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KroneckerIn<S> {
    layers: S,
    layout: Layout,
    width: usize,
    key: Fingerprint,
    /// A hash of layers and widths.
    settings: u64,
}

/// A layer, and how its factors are folded.
///
/// ```
/// use gradsieve::FoldedLayer;
///
/// // What a buffer for sixteen layers takes.
/// assert!(size_of_val(&[FoldedLayer::UNUSED; 16]) <= 16 * 96);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FoldedLayer {
    layer: Layer,
    outputs: Fold,
    inputs: Fold,
}

impl FoldedLayer {
    /// What a buffer is filled with before a projector is made in it.
    pub const UNUSED: Self = Self { layer: Layer::new(0, 1, 1), outputs: Fold::NONE, inputs: Fold::NONE };

    const fn new(layer: Layer, widths: Widths, key: Key) -> Option<Self> {
        let [outputs, inputs] = [key_of_part(key, STREAM, &layer, 0), key_of_part(key, STREAM, &layer, 1)];
        match (
            Fold::new(layer.outputs, widths.outputs, outputs),
            Fold::new(layer.inputs, widths.inputs, inputs),
        ) {
            (Some(outputs), Some(inputs)) => Some(Self { layer, outputs, inputs }),
            _ => None,
        }
    }

    /// Numbers of the layer's sketch.
    const fn width(&self) -> usize {
        self.outputs.width() * self.inputs.width()
    }

    /// Adds (C_o b)(C_i a)ᵀ, where behind `a` stands a 1 if it is `biased`. The measures
    /// of `a` and `b`.
    #[inline]
    fn outer<T: Element, U: Element>(
        &self,
        a: &[T],
        b: &[U],
        biased: bool,
        out: &mut [f32],
    ) -> Result<[Option<Tame>; 2], Error> {
        // Zeros are not for nothing on a small core.
        if self.outputs.width().max(self.inputs.width()) <= NARROW {
            self.outer_of::<NARROW, T, U>(a, b, biased, out)
        } else {
            self.outer_of::<KEPT, T, U>(a, b, biased, out)
        }
    }

    /// The same with panels of N numbers.
    fn outer_of<const N: usize, T: Element, U: Element>(
        &self,
        a: &[T],
        b: &[U],
        biased: bool,
        out: &mut [f32],
    ) -> Result<[Option<Tame>; 2], Error> {
        let [left, right] = &mut [[0.0; N]; 2];
        let left = left.get_mut(..self.outputs.width()).certain();
        let right = right.get_mut(..self.inputs.width()).certain();
        let tame = [fold(&self.inputs, a, biased, right)?, fold(&self.outputs, b, false, left)?];
        let mut rest = out;
        for left in left {
            let (row, later) = rest.split_at_mut_checked(right.len()).certain();
            row.iter_mut().zip(&*right).for_each(|(out, right)| *out += *left * *right);
            rest = later;
        }
        Ok(tame)
    }

    /// Adds the projection of `scale`·x, a piece of a row, entry by entry.
    fn row<T: Element>(&self, piece: &RowPiece<'_, T>, scale: f32, out: &mut [f32]) {
        let width = self.inputs.width();
        let (to, flipped) = self.outputs.place(piece.row);
        let row = out.get_mut(to * width..).and_then(|out| out.get_mut(..width)).certain();
        let scale = if flipped { -scale } else { scale };
        for (entry, x) in (piece.column..).zip(piece.x) {
            let (to, flipped) = self.inputs.place(entry);
            let product = scale * x.widen();
            row.iter_mut().skip(to).take(1).for_each(|out| *out += if flipped { -product } else { product });
        }
    }
}

impl<const L: usize> Kronecker<L> {
    /// The sketch of these layers that folds each layer's outputs and inputs to `widths`.
    ///
    /// # Errors
    /// [`Error::Layer`] as [`Layout::new`]; [`Error::Setting`] unless each width is 1, 2,
    /// 4 or 8, or as many as the layer has and at most 32.
    pub const fn new(layers: &[Layer; L], widths: &[Widths; L], key: Key) -> Result<Self, Error> {
        let mut folds = [FoldedLayer::UNUSED; L];
        match fold_all(layers, widths, key, &mut folds) {
            Ok(KroneckerIn { layers: (), layout, width, key, settings }) => {
                Ok(Self { layers: folds, layout, width, key, settings })
            }
            Err(error) => Err(error),
        }
    }

    /// The sketch of these layers that has `width` numbers at most, shared out so that
    /// the layers' relative variances are small: step by step the factor is widened that
    /// gains most for its numbers.
    ///
    /// ```
    /// use gradsieve::{Key, Kronecker, Layer, Widths};
    ///
    /// let layers = [Layer::new(0, 16, 25), Layer::new(400, 5, 17)];
    /// let projector = Kronecker::for_layers(&layers, 32, Key::seed(7))?;
    /// assert_eq!(projector.widths(1), Some(Widths { outputs: 5, inputs: 2 }));
    /// # Ok::<(), gradsieve::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Layer`] as [`Layout::new`]; [`Error::Setting`] if there are more layers
    /// than numbers.
    pub const fn for_layers(layers: &[Layer; L], width: usize, key: Key) -> Result<Self, Error> {
        let mut widths = [Widths { outputs: 1, inputs: 1 }; L];
        match share(layers, &mut widths, width) {
            Ok(()) => Self::new(layers, &widths, key),
            Err(error) => Err(error),
        }
    }
}

impl<'p> KroneckerIn<&'p [FoldedLayer]> {
    /// [`Kronecker::for_layers`] of any number of layers, 64 at most: they stand in the
    /// first places of `buffer`, whatever it holds.
    ///
    /// # Errors
    /// As there; [`Error::Length`] if the buffer has less than there are layers;
    /// [`Error::Setting`] if there are more than 64.
    pub fn for_layers_in(
        layers: &[Layer],
        width: usize,
        key: Key,
        buffer: &'p mut [FoldedLayer],
    ) -> Result<Self, Error> {
        let found = buffer.len();
        let folds = buffer.get_mut(..layers.len()).ok_or(Error::Length { expected: layers.len(), found })?;
        let mut widths = [Widths { outputs: 1, inputs: 1 }; MOST_LAYERS];
        let widths = widths.get_mut(..layers.len()).ok_or(TOO_MANY)?;
        share(layers, widths, width)?;
        let KroneckerIn { layers: (), layout, width, key, settings } = fold_all(layers, widths, key, folds)?;
        Ok(Self { layers: folds, layout, width, key, settings })
    }
}

impl<S> KroneckerIn<S> {
    /// K: numbers a sketch.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// The layout of the layers.
    #[must_use]
    pub const fn layout(&self) -> Layout {
        self.layout
    }
}

impl<S: AsRef<[FoldedLayer]>> KroneckerIn<S> {
    /// The widths of layer `index`, if there is one.
    #[must_use]
    pub fn widths(&self, index: usize) -> Option<Widths> {
        let folds = self.layers.as_ref().get(index)?;
        Some(Widths { outputs: folds.outputs.width(), inputs: folds.inputs.width() })
    }

    /// A layer, and its place in a row.
    fn find(&self, layer: &Layer) -> Result<(&FoldedLayer, usize), Error> {
        let mut start = 0;
        for folds in self.layers.as_ref() {
            if folds.layer.offset == layer.offset && folds.layer == *layer {
                return Ok((folds, start));
            }
            start += folds.width();
        }
        let index = self.layers.as_ref().partition_point(|folds| folds.layer.end() <= layer.offset);
        Err(Error::LayerMismatch { index })
    }
}

impl Kronecker<1> {
    /// Its layer.
    pub(super) const fn layer(&self) -> Layer {
        let [folds] = &self.layers;
        folds.layer
    }
}

/// Folds each layer to its widths, into a place for each. The projector, but for them.
const fn fold_all(
    layers: &[Layer],
    widths: &[Widths],
    key: Key,
    places: &mut [FoldedLayer],
) -> Result<KroneckerIn<()>, Error> {
    let layout = match Layout::new(layers) {
        Ok(layout) => layout,
        Err(error) => return Err(error),
    };
    let (mut width, mut settings) = (0, layers.len() as u64);
    let (mut layers, mut widths, mut rest) = (layers, widths, places);
    while let ([layer, more_layers @ ..], [own, more_widths @ ..], [place, more @ ..]) =
        (layers, widths, rest)
    {
        match FoldedLayer::new(*layer, *own, key) {
            Some(folds) => *place = folds,
            None => return Err(WIDTHS),
        }
        // Each below 2¹¹.
        width += place.width();
        settings = mix(settings ^ of_layer(own.outputs as u64, layer));
        settings = mix(settings ^ own.inputs as u64);
        (layers, widths, rest) = (more_layers, more_widths, more);
    }
    Ok(KroneckerIn { layers: (), layout, width, key: key.fingerprint(), settings })
}

/// The most layers where their number is not known to the compiler.
pub(super) const MOST_LAYERS: usize = 64;

/// What is wrong with more.
pub(super) const TOO_MANY: Error = Error::Setting { name: "projection", expected: "for 64 layers at most" };

/// What is wrong with widths.
const WIDTHS: Error =
    Error::Setting { name: "widths", expected: "1, 2, 4 or 8, or as many as the layer has and at most 32" };

/// Shares `most` numbers out among layers: from 1 × 1 on that factor is widened whose
/// relative variance falls most for its numbers.
pub(super) const fn share(layers: &[Layer], widths: &mut [Widths], most: usize) -> Result<(), Error> {
    let mut used = layers.len();
    if used > most {
        return Err(Error::Setting { name: "width", expected: "at least as many as there are layers" });
    }
    loop {
        let mut best = Step { layer: 0, outputs: false, to: 0, gain: 0, cost: 1 };
        let mut index = 0;
        let (mut layers, mut rest): (&[Layer], &[Widths]) = (layers, widths);
        while let ([layer, more @ ..], [of_layer, more_widths @ ..]) = (layers, rest) {
            let Widths { outputs, inputs } = *of_layer;
            best = best.or_wider(index, true, layer.outputs, outputs, inputs, most - used);
            best = best.or_wider(index, false, layer.inputs, inputs, outputs, most - used);
            (layers, rest, index) = (more, more_widths, index + 1);
        }
        if best.gain == 0 {
            return Ok(());
        }
        if let Some((_, [widths, ..])) = widths.split_at_mut_checked(best.layer) {
            if best.outputs {
                widths.outputs = best.to;
            } else {
                widths.inputs = best.to;
            }
        }
        used += best.cost;
    }
}

/// A factor to widen.
#[derive(Clone, Copy)]
struct Step {
    layer: usize,
    /// Its outputs, or its inputs.
    outputs: bool,
    to: usize,
    /// By how much the relative variance falls, in 32nds.
    gain: usize,
    /// How many numbers more there are.
    cost: usize,
}

impl Step {
    /// This step, or a better one that widens a factor of `entries` from `width` on:
    /// doubled, or so that it is kept.
    const fn or_wider(
        self,
        layer: usize,
        outputs: bool,
        entries: u64,
        width: usize,
        other: usize,
        room: usize,
    ) -> Self {
        let mut best = self;
        if entries <= width as u64 {
            return best;
        }
        let mut choice = 0;
        while choice < 2 {
            let kept = choice == 1 || 2 * width as u64 >= entries;
            let to = if kept { entries } else { 2 * width as u64 };
            choice += 1;
            if to > KEPT as u64 || (!kept && to > 8) {
                continue;
            }
            let to = to as usize;
            let after = if kept { 0 } else { part_of(to) };
            let (gain, cost) = (part_of(width) - after, (to - width) * other);
            if cost <= room && gain * best.cost > best.gain * cost {
                best = Self { layer, outputs, to, gain, cost };
            }
        }
        best
    }
}

/// 1/width, in 32nds.
const fn part_of(width: usize) -> usize {
    match KEPT.checked_div(width) {
        Some(part) => part,
        None => KEPT,
    }
}

impl FromSettings for Kronecker<1> {
    const IS_FACTORED: bool = true;

    /// With the widths that are set, or with those that fit best.
    fn from_settings(settings: &ProjectorSettings, layer: &Layer) -> Result<Self, Error> {
        match settings.widths {
            Some(widths) => Self::new(&[*layer], &[widths], settings.key),
            None => Self::for_layers(&[*layer], settings.width, settings.key),
        }
    }
}

impl<S: AsRef<[FoldedLayer]> + Copy> Projector for KroneckerIn<S> {
    fn id(&self, layout: LayoutId) -> SketchId {
        let (width, key, settings) = (self.width, self.key, self.settings);
        SketchId { kind: Kind::Kronecker, width, key, repeat: Repeat::One, settings, layout }
    }

    fn width(&self) -> usize {
        self.width
    }

    /// # Errors
    /// [`Error::OutsideLayout`] with the end of the coordinates that are in a layer, if
    /// not all are.
    fn check(&self, offset: u64, len: u64) -> Result<(), Error> {
        let (mut end, found) = (offset, offset.saturating_add(len));
        for folds in self.layers.as_ref() {
            if (folds.layer.offset..folds.layer.end()).contains(&end) {
                end = folds.layer.end().min(found);
            }
        }
        if end == found { Ok(()) } else { Err(Error::OutsideLayout { end, found }) }
    }

    fn project_scaled<T: Element>(
        &self,
        offset: u64,
        scale: f32,
        x: &[T],
        out: &mut [f32],
    ) -> Result<(), Error> {
        check_length(self.width, out.len())?;
        self.check(offset, x.len() as u64)?;
        let (mut offset, mut x, mut rest) = (offset, x, out);
        for folds in self.layers.as_ref() {
            let (own, later) = rest.split_at_mut_checked(folds.width()).certain();
            rest = later;
            if !(folds.layer.offset..folds.layer.end()).contains(&offset) {
                continue;
            }
            // Not longer than `x`.
            let length = (folds.layer.end() - offset).min(x.len() as u64) as usize;
            let (now, others) = x.split_at_checked(length).certain();
            for piece in row_pieces(&folds.layer, offset, now)? {
                folds.row(&piece, scale, own);
            }
            (offset, x) = (offset + now.len() as u64, others);
        }
        Ok(())
    }

    /// # Errors
    /// [`Error::LayerMismatch`] with the index of the layer in which `layer` begins (or
    /// before which, in a gap), if it is none of the network's.
    fn project_outer<T: Element, U: Element>(
        &self,
        layer: &Layer,
        a: &[T],
        b: &[U],
        out: &mut [f32],
    ) -> Result<(), Error> {
        self.project_outer_measured(layer, a, b, false, out).map(|_| ())
    }

    /// # Errors
    /// As [`KroneckerIn::project_outer`].
    fn project_outer_measured<T: Element, U: Element>(
        &self,
        layer: &Layer,
        a: &[T],
        b: &[U],
        biased: bool,
        out: &mut [f32],
    ) -> Result<[Option<Tame>; 2], Error> {
        check_length(self.width, out.len())?;
        let (folds, start) = self.find(layer)?;
        folds.outer(a, b, biased, out.get_mut(start..).certain())
    }

    fn is_factored(&self, layer: &Layer) -> Result<bool, Error> {
        self.find(layer).map(|_| true)
    }

    /// Nothing is left to do: folds are unbiased as they are.
    fn finish(&self, _out: &mut [f32]) {}
}
