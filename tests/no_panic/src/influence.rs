//! The influence methods.

use super::{opaque, parts, rest};
use core::hint::black_box;
use gradsieve::influence::dvemb::{
    AdamwAdjoint, AdamwSettings, AdamwStep, Adjoint, AdjointSettings, Blocks, Curvature, MomentumAdjoint,
    MomentumSettings, MomentumStep, Propagator, PropagatorSettings, Recorder, Step, StepMark, accumulate,
};
use gradsieve::influence::{
    Adam, AdamSettings, AdamSlopes, AdamStep, Arnoldi, ArnoldiSettings, ConjugateGradients,
    ConjugateGradientsSettings, DataInf, DataInfLayer, DataInfSettings, DualRidge, DualRidgeSettings, Ekfac,
    EkfacInverse, EkfacSettings, Fit, Gif, GifSettings, InRunShapley, IpEnsemble, IterativeSolver, Less,
    LessSettings, LessTargets, Lissa, LissaSettings, NumberedRows, ReTrac, SgdForm, Solver as _,
    StepProducts, StepVectors, Targets, Trak, TrakScore, TrakSettings,
};
use gradsieve::{Error, Key, Layer, Layout, Repeat, Sjlt, Sketch, Sketcher, f16};

/// The influence methods that add up over checkpoints, copies and steps.
pub(super) fn over_checkpoints(floats: &mut [f32], one: &Sketch<'_>, half: &[f16]) -> Result<f64, Error> {
    let mut ensemble = IpEnsemble::new();
    ensemble.observe(one, one)?;
    let _ = ensemble.merge(&{ ensemble });
    let mut sum = ensemble.score() + ensemble.mean();

    let (a, rest) = parts(floats, black_box(64))?;
    let (b, rest) = parts(rest, black_box(64))?;
    let (mut train, mut target) = (ReTrac::new(black_box(64), a)?, ReTrac::new(black_box(64), b)?);
    train.observe(one)?;
    target.observe(one)?;
    sum += train.score(&target)?;
    target.merge(&train)?;
    target.reset();

    let (a, b) = parts(rest, black_box(130))?;
    let (b, rest) = parts(b, black_box(130))?;
    let settings = LessSettings { width: black_box(64), subtasks: black_box(2) };
    let mut subtasks = LessTargets::new(settings, a)?;
    let mut others = LessTargets::new(settings, b)?;
    subtasks.observe(black_box(1), one)?;
    subtasks.merge(&others)?;
    others.reset();
    let mut sums = [[0.0; 2]; 2];
    let [c, d] = &mut sums;
    subtasks.score(one, opaque(c))?;
    subtasks.targets()?.score(one, opaque(c))?;
    subtasks.cosines(one, opaque(c))?;
    subtasks.score_rows(&one.id, half, rest)?;
    let (mut less, mut other) = (Less::new(opaque(c))?, Less::new(opaque(d))?);
    less.observe(black_box(0.1), &subtasks, one)?;
    less.merge(&other)?;
    other.reset();
    sum += less.score()
        + less.subtask(black_box(1)).ok_or(Error::Setting { name: "memory", expected: "longer" })?;

    let mut scores = [[0.0; 3]; 2];
    let [c, d] = &mut scores;
    let (mut shapley, mut other) = (InRunShapley::new(opaque(c)), InRunShapley::new(opaque(d)));
    let batch = [(black_box(1), *one), (black_box(2), *one)];
    shapley.observe_step(black_box(0.1), one, Some(one), opaque(&mut { batch }))?;
    shapley.observe(black_box(0.1), one, None, (black_box(0), one))?;
    shapley.merge(&other)?;
    other.reset();

    let layout = Layout::flat(black_box(40))?;
    let layer = Layer::new(black_box(0), black_box(4), 4);
    let (first, rest) = parts(rest, black_box(16))?;
    let (second, rest) = parts(rest, black_box(16))?;
    let memory =
        rest.get_mut(..black_box(64)).ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    let adam =
        Adam::new(AdamSettings { beta1: black_box(0.9), beta2: black_box(0.99), epsilon: black_box(1e-8) })?;
    adam.step(half, first, second)?;
    let mut sketcher = Sketcher::new(Sjlt::new(black_box(64), Key::seed(1), Repeat::One)?, layout, memory)?;
    adam.segment(&mut sketcher, black_box(9), half, first, second)?;
    adam.outer(&mut sketcher, &layer, (half, half), first, second)?;
    Ok(sum + shapley.score(black_box(1))? + sketcher.finish()?.measures.l1)
}

