//! LAVA: how each training sample adds to the distance between training and validation
//! data, without any model.
//!
//! The distance is the entropic Wasserstein distance between the two sets, each sample of
//! equal mass, with the ground cost c((x, y), (x′, y′)) = ‖x − x′‖² + w·D(y, y′), where
//! D(y, y′) is the same kind of distance between the features of the training samples of
//! class y and of the validation samples of class y′. So a sample is far from its like if
//! its features are odd for its *label*.
//!
//! With f the dual potential of the training side, moving mass onto sample i from all the
//! others changes the distance at the rate f_i − mean_{j≠i} f_j, the calibrated gradient:
//! higher is worse in the source. **Here its negative is returned**: positive is helpful.
//! Scale: squared units of the features. Source: Just et al. 2023, "LAVA: Data Valuation
//! without Pre-Specified Learning Algorithms".
//!
//! Sinkhorn's iteration in logarithms, so that nothing under- or overflows, with
//! regularisation ε in units of the mean cost. *Cost*: n·m exponentials an iteration, n
//! and m the sizes of the sets.

use crate::data::{DataError, Dataset};

/// Settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lava {
    /// w: the weight of the distance between labels.
    pub label_weight: f64,
    /// ε in units of the mean ground cost.
    pub regularisation: f64,
    /// Sinkhorn's iterations.
    pub iterations: usize,
}

impl Default for Lava {
    /// w = 1, ε = 0.02 of the mean cost, 100 iterations.
    fn default() -> Self {
        Self { label_weight: 1.0, regularisation: 0.02, iterations: 100 }
    }
}

/// The value of every training sample, in the set's order.
///
/// # Errors
/// Sets of different widths or classes; settings that are not positive.
pub fn lava(train: &Dataset, validation: &Dataset, settings: Lava) -> Result<Vec<f64>, DataError> {
    if train.dim() != validation.dim() {
        let (found, expected) = (validation.dim(), train.dim());
        return Err(DataError::Length { what: "features of validation samples", found, expected });
    }
    if train.classes() != validation.classes() {
        let (found, expected) = (validation.classes(), train.classes());
        return Err(DataError::Length { what: "classes of the validation set", found, expected });
    }
    let positive = [settings.regularisation, settings.iterations as f64];
    if let Some(&found) = positive.iter().find(|v| !(**v > 0.0 && v.is_finite())) {
        return Err(DataError::Range {
            what: "LAVA's regularisation or iterations",
            found,
            expected: "a positive number",
        });
    }
    let labels = label_distances(train, validation, settings);
    let cost = |(x, y): (&[f32], u32), (z, t): (&[f32], u32)| {
        squared(x, z) + settings.label_weight * labels[y as usize * train.classes() + t as usize]
    };
    let costs: Vec<f64> = train
        .samples()
        .flat_map(|a| validation.samples().map(move |b| (a, b)))
        .map(|(a, b)| cost(a, b))
        .collect();
    let (_, potentials) = sinkhorn(&costs, &uniform(train.len()), &uniform(validation.len()), settings);
    let total: f64 = potentials.iter().sum();
    let others = train.len().saturating_sub(1).max(1) as f64;
    Ok(potentials.iter().map(|f| (total - f) / others - f).collect())
}

fn uniform(n: usize) -> Vec<f64> {
    vec![1.0 / n as f64; n]
}

fn squared(x: &[f32], y: &[f32]) -> f64 {
    x.iter().zip(y).map(|(x, y)| f64::from(x - y) * f64::from(x - y)).sum()
}

/// D for every pair of classes, training class by class; where a class has no samples on
/// one side, the largest of the others.
fn label_distances(train: &Dataset, validation: &Dataset, settings: Lava) -> Vec<f64> {
    let classes = train.classes();
    let of = |set: &Dataset, class: usize| -> Vec<usize> {
        (0..set.len()).filter(|&i| set.labels()[i] as usize == class).collect()
    };
    let mut distances = vec![f64::NAN; classes * classes];
    for a in 0..classes {
        let ours = of(train, a);
        for b in 0..classes {
            let theirs = of(validation, b);
            if ours.is_empty() || theirs.is_empty() {
                continue;
            }
            let row = |set: &Dataset, i: usize| set.row(i).unwrap_or_default().to_vec();
            let theirs: Vec<Vec<f32>> = theirs.iter().map(|&j| row(validation, j)).collect();
            let costs: Vec<f64> = ours
                .iter()
                .flat_map(|&i| {
                    let x = row(train, i);
                    theirs.iter().map(move |z| squared(&x, z)).collect::<Vec<_>>()
                })
                .collect();
            let settings = Lava { iterations: settings.iterations.min(50), ..settings };
            distances[a * classes + b] =
                sinkhorn(&costs, &uniform(ours.len()), &uniform(theirs.len()), settings).0;
        }
    }
    let largest = distances.iter().fold(0.0, |l: f64, d| l.max(*d));
    distances.iter().map(|d| if d.is_nan() { largest } else { *d }).collect()
}

