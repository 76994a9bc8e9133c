//! What an array's elements are: every number type that a file can name, and the four
//! that a gradient can have.

use std::fmt;

/// The types of float that gradients come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// IEEE half precision, 2 bytes.
    F16,
    /// bfloat16, 2 bytes; only in `.safetensors`, as NumPy has no such type.
    Bf16,
    /// IEEE single precision, 4 bytes.
    F32,
    /// IEEE double precision, 8 bytes.
    F64,
}

impl Dtype {
    /// Bytes of one value.
    pub const fn bytes(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Whether a number is as finite when it is rounded to the type.
    pub fn holds(self, value: f64) -> bool {
        // What rounds to an infinity: half a step above the largest, and more.
        let most = match self {
            Self::F64 => f64::INFINITY,
            Self::F16 => 65_520.0,
            Self::F32 | Self::Bf16 => f64::from(f32::MAX) * (1.0 + f64::from(f32::EPSILON) / 4.0),
        };
        !value.is_finite() || value.abs() < most
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::F32 => "f32",
            Self::F64 => "f64",
        })
    }
}

/// The type of an array's elements, as its file names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Float(Dtype),
    Bool,
    /// Signed, of 1, 2, 4 or 8 bytes.
    Int(usize),
    /// Unsigned, of 1, 2, 4 or 8 bytes.
    Uint(usize),
    /// Text of a fixed length, padded with zeros: its name, the bytes of an element, and
    /// those of a character (4 for UTF-32, 1).
    Text {
        name: String,
        bytes: usize,
        unit: usize,
    },
    /// Anything else: its name, and the bytes of one element where that is fixed.
    Other(String, Option<u64>),
}

impl Element {
    /// Bytes of one element, unless they vary.
    pub(super) fn bytes(&self) -> Option<u64> {
        match self {
            Self::Float(dtype) => Some(dtype.bytes() as u64),
            Self::Bool => Some(1),
            Self::Int(bytes) | Self::Uint(bytes) => Some(*bytes as u64),
            Self::Text { bytes, .. } => Some(*bytes as u64),
            Self::Other(_, bytes) => *bytes,
        }
    }

    /// Bytes of what has an order of bytes: an element, or a character of it.
    pub(super) fn unit(&self) -> usize {
        match self {
            Self::Text { unit, .. } => *unit,
            other => other.bytes().unwrap_or(1) as usize,
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Float(dtype) => dtype.fmt(f),
            Self::Bool => f.write_str("bool"),
            Self::Int(bytes) => write!(f, "i{}", bytes * 8),
            Self::Uint(bytes) => write!(f, "u{}", bytes * 8),
            Self::Text { name, .. } | Self::Other(name, _) => f.write_str(name),
        }
    }
}
