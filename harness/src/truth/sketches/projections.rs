//! The projections that are held against each other, one line each.
//!
//! A width is a promise about memory: a projection made of parts takes at most that many
//! numbers, and has none of a width at which its parts do not fit.

use gradsieve::{Error, IndexMask, Key, ProjectorSettings, Repeat};

use super::super::error::{TruthError, core};
use super::super::evidence::{Quantity, Ready, Rows, gather};
use crate::data::Dataset;
use crate::model::Mlp;

/// A projection of the table.
#[derive(Clone, Copy, Debug)]
pub struct Sketching {
    /// Short name.
    pub name: &'static str,
    /// One line on what it is.
    pub about: &'static str,
    /// How the core makes it; without them it is a list, the last layer's coordinates.
    settings: Option<&'static str>,
}

/// All of them, in the order of the tables.
#[rustfmt::skip]
pub const PROJECTIONS: &[Sketching] = &[
    Sketching { name: "exact", about: "the gradient itself", settings: Some("exact") },
    Sketching { name: "sjlt-1", about: "SJLT, one repetition", settings: Some("sjlt") },
    Sketching { name: "sjlt-2", about: "SJLT, two repetitions", settings: Some("sjlt:2") },
    Sketching { name: "sjlt-4", about: "SJLT, four repetitions", settings: Some("sjlt:4") },
    Sketching { name: "srht", about: "Hadamard transform by blocks, then SJLT", settings: Some("srht") },
    Sketching { name: "rademacher", about: "dense ±1", settings: Some("rademacher") },
    Sketching { name: "gaussian", about: "dense and normal", settings: Some("gaussian") },
    Sketching { name: "mask-8", about: "one block of 32 in eight, then SJLT", settings: Some("mask:8") },
    Sketching { name: "last-layer", about: "a list, the last layer's coordinates, then SJLT", settings: None },
    Sketching { name: "layers", about: "layer by layer, an equal share: as it is, or dense ±1", settings: Some("layers") },
    Sketching { name: "logra", about: "layer by layer, the largest by LoGra with ±1 factors", settings: Some("logra") },
    Sketching { name: "logra-normal", about: "the same with normal factors", settings: Some("logra:gaussian") },
    Sketching { name: "factgrass", about: "layer by layer, the largest by FactGraSS, a quarter kept", settings: Some("factgrass") },
];

/// A projection that is ready.
pub(super) enum Made {
    Core(Ready<'static>),
    Listed { width: usize, seed: u64, list: Vec<u32> },
}

impl Made {
    /// K.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Core(ready) => ready.width(),
            Self::Listed { width, .. } => *width,
        }
    }

    /// The gradients of all samples of `set`, sketched.
    pub(super) fn rows(&self, model: &Mlp, set: &Dataset) -> Result<Rows, TruthError> {
        let all: Vec<usize> = (0..set.len()).collect();
        match self {
            Self::Core(ready) => ready.gather(model, set, &all, Quantity::Loss),
            Self::Listed { width, seed, list } => {
                let mask = IndexMask::new(*width, Key::seed(*seed), Repeat::One, &list[..])
                    .map_err(core("the sketch"))?;
                gather(model, set, &all, Quantity::Loss, mask)
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
        match self.make(model, dim, seed) {
            Err(Error::Width { .. } | Error::Setting { name: "width", .. }) => Ok(None),
            made => made.map(Some).map_err(core("the sketch")),
        }
    }

    fn make(&self, model: &Mlp, width: usize, seed: u64) -> Result<Made, Error> {
        let Some(settings) = self.settings else {
            let list: Vec<u32> = model.last_layer().map(|coordinate| coordinate as u32).collect();
            IndexMask::new(width, Key::seed(seed), Repeat::One, &list[..])?;
            return Ok(Made::Listed { width, seed, list });
        };
        let settings = ProjectorSettings { width, key: Key::seed(seed), ..settings.parse()? };
        Ready::new(&settings, model).map(Made::Core)
    }
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
