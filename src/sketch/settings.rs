//! A projection as settings: what it is called, how wide it is, its key and options.

use super::kind::{Choice, Kind};
use crate::error::Error;
use crate::gradient::Layer;
use core::fmt;
use core::str::FromStr;
use gradsieve_kernels::Key;
use gradsieve_kernels::sjlt::Repeat;

/// A projection by name, with all that can be set of it.
///
/// [`AnyProjector::new`](super::AnyProjector::new) makes the projector. The text form is
/// the name and, after colons, the options that differ from the default: `sjlt`, `sjlt:2`
/// (repetitions), `mask:16` (one block in 16), `mask:16:2`, `logra:16x32` (widths of
/// outputs and inputs), `logra:gaussian`, `factgrass:64x64` (entries kept), `layers`.
/// Width and key are not part of it.
///
/// ```
/// use gradsieve::{AnyProjector, Key, Kind, Layer, Part, ProjectorSettings};
///
/// let settings = ProjectorSettings { width: 256, key: Key::seed(7), ..ProjectorSettings::parse("mask:16")? };
/// assert_eq!((settings.kind, settings.every), (Kind::Mask, 16));
/// assert_eq!(settings.to_string(), "mask:16");
///
/// let layers = [Layer::new(0, 64, 128), Layer::new(64 * 128, 64, 1)];
/// let projector = AnyProjector::new(&settings, &layers, &mut [])?;
/// assert_eq!((projector.name(), projector.width()), ("mask", 256));
///
/// // What works layer by layer needs a part for each.
/// let settings = ProjectorSettings { width: 1024, ..ProjectorSettings::parse("logra")? };
/// let mut parts = [Part::UNUSED; 2];
/// let projector = AnyProjector::new(&settings, &layers, &mut parts)?;
/// assert_eq!((projector.name(), projector.width()), ("layers", 64 + 48 * 16));
/// # Ok::<(), gradsieve::Error>(())
/// ```
///
/// **Who knows the key can make gradients that the sketch does not see.** Where samples
/// may be hostile it must be [`Key::secret`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProjectorSettings {
    /// Which projection.
    pub kind: Kind,
    /// K, numbers a sketch. Where layers share them out (`layers`, `logra`, `factgrass`)
    /// it is the most that there may be. [`Kind::Exact`] does not read it: its sketch is
    /// the gradient.
    pub width: usize,
    /// What it is drawn by: a public seed, or a secret.
    pub key: Key,
    /// Places that each coordinate goes to. Of `sjlt`, `mask` and `factgrass`.
    pub repeat: Repeat,
    /// One block of 32 coordinates in so many is kept. Of `mask`.
    pub every: u16,
    /// What the factors are projected by. Of `logra`.
    pub factor: Factor,
    /// The widths of the factors of `logra`, or entries of the factors that `factgrass`
    /// keeps. `None`: the widest that fit, and half of the entries.
    pub widths: Option<Widths>,
}

impl Default for ProjectorSettings {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl ProjectorSettings {
    /// An SJLT of width 512 and seed 0.
    pub const DEFAULT: Self = Self {
        kind: Kind::Sjlt,
        width: 512,
        key: Key::seed(0),
        repeat: Repeat::One,
        every: 8,
        factor: Factor::Rademacher,
        widths: None,
    };

    /// The settings that a text says; width and key are the default's.
    ///
    /// # Errors
    /// [`Error::Setting`] with the names that there are, or with what is expected of the
    /// option that is wrong.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut pieces = text.split(':');
        let kind = pieces.next().and_then(Kind::from_name);
        let kind = kind.ok_or(Error::Setting { name: "projection", expected: Kind::EXPECTED })?;
        let mut settings = Self { kind, ..Self::DEFAULT };
        let mut choices = kind.choices();
        for piece in pieces {
            let mut refusal = None;
            // The next option that such a text can be.
            loop {
                let Some((choice, later)) = choices.split_first() else {
                    let expected = "without options beyond those that it has";
                    return Err(refusal.unwrap_or(Error::Setting { name: "projection", expected }));
                };
                choices = later;
                match settings.set(*choice, piece) {
                    Ok(()) => break,
                    Err(error) => refusal = refusal.or(Some(error)),
                }
            }
        }
        Ok(settings)
    }

    /// Sets one option.
    fn set(&mut self, choice: Choice, text: &str) -> Result<(), Error> {
        let refusal = Error::Setting { name: choice.name(), expected: choice.expected() };
        match choice {
            Choice::Every => {
                let every = text.parse().ok().filter(|&every| every > 0);
                self.every = every.ok_or(refusal)?;
            }
            Choice::Repeat => {
                let count = text.parse().ok();
                let repeat = REPEATS.into_iter().find(|repeat| Some(repeat.count()) == count);
                self.repeat = repeat.ok_or(refusal)?;
            }
            Choice::Factor => {
                let factor = Factor::ALL.into_iter().find(|factor| factor.name() == text);
                self.factor = factor.ok_or(refusal)?;
            }
            Choice::Widths => {
                let widths = text.split_once('x').and_then(|(outputs, inputs)| {
                    Some(Widths { outputs: outputs.parse().ok()?, inputs: inputs.parse().ok()? })
                });
                self.widths = Some(widths.ok_or(refusal)?);
            }
        }
        Ok(())
    }

