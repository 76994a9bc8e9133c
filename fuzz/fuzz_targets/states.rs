//! Every state but the stores, from any bytes: an error, or a state that can be used;
//! never a panic.
#![no_main]

mod framed;

use framed::{bytes_of, read};
use gradsieve::influence::dvemb::{
    Adjoint, AdjointSettings, Blocks, Curvature, Propagator, PropagatorSettings, Recorder, Step, StepMark,
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
use gradsieve::state::{Header, crc32};
use gradsieve::store::{Entry, TopK, TopKSettings};
use gradsieve::visits::{Mean, MeanRank, Visits, VisitsSettings};
use gradsieve::wire::{PacketHeader, PacketSettings, Packets};
use gradsieve::{
    Codec, Error, Exact, Groups, Guards, Layout, Memory, Projector, Rate, Sieve, SieveSettings, Sketch,
    SketchId, State, Summary, f16,
};

const K: usize = 3;
const VALUES: [f32; K] = [1.0, -0.5, 0.25];

fn id() -> SketchId {
    Exact::new(K).id(Layout::flat(9).expect("nine coordinates").id())
}

fn sketch() -> Sketch<'static> {
    let measures = Summary { l1: 3.0, l2_squared: 3.0, max: 1.0, non_finite: 0, count: 9 };
    Sketch::from_parts(id(), &VALUES, measures).expect("as many as K")
}

fn step() -> Step<'static> {
    Step { id: id(), learning_rate: 0.1, gradients: &VALUES, curvature: Curvature::EmpiricalFisher }
}

fn used<D: Detector>(detector: &mut D) {
    number(detector.score(&sketch(), &mut [0.0; K]));
}

/// A score is a number, or there is none.
fn number(score: Result<f64, Error>) {
    assert!(score.is_err() || score.is_ok_and(f64::is_finite), "{score:?}");
}

/// A sieve's settings, by the bits of a byte.
fn sieve_settings(bits: u8) -> SieveSettings {
    let flag = |bit: u8| bits >> bit & 1 == 1;
    SieveSettings {
        groups: if flag(0) { Groups::Growing(2) } else { Groups::Fixed(2) },
        rate: if flag(1) { Rate::FalseDiscoveries(0.5) } else { Rate::FalseAlarms(0.1) },
        half_life: flag(2).then_some(16),
        guards: Guards { duplicates: if flag(3) { 3 } else { 0 }, ..Guards::ALL },
        learn_flagged: flag(4),
        warm_up: 16,
        ..SieveSettings::new(K)
    }
}

/// A sieve at rest of which the input changes some words: whole bodies are too long to be
/// found. What is taken judges and learns, and merges with itself.
fn sieve(input: &[u8]) {
    let Some((&bits, input)) = input.split_first() else { return };
    let settings = sieve_settings(bits);
    let new = || Sieve::new(settings, vec![0; settings.memory().i64s]).expect("valid");
    let mut state = new();
    for i in 0..40_u8 {
        let values = [f32::from(i % 7) - 3.0, f32::from(i % 5), 1.0];
        let sketch = Sketch::from_parts(id(), &values, gradsieve_kernels::summarize(&values)).expect("K");
        let sketch = sketch.in_group(u32::from(i % 2)).with_loss(f32::from(i));
        let verdict = state.judge(&sketch).expect("fits");
        state.observe(&sketch, &verdict).expect("fits");
    }
    let mut bytes = bytes_of(&state);
    for patch in input.as_chunks::<10>().0 {
        let at = usize::from(u16::from_le_bytes([patch[0], patch[1]])) % bytes.len();
        let word = bytes[at..].iter_mut().zip(&patch[2..]);
        word.for_each(|(byte, new)| *byte = *new);
    }
    let judged = |state: &mut Sieve<Vec<i64>>| {
        for i in 0..40_u32 {
            let values = VALUES.map(|x| x * (i % 6) as f32);
            let sketch = Sketch::from_parts(id(), &values, gradsieve_kernels::summarize(&values)).expect("K");
            let sketch = if i % 3 == 0 { sketch } else { sketch.with_loss((i % 9) as f32) };
            // A state of another kind of sketch refuses these.
            let Ok(verdict) = state.judge(&sketch.in_group(i % 2)) else { return };
            assert!((0.0..=1.0).contains(&verdict.p) && verdict.score.is_finite(), "{verdict:?}");
            let _ = state.observe(&sketch.in_group(i % 2), &verdict);
        }
    };
    read(&bytes, &mut state, |state| {
        let mut other = new();
        other.restore(&bytes_of(state)).expect("what was written is read");
        judged(state);
        let _ = state.merge(&other);
        let _ = (state.health(), other.merge(state));
        state.advance(state.clock().ticks().saturating_add(100));
        judged(state);
        let written = bytes_of(state);
        state.restore(&written).expect("what was written is read");
    });
    let _ = SieveSettings::read(&bytes);
}

