//! Numbers to compute with: gradient-like, repeatable, in buffers that start on a cache
//! line.

use gradsieve_kernels::{Element, hash};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// A prime period, so that no block of a power of two repeats.
const PERIOD: usize = 65_521;

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[allow(dead_code)] [u8; 64]);

/// A slice of numbers that starts on a cache line.
pub struct Buffer<T> {
    lines: Vec<Line>,
    length: usize,
    format: PhantomData<T>,
}

impl<T: Element> Buffer<T> {
    /// `length` zeros.
    #[must_use]
    pub fn zeros(length: usize) -> Self {
        let lines = vec![Line([0; 64]); (length * size_of::<T>()).div_ceil(64)];
        Self { lines, length, format: PhantomData }
    }

    /// `length` numbers of both signs with a standard deviation of about 0.01.
    #[must_use]
    pub fn numbers(seed: u64, length: usize) -> Self {
        let period: Vec<T> = (0..PERIOD.min(length) as u64)
            .map(|i| {
                let word = hash::word(seed, i);
                let uniform = |shift: u32| (word >> shift & 0xFFFF) as f32 / 32_768.0 - 1.0;
                T::narrow(0.01 * (uniform(0) + uniform(16) + uniform(32)))
            })
            .collect();
        let mut buffer = Self::zeros(length);
        for to in buffer.chunks_mut(PERIOD) {
            to.copy_from_slice(&period[..to.len()]);
        }
        buffer
    }

    /// Its memory.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `zeros` made at least this many initialised bytes.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.length * size_of::<T>()) }
    }

    /// Its memory, to write to. Any bits are a number.
    #[must_use]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let length = self.length * size_of::<T>();
        // SAFETY: `zeros` made at least this many bytes; every bit pattern is a value of
        // an `Element`.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), length) }
    }
}

impl<T: Element> Deref for Buffer<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // SAFETY: lines are aligned for any `Element`, hold `length` of them, and any
        // bits are a value of one.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.length) }
    }
}

impl<T: Element> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.length) }
    }
}

/// A number that depends on every element of an output and on its place.
#[must_use]
pub fn digest<T: Element>(values: &[T]) -> f64 {
    values.iter().zip((1..=251).cycle()).map(|(x, weight)| f64::from(x.widen()) * f64::from(weight)).sum()
}
