//! Ranks against a sort.

use gradsieve::Error;
use gradsieve::statistics::{Grid, RANKS, Ranks, position};
use proptest::prelude::*;

fn ranks(of: &[f64]) -> Ranks<{ RANKS.cells() }> {
    let mut ranks = Ranks::new(&RANKS).unwrap();
    of.iter().for_each(|&x| ranks.count(x).unwrap());
    ranks
}

/// Numbers within the fine range, of either sign.
fn numbers() -> impl Strategy<Value = Vec<f64>> {
    let number = prop_oneof![Just(0.0), Just(-0.0), -1e4..1e4, 1e-9..1e-8, 0.5..0.6];
    prop::collection::vec(number, 1..60)
}

/// The sign of a number, and its cell of a sixteenth of an octave.
fn cell(x: f64) -> (bool, bool, i32) {
    (x > 0.0, x < 0.0, if x == 0.0 { 0 } else { position(x.abs()).div_euclid(1 << 12) })
}

proptest! {
    #[test]
    fn a_rank_is_that_of_a_sort_but_for_the_numbers_of_its_cell(of in numbers(), at in 0_usize..60) {
        let x = of[at % of.len()];
        let found = ranks(&of).share_above(x).unwrap() * of.len() as f64;
        let above = of.iter().filter(|y| **y > x && cell(**y) != cell(x)).count() as f64;
        let ties = of.iter().filter(|y| cell(**y) == cell(x)).count() as f64;
        prop_assert!((found - (above + ties / 2.0)).abs() < 1e-9, "{found}: {above} and {ties} ties");
    }

    #[test]
    fn ranks_of_parts_merge_to_those_of_the_whole(of in numbers(), cut in 0_usize..60) {
        let (one, other) = of.split_at(cut % of.len());
        let mut merged = ranks(one);
        merged.merge(&ranks(other)).unwrap();
        prop_assert_eq!(merged, ranks(&of));
    }
}

#[test]
fn numbers_of_any_size_have_ranks() {
    let of = [-1e300, -1e-300, 1e-300, 1e300];
    let found = of.map(|x| ranks(&of).share_above(x).unwrap());
    assert_eq!(found, [0.875, 0.625, 0.375, 0.125]);
}

#[test]
fn what_is_no_number_is_refused() {
    let mut ranks = ranks(&[]);
    assert_eq!(ranks.share_above(1.0), Err(Error::TooFew { needed: 1, found: 0 }));
    for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(ranks.count(x), Err(Error::NonFinite));
    }
    ranks.count(1.0).unwrap();
    assert_eq!(ranks.share_above(f64::NAN), Err(Error::NonFinite));
    const OTHER: Grid = Grid { fineness: 4, fine: (-31, 17), coarse: 16, end: 1025 };
    let other = Ranks::<{ RANKS.cells() }>::new(&OTHER);
    assert!(other.is_err() || ranks.merge(&other.unwrap()).is_err());
    ranks.halve(1);
    assert_eq!(ranks.total(), 0);
}
