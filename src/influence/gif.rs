//! Generalised influence: the update after a sample is left out, restricted to an index
//! set J of coordinates (Lyu et al. 2024, "Deeper Understanding of Black-box Predictions
//! via Generalized Influence Functions").
//!
//! What would move only the coordinates of J and come closest to H δ = g in least squares
//! is δ_J = (H_{J·} H_{·J})⁻¹ H_{J·} g; the influence is v_J·δ_J. With J all coordinates
//! that is vᵀH⁻¹g. H = C + λI, C = ΦᵀΦ/n the second moment of the rows observed, λ =
//! damping · mean eigenvalue of C. Positive is helpful. Scale: n times the change when a
//! sample is left out.
//!
//! J picks coordinates of the *rows*: parameters with [`Exact`](crate::Exact), and
//! columns of a sketch that keeps layers apart.
//!
//! *Memory*: [`GifSettings::memory`]: K²/2 + |J|·(K + |J|/2 + 5/2) numbers of `f64`; K of
//! `f32` a target. *Cost*: K²/2 an observation; |J|²K/2 + |J|³/6 a fit, |J|² + |J|K a
//! target, in `f64`; K a pair. *Error*: the condition number of the normal equations is
//! the square of H's, and from 10¹² on they are refused.

use super::precision::Precision;
use super::solver::Solver;
use super::targets::Targets;
use crate::error::{Error, check_length};
use crate::memory::{Buffer, Memory};
use crate::moments::{Centre, Factor, Moments, MomentsSettings, factorise, triangle};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, Place, State, StateKind, Walk, place};
use gradsieve_kernels::{Certain, double};

/// What [`Gif`] is told.
///
/// ```
/// use gradsieve::influence::GifSettings;
///
/// const LAST: [usize; 3] = [61, 62, 63];
/// const SETTINGS: GifSettings<'_> = GifSettings { damping: 0.0, ..GifSettings::new(64, &LAST) };
/// assert_eq!(SETTINGS.memory().f64s, 64 * 65 / 2 + 3 * 64 + 6 + 2 * 3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GifSettings<'j> {
    /// K.
    pub width: usize,
    /// J, rising.
    pub indices: &'j [usize],
    /// λ in units of C's mean eigenvalue; may be 0.
    pub damping: f32,
}

impl<'j> GifSettings<'j> {
    /// A tenth of the mean eigenvalue.
    #[must_use]
    pub const fn new(width: usize, indices: &'j [usize]) -> Self {
        Self { width, indices, damping: 0.1 }
    }

    /// The second moment, and for J the rows of H and the normal equations. At rest a
    /// state is smaller before the first fit, by 8·|J|·K + 4·|J|·(|J| + 1) bytes.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        let count = self.indices.len();
        let numbers = self.fitted().saturating_add(count).saturating_mul(8);
        let moments = MomentsSettings::new(Centre::Zero, self.width).memory();
        Memory {
            f64s: moments.f64s.saturating_add(self.more()),
            bytes_at_rest: moments.bytes_at_rest.saturating_add(numbers).saturating_add(16),
            ..Memory::NONE
        }
    }

    /// The rows of H for J, and the factor of the normal equations.
    const fn fitted(&self) -> usize {
        let count = self.indices.len();
        count.saturating_mul(self.width).saturating_add(triangle(count))
    }

    /// Numbers behind the moments.
    const fn more(&self) -> usize {
        self.fitted().saturating_add(self.indices.len().saturating_mul(2))
    }

    /// Refuses what makes no sense.
    fn check(&self) -> Result<(), Error> {
        if !self.damping.is_finite() || self.damping < 0.0 {
            return Err(Error::Setting { name: "damping", expected: "finite and not negative" });
        }
        let is_rising = self.indices.is_sorted_by(|a, b| a < b);
        if !is_rising || self.indices.last().is_none_or(|&last| last >= self.width) {
            return Err(Error::Setting {
                name: "indices",
                expected: "at least one, rising, and below the width",
            });
        }
        Ok(())
    }
}

