//! Summed directions of groups, in integers: S_g = Σ w·φ/‖φ‖, the same bits in any order.
//!
//! A direction is cut to units of 2⁻²³, what a sample counts (its weight) to 1/256 of
//! a unit, and sums are of 64 bits: 2³² samples of a group fit. The cosine of a sketch
//! and its group's sum is an integer dot product of 32-bit numbers, so a core without
//! floating point of its own pays K multiply–adds of integers.
//!
//! *Error*: 2⁻²²·√K of a cosine, whatever the number of samples. *Memory*: 8·K bytes a
//! group, and 8. *Cost*: K multiply–adds for the sketch's length, K for a cosine, K for
//! the length of a sum that has grown.

use crate::error::{Error, check_length};
use crate::memory::Buffer;
use crate::state::{Walk, slice};
use core::ops::Range;
use gradsieve_kernels::direction::{self, magnitude};
use gradsieve_kernels::{Certain, root, squared_norm};

/// A coordinate of a direction of length 1: 2²³.
const ONE: i64 = 1 << 23;

/// The weight of a sample that counts whole.
pub(crate) const WHOLE: u32 = 256;

/// What makes the numbers of a sketch a direction in units of 2⁻²³: 2²³/‖φ‖.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Normaliser {
    /// All products are in the range of `f32`.
    Tame(f32),
    /// They may not be.
    Wild(f64),
}

impl Normaliser {
    /// That of some numbers; none if they are too small to have one in `f32`.
    ///
    /// # Errors
    /// [`Error::NonFinite`].
    pub(crate) fn of(values: &[f32]) -> Result<Option<Self>, Error> {
        // ‖φ‖² of those between 10⁻¹⁵ and 10¹⁵.
        const TAME: core::ops::Range<f32> = 1e-30..1e30;
        let square = squared_norm(values) as f32;
        if TAME.contains(&square) {
            return Ok(Some(Self::Tame(ONE as f32 / root(square))));
        }
        Self::of_wild(values)
    }

    #[cold]
    #[inline(never)]
    fn of_wild(values: &[f32]) -> Result<Option<Self>, Error> {
        let length = libm::sqrt(wide_square(values));
        if !length.is_finite() {
            return Err(Error::NonFinite);
        }
        Ok((length >= f64::from(f32::MIN_POSITIVE)).then(|| Self::Wild(ONE as f64 / length)))
    }
}

/// A sketch's direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ray<'s> {
    values: &'s [f32],
    factor: Normaliser,
}

impl<'s> Ray<'s> {
    /// The direction of finite numbers; none if they are too small to have one in `f32`.
    pub(crate) fn of(values: &'s [f32]) -> Option<Self> {
        Some(Self::along(values, Normaliser::of(values).ok().flatten()?))
    }

    /// The direction of numbers whose factor is known.
    pub(crate) const fn along(values: &'s [f32], factor: Normaliser) -> Self {
        Self { values, factor }
    }

    /// Adds it to a sum, as often as the weight says. Returns what the bits of the sum's
    /// coordinates are by [`direction::add`].
    fn add_to(self, sum: &mut [i64], weight: u32) -> u64 {
        let bits = match self.factor {
            Normaliser::Tame(factor) => direction::add(factor, self.values, weight as i32, sum),
            Normaliser::Wild(factor) => direction::add(factor, self.values, weight as i32, sum),
        };
        bits.certain()
    }

    /// Its product with a sum whose coordinates are shifted right.
    fn product(self, sum: &[i64], shift: u32) -> i64 {
        let product = match self.factor {
            Normaliser::Tame(factor) => direction::product(factor, self.values, sum, shift),
            Normaliser::Wild(factor) => direction::product(factor, self.values, sum, shift),
        };
        product.certain()
    }
}

/// ‖φ‖² in `f64`, one after the other: slow, for numbers whose squares `f32` cannot hold.
fn wide_square(values: &[f32]) -> f64 {
    values.iter().map(|&x| f64::from(x) * f64::from(x)).sum()
}

/// The length of a sum: `mantissa`·2^`shift`, from the sum alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Length {
    mantissa: u32,
    shift: u32,
}

