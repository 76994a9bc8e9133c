//! What a method may look at: the data, the model, its path; and their gradients as the
//! core sees them.

use gradsieve::{
    AnyProjector, Error, Exact, Key, Layout, Part, Plan, Projector, ProjectorSettings, Sketch, SketchId,
    Sketcher, Summary,
};

use super::error::{TruthError, core};
use super::fitted::Fitted;
use super::kept::Kept;
use super::projection::Projection;
use super::target::Target;
use crate::data::Dataset;
use crate::gradients;
use crate::model::{Mlp, Removal, Scratch, TrainConfig, Trajectory};

/// Everything that a method may use.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The samples to score, n.
    pub train: &'a Dataset,
    /// The samples that targets are made of.
    pub test: &'a Dataset,
    /// What of them: each one's loss, or one number of all.
    pub target: Target,
    /// The trained model.
    pub model: &'a Mlp,
    /// How it was trained; none if it is an optimum that no path leads to.
    pub trajectory: Option<&'a Trajectory>,
    /// How more models like it are trained.
    pub config: &'a TrainConfig,
    /// What is left out of the path, where the truth is about that.
    pub removal: Removal,
    /// α of a term α‖θ‖²/2 beside the mean loss; 0 if there was none.
    pub decay: f64,
    /// Damping of a matrix, in units of its mean eigenvalue; none for a method's own.
    pub damping: Option<f32>,
    /// Numbers a sketch; none for the gradients themselves.
    pub dim: Option<usize>,
    /// How gradients become sketches of that many numbers.
    pub projection: Projection,
    /// That projection, fitted to [`train`](Self::train) at [`model`](Self::model), if it is
    /// one that looks at the data. It is not fitted anew for a method.
    pub fitted: Option<&'a Fitted>,
    /// Models of an ensemble.
    pub ensemble: usize,
    /// Seed of projections and of whatever else a method draws.
    pub seed: u64,
}

/// A projection that is ready: one for the whole gradient, or one a layer.
pub(super) enum Ready<'a> {
    Whole(AnyProjector<'static>),
    Layers(Vec<Part<'static>>),
    /// It has looked at the data.
    Kept(&'a dyn Kept),
}

impl Ready<'_> {
    /// The core's projection of a model's gradients.
    ///
    /// # Errors
    /// As [`AnyProjector::new`].
    pub(super) fn new(settings: &ProjectorSettings, model: &Mlp) -> Result<Self, Error> {
        let layers = gradients::layers(model);
        match AnyProjector::new(settings, &layers, &mut []) {
            // It works layer by layer.
            Err(Error::Length { .. }) => {
                let mut parts = vec![Part::UNUSED; layers.len()];
                AnyProjector::new(settings, &layers, &mut parts)?;
                Ok(Self::Layers(parts))
            }
            whole => whole.map(Self::Whole),
        }
    }

    /// K.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Whole(projector) => projector.width(),
            Self::Layers(parts) => parts.iter().map(|part| part.projector.width()).sum(),
            Self::Kept(kept) => kept.width(),
        }
    }

    /// The gradients of the samples at `indices`, sketched.
    pub(super) fn gather(
        &self,
        model: &Mlp,
        set: &Dataset,
        indices: &[usize],
        quantity: Quantity,
    ) -> Result<Rows, TruthError> {
        match self {
            Self::Whole(projector) => gather(model, set, indices, quantity, *projector),
            Self::Layers(parts) => {
                gather(model, set, indices, quantity, Plan::new(parts).map_err(core("the sketch"))?)
            }
            Self::Kept(kept) => gather_kept(model, set, indices, quantity, *kept),
        }
    }
}

impl Ready<'_> {
    /// The sketch of one gradient.
    fn sketched(&self, model: &Mlp, gradient: &[f32]) -> Result<Rows, TruthError> {
        match self {
            Self::Whole(projector) => sketched(model, gradient, *projector),
            Self::Layers(parts) => sketched(model, gradient, Plan::new(parts).map_err(core("the sketch"))?),
            Self::Kept(kept) => {
                let mut rows = Rows::kept(*kept, 1)?;
                rows.push(kept.width(), |row| kept.project(gradient, row));
                Ok(rows)
            }
        }
    }
}

