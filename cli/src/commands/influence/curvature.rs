//! The methods that solve for a target first: the training rows are not multiplied with
//! the target's gradient, but with (C + λI)⁻¹ times that, or what a method puts in its
//! place.

use gradsieve::influence::{
    ConjugateGradients, ConjugateGradientsSettings, DataInf, DataInfLayer, DataInfSettings, IterativeSolver,
    Lissa, LissaSettings, Progress, Ridge, RidgeSettings, Trak, TrakSettings,
};
use gradsieve::{Error, Sketch, SketchId, Summary};
use serde::Serialize;

use super::arguments::Method;
use super::plan::Solving;
use crate::commands::CommandError;
use crate::commands::console;
use crate::commands::products::Block;
use crate::commands::rows::{Rows, zeros};

/// What stands between a target's gradient and its solution.
pub(super) enum Solver {
    /// Nothing: the training rows are multiplied with the gradient itself.
    None,
    Ridge(Ridge<Vec<f64>>),
    Trak(Trak<Vec<f64>>),
    DataInf(DataInf<Vec<DataInfLayer>>),
    Iterative(Iterative),
}

/// A solver that passes over the training rows until it is content.
pub(super) struct Iterative {
    conjugate: bool,
    settings: LissaSettings,
    most: u32,
    convergence: Convergence,
}

/// How far an iteration has come, over all targets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Convergence {
    pub(super) passes: u32,
    pub(super) residual: f64,
    pub(super) converged: bool,
}

impl Solver {
    /// The solver of these training rows, which may be passed over for it.
    pub(super) fn fit(solving: &Solving, train: &mut Rows) -> Result<Self, CommandError> {
        let (width, name) = (train.width(), train.name().to_owned());
        let damping = solving.damping.unwrap_or(RidgeSettings::new(width).damping);
        let wrong = CommandError::core(&name);
        let not_fitted =
            |error| CommandError::NotFitted { file: name.clone(), what: what(solving.method), error };
        Ok(match solving.method {
            Method::Ridge => {
                let settings = RidgeSettings { width, damping };
                let buffer = zeros(&name, settings.memory().f64s)?;
                let mut ridge = Ridge::new(settings, buffer).map_err(wrong)?;
                train.observe("observing", |_, sketch| ridge.observe(sketch))?;
                ridge.fit().map_err(not_fitted)?;
                remark_condition(&name, ridge.condition());
                Self::Ridge(ridge)
            }
            Method::Trak => {
                let settings = TrakSettings { width, damping };
                let buffer = zeros(&name, settings.memory().f64s)?;
                let mut trak = Trak::new(settings, buffer).map_err(wrong)?;
                train.observe("observing", |_, sketch| trak.observe(sketch))?;
                trak.fit().map_err(not_fitted)?;
                remark_condition(&name, trak.condition());
                Self::Trak(trak)
            }
            Method::Datainf => {
                let layers = layers(solving, width);
                let settings =
                    DataInfSettings { layers: layers.len(), damping, ..DataInfSettings::new(width) };
                let mut datainf = DataInf::new(settings, layers).map_err(wrong)?;
                train.observe("observing", |_, sketch| datainf.observe(sketch))?;
                datainf.fit().map_err(not_fitted)?;
                Self::DataInf(datainf)
            }
            method @ (Method::Lissa | Method::Cg) => {
                let usual = LissaSettings::new(width);
                let tolerance = solving.tolerance.unwrap_or(usual.tolerance);
                Self::Iterative(Iterative {
                    conjugate: method == Method::Cg,
                    settings: LissaSettings { damping, tolerance, step: solving.step, ..usual },
                    most: solving.passes,
                    convergence: Convergence { passes: 0, residual: 0.0, converged: true },
                })
            }
            _ => Self::None,
        })
    }

    /// Replaces the targets of a block by their solutions.
    pub(super) fn solve(&mut self, train: &mut Rows, block: &mut Block) -> Result<(), CommandError> {
        match self {
            Self::None => Ok(()),
            Self::Ridge(ridge) => solve_each(ridge, train, block),
            Self::Trak(trak) => solve_each(trak, train, block),
            Self::DataInf(datainf) => solve_datainf(datainf, train, block),
            Self::Iterative(iterative) => iterative.solve(train, block),
        }
    }

    /// How far an iteration has come; nothing if there is none.
    pub(super) const fn convergence(&self) -> Option<Convergence> {
        match self {
            Self::Iterative(iterative) => Some(iterative.convergence),
            _ => None,
        }
    }
}