/// A packet: the input, and the input with a front and a CRC that fit. What is taken is
/// finite, and the same once it is sent and read again.
fn packet(input: &[u8]) {
    let layout = Layout::flat(9).expect("nine coordinates");
    let packets = Packets::new(id(), &layout).expect("three numbers");
    let mut good = input.to_vec();
    good.resize(input.len().max(100), 0);
    good[0] = 0xA6;
    let codecs: Vec<u8> = (0..16).filter(|&number| Codec::from_number(number).is_some()).collect();
    good[1] = (1 << 4) | codecs[usize::from(good[1]) % codecs.len()];
    good[2] &= 15;
    good[3..5].copy_from_slice(&(K as u16).to_le_bytes());
    good[5..13].copy_from_slice(&packets.fingerprint().to_le_bytes());
    let len = PacketHeader::peek(&good).expect("a front that fits").len;
    let sum = crc32(&good[..len - 4]);
    good[len - 4..len].copy_from_slice(&sum.to_le_bytes());
    for bytes in [input, &good] {
        let (mut values, mut again, mut sent) = ([0.0; K], [0.0; K], [0; 100]);
        let Ok((sketch, read)) = packets.read(bytes, &mut values) else { continue };
        assert!(read <= bytes.len() && sketch.check_finite().is_ok());
        let settings = PacketSettings { codec: Codec::F32, l1: true, max: true };
        let written = packets.write(&sketch, settings, &mut sent).expect("what was read can be sent");
        let (other, read) = packets.read(&sent, &mut again).expect("what was written is read");
        assert_eq!((written, other.values, other.group), (read, sketch.values, sketch.group));
    }
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((&kind, input)) = input.split_first() else { return };
    let (mut floats, mut doubles) = ([0.0; 64], [0.0; 64]);
    let blocks = Blocks::new(&[1, K]).expect("two blocks");
    match kind % 26 {
        0 => {
            const SETTINGS: MomentsSettings = MomentsSettings::new(Centre::Mean, K);
            let mut state = Moments::<[f64; SETTINGS.memory().f64s]>::owned(SETTINGS).expect("valid");
            read(input, &mut state, |state| {
                let _ = state.factor(1.0, 0.1, &mut [0.0; 6], &mut [0.0; 6]);
            });
        }
        1 => {
            const SETTINGS: SelfInfluenceSettings =
                SelfInfluenceSettings { damping: 0.25, clip: None, ..SelfInfluenceSettings::new(K) };
            let mut state = SelfInfluence::<[f64; SETTINGS.memory().f64s]>::owned(SETTINGS).expect("valid");
            read(input, &mut state, |state| {
                used(state);
                let _ = state.fit();
                used(state);
            });
        }
        2 => {
            const SETTINGS: MahalanobisSettings =
                MahalanobisSettings { shrinkage: 0.25, clip: Some(4.0), ..MahalanobisSettings::new(K) };
            let mut state = Mahalanobis::<[f64; SETTINGS.memory().f64s]>::owned(SETTINGS).expect("valid");
            read(input, &mut state, used);
        }
        3 => {
            const SETTINGS: DirectionSettings = DirectionSettings::new(2, K);
            let mut state = Direction::<[i64; SETTINGS.memory().i64s]>::owned(SETTINGS).expect("valid");
            read(input, &mut state, used);
        }
        4 => {
            const SETTINGS: ForestSettings =
                ForestSettings { trees: 2, sample: 3, seed: 1, rows: 0, width: K };
            const MEMORY: Memory = SETTINGS.memory();
            let mut state =
                Forest::<[Node; MEMORY.others], [f32; MEMORY.f32s]>::owned(SETTINGS).expect("valid");
            read(input, &mut state, used);
        }
        5 => {
            const SETTINGS: TopKSettings = TopKSettings { k: 4 };
            let mut state = TopK::<[Entry; SETTINGS.k]>::owned(SETTINGS).expect("valid");
            read(input, &mut state, |top| {
                let _ = top.push(Entry { id: 1, score: 0.0 });
            });
        }
        6 => read(input, &mut TracIn::new(), |state| {
            let _ = state.score();
        }),
        7 => {
            let settings = RidgeSettings { width: K, damping: 0.25 };
            let memory = &mut doubles[..settings.memory().f64s];
            read(input, &mut Ridge::new(settings, memory).expect("valid"), |state| {
                let _ = state.fit();
            });
        }
        8 => {
            let _ = Header::read(input);
            let _ = Header::peek(input);
            let _ = SketchId::from_bytes(input);
        }
        9 => {
            let settings = TrakSettings { width: K, damping: 0.25 };
            let memory = &mut doubles[..settings.memory().f64s];
            read(input, &mut Trak::new(settings, memory).expect("valid"), |state| {
                let _ = state.solve(&sketch(), &mut [0.0; K]);
                let _ = state.fit();
            });
        }
        10 => read(input, &mut TrakScore::new(), |state| {
            let copy = *state;
            let _ = (state.observe(0.5, 0.25), state.merge(&copy));
            number(Ok(state.score()));
        }),
        11 => read(input, &mut IpEnsemble::new(), |state| {
            let copy = *state;
            let _ = (state.observe_product(0.5), state.merge(&copy));
            number(Ok(state.score()));
            number(Ok(state.mean()));
        }),
        12 => read(input, &mut ReTrac::new(K, &mut floats[..K]).expect("valid"), |state| {
            let _ = state.observe(&sketch());
            number(state.score(state));
        }),
        13 => {
            let settings = LessSettings { width: K, subtasks: 2 };
            let memory = &mut floats[..settings.memory().f32s];
            read(input, &mut LessTargets::new(settings, memory).expect("valid"), |state| {
                let mut scores = [0.0; 2];
                let found = state.score(&sketch(), &mut scores);
                scores.iter().for_each(|&score| number(found.map(|()| score)));
            });
        }
        14 => read(input, &mut Less::new(&mut doubles[..2]).expect("valid"), |state| {
            number(Ok(state.score()));
        }),
        15 => read(input, &mut InRunShapley::new(&mut doubles[..2]), |state| {
            let _ = state.observe_step(0.5, &sketch(), None, &[(1, sketch())]);
            state.scores().iter().for_each(|&score| number(Ok(score)));
        }),
        16 => {
            let layers = &mut [DataInfLayer::new(0..1), DataInfLayer::new(1..K)];
            let settings = DataInfSettings { layers: 2, damping: 0.25, ..DataInfSettings::new(K) };
            read(input, &mut DataInf::new(settings, layers).expect("valid"), |state| {
                let _ = state.observe(&sketch());
                let _ = state.fit();
            });
        }
        17 => {
            let settings = PropagatorSettings { blocks, factors: 1 };
            let memory = &mut floats[..settings.memory().f32s];
            read(input, &mut Propagator::new(settings, memory).expect("valid"), |state| {
                let _ = state.step(&step(), &mut [0.0; K]);
            });
        }
        18 => {
            let (marks, ids, rows) = (&mut [StepMark::default(); 2], &mut [0; 2], &mut [0.0; 2 * K]);
            let mut state = Recorder::new(id(), marks, ids, rows, &mut floats[..2 * K]).expect("valid");
            read(input, &mut state, |state| {
                let _ = state.backward().count();
                let _ = state.sample(1, &sketch());
            });
        }
        19 => {
            let settings = AdjointSettings { blocks, targets: 1, rows: 1 };
            let memory = &mut floats[..settings.memory().f32s];
            read(input, &mut Adjoint::new(settings, id(), &VALUES, memory).expect("valid"), |state| {
                let _ = state.step(&step(), &mut [0.0]);
                assert!(state.targets().solutions().iter().all(|x| x.is_finite()));
            });
        }
        20 => {
            let settings = ArnoldiSettings { width: K, products: 2, keep: 1, seed: 1 };
            let (floats, doubles) =
                (&mut floats[..settings.memory().f32s], &mut doubles[..settings.memory().f64s]);
            read(input, &mut Arnoldi::new(settings, id(), floats, doubles).expect("valid"), |state| {
                let _ = state.observe(&sketch());
                let _ = state.advance();
                let _ = state.fit();
                let _ = state.solve(&sketch(), &mut [0.0; K]);
            });
        }
        21 => {
            let settings = GifSettings { width: K, indices: &[0, 2], damping: 0.25 };
            let memory = &mut doubles[..settings.memory().f64s];
            read(input, &mut Gif::new(settings, memory).expect("valid"), |state| {
                let _ = state.solve(&sketch(), &mut [0.0; K]);
                let _ = state.fit();
            });
        }
        22 => {
            let (a, b) = VALUES.split_at(2);
            const LAYER: EkfacSettings = EkfacSettings { inputs: 2, outputs: 1, damping: 0.25 };
            let memory = &mut floats[..LAYER.memory().f32s];
            read(input, &mut Ekfac::new(LAYER, memory).expect("valid"), |state| {
                let _ = state.solve([(a, b)], &mut [0.0; 2]);
                let _ = state.position(a, b);
                let _ = state.sample();
                let _ = state.decompose(&mut [0.0; LAYER.memory().f64s]);
            });
        }
        23 => {
            const SETTINGS: VisitsSettings = VisitsSettings { first: 7, samples: 3 };
            let mut mean = Visits::<Mean, f16, [f16; 3], [u16; 3]>::owned(SETTINGS).expect("valid");
            read(input, &mut mean, |state| {
                let _ = state.observe(8, 0.5);
                let _ = state.get(9);
            });
            let mut ranks = Visits::<MeanRank, f32, [f32; 3], [u16; 3]>::owned(SETTINGS).expect("valid");
            read(input, &mut ranks, |state| {
                let _ = state.observe(8, 0.5);
            });
            let _ = VisitsSettings::read(input);
        }
        24 => sieve(input),
        _ => {
            let _ = Sketch::from_bytes(input, &mut floats[..K]);
            packet(input);
            let _ = Targets::from_bytes(input, &mut floats[..K]);
        }
    }
});
