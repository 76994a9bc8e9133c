//! What can be wrong with a call: one small `Copy` enum, whose strings are static.

use core::fmt;

/// Why the core refused a call. The state that was called is as it was before.
///
/// ```
/// use gradsieve::{Error, Layer, Layout};
///
/// let empty = Layout::new(&[Layer::new(0, 10, 64), Layer::new(640, 0, 1)]);
/// assert_eq!(empty.unwrap_err(), Error::Layer { index: 1 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// A slice has another length than the call needs.
    Length {
        /// Elements that are needed.
        expected: usize,
        /// Elements that were given.
        found: usize,
    },
    /// A sketch width is not a positive multiple of what the projection needs, or too
    /// large for it.
    Width {
        /// What the width must be a positive multiple of.
        multiple: usize,
        /// The width that was given.
        found: usize,
    },
    /// A layer of a layout is empty, overlaps the one before it, stands out of order, or
    /// ends beyond 2⁶⁴ − 1.
    Layer {
        /// The layer's index.
        index: usize,
    },
    /// A segment reaches beyond its layout.
    OutsideLayout {
        /// One past the last coordinate of the layout.
        end: u64,
        /// One past the last coordinate of the segment; `u64::MAX` if it does not fit in
        /// 64 bits.
        found: u64,
    },
    /// A gradient was finished before all of its layout's coordinates had arrived, or
    /// after some had arrived twice.
    Incomplete {
        /// Coordinates of the layout.
        expected: u64,
        /// Coordinates that arrived.
        found: u64,
    },
    /// A gradient was finished with as many coordinates as its layout has, but not with
    /// each of them once: some arrived twice, or belong to no layer, in the place of
    /// others.
    Twice,
    /// The allocator has no memory for a state: with the feature `alloc` alone.
    OutOfMemory {
        /// Elements of the state's buffer.
        elements: usize,
    },
    /// Two sketches, states or stores that belong to different projections or layouts.
    Mismatch(Field),
    /// A layer, and what was given for it (a part of a plan, a projector made for one
    /// layer, the same layer of another gradient), disagree.
    LayerMismatch {
        /// The index of the layer: its place in the plan or the gradient, 0 for a
        /// projector made for one layer.
        index: usize,
    },
    /// The gradient has NaN or infinite entries, or a score is such a number.
    NonFinite,
    /// The measure that is asked for was not taken: the L1 norm and the maximum of a
    /// sequence that was never formed.
    NotMeasured,
    /// Fewer observations than the method needs.
    TooFew {
        /// Observations that are needed.
        needed: usize,
        /// Observations so far.
        found: usize,
    },
    /// The group id is not below the number of groups that the state was made for.
    Group {
        /// Number of groups.
        groups: usize,
        /// The id that was given.
        found: u32,
    },
    /// The matrix is not positive definite: a larger damping or shrinkage is needed.
    NotPositiveDefinite,
    /// The matrix is so ill-conditioned that solutions would be rounding: a larger
    /// damping or shrinkage is needed.
    IllConditioned {
        /// ⌊log₁₀⌋ of its condition number.
        decades: u32,
    },
    /// A system of equations was not solved: what is left of it is more than rounding.
    NotSolved,
    /// An answer is finite but leaves the range of `f32`, or of `f64`.
    Range {
        /// The answer.
        what: &'static str,
    },
    /// A detector was asked for a score before it was fitted.
    NotFitted,
    /// A setting, or an argument that is one, lies outside its range.
    Setting {
        /// What it is called where it is set; several names are separated by commas.
        name: &'static str,
        /// What was expected of it.
        expected: &'static str,
    },
    /// The buffer of a record, a store or a forest is full.
    Full {
        /// How many of its kind it holds.
        capacity: usize,
    },
    /// A step of a run stretches so much that numbers leave `f32`: η·λ_max of its
    /// curvature, or of one after it, is far above 2.
    Unstable {
        /// Steps that were taken in before it.
        step: u64,
    },
    /// A row's number is not below the number of rows.
    Row {
        /// Rows in the store.
        rows: usize,
        /// The number that was given.
        found: usize,
    },
    /// A sample's id is none of those that the state was made for.
    Id {
        /// The lowest id.
        first: u64,
        /// One past the highest.
        end: u64,
        /// The id that was given.
        found: u64,
    },
    /// A pass over the rows has begun: it must be ended first.
    InPass,
    /// An iteration moves away from its solution: a smaller step or a larger damping is
    /// needed.
    Diverged,
    /// The bytes do not begin as those of a state, or of a packet where one is read.
    Magic,
    /// The bytes are of a version of the format that is not known.
    Version {
        /// The version that was found.
        found: u16,
    },
    /// The bytes end before the state or the packet does.
    Truncated {
        /// Bytes of it, or of the least there could be.
        expected: usize,
        /// Bytes that were given.
        found: usize,
    },
    /// The bytes are not those that were written.
    Corrupt,
}

