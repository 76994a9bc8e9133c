//! Data value embedding, by the core's adjoint forms: the targets are known here, so no
//! matrix is needed, and the scores are those of the embeddings. Which form is the
//! optimizer's; the others stand beside it, to see what they miss.

use gradsieve::SketchId;
use gradsieve::influence::dvemb::{
    AdamwAdjoint, AdamwSettings, AdamwStep, Adjoint, AdjointSettings, Blocks, Curvature, MomentumAdjoint,
    MomentumSettings, MomentumStep, Step,
};

use super::super::error::{TruthError, core};
use super::super::evidence::{Evidence, Quantity, Rows};
use super::scored::Scored;
use crate::model::{self, Mlp, Moments, Optimizer, Trajectory};

const WHAT: &str = "data value embedding";

/// The exact generalised Gauss–Newton matrix of each step, and the optimizer's own form.
pub(super) fn gauss_newton(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    own_form(evidence, Quantity::Pseudo)
}

/// The paper's curvature: the empirical Fisher of each step.
pub(super) fn fisher(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    own_form(evidence, Quantity::Loss)
}

/// As if the steps had been those of plain SGD.
pub(super) fn of_sgd(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    sgd(evidence, Quantity::Pseudo)
}

/// Adam's steps with its last second moments in place of each step's own.
pub(super) fn frozen(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    frozen_adam(evidence, Quantity::Pseudo)
}

fn own_form(evidence: &Evidence<'_>, factors: Quantity) -> Result<Scored, TruthError> {
    let path = evidence.path()?;
    match path.optimizer() {
        Optimizer::Sgd if path.weight_decay() == 0.0 => sgd(evidence, factors),
        Optimizer::Sgd | Optimizer::Momentum { .. } | Optimizer::Nesterov { .. } => {
            momentum(evidence, factors)
        }
        Optimizer::Adam { .. } if path.weight_decay() != 0.0 => Err(TruthError::Setting {
            what: "optimizer",
            expected: "adamw, or adam without weight decay".to_owned(),
            found: "adam with weight decay".to_owned(),
        }),
        // No projection commutes with second moments.
        Optimizer::Adam { .. } | Optimizer::AdamW { .. } if evidence.dim.is_some() => {
            frozen_adam(evidence, factors)
        }
        Optimizer::Adam { .. } | Optimizer::AdamW { .. } => adamw(evidence, factors),
    }
}

/// One step on its way back: its place in the run, its rows, and those of its curvature.
struct Back<'a> {
    t: usize,
    step: &'a model::Step,
    gradients: &'a Rows,
    curvature: Curvature<'a>,
}

impl Back<'_> {
    /// The step as the core knows it, `times` as long as SGD's.
    fn step(&self, times: f64) -> Step<'_> {
        let learning_rate = (times * self.step.rate) as f32;
        let (id, gradients) = (self.gradients.id, &self.gradients.values);
        Step { id, learning_rate, gradients, curvature: self.curvature }
    }

    /// The same for an optimizer that sees the mean over the batch.
    fn of_mean(&self, times: f64, decay: f64) -> MomentumStep<'_> {
        let divisor = self.step.batch.len() as f32;
        MomentumStep { step: self.step(times), divisor, decay: decay as f32 }
    }
}

/// How rows become what a form takes: of a model, from the samples' gradients.
type Gather<'a> = dyn Fn(&Mlp, &[usize], Quantity) -> Result<Rows, TruthError> + 'a;

/// The most samples and factor rows of a step.
fn largest(evidence: &Evidence<'_>, path: &Trajectory, factors: Quantity) -> (usize, usize) {
    let samples = path.steps().iter().map(|step| step.batch.len()).max().unwrap_or(0);
    let rows = if factors == Quantity::Pseudo { samples * evidence.model.classes() } else { samples };
    (samples, rows)
}

