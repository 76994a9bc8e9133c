//! Tails of scores against figures of NumPy and SciPy (`golden/tail.py`), and their bits.

use crate::curvature::numbers;
use gradsieve::statistics::Tail;
use gradsieve_kernels::hash;

const GOLDEN: &str = include_str!("../golden/tail.csv");

/// A line of the figures: the fit of its scores, and what stands before them.
fn fits() -> impl Iterator<Item = (Tail, Vec<f64>)> {
    numbers(GOLDEN).into_iter().map(|line| {
        let (figures, scores) = line.split_at(23);
        let tail = Tail::fit(scores.iter().copied(), figures[0] as u64).unwrap();
        (tail, figures.to_vec())
    })
}

fn assert_near(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((found - expected).abs() <= tolerance * expected.abs(), "{what}: {found} is not {expected}");
}

#[test]
fn tails_are_those_of_zhang_and_stephens() {
    for (tail, figures) in fits() {
        assert_near(tail.shape(), figures[1], 1e-9, "shape");
        assert_near(tail.scale(), figures[2], 1e-9, "scale");
    }
}

#[test]
fn p_values_beyond_the_threshold_are_scipys() {
    for (tail, figures) in fits() {
        for pair in figures[3..11].chunks(2) {
            assert_near(tail.p_value(pair[0]), pair[1], 1e-8, "p");
        }
    }
}

#[test]
fn quantiles_and_their_intervals_are_scipys() {
    for (tail, figures) in fits() {
        for four in figures[11..].chunks(4) {
            let (low, high) = tail.interval(four[0]).unwrap();
            assert_near(tail.quantile(four[0]).unwrap(), four[1], 1e-9, "quantile");
            assert_near(low, four[2], 1e-8, "lower end");
            assert_near(high, four[3], 1e-8, "upper end");
        }
    }
}

#[test]
fn tails_have_the_same_bits_on_every_target() {
    let mut digest = 0;
    for (tail, figures) in fits() {
        let (low, high) = tail.interval(figures[11]).unwrap();
        for number in [tail.shape(), tail.scale(), tail.p_value(figures[3]), low, high] {
            digest = hash::mix(digest ^ number.to_bits());
        }
    }
    assert_eq!(digest, 0x8c48_e0d3_30f7_a826, "{digest:#018x}");
}
