//! Inputs as a pure function of (kind, seed, index), made of integers that become floats
//! exactly.
//!
//! `tests/vectors/README.md` says the same for other languages; change both, or neither.

use gradsieve_kernels::hash;

/// Kinds of input, each with its own arithmetic trouble. In what follows *w* is word
/// number `index` of splitmix64 from the state `seed`, and *t* = (w >> 40) − 2²³, an
/// integer in −2²³..2²³.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// t·2⁻²³.
    Uniform,
    /// t·2⁻³⁶: about 10⁻⁴.
    Tiny,
    /// t·2^(e − 39) with e = w mod 32.
    HeavyTailed,
    /// (w >> 40)·2⁻²⁴: one sign.
    Positive,
    /// The bits of w & 0x80ff_ffff: subnormal, or just above.
    Subnormal,
    /// t·2¹⁰⁴: sums overflow.
    Huge,
    /// By w mod 97: NaN for 0, ∞ for 1, −∞ for 2, −0 for 3, else uniform.
    WithNonFinite,
    /// index mod 251, plus 1: a prime period, so that swapped blocks show.
    Painted,
    /// The lower 32 bits of w.
    AnyBits,
}

/// The kinds, in the order in which cases take them.
pub const KINDS: [Kind; 9] = [
    Kind::Uniform,
    Kind::Tiny,
    Kind::HeavyTailed,
    Kind::Positive,
    Kind::Subnormal,
    Kind::Huge,
    Kind::WithNonFinite,
    Kind::Painted,
    Kind::AnyBits,
];

impl Kind {
    /// As the files call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Tiny => "tiny",
            Self::HeavyTailed => "heavy-tailed",
            Self::Positive => "positive",
            Self::Subnormal => "subnormal",
            Self::Huge => "huge",
            Self::WithNonFinite => "with-non-finite",
            Self::Painted => "painted",
            Self::AnyBits => "any-bits",
        }
    }
}

/// 2^`exponent`, for exponents of normal numbers.
const fn power(exponent: i32) -> f32 {
    f32::from_bits(((exponent + 127) as u32) << 23)
}

/// Element `index` of the input of that kind and seed. Every product is exact.
#[must_use]
pub fn value(kind: Kind, seed: u64, index: u64) -> f32 {
    let word = hash::word(seed, index);
    let unit = (word >> 40) as i32;
    let signed = (unit - (1 << 23)) as f32;
    match kind {
        Kind::Uniform => signed * power(-23),
        Kind::Tiny => signed * power(-36),
        Kind::HeavyTailed => signed * power((word % 32) as i32 - 39),
        Kind::Positive => unit as f32 * power(-24),
        Kind::Subnormal => f32::from_bits(word as u32 & 0x80FF_FFFF),
        Kind::Huge => signed * power(104),
        Kind::WithNonFinite => match word % 97 {
            0 => f32::NAN,
            1 => f32::INFINITY,
            2 => f32::NEG_INFINITY,
            3 => -0.0,
            _ => signed * power(-23),
        },
        Kind::Painted => (index % 251) as f32 + 1.0,
        Kind::AnyBits => f32::from_bits(word as u32),
    }
}

/// One call of a kernel: the input's kind and seed, its length, and how many elements of
/// the generated stream are left out before it (so that slices start unaligned).
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Kind of input.
    pub kind: Kind,
    /// Seed of the first operand; the second has its complement.
    pub seed: u64,
    /// Elements an operand.
    pub length: usize,
    /// The first element's index in the stream.
    pub start: usize,
}

/// Cases that are spelled out.
pub const SMALL_CASES: u64 = 11;
/// Cases of the long run.
pub const LONG_CASES: u64 = 45;
/// Elements that any case needs, `start` included.
pub const LONGEST: usize = 3 * 4096 + 1 + 4;

const SMALL_LENGTHS: [usize; SMALL_CASES as usize] = [0, 1, 2, 3, 5, 7, 12, 16, 17, 33, 67];
const SMALL_SEED: u64 = 0x736D_616C_6C00;
const LONG_SEED: u64 = 0x6C6F_6E67_0000;

impl Case {
    /// Small case `number`: kinds in turn, starting with a uniform one.
    #[must_use]
    pub fn small(number: u64) -> Self {
        let length = SMALL_LENGTHS.get(number as usize).copied().unwrap_or(0);
        Self { kind: kind(number), seed: hash::word(SMALL_SEED, number), length, start: number as usize % 3 }
    }

    /// Long case `number`: lengths below, about and far above a tile.
    #[must_use]
    pub fn long(number: u64) -> Self {
        let seed = hash::word(LONG_SEED, number);
        let (choice, rest) = (seed % 8, (seed >> 8) % 65_536);
        let length = match choice {
            0..=2 => rest % 300,
            3 | 4 => 300 + rest % 1000,
            5 => 4000 + rest % 300,
            6 => 8190 + rest % 70,
            _ => 3 * 4096 + 1,
        };
        Self { kind: kind(number), seed, length: length as usize, start: (seed >> 32) as usize % 5 }
    }

    /// Parameter `number` of a case, for what a kernel wants beside its operands: word
    /// `number` of splitmix64 from the state `seed` XOR 0x5555…5555.
    #[must_use]
    pub const fn parameter(&self, number: u64) -> u64 {
        hash::word(self.seed ^ 0x5555_5555_5555_5555, number)
    }

    /// A factor in −1..1: parameter 0 as a uniform input.
    #[must_use]
    pub const fn factor(&self) -> f32 {
        ((self.parameter(0) >> 40) as i32 - (1 << 23)) as f32 * power(-23)
    }

    /// Another: parameter 1 as a uniform input.
    #[must_use]
    pub const fn second_factor(&self) -> f32 {
        ((self.parameter(1) >> 40) as i32 - (1 << 23)) as f32 * power(-23)
    }
}

fn kind(number: u64) -> Kind {
    let [first, ..] = KINDS;
    KINDS.get(number as usize % KINDS.len()).copied().unwrap_or(first)
}