/// Of what the gradient is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// The loss ℓ of the label.
    Loss,
    /// The margin ln(p/(1 − p)) of the label.
    Margin,
    /// √p_c·∇(−ln p_c) for each class c: one row a class, whose outer products add up to
    /// the generalised Gauss–Newton matrix.
    Pseudo,
}

impl Quantity {
    /// Rows a sample.
    fn rows(self, model: &Mlp) -> usize {
        if self == Self::Pseudo { model.classes() } else { 1 }
    }

    /// What the gradient of the loss is multiplied by, as in [`Mlp::backward_scaled`].
    fn scale(self, p: f64, rest: f64) -> f64 {
        match self {
            Self::Loss => 1.0,
            Self::Margin => -1.0 / rest,
            Self::Pseudo => libm::sqrt(p),
        }
    }

    /// Features and label that row `number` is of.
    fn sample<'s>(
        self,
        model: &Mlp,
        set: &'s Dataset,
        indices: &[usize],
        number: usize,
    ) -> Result<(&'s [f32], u32), TruthError> {
        let rows = self.rows(model);
        let i = indices[number / rows];
        let (Some(x), Some(&given)) = (set.row(i), set.labels().get(i)) else {
            let expected = format!("an index below {}", set.len());
            return Err(TruthError::Setting { what: "sample", expected, found: i.to_string() });
        };
        Ok((x, if self == Self::Pseudo { (number % rows) as u32 } else { given }))
    }
}

/// Sketches, one row each.
#[derive(Clone, Debug)]
pub struct Rows {
    /// What they are.
    pub id: SketchId,
    /// Row-major.
    pub values: Vec<f32>,
    /// The exact measures of each gradient.
    pub measures: Vec<Summary>,
    /// ℓ of each row's label.
    pub losses: Vec<f64>,
}

impl Rows {
    /// Numbers a row.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.id.width
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.measures.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.measures.is_empty()
    }

    /// Row by row.
    pub fn sketches(&self) -> impl ExactSizeIterator<Item = Sketch<'_>> {
        let rows = self.values.chunks_exact(self.id.width);
        rows.zip(&self.measures).map(|(values, &measures)| Sketch {
            id: self.id,
            values,
            measures,
            group: 0,
            loss: None,
        })
    }

    /// The numbers of row `i`.
    #[must_use]
    pub fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.id.width..(i + 1) * self.id.width]
    }
}

impl<'a> Evidence<'a> {
    /// What is known of a model that no path leads to: gradients are not projected, every
    /// test sample is a target, an ensemble is the model itself.
    #[must_use]
    pub const fn new(train: &'a Dataset, test: &'a Dataset, model: &'a Mlp, config: &'a TrainConfig) -> Self {
        Self {
            train,
            test,
            target: Target::Samples,
            model,
            trajectory: None,
            config,
            removal: Removal::AllEpochs,
            decay: 0.0,
            damping: None,
            dim: None,
            projection: Projection::Core(ProjectorSettings::DEFAULT),
            fitted: None,
            ensemble: 1,
            seed: 0,
        }
    }
}

