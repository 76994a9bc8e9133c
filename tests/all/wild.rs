//! Claims about sizes, counts and numbers that no honest run has: each is taken for what
//! it is, or refused by name.

use crate::detectors::score;
use crate::source::{normals, row};
use gradsieve::clients::RoundSettings;
use gradsieve::influence::dvemb::{AdamwSettings, RecorderSettings};
use gradsieve::influence::{
    ArnoldiSettings, ConjugateGradientsSettings, DataInfSettings, DualRidgeSettings, EkfacSettings,
    LessSettings, LissaSettings, ReTrac, RidgeSettings, TrakSettings, grad_cos,
};
use gradsieve::moments::{Centre, Moments, MomentsSettings};
use gradsieve::outlier::{
    Detector, Direction, DirectionSettings, ForestSettings, Mahalanobis, MahalanobisSettings, SelfInfluence,
    SelfInfluenceSettings,
};
use gradsieve::store::{LargestSettings, QueriesSettings, ReservoirSettings, SignsSettings};
use gradsieve::{
    Codec, Error, Key, Layer, Layout, Repeat, SieveSettings, Sjlt, Sketcher, State, StoreSettings,
};
use proptest::prelude::*;

/// Numbers that a generator without a shape draws, in the same order each time.
fn draws() -> impl FnMut(usize) -> usize {
    let mut state = 1_u64;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    }
}

#[test]
fn a_layout_as_long_as_64_bits_count_has_no_segment_past_its_end() {
    let layout = Layout::flat(u64::MAX).unwrap();
    let projector = Sjlt::new(32, Key::seed(0), Repeat::One).unwrap();
    let mut sketcher = Sketcher::new(projector, layout, [0.0; 32]).unwrap();
    let refused = Err(Error::OutsideLayout { end: u64::MAX, found: u64::MAX });
    assert_eq!(sketcher.segment(u64::MAX - 3, &[1.0_f32; 10]), refused);
    assert_eq!(sketcher.segment(u64::MAX, &[1.0_f32; 1]), refused);
    // Nothing of it is taken in, though its first tiles have a place.
    assert_eq!(sketcher.segment(u64::MAX - 5000, &[1.0_f32; 6000]), refused);
    sketcher.segment(u64::MAX - 10, &[1.0_f32; 10]).unwrap();
    assert_eq!(sketcher.finish().err(), Some(Error::Incomplete { expected: u64::MAX, found: 10 }));
}

#[test]
fn a_segment_that_comes_twice_does_not_make_a_whole_gradient() {
    let layout = Layout::new(&[Layer::new(0, 10, 1), Layer::new(10, 15, 1)]).unwrap();
    let projector = Sjlt::new(32, Key::seed(0), Repeat::One).unwrap();
    let mut sketcher = Sketcher::new(projector, layout, [0.0; 32]).unwrap();
    let both = [[1.0_f32; 10], [1.0; 10]];
    both.iter().for_each(|segment| sketcher.segment(0, segment).unwrap());
    assert_eq!(sketcher.finish().err(), Some(Error::Incomplete { expected: 25, found: 20 }));
    sketcher.segment(10, &[1.0_f32; 15]).unwrap();
    assert_eq!(sketcher.finish().err(), Some(Error::Incomplete { expected: 25, found: 35 }));

    // As long as the other, in the place of it; the same of outer products.
    let layers = [Layer::new(0, 3, 5), Layer::new(15, 3, 5)];
    let mut sketcher = Sketcher::new(projector, Layout::new(&layers).unwrap(), [0.0; 32]).unwrap();
    for _ in 0..2 {
        sketcher.segment(0, &[1.0_f32; 15]).unwrap();
    }
    assert_eq!(sketcher.finish().err(), Some(Error::Twice));
    sketcher.abandon();
    for positions in [1, 2] {
        for _ in 0..2 {
            sketcher
                .outer_sequence(
                    &layers[1],
                    positions,
                    &[1.0_f32; 10][..5 * positions],
                    &[1.0_f32; 6][..3 * positions],
                )
                .unwrap();
        }
        assert_eq!(sketcher.finish().err(), Some(Error::Twice));
        sketcher.abandon();
        for layer in &layers {
            sketcher
                .outer_sequence(
                    layer,
                    positions,
                    &[1.0_f32; 10][..5 * positions],
                    &[1.0_f32; 6][..3 * positions],
                )
                .unwrap();
        }
        assert_eq!(sketcher.finish().unwrap().measures.count, 30);
    }
}

