//! The k largest of a stream, against a sort.

use crate::store::{sorted as sorted_of, top_k};
use gradsieve::Error;
use gradsieve::store::{Entry, TopK};
use proptest::prelude::*;

/// Scores with many ties, and the infinities.
fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let score = prop_oneof![
        4 => (-5..5).prop_map(f64::from),
        2 => -1.0..1.0,
        1 => prop_oneof![Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(-0.0)]
    ];
    prop::collection::vec((0..50_u64, score).prop_map(|(id, score)| Entry { id, score }), 0..80)
}

/// The definition: sort all, keep k.
fn sorted(entries: &[Entry], k: usize) -> Vec<Entry> {
    let mut all = entries.to_vec();
    all.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap().then(a.id.cmp(&b.id)));
    all.truncate(k);
    all
}

fn pushed(entries: &[Entry], k: usize) -> TopK<Vec<Entry>> {
    let mut top = top_k(k);
    for &entry in entries {
        top.push(entry).unwrap();
    }
    top
}

proptest! {
    #[test]
    fn what_is_kept_is_the_head_of_the_sorted_stream(entries in entries(), k in 0_usize..20) {
        let top = pushed(&entries, k);
        prop_assert_eq!(top.len(), entries.len().min(k));
        prop_assert_eq!(sorted_of(top), sorted(&entries, k));
    }

    #[test]
    fn the_order_of_arrival_does_not_matter(
        (entries, shuffled) in entries().prop_flat_map(|e| (Just(e.clone()), Just(e).prop_shuffle())),
        k in 0_usize..20,
    ) {
        prop_assert_eq!(sorted_of(pushed(&entries, k)), sorted_of(pushed(&shuffled, k)));
    }

    #[test]
    fn merging_parts_keeps_what_the_whole_stream_would(entries in entries(), cut in 0_usize..80, k in 0_usize..20) {
        let (first, second) = entries.split_at(cut.min(entries.len()));
        let mut top = pushed(first, k);
        top.merge(&pushed(second, k));
        prop_assert_eq!(sorted_of(top), sorted(&entries, k));
    }

    #[test]
    fn pushing_goes_on_after_the_entries_were_sorted(entries in entries(), cut in 0_usize..80, k in 0_usize..20) {
        let (first, second) = entries.split_at(cut.min(entries.len()));
        let mut top = pushed(first, k);
        prop_assert!(top.sorted().eq(&sorted(first, k)));
        for &entry in second {
            top.push(entry).unwrap();
        }
        prop_assert_eq!(sorted_of(top), sorted(&entries, k));
    }

    #[test]
    fn what_push_returns_and_what_it_keeps_are_all_that_was_pushed(entries in entries(), k in 0_usize..20) {
        let mut top = top_k(k);
        let mut refused = Vec::new();
        for &entry in &entries {
            let last = top.last().copied();
            let returned = top.push(entry).unwrap();
            if let Some(returned) = returned {
                prop_assert!(returned == entry || Some(returned) == last);
            }
            refused.extend(returned);
        }
        refused.extend(top.sorted());
        prop_assert_eq!(sorted(&refused, usize::MAX), sorted(&entries, usize::MAX));
    }
}

#[test]
fn a_nan_is_refused_and_changes_nothing() {
    let mut top = pushed(&[Entry { id: 1, score: 1.0 }, Entry { id: 2, score: 2.0 }], 3);
    let before = top.entries().to_vec();
    assert_eq!(top.push(Entry { id: 3, score: f64::NAN }), Err(Error::NonFinite));
    assert_eq!(top.entries(), before);
    top.reset();
    assert!(top.is_empty() && top.sorted().next().is_none());
}

#[test]
fn a_capacity_of_zero_returns_everything() {
    let mut top = top_k(0);
    let entry = Entry { id: 1, score: 1.0 };
    assert_eq!(top.push(entry), Ok(Some(entry)));
    assert_eq!(top.sorted().len(), 0);
}
