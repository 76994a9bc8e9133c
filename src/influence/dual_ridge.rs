//! Ridge influence of rows that are wider than they are many: x = (C + λI)⁻¹φ_v from the
//! n × n matrix of the rows' inner products, where [`Ridge`](super::Ridge) takes the K × K
//! matrix of their columns.
//!
//! With G the n × K matrix of the rows, A = GGᵀ and C = GᵀG/n,
//!
//! (C + λI)⁻¹v = (v − Gᵀ(A + nλI)⁻¹Gv)/λ, λ = damping · tr(C)/K.
//!
//! It is the same solution, in the same unit and of the same sign, exactly and not by
//! iteration: three passes over the rows in place of the passes of
//! [`ConjugateGradients`](super::ConjugateGradients), in memory that grows with n² and
//! not with K². Influence of the rows themselves is known after two: G(C + λI)⁻¹v = n(A +
//! nλI)⁻¹Gv. Sources: Woodbury 1950; Saunders, Gammerman & Vovk 1998.
//!
//! **The rows are numbered.** Inner products come with the numbers of their rows, and the
//! passes for targets have the rows in that order.
//!
//! *Memory*: [`DualRidgeSettings::memory`], n² + 3n + 256·256 of `f64`, and
//! [`DualRidgeSettings::solver_memory`], K + n + 64 a target and 3n. *Cost*: n²·K/2
//! multiply–adds for the inner products and n³/6 for their factor; then 2·n·K + 4·n² a
//! target. *Error*: sums are of `f64`; an influence is off by some 10⁻¹⁶ times the
//! condition number of C + λI, as a part of √(self-influence of the sample · that of the
//! target). Condition numbers from 10¹² on are refused.

use super::check_damping;
use super::passes::{Parts, Progress, write};
use super::solver::IterativeSolver;
use super::targets::Targets;
use super::wide::{ABREAST, Dots, PIECE, ROWS, add_rows, doubles, finite_runs, write_dots};
use crate::error::{Error, check_length};
use crate::memory::{Buffer, Memory};
use crate::moments::{Factor, Sums, Weights, triangle};
use crate::sketch::{Sketch, SketchId};
use core::ops::Range;
use gradsieve_kernels::double;
use gradsieve_kernels::matrix::Part;
use gradsieve_kernels::{Certain, Element, cannot_happen, squared_norm};

/// Rows that are widened together. Those beside them are widened once for all of these,
/// in the second cache, which costs more than some forty products.
const GROUP: usize = 4 * ROWS;

/// What [`DualRidge`] is told.
///
/// ```
/// use gradsieve::influence::DualRidgeSettings;
///
/// const SETTINGS: DualRidgeSettings = DualRidgeSettings::new(26_506, 100);
/// assert_eq!(SETTINGS.memory().f64s, 100 * 101 + 2 * 100 + 100 * 256);
/// assert_eq!(SETTINGS.solver_memory(2).f64s, 2 * (26_506 + 100 + 64) + 3 * 100);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DualRidgeSettings {
    /// K.
    pub width: usize,
    /// The most rows.
    pub rows: usize,
    /// λ in units of C's mean eigenvalue.
    pub damping: f32,
}

impl DualRidgeSettings {
    /// A tenth of the mean eigenvalue, as [`RidgeSettings`](super::RidgeSettings).
    #[must_use]
    pub const fn new(width: usize, rows: usize) -> Self {
        Self { width, rows, damping: 0.1 }
    }

    /// The inner products, their factor, and a piece of some rows.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        let triangles = triangle(self.rows).saturating_mul(2);
        let scratch = self.rows.saturating_mul(2).saturating_add(self.piece());
        Memory { f64s: triangles.saturating_add(scratch), ..Memory::NONE }
    }

    /// Numbers of a piece of the rows that are widened together.
    const fn piece(&self) -> usize {
        let rows = if self.rows < GROUP { self.rows } else { GROUP };
        rows * if self.width < PIECE { self.width } else { PIECE }
    }

    /// Of the passes for so many targets: their solutions, and what the rows say of them.
    #[must_use]
    pub const fn solver_memory(&self, targets: usize) -> Memory {
        let numbers = self.width.saturating_add(self.rows).saturating_add(ROWS).saturating_mul(targets);
        Memory { f64s: numbers.saturating_add(self.rows.saturating_mul(3)), ..Memory::NONE }
    }

    const fn check(&self) -> Result<(), Error> {
        if self.width == 0 {
            return Err(Error::Width { multiple: 1, found: 0 });
        }
        if self.rows == 0 {
            return Err(Error::Setting { name: "rows", expected: "at least 1" });
        }
        check_damping(self.damping)
    }
}

