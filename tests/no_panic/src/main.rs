//! Links only if no panic can be reached from the core's public functions.
//!
//! The panic handler calls a function that nobody defines. If the optimiser finds every
//! path to a panic dead, the handler goes, and the image links; if one is left, the link
//! fails and names the missing function. With `--features planted` there is one, and the
//! link must fail.
//!
//! The image is never run: everything hangs on one entry point whose inputs are opaque.
#![no_std]
#![no_main]

mod sieve;

use core::hint::black_box;
use gradsieve::budget::{Budget, relative_error};
use gradsieve::ghost::{self, LayerGradient};
use gradsieve::influence::dvemb::{
    Adjoint, AdjointSettings, Blocks, Curvature, Propagator, PropagatorSettings, Recorder, Step, StepMark,
    accumulate,
};
use gradsieve::influence::{
    Adam, AdamSettings, Arnoldi, ArnoldiSettings, ConjugateGradients, ConjugateGradientsSettings, DataInf,
    DataInfLayer, DataInfSettings, Ekfac, EkfacSettings, Gif, GifSettings, InRunShapley, IpEnsemble,
    IterativeSolver, Less, LessSettings, LessTargets, Lissa, LissaSettings, ReTrac, Ridge, RidgeSettings,
    Solver as _, Targets, TracIn, Trak, TrakScore, TrakSettings, grad_cos, grad_dot,
};
use gradsieve::outlier::{Detector, Direction, DirectionSettings, Forest, ForestSettings, L1, L2};
use gradsieve::outlier::{
    Mahalanobis, MahalanobisSettings, Node, SelfInfluence, SelfInfluenceSettings, threshold,
};
use gradsieve::state::Header;
use gradsieve::store::{
    Codec, Entry, Largest, LargestSettings, Queries, QueriesSettings, Reservoir, ReservoirSettings,
    Shortlist, ShortlistSettings, Signs, SignsSettings, Store, StoreSettings, TopK, TopKSettings,
};
use gradsieve::{
    AnyProjector, Element, Error, Exact, FactGrass, Factor, IndexMask, Key, Kind, Layer, Layout, LayoutId,
    Logra, Part, Plan, Projector, ProjectorSettings, Rademacher, Repeat, Sequence, Sjlt, Sketch, SketchId,
    Sketcher, State, Widths, bf16, f16,
};
use gradsieve_kernels as kernels;
use gradsieve_kernels::rademacher::{Carry, rademacher_batch};

unsafe extern "C" {
    fn a_panic_can_be_reached() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: there is no such function, so no image that calls it exists.
    unsafe { a_panic_can_be_reached() }
}

/// Slices of a length that the optimiser does not know.
fn opaque<T>(memory: &mut [T]) -> &mut [T] {
    let n = black_box(memory.len());
    memory.get_mut(..n).unwrap_or_default()
}

fn sketch<'m, T: Element, P: Projector>(
    projector: P,
    layout: Layout,
    layer: &Layer,
    x: &[T],
    memory: &'m mut [f32],
) -> Result<Sketch<'m>, Error> {
    let mut sketcher = Sketcher::new(projector, layout, &mut *memory)?;
    sketcher.segment(black_box(3), x)?;
    sketcher.abandon();
    sketcher.segment(black_box(3), x)?;
    sketcher.outer(layer, x, x)?;
    let (id, measures) = (sketcher.id(), sketcher.finish()?.measures);
    Sketch::from_parts(id, memory, measures)
}

