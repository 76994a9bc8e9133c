//! What a file of numbers over visits holds.

use super::{BLOCK, Block, VisitsError};
use crate::files::{Dtype, FileError};
use gradsieve::f16;
use gradsieve::state::StateKind;
use gradsieve::visits::{Mean, MeanRank, VisitsSettings, Worst};
use serde::Serialize;

/// What is kept of the visits to a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeptName {
    /// [`Mean`].
    Mean,
    /// [`MeanRank`].
    MeanRank,
    /// [`Worst`].
    Worst,
}

impl KeptName {
    /// As on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::MeanRank => "mean-rank",
            Self::Worst => "worst",
        }
    }

    /// That of a state whose kind has this number; none if it is of something else.
    #[must_use]
    pub fn of(kind: u16) -> Option<Self> {
        const KINDS: [(StateKind, KeptName); 3] = [
            (StateKind::Mean, KeptName::Mean),
            (StateKind::MeanRank, KeptName::MeanRank),
            (StateKind::Worst, KeptName::Worst),
        ];
        KINDS.into_iter().find(|(state, _)| *state as u16 == kind).map(|(_, kept)| kept)
    }
}

/// What a file holds, and of how many samples: those of ids from 0 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VisitsFormat {
    /// What is kept.
    pub kept: KeptName,
    /// In which numbers: f16 or f32.
    pub number: Dtype,
    /// Samples.
    pub samples: u64,
}

impl VisitsFormat {
    /// How many blocks there are: the last has fewer than [`BLOCK`] samples, maybe none.
    #[must_use]
    pub const fn blocks(&self) -> u64 {
        self.samples / BLOCK as u64 + 1
    }

    /// Block `index`, without visits. `file` is what it is for.
    ///
    /// # Errors
    /// Too little memory; numbers of another type.
    pub fn block(&self, file: &str, index: u64) -> Result<Block, VisitsError> {
        let settings = self.settings(index);
        match (self.kept, self.number) {
            (KeptName::Mean, Dtype::F16) => Block::new::<Mean, f16>(file, settings),
            (KeptName::Mean, Dtype::F32) => Block::new::<Mean, f32>(file, settings),
            (KeptName::MeanRank, Dtype::F16) => Block::new::<MeanRank, f16>(file, settings),
            (KeptName::MeanRank, Dtype::F32) => Block::new::<MeanRank, f32>(file, settings),
            (KeptName::Worst, Dtype::F16) => Block::new::<Worst, f16>(file, settings),
            (KeptName::Worst, Dtype::F32) => Block::new::<Worst, f32>(file, settings),
            (_, other) => {
                let (file, found) = (file.to_owned(), other.to_string());
                Err(FileError::Dtype { file, expected: "numbers of f16 or f32", found }.into())
            }
        }
    }

    /// The samples of a block.
    pub(super) const fn settings(&self, index: u64) -> VisitsSettings {
        let first = index * BLOCK as u64;
        let rest = self.samples.saturating_sub(first);
        VisitsSettings { first, samples: if rest < BLOCK as u64 { rest as usize } else { BLOCK } }
    }

    /// Bytes of so many samples at rest.
    pub(super) const fn bytes(&self, samples: usize) -> usize {
        let settings = VisitsSettings { first: 0, samples };
        let memory = match self.number {
            Dtype::F16 => settings.memory::<f16>(),
            _ => settings.memory::<f32>(),
        };
        memory.bytes_at_rest
    }

    /// Bytes of the file.
    #[must_use]
    pub const fn file_bytes(&self) -> u64 {
        let last = self.blocks() - 1;
        last.saturating_mul(self.bytes(BLOCK) as u64) + self.bytes(self.settings(last).samples) as u64
    }
}
