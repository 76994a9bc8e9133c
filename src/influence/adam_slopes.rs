//! In-run Data Shapley under Adam: by how much a step moves each parameter for what a
//! sample adds to the mean gradient.
//!
//! [`InRunShapley`](super::InRunShapley) takes a step for θ ← θ − η Σ g. Under Adam, or
//! AdamW, it is another: with ḡ_S = (1/B) Σ_{z ∈ S} g_z and the moments m and v
//! **before** the step, samples S alone would move a parameter by
//!
//! f(x) = η·m̂(x)/(√v̂(x) + ε), x = ḡ_S, m̂ = (β₁m + (1 − β₁)x)/bc₁, v̂ = (β₂v + (1 −
//! β₂)x²)/bc₂, bc = 1 − βᵗ.
//!
//! f is bent: what a sample adds depends on who is there already. A Shapley value is the
//! mean over who that is, subsets of every size, and their mean gradients are τḡ give or
//! take √(τ(1 − τ)V) for the share τ of the batch, V the variance of the mean. So the
//! *slope* of an entry is
//!
//! σ = ∫₀¹ (f(τḡ + δ) − f(τḡ − δ))/2δ dτ, δ = √(3τ(1 − τ)V),
//!
//! by six nodes of Gauss and Legendre, and the pair ±δ stands for the normal
//! distribution. With the validation gradient times σ in-run Shapley's sums are Adam's:
//! φ_z = (σ∘v_val)·g_z/B to first order of the loss. The second order subtracts
//! (σ∘w)·g_z/B, with w = H(θ − θ½) and θ½ half-way between where the step would end
//! without gradients and where it ends. The decay of AdamW is the same with each sample
//! and without.
//!
//! **Targets alone are changed**: σ does not commute with a projection, but σ∘v_val is
//! made before it is sketched, and the samples' sketches stay what they are.
//!
//! *Memory*: p numbers of `f32` for the variances, lent. *Cost*: twelve roots and some
//! 150 operations of `f64` a parameter and step. *Error*: no difference of like numbers
//! is taken; one rounding to `f32`. *Limit*: one slope serves all samples of a batch,
//! which is all there is to it while (1 − β₂)·g_z² is small beside v. In a run's first
//! steps it is not: a single parameter's values were wrong by some 5 % at v = 10⁻⁴ of g²
//! in the fifth step, and by a quarter in the very first. Positive is helpful. Source:
//! Wang et al. 2024 for the values; arXiv 2602.00329 for the question under Adam; the
//! slope is ours.

use crate::error::{Error, check_length};
use gradsieve_kernels::summarize;

/// Adam's step, as in-run Shapley must know it.
///
/// ```
/// use gradsieve::influence::{AdamSlopes, AdamStep, InRunShapley};
/// use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// // Gradients of two samples, and the moments before the step.
/// let (one, two) = ([2.0, 1.0], [0.0, -1.0]);
/// let (mean, variance) = ([1.0, 0.0], [1.0, 1.0]);
/// let step = AdamStep { mean: &mean, variance: &variance, first: &[0.5, 0.0], second: &[1.0, 0.01] };
/// let adam = AdamSlopes { number: 10, ..AdamSlopes::new(0.001) };
/// let mut target = [1.0, 1.0]; // the validation gradient
/// adam.precondition(&step, &mut target)?;
///
/// let id = Exact::new(2).id(Layout::flat(2)?.id());
/// let sketch = |x| Sketch::from_parts(id, x, gradsieve_kernels::summarize(x));
/// let mut scores = [0.0; 2];
/// let batch = [(0, sketch(&one)?), (1, sketch(&two)?)];
/// // The learning rate is in σ; what is left is 1/B.
/// InRunShapley::new(&mut scores).observe_step(0.5, &sketch(&target)?, None, &batch)?;
/// assert!(scores[0] > 0.0 && scores[1] < 0.0);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamSlopes {
    /// η, the learning rate for the mean gradient.
    pub learning_rate: f64,
    /// t, the number of the step from 1.
    pub number: u64,
    /// β₁, in [0, 1).
    pub beta1: f64,
    /// β₂, in [0, 1).
    pub beta2: f64,
    /// ε, beside the root. Above 0.
    pub epsilon: f64,
}

