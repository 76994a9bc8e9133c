//! Running first and second moments of sketches, and what their inverse does to a vector.
//!
//! Detectors and influence methods that weigh a gradient by how the others lie share this
//! module: the uncentred second moment C = GᵀG/n (self-influence, ridge influence) and
//! the covariance about the running mean (Mahalanobis). Matrices are symmetric and kept
//! as packed lower triangles of `f32`, row by row, so that row *i* is a contiguous slice
//! of *i* + 1 numbers; the Cholesky factor L L ᵀ = A has the same shape.
//!
//! The project has a dense linear algebra crate at hand (nalgebra), and tests this module
//! against it; it is not used here, because its factorisation needs a heap or a size
//! known to the compiler, twice the memory, and code that can panic.
//!
//! *Error*: sums run in `f32`, so after n observations an entry's relative error is at
//! most n·2⁻²⁴, and about √n·2⁻²⁴ in practice; past 2²⁴ observations of one scale new
//! ones no longer count: merge fresh states, or reset. Squares of numbers below 10⁻¹⁹
//! underflow. The factorisation's backward error is that of `f32` Cholesky with `f64`
//! divisions and roots; with the damping of the methods here the condition number is at
//! most about 10·K.
//!
//! *Cost*: K²/2 multiply–adds an observation, K³/6 a factorisation, K²/2 a whitening, K²
//! a solution.
//!
//! May import `sketch`, `state` and `error`; knows nothing of detectors, influence or
//! stores.

mod second_moment;

pub use second_moment::{Policy, SecondMoment, Strength, Weights};

use crate::error::{Error, check_length};
use crate::memory::{Buffer, Memory};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, FRAME, Place, State, StateKind, Walk, place};
use gradsieve_kernels::{Certain, axpy, cannot_happen, dot, squared_norm};

/// Numbers in a packed lower triangle of `width` rows.
#[must_use]
pub const fn triangle(width: usize) -> usize {
    width.saturating_mul(width.saturating_add(1)) / 2
}

/// What the second moment is taken about.
///
/// ```
/// use gradsieve::moments::{Centre, Moments, MomentsSettings};
///
/// const ABOUT_ZERO: MomentsSettings = MomentsSettings { centre: Centre::Zero, width: 2 };
/// let moments = Moments::<[f32; ABOUT_ZERO.memory().f32s]>::owned(ABOUT_ZERO)?;
/// assert_eq!(moments.mean(), [0.0, 0.0]); // and so it stays
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Centre {
    /// About zero: GᵀG/n.
    Zero,
    /// About the running mean: the covariance (divided by n).
    Mean,
}

/// What moments are taken of.
///
/// ```
/// use gradsieve::moments::{Centre, MomentsSettings, triangle};
///
/// const SETTINGS: MomentsSettings = MomentsSettings { centre: Centre::Mean, width: 64 };
/// assert_eq!(SETTINGS.memory().f32s, 2 * 64 + triangle(64));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MomentsSettings {
    /// What the second moment is taken about.
    pub centre: Centre,
    /// K.
    pub width: usize,
}

impl MomentsSettings {
    /// What the state needs: 2K + K·(K + 1)/2 `f32`.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        Memory {
            f32s: self.width.saturating_mul(2).saturating_add(triangle(self.width)),
            bytes_at_rest: self.body().saturating_add(FRAME),
            ..Memory::NONE
        }
    }

    /// Bytes of the body.
    const fn body(&self) -> usize {
        let mean = match self.centre {
            Centre::Zero => 0,
            Centre::Mean => self.width,
        };
        mean.saturating_add(triangle(self.width)).saturating_mul(4).saturating_add(24)
    }
}

/// Running moments of sketches.
///
/// ```
/// use gradsieve::moments::{Centre, Moments, MomentsSettings};
/// # use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// const SETTINGS: MomentsSettings = MomentsSettings { centre: Centre::Mean, width: 2 };
/// let mut moments = Moments::<[f32; SETTINGS.memory().f32s]>::owned(SETTINGS)?;
/// # let id = Exact::new(2).id(Layout::flat(2)?.id());
/// for values in [[1.0, 2.0], [3.0, 6.0]] {
///     # let sketch = Sketch::from_parts(id, &values, gradsieve_kernels::summarize(&values))?;
///     moments.observe(&sketch)?;
/// }
/// assert_eq!(moments.mean(), [2.0, 4.0]);
/// // The variances are 1 and 4.
/// assert_eq!(moments.mean_eigenvalue(), 2.5);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct Moments<B> {
    settings: MomentsSettings,
    count: u64,
    id: Option<SketchId>,
    /// At least as long as the settings say, as every constructor checks: what stands
    /// behind belongs to who made it longer.
    buffer: B,
}

