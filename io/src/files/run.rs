//! `run.json` of a recorded run: what took its steps.
//!
//! ```json
//! {"optimizer": {"name": "SGD", "momentum": 0.9, "weight_decay": 0.01}, "reduction": "mean"}
//! ```
//!
//! | field | what |
//! |---|---|
//! | `optimizer.name` | the name of the optimizer's class, as in PyTorch |
//! | `optimizer.momentum`, `dampening`, `weight_decay` | its settings; 0 where they are missing |
//! | `optimizer.nesterov`, `maximize` | false where they are missing |
//! | `optimizer.varies` | settings that are not the same for all parameters |
//! | `reduction` | `mean` or `sum`: what the optimizer saw of the samples' losses |
//!
//! Other fields are passed over. A run without the file is one of which nothing is known.

use std::io::{ErrorKind, Read};
use std::path::Path;

use serde::Deserialize;

use super::error::FileError;

/// The name of the file.
pub const RUN_FILE: &str = "run.json";

/// The most bytes that are read of it.
const MOST: u64 = 1 << 20;

/// What took the steps of a recorded run.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct RunFile {
    /// The optimizer.
    pub optimizer: RunOptimizer,
    /// What it saw of a batch.
    pub reduction: Reduction,
}

/// What an optimizer sees of the losses of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reduction {
    /// Their mean.
    Mean,
    /// Their sum.
    Sum,
}

/// An optimizer and its settings. The learning rate stands in each step.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct RunOptimizer {
    /// Its class, as in `SGD`, `AdamW`.
    pub name: String,
    /// μ of SGD.
    #[serde(default)]
    pub momentum: f64,
    /// One minus what of a gradient goes into SGD's velocity.
    #[serde(default)]
    pub dampening: f64,
    /// λ.
    #[serde(default)]
    pub weight_decay: f64,
    /// Whether SGD looks ahead along its velocity.
    #[serde(default)]
    pub nesterov: bool,
    /// Whether steps go up the gradient.
    #[serde(default)]
    pub maximize: bool,
    /// Settings that are not the same for all parameters.
    #[serde(default)]
    pub varies: Vec<String>,
}

impl RunFile {
    /// Reads the file of the run in `directory`, if there is one.
    ///
    /// # Errors
    /// A file that cannot be read, is longer than a mebibyte, or is not as the table
    /// says; a setting that is not finite or out of its range.
    pub fn read(directory: &Path) -> Result<Option<Self>, FileError> {
        let path = directory.join(RUN_FILE);
        let name = path.display().to_string();
        let file = match std::fs::File::open(&path) {
            Ok(file) => file,
            // Whether it is a directory at all is for who reads its steps to say.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(FileError::io(&name, "open", error)),
        };
        let refuse = |expected: &str, found: String| FileError::Step {
            file: name.clone(),
            expected: expected.to_owned(),
            found,
        };
        let mut text = Vec::new();
        file.take(MOST + 1).read_to_end(&mut text).map_err(|e| FileError::io(&name, "read", e))?;
        if text.len() as u64 > MOST {
            return Err(refuse("at most a mebibyte", "more".to_owned()));
        }
        let run: Self = serde_json::from_slice(&text)
            .map_err(|e| refuse("JSON with an \"optimizer\" and its \"reduction\"", e.to_string()))?;
        let RunOptimizer { momentum, dampening, weight_decay, .. } = run.optimizer;
        if !(0.0..1.0).contains(&momentum) {
            return Err(refuse("a momentum of at least 0 and below 1", momentum.to_string()));
        }
        if !(0.0..1.0).contains(&dampening) {
            return Err(refuse("a dampening of at least 0 and below 1", dampening.to_string()));
        }
        if !(0.0..=f64::from(f32::MAX)).contains(&weight_decay) {
            return Err(refuse("a weight decay that is finite and not negative", weight_decay.to_string()));
        }
        Ok(Some(run))
    }
}