/// The training side: observe the inner products of all rows, [`fit`](DualRidge::fit),
/// then solve for targets with [`solver`](DualRidge::solver).
///
/// ```
/// use gradsieve::influence::{DualRidge, DualRidgeSettings, IterativeSolver};
/// use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// let rows = [1.0_f32, 0.0, 0.5, 0.0, -1.0, 2.0, 1.0, 0.5]; // two samples, K = 4
/// let id = Exact::new(4).id(Layout::flat(4)?.id());
/// const SETTINGS: DualRidgeSettings = DualRidgeSettings::new(4, 2);
/// let mut ridge = DualRidge::new(SETTINGS, [0.0; SETTINGS.memory().f64s])?;
/// ridge.observe_rows(&id, &rows)?;
/// ridge.fit()?;
///
/// let target = [1.0, 1.0, 0.0, 0.0];
/// let target = Sketch::from_parts(id, &target, gradsieve_kernels::summarize(&target))?;
/// let mut solver = ridge.solver(1, [0.0; SETTINGS.solver_memory(1).f64s])?;
/// solver.target(&target)?;
/// assert!(solver.solve(&id, &rows, 2)?.converged); // or: observe every row, end_pass, twice
/// let mut scores = [0.0; 2];
/// solver.targets()?.score_rows(&id, &rows, &mut scores)?;
/// assert!(scores[0] > 0.0);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DualRidge<B> {
    settings: DualRidgeSettings,
    id: Option<SketchId>,
    /// One more than the largest number of a row so far, and how many inner products were
    /// observed.
    rows: usize,
    products: usize,
    fit: Option<Fit>,
    buffer: B,
}

/// What was found by [`DualRidge::fit`].
#[derive(Clone, Copy, Debug)]
struct Fit {
    /// What was added to the diagonal of A: nλ.
    weights: Weights,
    lambda: f64,
    /// tr A.
    trace: f64,
    condition: f64,
}

/// Some of the rows, one after the other, and the number of the first.
///
/// ```
/// use gradsieve::influence::NumberedRows;
///
/// // Rows 10 and 11 of two numbers each.
/// let rows = NumberedRows { first: 10, values: &[1.0_f32, 0.0, 0.5, 0.5] };
/// assert_eq!(rows.values.len() / 2, 2);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct NumberedRows<'r, T> {
    /// The number of the first row, from 0 on.
    pub first: usize,
    /// Their numbers, K a row.
    pub values: &'r [T],
}

impl<'r, T: Element> NumberedRows<'r, T> {
    /// The numbers of the rows.
    ///
    /// # Errors
    /// Rows that are not whole, not finite, or beyond `most`.
    fn check(&self, width: usize, most: usize) -> Result<Range<usize>, Error> {
        let width = width.max(1);
        let count = self.values.len() / width;
        check_length(count * width, self.values.len())?;
        let end = self.first.saturating_add(count);
        if end > most {
            return Err(Error::Length { expected: most, found: end });
        }
        let is_finite = |row: &[T]| squared_norm(row).is_finite();
        if self.values.chunks_exact(width).all(is_finite) {
            Ok(self.first..end)
        } else {
            Err(Error::NonFinite)
        }
    }

    /// At most N rows at a time, and their numbers from `first` on.
    fn groups<const N: usize>(
        self,
        width: usize,
        first: usize,
    ) -> impl Iterator<Item = (&'r [T], Range<usize>)> {
        let width = width.max(1);
        let groups = self.values.chunks(width.saturating_mul(N)).enumerate();
        groups.map(move |(number, rows)| {
            let first = first + number * N;
            (rows, first..first + rows.len() / width)
        })
    }
}

impl<const N: usize> DualRidge<[f64; N]> {
    /// No rows yet, in an array of its own.
    ///
    /// # Errors
    /// As [`DualRidge::new`].
    pub const fn owned(settings: DualRidgeSettings) -> Result<Self, Error> {
        if let Err(error) = settings.check() {
            return Err(error);
        }
        if let Err(error) = check_length(settings.memory().f64s, N) {
            return Err(error);
        }
        Ok(Self { settings, id: None, rows: 0, products: 0, fit: None, buffer: [0.0; N] })
    }
}

