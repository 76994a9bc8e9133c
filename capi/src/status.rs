//! What a call returns, and what there is to know of a refusal.

use core::ffi::c_char;
use gradsieve::Error;

/// What a call returns: GRADSIEVE_STATUS_OK, or why it was refused. A refused call has
/// changed nothing but what its own text names. The numbers stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum gradsieve_status {
    /// Done.
    Ok = 0,
    /// An address is NULL that must not be.
    NullPointer = 1,
    /// An address is not a multiple of what its type needs.
    Misaligned = 2,
    /// The memory for a state is too small. Bytes: expected, found.
    Memory = 3,
    /// The memory holds no state: it was never initialised, or what was in it is
    /// overwritten.
    NoState = 4,
    /// The memory holds a state of another kind.
    OtherKind = 5,
    /// The state was copied or moved to other memory. States travel as bytes.
    Moved = 6,
    /// Two arguments lie in the same memory.
    Overlap = 7,
    /// An error of the core that this version of the header has no number for.
    Other = 8,

    /// An array has another length than the call needs. Elements: expected, found.
    Length = 16,
    /// A sketch width is not a positive multiple of what the projection needs, or too
    /// large for it. Expected: what it must be a multiple of. Found: the width.
    Width = 17,
    /// A layer is empty, overlaps the one before it, stands out of order, or ends beyond
    /// 64 bits. Found: its index.
    Layer = 18,
    /// A segment reaches beyond the layout. One past the last coordinate: expected,
    /// found.
    OutsideLayout = 19,
    /// A gradient was finished before all of its coordinates had arrived, or after some
    /// had arrived twice. Coordinates: expected, found.
    Incomplete = 20,
    /// Two sketches, states or stores do not belong together. Name: in what they differ.
    Mismatch = 21,
    /// A layer, and what was given for it, disagree. Found: the layer's index.
    LayerMismatch = 22,
    /// NaN or infinite numbers.
    NonFinite = 23,
    /// The measure was not taken: the gradient of a sequence was never formed.
    NotMeasured = 24,
    /// Fewer observations than are needed: expected, found.
    TooFew = 25,
    /// A group is not below the number of groups: expected, found.
    Group = 26,
    /// A matrix is not positive definite: a larger damping or shrinkage is needed.
    NotPositiveDefinite = 27,
    /// A matrix is so ill-conditioned that solutions would be rounding: a larger damping
    /// or shrinkage is needed. Found: the decimal logarithm of its condition number.
    IllConditioned = 28,
    /// A system of equations was not solved.
    NotSolved = 29,
    /// An answer is finite, but too large or too small for its format. Name: the answer.
    Range = 30,
    /// A detector was asked for a score before it was fitted.
    NotFitted = 31,
    /// A setting is out of its range. Name, and what is wanted.
    Setting = 32,
    /// There is no room for more. Expected: how many there is room for.
    Full = 33,
    /// A run is unstable. Found: steps before its last.
    Unstable = 34,
    /// A row's number is not below the number of rows: expected, found.
    Row = 35,
    /// A sample's id is not among those of the state. Expected: one past the highest.
    Id = 36,
    /// A pass over the rows must be ended first.
    InPass = 37,
    /// An iteration diverges.
    Diverged = 38,
    /// The bytes do not begin as those of a state.
    Magic = 39,
    /// The bytes are of a version of the format that is not known. Found: the version.
    Version = 40,
    /// The bytes end before the state does. Bytes: expected, found.
    Truncated = 41,
    /// The bytes or words are not those that were written.
    Corrupt = 42,
    /// A gradient was finished with as many coordinates as it has, but some had arrived
    /// twice, or belong to no layer, in the place of others. It is to be abandoned.
    Twice = 43,
}

/// What there is to know of a refusal, beside its status. Every function that can refuse
/// takes the address of one as its last argument, which may be NULL. It is written if the
/// call is refused, and left alone otherwise.
///
/// The strings are static and not ended by a zero: printf("%.*s", (int)error.name_length,
/// error.name). Where a status has no such thing they are empty, and numbers are 0.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct gradsieve_error {
    /// What was expected, in the unit that the status names.
    pub expected: u64,
    /// What was found.
    pub found: u64,
    /// The setting, the answer, or in what two things differ. Never NULL.
    pub name: *const c_char,
    /// Bytes of the name.
    pub name_length: usize,
    /// What the setting is expected to be. Never NULL.
    pub wanted: *const c_char,
    /// Bytes of it.
    pub wanted_length: usize,
    /// What the call returned.
    pub status: gradsieve_status,
}

/// Why a call was refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Refusal {
    Null,
    Misaligned,
    Memory { needed: usize, found: usize },
    NoState,
    OtherKind,
    Moved,
    Overlap,
    Core(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Core(error)
    }
}

/// An error before it has its status: numbers and strings.
#[derive(Default)]
struct Detail {
    expected: u64,
    found: u64,
    name: &'static str,
    wanted: &'static str,
}

impl Detail {
    fn numbers(expected: u64, found: u64) -> Self {
        Self { expected, found, ..Self::default() }
    }

    fn named(name: &'static str, wanted: &'static str) -> Self {
        Self { name, wanted, ..Self::default() }
    }
}

impl Refusal {
    /// A setting of C that the core does not have.
    pub(crate) const fn setting(name: &'static str, expected: &'static str) -> Self {
        Self::Core(Error::Setting { name, expected })
    }

