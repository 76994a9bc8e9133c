//! What an experiment is run on.

use serde::Serialize;

use super::error::TruthError;
use super::projection::Projection;
use super::source::Source;
use super::streams::Placement;
use super::target::Target;
use crate::model::{Optimizer, Removal, TrainConfig};

/// Which truth the methods are held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Experiment {
    /// Trajectory-specific leave-one-out: the same batches again, without one sample.
    Tsloo,
    /// Leave-one-out at the optimum of softmax regression.
    Loo,
    /// The linear datamodelling score: losses after training on half of the samples.
    Lds,
    /// Test predictions that flip once the samples that matter most are gone.
    Brittleness,
    /// Flipped labels, found by self-scores.
    Flips,
    /// Shapley values of the samples of single steps, by Monte Carlo.
    Shapley,
    /// Training with FairIF's weights: the gap between groups, before and after.
    Fairness,
    /// What projections and codecs lose, held against the gradients themselves.
    Sketches,
    /// How much poison each detector bears.
    Breakdown,
    /// Corrupted samples in streams, judged one after another.
    Streams,
    /// Training that leaves out the samples it does not trust.
    Loop,
}

impl Experiment {
    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tsloo => "tsloo",
            Self::Loo => "loo",
            Self::Lds => "lds",
            Self::Brittleness => "brittleness",
            Self::Flips => "flips",
            Self::Shapley => "shapley",
            Self::Fairness => "fairness",
            Self::Sketches => "sketches",
            Self::Breakdown => "breakdown",
            Self::Streams => "streams",
            Self::Loop => "loop",
        }
    }

    /// Whether it can be run on other data than digits.
    #[must_use]
    pub const fn takes_any_data(self) -> bool {
        matches!(
            self,
            Self::Tsloo
                | Self::Loo
                | Self::Lds
                | Self::Brittleness
                | Self::Flips
                | Self::Shapley
                | Self::Sketches
        )
    }
}

/// Fewest samples of a stream: the first twentieth does not count.
const LEAST_STREAM: usize = 20;

/// Most numbers a sketch where detectors keep as many times as many.
const MOST_MOMENTS: usize = 4096;

/// Settings of an experiment; everything but the times follows from them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Settings {
    /// Which truth.
    pub experiment: Experiment,
    /// What samples are drawn from; other than digits where
    /// [`takes_any_data`](Experiment::takes_any_data).
    pub data: Source,
    /// Training samples n, drawn from the data by the seed; samples of a stream.
    pub train_samples: usize,
    /// Test samples, which are the targets; in streams those that clean models are
    /// trained on.
    pub test_samples: usize,
    /// Widths of the hidden layers; none for softmax regression.
    pub hidden: Vec<usize>,
    /// Learning rate for the mean gradient of a batch.
    pub learning_rate: f32,
    /// Samples of a batch.
    pub batch_size: usize,
    /// What takes the steps of training. Not for leave-one-out at the optimum, which has
    /// none.
    pub optimizer: Optimizer,
    /// λ of the term λθ that is added to every gradient; with AdamW, of θ ← (1 − ηλ)θ.
    pub weight_decay: f32,
    /// Passes over the training samples.
    pub epochs: usize,
    /// The share of training labels that is flipped before anything is trained; not where
    /// [`flip`](Self::flip) is.
    pub noise: f64,
    /// What the truth is about; other than samples for trajectory-specific leave-one-out
    /// only.
    pub target: Target,
    /// What is left out of the path.
    pub removals: Vec<Removal>,
    /// The share of a sample's gradient that is left out; 1 is a removal. What differs
    /// between a small share and 1 is no method's linearisation to foretell.
    pub share: f64,
    /// α of the term α‖θ‖²/2 beside the mean loss: for leave-one-out at the optimum,
    /// which wants one that is unique.
    pub decay: f64,
    /// The first seed.
    pub seed: u64,
    /// How many seeds.
    pub seeds: u64,
    /// Numbers a sketch; none compares the gradients themselves.
    pub dim: Option<usize>,
    /// How they are made.
    pub projection: Projection,
    /// Dampings of methods that solve with a damped matrix: each method is run with each;
    /// none takes each method's own.
    pub damping: Vec<f32>,
    /// Widths at which sketches are held against gradients.
    pub widths: Vec<usize>,
    /// Half-size subsets of the linear datamodelling score.
    pub subsets: usize,
    /// Models whose losses are averaged for one subset.
    pub repeats: usize,
    /// How many samples are removed for the brittleness of a prediction: a grid.
    pub removed: Vec<usize>,
    /// Orders in which samples join a step, of Monte-Carlo Shapley values.
    pub orders: usize,
    /// The share of labels that is flipped; for fairness those of one group.
    pub flip: f64,
    /// Hostile gradients for each honest one: a grid.
    pub poison: Vec<f64>,
    /// How many times as long as the median of the honest ones they are: a grid.
    pub lengths: Vec<f64>,
    /// The share of a stream that is corrupt.
    pub corrupt: f64,
    /// Where in the stream.
    pub placement: Placement,
    /// Epochs over which a stream is judged while a model trains on it.
    pub passes: usize,
    /// Shares of wrong labels in training that leaves samples out: a grid.
    pub wrong: Vec<f64>,
    /// Models of the largest ensemble.
    pub ensemble: usize,
    /// Names of the methods to hold against the truth, of the projections
    /// ([`Experiment::Sketches`]), detectors ([`Experiment::Breakdown`]), scorers
    /// ([`Experiment::Streams`]) or policies ([`Experiment::Loop`]); none takes all that
    /// apply.
    pub methods: Vec<String>,
}