impl Length {
    /// The length of a sum, to 24 bits. Its coordinates are shifted so that the sum of
    /// their squares fits. `bits` has every bit that one of them has, as by
    /// [`magnitude`].
    fn of(sum: &[i64], bits: u64) -> Self {
        let bits = 64 - bits.leading_zeros();
        let spread = (usize::BITS - sum.len().leading_zeros()).div_ceil(2);
        let shift = (bits + spread).saturating_sub(31);
        // Each of 31 bits and a sign at most.
        let squares = direction::squares(sum, shift);
        Self { mantissa: root(squares as f32) as u32, shift }
    }

    const fn whole(self) -> u64 {
        (self.mantissa as u64) << self.shift
    }

    const fn packed(self) -> i64 {
        (self.mantissa as i64) << 8 | self.shift as i64
    }

    const fn unpacked(packed: i64) -> Self {
        Self { mantissa: (packed >> 8) as u32, shift: (packed & 63) as u32 }
    }
}

/// Summed directions of groups.
#[derive(Debug)]
pub(crate) struct Directions<B> {
    groups: usize,
    width: usize,
    /// S_g, group by group, behind them the packed length of each. What stands behind
    /// those belongs to who made the buffer longer.
    sums: B,
    /// Σ_g ‖S_g‖.
    lengths: u64,
    /// What the directions summed count, in units of 1/256.
    weight: u64,
}

impl<B> Directions<B> {
    /// Integers that so many groups of this width need.
    pub(crate) const fn memory(groups: usize, width: usize) -> usize {
        groups.saturating_mul(width.saturating_add(1))
    }

    /// No directions yet, in a buffer of zeros that is long enough.
    pub(crate) const fn over(groups: usize, width: usize, sums: B) -> Self {
        Self { groups, width, sums, lengths: 0, weight: 0 }
    }

    /// Whether sums have come to their end.
    pub(crate) const fn is_saturated(&self) -> bool {
        self.weight >> 40 > 0
    }
}

impl<B: Buffer<i64>> Directions<B> {
    /// What stands behind the directions in their buffer.
    pub(crate) fn rest(&self) -> &[i64] {
        self.sums.as_ref().get(Self::memory(self.groups, self.width)..).certain()
    }

    /// What stands behind the directions in their buffer.
    pub(crate) fn rest_mut(&mut self) -> &mut [i64] {
        let len = Self::memory(self.groups, self.width);
        self.sums.as_mut().get_mut(len..).certain()
    }

    /// Makes room for a group at `place`: those from there on move up, onto the last one,
    /// which is empty.
    pub(crate) fn insert(&mut self, place: usize) {
        let (groups, width) = (self.groups, self.width);
        let end = groups * width;
        for column in 0..width {
            let mut carried = 0;
            let sums = self.sums.as_mut().iter_mut().take(end).skip(place * width + column);
            sums.step_by(width.max(1)).for_each(|sum| core::mem::swap(sum, &mut carried));
        }
        let mut carried = 0;
        let lengths = self.sums.as_mut().iter_mut().skip(end).take(groups).skip(place);
        lengths.for_each(|length| core::mem::swap(length, &mut carried));
    }

    /// Where S_g of a group stands; the group was checked.
    const fn place(&self, group: usize) -> Range<usize> {
        let start = self.width.saturating_mul(group);
        start..start.saturating_add(self.width)
    }

    fn length(&self, group: usize) -> Length {
        let at = self.groups * self.width + group;
        Length::unpacked(self.sums.as_ref().get(at).copied().certain())
    }

    /// Finds the length of a group's sum, which has changed.
    fn measure(&mut self, group: usize) {
        let sum = self.sums.as_ref().get(self.place(group)).certain();
        let bits = sum.iter().fold(0, |bits, x| bits | magnitude(*x));
        self.measure_of(group, bits);
    }

    /// The same of a sum whose bits are known.
    fn measure_of(&mut self, group: usize, bits: u64) {
        let before = self.length(group);
        let now = Length::of(self.sums.as_ref().get(self.place(group)).certain(), bits);
        let at = self.groups * self.width + group;
        self.sums.as_mut().iter_mut().skip(at).take(1).for_each(|length| *length = now.packed());
        // What bytes hold may be anything: wrapped, it is no sum, but no more than that.
        self.lengths = self.lengths.wrapping_sub(before.whole()).wrapping_add(now.whole());
    }

