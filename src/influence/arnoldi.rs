//! Influence in the Krylov space of the Hessian: Σ (u·v)(u·g)/λ over its top eigenpairs
//! (Schioppa et al. 2022, "Scaling Up Influence Functions").
//!
//! From a start vector m products with H span q₁…q_m (Arnoldi's iteration with full
//! orthogonalisation, done twice); H is symmetric, so the eigenpairs of QᵀHQ,
//! symmetrised, approximate its extreme ones, the largest first. Those of the largest
//! magnitudes are kept. Positive is helpful. Scale: n times the change when a sample is
//! left out, if H is the *mean* curvature.
//!
//! H comes as rows, H = (1/n) Σ h hᵀ, streamed once for each of the m products, or as any
//! Hessian–vector product of the caller's.
//!
//! *Memory*: (m + 1)·K numbers of `f32` and m² + 3·m of `f64`. *Cost*: m products with H
//! (2·n·K each from rows), 4·m²·K for the basis, then 2·r·K a target and K a pair.

use super::solver::Solver;
use super::targets::Targets;
use crate::dense::eigen;
use crate::error::{Error, check_length};
use crate::memory::{Buffer, Memory};
use crate::moments::added_in_f32;
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, FRAME, State, StateKind, Walk, place, slice};
use gradsieve_kernels::hash::word;
use gradsieve_kernels::{Certain, axpy, cannot_happen, dot, double, squared_norm};

/// How many products, and how many eigenpairs of them to keep.
///
/// ```
/// use gradsieve::influence::ArnoldiSettings;
///
/// const SETTINGS: ArnoldiSettings = ArnoldiSettings { keep: 10, ..ArnoldiSettings::new(64) };
/// let (floats, doubles) = ([0.0_f32; SETTINGS.memory().f32s], [0.0_f64; SETTINGS.memory().f64s]);
/// assert!(floats.len() > 64 * SETTINGS.products && !doubles.is_empty());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArnoldiSettings {
    /// K.
    pub width: usize,
    /// m, the largest dimension of the Krylov space.
    pub products: usize,
    /// r, the eigenpairs to keep; at most m. Those whose |λ| is below 10⁻⁶ of the largest
    /// are rounding, and never kept.
    pub keep: usize,
    /// Where the start vector comes from.
    pub seed: u64,
}

impl ArnoldiSettings {
    /// 80 products, of which 40 eigenpairs are kept; fewer where K is less.
    #[must_use]
    pub const fn new(width: usize) -> Self {
        let products = if width < 80 { width } else { 80 };
        let keep = if width < 40 { width } else { 40 };
        Self { width, products, keep, seed: 0 }
    }

    /// The basis, and the small matrix in its coordinates. At rest a state is largest
    /// before it is fitted, with a full space.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        let f32s = self.products.saturating_add(1).saturating_mul(self.width);
        let matrix = self.products.saturating_mul(self.products).saturating_mul(8);
        Memory {
            f32s,
            f64s: self.products.saturating_add(3).saturating_mul(self.products),
            bytes_at_rest: f32s.saturating_mul(4).saturating_add(matrix).saturating_add(FRAME + 56),
            ..Memory::NONE
        }
    }
}

impl Default for ArnoldiSettings {
    /// [`ArnoldiSettings::new`] of 512 numbers.
    fn default() -> Self {
        Self::new(512)
    }
}