/// The parts of the buffer of moments.
struct Split<T> {
    /// The running mean; stays zero if the centre is.
    mean: T,
    scratch: T,
    /// Σ (φ − centre)(φ − centre)ᵀ, packed.
    second: T,
    /// What stands behind.
    rest: T,
}

impl<const N: usize> Moments<[f32; N]> {
    /// No observations yet, in an array of its own.
    ///
    /// # Errors
    /// [`Error::Length`] if the array is not as long as [`MomentsSettings::memory`] says.
    pub const fn owned(settings: MomentsSettings) -> Result<Self, Error> {
        match check_length(settings.memory().f32s, N) {
            Ok(()) => Ok(Self::over(settings, [0.0; N])),
            Err(error) => Err(error),
        }
    }
}

impl<B> Moments<B> {
    /// No observations yet, in a buffer of zeros that is long enough.
    const fn over(settings: MomentsSettings, buffer: B) -> Self {
        Self { settings, count: 0, id: None, buffer }
    }

    /// K.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.settings.width
    }

    /// Observations so far.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }
}

impl<B: Buffer<f32>> Moments<B> {
    /// No observations yet; the buffer is set to zero.
    ///
    /// # Errors
    /// [`Error::Length`] if the buffer is not as long as [`MomentsSettings::memory`]
    /// says.
    pub fn new(settings: MomentsSettings, mut buffer: B) -> Result<Self, Error> {
        check_length(settings.memory().f32s, buffer.as_ref().len())?;
        buffer.as_mut().fill(0.0);
        Ok(Self::over(settings, buffer))
    }

    fn split(&self) -> Split<&[f32]> {
        let (width, buffer) = (self.settings.width, self.buffer.as_ref());
        let (mean, rest) = buffer.split_at_checked(width).certain();
        let (scratch, rest) = rest.split_at_checked(width).certain();
        let (second, rest) = rest.split_at_checked(triangle(width)).certain();
        Split { mean, scratch, second, rest }
    }

    fn split_mut(&mut self) -> Split<&mut [f32]> {
        let (width, buffer) = (self.settings.width, self.buffer.as_mut());
        let (mean, rest) = buffer.split_at_mut_checked(width).certain();
        let (scratch, rest) = rest.split_at_mut_checked(width).certain();
        let (second, rest) = rest.split_at_mut_checked(triangle(width)).certain();
        Split { mean, scratch, second, rest }
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.count = 0;
        self.id = None;
        let Split { mean, second, .. } = self.split_mut();
        mean.fill(0.0);
        second.fill(0.0);
    }

    /// The running mean; zeros if the centre is zero.
    #[must_use]
    pub fn mean(&self) -> &[f32] {
        self.split().mean
    }

    /// Refuses a sketch that cannot stand beside those observed.
    pub(crate) fn check(&self, sketch: &Sketch<'_>) -> Result<(), Error> {
        check_length(self.settings.width, sketch.values.len())?;
        sketch.check_finite()?;
        self.id.map_or(Ok(()), |id| id.check(&sketch.id))
    }

    /// Takes a sketch in.
    ///
    /// # Errors
    /// [`Error::NonFinite`], [`Error::Length`] or [`Error::Mismatch`]; the state is as it
    /// was.
    pub fn observe(&mut self, sketch: &Sketch<'_>) -> Result<(), Error> {
        self.check(sketch)?;
        self.id = Some(sketch.id);
        self.count += 1;
        let (n, centre) = (self.count as f64, self.settings.centre);
        let Split { mean, scratch, second, .. } = self.split_mut();
        match centre {
            Centre::Zero => add_outer(1.0, sketch.values, second),
            Centre::Mean => {
                // Welford: with δ = φ − mean before, mean += δ/n and the sum of squares
                // grows by (n−1)/n·δδᵀ.
                difference(sketch.values, mean, scratch);
                axpy((1.0 / n) as f32, scratch, mean)?;
                add_outer(((n - 1.0) / n) as f32, scratch, second)
            }
        }
    }

