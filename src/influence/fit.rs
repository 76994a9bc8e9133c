//! Whether a run's steps are those that a form of the methods takes for granted.
//!
//! [`dvemb`](super::dvemb) and [`InRunShapley`](super::InRunShapley) follow a run by a
//! formula for its steps. Of a run whose parameters were seen to move, the formula can be
//! held against what happened:
//!
//! residual = √(Σ_t ‖Δ_t − Δ̂_t‖² / Σ_t ‖Δ_t‖²),
//!
//! with Δ_t = θ_{t+1} − θ_t what step t did and Δ̂_t what the form would have done. 0 is
//! a form that fits; 1 is as good as to expect no step at all. It costs no replay and no
//! truth.
//!
//! **Fifteen numbers a step are enough for SGD's whole family.** With ḡ the gradient that
//! the optimizer saw, momentum and weight decay say
//!
//! Δ_t = −lr·κ·(ḡ_t + λθ_t) + (μ·lr/lr₋)·Δ_{t−1}, and Nesterov's
//!
//! Δ_t = −lr·[(1 + μ)(ḡ_t + λθ_t) − μ(ḡ_{t−1} + λθ_{t−1})] + (μ·lr/lr₋)·Δ_{t−1},
//!
//! with lr₋ the rate of the step before. So ‖Δ − Δ̂‖² is cᵀMc, with c the factors of
//! five vectors and M their inner products ([`StepProducts`]): whoever trains keeps M,
//! and any form can be held against it later. The velocity itself is never needed, and a
//! run that is recorded from its middle can be judged but for its first step.
//!
//! **Every term is linear**, so the vectors may be sketches: the residual is then an
//! estimate, as inner products of sketches are.
//!
//! *Limit*: it says whether steps were such, not whether the linear model of the run
//! holds ([`Stability`](super::dvemb::Stability)), nor whether the curvature is right. A
//! gradient that is clipped, or parameters in `f16` that round steps away, show as well.
//!
//! *Memory*: 24 bytes. *Cost*: 25 multiply–adds of `f64` a number and step. *Error*: of
//! the square about 2⁻⁵² of the largest term of cᵀMc, so residuals below some 10⁻⁷ are
//! rounding, and Δ of `f32` parameters is exact to 2⁻²⁴ of θ. Source: ours.

use crate::error::{Error, check_length};

/// How far a run's steps are from those of a form.
///
/// ```
/// use gradsieve::influence::{Fit, SgdForm, StepProducts, StepVectors};
///
/// // Two steps of momentum .5 at a rate of .1, from gradients (1, 0) and (0, 2).
/// let (one, two) = ([-0.1_f32, 0.0], [-0.05_f32, -0.2]);
/// let first = StepVectors { change: &one, gradient: &[1.0, 0.0], ..StepVectors::default() };
/// let second = StepVectors {
///     change: &two,
///     gradient: &[0.0, 2.0],
///     change_before: &one,
///     gradient_before: &[1.0, 0.0],
///     ..StepVectors::default()
/// };
/// let (first, second) = (StepProducts::of(&first)?, StepProducts::of(&second)?);
///
/// let (sgd, momentum) = (SgdForm::default(), SgdForm { momentum: 0.5, ..SgdForm::default() });
/// let residual = |form: SgdForm| -> Result<f64, gradsieve::Error> {
///     let mut fit = Fit::new();
///     fit.observe_products(&form, 0.1, None, &first)?;
///     fit.observe_products(&form, 0.1, Some(0.1), &second)?;
///     Ok(fit.residual().unwrap_or(0.0))
/// };
/// assert!(residual(momentum)? < 1e-6);
/// assert!(residual(sgd)? > 0.2);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Fit {
    apart: f64,
    moved: f64,
    steps: u64,
}