/// The training side: for each product, [`observe`](Solver::observe) all rows (or give a
/// [`product`](Self::product)), then [`advance`](Self::advance); when that says that it
/// is done, [`fit`](Self::fit) and prepare targets.
///
/// ```
/// use gradsieve::influence::{Arnoldi, ArnoldiSettings};
/// use gradsieve::{Exact, Layout, Projector, Sketch, Summary};
///
/// const SETTINGS: ArnoldiSettings = ArnoldiSettings { width: 2, products: 2, keep: 2, seed: 1 };
/// let (mut floats, mut doubles) = ([0.0; SETTINGS.memory().f32s], [0.0; SETTINGS.memory().f64s]);
/// let id = Exact::new(2).id(Layout::flat(2)?.id());
/// let mut arnoldi = Arnoldi::new(SETTINGS, id, &mut floats, &mut doubles)?;
/// let hessian = [[2.0, 1.0], [1.0, 2.0]];
/// while arnoldi.needs_product() {
///     arnoldi.product(|x, hx| {
///         for (to, row) in hx.iter_mut().zip(&hessian) {
///             *to = row[0] * x[0] + row[1] * x[1];
///         }
///     })?;
///     arnoldi.advance()?;
/// }
/// arnoldi.fit()?;
/// assert!((arnoldi.eigenvalues()[0] - 3.0).abs() < 1e-6 && (arnoldi.eigenvalues()[1] - 1.0).abs() < 1e-6);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct Arnoldi<F, D> {
    settings: ArnoldiSettings,
    id: SketchId,
    /// Basis vectors that are complete.
    basis: usize,
    /// Rows observed in this product; a caller's own product counts as one.
    observed: u64,
    /// The space is invariant, or full.
    closed: bool,
    /// Eigenpairs kept by `fit`.
    kept: Option<usize>,
    /// q₁…q_m, and after `fit` the eigenvectors; then the product under way.
    vectors: F,
    /// QᵀHQ, m×m; then m each: values, scratch, a column.
    small: D,
}

/// An eigenvalue below this part of the largest is taken for rounding.
const NEGLIGIBLE: f64 = 1e-6;

/// What is left of a product outside the space, as part of its length, below which the
/// space is taken for invariant: sums of `f32` leave as much.
const INVARIANT: f64 = 1e-5;

impl<F: Buffer<f32>, D: Buffer<f64>> Arnoldi<F, D> {
    /// No products yet.
    ///
    /// # Errors
    /// [`Error::Length`] if a buffer is not as long as the settings' memory, or the id is
    /// of another width; [`Error::Width`] if that is zero; [`Error::Setting`] without a
    /// product, or unless 1 ≤ keep ≤ products.
    pub fn new(settings: ArnoldiSettings, id: SketchId, floats: F, doubles: D) -> Result<Self, Error> {
        check_length(settings.width, id.width)?;
        check_length(settings.memory().f32s, floats.as_ref().len())?;
        check_length(settings.memory().f64s, doubles.as_ref().len())?;
        if settings.width == 0 {
            return Err(Error::Width { multiple: 1, found: 0 });
        }
        if settings.products == 0 {
            return Err(Error::Setting { name: "products", expected: "at least 1" });
        }
        if settings.keep == 0 || settings.keep > settings.products {
            return Err(Error::Setting { name: "keep", expected: "from 1 to the number of products" });
        }
        let mut new = Self {
            settings,
            id,
            basis: 0,
            observed: 0,
            closed: false,
            kept: None,
            vectors: floats,
            small: doubles,
        };
        new.reset();
        Ok(new)
    }

    /// Whether another product with H is wanted; if not, [`fit`](Self::fit).
    #[must_use]
    pub const fn needs_product(&self) -> bool {
        !self.closed
    }

    /// The newest basis vector q, and the product with it that is under way.
    fn under_way(&mut self) -> (&[f32], &mut [f32]) {
        let width = self.settings.width;
        let (basis, product) =
            self.vectors.as_mut().split_at_mut_checked(self.settings.products * width).certain();
        let first = self.basis.saturating_sub(1) * width;
        (basis.get(first..first + width).certain(), product)
    }

    /// Has the caller write the product H q, in place of rows.
    ///
    /// # Errors
    /// [`Error::Setting`] if no product is wanted.
    pub fn product(&mut self, hessian: impl FnOnce(&[f32], &mut [f32])) -> Result<(), Error> {
        if self.closed {
            return Err(Error::Setting { name: "products", expected: "a product still to be made" });
        }
        let (q, product) = self.under_way();
        hessian(q, product);
        self.observed = 1;
        Ok(())
    }

