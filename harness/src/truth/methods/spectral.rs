//! Curvature by its spectrum or in parts: Arnoldi, generalised influence (GIF), EK-FAC.

use gradsieve::influence::{Arnoldi, ArnoldiSettings, Ekfac, EkfacSettings, Gif, GifSettings, Solver as _};

use super::super::error::{TruthError, core};
use super::super::evidence::{Evidence, Quantity};
use super::scored::Scored;
use crate::data::Dataset;
use crate::data::random::{Purpose, generator, uniform};
use crate::model::{Mlp, Scratch};

/// Products with the curvature, and eigenpairs to keep, at most.
const PRODUCTS: usize = 80;
const KEEP: usize = 40;

/// The top eigenpairs of the Gauss–Newton matrix.
pub(super) fn arnoldi(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    let what = core("Arnoldi");
    let factors = evidence.rows(evidence.model, evidence.train, Quantity::Pseudo)?;
    let train = evidence.rows(evidence.model, evidence.train, Quantity::Loss)?;
    let test = evidence.target_rows(evidence.model)?;
    let width = train.width();
    let settings =
        ArnoldiSettings { width, products: PRODUCTS.min(width), keep: KEEP.min(width), seed: evidence.seed };
    let (mut floats, mut doubles) = (vec![0.0; settings.memory().f32s], vec![0.0; settings.memory().f64s]);
    let bytes = size_of_val(&floats[..]) + size_of_val(&doubles[..]);
    let mut arnoldi = Arnoldi::new(settings, train.id, &mut floats, &mut doubles).map_err(&what)?;
    while arnoldi.needs_product() {
        for row in factors.sketches() {
            arnoldi.observe(&row).map_err(&what)?;
        }
        arnoldi.advance().map_err(&what)?;
    }
    arnoldi.fit().map_err(&what)?;
    let mut solution = vec![0.0; width];
    let mut scores = Vec::with_capacity(train.len() * test.len());
    for target in test.sketches() {
        let target = arnoldi.solve(&target, &mut solution).map_err(&what)?;
        for sketch in train.sketches() {
            scores.push(target.score_one(&sketch).map_err(&what)?);
        }
    }
    Ok(Scored { scores, bytes })
}

/// Least squares on the last layer's coordinates; on all numbers of a sketch, in which
/// layers cannot be told apart.
pub(super) fn gif(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    let what = core("GIF");
    let factors = evidence.rows(evidence.model, evidence.train, Quantity::Pseudo)?;
    let train = evidence.rows(evidence.model, evidence.train, Quantity::Loss)?;
    let test = evidence.target_rows(evidence.model)?;
    let width = train.width();
    let indices: Vec<usize> = match evidence.dim {
        None => evidence.model.last_layer().collect(),
        Some(_) => (0..width).collect(),
    };
    let settings = GifSettings::new(width, &indices);
    let memory = vec![0.0; settings.memory().f64s];
    let bytes = size_of_val(&memory[..]);
    let mut gif = Gif::new(settings, memory).map_err(&what)?;
    for row in factors.sketches() {
        gif.observe(&row).map_err(&what)?;
    }
    gif.fit().map_err(&what)?;
    let mut solution = vec![0.0; width];
    let mut scores = Vec::with_capacity(train.len() * test.len());
    for target in test.sketches() {
        let target = gif.solve(&target, &mut solution).map_err(&what)?;
        for sketch in train.sketches() {
            scores.push(target.score_one(&sketch).map_err(&what)?);
        }
    }
    Ok(Scored { scores, bytes })
}

/// A layer's input with a 1 for the bias, and its output gradient, one a sample.
type Pairs = Vec<(Vec<f32>, Vec<f32>)>;

/// The factors of every sample's gradient, layer by layer; the label is the given one, or
/// `label`'s.
fn factors(
    model: &Mlp,
    set: &Dataset,
    mut label: impl FnMut(&[f32], u32) -> u32,
) -> Result<Vec<Pairs>, TruthError> {
    let mut layers: Vec<Pairs> = vec![Vec::with_capacity(set.len()); model.layers().len()];
    let mut scratch = Scratch::default();
    for (x, given) in set.samples() {
        let label = label(x, given);
        model.backward(x, label, &mut scratch, |part| {
            let mut a = part.activation.to_vec();
            a.push(1.0);
            layers[part.layer].push((a, part.delta.to_vec()));
        })?;
    }
    Ok(layers)
}

/// Kronecker factors, never projected. The curvature's labels are drawn from the model's
/// predictions.
pub(super) fn ekfac(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    let what = core("EK-FAC");
    let model = evidence.model;
    let mut rng = generator(evidence.seed, Purpose::Label);
    let mut scratch = Scratch::default();
    let draw = |x: &[f32], given: u32| {
        let mut left = uniform(&mut rng);
        for class in 0..model.classes() as u32 {
            left -= libm::exp(-model.loss(x, class, &mut scratch).unwrap_or(f64::INFINITY));
            if left < 0.0 {
                return class;
            }
        }
        given
    };
    let drawn = factors(model, evidence.train, draw)?;
    let train = factors(model, evidence.train, |_, given| given)?;
    let test = factors(model, evidence.test, |_, given| given)?;
    let n = evidence.train.len();
    let mut scores = vec![0.0; n * evidence.test.len()];
    let mut bytes = 0;
    for ((layer, drawn), (train, test)) in model.layers().iter().zip(&drawn).zip(train.iter().zip(&test)) {
        let (inputs, outputs) = (layer.inputs + 1, layer.outputs);
        let usual = EkfacSettings::new(outputs, inputs);
        let settings = EkfacSettings { damping: evidence.damping.unwrap_or(usual.damping), ..usual };
        let mut memory = vec![0.0; settings.memory().f32s];
        bytes += size_of_val(&memory[..]);
        let mut ekfac = Ekfac::new(settings, &mut memory).map_err(&what)?;
        for (a, b) in drawn {
            ekfac.factors(a, b).map_err(&what)?;
        }
        ekfac.decompose(&mut vec![0.0; settings.memory().f64s]).map_err(&what)?;
        for (a, b) in drawn {
            ekfac.position(a, b).and_then(|()| ekfac.sample()).map_err(&what)?;
        }
        let mut solution = vec![0.0; inputs * outputs];
        for ((a, b), scores) in test.iter().zip(scores.chunks_exact_mut(n)) {
            let target = ekfac.solve([(&a[..], &b[..])], &mut solution).map_err(&what)?;
            for ((a, b), score) in train.iter().zip(scores) {
                let mut part = [0.0];
                target.score_factors(a, b, &mut part).map_err(&what)?;
                *score += part[0];
            }
        }
    }
    Ok(Scored { scores, bytes })
}
