//! The sketcher: projects and measures a gradient in one pass, segment by segment.

use super::kind::projections;
// The list names every projection.
use super::*;
use crate::error::{Error, check_length};
use crate::ghost::{self, Route};
use crate::gradient::{LONG_PIECE, Layer, Layout, Measures, PIECE, Sequence, Trace};
use crate::memory::Buffer;
use gradsieve_kernels::Element;

/// Coordinates of a segment that are taken together: 16 KiB of `f32`, which the nearest
/// cache holds beside a sketch. A multiple of what any projector takes together, and as
/// long as a tile of the summary, whose state is then carried no more often than it must
/// be.
const TILE: usize = 4096;

/// Below this squared norm every entry of a gradient is finite as an `f32`.
const OVERFLOW: f64 = 1e76;

/// Takes gradients in, segment by segment, and yields the sketch and the exact measures
/// of each in one pass.
///
/// It is made once and used for every sample. The first segment after
/// [`finish`](Self::finish) begins the next gradient; [`abandon`](Self::abandon) forgets
/// one of which only a part has arrived.
///
/// The K numbers live in its [`Buffer`]: a slice of the caller, or an array. Beside them
/// it keeps about 700 bytes.
///
/// ```
/// use gradsieve::{Key, Layer, Layout, Repeat, Sjlt, Sketcher};
///
/// let (weights, bias) = (Layer::new(0, 10, 64), Layer::new(640, 10, 1));
/// let layout = Layout::new(&[weights, bias])?;
/// let mut sketcher = Sketcher::new(Sjlt::new(64, Key::seed(7), Repeat::One)?, layout, [0.0; 64])?;
/// for scale in [0.5_f32, 1.0] {
///     sketcher.segment(bias.offset, &[scale; 10])?; // the bias first, as a backward pass does
///     sketcher.outer(&weights, &[1.0_f32; 64], &[scale; 10])?; // then the weights, as b aᵀ
///     let sketch = sketcher.finish()?;
///     assert_eq!(sketch.measures.l1, f64::from(scale) * 650.0);
/// }
/// # Ok::<(), gradsieve::Error>(())
/// ```
///
/// One that owns its array can live in a `static` cell:
///
/// ```
/// use gradsieve::{Key, Layout, Repeat, Sjlt, Sketcher};
/// use std::sync::Mutex;
///
/// const LAYOUT: Layout = match Layout::flat(1000) {
///     Ok(layout) => layout,
///     Err(_) => panic!(),
/// };
/// const PROJECTOR: Sjlt = match Sjlt::new(64, Key::seed(7), Repeat::One) {
///     Ok(projector) => projector,
///     Err(_) => panic!(),
/// };
/// static SKETCHER: Mutex<Sketcher<Sjlt, [f32; 64]>> =
///     Mutex::new(match Sketcher::<Sjlt, _>::owned(PROJECTOR, LAYOUT) {
///         Ok(sketcher) => sketcher,
///         Err(_) => panic!(),
///     });
/// SKETCHER.lock().unwrap().segment(0, &[0.5_f32; 1000])?;
/// assert_eq!(SKETCHER.lock().unwrap().finish()?.measures.count, 1000);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sketcher<P, B> {
    projector: P,
    layout: Layout,
    measures: Measures,
    /// Of the coordinates that have arrived.
    trace: Trace,
    /// Whether the buffer holds what the next gradient is to overwrite: a finished
    /// sketch, or a part of an abandoned one.
    stale: bool,
    buffer: B,
}

