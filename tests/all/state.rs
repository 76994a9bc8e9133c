//! States at rest: what is read is what was written, on every machine; what was altered
//! or belongs to another state is refused.

mod carried;
mod front;
mod published;
mod refused;
mod restored;
mod used;

use crate::detectors::score;
use crate::source::normals;
use crate::store::{filled, id_of, largest_of, reservoir_of, scores_of, sketch_of, store_of, top_k};
use gradsieve::influence::dvemb::{
    Adjoint, AdjointSettings, Blocks, Curvature, Propagator, PropagatorSettings, Recorder, RecorderSettings,
    Step, StepMark,
};
use gradsieve::influence::{
    Arnoldi, ArnoldiSettings, DataInf, DataInfLayer, DataInfSettings, Ekfac, EkfacSettings, Gif, GifSettings,
    InRunShapley, IpEnsemble, Less, LessSettings, LessTargets, ReTrac, Ridge, RidgeSettings, Solver as _,
    Targets, TracIn, Trak, TrakScore, TrakSettings,
};
use gradsieve::moments::{Centre, Moments, MomentsSettings};
use gradsieve::outlier::{
    Detector, Direction, DirectionSettings, Forest, ForestSettings, Mahalanobis, MahalanobisSettings, Node,
    SelfInfluence, SelfInfluenceSettings,
};
use gradsieve::state::{FRAME, HEADER, Header, StateKind, crc32};
use gradsieve::store::{Codec, Entry, LargestSettings, ReservoirSettings, StoreSettings, TopK, TopKSettings};
use gradsieve::visits::{Kept, Mean, MeanRank, VisitNumber, Visits, VisitsSettings, Worst};
use gradsieve::{
    Error, Field, Fingerprint, Groups, Kind, LayoutId, Repeat, Sieve, SieveSettings, Sketch, SketchId, State,
    f16,
};
use std::fmt::Write as _;

const K: usize = 5;
const SIEVE: SieveSettings =
    SieveSettings { groups: Groups::Growing(4), half_life: Some(16), warm_up: 16, ..SieveSettings::new(K) };
const GROUPS: DirectionSettings = DirectionSettings { clip: Some(4.0), ..DirectionSettings::new(7, K) };
const FOREST: ForestSettings = ForestSettings { trees: 3, sample: 4, seed: 9, rows: 0, width: K };
const MOMENTS: MomentsSettings = MomentsSettings::new(Centre::Mean, K);
const SELF_INFLUENCE: SelfInfluenceSettings =
    SelfInfluenceSettings { damping: 0.25, clip: None, ..SelfInfluenceSettings::new(K) };
const MAHALANOBIS: MahalanobisSettings =
    MahalanobisSettings { shrinkage: 0.5, clip: Some(4.0), ..MahalanobisSettings::new(K) };
const SAMPLE: ReservoirSettings = ReservoirSettings { seed: 3, codec: Codec::Int8, width: K, rows: 16 };
const LARGEST: LargestSettings = LargestSettings { codec: Codec::OneBit, width: K, rows: 16 };
const KRYLOV: ArnoldiSettings = ArnoldiSettings { width: K, products: 3, keep: 2, seed: 8 };
/// A layer of three inputs and two outputs, whose factors stand in a row of K numbers.
const INPUTS: usize = 3;

const VISITS: VisitsSettings = VisitsSettings { first: 7, samples: 5 };
const SUBTASKS: LessSettings = LessSettings { width: K, subtasks: 2 };
const LAYERS: DataInfSettings = DataInfSettings { width: K, layers: 2, targets: 1, damping: 0.5 };
const PARTIAL: GifSettings = GifSettings { width: K, indices: &[1, 4], damping: 0.5 };
const LAYER: EkfacSettings = EkfacSettings { inputs: INPUTS, outputs: K - INPUTS, damping: 0.5 };

/// Row r: eighths that every format but the smallest holds exactly.
fn rows(n: usize, width: usize) -> Vec<f32> {
    let value = |r: usize, i: usize| ((17 * i + 5 * r) % 29) as f32 / 8.0 - 1.75;
    (0..n).flat_map(|r| (0..width).map(move |i| value(r, i))).collect()
}

