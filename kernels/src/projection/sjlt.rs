//! Which blocked SJLT ([`mod@crate::sjlt`]).

use crate::error::Error;
use crate::hash::{State, Stream};
use crate::key::Key;

/// Coordinates that share one word of the hash.
pub const BLOCK: usize = 32;

/// Separates this projection's hash stream from every other use of a key.
const STREAM: u64 = 0x534A_4C54_2D33_3200;

/// Which blocked SJLT: its hash stream and its repetitions.
///
/// ```
/// use gradsieve_kernels::sjlt::Repeat;
/// use gradsieve_kernels::{Key, Sjlt, sjlt};
///
/// let mut out = [0.0; 32];
/// // Coordinate 5 alone: it is sent to one output, with a sign.
/// sjlt(Sjlt::new(Key::seed(7), Repeat::One), 5, &[2.0_f32], &mut out)?;
/// assert_eq!(out.iter().filter(|x| x.abs() == 2.0).count(), 1);
/// # Ok::<(), gradsieve_kernels::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sjlt {
    stream: Stream,
    repeat: Repeat,
}

/// How many outputs a coordinate is sent to.
///
/// ```
/// use gradsieve_kernels::sjlt::Repeat;
///
/// assert_eq!(Repeat::from_count(4), Some(Repeat::Four));
/// assert_eq!((Repeat::Four.count(), Repeat::Four.scale()), (4, 0.5));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Repeat {
    /// s = 1, for dense gradients.
    #[default]
    One = 1,
    /// s = 2.
    Two = 2,
    /// s = 4, where few blocks carry the gradient.
    Four = 4,
}

impl Repeat {
    /// s as a number.
    #[must_use]
    pub const fn count(self) -> usize {
        self as usize
    }

    /// The repetition count `s`, if it is 1, 2 or 4.
    #[must_use]
    pub const fn from_count(s: usize) -> Option<Self> {
        match s {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            4 => Some(Self::Four),
            _ => None,
        }
    }

    /// 1/√s, correctly rounded: what the finished outputs are multiplied by.
    #[must_use]
    pub const fn scale(self) -> f32 {
        match self {
            Self::One => 1.0,
            Self::Two => core::f32::consts::FRAC_1_SQRT_2,
            Self::Four => 0.5,
        }
    }
}

impl Sjlt {
    /// The projection of a key.
    #[must_use]
    pub const fn new(key: Key, repeat: Repeat) -> Self {
        Self { stream: key.stream(STREAM), repeat }
    }

    /// Its repetitions.
    #[must_use]
    pub const fn repeat(self) -> Repeat {
        self.repeat
    }

    /// What an output's width must be a multiple of: 32·s.
    #[must_use]
    pub const fn multiple(self) -> usize {
        BLOCK * self.repeat.count()
    }

    /// Whether `width` outputs fit this projection.
    ///
    /// # Errors
    /// [`Error::Width`] unless `width` is a positive multiple of [`Sjlt::multiple`] with
    /// at most 2²⁷ blocks.
    pub const fn check_width(self, width: usize) -> Result<(), Error> {
        let multiple = self.multiple();
        if width == 0 || !width.is_multiple_of(multiple) || width / multiple > 1 << 27 {
            return Err(Error::Width { multiple, found: width });
        }
        Ok(())
    }

    /// The hash state that belongs to the first repetition of `block`.
    #[inline(always)]
    pub(crate) const fn state(self, block: u64) -> State {
        let counter = block.wrapping_mul(self.repeat.count() as u64);
        self.stream.state(counter)
    }
}

/// Refuses outputs that do not fit the projection, and coordinates beyond the last.
pub(crate) fn check(projection: Sjlt, offset: u64, length: usize, width: usize) -> Result<(), Error> {
    projection.check_width(width)?;
    match offset.checked_add(length as u64) {
        Some(_) => Ok(()),
        None => Err(Error::Offset),
    }
}
