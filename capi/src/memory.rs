//! States in the caller's memory: a front that says what is there, the state, and behind
//! it the numbers that the state counts with.

use crate::boundary::check;
use crate::status::Refusal;
use core::ffi::c_void;
use core::marker::PhantomData;

/// What all states begin with.
#[derive(Clone, Copy)]
#[repr(C)]
struct Front {
    /// [`HERE`], if there is a state.
    mark: u32,
    kind: Kind,
    /// Where it was initialised.
    address: usize,
    /// Bytes from there that belong to it.
    bytes: usize,
}

/// What memory without a state does not begin with, but for a chance of 2⁻³².
const HERE: u32 = 0x7D93_A26B;

/// The kinds of state, by number: what is in memory may be none of them.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Kind(pub(crate) u32);

/// The type that C knows a state by, of which it has addresses alone.
pub(crate) trait Handle {
    /// What is in the memory.
    type State;
    const KIND: Kind;
    /// Bytes in front of the numbers, on every target.
    const FIXED: usize;
    /// Fails to compile if there are more.
    const FITS: () = assert!(
        size_of::<Placed<Self::State>>() <= Self::FIXED && Self::FIXED.is_multiple_of(ALIGNMENT),
        "the state has outgrown its GRADSIEVE_…_FIXED: raise it, in the file of the state"
    );
}

/// A state behind its front.
#[repr(C)]
pub(crate) struct Placed<S> {
    front: Front,
    pub(crate) state: S,
}

/// What a state's memory is a multiple of.
pub(crate) const ALIGNMENT: usize = 8;

/// Bytes of a state whose numbers take so many.
pub(crate) const fn bytes<H: Handle>(behind: usize) -> usize {
    let () = H::FITS;
    H::FIXED.saturating_add(rounded(behind))
}

const fn rounded(bytes: usize) -> usize {
    match bytes.checked_next_multiple_of(ALIGNMENT) {
        Some(bytes) => bytes,
        None => usize::MAX,
    }
}

/// Memory in which a state is being made.
pub(crate) struct Room<H> {
    start: *mut u8,
    /// Bytes that are taken.
    taken: usize,
    bytes: usize,
    handle: PhantomData<H>,
}

impl<H: Handle> Room<H> {
    /// The memory that C passed, once it is seen to be large enough. No state is in it
    /// from here on.
    pub(crate) fn new(memory: *mut c_void, size: usize, behind: usize) -> Result<Self, Refusal> {
        // As for the numbers that may stand in it.
        check(memory.cast::<u64>())?;
        let needed = bytes::<H>(behind);
        if size < needed || needed > isize::MAX as usize {
            return Err(Refusal::Memory { needed, found: size });
        }
        // SAFETY: aligned, and the caller says that `size` bytes are there to be written.
        unsafe { memory.cast::<u32>().write(0) };
        Ok(Self { start: memory.cast(), taken: H::FIXED, bytes: needed, handle: PhantomData })
    }

    /// The next bytes of the memory, of which nothing else is given.
    fn take(&mut self, bytes: usize) -> Result<*mut u8, Refusal> {
        let end = self.taken.saturating_add(rounded(bytes));
        if end > self.bytes {
            return Err(Refusal::Memory { needed: end, found: self.bytes });
        }
        // SAFETY: the place lies in the memory, which is as large as `new` has seen.
        let first = unsafe { self.start.add(self.taken) };
        self.taken = end;
        Ok(first)
    }

    /// The next `length` places of the memory, filled.
    pub(crate) fn array<T: Copy + 'static>(
        &mut self,
        length: usize,
        fill: T,
    ) -> Result<&'static mut [T], Refusal> {
        const { assert!(align_of::<T>() <= ALIGNMENT) };
        let first = self.take(length.saturating_mul(size_of::<T>()))?.cast::<T>();
        for place in 0..length {
            // SAFETY: so many places were taken; they are aligned, as the memory is and
            // as all that is taken of it is a multiple of the alignment.
            unsafe { first.add(place).write(fill) };
        }
        // SAFETY: they are filled, nothing else is given of them, and the memory is the
        // state's for as long as the caller calls it one.
        Ok(unsafe { core::slice::from_raw_parts_mut(first, length) })
    }

    /// The next place of the memory, which holds a value from then on.
    pub(crate) fn value<T: 'static>(&mut self, value: T) -> Result<&'static mut T, Refusal> {
        const { assert!(align_of::<T>() <= ALIGNMENT) };
        let place = self.take(size_of::<T>())?.cast::<T>();
        // SAFETY: as for `array`, with one place.
        unsafe {
            place.write(value);
            Ok(&mut *place)
        }
    }

    /// Puts the state into the memory, and returns what C calls it by.
    pub(crate) fn put(self, state: H::State) -> *mut H {
        let front = Front { mark: HERE, kind: H::KIND, address: self.start.addr(), bytes: self.bytes };
        // SAFETY: the front of the memory is as large as a state behind its front
        // (`FITS`), aligned to more than it needs, and nothing else was given of it.
        unsafe { self.start.cast::<Placed<H::State>>().write(Placed { front, state }) };
        self.start.cast()
    }
}

/// The state that C means, if there is such a one.
pub(crate) fn find<H: Handle>(handle: *const H) -> Result<*mut Placed<H::State>, Refusal> {
    let front = front(handle)?;
    if front.kind == H::KIND { Ok(handle.cast_mut().cast()) } else { Err(Refusal::OtherKind) }
}

/// The front of a state of any kind, at its place.
fn front<H>(handle: *const H) -> Result<Front, Refusal> {
    let start = handle.cast::<u64>();
    check(start)?;
    // SAFETY: neither NULL nor misaligned; the caller says that memory is there which can
    // be read, and any numbers are a front.
    let front = unsafe { start.cast::<Front>().read() };
    if front.mark != HERE {
        Err(Refusal::NoState)
    } else if front.address != handle.addr() {
        Err(Refusal::Moved)
    } else {
        Ok(front)
    }
}

/// Refuses an array that lies in the memory of a state.
pub(crate) fn check_apart<H, T>(handle: *const H, first: *const T, length: usize) -> Result<(), Refusal> {
    let Front { address, bytes, .. } = front(handle)?;
    let (start, size) = (first.addr(), length.saturating_mul(size_of::<T>()));
    let is_apart = start >= address.saturating_add(bytes) || start.saturating_add(size) <= address;
    if size == 0 || is_apart { Ok(()) } else { Err(Refusal::Overlap) }
}

/// Refuses two states that are one.
pub(crate) fn check_two<H>(one: *const H, other: *const H) -> Result<(), Refusal> {
    if one.addr() == other.addr() { Err(Refusal::Overlap) } else { Ok(()) }
}

/// A state that C reads.
macro_rules! state {
    ($handle:ident) => {{
        let placed = $crate::memory::find($handle)?;
        // SAFETY: there is a state of this kind, as its front says, put there by the
        // function that initialises it. The caller says that nobody writes it.
        unsafe { &(*placed).state }
    }};
}

/// A state that C changes.
macro_rules! state_mut {
    ($handle:ident) => {{
        let placed = $crate::memory::find($handle)?;
        // SAFETY: as for `state`, and the caller says that nobody else uses it.
        unsafe { &mut (*placed).state }
    }};
}

pub(crate) use {state, state_mut};
