//! SipHash-2-4 with 128 bits of output (Aumasson & Bernstein 2012): a function of a
//! secret key that nobody without the key tells from chance.

/// The hash of a message of whole words, each of which stands for its eight bytes,
/// little-endian.
pub(crate) const fn siphash_128(key: [u64; 2], message: &[u64]) -> [u64; 2] {
    // "somepseudorandomlygeneratedbytes", and the mark of the longer output.
    let mut state = State([
        key[0] ^ 0x736F_6D65_7073_6575,
        key[1] ^ 0x646F_7261_6E64_6F6D ^ 0xEE,
        key[0] ^ 0x6C79_6765_6E65_7261,
        key[1] ^ 0x7465_6462_7974_6573,
    ]);
    let length = message.len() as u64 * 8;
    let mut rest = message;
    while let Some((word, later)) = rest.split_first() {
        state = state.absorb(*word);
        rest = later;
    }
    // The last word holds the bytes that are left, of which there are none, and the
    // length.
    let first = state.absorb(length << 56).flip(2, 0xEE).rounds(4);
    let second = first.flip(1, 0xDD).rounds(4);
    [first.fold(), second.fold()]
}

/// The four words that are mixed.
#[derive(Clone, Copy)]
struct State([u64; 4]);

impl State {
    const fn absorb(self, word: u64) -> Self {
        self.flip(3, word).rounds(2).flip(0, word)
    }

    const fn flip(self, at: usize, bits: u64) -> Self {
        let Self([a, b, c, d]) = self;
        Self(match at {
            0 => [a ^ bits, b, c, d],
            1 => [a, b ^ bits, c, d],
            2 => [a, b, c ^ bits, d],
            _ => [a, b, c, d ^ bits],
        })
    }

    const fn rounds(self, mut count: u32) -> Self {
        let Self([mut a, mut b, mut c, mut d]) = self;
        while count > 0 {
            a = a.wrapping_add(b);
            c = c.wrapping_add(d);
            b = b.rotate_left(13) ^ a;
            d = d.rotate_left(16) ^ c;
            a = a.rotate_left(32).wrapping_add(d);
            c = c.wrapping_add(b);
            d = d.rotate_left(21) ^ a;
            b = b.rotate_left(17) ^ c;
            c = c.rotate_left(32);
            count -= 1;
        }
        Self([a, b, c, d])
    }

    const fn fold(self) -> u64 {
        let Self([a, b, c, d]) = self;
        a ^ b ^ c ^ d
    }
}

#[cfg(test)]
mod tests {
    use super::siphash_128;

    #[test]
    fn the_hash_is_siphash_as_published() {
        // The key is 00 01 … 0f; the messages are nothing and 00 01 … 07, as listed with
        // the reference program.
        let key = [0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908];
        let published = [
            (&[][..], 0xA381_7F04_BA25_A8E6_6DF6_7214_C755_0293),
            (&[0x0706_0504_0302_0100][..], 0x3B62_A9BA_6258_F561_0F83_E264_F314_97B4),
        ];
        for (message, expected) in published {
            let [first, second] = siphash_128(key, message).map(u64::swap_bytes);
            assert_eq!(u128::from(first) << 64 | u128::from(second), expected, "{message:?}");
        }
    }
}
