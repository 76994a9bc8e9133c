//! Optimizers over the flat parameter vector, with g the gradient of the mean loss of a
//! mini-batch plus weight decay λθ (all parameters, biases too, as PyTorch's
//! `torch.optim` does it):
//!
//! - SGD: θ ← θ − ηg
//! - momentum (Polyak 1964): v ← μv + g, θ ← θ − ηv
//! - Nesterov's (1983): v ← μv + g, θ ← θ − η(g + μv)
//! - Adam (Kingma & Ba 2015): m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², θ ← θ − η·m̂/(√v̂ +
//!   ε), with m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ)
//! - AdamW (Loshchilov & Hutter 2019): the same, but the decay is no part of g: θ ← (1 −
//!   ηλ)θ before the step
//!
//! In `f32` for training, in `f64` for recorded runs ([`Trajectory`](super::Trajectory)).

use super::error::ModelError;

/// Which rule turns gradients into steps.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(tag = "name", rename_all = "lowercase")]
pub enum Optimizer {
    /// Plain stochastic gradient descent.
    Sgd,
    /// With a velocity.
    Momentum {
        /// μ, in [0, 1); usually 0.9.
        momentum: f32,
    },
    /// With a velocity that is looked ahead along.
    Nesterov {
        /// μ, in [0, 1); usually 0.9.
        momentum: f32,
    },
    /// With adaptive step sizes.
    Adam {
        /// β₁, in [0, 1); usually 0.9.
        beta1: f32,
        /// β₂, in [0, 1); usually 0.999.
        beta2: f32,
        /// ε > 0; usually 1e-8.
        epsilon: f32,
    },
    /// Adam with a weight decay apart from the gradient.
    AdamW {
        /// β₁, in [0, 1); usually 0.9.
        beta1: f32,
        /// β₂, in [0, 1); usually 0.999.
        beta2: f32,
        /// ε > 0; usually 1e-8.
        epsilon: f32,
    },
}

impl Optimizer {
    /// Momentum with μ = 0.9.
    pub const MOMENTUM: Self = Self::Momentum { momentum: 0.9 };

    /// Nesterov's with μ = 0.9.
    pub const NESTEROV: Self = Self::Nesterov { momentum: 0.9 };

    /// Adam with its authors' settings.
    pub const ADAM: Self = Self::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

    /// AdamW with Adam's usual settings.
    pub const ADAMW: Self = Self::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

    /// Its name on the command line and in files.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sgd => "sgd",
            Self::Momentum { .. } => "momentum",
            Self::Nesterov { .. } => "nesterov",
            Self::Adam { .. } => "adam",
            Self::AdamW { .. } => "adamw",
        }
    }

    /// How many numbers of each moment p parameters have: none, a velocity, or two
    /// moments.
    const fn moments(&self, parameters: usize) -> (usize, usize) {
        match self {
            Self::Sgd => (0, 0),
            Self::Momentum { .. } | Self::Nesterov { .. } => (parameters, 0),
            Self::Adam { .. } | Self::AdamW { .. } => (parameters, parameters),
        }
    }

    /// How many numbers a parameter a step leaves behind: the parameter itself, and the
    /// moments.
    #[must_use]
    pub const fn carried(&self) -> usize {
        let (first, second) = self.moments(1);
        1 + first + second
    }

    pub(super) fn check(&self) -> Result<(), ModelError> {
        let below_one = |what, value: f32| {
            if (0.0..1.0).contains(&value) {
                return Ok(());
            }
            Err(ModelError::Range { what, found: value.into(), expected: "at least 0 and below 1" })
        };
        match *self {
            Self::Sgd => Ok(()),
            Self::Momentum { momentum } | Self::Nesterov { momentum } => below_one("momentum", momentum),
            Self::Adam { beta1, beta2, epsilon } | Self::AdamW { beta1, beta2, epsilon } => {
                below_one("beta1", beta1)?;
                below_one("beta2", beta2)?;
                if epsilon > 0.0 && epsilon.is_finite() {
                    return Ok(());
                }
                Err(ModelError::Range {
                    what: "epsilon",
                    found: epsilon.into(),
                    expected: "a positive number",
                })
            }
        }
    }
}

/// An optimizer at work on one parameter vector.
pub(super) struct Stepper {
    optimizer: Optimizer,
    weight_decay: f32,
    first: Vec<f32>,
    second: Vec<f32>,
    /// β₁ᵗ and β₂ᵗ.
    powers: (f64, f64),
}