    /// Finds all lengths.
    fn measure_all(&mut self) {
        (0..self.groups).for_each(|group| self.measure(group));
    }

    /// Takes in a direction that counts `weight`/256.
    pub(crate) fn observe(&mut self, group: usize, ray: Ray<'_>, weight: u32) {
        // 2³² of them fit; then sums stay as they are.
        if self.is_saturated() {
            return;
        }
        let place = self.place(group);
        let sum = self.sums.as_mut().get_mut(place).certain();
        // What bytes hold may be anything: wrapped, it is no sum, but no more than that.
        let bits = ray.add_to(sum, weight);
        self.weight = self.weight.saturating_add(u64::from(weight));
        self.measure_of(group, bits);
    }

    /// 1 − cos(φ, S_g), between 0 and 2; none where nothing, or nothing that is left, was
    /// observed of the group.
    pub(crate) fn distance(&self, group: usize, ray: Ray<'_>) -> Option<f32> {
        let length = self.length(group);
        if length.whole() < ONE as u64 * u64::from(WHOLE) / 16 {
            return None;
        }
        let sum = self.sums.as_ref().get(self.place(group)).certain();
        // By the Cauchy–Schwarz inequality no partial sum exceeds 2²⁴·2³².
        let product = ray.product(sum, length.shift);
        let cosine = product as f32 / (ONE as f32 * length.mantissa as f32);
        Some((1.0 - cosine).clamp(0.0, 2.0))
    }

    /// d̄, the mean of 1 − cos(φ, S_g) over what was observed; 1 where nothing was.
    pub(crate) fn mean_distance(&self) -> f32 {
        if self.weight == 0 {
            return 1.0;
        }
        // Both in units of 2⁻³¹.
        let whole = self.weight as f32 * ONE as f32;
        1.0 - self.lengths as f32 / whole
    }

    /// Has each direction count `of`/256 of what it did.
    pub(crate) fn scale(&mut self, of: u32) {
        let end = self.groups * self.width;
        for sum in self.sums.as_mut().iter_mut().take(end) {
            *sum = *sum / i64::from(WHOLE) * i64::from(of);
        }
        self.weight = self.weight / u64::from(WHOLE) * u64::from(of);
        self.measure_all();
    }

    /// Halves all sums, so many times.
    pub(crate) fn halve(&mut self, times: u32) {
        let end = self.groups * self.width;
        for sum in self.sums.as_mut().iter_mut().take(end) {
            *sum = if times < 63 { *sum / (1 << times) } else { 0 };
        }
        self.weight = self.weight.checked_shr(times).unwrap_or(0);
        self.measure_all();
    }

    /// Takes in another's directions of a group, of the same width.
    pub(crate) fn add(&mut self, group: usize, other: &Self, from: usize) {
        let (Range { start, end }, theirs) = (self.place(group), other.place(from));
        let theirs = other.sums.as_ref().get(theirs).certain();
        for (sum, other) in self.sums.as_mut().iter_mut().take(end).skip(start).zip(theirs) {
            *sum = sum.saturating_add(*other);
        }
        self.measure(group);
    }

    /// Takes in what another's directions count.
    pub(crate) const fn add_weight(&mut self, other: &Self) {
        self.weight = self.weight.saturating_add(other.weight);
    }

    /// Takes in all that another has, of the same shape.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), Error> {
        check_length(self.groups * self.width, other.groups * other.width)?;
        (0..self.groups).for_each(|group| self.add(group, other, group));
        self.add_weight(other);
        Ok(())
    }

    pub(crate) fn reset(&mut self) {
        let len = Self::memory(self.groups, self.width);
        self.sums.as_mut().iter_mut().take(len).for_each(|sum| *sum = 0);
        (self.lengths, self.weight) = (0, 0);
    }
}