/// The kernels that the core does not call for every sketch.
fn projections(out: &mut [f32], x: &mut [f32], half: &[f16], brain: &[bf16]) -> Result<f64, Error> {
    gradsieve_kernels::hadamard(x)?;
    let projection = gradsieve_kernels::Rademacher::new(black_box(64), Key::seed(black_box(1)))?;
    rademacher_batch(projection, black_box(3), opaque(&mut [half, half]), out)?;
    rademacher_batch(projection, black_box(3), opaque(&mut [&*x, &*x]), out)?;
    let out = out.get_mut(..black_box(64)).unwrap_or_default();
    let mut carry = Carry::new();
    carry.add(projection, black_box(3), black_box(0.5), brain, out)?;
    carry.add(projection, black_box(9), black_box(0.5), x, out)?;
    carry.finish(projection, out)?;
    let layout = Layout::flat(black_box(40))?;
    let layer = Layer::new(black_box(0), black_box(4), 3);
    let (width, key, repeat) = (black_box(64), Key::secret(black_box([1; 16])), Repeat::Two);
    let mut sum = 0.0;
    for &kind in Kind::ALL {
        let settings = ProjectorSettings { kind, width, key, ..ProjectorSettings::default() };
        let mut parts = [Part::UNUSED; 2];
        let projector = AnyProjector::new(&settings, &[layer], opaque(&mut parts))?;
        sum += sketch(projector, layout, &layer, half, out)?.measures.l1;
        sum += sketch(projector, layout, &layer, brain, out)?.measures.l1;
    }
    let list = &mut [1_u32, 5, 9];
    sum += sketch(IndexMask::new(width, key, repeat, opaque(list))?, layout, &layer, brain, out)?.measures.l1;
    Ok(sum)
}

/// Projections layer by layer, sequences, and products of gradients that are never
/// formed.
fn factored(out: &mut [f32], x: &[f32], half: &[f16], brain: &[bf16]) -> Result<f64, Error> {
    let layer = |offset| Layer::new(black_box(offset), black_box(4), black_box(3));
    let widths = |inputs| Widths { outputs: black_box(16), inputs: black_box(inputs) };
    let (logra, factgrass) = (layer(0), layer(12));
    let repeat =
        Repeat::from_count(black_box(2)).ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    let kept = Widths { outputs: black_box(3), inputs: black_box(2) };
    let mut parts = [
        Part::new(logra, Logra::new(logra, widths(32), Factor::Rademacher, Key::seed(black_box(1)))?),
        Part::new(
            factgrass,
            FactGrass::new(factgrass, kept, black_box(64), Key::seed(black_box(1)), repeat)?,
        ),
        Part::new(layer(24), Sjlt::new(black_box(64), Key::seed(black_box(1)), repeat)?),
        Part::new(layer(36), Exact::new(black_box(12))),
        Part::new(layer(48), Rademacher::new(black_box(64), Key::seed(black_box(1)))?),
    ];
    let plan = Plan::new(opaque(&mut parts))?;
    let mut sketcher = Sketcher::new(plan, plan.layout(), out)?;
    sketcher.segment(black_box(3), half)?;
    sketcher.outer(&layer(black_box(12)), brain, x)?;
    sketcher.outer_sequence(&layer(black_box(24)), black_box(2), half, brain)?;
    sketcher.outer_sequence(&layer(black_box(0)), black_box(2), x, half)?;
    let sketch = sketcher.finish()?;
    let settings = ProjectorSettings {
        kind: Kind::from_number(black_box(6)).ok_or(Error::NotFitted)?,
        width: black_box(512),
        ..ProjectorSettings::default()
    };
    let layers = [layer(0), layer(12), layer(24)];
    let mut unused = [Part::UNUSED; 4];
    let any = AnyProjector::new(
        opaque(&mut [settings]).first().ok_or(Error::NotFitted)?,
        &layers,
        opaque(&mut unused),
    )?;
    black_box(any.id(plan.layout().id()));
    let values = plan
        .values(black_box(2), sketch.values)
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;

    let linear = |positions| Sequence::new(&logra, black_box(positions), half, brain);
    let (x, y) = (LayerGradient::Linear(linear(2)?), LayerGradient::Linear(linear(3)?));
    let (x, y) = ([x, LayerGradient::Plain(half)], [y, LayerGradient::Plain(half)]);
    let (x, y) = (x.get(..black_box(2)).unwrap_or_default(), y.get(..black_box(2)).unwrap_or_default());
    let mut products = [0.0; 4];
    let memory = &mut [0.0; ghost::memory(2, 2).scratch];
    ghost::products(opaque(&mut [x, y]), opaque(&mut [y, x]), opaque(memory), opaque(&mut products))?;
    Ok(values.iter().sum::<f32>() as f64 + ghost::dot(x, y)? + ghost::squared_norm(x) + products[1])
}

