//! What a packet says beside the numbers: which fields it has, in the order of the bytes.

use crate::error::Error;
use crate::sketch::Sketch;
use gradsieve_kernels::Summary;

/// Bytes of each.
pub(super) const FIELD: usize = 4;

pub(super) const GROUP: u8 = 1;
pub(super) const LOSS: u8 = 2;
pub(super) const L1: u8 = 4;
pub(super) const MAX: u8 = 8;

/// All of them.
pub(super) const ALL: u8 = GROUP | LOSS | L1 | MAX;

/// The norm, and the fields that a packet has.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Fields {
    pub(super) norm: f32,
    pub(super) group: Option<u32>,
    pub(super) loss: Option<f32>,
    pub(super) l1: Option<f32>,
    pub(super) max: Option<f32>,
}

impl Fields {
    /// Those of a sketch; the last two if they are wanted, and were taken.
    pub(super) fn of(sketch: &Sketch<'_>, l1: bool, max: bool) -> Result<Self, Error> {
        let measures = sketch.measures;
        Ok(Self {
            norm: narrowed(libm::sqrt(measures.l2_squared), "the L2 norm")?,
            group: (sketch.group > 0).then_some(sketch.group),
            loss: sketch.loss,
            l1: (l1 && !measures.l1.is_nan()).then(|| narrowed(measures.l1, "the L1 norm")).transpose()?,
            max: (max && !measures.max.is_nan()).then_some(measures.max),
        })
    }

    /// Which there are, as bits.
    pub(super) fn bits(&self) -> u8 {
        let bit = |is_there, bit| if is_there { bit } else { 0 };
        bit(self.group.is_some(), GROUP)
            | bit(self.loss.is_some(), LOSS)
            | bit(self.l1.is_some(), L1)
            | bit(self.max.is_some(), MAX)
    }

    /// Bytes of the norm and of the fields that these bits name.
    pub(super) const fn bytes(bits: u8) -> usize {
        FIELD * (1 + bits.count_ones() as usize)
    }

    /// The norm and the fields, as bytes.
    pub(super) fn words(&self) -> impl Iterator<Item = [u8; FIELD]> {
        let all = [
            Some(self.norm.to_le_bytes()),
            self.group.map(u32::to_le_bytes),
            self.loss.map(f32::to_le_bytes),
            self.l1.map(f32::to_le_bytes),
            self.max.map(f32::to_le_bytes),
        ];
        all.into_iter().flatten()
    }

    /// What those bits and as many words say.
    pub(super) fn from_words(bits: u8, mut words: impl Iterator<Item = [u8; FIELD]>) -> Result<Self, Error> {
        let mut next = |bit| if bits & bit == bit { words.next() } else { None };
        let length = |bytes: [u8; FIELD]| match f32::from_le_bytes(bytes) {
            length if !length.is_finite() => Err(Error::NonFinite),
            length if length < 0.0 => Err(Error::Corrupt),
            length => Ok(length),
        };
        Ok(Self {
            norm: length(next(0).ok_or(Error::Corrupt)?)?,
            group: next(GROUP).map(u32::from_le_bytes),
            loss: next(LOSS).map(f32::from_le_bytes),
            l1: next(L1).map(length).transpose()?,
            max: next(MAX).map(length).transpose()?,
        })
    }

    /// The measures of a gradient of so many coordinates. What was not sent is NaN.
    pub(super) fn measures(&self, count: u64) -> Summary {
        let norm = f64::from(self.norm);
        Summary {
            l1: self.l1.map_or(f64::NAN, f64::from),
            l2_squared: norm * norm,
            max: self.max.unwrap_or(f32::NAN),
            non_finite: 0,
            count,
        }
    }
}

/// A length, rounded. Zero stays zero, and nothing else becomes it.
fn narrowed(length: f64, what: &'static str) -> Result<f32, Error> {
    let narrow = length as f32;
    let is_zero = narrow == 0.0;
    if narrow.is_finite() && is_zero == (length == 0.0) { Ok(narrow) } else { Err(Error::Range { what }) }
}
