//! Numbers over visits, against `f64`: `f16` and `f32` stay near it, and what is refused
//! changes nothing.

use gradsieve::visits::{Kept, Mean, MeanRank, VisitNumber, Visits, VisitsSettings, Worst};
use gradsieve::{Error, f16};
use proptest::prelude::*;

const SAMPLES: usize = 1000;

fn none<K: Kept, T: VisitNumber>(first: u64, samples: usize) -> Visits<K, T, Vec<T>, Vec<u16>> {
    Visits::new(VisitsSettings { first, samples }, vec![T::ZERO; samples], vec![7; samples]).unwrap()
}

fn all<K: Kept, T: VisitNumber>(of: &Visits<K, T, Vec<T>, Vec<u16>>) -> Vec<(Option<f32>, u16)> {
    let VisitsSettings { first, samples } = of.settings();
    (first..first + samples as u64).map(|id| (of.get(id).unwrap(), of.count(id).unwrap())).collect()
}

/// The loss of a sample at a visit: noise around what falls by e⁻³ over the run.
fn loss(id: u64, visit: u16, visits: u16) -> f64 {
    let noise = gradsieve::statistics::uniform(u64::from(visit), id) + 0.5;
    noise * (1.0 + id as f64 / 300.0) * (-3.0 * f64::from(visit) / f64::from(visits)).exp()
}

/// Errors of the mean of each sample, as shares of it.
fn errors<T: VisitNumber>(visits: u16) -> Vec<f64> {
    let mut mean = none::<Mean, T>(0, SAMPLES);
    let mut exact = vec![0.0; SAMPLES];
    for visit in 0..visits {
        for (id, sum) in (0..).zip(&mut exact) {
            let loss = loss(id, visit, visits);
            mean.observe(id, loss).unwrap();
            *sum += loss / f64::from(visits);
        }
    }
    let found = all(&mean).into_iter().map(|(mean, _)| f64::from(mean.unwrap()));
    found.zip(exact).map(|(found, exact)| found / exact - 1.0).collect()
}

/// What rounding to the nearest makes of the same.
fn errors_to_the_nearest(visits: u16) -> Vec<f64> {
    let of = |id| {
        let (mut mean, mut exact) = (f16::ZERO, 0.0);
        for visit in 0..visits {
            let loss = loss(id, visit, visits);
            mean = f16::from_f64(mean.to_f64() + (loss - mean.to_f64()) / f64::from(visit + 1));
            exact += loss / f64::from(visits);
        }
        mean.to_f64() / exact - 1.0
    };
    (0..SAMPLES as u64).map(of).collect()
}

fn root_mean_square(errors: &[f64]) -> f64 {
    (errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64).sqrt()
}

fn largest(errors: &[f64]) -> f64 {
    errors.iter().fold(0.0, |largest, error| error.abs().max(largest))
}

/// The figures of `src/visits/mod.rs`.
#[test]
fn a_mean_in_f16_wanders_by_a_few_units_and_does_not_stand_still() {
    for (visits, f16_rms, f16_largest, f32_largest) in
        [(10, 1e-3, 4e-3, 5e-7), (100, 3e-3, 1.3e-2, 2e-6), (1000, 9e-3, 4e-2, 6e-6)]
    {
        let (half, single) = (errors::<f16>(visits), errors::<f32>(visits));
        let nearest = errors_to_the_nearest(visits);
        let bias = half.iter().sum::<f64>() / SAMPLES as f64;
        println!(
            "{visits}: f16 {:.2e}, largest {:.2e}, mean {bias:.1e}; nearest {:.2e}, largest {:.2e}; f32 {:.2e}",
            root_mean_square(&half),
            largest(&half),
            root_mean_square(&nearest),
            largest(&nearest),
            largest(&single)
        );
        assert!(root_mean_square(&half) < f16_rms && largest(&half) < f16_largest);
        assert!(largest(&single) < f32_largest);
        assert!(bias.abs() < 4.0 * root_mean_square(&half) / (SAMPLES as f64).sqrt());
        // The loss falls, and what stands still stays above.
        assert!(visits < 1000 || root_mean_square(&nearest) > 2.5 * root_mean_square(&half));
    }
}

