//! States that own memory of the allocator: the feature `alloc`.

use gradsieve::store::{Codec, TopKSettings};
use gradsieve::{
    Allocate as _, Error, Exact, Layout, Sieve, SieveSettings, Sketcher, State as _, StoreSettings,
};

#[test]
fn an_owned_state_is_the_one_in_lent_memory() {
    let settings = SieveSettings::new(16);
    let mut owned = settings.allocate().unwrap();
    let mut buffer = vec![0; settings.memory().i64s];
    let mut lent = Sieve::new(settings, &mut buffer[..]).unwrap();
    let mut sketcher = Sketcher::allocated(Exact::new(16), Layout::flat(16).unwrap()).unwrap();
    for i in 0..300 {
        let values: [f32; 16] = core::array::from_fn(|j| ((i * 7 + j * j) % 11) as f32 - 4.5);
        sketcher.segment(0, &values).unwrap();
        let sketch = sketcher.finish().unwrap();
        let verdict = owned.judge(&sketch).unwrap();
        assert_eq!(verdict, lent.judge(&sketch).unwrap());
        owned.observe(&sketch, &verdict).unwrap();
        lent.observe(&sketch, &verdict).unwrap();
    }
    let mut bytes = vec![0; settings.memory().bytes_at_rest];
    let written = lent.to_bytes(&mut bytes).unwrap();
    assert_eq!(owned.to_vec().unwrap(), bytes[..written]);
}

#[test]
fn what_the_allocator_does_not_have_is_an_error() {
    let settings = StoreSettings { codec: Codec::F32, width: 1 << 30, rows: 1 << 30 };
    assert!(matches!(settings.allocate(), Err(Error::OutOfMemory { elements }) if elements > 1 << 58));
    assert!(matches!(TopKSettings { k: usize::MAX }.allocate(), Err(Error::OutOfMemory { .. })));
}
