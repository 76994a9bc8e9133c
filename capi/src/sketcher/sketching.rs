//! A sketcher of any projection, and numbers of any format.

use gradsieve::{Error, Layer, Projector, Sketch, SketchId, Sketcher, bf16, f16};

/// Numbers of a format.
#[derive(Clone, Copy)]
pub(crate) enum Numbers<'x> {
    F32(&'x [f32]),
    F16(&'x [f16]),
    Bf16(&'x [bf16]),
}

/// A sketcher of any projection. Its functions are reached by a table, so that a program
/// that initialises sketchers of one projection links nothing of the others.
pub(crate) trait Sketching {
    fn id(&self) -> SketchId;
    fn segment(&mut self, offset: u64, x: Numbers<'_>) -> Result<(), Error>;
    fn outer(
        &mut self,
        layer: &Layer,
        factors: (Numbers<'_>, Numbers<'_>),
        biased: bool,
    ) -> Result<(), Error>;
    fn outer_sequence(
        &mut self,
        layer: &Layer,
        positions: usize,
        a: Numbers<'_>,
        b: Numbers<'_>,
    ) -> Result<(), Error>;
    fn finish(&mut self) -> Result<Sketch<'_>, Error>;
    fn abandon(&mut self);
}

impl<P: Projector> Sketching for Sketcher<P, &'static mut [f32]> {
    fn id(&self) -> SketchId {
        self.id()
    }

    fn segment(&mut self, offset: u64, x: Numbers<'_>) -> Result<(), Error> {
        match x {
            Numbers::F32(x) => self.segment(offset, x),
            Numbers::F16(x) => self.segment(offset, x),
            Numbers::Bf16(x) => self.segment(offset, x),
        }
    }

    fn outer(
        &mut self,
        layer: &Layer,
        factors: (Numbers<'_>, Numbers<'_>),
        biased: bool,
    ) -> Result<(), Error> {
        match (factors, biased) {
            ((Numbers::F32(a), Numbers::F32(b)), false) => self.outer(layer, a, b),
            ((Numbers::F16(a), Numbers::F16(b)), false) => self.outer(layer, a, b),
            ((Numbers::Bf16(a), Numbers::Bf16(b)), false) => self.outer(layer, a, b),
            ((Numbers::F32(a), Numbers::F32(b)), true) => self.outer_biased(layer, a, b),
            ((Numbers::F16(a), Numbers::F16(b)), true) => self.outer_biased(layer, a, b),
            ((Numbers::Bf16(a), Numbers::Bf16(b)), true) => self.outer_biased(layer, a, b),
            _ => Ok(()),
        }
    }

    fn outer_sequence(
        &mut self,
        layer: &Layer,
        positions: usize,
        a: Numbers<'_>,
        b: Numbers<'_>,
    ) -> Result<(), Error> {
        match (a, b) {
            (Numbers::F32(a), Numbers::F32(b)) => self.outer_sequence(layer, positions, a, b),
            (Numbers::F16(a), Numbers::F16(b)) => self.outer_sequence(layer, positions, a, b),
            (Numbers::Bf16(a), Numbers::Bf16(b)) => self.outer_sequence(layer, positions, a, b),
            _ => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<Sketch<'_>, Error> {
        self.finish()
    }

    fn abandon(&mut self) {
        self.abandon();
    }
}
