//! The 569 tumours: thirty numbers about the nuclei of cells, malignant or benign,
//! embedded in the program.
//!
//! "Breast Cancer Wisconsin (Diagnostic)", W. Wolberg, O. Mangasarian, N. Street and W.
//! Street, UCI Machine Learning Repository (1993), CC BY 4.0; the copy that scikit-learn
//! ships. Of ten measurements come first the means, then their errors, then the worst
//! values.

use std::path::Path;

use super::dataset::Dataset;
use super::error::DataError;

const CSV: &str = include_str!("../../data/breast-cancer.csv");

/// The tumours, 569×30, as they were measured; benign is class 0, malignant 1. No label
/// is known to be wrong.
///
/// # Errors
/// None with the embedded file: the tests read it.
pub fn cancer() -> Result<Dataset, DataError> {
    super::csv::from_reader(CSV.as_bytes(), Path::new("cancer.csv"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tumours_are_the_ones_that_scikit_learn_ships() {
        let set = cancer().unwrap();
        assert_eq!((set.name(), set.len(), set.dim(), set.classes()), ("cancer", 569, 30, 2));
        assert_eq!(set.class_names(), ["benign", "malignant"]);
        assert_eq!(set.class_counts(), [357, 212]);
        let radius: f64 = set.samples().map(|(row, _)| f64::from(row[0])).sum();
        assert!((radius / 569.0 - 14.127_29).abs() < 1e-4);
    }
}
