//! The adjoint of Adam and AdamW, exact but for the removal's size, on unprojected
//! gradients.
//!
//! AdamW steps by m ← β₁m + (1 − β₁)ḡ, v ← β₂v + (1 − β₂)ḡ², θ ← (1 − ηw)θ − η·m̂/(√v̂ +
//! ε), with ḡ = (1/B) Σ_z g(z), m̂ = m/bc₁ and v̂ = v/bc₂ (bc = 1 − βᵗ). A removal
//! changes both moments, and with them the steps after it, so the walk back carries three
//! vectors a target: λ_θ, λ_m and λ_v, what the final loss gains by a change of each.
//! With D = 1/(√v̂ + ε) and H the mean of the samples' curvatures
//! ([`Curvature`](super::Curvature), whose sum is divided by B), entry by entry:
//!
//! ```text
//! λ_m ← λ_m − (η/bc₁)·D·λ_θ
//! λ_v ← λ_v + η·m̂·D²/(2√v̂·bc₂)·λ_θ
//! a = (1 − β₁)·λ_m + 2(1 − β₂)·λ_v·ḡ
//! score(z, target) = −a·g(z)/B
//! λ_θ ← (1 − ηw)·λ_θ + H a,    λ_m ← β₁·λ_m,    λ_v ← β₂·λ_v
//! ```
//!
//! from λ_θ = the target's gradient at the **final** model and λ_m = λ_v = 0. Positive is
//! helpful; scale: loss, as it is. Where v is 0 no gradient has ever come, ḡ is 0 in this
//! step and in all before it, and λ_v counts for nothing: its term is left out there.
//!
//! **Not on sketches.** D is another number for each coordinate and step, which no
//! projection commutes with; other rows than [`Exact`](crate::Exact) ones are refused.
//! [`MomentumAdjoint`](super::MomentumAdjoint) says what can be done with sketches.
//!
//! *Memory*: 3p(Q + 1) numbers of `f64` and Q·(p + R) of `f32` for p parameters, Q
//! targets and at most R samples or factor rows a step. *Cost*: (B + 2F)·p·Q
//! multiply–adds a step of B samples and F factor rows, as the adjoint of SGD, and some
//! ten `f64` operations for each of p·Q numbers. *Error*: λ is `f64`, for D reaches 1/ε
//! and λ_v its cube; products with rows are `f32`, sums canonical: about √p·2⁻²⁴ a step
//! of the numbers that meet. Source: the chain rule on PyTorch's `torch.optim.AdamW`
//! (Kingma & Ba 2015; Loshchilov & Hutter 2019), as Wang et al. 2024 have it for SGD.

use super::momentum::check_divisor;
use super::{Rows, Step, check_id};
use crate::error::{Error, check_length};
use crate::memory::{Buffer, Memory};
use crate::sketch::{Kind, SketchId};
use gradsieve_kernels::matrix::{Part, PartMut, add_products_of, product_of};
use gradsieve_kernels::{Certain, summarize};

/// Walks a run of AdamW backwards, from its last step to its first, and gives each
/// sample's influence on each of Q targets.
///
/// ```
/// use gradsieve::influence::dvemb::{AdamwAdjoint, AdamwSettings, AdamwStep, Curvature, Step};
/// use gradsieve::{Exact, Layout, Projector};
///
/// let id = Exact::new(2).id(Layout::flat(2)?.id());
/// let settings = AdamwSettings::new(2, 1, 1);
/// let (floats, doubles) = (vec![0.0; settings.memory().f32s], vec![0.0; settings.memory().f64s]);
/// let mut targets = AdamwAdjoint::new(settings, id, &[1.0, 1.0], floats, doubles)?;
/// let curvature = Curvature::Factors(&[]);
/// // A first step, from moments of 0: of the size of its learning rate whatever the
/// // gradient, so that a little more or less of it changes nothing.
/// let step = AdamwStep {
///     step: Step { id, learning_rate: 0.1, gradients: &[4.0, 0.0], curvature },
///     divisor: 1.0,
///     number: 1,
///     first: &[0.4, 0.0],
///     second: &[0.016, 0.0],
/// };
/// let mut score = [0.0];
/// targets.step(&step, &mut score)?;
/// assert!(score[0].abs() < 1e-6);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AdamwAdjoint<F, D> {
    settings: AdamwSettings,
    id: SketchId,
    steps: u64,
    /// a, Q rows of p; F a.
    floats: F,
    /// λ_θ, λ_m and λ_v, Q rows of p each; ḡ, and by what a step multiplies λ_θ into λ_m
    /// and λ_v.
    doubles: D,
}

