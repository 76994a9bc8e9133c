//! The isolation forest against scikit-learn's (figures: tests/golden/forest.py), and
//! what the contract promises.

use gradsieve::outlier::{Detector, Forest, ForestSettings, Node, threshold};
use gradsieve::sketch::{Exact, Projector, SketchId};
use gradsieve::{Error, Field, Fingerprint, Layout, Sketch};
use gradsieve_kernels::summarize;

const SEEDS: u64 = 20;

/// The golden rows, which of them are planted outliers, and scikit-learn's mean and
/// deviation of each row's score over 20 seeds.
struct Golden {
    rows: Vec<f32>,
    outlier: Vec<bool>,
    mean: Vec<f64>,
    sd: Vec<f64>,
}

const COLUMNS: usize = 8;

fn golden() -> Golden {
    let mut golden = Golden { rows: Vec::new(), outlier: Vec::new(), mean: Vec::new(), sd: Vec::new() };
    for line in include_str!("../golden/forest_rows.csv").lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        golden.outlier.push(fields[0] == "1");
        golden.rows.extend(fields[1..=COLUMNS].iter().map(|field| field.parse::<f32>().unwrap()));
        golden.mean.push(fields[COLUMNS + 1].parse().unwrap());
        golden.sd.push(fields[COLUMNS + 2].parse().unwrap());
    }
    golden
}

fn id(width: usize) -> SketchId {
    Exact::new(width).id(Layout::flat(width as u64).unwrap().id())
}

fn forest(settings: ForestSettings) -> Forest<Vec<Node>, Vec<f32>> {
    let memory = settings.memory();
    Forest::new(settings, vec![Node::EMPTY; memory.others], vec![0.0; memory.f32s]).unwrap()
}

/// The usual settings, for rows that lie elsewhere.
fn usual(seed: u64, width: usize) -> ForestSettings {
    ForestSettings { seed, ..ForestSettings::new(0, width) }
}

/// Scores of all rows by a forest that is fitted on them.
fn scores(settings: ForestSettings, rows: &[f32]) -> Vec<f64> {
    let width = settings.width;
    let mut forest = forest(settings);
    forest.grow(id(width), rows).unwrap();
    rows.chunks(width).map(|row| forest.score_row(row).unwrap()).collect()
}

fn auroc(scores: &[f64], outlier: &[bool]) -> f64 {
    let (mut above, mut pairs) = (0.0, 0.0);
    for (a, _) in scores.iter().zip(outlier).filter(|(_, outlier)| **outlier) {
        for (b, _) in scores.iter().zip(outlier).filter(|(_, outlier)| !**outlier) {
            pairs += 1.0;
            above += if a > b { 1.0 } else { f64::from(u8::from(a == b)) / 2.0 };
        }
    }
    above / pairs
}

fn mean_and_sd(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt())
}

/// The difference of two means of 20 values each, in standard errors: Student's t with
/// about 38 degrees of freedom.
fn t(a: (f64, f64), b: (f64, f64)) -> f64 {
    (a.0 - b.0) / ((a.1.powi(2) + b.1.powi(2)) / SEEDS as f64).sqrt()
}