/// In what two sketches, states or stores differ.
///
/// ```
/// use gradsieve::{Error, Exact, Field, Key, Layout, Projector, Repeat, Sjlt};
///
/// let layout = Layout::flat(32)?.id();
/// let (exact, sjlt) = (Exact::new(32).id(layout), Sjlt::new(32, Key::seed(7), Repeat::One)?.id(layout));
/// assert_eq!(exact.check(&sjlt), Err(Error::Mismatch(Field::Kind)));
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Field {
    /// The kind of projection.
    Kind,
    /// The width K.
    Width,
    /// The key that a projection is drawn by, public or secret.
    Key,
    /// The seed.
    Seed,
    /// The repetitions s.
    Repeat,
    /// The projector's other settings.
    Settings,
    /// The layout of the gradient.
    Layout,
    /// The codec of stored rows.
    Codec,
    /// The kind of state.
    State,
    /// The settings of a detector, an influence method, a reservoir or another state.
    StateSettings,
    /// The half-life of two states, or how many of them have passed.
    Clock,
    /// The projection, its key or the layout, of which a packet has but one fingerprint.
    Fingerprint,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Length { expected, found } => write!(f, "expected {expected} elements, found {found}"),
            Self::Width { multiple, found } => {
                write!(f, "expected a sketch width that is a positive multiple of {multiple}, found {found}")
            }
            Self::Layer { index } => {
                write!(f, "layer {index} of the layout is empty, out of order, overlapping or too long")
            }
            Self::OutsideLayout { end, found } => {
                write!(
                    f,
                    "expected a segment that ends at coordinate {end} at the latest, found one that ends at {found}"
                )
            }
            Self::Incomplete { expected, found } => {
                write!(f, "expected a gradient of {expected} coordinates, found {found} when it was finished")
            }
            Self::Twice => f.write_str(
                "expected each coordinate of the gradient once, found some twice, or of no layer, in the \
                 place of others",
            ),
            Self::OutOfMemory { elements } => write!(f, "no memory for a buffer of {elements} elements"),
            Self::Mismatch(field) => write!(f, "the two differ in {}", field.name()),
            Self::LayerMismatch { index } => {
                write!(f, "layer {index} and what was given for it disagree in place, shape or width")
            }
            Self::NonFinite => f.write_str("expected finite numbers, found NaN or infinite ones"),
            Self::NotMeasured => f.write_str("the measure was not taken, as the gradient was never formed"),
            Self::TooFew { needed, found } => {
                write!(f, "expected at least {needed} observations, found {found}")
            }
            Self::Group { groups, found } => {
                write!(f, "expected a group id below {groups}, found {found}")
            }
            Self::NotPositiveDefinite => {
                f.write_str("the matrix is not positive definite; a larger damping or shrinkage is needed")
            }
            Self::IllConditioned { decades } => write!(
                f,
                "the matrix is ill-conditioned: expected a condition number below 10^12, found about \
                 10^{decades}; a larger damping or shrinkage is needed"
            ),
            Self::NotSolved => f.write_str("the residual of the solution is more than rounding"),
            Self::Range { what } => write!(f, "{what} is finite, but too large or too small for its format"),
            Self::NotFitted => f.write_str("the detector has not been fitted yet"),
            Self::Setting { name, expected } => write!(f, "expected {name} to be {expected}"),
            Self::Full { capacity } => write!(f, "there is room for {capacity}, and it is full"),
            Self::Unstable { step } => {
                write!(f, "numbers leave their range {step} steps before the last: the run is unstable there")
            }
            Self::Magic => f.write_str("the bytes do not begin as those of a state"),
            Self::Version { found } => write!(f, "expected version 1 of the format, found version {found}"),
            Self::Truncated { expected, found } => {
                write!(f, "expected {expected} bytes, found {found}: the end is missing")
            }
            Self::Corrupt => f.write_str("the bytes are not those that were written"),
            Self::Row { rows, found } => write!(f, "expected a row number below {rows}, found {found}"),
            Self::Id { first, end, found } => {
                write!(f, "expected an id from {first} to below {end}, found {found}")
            }
            Self::InPass => f.write_str("a pass over the rows has begun and must be ended first"),
            Self::Diverged => {
                f.write_str("the iteration diverges; a smaller step or a larger damping is needed")
            }
        }
    }
}

impl Field {
    /// The field's name in prose.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kind => "the kind of projection",
            Self::Width => "the sketch width",
            Self::Key => "the seed or key of the projection",
            Self::Seed => "the seed",
            Self::Repeat => "the repetitions",
            Self::Settings => "the projector's settings",
            Self::Layout => "the gradient's layout",
            Self::Codec => "the codec of their rows",
            Self::State => "the kind of state",
            Self::StateSettings => "the settings of the state",
            Self::Clock => "the half-life, or in how many of them have passed",
            Self::Fingerprint => "the projection, its key or the gradient's layout",
        }
    }
}

impl core::error::Error for Error {}

impl From<gradsieve_kernels::Error> for Error {
    fn from(error: gradsieve_kernels::Error) -> Self {
        match error {
            gradsieve_kernels::Error::Length { expected, found } => Self::Length { expected, found },
            gradsieve_kernels::Error::Width { multiple, found } => Self::Width { multiple, found },
            gradsieve_kernels::Error::Offset => Self::OutsideLayout { end: u64::MAX, found: u64::MAX },
            gradsieve_kernels::Error::NonFinite => Self::NonFinite,
            _ => Self::Setting { name: "argument", expected: "in the range that its kernel names" },
        }
    }
}

/// Refuses a slice of the wrong length.
pub(crate) const fn check_length(expected: usize, found: usize) -> Result<(), Error> {
    if expected == found { Ok(()) } else { Err(Error::Length { expected, found }) }
}
