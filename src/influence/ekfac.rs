//! EK-FAC: influence through a Kronecker-factored curvature with corrected eigenvalues,
//! for one linear layer at a time (George et al. 2018, "Fast Approximate Natural Gradient
//! Descent in a Kronecker-factored Eigenbasis"; Grosse et al. 2023).
//!
//! A layer's gradient is G = Σ_t b_t a_tᵀ over the positions t of a sample (one, but for
//! sequences), *a* what went in and *b* the loss gradient of what came out. With A = E[a
//! aᵀ] and S = E[b bᵀ] over positions, A = Q_Aᵀ D_A Q_A and S = Q_Sᵀ D_S Q_S
//! (eigenvectors in rows), the curvature is diagonal in the basis of Q_S G Q_Aᵀ, with
//! entries Λ = E[(Q_S G Q_Aᵀ)²] over samples. The influence is
//!
//! Σ_layers ⟨V, Q_Sᵀ [(Q_S G Q_Aᵀ) / (Λ + λ)] Q_A⟩, λ = damping · mean of Λ, a layer at a
//! time.
//!
//! Positive is helpful. Scale: n times the change when a sample is left out. For the
//! Fisher matrix the *b* that are observed must come from labels **sampled from the
//! model's prediction**; with the true labels it is the empirical Fisher. That is the
//! caller's matter, as is a bias: append a 1 to *a*. Gradients of samples are never
//! formed; a layer with many positions is observed position by position.
//!
//! *Memory*, I inputs and O outputs: 3·I·O + 3·(I² + O²)/2 + 2·(I + O) numbers of `f32`;
//! max(I, O)² + 2·max(I, O) of `f64`, for [`Ekfac::decompose`] only; I·O of `f32` a
//! target. *Cost*: I²/2 + O²/2 a position for the factors, 6·(I³ + O³) for the
//! eigenvectors, I² + O² + I·O a position for the eigenvalues, I·O·(I + O) · 2 a target,
//! I·O a position and pair.

use super::check_damping;
use super::curvature::Parts;
use super::targets::Targets;
use crate::dense::eigen;
use crate::error::{Error, check_length};
use crate::gradient::{Layer, Layout};
use crate::memory::{Buffer, Memory};
use crate::moments::{added_in_f32, triangle};
use crate::sketch::{Exact, Projector, SketchId};
use crate::state::{Body, FRAME, Place, State, StateKind, Walk, place};
use gradsieve_kernels::matrix::{add_outer, add_products, matvec};
use gradsieve_kernels::{Certain, axpy, cannot_happen, double};

/// What an [`Ekfac`] is told.
///
/// ```
/// use gradsieve::influence::EkfacSettings;
///
/// const LAYER: EkfacSettings = EkfacSettings { damping: 0.01, ..EkfacSettings::new(10, 64) };
/// assert_eq!((LAYER.outputs, LAYER.inputs), (10, 64));
/// let buffer = [0.0_f32; LAYER.memory().f32s];
/// assert!(buffer.len() > 10 * 10 + 64 * 64 + 10 * 64);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EkfacSettings {
    /// I, the layer's inputs, one more if it has a bias.
    pub inputs: usize,
    /// O, the layer's outputs.
    pub outputs: usize,
    /// λ in units of the mean of Λ.
    pub damping: f32,
}

impl EkfacSettings {
    /// A layer of `outputs` rows and `inputs` columns, and a tenth of the mean
    /// eigenvalue.
    #[must_use]
    pub const fn new(outputs: usize, inputs: usize) -> Self {
        Self { inputs, outputs, damping: 0.1 }
    }

    /// The state's `f32`; the `f64` that [`Ekfac::decompose`] wants for its time. At rest
    /// a state is largest in the midst of a sample of the second pass.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        let Self { inputs, outputs, .. } = *self;
        let matrix = inputs.saturating_mul(outputs);
        let parts = sides(inputs).saturating_add(sides(outputs));
        let most = if inputs > outputs { inputs } else { outputs };
        let at_rest = parts.saturating_add(matrix.saturating_mul(2)).saturating_mul(4);
        let scratch = matrix.saturating_mul(3).saturating_add(inputs).saturating_add(outputs);
        Memory {
            f32s: parts.saturating_add(scratch),
            f64s: most.saturating_mul(most.saturating_add(2)),
            bytes_at_rest: at_rest.saturating_add(FRAME + 48),
            ..Memory::NONE
        }
    }

    /// Refuses what makes no sense.
    const fn check(&self) -> Result<(), Error> {
        if let Err(error) = check_damping(self.damping) {
            return Err(error);
        }
        if self.inputs == 0 {
            return Err(Error::Setting { name: "inputs", expected: "at least 1" });
        }
        if self.outputs == 0 {
            return Err(Error::Setting { name: "outputs", expected: "at least 1" });
        }
        Ok(())
    }
}