impl<B: Buffer<f64>> DualRidge<B> {
    /// No rows yet. The buffer is set to zero.
    ///
    /// # Errors
    /// [`Error::Width`] if the width is zero; [`Error::Setting`] unless there is room for
    /// a row, and the damping is positive and finite; [`Error::Length`] if `buffer` is
    /// not as long as the settings' memory.
    pub fn new(settings: DualRidgeSettings, mut buffer: B) -> Result<Self, Error> {
        settings.check()?;
        check_length(settings.memory().f64s, buffer.as_ref().len())?;
        buffer.as_mut().fill(0.0);
        Ok(Self { settings, id: None, rows: 0, products: 0, fit: None, buffer })
    }

    /// Forgets all rows.
    pub fn reset(&mut self) {
        (self.id, self.rows, self.products, self.fit) = (None, 0, 0, None);
        self.buffer.as_mut().fill(0.0);
    }

    /// Rows so far.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// An upper bound of the condition number of C + λI, within √n of it; none before a
    /// fit.
    #[must_use]
    pub fn condition(&self) -> Option<f64> {
        self.fit.map(|fit| fit.condition)
    }

    /// Takes in all rows, which are at hand: number 0 and on.
    ///
    /// # Errors
    /// As [`observe_products`](Self::observe_products).
    pub fn observe_rows<T: Element>(&mut self, id: &SketchId, rows: &[T]) -> Result<(), Error> {
        let rows = NumberedRows { first: 0, values: rows };
        self.observe_products(id, rows, rows)
    }

    /// Takes in the inner products of each of `rows` with each of `others` whose number
    /// is not larger: of rows that are not all at hand, some at a time, each pair once.
    /// Hand it many; no bit depends on how many.
    ///
    /// ```
    /// # use gradsieve::influence::{DualRidge, DualRidgeSettings, NumberedRows};
    /// # use gradsieve::{Exact, Layout, Projector};
    /// # let id = Exact::new(4).id(Layout::flat(4)?.id());
    /// let [a, b] = [[1.0_f32, 0.0, 0.5, 0.0], [-1.0, 2.0, 1.0, 0.5]];
    /// let [a, b] = [NumberedRows { first: 0, values: &a }, NumberedRows { first: 1, values: &b }];
    /// const SETTINGS: DualRidgeSettings = DualRidgeSettings::new(4, 2);
    /// let mut ridge = DualRidge::new(SETTINGS, [0.0; SETTINGS.memory().f64s])?;
    /// for (rows, others) in [(a, a), (b, a), (b, b)] {
    ///     ridge.observe_products(&id, rows, others)?;
    /// }
    /// ridge.fit()?;
    /// # Ok::<(), gradsieve::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] for rows that are not whole, or beyond the settings' number;
    /// [`Error::Mismatch`]; [`Error::NonFinite`]. The state is as it was.
    pub fn observe_products<T: Element>(
        &mut self,
        id: &SketchId,
        rows: NumberedRows<'_, T>,
        others: NumberedRows<'_, T>,
    ) -> Result<(), Error> {
        let DualRidgeSettings { width, rows: most, .. } = self.settings;
        self.id.map_or(Ok(()), |own| own.check(id))?;
        let (of_rows, of_others) = (rows.check(width, most)?, others.check(width, most)?);
        check_length(width, id.width)?;
        let mut parts = Parts(self.buffer.as_mut());
        let (gram, scratch) = (parts.take(triangle(most)), parts.take(self.settings.piece()));
        let mut widened = [0.0; PIECE * ABREAST];
        for start in (0..width).step_by(PIECE) {
            let at = start..width.min(start + PIECE);
            for (group, of_group) in rows.groups::<GROUP>(width, of_rows.start) {
                doubles(group, width, at.clone(), scratch)?;
                let group = scratch.get(..of_group.len() * at.len()).certain();
                let reached = others.groups::<ABREAST>(width, of_others.start);
                for (few, of_few) in reached.take_while(|(_, of_few)| of_few.start < of_group.end) {
                    let few = doubles(few, width, at.clone(), &mut widened)?;
                    let blocks = of_group.clone().step_by(ROWS).zip(group.chunks((at.len() * ROWS).max(1)));
                    for (first, block) in blocks.filter(|(first, _)| first + ROWS > of_few.start) {
                        add_products((first, Part::whole(block, at.len())?), (of_few.start, few), gram)?;
                    }
                }
            }
        }
        let pairs = |i: usize| (i + 1).min(of_others.end).saturating_sub(of_others.start);
        self.products = of_rows.clone().fold(self.products, |sum, i| sum.saturating_add(pairs(i)));
        self.rows = self.rows.max(of_rows.end);
        (self.id, self.fit) = (Some(*id), None);
        Ok(())
    }

