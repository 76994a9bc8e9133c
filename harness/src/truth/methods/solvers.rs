//! Influence functions by iterative solvers: (H + λI)⁻¹v by conjugate gradients and by
//! LiSSA, with H the generalised Gauss–Newton matrix given by its pseudo-gradients; and
//! DataInf, which solves in closed form.

use gradsieve::influence::{
    ConjugateGradients, ConjugateGradientsSettings, DataInf, DataInfLayer, DataInfSettings, IterativeSolver,
    Lissa, LissaSettings, Targets,
};

use super::super::error::{TruthError, core};
use super::super::evidence::{Evidence, Quantity, Rows};
use super::scored::Scored;

/// Passes over the rows at most: conjugate gradients, and LiSSA, which each bring nearer
/// by a fixed part.
const CG_PASSES: u32 = 200;
const LISSA_PASSES: u32 = 60;

/// (H + λI)⁻¹ by conjugate gradients.
pub(super) fn conjugate_gradients(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    let (factors, LissaSettings { width, targets, damping, tolerance, .. }, test) = system(evidence)?;
    let settings = ConjugateGradientsSettings { width, targets, damping, tolerance };
    let (bytes, memory) = (settings.memory().bytes(), vec![0.0; settings.memory().f64s]);
    let mut solver = ConjugateGradients::new(settings, memory).map_err(core("conjugate gradients"))?;
    for target in test.sketches() {
        solver.target(&target).map_err(core("conjugate gradients"))?;
    }
    solver.solve(&factors.id, &factors.values, CG_PASSES).map_err(core("conjugate gradients"))?;
    solved(evidence, &solver.targets().map_err(core("conjugate gradients"))?, bytes)
}

/// The same by LiSSA's recursion, with the step 1/(1.1·λ_max + λ).
pub(super) fn lissa(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    let (factors, settings, test) = system(evidence)?;
    let mean = squares(&factors) / (factors.len() * factors.width()) as f64;
    let step = 1.0 / (1.1 * largest_eigenvalue(&factors) + f64::from(settings.damping) * mean);
    let settings = LissaSettings { step: Some(step), ..settings };
    let (bytes, memory) = (settings.memory().bytes(), vec![0.0; settings.memory().f64s]);
    let mut solver = Lissa::new(settings, memory).map_err(core("LiSSA"))?;
    for target in test.sketches() {
        solver.target(&target).map_err(core("LiSSA"))?;
    }
    solver.solve(&factors.id, &factors.values, LISSA_PASSES).map_err(core("LiSSA"))?;
    solved(evidence, &solver.targets().map_err(core("LiSSA"))?, bytes)
}

/// The rows h, the damping in units of their mean eigenvalue (a tenth, and the weight
/// decay that the model was trained with), and the targets.
fn system(evidence: &Evidence<'_>) -> Result<(Rows, LissaSettings, Rows), TruthError> {
    let factors = evidence.rows(evidence.model, evidence.train, Quantity::Pseudo)?;
    let test = evidence.target_rows(evidence.model)?;
    let usual = LissaSettings { targets: test.len(), ..LissaSettings::new(factors.width()) };
    // H is a mean over samples, the solver's matrix one over rows; the damping is
    // relative to either.
    let mean = squares(&factors) / (evidence.train.len() * factors.width()) as f64;
    let damping = if evidence.decay > 0.0 {
        (evidence.decay / mean) as f32
    } else {
        evidence.damping.unwrap_or(usual.damping)
    };
    Ok((factors, LissaSettings { damping, ..usual }, test))
}

fn squares(rows: &Rows) -> f64 {
    rows.measures.iter().map(|measures| measures.l2_squared).sum()
}

/// λ_max of the mean of h hᵀ, by power iteration.
fn largest_eigenvalue(rows: &Rows) -> f64 {
    let mut vector = vec![1.0f64; rows.width()];
    let mut eigenvalue = 0.0;
    for _ in 0..30 {
        let norm = libm::sqrt(vector.iter().map(|v| v * v).sum());
        let mut next = vec![0.0; vector.len()];
        for row in rows.values.chunks_exact(rows.width()) {
            let along: f64 = row.iter().zip(&vector).map(|(&h, v)| f64::from(h) * v).sum::<f64>() / norm;
            next.iter_mut().zip(row).for_each(|(n, &h)| *n += along * f64::from(h));
        }
        eigenvalue = libm::sqrt(next.iter().map(|v| v * v).sum()) / rows.len() as f64;
        vector = next;
    }
    eigenvalue
}

/// Every training gradient against the solved targets.
fn scored(evidence: &Evidence<'_>, targets: &Targets<'_>, bytes: usize) -> Result<Scored, TruthError> {
    let train = evidence.rows(evidence.model, evidence.train, Quantity::Loss)?;
    let mut scores = vec![0.0; targets.count() * train.len()];
    targets.score_rows(&train.id, &train.values, &mut scores).map_err(core("scores"))?;
    Ok(Scored { scores: scores.into_iter().map(f64::from).collect(), bytes })
}

/// The same for targets in `f64`.
fn solved(evidence: &Evidence<'_>, targets: &Targets<'_, f64>, bytes: usize) -> Result<Scored, TruthError> {
    let train = evidence.rows(evidence.model, evidence.train, Quantity::Loss)?;
    let mut scores = vec![0.0; targets.count() * train.len()];
    targets.score_rows(&train.id, &train.values, &mut scores).map_err(core("scores"))?;
    Ok(Scored { scores, bytes })
}

/// DataInf, layer by layer where the gradients are not projected.
pub(super) fn datainf(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    let train = evidence.rows(evidence.model, evidence.train, Quantity::Loss)?;
    let test = evidence.target_rows(evidence.model)?;
    let layers: Vec<DataInfLayer> = match evidence.dim {
        Some(_) => vec![DataInfLayer::new(0..train.width())],
        None => evidence.model.layers().iter().map(|l| DataInfLayer::new(l.weights..l.end())).collect(),
    };
    let settings =
        DataInfSettings { layers: layers.len(), targets: test.len(), ..DataInfSettings::new(train.width()) };
    let mut first = DataInf::new(settings, layers).map_err(core("DataInf"))?;
    for sketch in train.sketches() {
        first.observe(&sketch).map_err(core("DataInf"))?;
    }
    first.fit().map_err(core("DataInf"))?;
    let (bytes, memory) = (settings.memory().bytes(), vec![0.0; settings.memory().f32s]);
    let mut second = first.solver(test.len(), memory).map_err(core("DataInf"))?;
    for target in test.sketches() {
        second.target(&target).map_err(core("DataInf"))?;
    }
    for sketch in train.sketches() {
        second.observe(&sketch).map_err(core("DataInf"))?;
    }
    second.end_pass().map_err(core("DataInf"))?;
    scored(evidence, &second.targets().map_err(core("DataInf"))?, bytes)
}