    /// Ends a product: takes its part outside the space for the next basis vector.
    ///
    /// # Errors
    /// [`Error::TooFew`] without rows or a product; [`Error::NonFinite`] if the product
    /// is, and then it has to be made anew.
    pub fn advance(&mut self) -> Result<(), Error> {
        let ArnoldiSettings { width, products, .. } = self.settings;
        if self.closed {
            return Err(Error::Setting { name: "products", expected: "a product still to be made" });
        }
        if self.observed == 0 {
            return Err(Error::TooFew { needed: 1, found: 0 });
        }
        let scale = (1.0 / self.observed as f64) as f32;
        self.observed = 0;
        let (basis, product) = self.vectors.as_mut().split_at_mut_checked(products * width).certain();
        product.iter_mut().for_each(|x| *x *= scale);
        let before = squared_norm(product);
        if !before.is_finite() {
            product.fill(0.0);
            return Err(Error::NonFinite);
        }
        let column = self.basis - 1;
        // Gram and Schmidt, twice: after the second time what is left is orthogonal to
        // working precision.
        for _ in 0..2 {
            for (i, q) in basis.chunks_exact(width.max(1)).take(self.basis).enumerate() {
                let along = dot(q, product)?;
                axpy(-along as f32, q, product)?;
                match self.small.as_mut().get_mut(i * products + column) {
                    Some(entry) => *entry += along,
                    None => cannot_happen!("the small matrix has a row for each basis vector"),
                }
            }
        }
        let after = squared_norm(product);
        let left = libm::sqrt(after);
        let ends = self.basis == products || after <= INVARIANT * INVARIANT * before || left <= 0.0;
        if ends {
            self.closed = true;
        } else {
            let next = basis.get_mut(self.basis * width..(self.basis + 1) * width).certain();
            for (to, from) in next.iter_mut().zip(&*product) {
                *to = (f64::from(*from) / left) as f32;
            }
            match self.small.as_mut().get_mut(self.basis * products + column) {
                Some(entry) => *entry = left,
                None => cannot_happen!("the small matrix has a row for each basis vector"),
            }
            self.basis += 1;
        }
        product.fill(0.0);
        Ok(())
    }

    /// Finds the eigenpairs. The basis becomes the eigenvectors; [`reset`](Solver::reset)
    /// begins anew.
    ///
    /// # Errors
    /// [`Error::TooFew`] while products are wanted; [`Error::NotPositiveDefinite`] if H
    /// is zero; [`Error::NonFinite`].
    pub fn fit(&mut self) -> Result<(), Error> {
        let ArnoldiSettings { width, products, keep, .. } = self.settings;
        if !self.closed {
            return Err(Error::TooFew { needed: products, found: self.basis - 1 });
        }
        if self.kept.is_some() {
            return Ok(());
        }
        let m = self.basis;
        let (matrix, rest) = self.small.as_mut().split_at_mut_checked(products * products).certain();
        let (values, rest) = rest.split_at_mut_checked(products).certain();
        let (scratch, column) = rest.split_at_mut_checked(products).certain();
        symmetrise(products, m, matrix);
        let (matrix, values) = (matrix.get_mut(..m * m).certain(), values.get_mut(..m).certain());
        eigen(m, matrix, values, scratch.get_mut(..m).certain())?;
        let most = by_magnitude(m, values, matrix);
        let kept = values.iter().take(keep).take_while(|value| value.abs() > NEGLIGIBLE * most).count();
        if kept == 0 {
            return Err(Error::NotPositiveDefinite);
        }
        // Column by column of Q: what m basis vectors have there becomes what the
        // eigenvectors have.
        for j in 0..width {
            for (to, row) in column.iter_mut().zip(self.vectors.as_ref().chunks_exact(width.max(1))) {
                *to = f64::from(row.get(j).copied().certain());
            }
            let column = column.get(..m).certain();
            for (y, row) in matrix
                .chunks_exact(m.max(1))
                .zip(self.vectors.as_mut().chunks_exact_mut(width.max(1)))
                .take(kept)
            {
                match row.get_mut(j) {
                    Some(entry) => *entry = double::dot(y, column)? as f32,
                    None => cannot_happen!("a row has K numbers"),
                }
            }
        }
        self.kept = Some(kept);
        Ok(())
    }