/// Visits to ten samples, some of them never.
fn visited() -> impl Strategy<Value = Vec<(u64, f64)>> {
    prop::collection::vec((100..110_u64, prop_oneof![-1e4..1e4, Just(0.0), 0.0..1e-3]), 0..60)
}

fn observed<K: Kept, T: VisitNumber>(visits: &[(u64, f64)]) -> Visits<K, T, Vec<T>, Vec<u16>> {
    let mut of = none(100, 10);
    visits.iter().for_each(|&(id, score)| of.observe(id, score).unwrap());
    of
}

proptest! {
    #[test]
    fn numbers_are_those_of_each_samples_visits(visits in visited()) {
        let (mean, half) = (observed::<Mean, f32>(&visits), observed::<Mean, f16>(&visits));
        let worst = observed::<Worst, f16>(&visits);
        for id in 100..110 {
            let own: Vec<f64> = visits.iter().filter(|visit| visit.0 == id).map(|visit| visit.1).collect();
            prop_assert_eq!(mean.count(id).unwrap() as usize, own.len());
            if own.is_empty() {
                prop_assert_eq!((mean.get(id), half.get(id), worst.get(id)), (Ok(None), Ok(None), Ok(None)));
                continue;
            }
            let scale = own.iter().fold(1e-4_f64, |scale, score| scale.max(score.abs()));
            let exact = own.iter().sum::<f64>() / own.len() as f64;
            let error = |found: Result<Option<f32>, Error>| (f64::from(found.unwrap().unwrap()) - exact).abs();
            prop_assert!(error(mean.get(id)) <= scale * 2e-6, "{own:?}");
            prop_assert!(error(half.get(id)) <= scale * 2e-2, "{own:?}");
            let most = own.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let kept = f16::from_f32(worst.get(id).unwrap().unwrap());
            let distance = |bits| (f16::from_bits(bits).to_f64() - most).abs();
            let next = [kept.to_bits() ^ 1, kept.to_bits().wrapping_add(1), kept.to_bits().wrapping_sub(1)];
            prop_assert!(next.into_iter().all(|next| distance(kept.to_bits()) <= distance(next)
                || f16::from_bits(next).is_nan()), "{most}: {kept}");
        }
    }

    #[test]
    fn what_the_format_holds_stays_as_it_is(score in -2048..2048_i32, visits in 1..300_usize) {
        let score = f64::from(score) / 64.0;
        let mean = observed::<Mean, f16>(&vec![(103, f64::from(f16::from_f64(score))); visits]);
        prop_assert_eq!(mean.get(103), Ok(Some(f16::from_f64(score).to_f32())));
    }

    #[test]
    fn the_worst_merges_to_the_same_bits_in_any_order(visits in visited(), cut in 0..60_usize) {
        let (one, other) = visits.split_at(cut.min(visits.len()));
        let [mut one, mut other] = [one, other].map(observed::<Worst, f16>);
        let before = none::<Worst, f16>(100, 10);
        one.merge(&other).unwrap();
        other.merge(&observed(&visits[..cut.min(visits.len())])).unwrap();
        other.merge(&before).unwrap();
        prop_assert_eq!(all(&one), all(&other));
        prop_assert_eq!(all(&one), all(&observed::<Worst, f16>(&visits)));
    }

    #[test]
    fn means_merge_to_the_same_bits_either_way_and_near_the_whole(visits in visited(), cut in 0..60_usize) {
        let parts = visits.split_at(cut.min(visits.len()));
        let [mut one, mut other] = [parts.0, parts.1].map(observed::<Mean, f32>);
        one.merge(&other).unwrap();
        other.merge(&observed(parts.0)).unwrap();
        prop_assert_eq!(all(&one), all(&other));
        for (found, whole) in all(&one).into_iter().zip(all(&observed::<Mean, f32>(&visits))) {
            prop_assert_eq!(found.1, whole.1);
            prop_assert!((found.0.unwrap_or(0.0) - whole.0.unwrap_or(0.0)).abs() <= 0.05);
        }
    }
}

