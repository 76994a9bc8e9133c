//! Claims about the fit of a form to a run: by real runs of a quadratic loss in f64.

use crate::source::normals;
use gradsieve::influence::{Fit, SgdForm, StepProducts, StepVectors};
use gradsieve::{Error, Key, Layout, Rademacher};

const WIDTH: usize = 400;
const STEPS: usize = 12;

/// θ, ḡ and the rate of each step, and θ at the end.
struct Run {
    parameters: Vec<Vec<f64>>,
    gradients: Vec<Vec<f64>>,
    rates: Vec<f64>,
}

/// A run on ½ Σ h_i (θ_i − a_i)², with a sample's noise in each step's gradient.
fn run(mut step: impl FnMut(usize, f64, &[f64], &mut [f64])) -> Run {
    let numbers = |seed: u64| -> Vec<f64> { normals(seed, WIDTH).iter().map(|&x| f64::from(x)).collect() };
    let (curvature, goal) = (numbers(1), numbers(2));
    let mut theta = numbers(3);
    let mut run = Run { parameters: Vec::new(), gradients: Vec::new(), rates: Vec::new() };
    for t in 0..STEPS {
        let noise = numbers(10 + t as u64);
        let gradient: Vec<f64> =
            (0..WIDTH).map(|i| curvature[i].abs() * (theta[i] - goal[i]) + noise[i]).collect();
        // The rate falls, so that the velocity's unit changes.
        let rate = 0.05 / (1.0 + t as f64 / 6.0);
        run.parameters.push(theta.clone());
        step(t, rate, &gradient, &mut theta);
        run.gradients.push(gradient);
        run.rates.push(rate);
    }
    run.parameters.push(theta);
    run
}

/// PyTorch's SGD.
fn by_sgd(form: SgdForm) -> Run {
    let mut velocity = vec![0.0; WIDTH];
    run(|_, rate, gradient, theta| {
        for i in 0..WIDTH {
            let g = gradient[i] + form.weight_decay * theta[i];
            velocity[i] = form.momentum * velocity[i] + form.gain * g;
            theta[i] -= rate * if form.nesterov { g + form.momentum * velocity[i] } else { velocity[i] };
        }
    })
}

fn by_adam() -> Run {
    let (mut first, mut second) = (vec![0.0; WIDTH], vec![0.0; WIDTH]);
    run(|t, rate, gradient, theta| {
        let corrections = [0.9_f64, 0.999].map(|beta| 1.0 - beta.powi(t as i32 + 1));
        for i in 0..WIDTH {
            first[i] = 0.9 * first[i] + 0.1 * gradient[i];
            second[i] = 0.999 * second[i] + 0.001 * gradient[i] * gradient[i];
            theta[i] -= rate * first[i] / corrections[0] / ((second[i] / corrections[1]).sqrt() + 1e-8);
        }
    })
}

fn narrow(numbers: &[f64]) -> Vec<f32> {
    numbers.iter().map(|&x| x as f32).collect()
}

fn change(run: &Run, t: usize) -> Vec<f32> {
    run.parameters[t + 1]
        .iter()
        .zip(&run.parameters[t])
        .map(|(after, before)| (after - before) as f32)
        .collect()
}

/// The residual of a form over the steps from `from` on, of vectors as `of` makes them.
fn residual_of(run: &Run, form: SgdForm, from: usize, of: &dyn Fn(Vec<f32>) -> Vec<f32>) -> f64 {
    let mut fit = Fit::new();
    for t in from..STEPS {
        let vectors = [change(run, t), narrow(&run.gradients[t]), narrow(&run.parameters[t])].map(of);
        let before = (t > 0).then(|| [change(run, t - 1), narrow(&run.gradients[t - 1])].map(of));
        let of_before = |i: usize| before.as_ref().map_or(&[][..], |before| &before[i]);
        let vectors = StepVectors {
            change: &vectors[0],
            gradient: &vectors[1],
            change_before: of_before(0),
            gradient_before: of_before(1),
            parameters: &vectors[2],
        };
        let products = StepProducts::of(&vectors).unwrap();
        assert_eq!(products.is_first(), t == 0);
        let rate_before = (t > 0).then(|| run.rates[t - 1]);
        fit.observe_products(&form, run.rates[t], rate_before, &products).unwrap();
    }
    assert_eq!(fit.steps(), (STEPS - from) as u64);
    fit.residual().unwrap()
}

fn residual(run: &Run, form: SgdForm) -> f64 {
    residual_of(run, form, 0, &|vector| vector)
}

fn forms() -> [SgdForm; 6] {
    let plain = SgdForm::default();
    let momentum = SgdForm { momentum: 0.9, ..plain };
    let nesterov = SgdForm { nesterov: true, ..momentum };
    let decayed = |form| SgdForm { weight_decay: 0.3, ..form };
    [plain, decayed(plain), momentum, decayed(SgdForm { gain: 0.5, ..momentum }), nesterov, decayed(nesterov)]
}

