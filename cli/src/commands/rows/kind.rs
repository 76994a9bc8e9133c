//! Projections by name.

use clap::ValueEnum;

/// Projections by name.
#[allow(missing_docs, reason = "these comments are help, and the names say themselves")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ProjectionKind {
    /// Sparse, the fastest; for dense gradients
    #[default]
    Sjlt,
    /// Dense ±1: the smallest errors, in time that grows with K
    Rademacher,
    /// Dense and normal, to compare with theory; slower still
    Gaussian,
    /// Mixes 1,024 columns at a time first; where few columns carry the gradient
    Srht,
    /// Reads only --mask-len columns, in blocks of 32; loses what lies elsewhere
    Mask,
}

impl ProjectionKind {
    /// Its name, as files of sketches have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sjlt => "sjlt",
            Self::Rademacher => "rademacher",
            Self::Gaussian => "gaussian",
            Self::Srht => "srht",
            Self::Mask => "mask",
        }
    }
}
