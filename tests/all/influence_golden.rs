//! The influence methods against NumPy's figures (`golden/influence.py`), which are
//! computed in f64 by definitions.

use crate::source::row;
use gradsieve::influence::{
    Adam, ConjugateGradients, ConjugateGradientsSettings, DataInf, DataInfLayer, DataInfSettings,
    InRunShapley, IpEnsemble, IterativeSolver, Less, LessSettings, LessTargets, Lissa, LissaSettings,
    Precision, ReTrac, Ridge, RidgeSettings, Targets, Trak, TrakScore, TrakSettings, grad_dot,
};
use gradsieve::{Exact, Layer, Layout, Sketcher};

const MODELS: usize = 3;
const K: usize = 12;
const SUBTASKS: LessSettings = LessSettings { width: K, subtasks: 2 };

/// A matrix of the file, row by row.
fn golden(name: &str) -> Vec<Vec<f64>> {
    let text = include_str!("../golden/influence.csv");
    let line = text.lines().find(|line| line.split(',').next() == Some(name)).expect(name);
    let mut fields = line.split(',').skip(1);
    let mut size = || fields.next().unwrap().parse::<usize>().unwrap();
    let (rows, columns) = (size(), size());
    let entries: Vec<f64> = fields.map(|field| field.parse().unwrap()).collect();
    assert_eq!(entries.len(), rows * columns);
    entries.chunks(columns).map(<[f64]>::to_vec).collect()
}

/// An input of the file, which has four decimals.
fn given(name: &str) -> Vec<Vec<f32>> {
    golden(name).iter().map(|row| row.iter().map(|&x| x as f32).collect()).collect()
}

fn models(name: &str) -> Vec<Vec<Vec<f32>>> {
    (0..MODELS).map(|m| given(&format!("{name}{m}"))).collect()
}

/// Compares with a matrix of the file; `allowed` is a part of its largest entry.
#[track_caller]
fn assert_golden(name: &str, allowed: f64, mut found: impl FnMut(usize, usize) -> f64) {
    let expected = golden(name);
    let scale = expected.iter().flatten().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    for (i, row) in expected.iter().enumerate() {
        for (j, &expected) in row.iter().enumerate() {
            let found = found(i, j);
            let error = (found - expected).abs() / scale;
            assert!(
                error <= allowed,
                "{name} ({i}, {j}): {found} instead of {expected}, {error:e} of the largest"
            );
        }
    }
}

/// The rows of several matrices, one after the other.
fn flat(rows: &[Vec<f32>]) -> Vec<f32> {
    rows.concat()
}

/// Scores of a row on prepared targets.
fn scores<T: Precision>(targets: &Targets<'_, T>, train: &[f32]) -> Vec<f64> {
    let mut scores = vec![0.0; targets.count()];
    targets.score(&row(train), &mut scores).unwrap();
    scores
}

/// A few roundings of f32 in sums of twelve terms.
const SUMS: f64 = 1e-6;

#[test]
fn ip_ensembles_are_numpys() {
    let (train, target) = (models("train"), models("target"));
    assert_golden("ip", SUMS, |i, j| grad_dot(&row(&train[0][i]), &row(&target[0][j])).unwrap());
    assert_golden("ip_ensemble", SUMS, |i, j| {
        let mut ensemble = IpEnsemble::new();
        for (g, v) in train.iter().zip(&target) {
            ensemble.observe(&row(&g[i]), &row(&v[j])).unwrap();
        }
        assert_eq!(ensemble.members(), 3);
        ensemble.score()
    });
}

#[test]
fn retrac_is_numpys() {
    let (train, target) = (models("train"), models("target"));
    assert_golden("retrac", SUMS, |i, j| {
        let mut memory = [[0.0; K]; 2];
        let [g, v] = &mut memory;
        let (mut g, mut v) = (ReTrac::new(K, g).unwrap(), ReTrac::new(K, v).unwrap());
        for (train, target) in train.iter().zip(&target) {
            g.observe(&row(&train[i])).unwrap();
            v.observe(&row(&target[j])).unwrap();
        }
        g.score(&v).unwrap()
    });
}

/// The Adam feature of a gradient that comes in two segments.
fn adam(gradient: &[f32]) -> Vec<f32> {
    let (first, second) = (&given("moment1")[0], &given("moment2")[0]);
    let layout = Layout::flat(K as u64).unwrap();
    let mut memory = vec![0.0; K];
    let mut sketcher = Sketcher::new(Exact::new(K), layout, &mut memory).unwrap();
    for part in [5..K, 0..5] {
        let offset = part.start as u64;
        let moments = (&first[part.clone()], &second[part.clone()]);
        Adam::USUAL.segment(&mut sketcher, offset, &gradient[part], moments.0, moments.1).unwrap();
    }
    sketcher.finish().unwrap();
    memory
}