    /// Takes in all that `other` has observed (Chan, Golub & LeVeque 1979).
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the two observed different kinds of sketch,
    /// [`Error::Setting`] if their centres differ, [`Error::Length`] if their widths do;
    /// the state is as it was.
    pub fn merge<C: Buffer<f32>>(&mut self, other: &Moments<C>) -> Result<(), Error> {
        check_length(self.settings.width, other.settings.width)?;
        let centre = self.settings.centre;
        if centre != other.settings.centre {
            return Err(Error::Setting { name: "centre", expected: "the same as the other state's" });
        }
        if let (Some(id), Some(other)) = (self.id, other.id) {
            id.check(&other)?;
        }
        if other.count == 0 {
            return Ok(());
        }
        let (n, m) = (self.count as f64, other.count as f64);
        let (Split { mean, scratch, second, .. }, theirs) = (self.split_mut(), other.split());
        axpy(1.0, theirs.second, second)?;
        if centre == Centre::Mean {
            difference(theirs.mean, mean, scratch);
            axpy((m / (n + m)) as f32, scratch, mean)?;
            add_outer((n * m / (n + m)) as f32, scratch, second)?;
        }
        self.id = self.id.or(other.id);
        self.count += other.count;
        Ok(())
    }

    /// The mean eigenvalue of the second moment: its trace over n·K. 0 without
    /// observations.
    #[must_use]
    pub fn mean_eigenvalue(&self) -> f64 {
        let second = self.split().second;
        let trace: f64 = rows(second).filter_map(|row| row.last()).map(|&entry| f64::from(entry)).sum();
        if self.count == 0 { 0.0 } else { trace / (self.count as f64 * self.settings.width as f64) }
    }

    /// Row `i` of the second moment plus `ridge`·I, in `f64`.
    pub(crate) fn row(&self, i: usize, ridge: f64, out: &mut [f64]) {
        let (second, scale) = (self.split().second, 1.0 / self.count.max(1) as f64);
        for (j, out) in out.iter_mut().enumerate() {
            let place = if j < i { triangle(i) + j } else { triangle(j) + i };
            let sum = f64::from(second.get(place).copied().certain());
            *out = scale * sum + if i == j { ridge } else { 0.0 };
        }
    }

    /// Writes the Cholesky factor of `scale`·(second moment) + `ridge`·I to `factor`,
    /// [`triangle`]`(K)` numbers.
    ///
    /// # Errors
    /// [`Error::TooFew`] without observations; [`Error::Length`];
    /// [`Error::NotPositiveDefinite`], and then `factor` holds nothing of use.
    pub fn factor<'f>(&self, scale: f64, ridge: f64, factor: &'f mut [f32]) -> Result<Factor<'f>, Error> {
        write_factor(self.split().second, self.count, scale, ridge, factor)?;
        Factor::from_packed(self.settings.width, factor)
    }
}

impl<B: Buffer<f32>> Body for Moments<B> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        let MomentsSettings { centre, width } = walk.state().settings;
        walk.setting(centre == Centre::Mean)?;
        walk.zeros(7)?;
        walk.width(width)?;
        let count = walk.number(place!(count))?;
        walk.require_id(width, count > 0)?;
        if centre == Centre::Mean {
            walk.all(Place { get: |state| state.split().mean, get_mut: |state| state.split_mut().mean })?;
        }
        walk.all(Place { get: |state| state.split().second, get_mut: |state| state.split_mut().second })?;
        let id = walk.id();
        walk.load_with(|moments| moments.id = id);
        Ok(())
    }
}

impl<B: Buffer<f32>> State for Moments<B> {
    const KIND: StateKind = StateKind::Moments;

    fn sketch_id(&self) -> Option<SketchId> {
        self.id
    }
}

/// Writes the Cholesky factor of `scale`·(second moment) + `ridge`·I, from the packed
/// sums of `count` observations.
fn write_factor(second: &[f32], count: u64, scale: f64, ridge: f64, factor: &mut [f32]) -> Result<(), Error> {
    if count == 0 {
        return Err(Error::TooFew { needed: 1, found: 0 });
    }
    check_length(second.len(), factor.len())?;
    let scale = scale / count as f64;
    for (row, second) in rows_mut(factor).zip(rows(second)) {
        for (entry, &sum) in row.iter_mut().zip(second) {
            *entry = (scale * f64::from(sum)) as f32;
        }
        if let (Some(entry), Some(&sum)) = (row.last_mut(), second.last()) {
            *entry = (scale * f64::from(sum) + ridge) as f32;
        }
    }
    cholesky(factor)
}

/// The Cholesky factor L of a symmetric positive definite matrix A = L Lᵀ.
///
/// ```
/// use gradsieve::moments::Factor;
///
/// // L of A = [[4, 2], [2, 2]], row by row.
/// let factor = Factor::from_packed(2, &[2.0, 1.0, 1.0])?;
/// let mut x = [8.0, 6.0];
/// factor.solve(&mut x)?;
/// assert_eq!(x, [1.0, 2.0]); // A⁻¹x
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Factor<'f> {
    lower: &'f [f32],
}

