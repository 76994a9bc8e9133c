//! A data set in memory: n rows of d features, n labels, and what is known about wrong
//! labels.
//!
//! Rows are stored one after another (n×d, row-major, f32). A subset remembers where its
//! rows came from, so a report can name a suspicious row by its place in the source.

use rand::seq::SliceRandom;

use super::error::DataError;
use super::random::{Purpose, generator};

/// Samples with labels. Features are finite and labels below [`classes`](Self::classes),
/// always.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    name: String,
    features: Vec<f32>,
    labels: Vec<u32>,
    dim: usize,
    class_names: Vec<String>,
    flipped: Option<Vec<bool>>,
    source_rows: Vec<usize>,
    picture: Option<(usize, usize)>,
}

impl Dataset {
    /// A set of `labels.len()` samples with `dim` features each, `features` row by row,
    /// and `classes` classes that are named by their numbers.
    ///
    /// # Errors
    /// A length that disagrees, no sample at all, fewer than two classes, a feature that
    /// is not finite, a label that is not below `classes`.
    pub fn new(
        name: impl Into<String>,
        features: Vec<f32>,
        labels: Vec<u32>,
        dim: usize,
        classes: usize,
    ) -> Result<Self, DataError> {
        let samples = labels.len();
        if dim == 0 || samples == 0 {
            let what = if dim == 0 { "features per sample" } else { "samples" };
            return Err(DataError::Range { what, found: 0.0, expected: "at least 1" });
        }
        if classes < 2 {
            return Err(DataError::Range {
                what: "number of classes",
                found: classes as f64,
                expected: "at least 2",
            });
        }
        let expected = samples.saturating_mul(dim);
        if features.len() != expected {
            return Err(DataError::Length { what: "feature values", found: features.len(), expected });
        }
        if let Some(at) = features.iter().position(|x| !x.is_finite()) {
            return Err(DataError::NotFinite { row: at / dim, column: at % dim, value: features[at] });
        }
        if let Some(row) = labels.iter().position(|&y| y as usize >= classes) {
            return Err(DataError::Label { row, label: labels[row], classes });
        }
        Ok(Self {
            name: name.into(),
            features,
            labels,
            dim,
            class_names: (0..classes).map(|c| c.to_string()).collect(),
            flipped: None,
            source_rows: (0..samples).collect(),
            picture: None,
        })
    }

    /// The same set with known truth: `flipped[i]` says that the label of sample i is
    /// wrong.
    ///
    /// # Errors
    /// A mask of another length than the set.
    pub fn with_truth(mut self, flipped: Vec<bool>) -> Result<Self, DataError> {
        self.check_mask("truth mask", &flipped)?;
        self.flipped = Some(flipped);
        Ok(self)
    }

    /// The same set with other labels, n; what was known of flips is forgotten.
    ///
    /// # Errors
    /// Another number of labels than samples; a label that is no class.
    pub fn with_labels(mut self, labels: Vec<u32>) -> Result<Self, DataError> {
        if labels.len() != self.len() {
            return Err(DataError::Length { what: "labels", found: labels.len(), expected: self.len() });
        }
        let classes = self.classes();
        if let Some(row) = labels.iter().position(|&y| y as usize >= classes) {
            return Err(DataError::Label { row, label: labels[row], classes });
        }
        self.labels = labels;
        self.flipped = None;
        Ok(self)
    }

    /// The same samples with other features, n×d, row by row.
    ///
    /// # Errors
    /// Another number of values; one that is not finite.
    pub fn with_features(mut self, features: Vec<f32>) -> Result<Self, DataError> {
        let (found, expected) = (features.len(), self.features.len());
        if found != expected {
            return Err(DataError::Length { what: "feature values", found, expected });
        }
        if let Some(at) = features.iter().position(|x| !x.is_finite()) {
            let (row, column) = (at / self.dim, at % self.dim);
            return Err(DataError::NotFinite { row, column, value: features[at] });
        }
        self.features = features;
        Ok(self)
    }

    /// The same set with names for its classes.
    ///
    /// # Errors
    /// Another number of names than classes.
    pub fn with_class_names(mut self, names: Vec<String>) -> Result<Self, DataError> {
        if names.len() != self.classes() {
            return Err(DataError::Length {
                what: "class names",
                found: names.len(),
                expected: self.classes(),
            });
        }
        self.class_names = names;
        Ok(self)
    }

