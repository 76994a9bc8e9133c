//! Claims about Adam's slopes: the step that they make up, Shapley values by all orders,
//! and what is refused.

use crate::source::{normal, uniform};
use gradsieve::Error;
use gradsieve::influence::{AdamSlopes, AdamStep};
use proptest::prelude::*;

/// How far Adam moves a parameter against the gradient x, in f64.
fn moved(adam: &AdamSlopes, x: f64, m: f64, v: f64) -> f64 {
    let [one, two] = [adam.beta1, adam.beta2].map(|beta| 1.0 - beta.powi(adam.number as i32));
    let m = (adam.beta1 * m + (1.0 - adam.beta1) * x) / one;
    let v = (adam.beta2 * v + (1.0 - adam.beta2) * x * x) / two;
    adam.learning_rate * m / (v.sqrt() + adam.epsilon)
}

/// The slope of one parameter.
fn slope(adam: &AdamSlopes, (x, variance): (f64, f64), m: f64, v: f64) -> f64 {
    let mut target = [1.0];
    let [mean, variance, first, second] = [x, variance, m, v].map(|x| [x as f32]);
    let step = AdamStep { mean: &mean, variance: &variance, first: &first, second: &second };
    adam.precondition(&step, &mut target).unwrap();
    f64::from(target[0])
}

/// Mean and variance of the mean.
fn mean_of(gradients: &[f64]) -> (f64, f64) {
    let b = gradients.len() as f64;
    let mean = gradients.iter().sum::<f64>() / b;
    (mean, gradients.iter().map(|g| (g - mean) * (g - mean)).sum::<f64>() / (b * (b - 1.0)))
}

/// The values of six samples by all 720 orders.
fn by_orders(adam: &AdamSlopes, gradients: &[f64; 6], m: f64, v: f64) -> [f64; 6] {
    fn go(at: usize, order: &mut [usize; 6], act: &mut impl FnMut(&[usize; 6])) {
        if at == 6 {
            return act(order);
        }
        for other in at..6 {
            order.swap(at, other);
            go(at + 1, order, act);
            order.swap(at, other);
        }
    }
    let mut values = [0.0; 6];
    go(0, &mut [0, 1, 2, 3, 4, 5], &mut |order| {
        let mut x = 0.0;
        for &z in order {
            let before = moved(adam, x, m, v);
            x += gradients[z] / 6.0;
            values[z] += (moved(adam, x, m, v) - before) / 720.0;
        }
    });
    values
}

/// The error of slopes times gradients, of the values.
fn error(adam: &AdamSlopes, gradients: &[f64; 6], batch: (f64, f64), m: f64, v: f64) -> f64 {
    let values = by_orders(adam, gradients, m, v);
    let slope = slope(adam, batch, m, v);
    let wrong: f64 = gradients.iter().zip(values).map(|(g, value)| (slope * g / 6.0 - value).powi(2)).sum();
    (wrong / values.iter().map(|value| value * value).sum::<f64>()).sqrt()
}

proptest! {
    #[test]
    fn the_slope_of_samples_that_agree_makes_up_the_step(
        seed: u64, number in 2_u64..5000, size in -3.0..0.3_f64, beta1 in 0.0..0.99_f64, beta2 in 0.99..0.9999_f64,
    ) {
        let adam = AdamSlopes { number, beta1, beta2, ..AdamSlopes::new(0.01) };
        let f32ed = |x: f64| f64::from(x as f32);
        let v = f32ed(0.01 + uniform(seed, 1));
        let x = f32ed(10.0_f64.powf(size) * v.sqrt());
        let m = f32ed(v.sqrt() * normal(seed, 2));
        let added = moved(&adam, x, m, v) - moved(&adam, 0.0, m, v);
        let found = x * slope(&adam, (x, 0.0), m, v);
        let rounding = 1e-6 * x * slope(&adam, (0.0, 0.0), 0.0, v).abs();
        prop_assert!((found - added).abs() <= 1e-5 * added.abs() + rounding, "{} {}", found, added);
    }

    #[test]
    fn slopes_times_gradients_are_shapley_values_by_all_orders(seed: u64, number in 2_u64..1000) {
        let adam = AdamSlopes { number, ..AdamSlopes::new(0.01) };
        let gradients = std::array::from_fn(|z| f64::from(normal(seed, z as u64) as f32));
        let error = error(&adam, &gradients, mean_of(&gradients), normal(seed, 7), 2.0);
        prop_assert!(error < 1e-2, "{}", error);
    }
}

#[test]
fn where_a_step_is_bent_it_matters_how_the_batch_scatters() {
    let adam = AdamSlopes { number: 5, ..AdamSlopes::new(0.01) };
    let errors = |scatter: f64| {
        let of = |seed: u64| {
            let gradients = std::array::from_fn(|z| f64::from(normal(seed, z as u64) as f32));
            let (mean, variance) = mean_of(&gradients);
            error(&adam, &gradients, (mean, scatter * variance), 0.01 * normal(seed, 7), 1e-4)
        };
        (0..20).map(of).sum::<f64>() / 20.0
    };
    let (with, without) = (errors(1.0), errors(0.0));
    assert!(with < 0.08 && with < 0.8 * without, "{with} {without}");
}

#[test]
fn where_no_gradient_ever_came_the_slope_is_that_of_the_first() {
    let adam = AdamSlopes { number: 3, ..AdamSlopes::new(0.001) };
    // η(1 − β₁)/bc₁/ε: nothing holds the first gradient back but ε.
    let expected = 0.001 * 0.1 / (1.0 - 0.9_f64.powi(3)) / 1e-8;
    assert!((slope(&adam, (0.0, 0.0), 0.0, 0.0) / expected - 1.0).abs() < 1e-6);
}

#[test]
fn what_does_not_fit_is_refused() {
    let adam = AdamSlopes::new(0.001);
    let good = AdamStep { mean: &[0.1], variance: &[0.1], first: &[0.1], second: &[0.1] };
    assert_eq!(adam.precondition(&good, &mut [1.0]), Ok(()));
    for (adam, name) in [
        (AdamSlopes { beta1: 1.0, ..adam }, "beta1"),
        (AdamSlopes { beta2: -0.1, ..adam }, "beta2"),
        (AdamSlopes { epsilon: 0.0, ..adam }, "epsilon"),
        (AdamSlopes { learning_rate: f64::NAN, ..adam }, "learning_rate"),
        (AdamSlopes { number: 0, ..adam }, "number"),
    ] {
        let refused = adam.precondition(&good, &mut [1.0]);
        assert!(matches!(refused, Err(Error::Setting { name: found, .. }) if found == name), "{refused:?}");
    }
    for (step, name) in [
        (AdamStep { variance: &[-0.1], ..good }, "variance"),
        (AdamStep { second: &[-0.1], ..good }, "second"),
    ] {
        let refused = adam.precondition(&step, &mut [1.0]);
        assert!(matches!(refused, Err(Error::Setting { name: found, .. }) if found == name), "{refused:?}");
    }
    let nan = AdamStep { first: &[f32::NAN], ..good };
    assert_eq!(adam.precondition(&nan, &mut [1.0]), Err(Error::NonFinite));
    assert_eq!(adam.precondition(&good, &mut [1.0; 2]), Err(Error::Length { expected: 2, found: 1 }));
    let none = AdamStep { mean: &[0.0], variance: &[0.0], first: &[0.0], second: &[0.0] };
    assert!(matches!(adam.precondition(&none, &mut [3e38]), Err(Error::Range { .. })));
}
