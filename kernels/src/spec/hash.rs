//! The counter-based hash: splitmix64 (Steele, Lea & Flood 2014), whose start and step
//! are drawn by SipHash-2-4 (Aumasson & Bernstein 2012) where the key is secret.

use crate::Key;

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

/// The words of one use of a key.
#[derive(Clone, Copy)]
pub struct Stream {
    start: u64,
    step: u64,
}

impl Stream {
    /// Word number `counter`.
    pub fn word(self, counter: u64) -> u64 {
        mix(self.start.wrapping_add(self.step.wrapping_mul(counter.wrapping_add(1))))
    }
}

/// The stream of the use that `of` names: of a seed, splitmix64 from [`key`] on; of a
/// secret key, start and step are the two halves of SipHash of `of`, the step made odd,
/// and every second bit of it flipped if fewer than 24 neighbouring bits differ.
pub fn stream(key: impl Into<Key>, of: u64) -> Stream {
    let key = key.into();
    if let Some(seed) = key.public() {
        return Stream { start: self::key(seed, of), step: GOLDEN };
    }
    let [start, step] = siphash_128(key.secret_words().unwrap_or_default(), &of.to_le_bytes());
    let step = step | 1;
    let differ = (0..64).filter(|bit| (step ^ step >> 1) >> bit & 1 == 1).count();
    Stream { start, step: if differ < 24 { step ^ 0xAAAA_AAAA_AAAA_AAAA } else { step } }
}

/// SipHash-2-4 with 128 bits of output, of any bytes.
pub fn siphash_128(key: [u64; 2], message: &[u8]) -> [u64; 2] {
    let name =
        |at: usize| u64::from_be_bytes(b"somepseudorandomlygeneratedbytes"[at..at + 8].try_into().unwrap());
    let mut v = [key[0] ^ name(0), key[1] ^ name(8) ^ 0xEE, key[0] ^ name(16), key[1] ^ name(24)];
    for at in (0..=message.len()).step_by(8) {
        let mut word = [0; 8];
        let bytes = &message[at..message.len().min(at + 8)];
        word[..bytes.len()].copy_from_slice(bytes);
        // The last word, which has room for seven bytes, ends with the length.
        if bytes.len() < 8 {
            word[7] = message.len() as u8;
        }
        let word = u64::from_le_bytes(word);
        v[3] ^= word;
        rounds(2, &mut v);
        v[0] ^= word;
    }
    v[2] ^= 0xEE;
    rounds(4, &mut v);
    let first = v[0] ^ v[1] ^ v[2] ^ v[3];
    v[1] ^= 0xDD;
    rounds(4, &mut v);
    [first, v[0] ^ v[1] ^ v[2] ^ v[3]]
}

/// SipRounds.
fn rounds(count: usize, v: &mut [u64; 4]) {
    for _ in 0..count {
        v[0] = v[0].wrapping_add(v[1]);
        v[1] = v[1].rotate_left(13) ^ v[0];
        v[0] = v[0].rotate_left(32);
        v[2] = v[2].wrapping_add(v[3]);
        v[3] = v[3].rotate_left(16) ^ v[2];
        v[0] = v[0].wrapping_add(v[3]);
        v[3] = v[3].rotate_left(21) ^ v[0];
        v[2] = v[2].wrapping_add(v[1]);
        v[1] = v[1].rotate_left(17) ^ v[2];
        v[2] = v[2].rotate_left(32);
    }
}

/// A number of `width` bits mapped to 0 to `below` − 1, by multiply–shift.
pub fn below(bits: u64, width: u32, below: u64) -> u64 {
    bits.wrapping_mul(below) >> width
}
