//! Softmax cross-entropy of one sample, ℓ = ln Σ_c e^{z_c} − z_y, and its derivative
//! ∂ℓ/∂z = p − 1_y.
//!
//! In f64 from f32 logits. With m the largest logit, ℓ = (m − z_y) + ln(1 + Σ_{c≠argmax}
//! e^{z_c−m}) by `log1p`, and p_y − 1 = −Σ_{c≠y} p_c: nothing overflows, and a sample
//! that the model fits well keeps the leading digits of its tiny loss and gradient, where
//! 1 − p would round to 0. (Well fitted samples would otherwise tie, and every ranking by
//! loss or gradient would suffer.)

/// The loss of `logits` for `label`; `delta` becomes ∂ℓ/∂z. NaN in, NaN out. Lengths
/// agree and the label is below them.
pub(super) fn cross_entropy(logits: &[f32], label: usize, delta: &mut [f32]) -> f64 {
    let best = largest(logits);
    let top = f64::from(logits[best]);
    let exponential = |z: f32| libm::exp(f64::from(z) - top);
    let mut others = 0.0; // Σ over c ≠ best
    let mut wrong = 0.0; // Σ over c ≠ label
    for (c, &z) in logits.iter().enumerate() {
        let e = exponential(z);
        if c != best {
            others += e;
        }
        if c != label {
            wrong += e;
            // One f32 holds it until the sum is known; its rounding is part of the
            // result's.
            delta[c] = e as f32;
        }
    }
    let total = 1.0 + others;
    for (c, d) in delta.iter_mut().enumerate() {
        *d = if c == label { (-wrong / total) as f32 } else { (f64::from(*d) / total) as f32 };
    }
    (top - f64::from(logits[label])) + libm::log1p(others)
}

/// The same of f64 logits, where ℓ = −ln(1 − Σ_{c≠y} p_c) keeps its digits for a sample
/// that the model fits well.
pub(super) fn cross_entropy_in_f64(logits: &[f64], label: usize, delta: &mut [f64]) -> f64 {
    let (top, total) = softmax(logits, delta);
    // 1 − p_y as the sum of the others keeps its digits where p_y is close to 1.
    let others: f64 = delta.iter().enumerate().filter(|(c, _)| *c != label).map(|(_, p)| p).sum();
    delta[label] = -others;
    if others < 0.5 { -libm::log1p(-others) } else { top + libm::log(total) - logits[label] }
}

/// The probabilities p of all classes. Returns the largest logit m and Σ e^{z_c−m}.
pub(super) fn softmax(logits: &[f64], probabilities: &mut [f64]) -> (f64, f64) {
    let top = logits.iter().fold(f64::NEG_INFINITY, |top, &z| top.max(z));
    for (p, z) in probabilities.iter_mut().zip(logits) {
        *p = libm::exp(z - top);
    }
    let total: f64 = probabilities.iter().sum();
    probabilities.iter_mut().for_each(|p| *p /= total);
    (top, total)
}

/// The index of the largest logit, the lowest of equals; NaN never wins, and 0 when all
/// are NaN.
pub(super) fn largest<T: Copy + PartialOrd>(logits: &[T]) -> usize {
    let is_nan = |z: T| z.partial_cmp(&z).is_none();
    let mut best = 0;
    for (c, &z) in logits.iter().enumerate() {
        if z > logits[best] || (is_nan(logits[best]) && !is_nan(z)) {
            best = c;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saturated_loss_and_its_derivative_are_finite_and_keep_their_digits() {
        let mut delta = [0.0; 2];
        let right = cross_entropy(&[40.0, 0.0], 0, &mut delta);
        let tiny = (-40.0f64).exp();
        assert!((right / tiny - 1.0).abs() < 1e-12);
        assert!((f64::from(delta[1]) / tiny - 1.0).abs() < 1e-6);
        assert_eq!(delta[0], -delta[1]);
        let wrong = cross_entropy(&[3e38, -3e38], 1, &mut delta);
        assert!((wrong / 6e38 - 1.0).abs() < 1e-6);
        assert_eq!(delta, [1.0, -1.0]);
    }

    #[test]
    fn equal_logits_give_the_logarithm_of_the_number_of_classes() {
        let mut delta = [0.0; 4];
        let loss = cross_entropy(&[2.0; 4], 1, &mut delta);
        assert!((loss - 4.0f64.ln()).abs() < 1e-15);
        assert_eq!(delta, [0.25, -0.75, 0.25, 0.25]);
    }

    #[test]
    fn a_logit_that_is_not_finite_is_seen_in_the_loss() {
        let mut delta = [0.0; 2];
        assert!(cross_entropy(&[f32::NAN, 0.0], 0, &mut delta).is_nan());
        assert!(cross_entropy(&[f32::NAN, 0.0], 1, &mut delta).is_nan());
        assert!(cross_entropy(&[f32::INFINITY, 0.0], 0, &mut delta).is_nan());
        assert_eq!(cross_entropy(&[f32::INFINITY, 0.0], 1, &mut delta), f64::INFINITY);
        assert!(delta[0].is_nan());
    }
}