    /// The same set, each row of which is a picture of `width`×`height` pixels, row by
    /// row, 0 to 1.
    ///
    /// # Errors
    /// A size that is not the number of features.
    pub fn with_picture(mut self, width: usize, height: usize) -> Result<Self, DataError> {
        let found = width.saturating_mul(height);
        if found != self.dim {
            return Err(DataError::Length { what: "pixels of a picture", found, expected: self.dim });
        }
        self.picture = Some((width, height));
        Ok(self)
    }

    /// The set's name, for titles.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of samples n.
    #[allow(clippy::len_without_is_empty, reason = "a set holds at least one sample")]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// The number of features d of a sample.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// The names of the classes, by label.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// All features, n×d, row by row.
    pub fn features(&self) -> &[f32] {
        &self.features
    }

    /// The labels, one a sample.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The features of sample `i`, `None` past the end.
    pub fn row(&self, i: usize) -> Option<&[f32]> {
        self.features.chunks_exact(self.dim).nth(i)
    }

    /// Every sample in order: its features and its label.
    pub fn samples(&self) -> impl ExactSizeIterator<Item = (&[f32], u32)> {
        self.features.chunks_exact(self.dim).zip(self.labels.iter().copied())
    }

    /// Which labels are known to be wrong; `None` when nothing is known.
    pub fn flipped(&self) -> Option<&[bool]> {
        self.flipped.as_deref()
    }

    /// For each sample its row in the source (a file's data row, from 0), before any
    /// split or subset.
    pub fn source_rows(&self) -> &[usize] {
        &self.source_rows
    }

    /// Width and height when a row is a picture.
    pub fn picture(&self) -> Option<(usize, usize)> {
        self.picture
    }

    /// How many samples each class has, by label.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes()];
        for &label in &self.labels {
            counts[label as usize] += 1;
        }
        counts
    }

    /// The samples at `indices`, in that order (an index may come twice), with everything
    /// known about them.
    ///
    /// # Errors
    /// An index past the end; no index at all.
    pub fn subset(&self, indices: &[usize]) -> Result<Self, DataError> {
        if indices.is_empty() {
            return Err(DataError::Range { what: "samples of a subset", found: 0.0, expected: "at least 1" });
        }
        if let Some(&index) = indices.iter().find(|&&i| i >= self.len()) {
            return Err(DataError::Index { index, samples: self.len() });
        }
        let mut features = Vec::with_capacity(indices.len() * self.dim);
        for &i in indices {
            features.extend_from_slice(&self.features[i * self.dim..(i + 1) * self.dim]);
        }
        Ok(Self {
            name: self.name.clone(),
            features,
            labels: indices.iter().map(|&i| self.labels[i]).collect(),
            dim: self.dim,
            class_names: self.class_names.clone(),
            flipped: self.flipped.as_ref().map(|mask| indices.iter().map(|&i| mask[i]).collect()),
            source_rows: indices.iter().map(|&i| self.source_rows[i]).collect(),
            picture: self.picture,
        })
    }

    /// The set without the samples whose entry in `mask` is true, in the same order.
    ///
    /// # Errors
    /// A mask of another length than the set; a mask that leaves nothing.
    pub fn without(&self, mask: &[bool]) -> Result<Self, DataError> {
        self.check_mask("mask of samples to leave out", mask)?;
        let kept: Vec<usize> = (0..self.len()).filter(|&i| !mask[i]).collect();
        self.subset(&kept)
    }

    /// Splits into (train, test), class by class: of a class with m samples,
    /// round(`test_fraction`·m) that are drawn by `seed` go to the test set. Both sides
    /// keep the order of the rows.
    ///
    /// # Errors
    /// A fraction outside 0 to 1; one that leaves a side empty.
    pub fn split(&self, test_fraction: f64, seed: u64) -> Result<(Self, Self), DataError> {
        check_fraction("test fraction", test_fraction)?;
        let mut rng = generator(seed, Purpose::Split);
        let mut tested = vec![false; self.len()];
        for class in 0..self.classes() {
            let mut members: Vec<usize> =
                (0..self.len()).filter(|&i| self.labels[i] as usize == class).collect();
            members.shuffle(&mut rng);
            for &i in &members[..rounded_share(test_fraction, members.len())] {
                tested[i] = true;
            }
        }
        let (test, train): (Vec<usize>, Vec<usize>) = (0..self.len()).partition(|&i| tested[i]);
        if train.is_empty() || test.is_empty() {
            return Err(DataError::EmptySplit {
                fraction: test_fraction,
                samples: self.len(),
                train: train.len(),
                test: test.len(),
            });
        }
        Ok((self.subset(&train)?, self.subset(&test)?))
    }

    pub(super) fn features_mut(&mut self) -> &mut [f32] {
        &mut self.features
    }

    pub(super) fn labels_and_truth_mut(&mut self) -> (&mut [u32], &mut Option<Vec<bool>>) {
        (&mut self.labels, &mut self.flipped)
    }

    fn check_mask(&self, what: &'static str, mask: &[bool]) -> Result<(), DataError> {
        if mask.len() != self.len() {
            return Err(DataError::Length { what, found: mask.len(), expected: self.len() });
        }
        Ok(())
    }
}

