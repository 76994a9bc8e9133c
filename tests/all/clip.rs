//! Claims about what a few gradients may do to a detector that clips: whatever their
//! length, and wherever they come, the scores of the others hardly move.

use crate::detectors::score;
use crate::source::{normals, row};
use gradsieve::outlier::{
    Detector, Direction, DirectionSettings, Mahalanobis, MahalanobisSettings, SelfInfluence,
    SelfInfluenceSettings,
};
use gradsieve::{Error, State};
use proptest::prelude::*;

const K: usize = 12;

/// Rows of about one length, about one direction.
fn ordinary(seed: u64, n: usize) -> Vec<Vec<f32>> {
    normals(seed, n * K).chunks(K).map(|row| row.iter().map(|x| 1.0 + 0.5 * x).collect()).collect()
}

fn times(rows: &[Vec<f32>], factor: f64) -> Vec<Vec<f32>> {
    let times = |row: &Vec<f32>| row.iter().map(|&x| (f64::from(x) * factor) as f32).collect();
    rows.iter().map(times).collect()
}

fn direction(clip: Option<f32>) -> Direction<Vec<i64>> {
    let settings = DirectionSettings { clip, ..DirectionSettings::new(1, K) };
    Direction::new(settings, vec![0; settings.memory().i64s]).unwrap()
}

fn mahalanobis(clip: Option<f32>) -> Mahalanobis<Vec<f64>> {
    let settings = MahalanobisSettings { clip, ..MahalanobisSettings::new(K) };
    Mahalanobis::new(settings, vec![0.0; settings.memory().f64s]).unwrap()
}

fn self_influence(clip: Option<f32>) -> SelfInfluence<Vec<f64>> {
    let settings = SelfInfluenceSettings { clip, ..SelfInfluenceSettings::new(K) };
    SelfInfluence::new(settings, vec![0.0; settings.memory().f64s]).unwrap()
}

/// The scores of the first rows, once all were observed.
fn scores<D: Detector>(mut detector: D, observed: &[Vec<f32>], scored: &[Vec<f32>]) -> Vec<f64> {
    observed.iter().for_each(|x| detector.observe(&row(x)).unwrap());
    fitted(detector, scored)
}

fn fitted<D: Detector>(mut detector: D, scored: &[Vec<f32>]) -> Vec<f64> {
    detector.fit().unwrap();
    scored.iter().map(|x| score(&detector, &row(x)).unwrap()).collect()
}

/// The largest factor between two scores of one row.
fn most(before: &[f64], after: &[f64]) -> f64 {
    let factor = |(x, y): (&f64, &f64)| if x.max(*y) < 0.05 { 1.0 } else { (x / y).max(y / x) };
    before.iter().zip(after).map(factor).fold(1.0, f64::max)
}

/// Six rows among three hundred, of a length of their own: first, last or between.
fn poisoned(rows: &[Vec<f32>], length: f64, place: usize) -> Vec<Vec<f32>> {
    let poison = times(&ordinary(99, 6), -length);
    let mut all = rows.to_vec();
    all.splice(place..place, poison);
    all
}

