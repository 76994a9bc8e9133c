//! Claims about the adjoint of momentum, Nesterov's momentum and weight decay: the linear
//! run in f64, the adjoint of SGD, what a step refuses and when it stretches.

use crate::source::normals;
use gradsieve::influence::dvemb::{
    Adjoint, AdjointSettings, Blocks, Curvature, MomentumAdjoint, MomentumSettings, MomentumStep, Step,
};
use gradsieve::{Error, Exact, Layout, Projector, SketchId};
use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;

const TARGETS: usize = 3;

fn id(width: usize) -> SketchId {
    Exact::new(width).id(Layout::flat(width as u64).unwrap().id())
}

/// Steps in order of training: a learning rate for the mean, gradients, factor rows.
struct Run {
    width: usize,
    steps: Vec<(f32, Vec<f32>, Vec<f32>)>,
    decay: f32,
}

impl Run {
    fn new(seed: u64, width: usize, steps: usize, decay: f32) -> Self {
        let numbers = |seed: u64, rows: usize| -> Vec<f32> {
            normals(seed, rows * width).iter().map(|x| x.clamp(-1.4, 1.4) / (width as f32).sqrt()).collect()
        };
        let step = |s: u64| {
            let samples = 1 + (seed ^ s) as usize % 5;
            let factors = numbers(seed ^ (s << 32) ^ 77, (seed ^ s) as usize % 7);
            (0.02 + 0.05 * s as f32 / steps as f32, numbers(seed ^ (s << 32), samples), factors)
        };
        Self { width, steps: (0..steps as u64).map(step).collect(), decay }
    }

    fn samples(&self, s: usize) -> usize {
        self.steps[s].1.len() / self.width
    }

