//! Rows of a codec in a store: their scores against `f32` queries, and the rows read
//! back.

use gradsieve::store::{Codec, Queries, QueriesSettings, Store, StoreSettings};

use super::super::error::{TruthError, core};
use super::super::evidence::Rows;

/// Queries that are laid out at a time: as many as a store takes rows together.
const TOGETHER: usize = 16;

/// The store of all rows.
pub(super) fn store_of(codec: Codec, rows: &Rows) -> Result<Store<Vec<u64>>, TruthError> {
    let settings = StoreSettings { codec, width: rows.width(), rows: rows.len() };
    let memory = vec![0; settings.memory().others];
    let mut store = Store::new(settings, memory).map_err(core("a store"))?;
    for (number, sketch) in rows.sketches().enumerate() {
        store.append(number as u64, &sketch).map_err(core("a store"))?;
    }
    Ok(store)
}

/// ⟨row, query⟩ of all rows, query after query.
pub(super) fn scores(store: &Store<Vec<u64>>, rows: &Rows, queries: &[f32]) -> Result<Vec<f64>, TruthError> {
    let mut all = Vec::with_capacity(queries.len() / rows.width() * store.len());
    for some in queries.chunks(TOGETHER * rows.width()) {
        let scores = some_scores(store, rows, some, 0..store.len())?;
        all.extend(scores.into_iter().map(f64::from));
    }
    Ok(all)
}

/// ⟨row i, query i⟩ of all rows.
pub(super) fn own_scores(
    store: &Store<Vec<u64>>,
    rows: &Rows,
    queries: &[f32],
) -> Result<Vec<f64>, TruthError> {
    let mut all = Vec::with_capacity(store.len());
    for (group, some) in queries.chunks(TOGETHER * rows.width()).enumerate() {
        let first = group * TOGETHER;
        let count = some.len() / rows.width();
        let scores = some_scores(store, rows, some, first..first + count)?;
        all.extend((0..count).map(|i| f64::from(scores[i * count + i])));
    }
    Ok(all)
}

fn some_scores(
    store: &Store<Vec<u64>>,
    rows: &Rows,
    queries: &[f32],
    range: core::ops::Range<usize>,
) -> Result<Vec<f32>, TruthError> {
    let count = queries.len() / rows.width();
    let settings = QueriesSettings { codec: store.settings().codec, width: rows.width(), count };
    let buffer = vec![0.0; settings.memory().f32s];
    let mut packed = Queries::new(settings, buffer).map_err(core("queries"))?;
    packed.pack(rows.id, queries).map_err(core("queries"))?;
    let mut scores = vec![0.0; count * range.len()];
    store.score_rows(range, &packed, &mut scores).map_err(core("scores"))?;
    Ok(scores)
}

/// The rows as the store gives them back.
pub(super) fn read_back(store: &Store<Vec<u64>>, rows: &Rows) -> Result<Rows, TruthError> {
    let mut back = Rows { values: Vec::with_capacity(rows.values.len()), ..rows.clone() };
    let mut values = vec![0.0; rows.width()];
    store
        .for_each(&mut values, |row| {
            back.values.extend_from_slice(row.sketch.values);
            Ok(())
        })
        .map_err(core("a store"))?;
    Ok(back)
}