impl Iterative {
    fn solve(&mut self, train: &mut Rows, block: &mut Block) -> Result<(), CommandError> {
        let targets = block.len();
        if targets == 0 {
            return Ok(());
        }
        let name = train.name().to_owned();
        let LissaSettings { width, damping, tolerance, step, .. } = self.settings;
        let progress = if self.conjugate {
            let settings = ConjugateGradientsSettings { width, targets, damping, tolerance };
            let memory = zeros(&name, settings.memory().f32s)?;
            self.pass(
                train,
                block,
                ConjugateGradients::new(settings, memory).map_err(CommandError::core(&name))?,
            )?
        } else {
            let settings = LissaSettings { width, targets, damping, tolerance, step };
            let memory = zeros(&name, settings.memory().f32s)?;
            self.pass(train, block, Lissa::new(settings, memory).map_err(CommandError::core(&name))?)?
        };
        let all = &mut self.convergence;
        all.passes = all.passes.max(progress.passes);
        all.residual = all.residual.max(progress.residual);
        all.converged &= progress.converged;
        Ok(())
    }

    /// Pass after pass, until all targets are solved or enough is enough. The block's
    /// targets become their solutions.
    fn pass(
        &self,
        train: &mut Rows,
        block: &mut Block,
        mut solver: impl IterativeSolver,
    ) -> Result<Progress, CommandError> {
        let file = train.name().to_owned();
        let wrong = || CommandError::core(&file);
        let what = what(if self.conjugate { Method::Cg } else { Method::Lissa });
        each(block, train.id(), |target, _| solver.target(target)).map_err(wrong())?;
        loop {
            train.observe("solving over", |_, sketch| solver.observe(sketch))?;
            let progress = solver.end_pass().map_err(|error| CommandError::NotFitted {
                file: file.clone(),
                what,
                error,
            })?;
            if progress.converged || progress.passes >= self.most {
                block.replace(solver.targets().map_err(wrong())?.solutions());
                return Ok(progress);
            }
        }
    }
}

/// The layers of the rows; all of a row is one, if none were named.
fn layers(solving: &Solving, width: usize) -> Vec<DataInfLayer> {
    let lengths = if solving.layers.is_empty() { &[width][..] } else { &solving.layers };
    let ends = lengths.iter().scan(0_usize, |end, &length| {
        let start = *end;
        *end = end.saturating_add(length);
        Some(start..*end)
    });
    ends.map(DataInfLayer::new).collect()
}

/// Replaces the targets of a block by their solutions, one by one.
fn solve_each(
    solver: &mut impl gradsieve::influence::Solver,
    train: &Rows,
    block: &mut Block,
) -> Result<(), CommandError> {
    let mut solution = vec![0.0; train.id().width];
    each(block, train.id(), |target, values| {
        values.extend_from_slice(solver.solve(target, &mut solution)?.solutions());
        Ok(())
    })
    .map_err(CommandError::core(train.name()))
}

/// The second pass of DataInf.
fn solve_datainf(
    datainf: &DataInf<Vec<DataInfLayer>>,
    train: &mut Rows,
    block: &mut Block,
) -> Result<(), CommandError> {
    let targets = block.len();
    if targets == 0 {
        return Ok(());
    }
    let (id, name) = (train.id(), train.name().to_owned());
    let settings = DataInfSettings { targets, ..DataInfSettings::new(id.width) };
    let memory = zeros(&name, settings.memory().f32s)?;
    let mut pass = datainf.solver(targets, memory).map_err(CommandError::core(&name))?;
    each(block, id, |target, _| pass.target(target)).map_err(CommandError::core(&name))?;
    train.observe("solving over", |_, sketch| pass.observe(sketch))?;
    pass.end_pass().map_err(CommandError::core(&name))?;
    block.replace(pass.targets().map_err(CommandError::core(&name))?.solutions());
    Ok(())
}

/// Calls `visit` with each target of a block, and replaces the block's values by those
/// that it gave, if it gave any.
fn each(
    block: &mut Block,
    id: SketchId,
    mut visit: impl FnMut(&Sketch<'_>, &mut Vec<f32>) -> Result<(), Error>,
) -> Result<(), Error> {
    // Whether they are finite was seen when they were read; nobody asks for their
    // measures.
    let unknown = Summary { l1: 0.0, l2_squared: 0.0, max: 0.0, non_finite: 0, count: 0 };
    let mut values = Vec::new();
    for target in block.values().chunks_exact(id.width.max(1)) {
        visit(&Sketch::from_parts(id, target, unknown)?, &mut values)?;
    }
    if !values.is_empty() {
        block.replace(&values);
    }
    Ok(())
}

/// Says when the rounding of solutions to `f32` may be seen in the influences.
fn remark_condition(file: &str, condition: Option<f64>) {
    /// From here on 2⁻²⁴ of a solution may be some 5 % of an influence.
    const SEEN: f64 = 1e6;
    if let Some(condition) = condition.filter(|&condition| condition >= SEEN) {
        console::remark(format!(
            "{file}: the damped second moment has a condition number of about {condition:.0e}, so influences may \
             be off by more than a hundredth of the largest; a larger --damping is safer"
        ));
    }
}

/// What could not be computed, if something could not.
const fn what(method: Method) -> &'static str {
    match method {
        Method::Trak => "TRAK",
        Method::Datainf => "DataInf",
        Method::Lissa => "LiSSA",
        Method::Cg => "the solution by conjugate gradients",
        _ => "ridge influence",
    }
}