impl<B: Buffer<i64>> Directions<B> {
    /// Walks over the directions of the first groups. Nothing was observed of those
    /// behind them, if there are any.
    pub(crate) fn walk(walk: &mut Walk<'_, '_, Self>, groups: usize) -> Result<(), Error> {
        let end = groups.saturating_mul(walk.state().width);
        walk.number(crate::state::place!(weight))?;
        walk.numbers(slice!(sums), 0..end)?;
        walk.load_with(|state| {
            let len = Self::memory(state.groups, state.width);
            state.sums.as_mut().iter_mut().take(len).skip(end).for_each(|sum| *sum = 0);
            state.lengths = 0;
            state.measure_all();
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gradsieve_kernels::hash;

    const WIDTH: usize = 24;
    const GROUPS: usize = 3;
    type Sums = Directions<[i64; GROUPS * (WIDTH + 1)]>;

    fn sums() -> Sums {
        Directions::over(GROUPS, WIDTH, [0; GROUPS * (WIDTH + 1)])
    }

    fn sketch(i: u64, scale: f32) -> [f32; WIDTH] {
        core::array::from_fn(|j| {
            let word = hash::word(i % 5, j as u64) >> 40;
            let noise = hash::word(i + 9, j as u64) >> 40;
            (word as f32 + 0.3 * noise as f32 - 1.1e7) * scale
        })
    }

    fn unit(values: &[f32]) -> impl Iterator<Item = f64> {
        let length = libm::sqrt(wide_square(values));
        values.iter().map(move |&x| f64::from(x) / length)
    }

    #[test]
    fn distances_are_those_of_floating_point() {
        for scale in [1e-37, 1e-20, 1.0, 1e25, 1e30] {
            let (mut directions, mut exact) = (sums(), [[0.0_f64; WIDTH]; GROUPS]);
            let mut lengths = 0.0;
            for i in 0..200 {
                let values = sketch(i, scale);
                let group = (i % 3) as usize;
                directions.observe(group, Ray::of(&values).unwrap(), WHOLE);
                exact[group].iter_mut().zip(unit(&values)).for_each(|(sum, x)| *sum += x);
            }
            for (group, sum) in exact.iter().enumerate() {
                let length = libm::sqrt(sum.iter().map(|x| x * x).sum());
                lengths += length;
                let values = sketch(500 + group as u64, scale);
                let cosine = unit(&values).zip(sum).map(|(x, sum)| x * sum).sum::<f64>() / length;
                let found = directions.distance(group, Ray::of(&values).unwrap()).unwrap();
                assert!((f64::from(found) - (1.0 - cosine)).abs() < 2e-6, "{scale} {group}");
            }
            assert!((f64::from(directions.mean_distance()) - (1.0 - lengths / 200.0)).abs() < 2e-6);
        }
    }

    #[test]
    fn any_order_has_the_same_bits() {
        let (mut forth, mut back) = (sums(), sums());
        for i in 0..100 {
            for (directions, i) in [(&mut forth, i), (&mut back, 99 - i)] {
                directions.observe((i % 3) as usize, Ray::of(&sketch(i, 1.0)).unwrap(), 256 + i as u32);
            }
        }
        assert_eq!((forth.sums, forth.lengths, forth.weight), (back.sums, back.lengths, back.weight));
    }

    #[test]
    fn sums_of_many_samples_keep_their_length() {
        let mut directions = sums();
        let values = sketch(1, 1.0);
        directions.observe(0, Ray::of(&values).unwrap(), WHOLE);
        // 2³¹ samples, by doubling.
        for _ in 0..31 {
            let copy = Directions { sums: directions.sums, ..directions };
            directions.merge(&copy).unwrap();
        }
        assert!(!directions.is_saturated());
        assert!(directions.mean_distance().abs() < 1e-6, "{}", directions.mean_distance());
        assert!(directions.distance(0, Ray::of(&values).unwrap()).unwrap() < 1e-6);
        assert!(directions.distance(1, Ray::of(&values).unwrap()).is_none());
        directions.halve(31);
        assert_eq!(directions.weight, u64::from(WHOLE));
        directions.halve(64);
        assert!(directions.distance(0, Ray::of(&values).unwrap()).is_none());
    }

    #[test]
    fn zeros_have_no_direction() {
        assert!(Ray::of(&[0.0; WIDTH]).is_none());
        assert!(Ray::of(&[1e-42; WIDTH]).is_none());
    }
}
