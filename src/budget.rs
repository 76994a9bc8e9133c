//! What fits in a budget of memory: which sketch width K, which codec of stored rows and
//! which detector, and how far an inner product will then be off.
//!
//! # The error of an inner product
//! For gradients x and y of cosine ρ, a projection of width K and a row of x in a codec,
//! the error of a score as an estimate of ⟨x, y⟩, divided by ‖x‖‖y‖, has a root mean
//! square of about √((1 + ρ² + q²)/K), over seeds. 1 + ρ² is the projection's part (0
//! without one), and q² the codec's:
//!
//! | codec | q² | which is |
//! |---|---|---|
//! | `f32`, `f16`, `bf16` | 0.0385·u² | u = 2⁻²³, 2⁻¹⁰, 2⁻⁷ is the distance of numbers above 1: a uniform error within it, and mantissas as their logarithms fall |
//! | int8 | 2·M/(12·127²) | row and query both; M is the mean square of the largest of K normal numbers, in variances: 7 to 16 |
//! | 4 bits, 2 bits | 0.0096(1 − ρ²), 0.1348(1 − ρ²) | D/(1 − D), D being the squared error of levels of normal numbers |
//! | 1 bit | (π/2 − 1)(1 − ρ²) | the same of signs |
//!
//! All of this takes the sketch's numbers for normal, which the sum of many coordinates
//! is; without a projection it is a guess. `docs/src/results/sketches.md` measures it: it
//! holds within a seventh but for masks, plans and factored projections. Most pairs of
//! gradients are nearly orthogonal, so ρ = 0 is the figure to plan with, and 1/√K the
//! most that can be had: only 2 bits and 1 bit add to it visibly (a fifteenth, a
//! quarter), so it is the width that counts, and a smaller codec buys width.
//!
//! *Sources*: the projection, see [`crate::sketch`]; the codecs, this project, by the
//! moments of normal numbers (the delta method for few bits).
//!
//! May import every other module; none imports this one.

use crate::error::Error;
use crate::memory::Memory;
use crate::outlier::{DirectionSettings, MahalanobisSettings, SelfInfluenceSettings};
use crate::store::{Codec, StoreSettings};
use gradsieve_kernels::Certain;

/// What memory is to hold.
///
/// ```
/// use gradsieve::budget::{Budget, Watch};
/// use gradsieve::store::Codec;
///
/// // A model of a million parameters, 500 samples of ten classes, 64 KiB.
/// let budget = Budget { parameters: 1_000_000, rows: 500, groups: 10, bytes: 64 << 10 };
/// let choices = budget.choices()?;
/// let best = choices.as_slice()[0];
/// assert_eq!((best.watch, best.codec), (Watch::Nothing, Codec::OneBit));
/// assert!(best.bytes() <= budget.bytes && best.error < 0.05);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Coordinates of a gradient.
    pub parameters: u64,
    /// Rows to store; 0 if none are to be stored.
    pub rows: usize,
    /// Classes, sensors or clients that are kept apart; at least 1.
    pub groups: u32,
    /// Bytes of memory.
    pub bytes: u64,
}

/// The detectors that stream in fixed memory. The norms need none at all; an isolation
/// forest wants all rows at once.
///
/// ```
/// use gradsieve::budget::Watch;
///
/// assert_eq!(Watch::ALL.map(Watch::name), ["none", "direction", "self-influence", "mahalanobis"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Watch {
    /// No detector, or one that needs no memory.
    Nothing,
    /// [`Direction`](crate::outlier::Direction).
    Direction,
    /// [`SelfInfluence`](crate::outlier::SelfInfluence).
    SelfInfluence,
    /// [`Mahalanobis`](crate::outlier::Mahalanobis).
    Mahalanobis,
}

/// A way to spend a budget: the widest sketch that a codec and a detector leave room for.
/// Its example is that of [`Budget`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// The detector.
    pub watch: Watch,
    /// The codec of stored rows; `f32` if none are stored.
    pub codec: Codec,
    /// K.
    pub width: usize,
    /// Whether K numbers are the gradient itself, so that there is nothing to project.
    pub exact: bool,
    /// Bytes of one sketch in the making.
    pub sketch_bytes: u64,
    /// Bytes of the detector, and of what it is lent.
    pub watch_bytes: u64,
    /// Bytes that the store is lent.
    pub store_bytes: u64,
    /// The expected error of an inner product of orthogonal gradients, as a share of the
    /// product of their norms.
    pub error: f64,
}