/// Numbers of the sums and of the eigenvectors of one side of a layer.
const fn sides(of: usize) -> usize {
    triangle(of).saturating_add(of.saturating_mul(of))
}

/// What an [`Ekfac`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Factors,
    Eigenvalues,
}

/// One linear layer: [`factors`](Self::factors) of all positions,
/// [`decompose`](Self::decompose), then [`position`](Self::position) and
/// [`sample`](Self::sample) for all samples again, then [`solve`](Self::solve). Sum the
/// scores of a model's layers.
///
/// ```
/// use gradsieve::influence::{Ekfac, EkfacSettings};
///
/// // A layer of two inputs and one output: what went in, and the loss gradient of what
/// // came out.
/// let samples = [([1.0, 0.0], [0.5_f32]), ([0.5, 0.5], [1.0]), ([-1.0, 2.0], [-0.25])];
/// const SETTINGS: EkfacSettings = EkfacSettings::new(1, 2);
/// let mut buffer = [0.0; SETTINGS.memory().f32s];
/// let mut layer = Ekfac::new(SETTINGS, &mut buffer)?;
/// for (a, b) in &samples {
///     layer.factors(a, b)?;
/// }
/// layer.decompose(&mut [0.0; SETTINGS.memory().f64s])?;
/// for (a, b) in &samples {
///     layer.position(a, b)?;
///     layer.sample()?;
/// }
/// let (a, b) = &samples[0];
/// let (mut solution, mut score) = ([0.0; 2], [0.0]);
/// layer.solve([(&a[..], &b[..])], &mut solution)?.score_factors(a, b, &mut score)?;
/// assert!(score[0] > 0.0);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct Ekfac<B> {
    settings: EkfacSettings,
    /// The layer's gradient, written out.
    id: SketchId,
    stage: Stage,
    /// Positions whose factors were taken in, and samples whose squares were.
    positions: u64,
    samples: u64,
    /// Positions of the sample under way.
    under_way: u64,
    buffer: B,
}

/// The parts of the buffer.
struct Split<T> {
    /// Σ a aᵀ and Σ b bᵀ, packed.
    a: T,
    b: T,
    /// Q_A and Q_S, eigenvectors in rows.
    q_a: T,
    q_b: T,
    /// Σ (Q_S G Q_Aᵀ)², outputs × inputs.
    squares: T,
    /// Q_S G Q_Aᵀ of the sample or the target under way, and scratch.
    rotated: T,
    scratch: T,
    /// Q_A a and Q_S b.
    turned_a: T,
    turned_b: T,
}

impl<T> Split<T> {
    /// The parts in their order, by what takes so many numbers from the front.
    fn of(settings: &EkfacSettings, mut take: impl FnMut(usize) -> T) -> Self {
        let EkfacSettings { inputs, outputs, .. } = *settings;
        Self {
            a: take(triangle(inputs)),
            b: take(triangle(outputs)),
            q_a: take(inputs * inputs),
            q_b: take(outputs * outputs),
            squares: take(inputs * outputs),
            rotated: take(inputs * outputs),
            scratch: take(inputs * outputs),
            turned_a: take(inputs),
            turned_b: take(outputs),
        }
    }
}

impl<B: Buffer<f32>> Ekfac<B> {
    /// Nothing observed yet. The buffer is set to zero.
    ///
    /// # Errors
    /// [`Error::Setting`] unless the damping is positive and finite, and there is an
    /// input and an output; [`Error::Length`] if `buffer` is not as long as the settings'
    /// memory.
    pub fn new(settings: EkfacSettings, mut buffer: B) -> Result<Self, Error> {
        settings.check()?;
        check_length(settings.memory().f32s, buffer.as_ref().len())?;
        buffer.as_mut().fill(0.0);
        let EkfacSettings { inputs, outputs, .. } = settings;
        let layout = Layout::new(&[Layer::new(0, outputs as u64, inputs as u64)])?;
        let id = Exact::new(inputs.saturating_mul(outputs)).id(layout.id());
        Ok(Self { settings, id, stage: Stage::Factors, positions: 0, samples: 0, under_way: 0, buffer })
    }

