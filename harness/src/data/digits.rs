//! The 1,797 hand-written digits: 8×8 pixels, ten classes, embedded in the program.
//!
//! "Optical Recognition of Handwritten Digits", E. Alpaydin and C. Kaynak, UCI Machine
//! Learning Repository (1998), CC BY 4.0; the copy that scikit-learn ships. Pixels of
//! 0–16 are scaled to 0–1.

use std::path::Path;

use super::dataset::Dataset;
use super::error::DataError;

const CSV: &str = include_str!("../../data/digits.csv");

/// The digits, 1,797×64, pixels 0 to 1, label = the digit. No label is known to be wrong.
///
/// # Errors
/// None with the embedded file: the tests read it.
pub fn digits() -> Result<Dataset, DataError> {
    let mut set = super::csv::from_reader(CSV.as_bytes(), Path::new("digits.csv"))?.with_picture(8, 8)?;
    for pixel in set.features_mut() {
        *pixel /= 16.0;
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_are_the_ones_that_scikit_learn_ships() {
        let set = digits().unwrap();
        assert_eq!((set.name(), set.len(), set.dim(), set.classes()), ("digits", 1797, 64, 10));
        assert_eq!(set.class_counts(), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        let ink: f64 = set.features().iter().map(|&x| f64::from(x) * 16.0).sum();
        assert_eq!(ink, 561_718.0);
        assert!(set.features().iter().all(|x| (0.0..=1.0).contains(x)));
    }
}
