//! How gradients are projected, and what it is called.

use std::fmt;
use std::str::FromStr;

use gradsieve::{Error, ProjectorSettings};

/// How gradients are projected.
///
/// Its text form is that of the core's settings, `principal` or `eigen`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Projection {
    /// One of the core's, none of which looks at the data. Width and seed are those of
    /// the experiment.
    Core(ProjectorSettings),
    /// Layer by layer: the principal directions of each layer's inputs over the training
    /// samples. It looks at the data.
    Principal,
    /// The coordinates of largest moment in the eigenbases of the layers' factors, over
    /// the training samples. It looks at the data, and at the labels.
    Eigen,
}

impl Projection {
    const PRINCIPAL: &str = "principal";
    const EIGEN: &str = "eigen";
}

impl Default for Projection {
    fn default() -> Self {
        Self::Core(ProjectorSettings::DEFAULT)
    }
}

impl fmt::Display for Projection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Core(settings) => settings.fmt(f),
            Self::Principal => f.write_str(Self::PRINCIPAL),
            Self::Eigen => f.write_str(Self::EIGEN),
        }
    }
}

impl FromStr for Projection {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            Self::PRINCIPAL => Ok(Self::Principal),
            Self::EIGEN => Ok(Self::Eigen),
            other => other.parse().map(Self::Core),
        }
    }
}

impl serde::Serialize for Projection {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