/// The training side: observe every row of the curvature, [`fit`](Self::fit), then
/// prepare targets.
///
/// ```
/// use gradsieve::influence::{Gif, GifSettings, Solver};
/// use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// let id = Exact::new(2).id(Layout::flat(2)?.id());
/// let rows = [[1.0, 0.0], [0.5, 0.5], [-1.0, 2.0_f32]];
/// let rows = rows.each_ref().map(|x| Sketch::from_parts(id, x, gradsieve_kernels::summarize(x)).unwrap());
///
/// const SETTINGS: GifSettings = GifSettings::new(2, &[1]);
/// let mut gif = Gif::new(SETTINGS, [0.0; SETTINGS.memory().f64s])?;
/// rows.iter().try_for_each(|row| gif.observe(row))?;
/// gif.fit()?;
/// let mut solution = [0.0; 2];
/// assert!(gif.solve(&rows[2], &mut solution)?.score_one(&rows[2])? > 0.0);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct Gif<'j, B> {
    settings: GifSettings<'j>,
    /// And behind them what [`Split`] says.
    moments: Moments<B>,
    fitted: bool,
    /// Of the normal equations of the last fit.
    condition: Option<f64>,
}

/// The parts of the buffer behind the moments.
struct Split<T> {
    /// H_{J·}, |J| rows of K.
    rows: T,
    /// The Cholesky factor of H_{J·} H_{·J}, packed.
    normal: T,
    /// Two vectors of |J| numbers.
    scratch: T,
}

impl<'j, B: Buffer<f64>> Gif<'j, B> {
    /// No observations yet.
    ///
    /// # Errors
    /// [`Error::Setting`] unless the damping is finite and not negative, and J is a
    /// rising, non-empty list of coordinates below the width; [`Error::Length`] if the
    /// buffer is not as long as the settings' memory.
    pub fn new(settings: GifSettings<'j>, buffer: B) -> Result<Self, Error> {
        settings.check()?;
        let of_zero = MomentsSettings::new(Centre::Zero, settings.width);
        let moments = Moments::before(of_zero, settings.more(), buffer)?;
        Ok(Self { settings, moments, fitted: false, condition: None })
    }

    fn split(&self) -> Split<&[f64]> {
        let GifSettings { width, indices, .. } = self.settings;
        let (rows, rest) = self.moments.rest().split_at_checked(indices.len() * width).certain();
        let (normal, scratch) = rest.split_at_checked(triangle(indices.len())).certain();
        Split { rows, normal, scratch }
    }

    fn split_mut(&mut self) -> Split<&mut [f64]> {
        let GifSettings { width, indices, .. } = self.settings;
        let (rows, rest) = self.moments.rest_mut().split_at_mut_checked(indices.len() * width).certain();
        let (normal, scratch) = rest.split_at_mut_checked(triangle(indices.len())).certain();
        Split { rows, normal, scratch }
    }

    /// Takes in all that `other` has observed.
    ///
    /// # Errors
    /// As [`Moments::merge`].
    pub fn merge<C: Buffer<f64>>(&mut self, other: &Gif<'_, C>) -> Result<(), Error> {
        self.moments.merge(&other.moments)
    }

    /// Factorises H_{J·} H_{·J} as it stands.
    ///
    /// # Errors
    /// [`Error::TooFew`] without observations; [`Error::NotPositiveDefinite`] or
    /// [`Error::IllConditioned`] if the columns of H for J are not independent: a larger
    /// damping is needed.
    pub fn fit(&mut self) -> Result<(), Error> {
        if self.moments.count() == 0 {
            return Err(Error::TooFew { needed: 1, found: 0 });
        }
        (self.fitted, self.condition) = (false, None);
        let GifSettings { width, indices, damping } = self.settings;
        let ridge = f64::from(damping) * self.moments.mean_eigenvalue();
        for (place, &index) in indices.iter().enumerate() {
            self.moments.row_behind(index, ridge, place);
        }
        let Split { rows, normal, scratch } = self.split_mut();
        let rows = || rows.chunks_exact(width.max(1));
        let pairs = rows().enumerate().flat_map(|(i, row)| rows().take(i + 1).map(move |other| (row, other)));
        for (to, (row, other)) in normal.iter_mut().zip(pairs) {
            *to = double::dot(row, other)?;
        }
        let (x, y) = scratch.split_at_mut_checked(indices.len()).certain();
        self.condition = Some(factorise(normal, x, y)?);
        self.fitted = true;
        Ok(())
    }