macro_rules! owned {
    ($($(#[$doc:meta])* $kind:ident = $number:literal, $name:literal $choices:tt
        { $($variant:ident($projector:ty)),+ })*) => {
        $($(owned!(@ $kind $projector);)+)*
        owned!(@ Any AnyProjector<'p>);
    };
    // Of any number of layers.
    (@ Kronecker $projector:ty) => {
        owned!(impl Kronecker<L>, 'p, const L: usize);
    };
    (@ $kind:ident $projector:ty) => {
        owned!(impl $projector, 'p);
    };
    (impl $projector:ty, $($parameters:tt)+) => {
        impl<$($parameters)+, const K: usize> Sketcher<$projector, [f32; K]> {
            /// A sketcher that owns its K numbers.
            ///
            /// # Errors
            /// [`Error::Length`] if the projector has another width than the array.
            pub const fn owned(projector: $projector, layout: Layout) -> Result<Self, Error> {
                match check_length(projector.width(), K) {
                    Ok(()) => Ok(Self {
                        projector,
                        layout,
                        measures: Measures::new(),
                        trace: Trace::new(),
                        stale: false,
                        buffer: [0.0; K],
                    }),
                    Err(error) => Err(error),
                }
            }
        }
    };
}

projections!(owned);

impl<P: Projector, B: Buffer<f32>> Sketcher<P, B> {
    /// A sketcher of gradients of that layout. `buffer` is K long; what it holds is of no
    /// concern.
    ///
    /// # Errors
    /// [`Error::Length`] if `buffer` is not K long.
    pub fn new(projector: P, layout: Layout, buffer: B) -> Result<Self, Error> {
        check_length(projector.width(), buffer.as_ref().len())?;
        Ok(Self { projector, layout, measures: Measures::new(), trace: Trace::new(), stale: true, buffer })
    }

    /// What its sketches are labelled with.
    #[must_use]
    pub fn id(&self) -> SketchId {
        self.projector.id(self.layout.id())
    }

    /// Refuses coordinates that the layout or the projector does not have, before any of
    /// them is taken in.
    pub(crate) fn check(&self, offset: u64, len: u64) -> Result<(), Error> {
        self.layout.check(offset, len)?;
        self.projector.check(offset, len)
    }

    /// The projector, and the sums and measures of the gradient that is arriving. Both
    /// are zero when it begins.
    fn sums(&mut self) -> (&P, &mut [f32], &mut Measures) {
        let sums = self.buffer.as_mut();
        if self.stale {
            sums.fill(0.0);
            self.stale = false;
        }
        (&self.projector, sums, &mut self.measures)
    }

    /// Takes in the coordinates `offset..offset + x.len()`.
    ///
    /// # Errors
    /// [`Error::OutsideLayout`] if they reach beyond the layout, or beyond what the
    /// projector is made for. Nothing was taken in.
    pub fn segment<T: Element>(&mut self, offset: u64, x: &[T]) -> Result<(), Error> {
        self.check(offset, x.len() as u64)?;
        self.mark(offset, x.len() as u64);
        self.add(offset, x)
    }

    /// Keeps in mind that coordinates, which have been checked, arrived.
    const fn mark(&mut self, offset: u64, len: u64) {
        self.trace = self.trace.with(offset, offset + len);
    }

    /// Takes in coordinates that have been checked.
    fn add<T: Element>(&mut self, mut offset: u64, x: &[T]) -> Result<(), Error> {
        // Tile by tile, so that the second of the two passes finds the tile in the
        // nearest cache. Tiles end on multiples of their length in the whole gradient, so
        // that they cut no group of coordinates that a projector takes together.
        let first = TILE - (offset % TILE as u64) as usize;
        let (first, x) = x.split_at_checked(first).unwrap_or((x, &[]));
        let (projector, sums, measures) = self.sums();
        for tile in core::iter::once(first).chain(x.chunks(TILE)) {
            projector.project(offset, tile, sums)?;
            measures.add(tile);
            offset += tile.len() as u64;
        }
        Ok(())
    }

    /// Takes in the weight gradient b aᵀ of a linear layer: `a` is the layer's input, `b`
    /// the loss gradient of its output.
    ///
    /// Costs no memory and, unless the projector is a factored one, as much time as a
    /// segment of the layer's size: the sketch then has the bits that the written-out
    /// matrix (each product rounded to `f32`) would give, row by row.
    ///
    /// # Errors
    /// [`Error::Length`] if `a` and `b` do not fit the layer; [`Error::OutsideLayout`].
    pub fn outer<T: Element, U: Element>(&mut self, layer: &Layer, a: &[T], b: &[U]) -> Result<(), Error> {
        self.outer_of(layer, a, b, false)
    }

    /// Takes in the gradient b (a, 1)ᵀ of a linear layer with its bias: the bias is the
    /// weight of one more input, the last, which is always 1. `a` is the layer's input
    /// without it, so the layer has one input more than `a`.
    ///
    /// It is [`Sketcher::outer`] with a 1 behind `a`: bit for bit with projections that
    /// may be cut anywhere, and up to the rounding of a cut with others.
    ///
    /// ```
    /// use gradsieve::{Key, Layer, Layout, Repeat, Sjlt, Sketcher};
    ///
    /// // 64 inputs and the bias, 10 outputs.
    /// let layer = Layer::new(0, 10, 65);
    /// let projector = Sjlt::new(64, Key::seed(7), Repeat::One)?;
    /// let mut sketcher = Sketcher::new(projector, Layout::new(&[layer])?, [0.0; 64])?;
    /// sketcher.outer_biased(&layer, &[0.5_f32; 64], &[0.25_f32; 10])?;
    /// assert_eq!(sketcher.finish()?.measures.l1, 10.0 * 0.25 * (64.0 * 0.5 + 1.0));
    /// # Ok::<(), gradsieve::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Sketcher::outer`].
    pub fn outer_biased<T: Element, U: Element>(
        &mut self,
        layer: &Layer,
        a: &[T],
        b: &[U],
    ) -> Result<(), Error> {
        self.outer_of(layer, a, b, true)
    }

    fn outer_of<T: Element, U: Element>(
        &mut self,
        layer: &Layer,
        a: &[T],
        b: &[U],
        biased: bool,
    ) -> Result<(), Error> {
        let len = fits(layer, a.len().saturating_add(biased.into()), b.len())?;
        self.check_layer(layer, len)?;
        self.mark(layer.offset, len);
        let (projector, sums, measures) = self.sums();
        let tame = projector.project_outer_measured(layer, a, b, biased, sums)?;
        measures.add_outer(a, b, biased, tame);
        Ok(())
    }

    /// Takes in the weight gradient Σₜ bₜ aₜᵀ of a linear layer that was applied at
    /// several positions: `a` are the layer's inputs (`positions` × inputs, by rows), `b`
    /// the loss gradients of its outputs (`positions` × outputs, by rows). One position
    /// is [`Sketcher::outer`], bit for bit.
    ///
    /// - *A projector that is not factored* gets the gradient itself, formed four
    ///   kilobytes at a time on the stack: the sketch and the measures have the bits of a
    ///   segment of the written-out matrix (each entry Σₜ of rounded products in order of
    ///   positions). O(T·D·K), as long as a backward pass takes.
    /// - *A factored one* projects position by position and never forms the gradient. Its
    ///   squared norm is exact all the same, by the cheaper route ([`Route::of_norm`]).
    ///   If that is the ghost norm, **the L1 norm and the maximum are not taken**: they
    ///   are NaN, and the detector [`L1`](crate::outlier::L1) answers
    ///   [`Error::NotMeasured`]. If it is the formed gradient, or if the ghost norm is
    ///   not finite or so large that an entry may not be, all measures are taken from the
    ///   gradient, formed in pieces.
    ///
    /// # Errors
    /// [`Error::Setting`] without positions; [`Error::Length`] if `a` and `b` do not fit
    /// the layer; [`Error::OutsideLayout`]; as the projector says.
    pub fn outer_sequence<T: Element, U: Element>(
        &mut self,
        layer: &Layer,
        positions: usize,
        a: &[T],
        b: &[U],
    ) -> Result<(), Error> {
        if positions == 1 {
            return self.outer(layer, a, b);
        }
        let sequence = Sequence::new(layer, positions, a, b)?;
        let is_factored = self.check_layer(layer, sequence.entries())?;
        self.mark(layer.offset, sequence.entries());
        if !is_factored {
            return sequence.pieces::<LONG_PIECE>(layer.offset, |offset, piece| self.add(offset, piece));
        }
        let (projector, sums, measures) = self.sums();
        for (a, b) in sequence.factors() {
            projector.project_outer(layer, a, b, sums)?;
        }
        if Route::of_norm(layer, positions as u64) == Route::Ghost {
            let l2_squared = ghost::ghost_norm(&sequence);
            if l2_squared < OVERFLOW {
                measures.add_unformed(sequence.entries(), l2_squared);
                return Ok(());
            }
        }
        sequence.pieces::<PIECE>(layer.offset, |_, piece| {
            measures.add(piece);
            Ok(())
        })
    }

    /// Refuses a layer that the layout or the projector does not have. Whether it is
    /// projected from its factors.
    fn check_layer(&self, layer: &Layer, len: u64) -> Result<bool, Error> {
        self.layout.check(layer.offset, len)?;
        let is_factored = self.projector.is_factored(layer)?;
        if !is_factored {
            self.projector.check(layer.offset, len)?;
        }
        Ok(is_factored)
    }

    /// Ends the gradient. The next segment begins another.
    ///
    /// # Errors
    /// [`Error::Incomplete`] if not exactly as many coordinates arrived as the layout
    /// has: what has arrived stays, and the rest may follow. [`Error::Twice`] if they are
    /// as many, but, so that it is seen but for a chance of 2⁻³², not each of them once.
    /// No more can come of such a gradient: it is to be [abandoned](Self::abandon).
    pub fn finish(&mut self) -> Result<Sketch<'_>, Error> {
        let measures = self.measures.summary();
        if measures.count != self.layout.len() {
            return Err(Error::Incomplete { expected: self.layout.len(), found: measures.count });
        }
        if self.trace != self.layout.trace() {
            return Err(Error::Twice);
        }
        self.abandon();
        self.projector.finish(self.buffer.as_mut());
        Sketch::from_parts(self.id(), self.buffer.as_ref(), measures)
    }

    /// Forgets what has arrived of a gradient. The next segment begins another.
    pub const fn abandon(&mut self) {
        self.measures.reset();
        self.trace = Trace::new();
        self.stale = true;
    }
}

/// Refuses factors that do not fit a layer. Entries of the layer.
fn fits(layer: &Layer, inputs: usize, outputs: usize) -> Result<u64, Error> {
    for (expected, found) in [(layer.inputs, inputs), (layer.outputs, outputs)] {
        if expected != found as u64 {
            return Err(Error::Length { expected: usize::try_from(expected).unwrap_or(usize::MAX), found });
        }
    }
    Ok(layer.checked_len().unwrap_or(u64::MAX))
}
