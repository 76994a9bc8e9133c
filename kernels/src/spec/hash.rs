//! The counter-based hash: splitmix64 (Steele, Lea & Flood 2014).

/// The increment of splitmix64.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finaliser of splitmix64.
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}

/// The key of one use (`stream`) of a seed.
pub fn key(seed: u64, stream: u64) -> u64 {
    mix(mix(seed.wrapping_add(GOLDEN)) ^ stream)
}

/// Word number `counter` of the stream of a key.
pub fn word(key: u64, counter: u64) -> u64 {
    mix(key.wrapping_add(GOLDEN.wrapping_mul(counter.wrapping_add(1))))
}

/// A number of `width` bits mapped to 0 to `below` − 1, by multiply–shift.
pub fn below(bits: u64, width: u32, below: u64) -> u64 {
    bits.wrapping_mul(below) >> width
}
