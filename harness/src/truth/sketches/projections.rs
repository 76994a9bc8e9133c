//! The projections that are held against each other, one line each.
//!
//! A width is a promise about memory: a projection made of parts takes at most that many
//! numbers, and has none of a width at which its parts do not fit.

use gradsieve::{
    AnyProjector, Error, Exact, FactGrass, Factor, Gaussian, IndexMask, Layer, Logra, Mask, Part, Plan,
    Rademacher, Repeat, Sjlt, Srht, Widths,
};

use super::super::error::{TruthError, core};
use super::super::evidence::{Quantity, Rows, gather, parts};
use crate::data::Dataset;
use crate::gradients::layers;
use crate::model::Mlp;

/// A projection of the table.
#[derive(Clone, Copy, Debug)]
pub struct Sketching {
    /// Short name.
    pub name: &'static str,
    /// One line on what it is.
    pub about: &'static str,
    make: fn(&Mlp, usize, u64) -> Result<Option<Made>, Error>,
}

/// All of them, in the order of the tables.
#[rustfmt::skip]
pub const PROJECTIONS: &[Sketching] = &[
    Sketching { name: "exact", about: "the gradient itself", make: |model, _, _| whole(Ok(Exact::new(model.parameters().len()))) },
    Sketching { name: "sjlt-1", about: "SJLT, one repetition", make: |_, dim, seed| whole(Sjlt::new(dim, seed, Repeat::One)) },
    Sketching { name: "sjlt-2", about: "SJLT, two repetitions", make: |_, dim, seed| whole(Sjlt::new(dim, seed, Repeat::Two)) },
    Sketching { name: "sjlt-4", about: "SJLT, four repetitions", make: |_, dim, seed| whole(Sjlt::new(dim, seed, Repeat::Four)) },
    Sketching { name: "srht", about: "Hadamard transform by blocks, then SJLT", make: |_, dim, seed| whole(Srht::new(dim, seed)) },
    Sketching { name: "rademacher", about: "dense ±1", make: |_, dim, seed| whole(Rademacher::new(dim, seed)) },
    Sketching { name: "gaussian", about: "dense and normal", make: |_, dim, seed| whole(Gaussian::new(dim, seed)) },
    Sketching { name: "mask-8", about: "one block of 32 in eight, then SJLT", make: |_, dim, seed| whole(Mask::new(dim, seed, Repeat::One, 8)) },
    Sketching { name: "last-layer", about: "a list, the last layer's coordinates, then SJLT", make: last_layer },
    Sketching { name: "layers", about: "layer by layer, an equal share: as it is, or dense ±1", make: |model, dim, seed| Ok(fitting(dim, parts(model, dim, seed)?)) },
    Sketching { name: "logra", about: "layer by layer, the largest by LoGra with ±1 factors", make: |model, dim, seed| by_layer(model, dim, seed, logra::<16>) },
    Sketching { name: "logra-normal", about: "the same with normal factors", make: |model, dim, seed| by_layer(model, dim, seed, logra::<32>) },
    Sketching { name: "factgrass", about: "layer by layer, the largest by FactGraSS, a quarter kept", make: |model, dim, seed| by_layer(model, dim, seed, factgrass) },
];

/// A projection that is ready.
#[derive(Clone, Debug)]
pub(super) enum Made {
    Whole(AnyProjector<'static>),
    Parts(Vec<Part<'static>>),
    Listed { width: usize, seed: u64, list: Vec<u32> },
}

impl Made {
    /// K.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Whole(projector) => projector.width(),
            Self::Parts(parts) => parts.iter().map(|part| part.projector.width()).sum(),
            Self::Listed { width, .. } => *width,
        }
    }

    /// The gradients of all samples of `set`, sketched.
    pub(super) fn rows(&self, model: &Mlp, set: &Dataset) -> Result<Rows, TruthError> {
        let all: Vec<usize> = (0..set.len()).collect();
        let (quantity, error) = (Quantity::Loss, core("the sketch"));
        match self {
            Self::Whole(projector) => gather(model, set, &all, quantity, *projector),
            Self::Parts(parts) => gather(model, set, &all, quantity, Plan::new(parts).map_err(error)?),
            Self::Listed { width, seed, list } => {
                let mask = IndexMask::new(*width, *seed, Repeat::One, &list[..]).map_err(error)?;
                gather(model, set, &all, quantity, mask)
            }
        }
    }
}

impl Sketching {
    /// The widths at which it is measured.
    pub(super) fn widths(&self, model: &Mlp, widths: &[usize]) -> Vec<usize> {
        if self.name == "exact" { vec![model.parameters().len()] } else { widths.to_vec() }
    }

