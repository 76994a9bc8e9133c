//! LESS: cosines of Adam features with target gradients, over a checkpoint an epoch.
//!
//! The runs here are plain SGD, so the moments are those that Adam would have had on the
//! same batches' mean gradients.

use gradsieve::influence::{Adam, Less, LessSettings, LessTargets};
use gradsieve::{Exact, Plan, Projector, Sketcher};

use super::super::error::{TruthError, core};
use super::super::evidence::{Evidence, Ready, Rows, layout};
use super::scored::Scored;
use crate::model::{Mlp, Scratch};

pub(super) fn pairs(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    let (n, m) = (evidence.train.len(), evidence.target_count());
    let path = evidence.path()?;
    let steps = path.steps();
    let p = evidence.model.parameters().len();
    let (mut first, mut second) = (vec![0.0f32; p], vec![0.0f32; p]);
    let mut sums = vec![0.0; n * m];
    let mut rows: Vec<Less<_>> = Vec::with_capacity(n);
    for sums in sums.chunks_exact_mut(m) {
        rows.push(Less::new(sums).map_err(core("LESS"))?);
    }
    let mut bytes = 0;
    for (t, step) in steps.iter().enumerate() {
        // The mean gradient of the batch is the step that it made, over the learning
        // rate.
        let after = steps.get(t + 1).map_or(path.end().parameters(), |next| &next.parameters);
        let rate = step.rate * step.batch.len() as f64;
        let gradient: Vec<f32> = step
            .parameters
            .iter()
            .zip(after)
            .map(|(before, after)| ((before - after) / rate) as f32)
            .collect();
        Adam::USUAL.step(&gradient, &mut first, &mut second).map_err(core("LESS"))?;
        if steps.get(t + 1).is_some_and(|next| next.epoch == step.epoch) {
            continue;
        }
        let model = path.model_before(t + 1);
        let test = evidence.target_rows(&model)?;
        let features = features(evidence, &model, (&first, &second))?;
        let settings = LessSettings { width: test.width(), subtasks: m };
        bytes = settings.memory().bytes() + 8 * n * m;
        let memory = vec![0.0; settings.memory().f32s];
        let mut targets = LessTargets::new(settings, memory).map_err(core("LESS"))?;
        for (j, target) in test.sketches().enumerate() {
            targets.observe(j as u32, &target).map_err(core("LESS"))?;
        }
        for (row, feature) in rows.iter_mut().zip(features.sketches()) {
            row.observe(rate, &targets, &feature).map_err(core("LESS"))?;
        }
    }
    let scores =
        super::scored::all_pairs(m, n, |j, i| Ok::<_, TruthError>(rows[i].subtask(j).unwrap_or_default()))?;
    Ok(Scored { scores, bytes })
}

/// Γ of every training sample, sketched.
fn features(evidence: &Evidence<'_>, model: &Mlp, moments: (&[f32], &[f32])) -> Result<Rows, TruthError> {
    match evidence.projector(model)? {
        Ready::Whole(projector) => gather(evidence, model, moments, projector),
        Ready::Layers(parts) => {
            gather(evidence, model, moments, Plan::new(&parts).map_err(core("the sketch"))?)
        }
        Ready::Kept(kept) => {
            let p = model.parameters().len();
            let whole = gather(evidence, model, moments, Exact::new(p))?;
            let mut rows = Rows::kept(kept, whole.len())?;
            for feature in whole.values.chunks_exact(p) {
                rows.push(kept.width(), |row| kept.project(feature, row));
            }
            rows.losses = whole.losses;
            Ok(rows)
        }
    }
}

fn gather(
    evidence: &Evidence<'_>,
    model: &Mlp,
    (first, second): (&[f32], &[f32]),
    projector: impl Projector,
) -> Result<Rows, TruthError> {
    let layout = layout(model)?;
    let width = projector.width();
    let mut rows = Rows {
        id: projector.id(layout.id()),
        values: vec![0.0; evidence.train.len() * width],
        measures: Vec::new(),
        losses: Vec::new(),
    };
    let mut scratch = Scratch::default();
    let mut gradient = vec![0.0; model.parameters().len()];
    let mut sketcher = Sketcher::new(projector, layout, vec![0.0; width]).map_err(core("the sketch"))?;
    for ((x, label), values) in evidence.train.samples().zip(rows.values.chunks_exact_mut(width)) {
        rows.losses.push(model.gradient_into(x, label, &mut scratch, &mut gradient)?);
        Adam::USUAL.segment(&mut sketcher, 0, &gradient, first, second).map_err(core("LESS"))?;
        let sketch = sketcher.finish().map_err(core("LESS"))?;
        values.copy_from_slice(sketch.values);
        rows.measures.push(sketch.measures);
    }
    Ok(rows)
}