    /// The status, and what goes with it.
    fn parts(self) -> (gradsieve_status, Detail) {
        use gradsieve_status as status;
        let numbers = |expected: usize, found: usize| Detail::numbers(expected as u64, found as u64);
        let none = Detail::default;
        match self {
            Self::Null => (status::NullPointer, none()),
            Self::Misaligned => (status::Misaligned, none()),
            Self::Memory { needed, found } => (status::Memory, numbers(needed, found)),
            Self::NoState => (status::NoState, none()),
            Self::OtherKind => (status::OtherKind, none()),
            Self::Moved => (status::Moved, none()),
            Self::Overlap => (status::Overlap, none()),
            Self::Core(error) => match error {
                Error::Length { expected, found } => (status::Length, numbers(expected, found)),
                Error::Width { multiple, found } => (status::Width, numbers(multiple, found)),
                Error::Layer { index } => (status::Layer, numbers(0, index)),
                Error::OutsideLayout { end, found } => (status::OutsideLayout, Detail::numbers(end, found)),
                Error::Incomplete { expected, found } => {
                    (status::Incomplete, Detail::numbers(expected, found))
                }
                Error::Twice => (status::Twice, none()),
                Error::Mismatch(field) => (status::Mismatch, Detail::named(field.name(), "")),
                Error::LayerMismatch { index } => (status::LayerMismatch, numbers(0, index)),
                Error::NonFinite => (status::NonFinite, none()),
                Error::NotMeasured => (status::NotMeasured, none()),
                Error::TooFew { needed, found } => (status::TooFew, numbers(needed, found)),
                Error::Group { groups, found } => {
                    (status::Group, Detail::numbers(groups as u64, found.into()))
                }
                Error::NotPositiveDefinite => (status::NotPositiveDefinite, none()),
                Error::IllConditioned { decades } => {
                    (status::IllConditioned, Detail::numbers(12, decades.into()))
                }
                Error::NotSolved => (status::NotSolved, none()),
                Error::Range { what } => (status::Range, Detail::named(what, "")),
                Error::NotFitted => (status::NotFitted, none()),
                Error::Setting { name, expected } => (status::Setting, Detail::named(name, expected)),
                Error::Full { capacity } => (status::Full, numbers(capacity, 0)),
                Error::Unstable { step } => (status::Unstable, Detail::numbers(0, step)),
                Error::Row { rows, found } => (status::Row, numbers(rows, found)),
                Error::Id { first: _, end, found } => (status::Id, Detail::numbers(end, found)),
                Error::InPass => (status::InPass, none()),
                Error::Diverged => (status::Diverged, none()),
                Error::Magic => (status::Magic, none()),
                Error::Version { found } => (status::Version, Detail::numbers(1, found.into())),
                Error::Truncated { expected, found } => (status::Truncated, numbers(expected, found)),
                Error::Corrupt => (status::Corrupt, none()),
                _ => (status::Other, none()),
            },
        }
    }

    /// As C has it.
    pub(crate) fn detail(self) -> gradsieve_error {
        let (status, Detail { expected, found, name, wanted }) = self.parts();
        gradsieve_error {
            expected,
            found,
            name: name.as_ptr().cast(),
            name_length: name.len(),
            wanted: wanted.as_ptr().cast(),
            wanted_length: wanted.len(),
            status,
        }
    }
}

/// The status in words: one line of English, ended by a zero, which is static. For
/// numbers that are no status it says so.
#[unsafe(no_mangle)]
pub extern "C" fn gradsieve_status_text(status: i32) -> *const c_char {
    let text = match status {
        0 => c"done",
        1 => c"an address is NULL",
        2 => c"an address is not a multiple of what its type needs",
        3 => c"the memory for the state is too small",
        4 => c"the memory holds no state",
        5 => c"the memory holds a state of another kind",
        6 => c"the state was moved; states travel as bytes",
        7 => c"two arguments lie in the same memory",
        8 => c"an error that this version of the header does not know",
        16 => c"an array has another length than the call needs",
        17 => c"the sketch width does not suit the projection",
        18 => c"a layer is empty, out of order, overlapping or too long",
        19 => c"a segment reaches beyond the layout",
        20 => c"not exactly the coordinates of the layout have arrived",
        21 => c"two sketches, states or stores do not belong together",
        22 => c"a layer and what was given for it disagree",
        23 => c"numbers are NaN or infinite",
        24 => c"the measure was not taken, as the gradient was never formed",
        25 => c"more observations are needed",
        26 => c"the group is not below the number of groups",
        27 => c"the matrix is not positive definite: more damping is needed",
        28 => c"the matrix is ill-conditioned: more damping is needed",
        29 => c"the system of equations was not solved",
        30 => c"an answer is too large or too small for its format",
        31 => c"the detector was not fitted",
        32 => c"a setting is out of its range",
        33 => c"there is no room for more",
        34 => c"the run is unstable",
        35 => c"there is no such row",
        36 => c"there is no such sample",
        37 => c"a pass over the rows must be ended first",
        38 => c"the iteration diverges",
        39 => c"the bytes do not begin as those of a state",
        40 => c"the bytes are of an unknown version of the format",
        41 => c"the end of the bytes is missing",
        42 => c"the bytes are not those that were written",
        43 => c"coordinates arrived twice, or of no layer, in the place of others",
        _ => c"no status",
    };
    text.as_ptr()
}