#[test]
fn over_20_seeds_auroc_mean_score_and_every_row_s_score_are_scikit_learn_s() {
    let golden = golden();
    let runs: Vec<Vec<f64>> = (0..SEEDS).map(|seed| scores(usual(seed, COLUMNS), &golden.rows)).collect();

    let (mut their_auroc, mut their_mean) = (Vec::new(), Vec::new());
    for line in include_str!("../golden/forest_seeds.csv").lines().skip(1) {
        let fields: Vec<f64> = line.split(',').map(|field| field.parse().unwrap()).collect();
        their_auroc.push(fields[1]);
        their_mean.push(fields[2]);
    }
    let our_auroc: Vec<f64> = runs.iter().map(|run| auroc(run, &golden.outlier)).collect();
    let our_mean: Vec<f64> = runs.iter().map(|run| mean_and_sd(run).0).collect();
    for (what, ours, theirs) in [("AUROC", our_auroc, their_auroc), ("mean score", our_mean, their_mean)] {
        let (ours, theirs) = (mean_and_sd(&ours), mean_and_sd(&theirs));
        let t = t(ours, theirs);
        println!("{what}: ours {ours:.5?}, scikit-learn's {theirs:.5?}, t = {t:.2}");
        // False alarm: 10⁻⁴ for each of the two.
        assert!(t.abs() < 4.4, "{what}: ours {ours:?}, scikit-learn's {theirs:?}, t = {t}");
    }

    let mut worst: f64 = 0.0;
    let mut squares = 0.0;
    for (row, (&mean, &sd)) in golden.mean.iter().zip(&golden.sd).enumerate() {
        let ours: Vec<f64> = runs.iter().map(|run| run[row]).collect();
        let t = t(mean_and_sd(&ours), (mean, sd));
        worst = worst.max(t.abs());
        squares += t * t;
    }
    println!("rows: largest |t| {worst:.2}, mean square {:.2}", squares / golden.mean.len() as f64);
    // False alarm: 300 rows, 6·10⁻⁷ each.
    assert!(worst < 6.0, "a row's mean score differs by {worst} standard errors");
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_seed_others() {
    let golden = golden();
    let bits = |seed| -> Vec<u64> {
        let settings = ForestSettings { trees: 10, ..usual(seed, COLUMNS) };
        scores(settings, &golden.rows).into_iter().map(f64::to_bits).collect()
    };
    assert_eq!(bits(7), bits(7));
    assert_ne!(bits(7), bits(8));
    // What every target must give: FNV-1a over the bits of all scores.
    let hash =
        bits(7).into_iter().flat_map(u64::to_le_bytes).fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        });
    assert_eq!(hash, GOLDEN_HASH, "{hash:#018x}");
}

const GOLDEN_HASH: u64 = 0x5715_EE14_EF86_C924;

#[test]
fn fewer_rows_than_the_sample_are_all_used() {
    // Five rows: ψ = 5, whichever sample size above was asked for; another stride of
    // nodes changes nothing.
    let rows = [0.0, 1.0, 2.0, 3.0, 50.0];
    let settings = |sample| ForestSettings { trees: 50, sample, ..usual(3, 1) };
    let few = scores(settings(5), &rows);
    assert_eq!(few, scores(settings(256), &rows));
    assert!(few[..4].iter().all(|&score| score < few[4]), "{few:?}");
}

#[test]
fn one_row_or_equal_rows_give_every_point_one_half() {
    let settings = |width| ForestSettings { trees: 5, sample: 16, ..usual(1, width) };
    assert_eq!(scores(settings(3), &[1.0, 2.0, 3.0]), [0.5]);
    // Equal rows: every tree is one leaf of ψ rows, whose path is c(ψ), rounded to f32.
    for score in scores(settings(2), &[4.0; 24]) {
        assert!((score - 0.5).abs() < 1e-7, "{score}");
    }
}

#[test]
fn constant_columns_change_nothing_in_distribution_and_are_never_split() {
    // 64 columns, one of which varies: a far point in it is found as if it stood alone.
    let mut rows = vec![1.0_f32; 64 * 40];
    for (index, row) in rows.chunks_mut(64).enumerate() {
        row[33] = if index == 39 { 500.0 } else { index as f32 };
    }
    let scores = scores(usual(2, 64), &rows);
    let best = (0..40).max_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    assert_eq!(best, Some(39));
    assert!(scores[39] > 0.75, "{}", scores[39]);
}

#[test]
fn tiny_gradients_are_told_apart_like_large_ones() {
    let golden = golden();
    // A power of two: exact, so that every split falls between the same rows.
    let tiny: Vec<f32> = golden.rows.iter().map(|value| value * 2.0_f32.powi(-100)).collect();
    let settings = ForestSettings { trees: 20, ..usual(4, COLUMNS) };
    assert_eq!(scores(settings, &golden.rows), scores(settings, &tiny));
}

