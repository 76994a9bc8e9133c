//! The sketches of one round's updates, in whatever order they arrive.

use crate::error::{Error, check_length};
use crate::memory::{Buffer, Memory};
use crate::sketch::{Sketch, SketchId};
use gradsieve_kernels::Certain;
use gradsieve_kernels::double::dot;

/// How many clients a round has at most, and how wide their sketches are.
///
/// ```
/// use gradsieve::clients::RoundSettings;
///
/// const SETTINGS: RoundSettings = RoundSettings { clients: 20, width: 512 };
/// assert_eq!((SETTINGS.memory().f32s, SETTINGS.memory().others), (20 * 512, 20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct RoundSettings {
    /// Clients, at most.
    pub clients: usize,
    /// K.
    pub width: usize,
}

impl RoundSettings {
    /// What a [`Round`] needs: n·K `f32`, and n [`Client`]s, its `others`.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        Memory { f32s: self.clients.saturating_mul(self.width), others: self.clients, ..Memory::NONE }
    }

    /// So many `f64s`: times n², K and n.
    pub(super) const fn f64s(&self, pairs: usize, widths: usize, clients: usize) -> Memory {
        let pairs = self.clients.saturating_mul(self.clients).saturating_mul(pairs);
        let (widths, clients) = (self.width.saturating_mul(widths), self.clients.saturating_mul(clients));
        Memory { f64s: pairs.saturating_add(widths).saturating_add(clients), ..Memory::NONE }
    }
}

/// A client whose update has arrived. Its example is that of [`Round`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Client {
    id: u64,
    /// ‖g‖, exact; NaN if the update is not finite.
    norm: f64,
    /// Where its sketch stands.
    row: usize,
}

impl Client {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Whether its update, and the sketch of it, has neither NaN nor infinite entries.
    #[must_use]
    pub const fn is_finite(&self) -> bool {
        self.norm.is_finite()
    }

    /// Those with a finite update first, then by id.
    fn is_before(&self, other: &Self) -> bool {
        (!self.is_finite(), self.id) < (!other.is_finite(), other.id)
    }
}

/// The sketches of one round's updates.
///
/// ```
/// use gradsieve::clients::{Client, MultiKrum, Round, RoundSettings, Rule};
/// # use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// const SETTINGS: RoundSettings = RoundSettings { clients: 6, width: 2 };
/// const RULE: MultiKrum = MultiKrum { hostile: 1, keep: None };
/// let mut round = Round::new(
///     SETTINGS,
///     [0.0; SETTINGS.memory().f32s],
///     [Client::default(); SETTINGS.memory().others],
/// )?;
/// # let id = Exact::new(2).id(Layout::flat(2)?.id());
/// # let updates = [[1.0, 0.1], [1.1, 0.2], [-9.0, 0.1], [0.9, 0.1], [1.0, 0.2], [f32::NAN, 0.0]];
/// # let sketches = updates.each_ref().map(|x| {
/// #     Sketch::from_parts(id, x, gradsieve_kernels::summarize(x)).unwrap()
/// # });
/// // Client 103 sends the opposite of the others, and client 100 NaN.
/// for (client, sketch) in (101..106).chain([100]).zip(&sketches) {
///     round.observe(client, sketch)?;
/// }
/// let mut weights = [0.0; 6];
/// let mut memory = [0.0; RULE.memory(&SETTINGS).f64s];
/// let kept = RULE.weigh(&round, &mut memory, &mut weights);
/// // The one that is not finite is the one that may be hostile: nobody else is left out.
/// assert_eq!((kept, round.non_finite()), (Ok(5), 1));
/// assert!(round.clients().map(Client::id).eq([101, 102, 103, 104, 105, 100]));
/// assert_eq!(weights, [0.2, 0.2, 0.2, 0.2, 0.2, 0.0]);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Round<R, C> {
    settings: RoundSettings,
    id: Option<SketchId>,
    rows: R,
    clients: C,
    count: usize,
    finite: usize,
}

