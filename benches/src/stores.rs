//! The core's stores in the races of store scoring: what the layer over the kernels
//! costs. Each line is beside the kernel's own for the same rows.

use crate::contest::{Contest, Role};
use crate::data::Buffer;
use gradsieve::store::{Codec, Entry, Queries, Shortlist, Signs, Store, TopK};
use gradsieve::{Exact, Layout, Projector, Sketch, SketchId, Summary};
use std::cell::RefCell;
use std::hint::black_box;

/// Memory of a store, on a cache line.
pub struct Memory(Buffer<f32>);

impl Memory {
    /// For so many rows.
    #[must_use]
    pub fn new(codec: Codec, rows: usize, width: usize) -> Self {
        Self(Buffer::zeros(2 * Store::words(rows, width, codec)))
    }

    /// A store of these rows.
    #[must_use]
    pub fn filled<'m>(
        &'m mut self,
        codec: Codec,
        width: usize,
        rows: impl Iterator<Item = Vec<f32>>,
    ) -> Option<Store<'m>> {
        let numbers = &mut *self.0;
        // SAFETY: as many bytes, on a cache line, and any bits are a `u64`.
        let memory =
            unsafe { std::slice::from_raw_parts_mut(numbers.as_mut_ptr().cast::<u64>(), numbers.len() / 2) };
        let mut store = Store::new(codec, width, memory).ok()?;
        for (id, row) in (0..).zip(rows) {
            let measures = Summary { count: 1, ..Summary::default() };
            store.append(id, &Sketch::from_parts(id_of(width), &row, measures).ok()?).ok()?;
        }
        Some(store)
    }
}

/// What the rows are said to be.
fn id_of(width: usize) -> SketchId {
    let layout = Layout::flat(width as u64).map(|layout| layout.id());
    Exact::new(width).id(layout.unwrap_or(gradsieve::LayoutId::from_bits(0)))
}

/// Queries for [`enter`], in `scratch`.
#[must_use]
pub fn queries<'q>(
    codec: Codec,
    width: usize,
    values: &[f32],
    scratch: &'q mut Vec<f32>,
) -> Option<Queries<'q>> {
    scratch.resize(Queries::floats(codec, values.len() / width, width), 0.0);
    Queries::new(codec, id_of(width), values, scratch).ok()
}

/// Enters the store, scored whole, and tile by tile into the ten best of each query.
pub fn enter<'a>(
    contest: &mut Contest<'a>,
    store: Option<&'a Store<'a>>,
    queries: Option<Queries<'a>>,
    scores: &'a RefCell<Buffer<f32>>,
) {
    let (Some(store), Some(queries)) = (store, queries) else { return };
    contest.enter(Role::Variant, "the store", move || {
        black_box(store).score(&queries, &mut scores.borrow_mut()).map_or(f64::NAN, |()| 0.0)
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
        let mut tops: Vec<TopK<'_>> = entries.chunks_mut(10).map(TopK::new).collect();
        let left_out = black_box(store).top(&queries, &mut tile, &mut tops);
        black_box(&tops);
        left_out.map_or(f64::NAN, |_| 0.0)
    });
}

/// Signs of queries for [`enter_signs`], in `scratch`.
#[must_use]
pub fn signs<'q>(width: usize, values: &[f32], scratch: &'q mut Vec<u32>) -> Option<Signs<'q>> {
    scratch.resize(Signs::words(values.len() / width, width), 0);
    Signs::new(id_of(width), values, scratch).ok()
}

/// Enters the store of 1-bit rows, whose differing signs are counted, and tile by tile
/// into a list of 500 rows a query. `right` gives the answer that is compared.
pub fn enter_signs<'a>(
    contest: &mut Contest<'a>,
    store: Option<&'a Store<'a>>,
    signs: Option<Signs<'a>>,
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
        let mut lists: Vec<Shortlist<'_>> = entries.chunks_mut(500).map(Shortlist::new).collect();
        let done = black_box(store).shortlist(&signs, &mut tile, &mut lists);
        black_box(&lists);
        done.map_or(f64::NAN, |()| 0.0)
    });
}
