//! Clients' updates of one round: which of them count, and how much.
//!
//! A client's update is a gradient, and a sketch of it is enough for rules that look at
//! distances and angles. The weights that a rule finds on sketches are applied to the
//! whole updates: the aggregate is Σ wᵢ·gᵢ.
//!
//! | rule | weights | looks at | needs |
//! |---|---|---|---|
//! | [`Krum`] | 1 for one client | distances | n ≥ 2f + 3 |
//! | [`MultiKrum`] | equal, for n − f clients | distances | n ≥ 2f + 3 |
//! | [`Bulyan`] | equal, for n − 2f clients | distances | n ≥ 4f + 3 |
//! | [`GeometricMedian`] | the larger the nearer | distances | most clients honest |
//! | [`Dnc`] | equal, for n − f clients | the direction of largest variance | n ≥ 2f + 1 |
//! | [`FlTrust`] | agreement with a trusted update | angles, exact norms | that update |
//! | [`FoolsGold`] | the larger the less alike | angles | honest clients that differ |
//! | [`NormClip`] | 1/n, less for long updates | exact norms | |
//!
//! *What is promised is agreement with the same rule on whole updates, not security.*
//! Each rule keeps its known holes, which stand beside it. And a sketch is blind to what
//! its projection cannot see: where clients may be hostile, its key must be secret.
//!
//! *Order does not enter.* Clients carry ids; sums run in the order of ids, and of equals
//! the lower id wins. So a round has the same weights, to the bit, in whatever order its
//! updates arrive.
//!
//! *Any finite update is taken as it is*, whatever its size: distances and products are
//! in `f64`, whose range no two `f32` leave. An update with NaN or infinite entries has
//! the weight 0, and counts as one of the f hostile clients.
//!
//! *Memory*: n·K `f32` and n [`Client`]s a round, and what each rule says. May import
//! `error`, `memory`, `sketch` and `dense`.

mod bulyan;
mod clip;
mod dnc;
mod fl_trust;
mod fools_gold;
mod geometric_median;
mod krum;
mod multi_krum;
mod round;
mod scores;

pub use bulyan::Bulyan;
pub use clip::NormClip;
pub use dnc::Dnc;
pub use fl_trust::FlTrust;
pub use fools_gold::FoolsGold;
pub use geometric_median::GeometricMedian;
pub use krum::Krum;
pub use multi_krum::MultiKrum;
pub use round::{Client, Round, RoundSettings};

use crate::error::{Error, check_length};
use crate::memory::{Buffer, Memory};
use gradsieve_kernels::Certain;
use round::Finite;

/// Weighs the clients of a round.
///
/// ```
/// use gradsieve::clients::{Client, Dnc, MultiKrum, Round, RoundSettings, Rule};
/// # use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// fn kept(rule: impl Rule, round: &Round<Vec<f32>, Vec<Client>>) -> usize {
///     let mut memory = vec![0.0; rule.needs(&round.settings()).f64s];
///     rule.weigh(round, &mut memory, &mut vec![0.0; round.count()]).unwrap()
/// }
///
/// let settings = RoundSettings { clients: 5, width: 2 };
/// let memory = settings.memory();
/// let clients = vec![Client::default(); memory.others];
/// let mut round = Round::new(settings, vec![0.0; memory.f32s], clients)?;
/// # let id = Exact::new(2).id(Layout::flat(2)?.id());
/// # let updates = [[1.0, 0.1], [1.1, 0.2], [-9.0, 0.1], [0.9, 0.1], [1.0, 0.2]];
/// # let sketches = updates.each_ref().map(|x| {
/// #     Sketch::from_parts(id, x, gradsieve_kernels::summarize(x)).unwrap()
/// # });
/// for (client, sketch) in (0..).zip(&sketches) {
///     round.observe(client, sketch)?;
/// }
/// assert_eq!(kept(MultiKrum { hostile: 1, keep: None }, &round), 4);
/// assert_eq!(kept(Dnc { hostile: 1 }, &round), 4);
/// # Ok::<(), gradsieve::Error>(())
/// ```
pub trait Rule {
    /// What [`weigh`](Self::weigh) wants of the caller for such a round: `f64s`. The
    /// rule's own `memory` says the same at compile time.
    fn needs(&self, round: &RoundSettings) -> Memory;

    /// The weights of the finite updates, in the order of their clients' ids.
    #[doc(hidden)]
    fn weigh_finite(&self, finite: &Finite<'_>, memory: &mut [f64], weights: &mut [f64])
    -> Result<(), Error>;

    /// Writes a weight for each client, in the order of [`Round::clients`], and returns
    /// how many are above 0. The aggregate of the round is Σ wᵢ·gᵢ over whole updates.
    /// `memory` is what the rule needs and holds nothing of use afterwards.
    ///
    /// # Errors
    /// [`Error::Length`] if `memory` is not as long as [`needs`](Self::needs) says, or
    /// there is no weight for each client; [`Error::TooFew`] if the rule needs more
    /// clients whose updates are finite; [`Error::Setting`] if a setting is out of range,
    /// or no client is left.
    fn weigh<R: Buffer<f32>, C: Buffer<Client>>(
        &self,
        round: &Round<R, C>,
        memory: &mut [f64],
        weights: &mut [f64],
    ) -> Result<usize, Error>
    where
        Self: Sized,
    {
        check_length(self.needs(&round.settings()).f64s, memory.len())?;
        check_length(round.count(), weights.len())?;
        let finite = round.finite();
        if finite.len() == 0 {
            return Err(Error::TooFew { needed: 1, found: 0 });
        }
        weights.fill(0.0);
        self.weigh_finite(&finite, memory, weights.get_mut(..finite.len()).certain())?;
        Ok(weights.iter().filter(|&&weight| weight > 0.0).count())
    }
}
