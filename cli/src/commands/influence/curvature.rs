//! The methods that solve for a target first: the training rows are not multiplied with
//! the target's gradient, but with (C + λI)⁻¹ times that, or what a method puts in its
//! place.

use gradsieve::influence::{
    Arnoldi, ArnoldiSettings, ConjugateGradients, ConjugateGradientsSettings, Curvature, DataInf,
    DataInfLayer, DataInfSettings, Gif, GifSettings, IterativeSolver, Lissa, LissaSettings, Progress, Ridge,
    RidgeSettings, Solver as _, Trak, TrakSettings,
};
use gradsieve::moments::SecondMoment;
use gradsieve::{Error, Sketch};
use gradsieve_kernels::{double, squared_norm};

use super::arguments::Method;
use super::dual::{Dual, Known};
use super::plan::Solving;
use super::quality::{Convergence, Quality};
use super::solved::{each, pass_over, put};
use crate::commands::CommandError;
use crate::commands::console;
use crate::commands::products::Block;
use crate::commands::rows::{Rows, zeros};

/// What stands between a target's gradient and its solution.
pub(super) struct Solver<'s> {
    kind: Kind<'s>,
    /// What solutions are multiplied by: m/N, where the m rows of the curvature are of N
    /// samples.
    scale: f64,
}

/// The methods.
enum Kind<'s> {
    /// Nothing: the training rows are multiplied with the gradient itself.
    None,
    Ridge(Ridge<Vec<f64>>),
    Trak(Trak<Vec<f64>>),
    DataInf(DataInf<Vec<DataInfLayer>>),
    Iterative(Iterative),
    Gif(Gif<'s, Vec<f64>>),
    Eigenpairs(Eigenpairs),
    Dual(Dual),
}

/// The largest eigenpairs of the curvature.
struct Eigenpairs {
    arnoldi: Arnoldi<Vec<f32>, Vec<f64>>,
    products: u32,
    tolerance: f64,
    accepts_inexact: bool,
    convergence: Convergence,
}

/// A solver that passes over the training rows until it is content.
pub(super) struct Iterative {
    method: Method,
    settings: LissaSettings,
    most: u32,
    accepts_inexact: bool,
    convergence: Convergence,
}

impl<'s> Solver<'s> {
    /// The solver whose curvature is of these rows, which may be passed over for it.
    pub(super) fn fit(solving: &'s Solving, rows: &mut Rows) -> Result<Self, CommandError> {
        if !solving.method.solves() {
            return Ok(Self { kind: Kind::None, scale: 1.0 });
        }
        let name = rows.name().to_owned();
        let Damped { share: damping, scale } = Damped::of(solving, rows)?;
        let kind = Kind::fit(solving, damping, rows)?;
        match kind.quality().and_then(|quality| quality.doubt(solving.method)) {
            Some(reason) if !solving.accepts_inexact => Err(CommandError::Inexact { file: name, reason }),
            _ => Ok(Self { kind, scale }),
        }
    }

    /// Replaces the targets of a block by their solutions.
    pub(super) fn solve(&mut self, rows: &mut Rows, block: &mut Block) -> Result<(), CommandError> {
        let scale = self.scale;
        match &mut self.kind {
            Kind::None => Ok(()),
            Kind::Ridge(ridge) => solve_each(ridge, scale, rows, block),
            Kind::Trak(trak) => solve_each(trak, scale, rows, block),
            Kind::DataInf(datainf) => solve_datainf(datainf, rows, block),
            Kind::Iterative(iterative) => iterative.solve(scale, rows, block),
            Kind::Gif(gif) => {
                let condition = gif.condition().unwrap_or(f64::INFINITY);
                solve_by(scale, condition, rows, block, |target, place| gif.solve_in(target, place).map(drop))
            }
            Kind::Eigenpairs(eigenpairs) => eigenpairs.solve(scale, rows, block),
            Kind::Dual(dual) => dual.solve(scale, rows, block),
        }
    }

