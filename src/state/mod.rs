//! Every state as bytes: written into the caller's slice on one machine, read on any
//! other.
//!
//! ```
//! use gradsieve::outlier::{Detector, SelfInfluence, SelfInfluenceSettings};
//! use gradsieve::{Error, Field, State};
//! # use gradsieve::sketch::{Exact, Projector};
//! # use gradsieve::{Layout, Sketch};
//!
//! const SETTINGS: SelfInfluenceSettings = SelfInfluenceSettings::new(4);
//! # let id = Exact::new(4).id(Layout::flat(4)?.id());
//! # let values = [[1.0, 0.0, 0.5, 0.0_f32], [0.0, 1.0, 0.5, 2.0]];
//! # let sketches = values.each_ref().map(|x| Sketch::from_parts(id, x, gradsieve_kernels::summarize(x)).unwrap());
//! let mut detector = SelfInfluence::new(SETTINGS, [0.0; SETTINGS.memory().f64s])?;
//! for sketch in &sketches {
//!     detector.observe(sketch)?;
//! }
//! let mut bytes = [0; SETTINGS.memory().bytes_at_rest];
//! let written = detector.to_bytes(&mut bytes)?;
//!
//! let mut other = SelfInfluence::new(SETTINGS, [0.0; SETTINGS.memory().f64s])?;
//! other.restore(&bytes[..written])?;
//! other.fit()?;
//! println!("{}", other.score(&sketches[0], &mut [0.0; SETTINGS.memory().scratch])?);
//!
//! bytes[100] ^= 1;
//! assert_eq!(other.restore(&bytes[..written]), Err(Error::Corrupt));
//! let settings = SelfInfluenceSettings { damping: 0.5, ..SETTINGS };
//! let mut other = SelfInfluence::new(settings, [0.0; SETTINGS.memory().f64s])?;
//! bytes[100] ^= 1;
//! assert_eq!(other.restore(&bytes[..written]), Err(Error::Mismatch(Field::StateSettings)));
//! # Ok::<(), gradsieve::Error>(())
//! ```
//!
//! A state is restored into one that was made with the same settings, in memory that the
//! caller lends as always; where some of them have changed since, by
//! [`carry_over`](State::carry_over). What is wrong with the bytes is an [`Error`], and the state is
//! as it was: [`Error::Magic`], [`Error::Version`], [`Error::Truncated`],
//! [`Error::Corrupt`], or [`Error::Mismatch`] with the first thing that differs. A state
//! that has seen sketches takes only bytes of the same kind of sketch; a new one takes
//! what comes, and refuses the first sketch that differs. [`Header::read`] tells what
//! bytes hold.
//!
//! A state stands at the front of the bytes that it is restored from. Its header says how
//! long it is, and what follows is not looked at: a flash page, erased or with leftovers
//! of older states, is read as it is. [`Header::peek`] tells the length by the first
//! [`HEADER`] bytes.
//!
//! *Cost*: a pass for the copy and one for the CRC, some ten instructions a byte.
//!
//! # Declaring a body
//! A state's body is declared once, in `Body::body`: a `Walk` passes over it in the
//! order of its bytes. The same walk writes the body, checks bytes, and loads them.
//!
//! ```text
//! impl<B: Buffer<f32>> Body for Direction<B> {
//!     fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
//!         walk.setting(walk.state().settings.groups)?;  // must be the same in the bytes
//!         walk.zeros(4)?;
//!         walk.width(walk.state().settings.width)?;
//!         let count = walk.number(place!(count))?;      // written, or read into its place
//!         walk.require_id(walk.state().settings.width, count > 0)?;
//!         walk.all(slice!(sums))?;                      // a slice of numbers
//!         let id = walk.id();
//!         walk.load_with(|state| state.id = id);
//!         Ok(())
//!     }
//! }
//! ```
//!
//! Bytes are checked to the last before the first is loaded. While they are checked the
//! state is as it was: what depends on a number in the bytes has to use the value that
//! `number` returns. Records are declared by `records`, a body within a body by `nested`,
//! what no single field holds by `value` and `load_with`.
//!
//! May import `sketch`, `memory` and `error`; knows nothing of the methods, which
//! implement [`State`] beside their text.
#![doc = ""]
#![doc = include_str!("../../docs/src/formats/states.md")]

mod frame;
mod kind;
mod numbers;
#[cfg(feature = "embedded-io")]
mod pieces;
mod sketches;
mod walk;

pub use frame::{FRAME, HEADER, Header, crc32};
pub(crate) use frame::{open, to_bytes};
pub use kind::StateKind;
#[cfg(feature = "embedded-io")]
pub use pieces::{ReadError, read_from, write_to};

pub(crate) use walk::{Body, Cursor, Place, Walk, place, slice};

use crate::error::Error;
use crate::sketch::SketchId;
use frame::{length, open_with, to_bytes_with};
use gradsieve_kernels::cannot_happen;
pub(crate) use numbers::Number;
use numbers::Writer;

/// A state that can be written as bytes and restored from them.
///
/// ```
/// use gradsieve::State;
/// use gradsieve::store::{Entry, TopK, TopKSettings};
///
/// const SETTINGS: TopKSettings = TopKSettings { k: 2 };
/// let mut top = TopK::new(SETTINGS, [Entry::default(); 2])?;
/// top.push(Entry { id: 7, score: 0.5 })?;
/// let mut bytes = [0; SETTINGS.memory().bytes_at_rest];
/// let written = top.to_bytes(&mut bytes)?;
///
/// let mut other = TopK::new(SETTINGS, [Entry::default(); 2])?;
/// other.restore(&bytes[..written])?;
/// assert_eq!(other.entries(), top.entries());
/// # Ok::<(), gradsieve::Error>(())
/// ```
pub trait State: Body {
    /// Its kind.
    const KIND: StateKind;

