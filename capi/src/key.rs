//! What projections are drawn by.

use gradsieve::Key;

/// What a projection is drawn by. Who knows it can make gradients that the sketch does
/// not see: where samples may be hostile it must be secret and random.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct gradsieve_key {
    /// A public seed; read if is_secret is 0.
    pub seed: u64,
    /// 128 random bits; read if is_secret is not 0.
    pub secret: [u8; 16],
    /// Whether the key is secret: 0 or 1.
    pub is_secret: u8,
}

impl gradsieve_key {
    pub(crate) const fn core(&self) -> Key {
        if self.is_secret == 0 { Key::seed(self.seed) } else { Key::secret(self.secret) }
    }
}
