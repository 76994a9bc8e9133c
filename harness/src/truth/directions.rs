//! Eigenvectors of a second moment, largest first: what projections that look at the data
//! are made of.

use nalgebra::{DMatrix, SymmetricEigen};

/// The eigenvectors of the `count` largest eigenvalues of a symmetric matrix, in rows.
#[must_use]
pub fn leading_directions(moment: DMatrix<f64>, count: usize) -> DMatrix<f64> {
    let inputs = moment.nrows();
    let eigen = SymmetricEigen::new(moment);
    let mut order: Vec<usize> = (0..inputs).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let entry = |row: usize, column: usize| eigen.eigenvectors[(column, order[row])];
    DMatrix::from_fn(count.min(inputs), inputs, entry)
}