    fn split(&self) -> Split<&[f32]> {
        let mut rest = self.buffer.as_ref();
        Split::of(&self.settings, |len| {
            let (part, behind) = rest.split_at_checked(len).certain();
            rest = behind;
            part
        })
    }

    fn split_mut(&mut self) -> Split<&mut [f32]> {
        let mut parts = Parts(self.buffer.as_mut());
        Split::of(&self.settings, |len| parts.take(len))
    }

    /// What the targets are labelled with: [`Exact`] sketches of the layer's gradient.
    #[must_use]
    pub const fn layer_id(&self) -> SketchId {
        self.id
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        (self.stage, self.positions, self.samples, self.under_way) = (Stage::Factors, 0, 0, 0);
        let Split { a, b, squares, rotated, .. } = self.split_mut();
        for sums in [a, b, squares, rotated] {
            sums.fill(0.0);
        }
    }

    fn check(&self, a: &[f32], b: &[f32]) -> Result<(), Error> {
        check_length(self.settings.inputs, a.len())?;
        check_length(self.settings.outputs, b.len())?;
        if a.iter().chain(b).all(|value| value.is_finite()) { Ok(()) } else { Err(Error::NonFinite) }
    }

    /// First pass: takes the factors of a position into A and S.
    ///
    /// # Errors
    /// [`Error::Length`]; [`Error::NonFinite`]; [`Error::Range`] of factors whose squares
    /// the sums, which are `f32`, have no room for; [`Error::Full`] past 2²⁴ positions,
    /// where such sums stop counting; [`Error::Setting`] after
    /// [`decompose`](Self::decompose). The state is as it was.
    pub fn factors(&mut self, a: &[f32], b: &[f32]) -> Result<(), Error> {
        self.check(a, b)?;
        if self.stage != Stage::Factors {
            return Err(Error::Setting { name: "factors", expected: "given before they are decomposed" });
        }
        let positions = added_in_f32(self.positions, 1)?;
        let Split { a: a_sum, b: b_sum, .. } = self.split_mut();
        if !(has_room(a, a_sum) && has_room(b, b_sum)) {
            return Err(Error::Range { what: "the sum of squares of factors" });
        }
        add_outer(1.0, a, a_sum)?;
        add_outer(1.0, b, b_sum)?;
        self.positions = positions;
        Ok(())
    }

    /// Between the passes: finds the eigenvectors of A and S, with as many numbers of
    /// scratch as the settings' memory has `f64`.
    ///
    /// # Errors
    /// [`Error::TooFew`] without positions; [`Error::Length`]; [`Error::NonFinite`] if
    /// the sums have overflowed.
    pub fn decompose(&mut self, scratch: &mut [f64]) -> Result<(), Error> {
        check_length(self.settings.memory().f64s, scratch.len())?;
        if self.positions == 0 {
            return Err(Error::TooFew { needed: 1, found: 0 });
        }
        let (EkfacSettings { inputs, outputs, .. }, positions) = (self.settings, self.positions);
        let Split { a, b, q_a, q_b, squares, rotated, .. } = self.split_mut();
        eigenvectors(inputs, positions, a, scratch, q_a)?;
        eigenvectors(outputs, positions, b, scratch, q_b)?;
        squares.fill(0.0);
        rotated.fill(0.0);
        (self.stage, self.samples, self.under_way) = (Stage::Eigenvalues, 0, 0);
        Ok(())
    }

    /// Second pass: takes in a position of the sample that is under way.
    ///
    /// # Errors
    /// [`Error::Length`]; [`Error::NonFinite`]; [`Error::NotFitted`] before
    /// [`decompose`](Self::decompose). The state is as it was.
    pub fn position(&mut self, a: &[f32], b: &[f32]) -> Result<(), Error> {
        self.check(a, b)?;
        if self.stage != Stage::Eigenvalues {
            return Err(Error::NotFitted);
        }
        self.rotate(a, b)?;
        self.under_way = self.under_way.saturating_add(1);
        Ok(())
    }

    /// `rotated` += (Q_S b)(Q_A a)ᵀ.
    fn rotate(&mut self, a: &[f32], b: &[f32]) -> Result<(), Error> {
        let Split { q_a, q_b, turned_a, turned_b, rotated, .. } = self.split_mut();
        matvec(q_a, a, turned_a)?;
        matvec(q_b, b, turned_b)?;
        Ok(add_products(1, turned_b, turned_a, rotated)?)
    }

