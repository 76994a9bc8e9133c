//! What stored rows are scored against: some vectors of K numbers, packed once for a
//! codec.

use super::codec::{Codec, Form, exponent_of, power};
use crate::error::{Error, Field, check_length};
use crate::memory::{Buffer, Memory};
use crate::sketch::SketchId;
use gradsieve_kernels::rotation::rotated;
use gradsieve_kernels::score::{bits, float, int8};
use gradsieve_kernels::{Certain, max_abs};

/// How many queries there are room for, and against which rows.
///
/// ```
/// use gradsieve::store::{Codec, QueriesSettings};
///
/// const F16: QueriesSettings = QueriesSettings { codec: Codec::F16, width: 64, count: 8 };
/// const SIGN: QueriesSettings = QueriesSettings { codec: Codec::OneBit, ..F16 };
/// assert_eq!((F16.memory().f32s, SIGN.memory().f32s), (8 * 64, 8 * (64 / 4 + 2 + 1)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QueriesSettings {
    /// The rows' codec; `f32`, `f16` and `bf16` count as one.
    pub codec: Codec,
    /// K.
    pub width: usize,
    /// Queries, at most.
    pub count: usize,
}

impl QueriesSettings {
    /// What they need: about one `f32` for each of their numbers; a quarter of that
    /// against int8 and few bits, and then one or two more a query.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        let f32s = self.packed(self.count).saturating_add(self.exponents());
        Memory { f32s, ..Memory::NONE }
    }

    /// Numbers that `count` packed queries take.
    const fn packed(&self, count: usize) -> usize {
        match self.codec.form() {
            Form::F32 | Form::F16 | Form::Bf16 => float::Packed::len(count, self.width),
            Form::Int8 => int8::Queries::sealed_len(count, self.width) / 4,
            Form::Bits(_) => bits::Queries::sealed_len(count, self.width) / 4,
        }
    }

    /// Numbers behind them: room for an exponent a query, where queries have some.
    const fn exponents(&self) -> usize {
        if matches!(self.codec.form(), Form::Bits(_)) { self.count } else { 0 }
    }

    /// Refuses settings, and a buffer of `found` numbers, that do not fit.
    const fn check(&self, found: usize) -> Result<(), Error> {
        match self.codec.check_width(self.width) {
            Ok(()) => check_length(self.memory().f32s, found),
            Err(error) => Err(error),
        }
    }
}

/// Queries against rows of one codec. They are packed once, and scored against as many
/// stores as there are.
///
/// ```
/// use gradsieve::store::{Codec, Queries, QueriesSettings, Store, StoreSettings};
/// # use gradsieve::{Exact, Layout, Projector, Sketch};
/// # let id = Exact::new(2).id(Layout::flat(2)?.id());
/// # let values = [3.0, -4.0];
/// # let sketch = Sketch::from_parts(id, &values, gradsieve_kernels::summarize(&values))?;
///
/// const STORE: StoreSettings = StoreSettings { codec: Codec::F16, width: 2, rows: 1 };
/// let mut store = Store::new(STORE, [0; STORE.memory().others])?;
/// store.append(7, &sketch)?; // of the gradient (3, −4)
///
/// const QUERIES: QueriesSettings = QueriesSettings { codec: Codec::F16, width: 2, count: 2 };
/// let mut queries = Queries::new(QUERIES, [0.0; QUERIES.memory().f32s])?;
/// queries.pack(id, &[1.0, 0.0, 1.0, 1.0])?;
/// let mut scores = [0.0; 2];
/// store.score(&queries, &mut scores)?;
/// assert_eq!(scores, [3.0, -1.0]);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Queries<B> {
    settings: QueriesSettings,
    id: Option<SketchId>,
    count: usize,
    buffer: B,
}

