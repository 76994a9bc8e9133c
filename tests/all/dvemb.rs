//! Claims about data value embeddings: the literal product in f64, both ways through it,
//! cuts, records, and what instability does.

use crate::source::{normal, normals, row};
use gradsieve::influence::dvemb::{
    Adjoint, AdjointSettings, Blocks, Curvature, Propagator, PropagatorSettings, Recorder, RecorderSettings,
    Step, StepMark, accumulate,
};
use gradsieve::{Error, Exact, Fingerprint, Layout, Projector, SketchId};
use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;

fn id(width: usize) -> SketchId {
    Exact::new(width).id(Layout::flat(width as u64).unwrap().id())
}

/// A run: a learning rate, gradients and (if any step has them) factor rows a step, in
/// order of training.
struct Run {
    width: usize,
    steps: Vec<(f32, Vec<f32>, Option<Vec<f32>>)>,
}

impl Run {
    fn new(seed: u64, width: usize, steps: usize, factors: bool) -> Self {
        // No step stretches, whatever the seed: a row's squared norm is at most 1.4², so
        // η·λ_max ≤ .15·6·1.4² < 2.
        let numbers = |seed: u64, rows: usize| -> Vec<f32> {
            normals(seed, rows * width).iter().map(|x| x.clamp(-1.4, 1.4) / (width as f32).sqrt()).collect()
        };
        let step = |s: u64| {
            let samples = 1 + (seed ^ s) as usize % 5;
            let rows = factors.then(|| numbers(seed ^ (s << 32) ^ 77, (seed ^ s) as usize % 7));
            (0.05 + 0.1 * s as f32 / steps as f32, numbers(seed ^ (s << 32), samples), rows)
        };
        Self { width, steps: (0..steps as u64).map(step).collect() }
    }

