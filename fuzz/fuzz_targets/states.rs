//! Every state but the stores, from any bytes: an error, or a state that can be used; never a panic.
#![no_main]

mod framed;

use framed::read;
use gradsieve::influence::{Ridge, RidgeTarget, TracIn};
use gradsieve::moments::{Centre, Moments};
use gradsieve::outlier::{
    Detector, Direction, DirectionSettings, Forest, ForestSettings, Mahalanobis, Node, SelfInfluence,
};
use gradsieve::state::Header;
use gradsieve::store::{Entry, TopK};
use gradsieve::{Exact, Layout, Projector, Sketch, SketchId, Summary};

const K: usize = 3;

fn used<D: Detector>(detector: &mut D) {
    let layout = Layout::flat(9).expect("nine coordinates").id();
    let measures = Summary { l1: 3.0, l2_squared: 3.0, max: 1.0, non_finite: 0, count: 9 };
    let values = [1.0, -0.5, 0.25];
    let sketch = Sketch::from_parts(Exact::new(K).id(layout), &values, measures).expect("as many as K");
    let _ = detector.score(&sketch);
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((&kind, input)) = input.split_first() else { return };
    let mut floats = [0.0; 64];
    match kind % 10 {
        0 => {
            let mut state = Moments::new(Centre::Mean, K, &mut floats[..Moments::floats(K)]).expect("valid");
            read(input, &mut state, |state| {
                let _ = state.factor(1.0, 0.1, &mut [0.0; 6]);
            });
        }
        1 => {
            let memory = &mut floats[..SelfInfluence::floats(K)];
            read(input, &mut SelfInfluence::new(0.25, K, memory).expect("valid"), |state| {
                used(state);
                let _ = state.fit();
                used(state);
            });
        }
        2 => {
            let memory = &mut floats[..Mahalanobis::floats(K)];
            read(input, &mut Mahalanobis::new(0.25, K, memory).expect("valid"), used);
        }
        3 => {
            let settings = DirectionSettings { groups: 2, width: K };
            read(input, &mut Direction::new(settings, &mut floats[..6]).expect("valid"), used);
        }
        4 => {
            const SETTINGS: ForestSettings = ForestSettings { trees: 2, sample: 3, seed: 1 };
            let mut nodes = [Node::EMPTY; Forest::nodes(SETTINGS)];
            read(input, &mut Forest::new(SETTINGS, &mut nodes).expect("valid"), used);
        }
        5 => {
            let mut entries = [Entry::default(); 4];
            read(input, &mut TopK::new(&mut entries), |top| {
                let _ = top.push(Entry { id: 1, score: 0.0 });
            });
        }
        6 => read(input, &mut TracIn::new(), |state| {
            let _ = state.score();
        }),
        7 => {
            let memory = &mut floats[..Ridge::floats(K)];
            read(input, &mut Ridge::new(0.25, K, memory).expect("valid"), |state| {
                let _ = state.fit();
            });
        }
        8 => {
            let _ = Header::read(input);
            let _ = SketchId::from_bytes(input);
        }
        _ => {
            let _ = Sketch::from_bytes(input, &mut floats[..K]);
            let _ = RidgeTarget::from_bytes(input, &mut floats[..K]);
        }
    }
});