#[test]
fn shards_of_other_ids_merge_into_the_whole() {
    let mut whole = none::<Mean, f16>(0, 10);
    whole.observe(3, 1.0).unwrap();
    for first in [0, 4, 8] {
        let mut shard = none::<Mean, f16>(first, 2);
        shard.observe(first + 1, 0.5).unwrap();
        whole.merge(&shard).unwrap();
    }
    let expected = |id| [1, 5, 9].contains(&id).then_some(0.5).or((id == 3).then_some(1.0));
    assert!((0..10).all(|id| whole.get(id).unwrap() == expected(id)));
    let beyond = none::<Mean, f16>(8, 3);
    assert_eq!(whole.merge(&beyond), Err(Error::Id { first: 0, end: 10, found: 10 }));
}

#[test]
fn a_score_that_is_refused_changes_nothing() {
    fn check<K: Kept, T: VisitNumber>(refused: &[(u64, f64, Error)]) {
        let mut visits = none::<K, T>(5, 2);
        visits.observe(5, 0.5).unwrap();
        let before = all(&visits);
        for &(id, score, error) in refused {
            assert_eq!(visits.observe(id, score), Err(error), "{id} {score}");
            assert_eq!(all(&visits), before);
        }
    }
    let id = |found| Error::Id { first: 5, end: 7, found };
    let wrong = [(5, f64::NAN, Error::NonFinite), (6, f64::INFINITY, Error::NonFinite), (4, 0.5, id(4))];
    check::<Mean, f32>(&wrong);
    check::<Worst, f16>(&wrong);
    check::<MeanRank, f16>(&wrong);
    check::<Mean, f16>(&[(7, 1.0, id(7)), (u64::MAX, 1.0, id(u64::MAX))]);
    check::<Mean, f16>(&[(6, 65_505.0, Error::Range { what: "the mean of the scores" })]);
    check::<Mean, f32>(&[(6, 1e39, Error::Range { what: "the mean of the scores" })]);
    check::<Worst, f16>(&[(5, 1e6, Error::Range { what: "the worst of the scores" })]);
    check::<MeanRank, f16>(&[(5, 1.5, Error::Setting { name: "share", expected: "between 0 and 1" })]);
}

#[test]
fn a_mean_between_the_largest_number_and_the_next_is_no_infinity() {
    for id in 0..SAMPLES as u64 {
        let mut mean = none::<Mean, f16>(id, 1);
        mean.observe(id, 65_490.0).unwrap();
        assert!(mean.get(id).unwrap().unwrap() <= 65_504.0);
    }
}

#[test]
fn visits_beyond_what_a_count_holds_are_refused() {
    let mut mean = none::<Mean, f32>(0, 1);
    (0..65_535).for_each(|_| mean.observe(0, 2.0).unwrap());
    let full = Err(Error::Full { capacity: 65_535 });
    assert_eq!(mean.observe(0, 1.0), full);
    let mut other = none::<Mean, f32>(0, 1);
    other.observe(0, 1.0).unwrap();
    assert_eq!(mean.merge(&other), full);
    assert_eq!((mean.get(0), mean.count(0)), (Ok(Some(2.0)), Ok(65_535)));
}

#[test]
fn settings_are_read_from_a_state_of_any_kind() {
    use gradsieve::State as _;
    let settings = VisitsSettings { first: 9, samples: 3 };
    let mut bytes = vec![0; settings.memory::<f16>().bytes_at_rest];
    none::<Worst, f16>(9, 3).to_bytes(&mut bytes).unwrap();
    assert_eq!(VisitsSettings::read(&bytes), Ok((settings, 2)));
    let last = bytes.pop();
    assert!(matches!(VisitsSettings::read(&bytes), Err(Error::Truncated { .. })));
    bytes.push(last.unwrap() ^ 1);
    assert_eq!(VisitsSettings::read(&bytes), Err(Error::Corrupt));
}
