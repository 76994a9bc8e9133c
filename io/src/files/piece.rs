//! A run of neighbouring values of one row, in the file's own type.

use half::slice::HalfFloatSliceExt as _;
use half::{bf16, f16};

use super::Dtype;

/// Neighbouring values of one row, in the type that the file stores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Piece<'a> {
    /// Half precision.
    F16(&'a [f16]),
    /// bfloat16.
    Bf16(&'a [bf16]),
    /// Single precision.
    F32(&'a [f32]),
    /// Double precision.
    F64(&'a [f64]),
}

impl<'a> Piece<'a> {
    /// How many values.
    pub fn len(&self) -> usize {
        match self {
            Self::F16(values) => values.len(),
            Self::Bf16(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies as many values as both sides have to `values`, as f32: f16 and bf16 widen
    /// exactly, f64 is rounded to nearest even (beyond f32's range: to an infinity).
    pub fn copy_to_f32(&self, values: &mut [f32]) {
        let n = self.len().min(values.len());
        let values = &mut values[..n];
        match self {
            Self::F16(piece) => piece[..n].convert_to_f32_slice(values),
            Self::Bf16(piece) => piece[..n].convert_to_f32_slice(values),
            Self::F32(piece) => values.copy_from_slice(&piece[..n]),
            Self::F64(piece) => values.iter_mut().zip(*piece).for_each(|(to, from)| *to = *from as f32),
        }
    }

    /// `count` values of `dtype` from `start` on, out of a buffer that holds at least
    /// that many.
    pub(super) fn of(buffer: &'a [f64], dtype: Dtype, start: usize, count: usize) -> Self {
        let values = start..start + count;
        match dtype {
            Dtype::F16 => Self::F16(&bytemuck::cast_slice(buffer)[values]),
            Dtype::Bf16 => Self::Bf16(&bytemuck::cast_slice(buffer)[values]),
            Dtype::F32 => Self::F32(&bytemuck::cast_slice(buffer)[values]),
            Dtype::F64 => Self::F64(&buffer[values]),
        }
    }
}