/// What an [`AdamwAdjoint`] is told.
///
/// ```
/// use gradsieve::influence::dvemb::AdamwSettings;
///
/// let settings = AdamwSettings { weight_decay: 0.01, ..AdamwSettings::new(100, 3, 16) };
/// assert_eq!(settings.memory().f64s, 3 * 100 * (3 + 1));
/// assert_eq!(settings.memory().f32s, 3 * (100 + 16));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamwSettings {
    /// p.
    pub parameters: usize,
    /// Q, the targets.
    pub targets: usize,
    /// The most samples, or factor rows, of a step.
    pub rows: usize,
    /// β₁, in [0, 1).
    pub beta1: f64,
    /// β₂, in [0, 1).
    pub beta2: f64,
    /// ε, beside the root. Not negative.
    pub epsilon: f64,
    /// w of the decoupled weight decay; 0 for Adam. Not negative.
    pub weight_decay: f64,
}

impl AdamwSettings {
    /// PyTorch's: β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸; without decay.
    #[must_use]
    pub const fn new(parameters: usize, targets: usize, rows: usize) -> Self {
        let (beta1, beta2, epsilon) = (0.9, 0.999, 1e-8);
        Self { parameters, targets, rows, beta1, beta2, epsilon, weight_decay: 0.0 }
    }

    /// 3p numbers of `f64` a target and 3p more; p + R of `f32` a target.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        Memory {
            f32s: self.targets.saturating_mul(self.parameters.saturating_add(self.rows)),
            f64s: self.parameters.saturating_mul(3).saturating_mul(self.targets.saturating_add(1)),
            ..Memory::NONE
        }
    }

    fn check(&self) -> Result<(), Error> {
        for (name, beta) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            if !(0.0..1.0).contains(&beta) {
                return Err(Error::Setting { name, expected: "in [0, 1)" });
            }
        }
        for (name, value) in [("epsilon", self.epsilon), ("weight_decay", self.weight_decay)] {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(Error::Setting { name, expected: "finite and not negative" });
            }
        }
        Ok(())
    }
}

/// One step of AdamW, as it was taken.
#[derive(Clone, Copy, Debug)]
pub struct AdamwStep<'a> {
    /// The step: unprojected gradients of **all** samples of the batch, since the
    /// optimiser saw their mean. Its learning rate is in sum form, η/B.
    pub step: Step<'a>,
    /// B, by which the sum of the gradients is divided in what the optimiser sees: the
    /// size of the batch for a mean, 1 for a sum. Above 0.
    pub divisor: f32,
    /// t, the number of the step from 1: of it the corrections of the bias are made.
    pub number: u64,
    /// m **after** the step, p numbers.
    pub first: &'a [f32],
    /// v **after** the step, p numbers. None is negative.
    pub second: &'a [f32],
}

/// The `f64` buffer of the adjoint.
struct View<'m> {
    targets: &'m mut [f64],
    firsts: &'m mut [f64],
    seconds: &'m mut [f64],
    mean: &'m mut [f64],
    to_first: &'m mut [f64],
    to_second: &'m mut [f64],
}

impl<'m> View<'m> {
    fn of(settings: &AdamwSettings, buffer: &'m mut [f64]) -> Self {
        let p = settings.parameters;
        let rows = settings.targets.saturating_mul(p);
        let (targets, rest) = buffer.split_at_mut_checked(rows).certain();
        let (firsts, rest) = rest.split_at_mut_checked(rows).certain();
        let (seconds, rest) = rest.split_at_mut_checked(rows).certain();
        let (mean, rest) = rest.split_at_mut_checked(p).certain();
        let (to_first, to_second) = rest.split_at_mut_checked(p).certain();
        Self { targets, firsts, seconds, mean, to_first, to_second }
    }
}