/// What a step saw, p numbers each.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep<'a> {
    /// ḡ, the mean over the batch.
    pub mean: &'a [f32],
    /// V, the variance of that mean: Σ (g_z − ḡ)²/(B(B − 1)) in each entry. Zeros leave
    /// out how the batch scatters.
    pub variance: &'a [f32],
    /// m before the step.
    pub first: &'a [f32],
    /// v before the step.
    pub second: &'a [f32],
}

/// Places in [0, 1] and weights: Gauss and Legendre's six.
const NODES: [(f64, f64); 6] = [
    (0.033_765_242_898_423_975, 0.085_662_246_189_585_2),
    (0.169_395_306_766_867_75, 0.180_380_786_524_069_3),
    (0.380_690_406_958_401_56, 0.233_956_967_286_345_52),
    (0.619_309_593_041_598_4, 0.233_956_967_286_345_52),
    (0.830_604_693_233_132_2, 0.180_380_786_524_069_3),
    (0.966_234_757_101_576, 0.085_662_246_189_585_2),
];

impl AdamSlopes {
    /// The first step of PyTorch's Adam: β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸.
    #[must_use]
    pub const fn new(learning_rate: f64) -> Self {
        Self { learning_rate, number: 1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }

    /// Multiplies `target`, p numbers, by the slopes σ of a step.
    ///
    /// # Errors
    /// [`Error::Setting`] for settings out of their ranges, or a negative variance or
    /// second moment; [`Error::Length`] if a part of the step is not as long as `target`;
    /// [`Error::NonFinite`]; [`Error::Range`] if a product leaves `f32`: then `target` is
    /// no longer what it was.
    pub fn precondition(&self, step: &AdamStep<'_>, target: &mut [f32]) -> Result<(), Error> {
        self.check()?;
        let AdamStep { mean, variance, first, second } = *step;
        for numbers in [mean, variance, first, second, &*target] {
            check_length(target.len(), numbers.len())?;
            if summarize(numbers).non_finite > 0 {
                return Err(Error::NonFinite);
            }
        }
        for (name, numbers) in [("variance", variance), ("second", second)] {
            if numbers.iter().any(|&x| x < 0.0) {
                return Err(Error::Setting { name, expected: "not negative" });
            }
        }
        let corrections = [self.beta1, self.beta2].map(|beta| 1.0 - libm::pow(beta, self.number as f64));
        let batch = mean.iter().zip(variance);
        for (target, ((&x, &variance), (&m, &v))) in
            target.iter_mut().zip(batch.zip(first.iter().zip(second)))
        {
            let [x, variance, m, v] = [x, variance, m, v].map(f64::from);
            let mut slope = 0.0;
            for (share, weight) in NODES {
                let middle = share * x;
                let side = libm::sqrt(3.0 * share * (1.0 - share) * variance);
                slope += weight * self.secant(corrections, (m, v), middle + side, middle - side);
            }
            *target = (self.learning_rate * slope * f64::from(*target)) as f32;
        }
        if summarize(target).non_finite > 0 {
            return Err(Error::Range { what: "a slope times the target" });
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Error> {
        for (name, beta) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            if !(0.0..1.0).contains(&beta) {
                return Err(Error::Setting { name, expected: "in [0, 1)" });
            }
        }
        if !(self.epsilon > 0.0 && self.epsilon.is_finite()) {
            return Err(Error::Setting { name: "epsilon", expected: "finite and above 0" });
        }
        if !self.learning_rate.is_finite() {
            return Err(Error::Setting { name: "learning_rate", expected: "finite" });
        }
        if self.number == 0 {
            return Err(Error::Setting { name: "number", expected: "at least 1" });
        }
        Ok(())
    }

    /// (f(a) − f(b))/(a − b) for η = 1, and f′ where a and b are the same. The difference
    /// of the two roots is that of their squares over their sum.
    fn secant(&self, [one, two]: [f64; 2], (m, v): (f64, f64), a: f64, b: f64) -> f64 {
        let Self { beta1, beta2, epsilon, .. } = *self;
        let root = |x: f64| libm::sqrt((beta2 * v + (1.0 - beta2) * (x * x)) / two);
        let (of_a, of_b) = (root(a), root(b));
        let gain = (1.0 - beta1) / one;
        let roots = two * (of_a + of_b) * (of_b + epsilon);
        let first = beta1 * m / one + gain * b;
        let bent = if roots > 0.0 { first * ((1.0 - beta2) * (a + b) / roots) } else { 0.0 };
        (gain - bent) / (of_a + epsilon)
    }
}