proptest! {
    /// Whatever the layers and their gaps, and wherever the segments are cut, in any
    /// order: a cover is whole. With one coordinate in the place of another it is not,
    /// nor with a segment that lies as much too far.
    #[test]
    fn a_gradient_is_whole_if_each_coordinate_came_once(
        sizes in prop::collection::vec((0_u64..40, 1_u64..60), 1..6),
        start in prop::sample::select(vec![0, u64::from(u32::MAX) - 50, 1 << 40]),
        cuts in prop::collection::vec(1_usize..30, 1..8),
        shuffle in any::<u64>(),
        moved in any::<(prop::sample::Index, prop::sample::Index)>(),
    ) {
        let mut layers = Vec::new();
        let mut end = start;
        for (gap, len) in sizes {
            layers.push(Layer::new(end + gap, len, 1));
            end += gap + len;
        }
        let layout = Layout::new(&layers).unwrap();
        let mut segments = Vec::new();
        let mut cuts = cuts.iter().cycle();
        for layer in &layers {
            let (mut from, end) = (layer.offset, layer.offset + layer.outputs);
            while from < end {
                let to = end.min(from + *cuts.next().unwrap() as u64);
                segments.push((from, to - from));
                from = to;
            }
        }
        segments.sort_by_key(|&(from, _)| gradsieve_kernels::hash::word(shuffle, from));
        let projector = Sjlt::new(32, Key::seed(0), Repeat::One).unwrap();
        let mut sketcher = Sketcher::new(projector, layout, [0.0; 32]).unwrap();
        let mut take = |segments: &[(u64, u64)]| {
            for &(from, len) in segments {
                sketcher.segment(from, &[1.0_f32; 64][..len as usize]).unwrap();
            }
            let outcome = sketcher.finish().map(|sketch| sketch.measures.count);
            sketcher.abandon();
            outcome
        };
        prop_assert_eq!(take(&segments), Ok(layout.len()));
        // One of them elsewhere: there, it is twice or in a gap, and here it is missing.
        let (which, by) = (moved.0.index(segments.len()), moved.1.index(layout.end() as usize));
        let (from, len) = segments[which];
        let to = by as u64 % (layout.end() - start - len + 1) + start;
        segments[which] = (to, len);
        if to != from {
            prop_assert_eq!(take(&segments), Err(Error::Twice));
        }
    }
}

/// Of a size that no machine has, each says that it is one, and no buffer is taken for
/// it: no product wraps around, nor panics, at compile time or later.
#[test]
fn sizes_that_no_machine_has_are_not_taken_for_small_ones() {
    const LEAST: usize = 1 << 34;
    for size in [1 << 34, 1 << 40, usize::MAX / 8, usize::MAX / 2, usize::MAX - 1, usize::MAX] {
        for codec in Codec::ALL {
            let store = StoreSettings { codec, width: size, rows: size };
            for memory in [
                store.memory(),
                StoreSettings { width: 64, ..store }.memory(),
                StoreSettings { rows: 64, ..store }.memory(),
                ReservoirSettings { seed: 0, codec, width: size, rows: size }.memory(),
                LargestSettings { codec, width: 64, rows: size }.memory(),
                QueriesSettings { codec, width: size, count: size }.memory(),
            ] {
                let numbers = memory.f32s.max(memory.f64s).max(memory.others);
                assert!(numbers >= LEAST / 16, "{codec:?}, {size}: {memory:?}");
            }
        }
        for memory in [
            MomentsSettings::new(Centre::Mean, size).memory(),
            SelfInfluenceSettings::new(size).memory(),
            MahalanobisSettings::new(size).memory(),
            DirectionSettings::new(u32::MAX, size).memory(),
            SieveSettings::new(size).memory(),
            ForestSettings::new(size, size).memory(),
            RidgeSettings::new(size).memory(),
            DualRidgeSettings::new(size, size).memory(),
            DualRidgeSettings::new(1, size).memory(),
            DualRidgeSettings::new(size, 1).solver_memory(size),
            TrakSettings { width: size, damping: 0.1 }.memory(),
            ConjugateGradientsSettings { targets: size, ..ConjugateGradientsSettings::new(size) }.memory(),
            LissaSettings { targets: size, ..LissaSettings::new(size) }.memory(),
            LessSettings { subtasks: size, width: size }.memory(),
            ArnoldiSettings { width: size, products: size, keep: 1, seed: 0 }.memory(),
            DataInfSettings { targets: size, ..DataInfSettings::new(size) }.memory(),
            EkfacSettings::new(size, size).memory(),
            EkfacSettings::new(1, size).memory(),
            EkfacSettings::new(size, 1).memory(),
            RecorderSettings { width: size, steps: size, samples: size, factors: size }.memory(),
            AdamwSettings { parameters: size, targets: size, rows: size, ..AdamwSettings::new(1, 1, 1) }
                .memory(),
            SignsSettings { width: size, count: size }.memory(),
            RoundSettings { clients: size, width: size }.memory(),
            ReTrac::memory(size),
        ] {
            let numbers = memory.f32s.max(memory.f64s).max(memory.i64s).max(memory.others);
            assert!(numbers >= LEAST / 64, "{size}: {memory:?}");
        }
        let settings = MomentsSettings::new(Centre::Zero, size);
        let expected = settings.memory().f64s;
        let refused = Moments::new(settings, [0.0; 8]).map(|_| ());
        assert_eq!(refused, Err(Error::Length { expected, found: 8 }));
    }
}

