//! Most coordinates dropped, the rest through an SJLT (GraSS, 2025): where even reading
//! the gradient costs too much. O(p/m) time, no memory of its own.
//!
//! [`Mask`] keeps one block of 32 coordinates in *m*, chosen by hash: definition,
//! variance and sources stand with the kernel, [`gradsieve_kernels::mod@mask`].
//! [`IndexMask`] keeps the coordinates of a list that the caller lends.

use super::id::SketchId;
use super::kind::Kind;
use super::projector::{Projector, scale};
use super::settings::{FromSettings, ProjectorSettings};
use crate::error::Error;
use crate::gradient::{Layer, LayoutId};
use core::num::NonZeroU16;
use gradsieve_kernels::Certain;
use gradsieve_kernels::hash::{self, mix};
use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::{Element, Fingerprint, Key, mask, sjlt};

/// One block of 32 coordinates in *m*, and a blocked SJLT of width K behind it.
///
/// E⟨Rx, Ry⟩ = ⟨x, y⟩ over keys. The variance is that of [`Sjlt`](super::Sjlt) and what
/// the mask adds: about m times the sum of the squared inner products of blocks, so that
/// a gradient that is spread evenly over p coordinates loses as much as with k′ = p/m of
/// them, a relative error of √(2/k′), and one that few blocks carry may lose everything.
/// Where a gradient is cut changes no bit.
///
/// The exact measures of a sketch are those of the whole gradient: the
/// [`Sketcher`](super::Sketcher) reads all of it.
///
/// ```
/// use gradsieve::{Key, Layout, Mask, Repeat, Sketcher};
///
/// const K: usize = 64;
/// let gradient: [f32; 3200] = core::array::from_fn(|i| (i as f32).sin());
/// // One block of 32 coordinates in ten.
/// let mask = Mask::new(K, Key::seed(7), Repeat::One, 10)?;
/// let mut sketcher = Sketcher::new(mask, Layout::flat(3200)?, [0.0; K])?;
/// sketcher.segment(0, &gradient)?;
/// let sketch = sketcher.finish()?;
/// assert_eq!((sketch.values.len(), sketch.measures.count), (64, 3200));
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mask {
    width: usize,
    key: Fingerprint,
    kernel: gradsieve_kernels::Mask,
}

impl Mask {
    /// The projection to `width` numbers that belongs to `key` and keeps one block in
    /// `every`, which is what [`SketchId::settings`] says of it. One in 1 is
    /// [`Sjlt`](super::Sjlt) of the same key, but for the name.
    ///
    /// # Errors
    /// [`Error::Width`] unless `width` is a positive multiple of 32 times the
    /// repetitions; [`Error::Setting`] if `every` is 0.
    pub const fn new(width: usize, key: Key, repeat: Repeat, every: u16) -> Result<Self, Error> {
        let Some(every) = NonZeroU16::new(every) else {
            return Err(Error::Setting { name: "every", expected: "at least 1" });
        };
        let kernel = gradsieve_kernels::Mask::new(key, repeat, every);
        match kernel.sjlt().check_width(width) {
            Ok(()) => Ok(Self { width, key: key.fingerprint(), kernel }),
            Err(_) => Err(Error::Width { multiple: kernel.sjlt().multiple(), found: width }),
        }
    }

    /// K: numbers a sketch.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }
}

impl FromSettings for Mask {
    fn from_settings(settings: &ProjectorSettings, _layer: &Layer) -> Result<Self, Error> {
        Self::new(settings.width, settings.key, settings.repeat, settings.every)
    }
}

impl Projector for Mask {
    fn id(&self, layout: LayoutId) -> SketchId {
        let (repeat, settings) = (self.kernel.sjlt().repeat(), u64::from(self.kernel.every().get()));
        SketchId { kind: Kind::Mask, width: self.width, key: self.key, repeat, settings, layout }
    }

    fn width(&self) -> usize {
        self.width
    }

    fn project_scaled<T: Element>(
        &self,
        offset: u64,
        scale: f32,
        x: &[T],
        out: &mut [f32],
    ) -> Result<(), Error> {
        Ok(mask(self.kernel, offset, scale, x, out)?)
    }

    fn finish(&self, out: &mut [f32]) {
        let (every, repeat) = (self.kernel.every().get(), self.kernel.sjlt().repeat());
        scale(libm::sqrt(f64::from(every) / repeat.count() as f64) as f32, out);
    }
}