    fn step(&self, s: usize) -> Step<'_> {
        let (learning_rate, gradients, factors) = &self.steps[s];
        let curvature = factors.as_deref().map_or(Curvature::EmpiricalFisher, Curvature::Factors);
        Step { id: id(self.width), learning_rate: *learning_rate, gradients, curvature }
    }

    fn samples(&self, s: usize) -> usize {
        self.steps[s].1.len() / self.width
    }

    fn matrix(&self, rows: &[f32]) -> DMatrix<f64> {
        let count = rows.len() / self.width;
        DMatrix::from_row_iterator(count, self.width, rows.iter().map(|&x| f64::from(x)))
    }

    /// Every sample's embedding by the literal product, step by step, and the whole
    /// product.
    fn literal(&self, ends: &[usize]) -> (Vec<DMatrix<f64>>, DMatrix<f64>) {
        let mut product = DMatrix::<f64>::identity(self.width, self.width);
        let mut embeddings = Vec::new();
        for s in (0..self.steps.len()).rev() {
            let step = self.step(s);
            let (eta, g) = (f64::from(step.learning_rate), self.matrix(step.gradients));
            embeddings.push(eta * &g * product.transpose());
            let f = self.matrix(step.factors());
            let mut h = f.transpose() * f;
            let block = |column| ends.iter().position(|&end| column < end);
            for i in 0..self.width {
                for j in 0..self.width {
                    if block(i) != block(j) {
                        h[(i, j)] = 0.0;
                    }
                }
            }
            product *= DMatrix::identity(self.width, self.width) - eta * h;
        }
        embeddings.reverse();
        (embeddings, product)
    }

    /// Walks steps backwards with a propagator of its own.
    fn walk<'m>(
        &self,
        blocks: Blocks<'m>,
        steps: std::ops::Range<usize>,
        memory: &'m mut Vec<f32>,
    ) -> (Propagator<'m, &'m mut [f32]>, Vec<Vec<f32>>) {
        let settings = PropagatorSettings { blocks, factors: 7 };
        memory.resize(settings.memory().f32s, 0.0);
        let mut later = Propagator::new(settings, &mut memory[..]).unwrap();
        let mut embeddings = Vec::new();
        for s in steps.rev() {
            let mut to = vec![f32::NAN; self.steps[s].1.len()];
            let stability = later.step(&self.step(s), &mut to).unwrap();
            assert!(!stability.is_unstable() && stability.growth < 1.001, "{stability:?}");
            embeddings.push(to);
        }
        embeddings.reverse();
        (later, embeddings)
    }

    fn close(&self, found: &[Vec<f32>], expected: &[DMatrix<f64>]) -> Result<(), TestCaseError> {
        prop_assert_eq!(found.len(), expected.len());
        for (s, (found, expected)) in found.iter().zip(expected).enumerate() {
            let error = (self.matrix(found) - expected).amax();
            // M is a sum of numbers of the size of 1, so what it leaves of a gradient is
            // as precise as the gradient was.
            let scale = f64::from(self.steps[s].0) * self.matrix(&self.steps[s].1).amax();
            prop_assert!(error <= 1e-6 * scale, "step {}: {} of {}", s, error, scale);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn both_ways_give_the_literal_product_of_f64(
        seed: u64, width in 1_usize..40, steps in 0_usize..9, factors: bool, cut in 0.0..1.0_f64, cuts: bool,
    ) {
        let run = Run::new(seed, width, steps, factors);
        let first = (cut * width as f64) as usize;
        let ends = if cuts && first > 0 { vec![first, width] } else { vec![width] };
        let blocks = Blocks::new(&ends).unwrap();
        let (expected, product) = run.literal(&ends);
        let mut memory = Vec::new();
        let (mut later, found) = run.walk(blocks, 0..steps, &mut memory);
        run.close(&found, &expected)?;

        // And Π itself, by what it does to the unit vectors.
        let mut unit: Vec<f32> = DMatrix::<f32>::identity(width, width).iter().copied().collect();
        later.apply(&mut unit).unwrap();
        prop_assert!((run.matrix(&unit) - product.transpose()).amax() < 1e-6);

        let targets = normals(!seed, 3 * width);
        let settings = AdjointSettings { blocks, targets: 3, rows: 7 };
        let mut adjoint = Adjoint::new(settings, id(width), &targets, vec![0.0; settings.memory().f32s]).unwrap();
        let v = run.matrix(&targets);
        for s in (0..steps).rev() {
            let mut scores = vec![f32::NAN; 3 * run.samples(s)];
            let stability = adjoint.step(&run.step(s), &mut scores).unwrap();
            prop_assert!(!stability.is_unstable() && stability.growth < 1.001, "{:?}", stability);
            let exact = &expected[s] * v.transpose();
            let found = DMatrix::from_row_iterator(run.samples(s), 3, scores.iter().map(|&x| f64::from(x)));
            // As with embeddings: of the size of the gradient, whatever the later steps
            // have left of it.
            let scale = f64::from(run.steps[s].0) * run.matrix(&run.steps[s].1).amax() * v.amax() * width as f64;
            prop_assert!((found - exact).amax() <= 1e-6 * scale);
        }
        prop_assert!((run.matrix(adjoint.targets().solutions()) - v * product).amax() < 1e-5);
    }

    #[test]
    fn a_run_cut_anywhere_and_composed_is_the_run(seed: u64, width in 1_usize..30, factors: bool, cut in 0_usize..9) {
        let steps = 8;
        let run = Run::new(seed, width, steps, factors);
        let ends = [width.div_ceil(2), width];
        let ends = if width > 1 { &ends[..] } else { &ends[1..] };
        let blocks = Blocks::new(ends).unwrap();
        let (expected, product) = run.literal(ends);
        let (mut one, mut two, mut three) = (Vec::new(), Vec::new(), Vec::new());
        let (whole, uncut) = run.walk(blocks, 0..steps, &mut one);
        let (earlier, mut found) = run.walk(blocks, 0..cut, &mut two);
        let (mut later, last) = run.walk(blocks, cut..steps, &mut three);
        for embeddings in &mut found {
            later.apply(embeddings).unwrap();
        }
        found.extend(last);
        run.close(&found, &expected)?;
        run.close(&uncut, &expected)?;
        later.compose(&earlier).unwrap();
        prop_assert_eq!(later.steps(), whole.steps());
        let error = later.matrix().iter().zip(whole.matrix()).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max);
        prop_assert!(error < 1e-6, "{}", error);
        let mut unit: Vec<f32> = DMatrix::<f32>::identity(width, width).iter().copied().collect();
        later.apply(&mut unit).unwrap();
        prop_assert!((run.matrix(&unit) - product.transpose()).amax() < 1e-6);
    }
}