    fn step(&self, s: usize) -> MomentumStep<'_> {
        let (rate, gradients, factors) = &self.steps[s];
        let curvature = Curvature::Factors(factors);
        let learning_rate = rate / self.samples(s) as f32;
        let step = Step { id: id(self.width), learning_rate, gradients, curvature };
        MomentumStep { decay: self.decay, ..MomentumStep::new(step) }
    }

    fn matrix(&self, rows: &[f32]) -> DMatrix<f64> {
        let count = rows.len() / self.width;
        DMatrix::from_row_iterator(count, self.width, rows.iter().map(|&x| f64::from(x)))
    }

    /// The mean curvature of a step, without what couples blocks.
    fn curvature(&self, s: usize, ends: &[usize]) -> DMatrix<f64> {
        let f = self.matrix(&self.steps[s].2);
        let block = |column| ends.iter().position(|&end| column < end);
        let mut h = f.transpose() * f / self.samples(s) as f64;
        for i in 0..self.width {
            for j in 0..self.width {
                if block(i) != block(j) {
                    h[(i, j)] = 0.0;
                }
            }
        }
        h
    }

    /// By how much the last parameters change if `change` is added to the gradient of
    /// step `at`: forwards, as the optimiser steps.
    fn forwards(
        &self,
        settings: &MomentumSettings<'_>,
        ends: &[usize],
        at: usize,
        change: DVector<f64>,
    ) -> DVector<f64> {
        let [momentum, gain, l2] = [settings.momentum, settings.gain, settings.weight_decay].map(f64::from);
        let mut theta = DVector::<f64>::zeros(self.width);
        let mut velocity = theta.clone();
        for s in at..self.steps.len() {
            let mut gradient = self.curvature(s, ends) * &theta + l2 * &theta;
            if s == at {
                gradient += &change;
            }
            velocity = momentum * velocity + gain * &gradient;
            let rate = f64::from(self.steps[s].0);
            let step = if settings.nesterov { gradient + momentum * &velocity } else { velocity.clone() };
            theta = (1.0 - f64::from(self.decay)) * theta - rate * step;
        }
        theta
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_score_is_what_the_linear_run_without_the_samples_gradient_ends_in(
        seed: u64, width in 1_usize..24, steps in 1_usize..9, momentum in 0.0_f32..0.95, gain in 0.1_f32..=1.0,
        nesterov: bool, l2 in 0.0_f32..0.3, decay in 0.0_f32..0.05, cut in 0.0..1.0_f64,
    ) {
        let run = Run::new(seed, width, steps, decay);
        let first = (cut * width as f64) as usize;
        let ends = if first > 0 { vec![first, width] } else { vec![width] };
        let gain = if nesterov { 1.0 } else { gain };
        let settings = MomentumSettings {
            momentum,
            gain,
            nesterov,
            weight_decay: l2,
            ..MomentumSettings::new(Blocks::new(&ends).unwrap(), TARGETS, 7)
        };
        let targets = normals(!seed, TARGETS * width);
        let v = run.matrix(&targets);
        let memory = vec![f32::NAN; settings.memory().f32s];
        let mut adjoint = MomentumAdjoint::new(settings, id(width), &targets, memory).unwrap();
        for s in (0..steps).rev() {
            let mut scores = vec![f32::NAN; TARGETS * run.samples(s)];
            adjoint.step(&run.step(s), &mut scores).unwrap();
            let gradients = run.matrix(&run.steps[s].1);
            for (z, scores) in scores.chunks_exact(TARGETS).enumerate() {
                let removed = -gradients.row(z).transpose() / run.samples(s) as f64;
                let exact = &v * run.forwards(&settings, &ends, s, removed.clone());
                let scale = v.amax() * removed.amax() * width as f64;
                for (found, exact) in scores.iter().zip(exact.iter()) {
                    prop_assert!((f64::from(*found) - exact).abs() <= 2e-6 * scale, "{} {} {}", s, found, exact);
                }
            }
        }
        prop_assert_eq!(adjoint.steps(), steps as u64);
    }

    #[test]
    fn without_momentum_and_decay_it_is_the_adjoint_of_sgd(
        seed: u64, width in 1_usize..40, steps in 1_usize..9, nesterov: bool,
    ) {
        let run = Run::new(seed, width, steps, 0.0);
        let ends = [width];
        let blocks = Blocks::new(&ends).unwrap();
        let targets = normals(!seed, TARGETS * width);
        let settings = MomentumSettings { nesterov, ..MomentumSettings::new(blocks, TARGETS, 7) };
        let memory = vec![0.0; settings.memory().f32s];
        let mut adjoint = MomentumAdjoint::new(settings, id(width), &targets, memory).unwrap();
        let settings = AdjointSettings { blocks, targets: TARGETS, rows: 7 };
        let mut plain = Adjoint::new(settings, id(width), &targets, vec![0.0; settings.memory().f32s]).unwrap();
        for s in (0..steps).rev() {
            let mut scores = [vec![f32::NAN; TARGETS * run.samples(s)], vec![f32::NAN; TARGETS * run.samples(s)]];
            let one = adjoint.step(&run.step(s), &mut scores[0]).unwrap();
            let other = plain.step(&run.step(s).step, &mut scores[1]).unwrap();
            let scale = width as f32 * f64::from(run.step(s).step.learning_rate) as f32;
            for (found, expected) in scores[0].iter().zip(&scores[1]) {
                prop_assert!((found - expected).abs() <= 4e-6 * scale, "{} {}", found, expected);
            }
            prop_assert!((one.at_least - other.at_least).abs() < 1e-4 && (one.growth - other.growth).abs() < 1e-4);
            prop_assert!((one.at_most - other.at_most).abs() < 1e-6);
        }
        for (found, expected) in adjoint.targets().solutions().iter().zip(plain.targets().solutions()) {
            prop_assert!((found - expected).abs() <= 1e-5);
        }
    }
}

/// The length that a target of 1 has after many steps of the constant curvature `h`.
fn after_many_steps(settings: MomentumSettings<'_>, h: f32) -> (f64, f32) {
    let memory = vec![0.0; settings.memory().f32s];
    let mut adjoint = MomentumAdjoint::new(settings, id(1), &[1.0], memory).unwrap();
    let factors = [h.sqrt()];
    let curvature = Curvature::Factors(&factors);
    let step = Step { id: id(1), learning_rate: 1.0, gradients: &[1.0], curvature };
    let mut found = 0.0;
    for _ in 0..80 {
        let stability = adjoint.step(&MomentumStep::new(step), &mut [0.0]).unwrap();
        assert!((stability.at_least - stability.at_most).abs() < 1e-5, "one row is the whole of H");
        found = stability.at_least;
    }
    (found, adjoint.targets().solutions()[0].abs())
}

