//! Stores, reservoirs and the largest, of every codec, from any bytes: an error, or a
//! store that can be read and scored; never a panic.
#![no_main]

mod framed;

use framed::read;
use gradsieve::store::{Codec, Entry, Largest, Queries, Reservoir, Store, TopK};
use gradsieve::{Exact, Layout, Projector};

const K: usize = 5;

fn used(store: &Store<'_>) {
    let mut values = [0.0; K];
    let read = store.for_each(&mut values, |row| {
        assert!(store.ids().contains(&row.id));
        Ok(())
    });
    assert_eq!(read, Ok(()));
    let id = store.id().unwrap_or(Exact::new(K).id(Layout::flat(9).expect("nine coordinates").id()));
    let codec = store.codec();
    let mut scratch = vec![0.0; Queries::floats(codec, 2, K)];
    let queries = [1.0, 2.0, -3.0, 4.0, 0.5, 0.0, -0.0, 1e30, 1.0, 1.0];
    let queries = Queries::new(codec, id, &queries, &mut scratch).expect("two queries");
    let mut entries = [[Entry::default(); 3]; 2];
    let [one, other] = &mut entries;
    let mut tops = [TopK::new(one), TopK::new(other)];
    let left_out = store.top(&queries, &mut [0.0; 32], &mut tops).expect("queries of this store");
    assert!(tops[0].len() + tops[1].len() + left_out >= store.len().min(3) * 2 || store.len() > 3);
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((&choice, input)) = input.split_first() else { return };
    let codec = Codec::from_number(choice % 5).expect("five codecs");
    let mut memory = vec![u64::MAX; Store::words(32, K, codec)];
    let mut store = Store::new(codec, K, &mut memory).expect("room for 32 rows");
    match choice / 5 % 3 {
        0 => read(input, &mut store, |store| used(store)),
        1 => read(input, &mut Reservoir::new(0, store), |state| used(state.store())),
        _ => {
            let mut scores = [0.0; 32];
            read(input, &mut Largest::new(store, &mut scores).expect("32 scores"), |state| {
                used(state.store())
            });
        }
    }
});
