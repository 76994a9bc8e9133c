//! A sketcher of any projection, and numbers of any format.

use gradsieve::{Error, Layer, Projector, Sketch, SketchId, Sketcher, bf16, f16};
use half::slice::HalfBitsSliceExt;

/// Numbers of a format: those of a segment, or of a layer's two factors.
#[derive(Clone, Copy)]
pub(crate) enum Numbers<'x, const N: usize> {
    F32([&'x [f32]; N]),
    F16([&'x [f16]; N]),
    Bf16([&'x [bf16]; N]),
}

impl<'x, const N: usize> Numbers<'x, N> {
    /// IEEE half-precision numbers, by their bits.
    pub(crate) fn f16(bits: [&'x [u16]; N]) -> Self {
        Self::F16(bits.map(|bits| bits.reinterpret_cast()))
    }

    /// bfloat16 numbers, by their bits.
    pub(crate) fn bf16(bits: [&'x [u16]; N]) -> Self {
        Self::Bf16(bits.map(|bits| bits.reinterpret_cast()))
    }
}

/// A sketcher of any projection. Its functions are reached by a table, so that a program
/// that initialises sketchers of one projection links nothing of the others.
pub(crate) trait Sketching {
    fn id(&self) -> SketchId;
    fn segment(&mut self, offset: u64, x: Numbers<'_, 1>) -> Result<(), Error>;
    fn outer(&mut self, layer: &Layer, factors: Numbers<'_, 2>, biased: bool) -> Result<(), Error>;
    fn outer_sequence(
        &mut self,
        layer: &Layer,
        positions: usize,
        factors: Numbers<'_, 2>,
    ) -> Result<(), Error>;
    fn finish(&mut self) -> Result<Sketch<'_>, Error>;
    fn abandon(&mut self);
}

impl<P: Projector> Sketching for Sketcher<P, &'static mut [f32]> {
    fn id(&self) -> SketchId {
        self.id()
    }

    fn segment(&mut self, offset: u64, x: Numbers<'_, 1>) -> Result<(), Error> {
        match x {
            Numbers::F32([x]) => self.segment(offset, x),
            Numbers::F16([x]) => self.segment(offset, x),
            Numbers::Bf16([x]) => self.segment(offset, x),
        }
    }

    fn outer(&mut self, layer: &Layer, factors: Numbers<'_, 2>, biased: bool) -> Result<(), Error> {
        match (factors, biased) {
            (Numbers::F32([a, b]), false) => self.outer(layer, a, b),
            (Numbers::F16([a, b]), false) => self.outer(layer, a, b),
            (Numbers::Bf16([a, b]), false) => self.outer(layer, a, b),
            (Numbers::F32([a, b]), true) => self.outer_biased(layer, a, b),
            (Numbers::F16([a, b]), true) => self.outer_biased(layer, a, b),
            (Numbers::Bf16([a, b]), true) => self.outer_biased(layer, a, b),
        }
    }

    fn outer_sequence(
        &mut self,
        layer: &Layer,
        positions: usize,
        factors: Numbers<'_, 2>,
    ) -> Result<(), Error> {
        match factors {
            Numbers::F32([a, b]) => self.outer_sequence(layer, positions, a, b),
            Numbers::F16([a, b]) => self.outer_sequence(layer, positions, a, b),
            Numbers::Bf16([a, b]) => self.outer_sequence(layer, positions, a, b),
        }
    }

    fn finish(&mut self) -> Result<Sketch<'_>, Error> {
        self.finish()
    }

    fn abandon(&mut self) {
        self.abandon();
    }
}
