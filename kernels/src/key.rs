//! What a projection is drawn by: a public seed, or a secret key of 128 bits.

use crate::hash::{self, Stream};
use crate::siphash::siphash_128;
use core::fmt;

/// Separates a fingerprint from every other use of a key.
const FINGERPRINT: u64 = u64::from_be_bytes(*b"FINGERPR");

/// What a projection is drawn by.
///
/// **Who knows the key can make gradients that the sketch does not see.** A seed is
/// public: it is for research that others are to repeat, it is written into files, and
/// small ones are guessed. Where samples or clients may be hostile the key has to be
/// [`Key::secret`], of 128 bits that a generator for cryptography made, and to stay with
/// those who sketch.
///
/// A secret key is not shown: its [`Debug`](fmt::Debug) form, sketches, states and files
/// carry its [`Fingerprint`].
///
/// ```
/// use gradsieve_kernels::sjlt::Repeat;
/// use gradsieve_kernels::{Fingerprint, Key, Sjlt};
///
/// let public = Sjlt::new(Key::seed(7), Repeat::One);
/// // In earnest the bytes come from the operating system or a device's generator.
/// let key = Key::secret([0x5A; 16]);
/// let secret = Sjlt::new(key, Repeat::One);
/// assert_ne!(public, secret);
/// assert_eq!(Key::seed(7).fingerprint(), Fingerprint::Seed(7));
/// assert!(matches!(key.fingerprint(), Fingerprint::Secret(_)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(Drawn);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Drawn {
    Seed(u64),
    Secret([u64; 2]),
}

impl Key {
    /// A public key: the seed of splitmix64.
    #[must_use]
    pub const fn seed(seed: u64) -> Self {
        Self(Drawn::Seed(seed))
    }

    /// A secret key. Each use of it has a stream of its own, drawn by SipHash-2-4
    /// (Aumasson & Bernstein 2012), so that who learns one learns nothing of another.
    #[must_use]
    pub const fn secret(bytes: [u8; 16]) -> Self {
        let bits = u128::from_le_bytes(bytes);
        Self(Drawn::Secret([bits as u64, (bits >> 64) as u64]))
    }

    /// The seed, if the key is one.
    #[must_use]
    pub const fn public(self) -> Option<u64> {
        match self.0 {
            Drawn::Seed(seed) => Some(seed),
            Drawn::Secret(_) => None,
        }
    }

    /// What others may know of it: whether two keys are the same can be told by it, a
    /// secret key cannot.
    #[must_use]
    pub const fn fingerprint(self) -> Fingerprint {
        match self.0 {
            Drawn::Seed(seed) => Fingerprint::Seed(seed),
            Drawn::Secret(key) => {
                let [fingerprint, _] = siphash_128(key, &[FINGERPRINT]);
                Fingerprint::Secret(fingerprint)
            }
        }
    }

    /// A key for a part: of a seed `seed`, of a secret key what SipHash-2-4 makes of the
    /// key and of `numbers`, which say what part.
    #[must_use]
    pub const fn part(self, seed: u64, numbers: &[u64]) -> Self {
        match self.0 {
            Drawn::Seed(_) => Self::seed(seed),
            Drawn::Secret(key) => Self(Drawn::Secret(siphash_128(key, numbers))),
        }
    }

    /// The two words of a secret key, for the definition.
    pub(crate) const fn secret_words(self) -> Option<[u64; 2]> {
        match self.0 {
            Drawn::Seed(_) => None,
            Drawn::Secret(words) => Some(words),
        }
    }

    /// The words of one use of the key, which the constant `of` names.
    #[must_use]
    pub const fn stream(self, of: u64) -> Stream {
        let seed = match self.0 {
            Drawn::Seed(seed) => hash::key(seed, of),
            Drawn::Secret(_) => 0,
        };
        self.part(seed, &[of]).words()
    }

    /// The words that the key itself is the start of, for a key that has one use.
    #[must_use]
    pub const fn words(self) -> Stream {
        match self.0 {
            Drawn::Seed(start) => Stream { start, step: hash::GOLDEN },
            Drawn::Secret([start, step]) => Stream { start, step: hash::step(step) },
        }
    }
}

impl From<u64> for Key {
    fn from(seed: u64) -> Self {
        Self::seed(seed)
    }
}

/// Shows the fingerprint.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fingerprint().fmt(f)
    }
}

/// What others may know of a [`Key`]: the seed itself, which is public, or a hash of the
/// secret.
///
/// ```
/// use gradsieve_kernels::{Fingerprint, Key};
///
/// assert_eq!(Key::seed(7).fingerprint().to_string(), "seed 7");
/// assert_eq!(Fingerprint::Secret(0xAB).to_string(), "key 00000000000000ab");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fingerprint {
    /// The seed.
    Seed(u64),
    /// 64 bits that SipHash-2-4 makes of the secret key. Two keys have the same once in
    /// 2⁶⁴.
    Secret(u64),
}

impl Fingerprint {
    /// Of what has no key: seed 0.
    pub const NONE: Self = Self::Seed(0);

    /// Whether it is that of a secret key, and the seed or the 64 bits.
    #[must_use]
    pub const fn to_parts(self) -> (bool, u64) {
        match self {
            Self::Seed(seed) => (false, seed),
            Self::Secret(bits) => (true, bits),
        }
    }

    /// What [`Fingerprint::to_parts`] was made of.
    #[must_use]
    pub const fn from_parts(is_secret: bool, bits: u64) -> Self {
        if is_secret { Self::Secret(bits) } else { Self::Seed(bits) }
    }
}

/// `seed 7`, or `key` and sixteen hexadecimal digits.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seed(seed) => write!(f, "seed {seed}"),
            Self::Secret(bits) => write!(f, "key {bits:016x}"),
        }
    }
}