/// What `$scores` makes of each detector, in a form that clips or in the exact one.
macro_rules! of_each {
    ($clip:expr, |$new:ident| $scores:expr) => {{
        let clip: Option<f32> = $clip;
        [
            ("direction", {
                let $new = || direction(clip);
                $scores
            }),
            ("mahalanobis", {
                let $new = || mahalanobis(clip);
                $scores
            }),
            ("self-influence", {
                let $new = || self_influence(clip);
                $scores
            }),
        ]
    }};
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_length_and_no_place_of_a_few_rows_moves_more_than_eight_medians_do(
        seed: u64,
        exponent in -120..121_i32,
        place in prop::sample::select(vec![0, 3, 15, 16, 17, 150, 300]),
        unit in prop::sample::select(vec![-100, -40, 0, 40, 100]),
    ) {
        let length = 2.0_f64.powi(exponent.clamp(-120 - unit, 120 - unit));
        let (rows, unit) = (ordinary(seed, 300), 2.0_f64.powi(unit));
        let all = times(&poisoned(&rows, length, place), unit);
        let limit = times(&poisoned(&rows, length.clamp(1.0 / 11.0, 11.0), 150), unit);
        let rows = times(&rows, unit);
        let expected = of_each!(None, |new| scores(new(), &limit, &rows));
        let found = of_each!(Some(8.0), |new| scores(new(), &all, &rows));
        for ((name, expected), (_, found)) in expected.iter().zip(&found) {
            let factor = most(expected, found);
            prop_assert!(factor < 4.0, "{}: {} times, of length {:e}, at {}", name, factor, length, place);
        }
    }

    #[test]
    fn a_state_of_nothing_but_poison_moves_no_more_when_it_is_merged(
        seed: u64,
        exponent in 5..121_i32,
        count in 1..40_usize,
        takes: bool,
    ) {
        let rows = ordinary(seed, 300);
        let poison = |length: f64| times(&ordinary(seed ^ 1, count), -length);
        let expected = of_each!(None, |new| scores(new(), &[&rows[..], &poison(11.0)].concat(), &rows));
        let poison = poison(2.0_f64.powi(exponent));
        let (first, second) = if takes { (&poison, &rows) } else { (&rows, &poison) };
        let found = of_each!(Some(8.0), |new| {
            let (mut one, mut other) = (new(), new());
            first.iter().for_each(|x| one.observe(&row(x)).unwrap());
            second.iter().for_each(|x| other.observe(&row(x)).unwrap());
            one.merge(&other).unwrap();
            fitted(one, &rows)
        });
        for ((name, expected), (_, found)) in expected.iter().zip(&found) {
            let factor = most(expected, found);
            prop_assert!(factor < 4.0, "{}: {} times, {} rows of 2^{}", name, factor, count, exponent);
        }
    }

    #[test]
    fn long_gradients_that_come_first_do_not_own_the_directions(seed: u64, exponent in 8..121_i32, count in 1..250_usize) {
        let rows = ordinary(seed, 300);
        let all = [times(&ordinary(seed ^ 1, count), -2.0_f64.powi(exponent)), rows.clone()].concat();
        let (own, turned) = (scores(direction(Some(8.0)), &all, &rows), scores(direction(Some(8.0)), &all, &times(&rows, -1.0)));
        prop_assert!(own.iter().zip(&turned).all(|(own, turned)| own < turned), "{} rows of 2^{}", count, exponent);
    }

    #[test]
    fn gradients_of_ordinary_length_have_the_scores_of_the_exact_form(seed: u64) {
        let rows = ordinary(seed, 200);
        prop_assert_eq!(scores(direction(Some(8.0)), &rows, &rows), scores(direction(None), &rows, &rows));
        prop_assert_eq!(scores(mahalanobis(Some(8.0)), &rows, &rows), scores(mahalanobis(None), &rows, &rows));
    }

    #[test]
    fn a_restored_detector_clips_as_the_one_that_was_written(seed: u64, at in 0..60_usize, exponent in -60..100_i32) {
        let (mut rows, mut one, mut back) = (ordinary(seed, 60), direction(Some(2.0)), direction(Some(2.0)));
        rows[at] = times(&rows[at..=at], 2.0_f64.powi(exponent)).remove(0);
        let (before, after) = rows.split_at(at);
        before.iter().for_each(|x| one.observe(&row(x)).unwrap());
        let mut bytes = vec![0; one.len_at_rest()];
        one.to_bytes(&mut bytes).unwrap();
        back.restore(&bytes).unwrap();
        prop_assert_eq!(scores(one, after, &rows), scores(back, after, &rows));
    }
}

#[test]
fn without_a_clip_one_long_gradient_does_move_them() {
    let rows = ordinary(1, 300);
    let all = poisoned(&rows, 1e30, 150);
    assert!(most(&scores(mahalanobis(None), &rows, &rows), &scores(mahalanobis(None), &all, &rows)) > 100.0);
    // A direction has the same length whatever the gradient's, and a norm is one count,
    // so among directions one long gradient is one of many.
    let long = times(&rows[..1], 8.0);
    let of = |clip| scores(direction(clip), &all, &long)[0];
    assert!((of(Some(8.0)) / of(None) - 1.0).abs() < 0.2, "{} and {}", of(Some(8.0)), of(None));
}

#[test]
fn a_clip_is_a_number_from_1_on() {
    for clip in [0.5, 0.0, -8.0, f32::NAN, f32::INFINITY] {
        let settings = DirectionSettings { clip: Some(clip), ..DirectionSettings::new(1, K) };
        let refused = Err(Error::Setting { name: "clip", expected: "finite and at least 1, or none" });
        assert_eq!(Direction::new(settings, [0; K]).map(|_| ()), refused);
        assert_eq!(Direction::owned(settings).map(|_: Direction<[i64; K]>| ()), refused);
    }
}

#[test]
fn a_direction_s_count_that_would_wrap_is_refused() {
    let mut detector = direction(Some(8.0));
    detector.observe(&row(&[1.0; K])).unwrap();
    let copy = |detector: &Direction<Vec<i64>>| {
        let mut bytes = vec![0; detector.len_at_rest()];
        detector.to_bytes(&mut bytes).unwrap();
        let mut other = direction(Some(8.0));
        other.restore(&bytes).unwrap();
        other
    };
    for _ in 0..63 {
        let other = copy(&detector);
        detector.merge(&other).unwrap();
    }
    let (other, before) = (copy(&detector), format!("{detector:?}"));
    assert_eq!(detector.merge(&other), Err(Error::Full { capacity: usize::MAX }));
    assert_eq!((detector.count(), format!("{detector:?}")), (1 << 63, before));
}
