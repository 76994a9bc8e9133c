//! The chooser: what it promises fits, and its model of the error is what is measured.

use crate::source::{normals, sjlt, sketch};
use crate::store::{queries_of, sketch_of, store_of};
use gradsieve::budget::{Budget, Choice, Watch, relative_error};
use gradsieve::outlier::{
    Direction, DirectionSettings, Mahalanobis, MahalanobisSettings, SelfInfluence, SelfInfluenceSettings,
};
use gradsieve::store::{Codec, StoreSettings};
use gradsieve::{Error, Repeat};
use gradsieve_kernels::squared_norm;
use proptest::prelude::*;

const BUDGET: Budget = Budget { parameters: 1_000_000, rows: 500, groups: 10, bytes: 64 << 10 };

/// The score of a stored row.
fn stored_product(codec: Codec, x: &gradsieve::Sketch<'_>, y: &gradsieve::Sketch<'_>) -> f64 {
    let width = x.values.len();
    let mut store = store_of(codec, width, 1);
    store.append(0, x).unwrap();
    let queries = queries_of(codec, y.id, y.values);
    let mut score = [0.0];
    store.score(&queries, &mut score).unwrap();
    f64::from(score[0])
}

/// Two normal vectors of about that cosine, and what it is.
fn pair(cosine: f32, len: usize) -> (Vec<f32>, Vec<f32>, f64) {
    let (x, z) = (normals(1, len), normals(2, len));
    let y: Vec<f32> =
        x.iter().zip(&z).map(|(x, z)| cosine * x + (1.0 - cosine * cosine).sqrt() * z).collect();
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| f64::from(x * y)).sum::<f64>();
    let norms = (dot(&x, &x) * dot(&y, &y)).sqrt();
    let product = dot(&x, &y);
    let scale = (1.0 / norms.sqrt()) as f32;
    (x.iter().map(|x| x * scale).collect(), y.iter().map(|y| y * scale).collect(), product / norms)
}

/// With the standard error of a root mean square of 400 trials, 3.5 %. Over seeds, so
/// emulators need not repeat it.
#[test]
fn the_error_of_scores_is_what_the_model_says_and_they_are_unbiased() {
    const TRIALS: u64 = 400;
    for (cosine, width, len) in [(0.0, 64, 4096), (0.0, 512, 8192), (0.0, 4096, 16_384), (0.7, 256, 8192)] {
        let (x, y, exact) = pair(cosine, len);
        let (mut sums, mut squares) = ([0.0; 5], [0.0; 5]);
        for seed in 0..TRIALS {
            let (mut a, mut b) = (vec![0.0; width], vec![0.0; width]);
            let projector = sjlt(width, seed, Repeat::One);
            let (x, y) = (sketch(projector, &x, &mut a), sketch(projector, &y, &mut b));
            for ((codec, sum), square) in Codec::ALL.into_iter().zip(&mut sums).zip(&mut squares) {
                let error = stored_product(codec, &x, &y) - exact;
                *sum += error;
                *square += error * error;
            }
        }
        for ((codec, sum), square) in Codec::ALL.into_iter().zip(sums).zip(squares) {
            let (mean, measured) = (sum / TRIALS as f64, (square / TRIALS as f64).sqrt());
            let model = relative_error(codec, width, false, exact);
            let ratio = measured / model;
            println!(
                "{}, K = {width}, cosine {exact:.2}: {measured:.5} measured, {model:.5} expected",
                codec.name()
            );
            assert!((0.87..1.15).contains(&ratio), "{codec:?}, K = {width}: {measured} instead of {model}");
            assert!(
                mean.abs() < 4.0 * measured / (TRIALS as f64).sqrt(),
                "{codec:?}, K = {width}: mean {mean}"
            );
        }
    }
}

/// What the codec adds, by itself: sketches that are normal numbers, against the product
/// of what was stored.
#[test]
fn the_codecs_part_of_the_error_is_what_the_model_says_on_normal_numbers() {
    const TRIALS: u64 = 600;
    const CODECS: [Codec; 6] =
        [Codec::F16, Codec::Bf16, Codec::Int8, Codec::FourBits, Codec::TwoBits, Codec::OneBit];
    for width in [64, 1024] {
        let mut squares = [0.0; CODECS.len()];
        for trial in 0..TRIALS {
            let (x, y) = (normals(2 * trial, width), normals(2 * trial + 1, width));
            let (x, y) = (sketch_of(&x), sketch_of(&y));
            let norms = (squared_norm(x.values) * squared_norm(y.values)).sqrt();
            let exact: f64 = x.values.iter().zip(y.values).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
            for (codec, square) in CODECS.into_iter().zip(&mut squares) {
                *square += ((stored_product(codec, &x, &y) - exact) / norms).powi(2);
            }
        }
        for (codec, square) in CODECS.into_iter().zip(squares) {
            let measured = (square / TRIALS as f64).sqrt();
            let ratio = measured / relative_error(codec, width, true, 0.0);
            assert!((0.86..1.15).contains(&ratio), "{codec:?}, K = {width}: {ratio} of the model");
        }
    }
}