    /// The influence of the rows of the curvature on a block's targets, if it is known
    /// without solutions.
    pub(super) fn influence(
        &self,
        rows: &mut Rows,
        block: &Block,
    ) -> Result<Option<Known<'_>>, CommandError> {
        match &self.kind {
            Kind::Dual(dual) => dual.influence(self.scale, rows, block).map(Some),
            _ => Ok(None),
        }
    }

    /// What is known of the solutions; nothing if there is nothing to know.
    pub(super) fn quality(&self) -> Option<Quality> {
        self.kind.quality()
    }
}

/// λ in units of the mean eigenvalue of the rows' second moment, and what solutions are
/// then multiplied by.
struct Damped {
    share: f32,
    scale: f64,
}

impl Damped {
    /// Those of the solving, which may take a pass over the rows.
    fn of(solving: &Solving, rows: &mut Rows) -> Result<Self, CommandError> {
        let width = rows.width();
        let (mut count, mut squares) = (0_u64, 0.0);
        if solving.measures() {
            rows.observe("measuring", |_, sketch| {
                sketch.check_finite()?;
                count += 1;
                squares += squared_norm(sketch.values);
                Ok(())
            })?;
        }
        let count = count as f64;
        let scale = solving.samples.map_or(1.0, |samples| count / samples as f64);
        let mean = if squares > 0.0 {
            let sum = if solving.method == Method::Trak { 1.0 } else { count };
            scale * squares / (sum * width as f64)
        } else {
            0.0
        };
        let usual = RidgeSettings::new(width).damping;
        Ok(Self { share: solving.damping.share(usual, mean, rows.name())?, scale: 1.0 / scale })
    }
}

impl<'s> Kind<'s> {
    fn fit(solving: &'s Solving, damping: f32, rows: &mut Rows) -> Result<Self, CommandError> {
        let (width, name) = (rows.width(), rows.name().to_owned());
        let wrong = CommandError::core(&name);
        let not_fitted =
            |error| CommandError::NotFitted { file: name.clone(), what: what(solving.method), error };
        Ok(match solving.method {
            method if solving.is_dual(rows) => {
                Self::Dual(Dual::fit(damping, method == Method::Trak, rows, not_fitted)?)
            }
            Method::Ridge => {
                let settings = RidgeSettings { width, damping };
                let buffer = zeros(&name, settings.memory().f64s)?;
                let mut ridge = Ridge::new(settings, buffer).map_err(wrong)?;
                rows.observe("observing", |_, sketch| ridge.observe(sketch))?;
                ridge.fit().map_err(not_fitted)?;
                Self::Ridge(ridge)
            }
            Method::Trak => {
                let settings = TrakSettings { width, damping };
                let buffer = zeros(&name, settings.memory().f64s)?;
                let mut trak = Trak::new(settings, buffer).map_err(wrong)?;
                rows.observe("observing", |_, sketch| trak.observe(sketch))?;
                trak.fit().map_err(not_fitted)?;
                remark_singular(&name, &trak);
                Self::Trak(trak)
            }
            Method::Gif => {
                let settings = GifSettings { width, indices: &solving.coordinates, damping };
                let buffer = zeros(&name, settings.memory().f64s)?;
                let mut gif = Gif::new(settings, buffer).map_err(wrong)?;
                rows.observe("observing", |_, sketch| gif.observe(sketch))?;
                gif.fit().map_err(not_fitted)?;
                Self::Gif(gif)
            }
            Method::Arnoldi => Self::Eigenpairs(Eigenpairs::fit(solving, rows)?),
            Method::Datainf => {
                let layers = layers(solving, width);
                let settings =
                    DataInfSettings { layers: layers.len(), damping, ..DataInfSettings::new(width) };
                let mut datainf = DataInf::new(settings, layers).map_err(wrong)?;
                rows.observe("observing", |_, sketch| datainf.observe(sketch))?;
                datainf.fit().map_err(not_fitted)?;
                Self::DataInf(datainf)
            }
            method @ (Method::Lissa | Method::Cg) => {
                let usual = LissaSettings::new(width);
                let tolerance = solving.tolerance.unwrap_or(usual.tolerance);
                Self::Iterative(Iterative {
                    method,
                    settings: LissaSettings { damping, tolerance, step: solving.step, ..usual },
                    most: solving.passes.unwrap_or(100),
                    accepts_inexact: solving.accepts_inexact,
                    convergence: Convergence::NEW,
                })
            }
            _ => Self::None,
        })
    }