/// The ways to spend a budget, those of least error first. Its example is that of
/// [`Budget`].
#[derive(Clone, Copy, Debug)]
pub struct Choices {
    list: [Choice; Self::MOST],
    len: usize,
}

/// A sketcher's own bytes beside its K numbers, on any target.
const SKETCHER: u64 = 768;

/// What widths are multiples of.
const STEP: usize = 32;

/// The widest sketch that is thought of: beyond it 32-bit machines cannot count the bytes
/// of a detector.
const WIDEST: usize = 32_768;

/// A detector's own bytes beside the numbers that it is lent, on any target: the
/// histogram of norms, for the most part.
const DETECTOR: u64 = 1280;

/// The bytes of a detector, those among them that a score needs.
const fn with(memory: Memory) -> u64 {
    DETECTOR + memory.bytes() as u64 + 4 * memory.scratch as u64
}

impl Watch {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Nothing, Self::Direction, Self::SelfInfluence, Self::Mahalanobis];

    /// The detector's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::Direction => "direction",
            Self::SelfInfluence => "self-influence",
            Self::Mahalanobis => "mahalanobis",
        }
    }

    /// Bytes of the detector for sketches of a width of at most 32,768.
    const fn bytes(self, groups: u32, width: usize) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::Direction => with(DirectionSettings::new(groups, width).memory()),
            Self::SelfInfluence => with(SelfInfluenceSettings::new(width).memory()),
            Self::Mahalanobis => with(MahalanobisSettings::new(width).memory()),
        }
    }
}

impl Choice {
    /// Bytes of all.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.sketch_bytes.saturating_add(self.watch_bytes).saturating_add(self.store_bytes)
    }

    fn new(budget: &Budget, watch: Watch, codec: Codec, width: usize) -> Self {
        let exact = width as u64 == budget.parameters;
        let store = StoreSettings { codec, width, rows: budget.rows };
        Self {
            watch,
            codec,
            width,
            exact,
            sketch_bytes: SKETCHER + 4 * width as u64,
            watch_bytes: watch.bytes(budget.groups, width),
            store_bytes: store.memory().bytes_with::<u64>() as u64,
            error: relative_error(codec, width, exact, 0.0),
        }
    }

    fn goes_before(&self, other: &Self) -> bool {
        self.error < other.error || (self.error == other.error && self.bytes() < other.bytes())
    }
}

impl Budget {
    /// The ways to spend it, those of least error first: one for each detector and codec
    /// that fit.
    ///
    /// Counted is what the caller lends, a sketcher (768 bytes) and a detector (1,280).
    /// The few hundred bytes of a store's own, queries, and results are not.
    ///
    /// # Errors
    /// [`Error::Setting`] without parameters or groups.
    pub fn choices(&self) -> Result<Choices, Error> {
        let mut choices = Choices::none(self);
        self.check()?;
        for (watch, codec) in self.ways() {
            let fits = |width: usize| Choice::new(self, watch, codec, width).bytes() <= self.bytes;
            if let Some(width) = self.widest(fits) {
                choices.insert(Choice::new(self, watch, codec, width));
            }
        }
        Ok(choices)
    }

    /// The bytes below which there is no way.
    ///
    /// # Errors
    /// As [`Budget::choices`].
    pub fn least(&self) -> Result<u64, Error> {
        self.check()?;
        let width = self.projected().map_or(self.gradient(), |_| STEP);
        let least = self.ways().map(|(watch, codec)| Choice::new(self, watch, codec, width).bytes()).min();
        Ok(least.unwrap_or(u64::MAX))
    }

    const fn check(&self) -> Result<(), Error> {
        if self.parameters == 0 || self.groups == 0 {
            Err(Error::Setting { name: "parameters, groups", expected: "at least 1" })
        } else {
            Ok(())
        }
    }

    /// Without rows there is no codec, and without a detector then nothing to plan.
    fn ways(&self) -> impl Iterator<Item = (Watch, Codec)> {
        let stored = self.rows > 0;
        let codecs = if stored { &Codec::ALL[..] } else { &Codec::ALL[..1] };
        let watches = Watch::ALL.into_iter().filter(move |&watch| stored || watch != Watch::Nothing);
        watches.flat_map(move |watch| codecs.iter().map(move |&codec| (watch, codec)))
    }

