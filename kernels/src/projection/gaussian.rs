//! Which dense Gaussian projection ([`mod@crate::gaussian`]).

use super::dense::Dense;
use crate::error::Error;
use crate::hash::State;
use crate::key::Key;
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

/// Separates this projection's hash stream from every other use of a key.
const STREAM: u64 = 0x4741_5553_5349_414E;

/// Which projection: its hash stream and its width *k*.
///
/// ```
/// use gradsieve_kernels::{Gaussian, Key, gaussian};
///
/// let projection = Gaussian::new(32, Key::seed(7))?;
/// let mut out = [0.0; 32];
/// // A gradient of three coordinates, not scaled.
/// gaussian(projection, 0, 1.0, &[0.5_f32, -1.0, 2.0], &mut out)?;
/// out.iter_mut().for_each(|x| *x *= projection.scale());
/// assert!(out.iter().all(|x| *x != 0.0));
/// # Ok::<(), gradsieve_kernels::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gaussian(Dense);

impl Gaussian {
    /// The projection to `width` outputs that belongs to `key`.
    ///
    /// # Errors
    /// [`Error::Width`] unless `width` is a positive multiple of [`WIDTH_MULTIPLE`].
    pub const fn new(width: usize, key: Key) -> Result<Self, Error> {
        match Dense::new(width, WIDTH_MULTIPLE, key, STREAM) {
            Ok(dense) => Ok(Self(dense)),
            Err(error) => Err(error),
        }
    }

    /// *k*: outputs.
    #[must_use]
    pub const fn width(self) -> usize {
        self.0.width()
    }

    /// 1/√k: what the finished outputs are multiplied by.
    #[must_use]
    pub const fn scale(self) -> f32 {
        self.0.scale()
    }

    /// The hash state that belongs to the first outputs of input `i`.
    #[inline(always)]
    pub(crate) const fn state(self, i: u64) -> State {
        self.0.state::<4>(i)
    }
}