    /// Second pass: ends the sample that is under way.
    ///
    /// # Errors
    /// [`Error::TooFew`] without a position; [`Error::Full`] past 2²⁴ samples;
    /// [`Error::NonFinite`] if its squares overflow. The sample is forgotten then.
    pub fn sample(&mut self) -> Result<(), Error> {
        if self.under_way == 0 {
            return Err(Error::TooFew { needed: 1, found: 0 });
        }
        let samples = added_in_f32(self.samples, 1)?;
        self.under_way = 0;
        let Split { squares, rotated, .. } = self.split_mut();
        rotated.iter_mut().for_each(|x| *x *= *x);
        let fits = rotated.iter().zip(&*squares).all(|(x, sum)| (x + sum).is_finite());
        if fits {
            axpy(1.0, rotated, squares)?;
        }
        rotated.fill(0.0);
        if fits {
            self.samples = samples;
        }
        if fits { Ok(()) } else { Err(Error::NonFinite) }
    }

    /// The mean of Λ.
    #[must_use]
    pub fn mean_eigenvalue(&self) -> f64 {
        let squares = self.split().squares;
        let sum: f64 = squares.iter().map(|&x| f64::from(x)).sum();
        if self.samples == 0 { 0.0 } else { sum / (self.samples as f64 * squares.len() as f64) }
    }

    /// Solves for one target into `out`, outputs × inputs numbers: the curvature's
    /// inverse times V, V the sum of b aᵀ over the positions of one validation sample, or
    /// of a set. It scores factors ([`Targets::score_factors`]), and sketches of
    /// [`Ekfac::layer_id`].
    ///
    /// # Errors
    /// [`Error::NotFitted`] before a sample of the second pass, or in the midst of one;
    /// [`Error::NotPositiveDefinite`] if all were zero; [`Error::Length`];
    /// [`Error::NonFinite`].
    pub fn solve<'t, 'x>(
        &mut self,
        positions: impl IntoIterator<Item = (&'x [f32], &'x [f32])>,
        out: &'t mut [f32],
    ) -> Result<Targets<'t>, Error> {
        self.check_fitted()?;
        check_length(self.settings.inputs * self.settings.outputs, out.len())?;
        let mean = self.mean_eigenvalue();
        if mean.is_nan() || mean <= 0.0 {
            return Err(Error::NotPositiveDefinite);
        }
        let turned = positions.into_iter().try_for_each(|(a, b)| {
            self.check(a, b)?;
            self.rotate(a, b)
        });
        let EkfacSettings { inputs, outputs, damping } = self.settings;
        let (damping, samples) = (f64::from(damping) * mean, self.samples as f64);
        let Split { q_a, q_b, squares, rotated, scratch, .. } = self.split_mut();
        for (x, &sum) in rotated.iter_mut().zip(&*squares) {
            *x = (f64::from(*x) / (f64::from(sum) / samples + damping)) as f32;
        }
        // Back: X = Q_Sᵀ W, then X Q_A from the transpose of X.
        scratch.fill(0.0);
        out.fill(0.0);
        let back = turned.and_then(|()| {
            add_products(outputs, q_b, rotated, scratch)?;
            for (i, to) in rotated.chunks_exact_mut(outputs.max(1)).enumerate() {
                for (to, row) in to.iter_mut().zip(scratch.chunks_exact(inputs.max(1))) {
                    *to = row.get(i).copied().certain();
                }
            }
            Ok(add_products(inputs, rotated, q_a, out)?)
        });
        rotated.fill(0.0);
        back?;
        Targets::new(self.id, out)
    }
}

