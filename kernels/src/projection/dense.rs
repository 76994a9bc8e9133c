//! What the dense projections share: [`super::gaussian`] and [`super::rademacher`].

use crate::error::Error;
use crate::hash::{State, Stream};
use crate::key::Key;

/// A dense projection's hash stream, and its width *k*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Dense {
    stream: Stream,
    width: usize,
}

impl Dense {
    /// The projection to `width` outputs, a positive multiple of `multiple`, that belongs
    /// to `key` and the hash stream `of`.
    pub(crate) const fn new(width: usize, multiple: usize, key: Key, of: u64) -> Result<Self, Error> {
        if width == 0 || !width.is_multiple_of(multiple) {
            return Err(Error::Width { multiple, found: width });
        }
        Ok(Self { stream: key.stream(of), width })
    }

    /// *k*: outputs.
    pub(crate) const fn width(self) -> usize {
        self.width
    }

    /// 1/√k, correctly rounded in `f64` or nearly so, then to `f32`.
    pub(crate) const fn scale(self) -> f32 {
        // An integer root, and a few steps of Newton's method: no square root is in
        // `core`.
        let k = self.width as u64;
        let root = k.isqrt() as f64;
        let mut steps = 0;
        let mut root = if root > 0.0 { root } else { 1.0 };
        while steps < 4 {
            root = 0.5 * (root + k as f64 / root);
            steps += 1;
        }
        (1.0 / root) as f32
    }

    /// The hash state that belongs to the first outputs of number `i`, where a word
    /// serves `OUTPUTS` of them. Behind the last word of a number stands the first of the
    /// next.
    #[inline(always)]
    pub(crate) const fn state<const OUTPUTS: u64>(self, i: u64) -> State {
        let counter = i.wrapping_mul(self.width as u64 / OUTPUTS);
        self.stream.state(counter)
    }
}
