//! gradient → K numbers. One file a projection; the sketcher, which projects and measures
//! in one pass, is here.
//!
//! A projection is linear, unbiased for inner products over its seeds, and a pure
//! function of (seed, coordinate), so nothing is stored and the segments of a gradient
//! may arrive in any order. In one order, where the segments are cut does not change a
//! bit; another order is another rounding. ([`Rademacher`] takes coordinates by 32 and
//! [`Srht`] by 1,024; for them a cut inside such a group is another rounding, too.) The
//! rows of an outer product are no cuts: its sketch has the bits of the matrix written
//! out.
//!
//! # Which projection when
//! The variance is that of an estimated inner product ⟨x, y⟩, and V = (‖x‖²‖y‖² + ⟨x,
//! y⟩²)/K: the relative error of a squared norm is √(2/K) with each but the masks. They
//! differ in cost, and in how often an estimate is far off: the kurtosis is that of the
//! estimates for two vectors that live in the same two blocks of 32 coordinates, K = 128;
//! 3 is a normal distribution's. Times are of one core with AVX-512, a coordinate of an
//! `f32` gradient in the level-2 cache, K = 512 (`race`, 2026-11-22); the kurtosis is
//! printed by `cargo test --test all unbiased -- --nocapture`.
//!
//! | projection | variance | kurtosis | cost a coordinate | take it | where it fails |
//! |---|---|---|---|---|---|
//! | [`Sjlt`], s = 1 | ≤ V | 11 | s additions, 0.07 ns | by default, for dense gradients | heavy tails where few blocks of 32 coordinates carry the gradient |
//! | [`Sjlt`], s = 2 or 4 | ≤ V | 4.3 or 3.0 | s times that | for embeddings and output heads | |
//! | [`Srht`] | ≤ V | 3.0 | ten additions more, 0.2 ns | where few coordinates carry the gradient, and segments are long | a cut inside a block of 1,024 costs a block's work; 4 KiB of stack |
//! | [`Mask`], [`IndexMask`] | V and what the mask adds: √(2/K + 2m/p) of a squared norm where coordinates look normal | | 0.03 ns at m = 8; of 128 MiB from memory it takes 0.8 of the SJLT's time at m = 16 and 0.4 at m = 32, but at m = 12 as much and at m = 4 nearly three times as much | where reading p coordinates costs too much | **gradients that few blocks carry**: what is dropped leaves no trace |
//! | [`Rademacher`] | V − 2Σxᵢ²yᵢ²/K | 3.0 | K/4 operations for 32 of them, 4 ns | where every digit counts: the lightest tails and least variance | time, which grows with K |
//! | [`Gaussian`] | V exactly | 3.0 | 4·K look-ups and additions, 60 ns | to compare with theory, or with another's results | time, 15 times the Rademacher's |
//! | [`Exact`] | 0 | | 1 addition | for small models, and as the truth | memory: p numbers |
//!
//! For linear layers that come as outer products or sequences, and for models layer by
//! layer:
//!
//! | projection | variance | cost of an outer product | take it | where it fails |
//! |---|---|---|---|---|
//! | [`Logra`] | ≤ (2/k_o + 2/k_i + 4/K)·‖x‖²‖y‖² | inputs·k_i + outputs·k_o terms of a dense projection, K products | for large layers: no pass over their entries, no time for one | aligned gradients, for which the factors' widths count and not K |
//! | [`FactGrass`] | V and what its masks add, about as much as `Logra`'s factors where entries look normal | k′_o·k′_i, whatever the layer's size | for larger layers still, and where K is to be small | factors that few entries carry |
//! | [`Plan`] | Σ of its parts | that of its parts | for factored parts, widths that follow a layer's worth, methods that work by layer | |
//! | [`AnyProjector`] | of what it holds | of what it holds | where the projection is a setting | |
//!
//! What each loses on a task of 4,810 parameters (correlation of influence, flipped
//! labels found), over K and by codec of stored rows, is measured in `docs/src/results/sketches.md`.
//!
//! A sequence (a layer applied at T positions) costs a factored projector T times as
//! much, and any other the time in which the layer's gradient is formed, T products an
//! entry.
//!
//! May import `ghost`, `gradient` and `error`; knows nothing of detectors, influence or
//! stores.

