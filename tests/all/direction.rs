//! Norm and class-conditional direction: the score against its definition in `f64`, and
//! what the contract promises.

use gradsieve::outlier::{Detector, Direction, DirectionSettings};
use gradsieve::sketch::{Exact, Projector, SketchId};
use gradsieve::statistics::{Grid, Scale};
use gradsieve::{Error, Field, Fingerprint, Layout, Sketch, State};
use gradsieve_kernels::{hash, summarize};
use proptest::prelude::*;

const WIDTH: usize = 24;
const GROUPS: u32 = 3;
/// The exact form.
const SETTINGS: DirectionSettings = DirectionSettings { clip: None, ..DirectionSettings::new(GROUPS, WIDTH) };
const LEN: usize = SETTINGS.memory().i64s;

/// In which cells it counts norms.
const NORMS: Grid = Grid { fineness: 1, fine: (-56, 40), coarse: 8, end: 256 };

type Gradient = (Vec<f32>, u32);

fn id() -> SketchId {
    Exact::new(WIDTH).id(Layout::flat(WIDTH as u64).unwrap().id())
}

fn sketch((values, group): &Gradient) -> Sketch<'_> {
    Sketch::from_parts(id(), values, summarize(values)).unwrap().in_group(*group)
}

fn observed<'m>(gradients: &[Gradient], memory: &'m mut [i64]) -> Direction<&'m mut [i64]> {
    let mut direction = Direction::new(SETTINGS, memory).unwrap();
    for gradient in gradients {
        direction.observe(&sketch(gradient)).unwrap();
    }
    direction
}