/// As many observations as `f32` sums would stop at, and more.
#[test]
fn a_direction_counts_on_past_2_to_the_24th() {
    let settings = DirectionSettings { clip: None, ..DirectionSettings::new(1, 2) };
    let new = || Direction::new(settings, vec![0; settings.memory().i64s]).unwrap();
    let (mut many, mut others) = (new(), new());
    many.observe(&row(&[1.0, 0.0])).unwrap();
    others.observe(&row(&[0.0, 1.0])).unwrap();
    let double = |state: &mut Direction<Vec<i64>>| {
        let mut bytes = vec![0; state.len_at_rest()];
        state.to_bytes(&mut bytes).unwrap();
        let mut copy = new();
        copy.restore(&bytes).unwrap();
        state.merge(&copy).unwrap();
    };
    (0..24).for_each(|_| double(&mut many));
    (0..22).for_each(|_| double(&mut others));
    many.merge(&others).unwrap();
    for _ in 0..1000 {
        many.observe(&row(&[0.0, 1.0])).unwrap();
    }
    assert_eq!(many.count(), (1 << 24) + (1 << 22) + 1000);
    // The cosine with the mean direction (2²⁴, 2²² + 1000), and the length of that.
    let (x, y) = (f64::from(1 << 24), f64::from((1 << 22) + 1000));
    let (length, count) = (x.hypot(y), x + y);
    let mean = 1.0 - length / count;
    for (values, cosine) in [([1.0, 0.0], x / length), ([0.0, 1.0], y / length), ([-1.0, 0.0], -x / length)] {
        let expected = 2.0 * (1.0 - cosine) / mean;
        let found = score(&many, &row(&values)).unwrap();
        assert!((found - expected).abs() < 1e-5 * expected, "{found} for {expected}");
    }
}

#[test]
fn moments_count_on_past_2_to_the_24th() {
    let settings = MomentsSettings::new(Centre::Mean, 1);
    let mut many = Moments::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    many.observe(&row(&[1.0])).unwrap();
    for _ in 0..31 {
        let mut bytes = vec![0; many.len_at_rest()];
        many.to_bytes(&mut bytes).unwrap();
        let mut copy = Moments::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
        copy.restore(&bytes).unwrap();
        many.merge(&copy).unwrap();
    }
    for _ in 0..1000 {
        many.observe(&row(&[3.0])).unwrap();
    }
    let (n, more) = (f64::from(1_u32 << 31), 1000.0);
    assert_eq!(many.count(), (1 << 31) + 1000);
    let (mean, variance) = (1.0 + 2.0 * more / (n + more), 4.0 * more * n / (n + more).powi(2));
    assert!((many.mean().next().unwrap() - mean).abs() < 1e-14);
    assert!((many.mean_eigenvalue() / variance - 1.0).abs() < 1e-6, "{}", many.mean_eigenvalue());
}

#[test]
fn no_factor_is_made_of_what_is_not_finite_or_not_positive() {
    let settings = MomentsSettings::new(Centre::Zero, 3);
    let mut moments = Moments::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    normals(1, 30).chunks(3).for_each(|values| moments.observe(&row(values)).unwrap());
    let (infinite, none) = (f64::INFINITY, f64::NAN);
    let factor = |scale, ridge| moments.factor(scale, ridge, &mut [0.0; 6], &mut [0.0; 6]).map(drop);
    assert_eq!(factor(1.0, 0.1), Ok(()));
    for (scale, ridge) in
        [(infinite, 0.1), (1.0, infinite), (none, 0.1), (1.0, none), (1.0, -1e3), (0.0, 0.0), (-1.0, 0.0)]
    {
        let refused = factor(scale, ridge);
        assert!(
            matches!(refused, Err(Error::NotPositiveDefinite | Error::NonFinite)),
            "{scale}, {ridge}: {refused:?}"
        );
    }
}

