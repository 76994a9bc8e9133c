//! Stores, reservoirs and the largest, of every codec, from any bytes: an error, or a
//! store that can be read and scored; never a panic.
#![no_main]

mod framed;

use framed::read;
use gradsieve::store::{
    Codec, Entry, Largest, LargestSettings, Queries, QueriesSettings, Reservoir, ReservoirSettings, Store,
    StoreSettings, TopK, TopKSettings,
};
use gradsieve::{Exact, Layout, Projector};

const K: usize = 5;
const ROWS: usize = 32;

fn used(store: &Store<Vec<u64>>) {
    let mut values = [0.0; K];
    let read = store.for_each(&mut values, |row| {
        assert!(store.ids().contains(&row.id));
        Ok(())
    });
    assert_eq!(read, Ok(()));
    let id = store.id().unwrap_or(Exact::new(K).id(Layout::flat(9).expect("nine coordinates").id()));
    let settings = QueriesSettings { codec: store.settings().codec, width: K, count: 2 };
    let mut queries = Queries::new(settings, vec![0.0; settings.memory().f32s]).expect("two queries");
    let values = [1.0, 2.0, -3.0, 4.0, 0.5, 0.0, -0.0, 1e30, 1.0, 1.0];
    queries.pack(id, &values).expect("two queries");
    const TOP: TopKSettings = TopKSettings { k: 3 };
    let mut tops = [(); 2].map(|()| TopK::<[Entry; TOP.k]>::owned(TOP).expect("three entries"));
    let left_out = store.top(&queries, &mut [0.0; 32], &mut tops).expect("queries of this store");
    assert!(tops[0].len() + tops[1].len() + left_out >= store.len().min(3) * 2 || store.len() > 3);
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((&choice, input)) = input.split_first() else { return };
    let (choice, codecs) = (usize::from(choice), Codec::ALL.len());
    let codec = Codec::ALL[choice % codecs];
    let store = StoreSettings { codec, width: K, rows: ROWS };
    let memory = vec![u64::MAX; store.memory().others];
    match choice / codecs % 3 {
        0 => {
            let mut state = Store::new(store, memory).expect("room for 32 rows");
            read(input, &mut state, |store| used(store));
        }
        1 => {
            let settings = ReservoirSettings { seed: 0, codec, width: K, rows: ROWS };
            let mut state = Reservoir::new(settings, memory).expect("room for 32 rows");
            read(input, &mut state, |state| used(state.store()));
        }
        _ => {
            let settings = LargestSettings { codec, width: K, rows: ROWS };
            let mut state = Largest::new(settings, memory, [0.0; ROWS]).expect("32 scores");
            read(input, &mut state, |state| used(state.store()));
        }
    }
});