    /// The eigenvalues kept, the largest magnitude first; none before [`fit`](Self::fit).
    #[must_use]
    pub fn eigenvalues(&self) -> &[f64] {
        let first = self.settings.products * self.settings.products;
        self.small.as_ref().get(first..first + self.kept.unwrap_or(0)).certain()
    }

    /// Their eigenvectors, K numbers each, one after the other; none before
    /// [`fit`](Self::fit).
    ///
    /// A product with H says how near they are: H u − λ u is 0 for an eigenpair.
    #[must_use]
    pub fn eigenvectors(&self) -> &[f32] {
        let count = self.kept.unwrap_or(0);
        self.vectors.as_ref().get(..count * self.settings.width).certain()
    }
}

impl<F: Buffer<f32>, D: Buffer<f64>> Solver for Arnoldi<F, D> {
    /// Takes a row h of H = (1/n) Σ h hᵀ into the product under way;
    /// [`Error::Setting`] if no product is wanted; [`Error::Full`] past 2²⁴ rows of a
    /// product, where sums of `f32` stop counting.
    fn observe(&mut self, row: &Sketch<'_>) -> Result<(), Error> {
        self.id.check(&row.id)?;
        row.check_finite()?;
        if self.closed {
            return Err(Error::Setting { name: "products", expected: "a product still to be made" });
        }
        let observed = added_in_f32(self.observed, 1)?;
        let (q, product) = self.under_way();
        let along = dot(row.values, q)?;
        axpy(along as f32, row.values, product)?;
        self.observed = observed;
        Ok(())
    }

    /// Ends a product, and [`fit`](Self::fit)s if it was the last.
    fn end_pass(&mut self) -> Result<bool, Error> {
        self.advance()?;
        if self.closed {
            self.fit()?;
        }
        Ok(self.closed)
    }

    /// Σ u (u·v)/λ.
    fn solve<'t>(&mut self, target: &Sketch<'_>, out: &'t mut [f32]) -> Result<Targets<'t>, Error> {
        if self.kept.is_none() {
            return Err(Error::NotFitted);
        }
        self.id.check(&target.id)?;
        target.check_finite()?;
        check_length(self.settings.width, out.len())?;
        out.fill(0.0);
        let vectors = self.vectors.as_ref().chunks_exact(self.settings.width.max(1));
        for (u, value) in vectors.zip(self.eigenvalues()) {
            axpy((dot(u, target.values)? / value) as f32, u, out)?;
        }
        Targets::new(target.id, out).map_err(|_| Error::Range { what: "the solution" })
    }

    /// Forgets everything, and begins with the start vector.
    fn reset(&mut self) {
        (self.basis, self.observed, self.closed, self.kept) = (1, 0, false, None);
        self.vectors.as_mut().fill(0.0);
        self.small.as_mut().fill(0.0);
        let start = self.vectors.as_mut().get_mut(..self.settings.width).certain();
        for (i, entry) in (0..).zip(start.iter_mut()) {
            // Uniform in (−1, 1), never all zero but for a chance of 2⁻²⁴ an entry.
            *entry = ((word(self.settings.seed, i) >> 40) as f32 + 0.5) / 8_388_608.0 - 1.0;
        }
        let scale = 1.0 / libm::sqrt(squared_norm(start));
        start.iter_mut().for_each(|entry| *entry *= scale as f32);
    }
}

