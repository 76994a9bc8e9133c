//! A recorded training run: a directory with one `.safetensors` file a step.
//!
//! Files are named by the number of their step, `step-0000.safetensors` or any other name
//! that ends in digits; the numbers follow one another without a gap. A file holds
//!
//! | tensor | shape | what |
//! |---|---|---|
//! | `ids` | B, whole numbers | which training samples were in the batch, counted from 0; one that was drawn twice comes twice, and its influences add up |
//! | `learning_rate` | one float | in sum form: for a loss that is the mean over the batch, lr/B |
//! | `grads` | B × p | the samples' gradients, or instead of it |
//! | `a.NAME`, `b.NAME` | B × inputs, B × outputs | each linear layer's input and output gradient; the layer's gradient is b aᵀ, layers in the order of their names |
//! | `factors` | F × p, optional | rows h of the step's curvature Σ h hᵀ; without it the empirical Fisher |
//! | `factors.b.NAME` | F × outputs, F a multiple of B, optional | the same of linear layers: row k is b aᵀ, a the layer's input of sample k modulo B |
//! | `target` | Q × p or p | for in-run Shapley: the validation gradients at this step |
//! | `curvature` | as `target`, optional | for its second order: H Σ g, H the Hessian of each target's loss |
//! | `products` | 5 × 5, optional | of the step **before**: inner products of Δθ, ḡ, both of the step before it, and θ, with ḡ the gradient that the optimizer saw |
//!
//! Floats are `f16`, `bf16`, `f32` or `f64`, and become `f32`. A file is read whole: a
//! step must fit in memory, a run need not.

use std::fs;
use std::path::{Path, PathBuf};

use ::safetensors::SafeTensors;
use ::safetensors::tensor::{Dtype, TensorView};

use super::array::open_safetensors;
use super::error::{FileError, Shape};

/// Before the name of a layer: the output gradients of curvature.
const OUTPUTS: &str = "factors.b.";

/// The most tensors of a step.
const MOST_TENSORS: usize = 1 << 16;

/// Numbers in rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepRows {
    /// Row-major.
    pub values: Vec<f32>,
    /// Numbers a row.
    pub columns: usize,
}

impl StepRows {
    /// How many rows.
    pub fn count(&self) -> usize {
        self.values.len().checked_div(self.columns).unwrap_or(0)
    }
}

/// The samples' gradients in a step.
#[derive(Clone, Debug, PartialEq)]
pub enum StepGradients {
    /// Written out.
    Rows(StepRows),
    /// Inputs a and output gradients b of each linear layer.
    Layers(Vec<(StepRows, StepRows)>),
}

/// Rows h of a step's curvature Σ h hᵀ.
#[derive(Clone, Debug, PartialEq)]
pub enum StepFactors {
    /// Written out.
    Rows(StepRows),
    /// Output gradients b of each linear layer: row k is b aᵀ, with the input of sample k
    /// modulo B.
    Outputs(Vec<StepRows>),
}

impl StepFactors {
    /// How many rows.
    pub fn count(&self) -> usize {
        match self {
            Self::Rows(rows) => rows.count(),
            Self::Outputs(layers) => layers.first().map_or(0, StepRows::count),
        }
    }
}

/// One step of a recorded run.
#[derive(Clone, Debug, PartialEq)]
pub struct StepFile {
    /// The file, for messages.
    pub name: String,
    /// The samples of the batch.
    pub ids: Vec<u32>,
    /// η in sum form.
    pub learning_rate: f64,
    /// Their gradients.
    pub gradients: StepGradients,
    /// Rows of the curvature.
    pub factors: Option<StepFactors>,
    /// Validation gradients at the step.
    pub target: Option<StepRows>,
    /// H Σ g of each of them.
    pub curvature: Option<StepRows>,
    /// What the step before did and saw.
    pub products: Option<[[f64; 5]; 5]>,
}