/// Three rows and a fourth of numbers that are far apart: a score is a number that is not
/// 0, or an error.
#[test]
fn no_rows_of_finite_numbers_have_a_score_that_is_none() {
    const NUMBERS: [f32; 11] =
        [1.0, -1.0, 0.0, 1e19, -1e19, 1e25, 3e38, -3e38, 2.5, 1e-20, f32::MIN_POSITIVE / 4.0];
    let mut pick = draws();
    let mut pair = || [NUMBERS[pick(NUMBERS.len())], NUMBERS[pick(NUMBERS.len())]];
    for _ in 0..20_000 {
        let (rows, asked) = ([pair(), pair(), pair()], pair());
        let settings = SelfInfluenceSettings { damping: 0.25, clip: None, ..SelfInfluenceSettings::new(2) };
        let mut influence =
            SelfInfluence::new(settings, [0.0; SelfInfluenceSettings::new(2).memory().f64s]).unwrap();
        let settings = MahalanobisSettings { shrinkage: 0.25, clip: None, ..MahalanobisSettings::new(2) };
        let mut distance =
            Mahalanobis::new(settings, [0.0; MahalanobisSettings::new(2).memory().f64s]).unwrap();
        for values in &rows {
            influence.observe(&row(values)).unwrap();
            distance.observe(&row(values)).unwrap();
        }
        let is_zero = rows.concat().iter().all(|&x| x == 0.0);
        let fitted = [influence.fit(), distance.fit()];
        assert_eq!(fitted[0], if is_zero { Err(Error::NotPositiveDefinite) } else { Ok(()) }, "{rows:?}");
        if fitted[0].is_ok() {
            match score(&influence, &row(&asked)) {
                Ok(found) => {
                    assert!(
                        found.is_finite() && (found > 0.0 || asked == [0.0; 2]),
                        "{rows:?}, {asked:?}: {found}"
                    );
                }
                Err(error) => assert!(matches!(error, Error::Range { .. }), "{rows:?}, {asked:?}: {error}"),
            }
        }
        if fitted[1].is_ok() {
            let found = score(&distance, &row(&asked));
            let is_number = found.is_ok_and(|found| found.is_finite() && found >= 0.0);
            assert!(is_number || matches!(found, Err(Error::Range { .. })), "{rows:?}, {asked:?}: {found:?}");
        }
    }
}

/// One entry of 10²⁰ in the midst of 5,000 rows, whatever comes behind it: in the exact
/// form and in the one that clips.
#[test]
fn a_stream_with_one_entry_of_1e20_keeps_its_scores_in_order() {
    const K: usize = 8;
    let mut rows: Vec<Vec<f32>> = normals(11, 5000 * K).chunks(K).map(<[f32]>::to_vec).collect();
    rows[500][3] = 1e20;
    fn check<D: Detector>(mut detector: D, rows: &[Vec<f32>]) {
        rows.iter().for_each(|r| detector.observe(&row(r)).unwrap());
        detector.fit().unwrap();
        let large = score(&detector, &row(&rows[500])).unwrap();
        assert!(large.is_finite(), "{large}");
        for (i, r) in rows.iter().enumerate().filter(|&(i, _)| i != 500) {
            let ordinary = score(&detector, &row(r)).unwrap();
            assert!(ordinary.is_finite() && ordinary < large, "{i}: {ordinary} and {large}");
        }
    }
    for clip in [Some(8.0), None] {
        let settings = MahalanobisSettings { clip, ..MahalanobisSettings::new(K) };
        check(Mahalanobis::new(settings, vec![0.0; settings.memory().f64s]).unwrap(), &rows);
        let settings = SelfInfluenceSettings { clip, ..SelfInfluenceSettings::new(K) };
        check(SelfInfluence::new(settings, vec![0.0; settings.memory().f64s]).unwrap(), &rows);
    }
}

#[test]
fn a_gradient_of_any_length_has_the_cosine_1_with_itself() {
    for length in [1e-40_f32, 1e-25, 1e-20, 1.0, 1e19, 1e20, 3e38] {
        let values = [length; 8];
        let found = grad_cos(&row(&values), &row(&values)).unwrap();
        assert!((found - 1.0).abs() < 1e-6, "{length:e}: {found}");
    }
}