#[test]
fn embeddings_of_a_trained_softmax_regression_are_numpys() {
    // Lines of a step's gradients have both embeddings after the row, those of its
    // factors the row alone.
    let lines = include_str!("../golden/dvemb.csv").lines().skip(1);
    let golden: Vec<Vec<f64>> =
        lines.map(|line| line.split(',').map(|x| x.parse().unwrap()).collect()).collect();
    let width = 12;
    let steps = 1 + golden.last().unwrap()[0] as usize;
    let of =
        |s: usize, long: bool| golden.iter().filter(move |l| l[0] as usize == s && (l.len() > 14) == long);
    let rows = |s: usize, long: bool| of(s, long).flat_map(|l| l[2..14].iter().map(|&x| x as f32)).collect();
    for (factors, column) in [(false, 14), (true, 26)] {
        let steps = (0..steps).map(|s| {
            let eta = of(s, true).next().unwrap()[1] as f32;
            (eta, rows(s, true), factors.then(|| rows(s, false)))
        });
        let run = Run { width, steps: steps.collect() };
        let ends = [width];
        let settings = PropagatorSettings { blocks: Blocks::new(&ends).unwrap(), factors: 9 };
        let mut later = Propagator::new(settings, vec![0.0; settings.memory().f32s]).unwrap();
        let mut compared = 0;
        for s in (0..run.steps.len()).rev() {
            let mut to = vec![0.0; run.steps[s].1.len()];
            later.step(&run.step(s), &mut to).unwrap();
            let expected = of(s, true).flat_map(|l| &l[column..column + width]);
            for (found, expected) in to.iter().zip(expected) {
                assert!((f64::from(*found) - expected).abs() < 1e-6, "step {s}: {found} for {expected}");
                compared += 1;
            }
        }
        assert_eq!(compared, 8 * 3 * width);
    }
}

#[test]
fn on_a_quadratic_loss_the_score_is_what_leaving_the_sample_out_does() {
    // Least squares: ℓ = ½(x·θ − y)², g = (x·θ − y)x, and H = xxᵀ exactly, so that the
    // linear model of the run is the run.
    let (width, batch, steps, eta) = (6, 4, 12, 0.03);
    let x = |sample: usize| DVector::from_fn(width, |j, _| normal(sample as u64, j as u64));
    let y = |sample: usize| 3.0 * normal(1000 + sample as u64, 0);
    let gradient = |theta: &DVector<f64>, z: usize| (x(z).dot(theta) - y(z)) * x(z);
    let batch_of = |s: usize| (0..batch).map(move |b| (5 * s + 3 * b) % 17);
    let train = |without: Option<(usize, usize)>| {
        let mut theta = DVector::from_element(width, 0.5);
        let mut seen = Vec::new();
        for s in 0..steps {
            let used: Vec<usize> = batch_of(s).filter(|&z| without != Some((s, z))).collect();
            let gradients: Vec<_> = used.iter().map(|&z| gradient(&theta, z)).collect();
            theta -= eta * gradients.iter().sum::<DVector<f64>>();
            seen.push(gradients);
        }
        (theta, seen)
    };
    let (theta, seen) = train(None);
    let target = 50;
    let v: Vec<f32> = gradient(&theta, target).iter().map(|&x| x as f32).collect();
    let ends = [width];
    let blocks = Blocks::new(&ends).unwrap();
    let settings = AdjointSettings { blocks, targets: 1, rows: batch };
    let mut adjoint = Adjoint::new(settings, id(width), &v, vec![0.0; settings.memory().f32s]).unwrap();
    let flat = |rows: &[DVector<f64>]| -> Vec<f32> {
        rows.iter().flat_map(|r| r.iter().map(|&x| x as f32)).collect()
    };
    let mut sum = 0.0;
    for s in (0..steps).rev() {
        let factors: Vec<_> = batch_of(s).map(x).collect();
        let (gradients, factors) = (flat(&seen[s]), flat(&factors));
        let curvature = Curvature::Factors(&factors);
        let step = Step { id: id(width), learning_rate: eta as f32, gradients: &gradients, curvature };
        let mut scores = vec![0.0; batch];
        adjoint.step(&step, &mut scores).unwrap();
        for (z, score) in batch_of(s).zip(scores) {
            let (other, _) = train(Some((s, z)));
            let exact = gradient(&theta, target).dot(&(other - &theta));
            assert!(
                (f64::from(score) - exact).abs() < 1e-5 * (1.0 + exact.abs()),
                "step {s}: {score} for {exact}"
            );
            sum += exact.abs();
        }
    }
    assert!(sum > 1.0, "the scores say something");
}

