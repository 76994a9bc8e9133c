//! p-values, e-LOND and the jumper against NumPy's figures (`golden/p_values.py`).

use crate::curvature::numbers;
use gradsieve::statistics::{Discoveries, Grid, Histogram, Jumper, frozen, rank, smoothed, uniform};

/// Sixteen cells an octave from a quarter to 64, six octaves a cell beyond.
const GRID: Grid = Grid { fineness: 4, fine: (-2, 6), coarse: 6, end: 20 };

/// Lines of score, uniform, frozen, smoothed, rank, p, flagged, capital.
fn golden() -> Vec<[f64; 8]> {
    let lines = numbers(include_str!("../golden/p_values.csv"));
    lines.into_iter().map(|line| line.try_into().unwrap()).collect()
}

#[test]
fn p_values_are_numpys() {
    let mut scores = Histogram::<{ GRID.cells() }>::new(&GRID).unwrap();
    for (i, [score, random, strict, smooth, share, ..]) in (0..).zip(golden()) {
        let own = uniform(7, i);
        assert!((own - random).abs() < 1e-11, "{i}");
        assert!((frozen(&scores, score) - strict).abs() < 1e-11, "{i}: {score}");
        assert!((smoothed(&scores, score, own) - smooth).abs() < 1e-11, "{i}: {score}");
        let found = rank(&scores, score, 1.0, own as f32);
        assert!((f64::from(found) - share).abs() < 1e-6, "{i}: {score}: {found} is not {share}");
        scores.add(score, 1);
    }
}

#[test]
fn e_lond_flags_what_its_e_values_say() {
    let mut discoveries = Discoveries::new(0.2).unwrap();
    for (i, [.., p, flagged, _]) in golden().into_iter().enumerate() {
        assert_eq!(discoveries.decide(p), flagged > 0.0, "{i}: {p}");
    }
    assert!(discoveries.flagged() > 10);
}

#[test]
fn the_jumpers_capital_is_numpys() {
    let (mut jumper, mut alarms) = (Jumper::NEW, 0);
    for (i, [.., p, _, capital]) in golden().into_iter().enumerate() {
        alarms += u32::from(jumper.bet(p as f32, 0.01));
        let total = f64::from(jumper.total());
        assert!((total / capital - 1.0).abs() < 1e-4, "{i}: {total} is not {capital}");
    }
    assert!(alarms > 1);
}