impl Evidence<'_> {
    /// The gradients of all samples of `set` at `model`, sketched.
    ///
    /// # Errors
    /// A set that does not fit the model; a projection that does not fit the layout.
    pub fn rows(&self, model: &Mlp, set: &Dataset, quantity: Quantity) -> Result<Rows, TruthError> {
        let all: Vec<usize> = (0..set.len()).collect();
        self.rows_of(model, set, &all, quantity)
    }

    /// The gradients of the samples at `indices`, sketched.
    ///
    /// # Errors
    /// As [`rows`](Self::rows).
    pub fn rows_of(
        &self,
        model: &Mlp,
        set: &Dataset,
        indices: &[usize],
        quantity: Quantity,
    ) -> Result<Rows, TruthError> {
        self.projector(model)?.gather(model, set, indices, quantity)
    }

    /// How many targets there are, m.
    #[must_use]
    pub fn target_count(&self) -> usize {
        self.target.count(self.test)
    }

    /// The gradients of the targets at `model`, sketched.
    ///
    /// # Errors
    /// As [`rows`](Self::rows); groups in which no sample counts.
    pub fn target_rows(&self, model: &Mlp) -> Result<Rows, TruthError> {
        let Some(objective) = self.target.objective(&model.widened(), self.test)? else {
            return self.rows(model, self.test, Quantity::Loss);
        };
        let gradient: Vec<f32> = objective.gradient.iter().map(|&g| g as f32).collect();
        let mut rows = self.projector(model)?.sketched(model, &gradient)?;
        rows.losses.push(objective.value);
        Ok(rows)
    }

    /// Gradients that are not projected, or what was made of them entry by entry, as the
    /// evidence projects: as they are without a projection.
    pub(super) fn projected(&self, model: &Mlp, rows: Rows) -> Result<Rows, TruthError> {
        if self.dim.is_none() {
            return Ok(rows);
        }
        let ready = self.projector(model)?;
        let mut sketches: Option<Rows> = None;
        for gradient in rows.values.chunks_exact(rows.width()) {
            let row = ready.sketched(model, gradient)?;
            match &mut sketches {
                Some(sketches) => {
                    sketches.values.extend(row.values);
                    sketches.measures.extend(row.measures);
                }
                None => sketches = Some(row),
            }
        }
        let mut sketches = match sketches {
            Some(sketches) => sketches,
            None => ready.gather(model, self.train, &[], Quantity::Loss)?,
        };
        sketches.losses = rows.losses;
        Ok(sketches)
    }

    /// The projection of this model's gradients.
    pub(super) fn projector(&self, model: &Mlp) -> Result<Ready<'_>, TruthError> {
        let Some(dim) = self.dim else {
            return Ok(Ready::Whole(Exact::new(model.parameters().len()).into()));
        };
        match self.projection {
            Projection::Core(settings) => {
                let settings = ProjectorSettings { width: dim, key: Key::seed(self.seed), ..settings };
                Ready::new(&settings, model).map_err(core("the sketch"))
            }
            Projection::Principal | Projection::Eigen => match self.fitted {
                Some(fitted) => Ok(Ready::Kept(fitted.kept())),
                None => Err(TruthError::Setting {
                    what: "projection",
                    expected: "one that was fitted to the model".to_owned(),
                    found: self.projection.to_string(),
                }),
            },
        }
    }

    /// What the sketches of `model` are.
    ///
    /// # Errors
    /// A projection that does not fit the layout.
    pub fn id(&self, model: &Mlp) -> Result<SketchId, TruthError> {
        Ok(self.rows_of(model, self.train, &[], Quantity::Loss)?.id)
    }

    /// The path.
    ///
    /// # Errors
    /// There is none.
    pub fn path(&self) -> Result<&Trajectory, TruthError> {
        self.trajectory.ok_or_else(|| TruthError::Setting {
            what: "model",
            expected: "one that was trained step by step".to_owned(),
            found: "an optimum".to_owned(),
        })
    }
}

/// The layout of a model's gradient.
pub(super) fn layout(model: &Mlp) -> Result<Layout, TruthError> {
    gradients::layout(model).map_err(core("the model's layout"))
}

/// The sketch of one gradient.
fn sketched(model: &Mlp, gradient: &[f32], projector: impl Projector) -> Result<Rows, TruthError> {
    let layout = layout(model)?;
    let mut values = vec![0.0; projector.width()];
    let mut sketcher = Sketcher::new(projector, layout, &mut values).map_err(core("the sketch"))?;
    sketcher.segment(0, gradient).map_err(core("a target's gradient"))?;
    let measures = vec![sketcher.finish().map_err(core("a target's gradient"))?.measures];
    Ok(Rows { id: projector.id(layout.id()), values, measures, losses: Vec::new() })
}

