//! Which dense Gaussian projection ([`mod@crate::gaussian`]).

use super::rademacher::one_over_root;
use crate::error::Error;
use crate::hash::{self, GOLDEN};
use crate::spec::gaussian::TABLES;

/// What a width must be a multiple of.
pub const WIDTH_MULTIPLE: usize = 32;

/// The tables with their second halves, the negative ones.
pub(crate) const SIGNED: [[f32; 16]; 4] = {
    let mut signed = [[0.0; 16]; 4];
    let mut n = 0;
    while n < 64 {
        let magnitude = TABLES[n / 16][n % 8];
        signed[n / 16][n % 16] = if n % 16 < 8 { magnitude } else { -magnitude };
        n += 1;
    }
    signed
};

/// Separates this projection's hash stream from every other use of a seed.
const STREAM: u64 = 0x4741_5553_5349_414E;

/// Which projection: the key of its hash stream and its width *k*.
///
/// ```
/// use gradsieve_kernels::{Gaussian, gaussian};
///
/// let projection = Gaussian::new(32, 7)?;
/// let mut out = [0.0; 32];
/// // A gradient of three coordinates, not scaled.
/// gaussian(projection, 0, 1.0, &[0.5_f32, -1.0, 2.0], &mut out)?;
/// out.iter_mut().for_each(|x| *x *= projection.scale());
/// assert!(out.iter().all(|x| *x != 0.0));
/// # Ok::<(), gradsieve_kernels::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gaussian {
    key: u64,
    width: usize,
}

impl Gaussian {
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

    /// The hash state that belongs to the first outputs of input `i`; adding [`GOLDEN`]
    /// leads to the next word, and behind the last word of an input stands the first of
    /// the next.
    #[inline(always)]
    pub(crate) const fn state(self, i: u64) -> u64 {
        let counter = i.wrapping_mul(self.width as u64 / 4);
        self.key.wrapping_add(counter.wrapping_add(1).wrapping_mul(GOLDEN))
    }
}
