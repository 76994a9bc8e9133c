//! What a table of sketches has in a row.

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct TableRow<'a> {
    /// The sample.
    pub id: u64,
    /// Its class, sensor or client.
    pub group: u32,
    /// L1 norm of its gradient.
    pub l1: f64,
    /// Squared L2 norm of its gradient.
    pub l2_squared: f64,
    /// Largest magnitude in its gradient.
    pub max: f32,
    /// K numbers.
    pub sketch: &'a [f32],
}