#[test]
fn adam_features_and_less_are_numpys() {
    let (train, target) = (models("train"), models("target"));
    assert_golden("adam", SUMS, |i, j| f64::from(adam(&train[0][i])[j]));

    let weights = &golden("weights")[0];
    let mut memory = vec![vec![0.0; SUBTASKS.memory().f32s]; MODELS];
    let mut checkpoints = Vec::new();
    for (memory, target) in memory.iter_mut().zip(&target) {
        let mut targets = LessTargets::new(SUBTASKS, memory).unwrap();
        for (subtask, v) in [0, 0, 1].into_iter().zip(target) {
            targets.observe(subtask, &row(v)).unwrap();
        }
        checkpoints.push(targets);
    }
    assert_golden("less", SUMS, |_, i| {
        let mut sums = [0.0; 2];
        let mut score = Less::new(&mut sums).unwrap();
        for ((&weight, targets), train) in weights.iter().zip(&checkpoints).zip(&train) {
            score.observe(weight, targets, &row(&adam(&train[i]))).unwrap();
        }
        score.score()
    });
}

#[test]
fn in_run_data_shapley_is_the_shapley_value_of_each_step() {
    let (train, target, hessian) = (models("train"), models("target"), golden("hessian"));
    let rates = &golden("rates")[0];
    for order in [0, 1] {
        let mut memory = [0.0; 24];
        let mut shapley = InRunShapley::new(&mut memory);
        for (t, &rate) in rates.iter().enumerate() {
            let (g, v) = (&train[t % MODELS], &target[t % MODELS][0]);
            let ids: Vec<usize> = (0..4).map(|i| 3 * t + i).collect();
            let total: Vec<f64> = (0..K).map(|c| ids.iter().map(|&i| f64::from(g[i][c])).sum()).collect();
            let w: Vec<f32> = hessian
                .iter()
                .map(|row| row.iter().zip(&total).map(|(h, x)| h * x).sum::<f64>() as f32)
                .collect();
            let batch: Vec<_> = ids.iter().map(|&i| (i, row(&g[i]))).collect();
            let w = row(&w);
            shapley.observe_step(rate, &row(v), (order == 1).then_some(&w), &batch).unwrap();
        }
        assert_golden("in_run", SUMS, |o, i| {
            if o == order { shapley.score(i).unwrap() } else { golden("in_run")[o][i] }
        });
    }
}

#[test]
fn trak_over_one_and_over_three_models_is_numpys() {
    let (train, target) = (models("train"), models("target"));
    let one_minus_p: Vec<Vec<f64>> =
        (0..MODELS).map(|m| given(&format!("doubt{m}"))[0].iter().map(|&x| f64::from(x)).collect()).collect();
    let mut products = Vec::new();
    for (damping, train, target) in [
        (0.1, &train[0], &target[0]),
        (0.1, &train[1], &target[1]),
        (0.1, &train[2], &target[2]),
        (0.0, &train[0], &target[0]),
    ] {
        let settings = TrakSettings { width: K, damping };
        let mut memory = vec![0.0; settings.memory().f64s];
        let mut trak = Trak::new(settings, &mut memory).unwrap();
        train.iter().for_each(|g| trak.observe(&row(g)).unwrap());
        trak.fit().unwrap();
        let mut solutions = vec![0.0; 3 * K];
        for (v, solution) in target.iter().zip(solutions.chunks_mut(K)) {
            assert_eq!(trak.solve(&row(v), solution).unwrap().count(), 1);
        }
        let targets = Targets::new(row(&train[0]).id, &solutions).unwrap();
        products.push(train.iter().map(|g| scores(&targets, g)).collect::<Vec<_>>());
    }
    let score = |models: std::ops::Range<usize>, i: usize, j: usize| {
        let mut score = TrakScore::new();
        for m in models {
            score.observe(products[m][i][j], one_minus_p[m % MODELS][i]).unwrap();
        }
        score.score()
    };
    assert_golden("trak1", 1e-5, |i, j| score(0..1, i, j));
    assert_golden("trak3", 1e-5, |i, j| score(0..3, i, j));
    // Condition number about 60.
    assert_golden("trak_undamped", 1e-5, |i, j| score(3..4, i, j));
}

