//! The methods that solve for a target first: the training rows are not multiplied with
//! the target's gradient, but with (C + λI)⁻¹ times that, or what a method puts in its
//! place.

use gradsieve::influence::{
    ConjugateGradients, ConjugateGradientsSettings, Curvature, DataInf, DataInfLayer, DataInfSettings,
    IterativeSolver, Lissa, LissaSettings, Progress, Ridge, RidgeSettings, Targets, Trak, TrakSettings,
};
use gradsieve::moments::SecondMoment;
use gradsieve::{Error, Sketch, SketchId, Summary};

use super::arguments::Method;
use super::plan::Solving;
use super::quality::{Convergence, Quality};
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
    method: Method,
    settings: LissaSettings,
    most: u32,
    accepts_inexact: bool,
    convergence: Convergence,
}

impl Solver {
    /// The solver of these training rows, which may be passed over for it.
    pub(super) fn fit(solving: &Solving, train: &mut Rows) -> Result<Self, CommandError> {
        let (width, name) = (train.width(), train.name().to_owned());
        let damping = solving.damping.unwrap_or(RidgeSettings::new(width).damping);
        let wrong = CommandError::core(&name);
        let not_fitted =
            |error| CommandError::NotFitted { file: name.clone(), what: what(solving.method), error };
        let solver = match solving.method {
            Method::Ridge => {
                let settings = RidgeSettings { width, damping };
                let buffer = zeros(&name, settings.memory().f64s)?;
                let mut ridge = Ridge::new(settings, buffer).map_err(wrong)?;
                train.observe("observing", |_, sketch| ridge.observe(sketch))?;
                ridge.fit().map_err(not_fitted)?;
                Self::Ridge(ridge)
            }
            Method::Trak => {
                let settings = TrakSettings { width, damping };
                let buffer = zeros(&name, settings.memory().f64s)?;
                let mut trak = Trak::new(settings, buffer).map_err(wrong)?;
                train.observe("observing", |_, sketch| trak.observe(sketch))?;
                trak.fit().map_err(not_fitted)?;
                remark_singular(&name, &trak);
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
                    method,
                    settings: LissaSettings { damping, tolerance, step: solving.step, ..usual },
                    most: solving.passes,
                    accepts_inexact: solving.accepts_inexact,
                    convergence: Convergence::NEW,
                })
            }
            _ => Self::None,
        };
        match solver.quality().and_then(|quality| quality.doubt(solving.method)) {
            Some(reason) if !solving.accepts_inexact => Err(CommandError::Inexact { file: name, reason }),
            _ => Ok(solver),
        }
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

    /// What is known of the solutions; nothing if there is nothing to know.
    pub(super) fn quality(&self) -> Option<Quality> {
        match self {
            Self::Iterative(iterative) => Some(Quality::Passes(iterative.convergence)),
            Self::Ridge(ridge) => Some(matrix(ridge)),
            Self::Trak(trak) => Some(matrix(trak)),
            Self::None | Self::DataInf(_) => None,
        }
    }
}

fn matrix<P: Curvature>(moment: &SecondMoment<P, Vec<f64>>) -> Quality {
    Quality::Matrix { condition: moment.condition().unwrap_or(f64::INFINITY), singular: moment.is_singular() }
}

impl Iterative {
    fn solve(&mut self, train: &mut Rows, block: &mut Block) -> Result<(), CommandError> {
        let targets = block.len();
        if targets == 0 {
            return Ok(());
        }
        let name = train.name().to_owned();
        let LissaSettings { width, damping, tolerance, step, .. } = self.settings;
        let progress = if self.method == Method::Cg {
            let settings = ConjugateGradientsSettings { width, targets, damping, tolerance };
            let memory = zeros(&name, settings.memory().f64s)?;
            self.pass(
                train,
                block,
                ConjugateGradients::new(settings, memory).map_err(CommandError::core(&name))?,
            )?
        } else {
            let settings = LissaSettings { width, targets, damping, tolerance, step };
            let memory = zeros(&name, settings.memory().f64s)?;
            self.pass(train, block, Lissa::new(settings, memory).map_err(CommandError::core(&name))?)?
        };
        self.convergence.add(progress);
        match Quality::Passes(self.convergence).doubt(self.method) {
            Some(reason) if !self.accepts_inexact => Err(CommandError::Inexact { file: name, reason }),
            _ => Ok(()),
        }
    }

