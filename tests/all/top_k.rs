//! The k largest of a stream, against a sort.

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

fn pushed<'m>(entries: &[Entry], memory: &'m mut [Entry]) -> TopK<'m> {
    let mut top = TopK::new(memory);
    for &entry in entries {
        top.push(entry).unwrap();
    }
    top
}

proptest! {
    #[test]
    fn what_is_kept_is_the_head_of_the_sorted_stream(entries in entries(), k in 0_usize..20) {
        let mut memory = vec![Entry::default(); k];
        let top = pushed(&entries, &mut memory);
        prop_assert_eq!(top.len(), entries.len().min(k));
        prop_assert_eq!(top.into_sorted(), sorted(&entries, k));
    }

    #[test]
    fn the_order_of_arrival_does_not_matter(
        (entries, shuffled) in entries().prop_flat_map(|e| (Just(e.clone()), Just(e).prop_shuffle())),
        k in 0_usize..20,
    ) {
        let (mut one, mut other) = (vec![Entry::default(); k], vec![Entry::default(); k]);
        prop_assert_eq!(pushed(&entries, &mut one).into_sorted(), pushed(&shuffled, &mut other).into_sorted());
    }

    #[test]
    fn merging_parts_keeps_what_the_whole_stream_would(entries in entries(), cut in 0_usize..80, k in 0_usize..20) {
        let (first, second) = entries.split_at(cut.min(entries.len()));
        let (mut one, mut other) = (vec![Entry::default(); k], vec![Entry::default(); k]);
        let mut top = pushed(first, &mut one);
        top.merge(&pushed(second, &mut other));
        prop_assert_eq!(top.into_sorted(), sorted(&entries, k));
    }

    #[test]
    fn what_push_returns_and_what_it_keeps_are_all_that_was_pushed(entries in entries(), k in 0_usize..20) {
        let mut memory = vec![Entry::default(); k];
        let mut top = TopK::new(&mut memory);
        let mut refused = Vec::new();
        for &entry in &entries {
            let last = top.last().copied();
            let returned = top.push(entry).unwrap();
            if let Some(returned) = returned {
                prop_assert!(returned == entry || Some(returned) == last);
            }
            refused.extend(returned);
        }
        refused.extend_from_slice(top.into_sorted());
        prop_assert_eq!(sorted(&refused, usize::MAX), sorted(&entries, usize::MAX));
    }
}

#[test]
fn a_nan_is_refused_and_changes_nothing() {
    let mut memory = [Entry::default(); 3];
    let mut top = pushed(&[Entry { id: 1, score: 1.0 }, Entry { id: 2, score: 2.0 }], &mut memory);
    let before = top.entries().to_vec();
    assert_eq!(top.push(Entry { id: 3, score: f64::NAN }), Err(Error::NonFinite));
    assert_eq!(top.entries(), before);
    top.reset();
    assert!(top.is_empty() && top.into_sorted().is_empty());
}

#[test]
fn a_capacity_of_zero_returns_everything() {
    let mut top = TopK::new(&mut []);
    let entry = Entry { id: 1, score: 1.0 };
    assert_eq!(top.push(entry), Ok(Some(entry)));
    assert!(top.into_sorted().is_empty());
}