impl<B: Buffer<f32>> Ekfac<B> {
    /// ‖V − H X‖/‖V‖ for a target's solution X, as [`solve`](Self::solve) gave it, where
    /// H is the damped curvature and lengths are those of H⁻¹: ‖V‖² = ⟨V, H⁻¹V⟩. It is 0
    /// of a V that is zero. So much of √(self-influence of the target · that of a sample)
    /// an influence may be wrong by: self-influence is such a length squared. Rounding
    /// leaves some 10⁻⁷ times √(largest eigenvalue/least), so that a large residual tells
    /// of a damping that is too small for `f32`. *Cost*: as a solution's.
    ///
    /// # Errors
    /// As [`solve`](Self::solve).
    pub fn residual<'x>(
        &mut self,
        positions: impl IntoIterator<Item = (&'x [f32], &'x [f32])>,
        solution: &[f32],
    ) -> Result<f64, Error> {
        self.check_fitted()?;
        check_length(self.settings.inputs * self.settings.outputs, solution.len())?;
        let turned = positions.into_iter().try_for_each(|(a, b)| {
            self.check(a, b)?;
            self.rotate(a, b)
        });
        let ridge = f64::from(self.settings.damping) * self.mean_eigenvalue();
        let (EkfacSettings { inputs, outputs, .. }, samples) = (self.settings, self.samples as f64);
        let Split { q_a, q_b, squares, rotated, scratch, turned_a, .. } = self.split_mut();
        let (mut left, mut whole) = (0.0, 0.0);
        let sums = turned.and_then(|()| {
            let rows = rotated.chunks_exact(inputs.max(1)).zip(squares.chunks_exact(inputs.max(1)));
            for ((target, squares), q_b) in rows.zip(q_b.chunks_exact(outputs.max(1))) {
                // A row of Q_S X, and then of Q_S X Q_Aᵀ.
                let row = scratch.get_mut(..inputs).certain();
                row.fill(0.0);
                for (&weight, x) in q_b.iter().zip(solution.chunks_exact(inputs.max(1))) {
                    axpy(weight, x, row)?;
                }
                matvec(q_a, row, turned_a)?;
                for ((&v, &square), &x) in target.iter().zip(squares).zip(turned_a.iter()) {
                    let v = f64::from(v);
                    let eigenvalue = f64::from(square) / samples + ridge;
                    let rest = v - eigenvalue * f64::from(x);
                    left += rest * rest / eigenvalue;
                    whole += v * v / eigenvalue;
                }
            }
            Ok(())
        });
        rotated.fill(0.0);
        sums?;
        Ok(if whole > 0.0 { libm::sqrt(left / whole) } else { 0.0 })
    }
}

impl<B: Buffer<f32>> Ekfac<B> {
    /// Writes Q_Sᵀ[(Q_S V Q_Aᵀ)/(Λ + λ)]Q_A to `out`, in `f64`, of a V of outputs ×
    /// inputs numbers, row by row; λ is `ridge` as it is. As a map of V it is symmetric
    /// and positive definite: what preconditions
    /// [`ConjugateGradients`](super::ConjugateGradients), by
    /// [`EkfacInverse`](super::EkfacInverse).
    ///
    /// `scratch` has twice as many numbers as the layer has inputs. *Cost*: 2·I·O·(I + O)
    /// multiply–adds.
    ///
    /// # Errors
    /// [`Error::NotFitted`] before a sample of the second pass, or in the midst of one;
    /// [`Error::Setting`] unless the ridge is positive and finite; [`Error::Length`];
    /// [`Error::NonFinite`] for V; [`Error::Range`] if the solution leaves that of `f64`,
    /// and then `out` is of no use.
    pub fn apply_inverse(
        &self,
        v: &[f64],
        ridge: f64,
        out: &mut [f64],
        scratch: &mut [f64],
    ) -> Result<(), Error> {
        self.check_fitted()?;
        if !ridge.is_finite() || ridge <= 0.0 {
            return Err(Error::Setting { name: "ridge", expected: "finite and above 0" });
        }
        check_length(self.width(), v.len())?;
        check_length(self.width(), out.len())?;
        check_length(self.inverse_scratch(), scratch.len())?;
        if !v.iter().all(|x| x.is_finite()) {
            return Err(Error::NonFinite);
        }
        let EkfacSettings { inputs, outputs, .. } = self.settings;
        let (inputs, outputs, samples) = (inputs.max(1), outputs.max(1), self.samples as f64);
        let Split { q_a, q_b, squares, .. } = self.split();
        let (row, turned) = scratch.split_at_mut_checked(inputs).certain();
        out.fill(0.0);
        for (q_b, squares) in q_b.chunks_exact(outputs).zip(squares.chunks_exact(inputs)) {
            // A row of Q_S V, then of Q_S V Q_Aᵀ/(Λ + λ), then of that times Q_A, which
            // Q_Sᵀ takes to all rows.
            row.fill(0.0);
            for (&weight, v) in q_b.iter().zip(v.chunks_exact(inputs)) {
                double::axpy(weight.into(), v, row)?;
            }
            for ((to, q_a), &square) in turned.iter_mut().zip(q_a.chunks_exact(inputs)).zip(squares) {
                *to = double::dot(row, q_a)? / (f64::from(square) / samples + ridge);
            }
            row.fill(0.0);
            for (&weight, q_a) in turned.iter().zip(q_a.chunks_exact(inputs)) {
                double::axpy(weight, q_a, row)?;
            }
            for (&weight, out) in q_b.iter().zip(out.chunks_exact_mut(inputs)) {
                double::axpy(weight.into(), &*row, out)?;
            }
        }
        if out.iter().all(|x| x.is_finite()) { Ok(()) } else { Err(Error::Range { what: "the solution" }) }
    }