impl<R: Buffer<f32>, C: Buffer<Client>> Round<R, C> {
    /// No update yet. `rows` and `clients` are as long as
    /// [`memory`](RoundSettings::memory) says; what is in them does not matter.
    ///
    /// # Errors
    /// [`Error::Setting`] without a client; [`Error::Width`] without a number a sketch;
    /// [`Error::Length`].
    pub fn new(settings: RoundSettings, rows: R, clients: C) -> Result<Self, Error> {
        if settings.clients == 0 {
            return Err(Error::Setting { name: "clients", expected: "at least 1" });
        }
        if settings.width == 0 {
            return Err(Error::Width { multiple: 1, found: 0 });
        }
        let memory = settings.memory();
        check_length(memory.f32s, rows.as_ref().len())?;
        check_length(memory.others, clients.as_ref().len())?;
        Ok(Self { settings, id: None, rows, clients, count: 0, finite: 0 })
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> RoundSettings {
        self.settings
    }

    /// Clients whose update has arrived.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// How many of them sent an update that is not finite. They have the weight 0.
    #[must_use]
    pub const fn non_finite(&self) -> usize {
        self.count - self.finite
    }

    /// The clients, in the order of a rule's weights: those with a finite update by
    /// their ids, then the others by theirs.
    pub fn clients(&self) -> impl ExactSizeIterator<Item = &Client> {
        self.clients.as_ref().get(..self.count).certain().iter()
    }

    /// Takes in the sketch of a client's update, in whatever order.
    ///
    /// An update that is not finite is counted, and so is one whose sketch is not.
    ///
    /// *Cost*: n + K.
    ///
    /// # Errors
    /// [`Error::Setting`] if the client has sent one before; [`Error::Full`];
    /// [`Error::Width`] if the sketch is not K wide; [`Error::Mismatch`] if it belongs to
    /// another projection or layout than those before.
    pub fn observe(&mut self, client: u64, sketch: &Sketch<'_>) -> Result<(), Error> {
        let width = self.settings.width;
        if sketch.values.len() != width {
            return Err(Error::Width { multiple: width, found: sketch.values.len() });
        }
        self.id.map_or(Ok(()), |id| id.check(&sketch.id))?;
        if self.clients().any(|other| other.id == client) {
            return Err(Error::Setting { name: "client", expected: "one that has sent no update yet" });
        }
        if self.count == self.settings.clients {
            return Err(Error::Full { capacity: self.count });
        }
        let square = sketch.measures.l2_squared;
        let is_finite = sketch.check_finite().is_ok() && square.is_finite() && square >= 0.0;
        let norm = if is_finite { libm::sqrt(square) } else { f64::NAN };
        let mut carried = Client { id: client, norm, row: self.count };
        let rows = self.rows.as_mut().chunks_exact_mut(width.max(1));
        for (to, from) in rows.skip(self.count).take(1).flatten().zip(sketch.values) {
            *to = *from;
        }
        // It takes the place of the first that it is before, which moves on by one, and
        // so on. The place behind the last is free.
        let places = self.clients.as_mut().get_mut(..=self.count).certain();
        if let Some((last, before)) = places.split_last_mut() {
            for place in before {
                if carried.is_before(place) {
                    core::mem::swap(place, &mut carried);
                }
            }
            *last = carried;
        }
        self.id = Some(sketch.id);
        self.count += 1;
        self.finite += usize::from(is_finite);
        Ok(())
    }

    /// Forgets all updates: for the next round.
    pub const fn reset(&mut self) {
        (self.id, self.count, self.finite) = (None, 0, 0);
    }

    /// What the sketches are of; none without a sketch.
    #[must_use]
    pub const fn id(&self) -> Option<SketchId> {
        self.id
    }

    /// The finite updates.
    pub(super) fn finite(&self) -> Finite<'_> {
        Finite {
            settings: self.settings,
            id: self.id,
            rows: self.rows.as_ref(),
            clients: self.clients.as_ref().get(..self.finite).certain(),
            non_finite: self.non_finite(),
        }
    }
}

