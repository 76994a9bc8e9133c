//! The counter-based hash that every projection is defined by: splitmix64 (Steele, Lea &
//! Flood 2014).
//!
//! A projection is a pure function of (key, coordinate), so nothing is stored and a
//! gradient may arrive in any split. One 64-bit word serves a block of coordinates, so
//! that small cores can pay for it.

use core::fmt;

/// The increment of splitmix64: 2⁶⁴ divided by the golden ratio, made odd.
pub const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The two multipliers of the finaliser.
pub(crate) const MIX_1: u64 = 0xBF58_476D_1CE4_E5B9;
/// The second of them.
pub(crate) const MIX_2: u64 = 0x94D0_49BB_1331_11EB;

/// The finaliser of splitmix64: a bijection of 64 bits in which every input bit reaches
/// every output bit.
#[inline]
#[must_use]
pub const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(MIX_1);
    let word = (word ^ (word >> 27)).wrapping_mul(MIX_2);
    word ^ (word >> 31)
}

/// The key of a stream: a user's seed, mixed with the stream's own constant, so that
/// neighbouring seeds and different uses of one seed have nothing in common.
#[inline]
#[must_use]
pub const fn key(seed: u64, stream: u64) -> u64 {
    mix(mix(seed.wrapping_add(GOLDEN)) ^ stream)
}

/// Word number `counter` of the stream `key`.
#[inline]
#[must_use]
pub const fn word(key: u64, counter: u64) -> u64 {
    mix(key.wrapping_add(counter.wrapping_add(1).wrapping_mul(GOLDEN)))
}

/// Numbers drawn by splitmix64 from one start with one step: word *c* is
/// mix(start + (*c* + 1)·step).
///
/// What starts and steps are secret is so no more once it is shown, so its
/// [`Debug`](fmt::Debug) form shows nothing.
///
/// ```
/// use gradsieve_kernels::{Key, hash};
///
/// assert_eq!(Key::seed(7).words().word(3), hash::word(7, 3));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stream {
    pub(crate) start: u64,
    /// Odd.
    pub(crate) step: u64,
}

impl Stream {
    /// What [`mix`] makes word number `counter` of; adding the step leads to the next.
    #[inline(always)]
    pub(crate) const fn state(self, counter: u64) -> State {
        let word = self.start.wrapping_add(counter.wrapping_add(1).wrapping_mul(self.step));
        State { word, step: self.step }
    }

    /// Word number `counter`.
    #[inline(always)]
    #[must_use]
    pub const fn word(self, counter: u64) -> u64 {
        mix(self.state(counter).word)
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream")
    }
}

/// Where in a [`Stream`] a kernel is.
#[derive(Clone, Copy)]
pub(crate) struct State {
    pub(crate) word: u64,
    pub(crate) step: u64,
}

impl State {
    /// The state `m` words on.
    #[inline(always)]
    pub(crate) const fn ahead(self, m: u64) -> u64 {
        self.word.wrapping_add(self.step.wrapping_mul(m))
    }

    /// The word, and on to the next.
    #[inline(always)]
    pub(crate) const fn take(&mut self) -> u64 {
        let word = mix(self.word);
        self.word = self.word.wrapping_add(self.step);
        word
    }
}

/// A step of 64 random bits: odd, and, as Steele, Lea & Flood have it, with 24 changes
/// between neighbouring bits or more, so that near states differ in many bits.
pub(crate) const fn step(bits: u64) -> u64 {
    let odd = bits | 1;
    if (odd ^ (odd >> 1)).count_ones() < 24 { odd ^ 0xAAAA_AAAA_AAAA_AAAA } else { odd }
}

/// Maps the upper bits of `bits` (a uniform number of `width` bits) to `0..below` by
/// multiply–shift.
///
/// No value's probability is off by more than one part in 2^width / `below`.
#[inline]
#[must_use]
pub const fn below(bits: u64, width: u32, below: u64) -> u64 {
    bits.wrapping_mul(below) >> width
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_splitmix64_as_published() {
        // The first outputs of splitmix64 seeded with 1234567, as listed with the
        // reference program.
        let published = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423_u64];
        for (counter, expected) in published.into_iter().enumerate() {
            assert_eq!(word(1_234_567, counter as u64), expected);
        }
    }
}