/// A number of about unit size.
fn number(seed: u64, index: usize) -> f64 {
    (hash::word(seed, index as u64) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// Gradients that lie about one direction a group, of lengths over a few powers of ten;
/// some are zero.
fn gradients(n: usize) -> impl Strategy<Value = Vec<Gradient>> {
    let one = (any::<u64>(), 0..GROUPS, -3.0..3.0_f64, 0..12_u8).prop_map(|(seed, group, power, zero)| {
        let scale = if zero == 0 { 0.0 } else { 10_f64.powf(power) };
        let entry = |i| (scale * (number(u64::from(group), i) + 0.7 * number(seed, i))) as f32;
        ((0..WIDTH).map(entry).collect(), group)
    });
    prop::collection::vec(one, 0..n)
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// The definition, in two passes of `f64`.
fn definition(all: &[Gradient], scored: &Gradient) -> f64 {
    let wide = |(values, group): &Gradient| -> (Vec<f64>, usize) {
        (values.iter().map(|&value| f64::from(value)).collect(), *group as usize)
    };
    let all: Vec<(Vec<f64>, usize)> = all.iter().map(wide).filter(|(x, _)| norm(x) > 0.0).collect();
    let (scored, group) = wide(scored);
    if norm(&scored) == 0.0 {
        return 0.0;
    }
    let n = all.len() as f64;
    let mut sums = vec![vec![0.0; WIDTH]; GROUPS as usize];
    for (x, group) in &all {
        for (sum, value) in sums[*group].iter_mut().zip(x) {
            *sum += value / norm(x);
        }
    }
    let distance = |x: &[f64], group: usize| {
        let product: f64 = x.iter().zip(&sums[group]).map(|(x, y)| x * y).sum();
        1.0 - product / (norm(x) * norm(&sums[group]))
    };
    let mean_distance = all.iter().map(|(x, group)| distance(x, *group)).sum::<f64>() / n;
    let mut norms = Scale::<{ NORMS.cells() }>::new(&NORMS).unwrap();
    all.iter().for_each(|(x, _)| norms.observe(norm(x) * norm(x), 1));
    let z = f64::from(norms.standardise(norm(&scored) * norm(&scored)));
    let unseen = norm(&sums[group]) == 0.0;
    let relative = if unseen { 1.0 } else { distance(&scored, group) / mean_distance.max(1e-3) };
    z.max(0.0) + 2.0 * relative
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 2e-3 * (1.0 + a.abs().max(b.abs()))
}

proptest! {
    #[test]
    fn scores_are_those_of_the_definition(all in gradients(40), scored in gradients(5)) {
        prop_assume!(!all.is_empty());
        let mut memory = [0; LEN];
        let direction = observed(&all, &mut memory);
        for gradient in all.iter().chain(&scored) {
            let (ours, exact) = (direction.score(&sketch(gradient), &mut []).unwrap(), definition(&all, gradient));
            prop_assert!(close(ours, exact), "{} instead of {}", ours, exact);
        }
    }

    #[test]
    fn merging_two_halves_scores_as_observing_all(a in gradients(30), b in gradients(30), scored in gradients(5)) {
        prop_assume!(!a.is_empty() || !b.is_empty());
        let (mut one, mut two, mut three, mut four) =
            ([0; LEN], [0; LEN], [0; LEN], [0; LEN]);
        let whole = observed(&[a.as_slice(), &b].concat(), &mut one);
        let mut merged = observed(&a, &mut two);
        let mut other = observed(&b, &mut three);
        merged.merge(&other).unwrap();
        let mine = observed(&a, &mut four);
        other.merge(&mine).unwrap();
        prop_assert_eq!((merged.count(), other.count()), (whole.count(), whole.count()));
        for gradient in a.iter().chain(&b).chain(&scored) {
            let expected = whole.score(&sketch(gradient), &mut []).unwrap();
            for found in [merged.score(&sketch(gradient), &mut []).unwrap(), other.score(&sketch(gradient), &mut []).unwrap()] {
                prop_assert!(close(found, expected), "{} instead of {}", found, expected);
            }
        }
    }

    #[test]
    fn a_stream_may_be_parted_anywhere(a in gradients(30), b in gradients(30), c in gradients(30)) {
        let mut memory = [[0; LEN]; 4];
        let [whole, first, second, third] = &mut memory;
        let (mut second, third) = (observed(&b, second), observed(&c, third));
        let mut parted = observed(&a, first);
        second.merge(&third).unwrap();
        parted.merge(&second).unwrap();
        let whole = observed(&[a, b, c].concat(), whole);
        let mut bytes = [vec![0; whole.len_at_rest()], vec![0; parted.len_at_rest()]];
        whole.to_bytes(&mut bytes[0]).unwrap();
        parted.to_bytes(&mut bytes[1]).unwrap();
        prop_assert_eq!(&bytes[0], &bytes[1]);
    }

    #[test]
    fn the_direction_part_does_not_see_a_gradient_s_length(all in gradients(40), exponent in -90..90_i32) {
        // Below the mean length the norm's part is zero, so there the whole score must
        // not move.
        let mut memory = [0; LEN];
        prop_assume!(!all.is_empty());
        let direction = observed(&all, &mut memory);
        for (values, group) in &all {
            let scaled = |exponent: i32| -> Gradient {
                (values.iter().map(|value| value * 2.0_f32.powi(exponent)).collect(), *group)
            };
            let (short, shorter) = (scaled(-30), scaled(-30 - exponent.abs() / 9));
            prop_assert!(close(
                direction.score(&sketch(&short), &mut []).unwrap(),
                direction.score(&sketch(&shorter), &mut []).unwrap()
            ));
            // And what is observed at another scale adds the same direction.
            let (mut one, mut other) = ([0; LEN], [0; LEN]);
            let values = &scaled(exponent);
            prop_assume!(sketch(values).measures.l2_squared.is_finite());
            observed(&[scaled(0)], &mut one);
            observed(std::slice::from_ref(values), &mut other);
            if summarize(&values.0).l2_squared > 0.0 {
                // To two units of 2⁻²³, of a weight of 256.
                let sums = one.iter().zip(&other).take(GROUPS as usize * WIDTH);
                prop_assert!(sums.into_iter().all(|(x, y)| (x - y).abs() <= 512));
            }
        }
    }

    #[test]
    fn a_refused_sketch_leaves_the_state_bit_by_bit(all in gradients(20), place in 0..WIDTH, bad in 0..2_usize) {
        prop_assume!(!all.is_empty());
        let bad = [f32::NAN, f32::INFINITY][bad];
        let mut memory = [0; LEN];
        let mut direction = observed(&all, &mut memory);
        let before = format!("{direction:?}");
        let mut values = vec![1.0; WIDTH];
        values[place] = bad;
        let refused = (values, 1);
        prop_assert_eq!(direction.observe(&sketch(&refused)), Err(Error::NonFinite));
        prop_assert_eq!(direction.score(&sketch(&refused), &mut []), Err(Error::NonFinite));
        let group = (vec![1.0; WIDTH], GROUPS);
        let error = Error::Group { groups: GROUPS as usize, found: GROUPS };
        prop_assert_eq!(direction.observe(&sketch(&group)), Err(error));
        let ones = (vec![1.0; WIDTH], 0);
        let foreign = Sketch { id: SketchId { key: Fingerprint::Seed(9), ..id() }, ..sketch(&ones) };
        prop_assert_eq!(direction.observe(&foreign), Err(Error::Mismatch(Field::Key)));
        prop_assert_eq!(format!("{direction:?}"), before);
    }
}

#[test]
fn both_a_long_gradient_and_a_turned_one_stand_out() {
    let ordinary = |seed: u64| -> Gradient {
        let entry = |i| (number(7, i) + 0.3 * number(seed, i)) as f32;
        ((0..WIDTH).map(entry).collect(), 1)
    };
    let all: Vec<Gradient> = (100..200).map(ordinary).collect();
    let mut memory = [0; LEN];
    let direction = observed(&all, &mut memory);
    let most =
        all.iter().map(|gradient| direction.score(&sketch(gradient), &mut []).unwrap()).fold(0.0, f64::max);
    let (values, group) = &all[0];
    let long = (values.iter().map(|value| value * 10.0).collect(), *group);
    let turned = (values.iter().map(|value| -value).collect(), *group);
    for odd in [long, turned] {
        let score = direction.score(&sketch(&odd), &mut []).unwrap();
        assert!(score > 2.0 * most, "{score} against {most}");
    }
}

#[test]
fn lengths_whose_squares_f32_cannot_hold_have_a_direction_all_the_same() {
    // Outer products can be as long as this: their squared norms are multiplied in f64.
    let towards = |seed| -> Vec<f32> { (0..WIDTH).map(|i| number(seed, i) as f32).collect() };
    let all: Vec<Gradient> = (0..2_000).map(|i| (towards(1 + u64::from(i % 8 == 0)), 0)).collect();
    let mut memory = [0; LEN];
    let direction = observed(&all, &mut memory);
    // A third direction; what the norm adds is known from a sketch that has the norm, and
    // no direction.
    let values = towards(3);
    let part = |direction: &Direction<&mut [i64]>, exponent: i32| {
        let values: Vec<f32> = values.iter().map(|value| value * 2.0_f32.powi(exponent)).collect();
        let l2_squared = summarize(&towards(3)).l2_squared * 4.0_f64.powi(exponent);
        let measures = gradsieve::Summary { l2_squared, ..summarize(&values) };
        let sketch = Sketch::from_parts(id(), &values, measures).unwrap();
        let blank = [0.0; WIDTH];
        let norm_alone = direction.score(&Sketch { values: &blank, ..sketch }, &mut []).unwrap() - 2.0;
        direction.score(&sketch, &mut []).unwrap() - norm_alone
    };
    let expected = part(&direction, 0);
    for exponent in [-125, -100, -60, 60, 100, 126] {
        let found = part(&direction, exponent);
        assert!(close(found, expected), "2^{exponent}: {found} instead of {expected}");
    }
}

#[test]
fn a_zero_gradient_scores_zero_and_an_unseen_group_leaves_it_to_the_norm() {
    let mut memory = [0; LEN];
    let mut direction = Direction::new(SETTINGS, &mut memory[..]).unwrap();
    let zero = (vec![0.0; WIDTH], 0);
    assert_eq!(direction.score(&sketch(&zero), &mut []), Err(Error::NotFitted));
    direction.observe(&sketch(&zero)).unwrap();
    assert_eq!(direction.score(&sketch(&zero), &mut []), Ok(0.0));
    let ones = (vec![1.0; WIDTH], 0);
    direction.observe(&sketch(&ones)).unwrap();
    let unseen = (ones.0.clone(), 2);
    assert_eq!(direction.score(&sketch(&unseen), &mut []), Ok(2.0));
    // The sketch cancelled, the gradient did not.
    let cancelled = Sketch { measures: summarize(&ones.0), ..sketch(&zero) };
    assert_eq!(direction.score(&cancelled, &mut []), Ok(2.0));
}

#[test]
fn a_reset_state_is_a_new_one() {
    let all = [(vec![1.0; WIDTH], 0), (vec![2.0; WIDTH], 1)];
    let (mut one, mut other) = ([0; LEN], [7; LEN]);
    let mut used = observed(&all, &mut one);
    used.reset();
    assert_eq!(format!("{used:?}"), format!("{:?}", Direction::new(SETTINGS, &mut other[..]).unwrap()));
}

#[test]
fn settings_and_memory_that_do_not_fit_are_refused() {
    let (mut memory, mut other) = ([0; LEN], [0; 2 * (WIDTH + 1)]);
    let new = |groups, width, memory: &mut [i64]| {
        Direction::new(DirectionSettings::new(groups, width), memory).map(|_| ())
    };
    assert!(matches!(new(0, WIDTH, &mut []), Err(Error::Setting { .. })));
    assert_eq!(new(1, 0, &mut []), Err(Error::Width { multiple: 1, found: 0 }));
    let error = Error::Length { expected: LEN, found: LEN - 1 };
    assert_eq!(new(GROUPS, WIDTH, &mut memory[1..]), Err(error));
    let two = Direction::new(DirectionSettings { groups: 2, ..SETTINGS }, &mut other[..]).unwrap();
    assert!(matches!(
        Direction::new(SETTINGS, &mut memory[..]).unwrap().merge(&two),
        Err(Error::Setting { .. })
    ));
}
