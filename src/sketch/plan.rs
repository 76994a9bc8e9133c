//! A projection for each layer: the layers' sketches stand side by side in one row of K =
//! Σ K_l numbers.
//!
//! Why a plan: factored projections are made for one layer; a layer's width can follow
//! its worth; and methods that work layer by layer (DataInf, data value embeddings in
//! blocks) find each layer's numbers in the row ([`Plan::part`]).
//!
//! ⟨row, row′⟩ = Σ_l ⟨sketch_l, sketch′_l⟩ is unbiased for ⟨g, g′⟩, and the parts'
//! variances add. (If they have one key, all but what two layers have in common where
//! they share a block of 32 coordinates, which are numbered over the whole gradient. The
//! exception is [`Exact`](super::Exact), which takes the layer's own.)
//!
//! Segments may span layers: each part gets its share. *Cost* of finding it: two looks at
//! each part for every segment, and for every 4,096 coordinates of one.

use super::any::{AnyProjector, Part, Plan};
use super::exact::Exact;
use super::id::SketchId;
use super::kind::Kind;
use super::kronecker::Kronecker;
use super::projector::Projector;
use crate::error::{Error, check_length};
use crate::gradient::{Layer, Layout, LayoutId};
use core::ops::Range;
use gradsieve_kernels::hash::{key, mix};
use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::{Certain, Element, Fingerprint, Key, Tame};

impl<'p> Part<'p> {
    /// What a buffer of parts is filled with before a plan is made in it
    /// ([`AnyProjector::new`](super::AnyProjector::new)).
    pub const UNUSED: Self =
        Self { layer: Layer::new(0, 1, 1), projector: AnyProjector::Exact(Exact::new(0)) };

    /// This layer, projected by that.
    pub fn new(layer: Layer, projector: impl Into<AnyProjector<'p>>) -> Self {
        Self { layer, projector: projector.into() }
    }

    /// Whether the two fit each other: a projector that is made for a layer is made for
    /// this one, and [`Exact`](super::Exact) is as wide as it.
    const fn fits(&self) -> bool {
        let other = match self.projector {
            AnyProjector::Logra(projector) => projector.layer(),
            AnyProjector::FactGrass(projector) => projector.layer(),
            AnyProjector::Kronecker(projector) => projector.layer(),
            AnyProjector::Exact(projector) => match self.layer.checked_len() {
                Some(entries) => return entries == projector.width() as u64,
                None => return false,
            },
            // A plan is for a model, not for one of its layers.
            AnyProjector::Plan(_) => return false,
            _ => self.layer,
        };
        let Layer { offset, outputs, inputs } = self.layer;
        other.offset == offset && other.outputs == outputs && other.inputs == inputs
    }

    /// One past the last coordinate of its layer, as has been seen to fit.
    fn end(&self) -> u64 {
        self.layer.end()
    }

    /// The number that its projector gives to coordinate `offset` of the gradient.
    fn coordinate(&self, offset: u64) -> u64 {
        match self.projector {
            AnyProjector::Exact(_) => offset.saturating_sub(self.layer.offset),
            _ => offset,
        }
    }
}

/// Separates the plans' hash from every other use of the hash.
const STREAM: u64 = 0x504C_414E_0000_0000;

impl Plan<'_> {
    /// The plan of a small network by one call, in its lean form that links no other
    /// projection: [`Kronecker::for_layers`].
    ///
    /// # Errors
    /// As there.
    pub const fn for_layers<const L: usize>(
        layers: &[Layer; L],
        width: usize,
        key: Key,
    ) -> Result<Kronecker<L>, Error> {
        Kronecker::for_layers(layers, width, key)
    }
}

impl<'p> Plan<'p> {
    /// The plan of these parts, in rising order of their layers' offsets. Gaps are
    /// allowed (frozen layers).
    ///
    /// # Errors
    /// [`Error::LayerMismatch`] with the index of the first part whose projector is made
    /// for another layer or has another width than it needs; [`Error::Layer`] with the
    /// index of a layer that [`Layout::new`] would refuse; [`Error::Width`] if K exceeds
    /// `usize`.
    pub const fn new(parts: &'p [Part<'p>]) -> Result<Self, Error> {
        if parts.is_empty() {
            return Err(Error::Layer { index: 0 });
        }
        let mut layout = Layout::begin(parts.len());
        let mut width: usize = 0;
        let mut rest = parts;
        let mut index = 0;
        while let [part, later @ ..] = rest {
            layout = match layout.followed_by(&part.layer) {
                Some(layout) => layout,
                None => return Err(Error::Layer { index }),
            };
            if !part.fits() {
                return Err(Error::LayerMismatch { index });
            }
            let of_part = part.projector.width();
            width = match width.checked_add(of_part) {
                Some(width) => width,
                None => return Err(Error::Width { multiple: 1, found: of_part }),
            };
            rest = later;
            index += 1;
        }
        Ok(Self { parts, layout, width })
    }

    /// K: the sum over the parts. Of a plan that is a constant, it is the length of an
    /// array.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// The layout of the parts' layers.
    #[must_use]
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// The parts.
    #[must_use]
    pub const fn parts(&self) -> &'p [Part<'p>] {
        self.parts
    }

    /// Where the numbers of part `index` stand in a row, if there is such a part.
    #[must_use]
    pub fn part(&self, index: usize) -> Option<Range<usize>> {
        self.places().nth(index).map(|(_, place)| place)
    }

    /// The numbers of part `index` in a row (a sketch's values, or a row that was
    /// stored); none if there is no such part, or if the row is not K long.
    #[must_use]
    pub fn values<'r, T>(&self, index: usize, row: &'r [T]) -> Option<&'r [T]> {
        row.get(self.part(index)?).filter(|_| row.len() == self.width)
    }

    /// The parts and their places in a row.
    fn places(&self) -> impl Iterator<Item = (&'p Part<'p>, Range<usize>)> {
        let mut start = 0_usize;
        self.parts.iter().map(move |part| {
            let place = start..start.saturating_add(part.projector.width());
            start = place.end;
            (part, place)
        })
    }

    /// The shares of coordinates `offset..offset + len`: each part, its place in a row,
    /// and the share's first coordinate and length.
    fn shares(
        &self,
        offset: u64,
        len: u64,
    ) -> impl Iterator<Item = (&'p Part<'p>, Range<usize>, u64, usize)> {
        let end = offset.saturating_add(len);
        self.places().filter_map(move |(part, place)| {
            let (first, last) = (part.layer.offset.max(offset), part.end().min(end));
            // Not longer than `len`.
            (first < last).then(|| (part, place, first, (last - first) as usize))
        })
    }

    /// The part of a layer and its place in a row.
    fn part_of(&self, layer: &Layer) -> Result<(&'p Part<'p>, Range<usize>), Error> {
        let index = self.parts.partition_point(|part| part.end() <= layer.offset);
        let found = self.places().nth(index).filter(|(part, _)| part.layer == *layer);
        found.ok_or(Error::LayerMismatch { index })
    }
}