/// The files of a directory in the order of their steps.
///
/// # Errors
/// A directory that cannot be read, or holds no step; a number that is missing or comes
/// twice.
pub fn step_files(directory: &Path) -> Result<Vec<PathBuf>, FileError> {
    let name = directory.display().to_string();
    if !directory.is_dir() {
        let found = if directory.exists() { "a file" } else { "nothing of that name" };
        return Err(wrong(directory, "a directory with a .safetensors file for each step", found));
    }
    let mut numbered: Vec<(u64, PathBuf)> = Vec::new();
    for entry in fs::read_dir(directory).map_err(|e| FileError::io(&name, "read the directory", e))? {
        let path = entry.map_err(|e| FileError::io(&name, "read the directory", e))?.path();
        // Hidden files are not the run's: `._*` are what macOS leaves on other disks.
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if is_hidden || path.extension().is_none_or(|end| end != "safetensors") {
            continue;
        }
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let digits = stem.len() - stem.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        match stem[stem.len() - digits..].parse() {
            Ok(number) => numbered.push((number, path)),
            Err(_) => {
                return Err(wrong(
                    &path,
                    "a name that ends in the number of a step, as in step-0007.safetensors",
                    "none",
                ));
            }
        }
    }
    numbered.sort();
    for pair in numbered.windows(2) {
        let (before, after) = (pair[0].0, &pair[1]);
        if after.0 == before {
            return Err(wrong(
                &after.1,
                format!("one file for step {before}"),
                format!("two, with {}", pair[0].1.display()),
            ));
        }
        if after.0 != before + 1 {
            return Err(wrong(
                directory,
                format!("a file for step {}", before + 1),
                format!("step {} after step {before}", after.0),
            ));
        }
    }
    if numbered.is_empty() {
        return Err(wrong(directory, "a .safetensors file for each step", "none"));
    }
    Ok(numbered.into_iter().map(|(_, path)| path).collect())
}

fn wrong(path: &Path, expected: impl Into<String>, found: impl Into<String>) -> FileError {
    FileError::Step { file: path.display().to_string(), expected: expected.into(), found: found.into() }
}

impl StepFile {
    /// Reads a step.
    ///
    /// # Errors
    /// A file that is not as the table says; a learning rate that is not finite or
    /// negative; a number beyond the range of `f32`.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let name = path.display().to_string();
        // Seen to be in order, and to have the bytes that it names, before they are read.
        let (_, header) = open_safetensors(path)?;
        if header.tensors.len() > MOST_TENSORS {
            let found = header.tensors.len().to_string();
            return Err(wrong(path, format!("at most {MOST_TENSORS} tensors in a step"), found));
        }
        let bytes = fs::read(path).map_err(|e| FileError::io(&name, "read", e))?;
        let file = SafeTensors::deserialize(&bytes)
            .map_err(|e| FileError::SafetensorsHeader { file: name.clone(), problem: e.to_string() })?;
        let refuse = |expected: String, found: String| wrong(path, expected, found);
        let tensor = |name: &str| file.tensor(name).ok();
        let rows = |name: &str| tensor(name).map(|view| rows(path, name, &view)).transpose();
        let missing = |what: &str| refuse(format!("a tensor {what:?}"), list(&file.names()));

