//! Which dense Rademacher projection ([`mod@crate::rademacher`]).

use crate::error::Error;
use crate::hash::{self, GOLDEN};

/// Coordinates that are summed together before an output is touched.
pub const GROUP: usize = 32;

/// What a width must be a multiple of.
pub const WIDTH_MULTIPLE: usize = 16;

/// Separates this projection's hash stream from every other use of a seed.
const STREAM: u64 = 0x5241_4445_4D41_4348;

/// Which projection: the key of its hash stream and its width *k*.
///
/// ```
/// use gradsieve_kernels::{Rademacher, rademacher};
///
/// let projection = Rademacher::new(32, 7)?;
/// let mut out = [0.0; 32];
/// // A gradient of three coordinates, not scaled.
/// rademacher(projection, 0, 1.0, &[0.5_f32, -1.0, 2.0], &mut out)?;
/// out.iter_mut().for_each(|x| *x *= projection.scale());
/// assert!(out.iter().all(|x| *x != 0.0));
/// # Ok::<(), gradsieve_kernels::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rademacher {
    key: u64,
    width: usize,
}

impl Rademacher {
    /// The projection to `width` outputs that belongs to `seed`.
    ///
    /// # Errors
    /// [`Error::Width`] unless `width` is a positive multiple of [`WIDTH_MULTIPLE`].
    pub const fn new(width: usize, seed: u64) -> Result<Self, Error> {
        if width == 0 || !width.is_multiple_of(WIDTH_MULTIPLE) {
            return Err(Error::Width { multiple: WIDTH_MULTIPLE, found: width });
        }
        Ok(Self { key: hash::key(seed, STREAM), width })
    }

    /// *k*: outputs.
    #[must_use]
    pub const fn width(self) -> usize {
        self.width
    }

    /// 1/√k: what the finished outputs are multiplied by.
    #[must_use]
    pub const fn scale(self) -> f32 {
        one_over_root(self.width)
    }

    /// The hash state that belongs to the first two outputs of `group`; adding [`GOLDEN`]
    /// leads to the next word.
    #[inline(always)]
    pub(crate) const fn state(self, group: u64) -> u64 {
        let counter = group.wrapping_mul(self.width as u64 / 2);
        self.key.wrapping_add(counter.wrapping_add(1).wrapping_mul(GOLDEN))
    }
}

/// 1/√k, correctly rounded in `f64` or nearly so, then to `f32`; *k* is positive.
pub(crate) const fn one_over_root(k: usize) -> f32 {
    // An integer root, and a few steps of Newton's method: no square root is in `core`.
    let k = k as u64;
    let root = k.isqrt() as f64;
    let mut steps = 0;
    let mut root = if root > 0.0 { root } else { 1.0 };
    while steps < 4 {
        root = 0.5 * (root + k as f64 / root);
        steps += 1;
    }
    (1.0 / root) as f32
}

/// Gradients whose tables are held at once: sixteen times 512 bytes.
pub(crate) const BATCH: usize = 16;

/// Refuses coordinates beyond the last.
pub(crate) fn check_end(offset: u64, length: usize) -> Result<(), Error> {
    match offset.checked_add(length as u64) {
        Some(_) => Ok(()),
        None => Err(Error::Offset),
    }
}