/// The value of the regularised problem's dual, and the potential of the rows. `costs` is
/// rows × columns; `a` and `b` are the masses.
fn sinkhorn(costs: &[f64], a: &[f64], b: &[f64], settings: Lava) -> (f64, Vec<f64>) {
    let mean = costs.iter().sum::<f64>() / costs.len() as f64;
    let epsilon = settings.regularisation * if mean > 0.0 { mean } else { 1.0 };
    let transposed: Vec<f64> =
        (0..b.len()).flat_map(|j| costs.iter().skip(j).step_by(b.len())).copied().collect();
    let logarithms = |masses: &[f64]| masses.iter().map(|&m| libm::log(m)).collect::<Vec<f64>>();
    let (log_a, log_b) = (logarithms(a), logarithms(b));
    let (mut f, mut g) = (vec![0.0; a.len()], vec![0.0; b.len()]);
    let mut terms = Vec::new();
    let mut update = |to: &mut [f64], costs: &[f64], other: &[f64], log_mass: &[f64]| {
        for (to, costs) in to.iter_mut().zip(costs.chunks_exact(other.len())) {
            terms.clear();
            terms.extend(costs.iter().zip(other).zip(log_mass).map(|((c, o), m)| (o - c) / epsilon + m));
            *to = -epsilon * log_sum(&terms);
        }
    };
    for _ in 0..settings.iterations {
        update(&mut f, costs, &g, &log_b);
        update(&mut g, &transposed, &f, &log_a);
    }
    // After an update of g the columns' masses are met, and the dual's last term is ε(1 −
    // 1) = 0.
    let value =
        f.iter().zip(a).map(|(f, a)| f * a).sum::<f64>() + g.iter().zip(b).map(|(g, b)| g * b).sum::<f64>();
    (value, f)
}

/// ln Σ eˣ. Terms that cannot reach the sum's last digit are passed over.
fn log_sum(x: &[f64]) -> f64 {
    const NEGLIGIBLE: f64 = -50.0;
    let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = x.iter().map(|x| x - top).filter(|x| *x > NEGLIGIBLE).map(libm::exp).sum();
    top + libm::log(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::blobs;

    #[test]
    fn potentials_are_the_derivative_of_the_distance_by_the_masses() {
        let costs: Vec<f64> = (0..12).map(|i| f64::from(i * i % 7) + 0.3 * f64::from(i)).collect();
        let (b, settings) = (uniform(4), Lava { iterations: 3000, ..Lava::default() });
        let (_, f) = sinkhorn(&costs, &uniform(3), &b, settings);
        for i in 0..3 {
            let others = (f.iter().sum::<f64>() - f[i]) / 2.0;
            let moved = |step: f64| {
                let a: Vec<f64> =
                    (0..3).map(|j| 1.0 / 3.0 + if j == i { step } else { -step / 2.0 }).collect();
                sinkhorn(&costs, &a, &b, settings).0
            };
            let derivative = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((f[i] - others - derivative).abs() < 1e-4, "{} {derivative}", f[i] - others);
        }
    }

    #[test]
    fn two_points_far_apart_cost_their_distance() {
        // Each training point has its twin: nothing is to be moved.
        let set = Dataset::new("two", vec![0.0, 10.0], vec![0, 1], 1, 2).unwrap();
        let values = lava(&set, &set, Lava::default()).unwrap();
        assert!(values.iter().all(|v| v.abs() < 1e-9), "{values:?}");
    }

    #[test]
    fn samples_with_a_wrong_label_have_the_lowest_values() {
        let mut train = blobs(90, 3, 4, 0.5, 1).unwrap();
        let validation = blobs(60, 3, 4, 0.5, 1).unwrap();
        let flips = train.flip_labels(0.1, 3).unwrap();
        let values = lava(&train, &validation, Lava::default()).unwrap();
        let mut order: Vec<usize> = (0..90).collect();
        order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
        let found = order[..9].iter().filter(|&&i| flips.mask[i]).count();
        assert!(found >= 8, "{found} of 9");
        assert!(lava(&train, &blobs(9, 2, 4, 0.5, 1).unwrap(), Lava::default()).is_err());
        assert!(lava(&train, &validation, Lava { regularisation: 0.0, ..Lava::default() }).is_err());
    }
}
