//! Every sample's gradient through the core: sketch, exact measures, and the plain loss.

use gradsieve::{Exact, Key, Projector, Sjlt, Sketch, SketchId, Sketcher, Summary};

use super::error::{DemoError, core};
use super::settings::Settings;
use gradsieve_harness::Watch;
use gradsieve_harness::data::Dataset;
use gradsieve_harness::gradients::{layout, stream};
use gradsieve_harness::model::{Mlp, Scratch};

/// One sketched gradient a sample.
#[derive(Clone, Debug)]
pub struct Gradients {
    /// What the sketches are.
    pub id: SketchId,
    /// n × K, row-major.
    pub values: Vec<f32>,
    /// The exact measures of each gradient, n.
    pub measures: Vec<Summary>,
    /// The loss of each sample, n.
    pub losses: Vec<f64>,
    /// The group of each sample, n: its label as given.
    pub groups: Vec<u32>,
}

impl Gradients {
    /// The sketch of each sample, in its group.
    pub fn sketches(&self) -> impl Iterator<Item = Sketch<'_>> {
        let rows = self.values.chunks_exact(self.id.width);
        rows.zip(&self.measures).zip(&self.groups).map(|((values, &measures), &group)| Sketch {
            id: self.id,
            values,
            measures,
            group,
            loss: None,
        })
    }

    /// The same with the sample's loss.
    pub fn sketches_with_loss(&self) -> impl Iterator<Item = Sketch<'_>> {
        self.sketches().zip(&self.losses).map(|(sketch, &loss)| sketch.with_loss(loss as f32))
    }

    /// n.
    pub fn len(&self) -> usize {
        self.losses.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.losses.is_empty()
    }
}

/// Runs every sample backward and streams its gradient, as outer products from the last
/// layer to the first, into a sketch. No gradient is ever written out.
///
/// # Errors
/// A set that does not fit the model; a projection that does not fit the layout.
pub fn gather(
    model: &Mlp,
    set: &Dataset,
    projector: impl Projector,
    watch: &dyn Watch,
) -> Result<Gradients, DemoError> {
    let layout = layout(model).map_err(core("the model's layout"))?;
    let width = projector.width();
    let mut gradients = Gradients {
        id: projector.id(layout.id()),
        values: vec![0.0; set.len() * width],
        measures: Vec::with_capacity(set.len()),
        losses: Vec::with_capacity(set.len()),
        groups: set.labels().to_vec(),
    };
    let mut scratch = Scratch::default();
    let mut sketcher = Sketcher::new(projector, layout, vec![0.0; width]).map_err(core("the sketch"))?;
    for ((x, label), values) in set.samples().zip(gradients.values.chunks_exact_mut(width)) {
        let loss = stream(model, x, label, |_, _| 1.0, &mut scratch, &mut sketcher)?;
        let loss = loss.map_err(core("a gradient"))?;
        let sketch = sketcher.finish().map_err(core("a gradient"))?;
        values.copy_from_slice(sketch.values);
        gradients.measures.push(sketch.measures);
        gradients.losses.push(loss);
        watch.step();
    }
    Ok(gradients)
}

/// All gradients as the settings say: projected, unless they are as small as a sketch.
pub(super) fn sketched(
    settings: &Settings,
    model: &Mlp,
    set: &Dataset,
    watch: &dyn Watch,
) -> Result<Gradients, DemoError> {
    let parameters = model.parameters().len();
    if parameters <= settings.dim {
        return gather(model, set, Exact::new(parameters), watch);
    }
    let projector =
        Sjlt::new(settings.dim, Key::seed(settings.seed), settings.repeat).map_err(core("the sketch"))?;
    gather(model, set, projector, watch)
}
