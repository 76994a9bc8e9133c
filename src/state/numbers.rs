//! Numbers one after the other, little-endian, in and out.

use crate::error::{Error, Field};
use crate::gradient::LayoutId;
use crate::sketch::{Kind, Repeat, SketchId};
use gradsieve_kernels::{Certain, Fingerprint};
use half::f16;

/// Stands for the kind of projection where there are no sketches.
const NO_SKETCH: u8 = 255;

/// A number as bytes: little-endian, and as wide on every machine.
pub(crate) trait Number: Copy {
    /// Bytes of one.
    const BYTES: usize;

    /// Writes it.
    fn put(&self, to: &mut Writer<'_>);

    /// Reads one.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the bytes end, or are none of this kind of number.
    fn take(from: &mut Reader<'_>) -> Result<Self, Error>;

    /// Writes many.
    fn put_all(numbers: &[Self], to: &mut Writer<'_>);

    /// Reads as many as there are.
    ///
    /// # Errors
    /// As [`Number::take`].
    fn take_all(numbers: &mut [Self], from: &mut Reader<'_>) -> Result<(), Error>;
}

macro_rules! number {
    ($($number:ty),*) => {$(
        impl Number for $number {
            const BYTES: usize = size_of::<Self>();

            fn put(&self, to: &mut Writer<'_>) {
                to.put(&self.to_le_bytes());
            }

            fn take(from: &mut Reader<'_>) -> Result<Self, Error> {
                from.array().map(Self::from_le_bytes)
            }

            fn put_all(numbers: &[Self], to: &mut Writer<'_>) {
                to.each(numbers, Self::to_le_bytes);
            }

            fn take_all(numbers: &mut [Self], from: &mut Reader<'_>) -> Result<(), Error> {
                from.each(numbers, Self::from_le_bytes)
            }
        }
    )*};
}

number!(u8, u16, u32, u64, i8, i64, f16, f32, f64);

/// Numbers that are stored as others.
macro_rules! number_as {
    ($($number:ty as $stored:ty: $from:expr;)*) => {$(
        impl Number for $number {
            const BYTES: usize = size_of::<$stored>();

            fn put(&self, to: &mut Writer<'_>) {
                (*self as $stored).put(to);
            }

            fn take(from: &mut Reader<'_>) -> Result<Self, Error> {
                let from_stored: fn($stored) -> Option<Self> = $from;
                from_stored(<$stored>::take(from)?).ok_or(Error::Corrupt)
            }

            fn put_all(numbers: &[Self], to: &mut Writer<'_>) {
                numbers.iter().for_each(|number| number.put(to));
            }

            fn take_all(numbers: &mut [Self], from: &mut Reader<'_>) -> Result<(), Error> {
                numbers.iter_mut().try_for_each(|number| Ok(*number = Self::take(from)?))
            }
        }
    )*};
}

number_as! {
    // A count that this machine cannot address is corrupt.
    usize as u64: |count| usize::try_from(count).ok();
    bool as u8: |flag| match flag {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    };
}

/// Writes numbers one after the other, little-endian, or only counts their bytes.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    to: To<'a>,
    at: usize,
}

/// Where numbers are written.
enum To<'a> {
    /// Nowhere: their bytes are counted.
    Nowhere,
    /// Into the caller's slice.
    Slice(&'a mut [u8]),
    /// To a function, some at a time.
    #[cfg(feature = "embedded-io")]
    Pieces(&'a mut dyn FnMut(&[u8])),
}

impl core::fmt::Debug for To<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Nowhere => "Nowhere",
            Self::Slice(_) => "Slice",
            #[cfg(feature = "embedded-io")]
            Self::Pieces(_) => "Pieces",
        })
    }
}

impl<'a> Writer<'a> {
    /// From byte `at` on; there is room, as has been counted.
    pub(super) const fn at(to: &'a mut [u8], at: usize) -> Self {
        Self { to: To::Slice(to), at }
    }

    /// Counts from byte `at` on, and writes nothing.
    pub(super) const fn count(at: usize) -> Self {
        Self { to: To::Nowhere, at }
    }

    /// From byte `at` on, to a function.
    #[cfg(feature = "embedded-io")]
    pub(super) fn pieces(to: &'a mut dyn FnMut(&[u8]), at: usize) -> Self {
        Self { to: To::Pieces(to), at }
    }

    /// Where the next number would stand.
    pub(super) const fn end(&self) -> usize {
        self.at
    }

