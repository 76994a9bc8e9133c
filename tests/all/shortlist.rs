//! Shortlists: differing signs are counted, the rows with the largest estimates are on
//! the list, and their scores are the store's.

use crate::source::normals;
use crate::store::{filled, id_of, queries_of, rotation, sketch_of, sorted, store_of, top_k};
use gradsieve::store::{
    Codec, Entry, Shortlist, ShortlistSettings, Signs, SignsSettings, Store, StoreSettings,
};
use gradsieve::{Error, Field, Fingerprint};
use proptest::prelude::*;

/// Normal rows of several lengths, of which the first are a part of the first query.
fn rows_of(width: usize, count: usize, seed: u64, query: &[f32]) -> Vec<f32> {
    let mut rows = normals(seed, count * width);
    for (r, row) in rows.chunks_mut(width).enumerate() {
        let (length, part) = ((1 + r % 5) as f32 * 1e-3, if r < count / 4 { 0.5 } else { 0.0 });
        for (x, q) in row.iter_mut().zip(query) {
            *x = length * (*x + part * q);
        }
    }
    rows
}

/// The signs of queries.
fn signs_of(width: usize, queries: &[f32]) -> Signs<Vec<u32>> {
    let settings = SignsSettings { width, count: queries.len() / width };
    let mut signs = Signs::new(settings, vec![7; settings.memory().others]).unwrap();
    signs.pack(id_of(width), queries).unwrap();
    signs
}

/// A list of at most `rows` rows.
fn list_of(rows: usize) -> Shortlist<Vec<Entry>> {
    Shortlist::new(ShortlistSettings { rows }, vec![Entry::default(); rows]).unwrap()
}

/// What is on the list of each query, of at most `room` rows.
fn lists(store: &Store<Vec<u64>>, queries: &[f32], room: usize, tile: usize) -> Vec<Vec<Entry>> {
    let signs = signs_of(store.settings().width, queries);
    let mut lists: Vec<_> = (0..signs.count()).map(|_| list_of(room)).collect();
    store.shortlist(&signs, &mut vec![9; tile * signs.count()], &mut lists).unwrap();
    lists.iter().map(|list| list.rows().to_vec()).collect()
}

/// The largest scores of one query, of all rows or of those on a list.
fn top(store: &Store<Vec<u64>>, query: &[f32], k: usize, list: Option<&Shortlist<Vec<Entry>>>) -> Vec<Entry> {
    let StoreSettings { codec, width, .. } = store.settings();
    let query = queries_of(codec, id_of(width), query);
    let mut top = top_k(k);
    let left_out = match list {
        Some(list) => store.top_of(list, &query, &mut top).unwrap(),
        None => store.top(&query, &mut [0.0; 64], core::slice::from_mut(&mut top)).unwrap(),
    };
    assert_eq!(left_out, 0);
    sorted(top)
}

/// The shortlist of one query, of at most `room` rows.
fn listed(store: &Store<Vec<u64>>, query: &[f32], room: usize) -> Shortlist<Vec<Entry>> {
    let signs = signs_of(store.settings().width, query);
    let mut list = [list_of(room)];
    store.shortlist(&signs, &mut [9; 64], &mut list).unwrap();
    let [list] = list;
    list
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn differences_are_of_signs_and_estimates_are_the_scale_times_the_cosine(
        width in 1_usize..200, n in 1_usize..100, count in 1_usize..12, seed: u64, tile in 1_usize..5, room in 0_usize..120,
    ) {
        let queries = normals(seed, count * width);
        let rows = rows_of(width, n, !seed, &queries[..width]);
        let store = filled(Codec::OneBit, width, &rows);
        let signs = signs_of(width, &queries);
        let mut differences = vec![7; n * count];
        store.differences(&signs, &mut differences).unwrap();

        let whole = lists(&store, &queries, n, 16 * tile);
        let some = lists(&store, &queries, room, 16);
        let mut values = vec![0.0; width];
        for (q, (query, differences)) in queries.chunks(width).zip(differences.chunks(n)).enumerate() {
            let query = rotation(query);
            for (r, (row, found)) in rows.chunks(width).zip(differences).enumerate() {
                let row = rotation(row);
                let differ = row.iter().zip(&query).filter(|(x, q)| x.is_sign_negative() != q.is_sign_negative()).count();
                prop_assert_eq!(*found as usize, differ);
                // A stored row, rotated, is ± its scale.
                store.get(r, &mut values).unwrap();
                let scale = f64::from(rotation(&values)[0].abs());
                let cosine = (core::f64::consts::PI * differ as f64 / width as f64).cos();
                let Entry { id, score } = whole[q][r];
                prop_assert_eq!(id, r as u64);
                prop_assert!((score - scale * cosine).abs() <= 0.005 * scale, "{} for {}·{}", score, scale, cosine);
            }
            // A shorter list has the largest of the whole one, the first of equal ones.
            let mut expected = whole[q].clone();
            expected.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
            expected.truncate(room);
            expected.sort_by_key(|entry| entry.id);
            prop_assert_eq!(&some[q], &expected);
        }
    }

    #[test]
    fn scores_of_a_list_of_all_rows_are_those_of_the_store(width in 1_usize..150, n in 1_usize..100, seed: u64, k in 1_usize..40) {
        let query = normals(seed, width);
        let rows = rows_of(width, n, !seed, &query);
        let store = filled(Codec::OneBit, width, &rows);
        let list = listed(&store, &query, n);
        prop_assert_eq!(top(&store, &query, k, Some(&list)), top(&store, &query, k, None));
        // A wider codec's store of the same rows takes the same list.
        let wide = filled(Codec::F32, width, &rows);
        prop_assert_eq!(top(&wide, &query, k, Some(&list)), top(&wide, &query, k, None));
    }
}