impl Fit {
    /// Of no steps yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { apart: 0.0, moved: 0.0, steps: 0 }
    }

    /// Takes in what a step did, and what the form would have done: as many numbers each.
    /// For forms that are not SGD's.
    ///
    /// # Errors
    /// [`Error::Length`]; [`Error::NonFinite`].
    pub fn observe(&mut self, change: &[f32], expected: &[f32]) -> Result<(), Error> {
        check_length(change.len(), expected.len())?;
        let (mut apart, mut moved) = (0.0, 0.0);
        for (&change, &expected) in change.iter().zip(expected) {
            let change = f64::from(change);
            let rest = change - f64::from(expected);
            moved += change * change;
            apart += rest * rest;
        }
        self.add(apart, moved)
    }

    /// Takes in a step by its inner products: of a form of SGD's family, at a learning
    /// rate for the gradient that the optimizer saw. `before` is the rate of the step
    /// before, or none for a run's first step, whose velocity is zero.
    ///
    /// Behind a step of rate 0 the velocity is not known. With momentum such a step is
    /// passed over.
    ///
    /// # Errors
    /// [`Error::Setting`] for momentum, gain or weight decay out of their ranges, or a
    /// rate that is not finite or negative; [`Error::Range`] if the residual leaves
    /// `f64`.
    pub fn observe_products(
        &mut self,
        form: &SgdForm,
        learning_rate: f64,
        before: Option<f64>,
        products: &StepProducts,
    ) -> Result<(), Error> {
        form.check()?;
        if [Some(learning_rate), before].into_iter().flatten().any(|rate| !(rate.is_finite() && rate >= 0.0))
        {
            return Err(Error::Setting { name: "learning_rate", expected: "finite and not negative" });
        }
        if form.momentum > 0.0 && before == Some(0.0) {
            return Ok(());
        }
        let factors = form.factors(learning_rate, before);
        let (apart, moved) = (products.square(&factors), products.square(&[1.0, 0.0, 0.0, 0.0, 0.0]));
        self.add(apart, moved)
    }

    /// Adds the steps that another fit of the same form has seen.
    ///
    /// # Errors
    /// [`Error::Range`] if the sums leave `f64`.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        let steps = self.steps.saturating_add(other.steps);
        self.add(other.apart, other.moved)?;
        self.steps = steps;
        Ok(())
    }

    fn add(&mut self, apart: f64, moved: f64) -> Result<(), Error> {
        let (apart, moved) = (self.apart + apart, self.moved + moved);
        if apart.is_nan() || moved.is_nan() {
            return Err(Error::NonFinite);
        }
        if apart.is_infinite() || moved.is_infinite() {
            return Err(Error::Range { what: "a step's distance from its form" });
        }
        (self.apart, self.moved) = (apart, moved);
        self.steps = self.steps.saturating_add(1);
        Ok(())
    }

    /// Steps taken in.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// √(Σ ‖Δ − Δ̂‖² / Σ ‖Δ‖²), at least 0; none before a step has moved anything.
    #[must_use]
    pub fn residual(&self) -> Option<f64> {
        (self.moved > 0.0).then(|| libm::sqrt(self.apart / self.moved))
    }
}

/// A form of SGD's family, as PyTorch steps: v ← μv + κ(ḡ + λθ), θ ← θ − lr·v, or with
/// Nesterov's θ ← θ − lr·(ḡ + λθ + μv). The default is plain SGD.
///
/// ```
/// use gradsieve::influence::SgdForm;
///
/// assert_eq!(SgdForm::default(), SgdForm { momentum: 0.0, gain: 1.0, nesterov: false, weight_decay: 0.0 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdForm {
    /// μ, at least 0 and below 1.
    pub momentum: f64,
    /// κ, above 0 and at most 1; Nesterov's has 1.
    pub gain: f64,
    /// Whether a step looks ahead along the velocity.
    pub nesterov: bool,
    /// λ. Not negative.
    pub weight_decay: f64,
}

impl Default for SgdForm {
    fn default() -> Self {
        Self { momentum: 0.0, gain: 1.0, nesterov: false, weight_decay: 0.0 }
    }
}

