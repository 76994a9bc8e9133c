//! States in memory that the allocator gives, for machines that have one: the feature
//! `alloc`.

use alloc::vec::Vec;

use crate::clients::{Client, Round, RoundSettings};
use crate::error::Error;
use crate::gradient::Layout;
use crate::influence::{Ridge, RidgeSettings, Trak, TrakSettings};
use crate::memory::zeros;
use crate::outlier::{
    Direction, DirectionSettings, Mahalanobis, MahalanobisSettings, SelfInfluence, SelfInfluenceSettings,
};
use crate::sieve::{Sieve, SieveSettings};
use crate::sketch::{Projector, Sketcher};
use crate::store::{Entry, Reservoir, ReservoirSettings, Store, StoreSettings, TopK, TopKSettings};

/// Settings whose state can live in memory of the allocator.
///
/// It is the same state as one in memory of the caller, of the same size
/// ([`Memory`](crate::Memory)), and asks the allocator once.
///
/// ```
/// use gradsieve::{Allocate, Sieve, SieveSettings};
///
/// const SETTINGS: SieveSettings = SieveSettings::new(64);
/// let sieve: Sieve<Vec<i64>> = SETTINGS.allocate()?;
/// let lent = Sieve::new(SETTINGS, [0; SETTINGS.memory().i64s])?;
/// assert_eq!(sieve.count(), lent.count());
/// # Ok::<(), gradsieve::Error>(())
/// ```
pub trait Allocate {
    /// The state, which owns its memory.
    type State;

    /// A new state in memory of its own.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if the allocator has none; else as the state's `new`.
    fn allocate(self) -> Result<Self::State, Error>;
}

macro_rules! allocate {
    ($($settings:ident: $state:ident of $field:ident, $empty:expr;)*) => {$(
        impl Allocate for $settings {
            type State = $state<Vec<allocate!($field)>>;

            fn allocate(self) -> Result<Self::State, Error> {
                $state::new(self, zeros(self.memory().$field, $empty)?)
            }
        }
    )*};
    (f64s) => { f64 };
    (i64s) => { i64 };
    (others) => { u64 };
}

allocate! {
    SieveSettings: Sieve of i64s, 0;
    DirectionSettings: Direction of i64s, 0;
    MahalanobisSettings: Mahalanobis of f64s, 0.0;
    SelfInfluenceSettings: SelfInfluence of f64s, 0.0;
    RidgeSettings: Ridge of f64s, 0.0;
    TrakSettings: Trak of f64s, 0.0;
    StoreSettings: Store of others, 0;
    ReservoirSettings: Reservoir of others, 0;
}

impl Allocate for TopKSettings {
    type State = TopK<Vec<Entry>>;

    fn allocate(self) -> Result<Self::State, Error> {
        TopK::new(self, zeros(self.memory().others, Entry::default())?)
    }
}

impl Allocate for RoundSettings {
    type State = Round<Vec<f32>, Vec<Client>>;

    fn allocate(self) -> Result<Self::State, Error> {
        let memory = self.memory();
        Round::new(self, zeros(memory.f32s, 0.0)?, zeros(memory.others, Client::default())?)
    }
}

impl<P: Projector> Sketcher<P, Vec<f32>> {
    /// A sketcher of gradients of that layout, in memory of its own.
    ///
    /// ```
    /// use gradsieve::{Exact, Layout, Sketcher};
    ///
    /// let mut sketcher = Sketcher::allocated(Exact::new(2), Layout::flat(2)?)?;
    /// sketcher.segment(0, &[1.0_f32, 2.0])?;
    /// assert_eq!(sketcher.finish()?.values, [1.0, 2.0]);
    /// # Ok::<(), gradsieve::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if the allocator has none.
    pub fn allocated(projector: P, layout: Layout) -> Result<Self, Error> {
        let buffer = zeros(projector.width(), 0.0)?;
        Self::new(projector, layout, buffer)
    }
}