#[test]
fn a_step_that_stretches_is_reported_and_numbers_that_leave_f32_are_an_error() {
    let ends = [2];
    let blocks = Blocks::new(&ends).unwrap();
    let settings = PropagatorSettings::new(blocks);
    let mut later = Propagator::new(settings, vec![0.0; settings.memory().f32s]).unwrap();
    let settings = AdjointSettings { blocks, targets: 1, rows: 2 };
    let mut adjoint = Adjoint::new(settings, id(2), &[1.0, 1.0], vec![0.0; settings.memory().f32s]).unwrap();
    // λ_max = 9, and the trace is 10: ηλ = 1.98, 2.1 and 9.
    let gradients = [3.0, 0.0, 0.0, 1.0];
    let step = |learning_rate| Step {
        id: id(2),
        learning_rate,
        gradients: &gradients,
        curvature: Curvature::EmpiricalFisher,
    };
    let (mut embeddings, mut scores, mut growth) = ([0.0; 4], [0.0; 2], 0.0);
    for (eta, stretches) in [(0.22, false), (2.1 / 9.0, true), (1.0, true)] {
        let found = later.step(&step(eta), &mut embeddings).unwrap();
        assert_eq!((found.is_unstable(), found.is_stable()), (stretches, false), "{found:?}");
        assert!(found.at_least <= f64::from(eta) * 9.0001 && found.at_most >= f64::from(eta) * 9.9999);
        growth = adjoint.step(&step(eta), &mut scores).unwrap().growth;
    }
    assert!(growth > 5.0, "{growth}");
    assert!(later.step(&step(0.1), &mut embeddings).unwrap().growth > 8.0);
    // 8 times larger a step: f32 ends after some forty.
    let mut refused = (None, None);
    for _ in 0..200 {
        let before = (later.matrix().to_vec(), later.steps());
        if let Err(error) = later.step(&step(1.0), &mut embeddings) {
            assert_eq!(error, Error::Unstable { step: before.1 });
            assert_eq!((later.matrix(), later.steps()), (&before.0[..], before.1));
            refused.0 = Some(before.1);
        } else {
            assert!(embeddings.iter().all(|x| x.is_finite()));
        }
        let before = (adjoint.targets().solutions().to_vec(), adjoint.steps());
        if let Err(error) = adjoint.step(&step(1.0), &mut scores) {
            assert_eq!(error, Error::Unstable { step: before.1 });
            assert_eq!((adjoint.targets().solutions(), adjoint.steps()), (&before.0[..], before.1));
            refused.1 = Some(before.1);
        } else {
            assert!(scores.iter().all(|x| x.is_finite()));
        }
        assert!(later.matrix().iter().chain(adjoint.targets().solutions()).all(|x| x.is_finite()));
    }
    assert!(refused.0.is_some_and(|s| s > 10) && refused.1.is_some_and(|s| s > 10), "{refused:?}");
}

