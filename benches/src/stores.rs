//! The core's stores in the races of store scoring: what the layer over the kernels
//! costs. Each line is beside the kernel's own for the same rows.

use crate::contest::{Contest, Role};
use crate::data::Buffer;
use gradsieve::store::{
    Codec, Entry, Queries, QueriesSettings, Shortlist, ShortlistSettings, Signs, SignsSettings, Store,
    StoreSettings, TopK, TopKSettings,
};
use gradsieve::{Exact, Layout, Projector, Sketch, SketchId, Summary};
use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;

/// Memory of a store, on a cache line.
pub struct Memory {
    settings: StoreSettings,
    numbers: Buffer<f32>,
}

impl Memory {
    /// For so many rows.
    #[must_use]
    pub fn new(codec: Codec, rows: usize, width: usize) -> Self {
        let settings = StoreSettings { codec, width, rows };
        Self { settings, numbers: Buffer::zeros(2 * settings.memory().others) }
    }

    /// A store of these rows.
    #[must_use]
    pub fn filled(&mut self, rows: impl Iterator<Item = Vec<f32>>) -> Option<Store<&mut [u64]>> {
        let settings = self.settings;
        let numbers = &mut *self.numbers;
        // SAFETY: as many bytes, on a cache line, and any bits are a `u64`.
        let memory =
            unsafe { std::slice::from_raw_parts_mut(numbers.as_mut_ptr().cast::<u64>(), numbers.len() / 2) };
        let mut store = Store::new(settings, memory).ok()?;
        for (id, row) in (0..).zip(rows) {
            let measures = Summary { count: 1, ..Summary::default() };
            store.append(id, &Sketch::from_parts(id_of(settings.width), &row, measures).ok()?).ok()?;
        }
        Some(store)
    }
}

/// What the rows are said to be.
fn id_of(width: usize) -> SketchId {
    let layout = Layout::flat(width as u64).map(|layout| layout.id());
    Exact::new(width).id(layout.unwrap_or(gradsieve::LayoutId::from_bits(0)))
}

/// Queries for [`enter`].
#[must_use]
pub fn queries(codec: Codec, width: usize, values: &[f32]) -> Option<Queries<Vec<f32>>> {
    let settings = QueriesSettings { codec, width, count: values.len() / width };
    let mut queries = Queries::new(settings, vec![0.0; settings.memory().f32s]).ok()?;
    queries.pack(id_of(width), values).ok()?;
    Some(queries)
}

/// Enters the store, scored whole, and tile by tile into the ten best of each query.
pub fn enter<'a>(
    contest: &mut Contest<'a>,
    store: Option<&'a Store<&'a mut [u64]>>,
    queries: Option<Queries<Vec<f32>>>,
    scores: &'a RefCell<Buffer<f32>>,
) {
    let (Some(store), Some(queries)) = (store, queries) else { return };
    let queries = Rc::new(queries);
    let same = Rc::clone(&queries);
    contest.enter(Role::Variant, "the store", move || {
        black_box(store).score(&same, &mut scores.borrow_mut()).map_or(f64::NAN, |()| 0.0)
    });
    let count = queries.count();
    let mut entries = vec![Entry::default(); 10 * count];
    let mut tile = vec![0.0; 512 * count];
    let mut checked = false;
    contest.enter(Role::Variant, "the store, ten best", move || {
        // The answer that is compared is the scores', which the best alone do not have;
        // the first call is not timed.
        if !std::mem::replace(&mut checked, true) && store.score(&queries, &mut scores.borrow_mut()).is_err()
        {
            return f64::NAN;
        }
        let top = |entries| TopK::new(TopKSettings { k: 10 }, entries).ok();
        let Some(mut tops) = entries.chunks_mut(10).map(top).collect::<Option<Vec<_>>>() else {
            return f64::NAN;
        };
        let left_out = black_box(store).top(&queries, &mut tile, &mut tops);
        black_box(&tops);
        left_out.map_or(f64::NAN, |_| 0.0)
    });
}

/// Signs of queries for [`enter_signs`].
#[must_use]
pub fn signs(width: usize, values: &[f32]) -> Option<Signs<Vec<u32>>> {
    let settings = SignsSettings { width, count: values.len() / width };
    let mut signs = Signs::new(settings, vec![0; settings.memory().others]).ok()?;
    signs.pack(id_of(width), values).ok()?;
    Some(signs)
}

/// Enters the store of 1-bit rows, whose differing signs are counted, and tile by tile
/// into a list of 500 rows a query. `right` gives the answer that is compared.
pub fn enter_signs<'a>(
    contest: &mut Contest<'a>,
    store: Option<&'a Store<&'a mut [u64]>>,
    signs: Option<Signs<Vec<u32>>>,
    mut right: impl FnMut() -> bool + 'a,
) {
    let (Some(store), Some(signs)) = (store, signs) else { return };
    let count = signs.count();
    let mut entries = vec![Entry::default(); 500 * count];
    let mut tile = vec![0; 512 * count];
    let mut checked = false;
    contest.enter(Role::Variant, "the store, list of 500", move || {
        // Only the differences are compared; the first call is not timed.
        if !std::mem::replace(&mut checked, true) && !right() {
            return f64::NAN;
        }
        let list = |entries| Shortlist::new(ShortlistSettings { rows: 500 }, entries).ok();
        let Some(mut lists) = entries.chunks_mut(500).map(list).collect::<Option<Vec<_>>>() else {
            return f64::NAN;
        };
        let done = black_box(store).shortlist(&signs, &mut tile, &mut lists);
        black_box(&lists);
        done.map_or(f64::NAN, |()| 0.0)
    });
}