impl<'f> Factor<'f> {
    /// A factor that [`Moments::factor`] wrote.
    ///
    /// # Errors
    /// [`Error::Length`] if `lower` is not [`triangle`]`(width)` long.
    pub const fn from_packed(width: usize, lower: &'f [f32]) -> Result<Self, Error> {
        match check_length(triangle(width), lower.len()) {
            Ok(()) => Ok(Self { lower }),
            Err(error) => Err(error),
        }
    }

    /// Replaces x by L⁻¹x, so that dot products of such vectors are xᵀA⁻¹y.
    ///
    /// # Errors
    /// [`Error::Length`] if `x` is not K long, and then it holds nothing of use.
    pub fn whiten(&self, x: &mut [f32]) -> Result<(), Error> {
        check_length(self.lower.len(), triangle(x.len()))?;
        for (i, row) in rows(self.lower).enumerate() {
            let (Some((done, [entry, ..])), Some((&diagonal, row))) =
                (x.split_at_mut_checked(i), row.split_last())
            else {
                cannot_happen!("a triangle has as many rows as x has numbers, and none is empty");
                break;
            };
            *entry = ((f64::from(*entry) - dot(row, done)?) / f64::from(diagonal)) as f32;
        }
        Ok(())
    }

    /// Replaces x by A⁻¹x.
    ///
    /// # Errors
    /// As [`Factor::whiten`].
    pub fn solve(&self, x: &mut [f32]) -> Result<(), Error> {
        self.whiten(x)?;
        let mut lower = self.lower;
        for i in (0..x.len()).rev() {
            let (before, row) = lower.split_at_checked(triangle(i)).certain();
            lower = before;
            let (Some((rest, [entry, ..])), Some((&diagonal, row))) =
                (x.split_at_mut_checked(i), row.split_last())
            else {
                cannot_happen!("a triangle has as many rows as x has numbers, and none is empty");
                break;
            };
            *entry = (f64::from(*entry) / f64::from(diagonal)) as f32;
            axpy(-*entry, row, rest)?;
        }
        Ok(())
    }

    /// xᵀA⁻¹x; `x` becomes L⁻¹x.
    ///
    /// # Errors
    /// As [`Factor::whiten`].
    pub fn quadratic(&self, x: &mut [f32]) -> Result<f64, Error> {
        self.whiten(x)?;
        Ok(squared_norm(x))
    }
}

/// The rows of a packed lower triangle.
fn rows(mut packed: &[f32]) -> impl Iterator<Item = &[f32]> {
    (1..).map_while(move |len| {
        let (row, rest) = packed.split_at_checked(len)?;
        packed = rest;
        Some(row)
    })
}

/// The rows of a packed lower triangle.
fn rows_mut(mut packed: &mut [f32]) -> impl Iterator<Item = &mut [f32]> {
    (1..).map_while(move |len| {
        let (row, rest) = core::mem::take(&mut packed).split_at_mut_checked(len)?;
        packed = rest;
        Some(row)
    })
}

/// Adds `weight`·x xᵀ to a packed triangle.
fn add_outer(weight: f32, x: &[f32], packed: &mut [f32]) -> Result<(), Error> {
    for (row, &entry) in rows_mut(packed).zip(x) {
        axpy(weight * entry, x.get(..row.len()).certain(), row)?;
    }
    Ok(())
}

fn difference(x: &[f32], y: &[f32], out: &mut [f32]) {
    for ((out, x), y) in out.iter_mut().zip(x).zip(y) {
        *out = x - y;
    }
}

/// Replaces a packed matrix by its Cholesky factor, row by row.
fn cholesky(packed: &mut [f32]) -> Result<(), Error> {
    let mut start = 0;
    let mut len = 1;
    while let Some((done, rest)) = packed.split_at_mut_checked(start) {
        // Behind the last row there is nothing.
        let Some(row) = rest.get_mut(..len) else { break };
        for (j, above) in rows(done).enumerate() {
            let (Some((row, [entry, ..])), Some((&diagonal, above))) =
                (row.split_at_mut_checked(j), above.split_last())
            else {
                cannot_happen!("a row is longer than those above, and none is empty");
                break;
            };
            *entry = ((f64::from(*entry) - dot(above, row)?) / f64::from(diagonal)) as f32;
        }
        let Some((diagonal, row)) = row.split_last_mut() else {
            cannot_happen!("no row is empty");
            break;
        };
        let square = f64::from(*diagonal) - squared_norm(row);
        *diagonal = libm::sqrt(square) as f32;
        // A NaN or a root that vanishes in f32 is as bad as a negative square.
        if diagonal.is_nan() || *diagonal <= 0.0 {
            return Err(Error::NotPositiveDefinite);
        }
        start += len;
        len += 1;
    }
    Ok(())
}