#[test]
fn a_record_gives_the_steps_back_the_last_first_and_says_when_it_is_full() {
    let rows: Vec<Vec<f32>> = (0..6).map(|i| normals(i, 3)).collect();
    let (mut marks, mut ids) = ([StepMark::default(); 2], [0; 3]);
    let (mut gradients, mut factors) = ([0.0; 9], [0.0; 6]);
    let mut record = Recorder::new(id(3), &mut marks, &mut ids, &mut gradients, &mut factors).unwrap();
    record.sample(7, &row(&rows[0])).unwrap();
    record.sample(9, &row(&rows[1])).unwrap();
    record.factor(&row(&rows[2])).unwrap();
    record.step(0.5).unwrap();
    record.sample(1, &row(&rows[5])).unwrap();
    record.factor(&row(&rows[5])).unwrap();
    record.abandon();
    record.sample(9, &row(&rows[3])).unwrap();
    record.factor(&row(&rows[4])).unwrap();
    assert_eq!(record.sample(9, &row(&rows[3])), Err(Error::Full { capacity: 3 }));
    assert_eq!(record.factor(&row(&rows[3])), Err(Error::Full { capacity: 2 }));
    assert_eq!(record.sample(9, &row(&[1.0, f32::NAN, 0.0])), Err(Error::NonFinite));
    assert!(matches!(record.factor(&row(&[1.0])), Err(Error::Mismatch(_))));
    assert!(matches!(record.step(f32::INFINITY), Err(Error::Setting { .. })));
    record.step(0.25).unwrap();
    assert_eq!(record.step(0.25), Err(Error::Full { capacity: 2 }));
    let found: Vec<_> = record.backward().collect();
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].0, found[0].1.learning_rate), (&[9][..], 0.25));
    assert_eq!((found[0].1.gradients, found[0].1.factors()), (&rows[3][..], &rows[4][..]));
    assert_eq!((found[1].0, found[1].1.learning_rate), (&[7, 9][..], 0.5));
    assert_eq!(found[1].1.gradients, [&rows[0][..], &rows[1]].concat());
    assert_eq!(found[1].1.factors(), rows[2]);
    record.reset();
    assert_eq!((record.steps(), record.backward().count()), (0, 0));
    let settings = RecorderSettings { width: 3, steps: 2, samples: 3, factors: 2 };
    assert_eq!(
        (settings.memory().f32s, settings.memory().others),
        (gradients.len() + factors.len(), marks.len())
    );
}

#[test]
fn a_samples_rows_are_summed_over_its_epochs() {
    let mut table = [0.0; 6];
    accumulate(&[2, 0], 2, &[1.0, 2.0, 3.0, 4.0], &mut table).unwrap();
    accumulate(&[2], 2, &[10.0, 20.0], &mut table).unwrap();
    assert_eq!(table, [3.0, 4.0, 0.0, 0.0, 11.0, 22.0]);
    let refused = accumulate(&[0, 3], 2, &[1.0; 4], &mut table);
    assert_eq!(refused, Err(Error::Group { groups: 3, found: 3 }));
    assert_eq!(accumulate(&[0], 2, &[1.0; 4], &mut table), Err(Error::Length { expected: 2, found: 4 }));
    assert_eq!(accumulate(&[0], 0, &[], &mut table), Err(Error::Width { multiple: 1, found: 0 }));
    assert_eq!(table, [3.0, 4.0, 0.0, 0.0, 11.0, 22.0]);
}