impl Projector for Plan<'_> {
    /// Without a key: those of the parts are in the settings, a hash of all that the
    /// parts are.
    fn id(&self, layout: LayoutId) -> SketchId {
        let mut settings = key(self.parts.len() as u64, STREAM);
        for part in self.parts {
            let id = part.projector.id(self.layout.id());
            let (is_secret, key) = id.key.to_parts();
            let kind = id.kind as u64 | (is_secret as u64) << 8;
            let numbers = [kind, id.width as u64, key, id.repeat.count() as u64, id.settings];
            for number in numbers {
                settings = mix(settings ^ number).wrapping_add(number);
            }
        }
        let settings = mix(settings ^ self.layout.id().to_bits());
        SketchId {
            kind: Kind::Plan,
            width: self.width,
            key: Fingerprint::NONE,
            repeat: Repeat::One,
            settings,
            layout,
        }
    }

    fn width(&self) -> usize {
        self.width
    }

    /// # Errors
    /// [`Error::OutsideLayout`] with the end of the coordinates that are in a part, if
    /// not all are.
    fn check(&self, offset: u64, len: u64) -> Result<(), Error> {
        let mut end = offset;
        for (_, _, first, length) in self.shares(offset, len) {
            if first == end {
                end += length as u64;
            }
        }
        let found = offset.saturating_add(len);
        if end == found { Ok(()) } else { Err(Error::OutsideLayout { end, found }) }
    }

    /// # Errors
    /// As [`Plan::check`].
    fn project<T: Element>(&self, offset: u64, x: &[T], out: &mut [f32]) -> Result<(), Error> {
        check_length(self.width, out.len())?;
        self.check(offset, x.len() as u64)?;
        let mut rest = x;
        for (part, place, first, length) in self.shares(offset, x.len() as u64) {
            let (now, later) = rest.split_at_checked(length).certain();
            let out = out.get_mut(place).certain();
            part.projector.project(part.coordinate(first), now, out)?;
            rest = later;
        }
        Ok(())
    }

    fn project_scaled<T: Element>(
        &self,
        offset: u64,
        scale: f32,
        x: &[T],
        out: &mut [f32],
    ) -> Result<(), Error> {
        check_length(self.width, out.len())?;
        self.check(offset, x.len() as u64)?;
        let mut rest = x;
        for (part, place, first, length) in self.shares(offset, x.len() as u64) {
            let (now, later) = rest.split_at_checked(length).certain();
            let out = out.get_mut(place).certain();
            part.projector.project_scaled(part.coordinate(first), scale, now, out)?;
            rest = later;
        }
        Ok(())
    }

    /// # Errors
    /// [`Error::LayerMismatch`] with the index of the part in which `layer` begins (or
    /// before which, in a gap), if it is not that part's layer.
    fn project_outer<T: Element, U: Element>(
        &self,
        layer: &Layer,
        a: &[T],
        b: &[U],
        out: &mut [f32],
    ) -> Result<(), Error> {
        check_length(self.width, out.len())?;
        let (part, place) = self.part_of(layer)?;
        let layer = Layer { offset: part.coordinate(layer.offset), ..*layer };
        part.projector.project_outer(&layer, a, b, out.get_mut(place).certain())
    }

    /// # Errors
    /// As [`Plan::project_outer`].
    fn project_outer_measured<T: Element, U: Element>(
        &self,
        layer: &Layer,
        a: &[T],
        b: &[U],
        biased: bool,
        out: &mut [f32],
    ) -> Result<[Option<Tame>; 2], Error> {
        check_length(self.width, out.len())?;
        let (part, place) = self.part_of(layer)?;
        let layer = Layer { offset: part.coordinate(layer.offset), ..*layer };
        part.projector.project_outer_measured(&layer, a, b, biased, out.get_mut(place).certain())
    }

    fn is_factored(&self, layer: &Layer) -> Result<bool, Error> {
        let (part, _) = self.part_of(layer)?;
        part.projector.is_factored(layer)
    }

    fn finish(&self, out: &mut [f32]) {
        for (part, place) in self.places() {
            part.projector.finish(out.get_mut(place).certain());
        }
    }
}