    /// An estimate of the condition number of the normal equations, which is about the
    /// square of H's, in the 1-norm; nothing before [`fit`](Self::fit), and of a state
    /// that was restored. Solutions in `f64` are off by it times 2⁻⁵³.
    #[must_use]
    pub const fn condition(&self) -> Option<f64> {
        self.condition
    }

    /// [`Solver::solve`] in the format that one wishes, which is the one of `out`: `f64`
    /// from a condition number of some 10⁶ on.
    ///
    /// # Errors
    /// As [`Solver::solve`]; [`Error::Range`] if the solution leaves the range of its
    /// format.
    pub fn solve_in<'t, T: Precision>(
        &mut self,
        target: &Sketch<'_>,
        out: &'t mut [T],
    ) -> Result<Targets<'t, T>, Error> {
        if !self.fitted {
            return Err(Error::NotFitted);
        }
        self.moments.check(target)?;
        let GifSettings { width, indices, .. } = self.settings;
        check_length(width, out.len())?;
        let Split { rows, normal, scratch } = self.split_mut();
        let weights = scratch.get_mut(..indices.len()).certain();
        for (to, &index) in weights.iter_mut().zip(indices) {
            *to = f64::from(target.values.get(index).copied().certain());
        }
        Factor::from_packed(indices.len(), normal)?.solve(weights)?;
        for (column, to) in out.iter_mut().enumerate() {
            let mut sum = 0.0;
            for (row, weight) in rows.chunks_exact(width.max(1)).zip(&*weights) {
                sum += weight * row.get(column).copied().certain();
            }
            *to = T::nearest(sum);
        }
        Targets::new(target.id, out).map_err(|_| Error::Range { what: "the solution" })
    }
}

impl<B: Buffer<f64>> Solver for Gif<'_, B> {
    fn observe(&mut self, row: &Sketch<'_>) -> Result<(), Error> {
        self.moments.observe(row)
    }

    fn end_pass(&mut self) -> Result<bool, Error> {
        self.fit().map(|()| true)
    }

    /// H_{·J} (H_{J·} H_{·J})⁻¹ v_J.
    fn solve<'t>(&mut self, target: &Sketch<'_>, out: &'t mut [f32]) -> Result<Targets<'t>, Error> {
        self.solve_in(target, out)
    }

    fn reset(&mut self) {
        self.moments.reset();
        (self.fitted, self.condition) = (false, None);
    }
}

impl<B: Buffer<f64>> State for Gif<'_, B> {
    const KIND: StateKind = StateKind::Gif;

    fn sketch_id(&self) -> Option<SketchId> {
        self.moments.sketch_id()
    }
}

impl<B: Buffer<f64>> Body for Gif<'_, B> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        let GifSettings { indices, damping, .. } = walk.state().settings;
        let is_same = walk.own_setting(damping.to_bits())?;
        let fitted = walk.number(place!(fitted))?;
        walk.load_with(|gif| gif.condition = None);
        walk.zeros(3)?;
        walk.setting(indices.len())?;
        indices.iter().try_for_each(|&index| walk.setting(index))?;
        walk.nested(place!(moments))?;
        if fitted && !is_same {
            // It was fitted by another damping.
            walk.load_with(|gif| gif.fitted = false);
            let Split { rows, normal, .. } = walk.state().split();
            return walk.skip(rows.len().saturating_add(normal.len()).saturating_mul(8));
        }
        if !fitted {
            return Ok(());
        }
        walk.all(Place { get: |gif| gif.split().rows, get_mut: |gif| gif.split_mut().rows })?;
        walk.all(Place { get: |gif: &Self| gif.split().normal, get_mut: |gif| gif.split_mut().normal })
    }
}
