//! What all detectors promise, in code that is generic over them.

use crate::source::{normals, row as sketch_of};
use gradsieve::outlier::{
    Detector, Direction, DirectionSettings, Forest, ForestSettings, L1, L2, Mahalanobis, MahalanobisSettings,
    Node, SelfInfluence, SelfInfluenceSettings,
};
use gradsieve::{Error, Sketch};
use std::sync::RwLock;

const K: usize = 6;
const ROWS: usize = 40;

const DIRECTION: DirectionSettings = DirectionSettings::new(1, K);
const MAHALANOBIS: MahalanobisSettings = MahalanobisSettings::new(K);
const SELF_INFLUENCE: SelfInfluenceSettings = SelfInfluenceSettings::new(K);
const FOREST: ForestSettings = ForestSettings { trees: 8, sample: 16, ..ForestSettings::new(ROWS, K) };

/// The score of a sketch, with scratch of the length that the detector asks for.
pub(crate) fn score(detector: &impl Detector, sketch: &Sketch<'_>) -> Result<f64, Error> {
    detector.score(sketch, &mut vec![0.0; detector.scratch()])
}

/// Observes all rows, fits, and scores them: the bits.
fn run<D: Detector>(detector: &mut D, rows: &[f32]) -> Vec<u64> {
    rows.chunks(K).for_each(|row| detector.observe(&sketch_of(row)).unwrap());
    detector.fit().unwrap();
    bits(detector, rows)
}

fn bits(detector: &impl Detector, rows: &[f32]) -> Vec<u64> {
    rows.chunks(K).map(|row| score(detector, &sketch_of(row)).unwrap().to_bits()).collect()
}

/// Calls `$check(name, detector, other)` for every kind of detector, two with the same
/// settings.
macro_rules! for_each_detector {
    ($check:expr) => {{
        $check("L1", L1, L1);
        $check("L2", L2, L2);
        let direction = || Direction::new(DIRECTION, vec![7; DIRECTION.memory().i64s]).unwrap();
        $check("direction", direction(), direction());
        let mahalanobis = || Mahalanobis::new(MAHALANOBIS, vec![7.0; MAHALANOBIS.memory().f64s]).unwrap();
        $check("mahalanobis", mahalanobis(), mahalanobis());
        let memory = || vec![7.0; SELF_INFLUENCE.memory().f64s];
        let self_influence = || SelfInfluence::new(SELF_INFLUENCE, memory()).unwrap();
        $check("self-influence", self_influence(), self_influence());
        let nodes = || vec![Node::EMPTY; FOREST.memory().others];
        let forest = || Forest::new(FOREST, nodes(), vec![7.0; FOREST.memory().f32s]).unwrap();
        $check("forest", forest(), forest());
    }};
}

#[test]
fn every_detector_that_was_reset_scores_as_a_new_one() {
    fn check<D: Detector>(name: &str, mut used: D, mut new: D) {
        run(&mut used, &normals(1, ROWS * K));
        used.reset();
        let rows = normals(2, ROWS * K);
        assert_eq!(run(&mut used, &rows), run(&mut new, &rows), "{name}");
    }
    for_each_detector!(check);
}

#[test]
fn every_detector_scores_a_merged_half_about_as_if_it_had_observed_it() {
    fn check<D: Detector>(name: &str, mut whole: D, mut half: D) {
        let rows = normals(3, ROWS * K);
        let all = run(&mut whole, &rows);
        let (front, back) = rows.split_at(ROWS / 2 * K);
        front.chunks(K).for_each(|row| half.observe(&sketch_of(row)).unwrap());
        // The other half of the same detector.
        whole.reset();
        back.chunks(K).for_each(|row| whole.observe(&sketch_of(row)).unwrap());
        half.merge(&whole).unwrap();
        half.fit().unwrap();
        for (merged, all) in bits(&half, &rows).into_iter().zip(all) {
            let (merged, all) = (f64::from_bits(merged), f64::from_bits(all));
            assert!((merged - all).abs() <= 1e-4 * all.abs() + 1e-4, "{name}: {merged}, not {all}");
        }
    }
    for_each_detector!(check);
}

#[test]
fn every_detector_refuses_a_sketch_that_is_not_finite_and_scores_as_before() {
    fn check<D: Detector>(name: &str, mut detector: D, _other: D) {
        let rows = normals(4, ROWS / 2 * K);
        let before = run(&mut detector, &rows);
        let bad = [f32::NAN; K];
        assert_eq!(detector.observe(&sketch_of(&bad)), Err(Error::NonFinite), "{name}");
        assert_eq!(score(&detector, &sketch_of(&bad)), Err(Error::NonFinite), "{name}");
        detector.fit().unwrap();
        assert_eq!(bits(&detector, &rows), before, "{name}");
    }
    for_each_detector!(check);
}