/// Goes through the steps from the last one back, and adds up what `act` writes: a score
/// for each sample and target.
fn walk_back(
    evidence: &Evidence<'_>,
    factors: Quantity,
    gather: &Gather<'_>,
    mut act: impl FnMut(&Back<'_>, &mut [f32]) -> Result<(), gradsieve::Error>,
) -> Result<Vec<f64>, TruthError> {
    let path = evidence.path()?;
    let (n, m) = (evidence.train.len(), evidence.target_count());
    let steps = path.steps().get(path.first_step(evidence.removal)..).unwrap_or_default();
    let mut scores = vec![0.0; m * n];
    let mut of_step = vec![0.0; largest(evidence, path, factors).0 * m];
    for (t, step) in (0..path.steps().len()).zip(path.steps()).rev().take(steps.len()) {
        let model = path.model_before(t);
        let gradients = gather(&model, &step.batch, Quantity::Loss)?;
        let rows;
        let curvature = if factors == Quantity::Pseudo {
            rows = gather(&model, &step.batch, factors)?;
            Curvature::Factors(&rows.values)
        } else {
            Curvature::EmpiricalFisher
        };
        let of_step = &mut of_step[..step.batch.len() * m];
        act(&Back { t, step, gradients: &gradients, curvature }, of_step).map_err(core(WHAT))?;
        for (&i, row) in step.batch.iter().zip(of_step.chunks_exact(m)) {
            for (j, &score) in row.iter().enumerate() {
                scores[j * n + i] += f64::from(score);
            }
        }
    }
    Ok(scores)
}

fn sgd(evidence: &Evidence<'_>, factors: Quantity) -> Result<Scored, TruthError> {
    let test = evidence.target_rows(evidence.model)?;
    let ends = [test.width()];
    let blocks = Blocks::new(&ends).map_err(core(WHAT))?;
    let rows = largest(evidence, evidence.path()?, factors).1;
    let settings = AdjointSettings { blocks, targets: evidence.target_count(), rows };
    let memory = vec![0.0; settings.memory().f32s];
    let mut adjoint = Adjoint::new(settings, test.id, &test.values, memory).map_err(core(WHAT))?;
    let ready = evidence.projector(evidence.model)?;
    let gather =
        |model: &Mlp, batch: &[usize], quantity| ready.gather(model, evidence.train, batch, quantity);
    let scores = walk_back(evidence, factors, &gather, |back, scores| {
        adjoint.step(&back.step(1.0), scores).map(|_| ())
    })?;
    Ok(Scored { scores, bytes: settings.memory().bytes() })
}

fn momentum(evidence: &Evidence<'_>, factors: Quantity) -> Result<Scored, TruthError> {
    let path = evidence.path()?;
    let test = evidence.target_rows(evidence.model)?;
    let ends = [test.width()];
    let settings = plain(evidence, factors, &ends)?;
    let (momentum, nesterov) = match path.optimizer() {
        Optimizer::Momentum { momentum } => (momentum, false),
        Optimizer::Nesterov { momentum } => (momentum, true),
        _ => (0.0, false),
    };
    let weight_decay = path.weight_decay() as f32;
    let settings = MomentumSettings { momentum, nesterov, weight_decay, ..settings };
    let mut adjoint = momentum_adjoint(settings, test.id, &test.values)?;
    let ready = evidence.projector(evidence.model)?;
    let gather =
        |model: &Mlp, batch: &[usize], quantity| ready.gather(model, evidence.train, batch, quantity);
    let scores = walk_back(evidence, factors, &gather, |back, scores| {
        adjoint.step(&back.of_mean(1.0, 0.0), scores).map(|_| ())
    })?;
    Ok(Scored { scores, bytes: settings.memory().bytes() })
}

/// Settings without momentum yet.
fn plain<'b>(
    evidence: &Evidence<'_>,
    factors: Quantity,
    ends: &'b [usize],
) -> Result<MomentumSettings<'b>, TruthError> {
    let rows = largest(evidence, evidence.path()?, factors).1;
    let blocks = Blocks::new(ends).map_err(core(WHAT))?;
    Ok(MomentumSettings::new(blocks, evidence.target_count(), rows))
}

fn momentum_adjoint<'b>(
    settings: MomentumSettings<'b>,
    id: SketchId,
    targets: &[f32],
) -> Result<MomentumAdjoint<'b, Vec<f32>>, TruthError> {
    let memory = vec![0.0; settings.memory().f32s];
    MomentumAdjoint::new(settings, id, targets, memory).map_err(core(WHAT))
}

/// β₁, β₂ and ε of Adam or AdamW.
pub(super) fn betas(path: &Trajectory) -> Result<[f64; 3], TruthError> {
    match path.optimizer() {
        Optimizer::Adam { beta1, beta2, epsilon } | Optimizer::AdamW { beta1, beta2, epsilon } => {
            Ok([beta1, beta2, epsilon].map(f64::from))
        }
        other => Err(TruthError::Setting {
            what: "optimizer",
            expected: "adam or adamw".to_owned(),
            found: other.name().to_owned(),
        }),
    }
}

fn adamw(evidence: &Evidence<'_>, factors: Quantity) -> Result<Scored, TruthError> {
    let path = evidence.path()?;
    let test = evidence.target_rows(evidence.model)?;
    let rows = largest(evidence, path, factors).1;
    let [beta1, beta2, epsilon] = betas(path)?;
    let weight_decay = path.weight_decay();
    let settings = AdamwSettings::new(test.width(), evidence.target_count(), rows);
    let settings = AdamwSettings { beta1, beta2, epsilon, weight_decay, ..settings };
    let memory = settings.memory();
    let (floats, doubles) = (vec![0.0; memory.f32s], vec![0.0; memory.f64s]);
    let mut adjoint =
        AdamwAdjoint::new(settings, test.id, &test.values, floats, doubles).map_err(core(WHAT))?;
    let ready = evidence.projector(evidence.model)?;
    let gather =
        |model: &Mlp, batch: &[usize], quantity| ready.gather(model, evidence.train, batch, quantity);
    let scores = walk_back(evidence, factors, &gather, |back, scores| {
        let Moments { first, second } = path.moments_after(back.t);
        let step = AdamwStep {
            step: back.step(1.0),
            divisor: back.step.batch.len() as f32,
            number: back.t as u64 + 1,
            first: &first.iter().map(|&x| x as f32).collect::<Vec<f32>>(),
            second: &second.iter().map(|&x| x as f32).collect::<Vec<f32>>(),
        };
        adjoint.step(&step, scores)
    })?;
    Ok(Scored { scores, bytes: memory.bytes() })
}