impl Stepper {
    pub(super) fn new(optimizer: Optimizer, weight_decay: f32, parameters: usize) -> Self {
        let (first, second) = optimizer.moments(parameters);
        Self {
            optimizer,
            weight_decay,
            first: vec![0.0; first],
            second: vec![0.0; second],
            powers: (1.0, 1.0),
        }
    }

    /// One step on `parameters`, which has `gradient`'s length; `gradient` gets the decay
    /// added.
    pub(super) fn step(&mut self, learning_rate: f32, gradient: &mut [f32], parameters: &mut [f32]) {
        if self.weight_decay != 0.0 {
            if let Optimizer::AdamW { .. } = self.optimizer {
                let kept = 1.0 - learning_rate * self.weight_decay;
                parameters.iter_mut().for_each(|w| *w *= kept);
            } else {
                super::arithmetic::axpy(self.weight_decay, parameters, gradient);
            }
        }
        match self.optimizer {
            Optimizer::Sgd => super::arithmetic::axpy(-learning_rate, gradient, parameters),
            Optimizer::Momentum { momentum } => {
                for ((w, v), &g) in parameters.iter_mut().zip(&mut self.first).zip(&*gradient) {
                    *v = momentum * *v + g;
                    *w -= learning_rate * *v;
                }
            }
            Optimizer::Nesterov { momentum } => {
                for ((w, v), &g) in parameters.iter_mut().zip(&mut self.first).zip(&*gradient) {
                    *v = momentum * *v + g;
                    *w -= learning_rate * (g + momentum * *v);
                }
            }
            Optimizer::Adam { beta1, beta2, epsilon } | Optimizer::AdamW { beta1, beta2, epsilon } => {
                self.powers.0 *= f64::from(beta1);
                self.powers.1 *= f64::from(beta2);
                let rate = (f64::from(learning_rate) / (1.0 - self.powers.0)) as f32;
                let correction = libm::sqrt(1.0 - self.powers.1) as f32;
                let moments = self.first.iter_mut().zip(&mut self.second);
                for ((w, (m, v)), &g) in parameters.iter_mut().zip(moments).zip(&*gradient) {
                    *m = beta1 * *m + (1.0 - beta1) * g;
                    *v = beta2 * *v + (1.0 - beta2) * (g * g);
                    *w -= rate * *m / (v.sqrt() / correction + epsilon);
                }
            }
        }
    }
}

/// The running moments of an optimizer in `f64`: what it remembers between two steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    /// The velocity, or Adam's first moment m; empty for plain SGD.
    pub first: Vec<f64>,
    /// Adam's second moment v; else empty.
    pub second: Vec<f64>,
}

impl Moments {
    /// Those of a fresh optimizer of p parameters: zeros.
    pub(super) fn new(optimizer: &Optimizer, parameters: usize) -> Self {
        let (first, second) = optimizer.moments(parameters);
        Self { first: vec![0.0; first], second: vec![0.0; second] }
    }

