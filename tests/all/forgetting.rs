//! Claims about second moments with a half-life: what is old counts less, scores stay
//! comparable while gradients shrink, and only states of one clock merge.

use crate::detectors::score;
use crate::source::{normals, row};
use gradsieve::moments::SecondMoment;
use gradsieve::outlier::{Deviation, Mahalanobis, MahalanobisSettings, SelfInfluence, SelfInfluenceSettings};
use gradsieve::{Error, Field, State};

const K: usize = 8;
const HALF_LIFE: u32 = 100;

const ABOUT_MEAN: MahalanobisSettings =
    MahalanobisSettings { half_life: Some(HALF_LIFE), ..MahalanobisSettings::new(K) };
const ABOUT_ZERO: SelfInfluenceSettings =
    SelfInfluenceSettings { half_life: Some(HALF_LIFE), ..SelfInfluenceSettings::new(K) };

fn mahalanobis(settings: MahalanobisSettings) -> Mahalanobis<Vec<f64>> {
    Mahalanobis::new(settings, vec![0.0; settings.memory().f64s]).unwrap()
}

fn self_influence(settings: SelfInfluenceSettings) -> SelfInfluence<Vec<f64>> {
    SelfInfluence::new(settings, vec![0.0; settings.memory().f64s]).unwrap()
}

fn bytes(state: &impl State) -> Vec<u8> {
    let mut bytes = vec![0; state.len_at_rest()];
    state.to_bytes(&mut bytes).unwrap();
    bytes
}

/// Row `i` of a stream in which lengths fall by half in 500 samples.
fn shrinking(seed: u64, i: usize) -> Vec<f32> {
    let length = (-(i as f64) / 500.0).exp2();
    let of = |x: &f32| ((1.0 + 0.5 * f64::from(*x)) * length) as f32;
    normals(seed.wrapping_add(i as u64), K).iter().map(of).collect()
}

/// The mean score of rows that a detector meets before it observes them, by 500 samples.
/// It is fitted anew every 50.
fn means<P: Deviation>(mut detector: SecondMoment<P, Vec<f64>>) -> Vec<f64> {
    let (mut sums, mut all) = (0.0, Vec::new());
    for i in 0..5000 {
        let x = shrinking(1, i);
        if i % 50 == 49 {
            detector.fit().unwrap();
        }
        if i >= 500 {
            sums += score(&detector, &row(&x)).unwrap() / 500.0;
            if i % 500 == 499 {
                all.push(std::mem::take(&mut sums));
            }
        }
        detector.observe(&row(&x)).unwrap();
    }
    all
}

#[test]
fn scores_stay_comparable_while_gradients_shrink_a_thousandfold() {
    let spread = |means: &[f64]| {
        let (least, most) = means.iter().fold((f64::MAX, 0.0_f64), |(a, b), x| (a.min(*x), b.max(*x)));
        most / least
    };
    let forgetting = [means(mahalanobis(ABOUT_MEAN)), means(self_influence(ABOUT_ZERO))];
    for means in &forgetting {
        assert!(spread(means) < 1.5, "{means:?}");
    }
    let keeping = [
        means(mahalanobis(MahalanobisSettings { half_life: None, ..ABOUT_MEAN })),
        means(self_influence(SelfInfluenceSettings { half_life: None, ..ABOUT_ZERO })),
    ];
    for means in &keeping {
        assert!(spread(means) > 1.5, "{means:?}");
    }
}

#[test]
fn the_mean_weighs_each_row_by_its_age() {
    let settings = MahalanobisSettings { clip: None, ..ABOUT_MEAN };
    let mut detector = mahalanobis(settings);
    let rows: Vec<Vec<f32>> = (0..777).map(|i| shrinking(5, i)).collect();
    rows.iter().for_each(|x| detector.observe(&row(x)).unwrap());
    let weight = |i: usize| ((i as f64 - 777.0) / f64::from(HALF_LIFE)).exp2();
    let total: f64 = (0..777).map(weight).sum();
    for (j, mean) in detector.moments().mean().enumerate() {
        let exact: f64 = (0..777).map(|i| weight(i) * f64::from(rows[i][j])).sum::<f64>() / total;
        // A weight is up to 4.4 % too small, as it stands for a sixteenth of a half-life.
        assert!((mean / exact - 1.0).abs() < 0.03, "{mean} {exact}");
    }
    assert_eq!(detector.moments().count(), 777);
}

#[test]
fn clocks_that_agree_merge_and_others_do_not() {
    let taught = |seed: u64, n: usize| {
        let mut detector = mahalanobis(ABOUT_MEAN);
        (0..n).for_each(|i| detector.observe(&row(&shrinking(seed, i))).unwrap());
        detector
    };
    let (mut one, mut late) = (taught(1, 150), taught(2, 20));
    let before = bytes(&one);
    assert_eq!(one.merge(&late), Err(Error::Mismatch(Field::Clock)));
    assert_eq!(bytes(&one), before);
    late.advance(199);
    one.merge(&late).unwrap();
    assert_eq!((one.moments().clock().ticks(), one.moments().count()), (199, 170));
    let mut keeping = mahalanobis(MahalanobisSettings { half_life: None, ..ABOUT_MEAN });
    keeping.observe(&row(&shrinking(1, 0))).unwrap();
    assert_eq!(one.merge(&keeping), Err(Error::Mismatch(Field::Clock)));
    let mut other = mahalanobis(MahalanobisSettings { half_life: Some(200), ..ABOUT_MEAN });
    assert_eq!(other.restore(&bytes(&one)), Err(Error::Mismatch(Field::StateSettings)));
}

#[test]
fn a_fit_of_what_is_forgotten_is_stale() {
    let mut detector = self_influence(ABOUT_ZERO);
    assert!(!detector.is_stale());
    (0..300).for_each(|i| detector.observe(&row(&shrinking(1, i))).unwrap());
    detector.fit().unwrap();
    detector.advance(400);
    assert!(!detector.is_stale());
    detector.advance(401);
    assert!(detector.is_stale());
    let mut restored = self_influence(ABOUT_ZERO);
    restored.restore(&bytes(&detector)).unwrap();
    assert!(restored.is_stale());
    // What is left is little, but of the same shape.
    let x = shrinking(1, 300);
    let before = score(&detector, &row(&x)).unwrap();
    restored.fit().unwrap();
    assert!((score(&restored, &row(&x)).unwrap() / before - 1.0).abs() < 1e-5);
    detector.advance(400 + 80 * 100);
    assert_eq!(detector.fit(), Err(Error::TooFew { needed: 1, found: 0 }));
}

#[test]
fn a_half_life_out_of_range_is_refused() {
    let settings = MahalanobisSettings { half_life: Some(3), ..ABOUT_MEAN };
    let made = Mahalanobis::new(settings, vec![0.0; settings.memory().f64s]);
    assert!(matches!(made, Err(Error::Setting { name: "half_life", .. })));
}