impl<F: Buffer<f32>, D: Buffer<f64>> State for Arnoldi<F, D> {
    const KIND: StateKind = StateKind::Arnoldi;

    fn sketch_id(&self) -> Option<SketchId> {
        Some(self.id)
    }
}

impl<F: Buffer<f32>, D: Buffer<f64>> Body for Arnoldi<F, D> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        let ArnoldiSettings { width, products, keep, seed } = walk.state().settings;
        walk.require(walk.id().is_some(), Error::Corrupt)?;
        walk.setting(products)?;
        walk.setting(keep)?;
        walk.setting(seed)?;
        let closed = walk.number(place!(closed))?;
        let fitted = walk.value(walk.state().kept.is_some())?;
        walk.zeros(6)?;
        let basis = walk.number(place!(basis))?;
        let observed = walk.number(place!(observed))?;
        let kept = walk.value(walk.state().kept.unwrap_or(0))?;
        let is_possible = (1..=products).contains(&basis)
            && kept <= keep.min(basis)
            && fitted == (kept > 0)
            && (closed || !fitted)
            && (observed == 0 || !closed);
        walk.require(is_possible, Error::Corrupt)?;
        walk.load_with(|state| {
            state.kept = fitted.then_some(kept);
            state.small.as_mut().fill(0.0);
        });
        let vectors = if fitted { kept } else { basis };
        walk.numbers(slice!(vectors), 0..vectors.saturating_mul(width))?;
        if fitted {
            let first = products.saturating_mul(products);
            return walk.numbers(slice!(small), first..first.saturating_add(kept));
        }
        let first = products.saturating_mul(width);
        walk.numbers(slice!(vectors), first..first.saturating_add(width))?;
        (0..basis).try_for_each(|row| {
            let first = row.saturating_mul(products);
            walk.numbers(slice!(small), first..first.saturating_add(basis))
        })
    }
}

/// The first `m` rows and columns of a matrix with rows of `stride`, moved together and
/// made symmetric: means of the two triangles.
fn symmetrise(stride: usize, m: usize, matrix: &mut [f64]) {
    let at = |matrix: &[f64], i: usize, j: usize| matrix.get(i * stride + j).copied().certain();
    let put = |matrix: &mut [f64], place: usize, value: f64| match matrix.get_mut(place) {
        Some(entry) => *entry = value,
        None => cannot_happen!("m rows of `stride` are there"),
    };
    for i in 0..m {
        for j in 0..i {
            let mean = 0.5 * (at(matrix, i, j) + at(matrix, j, i));
            put(matrix, i * stride + j, mean);
            put(matrix, j * stride + i, mean);
        }
    }
    // An entry never moves behind where it was, so none is overwritten before it moves.
    for i in 1..m {
        for j in 0..m {
            let entry = at(matrix, i, j);
            put(matrix, i * m + j, entry);
        }
    }
}

/// Sorts by falling magnitude what is sorted by falling value; returns the largest
/// magnitude.
fn by_magnitude(m: usize, values: &mut [f64], rows: &mut [f64]) -> f64 {
    for i in 0..values.len() {
        let rest = values.get(i..).certain();
        // Falling in value, so the largest magnitude of what is left is at one of the
        // ends.
        if let ([first, .., last], n) = (rest, rest.len())
            && last.abs() > first.abs()
        {
            to_front(1, values.get_mut(i..).certain());
            to_front(m, rows.get_mut(i * m..(i + n) * m).certain());
        }
    }
    values.first().map_or(0.0, |value| value.abs())
}

/// Moves the last `count` numbers before the others, by three reversals: the library's
/// rotation keeps a panic, which the image of `tests/no_panic` finds.
fn to_front(count: usize, numbers: &mut [f64]) {
    numbers.reverse();
    match numbers.split_at_mut_checked(count) {
        Some((front, rest)) => {
            front.reverse();
            rest.reverse();
        }
        None => cannot_happen!("there are as many"),
    }
}
