//! Where the samples of an experiment come from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::error::TruthError;
use crate::data::{Dataset, Scaling, cancer, csv, digits};

/// The file that `node harness/mnist.mjs` makes.
const MNIST: &str = "out/mnist.csv";

/// A data set that training and test samples are drawn from.
///
/// Its text form is `digits`, `mnist`, `table`, or else the path of a CSV file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The 1,797 digits of 8 × 8 pixels, as they are.
    #[default]
    Digits,
    /// 10,000 of MNIST's digits, 14 × 14 pixels, as they are; from a file that a script
    /// makes.
    Mnist,
    /// The 569 tumours of thirty measurements, standardised by the training samples.
    Table,
    /// Any CSV file that [`csv::read`] understands, standardised by the training samples.
    File(PathBuf),
}

impl Source {
    /// The whole set.
    ///
    /// # Errors
    /// A file that is not there or is no data set.
    pub fn load(&self) -> Result<Dataset, TruthError> {
        match self {
            Self::Digits => Ok(digits()?),
            Self::Mnist if !Path::new(MNIST).exists() => Err(TruthError::Setting {
                what: "data",
                expected: format!("the file {MNIST}, which `node harness/mnist.mjs {MNIST}` makes"),
                found: "none here".to_owned(),
            }),
            Self::Mnist => Ok(csv::read(MNIST)?.with_picture(14, 14)?),
            Self::Table => Ok(cancer()?),
            Self::File(path) => Ok(csv::read(path)?),
        }
    }

    /// Whether features are pixels from 0 to 1.
    #[must_use]
    pub const fn is_of_pictures(&self) -> bool {
        matches!(self, Self::Digits | Self::Mnist)
    }

    /// Standardises features that have units of their own, by what `train` shows of them.
    ///
    /// # Errors
    /// A feature that overflows.
    pub(super) fn scale(&self, train: &mut Dataset, test: &mut Dataset) -> Result<(), TruthError> {
        if self.is_of_pictures() {
            return Ok(());
        }
        let scaling = Scaling::standard(train);
        scaling.apply(train)?;
        Ok(scaling.apply(test)?)
    }

    /// What of the set the key of a ledger says: its name, and for files the check sum of
    /// what they hold.
    pub(super) fn key(&self, set: &Dataset) -> String {
        match self {
            Self::Digits | Self::Table => set.name().to_owned(),
            Self::Mnist | Self::File(_) => {
                let mut hash = crc32fast::Hasher::new();
                set.features().iter().for_each(|x| hash.update(&x.to_le_bytes()));
                set.labels().iter().for_each(|label| hash.update(&label.to_le_bytes()));
                format!("file {} {:08x},", set.name(), hash.finalize())
            }
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digits => f.write_str("digits"),
            Self::Mnist => f.write_str("mnist"),
            Self::Table => f.write_str("table"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl FromStr for Source {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "digits" => Self::Digits,
            "mnist" => Self::Mnist,
            "table" => Self::Table,
            path => Self::File(path.into()),
        })
    }
}

impl serde::Serialize for Source {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_one_name_and_other_contents_have_other_keys() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("set.csv");
        let source: Source = path.display().to_string().parse().unwrap();
        let key = |text: &str| {
            std::fs::write(&path, text).unwrap();
            source.key(&source.load().unwrap())
        };
        let first = key("x,label\n1,0\n2,1\n");
        assert_ne!(first, key("x,label\n1,0\n3,1\n"));
        assert_ne!(first, key("x,label\n1,1\n2,0\n"));
        assert_eq!(first, key("x,label\n1,0\n2,1\n"));
    }
}