impl Settings {
    /// The reference setting: 1,000 of the digits to train on and 200 to test on, a
    /// 64-16-10 network, SGD at 0.1 in batches of 32 over 10 epochs, three seeds,
    /// gradients that are not projected. Leave-one-out is that of softmax regression with
    /// α = 10⁻³, which is scikit-learn's C = 1 here; flipped labels are a fifth. Fairness
    /// has 400 test samples, of which one half makes the weights and the other the
    /// figures. Sketches and poisoned detectors are those of the demonstration's task:
    /// 1,438 digits, 359 kept back, a 64-64-10 network, 150 epochs. Detectors look at 128
    /// numbers a sketch. Streams are of 2,000 samples, a twentieth of them corrupt, and
    /// clean models are trained on 2,000 others; networks with a hidden layer of 64,
    /// batches of 8 over 60 epochs, 64 numbers a sketch. In
    /// the loop it is 30 epochs, and five seeds.
    #[must_use]
    pub fn of(experiment: Experiment) -> Self {
        let linear = experiment == Experiment::Loo;
        let breakdown = experiment == Experiment::Breakdown;
        let streams = matches!(experiment, Experiment::Streams | Experiment::Loop);
        let of_demo = breakdown || experiment == Experiment::Sketches;
        let hidden = if of_demo || streams { 64 } else { 16 };
        let test_samples = match experiment {
            Experiment::Sketches | Experiment::Breakdown => 359,
            Experiment::Fairness => 400,
            Experiment::Streams | Experiment::Loop => 2000,
            _ => 200,
        };
        Self {
            experiment,
            data: Source::Digits,
            train_samples: match experiment {
                Experiment::Sketches | Experiment::Breakdown => 1438,
                Experiment::Streams | Experiment::Loop => 2000,
                _ => 1000,
            },
            test_samples,
            hidden: if linear { Vec::new() } else { vec![hidden] },
            learning_rate: 0.1,
            optimizer: Optimizer::Sgd,
            weight_decay: 0.0,
            batch_size: if streams { 8 } else { 32 },
            epochs: match experiment {
                Experiment::Sketches | Experiment::Breakdown => 150,
                Experiment::Streams => 60,
                Experiment::Loop => 30,
                _ => 10,
            },
            noise: 0.0,
            target: Target::Samples,
            removals: vec![Removal::LastEpoch, Removal::AllEpochs],
            share: 1.0,
            decay: 1e-3,
            seed: 0,
            seeds: if experiment == Experiment::Loop { 5 } else { 3 },
            dim: match experiment {
                Experiment::Breakdown => Some(128),
                Experiment::Streams | Experiment::Loop => Some(64),
                _ => None,
            },
            projection: Projection::default(),
            damping: Vec::new(),
            widths: vec![64, 128, 256, 512, 1024, 2048, 4096],
            subsets: 100,
            repeats: 5,
            removed: vec![10, 20, 40, 80, 160],
            orders: 100,
            flip: 0.2,
            poison: vec![0.0005, 0.002, 0.01, 0.05, 0.2, 0.5, 1.0],
            lengths: vec![1e-10, 3.0, 10.0, 100.0, 1e3, 1e10, 1e30],
            corrupt: 0.05,
            placement: Placement::Throughout,
            passes: 5,
            wrong: vec![0.2, 0.4],
            ensemble: 50,
            methods: Vec::new(),
        }
    }

