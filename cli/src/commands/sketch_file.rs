//! An array of sketches as a file that says how they were made and what norms their
//! gradients had.

use std::collections::BTreeMap;

use gradsieve::Sketch;

use super::CommandError;
use super::paths::remark_output;
use gradsieve_io::files::{ArrayWriter, Destination, Dtype, Measures, write_measures};

/// Name of the tensor in a `.safetensors` file.
const TENSOR: &str = "sketch";

/// A file of sketches that is under way.
pub(super) struct SketchFile {
    writer: ArrayWriter,
    to: Destination,
    settings: BTreeMap<String, String>,
    measures: Measures,
}

impl SketchFile {
    /// Begins a file of so many sketches, each so wide.
    ///
    /// # Errors
    /// As [`ArrayWriter::create_named`].
    pub(super) fn create(
        to: &Destination,
        shape: [usize; 2],
        dtype: Dtype,
        settings: BTreeMap<String, String>,
    ) -> Result<Self, CommandError> {
        remark_output(to);
        let writer = ArrayWriter::create_named(to, TENSOR, &shape, dtype, &settings)?;
        Ok(Self { writer, to: to.clone(), settings, measures: Measures::default() })
    }

    /// Appends the sketch of the next row.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn push(&mut self, sketch: &Sketch<'_>) -> Result<(), CommandError> {
        let Measures { l1, l2_squared, max, non_finite } = &mut self.measures;
        l1.push(sketch.measures.l1);
        l2_squared.push(sketch.measures.l2_squared);
        max.push(sketch.measures.max);
        non_finite.push(sketch.measures.non_finite);
        Ok(self.writer.write(sketch.values)?)
    }

    /// Appends a row of which nothing is known, as its gradient was not finite.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn push_missing(&mut self, nan: &[f32]) -> Result<(), CommandError> {
        let Measures { l1, l2_squared, max, non_finite } = &mut self.measures;
        l1.push(f64::NAN);
        l2_squared.push(f64::NAN);
        max.push(0.0);
        non_finite.push(1);
        Ok(self.writer.write(nan)?)
    }

    /// Completes the file, and puts beside it what it cannot hold.
    ///
    /// # Errors
    /// Fewer rows than the shape has; the disk.
    pub(super) fn finish(self) -> Result<(), CommandError> {
        self.writer.finish()?;
        match &self.to {
            Destination::Path(path) => Ok(write_measures(path, &self.settings, &self.measures)?),
            Destination::Stdout => Ok(()),
        }
    }
}