    /// What the sketches were that it has seen; `None` if it has seen none.
    fn sketch_id(&self) -> Option<SketchId>;

    /// Bytes that [`State::to_bytes`] writes as the state stands; the `bytes_at_rest` of
    /// its settings' memory is the most.
    fn len_at_rest(&self) -> usize {
        length(|to| write_body(self, to))
    }

    /// Writes the state to the front of `to`, and returns how many bytes it took.
    ///
    /// # Errors
    /// [`Error::Length`] if `to` is shorter than [`State::len_at_rest`]; nothing was
    /// written.
    fn to_bytes(&self, to: &mut [u8]) -> Result<usize, Error> {
        self.to_bytes_with(to, crc32)
    }

    /// The bytes of the state in memory of the allocator.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if it has none.
    #[cfg(feature = "alloc")]
    fn to_vec(&self) -> Result<alloc::vec::Vec<u8>, Error> {
        let mut bytes = crate::memory::zeros(self.len_at_rest(), 0)?;
        self.to_bytes(&mut bytes)?;
        Ok(bytes)
    }

    /// [`State::to_bytes`], with a function that computes [`crc32`].
    ///
    /// # Errors
    /// As [`State::to_bytes`].
    fn to_bytes_with(&self, to: &mut [u8], checksum: impl Fn(&[u8]) -> u32) -> Result<usize, Error> {
        to_bytes_with(Self::KIND, self.sketch_id(), to, |to| write_body(self, to), checksum)
    }

    /// Replaces the state by the one that was written to the front of `from`. What is
    /// behind it is not looked at: the rest of a flash page, or the next state
    /// ([`Header::len`] bytes on).
    ///
    /// # Errors
    /// [`Error::Magic`], [`Error::Version`], [`Error::Truncated`], [`Error::Corrupt`] if
    /// the bytes are not such a state, or no longer; [`Error::Mismatch`] if it is of
    /// another kind, has other settings or saw other sketches; [`Error::Full`] if a store
    /// has no room for its rows. The state is as it was.
    fn restore(&mut self, from: &[u8]) -> Result<(), Error> {
        self.restore_with(from, crc32)
    }

    /// [`State::restore`], with a function that computes [`crc32`]: for machines that
    /// have a faster one, or have computed it already. It is called once, with all of the
    /// state but its last four bytes.
    ///
    /// # Errors
    /// As [`State::restore`].
    fn restore_with(&mut self, from: &[u8], checksum: impl Fn(&[u8]) -> u32) -> Result<(), Error> {
        replace(self, from, checksum, false)
    }

    /// [`State::restore`] of a state whose settings have changed since: what was observed
    /// is taken over, and this state's settings stay.
    ///
    /// | state | carried over | what that gives |
    /// |---|---|---|
    /// | [`Direction`](crate::Direction) | fewer groups | the bits of a state that had all groups from the start |
    /// | [`Sieve`](crate::Sieve) | fewer groups, of the same kind; any rate, level of changes and warm-up; whether zero and short gradients are looked for, and whether flagged samples are learnt | of fixed groups those bits; else a state that judges by the new settings what the old ones have let it learn |
    /// | [`SelfInfluence`](crate::outlier::SelfInfluence), [`Ridge`](crate::influence::Ridge), [`Trak`](crate::influence::Trak), [`Gif`](crate::influence::Gif), [`DataInf`](crate::influence::DataInf) | any damping | the bits of a state that had it from the start, not fitted |
    /// | [`Mahalanobis`](crate::outlier::Mahalanobis) | any shrinkage | the same |
    /// | [`Ekfac`](crate::influence::Ekfac) | any damping | the bits of a state that had it from the start |
    ///
    /// All else has to be the same: widths, half-lives, clips, seeds, what the losses
    /// are, how many last samples duplicates are looked for among. It decides what the
    /// numbers mean. For other kinds of state this is [`State::restore`].
    ///
    /// ```
    /// use gradsieve::{Direction, DirectionSettings, Error, Field, State};
    ///
    /// let state = |groups| {
    ///     let settings = DirectionSettings::new(groups, 8);
    ///     Direction::new(settings, vec![0; settings.memory().i64s])
    /// };
    /// let (nine, mut ten) = (state(9)?, state(10)?); // a class is new
    /// let mut bytes = vec![0; nine.len_at_rest()];
    /// nine.to_bytes(&mut bytes)?;
    /// assert_eq!(ten.restore(&bytes), Err(Error::Mismatch(Field::StateSettings)));
    /// ten.carry_over(&bytes)?;
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`State::restore`].
    fn carry_over(&mut self, from: &[u8]) -> Result<(), Error> {
        replace(self, from, crc32, true)
    }
}

/// Replaces a state by that at the front of the bytes, once they are checked to the last.
fn replace<S: State>(
    state: &mut S,
    from: &[u8],
    checksum: impl Fn(&[u8]) -> u32,
    carries: bool,
) -> Result<(), Error> {
    let (id, mut body) = open_with(S::KIND, from, checksum)?;
    if let (Some(own), Some(id)) = (state.sketch_id(), id) {
        own.check(&id)?;
    }
    let mut checked = body;
    S::body(&mut Walk::check(state, id, &mut checked).carrying(carries))?;
    checked.exactly(0)?;
    S::body(&mut Walk::load(state, id, &mut body).carrying(carries))
}

/// Writes the body of a state.
fn write_body<S: State>(state: &S, to: &mut Writer<'_>) {
    let written = S::body(&mut Walk::write(state, state.sketch_id(), to));
    cannot_happen!(written.is_err(), "writing refuses nothing");
}