    /// The same on other data: of the table, which is small, 400 samples to train on and
    /// the other 169 to test on.
    #[must_use]
    pub fn on(self, data: Source) -> Self {
        if data == Source::Table {
            return Self { data, train_samples: 400, test_samples: 169, ..self };
        }
        Self { data, ..self }
    }

    /// The same on a tenth of everything: seconds, and figures that mean little.
    #[must_use]
    pub fn quick(self) -> Self {
        let hidden = if self.hidden.is_empty() { Vec::new() } else { vec![4] };
        Self {
            train_samples: 48,
            test_samples: 8,
            hidden,
            batch_size: 16,
            epochs: 3,
            seeds: 1,
            dim: self.dim.map(|_| 32),
            widths: vec![32, 64],
            subsets: 8,
            repeats: 1,
            removed: vec![4, 24],
            orders: 4,
            poison: vec![0.05],
            lengths: vec![10.0, 1e10],
            passes: 2,
            wrong: vec![0.2],
            ensemble: 3,
            ..self
        }
    }

    /// How the models are trained.
    #[must_use]
    pub fn training(&self, seed: u64) -> TrainConfig {
        TrainConfig {
            hidden: self.hidden.clone(),
            epochs: self.epochs,
            batch_size: self.batch_size,
            learning_rate: self.learning_rate,
            optimizer: self.optimizer,
            weight_decay: self.weight_decay,
            seed,
            ..TrainConfig::default()
        }
    }

