//! What codes of few bits are, for all that reads or writes them: see
//! [`mod@crate::codec::bits`].

/// Values of a block.
pub const BLOCK: usize = 64;

/// Words of a block, at most; of *b* bits it has the first 2·b.
pub const WORDS: usize = 8;

/// How many bits a value has.
///
/// ```
/// use gradsieve_kernels::codec::bits::Bits;
///
/// assert_eq!(Bits::ALL.map(Bits::count), [1, 2, 4]);
/// assert_eq!(Bits::Four.words(100), 16); // two blocks of 64 codes
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bits {
    /// One.
    One,
    /// Two.
    Two,
    /// Four.
    Four,
}

impl Bits {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::One, Self::Two, Self::Four];

    /// As a number.
    #[must_use]
    pub const fn count(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
        }
    }

    /// Words of a row of `k` values, in whole blocks.
    #[must_use]
    pub const fn words(self, k: usize) -> usize {
        k.div_ceil(BLOCK).saturating_mul(2 * self.count())
    }

    /// How many levels to the unit suit values whose root mean square is 1.
    #[must_use]
    pub const fn levels(self) -> f32 {
        match self {
            Self::One => 1.0,
            Self::Two => 2.0086,
            Self::Four => 46.47,
        }
    }

    /// The largest k of rows that are scored: their sums fit 32 bits.
    #[must_use]
    pub const fn most(self) -> usize {
        match self {
            Self::One => 1 << 20,
            Self::Two => 1 << 18,
            Self::Four => 1 << 16,
        }
    }

    /// The level of a code; of its lowest bits, that is.
    #[must_use]
    pub const fn level(self, code: u32) -> i8 {
        match self {
            Self::One => 1 - 2 * (code & 1) as i8,
            Self::Two => 3 - 2 * (code & 3) as i8,
            Self::Four => LEVELS[(code & 15) as usize],
        }
    }
}

/// The levels of 4 bits.
pub(crate) const LEVELS: [i8; 16] = [6, 18, 31, 44, 58, 75, 96, 127, -6, -18, -31, -44, -58, -75, -96, -127];