impl Rows {
    /// No rows yet, of what `kept` keeps.
    pub(super) fn kept(kept: &dyn Kept, count: usize) -> Result<Self, TruthError> {
        let width = kept.width();
        let layout = Layout::flat(width as u64).map_err(core("the sketch"))?;
        Ok(Self {
            id: Exact::new(width).id(layout.id()),
            values: Vec::with_capacity(count * width),
            measures: Vec::with_capacity(count),
            losses: Vec::with_capacity(count),
        })
    }

    /// Adds a row of `width` numbers, as `fill` makes it of zeros. Its measures are those
    /// of what is kept.
    pub(super) fn push<R>(&mut self, width: usize, fill: impl FnOnce(&mut [f32]) -> R) -> R {
        let start = self.values.len();
        self.values.resize(start + width, 0.0);
        let row = &mut self.values[start..];
        let filled = fill(row);
        self.measures.push(gradsieve_kernels::summarize(row));
        filled
    }
}

/// [`gather`] of what is kept: of the factors, so that no gradient is written out.
fn gather_kept(
    model: &Mlp,
    set: &Dataset,
    indices: &[usize],
    quantity: Quantity,
    kept: &dyn Kept,
) -> Result<Rows, TruthError> {
    let count = indices.len() * quantity.rows(model);
    let mut rows = Rows::kept(kept, count)?;
    let mut scratch = Scratch::default();
    for number in 0..count {
        let (x, label) = quantity.sample(model, set, indices, number)?;
        let loss = rows.push(kept.width(), |row| {
            model.backward_scaled(
                x,
                label,
                |p, rest| quantity.scale(p, rest),
                &mut scratch,
                |part| {
                    kept.part(&part, row);
                },
            )
        })?;
        rows.losses.push(loss);
    }
    Ok(rows)
}

/// The gradients of the samples at `indices`, sketched by any projector.
pub(super) fn gather(
    model: &Mlp,
    set: &Dataset,
    indices: &[usize],
    quantity: Quantity,
    projector: impl Projector,
) -> Result<Rows, TruthError> {
    let layout = layout(model)?;
    let count = indices.len() * quantity.rows(model);
    let width = projector.width();
    let mut rows = Rows {
        id: projector.id(layout.id()),
        values: vec![0.0; count * width],
        measures: Vec::with_capacity(count),
        losses: Vec::with_capacity(count),
    };
    let mut scratch = Scratch::default();
    let scale = |p, rest| quantity.scale(p, rest);
    let mut sketcher = Sketcher::new(projector, layout, vec![0.0; width]).map_err(core("the sketch"))?;
    for (number, values) in rows.values.chunks_exact_mut(width).enumerate() {
        let (x, label) = quantity.sample(model, set, indices, number)?;
        let loss = gradients::stream(model, x, label, scale, &mut scratch, &mut sketcher)?;
        let loss = loss.map_err(core("a gradient"))?;
        let sketch = sketcher.finish().map_err(core("a gradient"))?;
        values.copy_from_slice(sketch.values);
        rows.measures.push(sketch.measures);
        rows.losses.push(loss);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::blobs;
    use crate::model::TrainConfig;

    #[test]
    fn a_projection_that_looks_at_the_data_is_fitted_before_a_method_asks_for_rows() {
        let set = blobs(12, 3, 5, 2.0, 1).unwrap();
        let (model, config) = (Mlp::new(5, &[4], 3, 1).unwrap(), TrainConfig::default());
        for projection in [Projection::Principal, Projection::Eigen] {
            let fitted = Fitted::new(projection, &model, &set, 32).unwrap().unwrap();
            let bare = Evidence::new(&set, &set, &model, &config);
            let bare = Evidence { dim: Some(32), projection, ..bare };
            let evidence = Evidence { fitted: Some(&fitted), ..bare };
            let width = |evidence: &Evidence<'_>| {
                evidence.rows(&model, &set, Quantity::Loss).map(|rows| rows.width())
            };
            assert_eq!(width(&evidence).unwrap(), fitted.kept().width());
            assert!(width(&bare).unwrap_err().to_string().contains("fitted to the model"));
        }
        assert!(Fitted::new(Projection::default(), &model, &set, 32).unwrap().is_none());
    }
}
