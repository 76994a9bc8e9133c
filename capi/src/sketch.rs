//! A finished sketch, what it is labelled with, and the measures of its gradient.

use crate::boundary::array;
use crate::status::Refusal;
use gradsieve::{Error, Fingerprint, Kind, LayoutId, Repeat, Sketch, SketchId, Summary};

/// What a sketch is labelled with, beside its width. Two sketches can be compared, stored
/// or merged only if their labels are the same.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct gradsieve_sketch_id {
    /// The fingerprint of the key: the seed, where it is public.
    pub key: u64,
    /// All else that the projection was set to, or a hash of it.
    pub settings: u64,
    /// A hash of the layout.
    pub layout: u64,
    /// Which projection: one of GRADSIEVE_PROJECTION_….
    pub projection: u32,
    /// Places that each coordinate goes to: 1, 2 or 4.
    pub repeat: u16,
    /// Whether the key is secret: 0 or 1.
    pub is_secret: u16,
}

/// Exact measures of a gradient (not of its sketch).
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct gradsieve_measures {
    /// Sum of magnitudes. NaN where it was not taken (sequences).
    pub l1: f64,
    /// Sum of squares.
    pub l2_squared: f64,
    /// Entries that are NaN or infinite.
    pub non_finite: u64,
    /// Entries.
    pub count: u64,
    /// Largest magnitude. NaN where it was not taken (sequences).
    pub max: f32,
}

/// A finished sketch: K numbers, and what is known of the sample that they are of. It can
/// be copied; the numbers stay where they are.
///
/// Set group, loss and has_loss after gradsieve_sketcher_finish, which leaves them at 0.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct gradsieve_sketch {
    /// Projection and layout.
    pub id: gradsieve_sketch_id,
    /// Of the gradient.
    pub measures: gradsieve_measures,
    /// K numbers: in the memory of the sketcher, until its next call, or wherever a row
    /// was read back to.
    pub values: *const f32,
    /// K.
    pub width: usize,
    /// The class, sensor or client of the sample; 0 where there is none.
    pub group: u32,
    /// The sample's loss; read only if has_loss is not 0.
    pub loss: f32,
    /// Whether there is a loss: 0 or 1.
    pub has_loss: u8,
}

impl gradsieve_sketch_id {
    pub(crate) fn of(id: &SketchId) -> Self {
        let (is_secret, key) = id.key.to_parts();
        Self {
            key,
            settings: id.settings,
            layout: id.layout.to_bits(),
            projection: id.kind as u32,
            repeat: id.repeat.count() as u16,
            is_secret: u16::from(is_secret),
        }
    }

    pub(crate) fn core(&self, width: usize) -> Result<SketchId, Refusal> {
        Ok(SketchId {
            kind: kind(self.projection)?,
            width,
            key: Fingerprint::from_parts(self.is_secret != 0, self.key),
            repeat: repeat(self.repeat.into())?,
            settings: self.settings,
            layout: LayoutId::from_bits(self.layout),
        })
    }
}

/// The projection of a number.
pub(crate) fn kind(number: u32) -> Result<Kind, Refusal> {
    let kind = u8::try_from(number).ok().and_then(Kind::from_number);
    Ok(kind.ok_or(Error::Setting { name: "projection", expected: "one of GRADSIEVE_PROJECTION_…" })?)
}

/// So many repetitions.
pub(crate) fn repeat(count: u32) -> Result<Repeat, Refusal> {
    match count {
        1 => Ok(Repeat::One),
        2 => Ok(Repeat::Two),
        4 => Ok(Repeat::Four),
        _ => Err(Error::Setting { name: "repeat", expected: "1, 2 or 4" }.into()),
    }
}

impl gradsieve_measures {
    const fn of(summary: &Summary) -> Self {
        let Summary { l1, l2_squared, max, non_finite, count } = *summary;
        Self { l1, l2_squared, non_finite, count, max }
    }

    const fn core(&self) -> Summary {
        let Self { l1, l2_squared, non_finite, count, max } = *self;
        Summary { l1, l2_squared, max, non_finite, count }
    }
}

impl gradsieve_sketch {
    pub(crate) fn of(sketch: &Sketch<'_>) -> Self {
        Self {
            id: gradsieve_sketch_id::of(&sketch.id),
            measures: gradsieve_measures::of(&sketch.measures),
            values: sketch.values.as_ptr(),
            width: sketch.values.len(),
            group: sketch.group,
            loss: sketch.loss.unwrap_or(0.0),
            has_loss: u8::from(sketch.loss.is_some()),
        }
    }

    pub(crate) fn core(&self) -> Result<Sketch<'_>, Refusal> {
        let Self { id, measures, values, width, group, loss, has_loss } = self;
        let (values, width) = (*values, *width);
        let values = array!(values, width);
        let sketch = Sketch::from_parts(id.core(width)?, values, measures.core())?.in_group(*group);
        Ok(if *has_loss == 0 { sketch } else { sketch.with_loss(*loss) })
    }
}