/// Packed queries, as the kernels take them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Packed<'q> {
    Floats(float::Packed<'q>),
    Int8(int8::Queries<'q>),
    /// Queries that are divided by two to the power of these.
    Bits(bits::Queries<'q>, &'q [i8]),
}

impl<const N: usize> Queries<[f32; N]> {
    /// No queries yet, in an array of its own: for `static` cells, too.
    ///
    /// # Errors
    /// As [`new`](Queries::new).
    pub const fn owned(settings: QueriesSettings) -> Result<Self, Error> {
        match settings.check(N) {
            Ok(()) => Ok(Self::over(settings, [0.0; N])),
            Err(error) => Err(error),
        }
    }
}

impl<B> Queries<B> {
    const fn over(settings: QueriesSettings, buffer: B) -> Self {
        Self { settings, id: None, count: 0, buffer }
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> QueriesSettings {
        self.settings
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// What they belong to; `None` before any are packed.
    #[must_use]
    pub const fn id(&self) -> Option<SketchId> {
        self.id
    }
}

impl<B: Buffer<f32>> Queries<B> {
    /// No queries yet.
    ///
    /// # Errors
    /// [`Error::Width`] without a width; [`Error::Setting`] if rows of this codec cannot
    /// be so wide; [`Error::Length`] if the buffer is not as long as
    /// [`QueriesSettings::memory`] says.
    pub fn new(settings: QueriesSettings, buffer: B) -> Result<Self, Error> {
        settings.check(buffer.as_ref().len())?;
        Ok(Self::over(settings, buffer))
    }

    /// Packs the queries of `values` in the place of those before, query after query of K
    /// numbers each: sketches, or what belongs to sketches of `id`, such as the solution
    /// of a ridge system.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if `id` has another width; [`Error::Length`] if `values` is
    /// not whole queries; [`Error::Full`] if they are too many; [`Error::NonFinite`]. The
    /// queries are as they were.
    pub fn pack(&mut self, id: SketchId, values: &[f32]) -> Result<(), Error> {
        let QueriesSettings { codec, width, count: capacity } = self.settings;
        let count = check_queries(id, values, width, capacity)?;
        let (packed, behind) =
            self.buffer.as_mut().split_at_mut_checked(self.settings.packed(count)).certain();
        match codec.form() {
            Form::F32 | Form::F16 | Form::Bf16 => {
                float::Packed::new(values, width, packed)?;
            }
            Form::Int8 => {
                int8::Queries::sealed(values, width, bytemuck::must_cast_slice_mut(packed))?;
            }
            Form::Bits(of) => {
                // Behind the queries: their exponents.
                let exponents = bytemuck::must_cast_slice_mut(behind).get_mut(..count).certain();
                for (exponent, query) in exponents.iter_mut().zip(values.chunks(width.max(1))) {
                    *exponent = exponent_of(max_abs(query));
                }
                let packed = bytemuck::must_cast_slice_mut(packed);
                bits::Queries::of_blocks(of, count, width, packed, |query, block| {
                    let exponent = exponents.get(query).copied().certain();
                    rotated(query_of(values, width, query), power(-exponent), block)
                })?;
            }
        }
        (self.id, self.count) = (Some(id), count);
        Ok(())
    }

    /// How they are packed, if that suits rows of `codec`.
    pub(super) fn packed_for(&self, codec: Codec) -> Result<Packed<'_>, Error> {
        let QueriesSettings { width, .. } = self.settings;
        let (packed, behind) =
            self.buffer.as_ref().split_at_checked(self.settings.packed(self.count)).certain();
        Ok(match (codec.form(), self.settings.codec.form()) {
            (Form::F32 | Form::F16 | Form::Bf16, Form::F32 | Form::F16 | Form::Bf16) => {
                Packed::Floats(float::Packed::from_packed(packed, width, self.count)?)
            }
            (Form::Int8, Form::Int8) => {
                let packed = bytemuck::must_cast_slice(packed);
                Packed::Int8(int8::Queries::from_packed(packed, width, self.count)?)
            }
            (Form::Bits(of), Form::Bits(own)) if of == own => {
                let exponents = bytemuck::must_cast_slice(behind).get(..self.count).certain();
                let packed = bytemuck::must_cast_slice(packed);
                let queries = bits::Queries::from_packed(of, packed, width, self.count)?;
                Packed::Bits(queries, exponents)
            }
            _ => return Err(Error::Mismatch(Field::Codec)),
        })
    }
}

/// Query `query` of those that stand one after the other.
pub(super) fn query_of(values: &[f32], width: usize, query: usize) -> &[f32] {
    values.chunks(width.max(1)).nth(query).certain()
}

/// How many queries of `width` numbers there are in `values`, if they are what there is
/// room for.
pub(super) fn check_queries(
    id: SketchId,
    values: &[f32],
    width: usize,
    capacity: usize,
) -> Result<usize, Error> {
    if id.width != width {
        return Err(Error::Mismatch(Field::Width));
    }
    let count = values.len().checked_div(width).certain();
    check_length(count.saturating_mul(width), values.len())?;
    if count > capacity {
        return Err(Error::Full { capacity });
    }
    if values.iter().all(|value| value.is_finite()) { Ok(count) } else { Err(Error::NonFinite) }
}