    fn quality(&self) -> Option<Quality> {
        match self {
            Self::Iterative(iterative) => Some(Quality::Passes(iterative.convergence)),
            Self::Eigenpairs(eigenpairs) => Some(Quality::Passes(eigenpairs.convergence)),
            Self::Dual(dual) => Some(dual.quality()),
            Self::Ridge(ridge) => Some(matrix(ridge)),
            Self::Trak(trak) => Some(matrix(trak)),
            Self::Gif(gif) => {
                Some(Quality::Matrix { condition: gif.condition().unwrap_or(f64::INFINITY), singular: false })
            }
            Self::None | Self::DataInf(_) => None,
        }
    }
}

impl Eigenpairs {
    /// A residual of this part of a target is content with eigenpairs whose smallest are
    /// not there to the digit.
    const TOLERANCE: f32 = 1e-2;

    fn fit(solving: &Solving, rows: &mut Rows) -> Result<Self, CommandError> {
        let (width, name) = (rows.width(), rows.name().to_owned());
        let not_fitted =
            |error| CommandError::NotFitted { file: name.clone(), what: what(solving.method), error };
        let usual = ArnoldiSettings::new(width);
        let products = solving.passes.map_or(usual.products, |passes| (passes as usize).min(width));
        let keep = solving.keep.unwrap_or(usual.keep.min(products.div_ceil(2))).min(products);
        let settings = ArnoldiSettings { products, keep, ..usual };
        let memory = settings.memory();
        let (floats, doubles) = (zeros(&name, memory.f32s)?, zeros(&name, memory.f64s)?);
        let mut arnoldi =
            Arnoldi::new(settings, rows.id(), floats, doubles).map_err(CommandError::core(&name))?;
        let mut made = 0;
        loop {
            rows.observe("observing", |_, sketch| arnoldi.observe(sketch))?;
            made += 1;
            if arnoldi.end_pass().map_err(not_fitted)? {
                break;
            }
        }
        let tolerance = f64::from(solving.tolerance.unwrap_or(Self::TOLERANCE));
        let (accepts_inexact, convergence) = (solving.accepts_inexact, Convergence::NEW);
        Ok(Self { arnoldi, products: made, tolerance, accepts_inexact, convergence })
    }

    /// The solutions, and with one more pass how far C times each is from the target's
    /// part along the eigenvectors.
    fn solve(&mut self, scale: f64, rows: &mut Rows, block: &mut Block) -> Result<(), CommandError> {
        let (id, name) = (rows.id(), rows.name().to_owned());
        let width = id.width.max(1);
        let core = || CommandError::core(&name);
        let kernel = |error: gradsieve_kernels::Error| CommandError::core(&name)(error.into());
        let mut solutions: Vec<f32> = zeros(&name, block.values().len())?;
        let mut places = solutions.chunks_exact_mut(width);
        each(block, id, |target| match places.next() {
            Some(place) => self.arnoldi.solve(target, place).map(drop),
            None => Ok(()),
        })
        .map_err(core())?;
        let solutions: Vec<f64> = solutions.into_iter().map(f64::from).collect();

        let mut products: Vec<f64> = zeros(&name, solutions.len())?;
        let mut count = 0_u64;
        rows.observe("checking over", |_, sketch| {
            sketch.check_finite()?;
            count += 1;
            for (x, product) in solutions.chunks_exact(width).zip(products.chunks_exact_mut(width)) {
                double::axpy(double::dot(x, sketch.values)?, sketch.values, product)?;
            }
            Ok(())
        })?;
        let mut residual: f64 = 0.0;
        let targets = block.values().chunks_exact(width);
        for (target, product) in targets.zip(products.chunks_exact_mut(width)) {
            product.iter_mut().for_each(|sum| *sum /= count as f64);
            let mut whole = 0.0;
            for u in self.arnoldi.eigenvectors().chunks_exact(width) {
                let along = gradsieve_kernels::dot(u, target).map_err(kernel)?;
                whole += along * along;
                double::axpy(-along, u, product).map_err(kernel)?;
            }
            let left = double::dot(product, product).map_err(kernel)?;
            residual = residual.max(if whole > 0.0 { (left / whole).sqrt() } else { 0.0 });
        }
        let converged = residual <= self.tolerance;
        let passes = self.products + 1;
        self.convergence.add(Progress { residual, converged, ..Progress::solved(passes) });
        if let Some(reason) = Quality::Passes(self.convergence).doubt(Method::Arnoldi)
            && !self.accepts_inexact
        {
            return Err(CommandError::Inexact { file: name, reason });
        }
        put(block, id, solutions, scale, 1.0).map_err(core())
    }
}