    /// Whether an option is as by default.
    fn is_default(&self, choice: Choice) -> bool {
        match choice {
            Choice::Every => self.every == Self::DEFAULT.every,
            Choice::Repeat => self.repeat == Self::DEFAULT.repeat,
            Choice::Factor => self.factor == Self::DEFAULT.factor,
            Choice::Widths => self.widths == Self::DEFAULT.widths,
        }
    }

    /// Refuses an option that is set, but that the projection does not have.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub(super) fn check(&self) -> Result<(), Error> {
        let choices = self.kind.choices();
        match Choice::ALL.iter().find(|&&choice| !choices.contains(&choice) && !self.is_default(choice)) {
            Some(choice) => Err(Error::Setting {
                name: choice.name(),
                expected: "the default, as this projection has no such option",
            }),
            None => Ok(()),
        }
    }
}

impl FromStr for ProjectorSettings {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

/// The text that [`ProjectorSettings::parse`] reads.
impl fmt::Display for ProjectorSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        for &choice in self.kind.choices() {
            match choice {
                // Always, so that no other number is taken for it.
                Choice::Every => write!(f, ":{}", self.every)?,
                _ if self.is_default(choice) => {}
                Choice::Repeat => write!(f, ":{}", self.repeat.count())?,
                Choice::Factor => write!(f, ":{}", self.factor.name())?,
                Choice::Widths => {
                    if let Some(Widths { outputs, inputs }) = self.widths {
                        write!(f, ":{outputs}x{inputs}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

const REPEATS: [Repeat; 3] = [Repeat::One, Repeat::Two, Repeat::Four];

impl Choice {
    const ALL: [Self; 4] = [Self::Every, Self::Repeat, Self::Factor, Self::Widths];

    const fn name(self) -> &'static str {
        match self {
            Self::Every => "every",
            Self::Repeat => "repeat",
            Self::Factor => "factor",
            Self::Widths => "widths",
        }
    }

    const fn expected(self) -> &'static str {
        match self {
            Self::Every => "from 1 to 65535",
            Self::Repeat => "1, 2 or 4",
            Self::Factor => "rademacher or gaussian",
            Self::Widths => "outputs and inputs, as in 16x32",
        }
    }
}

/// A projection that can be made from settings, whole or for one layer.
pub(super) trait FromSettings: Sized {
    /// Whether it is made for one linear layer, so that a model of several needs a plan.
    const IS_FACTORED: bool = false;

    /// The projection of `layer`, which is the whole gradient unless it is factored.
    ///
    /// # Errors
    /// As its own constructor.
    fn from_settings(settings: &ProjectorSettings, layer: &Layer) -> Result<Self, Error>;
}

/// Two widths that belong to a linear layer: one for its outputs (the gradient's rows)
/// and one for its inputs (columns).
///
/// ```
/// assert_eq!(gradsieve::Widths { outputs: 16, inputs: 32 }.product(), 512);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Widths {
    /// For the outputs.
    pub outputs: usize,
    /// For the inputs.
    pub inputs: usize,
}

impl Widths {
    /// Numbers of their product.
    #[must_use]
    pub const fn product(self) -> usize {
        self.outputs.saturating_mul(self.inputs)
    }
}

/// What the factors of [`Logra`](super::Logra) are projected by. The numbers are part of
/// what sketches are labelled with.
///
/// ```
/// assert_eq!(gradsieve::Factor::default(), gradsieve::Factor::Rademacher);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Factor {
    /// Signs ±1, made on the fly: widths are multiples of 16.
    #[default]
    Rademacher = 0,
    /// Normal numbers, made on the fly: widths are multiples of 32. Some fifteen times
    /// slower.
    Gaussian = 1,
}

impl Factor {
    const ALL: [Self; 2] = [Self::Rademacher, Self::Gaussian];

    const fn name(self) -> &'static str {
        match self {
            Self::Rademacher => "rademacher",
            Self::Gaussian => "gaussian",
        }
    }

    /// What widths are multiples of.
    pub(super) const fn multiple(self) -> usize {
        match self {
            Self::Rademacher => gradsieve_kernels::rademacher::WIDTH_MULTIPLE,
            Self::Gaussian => gradsieve_kernels::gaussian::WIDTH_MULTIPLE,
        }
    }
}