    /// The widest sketch that fits: the whole gradient, or a projection of it.
    fn widest(&self, fits: impl Fn(usize) -> bool) -> Option<usize> {
        let gradient = self.gradient();
        if gradient <= WIDEST && fits(gradient) {
            return Some(gradient);
        }
        let (mut most, mut fitting) = (self.projected()?, 0);
        // Wider is larger, so a search by halves finds the widest.
        while fitting < most {
            let middle = fitting + (most - fitting).div_ceil(2);
            if fits(middle * STEP) {
                fitting = middle;
            } else {
                most = middle - 1;
            }
        }
        if fitting > 0 { Some(fitting * STEP) } else { None }
    }

    /// The gradient's coordinates.
    fn gradient(&self) -> usize {
        usize::try_from(self.parameters).unwrap_or(usize::MAX)
    }

    /// How many steps the widest projection has that is narrower than the gradient, if
    /// there is one.
    fn projected(&self) -> Option<usize> {
        let most = (self.gradient() - 1).min(WIDEST) / STEP;
        if most > 0 { Some(most) } else { None }
    }
}

impl Choices {
    /// One for each detector and codec.
    const MOST: usize = Watch::ALL.len() * Codec::ALL.len();

    /// They, those of least error first.
    #[must_use]
    pub fn as_slice(&self) -> &[Choice] {
        self.list.get(..self.len).certain()
    }

    fn none(budget: &Budget) -> Self {
        Self { list: [Choice::new(budget, Watch::Nothing, Codec::F32, STEP); Self::MOST], len: 0 }
    }

    fn insert(&mut self, choice: Choice) {
        let place = self.as_slice().iter().position(|other| choice.goes_before(other)).unwrap_or(self.len);
        self.len = (self.len + 1).min(Self::MOST);
        let behind = self.list.get_mut(place..self.len).certain();
        let mut carried = choice;
        for slot in behind {
            carried = core::mem::replace(slot, carried);
        }
    }
}

/// The expected error of an inner product of gradients of that cosine, as a share of the
/// product of their norms: the formula of [this page](self).
///
/// `exact` says that there is no projection. NaN without a width.
#[must_use]
pub fn relative_error(codec: Codec, width: usize, exact: bool, cosine: f64) -> f64 {
    let squared = cosine * cosine;
    let projection = if exact { 0.0 } else { 1.0 + squared };
    libm::sqrt((projection + codec_part(codec, width, squared)) / width as f64)
}

/// q², the codec's part.
fn codec_part(codec: Codec, width: usize, squared_cosine: f64) -> f64 {
    // A number of mantissa m in [1, 2) is off by up to half of u/m of itself. With
    // mantissas of density 1/(m ln 2), the mean of squared spacings over the mean of
    // squares is u²·2 ln 2/3, and a uniform error has a twelfth of it.
    let float = |spacing: f64| spacing * spacing * (2.0 * core::f64::consts::LN_2 / 3.0) / 12.0;
    match codec {
        Codec::F32 => float(f64::from(f32::EPSILON)),
        Codec::F16 => float(1.0 / 1024.0),
        Codec::Bf16 => float(1.0 / 128.0),
        Codec::Int8 => 2.0 * largest_squared(width) / (12.0 * 127.0 * 127.0),
        // All of it is orthogonal to the row.
        Codec::FourBits | Codec::TwoBits | Codec::OneBit => {
            codec.lost_by_levels().certain() * (1.0 - squared_cosine)
        }
    }
}

/// The mean square of the largest of so many magnitudes of standard normal numbers: that
/// of a Gumbel distribution, whose mean m lies where e^(−γ) of them are expected beyond
/// it, and whose variance is about π²/6m².
fn largest_squared(count: usize) -> f64 {
    const EXPECTED: f64 = 0.561_459_483_566_885_2;
    const PI_SQUARED_OVER_6: f64 = 1.644_934_066_848_226_4;
    let (mut low, mut high) = (0.5, 10.0);
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if count as f64 * libm::erfc(middle * core::f64::consts::FRAC_1_SQRT_2) > EXPECTED {
            low = middle;
        } else {
            high = middle;
        }
    }
    low * low + PI_SQUARED_OVER_6 / (low * low)
}