mod any;
mod exact;
mod factgrass;
mod gaussian;
mod logra;
mod mask;
mod plan;
mod rademacher;
mod sjlt;
mod srht;

pub use any::AnyProjector;
pub use exact::Exact;
pub use factgrass::FactGrass;
pub use gaussian::Gaussian;
pub use gradsieve_kernels::sjlt::Repeat;
pub use logra::{Factor, Logra, Widths};
pub use mask::{IndexMask, Mask};
pub use plan::{Part, Plan};
pub use rademacher::Rademacher;
pub use sjlt::Sjlt;
pub use srht::Srht;

use crate::error::{Error, Field, check_length};
use crate::ghost::{self, Route};
use crate::gradient::{LONG_PIECE, Layer, Layout, LayoutId, Measures, PIECE, Sequence};
use gradsieve_kernels::{Element, Summary};

/// Coordinates of a segment that are taken together: 16 KiB of `f32`, which the nearest
/// cache holds beside a sketch. A multiple of what any projector takes together, and as
/// long as a tile of the summary, whose state is then carried no more often than it must
/// be.
const TILE: usize = 4096;

/// A linear map from gradients to K numbers. Small and `Copy`: its settings, not its
/// state.
pub trait Projector: Copy {
    /// What sketches of this projector are labelled with.
    fn id(&self, layout: LayoutId) -> SketchId;

    /// K: numbers a sketch.
    fn width(&self) -> usize;

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
fn scale(by: f32, out: &mut [f32]) {
    out.iter_mut().for_each(|value| *value *= by);
}

/// The kinds of projection. Their numbers are part of the format at rest: none is ever
/// used for another kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Kind {
    /// No projection: [`Exact`].
    Exact = 0,
    /// Blocked sparse Johnson–Lindenstrauss transform: [`Sjlt`].
    Sjlt = 1,
    /// Dense ±1 projection made on the fly: [`Rademacher`].
    Rademacher = 2,
    /// Dense normal projection made on the fly: [`Gaussian`].
    Gaussian = 3,
    /// Random signs and a Hadamard transform by blocks, then an SJLT: [`Srht`].
    Srht = 4,
    /// Most coordinates dropped, the rest through an SJLT: [`Mask`], [`IndexMask`].
    Mask = 5,
    /// Both factors of a linear layer projected: [`Logra`].
    Logra = 6,
    /// Some entries of both factors kept, and the SJLT of their product: [`FactGrass`].
    FactGrass = 7,
    /// A projection for each layer: [`Plan`].
    Plan = 8,
}

impl Kind {
    /// The kind of that number, if this version has it.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        core::iter::successors(Some(Self::Exact), |kind| kind.following()).find(|&kind| kind as u8 == number)
    }

    /// The next kind: each has to be in this chain, which the compiler sees to.
    const fn following(self) -> Option<Self> {
        match self {
            Self::Exact => Some(Self::Sjlt),
            Self::Sjlt => Some(Self::Rademacher),
            Self::Rademacher => Some(Self::Gaussian),
            Self::Gaussian => Some(Self::Srht),
            Self::Srht => Some(Self::Mask),
            Self::Mask => Some(Self::Logra),
            Self::Logra => Some(Self::FactGrass),
            Self::FactGrass => Some(Self::Plan),
            Self::Plan => None,
        }
    }
}

