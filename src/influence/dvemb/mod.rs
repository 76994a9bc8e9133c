//! Data value embedding: what one sample did in one step of *this* run (Wang et al. 2024,
//! arXiv 2412.09538).
//!
//! Leaving z out of step s alone changes the final loss of a target by about vᵀ [Π_{k>s}
//! (I − η_k H_k)] η_s g_s(z), where v is the target's gradient at the **final** model,
//! g_s(z) the sample's gradient at step s, H_k the curvature of step k, and later steps
//! stand on the left. Positive is helpful. Scale: loss, as it is (no 1/n, no division by
//! anything).
//!
//! **Sums, not means.** η is in sum form (θ ← θ − η Σ_z g(z)), so for a loss that is the
//! mean over a batch of B, η = lr/B; and H_k is the *sum* of the samples' curvatures, H_k
//! = Σ_h h hᵀ over the rows h of F ([`Curvature`]), not divided by B.
//!
//! There are two ways through the same product, both backwards over the steps:
//!
//! | | carries | state, `f32` | multiply–adds a step of B samples and F factor rows |
//! |---|---|---|---|
//! | [`Propagator`] | M = I − Π, and so yields an *embedding* E_s = η_s (G_s − G_s Mᵀ) that any later target can be multiplied with | K² | (B + 2F) K², (2B) K² for the empirical Fisher |
//! | [`Adjoint`] | the targets, w ← (I − η_k H_k) w, and so yields scores only | Q·K for Q targets | (B + 2F) K Q, 2B K Q |
//!
//! The numbers are the same but for rounding. With the targets known, the second costs
//! K/Q times less and needs a row a target, not a matrix: it is the form for devices. The
//! first is for targets that are not known yet, and for runs that are cut into segments
//! ("influence checkpointing"): each segment has its own propagator, and
//! [`Propagator::apply`] and [`Propagator::compose`] join them.
//!
//! *Other optimisers*: both forms above are plain SGD's. What a removal changes lives on
//! in a velocity or in Adam's moments, too, and the walk back has to carry that along:
//!
//! | optimiser | adjoint | rows | numbers a target |
//! |---|---|---|---|
//! | momentum, Nesterov's, weight decay | [`MomentumAdjoint`] | gradients or sketches | 2·K |
//! | Adam, AdamW | [`AdamwAdjoint`] | unprojected gradients | 3·p of `f64` |
//! | the same, second moments frozen | [`MomentumAdjoint`] | gradients or sketches, times √D | 2·K |
//!
//! *Blocks*: when a sketch keeps layers apart (columns ..e₁ are one layer's, e₁..e₂ the
//! next one's), so may the curvature: M is then block-diagonal, K_l × K_l a layer, and
//! cross-layer curvature is left out ([`Blocks`]).
//!
//! *Memory of a run*: the steps' rows; [`Recorder`] keeps them in the caller's buffers
//! while training goes forward.
//!
//! *Stability*: where η·λ_max(H) > 2 a step stretches what it should shrink; the linear
//! model then says less and less about the run. Every step reports it ([`Stability`]).
//! Numbers that leave `f32` are [`Error::Unstable`], never a NaN.
//!
//! *Error*: `f32` throughout, sums canonical: a step's error is about √K·2⁻²⁴ of the
//! numbers that meet in it, and a stable run's errors do not grow.

mod adamw;
mod adjoint;
mod momentum;
mod propagator;
mod recorder;
mod stability;

pub use adamw::{AdamwAdjoint, AdamwSettings, AdamwStep};
pub use adjoint::{Adjoint, AdjointSettings};
pub use momentum::{MomentumAdjoint, MomentumSettings, MomentumStep};
pub use propagator::{Propagator, PropagatorSettings};
pub use recorder::{Recorder, RecorderSettings, StepMark};
pub use stability::Stability;

use crate::error::{Error, check_length};
use crate::sketch::SketchId;
use crate::state::Walk;
use gradsieve_kernels::{Certain, axpy, summarize};