    /// Factorises A + nλI.
    ///
    /// # Errors
    /// [`Error::TooFew`] without rows; [`Error::Length`] unless as many inner products
    /// were observed as there are pairs; [`Error::NotPositiveDefinite`] if all rows were
    /// zero; [`Error::IllConditioned`] if the damping is so small that solutions would be
    /// rounding.
    pub fn fit(&mut self) -> Result<(), Error> {
        let (n, most, DualRidgeSettings { width, damping, .. }) =
            (self.rows, self.settings.rows, self.settings);
        if n == 0 {
            return Err(Error::TooFew { needed: 1, found: 0 });
        }
        check_length(triangle(n), self.products)?;
        self.fit = None;
        let mut parts = Parts(self.buffer.as_mut());
        let (gram, _) = (parts.take(triangle(most)), parts.take(self.settings.piece()));
        let (factor, x, y) = (parts.take(triangle(most)), parts.take(most), parts.take(most));
        let [gram, factor] = [gram, factor].map(|all| all.get_mut(..triangle(n)).certain());
        let [x, y] = [x, y].map(|all| all.get_mut(..n).certain());
        let sums = Sums::of_matrix(gram);
        let trace = sums.trace();
        if trace <= 0.0 {
            return Err(Error::NotPositiveDefinite);
        }
        let ridge = f64::from(damping) * trace / width as f64;
        let weights = Weights { scale: 1.0, ridge };
        // With fewer rows than columns λ is the smallest eigenvalue of C + λI.
        let condition = sums.condition_beside(ridge, x)?;
        sums.write_factor(weights, factor, x, y)?;
        self.fit = Some(Fit { weights, lambda: ridge / n as f64, trace, condition });
        Ok(())
    }

    /// Begins the passes for up to `targets` targets. The buffer is as long as
    /// [`DualRidgeSettings::solver_memory`] says for so many.
    ///
    /// # Errors
    /// [`Error::NotFitted`]; [`Error::Length`] if `buffer` is of another length.
    pub fn solver<F: Buffer<f64>>(
        &self,
        targets: usize,
        mut buffer: F,
    ) -> Result<DualRidgeSolver<'_, F>, Error> {
        let (Some(id), Some(fit)) = (self.id, self.fit) else { return Err(Error::NotFitted) };
        check_length(self.settings.solver_memory(targets).f64s, buffer.as_ref().len())?;
        buffer.as_mut().fill(0.0);
        let before = triangle(self.settings.rows).saturating_add(self.settings.piece());
        let of_rows =
            |from: usize| self.buffer.as_ref().get(from..).and_then(|all| all.get(..triangle(self.rows)));
        let [gram, factor] = [0, before].map(|from| of_rows(from).certain());
        let (rows, most_rows) = (self.rows, self.settings.rows);
        Ok(DualRidgeSolver {
            id,
            fit,
            gram,
            factor,
            rows,
            most_rows,
            most: targets,
            targets: 0,
            seen: 0,
            passes: 0,
            buffer,
        })
    }
}