        let ids = ids(path, &tensor("ids").ok_or_else(|| missing("ids"))?)?;
        let rate = tensor("learning_rate").ok_or_else(|| missing("learning_rate"))?;
        let learning_rate = match floats(path, "learning_rate", &rate)?.as_slice() {
            [one] if one.is_finite() && *one >= 0.0 => *one,
            [one] => {
                return Err(refuse(
                    "a learning rate that is finite and not negative".to_owned(),
                    one.to_string(),
                ));
            }
            more => return Err(refuse("one learning rate".to_owned(), format!("{} numbers", more.len()))),
        };
        // Of either side: a layer that has but one is not passed over.
        let sides = file.names().into_iter();
        let mut layers: Vec<&str> =
            sides.filter_map(|name| name.strip_prefix("a.").or_else(|| name.strip_prefix("b."))).collect();
        layers.sort_unstable();
        layers.dedup();
        let gradients = match rows("grads")? {
            Some(grads) => StepGradients::Rows(grads),
            None if layers.is_empty() => return Err(missing("grads")),
            None => {
                let mut pairs = Vec::with_capacity(layers.len());
                for layer in &layers {
                    let side = |side: &str| -> Result<StepRows, FileError> {
                        let name = format!("{side}.{layer}");
                        rows(&name)?.ok_or_else(|| missing(&name))
                    };
                    pairs.push((side("a")?, side("b")?));
                }
                StepGradients::Layers(pairs)
            }
        };
        let outputs = file.names().into_iter().filter(|name| name.starts_with(OUTPUTS));
        // One of no layer, if there is such, is not passed over.
        let outputs = outputs.min_by_key(|name| layers.contains(&&name[OUTPUTS.len()..]));
        let factors = match (rows("factors")?, outputs) {
            (Some(_), Some(name)) => {
                let expected = format!("either \"factors\" or \"{OUTPUTS}NAME\"");
                return Err(refuse(expected, format!("\"factors\" and {name:?}")));
            }
            (Some(rows), None) => Some(StepFactors::Rows(rows)),
            (None, Some(name)) if matches!(gradients, StepGradients::Rows(_)) => {
                let expected = "gradients as \"a.NAME\" and \"b.NAME\" of layers, of which factors are";
                return Err(refuse(expected.to_owned(), format!("\"grads\" and {name:?}")));
            }
            (None, Some(name)) if !layers.contains(&&name[OUTPUTS.len()..]) => {
                let expected = format!("\"{OUTPUTS}NAME\" of the layers {}", layers.join(", "));
                return Err(refuse(expected, format!("{name:?}")));
            }
            (None, Some(_)) => {
                let of_layer = |layer: &&str| -> Result<StepRows, FileError> {
                    let name = format!("{OUTPUTS}{layer}");
                    rows(&name)?.ok_or_else(|| missing(&name))
                };
                Some(StepFactors::Outputs(layers.iter().map(of_layer).collect::<Result<_, _>>()?))
            }
            (None, None) => None,
        };
        let step = Self {
            name,
            ids,
            learning_rate,
            gradients,
            factors,
            target: rows("target")?,
            curvature: rows("curvature")?,
            products: tensor("products").map(|view| products(path, &view)).transpose()?,
        };
        step.check(path)?;
        Ok(step)
    }

    /// Coordinates of a gradient.
    pub fn columns(&self) -> usize {
        match &self.gradients {
            StepGradients::Rows(rows) => rows.columns,
            StepGradients::Layers(layers) => {
                layers.iter().fold(0, |sum, (a, b)| a.columns.saturating_mul(b.columns).saturating_add(sum))
            }
        }
    }

    /// Refuses output gradients of curvature that are not those of the layers.
    fn check_outputs(&self, path: &Path, outputs: &[StepRows]) -> Result<(), FileError> {
        let StepGradients::Layers(layers) = &self.gradients else { return Ok(()) };
        let (batch, count) = (self.ids.len(), outputs.first().map_or(0, StepRows::count));
        for ((_, b), of_layer) in layers.iter().zip(outputs) {
            if of_layer.columns != b.columns {
                let expected =
                    format!("{} columns of \"{OUTPUTS}NAME\", as many as \"b.NAME\" has", b.columns);
                return Err(wrong(path, expected, of_layer.columns.to_string()));
            }
            if of_layer.count() != count || !count.is_multiple_of(batch) {
                let expected =
                    format!("rows of \"{OUTPUTS}NAME\" a multiple of the {batch} ids, of each layer as many");
                return Err(wrong(path, expected, format!("{count} and {}", of_layer.count())));
            }
        }
        Ok(())
    }

    /// Refuses rows that do not fit one another.
    fn check(&self, path: &Path) -> Result<(), FileError> {
        let batch = self.ids.len();
        let counts = match &self.gradients {
            StepGradients::Rows(rows) => vec![rows.count()],
            StepGradients::Layers(layers) => {
                layers.iter().flat_map(|(a, b)| [a.count(), b.count()]).collect()
            }
        };
        if let Some(count) = counts.into_iter().find(|&count| count != batch) {
            return Err(wrong(
                path,
                format!("{batch} rows of gradients, one for each id"),
                count.to_string(),
            ));
        }
        let p = self.columns();
        let factors = match &self.factors {
            Some(StepFactors::Rows(rows)) => Some(rows),
            Some(StepFactors::Outputs(outputs)) => {
                self.check_outputs(path, outputs)?;
                None
            }
            None => None,
        };
        for (what, rows) in
            [("factors", factors), ("target", self.target.as_ref()), ("curvature", self.curvature.as_ref())]
        {
            if let Some(rows) = rows.filter(|rows| rows.columns != p) {
                return Err(wrong(
                    path,
                    format!("{p} columns of {what:?}, as many as the gradients have"),
                    rows.columns.to_string(),
                ));
            }
        }
        match (&self.target, &self.curvature) {
            (Some(target), Some(curvature)) if target.count() != curvature.count() => {
                let (expected, found) = (target.count(), curvature.count());
                Err(wrong(
                    path,
                    format!("{expected} rows of \"curvature\", as many as \"target\" has"),
                    found.to_string(),
                ))
            }
            _ => Ok(()),
        }
    }
}

