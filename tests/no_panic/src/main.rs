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

mod clients;
mod influence;
mod sieve;
mod stores;
mod visits;

use core::hint::black_box;
use gradsieve::budget::{Budget, relative_error};
use gradsieve::ghost::{self, LayerGradient};
use gradsieve::influence::dvemb::{
    Adjoint, AdjointSettings, Blocks, Propagator, PropagatorSettings, Recorder, StepMark,
};
use gradsieve::influence::{
    DataInf, DataInfLayer, DataInfSettings, InRunShapley, IpEnsemble, Less, LessSettings, LessTargets,
    ReTrac, Ridge, RidgeSettings, Targets, TracIn, Trak, TrakScore, TrakSettings, grad_cos, grad_dot,
};
use gradsieve::outlier::{
    Detector, Direction, DirectionSettings, Forest, ForestSettings, L1, L2, Mahalanobis, MahalanobisSettings,
    Node, SelfInfluence, SelfInfluenceSettings, threshold,
};
use gradsieve::state::Header;
use gradsieve::store::{Codec, Entry, TopK, TopKSettings};
use gradsieve::wire::{PacketHeader, PacketSettings, Packets};
use gradsieve::{
    AnyProjector, Element, Error, Exact, FactGrass, Factor, FoldedLayer, IndexMask, Key, Kind, Kronecker,
    KroneckerIn, Layer, Layout, LayoutId, Logra, Part, Plan, Projector, ProjectorSettings, Rademacher,
    Repeat, Sequence, Sjlt, Sketch, SketchId, Sketcher, State, Widths, bf16, f16,
};
use gradsieve_kernels::rademacher::{Carry, rademacher_batch};
use influence::{curvature, embeddings, optimisers, over_checkpoints, with_curvature};
use stores::{kept, stores};

unsafe extern "C" {
    fn a_panic_can_be_reached() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: there is no such function, so no image that calls it exists.
    unsafe { a_panic_can_be_reached() }
}

/// A slice in two, of which the first has so many elements.
fn parts<T>(memory: &mut [T], first: usize) -> Result<(&mut [T], &mut [T]), Error> {
    memory.split_at_mut_checked(first).ok_or(Error::Setting { name: "memory", expected: "longer" })
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

    let layers = [layer(0), layer(12)];
    let lean = Kronecker::for_layers(&layers, black_box(32), Key::seed(black_box(1)))?;
    let other = Kronecker::new(&layers, &[widths(4), widths(3)], Key::secret(black_box([1; 16])))?;
    black_box((lean.widths(black_box(1)), other.id(lean.layout().id())));
    let mut folded = [FoldedLayer::UNUSED; 4];
    let placed = KroneckerIn::for_layers_in(
        opaque(&mut { layers }),
        black_box(32),
        Key::seed(3),
        opaque(&mut folded),
    )?;
    black_box((placed.widths(black_box(1)), placed.id(lean.layout().id())));
    let mut numbers = [0.0; 64];
    let mut sketcher = Sketcher::new(
        placed,
        placed.layout(),
        opaque(&mut numbers).get_mut(..placed.width()).unwrap_or_default(),
    )?;
    sketcher.outer_biased(&layer(black_box(0)), half, x)?;
    black_box(sketcher.finish()?.values);
    let mut numbers = [0.0; 64];
    let mut sketcher = Sketcher::new(lean, lean.layout(), opaque(&mut numbers))?;
    sketcher.outer_biased(&layer(black_box(0)), half, x)?;
    sketcher.outer(&layer(black_box(12)), brain, half)?;
    sketcher.segment(black_box(3), x)?;
    let lean: f32 = sketcher.finish()?.values.iter().sum();

    let linear = |positions| Sequence::new(&logra, black_box(positions), half, brain);
    let (x, y) = (LayerGradient::Linear(linear(2)?), LayerGradient::Linear(linear(3)?));
    let (x, y) = ([x, LayerGradient::Plain(half)], [y, LayerGradient::Plain(half)]);
    let (x, y) = (x.get(..black_box(2)).unwrap_or_default(), y.get(..black_box(2)).unwrap_or_default());
    let mut products = [0.0; 4];
    let memory = &mut [0.0; ghost::memory(2, 2).scratch];
    ghost::products(opaque(&mut [x, y]), opaque(&mut [y, x]), opaque(memory), opaque(&mut products))?;
    Ok((lean + values.iter().sum::<f32>()) as f64 + ghost::dot(x, y)? + ghost::squared_norm(x) + products[1])
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

fn everything(floats: &mut [f32], more: &mut [f32], half: &[f16], brain: &[bf16]) -> Result<f64, Error> {
    let layers = [Layer::new(black_box(0), black_box(4), 3), Layer::new(black_box(12), 4, 1)];
    let layout = Layout::new(opaque(&mut { layers }))?;
    let repeat =
        Repeat::from_count(black_box(2)).ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    let projector = Sjlt::new(black_box(64), Key::seed(black_box(1)), repeat)?;
    let (a, rest) = parts(floats, black_box(64))?;
    let (b, rest) = parts(rest, black_box(64))?;
    let (c, memory) = parts(rest, black_box(64))?;
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
    let (left, right) = parts(memory, black_box(500))?;
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
    sum += clients::weighed(&one, opaque(memory)).unwrap_or(1) as f64;
    let (left, right) = parts(memory, black_box(9))?;
    sum += embeddings(&one, left).unwrap_or(1.0);
    sum += optimisers(&one, right, opaque(&mut [0.5; 512])).unwrap_or(1.0);
    sum += curvature(&one, right, opaque(&mut [0.5; 64])).unwrap_or(1.0);
    sum += matrices(memory, more).map_or(1.0, |()| 2.0);
    let (left, right) = parts(floats, black_box(128))?;
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
    state.carry_over(bytes)?;
    Ok(written + state.len_at_rest())
}

/// Writes a packet, and reads it back.
fn packet(sketch: &Sketch<'_>, memory: &mut [f32], bytes: &mut [u8]) -> Result<usize, Error> {
    let packets = Packets::new(sketch.id, &Layout::flat(black_box(64))?)?;
    let codec = Codec::from_number(black_box(1)).unwrap_or(Codec::F32);
    let settings = PacketSettings { codec, l1: black_box(true), max: black_box(true) };
    let written = packets.write(sketch, settings, bytes)?;
    let (received, read) = packets.read(bytes, memory)?;
    Ok(written + read + received.values.len() + PacketHeader::peek(bytes)?.len)
}

/// All states at rest.
fn at_rest(floats: &mut [f32], bytes: &mut [u8], sketch: &Sketch<'_>) -> Result<usize, Error> {
    let (memory, more) = parts(floats, black_box(700))?;
    let width = black_box(8);
    let mut sum = sketch.to_bytes(bytes)? + sketch.id.to_bytes(bytes)?;
    sum += Sketch::from_bytes(bytes, more)?.id.width + SketchId::from_bytes(bytes)?.width;
    sum += Header::read(bytes)?.len + Header::peek(bytes)?.len;
    sum += packet(sketch, more, bytes)?;
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
    sum += visits::visited(bytes)?;
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
