//! Claims about AdamW's adjoint: derivatives of a run by a sample's weight, the adjoint
//! of momentum where second moments are constant, and what is refused.

use crate::source::normals;
use gradsieve::influence::dvemb::{
    AdamwAdjoint, AdamwSettings, AdamwStep, Blocks, Curvature, MomentumAdjoint, MomentumSettings,
    MomentumStep, Step,
};
use gradsieve::{Error, Exact, Field, Key, Layout, Projector, Repeat, Sjlt, SketchId};
use nalgebra::DVector;
use proptest::prelude::*;

const BATCH: usize = 4;
const TARGETS: usize = 2;

fn id(width: usize) -> SketchId {
    Exact::new(width).id(Layout::flat(width as u64).unwrap().id())
}

/// Least squares: ℓ = ½(x·θ − y)², g = (x·θ − y)x, and H = xxᵀ exactly, so that the run's
/// derivatives are those of the adjoint.
struct LeastSquares {
    width: usize,
    steps: usize,
    rate: f64,
    settings: AdamwSettings,
    inputs: Vec<DVector<f64>>,
    outputs: Vec<f64>,
}

/// A step as it was seen: m and v after it, and the samples' gradients.
type Seen = (DVector<f64>, DVector<f64>, Vec<DVector<f64>>);

impl LeastSquares {
    fn new(seed: u64, width: usize, steps: usize, rate: f64, settings: AdamwSettings) -> Self {
        let samples = 17;
        let f64s = |seed, len| normals(seed, len).into_iter().map(f64::from);
        let inputs =
            (0..samples).map(|z| DVector::from_iterator(width, f64s(seed ^ (z << 8), width))).collect();
        Self { width, steps, rate, settings, inputs, outputs: f64s(!seed, 17).map(|y| 3.0 * y).collect() }
    }

    fn batch(&self, s: usize) -> impl Iterator<Item = usize> + use<> {
        (0..BATCH).map(move |b| (5 * s + 3 * b) % 17)
    }

    fn gradient(&self, theta: &DVector<f64>, z: usize) -> DVector<f64> {
        (self.inputs[z].dot(theta) - self.outputs[z]) * &self.inputs[z]
    }

    /// The run with the gradient of sample `z` in step `s` times a weight, for each (s,
    /// z, weight).
    fn train(&self, changed: Option<(usize, usize, f64)>) -> (DVector<f64>, Vec<Seen>) {
        let AdamwSettings { beta1, beta2, epsilon, weight_decay, .. } = self.settings;
        let mut theta = DVector::from_element(self.width, 0.5);
        let (mut m, mut v) = (DVector::zeros(self.width), DVector::zeros(self.width));
        let mut seen = Vec::new();
        for s in 0..self.steps {
            let gradients: Vec<_> = self.batch(s).map(|z| self.gradient(&theta, z)).collect();
            let mut mean = DVector::zeros(self.width);
            for (z, gradient) in self.batch(s).zip(&gradients) {
                let weight =
                    changed.map_or(1.0, |(t, y, weight)| if (t, y) == (s, z) { weight } else { 1.0 });
                mean += weight / BATCH as f64 * gradient;
            }
            m = beta1 * m + (1.0 - beta1) * &mean;
            v = beta2 * v + (1.0 - beta2) * mean.component_mul(&mean);
            let [one, two] = [beta1, beta2].map(|beta| 1.0 - beta.powi(s as i32 + 1));
            let step = m.zip_map(&v, |m, v| m / one / ((v / two).sqrt() + epsilon));
            theta = (1.0 - self.rate * weight_decay) * theta - self.rate * step;
            seen.push((m.clone(), v.clone(), gradients));
        }
        (theta, seen)
    }
}