fn list(names: &[&str]) -> String {
    let mut names = names.to_vec();
    names.sort_unstable();
    if names.is_empty() { "no tensors".to_owned() } else { format!("only {}", names.join(", ")) }
}

/// One or two dimensions of floats; one is a single row.
fn rows(path: &Path, name: &str, view: &TensorView<'_>) -> Result<StepRows, FileError> {
    let columns = match view.shape() {
        [columns] | [_, columns] if *columns > 0 => *columns,
        shape => {
            let shape = Shape(shape.iter().map(|&d| d as u64).collect());
            return Err(wrong(path, format!("{name:?} of two dimensions"), format!("shape {shape}")));
        }
    };
    let wide = floats(path, name, view)?;
    let values: Vec<f32> = wide.iter().map(|&value| value as f32).collect();
    if let Some(at) = (0..wide.len()).find(|&at| wide[at].is_finite() && values[at].is_infinite()) {
        let found = format!("{:e} in row {}, column {}", wide[at], at / columns, at % columns);
        return Err(wrong(path, format!("{name:?} within the range of f32 (at most 3.4e38)"), found));
    }
    Ok(StepRows { values, columns })
}

/// Twenty-five floats.
fn products(path: &Path, view: &TensorView<'_>) -> Result<[[f64; 5]; 5], FileError> {
    let wide = floats(path, "products", view)?;
    let mut rows = [[0.0; 5]; 5];
    if view.shape() != [5, 5] || wide.len() != 25 {
        let shape = Shape(view.shape().iter().map(|&d| d as u64).collect());
        return Err(wrong(path, "\"products\" of five rows and columns", format!("shape {shape}")));
    }
    rows.iter_mut().zip(wide.chunks_exact(5)).for_each(|(row, from)| row.copy_from_slice(from));
    Ok(rows)
}

fn floats(path: &Path, name: &str, view: &TensorView<'_>) -> Result<Vec<f64>, FileError> {
    let data = view.data();
    Ok(match view.dtype() {
        Dtype::F64 => data.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
        Dtype::F32 => data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b).into()).collect(),
        Dtype::F16 => data.as_chunks().0.iter().map(|b| half::f16::from_le_bytes(*b).to_f64()).collect(),
        Dtype::BF16 => data.as_chunks().0.iter().map(|b| half::bf16::from_le_bytes(*b).to_f64()).collect(),
        other => return Err(wrong(path, format!("{name:?} of floats"), format!("{other:?}"))),
    })
}

fn ids(path: &Path, view: &TensorView<'_>) -> Result<Vec<u32>, FileError> {
    let data = view.data();
    let refuse = |found: String| wrong(path, "\"ids\" of whole numbers from 0 to 4294967294", found);
    let wide: Vec<i128> = match view.dtype() {
        Dtype::I64 => data.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b).into()).collect(),
        Dtype::U64 => data.as_chunks().0.iter().map(|b| u64::from_le_bytes(*b).into()).collect(),
        Dtype::I32 => data.as_chunks().0.iter().map(|b| i32::from_le_bytes(*b).into()).collect(),
        Dtype::U32 => data.as_chunks().0.iter().map(|b| u32::from_le_bytes(*b).into()).collect(),
        other => return Err(refuse(format!("{other:?}"))),
    };
    let narrow =
        |id: i128| u32::try_from(id).ok().filter(|id| *id < u32::MAX).ok_or_else(|| refuse(id.to_string()));
    wide.into_iter().map(narrow).collect()
}