impl<F: Buffer<f32>, D: Buffer<f64>> AdamwAdjoint<F, D> {
    /// Targets at the end of the run: their gradients at the **final** model, p numbers a
    /// target.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if `id` is that of a projection; [`Error::Width`] without
    /// parameters; [`Error::Setting`] for settings out of their ranges;
    /// [`Error::Length`] if `targets` are not as many rows as the settings say, or a
    /// buffer is not as long as their memory; [`Error::NonFinite`].
    pub fn new(
        settings: AdamwSettings,
        id: SketchId,
        targets: &[f32],
        floats: F,
        mut doubles: D,
    ) -> Result<Self, Error> {
        settings.check()?;
        let p = settings.parameters;
        if p == 0 {
            return Err(Error::Width { multiple: 1, found: 0 });
        }
        if id.kind != Kind::Exact {
            return Err(Error::Mismatch(crate::Field::Kind));
        }
        check_length(p, id.width)?;
        check_length(settings.targets.saturating_mul(p), targets.len())?;
        Rows::of(p, targets)?;
        check_length(settings.memory().f32s, floats.as_ref().len())?;
        check_length(settings.memory().f64s, doubles.as_ref().len())?;
        doubles.as_mut().fill(0.0);
        let view = View::of(&settings, doubles.as_mut());
        view.targets.iter_mut().zip(targets).for_each(|(to, &from)| *to = f64::from(from));
        Ok(Self { settings, id, steps: 0, floats, doubles })
    }

    /// Steps taken in.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// λ_θ, p numbers a target: what the final losses gain by a change of the parameters
    /// before the steps taken in so far.
    #[must_use]
    pub fn targets(&self) -> &[f64] {
        let len = self.settings.targets.saturating_mul(self.settings.parameters);
        self.doubles.as_ref().get(..len).certain()
    }

    /// Takes in the step before those taken in so far, and writes the influence of each
    /// of its samples: Q numbers a sample.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another layout; [`Error::Length`] if rows are not whole,
    /// moments are not p numbers, more factors come than there is room for, or `scores`
    /// does not have Q numbers a sample; [`Error::NonFinite`]; [`Error::Setting`] for a
    /// learning rate or divisor out of its range, a step of number 0, or a negative
    /// second moment; [`Error::Range`] where 1/(√v̂ + ε) is not finite;
    /// [`Error::Unstable`] if numbers leave `f32`. The state is as it was; `scores` may
    /// have been written to.
    pub fn step(&mut self, step: &AdamwStep<'_>, scores: &mut [f32]) -> Result<(), Error> {
        let AdamwSettings { parameters, targets: count, rows: most, .. } = self.settings;
        let AdamwSettings { beta1, beta2, weight_decay, .. } = self.settings;
        let p = parameters.max(1);
        check_id(Some(self.id), &step.step.id)?;
        let shape = step.step.check(p)?;
        check_divisor(step.divisor)?;
        shape.check_room(count, most, scores.len())?;
        let rate = f64::from(step.step.learning_rate) * f64::from(step.divisor);
        let View { targets, firsts, seconds, mean, to_first, to_second } =
            View::of(&self.settings, self.doubles.as_mut());
        mean_of(step, p, mean);
        coefficients(&self.settings, step, rate, to_first, to_second)?;
        if count == 0 {
            self.steps += 1;
            return Ok(());
        }

        let (products, along) = self.floats.as_mut().split_at_mut_checked(count * p).certain();
        let along = along.get_mut(..shape.factors.count * count).certain();
        for row in 0..count {
            let row = row * p..(row + 1) * p;
            let (a, target) = (products.get_mut(row.clone()).certain(), targets.get(row.clone()).certain());
            let (first, second) = (firsts.get(row.clone()).certain(), seconds.get(row).certain());
            let coefficients = mean.iter().zip(to_first.iter().zip(&*to_second));
            let entries = a.iter_mut().zip(target.iter().zip(first.iter().zip(second))).zip(coefficients);
            for ((a, (target, (first, second))), (mean, (to_first, to_second))) in entries {
                let first = first - to_first * target;
                let second = second + to_second * target;
                *a = ((1.0 - beta1) * first + 2.0 * (1.0 - beta2) * (second * mean)) as f32;
            }
        }
        let unstable = Error::Unstable { step: self.steps };
        let finite = |numbers: &[f32]| {
            if summarize(numbers).non_finite > 0 { Err(unstable) } else { Ok(()) }
        };
        finite(products)?;
        let share = 1.0 / step.divisor;
        let factors = Part::whole(step.step.factors(), p)?;
        let gradients = Part::whole(step.step.gradients, p)?;
        product_of(gradients, Part::whole(products, p)?, PartMut::whole(scores, count)?)?;
        scores.iter_mut().for_each(|score| *score *= -share);
        finite(scores)?;
        product_of(factors, Part::whole(products, p)?, PartMut::whole(along, count)?)?;
        along.iter_mut().for_each(|along| *along *= share);
        finite(along)?;
        products.fill(0.0);
        add_products_of(Part::whole(along, count)?, factors, PartMut::whole(products, p)?)?;
        finite(products)?;

        let kept = 1.0 - rate * weight_decay;
        for row in 0..count {
            let row = row * p..(row + 1) * p;
            let product = products.get(row.clone()).certain();
            let target = targets.get_mut(row.clone()).certain();
            let (first, second) = (firsts.get_mut(row.clone()).certain(), seconds.get_mut(row).certain());
            let coefficients = to_first.iter().zip(&*to_second);
            let entries = product.iter().zip(target).zip(first.iter_mut().zip(second)).zip(coefficients);
            for (((&product, target), (first, second)), (to_first, to_second)) in entries {
                *first = beta1 * (*first - to_first * *target);
                *second = beta2 * (*second + to_second * *target);
                *target = kept * *target + f64::from(product);
            }
        }
        self.steps += 1;
        Ok(())
    }
}