#[test]
fn the_widest_range_that_f32_has_is_split() {
    let rows = [f32::MIN, -1.0, 0.0, 1.0, f32::MAX];
    for score in scores(ForestSettings { trees: 50, sample: 8, ..usual(1, 1) }, &rows) {
        assert!(score > 0.0 && score <= 1.0);
    }
}

#[test]
fn a_contamination_of_a_twentieth_flags_15_of_the_300_rows() {
    let golden = golden();
    let scores = scores(usual(0, COLUMNS), &golden.rows);
    let threshold = threshold(&scores, 0.05).unwrap();
    assert_eq!(scores.iter().filter(|&&score| score > threshold).count(), 15);
}

#[test]
fn what_a_forest_cannot_take_is_refused_and_an_earlier_fit_stands() {
    let settings = ForestSettings { trees: 10, sample: 4, ..usual(1, 2) };
    let new = |settings: ForestSettings, nodes, f32s| {
        Forest::new(settings, vec![Node::EMPTY; nodes], vec![0.0; f32s]).map(|_| ())
    };
    assert_eq!(new(settings, 70, 4), Ok(()));
    assert_eq!(new(settings, 69, 4), Err(Error::Length { expected: 70, found: 69 }));
    assert_eq!(new(settings, 70, 3), Err(Error::Length { expected: 4, found: 3 }));
    for settings in [ForestSettings { trees: 0, ..settings }, ForestSettings { sample: 0, ..settings }] {
        assert!(matches!(new(settings, 0, 0), Err(Error::Setting { .. })));
    }
    let without = ForestSettings { width: 0, ..settings };
    assert_eq!(new(without, 70, 4), Err(Error::Width { multiple: 1, found: 0 }));

    let mut forest = forest(settings);
    assert_eq!(forest.score_row(&[1.0, 2.0]), Err(Error::NotFitted));
    assert_eq!(forest.fit(), Err(Error::TooFew { needed: 1, found: 0 }));
    assert_eq!(forest.grow(id(2), &[]), Err(Error::TooFew { needed: 1, found: 0 }));
    forest.grow(id(2), &[0.0, 0.0, 1.0, 1.0, 2.0, 2.0]).unwrap();
    let before = forest.score_row(&[1.0, 2.0]).unwrap();

    for bad in [f32::NAN, f32::INFINITY] {
        assert_eq!(forest.grow(id(2), &[0.0, 1.0, 7.0, bad]), Err(Error::NonFinite));
        assert_eq!(forest.score_row(&[bad, 0.0]), Err(Error::NonFinite));
    }
    assert_eq!(forest.grow(id(2), &[1.0; 5]), Err(Error::Length { expected: 4, found: 5 }));
    assert_eq!(forest.grow(id(3), &[1.0; 6]), Err(Error::Length { expected: 2, found: 3 }));
    assert_eq!(forest.score_row(&[1.0]), Err(Error::Length { expected: 2, found: 1 }));
    assert_eq!(forest.score_row(&[1.0, 2.0]), Ok(before));
}

#[test]
fn a_sketch_scores_as_its_row_does_and_a_foreign_one_is_refused() {
    let mut forest = forest(ForestSettings { trees: 10, sample: 4, ..usual(1, 2) });
    forest.grow(id(2), &[0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 9.0, 0.0]).unwrap();
    let values = [2.0, 1.0];
    let sketch = Sketch::from_parts(id(2), &values, summarize(&values)).unwrap();
    assert_eq!(forest.score(&sketch, &mut []), forest.score_row(&values));
    let foreign = Sketch { id: SketchId { key: Fingerprint::Seed(1), ..id(2) }, ..sketch };
    assert_eq!(forest.score(&foreign, &mut []), Err(Error::Mismatch(Field::Key)));
    // Finite numbers of a gradient that was not.
    let measures = summarize(&[f32::NAN, 1.0]);
    assert_eq!(forest.score(&Sketch { measures, ..sketch }, &mut []), Err(Error::NonFinite));
}
