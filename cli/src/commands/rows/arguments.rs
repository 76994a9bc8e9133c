//! The projection as the command line says it.

use clap::{Args, ValueEnum};
use gradsieve::{Error, Key, Kind, Layer, ProjectorSettings, Repeat};

use super::kind::{kind, names, takes_layers, takes_repeat};
use super::projection::Projection;
use super::settings::SketchSettings;
use super::shape::LayerShape;
use crate::commands::CommandError;
use crate::commands::escaped::escaped;
use crate::commands::given::Use;
use crate::commands::key_file::key;
use crate::commands::numbers::whole;
use gradsieve_io::files::Source;
use gradsieve_io::store::StoreReader;

/// How gradients are projected: the same for every command, so that results can be
/// compared.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct ProjectionArguments {
    /// Numbers a sketch, K: a multiple of 32 times --repeat (of 16 for rademacher). More
    /// numbers, smaller error: about √(2/K) of a squared norm. Without it, the command
    /// sketch takes 512 and sieve 64, and the others work on the gradients themselves
    #[arg(long, value_name = "K", value_parser = whole::<usize>)]
    pub dim: Option<usize>,

    /// How gradients become K numbers. sjlt: sparse, the fastest, for dense gradients;
    /// rademacher: dense ±1, the smallest errors, in time that grows with K; gaussian:
    /// dense and normal, to compare with theory; srht: mixes 1,024 columns at a time
    /// first, where few columns carry the gradient; mask: reads only --mask-len columns;
    /// logra, factgrass, layers: layer by layer, see --shapes
    #[arg(long, value_name = "NAME", value_parser = kind(), default_value = "sjlt")]
    pub projection: Kind,

    /// The layers of the gradient in the order of the columns, each OUTPUTSxINPUTS, or
    /// the number of its biases, as in 32x64,32,10x32,10. For logra, factgrass and
    /// layers; a recorded run in factors needs none
    #[arg(long, value_name = "SHAPE,...", value_delimiter = ',')]
    pub shapes: Vec<LayerShape>,

    /// Columns that --projection mask keeps, about: one block of 32 in every
    /// COLUMNS/LENGTH
    #[arg(long, value_name = "LENGTH", value_parser = whole::<usize>)]
    pub mask_len: Option<usize>,

    /// Seed of the projection, which is public; only sketches of one seed or key can be
    /// compared
    #[arg(long, default_value_t = 0, value_parser = whole::<u64>)]
    pub seed: u64,

    /// Secret key of the projection instead of a seed, in a file that gradsieve key new
    /// made: where samples may be hostile, for who knows what the projection is drawn by
    /// can make gradients that sketches do not see. Files carry its fingerprint alone
    #[arg(long, value_name = "FILE", value_parser = key(), conflicts_with = "seed")]
    pub key: Option<Key>,

    /// Places that each coordinate goes to; 2 or 4 suit gradients that few coordinates
    /// carry (embeddings), for 2 or 4 times the work. For sjlt and mask
    #[arg(long, value_enum, default_value = "1")]
    pub repeat: Repetitions,

    /// What the arrays hold. Files that gradsieve wrote say it themselves; sketches of
    /// other programs want a word where they stand beside a store, and what says that it
    /// holds sketches is projected once more only with --holds gradients
    #[arg(long, value_enum)]
    pub holds: Option<Holds>,
}