/// The influence methods that solve for targets.
pub(super) fn with_curvature(floats: &mut [f32], one: &Sketch<'_>, half: &[f16]) -> Result<f64, Error> {
    let mut scores = [0.0; 3];
    let scores = opaque(&mut scores);
    let (more, floats) = parts(floats, black_box(64))?;
    {
        let (left, right) = ([0.0_f64; 8], [0.0_f64; 8]);
        let settings = TrakSettings { width: black_box(64), damping: black_box(0.1) };
        let mut trak = Trak::new(settings, left)?;
        trak.observe(one)?;
        trak.merge(&Trak::new(settings, right)?)?;
        trak.fit()?;
        trak.solve(one, more)?.score(one, scores)?;
        trak.solve(one, opaque(&mut [0.0_f64; 64][..]))?.score(one, scores)?;
        trak.reset();
    }
    let mut score = TrakScore::new();
    score.observe(black_box(0.1), black_box(0.5))?;
    let _ = score.merge(&{ score });
    let mut sum = score.score();

    let mut layers = [DataInfLayer::new(black_box(0)..black_box(9)), DataInfLayer::new(9..black_box(64))];
    let mut others = layers;
    let settings =
        DataInfSettings { layers: 2, targets: black_box(2), ..DataInfSettings::new(black_box(64)) };
    let mut datainf = DataInf::new(settings, opaque(&mut layers))?;
    datainf.observe(one)?;
    datainf.observe_row(&one.id, half)?;
    datainf.merge(&DataInf::new(settings, opaque(&mut others))?)?;
    datainf.fit()?;
    {
        let memory = floats
            .get_mut(..settings.memory().f32s)
            .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
        let mut pass = datainf.solver(black_box(2), memory)?;
        pass.target(one)?;
        pass.observe(one)?;
        pass.observe_row(&one.id, half)?;
        sum += pass.observe_rows(&one.id, half)? as f64;
        pass.end_pass()?;
        let targets = pass.targets()?;
        targets.score(one, scores)?;
        targets.score_rows(&one.id, half, more)?;
        sum += Targets::new(targets.id(), targets.solutions())?.count() as f64;
    }
    datainf.reset();

    let settings = DualRidgeSettings { damping: black_box(0.1), ..DualRidgeSettings::new(64, black_box(2)) };
    let mut dual = DualRidge::new(settings, [0.0_f64; 8])?;
    dual.observe_rows(&one.id, half)?;
    let rows = NumberedRows { first: black_box(1), values: half };
    dual.observe_products(&one.id, rows, rows)?;
    dual.fit()?;
    let mut solver = dual.solver(black_box(2), [0.0_f64; 8])?;
    sum += by_passes(&mut solver, one, half, scores)?;
    let mut influence = [0.0; 8];
    solver.write_influence(black_box(1), &mut influence)?;
    sum += influence.iter().sum::<f64>() + dual.condition().unwrap_or(0.0) + dual.rows() as f64;
    dual.reset();

    let settings = ConjugateGradientsSettings {
        targets: black_box(2),
        ..ConjugateGradientsSettings::new(black_box(64))
    };
    sum += by_passes(&mut ConjugateGradients::new(settings, [0.0_f64; 8])?, one, half, scores)?;
    let settings = LissaSettings { targets: black_box(2), ..LissaSettings::new(black_box(64)) };
    let mut solver = Lissa::new(settings, [0.0_f64; 8])?;
    sum += by_passes(&mut solver, one, half, scores)?;
    solver.targets()?.rounded(more)?;
    solver.reset();
    Ok(sum + scores.iter().sum::<f64>())
}

/// A solver that passes over the rows.
pub(super) fn by_passes(
    solver: &mut impl IterativeSolver<Solution = f64>,
    one: &Sketch<'_>,
    half: &[f16],
    scores: &mut [f64],
) -> Result<f64, Error> {
    solver.target(one)?;
    solver.observe(one)?;
    let sum = solver.end_pass()?.residual + solver.solve(&one.id, half, black_box(3))?.residual;
    solver.targets()?.score(one, scores)?;
    solver.targets()?.score_rows(&one.id, half, scores)?;
    Ok(sum)
}

/// Data value embeddings, by both ways, of a recorded run.
pub(super) fn embeddings(one: &Sketch<'_>, floats: &mut [f32]) -> Result<f64, Error> {
    let ends = [black_box(24), black_box(64)];
    let blocks = Blocks::new(&ends)?;
    let (rows, floats) = parts(floats, black_box(256))?;
    let (factors, floats) = parts(floats, black_box(256))?;
    let (mut marks, mut ids) = ([StepMark::default(); 2], [0; 4]);
    let mut record = Recorder::new(one.id, opaque(&mut marks), opaque(&mut ids), rows, factors)?;
    record.sample(black_box(2), one)?;
    record.factor(one)?;
    record.step(black_box(0.1))?;
    record.abandon();
    let (left, rest) = parts(floats, black_box(400))?;
    let (right, out) = parts(rest, black_box(400))?;
    let settings = PropagatorSettings { blocks, factors: black_box(3) };
    let mut later = Propagator::new(settings, left)?;
    let mut growth = 0.0;
    for (ids, step) in record.backward() {
        growth += later.step(&step, out)?.growth;
        accumulate(ids, black_box(64), step.gradients, out)?;
    }
    let earlier = Propagator::new(settings, &mut right[..])?;
    later.compose(&earlier)?;
    later.apply(out)?;
    let settings = AdjointSettings { blocks, targets: black_box(1), rows: black_box(4) };
    let mut targets = Adjoint::new(settings, one.id, one.values, right)?;
    let curvature = Curvature::Factors(one.values);
    let learning_rate = black_box(0.1);
    let step = Step { id: one.id, learning_rate, gradients: one.values, curvature };
    Ok(growth + targets.step(&step, out)?.at_least)
}