/// The coordinates of a list, and a blocked SJLT of width K behind it.
///
/// The r-th coordinate of the list is coordinate r of the SJLT, all others are dropped.
/// So E⟨Rx, Ry⟩ over keys is the inner product of x and y *on the list*, with the
/// variance of [`Sjlt`](super::Sjlt) of these parts of x and y; nothing is rescaled. (If
/// the list is a fair sample of k′ of the p coordinates, p/k′ times that estimates ⟨x,
/// y⟩.) Where a gradient is cut changes no bit.
///
/// *Cost*: two searches in the list a segment, and a gather and s additions a listed
/// coordinate. *Stack*: 512 bytes.
///
/// ```
/// use gradsieve::{IndexMask, Key, Layout, Repeat, Sketcher};
///
/// const K: usize = 32;
/// let list = [3_u32, 500, 900];
/// let mask = IndexMask::new(K, Key::seed(7), Repeat::One, &list)?;
/// let mut sketcher = Sketcher::new(mask, Layout::flat(1000)?, [0.0; K])?;
/// let mut gradient = [1.0_f32; 1000];
/// gradient[3] = 0.0;
/// gradient[500] = 0.0;
/// gradient[900] = 2.0;
/// sketcher.segment(0, &gradient)?;
/// // What is not listed is dropped.
/// assert_eq!(sketcher.finish()?.values.iter().map(|x| x.abs()).sum::<f32>(), 2.0);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct IndexMask<'l, I> {
    width: usize,
    key: Fingerprint,
    list: &'l [I],
    hash: u64,
    kernel: gradsieve_kernels::Sjlt,
}

impl<I> Clone for IndexMask<'_, I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I> Copy for IndexMask<'_, I> {}

/// Separates the lists' hash from every other use of the hash.
const STREAM: u64 = 0x4D41_534B_4C49_5354;

/// Listed entries that are gathered at a time: a multiple of the SJLT's blocks.
const GATHERED: usize = 128;

impl<I> IndexMask<'_, I> {
    /// K: numbers a sketch.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }
}

impl<'l, I: Copy + Into<u64>> IndexMask<'l, I> {
    /// The projection to `width` numbers that belongs to `key` and to `list`, the rising
    /// numbers of the coordinates that are kept (`u32` or `u64`). A hash of the list is
    /// what [`SketchId::settings`] says of it; making it reads the list once.
    ///
    /// # Errors
    /// [`Error::Width`] unless `width` is a positive multiple of 32 times the
    /// repetitions; [`Error::Setting`] if the list is empty or does not rise.
    pub fn new(width: usize, key: Key, repeat: Repeat, list: &'l [I]) -> Result<Self, Error> {
        let kernel = gradsieve_kernels::Sjlt::new(key, repeat);
        if kernel.check_width(width).is_err() {
            return Err(Error::Width { multiple: kernel.multiple(), found: width });
        }
        if list.is_empty() || !list.is_sorted_by(|&a, &b| a.into() < b.into()) {
            return Err(Error::Setting { name: "list", expected: "not empty, and rising" });
        }
        let hash = list
            .iter()
            .fold(hash::key(list.len() as u64, STREAM), |hash, &index| mix(hash ^ mix(index.into())));
        // The top bit tells a list from a number of blocks.
        Ok(Self { width, key: key.fingerprint(), list, hash: hash | 1 << 63, kernel })
    }
}

impl<I: Copy + Into<u64>> Projector for IndexMask<'_, I> {
    fn id(&self, layout: LayoutId) -> SketchId {
        let (width, key, repeat) = (self.width, self.key, self.kernel.repeat());
        SketchId { kind: Kind::Mask, width, key, repeat, settings: self.hash, layout }
    }

    fn width(&self) -> usize {
        self.width
    }

    fn project_scaled<T: Element>(
        &self,
        offset: u64,
        scale: f32,
        x: &[T],
        out: &mut [f32],
    ) -> Result<(), Error> {
        let end = offset.checked_add(x.len() as u64);
        let end = end.ok_or(Error::OutsideLayout { end: u64::MAX, found: u64::MAX })?;
        let mut rank = self.list.partition_point(|&index| index.into() < offset);
        let last = self.list.partition_point(|&index| index.into() < end);
        let mut gathered = [0.0; GATHERED];
        // Also once for nothing, so that `out` is checked whatever the list says.
        loop {
            let listed = self.list.get(rank..last.min(rank + (GATHERED - rank % GATHERED))).certain();
            for (&index, value) in listed.iter().zip(&mut gathered) {
                let x = x.get((index.into() - offset) as usize).map_or(0.0, |x| x.widen());
                *value = scale * x;
            }
            let values = gathered.get(..listed.len()).certain();
            sjlt(self.kernel, rank as u64, values, out)?;
            rank += listed.len();
            if rank >= last {
                return Ok(());
            }
        }
    }

    fn finish(&self, out: &mut [f32]) {
        scale(self.kernel.repeat().scale(), out);
    }
}
