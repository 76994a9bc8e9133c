//! What the programs in `capi/tests` must print, made by the core.

use core::fmt::Write as _;
use gradsieve::outlier::{Mahalanobis, MahalanobisSettings, SelfInfluence, SelfInfluenceSettings};
use gradsieve::store::{Entry, Queries, QueriesSettings, Store, StoreSettings, TopK, TopKSettings};
use gradsieve::{Codec, Detector, Exact, Key, Kronecker, Layer, Layout, Sketcher, State};
use std::format;
use std::string::String;
use std::vec::Vec;

const DETECTORS: &str = include_str!("../../tests/golden/detectors.csv");
const KRONECKER: &str = include_str!("../../tests/golden/kronecker.csv");
const STORES: &str = include_str!("../../tests/golden/stores.csv");

/// Entry `j` of what belongs to sample `i`.
fn number(i: usize, j: usize) -> f32 {
    ((i * 37 + j * 11) % 29) as f32 / 8.0 - 1.5
}

fn numbers(i: usize, first: usize, count: usize) -> Vec<f32> {
    (first..first + count).map(|j| number(i, j)).collect()
}

fn bits(values: &[f32]) -> String {
    values.iter().fold(String::new(), |mut text, x| {
        write!(text, ",{:08x}", x.to_bits()).unwrap();
        text
    })
}

/// As `kronecker.c`.
fn kronecker() -> String {
    let layers = [Layer::new(0, 16, 25), Layer::new(400, 5, 17)];
    let projector = Kronecker::for_layers(&layers, 32, Key::seed(7)).unwrap();
    let mut sketcher = Sketcher::new(projector, projector.layout(), [0.0; 26]).unwrap();
    let mut lines = String::new();
    for i in 0..20 {
        let [input, hidden] = [numbers(i, 0, 24), numbers(i, 40, 16)];
        let [hidden_delta, delta] = [numbers(i, 70, 16), numbers(i, 100, 5)];
        sketcher.outer_biased(&layers[1], &hidden, &delta).unwrap();
        sketcher.outer_biased(&layers[0], &input, &hidden_delta).unwrap();
        let sketch = sketcher.finish().unwrap();
        let norm = sketch.measures.l2_squared.to_bits();
        writeln!(lines, "kronecker,{i}{},{norm:016x}", bits(sketch.values)).unwrap();
    }
    lines
}

/// The checksum at the end of a state at rest.
fn end(state: &impl State) -> String {
    let mut bytes = std::vec![0; state.len_at_rest()];
    state.to_bytes(&mut bytes).unwrap();
    let sum = bytes[bytes.len() - 4..].iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    format!("{},{sum}", bytes.len())
}

/// As `stores.c`.
fn stores() -> String {
    const WIDTH: usize = 40;
    let mut lines = String::new();
    let mut sketcher =
        Sketcher::new(Exact::new(WIDTH), Layout::flat(WIDTH as u64).unwrap(), [0.0; WIDTH]).unwrap();
    for (codec, name) in Codec::ALL.map(|codec| (codec, codec.name())) {
        let settings = StoreSettings { codec, width: WIDTH, rows: 20 };
        let mut store = Store::new(settings, std::vec![0; settings.memory().others]).unwrap();
        for i in 0..20 {
            sketcher.segment(0, &numbers(i, 0, WIDTH)).unwrap();
            store.append(1000 + i as u64, &sketcher.finish().unwrap().in_group((i % 3) as u32)).unwrap();
        }
        let of_target = QueriesSettings { codec, width: WIDTH, count: 1 };
        let mut target = Queries::new(of_target, std::vec![0.0; of_target.memory().f32s]).unwrap();
        target.pack(sketcher.id(), &numbers(1000, 0, WIDTH)).unwrap();
        let mut scores = [0.0; 20];
        store.score(&target, &mut scores).unwrap();
        for (id, score) in store.ids().iter().zip(scores) {
            writeln!(lines, "{name},score,{id},{:08x}", score.to_bits()).unwrap();
        }
        let mut values = [0.0; WIDTH];
        let row = store.get(7, &mut values).unwrap();
        writeln!(lines, "{name},row,{}{}", row.id, bits(row.sketch.values)).unwrap();
        let mut top = [TopK::new(TopKSettings { k: 3 }, [Entry::default(); 3]).unwrap()];
        store.top(&target, &mut [0.0; 16], &mut top).unwrap();
        let [mut top] = top;
        for entry in top.sorted() {
            writeln!(lines, "{name},top,{},{:08x}", entry.id, (entry.score as f32).to_bits()).unwrap();
        }
        writeln!(lines, "{name},store,{}", end(&store)).unwrap();
        writeln!(lines, "{name},top-k,{}", end(&top)).unwrap();
    }
    lines
}

/// Two detectors that observe a half of the samples each; one is merged with the other,
/// and scores.
fn scored<D: Detector + State>(name: &str, [mut one, mut other]: [D; 2]) -> String {
    const WIDTH: usize = 12;
    let values = |i: usize| {
        (0..WIDTH).map(|j| ((i * 37 + j * 11 + i * j * 5) % 29) as f32 / 8.0 - 1.5).collect::<Vec<_>>()
    };
    let layout = Layout::flat(WIDTH as u64).unwrap();
    let mut sketcher = Sketcher::new(Exact::new(WIDTH), layout, [0.0; WIDTH]).unwrap();
    for i in 0..60 {
        sketcher.segment(0, &values(i)).unwrap();
        let detector = if i < 30 { &mut one } else { &mut other };
        detector.observe(&sketcher.finish().unwrap()).unwrap();
    }
    one.merge(&other).unwrap();
    one.fit().unwrap();
    let mut lines = String::new();
    for i in 0..10 {
        sketcher.segment(0, &values(i)).unwrap();
        let score = one.score(&sketcher.finish().unwrap(), &mut [0.0; WIDTH]).unwrap();
        writeln!(lines, "{name},{i},{:016x}", score.to_bits()).unwrap();
    }
    writeln!(lines, "{name},{}", end(&one)).unwrap();
    lines
}

/// As `detectors.c`.
fn detectors() -> String {
    let (shrunk, damped) = (MahalanobisSettings::new(12), SelfInfluenceSettings::new(12));
    let mahalanobis = || Mahalanobis::new(shrunk, std::vec![0.0; shrunk.memory().f64s]).unwrap();
    let self_influence = || SelfInfluence::new(damped, std::vec![0.0; damped.memory().f64s]).unwrap();
    scored("mahalanobis", [mahalanobis(), mahalanobis()])
        + &scored("self_influence", [self_influence(), self_influence()])
}

#[test]
fn the_programs_in_c_are_held_to_what_the_core_says() {
    assert_eq!(detectors(), DETECTORS);
    assert_eq!(kronecker(), KRONECKER);
    assert_eq!(stores(), STORES);
}

#[test]
#[ignore = "writes capi/tests/golden anew: a change of bits"]
fn write_what_the_programs_in_c_are_held_to() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    std::fs::write(format!("{folder}/detectors.csv"), detectors()).unwrap();
    std::fs::write(format!("{folder}/kronecker.csv"), kronecker()).unwrap();
    std::fs::write(format!("{folder}/stores.csv"), stores()).unwrap();
}
