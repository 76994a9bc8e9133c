//! How much memory a state needs, and what may hold it.
//!
//! A settings type tells what its state needs by one `const fn memory(&self) -> Memory`.
//! So the length of an array can be computed at compile time:
//! `[0.0; SETTINGS.memory().f32s]`.
//!
//! A state is generic over its [`Buffer`]: a slice borrowed from the caller, or an array
//! that it owns. A state that owns an array can be made at compile time and live in a
//! `static` cell.
//!
//! Imports `error` alone.

/// What a state needs: elements of its buffers, scratch of its calls, bytes at rest.
///
/// ```
/// use gradsieve::Memory;
///
/// const FIRST: Memory = Memory { f32s: 100, bytes_at_rest: 480, ..Memory::NONE };
/// const BOTH: Memory = FIRST.plus(Memory { f64s: 4, scratch: 16, ..Memory::NONE });
/// let buffer = [0.0_f32; BOTH.f32s];
/// assert_eq!(buffer.len(), 100);
/// assert_eq!(BOTH.bytes(), 100 * 4 + 4 * 8);
/// assert_eq!((BOTH.scratch, BOTH.bytes_at_rest), (16, 480));
/// ```
///
/// Sums and products stop at `usize::MAX`, which no buffer reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Elements of the `f32` buffer.
    pub f32s: usize,
    /// Elements of the `f64` buffer.
    pub f64s: usize,
    /// Elements of the `i64` buffer.
    pub i64s: usize,
    /// Elements of the state's own cell type, nodes of a forest for example.
    pub others: usize,
    /// `f32` that a call wants from the caller, who may use them for something else
    /// between the calls.
    pub scratch: usize,
    /// Bytes of the serialized state, at most. 0 if it has no serialized form.
    pub bytes_at_rest: usize,
}

impl Memory {
    /// Nothing at all.
    pub const NONE: Self = Self { f32s: 0, f64s: 0, i64s: 0, others: 0, scratch: 0, bytes_at_rest: 0 };

    /// What two states need that live at the same time.
    ///
    /// They are called one after the other, so they share the larger scratch.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            f32s: self.f32s.saturating_add(other.f32s),
            f64s: self.f64s.saturating_add(other.f64s),
            i64s: self.i64s.saturating_add(other.i64s),
            others: self.others.saturating_add(other.others),
            scratch: if self.scratch < other.scratch { other.scratch } else { self.scratch },
            bytes_at_rest: self.bytes_at_rest.saturating_add(other.bytes_at_rest),
        }
    }

    /// What `count` such states need that live at the same time; they share the scratch.
    #[must_use]
    pub const fn times(self, count: usize) -> Self {
        Self {
            f32s: self.f32s.saturating_mul(count),
            f64s: self.f64s.saturating_mul(count),
            i64s: self.i64s.saturating_mul(count),
            others: self.others.saturating_mul(count),
            scratch: if count == 0 { 0 } else { self.scratch },
            bytes_at_rest: self.bytes_at_rest.saturating_mul(count),
        }
    }

    /// Bytes of the `f32`, `f64` and `i64` buffers. Neither scratch nor the state's own
    /// cells are counted: for these see [`bytes_with`](Self::bytes_with).
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes_with::<()>()
    }

    /// Bytes of all buffers, if `Cell` is the state's own cell type. Scratch is not
    /// counted.
    ///
    /// ```
    /// use gradsieve::Memory;
    ///
    /// let memory = Memory { f32s: 2, others: 3, ..Memory::NONE };
    /// assert_eq!(memory.bytes_with::<u16>(), 2 * 4 + 3 * 2);
    /// ```
    #[must_use]
    pub const fn bytes_with<Cell>(&self) -> usize {
        let wide = self.f64s.saturating_add(self.i64s).saturating_mul(8);
        self.f32s
            .saturating_mul(4)
            .saturating_add(wide)
            .saturating_add(self.others.saturating_mul(size_of::<Cell>()))
    }
}

/// What may hold a state's numbers: `&mut [T]`, `[T; N]`, or anything else that is seen
/// as a slice.
///
/// It is implemented for all of these; nobody implements it by hand. A buffer must show
/// the same slice at each call.
///
/// ```
/// use gradsieve::Buffer;
///
/// fn fill<B: Buffer<f32>>(mut buffer: B) -> f32 {
///     buffer.as_mut().fill(0.5);
///     buffer.as_ref().iter().sum()
/// }
///
/// let mut borrowed = [0.0; 4];
/// assert_eq!(fill(&mut borrowed[..2]), 1.0);
/// assert_eq!(fill([0.0; 4]), 2.0);
/// assert_eq!(fill(vec![0.0; 6]), 3.0);
/// ```
pub trait Buffer<T>: AsRef<[T]> + AsMut<[T]> {}

impl<T, B: AsRef<[T]> + AsMut<[T]>> Buffer<T> for B {}

/// So many of that value, in memory of the allocator.
///
/// # Errors
/// [`Error::OutOfMemory`] if it has none.
#[cfg(feature = "alloc")]
pub(crate) fn zeros<T: Clone>(len: usize, zero: T) -> Result<alloc::vec::Vec<T>, crate::Error> {
    let mut values = alloc::vec::Vec::new();
    values.try_reserve_exact(len).map_err(|_| crate::Error::OutOfMemory { elements: len })?;
    values.resize(len, zero);
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Memory = Memory { f32s: 1, f64s: 2, i64s: 6, others: 3, scratch: 4, bytes_at_rest: 5 };

    #[test]
    fn buffers_of_two_states_add_up() {
        let sum =
            ONE.plus(Memory { f32s: 10, f64s: 20, i64s: 60, others: 30, scratch: 0, bytes_at_rest: 50 });
        assert_eq!(sum.i64s, 66);
        assert_eq!((sum.f32s, sum.f64s, sum.others, sum.bytes_at_rest), (11, 22, 33, 55));
    }

    #[test]
    fn two_states_share_the_larger_scratch() {
        for other in [0, 3, 4, 9] {
            let sum = ONE.plus(Memory { scratch: other, ..Memory::NONE });
            assert_eq!(sum.scratch, other.max(4));
        }
    }

    #[test]
    fn many_states_are_the_sum_of_as_many() {
        assert_eq!(ONE.times(0), Memory::NONE);
        assert_eq!(ONE.times(1), ONE);
        assert_eq!(ONE.times(3), ONE.plus(ONE).plus(ONE));
    }

    #[test]
    fn what_no_machine_has_stays_the_largest_number() {
        let large = Memory { f32s: usize::MAX, f64s: usize::MAX, ..ONE };
        assert_eq!(large.plus(ONE).f32s, usize::MAX);
        assert_eq!(large.times(2).f64s, usize::MAX);
        assert_eq!(large.bytes(), usize::MAX);
    }

    #[test]
    fn a_state_that_owns_its_buffer_can_be_made_at_compile_time() {
        struct Owner<B> {
            buffer: B,
        }
        impl<const N: usize> Owner<[f32; N]> {
            const fn owned() -> Self {
                Self { buffer: [0.0; N] }
            }
        }
        fn length<B: Buffer<f32>>(owner: &Owner<B>) -> usize {
            owner.buffer.as_ref().len()
        }
        static OWNER: Owner<[f32; ONE.times(7).f32s]> = Owner::owned();
        assert_eq!(length(&OWNER), 7);
    }
}