/// The finite updates of a round, in the order of their clients' ids.
#[derive(Clone, Copy, Debug)]
pub struct Finite<'r> {
    settings: RoundSettings,
    pub(super) id: Option<SketchId>,
    rows: &'r [f32],
    clients: &'r [Client],
    non_finite: usize,
}

impl<'r> Finite<'r> {
    /// How many there are: at least 1.
    pub(super) const fn len(&self) -> usize {
        self.clients.len()
    }

    /// K.
    pub(super) const fn width(&self) -> usize {
        self.settings.width
    }

    /// Their sketches.
    pub(super) fn rows(self) -> impl Iterator<Item = &'r [f32]> + Clone {
        let width = self.settings.width;
        self.clients.iter().map(move |client| {
            let start = client.row.saturating_mul(width);
            self.rows.get(start..start.saturating_add(width)).certain()
        })
    }

    /// The exact norms of their updates.
    pub(super) fn norms(self) -> impl Iterator<Item = f64> + Clone {
        self.clients.iter().map(|client| client.norm)
    }

    /// How many of them may be hostile, of `hostile` in the round: an update that is not
    /// finite is that of one.
    ///
    /// # Errors
    /// [`Error::Setting`] unless some client of the round is not; [`Error::TooFew`] if
    /// there are fewer than `times` as many as may be hostile, and `more`.
    pub(super) const fn hostile(&self, hostile: usize, times: usize, more: usize) -> Result<usize, Error> {
        if hostile >= self.len().saturating_add(self.non_finite) {
            return Err(Error::Setting { name: "hostile", expected: "below the number of clients" });
        }
        let left = hostile.saturating_sub(self.non_finite);
        let needed = left.saturating_mul(times).saturating_add(more);
        if self.len() < needed {
            return Err(Error::TooFew { needed, found: self.len() });
        }
        Ok(left)
    }
}

/// ‖x − y‖², the same of y and x. `difference` is K numbers of scratch.
pub(super) fn squared_distance(x: &[f32], y: &[f32], difference: &mut [f64]) -> f64 {
    for ((difference, x), y) in difference.iter_mut().zip(x).zip(y) {
        *difference = f64::from(*x) - f64::from(*y);
    }
    dot(difference, difference).certain()
}

/// The squared distances of all pairs, row after row. `difference` is K numbers of
/// scratch.
pub(super) fn squared_distances(finite: &Finite<'_>, distances: &mut [f64], difference: &mut [f64]) {
    for (x, to) in finite.rows().zip(distances.chunks_exact_mut(finite.len().max(1))) {
        for (y, to) in finite.rows().zip(to) {
            *to = squared_distance(x, y, difference);
        }
    }
}

/// The cosine of two sketches, within ±1: 0 if one of them is 0. `wide` is K numbers of
/// scratch.
pub(super) fn cosine(x: &[f32], y: &[f32], wide: &mut [f64]) -> f64 {
    let mut square = |x: &[f32]| {
        for (wide, x) in wide.iter_mut().zip(x) {
            *wide = f64::from(*x);
        }
        dot(wide, x).certain()
    };
    let (y_squared, x_squared) = (square(y), square(x));
    // x stands in `wide` now.
    let length = libm::sqrt(x_squared) * libm::sqrt(y_squared);
    if length > 0.0 { (dot(wide, y).certain() / length).clamp(-1.0, 1.0) } else { 0.0 }
}

/// A buffer in two, of which the first has so many numbers.
pub(super) fn parts(memory: &mut [f64], first: usize) -> (&mut [f64], &mut [f64]) {
    memory.split_at_mut_checked(first).certain()
}