#[test]
fn every_detector_refuses_scratch_that_is_shorter_than_it_says() {
    fn check<D: Detector>(name: &str, mut detector: D, _other: D) {
        let rows = normals(5, ROWS * K);
        run(&mut detector, &rows);
        if let Some(short) = detector.scratch().checked_sub(1) {
            let found = detector.score(&sketch_of(&rows[..K]), &mut vec![0.0; short]);
            assert_eq!(found, Err(Error::Length { expected: short + 1, found: short }), "{name}");
        }
    }
    for_each_detector!(check);
}

#[test]
#[cfg_attr(target_family = "wasm", ignore = "there are no threads")]
fn several_readers_score_at_the_same_time() {
    fn check<D: Detector + Sync>(name: &str, mut detector: D, _other: D) {
        let rows = normals(6, ROWS * K);
        let expected = run(&mut detector, &rows);
        let shared = &detector;
        std::thread::scope(|scope| {
            let readers = [0; 3].map(|_| scope.spawn(|| bits(shared, &rows)));
            for reader in readers {
                assert_eq!(reader.join().unwrap(), expected, "{name}");
            }
        });
    }
    for_each_detector!(check);
}

#[test]
fn a_static_cell_holds_every_detector_that_has_a_state() {
    macro_rules! cell {
        ($detector:expr) => {
            RwLock::new(match $detector {
                Ok(detector) => detector,
                Err(_) => panic!("the array is as long as the settings say"),
            })
        };
    }
    static ONE: RwLock<Direction<[i64; DIRECTION.memory().i64s]>> = cell!(Direction::owned(DIRECTION));
    static TWO: RwLock<Mahalanobis<[f64; MAHALANOBIS.memory().f64s]>> =
        cell!(Mahalanobis::owned(MAHALANOBIS));
    static THREE: RwLock<SelfInfluence<[f64; SELF_INFLUENCE.memory().f64s]>> =
        cell!(SelfInfluence::owned(SELF_INFLUENCE));
    static FOUR: RwLock<Forest<[Node; FOREST.memory().others], [f32; FOREST.memory().f32s]>> =
        cell!(Forest::owned(FOREST));
    fn check<D: Detector>(name: &str, cell: &RwLock<D>, mut borrowed: impl Detector) {
        let rows = normals(7, ROWS * K);
        let owned = run(&mut *cell.write().unwrap(), &rows);
        assert_eq!(owned, run(&mut borrowed, &rows), "{name}");
        assert_eq!(bits(&*cell.read().unwrap(), &rows), owned, "{name}");
    }
    let mut floats = vec![0.0; 1000];
    check("direction", &ONE, Direction::new(DIRECTION, vec![7; DIRECTION.memory().i64s]).unwrap());
    let mut doubles = vec![0.0; 1000];
    let len = MAHALANOBIS.memory().f64s;
    check("mahalanobis", &TWO, Mahalanobis::new(MAHALANOBIS, &mut doubles[..len]).unwrap());
    let len = SELF_INFLUENCE.memory().f64s;
    check("self-influence", &THREE, SelfInfluence::new(SELF_INFLUENCE, &mut doubles[..len]).unwrap());
    let mut nodes = vec![Node::EMPTY; FOREST.memory().others];
    let len = FOREST.memory().f32s;
    check("forest", &FOUR, Forest::new(FOREST, &mut nodes[..], &mut floats[..len]).unwrap());
}

#[test]
fn a_forest_without_room_for_another_sketch_says_so_and_keeps_those_it_has() {
    const SETTINGS: ForestSettings = ForestSettings { trees: 2, sample: 4, ..ForestSettings::new(3, K) };
    let new = || Forest::new(SETTINGS, vec![Node::EMPTY; 14], vec![0.0; 4 + 3 * K]).unwrap();
    let rows = normals(8, 4 * K);
    let (mut full, mut other) = (new(), new());
    let kept = run(&mut full, &rows[..3 * K]);
    let error = Err(Error::Full { capacity: 3 });
    assert_eq!(full.observe(&sketch_of(&rows[3 * K..])), error);
    other.observe(&sketch_of(&rows[3 * K..])).unwrap();
    assert_eq!(full.merge(&other), error);
    full.fit().unwrap();
    assert_eq!(bits(&full, &rows[..3 * K]), kept);
}

#[test]
fn a_forest_grows_on_observed_sketches_as_on_the_same_rows_elsewhere() {
    let rows = normals(9, ROWS * K);
    let nodes = || vec![Node::EMPTY; FOREST.memory().others];
    let mut observed = Forest::new(FOREST, nodes(), vec![0.0; FOREST.memory().f32s]).unwrap();
    let settings = ForestSettings { rows: 0, ..FOREST };
    let mut grown = Forest::new(settings, nodes(), vec![0.0; settings.memory().f32s]).unwrap();
    grown.grow(sketch_of(&rows[..K]).id, &rows).unwrap();
    assert_eq!(run(&mut observed, &rows), bits(&grown, &rows));
}
