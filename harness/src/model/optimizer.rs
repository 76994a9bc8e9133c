//! Optimizers over the flat parameter vector, with g the gradient of the mean loss of a
//! mini-batch plus weight decay λθ (all parameters, biases too, as PyTorch's
//! `torch.optim` does it):
//!
//! - SGD: θ ← θ − ηg
//! - momentum (Polyak 1964): v ← μv + g, θ ← θ − ηv
//! - Adam (Kingma & Ba 2015): m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², θ ← θ − η·m̂/(√v̂ +
//!   ε), with m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ)

use super::error::ModelError;

/// Which rule turns gradients into steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimizer {
    /// Plain stochastic gradient descent.
    Sgd,
    /// With a velocity.
    Momentum {
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
}

impl Optimizer {
    /// Momentum with μ = 0.9.
    pub const MOMENTUM: Self = Self::Momentum { momentum: 0.9 };

    /// Adam with its authors' settings.
    pub const ADAM: Self = Self::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

    pub(super) fn check(&self) -> Result<(), ModelError> {
        let below_one = |what, value: f32| {
            if (0.0..1.0).contains(&value) {
                return Ok(());
            }
            Err(ModelError::Range { what, found: value.into(), expected: "at least 0 and below 1" })
        };
        match *self {
            Self::Sgd => Ok(()),
            Self::Momentum { momentum } => below_one("momentum", momentum),
            Self::Adam { beta1, beta2, epsilon } => {
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
        let (first, second) = match optimizer {
            Optimizer::Sgd => (0, 0),
            Optimizer::Momentum { .. } => (parameters, 0),
            Optimizer::Adam { .. } => (parameters, parameters),
        };
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
            super::arithmetic::axpy(self.weight_decay, parameters, gradient);
        }
        match self.optimizer {
            Optimizer::Sgd => super::arithmetic::axpy(-learning_rate, gradient, parameters),
            Optimizer::Momentum { momentum } => {
                for ((w, v), &g) in parameters.iter_mut().zip(&mut self.first).zip(&*gradient) {
                    *v = momentum * *v + g;
                    *w -= learning_rate * *v;
                }
            }
            Optimizer::Adam { beta1, beta2, epsilon } => {
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

    fn close(found: [f32; 2], expected: [f64; 2]) {
        for (f, e) in found.iter().zip(expected) {
            assert!((f64::from(*f) - e).abs() < 1e-6, "{found:?} {expected:?}");
        }
    }

    #[test]
    fn each_optimizer_takes_the_steps_of_its_formula() {
        close(two_steps(Optimizer::Sgd, 0.0), [0.925, -2.1]);
        close(two_steps(Optimizer::Momentum { momentum: 0.9 }, 0.0), [0.88, -2.01]);
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
    fn settings_outside_their_range_are_refused() {
        assert!(Optimizer::Momentum { momentum: 1.0 }.check().is_err());
        assert!(Optimizer::Adam { beta1: 0.9, beta2: f32::NAN, epsilon: 1e-8 }.check().is_err());
        assert!(Optimizer::Adam { beta1: 0.9, beta2: 0.9, epsilon: 0.0 }.check().is_err());
        assert!(Optimizer::ADAM.check().is_ok());
    }
}