#[test]
fn two_is_where_a_constant_curvature_begins_to_stretch() {
    let ends = [1];
    let blocks = Blocks::new(&ends).unwrap();
    for (momentum, nesterov) in [(0.0, false), (0.5, false), (0.9, false), (0.5, true), (0.9, true)] {
        let settings = MomentumSettings { momentum, nesterov, ..MomentumSettings::new(blocks, 1, 1) };
        let limit = 2.0 * (1.0 + momentum) / if nesterov { 1.0 + 2.0 * momentum } else { 1.0 };
        let (below, short) = after_many_steps(settings, 0.95 * limit);
        let (above, long) = after_many_steps(settings, 1.05 * limit);
        assert!((below - 1.9).abs() < 1e-3 && (above - 2.1).abs() < 1e-3, "{below} {above}");
        assert!(short < 0.1 && long > 10.0, "{momentum} {nesterov}: {short} {long}");
    }
}

#[test]
fn numbers_that_leave_f32_are_an_error_and_the_state_is_as_it_was() {
    let ends = [2];
    let settings =
        MomentumSettings { momentum: 0.9, ..MomentumSettings::new(Blocks::new(&ends).unwrap(), 1, 2) };
    let memory = vec![0.0; settings.memory().f32s];
    let mut adjoint = MomentumAdjoint::new(settings, id(2), &[1.0, 1.0], memory).unwrap();
    let curvature = Curvature::EmpiricalFisher;
    let step = Step { id: id(2), learning_rate: 1.0, gradients: &[3.0, 0.0, 0.0, 1.0], curvature };
    let mut refused = None;
    for _ in 0..200 {
        let before = adjoint.targets().solutions().to_vec();
        let steps = adjoint.steps();
        if let Err(error) = adjoint.step(&MomentumStep::new(step), &mut [0.0; 2]) {
            assert_eq!(
                (error, adjoint.targets().solutions()),
                (Error::Unstable { step: steps }, &before[..])
            );
            refused = Some(steps);
        }
    }
    assert!(refused.is_some_and(|step| step > 10), "{refused:?}");
}

#[test]
fn settings_and_steps_out_of_their_ranges_are_refused() {
    let ends = [3];
    let good = MomentumSettings::new(Blocks::new(&ends).unwrap(), 1, 2);
    let new = |settings: MomentumSettings<'_>| {
        MomentumAdjoint::new(settings, id(3), &[1.0; 3], vec![0.0; settings.memory().f32s]).map(|_| ())
    };
    for settings in [
        MomentumSettings { momentum: 1.0, ..good },
        MomentumSettings { momentum: f32::NAN, ..good },
        MomentumSettings { gain: 0.0, ..good },
        MomentumSettings { gain: 0.5, nesterov: true, ..good },
        MomentumSettings { weight_decay: -1.0, ..good },
    ] {
        assert!(matches!(new(settings), Err(Error::Setting { .. })), "{settings:?}");
    }
    assert!(matches!(new(MomentumSettings { targets: 2, ..good }), Err(Error::Length { .. })));
    let mut adjoint = MomentumAdjoint::new(good, id(3), &[1.0; 3], vec![0.0; good.memory().f32s]).unwrap();
    let step =
        Step { id: id(3), learning_rate: 0.1, gradients: &[0.5; 3], curvature: Curvature::EmpiricalFisher };
    let good = MomentumStep::new(step);
    adjoint.step(&good, &mut [0.0]).unwrap();
    let before = adjoint.targets().solutions().to_vec();
    for step in [
        MomentumStep { divisor: 0.0, ..good },
        MomentumStep { divisor: f32::INFINITY, ..good },
        MomentumStep { decay: 1.0, ..good },
        MomentumStep { step: Step { learning_rate: -0.1, ..step }, ..good },
    ] {
        assert!(matches!(adjoint.step(&step, &mut [0.0]), Err(Error::Setting { .. })), "{step:?}");
    }
    let nan = MomentumStep { step: Step { gradients: &[f32::NAN; 3], ..step }, ..good };
    assert_eq!(adjoint.step(&nan, &mut [0.0]), Err(Error::NonFinite));
    let many = MomentumStep { step: Step { curvature: Curvature::Factors(&[0.1; 9]), ..step }, ..good };
    assert_eq!(adjoint.step(&many, &mut [0.0]), Err(Error::Length { expected: 2, found: 3 }));
    assert!(matches!(adjoint.step(&good, &mut [0.0; 2]), Err(Error::Length { .. })));
    assert_eq!((adjoint.targets().solutions(), adjoint.steps()), (&before[..], 1));
}