/// What two sketches must have in common to be compared, merged or stored together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SketchId {
    /// The kind of projection.
    pub kind: Kind,
    /// K.
    pub width: usize,
    /// The seed; 0 where the kind has none.
    pub seed: u64,
    /// The repetitions; 1 where the kind has none.
    pub repeat: Repeat,
    /// A number that says all else that the projector was set to (a mask's length, the
    /// widths of factors, a plan's parts), or a hash of it; 0 where there is nothing
    /// else.
    pub settings: u64,
    /// The layout of the gradient.
    pub layout: LayoutId,
}

impl SketchId {
    /// Refuses an id that differs, and says in what.
    ///
    /// # Errors
    /// [`Error::Mismatch`] with the first field that differs.
    pub fn check(&self, other: &Self) -> Result<(), Error> {
        let fields = [
            (self.kind == other.kind, Field::Kind),
            (self.width == other.width, Field::Width),
            (self.seed == other.seed, Field::Seed),
            (self.repeat == other.repeat, Field::Repeat),
            (self.settings == other.settings, Field::Settings),
            (self.layout == other.layout, Field::Layout),
        ];
        match fields.iter().find(|(same, _)| !same) {
            Some(&(_, field)) => Err(Error::Mismatch(field)),
            None => Ok(()),
        }
    }
}

/// A finished sketch: K numbers in the caller's memory, what they are, and the exact
/// measures of the gradient.
#[derive(Clone, Copy, Debug)]
pub struct Sketch<'m> {
    /// Projection and layout.
    pub id: SketchId,
    /// The K numbers; ⟨sketch, sketch′⟩ estimates ⟨gradient, gradient′⟩.
    pub values: &'m [f32],
    /// Exact L1, squared L2, maximum and non-finite count of the gradient, not of the
    /// sketch. L1 and maximum are NaN where they were not taken
    /// ([`Sketcher::outer_sequence`]).
    pub measures: Summary,
    /// An optional class, sensor or client of the sample, for detectors that keep groups
    /// apart. 0 where there is none.
    pub group: u32,
}

impl<'m> Sketch<'m> {
    /// A sketch from its parts, such as a row that was read back.
    ///
    /// # Errors
    /// [`Error::Length`] if there are not K values.
    pub const fn from_parts(id: SketchId, values: &'m [f32], measures: Summary) -> Result<Self, Error> {
        match check_length(id.width, values.len()) {
            Ok(()) => Ok(Self { id, values, measures, group: 0 }),
            Err(error) => Err(error),
        }
    }

    /// The same sketch of a sample that belongs to `group`.
    #[must_use]
    pub const fn in_group(self, group: u32) -> Self {
        Self { group, ..self }
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

/// Below this squared norm every entry of a gradient is finite as an `f32`.
const OVERFLOW: f64 = 1e76;

/// Whether no number is NaN or infinite. Sixteen at a time without a way out among them,
/// so that vectors can look.
pub(crate) fn all_finite(values: &[f32]) -> bool {
    let (groups, rest) = values.as_chunks::<16>();
    let finite = |all: bool, value: &f32| all & value.is_finite();
    groups.iter().all(|group| group.iter().fold(true, finite)) && rest.iter().fold(true, finite)
}

/// Takes one gradient in, segment by segment, and yields its sketch and its exact
/// measures in one pass.
///
/// The K numbers live in the caller's memory; beside them the sketcher keeps about 700
/// bytes ([`Sketcher::BYTES`]).
///
/// ```
/// use gradsieve::{Layer, Layout, Repeat, Sjlt, Sketcher};
///
/// let layout = Layout::new(&[Layer::new(0, 10, 64), Layer::new(640, 10, 1)])?;
/// let projector = Sjlt::new(64, 7, Repeat::One)?;
/// let mut memory = [0.0_f32; 64];
/// let mut sketcher = Sketcher::new(projector, layout, &mut memory)?;
/// sketcher.segment(640, &[0.5_f32; 10])?;                               // the bias first, as a backward pass does
/// sketcher.outer(&Layer::new(0, 10, 64), &[1.0_f32; 64], &[0.5_f32; 10])?; // then the weights, as b aᵀ
/// let sketch = sketcher.finish()?;
/// assert_eq!(sketch.measures.l1, 0.5 * 650.0);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct Sketcher<'m, P> {
    projector: P,
    layout: Layout,
    measures: Measures,
    out: &'m mut [f32],
}

impl<'m, P: Projector> Sketcher<'m, P> {
    /// Bytes beside the caller's K numbers.
    pub const BYTES: usize = size_of::<Self>();

