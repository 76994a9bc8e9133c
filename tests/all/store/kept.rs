//! What is kept of a stream that is too long: a fair sample, and the largest.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_reservoir_keeps_the_same_samples_in_every_order_and_from_merged_parts(
        seed: u64, n in 0_usize..120, cut in 0_usize..120, order in Just((0..120_u64).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let width = 5;
        let value = |id: u64| normals(id, width);
        let new = || reservoir_of(ReservoirSettings { seed, codec: Codec::F32, width, rows: 32 });
        let kept = |ids: &[u64]| {
            let mut reservoir = new();
            for &id in ids {
                reservoir.offer(id, &sketch_of(&value(id))).unwrap();
            }
            sorted_rows(reservoir.store())
        };
        let shuffled: Vec<u64> = order.iter().copied().filter(|&id| id < n as u64).collect();
        let in_order: Vec<u64> = (0..n as u64).collect();
        let expected = kept(&in_order);
        prop_assert_eq!(expected.len(), n.min(32));
        prop_assert_eq!(&kept(&shuffled), &expected);
        prop_assert_eq!(&kept(&[shuffled.clone(), in_order].concat()), &expected);

        let (mut one, mut other) = (new(), new());
        for (i, &id) in shuffled.iter().enumerate() {
            let into = if i < cut { &mut one } else { &mut other };
            into.offer(id, &sketch_of(&value(id))).unwrap();
        }
        one.merge(&other).unwrap();
        prop_assert_eq!(one.offered(), n as u64);
        prop_assert_eq!(sorted_rows(one.store()), expected);
    }

    #[test]
    fn the_largest_are_those_of_a_sort_whatever_the_order_and_the_parts(
        offers in prop::collection::vec((0..60_u64, -4..5_i32), 0..150), cut in 0_usize..150,
    ) {
        let width = 3;
        let value = |id: u64| normals(id, width);
        let new = || largest_of(LargestSettings { codec: Codec::Bf16, width, rows: 16 });
        let (mut one, mut other) = (new(), new());
        for (i, &(id, score)) in offers.iter().enumerate() {
            let into = if i < cut { &mut one } else { &mut other };
            let score = if score == 0 { -0.0 } else { f64::from(score) };
            let kept = into.offer(id, &sketch_of(&value(id)), score).unwrap();
            prop_assert_eq!(kept && !into.store().ids().contains(&id), false);
        }
        one.merge(&other).unwrap();
        // The largest score of each id, then the best sixteen.
        let mut best = std::collections::BTreeMap::new();
        for &(id, score) in &offers {
            let place = best.entry(id).or_insert(score);
            *place = score.max(*place);
        }
        let mut expected: Vec<(i32, u64)> = best.into_iter().map(|(id, score)| (-score, id)).collect();
        expected.sort_unstable();
        expected.truncate(16);
        let mut found: Vec<(i32, u64)> =
            one.scores().iter().zip(one.store().ids()).map(|(score, id)| (-*score as i32, *id)).collect();
        found.sort_unstable();
        prop_assert_eq!(found, expected);
        let mut row = vec![0.0; width];
        for r in 0..one.store().len() {
            let Row { id, sketch } = one.store().get(r, &mut row).unwrap();
            prop_assert_eq!(sketch.measures.l1, sketch_of(&value(id)).measures.l1);
        }
    }
}

/// Ids and numbers of all rows, by id.
fn sorted_rows(store: &Store<Vec<u64>>) -> Vec<(u64, Vec<f32>)> {
    let mut rows = Vec::new();
    let mut values = vec![0.0; store.settings().width];
    store
        .for_each(&mut values, |row| {
            rows.push((row.id, row.sketch.values.to_vec()));
            Ok(())
        })
        .unwrap();
    rows.sort_by_key(|row| row.0);
    rows
}

#[test]
fn a_reservoir_keeps_every_sample_as_often_as_any_other_over_seeds() {
    let mut counts = [0_u32; 60];
    for seed in 0..3_000 {
        let mut reservoir = reservoir_of(ReservoirSettings { seed, codec: Codec::F32, width: 1, rows: 16 });
        for id in 0..60 {
            reservoir.offer(id, &sketch_of(&[1.0])).unwrap();
        }
        assert_eq!(reservoir.store().len(), 16);
        reservoir.store().ids().iter().for_each(|&id| counts[id as usize] += 1);
    }
    // Mean 800, standard deviation 24: five of them, for 60 ids, false alarm below 10⁻⁴.
    assert!(counts.iter().all(|count| count.abs_diff(800) < 121), "{counts:?}");
}
