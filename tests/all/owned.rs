//! States that own their memory: an array of another length than the settings say is
//! refused while the program runs as it is at compile time, and a state that was reset
//! is as a new one.

use crate::source::row;
use gradsieve::influence::{
    ConjugateGradients, ConjugateGradientsSettings, DualRidge, DualRidgeSettings, LessSettings, LessTargets,
    Lissa, LissaSettings, ReTrac, Ridge, RidgeSettings, Trak, TrakSettings,
};
use gradsieve::moments::{Centre, Moments, MomentsSettings};
use gradsieve::outlier::{Forest, ForestSettings, Node};
use gradsieve::store::{
    Codec, Entry, Largest, LargestSettings, Queries, QueriesSettings, Reservoir, ReservoirSettings,
    Shortlist, ShortlistSettings, Signs, SignsSettings, Store, StoreSettings, TopK, TopKSettings,
};
use gradsieve::{Error, Exact, Groups, Layout, Sieve, SieveSettings, Sketcher, State};

const K: usize = 4;

/// Whether an array of as many elements as the settings say is taken, and one more is
/// refused with both numbers.
macro_rules! lengths {
    ($($name:literal: $needed:expr, $state:ident<[$element:ty]>, $settings:expr;)*) => {
        $({
            const NEEDED: usize = $needed;
            assert!($state::<[$element; NEEDED]>::owned($settings).is_ok(), $name);
            let refused = $state::<[$element; NEEDED + 1]>::owned($settings).map(drop);
            assert_eq!(refused, Err(Error::Length { expected: NEEDED, found: NEEDED + 1 }), $name);
        })*
    };
}

#[test]
fn an_array_of_another_length_than_the_settings_say_is_refused() {
    const STORE: StoreSettings = StoreSettings { codec: Codec::F32, width: K, rows: 5 };
    const RESERVOIR: ReservoirSettings =
        ReservoirSettings { seed: 1, codec: Codec::OneBit, width: K, rows: 5 };
    const QUERIES: QueriesSettings = QueriesSettings { codec: Codec::F32, width: K, count: 2 };
    const SIGNS: SignsSettings = SignsSettings { width: K, count: 2 };
    const MOMENTS: MomentsSettings = MomentsSettings::new(Centre::Mean, K);
    const SIEVE: SieveSettings = SieveSettings { groups: Groups::Fixed(2), ..SieveSettings::new(K) };
    const GRADIENTS: ConjugateGradientsSettings = ConjugateGradientsSettings::new(K);
    const LISSA: LissaSettings = LissaSettings::new(K);
    const LESS: LessSettings = LessSettings { subtasks: 2, ..LessSettings::new(K) };
    const RIDGE: RidgeSettings = RidgeSettings::new(K);
    const DUAL: DualRidgeSettings = DualRidgeSettings::new(K, 3);
    const TRAK: TrakSettings = TrakSettings::new(K);
    lengths! {
        "store": STORE.memory().others, Store<[u64]>, STORE;
        "reservoir": RESERVOIR.memory().others, Reservoir<[u64]>, RESERVOIR;
        "queries": QUERIES.memory().f32s, Queries<[f32]>, QUERIES;
        "signs": SIGNS.memory().others, Signs<[u32]>, SIGNS;
        "shortlist": 3, Shortlist<[Entry]>, ShortlistSettings { rows: 3 };
        "top": 3, TopK<[Entry]>, TopKSettings { k: 3 };
        "moments": MOMENTS.memory().f64s, Moments<[f64]>, MOMENTS;
        "sieve": SIEVE.memory().i64s, Sieve<[i64]>, SIEVE;
        "conjugate gradients": GRADIENTS.memory().f64s, ConjugateGradients<[f64]>, GRADIENTS;
        "lissa": LISSA.memory().f64s, Lissa<[f64]>, LISSA;
        "less": LESS.memory().f32s, LessTargets<[f32]>, LESS;
        "retrac": K, ReTrac<[f32]>, K;
        "ridge": RIDGE.memory().f64s, Ridge<[f64]>, RIDGE;
        "dual ridge": DUAL.memory().f64s, DualRidge<[f64]>, DUAL;
        "trak": TRAK.memory().f64s, Trak<[f64]>, TRAK;
    }
}