    /// Begins a gradient; `memory` is K long and is set to zero.
    ///
    /// # Errors
    /// [`Error::Length`] if `memory` is not K long.
    pub fn new(projector: P, layout: Layout, memory: &'m mut [f32]) -> Result<Self, Error> {
        check_length(projector.width(), memory.len())?;
        memory.fill(0.0);
        Ok(Self { projector, layout, measures: Measures::new(), out: memory })
    }

    /// Refuses coordinates that reach beyond the layout, before any of them is taken in.
    pub(crate) const fn check(&self, offset: u64, len: u64) -> Result<(), Error> {
        self.layout.check(offset, len)
    }

    /// Takes in the coordinates `offset..offset + x.len()`.
    ///
    /// # Errors
    /// [`Error::OutsideLayout`] if they reach beyond the layout.
    pub fn segment<T: Element>(&mut self, mut offset: u64, x: &[T]) -> Result<(), Error> {
        self.layout.check(offset, x.len() as u64)?;
        // Tile by tile, so that the second of the two passes finds the tile in the
        // nearest cache. Tiles end on multiples of their length in the whole gradient, so
        // that they cut no group of coordinates that a projector takes together.
        let first = TILE - (offset % TILE as u64) as usize;
        let (first, x) = x.split_at_checked(first).unwrap_or((x, &[]));
        for tile in core::iter::once(first).chain(x.chunks(TILE)) {
            self.projector.project(offset, tile, self.out)?;
            self.measures.add(tile);
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
        let fits = |expected: u64, found: usize| {
            if expected == found as u64 {
                return Ok(());
            }
            Err(Error::Length { expected: usize::try_from(expected).unwrap_or(usize::MAX), found })
        };
        fits(layer.inputs, a.len())?;
        fits(layer.outputs, b.len())?;
        let len = layer.checked_len().unwrap_or(u64::MAX);
        self.layout.check(layer.offset, len)?;
        self.projector.project_outer(layer, a, b, self.out)?;
        self.measures.add_outer(a, b);
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
        self.layout.check(layer.offset, sequence.entries())?;
        if !self.projector.is_factored(layer)? {
            return sequence.pieces::<LONG_PIECE>(layer.offset, |offset, piece| self.segment(offset, piece));
        }
        for (a, b) in sequence.factors() {
            self.projector.project_outer(layer, a, b, self.out)?;
        }
        if Route::of_norm(layer, positions as u64) == Route::Ghost {
            let l2_squared = ghost::ghost_norm(&sequence);
            if l2_squared < OVERFLOW {
                self.measures.add_unformed(sequence.entries(), l2_squared);
                return Ok(());
            }
        }
        sequence.pieces::<PIECE>(layer.offset, |_, piece| {
            self.measures.add(piece);
            Ok(())
        })
    }

    /// Ends the gradient.
    ///
    /// # Errors
    /// [`Error::Incomplete`] if not exactly as many coordinates arrived as the layout
    /// has.
    pub fn finish(self) -> Result<Sketch<'m>, Error> {
        let measures = self.measures.summary();
        if measures.count != self.layout.len() {
            return Err(Error::Incomplete { expected: self.layout.len(), found: measures.count });
        }
        self.projector.finish(self.out);
        Sketch::from_parts(self.projector.id(self.layout.id()), self.out, measures)
    }
}
