//! What solutions are kept in: `f32`, or `f64` where the system is so ill-conditioned
//! that their rounding would show in the influence.

use crate::error::Error;
use gradsieve_kernels::dot;
use gradsieve_kernels::double::{self, Real};

/// A format of solutions: `f32` or `f64`.
///
/// A solution of a system with condition number κ may be κ times as long as what counts
/// of it, so that rounding it to `f32` may move an influence by κ·2⁻²⁴ of the largest.
/// Up to κ = 10⁴ that is below a thousandth.
///
/// ```
/// use gradsieve::influence::Precision;
///
/// let row = [1.0_f32, 2.0, 3.0];
/// assert_eq!(f32::product(&[0.5, 0.0, 1.0], &row)?, 3.5);
/// // The one is what f32 cannot hold beside 10⁸.
/// assert_eq!(f64::product(&[1e8, -5e7, 1.0 / 3.0], &row)?, 1.0);
/// # Ok::<(), gradsieve::Error>(())
/// ```
pub trait Precision: Real + 'static {
    /// The largest number.
    const MOST: f64;
    /// Numbers below it lose bits if they are the largest of a solution: those 2²⁶ times
    /// smaller are subnormal.
    const LEAST: f64;

    /// The nearest number; infinite beyond [`MOST`](Self::MOST).
    fn nearest(x: f64) -> Self;

    /// The product of a solution with a sketch.
    ///
    /// # Errors
    /// [`Error::Length`] if the lengths differ.
    fn product(solution: &[Self], sketch: &[f32]) -> Result<f64, Error>;
}

impl Precision for f32 {
    const MOST: f64 = f32::MAX as f64;
    const LEAST: f64 = f32::MIN_POSITIVE as f64 * LOST;

    fn nearest(x: f64) -> Self {
        x as Self
    }

    fn product(solution: &[Self], sketch: &[f32]) -> Result<f64, Error> {
        Ok(dot(sketch, solution)?)
    }
}

impl Precision for f64 {
    const MOST: f64 = f64::MAX;
    const LEAST: f64 = f64::MIN_POSITIVE * LOST;

    fn nearest(x: f64) -> Self {
        x
    }

    fn product(solution: &[Self], sketch: &[f32]) -> Result<f64, Error> {
        Ok(double::dot(solution, sketch)?)
    }
}

/// 2²⁶.
const LOST: f64 = 67_108_864.0;

/// Rounds a solution to its format.
///
/// # Errors
/// [`Error::Range`] if it leaves the format's range; `out` is as it was.
pub(super) fn round<T: Precision>(x: &[f64], out: &mut [T]) -> Result<(), Error> {
    let largest =
        x.iter().fold(0.0, |most: f64, x| if x.abs() > most || x.is_nan() { x.abs() } else { most });
    if largest.is_nan() || largest > T::MOST || (largest > 0.0 && largest < T::LEAST) {
        return Err(Error::Range { what: "the solution" });
    }
    out.iter_mut().zip(x).for_each(|(to, &from)| *to = T::nearest(from));
    Ok(())
}