/// D = 1/(√v̂ + ε) at the end of a run by Adam; 0 where no gradient ever came: no step
/// goes there.
pub(super) fn last_scale(path: &Trajectory) -> Result<Vec<f64>, TruthError> {
    let [_, beta2, epsilon] = betas(path)?;
    let last = path.steps().len();
    let corrected = 1.0 - libm::pow(beta2, last as f64);
    let Moments { second, .. } = path.moments_after(last.saturating_sub(1));
    let scale = |&v: &f64| if v > 0.0 { 1.0 / (libm::sqrt(v / corrected) + epsilon) } else { 0.0 };
    Ok(second.iter().map(scale).collect())
}

/// With D of the run's end for all steps, and rows times √D, Adam is a momentum, which
/// commutes with a projection.
fn frozen_adam(evidence: &Evidence<'_>, factors: Quantity) -> Result<Scored, TruthError> {
    let path = evidence.path()?;
    let [beta1, ..] = betas(path)?;
    let root: Vec<f32> = last_scale(path)?.into_iter().map(|scale| libm::sqrt(scale) as f32).collect();
    let whole = Evidence { dim: None, ..*evidence };
    let scaled = |model: &Mlp, mut rows: Rows| {
        for row in rows.values.chunks_exact_mut(root.len()) {
            row.iter_mut().zip(&root).for_each(|(x, root)| *x *= root);
        }
        evidence.projected(model, rows)
    };
    let test = scaled(evidence.model, whole.target_rows(evidence.model)?)?;
    let ends = [test.width()];
    let settings = plain(evidence, factors, &ends)?;
    let (momentum, gain) = (beta1 as f32, (1.0 - beta1) as f32);
    let settings = MomentumSettings { momentum, gain, ..settings };
    let mut adjoint = momentum_adjoint(settings, test.id, &test.values)?;
    let gather = |model: &Mlp, batch: &[usize], quantity| {
        scaled(model, whole.rows_of(model, evidence.train, batch, quantity)?)
    };
    let decay = path.weight_decay();
    let scores = walk_back(evidence, factors, &gather, |back, scores| {
        let corrected = 1.0 - libm::pow(beta1, back.t as f64 + 1.0);
        let step = back.of_mean(1.0 / corrected, decay * back.step.learning_rate());
        adjoint.step(&step, scores).map(|_| ())
    })?;
    Ok(Scored { scores, bytes: settings.memory().bytes() })
}

#[cfg(test)]
mod tests {
    use super::super::adjoint::pull_back;
    use super::*;
    use crate::data::blobs;
    use crate::model::{Removal, TrainConfig};

    #[test]
    fn the_cores_scores_are_those_of_targets_pulled_back_in_f64() {
        let train = blobs(40, 3, 5, 2.0, 1).unwrap();
        let test = blobs(7, 3, 5, 2.0, 2).unwrap();
        use Optimizer as O;
        let plain = TrainConfig { hidden: vec![6], epochs: 3, batch_size: 9, ..TrainConfig::default() };
        let decayed = |optimizer, learning_rate| TrainConfig {
            optimizer,
            learning_rate,
            weight_decay: 0.1,
            ..plain.clone()
        };
        let others = [decayed(O::Sgd, 0.1), decayed(O::MOMENTUM, 0.02), decayed(O::NESTEROV, 0.02)];
        let adam = TrainConfig { weight_decay: 0.0, ..decayed(O::ADAM, 0.01) };
        let configs = [plain.clone(), adam, decayed(O::ADAMW, 0.01)].into_iter().chain(others);
        for (config, removal) in
            configs.flat_map(|config| [Removal::LastEpoch, Removal::AllEpochs].map(|r| (config.clone(), r)))
        {
            let path = Trajectory::record(&train, &config).unwrap();
            let model = path.model();
            let evidence = Evidence {
                trajectory: Some(&path),
                removal,
                ..Evidence::new(&train, &test, &model, &config)
            };
            let exact = pull_back(&evidence, Some(model::Curvature::GaussNewton)).unwrap();
            let paper = pull_back(&evidence, None).unwrap();
            for (core, oracle) in [(gauss_newton(&evidence), exact), (fisher(&evidence), paper)] {
                let core = core.unwrap().scores;
                assert_eq!(core.len(), 7 * 40);
                let largest = oracle.scores.iter().fold(0.0, |m: f64, s| m.max(s.abs()));
                assert!(largest > 0.0);
                for (found, expected) in core.iter().zip(&oracle.scores) {
                    let error = (found - expected).abs() / largest;
                    assert!(error < 1e-4, "{:?}: {found} {expected}", config.optimizer);
                }
            }
        }
    }
}