fn matrix<P: Curvature>(moment: &SecondMoment<P, Vec<f64>>) -> Quality {
    Quality::Matrix { condition: moment.condition().unwrap_or(f64::INFINITY), singular: moment.is_singular() }
}

impl Iterative {
    fn solve(&mut self, scale: f64, train: &mut Rows, block: &mut Block) -> Result<(), CommandError> {
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
                scale,
                train,
                block,
                ConjugateGradients::new(settings, memory).map_err(CommandError::core(&name))?,
            )?
        } else {
            let settings = LissaSettings { width, targets, damping, tolerance, step };
            let memory = zeros(&name, settings.memory().f64s)?;
            let lissa = Lissa::new(settings, memory).map_err(CommandError::core(&name))?;
            self.pass(scale, train, block, lissa)?
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
        scale: f64,
        train: &mut Rows,
        block: &mut Block,
        mut solver: impl IterativeSolver<Solution = f64>,
    ) -> Result<Progress, CommandError> {
        let file = train.name().to_owned();
        let wrong = || CommandError::core(&file);
        let what = what(self.method);
        each(block, train.id(), |target| solver.target(target)).map_err(wrong())?;
        loop {
            pass_over(train, |id, rows| solver.observe_rows(id, rows))?;
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
                put(block, train.id(), solutions, scale, condition).map_err(wrong())?;
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
    scale: f64,
    rows: &Rows,
    block: &mut Block,
) -> Result<(), CommandError> {
    let condition = solver.condition().unwrap_or(f64::INFINITY);
    solve_by(scale, condition, rows, block, |target, place| solver.solve(target, place).map(drop))
}

/// The same, where `solve` writes a target's solution.
fn solve_by(
    scale: f64,
    condition: f64,
    rows: &Rows,
    block: &mut Block,
    mut solve: impl FnMut(&Sketch<'_>, &mut [f64]) -> Result<(), Error>,
) -> Result<(), CommandError> {
    let id = rows.id();
    let mut solutions: Vec<f64> = zeros(rows.name(), block.values().len())?;
    let mut places = solutions.chunks_exact_mut(id.width.max(1));
    each(block, id, |target| match places.next() {
        Some(place) => solve(target, place),
        None => Ok(()),
    })
    .and_then(|()| put(block, id, solutions, scale, condition))
    .map_err(CommandError::core(rows.name()))
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
    pass_over(train, |id, rows| pass.observe_rows(id, rows))?;
    pass.end_pass().map_err(CommandError::core(&name))?;
    block.replace(pass.targets().map_err(CommandError::core(&name))?.solutions());
    Ok(())
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
        Method::Arnoldi => "the eigenpairs by Arnoldi's products",
        Method::Gif => "the restricted update",
        _ => "ridge influence",
    }
}
