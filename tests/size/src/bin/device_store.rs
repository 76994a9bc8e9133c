//! The same as `device_sieve`, and a store of int8 rows that is scored against a query.
#![no_std]
#![no_main]

use gradsieve::store::{Queries, QueriesSettings};
use gradsieve::{Codec, Error, Store, StoreSettings};
use size::{Loop, black_box, lent};

fn stored() -> Result<f32, Error> {
    let mut device = Loop::new()?;
    let (_, sketch) = device.sample()?;
    let (codec, width) = (Codec::Int8, 32);
    let mut store = Store::new(StoreSettings { codec, width, rows: black_box(100) }, lent::<u64>())?;
    store.append(black_box(7), &sketch)?;
    let mut queries = Queries::new(QueriesSettings { codec, width, count: 1 }, lent::<f32>())?;
    queries.pack(sketch.id, sketch.values)?;
    let scores = lent::<f32>();
    store.score(&queries, scores)?;
    Ok(scores.iter().sum())
}

size::image! {
    stored();
}