/// ḡ, the mean gradient that the optimiser saw.
fn mean_of(step: &AdamwStep<'_>, p: usize, mean: &mut [f64]) {
    mean.fill(0.0);
    for row in step.step.gradients.chunks_exact(p.max(1)) {
        mean.iter_mut().zip(row).for_each(|(mean, &g)| *mean += f64::from(g));
    }
    let divisor = f64::from(step.divisor);
    mean.iter_mut().for_each(|mean| *mean /= divisor);
}

/// By what λ_θ is multiplied before it is taken from λ_m, η·D/bc₁, and added to λ_v,
/// η·m̂·D²/(2√v̂·bc₂).
fn coefficients(
    settings: &AdamwSettings,
    step: &AdamwStep<'_>,
    rate: f64,
    to_first: &mut [f64],
    to_second: &mut [f64],
) -> Result<(), Error> {
    let AdamwSettings { parameters, beta1, beta2, epsilon, .. } = *settings;
    check_length(parameters, step.first.len())?;
    check_length(parameters, step.second.len())?;
    if step.number == 0 {
        return Err(Error::Setting { name: "number", expected: "at least 1" });
    }
    let [corrected1, corrected2] = [beta1, beta2].map(|beta| 1.0 - libm::pow(beta, step.number as f64));
    let moments = step.first.iter().zip(step.second);
    for ((&first, &second), (to_first, to_second)) in moments.zip(to_first.iter_mut().zip(to_second)) {
        if !(first.is_finite() && second.is_finite()) {
            return Err(Error::NonFinite);
        }
        if second < 0.0 {
            return Err(Error::Setting { name: "second", expected: "moments that are not negative" });
        }
        let root = libm::sqrt(f64::from(second) / corrected2);
        let scale = 1.0 / (root + epsilon);
        let of_second = f64::from(first) / corrected1 * scale * scale / (2.0 * root * corrected2);
        *to_first = rate * scale / corrected1;
        *to_second = if second > 0.0 { rate * of_second } else { 0.0 };
        if !(to_first.is_finite() && to_second.is_finite()) {
            return Err(Error::Range { what: "1/(sqrt(v) + epsilon) of a step" });
        }
    }
    Ok(())
}