/// One step of training, as it was taken.
///
/// ```
/// use gradsieve::influence::dvemb::{Curvature, Step};
/// # use gradsieve::{Exact, Layout, Projector};
///
/// # let id = Exact::new(2).id(Layout::flat(2)?.id());
/// // A batch of two samples, whose loss is the mean over both.
/// let gradients = [1.0, 0.0, 0.5, 0.5];
/// let curvature = Curvature::EmpiricalFisher;
/// let step = Step { id, learning_rate: 0.1 / 2.0, gradients: &gradients, curvature };
/// assert_eq!(step.factors(), gradients);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Projection and layout of all rows.
    pub id: SketchId,
    /// η in sum form: lr/B for a loss that is the mean over B samples.
    pub learning_rate: f32,
    /// G: a row of K numbers for each sample of the batch, row after row.
    pub gradients: &'a [f32],
    /// What the step's curvature is made of.
    pub curvature: Curvature<'a>,
}

/// The curvature H = Σ_h h hᵀ of a step, summed over the batch.
///
/// ```
/// use gradsieve::influence::dvemb::{Curvature, Step};
/// # use gradsieve::{Exact, Layout, Projector};
///
/// # let id = Exact::new(2).id(Layout::flat(2)?.id());
/// // A linear model at which the loss is not curved.
/// let curvature = Curvature::Factors(&[]);
/// let step = Step { id, learning_rate: 0.1, gradients: &[1.0, 0.0], curvature };
/// assert!(step.factors().is_empty());
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Curvature<'a> {
    /// H = GᵀG, the paper's form: the empirical Fisher of the step's own samples.
    EmpiricalFisher,
    /// Rows h of K numbers. The exact generalised Gauss–Newton of a softmax over C
    /// classes has C rows a sample, √p_c·∇(−ln p_c), with p_c the model's probability of
    /// class c: Σ_c p_c ∇(−ln p_c) ∇(−ln p_c)ᵀ = Jᵀ(diag p − ppᵀ)J. No rows: no
    /// curvature.
    Factors(&'a [f32]),
}

impl<'a> Step<'a> {
    /// The rows h.
    #[must_use]
    pub const fn factors(&self) -> &'a [f32] {
        match self.curvature {
            Curvature::EmpiricalFisher => self.gradients,
            Curvature::Factors(rows) => rows,
        }
    }

    /// How many samples and factor rows there are, and their measures, if they are rows
    /// of finite numbers.
    fn check(&self, width: usize) -> Result<Shape, Error> {
        if !self.learning_rate.is_finite() || self.learning_rate < 0.0 {
            return Err(Error::Setting { name: "learning_rate", expected: "finite and not negative" });
        }
        check_length(width, self.id.width)?;
        let gradients = Rows::of(width, self.gradients)?;
        let factors = match self.curvature {
            Curvature::EmpiricalFisher => gradients,
            Curvature::Factors(rows) => Rows::of(width, rows)?,
        };
        Ok(Shape { gradients, factors })
    }
}

#[derive(Clone, Copy, Debug)]
struct Shape {
    gradients: Rows,
    factors: Rows,
}

impl Shape {
    /// Refuses other than a score for each of `targets` and sample, and more factor rows
    /// than there is room for.
    fn check_room(&self, targets: usize, rows: usize, scores: usize) -> Result<(), Error> {
        check_length(self.gradients.count.saturating_mul(targets), scores)?;
        if self.factors.count > rows {
            return Err(Error::Length { expected: rows, found: self.factors.count });
        }
        Ok(())
    }
}

/// What is known of rows of finite numbers.
#[derive(Clone, Copy, Debug)]
struct Rows {
    count: usize,
    /// The largest magnitude.
    most: f64,
    /// Σ x².
    squares: f64,
}

impl Rows {
    /// One pass: rows are long, and may lie in slow memory.
    fn of(width: usize, rows: &[f32]) -> Result<Self, Error> {
        let count = rows.len().checked_div(width).unwrap_or(0);
        check_length(count.saturating_mul(width), rows.len())?;
        let summary = summarize(rows);
        if summary.non_finite > 0 {
            return Err(Error::NonFinite);
        }
        Ok(Self { count, most: f64::from(summary.max), squares: summary.l2_squared })
    }
}