    /// Step `number`, from 1, at the learning rate η for the mean gradient `gradient`,
    /// which gets the decay added.
    pub(super) fn step(
        &mut self,
        optimizer: &Optimizer,
        weight_decay: f64,
        (number, learning_rate): (usize, f64),
        gradient: &mut [f64],
        parameters: &mut [f64],
    ) {
        let decoupled = matches!(optimizer, Optimizer::AdamW { .. });
        for (w, g) in parameters.iter_mut().zip(&mut *gradient) {
            if decoupled {
                *w *= 1.0 - learning_rate * weight_decay;
            } else {
                *g += weight_decay * *w;
            }
        }
        match *optimizer {
            Optimizer::Sgd => super::arithmetic::axpy(-learning_rate, gradient, parameters),
            Optimizer::Momentum { momentum } | Optimizer::Nesterov { momentum } => {
                let momentum = f64::from(momentum);
                let ahead = matches!(optimizer, Optimizer::Nesterov { .. });
                for ((w, v), &g) in parameters.iter_mut().zip(&mut self.first).zip(&*gradient) {
                    *v = momentum * *v + g;
                    *w -= learning_rate * if ahead { g + momentum * *v } else { *v };
                }
            }
            Optimizer::Adam { beta1, beta2, epsilon } | Optimizer::AdamW { beta1, beta2, epsilon } => {
                let [beta1, beta2, epsilon] = [beta1, beta2, epsilon].map(f64::from);
                let corrections = [beta1, beta2].map(|beta| 1.0 - libm::pow(beta, number as f64));
                let moments = self.first.iter_mut().zip(&mut self.second);
                for ((w, (m, v)), &g) in parameters.iter_mut().zip(moments).zip(&*gradient) {
                    *m = beta1 * *m + (1.0 - beta1) * g;
                    *v = beta2 * *v + (1.0 - beta2) * (g * g);
                    *w -= learning_rate * (*m / corrections[0]) / ((*v / corrections[1]).sqrt() + epsilon);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two steps from θ = (1, −2) with gradients (0.5, −1) and (0.25, 2) at η = 0.1.
    fn two_steps(optimizer: Optimizer, weight_decay: f32) -> [f32; 2] {
        let mut stepper = Stepper::new(optimizer, weight_decay, 2);
        let mut parameters = [1.0, -2.0];
        stepper.step(0.1, &mut [0.5, -1.0], &mut parameters);
        stepper.step(0.1, &mut [0.25, 2.0], &mut parameters);
        parameters
    }

    /// The same in f64.
    fn two_steps_in_f64(optimizer: Optimizer, weight_decay: f32) -> [f64; 2] {
        let mut moments = Moments::new(&optimizer, 2);
        let mut parameters = [1.0, -2.0];
        let decay = f64::from(weight_decay);
        moments.step(&optimizer, decay, (1, 0.1), &mut [0.5, -1.0], &mut parameters);
        moments.step(&optimizer, decay, (2, 0.1), &mut [0.25, 2.0], &mut parameters);
        parameters
    }

    fn close(found: [f32; 2], expected: [f64; 2]) {
        for (f, e) in found.iter().zip(expected) {
            assert!((f64::from(*f) - e).abs() < 1e-6, "{found:?} {expected:?}");
        }
    }

    #[test]
    fn steps_in_f64_are_those_in_f32_to_its_precision() {
        use Optimizer as O;
        for optimizer in [O::Sgd, O::MOMENTUM, O::NESTEROV, O::ADAM, O::ADAMW] {
            for decay in [0.0, 0.1] {
                close(two_steps(optimizer, decay), two_steps_in_f64(optimizer, decay));
            }
        }
    }

    #[test]
    fn each_optimizer_takes_the_steps_of_its_formula() {
        close(two_steps(Optimizer::Sgd, 0.0), [0.925, -2.1]);
        close(two_steps(Optimizer::Momentum { momentum: 0.9 }, 0.0), [0.88, -2.01]);
        // θ = 1 − 0.1(0.5 + 0.45) − 0.1(0.25 + 0.63) and −2 + 0.1(1 + 0.9) − 0.1(2 +
        // 0.99).
        close(two_steps(Optimizer::NESTEROV, 0.0), [0.817, -2.109]);
        // By hand in f64: m̂/√v̂ is ±1 after the first step; then m̂ =
        // (0.9·0.05+0.1·g)/0.19 and so on.
        let adam = |g1: f64, g2: f64| {
            let m = (0.9 * 0.1 * g1 + 0.1 * g2) / (1.0 - 0.81);
            let v = (0.999 * 0.001 * g1 * g1 + 0.001 * g2 * g2) / (1.0 - 0.998_001);
            0.1 * g1.signum() + 0.1 * m / v.sqrt()
        };
        close(two_steps(Optimizer::ADAM, 0.0), [1.0 - adam(0.5, 0.25), -2.0 - adam(-1.0, 2.0)]);
    }

    #[test]
    fn weight_decay_pulls_every_parameter_towards_zero() {
        // θ₁ = 1 − 0.1(0.5 + 0.1), θ₂ = θ₁ − 0.1(0.25 + 0.1θ₁)
        close(two_steps(Optimizer::Sgd, 0.1), [0.9056, -2.0612]);
    }

    #[test]
    fn the_decay_of_adamw_is_no_part_of_the_gradient() {
        // Steps of Adam without decay: 0.1·m̂/√v̂, from parameters a hundredth smaller.
        let [first, second] = [[1.0, -2.0], two_steps_in_f64(Optimizer::ADAM, 0.0)];
        let steps: Vec<f64> = first.iter().zip(second).map(|(w, after)| w - after).collect();
        let one = [0.1, -0.1];
        let expected = [0, 1].map(|i| (first[i] * 0.99 - one[i]) * 0.99 - (steps[i] - one[i]));
        close(two_steps(Optimizer::ADAMW, 0.1), expected);
    }

    #[test]
    fn settings_outside_their_range_are_refused() {
        assert!(Optimizer::Momentum { momentum: 1.0 }.check().is_err());
        assert!(Optimizer::Adam { beta1: 0.9, beta2: f32::NAN, epsilon: 1e-8 }.check().is_err());
        assert!(Optimizer::Adam { beta1: 0.9, beta2: 0.9, epsilon: 0.0 }.check().is_err());
        assert!(Optimizer::ADAM.check().is_ok());
    }
}
