//! The kinds of state and their numbers.

/// The kinds of state. Their numbers are part of the format: none is ever used for
/// another kind.
///
/// ```
/// use gradsieve::State;
/// use gradsieve::outlier::Direction;
/// use gradsieve::state::StateKind;
///
/// assert_eq!(Direction::<[i64; 64]>::KIND, StateKind::Direction);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u16)]
pub enum StateKind {
    /// What sketches belong to: [`SketchId`](crate::SketchId).
    SketchId = 1,
    /// A [`Sketch`](crate::Sketch).
    Sketch = 2,
    /// [`Moments`](crate::moments::Moments).
    Moments = 3,
    /// [`SelfInfluence`](crate::outlier::SelfInfluence).
    SelfInfluence = 4,
    /// [`Mahalanobis`](crate::outlier::Mahalanobis).
    Mahalanobis = 5,
    /// [`Direction`](crate::outlier::Direction).
    Direction = 6,
    /// [`Forest`](crate::outlier::Forest).
    Forest = 7,
    /// [`TopK`](crate::store::TopK).
    TopK = 8,
    /// [`TracIn`](crate::influence::TracIn).
    TracIn = 9,
    /// [`Ridge`](crate::influence::Ridge).
    Ridge = 10,
    /// [`Targets`](crate::influence::Targets) of any method.
    Targets = 11,
    /// [`Store`](crate::store::Store).
    Store = 12,
    /// [`Reservoir`](crate::store::Reservoir).
    Reservoir = 13,
    /// [`Largest`](crate::store::Largest).
    Largest = 14,
    /// [`Trak`](crate::influence::Trak).
    Trak = 15,
    /// [`TrakScore`](crate::influence::TrakScore).
    TrakScore = 16,
    /// [`IpEnsemble`](crate::influence::IpEnsemble).
    IpEnsemble = 17,
    /// [`ReTrac`](crate::influence::ReTrac).
    ReTrac = 18,
    /// [`LessTargets`](crate::influence::LessTargets).
    LessTargets = 19,
    /// [`Less`](crate::influence::Less).
    Less = 20,
    /// [`InRunShapley`](crate::influence::InRunShapley).
    InRunShapley = 21,
    /// [`DataInf`](crate::influence::DataInf).
    DataInf = 22,
    /// [`Propagator`](crate::influence::dvemb::Propagator).
    Propagator = 23,
    /// [`Recorder`](crate::influence::dvemb::Recorder).
    Recorder = 24,
    /// [`Adjoint`](crate::influence::dvemb::Adjoint).
    Adjoint = 25,
    /// [`Arnoldi`](crate::influence::Arnoldi).
    Arnoldi = 26,
    /// [`Gif`](crate::influence::Gif).
    Gif = 27,
    /// [`Ekfac`](crate::influence::Ekfac).
    Ekfac = 28,
    /// [`Sieve`](crate::Sieve).
    Sieve = 29,
    /// [`Visits`](crate::visits::Visits) of [`Mean`](crate::visits::Mean).
    Mean = 30,
    /// [`Visits`](crate::visits::Visits) of [`MeanRank`](crate::visits::MeanRank).
    MeanRank = 31,
    /// [`Visits`](crate::visits::Visits) of [`Worst`](crate::visits::Worst).
    Worst = 32,
}