/// Refuses another projection than the first one seen.
fn check_id(first: Option<SketchId>, id: &SketchId) -> Result<(), Error> {
    first.map_or(Ok(()), |first| first.check(id))
}

/// The columns that share curvature: consecutive ranges that cover a row.
///
/// ```
/// use gradsieve::influence::dvemb::Blocks;
///
/// let one = Blocks::new(&[96])?;          // one block of 96 columns
/// let layers = Blocks::new(&[64, 96])?;   // columns ..64 and 64..96
/// assert_eq!((one.width(), one.matrix()), (96, 96 * 96));
/// assert_eq!((layers.width(), layers.matrix()), (96, 64 * 64 + 32 * 32));
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Blocks<'a> {
    ends: &'a [usize],
}

impl<'a> Blocks<'a> {
    /// Block i reaches from the end of the one before it to `ends[i]`.
    ///
    /// # Errors
    /// [`Error::Layer`] with the index of the first block that is empty; with index 0 if
    /// there is none.
    pub const fn new(ends: &'a [usize]) -> Result<Self, Error> {
        let (mut rest, mut before, mut index) = (ends, 0, 0);
        if ends.is_empty() {
            return Err(Error::Layer { index });
        }
        while let [end, later @ ..] = rest {
            if *end <= before {
                return Err(Error::Layer { index });
            }
            before = *end;
            rest = later;
            index += 1;
        }
        Ok(Self { ends })
    }

    /// K, the end of the last block.
    #[must_use]
    pub const fn width(&self) -> usize {
        match self.ends.last() {
            Some(end) => *end,
            None => 0,
        }
    }

    /// Entries of a block-diagonal matrix: Σ K_l².
    #[must_use]
    pub const fn matrix(&self) -> usize {
        let (mut rest, mut before, mut entries) = (self.ends, 0, 0_usize);
        while let [end, later @ ..] = rest {
            let width = *end - before;
            entries = entries.saturating_add(width.saturating_mul(width));
            before = *end;
            rest = later;
        }
        entries
    }

    /// First column and width of each block.
    fn iter(&self) -> impl Iterator<Item = (usize, usize)> + use<'a> {
        self.ends.iter().scan(0, |first, &end| {
            let block = (*first, end.saturating_sub(*first));
            *first = end;
            Some(block)
        })
    }

    const fn is_one(&self) -> bool {
        matches!(self.ends, [_])
    }

    fn same(&self, other: &Blocks<'_>) -> bool {
        self.ends == other.ends
    }

    /// Walks over how many there are, and where each ends; others are refused.
    fn body<S>(&self, walk: &mut Walk<'_, '_, S>) -> Result<(), Error> {
        walk.setting(self.ends.len())?;
        self.ends.iter().try_for_each(|&end| walk.setting(end))
    }
}

/// Adds row b of `rows` to row `samples[b]` of `table`: embeddings (K a row) or scores (Q
/// a row) of a sample, summed over its epochs.
///
/// # Errors
/// [`Error::Width`] if `width` is zero; [`Error::Length`] unless there is a row of
/// `width` for each sample, and `table` consists of whole rows; [`Error::Group`] for a
/// sample beyond the table. Nothing was added.
pub fn accumulate(samples: &[u32], width: usize, rows: &[f32], table: &mut [f32]) -> Result<(), Error> {
    if width == 0 {
        return Err(Error::Width { multiple: 1, found: 0 });
    }
    check_length(samples.len().saturating_mul(width), rows.len())?;
    let count = table.len() / width;
    check_length(count * width, table.len())?;
    if let Some(&found) = samples.iter().find(|&&sample| sample as usize >= count) {
        return Err(Error::Group { groups: count, found });
    }
    for (&sample, row) in samples.iter().zip(rows.chunks_exact(width)) {
        let start = sample as usize * width;
        axpy(1.0, row, table.get_mut(start..start + width).certain())?;
    }
    Ok(())
}
