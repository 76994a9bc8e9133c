//! What a demonstration is run on.

use std::path::PathBuf;

use gradsieve::Repeat;

use gradsieve_harness::data::{self, DataError, Dataset};
use gradsieve_harness::model::TrainConfig;

/// Where the samples come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The 1,797 handwritten digits.
    Digits,
    /// Two moons, 1,000 samples.
    Moons,
    /// Gaussian blobs: five classes in ten dimensions, 1,000 samples.
    Blobs,
    /// The linear set of the outlier-gradient-analysis paper: 150 samples, ten of them
    /// with a flipped label.
    OgaLinear,
    /// A CSV file.
    Csv(PathBuf),
}

/// Settings of a demonstration; everything follows from them.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Where the samples come from.
    pub source: Source,
    /// The share of samples that is kept back for testing. 0 keeps none: accuracy is then
    /// that on the training samples with their true labels.
    pub test_fraction: f64,
    /// The share of training labels that is flipped. 0 leaves the labels (and the set's
    /// own truth, if it has one).
    pub flip: f64,
    /// The model and its training. Its seed is replaced by [`Settings::seed`].
    pub training: TrainConfig,
    /// Numbers a sketch, K. A gradient with no more coordinates than that is not
    /// projected.
    pub dim: usize,
    /// Repetitions of the projection.
    pub repeat: Repeat,
    /// Decides the split, the flips, the model, the projection and the forest.
    pub seed: u64,
    /// The share of samples that is flagged; none takes as many as there are flips, or 5
    /// % where none are known.
    pub contamination: Option<f64>,
}

impl Default for Settings {
    /// The digits.
    fn default() -> Self {
        Self::of(Source::Digits)
    }
}

impl Settings {
    /// The settings that suit a source. The digits: a fifth kept back, a fifth of the
    /// labels flipped, a network with one hidden layer of 64, SGD at 0.1 in batches of 32
    /// over 150 epochs, sketches of 512.
    #[must_use]
    pub fn of(source: Source) -> Self {
        let digits = Self {
            source: source.clone(),
            test_fraction: 0.2,
            flip: 0.2,
            training: TrainConfig::default(),
            dim: 512,
            repeat: Repeat::One,
            seed: 0,
            contamination: None,
        };
        let hidden = |hidden: Vec<usize>| TrainConfig { hidden, ..TrainConfig::default() };
        match source {
            Source::Digits | Source::Csv(_) => digits,
            Source::Moons | Source::Blobs => Self { training: hidden(vec![32]), ..digits },
            // The set of the paper is small, linear and has flips of its own; it is used
            // whole.
            Source::OgaLinear => Self {
                training: hidden(Vec::new()),
                test_fraction: 0.0,
                flip: 0.0,
                contamination: Some(0.1),
                ..digits
            },
        }
    }
}

impl Source {
    /// Makes or reads the set.
    ///
    /// # Errors
    /// A file that cannot be read as a table of numbers with a label.
    pub fn load(&self, seed: u64) -> Result<Dataset, DataError> {
        match self {
            Self::Digits => data::digits(),
            Self::Moons => data::moons(1000, 0.15, seed),
            Self::Blobs => data::blobs(1000, 5, 10, 1.0, seed),
            Self::OgaLinear => data::oga_linear(),
            Self::Csv(path) => data::csv::read(path),
        }
    }

    /// Whether the features come in units of their own, and are brought to mean 0 and
    /// deviation 1 before training.
    pub(super) const fn is_unscaled(&self) -> bool {
        matches!(self, Self::OgaLinear | Self::Csv(_))
    }
}