/// What an array holds.
#[allow(missing_docs, reason = "doc comments here would become help, and say the names again")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Holds {
    Gradients,
    Sketches,
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
    /// All options that say how gradients are projected.
    pub(in crate::commands) const OPTIONS: [&str; 7] =
        ["--dim", "--projection", "--shapes", "--mask-len", "--seed", "--key", "--repeat"];

    /// What the projection is drawn by: the secret key, or the seed.
    #[must_use]
    pub fn drawn_by(&self) -> Key {
        self.key.unwrap_or(Key::seed(self.seed))
    }

    /// When each option is read: none without a width, and some by some projections only.
    /// Something else reads those of `read`.
    pub(in crate::commands) fn uses(
        &self,
        read: &'static [&'static str],
    ) -> impl Iterator<Item = Use> + use<> {
        let (kind, name, projects) = (self.projection, self.projection.name(), self.dim.is_some());
        let length = self.mask_len.unwrap_or(0);
        let of_kind = [
            Use {
                option: "--mask-len",
                is_read: kind == Kind::Mask,
                by: "--projection mask beside it".to_owned(),
                found: format!("{length} with {name}"),
            },
            Use {
                option: "--shapes",
                is_read: takes_layers(kind),
                by: format!("--projection {} beside it, which alone use it", names(takes_layers)),
                found: name.to_owned(),
            },
            Use {
                option: "--repeat",
                is_read: takes_repeat(kind) || self.repeat == Repetitions::One,
                by: format!("1 with --projection {name}"),
                found: self.repeat.count().to_string(),
            },
        ];
        let without_width = Self::OPTIONS.into_iter().skip(1).map(move |option| Use {
            option,
            is_read: projects || read.contains(&option),
            by: "--dim beside it, the numbers to project to".to_owned(),
            found: if option == "--projection" { format!("{name} without it") } else { "none".to_owned() },
        });
        of_kind.into_iter().chain(without_width)
    }

    /// The projection of gradients of `columns` entries; none without `--dim`.
    ///
    /// # Errors
    /// [`CommandError::Argument`] if the width or another argument does not fit the
    /// projection.
    pub fn projection(&self, columns: usize) -> Result<Projection, CommandError> {
        self.projection_of(columns, &self.shapes)
    }

    /// The same of gradients whose layers are known, or not, if there are none.
    pub(in crate::commands) fn projection_of(
        &self,
        columns: usize,
        shapes: &[LayerShape],
    ) -> Result<Projection, CommandError> {
        let (kind, name) = (self.projection, self.projection.name());
        let flat = || vec![Layer::new(0, columns as u64, 1)];
        let Some(dim) = self.dim else {
            let settings = ProjectorSettings { kind: Kind::Exact, ..ProjectorSettings::DEFAULT };
            return Projection::new(settings, flat()).map_err(|error| refusal(&error, 0, false));
        };
        let layers = if takes_layers(kind) { layers(name, columns, shapes)? } else { flat() };
        let mut settings = ProjectorSettings {
            kind,
            width: dim,
            key: self.drawn_by(),
            repeat: self.repeat.repeat(),
            ..ProjectorSettings::DEFAULT
        };
        if kind == Kind::Mask {
            settings.every = self.mask_every(columns)?;
        }
        Projection::new(settings, layers).map_err(|error| refusal(&error, dim, takes_repeat(kind)))
    }

    /// These, or those of the store among `sources` if these name no width: so that
    /// gradients can be compared with it.
    ///
    /// # Errors
    /// As [`StoreReader::open`].
    pub(in crate::commands) fn or_of_store<'s>(
        &self,
        sources: impl IntoIterator<Item = &'s Source>,
    ) -> Result<Self, CommandError> {
        let store = sources.into_iter().find_map(|source| match source {
            Source::Store(path) => Some(path),
            _ => None,
        });
        let (Some(path), None) = (store, self.dim) else { return Ok(self.clone()) };
        let reader = StoreReader::open(path)?;
        let text = |key| SketchSettings::said(&reader.manifest().sketch, key);
        let kind = Kind::from_name(text("projection"));
        let repeat = Repetitions::from_str(text("repeat"), false);
        let (seed, key) = match (text(SketchSettings::SEED).parse(), text(SketchSettings::KEY)) {
            (Ok(seed), _) => (seed, None),
            (Err(_), "") => return Ok(self.clone()),
            (Err(_), _) if self.key.is_some() => (self.seed, self.key),
            (Err(_), fingerprint) => {
                let sketches = escaped(&path.display().to_string()).to_string();
                let expected = format!("the key {fingerprint}, which drew the sketches of {sketches}");
                return Err(argument("--key", expected, "none".to_owned()));
            }
        };
        Ok(match (kind, repeat, text("dim").parse()) {
            // What a mask keeps is not said by a number of columns, nor are layers.
            (Some(projection), Ok(repeat), Ok(dim))
                if projection != Kind::Mask && !takes_layers(projection) =>
            {
                let (shapes, mask_len, holds) = (Vec::new(), None, self.holds);
                Self { dim: Some(dim), projection, shapes, mask_len, seed, key, repeat, holds }
            }
            _ => self.clone(),
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

/// The layers of a gradient of `columns` entries.
fn layers(projection: &str, columns: usize, shapes: &[LayerShape]) -> Result<Vec<Layer>, CommandError> {
    if shapes.is_empty() {
        let expected = "--shapes beside it, the layers of the gradient, as in 32x64,32,10x32,10, or a recorded run in factors a.NAME and b.NAME";
        return Err(argument("--projection", expected.to_owned(), format!("{projection} without it")));
    }
    let sum = LayerShape::columns(shapes);
    if sum != columns {
        let expected = format!("layers of {columns} entries together, the columns of the gradients");
        return Err(argument("--shapes", expected, format!("{} of {sum}", shapes.len())));
    }
    Ok(LayerShape::layers(shapes))
}

/// What the core says of a projection, by the name of the argument that it is about.
fn refusal(error: &Error, dim: usize, takes_repeat: bool) -> CommandError {
    let expected = match *error {
        Error::Width { multiple, .. } if dim > 0 && dim.is_multiple_of(multiple) => {
            format!("at most {}", multiple << 27)
        }
        Error::Width { multiple, .. } if takes_repeat && multiple > 32 => {
            format!("a positive multiple of {multiple} (32 times --repeat)")
        }
        Error::Width { multiple, .. } => format!("a positive multiple of {multiple}"),
        Error::Setting { name: "width", expected } => expected.to_owned(),
        ref other => return argument("--projection", "one of these gradients".to_owned(), other.to_string()),
    };
    argument("--dim", expected, dim.to_string())
}

const fn argument(argument: &'static str, expected: String, found: String) -> CommandError {
    CommandError::Argument { argument, expected, found }
}