/// Of 4,000 normal rows of 512, lengths of one to five, a quarter of them with a cosine
/// of about .45 to the query.
#[test]
fn a_list_of_three_times_as_many_has_nearly_all_of_the_largest_scores() {
    const WIDTH: usize = 512;
    let query = normals(1, WIDTH);
    let rows = rows_of(WIDTH, 4000, 2, &query);
    let store = filled(Codec::OneBit, WIDTH, &rows);
    let exact = filled(Codec::F32, WIDTH, &rows);
    let found = |room: usize, of: &Store<Vec<u64>>| {
        let list = listed(&store, &query, room);
        let listed: Vec<u64> = list.rows().iter().map(|entry| store.ids()[entry.id as usize]).collect();
        top(of, &query, 100, None).iter().filter(|entry| listed.contains(&entry.id)).count()
    };
    // By the store's own scores, and by those of the rows as they were before they had
    // one bit.
    let counts = [found(100, &store), found(300, &store), found(100, &exact), found(300, &exact)];
    assert_eq!(counts, [81, 100, 72, 100]);
}

#[test]
fn what_does_not_fit_is_refused_and_the_lists_are_as_they_were() {
    let query = normals(1, 64);
    let rows = rows_of(64, 40, 2, &query);
    let store = filled(Codec::OneBit, 64, &rows);
    let wide = filled(Codec::F16, 64, &rows[..64 * 20]);
    let mut lists = [listed(&store, &query, 30)];
    let before = lists[0].rows().to_vec();
    assert_eq!(before.len(), 30);

    let settings = SignsSettings { width: 64, count: 1 };
    assert_eq!(settings.memory().others, 4);
    let short = Signs::new(settings, [0; 3]).err();
    assert_eq!(short, Some(Error::Length { expected: 4, found: 3 }));
    let none = Signs::new(SignsSettings { width: 0, ..settings }, [0; 0]).err();
    assert_eq!(none, Some(Error::Width { multiple: 1, found: 0 }));
    let mut signs = signs_of(64, &query);
    assert_eq!(signs.pack(id_of(64), &[f32::NAN; 64]), Err(Error::NonFinite));
    assert_eq!(signs.pack(id_of(64), &[1.0; 128]), Err(Error::Full { capacity: 1 }));
    assert_eq!(signs.pack(id_of(32), &query), Err(Error::Mismatch(Field::Width)));
    let mut differences = [7; 40];
    assert_eq!(wide.differences(&signs, &mut differences[..20]), Err(Error::Mismatch(Field::Codec)));
    assert_eq!(
        store.differences(&signs, &mut differences[1..]),
        Err(Error::Length { expected: 40, found: 39 })
    );
    let beyond = Err(Error::Row { rows: 40, found: 41 });
    assert_eq!(store.differences_rows(16..41, &signs, &mut differences[..25]), beyond);
    assert!(matches!(
        store.differences_rows(1..40, &signs, &mut differences[..39]),
        Err(Error::Setting { .. })
    ));
    assert_eq!(differences, [7; 40]);
    let mut scratch = [0; 15];
    let none: &mut [Shortlist<Vec<Entry>>] = &mut [];
    let short = Err(Error::Length { expected: 16, found: 15 });
    assert_eq!(store.shortlist(&signs, &mut scratch, &mut lists), short);
    assert_eq!(wide.shortlist(&signs, &mut differences, &mut lists), Err(Error::Mismatch(Field::Codec)));
    assert_eq!(store.shortlist(&signs, &mut differences, none), Err(Error::Length { expected: 1, found: 0 }));
    let mut other = signs.id().unwrap();
    other.key = Fingerprint::Seed(99);
    let mut others = signs.clone();
    others.pack(other, &query).unwrap();
    assert!(matches!(store.shortlist(&others, &mut differences, &mut lists), Err(Error::Mismatch(_))));
    assert_eq!(lists[0].rows(), before);

    // The list has rows that the other store has not.
    let half = queries_of(Codec::F16, id_of(64), &query);
    let mut top = top_k(2);
    let last = before.last().unwrap().id as usize;
    assert_eq!(wide.top_of(&lists[0], &half, &mut top), Err(Error::Row { rows: 20, found: last }));
    assert_eq!(store.top_of(&lists[0], &half, &mut top), Err(Error::Mismatch(Field::Codec)));
    let two = [&query[..], &query].concat();
    let two = queries_of(Codec::OneBit, id_of(64), &two);
    assert_eq!(store.top_of(&lists[0], &two, &mut top), Err(Error::Length { expected: 1, found: 2 }));
    assert!(top.is_empty());
}

#[test]
fn an_empty_store_has_an_empty_list_and_a_row_of_zeros_is_on_it_before_its_opposites() {
    let mut store = store_of(Codec::OneBit, 8, 16);
    assert!(listed(&store, &[1.0; 8], 2).rows().is_empty());
    for (id, value) in [(1, -1.0), (2, 0.0), (3, -2.0), (4, 3.0)] {
        store.append(id, &sketch_of(&[value; 8])).unwrap();
    }
    let rows: Vec<u64> = listed(&store, &[1.0; 8], 2).rows().iter().map(|entry| entry.id).collect();
    assert_eq!(rows, [1, 3]);
}