fn narrow(rows: &[DVector<f64>]) -> Vec<f32> {
    rows.iter().flat_map(|row| row.iter().map(|&x| x as f32)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_score_is_minus_the_derivative_of_the_run_by_the_samples_weight(
        seed: u64, width in 1_usize..8, steps in 1_usize..12, beta1 in 0.0..0.95_f64, beta2 in 0.5..0.999_f64,
        weight_decay in 0.0..0.5_f64, rate in 0.001..0.05_f64,
    ) {
        // A large ε, so that a tiny gradient leaves the difference quotient right.
        let settings =
            AdamwSettings { beta1, beta2, epsilon: 0.01, weight_decay, ..AdamwSettings::new(width, TARGETS, BATCH) };
        let run = LeastSquares::new(seed, width, steps, rate, settings);
        let (theta, seen) = run.train(None);
        let targets: Vec<_> = (0..TARGETS).map(|z| run.gradient(&theta, z)).collect();
        let memory = settings.memory();
        let (floats, doubles) = (vec![f32::NAN; memory.f32s], vec![f64::NAN; memory.f64s]);
        let mut adjoint = AdamwAdjoint::new(settings, id(width), &narrow(&targets), floats, doubles).unwrap();
        for s in (0..steps).rev() {
            let factors: Vec<_> = run.batch(s).map(|z| run.inputs[z].clone()).collect();
            let (m, v, gradients) = &seen[s];
            let (gradients, factors) = (narrow(gradients), narrow(&factors));
            let curvature = Curvature::Factors(&factors);
            let learning_rate = (rate / BATCH as f64) as f32;
            let step = AdamwStep {
                step: Step { id: id(width), learning_rate, gradients: &gradients, curvature },
                divisor: BATCH as f32,
                number: s as u64 + 1,
                first: &narrow(std::slice::from_ref(m)),
                second: &narrow(std::slice::from_ref(v)),
            };
            let mut scores = [f32::NAN; TARGETS * BATCH];
            adjoint.step(&step, &mut scores).unwrap();
            for (z, scores) in run.batch(s).zip(scores.chunks_exact(TARGETS)) {
                let end = |weight| run.train(Some((s, z, weight))).0;
                let change = (end(1.0 - 1e-5) - end(1.0 + 1e-5)) / 2e-5;
                for (found, target) in scores.iter().zip(&targets) {
                    let exact = target.dot(&change);
                    let scale = target.norm() * (change.norm() + rate);
                    prop_assert!((f64::from(*found) - exact).abs() < 2e-4 * scale, "{} {} {}", s, found, exact);
                }
            }
        }
    }

    /// Beside a huge ε v does not count, and AdamW is a momentum.
    #[test]
    fn where_second_moments_do_not_count_it_is_the_adjoint_of_momentum(seed: u64, width in 1_usize..20, steps in 1_usize..9) {
        let epsilon = 1e6;
        let settings = AdamwSettings { epsilon, weight_decay: 0.1, ..AdamwSettings::new(width, TARGETS, 6) };
        let (ends, targets) = ([width], normals(!seed, TARGETS * width));
        let memory = settings.memory();
        let (floats, doubles) = (vec![0.0; memory.f32s], vec![0.0; memory.f64s]);
        let mut adjoint = AdamwAdjoint::new(settings, id(width), &targets, floats, doubles).unwrap();
        let settings = MomentumSettings {
            momentum: 0.9,
            gain: 0.1,
            ..MomentumSettings::new(Blocks::new(&ends).unwrap(), TARGETS, 6)
        };
        let mut momentum = MomentumAdjoint::new(settings, id(width), &targets, vec![0.0; settings.memory().f32s]).unwrap();
        for number in (1..=steps as u64).rev() {
            let gradients = normals(seed ^ number, BATCH * width);
            let factors: Vec<f32> = normals(seed ^ (number << 20), 6 * width).iter().map(|x| x / width as f32).collect();
            let learning_rate = 0.01 / BATCH as f32;
            let step = Step { id: id(width), learning_rate, gradients: &gradients, curvature: Curvature::Factors(&factors) };
            let (first, second) = (vec![1.0; width], vec![1.0; width]);
            let taken = AdamwStep { step, divisor: BATCH as f32, number, first: &first, second: &second };
            let mut scores = [[f32::NAN; TARGETS * BATCH]; 2];
            adjoint.step(&taken, &mut scores[0]).unwrap();
            let corrected = 1.0 - 0.9_f64.powi(number as i32);
            let root = (1.0 / (1.0 - 0.999_f64.powi(number as i32))).sqrt();
            let times = (1.0 / (corrected * (epsilon + root))) as f32;
            let decay = step.learning_rate * BATCH as f32 * 0.1;
            let step = Step { learning_rate: times * step.learning_rate, ..step };
            momentum.step(&MomentumStep { decay, ..MomentumStep::new(step) }, &mut scores[1]).unwrap();
            let most = scores[1].iter().fold(0.0_f32, |most, x| most.max(x.abs()));
            for (found, expected) in scores[0].iter().zip(&scores[1]) {
                prop_assert!((found - expected).abs() <= 1e-4 * most, "{} {}", found, expected);
            }
        }
    }
}

fn state(settings: AdamwSettings) -> Result<AdamwAdjoint<Vec<f32>, Vec<f64>>, Error> {
    let (floats, doubles) = (vec![0.0; settings.memory().f32s], vec![0.0; settings.memory().f64s]);
    AdamwAdjoint::new(settings, id(3), &[1.0; 3], floats, doubles)
}

#[test]
fn settings_and_sketches_that_do_not_fit_are_refused() {
    let good = AdamwSettings::new(3, 1, 2);
    assert!(state(good).is_ok());
    for settings in [
        AdamwSettings { beta1: 1.0, ..good },
        AdamwSettings { beta2: f64::NAN, ..good },
        AdamwSettings { epsilon: -1e-8, ..good },
        AdamwSettings { weight_decay: f64::INFINITY, ..good },
    ] {
        assert!(matches!(state(settings), Err(Error::Setting { .. })), "{settings:?}");
    }
    assert!(matches!(state(AdamwSettings { targets: 2, ..good }), Err(Error::Length { .. })));
    let short = AdamwAdjoint::new(good, id(3), &[1.0; 3], vec![0.0; 1], vec![0.0; good.memory().f64s]);
    assert!(matches!(short, Err(Error::Length { .. })));
    let sjlt = Sjlt::new(32, Key::seed(1), Repeat::One).unwrap().id(Layout::flat(100).unwrap().id());
    let wide = AdamwSettings::new(32, 1, 2);
    let (floats, doubles) = (vec![0.0; wide.memory().f32s], vec![0.0; wide.memory().f64s]);
    let sketched = AdamwAdjoint::new(wide, sjlt, &[1.0; 32], floats, doubles);
    assert_eq!(sketched.unwrap_err(), Error::Mismatch(Field::Kind));
}

#[test]
fn steps_that_do_not_fit_are_refused_and_nothing_is_taken_in() {
    let mut adjoint = state(AdamwSettings { epsilon: 0.0, ..AdamwSettings::new(3, 1, 2) }).unwrap();
    let step =
        Step { id: id(3), learning_rate: 0.1, gradients: &[0.5; 3], curvature: Curvature::EmpiricalFisher };
    let good = AdamwStep { step, divisor: 1.0, number: 4, first: &[0.1; 3], second: &[0.01; 3] };
    adjoint.step(&good, &mut [0.0]).unwrap();
    let targets = adjoint.targets().to_vec();
    for (step, error) in [
        (AdamwStep { divisor: -1.0, ..good }, "divisor"),
        (AdamwStep { number: 0, ..good }, "number"),
        (AdamwStep { second: &[0.01, -0.01, 0.01], ..good }, "second"),
        (AdamwStep { step: Step { learning_rate: f32::NAN, ..step }, ..good }, "learning_rate"),
    ] {
        let Err(Error::Setting { name, .. }) = adjoint.step(&step, &mut [0.0]) else { panic!("{error}") };
        assert_eq!(name, error);
    }
    // ε is 0, and so is v: 1/(√v̂ + ε) is not finite.
    let zero = AdamwStep { second: &[0.01, 0.0, 0.01], ..good };
    assert!(matches!(adjoint.step(&zero, &mut [0.0]), Err(Error::Range { .. })));
    let infinite = AdamwStep { first: &[0.1, f32::INFINITY, 0.1], ..good };
    assert_eq!(adjoint.step(&infinite, &mut [0.0]), Err(Error::NonFinite));
    assert!(matches!(
        adjoint.step(&AdamwStep { first: &[0.1; 2], ..good }, &mut [0.0]),
        Err(Error::Length { .. })
    ));
    let many = Step { curvature: Curvature::Factors(&[0.1; 9]), ..step };
    assert!(matches!(adjoint.step(&AdamwStep { step: many, ..good }, &mut [0.0]), Err(Error::Length { .. })));
    assert!(matches!(adjoint.step(&good, &mut [0.0; 2]), Err(Error::Length { .. })));
    assert_eq!((adjoint.targets(), adjoint.steps()), (&targets[..], 1));
    // A target that a step multiplies by 10³⁰ leaves `f32` in a few.
    let large = Step { gradients: &[1e15; 3], ..step };
    let large = AdamwStep { step: large, first: &[1e-3; 3], ..good };
    let mut refused = false;
    for _ in 0..8 {
        let before = (adjoint.targets().to_vec(), adjoint.steps());
        if let Err(error) = adjoint.step(&large, &mut [0.0]) {
            assert_eq!(error, Error::Unstable { step: before.1 });
            assert_eq!((adjoint.targets(), adjoint.steps()), (&before.0[..], before.1));
            refused = true;
        }
    }
    assert!(refused);
}

#[test]
fn a_coordinate_that_no_gradient_ever_reached_changes_nothing() {
    // D is 10⁸ there, and √v has no derivative.
    let mut adjoint = state(AdamwSettings::new(3, 1, 2)).unwrap();
    let mut without = {
        let settings = AdamwSettings::new(2, 1, 2);
        let (floats, doubles) = (vec![0.0; settings.memory().f32s], vec![0.0; settings.memory().f64s]);
        AdamwAdjoint::new(settings, id(2), &[1.0; 2], floats, doubles).unwrap()
    };
    for number in (1..=5).rev() {
        let rows = normals(number, 4);
        let curvature = Curvature::EmpiricalFisher;
        let padded = [rows[0], 0.0, rows[1], rows[2], 0.0, rows[3]];
        let step = |id, gradients| Step { id, learning_rate: 0.01, gradients, curvature };
        let mut scores = [[f32::NAN; 2]; 2];
        let taken = AdamwStep {
            step: step(id(3), &padded),
            divisor: 2.0,
            number,
            first: &[0.1, 0.0, -0.2],
            second: &[0.02, 0.0, 0.05],
        };
        adjoint.step(&taken, &mut scores[0]).unwrap();
        let taken =
            AdamwStep { step: step(id(2), &rows), first: &[0.1, -0.2], second: &[0.02, 0.05], ..taken };
        without.step(&taken, &mut scores[1]).unwrap();
        for (found, expected) in scores[0].iter().zip(scores[1]) {
            assert!((found - expected).abs() <= 1e-6 * expected.abs(), "{found} {expected}");
        }
    }
}