    /// Refuses a layer whose eigenvalues are not known, or not all.
    pub(super) const fn check_fitted(&self) -> Result<(), Error> {
        if self.samples == 0 || self.under_way > 0 { Err(Error::NotFitted) } else { Ok(()) }
    }

    /// How many weights the layer has.
    pub(super) const fn width(&self) -> usize {
        self.settings.inputs.saturating_mul(self.settings.outputs)
    }

    /// Scratch of [`Ekfac::apply_inverse`].
    pub(super) const fn inverse_scratch(&self) -> usize {
        self.settings.inputs.saturating_mul(2)
    }
}

impl<B: Buffer<f32>> State for Ekfac<B> {
    const KIND: StateKind = StateKind::Ekfac;

    /// Factors of gradients, which are no sketches.
    fn sketch_id(&self) -> Option<SketchId> {
        None
    }
}

impl<B: Buffer<f32>> Body for Ekfac<B> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        let EkfacSettings { inputs, outputs, damping } = walk.state().settings;
        walk.own_setting(damping.to_bits())?;
        let has_eigenvectors = walk.value(walk.state().stage == Stage::Eigenvalues)?;
        walk.zeros(3)?;
        walk.width(inputs)?;
        walk.width(outputs)?;
        let positions = walk.number(place!(positions))?;
        let samples = walk.number(place!(samples))?;
        let under_way = walk.number(place!(under_way))?;
        let is_possible = if has_eigenvectors { positions > 0 } else { samples == 0 && under_way == 0 };
        walk.require(is_possible, Error::Corrupt)?;
        walk.load_with(|state| {
            state.stage = if has_eigenvectors { Stage::Eigenvalues } else { Stage::Factors };
            let Split { q_a, q_b, squares, rotated, .. } = state.split_mut();
            for part in [q_a, q_b, squares, rotated] {
                part.fill(0.0);
            }
        });
        macro_rules! part {
            ($name:ident) => {
                Place { get: |layer| layer.split().$name, get_mut: |layer| layer.split_mut().$name }
            };
        }
        walk.all(part!(a))?;
        walk.all(part!(b))?;
        if has_eigenvectors {
            walk.all(part!(q_a))?;
            walk.all(part!(q_b))?;
            walk.all(part!(squares))?;
        }
        if under_way > 0 { walk.all(part!(rotated)) } else { Ok(()) }
    }
}

/// Whether the squares of `x` can be added to those of packed sums of products. Products
/// of two entries are no larger.
fn has_room(x: &[f32], packed: &[f32]) -> bool {
    x.iter().enumerate().all(|(i, x)| {
        let sum = packed.get(triangle(i) + i).copied().certain();
        x * x + sum <= f32::MAX / 2.0
    })
}

/// The eigenvectors of a packed sum over `count` positions, in rows.
fn eigenvectors(
    width: usize,
    count: u64,
    packed: &[f32],
    scratch: &mut [f64],
    vectors: &mut [f32],
) -> Result<(), Error> {
    let (matrix, rest) = scratch.split_at_mut_checked(width * width).certain();
    let (values, rest) = rest.split_at_mut_checked(width).certain();
    let off = rest.get_mut(..width).certain();
    for i in 0..width {
        for j in 0..width {
            let place = if j <= i { triangle(i) + j } else { triangle(j) + i };
            let sum = f64::from(packed.get(place).copied().certain());
            match matrix.get_mut(i * width + j) {
                Some(to) => *to = sum / count as f64,
                None => cannot_happen!("the matrix has width² entries"),
            }
        }
    }
    eigen(width, matrix, values, off)?;
    for (to, from) in vectors.iter_mut().zip(matrix) {
        *to = *from as f32;
    }
    Ok(())
}