    /// The projection of this model's gradients to at most `dim` numbers; none if it has
    /// no such width.
    pub(super) fn of(&self, model: &Mlp, dim: usize, seed: u64) -> Result<Option<Made>, TruthError> {
        match (self.make)(model, dim, seed) {
            Err(Error::Width { .. }) => Ok(None),
            other => other.map_err(core("the sketch")),
        }
    }
}

fn whole(projector: Result<impl Into<AnyProjector<'static>>, Error>) -> Result<Option<Made>, Error> {
    Ok(Some(Made::Whole(projector?.into())))
}

fn fitting(dim: usize, parts: Vec<Part<'static>>) -> Option<Made> {
    let made = Made::Parts(parts);
    (made.width() <= dim).then_some(made)
}

fn last_layer(model: &Mlp, width: usize, seed: u64) -> Result<Option<Made>, Error> {
    let list: Vec<u32> = model.last_layer().map(|coordinate| coordinate as u32).collect();
    IndexMask::new(width, seed, Repeat::One, &list[..])?;
    Ok(Some(Made::Listed { width, seed, list }))
}

/// All but the largest layer share half of the numbers, the smallest served first: as
/// they are if they fit in an equal share of what is left of it, or else by an SJLT. The
/// largest has what is left then.
fn by_layer(
    model: &Mlp,
    dim: usize,
    seed: u64,
    largest: fn(Layer, usize, u64) -> Result<Option<AnyProjector<'static>>, Error>,
) -> Result<Option<Made>, Error> {
    const MULTIPLE: usize = 32;
    let layers = layers(model);
    let size = |layer: &Layer| (layer.outputs * layer.inputs) as usize;
    let mut order: Vec<usize> = (0..layers.len()).collect();
    order.sort_by_key(|&i| size(&layers[i]));
    let Some((&last, smaller)) = order.split_last() else { return Ok(None) };
    let (mut half, mut left) = (dim / 2, dim);
    let mut parts = Vec::with_capacity(layers.len());
    for (served, &i) in smaller.iter().enumerate() {
        let share = half / (smaller.len() - served);
        let part = if size(&layers[i]) <= share {
            Part::new(layers[i], Exact::new(size(&layers[i])))
        } else {
            let width = (share / MULTIPLE * MULTIPLE).max(MULTIPLE);
            Part::new(layers[i], Sjlt::new(width, seed, Repeat::One)?)
        };
        half = half.saturating_sub(part.projector.width());
        left = left.saturating_sub(part.projector.width());
        parts.push(part);
    }
    let Some(projector) = largest(layers[last], left, seed)? else { return Ok(None) };
    parts.push(Part::new(layers[last], projector));
    parts.sort_by_key(|part| part.layer.offset);
    Ok(fitting(dim, parts))
}

/// The LoGra of the largest product of widths that fits, multiples of `M` (which says
/// what factors there are) and not above the layer's own; of equals the squarest.
fn logra<const M: u64>(layer: Layer, most: usize, seed: u64) -> Result<Option<AnyProjector<'static>>, Error> {
    let widths = |entries: u64| (1..=entries / M).map(|i| (M * i) as usize);
    let pairs = widths(layer.outputs)
        .flat_map(|outputs| widths(layer.inputs).map(move |inputs| Widths { outputs, inputs }));
    let best = pairs
        .filter(|pair| pair.product() <= most)
        .max_by_key(|pair| (pair.product(), core::cmp::Reverse(pair.outputs.abs_diff(pair.inputs))));
    let factor = if M == 16 { Factor::Rademacher } else { Factor::Gaussian };
    best.map(|widths| Ok(Logra::new(layer, widths, factor, seed)?.into())).transpose()
}

/// The FactGraSS that keeps half of each factor.
fn factgrass(layer: Layer, most: usize, seed: u64) -> Result<Option<AnyProjector<'static>>, Error> {
    let half = |entries: u64| entries.div_ceil(2) as usize;
    let kept = Widths { outputs: half(layer.outputs), inputs: half(layer.inputs) };
    Ok(Some(FactGrass::new(layer, kept, most / 32 * 32, seed, Repeat::One)?.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_no_projection_takes_more_numbers_than_it_may() {
        let model = Mlp::new(64, &[64], 10, 0).unwrap();
        for (i, projection) in PROJECTIONS.iter().enumerate() {
            assert!(PROJECTIONS[..i].iter().all(|other| other.name != projection.name));
            for dim in [64, 128, 256, 512, 1024, 2048, 4096].into_iter().filter(|_| i > 0) {
                let Some(made) = projection.of(&model, dim, 7).unwrap() else {
                    assert!(
                        dim < 512 || (projection.name == "logra-normal" && dim < 2048),
                        "{}",
                        projection.name
                    );
                    continue;
                };
                let width = made.width();
                assert!(width <= dim && 10 * width > 4 * dim, "{} {dim} {width}", projection.name);
            }
        }
    }
}