    /// Pass after pass, until all targets are solved or enough is enough. The block's
    /// targets become their solutions.
    fn pass(
        &self,
        train: &mut Rows,
        block: &mut Block,
        mut solver: impl IterativeSolver<Solution = f64>,
    ) -> Result<Progress, CommandError> {
        let file = train.name().to_owned();
        let wrong = || CommandError::core(&file);
        let what = what(self.method);
        each(block, train.id(), |target| solver.target(target)).map_err(wrong())?;
        loop {
            train.observe("solving over", |_, sketch| solver.observe(sketch))?;
            let progress = solver.end_pass().map_err(|error| CommandError::NotFitted {
                file: file.clone(),
                what,
                error,
            })?;
            // What is within the tolerance by the recursion has one pass more, to see
            // that it is.
            let is_near = progress.residual <= f64::from(self.settings.tolerance);
            let most = self.most.saturating_add(u32::from(is_near));
            if progress.converged || progress.stagnant || progress.passes >= most {
                // No eigenvalue is above the trace.
                let condition = train.width() as f64 / f64::from(self.settings.damping) + 1.0;
                let solutions = solver.targets().map_err(wrong())?.solutions().to_vec();
                put(block, train.id(), solutions, condition).map_err(wrong())?;
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
fn solve_each<P: Curvature>(
    solver: &mut SecondMoment<P, Vec<f64>>,
    train: &Rows,
    block: &mut Block,
) -> Result<(), CommandError> {
    let id = train.id();
    let mut solutions: Vec<f64> = zeros(train.name(), block.values().len())?;
    let mut places = solutions.chunks_exact_mut(id.width.max(1));
    let condition = solver.condition().unwrap_or(f64::INFINITY);
    each(block, id, |target| match places.next() {
        Some(place) => solver.solve(target, place).map(|_| ()),
        None => Ok(()),
    })
    .and_then(|()| put(block, id, solutions, condition))
    .map_err(CommandError::core(train.name()))
}

/// Puts solutions in the place of a block's targets: rounded to `f32`, unless with this
/// condition number that would show, or they leave its range.
fn put(block: &mut Block, id: SketchId, solutions: Vec<f64>, condition: f64) -> Result<(), Error> {
    /// Up to here the rounding is less than a thousandth of the largest influence.
    const ROUNDED: f64 = 1e4;
    let mut rounded = vec![0.0; if condition < ROUNDED { solutions.len() } else { 0 }];
    match Targets::new(id, &solutions)?.rounded(&mut rounded) {
        Ok(_) => block.replace(&rounded),
        Err(_) => block.replace_by_doubles(solutions),
    }
    Ok(())
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
    each(block, id, |target| pass.target(target)).map_err(CommandError::core(&name))?;
    train.observe("solving over", |_, sketch| pass.observe(sketch))?;
    pass.end_pass().map_err(CommandError::core(&name))?;
    block.replace(pass.targets().map_err(CommandError::core(&name))?.solutions());
    Ok(())
}

/// Calls `visit` with each target of a block.
fn each(
    block: &Block,
    id: SketchId,
    mut visit: impl FnMut(&Sketch<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    // Whether they are finite was seen when they were read; nobody asks for their
    // measures.
    let unknown = Summary { l1: 0.0, l2_squared: 0.0, max: 0.0, non_finite: 0, count: 0 };
    block
        .values()
        .chunks_exact(id.width.max(1))
        .try_for_each(|target| visit(&Sketch::from_parts(id, target, unknown)?))
}

/// Says what a damping of 0 means where there is no inverse.
fn remark_singular(file: &str, trak: &Trak<Vec<f64>>) {
    if trak.is_singular() {
        console::remark(format!(
            "{file}: the gradients span fewer than {} dimensions, so --damping 0 takes the pseudo-inverse: \
             directions with an eigenvalue below 1e-12 of the sum of all count as missing",
            trak.settings().width
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