    /// The next `len` bytes; none where they are only counted, or go to a function.
    fn next(&mut self, len: usize) -> &mut [u8] {
        let start = self.at;
        self.at = start.saturating_add(len);
        match &mut self.to {
            To::Slice(to) => to.get_mut(start..self.at).certain(),
            _ => &mut [],
        }
    }

    /// Bytes as they are.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        #[cfg(feature = "embedded-io")]
        if let To::Pieces(to) = &mut self.to {
            to(bytes);
        }
        for (to, byte) in self.next(bytes.len()).iter_mut().zip(bytes) {
            *to = *byte;
        }
    }

    /// As many zeros.
    pub(crate) fn zeros(&mut self, len: usize) {
        #[cfg(feature = "embedded-io")]
        if let To::Pieces(to) = &mut self.to {
            (0..len).for_each(|_| to(&[0]));
        }
        self.next(len).fill(0);
    }

    fn each<T: Copy, const N: usize>(&mut self, values: &[T], bytes: impl Fn(T) -> [u8; N]) {
        #[cfg(feature = "embedded-io")]
        if let To::Pieces(to) = &mut self.to {
            values.iter().for_each(|value| to(&bytes(*value)));
        }
        let to = self.next(values.len().saturating_mul(N));
        for (to, value) in to.as_chunks_mut::<N>().0.iter_mut().zip(values) {
            *to = bytes(*value);
        }
    }

    pub(super) fn sketch_id(&mut self, id: Option<SketchId>) {
        let Some(id) = id else {
            NO_SKETCH.put(self);
            return self.zeros(39);
        };
        (id.kind as u8).put(self);
        (id.repeat.count() as u8).put(self);
        let (is_secret, key) = id.key.to_parts();
        u8::from(is_secret).put(self);
        self.zeros(5);
        for number in [id.width as u64, key, id.settings, id.layout.to_bits()] {
            number.put(self);
        }
    }
}

/// Reads numbers one after the other. The bytes have the CRC that they were written with,
/// so what does not fit is [`Error::Corrupt`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// From the first byte on.
    pub(super) const fn new(from: &'a [u8]) -> Self {
        Self { rest: from }
    }

    fn next(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let (next, rest) = self.rest.split_at_checked(len).ok_or(Error::Corrupt)?;
        self.rest = rest;
        Ok(next)
    }

    /// The next N bytes.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if there are not as many.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (next, rest) = self.rest.split_first_chunk::<N>().ok_or(Error::Corrupt)?;
        self.rest = rest;
        Ok(*next)
    }

    /// Passes over bytes.
    ///
    /// # Errors
    /// As [`Reader::array`].
    pub(crate) fn skip(&mut self, len: usize) -> Result<(), Error> {
        self.next(len).map(|_| ())
    }

    /// Bytes that are left.
    pub(crate) const fn left(&self) -> usize {
        self.rest.len()
    }

    /// Refuses bodies of another length.
    ///
    /// # Errors
    /// [`Error::Corrupt`] unless `len` bytes are left.
    pub(crate) fn exactly(&self, len: usize) -> Result<(), Error> {
        if self.rest.len() == len { Ok(()) } else { Err(Error::Corrupt) }
    }

    fn each<T, const N: usize>(&mut self, to: &mut [T], number: impl Fn([u8; N]) -> T) -> Result<(), Error> {
        let from = self.next(to.len().checked_mul(N).ok_or(Error::Corrupt)?)?;
        for (to, bytes) in to.iter_mut().zip(from.as_chunks::<N>().0) {
            *to = number(*bytes);
        }
        Ok(())
    }

    pub(super) fn sketch_id(&mut self) -> Result<Option<SketchId>, Error> {
        let kind = u8::take(self)?;
        if kind == NO_SKETCH {
            return Ok(None);
        }
        let kind = Kind::from_number(kind).ok_or(Error::Mismatch(Field::Kind))?;
        let repeat =
            Repeat::from_count(usize::from(u8::take(self)?)).ok_or(Error::Mismatch(Field::Repeat))?;
        let is_secret = match u8::take(self)? {
            0 => false,
            1 => true,
            _ => return Err(Error::Mismatch(Field::Key)),
        };
        self.skip(5)?;
        let width = usize::try_from(u64::take(self)?).map_err(|_| Error::Mismatch(Field::Width))?;
        let (key, settings) = (u64::take(self)?, u64::take(self)?);
        let layout = LayoutId::from_bits(u64::take(self)?);
        let key = Fingerprint::from_parts(is_secret, key);
        Ok(Some(SketchId { kind, width, key, repeat, settings, layout }))
    }
}
