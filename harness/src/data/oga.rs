//! The linear synthetic set of outlier gradient analysis, embedded as published: 150
//! points in the plane, two classes that a line parts, 10 labels flipped.
//!
//! Source: Chhabra et al., "Outlier Gradient Analysis", arXiv 2405.03869, the data beside
//! its code.

use std::path::Path;

use super::dataset::Dataset;
use super::error::DataError;

const CSV: &str = include_str!("../../data/oga-linear.csv");

/// The published set, 150×2, with the flips as its truth.
///
/// # Errors
/// None with the embedded file: the tests read it.
pub fn oga_linear() -> Result<Dataset, DataError> {
    super::csv::from_reader(CSV.as_bytes(), Path::new("oga-linear.csv"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_set_has_ten_flips_among_150_points() {
        let set = oga_linear().unwrap();
        assert_eq!((set.name(), set.len(), set.dim(), set.classes()), ("oga-linear", 150, 2, 2));
        assert_eq!(set.flipped().unwrap().iter().filter(|&&f| f).count(), 10);
        assert_eq!(set.class_counts(), [79, 71]);
        assert_eq!(set.row(0).unwrap(), [1.552_614_8_f32, -1.970_922_8]);
    }
}