/// Adds the products of pieces of at most [`ROWS`] rows with those of at most [`ABREAST`]
/// others to their places in the triangle; both with the number of the first.
fn add_products(
    (first, rows): (usize, Part<'_, f64>),
    (before, others): (usize, Part<'_, f64>),
    gram: &mut [f64],
) -> Result<(), Error> {
    let mut sums = [0.0; ROWS * ABREAST];
    let sums = sums.get_mut(..rows.rows() * others.rows()).certain();
    double::add_dots(rows, others, sums)?;
    for (i, sums) in (first..).zip(sums.chunks_exact(others.rows().max(1))) {
        // Row i of the triangle, as far as it goes.
        let row = triangle(i)..triangle(i).saturating_add(i).saturating_add(1);
        let row = gram.get_mut(row).certain().iter_mut().skip(before);
        row.zip(sums).for_each(|(to, sum)| *to += sum);
    }
    Ok(())
}

/// Two passes over the rows for several targets together: what the rows say of the
/// targets, and then their sum. A second pass that ends before all rows have come is
/// [`Error::Length`], and goes on with the others. Its example is that of [`DualRidge`].
#[derive(Clone, Debug)]
pub struct DualRidgeSolver<'t, B> {
    id: SketchId,
    fit: Fit,
    gram: &'t [f64],
    factor: &'t [f64],
    rows: usize,
    most_rows: usize,
    most: usize,
    targets: usize,
    /// Rows of the pass so far, and passes that have ended.
    seen: usize,
    passes: u32,
    buffer: B,
}

/// The buffer of the passes.
struct Solving<'m> {
    /// v of each target, and then its solution.
    vectors: &'m mut [f64],
    /// Gv of each target, and then what each row is multiplied with.
    of_rows: &'m mut [f64],
    dots: Dots<'m>,
    scratch: [&'m mut [f64]; 3],
}

impl<B: Buffer<f64>> DualRidgeSolver<'_, B> {
    fn view(&mut self) -> Solving<'_> {
        let (targets, rows, width) = (self.targets, self.rows, self.id.width);
        let mut parts = Parts(self.buffer.as_mut());
        let mut scratch = || parts.take(self.most_rows).get_mut(..rows).certain();
        let scratch = [scratch(), scratch(), scratch()];
        let mut of_each = |most: usize, numbers: usize| {
            parts.take(self.most.saturating_mul(most)).get_mut(..targets * numbers).certain()
        };
        let (vectors, of_rows) = (of_each(width, width), of_each(self.most_rows, rows));
        Solving { vectors, of_rows, dots: Dots { targets, values: of_each(ROWS, ROWS) }, scratch }
    }

    /// Before rows labelled `id` are taken in.
    fn begin(&self, id: &SketchId, rows: usize) -> Result<(), Error> {
        if self.targets == 0 {
            return Err(Error::TooFew { needed: 1, found: 0 });
        }
        if self.passes > 1 {
            return Err(Error::InPass);
        }
        self.id.check(id)?;
        let found = self.seen.saturating_add(rows);
        if found > self.rows { Err(Error::Length { expected: self.rows, found }) } else { Ok(()) }
    }

    /// Writes the influence of each row of the curvature on a target, in the order of
    /// their numbers: φ_gᵀ(C + λI)⁻¹φ_v is n times its number in (A + nλI)⁻¹Gv. It is
    /// known after the first pass; rows that were not in C need the second.
    ///
    /// ```
    /// # use gradsieve::influence::{DualRidge, DualRidgeSettings, IterativeSolver};
    /// # use gradsieve::{Exact, Layout, Projector, Sketch};
    /// # let rows = [1.0_f32, 0.0, 0.5, 0.0, -1.0, 2.0, 1.0, 0.5];
    /// # let id = Exact::new(4).id(Layout::flat(4)?.id());
    /// # const SETTINGS: DualRidgeSettings = DualRidgeSettings::new(4, 2);
    /// # let mut ridge = DualRidge::new(SETTINGS, [0.0; SETTINGS.memory().f64s])?;
    /// # ridge.observe_rows(&id, &rows)?;
    /// # ridge.fit()?;
    /// # let target = [1.0, 1.0, 0.0, 0.0];
    /// # let target = Sketch::from_parts(id, &target, gradsieve_kernels::summarize(&target))?;
    /// let mut solver = ridge.solver(1, [0.0; SETTINGS.solver_memory(1).f64s])?;
    /// solver.target(&target)?;
    /// solver.observe_rows(&id, &rows)?;
    /// solver.end_pass()?;
    /// let mut influence = [0.0; 2];
    /// solver.write_influence(0, &mut influence)?;
    /// assert!(influence[0] > 0.0);
    /// # Ok::<(), gradsieve::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFitted`] before the first pass has ended; [`Error::Setting`] for a
    /// target that was not given; [`Error::Length`] unless `influence` is as long as
    /// there are rows.
    pub fn write_influence(&self, target: usize, influence: &mut [f64]) -> Result<(), Error> {
        if self.passes == 0 {
            return Err(Error::NotFitted);
        }
        if target >= self.targets {
            return Err(Error::Setting { name: "target", expected: "one that was given" });
        }
        check_length(self.rows, influence.len())?;
        let widths = self.most.saturating_mul(self.id.width);
        let before = self.most_rows.saturating_mul(3).saturating_add(widths);
        let of_rows = self.buffer.as_ref().get(before..).certain().chunks_exact(self.rows.max(1));
        let rows = self.rows as f64;
        for (to, of_row) in influence.iter_mut().zip(of_rows.skip(target).flatten()) {
            *to = -rows * self.fit.lambda * of_row;
        }
        Ok(())
    }

    /// Takes in at most [`ROWS`] rows, which are finite.
    fn add<T: Element>(&mut self, id: &SketchId, rows: &[T]) -> Result<(), Error> {
        let (width, n, seen) = (self.id.width.max(1), self.rows, self.seen);
        let count = rows.len() / width;
        self.begin(id, count)?;
        let is_first = self.passes == 0;
        let Solving { vectors, of_rows, mut dots, .. } = self.view();
        if is_first {
            write_dots(rows, width, vectors, &mut dots)?;
        }
        dots.each(count, |row, target, dot| match of_rows.get_mut(target * n + seen + row) {
            Some(of_row) if is_first => *of_row = *dot,
            Some(of_row) => *dot = *of_row,
            None => cannot_happen!("there are no more rows than were numbered"),
        });
        if !is_first {
            add_rows(rows, width, &mut dots, vectors)?;
        }
        self.seen += count;
        Ok(())
    }

    /// Replaces v by v/λ, and Gv by −(A + nλI)⁻¹Gv/λ.
    fn turn(&mut self) -> Result<(), Error> {
        let Fit { weights, lambda, trace, .. } = self.fit;
        let rows = self.rows.max(1);
        let (sums, factor) = (Sums::of_matrix(self.gram), Factor::from_packed(self.rows, self.factor)?);
        let Solving { vectors, of_rows, scratch: [x, left, product], .. } = self.view();
        for of_rows in of_rows.chunks_exact_mut(rows) {
            sums.solve(weights, trace, &factor, of_rows, [&mut *x, &mut *left, &mut *product])?;
            of_rows.iter_mut().zip(&*x).for_each(|(to, x)| *to = -x / lambda);
        }
        vectors.iter_mut().for_each(|v| *v /= lambda);
        Ok(())
    }
}

