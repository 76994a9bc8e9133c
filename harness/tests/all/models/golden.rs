//! Figures of NumPy, SciPy and scikit-learn; `tests/golden` holds the scripts.

use gradsieve_harness::measures::{auroc, average_precision, roc_curve, spearman};
use gradsieve_harness::model::{Mlp, Scratch};
use serde::Deserialize;

#[derive(Deserialize)]
struct Measured {
    scores: Vec<f64>,
    other: Vec<f64>,
    truth: Vec<bool>,
    auroc: f64,
    average_precision: f64,
    spearman: f64,
    roc: Option<Vec<[f64; 3]>>,
}

#[derive(Deserialize)]
struct Differentiated {
    inputs: usize,
    hidden: Vec<usize>,
    classes: usize,
    x: Vec<f32>,
    label: u32,
    parameters: Vec<f32>,
    loss: f64,
    gradient: Vec<f64>,
}

#[test]
fn measures_agree_with_scikit_learn_and_scipy() {
    let cases: Vec<Measured> = serde_json::from_str(include_str!("../../golden/measures.json")).unwrap();
    assert!(cases.len() >= 6);
    for case in cases {
        let close =
            |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        close(auroc(&case.scores, &case.truth).unwrap(), case.auroc);
        close(average_precision(&case.scores, &case.truth).unwrap(), case.average_precision);
        close(spearman(&case.scores, &case.other).unwrap(), case.spearman);
        if let Some(roc) = case.roc {
            let points = roc_curve(&case.scores, &case.truth).unwrap();
            assert_eq!(points.len(), roc.len() + 1);
            for (point, [threshold, fpr, tpr]) in points[1..].iter().zip(roc) {
                assert_eq!(point.threshold, threshold);
                close(point.false_positive_rate, fpr);
                close(point.true_positive_rate, tpr);
            }
        }
    }
}

#[test]
fn losses_and_gradients_agree_with_numpy_in_double_precision() {
    let cases: Vec<Differentiated> =
        serde_json::from_str(include_str!("../../golden/gradients.json")).unwrap();
    assert!(cases.len() >= 5);
    let mut scratch = Scratch::default();
    for case in cases {
        let shape = Mlp::new(case.inputs, &case.hidden, case.classes, 0).unwrap();
        let model = shape.with_parameters(case.parameters).unwrap();
        let mut gradient = vec![f32::NAN; model.parameters().len()];
        let loss = model.gradient_into(&case.x, case.label, &mut scratch, &mut gradient).unwrap();
        assert!((loss - case.loss).abs() < 2e-6 * (1.0 + case.loss), "{loss} {}", case.loss);
        let scale = case.gradient.iter().fold(0.0f64, |m, g| m.max(g.abs()));
        assert_eq!(gradient.len(), case.gradient.len());
        for (g, e) in gradient.iter().zip(case.gradient) {
            assert!((f64::from(*g) - e).abs() < 2e-6 * scale, "{g} {e}");
        }
    }
}