impl SgdForm {
    fn check(&self) -> Result<(), Error> {
        if !(0.0..1.0).contains(&self.momentum) {
            return Err(Error::Setting { name: "momentum", expected: "at least 0 and below 1" });
        }
        if !(self.gain > 0.0 && self.gain <= 1.0) || (self.nesterov && self.gain != 1.0) {
            return Err(Error::Setting { name: "gain", expected: "above 0 and at most 1; Nesterov's has 1" });
        }
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            return Err(Error::Setting { name: "weight_decay", expected: "finite and not negative" });
        }
        Ok(())
    }

    /// What the five vectors are multiplied with, so that their sum is Δ − Δ̂.
    fn factors(&self, learning_rate: f64, before: Option<f64>) -> [f64; 5] {
        let Self { momentum, gain, nesterov, weight_decay } = *self;
        let rate = if nesterov { learning_rate * (1.0 + momentum) } else { learning_rate * gain };
        let plain = [1.0, rate, 0.0, 0.0, rate * weight_decay];
        let Some(before) = before.filter(|&before| before > 0.0 && momentum > 0.0) else { return plain };
        let carried = momentum * learning_rate / before;
        if !nesterov {
            return [1.0, rate, -carried, 0.0, rate * weight_decay];
        }
        // θ_{t−1} = θ_t − Δ_{t−1}.
        let ahead = learning_rate * momentum;
        let decay = learning_rate * weight_decay;
        [1.0, rate, ahead * weight_decay - carried, -ahead, decay]
    }
}

/// What a step did and saw: as many numbers each, or none, which stands for zeros.
///
/// Parameters, all of them or some, or sketches by one projection.
#[derive(Clone, Copy, Debug, Default)]
pub struct StepVectors<'a> {
    /// Δ_t = θ_{t+1} − θ_t.
    pub change: &'a [f32],
    /// ḡ_t, the gradient that the optimizer saw, without weight decay.
    pub gradient: &'a [f32],
    /// Δ_{t−1}; none of a run's first step.
    pub change_before: &'a [f32],
    /// ḡ_{t−1}; none of a run's first step.
    pub gradient_before: &'a [f32],
    /// θ_t. Of a run without weight decay it is not needed.
    pub parameters: &'a [f32],
}

/// The inner products of a step's five vectors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepProducts {
    entries: [[f64; 5]; 5],
}

impl StepProducts {
    /// Those of vectors at hand.
    ///
    /// # Errors
    /// [`Error::Length`] if two that are given are not of one length;
    /// [`Error::NonFinite`].
    pub fn of(vectors: &StepVectors<'_>) -> Result<Self, Error> {
        let StepVectors { change, gradient, change_before, gradient_before, parameters } = *vectors;
        let vectors = [change, gradient, change_before, gradient_before, parameters];
        let len = vectors.iter().map(|vector| vector.len()).fold(0, usize::max);
        for vector in vectors.iter().filter(|vector| !vector.is_empty()) {
            check_length(len, vector.len())?;
        }
        let mut entries = [[0.0; 5]; 5];
        for i in 0..len {
            let numbers = vectors.map(|vector| vector.get(i).map_or(0.0, |&x| f64::from(x)));
            for (row, x) in entries.iter_mut().zip(numbers) {
                row.iter_mut().zip(numbers).for_each(|(sum, y)| *sum += x * y);
            }
        }
        Self::new(entries)
    }

    /// Those that were kept: rows and columns in the order of [`StepVectors`].
    ///
    /// # Errors
    /// [`Error::NonFinite`]; [`Error::Setting`] unless they are symmetric and no square
    /// is negative.
    pub fn new(entries: [[f64; 5]; 5]) -> Result<Self, Error> {
        let wrong =
            Error::Setting { name: "products", expected: "symmetric, of squares that are not negative" };
        for (i, row) in entries.iter().enumerate() {
            for (j, &entry) in row.iter().enumerate() {
                if !entry.is_finite() {
                    return Err(Error::NonFinite);
                }
                let other = entries.get(j).and_then(|row| row.get(i));
                if other != Some(&entry) || (i == j && entry < 0.0) {
                    return Err(wrong);
                }
            }
        }
        Ok(Self { entries })
    }

    /// Whether nothing is known of the step before.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.entries[2][2] == 0.0 && self.entries[3][3] == 0.0
    }

    /// cᵀMc: the squared length of the sum of the vectors times these factors.
    fn square(&self, factors: &[f64; 5]) -> f64 {
        let mut square = 0.0;
        for (row, x) in self.entries.iter().zip(factors) {
            let along: f64 = row.iter().zip(factors).map(|(entry, y)| entry * y).sum();
            square += x * along;
        }
        // A rounding may leave less than nothing; what is no number stays none.
        if square < 0.0 { 0.0 } else { square }
    }
}
