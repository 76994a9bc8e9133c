//! Which dense Rademacher projection ([`mod@crate::rademacher`]).

use super::dense::Dense;
use crate::error::Error;
use crate::hash::State;
use crate::key::Key;

/// Coordinates that are summed together before an output is touched.
pub const GROUP: usize = 32;

/// What a width must be a multiple of.
pub const WIDTH_MULTIPLE: usize = 16;

/// Separates this projection's hash stream from every other use of a key.
const STREAM: u64 = 0x5241_4445_4D41_4348;

/// Which projection: its hash stream and its width *k*.
///
/// ```
/// use gradsieve_kernels::{Key, Rademacher, rademacher};
///
/// let projection = Rademacher::new(32, Key::seed(7))?;
/// let mut out = [0.0; 32];
/// // A gradient of three coordinates, not scaled.
/// rademacher(projection, 0, 1.0, &[0.5_f32, -1.0, 2.0], &mut out)?;
/// out.iter_mut().for_each(|x| *x *= projection.scale());
/// assert!(out.iter().all(|x| *x != 0.0));
/// # Ok::<(), gradsieve_kernels::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rademacher(Dense);

impl Rademacher {
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

    /// The hash state that belongs to the first two outputs of `group`.
    #[inline(always)]
    pub(crate) const fn state(self, group: u64) -> State {
        self.0.state::<2>(group)
    }
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
