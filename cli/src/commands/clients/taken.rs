//! The updates of a round, read.

use super::report::CONSEQUENCE;
use super::weighing::Held;
use crate::commands::CommandError;
use crate::commands::rows::{Rows, is_finite, zeros};
use gradsieve::clients::{Client, Round, RoundSettings};

/// The sketches of all updates, and which of them do not count.
pub(super) struct Taken {
    pub(super) round: Held,
    /// Rows with NaN or infinite entries.
    pub(super) non_finite: Vec<usize>,
    /// Rows that are finite, but too large for `f32`, or whose sketch is.
    pub(super) out_of_range: Vec<usize>,
}

impl Taken {
    /// Reads the updates. Row `order[id]` is the client `id`.
    ///
    /// # Errors
    /// As [`Rows::pass`]; no memory for so many clients.
    pub(super) fn new(rows: &mut Rows, order: &[usize]) -> Result<Self, CommandError> {
        let name = rows.name().to_owned();
        let mut ids = vec![0; order.len()];
        order.iter().zip(0..).for_each(|(&row, id)| ids[row] = id);
        let settings = RoundSettings { clients: order.len(), width: rows.width() };
        let memory = settings.memory();
        let (numbers, clients) = (zeros(&name, memory.f32s)?, zeros::<Client>(&name, memory.others)?);
        let mut round = Round::new(settings, numbers, clients).map_err(CommandError::core(&name))?;
        let (mut non_finite, mut beyond) = (Vec::new(), Vec::new());
        rows.pass("sketching", |row, sketch| {
            if !is_finite(sketch) {
                let rows = if sketch.measures.non_finite == 0 { &mut beyond } else { &mut non_finite };
                rows.push(row);
            }
            round.observe(ids[row], sketch).map_err(CommandError::core(&name))
        })?;
        rows.remark_non_finite(&non_finite, CONSEQUENCE);
        rows.remark_beyond(&beyond, "its sketch", CONSEQUENCE);
        let (out_of_range, non_finite): (Vec<usize>, Vec<usize>) =
            non_finite.iter().partition(|&&row| rows.is_out_of_range(row));
        Ok(Self { round, non_finite, out_of_range: [out_of_range, beyond].concat() })
    }

    /// The weights, which are in the order of [`Round::clients`], in that of the rows.
    pub(super) fn by_row(&self, weights: &[f64], order: &[usize]) -> Vec<f64> {
        let mut of_row = vec![0.0; order.len()];
        for (client, weight) in self.round.clients().zip(weights) {
            of_row[order[client.id() as usize]] = *weight;
        }
        of_row
    }
}