fn budgets() -> impl Strategy<Value = Budget> {
    let size = |most: u32| (0..most).prop_flat_map(|bits| 0..=(1_u64 << bits));
    (size(40), size(14), 1_u32..20, size(34)).prop_map(|(parameters, rows, groups, bytes)| Budget {
        parameters: parameters + 1,
        rows: rows as usize,
        groups,
        bytes,
    })
}

#[test]
fn a_detector_s_own_bytes_are_no_more_than_are_counted() {
    assert!(size_of::<Direction<&mut [i64]>>() <= 1280);
    assert!(size_of::<SelfInfluence<&mut [f64]>>() <= 1280);
    assert!(size_of::<Mahalanobis<&mut [f64]>>() <= 1280);
}

proptest! {
    #[test]
    fn every_choice_fits_and_a_wider_one_would_not(budget in budgets()) {
        let choices = budget.choices().unwrap();
        let choices = choices.as_slice();
        prop_assert_eq!(choices.is_empty(), budget.bytes < budget.least().unwrap());
        prop_assert!(choices.is_sorted_by_key(|choice| choice.error));
        for choice in choices {
            let &Choice { watch, codec, width, .. } = choice;
            let bytes = |width: usize| {
                let lent = |memory: gradsieve::Memory| 1280 + memory.bytes() + 4 * memory.scratch;
                let watch = match watch {
                    Watch::Direction => lent(DirectionSettings::new(budget.groups, width).memory()),
                    Watch::SelfInfluence => lent(SelfInfluenceSettings::new(width).memory()),
                    Watch::Mahalanobis => lent(MahalanobisSettings::new(width).memory()),
                    _ => 0,
                };
                let store = StoreSettings { codec, width, rows: budget.rows }.memory().bytes_with::<u64>();
                768 + 4 * width as u64 + watch as u64 + store as u64
            };
            prop_assert_eq!(choice.bytes(), bytes(width));
            prop_assert!(choice.bytes() <= budget.bytes);
            prop_assert_eq!(choice.exact, width as u64 == budget.parameters);
            prop_assert!(width as u64 <= budget.parameters);
            prop_assert!(choice.exact || width % 32 == 0);
            if !choice.exact && width < 32_768 {
                prop_assert!(bytes(width + 32) > budget.bytes || width as u64 + 32 > budget.parameters - 1);
            }
        }
        let distinct: std::collections::HashSet<_> = choices.iter().map(|choice| (choice.watch, choice.codec)).collect();
        prop_assert_eq!(distinct.len(), choices.len());
    }
}

#[test]
fn smaller_codecs_buy_width_and_lower_errors_in_small_memory() {
    let choices = BUDGET.choices().unwrap();
    let of = |watch, codec| {
        choices.as_slice().iter().find(|choice| (choice.watch, choice.codec) == (watch, codec)).copied()
    };
    let best = choices.as_slice()[0];
    assert_eq!((best.watch, best.codec), (Watch::Nothing, Codec::OneBit));
    let (sign, byte) =
        (of(Watch::Direction, Codec::OneBit).unwrap(), of(Watch::Direction, Codec::Int8).unwrap());
    assert!(sign.width > 3 * byte.width && sign.error < byte.error);
    assert_eq!(of(Watch::SelfInfluence, Codec::F32), None);
}

#[test]
fn a_small_gradient_is_not_projected() {
    let budget = Budget { parameters: 20, bytes: 1 << 20, ..BUDGET };
    let choices = budget.choices().unwrap();
    assert_eq!(choices.as_slice().len(), 28);
    assert!(choices.as_slice().iter().all(|choice| choice.exact && choice.width == 20));
    assert_eq!(choices.as_slice()[0].codec, Codec::F32);
    assert!(Budget { bytes: 100, ..budget }.choices().unwrap().as_slice().is_empty());
}

#[test]
fn nothing_to_plan_for_is_refused() {
    for budget in [Budget { parameters: 0, ..BUDGET }, Budget { groups: 0, ..BUDGET }] {
        assert!(matches!(budget.choices().map(|_| ()), Err(Error::Setting { .. })));
        assert!(matches!(budget.least(), Err(Error::Setting { .. })));
    }
}