#[test]
fn datainf_is_the_mean_of_inverted_matrices_layer_by_layer() {
    let (train, target) = (given("train0"), given("target0"));
    for (name, ranges) in [("datainf", &[(0, K)][..]), ("datainf_layers", &[(0, 5), (5, 6), (8, K)])] {
        let mut layers: Vec<DataInfLayer> =
            ranges.iter().map(|&(start, end)| DataInfLayer::new(start..end)).collect();
        let settings = DataInfSettings { layers: layers.len(), targets: 4, ..DataInfSettings::new(K) };
        let mut datainf = DataInf::new(settings, &mut layers).unwrap();
        train.iter().for_each(|g| datainf.observe(&row(g)).unwrap());
        datainf.fit().unwrap();
        // Room for more than are used.
        let mut memory = vec![f32::NAN; settings.memory().f32s];
        let mut solver = datainf.solver(4, &mut memory).unwrap();
        target.iter().for_each(|v| solver.target(&row(v)).unwrap());
        train.iter().for_each(|g| solver.observe(&row(g)).unwrap());
        solver.end_pass().unwrap();
        let targets = solver.targets().unwrap();
        assert_eq!(targets.count(), 3);
        assert_golden(name, 5e-6, |i, j| scores(&targets, &train[i])[j]);
    }
}

#[test]
fn lissa_after_seven_passes_is_numpys_recursion() {
    let (train, target) = (given("train0"), given("target0"));
    let settings = LissaSettings { targets: 3, step: Some(0.15), ..LissaSettings::new(K) };
    let mut lissa = Lissa::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    target.iter().for_each(|v| lissa.target(&row(v)).unwrap());
    for pass in 1..=7 {
        train.iter().for_each(|g| lissa.observe(&row(g)).unwrap());
        assert_eq!(lissa.end_pass().unwrap().passes, pass);
    }
    let targets = lissa.targets().unwrap();
    assert_golden("lissa7", 5e-6, |i, j| scores(&targets, &train[i])[j]);
}

#[test]
fn conjugate_gradients_converge_to_numpys_ridge_and_so_does_the_ridge() {
    let (train, target) = (given("train0"), given("target0"));
    let settings =
        ConjugateGradientsSettings { targets: 3, tolerance: 1e-6, ..ConjugateGradientsSettings::new(K) };
    let mut solver = ConjugateGradients::new(settings, vec![0.0; settings.memory().f64s]).unwrap();
    target.iter().for_each(|v| solver.target(&row(v)).unwrap());
    let progress = solver.solve(&row(&train[0]).id, &flat(&train), 3 * K as u32).unwrap();
    assert!(progress.converged && progress.residual <= 1e-6, "{progress:?}");
    assert!(progress.passes <= K as u32 + 2, "{progress:?}");
    let targets = solver.targets().unwrap();
    assert_golden("ridge", 1e-5, |i, j| scores(&targets, &train[i])[j]);

    let mut memory = vec![0.0; RidgeSettings::new(K).memory().f64s];
    let mut ridge = Ridge::new(RidgeSettings::new(K), &mut memory).unwrap();
    train.iter().for_each(|g| ridge.observe(&row(g)).unwrap());
    ridge.fit().unwrap();
    assert_golden("ridge", 1e-5, |i, j| {
        let mut solution = [0.0; K];
        ridge.solve(&row(&target[j]), &mut solution).unwrap().score_one(&row(&train[i])).unwrap()
    });
}

#[test]
fn an_outer_products_adam_feature_is_that_of_the_written_out_matrix() {
    let layer = Layer::new(3, 4, 300);
    let layout = Layout::new(&[layer]).unwrap();
    let noise = |seed, n| crate::source::normals(seed, n);
    let (a, b, first) = (noise(1, 300), noise(2, 4), noise(3, 1200));
    let second: Vec<f32> = noise(4, 1200).iter().map(|x| x * x).collect();
    let written: Vec<f32> = b.iter().flat_map(|b| a.iter().map(move |a| b * a)).collect();
    let projector = crate::source::sjlt(64, 9, gradsieve::Repeat::Two);
    let mut memory = [[0.0; 64]; 2];
    let [one, two] = &mut memory;
    let mut sketcher = Sketcher::new(projector, layout, one).unwrap();
    Adam::USUAL.outer(&mut sketcher, &layer, (&a, &b), &first, &second).unwrap();
    let one = sketcher.finish().unwrap();
    let mut sketcher = Sketcher::new(projector, layout, two).unwrap();
    Adam::USUAL.segment(&mut sketcher, 3, &written, &first, &second).unwrap();
    let two = sketcher.finish().unwrap();
    assert_eq!(one.values, two.values);
    assert_eq!(one.measures, two.measures);
}