/// Data value embeddings, and in-run Shapley's targets, of runs of other optimisers.
pub(super) fn optimisers(one: &Sketch<'_>, floats: &mut [f32], doubles: &mut [f64]) -> Result<f64, Error> {
    let ends = [black_box(24), black_box(64)];
    let settings = MomentumSettings::new(Blocks::new(&ends)?, black_box(1), black_box(4));
    let settings = MomentumSettings { momentum: black_box(0.9), nesterov: black_box(true), ..settings };
    let (buffer, rest) = parts(floats, settings.memory().f32s)?;
    let mut targets = MomentumAdjoint::new(settings, one.id, one.values, buffer)?;
    let curvature = Curvature::Factors(one.values);
    let step = Step { id: one.id, learning_rate: black_box(0.1), gradients: one.values, curvature };
    let stability = targets.step(&MomentumStep::new(step), opaque(&mut [0.0]))?;
    let mut sum = stability.at_least + targets.targets().count() as f64;

    let settings = AdamwSettings::new(black_box(64), black_box(1), black_box(4));
    let (buffer, target) = parts(rest, settings.memory().f32s)?;
    let mut targets = AdamwAdjoint::new(settings, one.id, one.values, buffer, doubles)?;
    let (first, second) = (one.values, one.values);
    let step = AdamwStep { step, divisor: black_box(2.0), number: black_box(3), first, second };
    targets.step(&step, opaque(&mut [0.0]))?;
    sum += targets.targets().iter().sum::<f64>() + targets.steps() as f64;

    let adam = AdamSlopes { number: black_box(3), ..AdamSlopes::new(black_box(0.1)) };
    let seen = AdamStep { mean: one.values, variance: one.values, first, second };
    adam.precondition(&seen, target)?;

    let vectors =
        StepVectors { change: one.values, gradient: target, parameters: first, ..StepVectors::default() };
    let products = StepProducts::of(&vectors)?;
    let form = SgdForm { momentum: black_box(0.9), ..SgdForm::default() };
    let mut fit = Fit::new();
    fit.observe_products(&form, black_box(0.1), black_box(Some(0.1)), &products)?;
    fit.observe(one.values, target)?;
    fit.merge(&{ fit })?;
    Ok(sum + fit.residual().unwrap_or(0.0) + fit.steps() as f64 + f64::from(products.is_first()))
}

/// Influence through curvature.
pub(super) fn curvature(one: &Sketch<'_>, floats: &mut [f32], doubles: &mut [f64]) -> Result<f64, Error> {
    let bytes = &mut [0; 4096];
    let settings = ArnoldiSettings {
        width: black_box(64),
        products: black_box(5),
        keep: black_box(3),
        seed: black_box(1),
    };
    let (solution, floats) = parts(floats, black_box(64))?;
    let mut arnoldi = Arnoldi::new(settings, one.id, &mut *floats, &mut *doubles)?;
    let bytes = opaque(bytes);
    while arnoldi.needs_product() {
        arnoldi.observe(one)?;
        arnoldi.advance()?;
        rest(&mut arnoldi, bytes)?;
        arnoldi.product(|x, to| to.fill(x.iter().sum()))?;
    }
    arnoldi.fit()?;
    let mut sum = arnoldi.solve(one, solution)?.score_one(one)?;

    let mut indices = [3, 5, 9];
    let settings =
        GifSettings { damping: black_box(0.1), ..GifSettings::new(black_box(64), opaque(&mut indices)) };
    let mut gif = Gif::new(settings, &mut *doubles)?;
    gif.observe(one)?;
    gif.fit()?;
    sum += rest(&mut gif, bytes)? as f64;
    sum += gif.solve(one, solution)?.score_one(one)?;

    let settings =
        EkfacSettings { damping: black_box(0.1), ..EkfacSettings::new(black_box(4), black_box(8)) };
    let mut layer = Ekfac::new(settings, floats)?;
    let (a, b) = one
        .values
        .split_at_checked(black_box(8))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    layer.factors(a, b)?;
    layer.decompose(doubles)?;
    layer.position(a, b)?;
    sum += rest(&mut layer, bytes)? as f64;
    layer.sample()?;
    let layers = [layer];
    let inverse = EkfacInverse::new(&layers, black_box(0.1), [0.0_f64; 16])?;
    sum += inverse.ridge();
    let settings = ConjugateGradientsSettings::new(black_box(32));
    let mut solver = ConjugateGradients::preconditioned(settings, inverse, doubles)?;
    solver.target(one)?;
    solver.observe(one)?;
    sum += solver.end_pass()?.residual + solver.targets()?.score_one(one)?;
    let [mut layer] = layers;
    let mut scores = [0.0];
    layer.solve([(a, b)], solution)?.score_factors(a, b, opaque(&mut scores))?;
    let [score] = scores;
    Ok(sum + score)
}