/// round(fraction·n), halves up; `fraction` lies in 0 to 1.
pub(super) fn rounded_share(fraction: f64, n: usize) -> usize {
    (libm::floor(fraction * n as f64 + 0.5) as usize).min(n)
}

pub(super) fn check_fraction(what: &'static str, fraction: f64) -> Result<(), DataError> {
    if !(0.0..=1.0).contains(&fraction) {
        return Err(DataError::Range { what, found: fraction, expected: "a number from 0 to 1" });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// n samples of one feature, the row's number; classes in turn.
    fn counting(n: usize, classes: usize) -> Dataset {
        let features = (0..n).map(|i| i as f32).collect();
        let labels = (0..n).map(|i| (i % classes) as u32).collect();
        Dataset::new("counting", features, labels, 1, classes).unwrap()
    }

    #[test]
    fn a_split_parts_the_rows_and_keeps_the_share_of_each_class() {
        let set = counting(100, 4);
        let (train, test) = set.split(0.3, 5).unwrap();
        assert_eq!(test.class_counts(), [8, 8, 8, 8]);
        assert_eq!(train.class_counts(), [17, 17, 17, 17]);
        let mut rows = [train.source_rows(), test.source_rows()].concat();
        rows.sort_unstable();
        assert_eq!(rows, (0..100).collect::<Vec<_>>());
        for (features, &row) in test.features().iter().zip(test.source_rows()) {
            assert_eq!(*features, row as f32);
        }
    }

    #[test]
    fn a_split_is_a_function_of_its_seed() {
        let set = counting(100, 4);
        assert_eq!(set.split(0.3, 5).unwrap(), set.split(0.3, 5).unwrap());
        assert_ne!(set.split(0.3, 5).unwrap(), set.split(0.3, 6).unwrap());
    }

    #[test]
    fn a_subset_of_a_subset_still_names_the_source_rows() {
        let set = counting(10, 2).with_truth((0..10).map(|i| i == 7).collect()).unwrap();
        let part = set.without(&(0..10).map(|i| i < 5).collect::<Vec<_>>()).unwrap();
        let part = part.subset(&[2, 0]).unwrap();
        assert_eq!(part.source_rows(), [7, 5]);
        assert_eq!(part.labels(), [1, 1]);
        assert_eq!(part.flipped().unwrap(), [true, false]);
        assert_eq!(part.row(0).unwrap(), [7.0]);
        assert_eq!(part.row(2), None);
    }

    #[test]
    fn bad_input_is_an_error_that_says_what_was_expected() {
        let says = |result: Result<Dataset, DataError>| result.unwrap_err().to_string();
        assert_eq!(
            says(Dataset::new("", vec![0.0; 5], vec![0, 1], 2, 2)),
            "feature values: 5 given, expected 4"
        );
        assert_eq!(
            says(Dataset::new("", vec![0.0, 1.0, 2.0, f32::NAN], vec![0, 1], 2, 2)),
            "the feature in row 1, column 1 is NaN, expected a finite number"
        );
        assert_eq!(
            says(Dataset::new("", vec![0.0; 2], vec![0, 2], 1, 2)),
            "the label of row 1 is 2, expected less than 2, the number of classes"
        );
        assert!(Dataset::new("", vec![], vec![], 1, 2).is_err());
        assert!(Dataset::new("", vec![], vec![0], 0, 2).is_err());
        assert!(Dataset::new("", vec![0.0], vec![0], 1, 1).is_err());
        let set = counting(10, 2);
        assert!(set.without(&[true; 9]).is_err());
        assert!(set.without(&[true; 10]).is_err());
        assert!(set.subset(&[10]).is_err());
        assert!(set.clone().with_truth(vec![]).is_err());
        assert!(set.clone().with_picture(3, 3).is_err());
        for fraction in [-0.1, 1.1, f64::NAN, 0.0, 1.0] {
            assert!(set.split(fraction, 0).is_err(), "{fraction}");
        }
    }
}