impl<B: Buffer<f64>> IterativeSolver for DualRidgeSolver<'_, B> {
    type Solution = f64;

    fn target(&mut self, target: &Sketch<'_>) -> Result<(), Error> {
        if self.seen > 0 || self.passes > 0 {
            return Err(Error::InPass);
        }
        self.id.check(&target.id)?;
        target.check_finite()?;
        if self.targets == self.most {
            return Err(Error::Length { expected: self.most, found: self.most.saturating_add(1) });
        }
        let start = self.targets * self.id.width;
        self.targets += 1;
        write(target.values, 1.0, self.view().vectors.get_mut(start..).certain());
        Ok(())
    }

    fn observe_row<T: Element>(&mut self, id: &SketchId, row: &[T]) -> Result<(), Error> {
        check_length(self.id.width, row.len())?;
        self.begin(id, 1)?;
        if squared_norm(row).is_finite() { self.add(id, row) } else { Err(Error::NonFinite) }
    }

    fn observe_rows<T: Element>(&mut self, id: &SketchId, rows: &[T]) -> Result<usize, Error> {
        self.begin(id, 0)?;
        let width = self.id.width.max(1);
        check_length(rows.len() / width * width, rows.len())?;
        finite_runs(rows, width, |rows, _| self.add(id, rows))
    }

    fn end_pass(&mut self) -> Result<Progress, Error> {
        let whole = check_length(self.rows, self.seen);
        // Rows that a second pass has added cannot be taken away: it goes on.
        if whole.is_ok() || self.passes == 0 {
            self.seen = 0;
        }
        whole?;
        if self.passes == 0 {
            self.turn()?;
            self.passes = 1;
            let rest = Progress { residual: 1.0, converged: false, enough: 2, ..Progress::solved(1) };
            return Ok(rest);
        }
        self.passes = 2;
        Ok(Progress::solved(2))
    }

    fn targets(&self) -> Result<Targets<'_, f64>, Error> {
        if self.passes < 2 {
            return Err(Error::NotFitted);
        }
        let before = self.most_rows.saturating_mul(3);
        let solutions = self.buffer.as_ref().get(before..).certain();
        Targets::new(self.id, solutions.get(..self.targets * self.id.width).certain())
    }
}