/// Kernels that the core does not use.
fn matrices(a: &mut [f32], b: &mut [f32]) -> Result<(), gradsieve_kernels::Error> {
    use gradsieve_kernels::matrix::{add_outer, add_products, matvec, product, scale_add};
    let [c, d] = &mut [[0.5_f32; 64]; 2];
    let (c, d) = (opaque(c), opaque(d));
    matvec(a, c, b)?;
    product(black_box(8), c, d, b)?;
    add_outer(black_box(0.5), c, a)?;
    add_products(black_box(8), c, d, b)?;
    scale_add(black_box(0.5), c, black_box(2.0), d)
}

/// The influence methods that add up over checkpoints, copies and steps.
fn over_checkpoints(floats: &mut [f32], one: &Sketch<'_>, half: &[f16]) -> Result<f64, Error> {
    let mut ensemble = IpEnsemble::new();
    ensemble.observe(one, one)?;
    ensemble.merge(&{ ensemble });
    let mut sum = ensemble.score() + ensemble.mean();

    let (a, rest) = floats
        .split_at_mut_checked(black_box(64))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    let (b, rest) = rest
        .split_at_mut_checked(black_box(64))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    let (mut train, mut target) = (ReTrac::new(black_box(64), a)?, ReTrac::new(black_box(64), b)?);
    train.observe(one)?;
    target.observe(one)?;
    sum += train.score(&target)?;
    target.merge(&train)?;
    target.reset();

    let (a, b) = rest
        .split_at_mut_checked(black_box(130))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    let (b, rest) = b
        .split_at_mut_checked(black_box(130))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
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
    let (first, rest) = rest
        .split_at_mut_checked(black_box(16))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    let (second, rest) = rest
        .split_at_mut_checked(black_box(16))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
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
fn with_curvature(floats: &mut [f32], one: &Sketch<'_>, half: &[f16]) -> Result<f64, Error> {
    let mut scores = [0.0; 3];
    let scores = opaque(&mut scores);
    let (more, floats) = floats
        .split_at_mut_checked(black_box(64))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
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
    score.merge(&{ score });
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
fn by_passes(
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

fn everything(floats: &mut [f32], more: &mut [f32], half: &[f16], brain: &[bf16]) -> Result<f64, Error> {
    let layers = [Layer::new(black_box(0), black_box(4), 3), Layer::new(black_box(12), 4, 1)];
    let layout = Layout::new(opaque(&mut { layers }))?;
    let repeat =
        Repeat::from_count(black_box(2)).ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    let projector = Sjlt::new(black_box(64), Key::seed(black_box(1)), repeat)?;
    let (a, rest) = floats
        .split_at_mut_checked(black_box(64))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    let (b, rest) = rest
        .split_at_mut_checked(black_box(64))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    let (c, memory) = rest
        .split_at_mut_checked(black_box(64))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    let one = sketch(projector, layout, &layers[0], half, a)?.in_group(black_box(1));
    let two = sketch(projector, layout, &layers[1], brain, b)?;
    let three = sketch(Exact::new(black_box(64)), layout, &layers[1], &*more, c)?;

    let mut sum = grad_dot(&one, &two)? + grad_cos(&one, &three)?;
    let mut pair = TracIn::new();
    pair.observe(black_box(0.1), &one, &two)?;
    pair.observe_self(black_box(0.1), &one)?;
    sum += pair.score() + L1.score(&one, &mut [])? + L2.score(&two, &mut [])?;

    let settings = RidgeSettings { width: black_box(64), damping: black_box(0.1) };
    let mut ridge = Ridge::new(settings, [0.0_f64; 8])?;
    ridge.observe(&one)?;
    ridge.fit()?;
    sum += ridge.solve(&two, more)?.score_one(&three)?;
    ridge.reset();
    sum += over_checkpoints(memory, &one, half)? + with_curvature(memory, &one, half)?;

    let (left, right) = ([0.0_f64; 8], [0.0_f64; 8]);
    let settings =
        SelfInfluenceSettings { damping: black_box(0.1), ..SelfInfluenceSettings::new(black_box(64)) };
    let mut detector = SelfInfluence::new(settings, left)?;
    let other = SelfInfluence::new(settings, right)?;
    detector.observe(&one)?;
    detector.merge(&other)?;
    detector.fit()?;
    sum += detector.score(&two, more)?;

    let (left, right) = ([0.0_f64; 8], [0.0_f64; 8]);
    let settings =
        MahalanobisSettings { shrinkage: black_box(0.1), ..MahalanobisSettings::new(black_box(64)) };
    let mut detector = Mahalanobis::new(settings, left)?;
    let other = Mahalanobis::new(settings, right)?;
    detector.observe(&one)?;
    detector.merge(&other)?;
    detector.fit()?;
    sum += detector.score(&two, more)?;

    let settings = DirectionSettings::new(black_box(3), black_box(64));
    let mut detector = Direction::new(settings, [0_i64; 200])?;
    let other = Direction::new(settings, [0_i64; 200])?;
    detector.observe(&one)?;
    detector.merge(&other)?;
    sum += detector.score(&two, more)?;

    let mut nodes = [Node::EMPTY; 64];
    let settings = ForestSettings {
        trees: black_box(4),
        sample: black_box(8),
        seed: black_box(1),
        rows: black_box(4),
        width: black_box(64),
    };
    let (left, right) = memory
        .split_at_mut_checked(black_box(500))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    let mut forest = Forest::new(settings, opaque(&mut nodes), left)?;
    forest.grow(one.id, right)?;
    forest.observe(&one)?;
    let mut nodes = [Node::EMPTY; 64];
    let other = Forest::new(settings, opaque(&mut nodes), right)?;
    forest.merge(&other)?;
    forest.fit()?;
    sum += forest.score(&two, &mut [])?;

    let mut entries = [Entry::default(); 8];
    let mut top = TopK::new(TopKSettings { k: black_box(8) }, opaque(&mut entries))?;
    top.push(Entry { id: black_box(1), score: black_box(2.0) })?;
    for entry in top.sorted() {
        sum += entry.score;
    }
    let (left, right) = memory
        .split_at_mut_checked(black_box(9))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    sum += embeddings(&one, left).unwrap_or(1.0);
    sum += curvature(&one, right, opaque(&mut [0.5; 64])).unwrap_or(1.0);
    sum += matrices(memory, more).map_or(1.0, |()| 2.0);
    let (left, right) = floats
        .split_at_mut_checked(black_box(128))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    sum += projections(left, right, half, brain)?;
    let mut scores = [1.0, 2.0, 3.0];
    sum += threshold(opaque(&mut scores), black_box(0.1))?;
    Ok(sum)
}

/// What fits in a budget.
fn chosen() -> Result<f64, Error> {
    let budget = Budget {
        parameters: black_box(1000),
        rows: black_box(9),
        groups: black_box(2),
        bytes: black_box(9000),
    };
    let errors = budget.choices()?.as_slice().iter().map(|choice| choice.error).sum::<f64>();
    Ok(errors + relative_error(Codec::Int8, black_box(64), false, black_box(0.5)) + budget.least()? as f64)
}

/// Writes a state, and reads it back.
fn rest(state: &mut impl State, bytes: &mut [u8]) -> Result<usize, Error> {
    let written = state.to_bytes(bytes)?;
    state.restore(bytes)?;
    Ok(written + state.len_at_rest())
}

/// All states at rest.
fn at_rest(floats: &mut [f32], bytes: &mut [u8], sketch: &Sketch<'_>) -> Result<usize, Error> {
    let (memory, more) = floats
        .split_at_mut_checked(black_box(700))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    let width = black_box(8);
    let mut sum = sketch.to_bytes(bytes)? + sketch.id.to_bytes(bytes)?;
    sum += Sketch::from_bytes(bytes, more)?.id.width + SketchId::from_bytes(bytes)?.width;
    sum += Header::read(bytes)?.len;
    sum += rest(
        &mut SelfInfluence::new(
            SelfInfluenceSettings { damping: black_box(0.1), ..SelfInfluenceSettings::new(width) },
            [0.0_f64; 8],
        )?,
        bytes,
    )?;
    sum += rest(
        &mut Mahalanobis::new(
            MahalanobisSettings { shrinkage: black_box(0.1), ..MahalanobisSettings::new(width) },
            [0.0_f64; 8],
        )?,
        bytes,
    )?;
    sum += rest(&mut Direction::new(DirectionSettings::new(3, width), [0_i64; 200])?, bytes)?;
    sum += sieve::sieved(sketch, bytes)?;
    sum += sieve::counted(sketch.values)? as usize;
    let mut ridge = Ridge::new(RidgeSettings { width, damping: black_box(0.1) }, [0.0_f64; 8])?;
    sum += rest(&mut ridge, bytes)?;
    ridge.fit()?;
    sum += ridge.solve(sketch, more)?.to_bytes(bytes)?;
    sum += (Targets::from_bytes(bytes, more)?.score_one(sketch)? > 0.0) as usize;
    sum += rest(&mut TracIn::new(), bytes)?;
    sum += rest(&mut Trak::new(TrakSettings { width, damping: black_box(0.1) }, [0.0_f64; 8])?, bytes)?;
    sum += rest(&mut TrakScore::new(), bytes)? + rest(&mut IpEnsemble::new(), bytes)?;
    sum += rest(&mut ReTrac::new(width, &mut more[..])?, bytes)?;
    sum += rest(&mut LessTargets::new(LessSettings { width, subtasks: width }, &mut more[..])?, bytes)?;
    let doubles = &mut [0.0; 8];
    sum += rest(&mut Less::new(opaque(doubles))?, bytes)?;
    sum += rest(&mut InRunShapley::new(opaque(doubles)), bytes)?;
    let layers = &mut [DataInfLayer::new(0..3), DataInfLayer::new(3..8)];
    let settings = DataInfSettings { layers: 2, ..DataInfSettings::new(width) };
    sum += rest(&mut DataInf::new(settings, opaque(layers))?, bytes)?;
    let ends = &mut [black_box(3), width];
    let settings = PropagatorSettings { blocks: Blocks::new(opaque(ends))?, factors: 2 };
    sum += rest(&mut Propagator::new(settings, &mut memory[..])?, bytes)?;
    let (marks, ids) = (&mut [StepMark::default(); 4], &mut [0; 4]);
    sum += rest(&mut Recorder::new(sketch.id, opaque(marks), opaque(ids), memory, more)?, bytes)?;
    let settings = AdjointSettings { blocks: Blocks::new(opaque(ends))?, targets: 1, rows: 2 };
    sum += rest(&mut Adjoint::new(settings, sketch.id, sketch.values, &mut memory[..])?, bytes)?;
    sum +=
        rest(&mut TopK::new(TopKSettings { k: black_box(8) }, opaque(&mut [Entry::default(); 8]))?, bytes)?;
    let settings = ForestSettings {
        trees: black_box(4),
        sample: black_box(8),
        seed: black_box(1),
        rows: black_box(4),
        width,
    };
    sum += rest(&mut Forest::new(settings, opaque(&mut [Node::EMPTY; 64]), memory)?, bytes)?;
    Ok(sum + settings.memory().bytes_at_rest + SelfInfluenceSettings::new(width).memory().bytes_at_rest)
}

/// Stores of every codec, and what keeps rows of longer streams in them.
fn kept(
    words: &mut [u64],
    scores: &mut [f64],
    floats: &mut [f32],
    sketch: &Sketch<'_>,
) -> Result<f64, Error> {
    let codec =
        Codec::from_number(black_box(1)).ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    let width = black_box(8);
    let (left, right) = words
        .split_at_mut_checked(black_box(900))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    let (values, scratch) = floats
        .split_at_mut_checked(black_box(64))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    let settings = StoreSettings { codec, width, rows: black_box(16) };
    let mut store = Store::new(settings, &mut left[..])?;
    let mut other = Store::new(settings, &mut right[..])?;
    store.append(black_box(1), sketch)?;
    other.append(black_box(2), sketch)?;
    store.replace(black_box(0), black_box(3), sketch)?;
    store.merge(&other)?;
    let mut sum = store.get(black_box(1), values)?.sketch.measures.l1;
    store.for_each(values, |row| {
        sum += f64::from(row.sketch.group);
        Ok(())
    })?;
    sum += (settings.memory().bytes_with::<u64>() + settings.memory().bytes_at_rest) as f64;
    let (scratch, tile) = scratch
        .split_at_mut_checked(black_box(500))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    let settings = QueriesSettings { codec, width, count: black_box(8) };
    let mut queries = Queries::new(settings, scratch)?;
    queries.pack(sketch.id, values)?;
    store.score(&queries, tile)?;
    store.score_rows(black_box(0)..black_box(3), &queries, tile)?;
    let mut entries = [Entry::default(); 8];
    let mut tops = [TopK::new(TopKSettings { k: black_box(8) }, opaque(&mut entries))?];
    sum += store.top(&queries, tile, opaque(&mut tops))? as f64;
    let [top] = &mut tops;
    sum += shortlist(&store, values, &queries, top)?;
    sum += store.squared_norms().iter().sum::<f64>() + store.ids().len() as f64 + store.groups().len() as f64;

    let bytes = &mut [0; 2000];
    sum += rest(&mut store, opaque(bytes))? as f64;
    let settings = ReservoirSettings { seed: black_box(7), codec, width, rows: black_box(16) };
    let mut reservoir = Reservoir::new(settings, &mut left[..])?;
    let mut second = Reservoir::new(settings, &mut right[..])?;
    second.offer(black_box(5), sketch)?;
    reservoir.offer(black_box(5), sketch)?;
    reservoir.merge(&second)?;
    sum += rest(&mut reservoir, opaque(bytes))? as f64;
    sum += reservoir.into_store().len() as f64;
    let (one, two) = scores
        .split_at_mut_checked(black_box(16))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    let settings = LargestSettings { codec, width, rows: black_box(16) };
    let mut largest = Largest::new(settings, left, one)?;
    let mut second = Largest::new(settings, right, two)?;
    second.offer(black_box(5), sketch, black_box(1.0))?;
    largest.offer(black_box(5), sketch, black_box(1.0))?;
    largest.merge(&second)?;
    sum += rest(&mut largest, opaque(bytes))? as f64;
    Ok(sum + largest.scores().iter().sum::<f64>())
}

/// Counts of signs that differ, the list that is made by them, and its rows' scores.
fn shortlist(
    store: &Store<&mut [u64]>,
    values: &[f32],
    query: &Queries<&mut [f32]>,
    top: &mut TopK<&mut [Entry]>,
) -> Result<f64, Error> {
    let (words, counts) = (&mut [0; 64], &mut [0; 64]);
    let (words, counts) = (opaque(words), opaque(counts));
    let settings = SignsSettings { width: black_box(8), count: black_box(8) };
    let mut signs = Signs::new(settings, words)?;
    signs.pack(query.id().ok_or(Error::NotFitted)?, values)?;
    store.differences(&signs, counts)?;
    store.differences_rows(black_box(0)..black_box(3), &signs, counts)?;
    let mut entries = [Entry::default(); 8];
    let mut lists = [Shortlist::new(ShortlistSettings { rows: black_box(8) }, opaque(&mut entries))?];
    store.shortlist(&signs, counts, opaque(&mut lists))?;
    let [list] = &lists;
    Ok(store.top_of(list, query, top)? as f64 + list.rows().iter().map(|row| row.score).sum::<f64>())
}

/// Codecs and scores of stored rows, in both layouts. `k` and all lengths are unknown to
/// the optimiser.
fn stores(
    floats: &mut [f32],
    words: &mut [u32],
    bytes: &mut [u8],
    half: &[f16],
) -> Result<f32, kernels::Error> {
    use kernels::codec::{int8::*, sign::*};
    use kernels::score::{float, hamming, int8, sign};
    let k = black_box(8);
    let (rows, rest) = floats.split_at_mut_checked(black_box(64)).ok_or(kernels::Error::Level)?;
    let (scores, scratch) = rest.split_at_mut_checked(black_box(64)).ok_or(kernels::Error::Level)?;
    let scale = encode_int8(rows, bytes)?;
    decode_int8(bytes, scale, scratch)?;
    let sign_scale = encode_signs(rows, words)?;
    decode_signs(words, sign_scale, scratch)?;

    float::score_rows(half, k, rows, scores)?;
    float::seal(scores, k, scratch)?;
    let packed = float::Packed::new(rows, k, scratch)?;
    float::score_sealed(half, packed, scores)?;

    let (codes, sealed) = bytes.split_at_mut(black_box(3).min(bytes.len()));
    int8::seal(codes, k, sealed)?;
    let queries = int8::Queries::open(rows, k, sealed)?;
    int8::score_int8_rows(int8::Rows { codes, scales: rows }, queries, scores)?;
    let queries = int8::Queries::sealed(rows, k, sealed)?;
    int8::score_int8_sealed(int8::Rows { codes, scales: rows }, queries, scores)?;

    let (signs, sealed) = words.split_at_mut(black_box(3).min(words.len()));
    sign::seal(signs, k, sealed)?;
    let stored = sign::Rows { words: signs, scales: half };
    sign::score_sign_rows(stored, k, rows, scores)?;
    let tables = sign::Tables::new(rows, k, scratch)?;
    sign::score_sign_sealed(stored, tables, scores)?;
    let (scratch, distances) = sealed.split_at_mut(black_box(3).min(sealed.len()));
    let queries = hamming::Queries::open(rows, k, scratch)?;
    hamming::hamming_rows(signs, queries, distances)?;
    let queries = hamming::Queries::sealed(rows, k, scratch)?;
    hamming::hamming_sealed(signs, queries, distances)?;
    Ok(scores.iter().sum::<f32>() + float::sealed_place(k, k, 3) as f32)
}

/// Data value embeddings, by both ways, of a recorded run.
fn embeddings(one: &Sketch<'_>, floats: &mut [f32]) -> Result<f64, Error> {
    let ends = [black_box(24), black_box(64)];
    let blocks = Blocks::new(&ends)?;
    let (rows, floats) = floats
        .split_at_mut_checked(black_box(256))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    let (factors, floats) = floats
        .split_at_mut_checked(black_box(256))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    let (mut marks, mut ids) = ([StepMark::default(); 2], [0; 4]);
    let mut record = Recorder::new(one.id, opaque(&mut marks), opaque(&mut ids), rows, factors)?;
    record.sample(black_box(2), one)?;
    record.factor(one)?;
    record.step(black_box(0.1))?;
    record.abandon();
    let (left, rest) = floats
        .split_at_mut_checked(black_box(400))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    let (right, out) = rest
        .split_at_mut_checked(black_box(400))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
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

/// Influence through curvature.
fn curvature(one: &Sketch<'_>, floats: &mut [f32], doubles: &mut [f64]) -> Result<f64, Error> {
    let bytes = &mut [0; 4096];
    let settings = ArnoldiSettings {
        width: black_box(64),
        products: black_box(5),
        keep: black_box(3),
        seed: black_box(1),
    };
    let (solution, floats) = floats
        .split_at_mut_checked(black_box(64))
        .ok_or(Error::Setting { name: "memory", expected: "longer" })?;
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
    let mut scores = [0.0];
    layer.solve([(a, b)], solution)?.score_factors(a, b, opaque(&mut scores))?;
    let [score] = scores;
    Ok(sum + score)
}

/// The entry point of the image.
#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    let mut floats = [0.5_f32; 4096];
    let mut more = [0.5_f32; 64];
    let result = everything(
        opaque(&mut floats),
        opaque(&mut more),
        opaque(&mut [f16::ONE; 16]),
        opaque(&mut [bf16::ONE; 16]),
    );
    let _ = black_box(result);
    let result = factored(
        opaque(&mut floats),
        opaque(&mut more),
        opaque(&mut [f16::ONE; 16]),
        opaque(&mut [bf16::ONE; 16]),
    );
    let _ = black_box(result);
    let result =
        stores(opaque(&mut floats), opaque(&mut [1; 64]), opaque(&mut [1; 256]), opaque(&mut [f16::ONE; 64]));
    let _ = black_box(result.is_ok());
    let values = [0.5; 64];
    let id = Exact::new(black_box(64)).id(LayoutId::from_bits(black_box(1)));
    let sketch = Sketch::from_parts(id, &values, gradsieve_kernels::summarize(&values));
    if let Ok(sketch) = sketch {
        let (mut words, mut scores) = ([0; 2048], [0.0; 64]);
        let _ = black_box(at_rest(opaque(&mut floats), opaque(&mut [0; 4096]), &sketch));
        let _ = black_box(kept(opaque(&mut words), opaque(&mut scores), opaque(&mut floats), &sketch));
    }
    let _ = black_box(chosen());
    #[cfg(feature = "planted")]
    black_box(floats[black_box(9999)]);
    loop {}
}
