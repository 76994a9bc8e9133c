//! What stored rows are scored against: some vectors of K numbers, laid out once for a
//! codec in the caller's scratch.

use super::codec::Codec;
use crate::error::{Error, Field, check_length};
use crate::sketch::SketchId;
use gradsieve_kernels::score::{float, int8, sign};

/// Queries against rows of one codec (`f32`, `f16` and `bf16` count as one).
#[derive(Clone, Copy, Debug)]
pub struct Queries<'q> {
    id: SketchId,
    packed: Packed<'q>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Packed<'q> {
    Floats(float::Packed<'q>),
    Int8(int8::Queries<'q>),
    Signs(sign::Tables<'q>),
}

impl<'q> Queries<'q> {
    /// Numbers of `f32` of scratch that so many queries take: about one for each of
    /// theirs (int8: a quarter, 1 bit: sixteen, for there the signed sums of four are
    /// tabulated).
    #[must_use]
    pub const fn floats(codec: Codec, queries: usize, width: usize) -> usize {
        match codec {
            Codec::F32 | Codec::F16 | Codec::Bf16 => float::Packed::len(queries, width),
            Codec::Int8 => int8::Queries::sealed_len(queries, width) / 4,
            Codec::Sign => sign::Tables::len(queries, width),
        }
    }

    /// Lays out the queries of `values`, query after query of K numbers each: sketches,
    /// or what belongs to sketches of `id`, such as the solution of a ridge system.
    ///
    /// # Errors
    /// [`Error::Width`] if `id` has no width; [`Error::Length`] if `values` is not whole
    /// queries or `scratch` not [`Queries::floats`] long; [`Error::Setting`] if rows of
    /// this codec cannot be so wide; [`Error::NonFinite`].
    pub fn new(codec: Codec, id: SketchId, values: &[f32], scratch: &'q mut [f32]) -> Result<Self, Error> {
        let width = id.width;
        if width == 0 {
            return Err(Error::Width { multiple: 1, found: 0 });
        }
        if width > codec.widest() {
            return Err(Error::Setting { name: "width", expected: "at most the codec's widest row" });
        }
        check_length(Self::floats(codec, values.len() / width, width), scratch.len())?;
        if !values.iter().all(|value| value.is_finite()) {
            return Err(Error::NonFinite);
        }
        let packed = match codec {
            Codec::F32 | Codec::F16 | Codec::Bf16 => {
                Packed::Floats(float::Packed::new(values, width, scratch)?)
            }
            Codec::Int8 => {
                let scratch = bytemuck::must_cast_slice_mut(scratch);
                Packed::Int8(int8::Queries::sealed(values, width, scratch)?)
            }
            Codec::Sign => Packed::Signs(sign::Tables::new(values, width, scratch)?),
        };
        Ok(Self { id, packed })
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        match self.packed {
            Packed::Floats(packed) => packed.count(),
            Packed::Int8(packed) => packed.count(),
            Packed::Signs(packed) => packed.count(),
        }
    }

    /// What they belong to.
    #[must_use]
    pub const fn id(&self) -> SketchId {
        self.id
    }

    /// How they are laid out, if that suits rows of `codec`.
    pub(super) fn packed_for(&self, codec: Codec) -> Result<Packed<'q>, Error> {
        match (codec, self.packed) {
            (Codec::F32 | Codec::F16 | Codec::Bf16, Packed::Floats(_))
            | (Codec::Int8, Packed::Int8(_))
            | (Codec::Sign, Packed::Signs(_)) => Ok(self.packed),
            _ => Err(Error::Mismatch(Field::Codec)),
        }
    }
}