/// Numbers over the visits to five samples, none yet.
fn visits<R: Kept, T: VisitNumber>() -> Visits<R, T, Vec<T>, Vec<u16>> {
    Visits::new(VISITS, vec![T::ZERO; VISITS.samples], vec![7; VISITS.samples]).unwrap()
}

fn bytes_of(state: &impl State) -> Vec<u8> {
    let mut bytes = vec![0xEE; state.len_at_rest() + 3];
    let written = state.to_bytes(&mut bytes).unwrap();
    assert_eq!(written, state.len_at_rest());
    assert_eq!(bytes.split_off(written), [0xEE; 3]);
    let short = state.to_bytes(&mut vec![0; written - 1]);
    assert_eq!(short, Err(Error::Length { expected: written, found: written - 1 }));
    bytes
}

/// Calls `$check!(name, state, fresh)` for every kind of state, fresh ones made with the
/// same settings.
macro_rules! for_each_state {
    ($check:ident) => {{
        let rows = rows(20, K);
        let sketches: Vec<Sketch> = rows.chunks(K).map(sketch_of).collect();

        let buffer = |fill| vec![fill; MOMENTS.memory().f64s];
        let mut state = Moments::new(MOMENTS, buffer(0.0)).unwrap();
        sketches.iter().for_each(|sketch| state.observe(sketch).unwrap());
        $check!("moments", state, Moments::new(MOMENTS, buffer(7.0)).unwrap());

        for fitted in [false, true] {
            let buffer = |fill| vec![fill; SELF_INFLUENCE.memory().f64s];
            let mut state = SelfInfluence::new(SELF_INFLUENCE, buffer(0.0)).unwrap();
            sketches.iter().for_each(|sketch| state.observe(sketch).unwrap());
            if fitted {
                state.fit().unwrap();
            }
            let name = if fitted { "self-influence, fitted" } else { "self-influence" };
            $check!(name, state, SelfInfluence::new(SELF_INFLUENCE, buffer(7.0)).unwrap());
        }

        let buffer = |fill| vec![fill; MAHALANOBIS.memory().f64s];
        let mut state = Mahalanobis::new(MAHALANOBIS, buffer(0.0)).unwrap();
        sketches.iter().for_each(|sketch| state.observe(sketch).unwrap());
        state.fit().unwrap();
        $check!("mahalanobis", state, Mahalanobis::new(MAHALANOBIS, buffer(7.0)).unwrap());

        let buffer = |fill| vec![fill; GROUPS.memory().i64s];
        let mut state = Direction::new(GROUPS, buffer(0)).unwrap();
        for (group, sketch) in (0..).zip(&sketches) {
            state.observe(&sketch.in_group(group % GROUPS.groups)).unwrap();
        }
        $check!("direction", state, Direction::new(GROUPS, buffer(7)).unwrap());

        let buffer = |fill| vec![fill; SIEVE.memory().i64s];
        let mut state = Sieve::new(SIEVE, buffer(0)).unwrap();
        for (group, sketch) in (0..).zip(&sketches) {
            let sketch = sketch.in_group(10 * (group % 3)).with_loss(group as f32);
            let verdict = state.judge(&sketch).unwrap();
            state.observe(&sketch, &verdict).unwrap();
        }
        $check!("sieve", state, Sieve::new(SIEVE, buffer(7)).unwrap());

        let mut state = visits::<Mean, f16>();
        (0..9).for_each(|visit| state.observe(7 + visit % 4, visit as f64 / 3.0).unwrap());
        $check!("mean over visits, f16", state, visits::<Mean, f16>());
        let mut state = visits::<MeanRank, f32>();
        (0..9).for_each(|visit| state.observe(7 + visit % 4, visit as f64 / 10.0).unwrap());
        $check!("mean rank over visits, f32", state, visits::<MeanRank, f32>());
        let mut state = visits::<Worst, f16>();
        (0..9).for_each(|visit| state.observe(7 + visit % 4, -1.5 * visit as f64).unwrap());
        $check!("worst of visits, f16", state, visits::<Worst, f16>());

        for fitted in [false, true] {
            let new = || {
                let memory = FOREST.memory();
                Forest::new(FOREST, vec![Node::EMPTY; memory.others], vec![0.0; memory.f32s]).unwrap()
            };
            let mut state = new();
            if fitted {
                state.grow(id_of(K), &rows).unwrap();
            }
            let name = if fitted { "forest, fitted" } else { "forest" };
            $check!(name, state, new());
        }

        let mut state = top_k(4);
        for (id, score) in [(3, 0.5), (1, f64::NEG_INFINITY), (u64::MAX, 2.25)] {
            state.push(Entry { id, score }).unwrap();
        }
        $check!("top-k", state, TopK::new(TopKSettings { k: 4 }, [Entry { id: 8, score: 8.0 }; 4]).unwrap());

        let mut state = TracIn::new();
        state.observe(0.5, &sketches[0], &sketches[1]).unwrap();
        $check!("tracin", state, TracIn::new());

        let settings = RidgeSettings { width: K, damping: 0.5 };
        let len = settings.memory().f64s;
        let (mut a, mut b) = (vec![0.0; len], vec![7.0; len]);
        let mut state = Ridge::new(settings, &mut a).unwrap();
        sketches.iter().for_each(|sketch| state.observe(sketch).unwrap());
        state.fit().unwrap();
        $check!("ridge", state, Ridge::new(settings, &mut b).unwrap());

        let (mut a, mut b) = (vec![0.0; len], vec![7.0; len]);
        let settings = TrakSettings { width: K, damping: 0.5 };
        let mut state = Trak::new(settings, &mut a).unwrap();
        sketches.iter().for_each(|sketch| state.observe(sketch).unwrap());
        state.fit().unwrap();
        $check!("trak", state, Trak::new(settings, &mut b).unwrap());

        let mut state = TrakScore::new();
        state.observe(0.75, 0.5).unwrap();
        $check!("trak score", state, TrakScore::new());

        let mut state = IpEnsemble::new();
        state.observe(&sketches[0], &sketches[1]).unwrap();
        $check!("ip ensemble", state, IpEnsemble::new());

        let (mut a, mut b) = ([0.0; K], [7.0; K]);
        let mut state = ReTrac::new(K, &mut a).unwrap();
        sketches.iter().for_each(|sketch| state.observe(sketch).unwrap());
        $check!("retrac", state, ReTrac::new(K, &mut b).unwrap());

        let (mut a, mut b) = ([0.0; SUBTASKS.memory().f32s], [7.0; SUBTASKS.memory().f32s]);
        let mut state = LessTargets::new(SUBTASKS, &mut a).unwrap();
        state.observe(0, &sketches[2]).unwrap();
        state.observe(1, &sketches[3]).unwrap();
        let (mut c, mut d) = ([0.0; 2], [7.0; 2]);
        let mut score = Less::new(&mut c).unwrap();
        score.observe(0.5, &state, &sketches[0]).unwrap();
        $check!("less targets", state, LessTargets::new(SUBTASKS, &mut b).unwrap());
        $check!("less", score, Less::new(&mut d).unwrap());

        let (mut a, mut b) = ([0.0; 3], [7.0; 3]);
        let mut state = InRunShapley::new(&mut a);
        state.observe_step(0.5, &sketches[0], None, &[(1, sketches[1]), (2, sketches[2])]).unwrap();
        $check!("in-run shapley", state, InRunShapley::new(&mut b));

        let layers = [DataInfLayer::new(0..2), DataInfLayer::new(2..K)];
        let (mut a, mut b) = (layers, layers);
        let mut state = DataInf::new(LAYERS, &mut a).unwrap();
        sketches.iter().for_each(|sketch| state.observe(sketch).unwrap());
        state.fit().unwrap();
        $check!("datainf", state, DataInf::new(LAYERS, &mut b).unwrap());

        let blocks = Blocks::new(&[2, K]).unwrap();
        let settings = PropagatorSettings { blocks, factors: 2 };
        let len = settings.memory().f32s;
        let (mut a, mut b) = (vec![0.0; len], vec![7.0; len]);
        let mut state = Propagator::new(settings, &mut a).unwrap();
        let (gradients, mut embeddings) = (&rows[..2 * K], [0.0; 2 * K]);
        let step =
            Step { id: id_of(K), learning_rate: 0.125, gradients, curvature: Curvature::EmpiricalFisher };
        state.step(&step, &mut embeddings).unwrap();
        $check!("propagator", state, Propagator::new(settings, &mut b).unwrap());

        let settings = AdjointSettings { blocks, targets: 3, rows: 2 };
        let len = settings.memory().f32s;
        let (mut a, mut b) = (vec![0.0; len], vec![7.0; len]);
        let mut state = Adjoint::new(settings, id_of(K), &rows[2 * K..5 * K], &mut a).unwrap();
        state.step(&step, &mut [0.0; 6]).unwrap();
        let others = &rows[5 * K..8 * K];
        $check!("adjoint", state, Adjoint::new(settings, id_of(K), others, &mut b).unwrap());

        for fitted in [false, true] {
            let (mut a, mut b) = ([0.0; KRYLOV.memory().f32s], [7.0; KRYLOV.memory().f32s]);
            let (mut c, mut d) = ([0.0; KRYLOV.memory().f64s], [7.0; KRYLOV.memory().f64s]);
            let mut state = Arnoldi::new(KRYLOV, id_of(K), &mut a, &mut c).unwrap();
            for product in 0..3 {
                sketches.iter().for_each(|sketch| state.observe(sketch).unwrap());
                if fitted || product < 2 {
                    state.advance().unwrap();
                }
            }
            if fitted {
                state.fit().unwrap();
            }
            let name = if fitted { "arnoldi, fitted" } else { "arnoldi, in a product" };
            $check!(name, state, Arnoldi::new(KRYLOV, id_of(K), &mut b, &mut d).unwrap());
        }

        for fitted in [false, true] {
            let (mut a, mut b) = ([0.0; PARTIAL.memory().f64s], [7.0; PARTIAL.memory().f64s]);
            let mut state = Gif::new(PARTIAL, &mut a).unwrap();
            sketches.iter().for_each(|sketch| state.observe(sketch).unwrap());
            if fitted {
                state.fit().unwrap();
            }
            let name = if fitted { "gif, fitted" } else { "gif" };
            $check!(name, state, Gif::new(PARTIAL, &mut b).unwrap());
        }

        for decomposed in [false, true] {
            let len = LAYER.memory().f32s;
            let (mut a, mut b) = (vec![0.0; len], vec![7.0; len]);
            let mut state = Ekfac::new(LAYER, &mut a).unwrap();
            let factors = || rows.chunks(K).map(|row| row.split_at(INPUTS));
            factors().for_each(|(a, b)| state.factors(a, b).unwrap());
            if decomposed {
                state.decompose(&mut [0.0; LAYER.memory().f64s]).unwrap();
                for (a, b) in factors().take(3) {
                    state.position(a, b).unwrap();
                    state.sample().unwrap();
                }
                state.position(&rows[..INPUTS], &rows[INPUTS..K]).unwrap();
            }
            let name = if decomposed { "ek-fac, in a sample" } else { "ek-fac" };
            $check!(name, state, Ekfac::new(LAYER, &mut b).unwrap());
        }

        let (mut a, mut b) = ([StepMark::default(); 3], [StepMark::default(); 3]);
        let (mut c, mut d, mut e, mut f) = ([0; 4], [7; 4], [0.0; 4 * K], [7.0; 4 * K]);
        let (mut g, mut h) = ([0.0; 2 * K], [7.0; 2 * K]);
        let mut state = Recorder::new(id_of(K), &mut a, &mut c, &mut e, &mut g).unwrap();
        for (sample, sketch) in (5..).zip(&sketches[..3]) {
            state.sample(sample, sketch).unwrap();
            state.step(0.25).unwrap();
        }
        state.factor(&sketches[3]).unwrap();
        $check!("recorder", state, Recorder::new(id_of(K), &mut b, &mut d, &mut f, &mut h).unwrap());

        for codec in Codec::ALL {
            let state = filled(codec, K, &rows);
            $check!(&format!("store, {}", codec.name()), state, store_of(codec, K, 32));
        }

        let mut state = reservoir_of(SAMPLE);
        for (id, sketch) in (0..).zip(&sketches) {
            state.offer(id, sketch).unwrap();
        }
        $check!("reservoir", state, reservoir_of(SAMPLE));

        let mut state = largest_of(LARGEST);
        for (id, sketch) in (0..).zip(&sketches) {
            state.offer(id, sketch, (id % 7) as f64).unwrap();
        }
        $check!("largest", state, largest_of(LARGEST));
    }};
}

use for_each_state;
