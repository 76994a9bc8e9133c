//! Projectors from settings, and how the layers of a model share the numbers of a sketch.

use super::kind::projections;
use super::settings::FromSettings;
// The list names every projection.
use super::*;
use crate::error::Error;
use crate::gradient::{Layer, Layout};
use gradsieve_kernels::cannot_happen;
use gradsieve_kernels::sjlt::Repeat;

macro_rules! made {
    ($($(#[$doc:meta])* $kind:ident = $number:literal, $name:literal $choices:tt
        { $variant:ident($projector:ty) $(, $other:ident($others:ty))* })*) => {
        /// Whether a kind is made for one linear layer.
        #[expect(clippy::extra_unused_lifetimes, reason = "the list names it")]
        const fn is_factored<'p>(kind: Kind) -> bool {
            match kind {
                $(Kind::$kind => <$projector as FromSettings>::IS_FACTORED,)*
            }
        }

        /// The projector of one layer, or of a whole gradient that is taken for one.
        fn made<'p>(settings: &ProjectorSettings, layer: &Layer) -> Result<AnyProjector<'p>, Error> {
            match settings.kind {
                $(Kind::$kind => <$projector>::from_settings(settings, layer).map(AnyProjector::from),)*
            }
        }
    };
}

projections!(made);

impl<'p> AnyProjector<'p> {
    /// The projector that `settings` say, for a model of these layers.
    ///
    /// Most projections take the gradient as a whole. Four may work layer by layer, and
    /// then need a part for each layer in the caller's buffer ([`Part::UNUSED`]); what it
    /// holds is of no concern, and it may be empty for all others:
    ///
    /// - `layers`: each layer has an equal share of the K numbers. One that fits is kept
    ///   as it is, any other goes through a [`Rademacher`](super::Rademacher).
    /// - `logra`, `factgrass`, if there are several layers: the largest layer goes
    ///   through it. The others share half of the numbers: one that fits is kept as it
    ///   is, any other goes through an [`Sjlt`](super::Sjlt).
    ///
    /// - `kronecker`, if there are several layers, 64 at most: each goes through it, with
    ///   widths as [`Kronecker::for_layers`] shares them out.
    ///
    /// The smallest layer is served first, and what it leaves of its share is shared by
    /// the larger ones.
    ///
    /// *Cost*: n² comparisons for n layers.
    ///
    /// # Errors
    /// [`Error::Width`] and [`Error::Setting`] if a setting does not suit the projection,
    /// or the width is too small for all layers; [`Error::Layer`] as [`Layout::new`];
    /// [`Error::Length`] if parts are needed, and the buffer has less than there are
    /// layers.
    pub fn new(
        settings: &ProjectorSettings,
        layers: &[Layer],
        parts: &'p mut [Part<'static>],
    ) -> Result<Self, Error> {
        settings.check()?;
        let layout = Layout::new(layers)?;
        match (settings.kind, layers) {
            (Kind::Plan, _) => plan(layers, parts, settings.width, |parts| {
                shares(parts, layers.len(), settings.width, |width| {
                    const MULTIPLE: usize = gradsieve_kernels::rademacher::WIDTH_MULTIPLE;
                    Rademacher::new(down_to(MULTIPLE, width), settings.key)
                })?;
                Ok(())
            }),
            (kind, [layer]) if is_factored(kind) => made(settings, layer),
            (Kind::Kronecker, _) => kroneckers(settings, layers, parts),
            (kind, _) if is_factored(kind) => plan(layers, parts, settings.width, |parts| {
                let taken = shares(parts, layers.len() - 1, settings.width / 2, |width| {
                    const MULTIPLE: usize = gradsieve_kernels::sjlt::BLOCK;
                    Sjlt::new(down_to(MULTIPLE, width), settings.key, Repeat::One)
                })?;
                let left = ProjectorSettings { width: settings.width.saturating_sub(taken), ..*settings };
                if let Some(largest) = next(parts) {
                    largest.projector = made(&left, &largest.layer)?;
                }
                Ok(())
            }),
            // As one vector.
            _ => made(settings, &Layer::new(0, layout.end(), 1)),
        }
    }
}

/// A plan of Kronecker sketches, one for each layer.
fn kroneckers<'p>(
    settings: &ProjectorSettings,
    layers: &[Layer],
    parts: &'p mut [Part<'static>],
) -> Result<AnyProjector<'p>, Error> {
    if settings.widths.is_some() {
        return Err(Error::Setting { name: "widths", expected: "none, where there are several layers" });
    }
    let mut widths = [Widths { outputs: 1, inputs: 1 }; kronecker::MOST_LAYERS];
    let widths = widths.get_mut(..layers.len()).ok_or(kronecker::TOO_MANY)?;
    kronecker::share(layers, widths, settings.width)?;
    plan(layers, parts, settings.width, |parts| {
        for (part, widths) in parts.iter_mut().zip(widths) {
            part.projector = Kronecker::new(&[part.layer], &[*widths], settings.key)?.into();
        }
        Ok(())
    })
}

/// A plan over the first of `parts`, one for each layer, once `share` has given every
/// part its projector.
fn plan<'p>(
    layers: &[Layer],
    parts: &'p mut [Part<'static>],
    most: usize,
    share: impl FnOnce(&mut [Part<'static>]) -> Result<(), Error>,
) -> Result<AnyProjector<'p>, Error> {
    let found = parts.len();
    let Some(parts) = parts.get_mut(..layers.len()) else {
        return Err(Error::Length { expected: layers.len(), found });
    };
    for (part, &layer) in parts.iter_mut().zip(layers) {
        *part = Part { layer, ..Part::UNUSED };
    }
    share(parts)?;
    let plan = Plan::new(parts)?;
    if plan.width() > most {
        return Err(Error::Setting { name: "width", expected: "wide enough for a share of each layer" });
    }
    Ok(plan.into())
}

/// Gives each of the `count` smallest layers an equal share of what is left of `most`
/// numbers: it is kept as it is if it fits, or goes through what `narrow` makes of the
/// share. How many numbers they take in all.
fn shares<P: Into<AnyProjector<'static>>>(
    parts: &mut [Part<'static>],
    count: usize,
    most: usize,
    narrow: impl Fn(usize) -> Result<P, Error>,
) -> Result<usize, Error> {
    let mut taken = 0_usize;
    for left in (1..=count).rev() {
        let share = most.saturating_sub(taken) / left;
        let Some(part) = next(parts) else {
            cannot_happen!("no more layers are served than there are");
            break;
        };
        part.projector = match part.layer.checked_len() {
            Some(entries) if entries <= share as u64 => Exact::new(entries as usize).into(),
            _ => narrow(share)?.into(),
        };
        taken = taken.saturating_add(part.projector.width());
    }
    Ok(taken)
}

/// The smallest layer that has no projector yet, the first of equals.
fn next<'a>(parts: &'a mut [Part<'static>]) -> Option<&'a mut Part<'static>> {
    let waiting = parts.iter_mut().filter(|part| part.projector == Part::UNUSED.projector);
    waiting.min_by_key(|part| part.layer.checked_len())
}

/// The multiple at or below `width`, but one at least.
fn down_to(multiple: usize, width: usize) -> usize {
    (width - width.checked_rem(multiple).unwrap_or(0)).max(multiple)
}

/// A plan is no projection of one layer: [`AnyProjector::new`] makes it of several.
impl FromSettings for Plan<'_> {
    fn from_settings(_settings: &ProjectorSettings, _layer: &Layer) -> Result<Self, Error> {
        Err(Error::Setting { name: "projection", expected: "one of a whole gradient or of one layer" })
    }
}