#[test]
fn wrong_steps_are_refused_and_nothing_is_taken_in() {
    let ends = [3];
    let blocks = Blocks::new(&ends).unwrap();
    assert!(matches!(Blocks::new(&[]), Err(Error::Layer { index: 0 })));
    assert!(matches!(Blocks::new(&[2, 2]), Err(Error::Layer { index: 1 })));
    let settings = PropagatorSettings { blocks, factors: 2 };
    let mut memory = vec![0.0; settings.memory().f32s];
    let other = PropagatorSettings { factors: 3, ..settings };
    assert!(matches!(Propagator::new(other, &mut memory), Err(Error::Length { .. })));
    let mut later = Propagator::new(settings, &mut memory).unwrap();
    let settings = AdjointSettings { blocks, targets: 1, rows: 2 };
    let mut adjoint = Adjoint::new(settings, id(3), &[1.0; 3], vec![0.0; settings.memory().f32s]).unwrap();
    let good =
        Step { id: id(3), learning_rate: 0.1, gradients: &[0.5; 3], curvature: Curvature::EmpiricalFisher };
    let (mut to, mut score) = ([0.0; 3], [0.0; 1]);
    later.step(&good, &mut to).unwrap();
    adjoint.step(&good, &mut score).unwrap();
    let before = (later.matrix().to_vec(), adjoint.targets().solutions().to_vec());
    let nan = [f32::NAN, 0.0, 0.0];
    let unfit = Error::Setting { name: "learning_rate", expected: "finite and not negative" };
    for (step, error) in [
        (Step { gradients: &[0.5; 4], ..good }, Error::Length { expected: 3, found: 4 }),
        (Step { gradients: &nan, ..good }, Error::NonFinite),
        (Step { curvature: Curvature::Factors(&nan), ..good }, Error::NonFinite),
        (Step { learning_rate: f32::NAN, ..good }, unfit),
        (Step { learning_rate: -0.1, ..good }, unfit),
        (
            Step { id: SketchId { key: Fingerprint::Seed(9), ..id(3) }, ..good },
            Error::Mismatch(gradsieve::Field::Key),
        ),
    ] {
        assert_eq!(later.step(&step, &mut to), Err(error));
        assert_eq!(adjoint.step(&step, &mut score), Err(error));
    }
    let many = Step { curvature: Curvature::Factors(&[0.1; 9]), ..good };
    assert_eq!(later.step(&many, &mut to), Err(Error::Length { expected: 6, found: 9 }));
    assert!(matches!(adjoint.step(&many, &mut score), Err(Error::Length { .. })));
    assert!(matches!(later.step(&good, &mut [0.0; 6]), Err(Error::Length { .. })));
    assert!(matches!(adjoint.step(&good, &mut [0.0; 6]), Err(Error::Length { .. })));
    assert_eq!((later.matrix(), adjoint.targets().solutions()), (&before.0[..], &before.1[..]));
    assert_eq!((later.steps(), adjoint.steps()), (1, 1));

    let (one, other) = ([1, 3], [3]);
    let of = |ends| PropagatorSettings::new(Blocks::new(ends).unwrap());
    let mut a = Propagator::new(of(&one), [0.0; 5 + 6]).unwrap();
    let b = Propagator::new(of(&other), [0.0; 9 + 6]).unwrap();
    assert!(matches!(a.compose(&b), Err(Error::Setting { .. })));
    assert_eq!(a.apply(&mut [f32::NAN; 3]), Err(Error::NonFinite));
    assert!(matches!(a.apply(&mut [0.0; 4]), Err(Error::Length { .. })));
}

#[test]
fn a_block_that_stretches_is_found_wherever_it_stands() {
    let ends = [1, 2];
    let blocks = Blocks::new(&ends).unwrap();
    let settings = PropagatorSettings::new(blocks);
    let mut memory = vec![0.0; settings.memory().f32s];
    // Of the one block λ is ½, of the other 9.
    for gradients in [[0.5_f32.sqrt(), 3.0], [3.0, 0.5_f32.sqrt()]] {
        let mut later = Propagator::new(settings, &mut memory).unwrap();
        let curvature = Curvature::EmpiricalFisher;
        let step = Step { id: id(2), learning_rate: 1.0, gradients: &gradients, curvature };
        let found = later.step(&step, &mut [0.0; 2]).unwrap();
        assert!(found.is_unstable() && found.at_least < 9.001, "{found:?}");
    }
}
