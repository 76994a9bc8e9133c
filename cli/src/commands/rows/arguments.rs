//! The projection as the command line says it.

use clap::{Args, ValueEnum};
use gradsieve::{Error, Exact, Gaussian, Mask, Rademacher, Repeat, Sjlt, Srht};

use super::kind::ProjectionKind;
use super::projection::Projection;
use super::settings::SketchSettings;
use crate::commands::CommandError;
use crate::commands::numbers::whole;
use gradsieve_io::files::Source;
use gradsieve_io::store::StoreReader;

/// How gradients are projected: the same for every command, so that results can be
/// compared.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectionArguments {
    /// Numbers a sketch, K: a multiple of 32 times --repeat (of 16 for rademacher). More
    /// numbers, smaller error: about √(2/K) of a squared norm. Without it, the command
    /// sketch takes 512, and the others work on the gradients themselves
    #[arg(long, value_name = "K", value_parser = whole::<usize>)]
    pub dim: Option<usize>,

    /// How gradients become K numbers
    #[arg(long, value_enum, default_value_t = ProjectionKind::Sjlt)]
    pub projection: ProjectionKind,

    /// Columns that --projection mask keeps, about: one block of 32 in every
    /// COLUMNS/LENGTH
    #[arg(long, value_name = "LENGTH", value_parser = whole::<usize>)]
    pub mask_len: Option<usize>,

    /// Seed of the projection; only sketches of one seed can be compared
    #[arg(long, default_value_t = 0, value_parser = whole::<u64>)]
    pub seed: u64,

    /// Places that each coordinate goes to; 2 or 4 suit gradients that few coordinates
    /// carry (embeddings), for 2 or 4 times the work. For sjlt and mask
    #[arg(long, value_enum, default_value = "1")]
    pub repeat: Repetitions,
}

/// How many places a coordinate goes to.
#[allow(missing_docs, reason = "doc comments here would become help, and say the names again")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Repetitions {
    #[default]
    #[value(name = "1")]
    One,
    #[value(name = "2")]
    Two,
    #[value(name = "4")]
    Four,
}

impl Repetitions {
    /// As the core calls it.
    #[must_use]
    pub const fn repeat(self) -> Repeat {
        match self {
            Self::One => Repeat::One,
            Self::Two => Repeat::Two,
            Self::Four => Repeat::Four,
        }
    }

    /// As a number.
    #[must_use]
    pub const fn count(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
        }
    }
}

impl ProjectionArguments {
    /// The projection of gradients of `columns` entries; none without `--dim`.
    ///
    /// # Errors
    /// [`CommandError::Argument`] if the width or another argument does not fit the
    /// projection.
    pub fn projection(&self, columns: usize) -> Result<Projection, CommandError> {
        use ProjectionKind as Of;
        let name = self.projection.name();
        let argument = |argument, expected: String, found: String| {
            Err(CommandError::Argument { argument, expected, found })
        };
        if let (Some(length), true) = (self.mask_len, self.projection != Of::Mask) {
            return argument(
                "--mask-len",
                "--projection mask beside it".to_owned(),
                format!("{length} with {name}"),
            );
        }
        let Some(dim) = self.dim else {
            if self.projection != Of::Sjlt {
                let expected = "--dim beside it, the numbers to project to".to_owned();
                return argument("--projection", expected, format!("{name} without it"));
            }
            return Ok(Projection::Exact(Exact::new(columns)));
        };
        let repeats = matches!(self.projection, Of::Sjlt | Of::Mask);
        if !repeats && self.repeat != Repetitions::One {
            let expected = format!("1 with --projection {name}");
            return argument("--repeat", expected, self.repeat.count().to_string());
        }
        let projection = match self.projection {
            Of::Sjlt => Sjlt::new(dim, self.seed, self.repeat.repeat()).map(Projection::Sjlt),
            Of::Rademacher => Rademacher::new(dim, self.seed).map(Projection::Rademacher),
            Of::Gaussian => Gaussian::new(dim, self.seed).map(Projection::Gaussian),
            Of::Srht => Srht::new(dim, self.seed).map(Projection::Srht),
            Of::Mask => {
                let every = self.mask_every(columns)?;
                Mask::new(dim, self.seed, self.repeat.repeat(), every).map(Projection::Mask)
            }
        };
        projection.or_else(|error| {
            let multiple = if let Error::Width { multiple, .. } = error { multiple } else { 32 };
            let expected = match multiple {
                multiple if dim > 0 && dim.is_multiple_of(multiple) => format!("at most {}", multiple << 27),
                multiple if repeats && multiple > 32 => {
                    format!("a positive multiple of {multiple} (32 times --repeat)")
                }
                multiple => format!("a positive multiple of {multiple}"),
            };
            argument("--dim", expected, dim.to_string())
        })
    }

    /// These, or those of the store among `sources` if these name no width: so that
    /// gradients can be compared with it.
    ///
    /// # Errors
    /// As [`StoreReader::open`].
    pub(in crate::commands) fn or_of_store(&self, sources: [&Source; 2]) -> Result<Self, CommandError> {
        let store = sources.into_iter().find_map(|source| match source {
            Source::Store(path) => Some(path),
            _ => None,
        });
        let (Some(path), None) = (store, self.dim) else { return Ok(*self) };
        let reader = StoreReader::open(path)?;
        let text = |key| SketchSettings::said(&reader.manifest().sketch, key);
        let kind = ProjectionKind::from_str(text("projection"), false);
        let repeat = Repetitions::from_str(text("repeat"), false);
        Ok(match (kind, repeat, text("dim").parse(), text("seed").parse()) {
            // What a mask keeps is not said by a number of columns.
            (Ok(projection), Ok(repeat), Ok(dim), Ok(seed)) if projection != ProjectionKind::Mask => {
                Self { dim: Some(dim), projection, mask_len: None, seed, repeat }
            }
            _ => *self,
        })
    }

    /// Of how many blocks the mask keeps one.
    fn mask_every(&self, columns: usize) -> Result<u16, CommandError> {
        let refuse = |expected: String, found: String| {
            Err(CommandError::Argument { argument: "--mask-len", expected, found })
        };
        let Some(length) = self.mask_len else {
            return refuse(
                "the number of columns to keep, for --projection mask".to_owned(),
                "none".to_owned(),
            );
        };
        let least = columns / usize::from(u16::MAX) + 1;
        if !(least..=columns).contains(&length) {
            return refuse(format!("{least} to {columns}, of {columns} columns"), length.to_string());
        }
        Ok(u16::try_from(columns / length).unwrap_or(u16::MAX))
    }
}
