//! What a method gives.

/// Scores, and the bytes that the method's state took (models and gradients not counted).
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// m × n, target by target; or n for scores of itself.
    pub scores: Vec<f64>,
    /// Bytes of state.
    pub bytes: usize,
}

/// m × n scores, a function of the numbers of target and sample.
pub(super) fn all_pairs<E>(
    m: usize,
    n: usize,
    mut score: impl FnMut(usize, usize) -> Result<f64, E>,
) -> Result<Vec<f64>, E> {
    (0..m * n).map(|at| score(at / n, at % n)).collect()
}
