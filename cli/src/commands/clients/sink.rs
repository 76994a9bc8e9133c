//! Where weights and the aggregate go.

use std::collections::BTreeMap;

use super::plan::Plan;
use super::report::{Report, Weighed};
use crate::commands::CommandError;
use crate::commands::paths::remark_output;
use crate::commands::rows::zeros;
use crate::commands::table_file::{TableFile, ends_in, is_table, or_endings};
use gradsieve::Error;
use gradsieve_io::files::{ArrayWriter, Cell, CellKind, Destination, Dtype, FileError, Label, Matrix};

/// Writes the weights of all rules.
///
/// # Errors
/// As for every [`Destination`]; an ending that says no format.
pub(super) fn write(
    to: &Destination,
    found: &[Weighed<'_>],
    ids: Option<&[Label]>,
) -> Result<(), CommandError> {
    let rows = found.first().map_or(0, |one| one.clients);
    if ends_in(to, "json") {
        let mut output = to.create()?;
        let failed = |cause: serde_json::Error| FileError::Io {
            file: to.to_string(),
            action: "write",
            cause: cause.into(),
        };
        serde_json::to_writer_pretty(&mut output, &Report::of(found, rows)).map_err(failed)?;
        output.write(b"\n")?;
        return Ok(output.finish()?);
    }
    if is_table(to) {
        let mut columns = vec![("index", CellKind::Whole)];
        columns.extend(ids.map(|_| ("id", CellKind::Text)));
        match found {
            [_] => columns.extend([("weight", CellKind::Double), ("kept", CellKind::Flag)]),
            several => columns.extend(several.iter().map(|one| (one.rule.name(), CellKind::Double))),
        }
        let mut table = TableFile::create(to, &columns)?;
        for row in 0..rows {
            let id = ids.map(|ids| ids[row].text());
            let mut cells = vec![Cell::Whole(row as u64)];
            cells.extend(id.as_deref().map(Cell::Text));
            cells.extend(found.iter().map(|one| Cell::Double(one.weights[row])));
            if let [one] = found {
                cells.push(Cell::Flag(one.weights[row] > 0.0));
            }
            table.push(&cells)?;
        }
        return table.finish();
    }
    remark_output(to);
    let names: Vec<&str> = found.iter().map(|one| one.rule.name()).collect();
    let about = BTreeMap::from([("gradsieve.rule".to_owned(), names.join(","))]);
    let shape = if let [_] = found { vec![rows] } else { vec![rows, found.len()] };
    let writer = ArrayWriter::create_named(to, "weights", &shape, Dtype::F64, &about);
    let mut writer = writer.map_err(or_endings(".csv, .parquet, .json, .npy or .safetensors"))?;
    for row in 0..rows {
        let weights: Vec<f64> = found.iter().map(|one| one.weights[row]).collect();
        writer.write_f64(&weights)?;
    }
    Ok(writer.finish()?)
}

/// Writes Σ wᵢ·gᵢ, summed in `f64` over the rows in this order.
///
/// # Errors
/// As for every [`Destination`]; the disk; an aggregate that leaves the range of `f32`.
pub(super) fn aggregate(
    to: &Destination,
    plan: &Plan,
    weights: &[f64],
    order: &[usize],
) -> Result<(), CommandError> {
    let mut matrix = Matrix::open(&plan.updates)?;
    let (name, columns) = (matrix.name().to_owned(), matrix.cols());
    let mut sum: Vec<f64> = zeros(&name, columns)?;
    let mut values: Vec<f32> = zeros(&name, columns)?;
    for &row in order.iter().filter(|&&row| weights[row] > 0.0) {
        matrix.read_row_into(row, &mut values)?;
        for (sum, value) in sum.iter_mut().zip(&values) {
            *sum += weights[row] * f64::from(*value);
        }
    }
    for (value, sum) in values.iter_mut().zip(&sum) {
        *value = *sum as f32;
    }
    if !values.iter().all(|value| value.is_finite()) {
        return Err(CommandError::core(&name)(Error::Range { what: "the aggregate" }));
    }
    remark_output(to);
    let about = BTreeMap::from([("gradsieve.rule".to_owned(), plan.rules[0].name().to_owned())]);
    let writer = ArrayWriter::create_named(to, "aggregate", &[columns], Dtype::F32, &about);
    let mut writer = writer.map_err(|error| match error {
        FileError::OutputName { file, .. } => CommandError::Argument {
            argument: "--aggregate",
            expected: "a name that ends in .npy or .safetensors".to_owned(),
            found: file,
        },
        error => error.into(),
    })?;
    writer.write(&values)?;
    Ok(writer.finish()?)
}