#[test]
fn a_run_fits_its_own_form_and_no_other() {
    for (i, own) in forms().into_iter().enumerate() {
        let run = by_sgd(own);
        for (j, form) in forms().into_iter().enumerate() {
            let residual = residual(&run, form);
            if i == j {
                assert!(residual < 1e-5, "{own:?}: {residual}");
            } else {
                assert!(residual > 0.05, "{own:?} by {form:?}: {residual}");
            }
        }
    }
}

#[test]
fn steps_of_momentum_and_of_adam_are_far_from_plain_sgds() {
    let momentum = residual(&by_sgd(forms()[2]), SgdForm::default());
    let adam = residual(&by_adam(), SgdForm::default());
    assert!(momentum > 0.5 && adam > 0.5, "{momentum} {adam}");
}

#[test]
fn a_run_that_is_seen_from_its_middle_is_judged_without_its_velocity() {
    for own in forms() {
        let residual = residual_of(&by_sgd(own), own, 5, &|vector| vector);
        assert!(residual < 1e-5, "{own:?}: {residual}");
    }
}

#[test]
fn sketches_say_nearly_the_same_as_parameters() {
    let id = Layout::flat(WIDTH as u64).unwrap();
    let projector = Rademacher::new(128, Key::seed(7)).unwrap();
    let sketch = |vector: Vec<f32>| {
        let mut sketcher = gradsieve::Sketcher::new(projector, id, vec![0.0; 128]).unwrap();
        sketcher.segment(0, &vector).unwrap();
        sketcher.finish().unwrap().values.to_vec()
    };
    let run = by_sgd(forms()[3]);
    assert!(residual_of(&run, forms()[3], 0, &sketch) < 1e-5);
    let (whole, sketched) =
        (residual(&run, SgdForm::default()), residual_of(&run, SgdForm::default(), 0, &sketch));
    assert!((sketched / whole - 1.0).abs() < 0.2, "{whole} {sketched}");
}

#[test]
fn what_a_form_expects_may_come_as_it_is() {
    let mut fit = Fit::new();
    assert_eq!(fit.residual(), None);
    fit.observe(&[0.0, 0.0], &[0.0, 0.0]).unwrap();
    assert_eq!(fit.residual(), None);
    fit.observe(&[3.0, 4.0], &[3.0, 3.0]).unwrap();
    assert_eq!(fit.residual(), Some(0.2));
    let mut both = Fit::new();
    both.observe(&[0.0, 5.0], &[0.0, 5.0]).unwrap();
    both.merge(&fit).unwrap();
    assert_eq!((both.steps(), both.residual()), (3, Some((1.0_f64 / 50.0).sqrt())));
}

#[test]
fn a_step_behind_one_of_rate_zero_says_nothing_with_momentum() {
    let products = StepProducts::of(&StepVectors { change: &[1.0], ..StepVectors::default() }).unwrap();
    let mut fit = Fit::new();
    fit.observe_products(&forms()[2], 0.1, Some(0.0), &products).unwrap();
    assert_eq!(fit.steps(), 0);
    fit.observe_products(&forms()[0], 0.1, Some(0.0), &products).unwrap();
    assert_eq!(fit.steps(), 1);
}

#[test]
fn what_is_no_step_is_refused_and_changes_nothing() {
    let mut fit = Fit::new();
    assert_eq!(fit.observe(&[1.0], &[]), Err(Error::Length { expected: 1, found: 0 }));
    assert_eq!(fit.observe(&[f32::NAN], &[1.0]), Err(Error::NonFinite));
    assert_eq!(
        fit.observe(&[f32::MAX], &[f32::INFINITY]),
        Err(Error::Range { what: "a step's distance from its form" })
    );
    let vectors = StepVectors { change: &[1.0], gradient: &[1.0, 2.0], ..StepVectors::default() };
    assert_eq!(StepProducts::of(&vectors), Err(Error::Length { expected: 2, found: 1 }));
    let one = StepProducts::of(&StepVectors { change: &[1.0], ..StepVectors::default() }).unwrap();
    let wrong = [
        (SgdForm { momentum: 1.0, ..SgdForm::default() }, 0.1, "momentum"),
        (SgdForm { gain: 0.0, ..SgdForm::default() }, 0.1, "gain"),
        (SgdForm { gain: 0.5, nesterov: true, ..SgdForm::default() }, 0.1, "gain"),
        (SgdForm { weight_decay: -1.0, ..SgdForm::default() }, 0.1, "weight_decay"),
        (SgdForm::default(), f64::NAN, "learning_rate"),
    ];
    for (form, rate, setting) in wrong {
        let found = fit.observe_products(&form, rate, None, &one);
        assert!(matches!(found, Err(Error::Setting { name, .. }) if name == setting), "{found:?}");
    }
    let mut entries = [[0.0; 5]; 5];
    entries[0][1] = 1.0;
    assert!(matches!(StepProducts::new(entries), Err(Error::Setting { name: "products", .. })));
    entries[0] = [-1.0, 0.0, 0.0, 0.0, 0.0];
    assert!(matches!(StepProducts::new(entries), Err(Error::Setting { name: "products", .. })));
    entries[0] = [f64::NAN, 0.0, 0.0, 0.0, 0.0];
    assert_eq!(StepProducts::new(entries), Err(Error::NonFinite));
    assert_eq!(fit, Fit::new());
}