    /// Refuses settings that no experiment can be run on.
    ///
    /// # Errors
    /// The first setting that is out of its range.
    pub fn check(&self) -> Result<(), TruthError> {
        let least = [
            ("training samples", self.train_samples, 2),
            ("test samples", self.test_samples, 1),
            ("epochs", self.epochs, 1),
            ("passes", self.passes, 1),
            ("seeds", self.seeds as usize, 1),
            ("repeats", self.repeats, 1),
            ("subsets", self.subsets, 3),
        ];
        if let Some(&(what, found, least)) = least.iter().find(|(_, found, least)| found < least) {
            let expected = format!("at least {least}");
            return Err(TruthError::Setting { what, expected, found: found.to_string() });
        }
        if !(self.share > 0.0 && self.share <= 1.0) {
            let expected = "above 0, and at most 1".to_owned();
            return Err(TruthError::Setting { what: "share", expected, found: self.share.to_string() });
        }
        if let Some(dim) = self.dim.filter(|dim| *dim == 0 || !dim.is_multiple_of(32)) {
            let expected = "a positive multiple of 32".to_owned();
            return Err(TruthError::Setting { what: "numbers a sketch", expected, found: dim.to_string() });
        }
        if self.target != Target::Samples && self.experiment != Experiment::Tsloo {
            let expected = format!("samples, in the experiment {}", self.experiment.name());
            return Err(TruthError::Setting {
                what: "target",
                expected,
                found: self.target.name().to_owned(),
            });
        }
        self.check_data()?;
        if !(self.corrupt > 0.0 && self.corrupt <= 0.5) {
            let expected = "above 0, and at most 0.5".to_owned();
            return Err(TruthError::Setting {
                what: "corrupt share",
                expected,
                found: self.corrupt.to_string(),
            });
        }
        let in_streams = matches!(self.experiment, Experiment::Streams | Experiment::Loop);
        if in_streams && self.train_samples < LEAST_STREAM {
            let (expected, found) = (format!("at least {LEAST_STREAM}"), self.train_samples.to_string());
            return Err(TruthError::Setting { what: "samples of a stream", expected, found });
        }
        let moments = in_streams || self.experiment == Experiment::Breakdown;
        if let Some(dim) = self.dim.filter(|dim| moments && *dim > MOST_MOMENTS) {
            let expected = format!("at most {MOST_MOMENTS}, whose square detectors keep");
            return Err(TruthError::Setting { what: "numbers a sketch", expected, found: dim.to_string() });
        }
        let mut wrong = self.wrong.iter().filter(|share| !(**share > 0.0 && **share < 1.0));
        if let Some(share) = wrong.next() {
            let expected = "above 0, and below 1".to_owned();
            return Err(TruthError::Setting { what: "wrong labels", expected, found: share.to_string() });
        }
        let mut shares = self.poison.iter().filter(|share| !(**share > 0.0 && **share <= 1.0));
        if let Some(share) = shares.next() {
            let expected = "above 0, and at most 1".to_owned();
            return Err(TruthError::Setting { what: "poison", expected, found: share.to_string() });
        }
        let mut lengths = self.lengths.iter().filter(|length| !(1e-30..=1e30).contains(*length));
        if let Some(length) = lengths.next() {
            let expected = "from 1e-30 to 1e30 medians".to_owned();
            return Err(TruthError::Setting {
                what: "length of poison",
                expected,
                found: length.to_string(),
            });
        }
        let impossible = |&&m: &&usize| m == 0 || m >= self.train_samples;
        let mut removed = self.removed.iter().filter(|_| self.experiment == Experiment::Brittleness);
        if let Some(most) = removed.find(impossible) {
            let expected = format!("1 to {}, fewer than the training samples", self.train_samples - 1);
            return Err(TruthError::Setting { what: "samples to remove", expected, found: most.to_string() });
        }
        let unsuitable = |width: &usize| *width == 0 || *width >= 1 << 16 || !width.is_multiple_of(32);
        if let Some(width) = self.widths.iter().copied().find(unsuitable) {
            let expected = "a positive multiple of 32 below 65536".to_owned();
            return Err(TruthError::Setting { what: "numbers a sketch", expected, found: width.to_string() });
        }
        if self.experiment == Experiment::Loo && !self.hidden.is_empty() {
            return Err(TruthError::Setting {
                what: "model of leave-one-out",
                expected:
                    "linear (retrained networks differ by chance more than by a sample: use tsloo or lds)"
                        .to_owned(),
                found: format!("hidden layers of {:?}", self.hidden),
            });
        }
        Ok(())
    }

    /// The data, what is done to it, and what is asked of it.
    fn check_data(&self) -> Result<(), TruthError> {
        let refuse = |what, expected: &str, found: String| {
            Err(TruthError::Setting { what, expected: expected.to_owned(), found })
        };
        let of_digits = !self.experiment.takes_any_data();
        if of_digits && self.data != Source::Digits {
            let expected = format!("digits in the experiment {}", self.experiment.name());
            return refuse("data", &expected, self.data.to_string());
        }
        if !(0.0..1.0).contains(&self.noise) {
            return refuse("noise", "at least 0, and below 1", self.noise.to_string());
        }
        let flips = matches!(self.experiment, Experiment::Flips | Experiment::Sketches);
        if self.noise > 0.0 && (of_digits || flips) {
            let expected = format!("0 in the experiment {}", self.experiment.name());
            return refuse("noise", &expected, self.noise.to_string());
        }
        if let Some(damping) = self.damping.iter().find(|damping| !(damping.is_finite() && **damping > 0.0)) {
            return refuse("damping", "finite and above 0", damping.to_string());
        }
        let of_pictures = !matches!(self.target, Target::Samples | Target::Utility);
        if of_pictures && !self.data.is_of_pictures() {
            let expected = "samples or utility, where features are no pixels";
            return refuse("target", expected, self.target.name().to_owned());
        }
        Ok(())
    }
}
