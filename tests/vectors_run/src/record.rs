//! What becomes of a kernel's inputs and answers: spelled out as JSON, or the answers
//! hashed.

use core::fmt::{self, Write};
use half::{bf16, f16};

/// A number as bits; every NaN is one pattern, because a NaN's payload is not promised.
pub trait Value: Copy {
    /// Its bytes.
    const BYTES: usize;
    /// Its bits, in the lower `BYTES`.
    fn bits(self) -> u64;
}

impl Value for f32 {
    const BYTES: usize = 4;
    fn bits(self) -> u64 {
        u64::from(if self.is_nan() { 0x7FC0_0000 } else { self.to_bits() })
    }
}
impl Value for f64 {
    const BYTES: usize = 8;
    fn bits(self) -> u64 {
        if self.is_nan() { 0x7FF8_0000_0000_0000 } else { self.to_bits() }
    }
}
impl Value for f16 {
    const BYTES: usize = 2;
    fn bits(self) -> u64 {
        u64::from(if self.is_nan() { 0x7E00 } else { self.to_bits() })
    }
}
impl Value for bf16 {
    const BYTES: usize = 2;
    fn bits(self) -> u64 {
        u64::from(if self.is_nan() { 0x7FC0 } else { self.to_bits() })
    }
}
impl Value for u8 {
    const BYTES: usize = 1;
    fn bits(self) -> u64 {
        u64::from(self)
    }
}
impl Value for u32 {
    const BYTES: usize = 4;
    fn bits(self) -> u64 {
        u64::from(self)
    }
}
impl Value for u64 {
    const BYTES: usize = 8;
    fn bits(self) -> u64 {
        self
    }
}

/// Where a kernel's inputs and answers go.
pub struct Record<'a> {
    text: Option<&'a mut dyn Write>,
    hash: u64,
}

impl<'a> Record<'a> {
    /// Inputs and answers are spelled out.
    pub fn spell(to: &'a mut dyn Write) -> Self {
        Self { text: Some(to), hash: 0 }
    }

    /// Answers are hashed: FNV-1a of 64 bits (Fowler, Noll & Vo 1991) over their bytes,
    /// the lowest first.
    #[must_use]
    pub const fn hash() -> Self {
        Self { text: None, hash: 0xCBF2_9CE4_8422_2325 }
    }

    /// The hash of the answers so far.
    #[must_use]
    pub const fn value(&self) -> u64 {
        self.hash
    }

    /// Takes an operand or a parameter.
    ///
    /// # Errors
    /// Those of the text.
    pub fn input<T: Value>(&mut self, name: &str, values: &[T]) -> fmt::Result {
        self.text.as_mut().map_or(Ok(()), |text| spell(*text, name, values))
    }

    /// Takes an answer.
    ///
    /// # Errors
    /// Those of the text.
    pub fn answer<T: Value>(&mut self, name: &str, values: &[T]) -> fmt::Result {
        if let Some(text) = &mut self.text {
            return spell(*text, name, values);
        }
        for value in values {
            for &byte in value.bits().to_le_bytes().iter().take(T::BYTES) {
                self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
            }
        }
        Ok(())
    }
}

fn spell<T: Value>(text: &mut dyn Write, name: &str, values: &[T]) -> fmt::Result {
    write!(text, ",\n   \"{name}\": [")?;
    for (i, value) in values.iter().enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        write!(text, "{comma}\"{:#0width$x}\"", value.bits(), width = 2 + 2 * T::BYTES)?;
    }
    text.write_str("]")
}