#[test]
fn two_arrays_and_a_sketch_have_their_lengths_too() {
    const LARGEST: LargestSettings = LargestSettings { codec: Codec::F16, width: K, rows: 3 };
    const WORDS: usize = LARGEST.memory().others;
    assert!(Largest::<[u64; WORDS], [f64; 3]>::owned(LARGEST).is_ok());
    let refused = |expected, found| Err(Error::Length { expected, found });
    assert_eq!(Largest::<[u64; WORDS], [f64; 4]>::owned(LARGEST).map(drop), refused(3, 4));
    assert_eq!(Largest::<[u64; WORDS + 1], [f64; 3]>::owned(LARGEST).map(drop), refused(WORDS, WORDS + 1));
    const FOREST: ForestSettings = ForestSettings { trees: 2, sample: 4, seed: 1, rows: 8, width: K };
    const NODES: usize = FOREST.memory().others;
    const FLOATS: usize = FOREST.memory().f32s;
    assert!(Forest::<[Node; NODES], [f32; FLOATS]>::owned(FOREST).is_ok());
    let short = Forest::<[Node; NODES], [f32; FLOATS + 1]>::owned(FOREST).map(drop);
    assert_eq!(short, refused(FLOATS, FLOATS + 1));
    let layout = || Layout::flat(K as u64).unwrap();
    assert!(Sketcher::<Exact, [f32; K]>::owned(Exact::new(K), layout()).is_ok());
    let wide = Sketcher::<Exact, [f32; K + 1]>::owned(Exact::new(K), layout()).map(drop);
    assert_eq!(wide, refused(K, K + 1));
}

#[test]
fn a_sieve_whose_groups_grow_is_no_constant() {
    const SETTINGS: SieveSettings = SieveSettings { groups: Groups::Growing(2), ..SieveSettings::new(K) };
    let refused = Sieve::<[i64; SETTINGS.memory().i64s]>::owned(SETTINGS).map(drop);
    assert_eq!(refused, Err(Error::Setting { name: "groups", expected: "fixed, for a constant state" }));
}

fn bytes_of(state: &impl State) -> Vec<u8> {
    let mut bytes = vec![0; state.len_at_rest()];
    state.to_bytes(&mut bytes).unwrap();
    bytes
}

#[test]
fn what_was_reset_is_as_new() {
    const STORE: ReservoirSettings = ReservoirSettings { seed: 1, codec: Codec::F32, width: K, rows: 3 };
    let new = || Reservoir::<[u64; STORE.memory().others]>::owned(STORE).unwrap();
    let (mut reservoir, empty) = (new(), bytes_of(&new()));
    for id in 0..9 {
        reservoir.offer(id, &row(&[1.0, 2.0, 3.0, id as f32])).unwrap();
    }
    assert_ne!(bytes_of(&reservoir), empty);
    reservoir.reset();
    assert_eq!((bytes_of(&reservoir), reservoir.settings()), (empty, STORE));

    const LARGEST: LargestSettings = LargestSettings { codec: Codec::F32, width: K, rows: 3 };
    let new = || Largest::<[u64; LARGEST.memory().others], [f64; 3]>::owned(LARGEST).unwrap();
    let (mut largest, empty) = (new(), bytes_of(&new()));
    for id in 0..9 {
        largest.offer(id, &row(&[1.0, 2.0, 3.0, 4.0]), id as f64).unwrap();
    }
    largest.reset();
    assert_eq!((bytes_of(&largest), largest.settings()), (empty, LARGEST));

    let mut retrac = ReTrac::<[f32; K]>::owned(K).unwrap();
    assert!(matches!(retrac.targets(), Err(Error::TooFew { needed: 1, found: 0 })));
    // A sum of directions.
    retrac.observe(&row(&[0.0, 2.0, 0.0, 0.0])).unwrap();
    assert_eq!(retrac.targets().unwrap().score_one(&row(&[5.0, 3.0, 0.0, 0.0])), Ok(3.0));
    retrac.reset();
    assert!(matches!(retrac.targets(), Err(Error::TooFew { needed: 1, found: 0 })));
}
